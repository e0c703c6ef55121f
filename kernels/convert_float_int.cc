// Floats to integers: truncation towards zero, then one of two rules.
//   wrap: as if through int64, where NaN and what does not fit give INT64_MIN, then the low bits;
//     but to uint64 whatever fits uint64 arrives whole.
//   saturate: clamped to the destination's range, infinities too; NaN gives 0.
// Saturation is for float32 and float64, which hold the other floats exactly. Both are the same on
// every target, whatever its instructions do beyond their range.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/convert_float_int.cc"
#include <limits>

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/convert-inl.h"
#include "kernels/convert_strided-inl.h"
#include "kernels/convert_swapped-inl.h"
#include "kernels/float16-inl.h"
#include "kernels/lane_types.h"
#include "kernels/pack_bytes-inl.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

// Targets with vector instructions between float64 and int64; those of x86 give INT64_MIN for
// whatever does not fit.
#undef STRIDECAST_X86_INT64
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
#define STRIDECAST_X86_INT64 1
#else
#define STRIDECAST_X86_INT64 0
#endif

[[maybe_unused]] constexpr double kTwo31 = 2147483648.0;
constexpr double kTwo63 = 9223372036854775808.0;
constexpr double kTwo64 = 18446744073709551616.0;

// float64 lanes through int64 as the wrap rule has it.
template <class DI64>
HWY_INLINE hn::Vec<DI64> WrapToInt64(DI64 di64, hn::Vec<hn::Rebind<double, DI64>> v) {
#if STRIDECAST_X86_INT64
  return hn::ConvertInRangeTo(di64, v);
#else
  const hn::Rebind<double, DI64> df64;
  const auto fits = hn::And(hn::Ge(v, hn::Set(df64, -kTwo63)), hn::Lt(v, hn::Set(df64, kTwo63)));
  return hn::IfThenElse(hn::RebindMask(di64, fits), hn::ConvertTo(di64, v),
                        hn::Set(di64, std::numeric_limits<int64_t>::min()));
#endif
}

// Values in [2^63, 2^64) less 2^64: as int64 they have the bits that they have as uint64.
template <class V>
HWY_INLINE V FoldUint64(V v) {
  const hn::DFromV<V> df;
  using F = hn::TFromD<decltype(df)>;
  const auto upper = hn::And(hn::Ge(v, hn::Set(df, static_cast<F>(kTwo63))),
                             hn::Lt(v, hn::Set(df, static_cast<F>(kTwo64))));
  return hn::Sub(v, hn::IfThenElseZero(upper, hn::Set(df, static_cast<F>(kTwo64))));
}

// float32 to the low 32 bits that the wrap rule gives. From 2^31 on, a float32 is its 24
// significant bits shifted left; INT64_MIN, infinities and NaN have zeros there, as has anything
// shifted by 32.
template <class DI32>
HWY_INLINE hn::Vec<DI32> WrapToInt32(DI32 di32, hn::Vec<hn::Rebind<float, DI32>> v) {
  const hn::RebindToUnsigned<DI32> du32;
  const auto bits = hn::BitCast(du32, v);
  const auto exponent = hn::BitCast(di32, hn::And(hn::ShiftRight<23>(bits), hn::Set(du32, 0xffu)));
  const auto significand =
      hn::Or(hn::And(bits, hn::Set(du32, 0x7fffffu)), hn::Set(du32, 0x800000u));
  const auto shift = hn::And(hn::Sub(exponent, hn::Set(di32, 127 + 23)), hn::Set(di32, 31));
  const auto shifted =
      hn::IfThenElseZero(hn::Lt(exponent, hn::Set(di32, 127 + 23 + 32)),
                         hn::BitCast(di32, hn::Shl(significand, hn::BitCast(du32, shift))));
  const auto sign = hn::BroadcastSignBit(hn::BitCast(di32, bits));
  const auto large = hn::Sub(hn::Xor(shifted, sign), sign);
  return hn::IfThenElse(hn::Gt(exponent, hn::Set(di32, 127 + 30)), large,
                        hn::ConvertInRangeTo(di32, v));
}

// int32 lanes whose low bits are the result.
template <class DD, class V>
HWY_INLINE hn::Vec<DD> LowBits(DD dd, V v) {
  using D = hn::TFromD<DD>;
  const hn::RebindToUnsigned<hn::DFromV<V>> du;
  if constexpr (sizeof(D) == sizeof(hn::TFromV<V>)) {
    return hn::BitCast(dd, v);
  } else {
    return hn::BitCast(dd, hn::TruncateTo(hn::RebindToUnsigned<DD>(), hn::BitCast(du, v)));
  }
}

