// float16, bfloat16 and bool lanes to and from float32 and float64: vectors in, vectors out. 16-bit
// floats are uint16_t lanes here.
//
// Every rounding is one rounding to nearest, ties to even. NaNs stay NaNs with their sign and come
// out quiet: float16 keeps the top payload bits, bfloat16 as a destination has one NaN a sign
// (0x7fc0, as ml_dtypes), float32 and float64 keep the payload. Subnormals are kept. Highway's own
// conversions would not do: its generic float16 has no infinities, and its bfloat16 may be the x86
// instruction that flushes subnormals.

#if defined(STRIDECAST_KERNELS_FLOAT16_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STRIDECAST_KERNELS_FLOAT16_INL_H_
#undef STRIDECAST_KERNELS_FLOAT16_INL_H_
#else
#define STRIDECAST_KERNELS_FLOAT16_INL_H_
#endif

#include <cstdint>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Targets whose float16 conversions are instructions (which keep infinities, NaNs and subnormals).
#undef STRIDECAST_NATIVE_FLOAT16
#if (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2) || (HWY_ARCH_ARM_A64 && HWY_TARGET != HWY_SCALAR)
#define STRIDECAST_NATIVE_FLOAT16 1
#else
#define STRIDECAST_NATIVE_FLOAT16 0
#endif

// Targets where comparing and adding under the mask that results are an instruction each.
#undef STRIDECAST_LANE_MASKS
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
#define STRIDECAST_LANE_MASKS 1
#else
#define STRIDECAST_LANE_MASKS 0
#endif

template <class D>
using VecOfU16 = hn::Vec<hn::Rebind<uint16_t, D>>;
template <class D>
using VecOfF32 = hn::Vec<hn::Rebind<float, D>>;
template <class D>
using VecOfF64 = hn::Vec<hn::Rebind<double, D>>;

template <class DF32>
HWY_INLINE hn::Vec<DF32> Float16ToFloat32(DF32 df32, VecOfU16<DF32> half) {
#if STRIDECAST_NATIVE_FLOAT16
  return hn::PromoteTo(df32, hn::BitCast(hn::Rebind<hwy::float16_t, DF32>(), half));
#else
  const hn::RebindToUnsigned<DF32> du32;
  const hn::RebindToSigned<DF32> di32;
  const auto bits = hn::PromoteTo(du32, half);
  const auto magnitude = hn::And(bits, hn::Set(du32, 0x7fffu));
  const auto sign = hn::ShiftLeft<16>(hn::Xor(bits, magnitude));
  const auto rebias = hn::Set(du32, uint32_t{127 - 15} << 23);
  const auto normal = hn::Add(hn::ShiftLeft<13>(magnitude), rebias);
  // A subnormal's fraction under the exponent of 2^-14, minus 2^-14: exact, and no subnormal
  // float32 on the way.
  const auto two_m14 = hn::Set(du32, uint32_t{127 - 14} << 23);
  const auto subnormal =
      hn::BitCast(du32, hn::Sub(hn::BitCast(df32, hn::Or(hn::ShiftLeft<13>(magnitude), two_m14)),
                                hn::BitCast(df32, two_m14)));
  const auto signed_magnitude = hn::BitCast(di32, magnitude);
  const auto is_subnormal = hn::Lt(signed_magnitude, hn::Set(di32, 0x0400));
  const auto is_special = hn::Gt(signed_magnitude, hn::Set(di32, 0x7bff));
  const auto is_nan = hn::Gt(signed_magnitude, hn::Set(di32, 0x7c00));
  auto out = hn::IfThenElse(hn::RebindMask(du32, is_subnormal), subnormal, normal);
  out = hn::Add(out, hn::IfThenElseZero(hn::RebindMask(du32, is_special), rebias));
  out = hn::Or(out, hn::IfThenElseZero(hn::RebindMask(du32, is_nan), hn::Set(du32, 0x00400000u)));
  return hn::BitCast(df32, hn::Or(out, sign));
#endif
}

