// The kernels of the sums of sum-inl.h: many columns side by side, whole columns, and the entries
// of the table. Per-target header.
#if defined(STRIDECAST_KERNELS_SUM_KERNELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STRIDECAST_KERNELS_SUM_KERNELS_INL_H_
#undef STRIDECAST_KERNELS_SUM_KERNELS_INL_H_
#else
#define STRIDECAST_KERNELS_SUM_KERNELS_INL_H_
#endif

#include "kernels/sum-inl.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

// ---- many columns ----

template <class S, class D, typename T = typename S::T>
HWY_INLINE hn::Vec<D> CanonicalNaN(D d, hn::Vec<D> v) {
  return hn::IfThenElse(hn::IsNaN(v), hn::Set(d, QuietNaN<T>()), v);
}

// Carry for the columns of a block, `sum` being one row.
template <class S, class D, class L, typename T = typename S::T>
HWY_INLINE void CarryLanes(D d, const SumState<S>& state, size_t column, L lanes, uint64_t leaves,
                           int level, hn::Vec<D> sum) {
  T* at = state.levels + static_cast<size_t>(level) * state.columns + column;
  for (; (leaves >> level) & 1; ++level, at += state.columns) {
    sum = S::Joiner::Join(lanes.Load(d, static_cast<const T*>(at)), sum);
  }
  lanes.Store(sum, d, at);
}

template <class S, class D, class L, typename T = typename S::T>
HWY_INLINE hn::Vec<D> JoinRows(D d, const SumState<S>& state, size_t column, L lanes) {
  using J = typename S::Joiner;
  const T* a = state.accumulators + column;
  const auto row = [=](size_t i) HWY_ATTR { return lanes.Load(d, a + i * state.columns); };
  return J::Join(J::Join(J::Join(row(0), row(1)), J::Join(row(2), row(3))),
                 J::Join(J::Join(row(4), row(5)), J::Join(row(6), row(7))));
}

// Rows of packed parts, and what their columns are about.
template <class S>
struct SumRowsSource {
  const uint8_t* src;
  ptrdiff_t step;
  const typename S::T* about;  // a row, or one column
  bool one_about;

  template <class D, class L>
  HWY_INLINE hn::Vec<D> About(D d, L lanes, size_t column) const {
    if constexpr (S::Map::kAbout) {
      return one_about ? AboutColumn<S>(d, about) : lanes.Load(d, about + column);
    } else {
      return hn::Zero(d);
    }
  }
  template <class D, class L>
  HWY_INLINE hn::Vec<D> Load(D d, L lanes, const uint8_t* from, hn::Vec<D> at) const {
    return S::Map::Of(S::Source::LoadLanes(d, lanes, from), at);
  }
};

// Adds rows, a multiple of 8, that begin at accumulator `phase`, in one vector of columns.
template <class S, class D, class L, typename T = typename S::T>
HWY_INLINE void AddRowRounds(D d, const SumState<S>& state, size_t column, L lanes, size_t phase,
                             const SumRowsSource<S>& source, size_t rows) {
  using J = typename S::Joiner;
  T* const base = state.accumulators + column;
  const auto row = [=](size_t i)
                       HWY_ATTR { return base + (phase + i) % kAccumulators * state.columns; };
  T *const r0 = row(0), *const r1 = row(1), *const r2 = row(2), *const r3 = row(3),
           *const r4 = row(4), *const r5 = row(5), *const r6 = row(6), *const r7 = row(7);
  auto a0 = lanes.Load(d, r0), a1 = lanes.Load(d, r1), a2 = lanes.Load(d, r2),
       a3 = lanes.Load(d, r3), a4 = lanes.Load(d, r4), a5 = lanes.Load(d, r5),
       a6 = lanes.Load(d, r6), a7 = lanes.Load(d, r7);
  const auto at = source.About(d, lanes, column);
  const uint8_t* src = source.src + column * S::kPartBytes;
  const ptrdiff_t step = source.step;
  for (; rows > 0; rows -= kAccumulators) {
    a0 = J::Join(a0, source.Load(d, lanes, src, at));
    a1 = J::Join(a1, source.Load(d, lanes, src + step, at));
    a2 = J::Join(a2, source.Load(d, lanes, src + 2 * step, at));
    a3 = J::Join(a3, source.Load(d, lanes, src + 3 * step, at));
    a4 = J::Join(a4, source.Load(d, lanes, src + 4 * step, at));
    a5 = J::Join(a5, source.Load(d, lanes, src + 5 * step, at));
    a6 = J::Join(a6, source.Load(d, lanes, src + 6 * step, at));
    a7 = J::Join(a7, source.Load(d, lanes, src + 7 * step, at));
    src += 8 * step;
  }
  lanes.Store(a0, d, r0);
  lanes.Store(a1, d, r1);
  lanes.Store(a2, d, r2);
  lanes.Store(a3, d, r3);
  lanes.Store(a4, d, r4);
  lanes.Store(a5, d, r5);
  lanes.Store(a6, d, r6);
  lanes.Store(a7, d, r7);
}

