// Reductions whose result does not depend on order: integer sums, and minima under a total order. A
// state is one accumulator a column, with no header. Per-target header; reduce.cc makes the table
// entries.
//
// The minimum of floats is -0.0 rather than +0.0 where both occur, and the positive quiet NaN where
// any NaN occurs. Integers wrap modulo 2^64. Nothing folded leaves the neutral value (0, +inf, the
// largest integer), which finish writes: whether a minimum of nothing is an error is the caller's
// business.
#if defined(STRIDECAST_KERNELS_FOLD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STRIDECAST_KERNELS_FOLD_INL_H_
#undef STRIDECAST_KERNELS_FOLD_INL_H_
#else
#define STRIDECAST_KERNELS_FOLD_INL_H_
#endif

#include "kernels/reduce-inl.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

// An operation says what is neutral, how two accumulators combine, how `rows` vectors fold into
// one, and what value the lanes of a vector fold to. Source lanes that are not used read as zero.

struct AddWrapping {
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

struct MinInteger {
  static int64_t Neutral() { return std::numeric_limits<int64_t>::max(); }
  template <class D, class V>
  static HWY_INLINE V Combine(D, V a, V b) {
    return hn::Min(a, b);
  }
  template <class D>
  static HWY_INLINE int64_t Lanes(D d, hn::Vec<D> v) {
    return hn::ReduceMin(d, v);
  }
};

template <typename T>
struct MinFloat {
  static T Neutral() { return std::numeric_limits<T>::infinity(); }
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
};

// `rows` is not 0.
template <class Op, class D, class L>
HWY_INLINE hn::Vec<D> FoldRows(Op, D d, L lanes, const uint8_t* src, ptrdiff_t step, size_t rows) {
  auto a0 = hn::Set(d, Op::Neutral()), a1 = a0, a2 = a0, a3 = a0;
  for (; rows >= 4; rows -= 4) {
    a0 = Op::Combine(d, a0, lanes.Load(d, src));
    a1 = Op::Combine(d, a1, lanes.Load(d, src + step));
    a2 = Op::Combine(d, a2, lanes.Load(d, src + 2 * step));
    a3 = Op::Combine(d, a3, lanes.Load(d, src + 3 * step));
    src += 4 * step;
  }
  for (; rows > 0; --rows, src += step) a0 = Op::Combine(d, a0, lanes.Load(d, src));
  return Op::Combine(d, Op::Combine(d, a0, a1), Op::Combine(d, a2, a3));
}

// Cheaper than Combine row by row: a plain minimum, whether a NaN occurred, and the union of all
// bits. If the minimum is a zero, then no value was negative and its sign bit says whether a -0.0
// occurred.
template <typename T, class D, class L>
HWY_INLINE hn::Vec<D> FoldRows(MinFloat<T>, D d, L lanes, const uint8_t* src, ptrdiff_t step,
                               size_t rows) {
  auto a0 = hn::Set(d, MinFloat<T>::Neutral()), a1 = a0, a2 = a0, a3 = a0;
  auto bits = hn::Zero(d);
  auto nan = hn::MaskFalse(d);
  for (; rows >= 4; rows -= 4) {
    const auto v0 = lanes.Load(d, src), v1 = lanes.Load(d, src + step);
    const auto v2 = lanes.Load(d, src + 2 * step), v3 = lanes.Load(d, src + 3 * step);
    a0 = hn::Min(a0, v0);
    a1 = hn::Min(a1, v1);
    a2 = hn::Min(a2, v2);
    a3 = hn::Min(a3, v3);
    bits = hn::Or3(hn::Or3(bits, v0, v1), v2, v3);
    nan = hn::Or(nan, hn::Or(hn::IsEitherNaN(v0, v1), hn::IsEitherNaN(v2, v3)));
    src += 4 * step;
  }
  for (; rows > 0; --rows, src += step) {
    const auto v = lanes.Load(d, src);
    a0 = hn::Min(a0, v);
    bits = hn::Or(bits, v);
    nan = hn::Or(nan, hn::IsNaN(v));
  }
  auto least = hn::Min(hn::Min(a0, a1), hn::Min(a2, a3));
  const auto sign = hn::And(bits, hn::Set(d, T{-0.0}));
  least = hn::IfThenElse(hn::Eq(least, hn::Zero(d)), sign, least);
  return hn::IfThenElse(nan, hn::Set(d, QuietNaN<T>()), least);
}

template <class Op, typename T>
HWY_NOINLINE T FoldPacked(const uint8_t* src, size_t n) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  const auto fold_few = [d](const uint8_t* from, size_t count) HWY_ATTR {
    const auto neutral = hn::Set(d, Op::Neutral());
    const auto items = LoadFirst(d, from, count);
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

template <class Op, typename T>
uint32_t FoldInit(const sc_run* run) {
  T* const state = static_cast<T*>(run->state);
  for (int64_t i = 0; i < run->n[1]; ++i) state[i] = Op::Neutral();
  return 0;
}

template <class Op, typename T>
uint32_t FoldStep(const sc_run* run) {
  T* const state = static_cast<T*>(run->state);
  const uint8_t* src = static_cast<const uint8_t*>(run->src);
  const ptrdiff_t step = run->src_step[0];
  size_t rows = static_cast<size_t>(run->n[0]);
  const size_t columns = static_cast<size_t>(run->n[1]);
  if (columns == 1) {
    const hn::CappedTag<T, 1> d1;
    ForPackedPieces<T>(src, step, rows, [=](const uint8_t* packed, size_t n) HWY_ATTR {
      const auto value = hn::Set(d1, FoldPacked<Op, T>(packed, n));
      hn::StoreU(Op::Combine(d1, hn::LoadU(d1, state), value), d1, state);
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

template <class Op, typename T>
uint32_t FoldMerge(const sc_run* run) {
  T* const state = static_cast<T*>(run->state);
  const T* const next = static_cast<const T*>(run->src);
  const hn::ScalableTag<T> d;
  ForColumns(d, static_cast<size_t>(run->n[1]), [=](size_t column, auto lanes) HWY_ATTR {
    const auto before = lanes.Load(d, static_cast<const T*>(state + column));
    lanes.Store(Op::Combine(d, before, lanes.Load(d, next + column)), d, state + column);
  });
  return 0;
}

template <class Op, typename T>
uint32_t FoldFinish(const sc_run* run) {
  memcpy(run->dst, run->state, static_cast<size_t>(run->n[1]) * sizeof(T));
  return 0;
}

}  // namespace
}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
