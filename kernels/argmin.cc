// argmin: a file of its own, beside argmax.cc, for the time that compilers take.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/argmin.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/arg_vectors-inl.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {

void FillArgmin(KernelTable& table) { SetArgs<false>(table.reduce[kReduceArgmin], kArgminNames); }

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