template <class DU16>
HWY_INLINE hn::Vec<DU16> Float32ToFloat16(DU16 du16, VecOfF32<DU16> v) {
#if STRIDECAST_NATIVE_FLOAT16
  return hn::BitCast(du16, hn::DemoteTo(hn::Rebind<hwy::float16_t, DU16>(), v));
#else
  const hn::Rebind<float, DU16> df32;
  const hn::RebindToUnsigned<decltype(df32)> du32;
  const hn::RebindToSigned<decltype(df32)> di32;
  const auto bits = hn::BitCast(du32, v);
  const auto magnitude = hn::And(bits, hn::Set(du32, 0x7fffffffu));
  const auto sign = hn::ShiftRight<16>(hn::Xor(bits, magnitude));
  const auto signed_magnitude = hn::BitCast(di32, magnitude);
  // Round at bit 13; what is too large lands above infinity and is pulled back to it.
  const auto odd = hn::And(hn::ShiftRight<13>(magnitude), hn::Set(du32, 1u));
  const auto rounded = hn::Add(hn::Add(magnitude, hn::Set(du32, 0xfffu)), odd);
  const auto rebias = hn::Set(du32, uint32_t{127 - 15} << 23);
  const auto normal =
      hn::BitCast(du32, hn::Min(hn::BitCast(di32, hn::ShiftRight<13>(hn::Sub(rounded, rebias))),
                                hn::Set(di32, 0x7c00)));
  // Below 2^-14: adding 0.5, whose last bit is float16's smallest subnormal, rounds in the adder.
  const auto half = hn::Set(df32, 0.5f);
  const auto subnormal = hn::Sub(hn::BitCast(du32, hn::Add(hn::BitCast(df32, magnitude), half)),
                                 hn::BitCast(du32, half));
  const auto nan =
      hn::Or(hn::And(hn::ShiftRight<13>(magnitude), hn::Set(du32, 0x3ffu)), hn::Set(du32, 0x7e00u));
  const auto is_subnormal = hn::Lt(signed_magnitude, hn::Set(di32, (127 - 14) << 23));
  const auto is_nan = hn::Gt(signed_magnitude, hn::Set(di32, 0x7f800000));
  auto out = hn::IfThenElse(hn::RebindMask(du32, is_subnormal), subnormal, normal);
  out = hn::IfThenElse(hn::RebindMask(du32, is_nan), nan, out);
  return hn::TruncateTo(du16, hn::Or(out, sign));
#endif
}

// Exact, bit for bit: a signalling NaN stays one. For values on their way to another type.
template <class DF32>
HWY_INLINE hn::Vec<DF32> BFloat16AsFloat32(DF32 df32, VecOfU16<DF32> half) {
  const hn::RebindToUnsigned<DF32> du32;
  return hn::BitCast(df32, hn::ShiftLeft<16>(hn::PromoteTo(du32, half)));
}

template <class DF32>
HWY_INLINE hn::Vec<DF32> BFloat16ToFloat32(DF32 df32, VecOfU16<DF32> half) {
  const auto v = BFloat16AsFloat32(df32, half);
  const auto quiet = hn::BitCast(df32, hn::Set(hn::RebindToUnsigned<DF32>(), 0x00400000u));
  return hn::IfThenElse(hn::IsNaN(v), hn::Or(v, quiet), v);
}

// bfloat16 is first made in the upper halves of 32-bit lanes; their lower halves are noise.
// "Finite" is for values that come from integers: no NaNs.
template <class DU32>
HWY_INLINE hn::Vec<DU32> FiniteInUpperHalf(DU32 du32, VecOfF32<DU32> v) {
  const auto bits = hn::BitCast(du32, v);
  const auto rounded = hn::Add(bits, hn::Set(du32, 0x7fffu));
#if STRIDECAST_LANE_MASKS
  const auto odd = hn::TestBit(bits, hn::Set(du32, 0x10000u));
  return hn::MaskedAddOr(rounded, odd, rounded, hn::Set(du32, 1u));
#else
  return hn::Add(rounded, hn::And(hn::ShiftRight<16>(bits), hn::Set(du32, 1u)));
#endif
}

