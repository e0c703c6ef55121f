// Integers to floats, with one rounding to nearest even. Wide integers reach the narrow floats
// through a carrier rounded to odd, which loses nothing that the second rounding could see.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/convert_int_float.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/convert-inl.h"
#include "kernels/convert_strided-inl.h"
#include "kernels/convert_swapped-inl.h"
#include "kernels/convert_to_complex-inl.h"
#include "kernels/float16-inl.h"
#include "kernels/lane_types.h"
#include "kernels/round_odd-inl.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

// Targets with instructions from int64 to float.
#undef STRIDECAST_INT64_FLOAT
#if (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3) || HWY_ARCH_ARM_A64
#define STRIDECAST_INT64_FLOAT 1
#else
#define STRIDECAST_INT64_FLOAT 0
#endif

// Accepts integers in [-2^kBits, 2^kBits), unsigned ones in [0, 2^kBits).
template <typename S, int kBits>
struct Small : Stateless {
  using Stateless::Stateless;
  template <class V>
  HWY_INLINE auto Evidence(V v) const {
    const hn::RebindToUnsigned<hn::DFromV<V>> du;
    using U = hn::TFromD<decltype(du)>;
    if constexpr (std::is_signed_v<S>) {
      return hn::Add(hn::BitCast(du, v), hn::Set(du, U{1} << kBits));
    } else {
      return v;
    }
  }
  template <class V>
  HWY_INLINE V Merge(V a, V b) const {
    return hn::Or(a, b);
  }
  template <class V>
  HWY_INLINE bool Accept(V bits) const {
    const hn::DFromV<V> d;
    return hn::AllTrue(d, hn::Eq(hn::ShiftRight<kBits + std::is_signed_v<S>>(bits), hn::Zero(d)));
  }
};

// Integers less than 2^31 in magnitude, exact or rounded by the instruction.
template <class DF32, class V>
HWY_INLINE hn::Vec<DF32> SmallToFloat32(DF32 df32, V v) {
  const hn::RebindToSigned<DF32> di32;
  if constexpr (sizeof(hn::TFromV<V>) < 4) {
    return hn::ConvertTo(df32, hn::PromoteTo(di32, v));
  } else if constexpr (sizeof(hn::TFromV<V>) == 4) {
    return hn::ConvertTo(df32, hn::BitCast(di32, v));
  } else {
    const hn::RebindToUnsigned<hn::DFromV<V>> du64;
    const auto low = hn::TruncateTo(hn::RebindToUnsigned<DF32>(), hn::BitCast(du64, v));
    return hn::ConvertTo(df32, hn::BitCast(di32, low));
  }
}

template <class DF32, class V>
HWY_INLINE hn::Vec<DF32> IntToFloat32(DF32 df32, V v) {
  if constexpr (sizeof(hn::TFromV<V>) < 4) {
    return SmallToFloat32(df32, v);
  } else if constexpr (sizeof(hn::TFromV<V>) == 4) {
    return hn::ConvertTo(df32, v);
  } else {
    return hn::DemoteTo(df32, v);
  }
}

template <class DF64, class V>
HWY_INLINE hn::Vec<DF64> IntToFloat64(DF64 df64, V v) {
  if constexpr (sizeof(hn::TFromV<V>) < 4) {
    return hn::PromoteTo(df64, hn::PromoteTo(hn::Rebind<int32_t, DF64>(), v));
  } else if constexpr (sizeof(hn::TFromV<V>) == 4) {
    return hn::PromoteTo(df64, v);
  } else {
    return hn::ConvertTo(df64, v);
  }
}

template <typename S>
struct ToFloat32 : Stateless {
  using Stateless::Stateless;
  using Src = S;
  using Dst = float;
  using Wide = float;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    return IntToFloat32(dd, v);
  }
};

#if STRIDECAST_INT64_FLOAT
template <typename S>
requires(sizeof(S) == 8) struct ToFloat32<S> : Stateless {
  using Stateless::Stateless;
  using Src = S;
  using Dst = float;
  using Wide = S;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    return IntToFloat32(dd, v);
  }
};
#else
// Integers up to 2^51 are added as bits to the float64 1.5 * 2^52, which is then taken away.
template <typename S>
requires(sizeof(S) == 8) struct ToFloat32<S> : Small<S, 51> {
  using Small<S, 51>::Small;
  using Src = S;
  using Dst = float;
  using Wide = S;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    return IntToFloat32(dd, v);
  }
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Quick(DD dd, V v) const {
    const hn::Rebind<double, DD> df64;
    const hn::RebindToUnsigned<decltype(df64)> du64;
    const auto magic = hn::Set(df64, 6755399441055744.0);
    const auto sum = hn::Add(hn::BitCast(du64, v), hn::BitCast(du64, magic));
    return hn::DemoteTo(dd, hn::Sub(hn::BitCast(df64, sum), magic));
  }
};
#endif

template <typename S>
struct ToFloat64 : Stateless {
  using Stateless::Stateless;
  using Src = S;
  using Dst = double;
  using Wide = double;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    return IntToFloat64(dd, v);
  }
};

// float32 in between does not round twice: it is exact below 2^24, and what is larger overflows.
template <typename S>
struct ToFloat16 : Stateless {
  using Stateless::Stateless;
  using Src = S;
  using Dst = uint16_t;
  using Wide = float;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    return Float32ToFloat16(dd, IntToFloat32(hn::Rebind<float, DD>(), v));
  }
};

