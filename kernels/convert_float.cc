// float16, bfloat16, float32 and float64 among each other: one rounding to nearest even from source
// to destination. How the 16-bit types round and what becomes of NaNs is float16-inl.h's.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/convert_float.cc"
#include <limits>

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/convert-inl.h"
#include "kernels/convert_strided-inl.h"
#include "kernels/float16-inl.h"
#include "kernels/lane_types.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

template <typename S, typename D>
struct FloatOp;

template <>
struct FloatOp<Float16, BFloat16> : Stateless {
  using Stateless::Stateless;
  using Src = uint16_t;
  using Dst = uint16_t;
  using Wide = float;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    return Float32ToBFloat16(dd, Float16ToFloat32(hn::Rebind<float, DD>(), v));
  }
  template <class D2, class V>
  HWY_INLINE hn::Vec<D2> Pack2(D2 d2, V v0, V v1) const {
    const hn::Rebind<float, hn::DFromV<V>> df32;
    const hn::RebindToUnsigned<decltype(df32)> du32;
    return PackUpperHalves(d2, BFloat16InUpperHalf(du32, Float16ToFloat32(df32, v0)),
                           BFloat16InUpperHalf(du32, Float16ToFloat32(df32, v1)));
  }
};

template <>
struct FloatOp<BFloat16, Float16> : Stateless {
  using Stateless::Stateless;
  using Src = uint16_t;
  using Dst = uint16_t;
  using Wide = float;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    return Float32ToFloat16(dd, BFloat16AsFloat32(hn::Rebind<float, DD>(), v));
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
  template <class D2, class V>
  HWY_INLINE hn::Vec<D2> Pack2(D2 d2, V v0, V v1) const {
    const hn::RebindToUnsigned<hn::DFromV<V>> du32;
    return PackUpperHalves(d2, BFloat16InUpperHalf(du32, v0), BFloat16InUpperHalf(du32, v1));
  }
};

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
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