template <class S, typename T = typename S::T>
HWY_NOINLINE void SumRows(const SumState<S>& state, SumRowsSource<S> source, size_t rows) {
  using J = typename S::Joiner;
  const hn::ScalableTag<T> d;
  const bool narrow = state.columns * sizeof(T) <= kNarrowRow;
  const ptrdiff_t step = source.step;
  uint64_t leaves = state.header->leaves;
  size_t filled = state.header->filled;
  while (rows > 0) {
    size_t take = HWY_MIN(HWY_MIN(rows, kLeaf - filled), kRowGroup);
    const size_t phase = filled % kAccumulators;
    if (narrow && take >= kAccumulators) {
      take -= take % kAccumulators;
      ForColumns(d, state.columns, [=](size_t column, auto lanes) HWY_ATTR {
        AddRowRounds<S>(d, state, column, lanes, phase, source, take);
      });
    } else if (take == kRowGroup) {
      static_assert(kRowGroup == 4 * kAccumulators);
      for (size_t i = 0; i < kAccumulators; ++i) {
        const uint8_t* const rows_of_sum = source.src + static_cast<ptrdiff_t>(i) * step;
        T* const sums = state.accumulators + (phase + i) % kAccumulators * state.columns;
        ForColumns(d, state.columns, [=](size_t column, auto lanes) HWY_ATTR {
          const uint8_t* const from = rows_of_sum + column * S::kPartBytes;
          const auto at = source.About(d, lanes, column);
          auto sum = lanes.Load(d, static_cast<const T*>(sums + column));
          sum = J::Join(sum, source.Load(d, lanes, from, at));
          sum = J::Join(sum, source.Load(d, lanes, from + 8 * step, at));
          sum = J::Join(sum, source.Load(d, lanes, from + 16 * step, at));
          sum = J::Join(sum, source.Load(d, lanes, from + 24 * step, at));
          lanes.Store(sum, d, sums + column);
        });
      }
    } else {
      take = 1;
      T* const sums = state.accumulators + phase * state.columns;
      ForColumns(d, state.columns, [=](size_t column, auto lanes) HWY_ATTR {
        const auto sum = lanes.Load(d, static_cast<const T*>(sums + column));
        const auto row = source.Load(d, lanes, source.src + column * S::kPartBytes,
                                     source.About(d, lanes, column));
        lanes.Store(J::Join(sum, row), d, sums + column);
      });
    }
    source.src += static_cast<ptrdiff_t>(take) * step;
    rows -= take;
    filled += take;
    if (filled < kLeaf) continue;
    ForColumns(d, state.columns, [=](size_t column, auto lanes) HWY_ATTR {
      CarryLanes<S>(d, state, column, lanes, leaves, 0, JoinRows<S>(d, state, column, lanes));
      for (size_t i = 0; i < kAccumulators; ++i) {
        lanes.Store(Neutral<S>(d), d, state.accumulators + i * state.columns + column);
      }
    });
    ++leaves;
    filled = 0;
  }
  state.header->leaves = leaves;
  state.header->filled = filled;
}

// ---- the kernels ----

template <class S>
uint32_t SumInit(const sc_run* run) {
  const SumState<S> state(run->state, run->n[1]);
  *state.header = SumHeader{0, 0};
  const hn::ScalableTag<typename S::T> d;
  ForColumns(d, kAccumulators * state.columns, [=](size_t i, auto lanes) HWY_ATTR {
    lanes.Store(Neutral<S>(d), d, state.accumulators + i);
  });
  return 0;
}

