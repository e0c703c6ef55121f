// float16, bfloat16, float32 and float64 among each other: one rounding to nearest even from source
// to destination. How the 16-bit types round and what becomes of NaNs is float16-inl.h's.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/convert_float.cc"
#include <limits>

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/convert-inl.h"
#include "kernels/convert_strided-inl.h"
#include "kernels/convert_swapped-inl.h"
#include "kernels/convert_to_complex-inl.h"
#include "kernels/float16-inl.h"
#include "kernels/lane_types.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

template <typename S, typename D>
struct FloatOp;

// Normal values, zeros and infinities change their exponent's bias and lose three bits of their
// fraction without leaving their lanes. Subnormals take the way over float32.
template <>
struct FloatOp<Float16, BFloat16> : Stateless {
  using Stateless::Stateless;
  using Src = uint16_t;
  using Dst = uint16_t;
  using Wide = uint16_t;
  template <class DD, class V>
  HWY_INLINE V Convert(DD dd, V v) const {
    const hn::Half<DD> dh;
    const hn::Repartition<float, DD> df32;
    const hn::RebindToUnsigned<decltype(df32)> du32;
    const auto lower = Float16ToFloat32(df32, hn::LowerHalf(dh, v));
    const auto upper = Float16ToFloat32(df32, hn::UpperHalf(dh, v));
    return PackUpperHalves(dd, BFloat16InUpperHalf(du32, lower), BFloat16InUpperHalf(du32, upper));
  }

  template <class DD, class V>
  HWY_INLINE V Quick(DD dd, V v) const {
    const auto magnitude = hn::And(v, hn::Set(dd, uint16_t{0x7fff}));
    const auto out = hn::Add(WithoutThreeBits(dd, magnitude), Rebias(dd, magnitude));
    const auto nan = Above(magnitude, 0x7c00);
    return hn::OrAnd(hn::IfThenElse(nan, hn::Set(dd, uint16_t{0x7fc0}), out), v,
                     hn::Set(dd, uint16_t{0x8000}));
  }
  // Magnitudes less one: those of subnormals are the smallest, zero's is the largest.
  template <class V>
  HWY_INLINE V Evidence(V v) const {
    const hn::DFromV<V> d;
    return hn::Sub(hn::And(v, hn::Set(d, uint16_t{0x7fff})), hn::Set(d, uint16_t{1}));
  }
  template <class V>
  HWY_INLINE V Merge(V a, V b) const {
    return hn::Min(a, b);
  }
  template <class V>
  HWY_INLINE bool Accept(V least) const {
    const hn::DFromV<V> d;
    return hn::AllTrue(d, hn::Gt(least, hn::Set(d, uint16_t{0x3fe})));
  }

 private:
  // Magnitudes have no sign, and signed comparisons are the cheaper ones.
  template <class V>
  HWY_INLINE static auto Above(V magnitude, int16_t limit) {
    const hn::DFromV<V> d;
    const hn::RebindToSigned<decltype(d)> di;
    return hn::RebindMask(d, hn::Gt(hn::BitCast(di, magnitude), hn::Set(di, limit)));
  }

#if STRIDECAST_LANE_MASKS
  // A permutation of a full vector looks things up by the low five bits of each lane.
  template <class DD>
  static constexpr bool kLooksUp = HWY_MAX_LANES_D(DD) == 32;
  template <class DD, class V>
  HWY_INLINE static V LookUp(DD dd, const uint16_t (&table)[32], V lanes) {
    return V{_mm512_permutexvar_epi16(lanes.raw, hn::Load(dd, table).raw)};
  }
#endif

  // Rounded to nearest even.
  template <class DD, class V>
  HWY_INLINE static V WithoutThreeBits(DD dd, V magnitude) {
#if STRIDECAST_LANE_MASKS
    if constexpr (kLooksUp<DD>) {
      alignas(64) static constexpr uint16_t kUp[32] = {0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0,
                                                       0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 1,
                                                       1, 1, 0, 0, 0, 0, 1, 1, 1, 1};
      return hn::Add(hn::ShiftRight<3>(magnitude), LookUp(dd, kUp, magnitude));
    }
#endif
    const auto odd = hn::And(hn::ShiftRight<3>(magnitude), hn::Set(dd, uint16_t{1}));
    return hn::ShiftRight<3>(hn::Add(hn::Add(magnitude, hn::Set(dd, uint16_t{3})), odd));
  }

