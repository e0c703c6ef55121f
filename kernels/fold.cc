// Reductions whose result does not depend on order: minima and maxima under a total order, any and
// all, and sums of 64-bit integers. A state is one accumulator a column, as wide as an item of the
// source, with no header. What folds into wider accumulators is count.cc's, sums of floats are
// sum.cc's.
//
// The minimum of floats is -0.0 rather than +0.0 where both occur, the maximum +0.0; both are the
// positive quiet NaN where any NaN occurs. Integers wrap modulo 2^64. Nothing folded leaves the
// neutral value: whether a minimum of nothing is an error is the caller's business.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/fold.cc"
#include <limits>

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/convert_names.h"
#include "kernels/lane_types.h"
#include "kernels/reduce-inl.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

// An operation says
//   using Acc;                   // lanes of the state, as wide as the source's items
//   using Out;                   // of the results
//   static Acc Neutral();
//   V Prepare(D, V raw);         // what lanes of the source, as Acc, become
//   V Combine(D, V a, V b);      // of prepared lanes
//   Acc Lanes(D, V v);           // what the lanes of a vector fold to
//   Out Result(Acc);
// and, if nothing that follows can change some results,
//   static constexpr bool kDecides = true;
//   static bool Decided(Acc);

// What most operations have in common.
template <typename T, typename OutT = T>
struct PlainFold {
  using Acc = T;
  using Out = OutT;
  static constexpr bool kDecides = false;
  template <class D, class V>
  static HWY_INLINE V Prepare(D, V raw) {
    return raw;
  }
  static OutT Result(T acc) { return static_cast<OutT>(acc); }
};

// Lane by lane: once a run, of at most 64 lanes.
template <class Op, class D, class V>
HWY_INLINE typename Op::Acc FoldLanes(D d, V v) {
  using Acc = typename Op::Acc;
  if constexpr (HWY_MAX_LANES_D(D) > 16 / sizeof(Acc) && !HWY_HAVE_SCALABLE) {
    const hn::Half<D> half;
    return FoldLanes<Op>(half, Op::Combine(half, hn::UpperHalf(half, v), hn::LowerHalf(half, v)));
  } else {
    HWY_ALIGN Acc items[HWY_MAX_LANES_D(D)];
    hn::Store(v, d, items);
    const hn::CappedTag<Acc, 1> d1;
    auto folded = hn::Set(d1, items[0]);
    for (size_t i = 1; i < hn::Lanes(d); ++i) {
      folded = Op::Combine(d1, folded, hn::Set(d1, items[i]));
    }
    return hn::GetLane(folded);
  }
}

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

template <typename T, bool kMax>
struct Extreme : PlainFold<T> {
  static T Neutral() {
    return kMax ? std::numeric_limits<T>::lowest() : std::numeric_limits<T>::max();
  }
  template <class D, class V>
  static HWY_INLINE V Combine(D, V a, V b) {
    return kMax ? hn::Max(a, b) : hn::Min(a, b);
  }
  template <class D>
  static HWY_INLINE T Lanes(D d, hn::Vec<D> v) {
    return FoldLanes<Extreme>(d, v);
  }
};

// Any byte but 0 is true.
template <bool kMax>
struct ExtremeBool : Extreme<uint8_t, kMax> {
  static uint8_t Neutral() { return kMax ? 0 : 1; }
  template <class D, class V>
  static HWY_INLINE V Prepare(D d, V raw) {
    return hn::Min(raw, hn::Set(d, uint8_t{1}));
  }
};

// Datetimes: NaT, the smallest int64, wins either way. For the maximum all values are one less, by
// which it becomes the largest.
template <bool kMax>
struct ExtremeTime : Extreme<int64_t, kMax> {
  template <class D, class V>
  static HWY_INLINE V Prepare(D d, V raw) {
    return kMax ? hn::Sub(raw, hn::Set(d, int64_t{1})) : raw;
  }
  static int64_t Result(int64_t acc) {
    return kMax ? static_cast<int64_t>(static_cast<uint64_t>(acc) + 1) : acc;
  }
};

// float16 and bfloat16 by the order of integers: of negative ones all bits but the sign are turned
// round. NaNs become the integer that wins, which no number has. kInfinity: its bits.
template <int16_t kInfinity, bool kMax>
struct ExtremeHalf : Extreme<int16_t, kMax> {
  static constexpr int16_t kNan = kMax ? INT16_MAX : INT16_MIN;
  static constexpr int16_t kQuietNan =
      static_cast<int16_t>(kInfinity | (((kInfinity >> 1) & ~kInfinity)));

