// What the kernels of ISO 8601 texts share: batches of texts, one in every block of 16 bytes of
// eight vectors, and the way from there to one field of all texts in a vector, and back. Per-target
// header: include after foreach_target.h.
//
// With kBlocks blocks in a vector a batch has 8 * kBlocks texts. Block k of vector i is of text
// BatchStart(i) + 2 * k, so that the 64-bit lanes that fields end up in, two vectors' texts in one,
// are in the order of the texts.

#if defined(STRIDECAST_KERNELS_TIME_TEXT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STRIDECAST_KERNELS_TIME_TEXT_INL_H_
#undef STRIDECAST_KERNELS_TIME_TEXT_INL_H_
#else
#define STRIDECAST_KERNELS_TIME_TEXT_INL_H_
#endif

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "dtypes/calendar.h"
#include "dtypes/iso_time.h"
#include "hwy/highway.h"
#include "kernels/pack_bytes-inl.h"
#include "kernels/time_params.h"

// SSE2 shuffles no bytes.
#undef STRIDECAST_TIME_TEXT_VECTORS
#if !HWY_IS_LITTLE_ENDIAN || HWY_TARGET == HWY_SSE2 || HWY_TARGET == HWY_EMU128 || \
    HWY_TARGET == HWY_SCALAR
#define STRIDECAST_TIME_TEXT_VECTORS 0
#else
#define STRIDECAST_TIME_TEXT_VECTORS 1
#endif

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// Characters of texts without a fraction, and of those with one up to the point.
constexpr size_t kDateLength = 10, kMinuteLength = 16, kClockLength = 19, kPointLength = 20;
// From 0000-03-01, 400 years earlier, so that no year from 0 on is before it.
constexpr int64_t kDaysToDayZero = internal::kDaysToEpoch + internal::kDaysOfEra;

// Texts of UCS-4 pass through so many bytes. Longer ones go one by one.
constexpr size_t kChunk = 4096, kLongText = 64;

// What vectors do: days, seconds and the next three. -1: none of them, else the digits of the
// fraction, of days 0.
HWY_INLINE int DigitsOfVectors(const TimeUnit& unit) {
  using internal::TimeBase;
  if (unit.multiple != 1 || unit.base == TimeBase::kGeneric) return -1;
  const bool any = unit.base == TimeBase::kDay ||
                   (unit.base >= TimeBase::kSecond && unit.base <= TimeBase::kNanosecond);
  return any ? internal::fraction_digits(unit.base) : -1;
}

HWY_INLINE uint64_t TenTo(int exponent) {
  uint64_t power = 1;
  for (int i = 0; i < exponent; ++i) power *= 10;
  return power;
}

#if STRIDECAST_TIME_TEXT_VECTORS

using D8 = hn::ScalableTag<uint8_t>;
using D16 = hn::Repartition<uint16_t, D8>;
using D32 = hn::Repartition<uint32_t, D8>;
using D64 = hn::Repartition<uint64_t, D8>;
using V8 = hn::Vec<D8>;
using V16 = hn::Vec<D16>;
using V32 = hn::Vec<D32>;
using V64 = hn::Vec<D64>;

constexpr size_t kBlocks = hn::MaxLanes(D8()) / 16;
constexpr size_t kBatch = 8 * kBlocks;

constexpr size_t BatchStart(size_t i) { return i / 2 * 2 * kBlocks + i % 2; }
// The text of 16-bit lane `lane` where each vector is of one field.
constexpr size_t TextOfLane(size_t lane) { return BatchStart(lane % 8) + lane / 8 * 2; }

HWY_INLINE V8 AllBlocks(const uint8_t* bytes) { return hn::LoadDup128(D8(), bytes); }

// Blocks from p, p + step and so on.
template <class D>
HWY_INLINE hn::Vec<D> LoadBlocks(D d, const uint8_t* p, size_t step) {
  if constexpr (hn::MaxLanes(d) == 16) {
    return hn::LoadU(d, p);
  } else {
    const hn::Half<D> half;
    const size_t upper = hn::MaxLanes(half) / 16 * step;
    return hn::Combine(d, LoadBlocks(half, p + upper, step), LoadBlocks(half, p, step));
  }
}