  // The difference of the biases in place; for infinities twice, for zeros not at all.
  template <class DD, class V>
  HWY_INLINE static V Rebias(DD dd, V magnitude) {
    constexpr uint16_t kOnce = (127 - 15) << 7;
#if STRIDECAST_LANE_MASKS
    if constexpr (kLooksUp<DD>) {
      alignas(64) static constexpr uint16_t kByExponent[32] = {
          0,     kOnce, kOnce, kOnce, kOnce, kOnce, kOnce, kOnce, kOnce, kOnce,    kOnce,
          kOnce, kOnce, kOnce, kOnce, kOnce, kOnce, kOnce, kOnce, kOnce, kOnce,    kOnce,
          kOnce, kOnce, kOnce, kOnce, kOnce, kOnce, kOnce, kOnce, kOnce, 2 * kOnce};
      return LookUp(dd, kByExponent, hn::ShiftRight<10>(magnitude));
    }
#endif
    const auto once = hn::Set(dd, kOnce);
    return hn::Add(hn::IfThenElseZero(Above(magnitude, 0), once),
                   hn::IfThenElseZero(Above(magnitude, 0x7bff), once));
  }
};

// Zeros in front of them make float32 of the lower and the upper four items of each block of 16
// bytes, without lanes that cross blocks; half a block each is put together again.
template <>
struct FloatOp<BFloat16, Float16> : Stateless {
  using Stateless::Stateless;
  using Src = uint16_t;
  using Dst = uint16_t;
  using Wide = uint16_t;
  template <class DD, class V>
  HWY_INLINE V Convert(DD dd, V v) const {
    const hn::Half<DD> dh;
    const hn::Repartition<float, DD> df32;
    const hn::Repartition<uint64_t, DD> du64;
    const auto zero = hn::Zero(dd);
    const auto lower = Float32ToFloat16(dh, hn::BitCast(df32, hn::InterleaveLower(dd, zero, v)));
    const auto upper = Float32ToFloat16(dh, hn::BitCast(df32, hn::InterleaveUpper(dd, zero, v)));
    return hn::BitCast(dd, hn::InterleaveWholeLower(du64, hn::ResizeBitCast(du64, lower),
                                                    hn::ResizeBitCast(du64, upper)));
  }
};

template <>
struct FloatOp<Float16, float> : Stateless {
  using Stateless::Stateless;
  using Src = uint16_t;
  using Dst = float;
  using Wide = float;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    return Float16ToFloat32(dd, v);
  }
};

template <>
struct FloatOp<BFloat16, float> : Stateless {
  using Stateless::Stateless;
  using Src = uint16_t;
  using Dst = float;
  using Wide = float;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    return BFloat16ToFloat32(dd, v);
  }
};

template <>
struct FloatOp<Float16, double> : Stateless {
  using Stateless::Stateless;
  using Src = uint16_t;
  using Dst = double;
  using Wide = double;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    return hn::PromoteTo(dd, Float16ToFloat32(hn::Rebind<float, DD>(), v));
  }
};

template <>
struct FloatOp<BFloat16, double> : Stateless {
  using Stateless::Stateless;
  using Src = uint16_t;
  using Dst = double;
  using Wide = double;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    return hn::PromoteTo(dd, BFloat16AsFloat32(hn::Rebind<float, DD>(), v));
  }
};

template <>
struct FloatOp<float, Float16> : Stateless {
  using Stateless::Stateless;
  using Src = float;
  using Dst = uint16_t;
  using Wide = float;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    return Float32ToFloat16(dd, v);
  }
};

template <>
struct FloatOp<float, BFloat16> : Stateless {
  using Stateless::Stateless;
  using Src = float;
  using Dst = uint16_t;
  using Wide = float;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    return Float32ToBFloat16(dd, v);
  }
