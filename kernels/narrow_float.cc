// float32, float16 and bfloat16 to floats of at most 8 bits, which are given by run-time constants
// (NarrowFloatParams), and float32 and integers to float8_e8m0fnu, which has neither fraction nor
// sign. One rounding to nearest even; all other sources come through these. Of the ways back, the
// one from float8_e8m0fnu, whose codes are exponents; narrow_source-inl.h has others, and what that
// leaves out is looked up (lookup.cc).

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/narrow_float.cc"
#include <bit>

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/convert-inl.h"
#include "kernels/float16-inl.h"
#include "kernels/lane_types.h"
#include "kernels/narrow_half-inl.h"
#include "kernels/narrow_source-inl.h"
#include "kernels/pack_bytes-inl.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

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
//
// kMaySubnormal: there are float32 subnormals among the values.
template <bool kMaySubnormal, class V>
HWY_INLINE auto PowerCodes(V x) {
  const hn::RebindToUnsigned<hn::DFromV<V>> du32;
  const hn::RebindToSigned<hn::DFromV<V>> di32;
  // Less 1, so that zero comes out beyond infinity, as negative numbers do.
  const auto less_one = hn::Sub(hn::BitCast(du32, x), hn::Set(du32, 1u));
  const auto within = hn::Min(less_one, hn::Set(du32, 0x7F800000u - 1));
  auto half = hn::Set(du32, 0x00400000u + 1);
  if constexpr (kMaySubnormal) {
    // Half a binade more: of subnormals, where the binade below 2^-126 is half as wide, half of it.
    const auto is_subnormal = hn::Lt(hn::BitCast(di32, within), hn::Set(di32, 0x00800000 - 1));
    half = hn::IfThenElse(hn::RebindMask(du32, is_subnormal), hn::Set(du32, 0x00200000u + 1), half);
  }
  return hn::ShiftRight<23>(hn::Add(within, half));
}

struct Float32ToE8M0 : Stateless {
  using Stateless::Stateless;
  using Src = float;
  using Dst = uint8_t;
  using Wide = float;

  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    return hn::TruncateTo(dd, PowerCodes<true>(v));
  }
  template <class D8, class V>
  HWY_INLINE hn::Vec<D8> Pack4(D8 d8, V v0, V v1, V v2, V v3) const {
    return PackLowBytes(d8, PowerCodes<true>(v0), PowerCodes<true>(v1), PowerCodes<true>(v2),
                        PowerCodes<true>(v3));
  }
};

// Integers of 16 bits and more. The first bit that is set and the next one tell the nearest power;
// without the third, what float32 rounds away from the integer does not reach them.
template <typename S>
struct IntToE8M0 : Stateless {
  using Stateless::Stateless;
  using Src = S;
  using Dst = uint8_t;
  using Wide = std::conditional_t<sizeof(S) == 8, S, float>;

  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    return hn::TruncateTo(dd, Codes(hn::Rebind<float, DD>(), v));
  }
  template <class D8, class V>
  HWY_INLINE hn::Vec<D8> Pack4(D8 d8, V v0, V v1, V v2, V v3) const {
    if constexpr (sizeof(S) == 8) {
      const hn::Repartition<uint16_t, hn::DFromV<V>> d16;
      const auto lower = CodesOfTwo(v0, v1), upper = CodesOfTwo(v2, v3);
      return hn::TruncateTo(d8, hn::OrderedTruncate2To(d16, lower, upper));
    } else {
      const hn::Rebind<float, hn::DFromV<V>> df32;
      return PackLowBytes(d8, Codes(df32, v0), Codes(df32, v1), Codes(df32, v2), Codes(df32, v3));
    }
  }

 private:
  template <class DF32, class V>
  HWY_INLINE static auto Codes(DF32 df32, V v) {
    return PowerCodes<false>(AsFloat32(df32, v));
  }
  template <class V>
  HWY_INLINE static auto CodesOfTwo(V v0, V v1) {
    const hn::Repartition<float, hn::DFromV<V>> df32;
    const hn::Half<decltype(df32)> dh32;
    return PowerCodes<false>(hn::Combine(df32, AsFloat32(dh32, v1), AsFloat32(dh32, v0)));
  }
  template <class DF32, class V>
  HWY_INLINE static hn::Vec<DF32> AsFloat32(DF32 df32, V v) {
    if constexpr (sizeof(S) < 4) {
      return hn::ConvertTo(df32, hn::PromoteTo(hn::RebindToSigned<DF32>(), v));
    } else if constexpr (sizeof(S) == 4) {
      return hn::ConvertTo(df32, WithoutThird(v));
    } else {
      return hn::DemoteTo(df32, WithoutThird(v));
    }
  }
  template <class V>
  HWY_INLINE static V WithoutThird(V v) {
    const hn::RebindToUnsigned<hn::DFromV<V>> du;
    const auto bits = hn::BitCast(du, v);  // negative numbers stay so
    return hn::BitCast(hn::DFromV<V>(), hn::AndNot(hn::ShiftRight<2>(bits), bits));
  }
};

