// float32, float16 and bfloat16 to floats of at most 8 bits, which are given by run-time constants
// (NarrowFloatParams), and float32 to float8_e8m0fnu, which has neither fraction nor sign. One
// rounding to nearest even; all other sources come through these.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/narrow_float.cc"
#include <bit>

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/convert-inl.h"
#include "kernels/float16-inl.h"
#include "kernels/lane_types.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

// Four vectors of lanes are packed to one of bytes in two steps. On x86 these go block by block of
// 16 bytes, and one permutation mends the order.
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
  const hn::RebindToSigned<hn::DFromV<V>> di32;
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
  const hn::RebindToSigned<hn::DFromV<V>> di32;
  const hn::Repartition<int16_t, D8> d16;
  const hn::RebindToSigned<D8> di8;
  const auto lower = PackSaturated(d16, hn::BitCast(di32, v0), hn::BitCast(di32, v1));
  const auto upper = PackSaturated(d16, hn::BitCast(di32, v2), hn::BitCast(di32, v3));
  return InOrder(d8, hn::BitCast(d8, PackSaturated(di8, lower, upper)));
#endif
}

// The source's values as float32, exact.
template <typename S>
struct Source;
template <>
struct Source<float> {
  using Lane = float;
  template <class DF32>
  static HWY_INLINE hn::Vec<DF32> Widen(DF32, hn::Vec<DF32> v) {
    return v;
  }
};
template <>
struct Source<Float16> {
  using Lane = uint16_t;
  template <class DF32>
  static HWY_INLINE hn::Vec<DF32> Widen(DF32 df32, VecOfU16<DF32> v) {
    return Float16ToFloat32(df32, v);
  }
};
template <>
struct Source<BFloat16> {
  using Lane = uint16_t;
  template <class DF32>
  static HWY_INLINE hn::Vec<DF32> Widen(DF32 df32, VecOfU16<DF32> v) {
    return BFloat16AsFloat32(df32, v);
  }
};

// The adder rounds: to |x| a power of two is added whose last place has the weight of the last
// place that the destination has for x. The sum's low bits count in that weight, up to the next
// power of two, which is right in codes, too; above them the sum's exponent tells which power was
// added. Subnormals are what shares the weight of the smallest normal binade.
//
// kNanOverflows: NaN has the code of what overflows.
template <typename S, bool kNanOverflows>
struct ToNarrow {
  using Src = typename Source<S>::Lane;
  using Dst = uint8_t;
  using Wide = float;

  explicit ToNarrow(const sc_run& run) {
    const auto& p = *static_cast<const NarrowFloatParams*>(run.params);
    const auto float_bits = [&p](uint32_t code) {
      return static_cast<int32_t>((code + p.rebias) << p.dropped_bits);
    };
    const uint32_t fraction_bits = 23 - p.dropped_bits;
    dropped_ = p.dropped_bits;
    largest_ = float_bits(p.overflow);
    nan_ = float_bits(p.nan);
    min_normal_ = float_bits(1u << fraction_bits);
    // The exponent of the power added in the smallest binade, where it is to count nothing. What
    // corrects it is even, so that ties fall as they would without.
    const uint32_t exponent = (static_cast<uint32_t>(min_normal_) >> 23) + p.dropped_bits;
    const uint32_t correction = (0u - (exponent << fraction_bits)) & 0xFF;
    factor_ = std::bit_cast<float>(((127 + p.dropped_bits) << 23) + correction);
    sign_shift_ = static_cast<int>(p.sign_bits) - 24;
    sign_ = static_cast<uint8_t>(0x80u >> sign_shift_);
    // What no code without a sign is, where zero may have one.
    unsigned_ = p.unsigned_zero ? uint8_t{0} : uint8_t{0xFF};
  }

  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    const hn::Rebind<float, DD> df32;
    const hn::Rebind<uint32_t, DD> du32;
    const auto x = Source<S>::Widen(df32, v);
    const auto top = hn::ShiftRight<24>(hn::BitCast(du32, x));
    const auto sign = hn::And(hn::ShiftRightSame(top, sign_shift_), hn::Set(du32, sign_));
    const auto code = hn::And(Codes(x), hn::Set(du32, 0xFFu));
    const auto no_sign = hn::Eq(code, hn::Set(du32, unsigned_));
    return hn::TruncateTo(dd, hn::Or(code, hn::IfThenZeroElse(no_sign, sign)));
  }

  template <class D8, class V>
  HWY_INLINE hn::Vec<D8> Pack4(D8 d8, V v0, V v1, V v2, V v3) const {
    const hn::Rebind<float, hn::DFromV<V>> df32;
    const hn::Repartition<uint16_t, D8> d16;
    const auto x0 = Source<S>::Widen(df32, v0), x1 = Source<S>::Widen(df32, v1);
    const auto x2 = Source<S>::Widen(df32, v2), x3 = Source<S>::Widen(df32, v3);
    const auto code = PackLowBytes(d8, Codes(x0), Codes(x1), Codes(x2), Codes(x3));
    const auto top = hn::BitCast(d16, PackSigns(d8, x0, x1, x2, x3));
    const auto shifted = hn::BitCast(d8, hn::ShiftRightSame(top, sign_shift_));
    const auto sign = hn::And(shifted, hn::Set(d8, sign_));
    const auto no_sign = hn::Eq(code, hn::Set(d8, unsigned_));
    return hn::Or(code, hn::IfThenZeroElse(no_sign, sign));
  }

 private:
  // Codes without sign in the low bytes of 32-bit lanes.
  template <class V>
  HWY_INLINE auto Codes(V x) const {
    const hn::DFromV<V> df32;
    const hn::RebindToSigned<decltype(df32)> di32;
    const hn::RebindToUnsigned<decltype(df32)> du32;
    const auto magnitude = hn::And(hn::BitCast(di32, x), hn::Set(di32, 0x7FFFFFFF));
    const auto largest = hn::Set(di32, largest_);
    auto within = hn::Min(magnitude, largest);
    if constexpr (!kNanOverflows) {
      const auto is_number = hn::RebindMask(di32, hn::Eq(x, x));
      within = hn::MaskedMinOr(hn::Set(di32, nan_), is_number, magnitude, largest);
    }
    const auto binade =
        hn::Max(hn::And(within, hn::Set(di32, 0x7F800000)), hn::Set(di32, min_normal_));
    // The product is exact: one rounding, fused or not.
    const auto sum = hn::BitCast(du32, hn::MulAdd(hn::BitCast(df32, binade), hn::Set(df32, factor_),
                                                  hn::BitCast(df32, within)));
    return hn::Add(sum, ShiftedByDropped(du32, sum));
  }

  template <class DU32>
  HWY_INLINE hn::Vec<DU32> ShiftedByDropped(DU32 du32, hn::Vec<DU32> v) const {
#if HWY_TARGET == HWY_SSE2  // has no shifts lane by lane
    (void)du32;
    return hn::ShiftRightSame(v, static_cast<int>(dropped_));
#else
    return hn::Shr(v, hn::Set(du32, dropped_));
#endif
  }

  uint32_t dropped_;
  int32_t largest_, nan_, min_normal_;
  float factor_;  // from a binade's power of two to the one that is added
  int sign_shift_;
  uint8_t sign_, unsigned_;
};