  template <class D, class V>
  static HWY_INLINE V Prepare(D d, V raw) {
    const auto all_but_sign = hn::Set(d, int16_t{0x7fff});
    const auto ordered = hn::Xor(raw, hn::And(hn::BroadcastSignBit(raw), all_but_sign));
    const auto nan = hn::Gt(hn::And(raw, all_but_sign), hn::Set(d, kInfinity));
    return hn::IfThenElse(nan, hn::Set(d, kNan), ordered);
  }
  static int16_t Result(int16_t acc) {
    if (acc == kNan) return kQuietNan;
    return static_cast<int16_t>(acc ^ (acc >> 15 & 0x7fff));
  }
};

// Of the negated values for the maximum.
template <typename T, bool kMax>
struct ExtremeFloat : PlainFold<T> {
  static T Neutral() { return std::numeric_limits<T>::infinity(); }
  template <class D, class V>
  static HWY_INLINE V Prepare(D, V raw) {
    return kMax ? hn::Neg(raw) : raw;
  }
  template <class D, class V>
  static HWY_INLINE V Combine(D d, V a, V b) {
    // Equal values have equal bits, but for zeros, whose signs must join.
    const V least = hn::IfThenElse(hn::Eq(a, b), hn::Or(a, b), hn::Min(a, b));
    return hn::IfThenElse(hn::IsEitherNaN(a, b), hn::Set(d, QuietNaN<T>()), least);
  }
  // `v` holds results of Combine or FoldRows.
  template <class D>
  static HWY_INLINE T Lanes(D d, hn::Vec<D> v) {
    if (!hn::AllFalse(d, hn::IsNaN(v))) return QuietNaN<T>();
    const T least = hn::ReduceMin(d, v);
    if (least != T{0}) return least;
    const hn::RebindToSigned<D> di;
    const auto negative = hn::Lt(hn::BitCast(di, v), hn::Zero(di));
    return hn::AllFalse(di, negative) ? T{0} : T{-0.0};
  }
  static T Result(T acc) { return kMax && acc == acc ? -acc : acc; }
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

// `rows` is not 0; not of floats.
template <class Op, class D, class L>
HWY_INLINE hn::Vec<D> FoldRows(Op, D d, L lanes, const uint8_t* src, ptrdiff_t step, size_t rows) {
  auto a0 = hn::Set(d, Op::Neutral()), a1 = a0, a2 = a0, a3 = a0;
  for (; rows >= 4; rows -= 4) {
    a0 = Op::Combine(d, a0, Op::Prepare(d, lanes.Load(d, src)));
    a1 = Op::Combine(d, a1, Op::Prepare(d, lanes.Load(d, src + step)));
    a2 = Op::Combine(d, a2, Op::Prepare(d, lanes.Load(d, src + 2 * step)));
    a3 = Op::Combine(d, a3, Op::Prepare(d, lanes.Load(d, src + 3 * step)));
    src += 4 * step;
  }
  for (; rows > 0; --rows, src += step) {
    a0 = Op::Combine(d, a0, Op::Prepare(d, lanes.Load(d, src)));
  }
  return Op::Combine(d, Op::Combine(d, a0, a1), Op::Combine(d, a2, a3));
}

// Cheaper than Combine row by row: a plain minimum, whether a NaN occurred, and the union of all
// bits. If the minimum is a zero, then no value was negative and its sign bit says whether a -0.0
// occurred.
template <typename T, bool kMax, class D, class L>
HWY_INLINE hn::Vec<D> FoldRows(ExtremeFloat<T, kMax>, D d, L lanes, const uint8_t* src,
                               ptrdiff_t step, size_t rows) {
  using Op = ExtremeFloat<T, kMax>;
  auto a0 = hn::Set(d, Op::Neutral()), a1 = a0, a2 = a0, a3 = a0;
  auto bits = hn::Zero(d);
  auto nan = hn::MaskFalse(d);
  const auto load = [&](const uint8_t* from)
                        HWY_ATTR { return Op::Prepare(d, lanes.Load(d, from)); };
  for (; rows >= 4; rows -= 4) {
    const auto v0 = load(src), v1 = load(src + step);
    const auto v2 = load(src + 2 * step), v3 = load(src + 3 * step);
    a0 = hn::Min(a0, v0);
    a1 = hn::Min(a1, v1);
    a2 = hn::Min(a2, v2);
    a3 = hn::Min(a3, v3);
    bits = hn::Or3(hn::Or3(bits, v0, v1), v2, v3);
    nan = hn::Or(nan, hn::Or(hn::IsEitherNaN(v0, v1), hn::IsEitherNaN(v2, v3)));
    src += 4 * step;
  }
  for (; rows > 0; --rows, src += step) {
    const auto v = load(src);
    a0 = hn::Min(a0, v);
    bits = hn::Or(bits, v);
    nan = hn::Or(nan, hn::IsNaN(v));
  }
  auto least = hn::Min(hn::Min(a0, a1), hn::Min(a2, a3));
  const auto sign = hn::And(bits, hn::Set(d, T{-0.0}));
  least = hn::IfThenElse(hn::Eq(least, hn::Zero(d)), sign, least);
  return hn::IfThenElse(nan, hn::Set(d, QuietNaN<T>()), least);
}

template <class Op>
HWY_NOINLINE typename Op::Acc FoldPacked(const uint8_t* src, size_t n) {
  using T = typename Op::Acc;
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  const auto fold_few = [d](const uint8_t* from, size_t count) HWY_ATTR {
    const auto neutral = hn::Set(d, Op::Neutral());
    const auto items = Op::Prepare(d, LoadFirst(d, from, count));
    return Op::Combine(d, neutral, hn::IfThenElse(hn::FirstN(d, count), items, neutral));
  };
  auto sum = hn::Set(d, Op::Neutral());
  // Whole vectors from whole lines on, where a few more items to begin with can reach one.
  const size_t vector = lanes * sizeof(T);
  const size_t misaligned = reinterpret_cast<uintptr_t>(src) % vector;
  if (misaligned != 0 && misaligned % sizeof(T) == 0 && n >= 16 * lanes) {
    const size_t head = (vector - misaligned) / sizeof(T);
    sum = fold_few(src, head);
    src += head * sizeof(T);
    n -= head;
  }
  const size_t rows = n / lanes;
  if (rows > 0) {
    const auto body = FoldRows(Op(), d, AllLanes(), src, static_cast<ptrdiff_t>(vector), rows);
    sum = Op::Combine(d, sum, body);
  }
  const size_t rest = n - rows * lanes;
  if (rest > 0) sum = Op::Combine(d, sum, fold_few(src + rows * vector, rest));
  return Op::Lanes(d, sum);
}

// ---- the four kernels ----

template <class Op>
uint32_t FoldInit(const sc_run* run) {
  auto* const state = static_cast<typename Op::Acc*>(run->state);
  for (int64_t i = 0; i < run->n[1]; ++i) state[i] = Op::Neutral();
  return 0;
}

// Items that are looked at before it is asked whether more can change anything.
constexpr size_t kDecisionBytes = 4096;

template <class Op>
HWY_INLINE void FoldColumn(typename Op::Acc* state, const uint8_t* packed, size_t n) {
  using T = typename Op::Acc;
  const hn::CappedTag<T, 1> d1;
  const auto add = [&](const uint8_t* from, size_t count) HWY_ATTR {
    const auto value = hn::Set(d1, FoldPacked<Op>(from, count));
    hn::StoreU(Op::Combine(d1, hn::LoadU(d1, state), value), d1, state);
  };
  if constexpr (Op::kDecides) {
    constexpr size_t kPiece = kDecisionBytes / sizeof(T);
    for (; n > kPiece && !Op::Decided(*state); n -= kPiece, packed += kDecisionBytes) {
      add(packed, kPiece);
    }
    if (Op::Decided(*state)) return;
  }
  add(packed, n);
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
    ForPackedPieces<T>(src, step, rows, [=](const uint8_t* packed, size_t n) HWY_ATTR {
      FoldColumn<Op>(state, packed, n);
    });
    return 0;
  }
  const hn::ScalableTag<T> d;
  const size_t group = columns * sizeof(T) <= kNarrowRow ? kRowGroup : 4;
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

// ---- entries ----

template <class Op>
constexpr sc_reduce_entry FoldEntry(const char* name) {
  return {&FoldInit<Op>,           &FoldStep<Op>, &FoldMerge<Op>, &FoldFinish<Op>, name, 0,
          sizeof(typename Op::Acc)};
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

template <template <typename, bool> class Op>
void SetTruths(Entries& entries, const TypeNames& names) {
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
  }
  table.reduce_time[0] = FoldEntry<ExtremeTime<false>>("min of times");
  table.reduce_time[1] = FoldEntry<ExtremeTime<true>>("max of times");
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