template <typename S>
requires(sizeof(S) == 8) struct ToFloat16<S> : Small<S, 24> {
  using Small<S, 24>::Small;
  using Src = S;
  using Dst = uint16_t;
  using Wide = S;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    return Float32ToFloat16(dd, IntToFloat32(hn::Rebind<float, DD>(), v));
  }
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Quick(DD dd, V v) const {
    return Float32ToFloat16(dd, SmallToFloat32(hn::Rebind<float, DD>(), v));
  }
};

// Up to 16 bits: float32 is exact.
template <typename S>
struct ToBFloat16 : Stateless {
  using Stateless::Stateless;
  using Src = S;
  using Dst = uint16_t;
  using Wide = float;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    return UpperHalves(dd, InUpperHalf(v));
  }
  template <class D2, class V>
  HWY_INLINE hn::Vec<D2> Pack2(D2 d2, V v0, V v1) const {
    return PackUpperHalves(d2, InUpperHalf(v0), InUpperHalf(v1));
  }

 private:
  template <class V>
  HWY_INLINE static auto InUpperHalf(V v) {
    const hn::Rebind<float, hn::DFromV<V>> df32;
    const hn::RebindToUnsigned<decltype(df32)> du32;
    const auto exact = SmallToFloat32(df32, v);
    if constexpr (sizeof(S) == 1) {
      return hn::BitCast(du32, exact);  // bfloat16 is exact
    } else {
      return FiniteInUpperHalf(du32, exact);
    }
  }
};

// Small ones through an exact float32; others rounded to odd twice, to the bits of float32 at
// least.
template <typename S>
requires(sizeof(S) >= 4) struct ToBFloat16<S> : Small<S, 24> {
  using Small<S, 24>::Small;
  using Src = S;
  using Dst = uint16_t;
  using Wide = S;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    const hn::Rebind<float, DD> df32;
    const hn::RebindToUnsigned<decltype(df32)> du32;
    if constexpr (sizeof(S) == 4) {
      const auto carrier = hn::ConvertTo(df32, RoundToOdd<24, 8>(v));
      return UpperHalves(dd, FiniteInUpperHalf(du32, carrier));
    } else {
      const auto carrier = IntToFloat64Odd(hn::Rebind<double, DD>(), v);
      return UpperHalves(dd, FiniteInUpperHalf(du32, Float64ToFloat32Odd<38>(df32, carrier)));
    }
  }
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Quick(DD dd, V v) const {
    return UpperHalves(dd, SmallInUpperHalf(v));
  }
  template <class D2, class V>
  HWY_INLINE hn::Vec<D2> Pack2(D2 d2, V v0, V v1) const requires(sizeof(S) == 4) {
    return PackUpperHalves(d2, SmallInUpperHalf(v0), SmallInUpperHalf(v1));
  }

 private:
  template <class V>
  HWY_INLINE static auto SmallInUpperHalf(V v) {
    const hn::Rebind<float, hn::DFromV<V>> df32;
    return FiniteInUpperHalf(hn::RebindToUnsigned<decltype(df32)>(), SmallToFloat32(df32, v));
  }
};

template <typename S>
void SetRow(KernelTable& table) {
  SetConvert<ToFloat16<S>>(table, kDTypeOf<S>, DType::kFloat16);
  SetConvert<ToBFloat16<S>>(table, kDTypeOf<S>, DType::kBFloat16);
  SetConvert<ToFloat32<S>>(table, kDTypeOf<S>, DType::kFloat32);
  SetConvert<ToFloat64<S>>(table, kDTypeOf<S>, DType::kFloat64);
}

template <typename... S>
void SetAll(KernelTable& table, Types<S...>) {
  (SetRow<S>(table), ...);
}

// Also from items at any step: samples and pixels.
template <typename... S>
void SetStrided(KernelTable& table, Types<S...>) {
  (SetConvertStrided<ToFloat32<S>>(table, kDTypeOf<S>, DType::kFloat32), ...);
}

// Also from every second item, where scratch would be in the way of L2.
void SetSecond(KernelTable& table) {
  SetConvertSecond<ToFloat32<int64_t>>(table, DType::kInt64, DType::kFloat32);
  SetConvertSecond<ToFloat64<int64_t>>(table, DType::kInt64, DType::kFloat64);
}

// Also in the other byte order: what FITS, netCDF and instruments hold.
template <typename... S>
void SetSwapped(KernelTable& table, Types<S...>) {
  (SetConvertSwapped<ToFloat32<S>>(table, kDTypeOf<S>, DType::kFloat32), ...);
  (SetConvertSwapped<ToFloat64<S>>(table, kDTypeOf<S>, DType::kFloat64), ...);
}

// Also to complex numbers.
template <typename... S>
void SetToComplex(KernelTable& table, Types<S...>) {
  (SetConvertToComplex<ToBFloat16<S>>(table, kDTypeOf<S>, DType::kBFloat16), ...);
  (SetConvertToComplex<ToFloat32<S>>(table, kDTypeOf<S>, DType::kFloat32), ...);
  (SetConvertToComplex<ToFloat64<S>>(table, kDTypeOf<S>, DType::kFloat64), ...);
}

}  // namespace

void FillConvertIntFloat(KernelTable& table) {
  SetAll(table, Integers());
  SetStrided(table, Types<uint8_t, int16_t, int32_t>());
  SetSecond(table);
  SetSwapped(table, Types<int16_t, uint16_t, int32_t, uint32_t>());
  SetToComplex(table, Types<int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t>());
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