template <class S>
uint32_t SumStep(const sc_run* run) {
  using T = typename S::T;
  using Element = std::array<typename S::Source::Item, S::kParts>;
  const SumState<S> state(run->state, run->n[1]);
  const auto* const src = static_cast<const uint8_t*>(run->src);
  const auto* const about = static_cast<const T*>(run->aux[0]);
  const auto rows = static_cast<size_t>(run->n[0]);
  const ptrdiff_t step = run->src_step[0];
  if (run->n[1] > 1) {
    SumRows<S>(state, {src, step, about, run->aux_step[0][1] == 0}, rows);
    return 0;
  }
  const auto add = [&](const uint8_t* from, size_t count) HWY_ATTR {
    ForPackedPieces<Element>(from, step, count, [&](const uint8_t* p, size_t n) HWY_ATTR {
      SumPacked<S>(state, p, n, about);
    });
  };
  if constexpr (kTakesEverySecond<S>) {
    if (IsEverySecond<S>(step)) {
      // What finishes an open leaf, the leaves, and the rest.
      const size_t open = HWY_MIN(rows, (kLeaf - state.header->filled) % kLeaf);
      if (open > 0) add(src, open);
      const uint8_t* from = src + static_cast<ptrdiff_t>(open) * step;
      size_t rest = rows - open;
      SumSecondLeaves<S>(state.levels, state.header->leaves, from, rest, about);
      if (rest > 0) add(from, rest);
      return 0;
    }
  }
  add(src, rows);
  return 0;
}

// Exact only where the left state ends with a whole subtree of the size of the right one's largest:
// its leaf is finished, and its number of leaves is a multiple of the largest power of two that is
// not above the right one's. SC_ERR_USER otherwise, and nothing is changed.
template <class S>
uint32_t SumMerge(const sc_run* run) {
  using T = typename S::T;
  const SumState<S> state(run->state, run->n[1]);
  const SumState<S> next(const_cast<void*>(run->src), run->n[1]);
  const uint64_t next_leaves = next.header->leaves;
  if (next_leaves == 0 && next.header->filled == 0) return 0;
  if (state.header->filled != 0) return SC_ERR_USER;
  int level = 63;
  while (level > 0 && (next_leaves >> level) == 0) --level;
  uint64_t leaves = state.header->leaves;
  if (next_leaves != 0 && leaves % (uint64_t{1} << level) != 0) return SC_ERR_USER;

  const hn::ScalableTag<T> d;
  for (; level >= 0; --level) {
    if (((next_leaves >> level) & 1) == 0) continue;
    const T* const sums = next.levels + static_cast<size_t>(level) * next.columns;
    ForColumns(d, state.columns, [=](size_t column, auto lanes) HWY_ATTR {
      CarryLanes<S>(d, state, column, lanes, leaves, level, lanes.Load(d, sums + column));
    });
    leaves += uint64_t{1} << level;
  }
  memcpy(state.accumulators, next.accumulators, kAccumulators * state.columns * sizeof(T));
  *state.header = SumHeader{leaves, next.header->filled};
  return 0;
}

// Sums of parts that lie side by side, added.
template <class D, typename T = hn::TFromD<D>>
HWY_INLINE void StoreSumsOfPairs(D d, hn::Vec<D> v, size_t parts, uint8_t* dst) {
  HWY_ALIGN T part[HWY_MAX_LANES_D(D)];
  hn::Store(v, d, part);
  for (size_t i = 0; i < parts / 2; ++i) {
    const T both = part[2 * i] + part[2 * i + 1];
    const T sum = both == both ? both : QuietNaN<T>();
    memcpy(dst + i * sizeof(T), &sum, sizeof(T));
  }
}

