// Sums of float32 and float64, of float16 and bfloat16 in float32, and of complex numbers.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/sum.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/sum_kernels-inl.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {

void FillSum(KernelTable& table) {
  ReduceEntries& sums = table.reduce[kReduceSum];
  SetSum<Summing<Widened<Float16>>>(sums[Index(DType::kFloat16)], "sum float16");
  SetSum<Summing<Widened<BFloat16>>>(sums[Index(DType::kBFloat16)], "sum bfloat16");
  SetSum<Summing<AsTheyAre<float>>>(sums[Index(DType::kFloat32)], "sum float32");
  SetSum<Summing<AsTheyAre<double>>>(sums[Index(DType::kFloat64)], "sum float64");
  SetSum<Summing<AsTheyAre<float, 2>>>(sums[Index(DType::kComplexFloat32)], "sum complex64");
  SetSum<Summing<AsTheyAre<double, 2>>>(sums[Index(DType::kComplexFloat64)], "sum complex128");
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