// The code is the exponent. Code 0 is the subnormal below the smallest one, 0xFF is NaN.
template <typename D, int kFractionBits>
struct E8M0ToFloat : Stateless {
  using Stateless::Stateless;
  using Src = uint8_t;
  using Dst = D;
  using Wide = D;

  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    using Bits = hwy::MakeUnsigned<D>;
    const hn::RebindToUnsigned<DD> du;
    const auto code = hn::PromoteTo(du, v);
    const auto half_of_smallest = hn::Set(du, Bits{1} << (kFractionBits - 1));
    const auto is_nan = hn::VecFromMask(du, hn::Eq(code, hn::Set(du, Bits{0xFF})));
    const auto number = hn::Max(hn::ShiftLeft<kFractionBits>(code), half_of_smallest);
    return hn::BitCast(dd, hn::Or(number, hn::And(is_nan, half_of_smallest)));
  }
};

template <typename S>
void SetIntToE8M0(KernelTable& table, const char* name) {
  table.convert[Index(kDTypeOf<S>)][Index(DType::kFloat8E8M0FNU)] =
      ConvertEntry<IntToE8M0<S>>(name);
}

#if STRIDECAST_LOOKS_UP_HALVES
template <typename S, bool kNanOverflows>
using NarrowOp = HalfToNarrow<S, kNanOverflows>;
#else
template <typename S, bool kNanOverflows>
using NarrowOp = ToNarrow<S, kNanOverflows>;
#endif

template <typename S>
uint32_t NarrowRun(const sc_run* run) {
  const auto& params = *static_cast<const NarrowFloatParams*>(run->params);
  return params.nan == params.overflow ? ConvertRun<NarrowOp<S, true>>(run)
                                       : ConvertRun<NarrowOp<S, false>>(run);
}

template <typename S>
sc_entry NarrowEntry(const char* name) {
  sc_entry entry = ConvertEntry<NarrowOp<S, false>>(name);
  entry.run = NarrowRun<S>;
  return entry;
}

}  // namespace

void FillNarrowFloat(KernelTable& table) {
  table.narrow_float[0] = NarrowEntry<float>("narrow float32");
  table.narrow_float[1] = NarrowEntry<Float16>("narrow float16");
  table.narrow_float[2] = NarrowEntry<BFloat16>("narrow bfloat16");
  table.convert[Index(DType::kFloat32)][Index(DType::kFloat8E8M0FNU)] =
      ConvertEntry<Float32ToE8M0>("convert float32 float8_e8m0fnu");
  table.convert[Index(DType::kFloat8E8M0FNU)][Index(DType::kFloat32)] =
      ConvertEntry<E8M0ToFloat<float, 23>>("convert float8_e8m0fnu float32");
  table.convert[Index(DType::kFloat8E8M0FNU)][Index(DType::kBFloat16)] =
      ConvertEntry<E8M0ToFloat<uint16_t, 7>>("convert float8_e8m0fnu bfloat16");
#if STRIDECAST_NARROW_BY_HALF
  SetNarrowSources(table);
#endif
  SetIntToE8M0<int16_t>(table, "convert int16 float8_e8m0fnu");
  SetIntToE8M0<uint16_t>(table, "convert uint16 float8_e8m0fnu");
  SetIntToE8M0<int32_t>(table, "convert int32 float8_e8m0fnu");
  SetIntToE8M0<uint32_t>(table, "convert uint32 float8_e8m0fnu");
  SetIntToE8M0<int64_t>(table, "convert int64 float8_e8m0fnu");
  SetIntToE8M0<uint64_t>(table, "convert uint64 float8_e8m0fnu");
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
