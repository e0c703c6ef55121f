// Four vectors of 32-bit lanes to one of bytes, in order: their low bytes, or their signs.

#if defined(STRIDECAST_KERNELS_PACK_BYTES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STRIDECAST_KERNELS_PACK_BYTES_INL_H_
#undef STRIDECAST_KERNELS_PACK_BYTES_INL_H_
#else
#define STRIDECAST_KERNELS_PACK_BYTES_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// Lanes are packed to bytes in two steps. On x86 these go block by block of 16 bytes, and one
// permutation mends the order.
template <class DTo, class V>
HWY_INLINE hn::Vec<DTo> PackSaturated(DTo d, V v0, V v1) {
#if HWY_ARCH_X86
  return hn::ReorderDemote2To(d, v0, v1);
#else
  return hn::OrderedDemote2To(d, v0, v1);
#endif
}

#undef STRIDECAST_PACKS_BY_BLOCKS
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2 && HWY_TARGET > HWY_AVX3_DL
#define STRIDECAST_PACKS_BY_BLOCKS 1
#else
#define STRIDECAST_PACKS_BY_BLOCKS 0
#endif

#if STRIDECAST_PACKS_BY_BLOCKS
template <size_t kLanes>
struct PackedOrder {
  alignas(64) int32_t lane[kLanes] = {};
  constexpr PackedOrder() {
    constexpr size_t kBlocks = kLanes / 4;
    for (size_t i = 0; i < kLanes; ++i) {
      lane[i] = static_cast<int32_t>(i % kBlocks * 4 + i / kBlocks);
    }
  }
};
template <size_t kLanes>
inline constexpr PackedOrder<kLanes> kPackedOrder;
#endif

template <class D8>
HWY_INLINE hn::Vec<D8> InOrder(D8 d8, hn::Vec<D8> v) {
#if STRIDECAST_PACKS_BY_BLOCKS
  const hn::Repartition<int32_t, D8> d32;
  const auto order = hn::SetTableIndices(d32, kPackedOrder<HWY_MAX_LANES_D(D8) / 4>.lane);
  return hn::BitCast(d8, hn::TableLookupLanes(hn::BitCast(d32, v), order));
#else
  (void)d8;
  return v;
#endif
}

// The low bytes of 32-bit lanes.
template <class D8, class V>
HWY_INLINE hn::Vec<D8> PackLowBytes(D8 d8, V v0, V v1, V v2, V v3) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL
  const hn::Repartition<uint16_t, D8> d16;
  const auto lower = hn::ConcatEven(d16, hn::BitCast(d16, v1), hn::BitCast(d16, v0));
  const auto upper = hn::ConcatEven(d16, hn::BitCast(d16, v3), hn::BitCast(d16, v2));
  return hn::ConcatEven(d8, hn::BitCast(d8, upper), hn::BitCast(d8, lower));
#else
  const hn::RebindToSigned<hn::DFromV<V> > di32;
  const hn::Repartition<int16_t, D8> d16;
  const auto low = hn::Set(di32, 0xFF);
  const auto i0 = hn::And(hn::BitCast(di32, v0), low), i1 = hn::And(hn::BitCast(di32, v1), low);
  const auto i2 = hn::And(hn::BitCast(di32, v2), low), i3 = hn::And(hn::BitCast(di32, v3), low);
  const auto lower = PackSaturated(d16, i0, i1), upper = PackSaturated(d16, i2, i3);
  return InOrder(d8, PackSaturated(d8, lower, upper));
#endif
}

// Bytes with the signs of 32-bit lanes on top, and anything below.
template <class D8, class V>
HWY_INLINE hn::Vec<D8> PackSigns(D8 d8, V v0, V v1, V v2, V v3) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL
  const hn::Repartition<uint16_t, D8> d16;
  const auto lower = hn::ConcatOdd(d16, hn::BitCast(d16, v1), hn::BitCast(d16, v0));
  const auto upper = hn::ConcatOdd(d16, hn::BitCast(d16, v3), hn::BitCast(d16, v2));
  return hn::ConcatOdd(d8, hn::BitCast(d8, upper), hn::BitCast(d8, lower));
#else
  const hn::RebindToSigned<hn::DFromV<V> > di32;
  const hn::Repartition<int16_t, D8> d16;
  const hn::RebindToSigned<D8> di8;
  const auto lower = PackSaturated(d16, hn::BitCast(di32, v0), hn::BitCast(di32, v1));
  const auto upper = PackSaturated(d16, hn::BitCast(di32, v2), hn::BitCast(di32, v3));
  return InOrder(d8, hn::BitCast(d8, PackSaturated(di8, lower, upper)));
#endif
}

}  // namespace
}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
