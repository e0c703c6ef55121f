// Carriers on the way to narrow floats: int64 and uint64 to float64, float64 to float32, rounded to
// odd. What rounds them a second time are the kernels of narrow_float.cc and convert_float.cc.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/round_odd.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/convert-inl.h"
#include "kernels/float16-inl.h"
#include "kernels/lane_types.h"
#include "kernels/round_odd-inl.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

template <typename S>
struct IntOdd : Stateless {
  using Stateless::Stateless;
  using Src = S;
  using Dst = double;
  using Wide = double;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    return IntToFloat64Odd(dd, v);
  }
};

// What is not zero must not become zero: that is NaN in float8_e8m0fnu, the other its smallest
// value.
struct Float64Odd : Stateless {
  using Stateless::Stateless;
  using Src = double;
  using Dst = float;
  using Wide = double;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    const hn::DFromV<V> d;
    const auto least = hn::Set(d, 0x1p-149);
    const auto lost = hn::And(hn::Lt(hn::Abs(v), least), hn::Ne(v, hn::Zero(d)));
    const auto kept = hn::IfThenElse(lost, hn::CopySign(least, v), v);
    // As Float64ToFloat32Odd<38>, but with infinities beyond float32's range on every target.
    const hn::RebindToUnsigned<decltype(d)> du;
    const auto dropped = hn::Set(du, (uint64_t{1} << 38) - 1);
    const auto bits = hn::BitCast(du, kept);
    const auto sticky = hn::And(hn::Add(bits, dropped), hn::Set(du, uint64_t{1} << 38));
    return hn::DemoteTo(dd, hn::BitCast(d, hn::Or(hn::AndNot(dropped, bits), sticky)));
  }
};

}  // namespace

void FillRoundOdd(KernelTable& table) {
  table.odd[Index(DType::kInt64)] = ConvertEntry<IntOdd<int64_t>>("odd int64");
  table.odd[Index(DType::kUint64)] = ConvertEntry<IntOdd<uint64_t>>("odd uint64");
  table.odd[Index(DType::kFloat64)] = ConvertEntry<Float64Odd>("odd float64");
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