#if HWY_ARCH_X86 && !STRIDECAST_LANE_MASKS
  // NaNs are rare. One comparison looks for them in two vectors, and its result is NaN again.
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Quick(DD dd, V v) const {
    return UpperHalves(dd, FiniteInUpperHalf(hn::Rebind<uint32_t, DD>(), v));
  }
  template <class V>
  HWY_INLINE V Evidence(V v) const {
    return v;
  }
  template <class V>
  HWY_INLINE V Merge(V a, V b) const {
    return hn::VecFromMask(hn::DFromV<V>(), hn::IsEitherNaN(a, b));
  }
  template <class V>
  HWY_INLINE bool Accept(V nan) const {
    return hn::AllFalse(hn::DFromV<V>(), hn::IsNaN(nan));
  }
  template <class D2, class V>
  HWY_INLINE hn::Vec<D2> Pack2(D2 d2, V v0, V v1) const {
    const hn::RebindToUnsigned<hn::DFromV<V>> du32;
    return PackUpperHalves(d2, FiniteInUpperHalf(du32, v0), FiniteInUpperHalf(du32, v1));
  }
#else
  template <class D2, class V>
  HWY_INLINE hn::Vec<D2> Pack2(D2 d2, V v0, V v1) const {
    const hn::RebindToUnsigned<hn::DFromV<V>> du32;
    return PackUpperHalves(d2, BFloat16InUpperHalf(du32, v0), BFloat16InUpperHalf(du32, v1));
  }
#endif
};

// Of two vectors, v0's first.
template <int kDropped, class DF32, class V>
HWY_INLINE hn::Vec<DF32> Float64PairToFloat32Odd(DF32 df32, V v0, V v1) {
  const hn::Half<DF32> dh32;
  return hn::Combine(df32, Float64ToFloat32Odd<kDropped>(dh32, v1),
                     Float64ToFloat32Odd<kDropped>(dh32, v0));
}

template <>
struct FloatOp<double, Float16> : Stateless {
  using Stateless::Stateless;
  using Src = double;
  using Dst = uint16_t;
  using Wide = double;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    return Float32ToFloat16(dd, Float64ToFloat32Odd<29>(hn::Rebind<float, DD>(), v));
  }
  // Where it takes arithmetic; the instruction is as fast for one vector as for two.
  template <class D2, class V>
  HWY_INLINE hn::Vec<D2> Pack2(D2 d2, V v0, V v1) const requires(!STRIDECAST_NATIVE_FLOAT16) {
    return Float32ToFloat16(d2, Float64PairToFloat32Odd<29>(hn::Rebind<float, D2>(), v0, v1));
  }
};

template <>
struct FloatOp<double, BFloat16> : Stateless {
  using Stateless::Stateless;
  using Src = double;
  using Dst = uint16_t;
  using Wide = double;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    return Float32ToBFloat16(dd, Float64ToFloat32Odd<38>(hn::Rebind<float, DD>(), v));
  }
  // A bfloat16 before a zero.
  template <class V>
  HWY_INLINE auto Items2(V v0, V v1) const {
    const hn::Repartition<float, hn::DFromV<V>> df32;
    const hn::RebindToUnsigned<decltype(df32)> du32;
    const auto upper = QuietInUpperHalf(du32, Float64PairToFloat32Odd<38>(df32, v0, v1));
    return hn::BitCast(hn::Repartition<uint16_t, decltype(df32)>(), hn::ShiftRight<16>(upper));
  }
  template <class D4, class V>
  HWY_INLINE hn::Vec<D4> Pack4(D4 d4, V v0, V v1, V v2, V v3) const {
    const hn::Repartition<float, D4> df32;
    const hn::RebindToUnsigned<decltype(df32)> du32;
#if HWY_TARGET == HWY_AVX2
    // Packing by blocks of 16 bytes brings vectors into order that were taken in turn.
    const hn::RebindToSigned<decltype(df32)> di32;
    const auto in_low_half = [&](V a, V b) {
      const auto upper = QuietInUpperHalf(du32, Float64PairToFloat32Odd<38>(df32, a, b));
      return hn::BitCast(di32, hn::ShiftRight<16>(upper));
    };
    return hn::ReorderDemote2To(d4, in_low_half(v0, v2), in_low_half(v1, v3));
#else
    return PackUpperHalves(d4, BFloat16InUpperHalf(du32, Float64PairToFloat32Odd<38>(df32, v0, v1)),
                           BFloat16InUpperHalf(du32, Float64PairToFloat32Odd<38>(df32, v2, v3)));
#endif
  }
};