template <class S>
uint32_t SumFinish(const sc_run* run) {
  using T = typename S::T;
  const SumState<S> state(run->state, run->n[1]);
  uint8_t* const dst = static_cast<uint8_t*>(run->dst);
  const uint64_t levels = state.header->leaves;
  const bool open_leaf = state.header->filled > 0;
  if (levels == 0 && !open_leaf) {
    const size_t results = S::kRealOfComplex ? state.columns / 2 : state.columns;
    for (size_t i = 0; i < results; ++i) {
      const T nothing = static_cast<T>(S::Joiner::kOfNothing[i % S::kParts]);
      memcpy(dst + i * sizeof(T), &nothing, sizeof(T));
    }
    return 0;
  }
  const hn::ScalableTag<T> d;
  ForColumns(d, state.columns, [=](size_t column, auto lanes) HWY_ATTR {
    uint64_t rest = levels;
    const T* at = state.levels + column;
    auto sum = JoinRows<S>(d, state, column, lanes);
    if (!open_leaf) {
      // The newest level takes the place of the open leaf.
      const size_t newest = hwy::Num0BitsBelowLS1Bit_Nonzero64(rest);
      sum = lanes.Load(d, at + newest * state.columns);
      rest &= rest - 1;
    }
    for (; rest != 0; rest &= rest - 1) {
      const size_t level = hwy::Num0BitsBelowLS1Bit_Nonzero64(rest);
      sum = S::Joiner::Join(lanes.Load(d, at + level * state.columns), sum);
    }
    if constexpr (S::kRealOfComplex) {
      const size_t parts = HWY_MIN(hn::Lanes(d), state.columns - column);
      StoreSumsOfPairs(d, sum, parts, dst + column / 2 * sizeof(T));
    } else {
      lanes.StoreResult(CanonicalNaN<S>(d, sum), d, dst + column * sizeof(T));
    }
  });
  return 0;
}

// ---- whole columns of packed items ----

template <class S, typename T = typename S::T>
HWY_INLINE void StoreWhole(PartValues<S> sum, uint8_t* dst) {
  if constexpr (S::kRealOfComplex) sum.part[0] = sum.part[0] + sum.part[1];
  constexpr size_t kResults = S::kRealOfComplex ? 1 : S::kParts;
  for (size_t p = 0; p < kResults; ++p) {
    const T canonical = sum.part[p] == sum.part[p] ? sum.part[p] : QuietNaN<T>();
    memcpy(dst + p * sizeof(T), &canonical, sizeof(T));
  }
}

template <class S, typename T = typename S::T>
HWY_NOINLINE void SumLongColumn(const uint8_t* src, ptrdiff_t step, size_t n, const T* about,
                                uint8_t* dst) {
  T levels[kLevels * S::kParts];
  uint64_t leaves = 0;
  uint8_t packed[(kLeaf + 1) * S::kElement];
  if constexpr (kTakesEverySecond<S>) {
    if (IsEverySecond<S>(step)) {
      SumSecondLeaves<S>(levels, leaves, src, n, about);
      GatherItems<S::kElement>(packed, src, step, n);
      src = packed;
    }
  }
  SumLeaves<S>(levels, leaves, src, n, about);
  PartValues<S> sum;
  if (n > 0) {
    sum = LeafSum<S>(src, n, about);
  } else {
    const size_t newest = hwy::Num0BitsBelowLS1Bit_Nonzero64(leaves);
    memcpy(&sum, levels + newest * S::kParts, sizeof sum);
    leaves &= leaves - 1;
  }
  StoreWhole<S>(JoinLevels<S>(levels, leaves, sum), dst);
}

// Columns of one leaf at most, as many at a time as a vector has lanes.
template <class S, typename T = typename S::T>
HWY_NOINLINE size_t SumShortColumns(const uint8_t* src, ptrdiff_t step, size_t n, size_t columns,
                                    const T* about, ptrdiff_t about_step, uint8_t* dst) {
  const hn::CappedTag<T, kAccumulators> d;
  const size_t lanes = hn::Lanes(d);
  T accumulators[kAccumulators * kAccumulators];
  size_t done = 0;
  for (; columns - done >= lanes; done += lanes) {
    for (size_t i = 0; i < lanes; ++i) {
      T* const into = accumulators + i * kAccumulators;
      ClearAccumulators<S>(into);
      AddElements<S>(into, src, n, about);
      src += step;
      about += about_step;
    }
    const auto load = [&](size_t i) HWY_ATTR { return hn::LoadU(d, accumulators + i * lanes); };
    const auto sums = JoinLeafVectors<S>(d, load(0), load(1), load(2), load(3), load(4), load(5),
                                         load(6), load(7));
    AllLanes().StoreResult(CanonicalNaN<S>(d, sums), d, dst + done * sizeof(T));
  }
  return done;
}

