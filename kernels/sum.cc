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
  SetReal<TheItems>(sums, {"sum float16", "sum bfloat16", "sum float32", "sum float64"});
  SetComplex<TheItems>(sums, {"sum complex64", "sum complex128"});
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