// The hardware's conversions round once, and quiet NaNs.
template <>
struct FloatOp<float, double> : Stateless {
  using Stateless::Stateless;
  using Src = float;
  using Dst = double;
  using Wide = double;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    return hn::PromoteTo(dd, v);
  }
};

template <>
struct FloatOp<double, float> : Stateless {
  using Stateless::Stateless;
  using Src = double;
  using Dst = float;
  using Wide = double;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    const auto narrow = hn::DemoteTo(dd, v);
#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR
    // These clamp to the largest finite value; from half a step beyond it on it is infinity.
    const hn::DFromV<V> df64;
    const auto above = hn::Ge(hn::Abs(v), hn::Set(df64, 0x1.ffffffp127));
    const auto infinity = hn::CopySign(hn::Set(dd, std::numeric_limits<float>::infinity()), narrow);
    return hn::IfThenElse(hn::DemoteMaskTo(dd, df64, above), infinity, narrow);
#else
    return narrow;
#endif
  }
};

template <typename S, typename D>
void SetPair(KernelTable& table) {
  SetConvert<FloatOp<S, D>>(table, kDTypeOf<S>, kDTypeOf<D>);
}

// Also from items at any step: between float32 and its neighbours.
template <typename T>
void SetStridedPairs(KernelTable& table) {
  SetConvertStrided<FloatOp<float, T>>(table, DType::kFloat32, kDTypeOf<T>);
  SetConvertStrided<FloatOp<T, float>>(table, kDTypeOf<T>, DType::kFloat32);
}

// Also in the other byte order, to and from float32.
template <typename T>
void SetSwappedPairs(KernelTable& table) {
  SetConvertSwapped<FloatOp<float, T>>(table, DType::kFloat32, kDTypeOf<T>);
  SetConvertSwapped<FloatOp<T, float>>(table, kDTypeOf<T>, DType::kFloat32);
}

// Also to complex numbers.
template <typename S, typename D>
void SetComplexPair(KernelTable& table) {
  SetConvertToComplex<FloatOp<S, D>>(table, kDTypeOf<S>, kDTypeOf<D>);
}

}  // namespace

void FillConvertFloat(KernelTable& table) {
  SetPair<Float16, BFloat16>(table);
  SetPair<Float16, float>(table);
  SetPair<Float16, double>(table);
  SetPair<BFloat16, Float16>(table);
  SetPair<BFloat16, float>(table);
  SetPair<BFloat16, double>(table);
  SetPair<float, Float16>(table);
  SetPair<float, BFloat16>(table);
  SetPair<float, double>(table);
  SetPair<double, Float16>(table);
  SetPair<double, BFloat16>(table);
  SetPair<double, float>(table);
  SetStridedPairs<Float16>(table);
  SetStridedPairs<BFloat16>(table);
  SetStridedPairs<double>(table);
  SetSwappedPairs<Float16>(table);
  SetSwappedPairs<BFloat16>(table);
  SetSwappedPairs<double>(table);
  SetConvertSecond<FloatOp<double, BFloat16>>(table, DType::kFloat64, DType::kBFloat16);
  SetConvertSecond<FloatOp<BFloat16, double>>(table, DType::kBFloat16, DType::kFloat64);
  SetComplexPair<BFloat16, float>(table);
  SetComplexPair<BFloat16, double>(table);
  SetComplexPair<float, BFloat16>(table);
  SetComplexPair<float, double>(table);
  SetComplexPair<double, BFloat16>(table);
  SetComplexPair<double, float>(table);
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
