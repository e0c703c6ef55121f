// Any, all, and sums and products of 64-bit integers, which wrap: folds whose order is void. Minima
// and maxima are extremes.cc's, what folds into wider accumulators is count.cc's, sums of floats
// are sum.cc's.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/fold.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/convert_names.h"
#include "kernels/fold_kernels-inl.h"
#include "kernels/lane_types.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

struct AddWrapping : PlainFold<int64_t> {
  static int64_t Neutral() { return 0; }
  template <class D, class V>
  static HWY_INLINE V Combine(D, V a, V b) {
    return hn::Add(a, b);
  }
  template <class D>
  static HWY_INLINE int64_t Lanes(D d, hn::Vec<D> v) {
    return hn::ReduceSum(d, v);
  }
};

struct MultiplyWrapping : PlainFold<int64_t> {
  static int64_t Neutral() { return 1; }
  template <class D, class V>
  static HWY_INLINE V Combine(D, V a, V b) {
    return hn::Mul(a, b);
  }
  template <class D>
  static HWY_INLINE int64_t Lanes(D d, hn::Vec<D> v) {
    return FoldLanes<MultiplyWrapping>(d, v);
  }
};

// Whether some item is not 0. T is unsigned.
template <typename T, Signs kSigns>
struct AnyTrue : PlainFold<T, uint8_t> {
  static constexpr bool kDecides = true;
  static T Neutral() { return 0; }
  template <class D, class V>
  static HWY_INLINE V Prepare(D d, V raw) {
    return WithoutSigns<kSigns>(d, raw);
  }
  template <class D, class V>
  static HWY_INLINE V Combine(D, V a, V b) {
    return hn::Or(a, b);
  }
  template <class D>
  static HWY_INLINE T Lanes(D d, hn::Vec<D> v) {
    return hn::AllTrue(d, hn::Eq(v, hn::Zero(d))) ? T{0} : T{1};
  }
  static uint8_t Result(T acc) { return acc != 0; }
  static bool Decided(T acc) { return acc != 0; }
};

// Whether no item is 0: the accumulator has bits where one is.
template <typename T, Signs kSigns>
struct AllTrueFold : AnyTrue<T, kSigns> {
  template <class D, class V>
  static HWY_INLINE V Prepare(D d, V raw) {
    return hn::VecFromMask(d, hn::Eq(AnyTrue<T, kSigns>::Prepare(d, raw), hn::Zero(d)));
  }
  static uint8_t Result(T acc) { return acc == 0; }
};

template <template <typename, Signs> class Op>
void SetTruths(ReduceEntries& entries, const TypeNames& names, const char* complex_name) {
  SetByBits<Op>(entries, names, complex_name, []<class AnOp>(AnOp) { return FoldEntry<AnOp>(""); });
}

}  // namespace

void FillFold(KernelTable& table) {
  SetTruths<AnyTrue>(table.reduce[kReduceAny], kAnyNames, "any complex64");
  SetTruths<AllTrueFold>(table.reduce[kReduceAll], kAllNames, "all complex64");
  for (const DType type : {DType::kInt64, DType::kUint64}) {
    table.reduce[kReduceSum][Index(type)] = FoldEntry<AddWrapping>("sum of 64 bits");
    table.reduce[kReduceProd][Index(type)] = FoldEntry<MultiplyWrapping>("prod of 64 bits");
  }
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
