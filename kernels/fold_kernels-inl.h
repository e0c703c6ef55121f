// The kernels of folds whose order is void, for the operations of fold-inl.h: a state is one
// accumulator a column, as wide as an item of the source, with no header. Nothing folded leaves the
// neutral value: whether a minimum of nothing is an error is the caller's business. Per-target
// header.
#if defined(STRIDECAST_KERNELS_FOLD_KERNELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STRIDECAST_KERNELS_FOLD_KERNELS_INL_H_
#undef STRIDECAST_KERNELS_FOLD_KERNELS_INL_H_
#else
#define STRIDECAST_KERNELS_FOLD_KERNELS_INL_H_
#endif

#include "kernels/fold-inl.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

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

// The second half of a group joins the first, until one is left: of n states of a result, which are
// next to each other.
template <class Op>
HWY_INLINE void FoldInHalves(typename Op::Acc* states, size_t n) {
  using T = typename Op::Acc;
  const hn::ScalableTag<T> d;
  for (; n > 1; n -= n / 2) {
    const T* const upper = states + (n - n / 2);
    ForColumns(d, n / 2, [=](size_t k, auto lanes) HWY_ATTR {
      const auto before = lanes.Load(d, static_cast<const T*>(states + k));
      lanes.Store(Op::Combine(d, before, lanes.Load(d, upper + k)), d, states + k);
    });
  }
}

template <class Op>
uint32_t FoldJoin(const sc_run* run) {
  using T = typename Op::Acc;
  T* const state = static_cast<T*>(run->state);
  T* group = static_cast<T*>(const_cast<void*>(run->src));
  const auto n = static_cast<size_t>(run->n[0]);
  for (int64_t i = 0; i < run->n[1]; ++i, group += n) {
    FoldInHalves<Op>(group, n);
    FoldInto<Op>(state + i, group[0]);
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

}  // namespace
}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
