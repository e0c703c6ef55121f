// bool to and from every other type. A bool byte is true when it is not 0, and is written as 0 or
// 1; a number is true when it is not zero: NaN is true, -0.0 is not. All of it is done on the bits,
// so int8 and uint8, float16 and bfloat16 and so on share their kernels.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/convert_bool.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/convert-inl.h"
#include "kernels/convert_to_complex-inl.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

// 0 or the bits of the destination's one.
template <typename D, D kOne>
struct FromBool : Stateless {
  using Stateless::Stateless;
  using Src = uint8_t;
  using Dst = D;
  using Wide = D;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    const hn::DFromV<V> ds;
    const auto truth = hn::Min(v, hn::Set(ds, uint8_t{1}));
    if constexpr (sizeof(D) == 1) {
      return truth;
    } else if constexpr (kOne == 1) {
      return hn::PromoteTo(dd, truth);
    } else {
      return hn::And(hn::Sub(hn::Zero(dd), hn::PromoteTo(dd, truth)), hn::Set(dd, kOne));
    }
  }
};

// kFloat: the top bit is the sign and does not count.
template <typename S, bool kFloat>
struct ToBool : Stateless {
  using Stateless::Stateless;
  using Src = S;
  using Dst = uint8_t;
  using Wide = S;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    const hn::DFromV<V> ds;
    if constexpr (kFloat) v = hn::Add(v, v);
    if constexpr (sizeof(S) == 1) {
      return hn::Min(v, hn::Set(ds, S{1}));
    } else {
      // All ones, that is -1, where it is zero; plus 1.
      const auto is_zero = hn::VecFromMask(ds, hn::Eq(v, hn::Zero(ds)));
      return hn::Add(hn::TruncateTo(dd, is_zero), hn::Set(dd, uint8_t{1}));
    }
  }
};

// Floats as the bits they are.
template <typename Part, typename D, D kOne>
struct PartFromBool : FromBool<D, kOne> {
  using FromBool<D, kOne>::FromBool;
  using Dst = Part;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    return hn::BitCast(dd, FromBool<D, kOne>::Convert(hn::RebindToUnsigned<DD>(), v));
  }
};

template <class Op>
void SetFromBool(KernelTable& table, DType dst) {
  SetConvert<Op>(table, DType::kBool, dst);
}

template <class Op>
void SetToBool(KernelTable& table, DType src) {
  SetConvert<Op>(table, src, DType::kBool);
}

}  // namespace

void FillConvertBool(KernelTable& table) {
  SetFromBool<FromBool<uint8_t, 1>>(table, DType::kInt8);
  SetFromBool<FromBool<uint8_t, 1>>(table, DType::kUint8);
  SetFromBool<FromBool<uint16_t, 1>>(table, DType::kInt16);
  SetFromBool<FromBool<uint16_t, 1>>(table, DType::kUint16);
  SetFromBool<FromBool<uint32_t, 1>>(table, DType::kInt32);
  SetFromBool<FromBool<uint32_t, 1>>(table, DType::kUint32);
  SetFromBool<FromBool<uint64_t, 1>>(table, DType::kInt64);
  SetFromBool<FromBool<uint64_t, 1>>(table, DType::kUint64);
  SetFromBool<FromBool<uint16_t, 0x3c00>>(table, DType::kFloat16);
  SetFromBool<FromBool<uint16_t, 0x3f80>>(table, DType::kBFloat16);
  SetFromBool<FromBool<uint32_t, 0x3f800000>>(table, DType::kFloat32);
  SetFromBool<FromBool<uint64_t, 0x3ff0000000000000>>(table, DType::kFloat64);

  SetConvertToComplex<PartFromBool<float, uint32_t, 0x3f800000>>(table, DType::kBool,
                                                                 DType::kFloat32);
  SetConvertToComplex<PartFromBool<double, uint64_t, 0x3ff0000000000000>>(table, DType::kBool,
                                                                          DType::kFloat64);

  SetToBool<ToBool<uint8_t, false>>(table, DType::kInt8);
  SetToBool<ToBool<uint8_t, false>>(table, DType::kUint8);
  SetToBool<ToBool<uint16_t, false>>(table, DType::kInt16);
  SetToBool<ToBool<uint16_t, false>>(table, DType::kUint16);
  SetToBool<ToBool<uint32_t, false>>(table, DType::kInt32);
  SetToBool<ToBool<uint32_t, false>>(table, DType::kUint32);
  SetToBool<ToBool<uint64_t, false>>(table, DType::kInt64);
  SetToBool<ToBool<uint64_t, false>>(table, DType::kUint64);
  SetToBool<ToBool<uint16_t, true>>(table, DType::kFloat16);
  SetToBool<ToBool<uint16_t, true>>(table, DType::kBFloat16);
  SetToBool<ToBool<uint32_t, true>>(table, DType::kFloat32);
  SetToBool<ToBool<uint64_t, true>>(table, DType::kFloat64);
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
