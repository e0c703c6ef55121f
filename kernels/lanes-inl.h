// Vectors of bytes in memory of any alignment: loads, stores, byte reversal per item, and the lanes
// of interleaved channels, shared by the move kernels. Per-target header: include after
// foreach_target.h. Lane types wider than a byte are reached by BitCast, because Highway's own
// loads want element alignment on some targets.
#if defined(STRIDECAST_KERNELS_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STRIDECAST_KERNELS_LANES_INL_H_
#undef STRIDECAST_KERNELS_LANES_INL_H_
#else
#define STRIDECAST_KERNELS_LANES_INL_H_
#endif

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// Two 64-bit halves: the lane type in which 16-byte items are held outside vectors.
struct U128 {
  uint64_t half[2];
};

template <size_t kSize>
struct LaneOf;
template <>
struct LaneOf<1> {
  using Type = uint8_t;
};
template <>
struct LaneOf<2> {
  using Type = uint16_t;
};
template <>
struct LaneOf<4> {
  using Type = uint32_t;
};
template <>
struct LaneOf<8> {
  using Type = uint64_t;
};
template <>
struct LaneOf<16> {
  using Type = U128;
};
template <size_t kSize>
using Lane = typename LaneOf<kSize>::Type;

HWY_INLINE uint8_t ReverseBytes(uint8_t value) { return value; }
HWY_INLINE uint16_t ReverseBytes(uint16_t value) { return __builtin_bswap16(value); }
HWY_INLINE uint32_t ReverseBytes(uint32_t value) { return __builtin_bswap32(value); }
HWY_INLINE uint64_t ReverseBytes(uint64_t value) { return __builtin_bswap64(value); }
HWY_INLINE U128 ReverseBytes(U128 value) {
  return {{__builtin_bswap64(value.half[1]), __builtin_bswap64(value.half[0])}};
}

// kUnit in all that follows: how many bytes of an item are reversed together. 1 keeps the item,
// kSize reverses it whole, kSize / 2 is for complex numbers.
template <size_t kSize, size_t kUnit>
HWY_INLINE Lane<kSize> LoadItem(const uint8_t* src) {
  if constexpr (kUnit == 1 || kUnit == kSize) {
    Lane<kSize> value;
    memcpy(&value, src, kSize);
    return kUnit == 1 ? value : ReverseBytes(value);
  } else {
    static_assert(kUnit * 2 == kSize);
    Lane<kUnit> half[2];
    memcpy(half, src, kSize);
    half[0] = ReverseBytes(half[0]);
    half[1] = ReverseBytes(half[1]);
    Lane<kSize> value;
    memcpy(&value, half, kSize);
    return value;
  }
}

template <size_t kSize>
HWY_INLINE void StoreItem(Lane<kSize> value, uint8_t* dst) {
  memcpy(dst, &value, kSize);
}

// The same for all items of `v`, a vector of bytes.
template <size_t kUnit, class V>
HWY_INLINE V SwapUnits(V v) {
  const hn::DFromV<V> d8;
  if constexpr (kUnit == 1) {
    return v;
  } else if constexpr (kUnit == 16) {
    const hn::Repartition<uint64_t, decltype(d8)> d64;
    return hn::BitCast(d8, hn::Shuffle01(hn::ReverseLaneBytes(hn::BitCast(d64, v))));
  } else {
    const hn::Repartition<Lane<kUnit>, decltype(d8)> d;
    return hn::BitCast(d8, hn::ReverseLaneBytes(hn::BitCast(d, v)));
  }
}

template <class D>
HWY_INLINE void StoreBytes(hn::Vec<D> v, D d8, uint8_t* dst, bool stream) {
  if (HWY_UNLIKELY(stream)) {  // the other way round costs cached loops a taken branch a vector
    hn::Stream(v, d8, dst);
  } else {
    hn::StoreU(v, d8, dst);
  }
}

// Whether one instruction permutes the lanes of a vector of kSize bytes a lane.
template <size_t kSize>
inline constexpr bool kPermutesLanes = HWY_TARGET <= HWY_AVX3_DL ||
                                       (HWY_TARGET <= HWY_AVX3 && kSize >= 2) ||
                                       (HWY_TARGET <= HWY_AVX2 && kSize >= 4);

// kStep vectors in a row hold the items of kStep channels in turn; kStep is odd, so that no two
// lanes of one channel stand at the same place of two vectors: merged under masks of lanes, they
// fill one vector, in an order that one permutation mends.
template <class T, size_t kLanes, size_t kStep>
struct ChannelTables {
  static_assert(kStep % 2 == 1 && kStep < kLanes * 2);
  alignas(64) T phase[kLanes] = {};         // j % kStep
  alignas(64) T split[kStep][kLanes] = {};  // where the items of a channel stand after the merge
  alignas(64) T join[kStep][kLanes] = {};   // which item of a channel stands in lane j
};

template <class T, size_t kLanes, size_t kStep>
constexpr ChannelTables<T, kLanes, kStep> MakeChannelTables() {
  ChannelTables<T, kLanes, kStep> tables;
  for (size_t j = 0; j < kLanes; ++j) tables.phase[j] = static_cast<T>(j % kStep);
  for (size_t at = 0; at < kStep * kLanes; ++at) {
    const size_t lane = at % kLanes;
    tables.split[at % kStep][at / kStep] = static_cast<T>(lane);
    tables.join[at % kStep][lane] = static_cast<T>(at / kStep);
  }
  return tables;
}

template <class D, size_t kStep>
inline constexpr auto kChannelTables = MakeChannelTables<hn::TFromD<D>, hn::MaxLanes(D()), kStep>();

// The lanes of vector `k` of kStep that hold items of `channel`.
template <size_t kStep, class D>
HWY_INLINE hn::Mask<D> LanesOfChannel(D d, size_t k, size_t channel) {
  const size_t phase = (channel + kStep * k - hn::MaxLanes(d) % kStep * k) % kStep;
  return hn::Eq(hn::Load(d, kChannelTables<D, kStep>.phase),
                hn::Set(d, static_cast<hn::TFromD<D>>(phase)));
}

}  // namespace
}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
