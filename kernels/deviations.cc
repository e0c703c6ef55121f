// Sums of squared distances from a mean, which is given, for variances: the tree of sum-inl.h.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/deviations.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/sum_kernels-inl.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {

void FillDeviations(KernelTable& table) {
  ReduceEntries& entries = table.reduce[kReduceSumDeviations];
  SetReal<SquaredDeviations>(entries, {"deviations float16", "deviations bfloat16",
                                       "deviations float32", "deviations float64"});
  SetComplex<SquaredDeviations>(entries, {"deviations complex64", "deviations complex128"});
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