// float64 lanes to any integer by the wrap rule.
template <class DD>
HWY_INLINE hn::Vec<DD> WrapFloat64(DD dd, hn::Vec<hn::Rebind<double, DD>> v) {
  using D = hn::TFromD<DD>;
  if constexpr (std::is_same_v<D, uint64_t>) v = FoldUint64(v);
  return LowBits(dd, WrapToInt64(hn::Rebind<int64_t, DD>(), v));
}

// float32 lanes to any integer by the wrap rule.
template <class DD>
HWY_INLINE hn::Vec<DD> WrapFloat32(DD dd, hn::Vec<hn::Rebind<float, DD>> v) {
  using D = hn::TFromD<DD>;
  if constexpr (sizeof(D) < 8) {
    return LowBits(dd, WrapToInt32(hn::Rebind<int32_t, DD>(), v));
  } else {
#if STRIDECAST_X86_INT64
    if constexpr (std::is_unsigned_v<D>) v = FoldUint64(v);
    return hn::BitCast(dd, hn::PromoteInRangeTo(hn::Rebind<int64_t, DD>(), v));
#else
    return WrapFloat64(dd, hn::PromoteTo(hn::Rebind<double, DD>(), v));
#endif
  }
}

// How a source of at most 32 bits is read, and the bits (without the sign) of its 2^31.
template <typename S>
struct SourceOf;
template <>
struct SourceOf<float> {
  using Lane = float;
  static constexpr int32_t kTwo31Bits = (127 + 31) << 23;
  template <class DF32, class V>
  HWY_INLINE static V ToFloat32(DF32, V v) {
    return v;
  }
};
template <>
struct SourceOf<BFloat16> {
  using Lane = uint16_t;
  static constexpr int16_t kTwo31Bits = (127 + 31) << 7;
  template <class DF32, class V>
  HWY_INLINE static hn::Vec<DF32> ToFloat32(DF32 df32, V v) {
    return BFloat16AsFloat32(df32, v);
  }
};
template <>
struct SourceOf<Float16> {
  using Lane = uint16_t;
  static constexpr int16_t kTwo31Bits = 0x7c00;  // infinity: all others are smaller
  template <class DF32, class V>
  HWY_INLINE static hn::Vec<DF32> ToFloat32(DF32 df32, V v) {
    return Float16ToFloat32(df32, v);
  }
};

// float32, bfloat16, float16. Where no magnitude reaches 2^31 the plain conversion will do.
template <typename S, typename D>
struct Wrap : Stateless {
  using Stateless::Stateless;
  using From = SourceOf<S>;
  using Src = typename From::Lane;
  using Dst = D;
  using Wide = std::conditional_t<sizeof(D) == 8, D, float>;
  // float32 to a byte: 0.95 of a plain stream's speed without, 0.9 with (Zen 4).
  static constexpr bool kFetches = sizeof(Src) < 4 * sizeof(Dst);
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    return WrapFloat32(dd, From::ToFloat32(hn::Rebind<float, DD>(), v));
  }

  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Quick(DD dd, V v) const {
    const auto i = QuickInt32(v);
    if constexpr (sizeof(D) == 8) {
      return hn::BitCast(dd, hn::PromoteTo(hn::RebindToSigned<DD>(), i));
    } else {
      return LowBits(dd, i);
    }
  }
  template <class D8, class V>
  HWY_INLINE hn::Vec<D8> Pack4(D8 d8, V v0, V v1, V v2, V v3) const requires(sizeof(D) == 1) {
    return PackLowBytes(d8, QuickInt32(v0), QuickInt32(v1), QuickInt32(v2), QuickInt32(v3));
  }
  // Magnitudes as integers: in the order of the values, NaNs on top.
  template <class V>
  HWY_INLINE auto Evidence(V v) const requires(!STRIDECAST_X86_INT64 || sizeof(D) < 8) {
    const hn::RebindToSigned<hn::DFromV<V>> di;
    using I = hn::TFromD<decltype(di)>;
    return hn::And(hn::BitCast(di, v), hn::Set(di, std::numeric_limits<I>::max()));
  }
  template <class V>
  HWY_INLINE V Merge(V a, V b) const {
    return hn::Max(a, b);
  }
  template <class V>
  HWY_INLINE bool Accept(V largest) const {
    const hn::DFromV<V> d;
    return hn::AllTrue(d, hn::Lt(largest, hn::Set(d, From::kTwo31Bits)));
  }

 private:
  template <class V>
  HWY_INLINE static auto QuickInt32(V v) {
    const hn::DFromV<V> ds;
    return hn::ConvertInRangeTo(hn::Rebind<int32_t, decltype(ds)>(),
                                From::ToFloat32(hn::Rebind<float, decltype(ds)>(), v));
  }
};