template <class DU32>
HWY_INLINE hn::Vec<DU32> BFloat16InUpperHalf(DU32 du32, VecOfF32<DU32> v) {
  const auto nan =
      hn::OrAnd(hn::Set(du32, 0x7fc00000u), hn::BitCast(du32, v), hn::Set(du32, 0x80000000u));
  return hn::IfThenElse(hn::RebindMask(du32, hn::IsNaN(v)), nan, FiniteInUpperHalf(du32, v));
}

// The same where all NaNs are quiet, as conversions leave them: as integers they are not less than
// the one of their sign.
template <class DU32>
HWY_INLINE hn::Vec<DU32> QuietInUpperHalf(DU32 du32, VecOfF32<DU32> v) {
  const hn::RebindToSigned<DU32> di32;
  const auto positive = hn::Min(hn::BitCast(di32, v), hn::Set(di32, 0x7fc00000));
  const auto bits = hn::Min(hn::BitCast(du32, positive), hn::Set(du32, 0xffc00000u));
  return FiniteInUpperHalf(du32, hn::BitCast(hn::Rebind<float, DU32>(), bits));
}

template <class DU16, class VU32>
HWY_INLINE hn::Vec<DU16> UpperHalves(DU16 du16, VU32 v) {
  return hn::TruncateTo(du16, hn::ShiftRight<16>(v));
}

// Of two vectors, v0's first.
template <class DU16, class VU32>
HWY_INLINE hn::Vec<DU16> PackUpperHalves(DU16 du16, VU32 v0, VU32 v1) {
  return hn::ConcatOdd(du16, hn::BitCast(du16, v1), hn::BitCast(du16, v0));
}

template <class DU16>
HWY_INLINE hn::Vec<DU16> Float32ToBFloat16(DU16 du16, VecOfF32<DU16> v) {
  return UpperHalves(du16, BFloat16InUpperHalf(hn::Rebind<uint32_t, DU16>(), v));
}

// float64 cut to its sign, exponent and top 52 - kDropped fraction bits, the last of which is also
// set when a dropped bit was (rounding to odd), as float32. Rounding the result to at least two
// bits fewer equals rounding the float64 once.
//
// kDropped 29 fills float32's fraction: for float16, where float32's subnormals are all zero.
// kDropped 38 leaves 14 bits, which float32's subnormals hold exactly down to half of bfloat16's
// smallest: for bfloat16.
template <int kDropped, class DF32>
HWY_INLINE hn::Vec<DF32> Float64ToFloat32Odd(DF32 df32, VecOfF64<DF32> v) {
  const hn::Rebind<double, DF32> df64;
  const hn::RebindToUnsigned<decltype(df64)> du64;
  const auto dropped = hn::Set(du64, (uint64_t{1} << kDropped) - 1);
  const auto last = hn::Set(du64, uint64_t{1} << kDropped);
  const auto bits = hn::BitCast(du64, v);
#if STRIDECAST_LANE_MASKS
  // Cutting is the conversion's; what it cuts to the largest finite value rounds to infinity next.
  if constexpr (HWY_MAX_LANES_D(DF32) == 8) {
    const auto odd = hn::OrAnd(bits, hn::Add(bits, dropped), last);
    return hn::Vec<DF32>{
        _mm512_cvt_roundpd_ps(hn::BitCast(df64, odd).raw, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC)};
  }
#endif
  const auto sticky = hn::And(hn::Add(bits, dropped), last);
  return hn::DemoteTo(df32, hn::BitCast(df64, hn::Or(hn::AndNot(dropped, bits), sticky)));
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
