// Minima and maxima of numbers, complex64 and times, and the largest absolute values of floats,
// under the total orders of fold-inl.h: -0.0 is less than +0.0, any NaN gives the positive quiet
// NaN, any NaT NaT. Those of complex128 are arg_complex.cc's.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/extremes.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/convert_names.h"
#include "kernels/fold_kernels-inl.h"
#include "kernels/lane_types.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

template <bool kMax>
void SetExtremes(ReduceEntries& entries, const TypeNames& names) {
  const auto set = [&](DType type, sc_reduce_entry entry) {
    entry.name = names.text[Index(type)];
    entries[Index(type)] = entry;
  };
  set(DType::kBool, FoldEntry<ExtremeBool<kMax>>(""));
  set(DType::kInt8, FoldEntry<Extreme<int8_t, kMax>>(""));
  set(DType::kUint8, FoldEntry<Extreme<uint8_t, kMax>>(""));
  set(DType::kInt16, FoldEntry<Extreme<int16_t, kMax>>(""));
  set(DType::kUint16, FoldEntry<Extreme<uint16_t, kMax>>(""));
  set(DType::kInt32, FoldEntry<Extreme<int32_t, kMax>>(""));
  set(DType::kUint32, FoldEntry<Extreme<uint32_t, kMax>>(""));
  set(DType::kInt64, FoldEntry<Extreme<int64_t, kMax>>(""));
  set(DType::kUint64, FoldEntry<Extreme<uint64_t, kMax>>(""));
  set(DType::kFloat16, FoldEntry<ExtremeHalf<0x7c00, kMax>>(""));
  set(DType::kBFloat16, FoldEntry<ExtremeHalf<0x7f80, kMax>>(""));
  set(DType::kFloat32, FoldEntry<ExtremeFloat<float, kMax>>(""));
  set(DType::kFloat64, FoldEntry<ExtremeFloat<double, kMax>>(""));
}

}  // namespace

void FillExtremes(KernelTable& table) {
  SetExtremes<false>(table.reduce[kReduceMin], kMinNames);
  SetExtremes<true>(table.reduce[kReduceMax], kMaxNames);
  for (const DType type : {DType::kDatetime64, DType::kTimedelta64}) {
    table.reduce[kReduceMin][Index(type)] = FoldEntry<ExtremeTime<false>>("min of times");
    table.reduce[kReduceMax][Index(type)] = FoldEntry<ExtremeTime<true>>("max of times");
  }
  constexpr size_t kComplex = Index(DType::kComplexFloat32);
  table.reduce[kReduceMin][kComplex] = FoldEntry<ExtremeComplex<false>>("min complex64");
  table.reduce[kReduceMax][kComplex] = FoldEntry<ExtremeComplex<true>>("max complex64");
  ReduceEntries& largest = table.reduce[kReduceMaxAbs];
  largest[Index(DType::kFloat16)] = FoldEntry<LargestHalf<0x7c00>>("max |float16|");
  largest[Index(DType::kBFloat16)] = FoldEntry<LargestHalf<0x7f80>>("max |bfloat16|");
  largest[Index(DType::kFloat32)] = FoldEntry<LargestFloat<float>>("max |float32|");
  largest[Index(DType::kFloat64)] = FoldEntry<LargestFloat<double>>("max |float64|");
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
