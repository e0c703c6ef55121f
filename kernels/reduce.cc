// Table entries of the reductions. The loops are in sum-inl.h (floats, where order matters),
// fold-inl.h (where it does not) and count-inl.h (integers in wider accumulators).
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/reduce.cc"
#include <initializer_list>

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/convert_names.h"
#include "kernels/count-inl.h"
#include "kernels/fold-inl.h"
#include "kernels/lane_types.h"
#include "kernels/sum-inl.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

template <class S>
constexpr sc_reduce_entry SumEntry(const char* name) {
  using T = typename S::Sum;
  return {&SumInit<T>, &SumStep<S>,     &SumMerge<T>,      &SumFinish<T>,
          name,        kSumHeaderBytes, kSumColumnBytes<T>};
}

template <class Op>
constexpr sc_reduce_entry FoldEntry(const char* name) {
  return {&FoldInit<Op>,           &FoldStep<Op>, &FoldMerge<Op>, &FoldFinish<Op>, name, 0,
          sizeof(typename Op::Acc)};
}

template <class Op>
constexpr sc_reduce_entry CountEntry(const char* name) {
  return {&CountInit, &CountStep<Op>, &CountMerge, &CountFinish, name, 0, sizeof(int64_t)};
}

using Entries = sc_reduce_entry[kNumArithmetic];

template <bool kMax>
void SetExtremes(Entries& entries, const TypeNames& names) {
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

// What looks at bits alone: by size, and whether there is a sign that does not count.
template <template <typename, bool> class Op, template <class> class EntryOf>
void SetTruths(Entries& entries, const TypeNames& names) {
  const auto set = [&](std::initializer_list<DType> types, sc_reduce_entry entry) {
    for (const DType type : types) {
      entry.name = names.text[Index(type)];
      entries[Index(type)] = entry;
    }
  };
  set({DType::kBool, DType::kInt8, DType::kUint8}, EntryOf<Op<uint8_t, false>>::Make());
  set({DType::kInt16, DType::kUint16}, EntryOf<Op<uint16_t, false>>::Make());
  set({DType::kInt32, DType::kUint32}, EntryOf<Op<uint32_t, false>>::Make());
  set({DType::kInt64, DType::kUint64}, EntryOf<Op<uint64_t, false>>::Make());
  set({DType::kFloat16, DType::kBFloat16}, EntryOf<Op<uint16_t, true>>::Make());
  set({DType::kFloat32}, EntryOf<Op<uint32_t, true>>::Make());
  set({DType::kFloat64}, EntryOf<Op<uint64_t, true>>::Make());
}
template <class Op>
struct AsFold {
  static sc_reduce_entry Make() { return FoldEntry<Op>(""); }
};
template <class Op>
struct AsCount {
  static sc_reduce_entry Make() { return CountEntry<Op>(""); }
};

void SetSums(Entries& entries) {
  entries[Index(DType::kBool)] = CountEntry<CountTrue<uint8_t, false>>("count true");
  entries[Index(DType::kInt8)] = CountEntry<SumNarrow<int8_t>>("sum int8");
  entries[Index(DType::kUint8)] = CountEntry<SumNarrow<uint8_t>>("sum uint8");
  entries[Index(DType::kInt16)] = CountEntry<SumNarrow<int16_t>>("sum int16");
  entries[Index(DType::kUint16)] = CountEntry<SumNarrow<uint16_t>>("sum uint16");
  entries[Index(DType::kInt32)] = CountEntry<SumNarrow<int32_t>>("sum int32");
  entries[Index(DType::kUint32)] = CountEntry<SumNarrow<uint32_t>>("sum uint32");
  entries[Index(DType::kInt64)] = FoldEntry<AddWrapping>("sum int64");
  entries[Index(DType::kUint64)] = FoldEntry<AddWrapping>("sum uint64");
  entries[Index(DType::kFloat32)] = SumEntry<AsTheyAre<float>>("sum float32");
  entries[Index(DType::kFloat64)] = SumEntry<AsTheyAre<double>>("sum float64");
  entries[Index(DType::kFloat16)] = SumEntry<Widened<Float16>>("sum float16");
  entries[Index(DType::kBFloat16)] = SumEntry<Widened<BFloat16>>("sum bfloat16");
}

}  // namespace

void FillReduce(KernelTable& table) {
  SetSums(table.reduce[kReduceSum]);
  SetExtremes<false>(table.reduce[kReduceMin], kMinNames);
  SetExtremes<true>(table.reduce[kReduceMax], kMaxNames);
  SetTruths<AnyTrue, AsFold>(table.reduce[kReduceAny], kAnyNames);
  SetTruths<AllTrueFold, AsFold>(table.reduce[kReduceAll], kAllNames);
  SetTruths<CountTrue, AsCount>(table.reduce[kReduceCount], kCountNames);
  table.reduce_time[0] = FoldEntry<ExtremeTime<false>>("min of times");
  table.reduce_time[1] = FoldEntry<ExtremeTime<true>>("max of times");
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
