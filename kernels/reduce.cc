// Table entries of the reductions: sum and minimum over float32, float64 and int64 accumulators.
// The loops are in sum-inl.h (floats, where order matters) and fold-inl.h (where it does not).
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/reduce.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/fold-inl.h"
#include "kernels/sum-inl.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

template <typename T>
constexpr sc_reduce_entry SumEntry(const char* name) {
  return {&SumInit<T>, &SumStep<T>,     &SumMerge<T>,      &SumFinish<T>,
          name,        kSumHeaderBytes, kSumColumnBytes<T>};
}

template <class Op, typename T>
constexpr sc_reduce_entry FoldEntry(const char* name) {
  return {&FoldInit<Op, T>, &FoldStep<Op, T>, &FoldMerge<Op, T>, &FoldFinish<Op, T>, name, 0,
          sizeof(T)};
}

}  // namespace

void FillReduce(KernelTable& table) {
  constexpr size_t kF32 = static_cast<size_t>(DType::kFloat32);
  constexpr size_t kF64 = static_cast<size_t>(DType::kFloat64);
  constexpr size_t kI64 = static_cast<size_t>(DType::kInt64);
  table.reduce[kReduceSum][kF32] = SumEntry<float>("sum float32");
  table.reduce[kReduceSum][kF64] = SumEntry<double>("sum float64");
  table.reduce[kReduceSum][kI64] = FoldEntry<AddWrapping, int64_t>("sum int64");
  table.reduce[kReduceMin][kF32] = FoldEntry<MinFloat<float>, float>("min float32");
  table.reduce[kReduceMin][kF64] = FoldEntry<MinFloat<double>, double>("min float64");
  table.reduce[kReduceMin][kI64] = FoldEntry<MinInteger, int64_t>("min int64");
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
