// Sums of absolute values and of squares, for norms, and products: the tree of sum-inl.h. The
// largest absolute value is extremes.cc's.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/norms.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/sum_kernels-inl.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {

void FillNorms(KernelTable& table) {
  SetReal<AbsoluteValues>(table.reduce[kReduceSumAbs],
                          {"sum |float16|", "sum |bfloat16|", "sum |float32|", "sum |float64|"});
  SetReal<Squares>(table.reduce[kReduceSumSquares],
                   {"squares float16", "squares bfloat16", "squares float32", "squares float64"});
  SetComplex<Squares>(table.reduce[kReduceSumSquares], {"squares complex64", "squares complex128"});
  SetReal<TheItems, Multiplying>(table.reduce[kReduceProd],
                                 {"prod float16", "prod bfloat16", "prod float32", "prod float64"});
  SetComplex<TheItems, MultiplyingComplex>(table.reduce[kReduceProd],
                                           {"prod complex64", "prod complex128"});
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