template <class S>
uint32_t SumWhole(const sc_run* run) {
  using T = typename S::T;
  constexpr size_t kResult = (S::kRealOfComplex ? 1 : S::kParts) * sizeof(T);
  const auto* src = static_cast<const uint8_t*>(run->src);
  const auto* about = static_cast<const T*>(run->aux[0]);
  const ptrdiff_t about_step = run->aux_step[0][1] / static_cast<ptrdiff_t>(sizeof(T));
  auto* const dst = static_cast<uint8_t*>(run->dst);
  const ptrdiff_t step = run->src_step[1];
  const auto n = static_cast<size_t>(run->n[0]), columns = static_cast<size_t>(run->n[1]);
  const ptrdiff_t item_step = run->src_step[0];
  const bool packed = !IsEverySecond<S>(item_step);
  size_t column = 0;
  if constexpr (kTakesEverySecond<S> && S::kParts == 1) {
    if (n <= kLeaf && !packed) {
      const size_t group = hn::Lanes(hn::CappedTag<T, kAccumulators>());
      uint8_t rows[kAccumulators * kLeaf * S::kPartBytes];
      const auto row = static_cast<ptrdiff_t>(n * S::kPartBytes);
      for (; columns - column >= group; column += group) {
        for (size_t i = 0; i < group; ++i) {
          GatherItems<S::kPartBytes>(rows + static_cast<ptrdiff_t>(i) * row,
                                     src + static_cast<ptrdiff_t>(column + i) * step, item_step, n);
        }
        SumShortColumns<S>(rows, row, n, group, about + static_cast<ptrdiff_t>(column) * about_step,
                           about_step, dst + column * kResult);
      }
    }
  }
  if constexpr (S::kParts == 1) {
    if (n <= kLeaf && packed)
      column = SumShortColumns<S>(src, step, n, columns, about, about_step, dst);
  }
  for (; column < columns; ++column) {
    const auto at = static_cast<ptrdiff_t>(column);
    const T* const about_it = S::Map::kAbout ? about + at * about_step : nullptr;
    if (n <= kLeaf && packed) {
      StoreWhole<S>(LeafSum<S>(src + at * step, n, about_it), dst + column * kResult);
    } else {
      SumLongColumn<S>(src + at * step, item_step, n, about_it, dst + column * kResult);
    }
  }
  return 0;
}

// ---- entries ----

template <class S>
void SetSum(sc_reduce_entry& entry, const char* name) {
  entry = {&SumInit<S>, &SumStep<S>, &SumMerge<S>,    &SumFinish<S>,      &SumWhole<S>,
           nullptr,     name,        kSumHeaderBytes, kSumColumnBytes<S>, kTakesEverySecond<S>};
}

// By type, of a map of the items.
template <class Map, class Joiner = Adding>
void SetReal(ReduceEntries& entries, const char* const (&names)[4]) {
  SetSum<Summing<Widened<Float16>, Map, Joiner>>(entries[Index(DType::kFloat16)], names[0]);
  SetSum<Summing<Widened<BFloat16>, Map, Joiner>>(entries[Index(DType::kBFloat16)], names[1]);
  SetSum<Summing<AsTheyAre<float>, Map, Joiner>>(entries[Index(DType::kFloat32)], names[2]);
  SetSum<Summing<AsTheyAre<double>, Map, Joiner>>(entries[Index(DType::kFloat64)], names[3]);
}

template <class Map, class Joiner = Adding>
void SetComplex(ReduceEntries& entries, const char* const (&names)[2]) {
  SetSum<Summing<AsTheyAre<float, 2>, Map, Joiner>>(entries[Index(DType::kComplexFloat32)],
                                                    names[0]);
  SetSum<Summing<AsTheyAre<double, 2>, Map, Joiner>>(entries[Index(DType::kComplexFloat64)],
                                                     names[1]);
}

}  // namespace
}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