// Calls body(p, block) for the blocks of v, 16 bytes each.
template <size_t kBlock = 0, class Body>
HWY_INLINE void ForBlocks(V8 v, uint8_t* p, size_t step, const Body& body) {
  if constexpr (kBlocks == 1) {
    body(p, v);
  } else if constexpr (kBlock < kBlocks) {
    body(p + kBlock * step, hn::ExtractBlock<kBlock>(v));
    ForBlocks<kBlock + 1>(v, p, step, body);
  }
}

template <class D>
HWY_INLINE V16 Lower(D d, V16 a, V16 b) {
  return hn::BitCast(D16(), hn::InterleaveLower(d, hn::BitCast(d, a), hn::BitCast(d, b)));
}
template <class D>
HWY_INLINE V16 Upper(D d, V16 a, V16 b) {
  return hn::BitCast(D16(), hn::InterleaveUpper(d, hn::BitCast(d, a), hn::BitCast(d, b)));
}

// Lane j of vector i becomes lane i of vector j, block by block.
HWY_INLINE void Transpose8(V16 (&v)[8]) {
  const D16 d16;
  const D32 d32;
  const D64 d64;
  const V16 a0 = Lower(d16, v[0], v[1]), a1 = Upper(d16, v[0], v[1]);
  const V16 a2 = Lower(d16, v[2], v[3]), a3 = Upper(d16, v[2], v[3]);
  const V16 a4 = Lower(d16, v[4], v[5]), a5 = Upper(d16, v[4], v[5]);
  const V16 a6 = Lower(d16, v[6], v[7]), a7 = Upper(d16, v[6], v[7]);
  const V16 b0 = Lower(d32, a0, a2), b1 = Upper(d32, a0, a2);
  const V16 b2 = Lower(d32, a1, a3), b3 = Upper(d32, a1, a3);
  const V16 b4 = Lower(d32, a4, a6), b5 = Upper(d32, a4, a6);
  const V16 b6 = Lower(d32, a5, a7), b7 = Upper(d32, a5, a7);
  v[0] = Lower(d64, b0, b4);
  v[1] = Upper(d64, b0, b4);
  v[2] = Lower(d64, b1, b5);
  v[3] = Upper(d64, b1, b5);
  v[4] = Lower(d64, b2, b6);
  v[5] = Upper(d64, b2, b6);
  v[6] = Lower(d64, b3, b7);
  v[7] = Upper(d64, b3, b7);
}

// Four 16-bit fields in each of eight 64-bit lanes, two a block, to a vector of each field.
HWY_INLINE void Transpose4(V64 w0, V64 w1, V64 w2, V64 w3, V16 (&field)[4]) {
  const D16 d16;
  const D64 d64;
  const V16 v0 = hn::BitCast(d16, w0), v1 = hn::BitCast(d16, w1);
  const V16 v2 = hn::BitCast(d16, w2), v3 = hn::BitCast(d16, w3);
  const V16 a0 = Lower(d16, v0, v1), a1 = Upper(d16, v0, v1);
  const V16 a2 = Lower(d16, v2, v3), a3 = Upper(d16, v2, v3);
  const V16 b0 = Lower(d16, a0, a1), b1 = Upper(d16, a0, a1);
  const V16 b2 = Lower(d16, a2, a3), b3 = Upper(d16, a2, a3);
  field[0] = Lower(d64, b0, b2);
  field[1] = Upper(d64, b0, b2);
  field[2] = Lower(d64, b1, b3);
  field[3] = Upper(d64, b1, b3);
}

// The low halves of 64-bit lanes times a number below 2^32.
HWY_INLINE V64 MulLow(V64 v, V64 by) {
  return hn::MulEven(hn::BitCast(D32(), v), hn::BitCast(D32(), by));
}

// Of lanes below 43699.
HWY_INLINE V16 By100(V16 v) {
  return hn::ShiftRight<3>(hn::MulHigh(v, hn::Set(D16(), uint16_t{5243})));
}

#endif  // STRIDECAST_TIME_TEXT_VECTORS

}  // namespace
}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