template <typename D>
struct Wrap<double, D> : Stateless {
  using Stateless::Stateless;
  using Src = double;
  using Dst = D;
  using Wide = double;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    return WrapFloat64(dd, v);
  }

#if STRIDECAST_X86_INT64
  template <class D2, class V>
  HWY_INLINE hn::Vec<D2> Pack2(D2 d2, V v0, V v1) const requires(sizeof(D) <= 2) {
    const hn::RebindToSigned<hn::DFromV<V>> di64;
    const hn::Rebind<int32_t, D2> di32;
    return LowBits(d2, hn::ConcatEven(di32, hn::BitCast(di32, WrapToInt64(di64, v1)),
                                      hn::BitCast(di32, WrapToInt64(di64, v0))));
  }
#else
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Quick(DD dd, V v) const {
    return LowBits(dd, hn::DemoteInRangeTo(hn::Rebind<int32_t, DD>(), v));
  }
  template <class D2, class V>
  HWY_INLINE hn::Vec<D2> Pack2(D2 d2, V v0, V v1) const requires(sizeof(D) <= 2) {
    const hn::Rebind<int32_t, D2> di32;
    const hn::Half<decltype(di32)> dh32;
    return LowBits(d2,
                   hn::Combine(di32, hn::DemoteInRangeTo(dh32, v1), hn::DemoteInRangeTo(dh32, v0)));
  }
#if HWY_TARGET == HWY_AVX2
  // The low halves of eight lanes packed once or twice, and one shuffle across the halves. By
  // Highway's conversion, as in Evidence: compilers make it once.
  template <class D4, class V>
  HWY_INLINE hn::Vec<D4> Pack4(D4 d4, V v0, V v1, V v2, V v3) const requires(sizeof(D) <= 2) {
    const auto low = [](V a, V b) HWY_ATTR {
      const hn::Rebind<int32_t, hn::DFromV<V>> dh32;
      const hn::Twice<decltype(dh32)> d32;
      const auto both =
          hn::Combine(d32, hn::DemoteInRangeTo(dh32, b), hn::DemoteInRangeTo(dh32, a));
      return _mm256_and_si256(both.raw, _mm256_set1_epi32(sizeof(D) == 1 ? 0xff : 0xffff));
    };
    const __m256i words = _mm256_packus_epi32(low(v0, v1), low(v2, v3));
    if constexpr (sizeof(D) == 1) {
      const __m256i bytes = _mm256_packus_epi16(words, words);
      return hn::BitCast(
          d4, hn::Vec128<uint8_t>{_mm_unpacklo_epi32(_mm256_castsi256_si128(bytes),
                                                     _mm256_extracti128_si256(bytes, 1))});
    } else {
      const __m256i in_order = _mm256_permute4x64_epi64(words, _MM_SHUFFLE(3, 1, 2, 0));
      return hn::BitCast(d4, hn::Vec256<uint16_t>{in_order});
    }
  }
#endif
#if HWY_ARCH_X86
  // The instruction gives INT32_MIN for whatever does not fit; -2^31 itself is worth no exception.
  template <class V>
  HWY_INLINE auto Evidence(V v) const {
    return hn::DemoteInRangeTo(hn::Rebind<int32_t, hn::DFromV<V>>(), v);
  }
  template <class V>
  HWY_INLINE V Merge(V a, V b) const {
    return hn::Min(a, b);
  }
  template <class V>
  HWY_INLINE bool Accept(V lowest) const {
    const hn::DFromV<V> d;
    return hn::AllTrue(d, hn::Gt(lowest, hn::Set(d, std::numeric_limits<int32_t>::min())));
  }
#else
  template <class V>
  HWY_INLINE V Evidence(V v) const {
    const hn::DFromV<V> df64;
    return hn::VecFromMask(df64, hn::Lt(hn::Abs(v), hn::Set(df64, kTwo31)));
  }
  template <class V>
  HWY_INLINE V Merge(V a, V b) const {
    return hn::And(a, b);
  }
  template <class V>
  HWY_INLINE bool Accept(V all) const {
    const hn::DFromV<V> df64;
    return hn::AllTrue(df64, hn::MaskFromVec(all));
  }
#endif
#endif
};

