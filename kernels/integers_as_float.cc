// Sums of integers of 32 and 64 bits as float64, each rounded first, and of the squares of their
// deviations from a mean, for variances: the tree of sum-inl.h. Narrower integers are converted.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/integers_as_float.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/sum_kernels-inl.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

// Rounded to float64 where they have more than 53 bits.
struct ToFloat64 {
  template <class D, class V>
  static HWY_INLINE hn::Vec<D> Of(D d, V v) {
    if constexpr (sizeof(hn::TFromV<V>) == sizeof(double)) {
      return hn::ConvertTo(d, v);
    } else {
      return hn::PromoteTo(d, v);
    }
  }
};
template <typename T>
using AsFloat64 = Converted<T, double, ToFloat64>;

template <typename T>
void SetInteger(KernelTable& table, DType type, const char* sum, const char* deviations) {
  SetSum<Summing<AsFloat64<T>>>(table.reduce[kReduceSumAsFloat][Index(type)], sum);
  SetSum<Summing<AsFloat64<T>, SquaredDeviations>>(table.reduce[kReduceSumDeviations][Index(type)],
                                                   deviations);
}

}  // namespace

void FillIntegersAsFloat(KernelTable& table) {
  SetInteger<int32_t>(table, DType::kInt32, "sum of int32 as float64", "deviations int32");
  SetInteger<uint32_t>(table, DType::kUint32, "sum of uint32 as float64", "deviations uint32");
  SetInteger<int64_t>(table, DType::kInt64, "sum of int64 as float64", "deviations int64");
  SetInteger<uint64_t>(table, DType::kUint64, "sum of uint64 as float64", "deviations uint64");
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
