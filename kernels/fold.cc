// Reductions whose result does not depend on order: minima and maxima under a total order, any and
// all, and sums and products of 64-bit integers. A state is one accumulator a column, as wide as an
// item of the source, with no header. What folds into wider accumulators is count.cc's, sums of
// floats are sum.cc's.
//
// The minimum of floats is -0.0 rather than +0.0 where both occur, the maximum +0.0; both are the
// positive quiet NaN where any NaN occurs. Integers wrap modulo 2^64. Nothing folded leaves the
// neutral value: whether a minimum of nothing is an error is the caller's business.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/fold.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/convert_names.h"
#include "kernels/fold-inl.h"
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

// Whether some item is not 0; of floats the sign does not count. T is unsigned.
template <typename T, bool kFloat>
struct AnyTrue : PlainFold<T, uint8_t> {
  static constexpr bool kDecides = true;
  static T Neutral() { return 0; }
  template <class D, class V>
  static HWY_INLINE V Prepare(D, V raw) {
    return kFloat ? hn::Add(raw, raw) : raw;
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
template <typename T, bool kFloat>
struct AllTrueFold : AnyTrue<T, kFloat> {
  template <class D, class V>
  static HWY_INLINE V Prepare(D d, V raw) {
    return hn::VecFromMask(d, hn::Eq(AnyTrue<T, kFloat>::Prepare(d, raw), hn::Zero(d)));
  }
  static uint8_t Result(T acc) { return acc == 0; }
};

// ---- the kernels ----

template <class Op>
uint32_t FoldInit(const sc_run* run) {
  auto* const state = static_cast<typename Op::Acc*>(run->state);
  for (int64_t i = 0; i < run->n[1]; ++i) state[i] = Op::Neutral();
  return 0;
}

// Items that are looked at before it is asked whether more can change anything.
constexpr size_t kDecisionBytes = 4096;

// Calls add(items, count) until all are folded or nothing more can change the state.
template <class Op, class Add>
HWY_INLINE void AddUntilDecided(typename Op::Acc* state, const uint8_t* src, ptrdiff_t step,
                                size_t n, const Add& add) {
  if constexpr (Op::kDecides) {
    constexpr size_t kPiece = kDecisionBytes / sizeof(typename Op::Acc);
    for (; n > kPiece && !Op::Decided(*state); n -= kPiece) {
      add(src, kPiece);
      src += step * static_cast<ptrdiff_t>(kPiece);
    }
    if (Op::Decided(*state)) return;
  }
  add(src, n);
}

template <class Op>
HWY_INLINE void FoldInto(typename Op::Acc* state, typename Op::Acc folded) {
  const hn::CappedTag<typename Op::Acc, 1> d1;
  hn::StoreU(Op::Combine(d1, hn::LoadU(d1, state), hn::Set(d1, folded)), d1, state);
}

template <class Op>
HWY_INLINE void FoldColumn(typename Op::Acc* state, const uint8_t* packed, size_t n) {
  constexpr size_t kSize = sizeof(typename Op::Acc);
  AddUntilDecided<Op>(state, packed, kSize, n, [=](const uint8_t* from, size_t count) HWY_ATTR {
    FoldInto<Op>(state, FoldPacked<Op>(from, count));
  });
}

// Of items at any step.
template <class Op>
HWY_INLINE void FoldColumn(typename Op::Acc* state, const uint8_t* src, ptrdiff_t step, size_t n) {
  using T = typename Op::Acc;
  if (step == 2 * static_cast<ptrdiff_t>(sizeof(T)) && n > 1) {
    AddUntilDecided<Op>(state, src, step, n - 1, [=](const uint8_t* from, size_t count) HWY_ATTR {
      FoldInto<Op>(state, FoldPacked<Op>(EverySecond(), from, count));
    });
    src += step * static_cast<ptrdiff_t>(n - 1);
    n = 1;
  }
  ForPackedPieces<T>(src, step, n, [=](const uint8_t* packed, size_t count) HWY_ATTR {
    FoldColumn<Op>(state, packed, count);
  });
}

template <class Op>
uint32_t FoldStep(const sc_run* run) {
  using T = typename Op::Acc;
  T* const state = static_cast<T*>(run->state);
  const uint8_t* src = static_cast<const uint8_t*>(run->src);
  const ptrdiff_t step = run->src_step[0];
  size_t rows = static_cast<size_t>(run->n[0]);
  const size_t columns = static_cast<size_t>(run->n[1]);
  if (columns == 1) {
    FoldColumn<Op>(state, src, step, rows);
    return 0;
  }
  const hn::ScalableTag<T> d;
  // Rows that are read side by side keep memory busy; more of them than this get into each other's
  // way.
  const size_t group = columns * sizeof(T) <= kNarrowRow ? kRowGroup : 8;
  while (rows > 0) {
    const size_t take = HWY_MIN(rows, group);
    ForColumns(d, columns, [=](size_t column, auto lanes) HWY_ATTR {
      const auto folded = FoldRows(Op(), d, lanes, src + column * sizeof(T), step, take);
      const auto before = lanes.Load(d, static_cast<const T*>(state + column));
      lanes.Store(Op::Combine(d, before, folded), d, state + column);
    });
    src += static_cast<ptrdiff_t>(take) * step;
    rows -= take;
  }
  return 0;
}

template <class Op>
uint32_t FoldMerge(const sc_run* run) {
  using T = typename Op::Acc;
  T* const state = static_cast<T*>(run->state);
  const T* const next = static_cast<const T*>(run->src);
  const hn::ScalableTag<T> d;
  ForColumns(d, static_cast<size_t>(run->n[1]), [=](size_t column, auto lanes) HWY_ATTR {
    const auto before = lanes.Load(d, static_cast<const T*>(state + column));
    lanes.Store(Op::Combine(d, before, lanes.Load(d, next + column)), d, state + column);
  });
  return 0;
}

template <class Op>
uint32_t FoldFinish(const sc_run* run) {
  using Out = typename Op::Out;
  const auto* const state = static_cast<const typename Op::Acc*>(run->state);
  auto* dst = static_cast<uint8_t*>(run->dst);
  for (int64_t i = 0; i < run->n[1]; ++i) {
    const Out result = Op::Result(state[i]);
    memcpy(dst + static_cast<size_t>(i) * sizeof(Out), &result, sizeof(Out));
  }
  return 0;
}

template <class Op>
uint32_t FoldWhole(const sc_run* run) {
  using Out = typename Op::Out;
  const auto* src = static_cast<const uint8_t*>(run->src);
  auto* dst = static_cast<uint8_t*>(run->dst);
  for (int64_t i = 0; i < run->n[1]; ++i, src += run->src_step[1], dst += sizeof(Out)) {
    auto state = Op::Neutral();
    FoldColumn<Op>(&state, src, run->src_step[0], static_cast<size_t>(run->n[0]));
    const Out result = Op::Result(state);
    memcpy(dst, &result, sizeof(Out));
  }
  return 0;
}

// Of states: their lanes are prepared.
template <class Op>
struct Prepared : Op {
  template <class D, class V>
  static HWY_INLINE V Prepare(D, V raw) {
    return raw;
  }
};

template <class Op>
uint32_t FoldJoin(const sc_run* run) {
  using T = typename Op::Acc;
  T* const state = static_cast<T*>(run->state);
  const auto* src = static_cast<const uint8_t*>(run->src);
  const auto n = static_cast<size_t>(run->n[0]);
  constexpr size_t kFew = 8;
  for (int64_t i = 0; i < run->n[1]; ++i, src += n * sizeof(T)) {
    if (n >= kFew) {
      FoldColumn<Prepared<Op>>(state + i, src, n);
      continue;
    }
    for (size_t k = 0; k < n; ++k) FoldInto<Op>(state + i, LoadAs<T>(src + k * sizeof(T)));
  }
  return 0;
}

// ---- entries ----

template <class Op>
constexpr sc_reduce_entry FoldEntry(const char* name) {
  return {&FoldInit<Op>,
          &FoldStep<Op>,
          &FoldMerge<Op>,
          &FoldFinish<Op>,
          &FoldWhole<Op>,
          &FoldJoin<Op>,
          name,
          0,
          sizeof(typename Op::Acc),
          1};
}

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

template <template <typename, bool> class Op>
void SetTruths(ReduceEntries& entries, const TypeNames& names) {
  SetByBits<Op>(entries, names, []<class AnOp>(AnOp) { return FoldEntry<AnOp>(""); });
}

}  // namespace

void FillFold(KernelTable& table) {
  SetExtremes<false>(table.reduce[kReduceMin], kMinNames);
  SetExtremes<true>(table.reduce[kReduceMax], kMaxNames);
  SetTruths<AnyTrue>(table.reduce[kReduceAny], kAnyNames);
  SetTruths<AllTrueFold>(table.reduce[kReduceAll], kAllNames);
  for (const DType type : {DType::kInt64, DType::kUint64}) {
    table.reduce[kReduceSum][Index(type)] = FoldEntry<AddWrapping>("sum of 64 bits");
    table.reduce[kReduceProd][Index(type)] = FoldEntry<MultiplyWrapping>("prod of 64 bits");
  }
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