#if !STRIDECAST_X86_INT64
// Integers up to 2^51 are the low bits of the float64 that is 1.5 * 2^52 larger; sums outside
// [2^52, 2^53), seen by their exponent, come from values that were too large.
template <typename D>
requires(sizeof(D) == 8) struct Wrap<double, D> : Stateless {
  using Stateless::Stateless;
  using Src = double;
  using Dst = D;
  using Wide = double;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    return WrapFloat64(dd, v);
  }

  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Quick(DD dd, V v) const {
    const hn::RebindToUnsigned<DD> du;
    return hn::BitCast(dd, hn::Sub(PlusMagic(v), hn::Set(du, uint64_t{0x4338000000000000})));
  }
  template <class V>
  HWY_INLINE auto Evidence(V v) const {
    const hn::RebindToUnsigned<hn::DFromV<V>> du;
    return hn::Xor(PlusMagic(v), hn::Set(du, uint64_t{0x4330000000000000}));
  }
  template <class V>
  HWY_INLINE V Merge(V a, V b) const {
    return hn::Or(a, b);
  }
  template <class V>
  HWY_INLINE bool Accept(V wrong) const {
    const hn::DFromV<V> du;
    return hn::AllTrue(du, hn::Eq(hn::ShiftRight<52>(wrong), hn::Zero(du)));
  }

 private:
  template <class V>
  HWY_INLINE static auto PlusMagic(V v) {
    const hn::DFromV<V> df64;
    return hn::BitCast(hn::RebindToUnsigned<hn::DFromV<V>>(),
                       hn::Add(hn::Trunc(v), hn::Set(df64, 6755399441055744.0)));
  }
};
#endif

// Highway's conversions clamp; what they make of NaN depends on the target, hence the zero.
template <typename S, typename D>
struct Saturate : Stateless {
  using Stateless::Stateless;
  using Src = S;
  using Dst = D;
  using Wide = std::conditional_t<(sizeof(D) > sizeof(S)), D, S>;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    const hn::DFromV<V> ds;
    v = hn::IfThenElseZero(hn::Eq(v, v), v);
    if constexpr (sizeof(D) < 4) {
      using Limits = std::numeric_limits<D>;
      const hn::Rebind<int32_t, DD> di32;
      v = hn::Min(hn::Max(v, hn::Set(ds, static_cast<S>(Limits::min()))),
                  hn::Set(ds, static_cast<S>(Limits::max())));
      if constexpr (sizeof(S) == 4) {
        return LowBits(dd, hn::ConvertInRangeTo(di32, v));
      } else {
        return LowBits(dd, hn::DemoteInRangeTo(di32, v));
      }
    } else if constexpr (sizeof(D) == sizeof(S)) {
      return hn::ConvertTo(dd, v);
    } else if constexpr (sizeof(D) < sizeof(S)) {
      return hn::DemoteTo(dd, v);
    } else {
      return hn::PromoteTo(dd, v);
    }
  }
};

template <typename S, typename D>
void SetPair(KernelTable& table) {
  constexpr size_t kRow = Index(kDTypeOf<S>), kColumn = Index(kDTypeOf<D>);
  // The low bits do not know their sign, except that uint64 holds more of the positive values.
  using Bits = std::conditional_t<sizeof(D) == 8, D, hwy::MakeUnsigned<D>>;
  SetConvert<Wrap<S, Bits>>(table, kDTypeOf<S>, kDTypeOf<D>);
  if constexpr (std::is_floating_point_v<S>) {
    table.saturate[kRow][kColumn] =
        ConvertEntry<Saturate<S, D>>(kSaturateNames.text[kRow][kColumn]);
  }
}

template <typename... D>
void SetAll(KernelTable& table, Types<D...>) {
  (SetPair<Float16, D>(table), ...);
  (SetPair<BFloat16, D>(table), ...);
  (SetPair<float, D>(table), ...);
  (SetPair<double, D>(table), ...);
}

// Also from the real parts of complex numbers, to integers of up to 32 bits.
template <typename S, typename... D>
void SetSecond(KernelTable& table, Types<D...>) {
  (SetConvertSecond<Wrap<S, hwy::MakeUnsigned<D>>>(table, kDTypeOf<S>, kDTypeOf<D>), ...);
}

// Also in the other byte order, to short integers.
template <typename S, typename... D>
void SetSwapped(KernelTable& table, Types<D...>) {
  (SetConvertSwapped<Wrap<S, hwy::MakeUnsigned<D>>>(table, kDTypeOf<S>, kDTypeOf<D>), ...);
}

}  // namespace

void FillConvertFloatInt(KernelTable& table) {
  SetAll(table, Integers());
  using Small = Types<int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t>;
  SetSecond<BFloat16>(table, Small());
  SetSecond<float>(table, Small());
  SetSecond<double>(table, Small());
  SetSwapped<double>(table, Types<int8_t, uint8_t, int16_t, uint16_t>());
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