// Powers of two. What is not positive, NaNs and infinities have the one code of NaN, and so has
// what rounds beyond the largest value; what is below the smallest becomes that. Ties round away
// from zero: of two neighbours the larger one has the even significand, by IEEE 754's rule for
// formats of one digit.
struct ToE8M0 : Stateless {
  using Stateless::Stateless;
  using Src = float;
  using Dst = uint8_t;
  using Wide = float;

  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    return hn::TruncateTo(dd, Codes(v));
  }
  template <class D8, class V>
  HWY_INLINE hn::Vec<D8> Pack4(D8 d8, V v0, V v1, V v2, V v3) const {
    return PackLowBytes(d8, Codes(v0), Codes(v1), Codes(v2), Codes(v3));
  }

 private:
  // Less 1, so that zero comes out beyond infinity, as negative numbers do.
  template <class V>
  HWY_INLINE static auto Codes(V x) {
    const hn::RebindToUnsigned<hn::DFromV<V>> du32;
    const hn::RebindToSigned<hn::DFromV<V>> di32;
    const auto less_one = hn::Sub(hn::BitCast(du32, x), hn::Set(du32, 1u));
    const auto within = hn::Min(less_one, hn::Set(du32, 0x7F800000u - 1));
    // Half a binade more: of subnormals, where the binade below 2^-126 is half as wide, half of it.
    const auto is_subnormal = hn::Lt(hn::BitCast(di32, within), hn::Set(di32, 0x00800000 - 1));
    const auto half =
        hn::IfThenElse(hn::RebindMask(du32, is_subnormal), hn::Set(du32, 0x00200000u + 1),
                       hn::Set(du32, 0x00400000u + 1));
    return hn::ShiftRight<23>(hn::Add(within, half));
  }
};

template <typename S>
uint32_t NarrowRun(const sc_run* run) {
  const auto& params = *static_cast<const NarrowFloatParams*>(run->params);
  return params.nan == params.overflow ? ConvertRun<ToNarrow<S, true>>(run)
                                       : ConvertRun<ToNarrow<S, false>>(run);
}

template <typename S>
sc_entry NarrowEntry(const char* name) {
  sc_entry entry = ConvertEntry<ToNarrow<S, false>>(name);
  entry.run = NarrowRun<S>;
  return entry;
}

}  // namespace

void FillNarrowFloat(KernelTable& table) {
  table.narrow_float[0] = NarrowEntry<float>("narrow float32");
  table.narrow_float[1] = NarrowEntry<Float16>("narrow float16");
  table.narrow_float[2] = NarrowEntry<BFloat16>("narrow bfloat16");
  table.convert[Index(DType::kFloat32)][Index(DType::kFloat8E8M0FNU)] =
      ConvertEntry<ToE8M0>("convert float32 float8_e8m0fnu");
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
