// Sums of absolute values, of squares and of squared deviations, for norms and variances, and
// products: the tree of sum-inl.h, of what a map makes of the items.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/sum_maps.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/sum_kernels-inl.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

template <class Map, class Joiner = Adding>
void SetReal(ReduceEntries& entries, const char* const (&names)[4]) {
  SetSum<Summing<Widened<Float16>, Map, Joiner>>(entries[Index(DType::kFloat16)], names[0]);
  SetSum<Summing<Widened<BFloat16>, Map, Joiner>>(entries[Index(DType::kBFloat16)], names[1]);
  SetSum<Summing<AsTheyAre<float>, Map, Joiner>>(entries[Index(DType::kFloat32)], names[2]);
  SetSum<Summing<AsTheyAre<double>, Map, Joiner>>(entries[Index(DType::kFloat64)], names[3]);
}

template <class Map>
void SetComplex(ReduceEntries& entries, const char* const (&names)[2]) {
  SetSum<Summing<AsTheyAre<float, 2>, Map>>(entries[Index(DType::kComplexFloat32)], names[0]);
  SetSum<Summing<AsTheyAre<double, 2>, Map>>(entries[Index(DType::kComplexFloat64)], names[1]);
}

}  // namespace

void FillSumMaps(KernelTable& table) {
  SetReal<AbsoluteValues>(table.reduce[kReduceSumAbs],
                          {"sum |float16|", "sum |bfloat16|", "sum |float32|", "sum |float64|"});
  SetReal<Squares>(table.reduce[kReduceSumSquares],
                   {"squares float16", "squares bfloat16", "squares float32", "squares float64"});
  SetComplex<Squares>(table.reduce[kReduceSumSquares], {"squares complex64", "squares complex128"});
  SetReal<SquaredDeviations>(
      table.reduce[kReduceSumDeviations],
      {"deviations float16", "deviations bfloat16", "deviations float32", "deviations float64"});
  SetComplex<SquaredDeviations>(table.reduce[kReduceSumDeviations],
                                {"deviations complex64", "deviations complex128"});
  SetReal<TheItems, Multiplying>(table.reduce[kReduceProd],
                                 {"prod float16", "prod bfloat16", "prod float32", "prod float64"});
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
