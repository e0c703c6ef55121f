// Compensated sums of floats, and of float16 and bfloat16 in float32: beside every sum goes the sum
// of what its additions rounded off, which is added in the end (A. Neumaier, "Rundungsfehleranalyse
// einiger Verfahren zur Summation endlicher Summen", 1974; what an addition rounds off is found
// without a branch by Knuth's TwoSum). The error is about one rounding of the result and n eps^2
// times the sum of magnitudes.
//
// The order is that of the plain sums, and so are sources and header: sum-inl.h has the tree. An
// accumulator or a level is a pair of rows here. All sums come first, all rests behind them:
// kAccumulators rows of sums, as many of rests, then kLevels rows of each.
//
// Where a plain sum overflows or meets an infinity, what was rounded off is NaN, and the plain sum
// is the result. A rest of zero is not added, so that the sum keeps the sign of its zero.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/sum_compensated.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/sum_kernels-inl.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

// S is a Summing of the items as they are; all its rows are of T.

// a - b, by the units that multiply, which have nothing else to do: it takes a quarter off the
// time.
template <class V>
HWY_INLINE V Minus(V a, V b) {
#if HWY_NATIVE_FMA
  return hn::NegMulAdd(hn::Set(hn::DFromV<V>(), 1), b, a);
#else
  return hn::Sub(a, b);
#endif
}

// What was rounded off is added to `rest`. Vectors go by themselves, not in a struct, which could
// not hold those of scalable targets.
template <class V>
HWY_INLINE void AddTwoSum(V& sum, V& rest, V x) {
  const V total = hn::Add(sum, x);
  const V x_part = hn::Sub(total, sum);
  const V sum_part = Minus(total, x_part);
  rest = hn::Add(rest, hn::Add(Minus(sum, sum_part), Minus(x, x_part)));
  sum = total;
}

template <class V>
HWY_INLINE void JoinPair(V& sum, V& rest, V later_sum, V later_rest) {
  rest = hn::Add(rest, later_rest);
  AddTwoSum(sum, rest, later_sum);
}

template <class S, class D, typename T = typename S::T>
HWY_INLINE hn::Vec<D> Compensated(D d, hn::Vec<D> sum, hn::Vec<D> rest) {
  const auto size = hn::Abs(rest);
  const auto counts = hn::And(hn::Gt(size, hn::Zero(d)), hn::Lt(size, hn::Inf(d)));
  return CanonicalNaN<S>(d, hn::IfThenElse(counts, hn::Add(sum, rest), sum));
}

template <class S, typename T = typename S::T>
HWY_INLINE void ClearPairs(T* sums, T* rests, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    sums[i] = static_cast<T>(-0.0);
    rests[i] = 0;
  }
}

// Where the columns of a block keep what they have.
template <class S, typename T = typename S::T>
struct PairState {
  SumHeader* header;
  T* accumulators;
  T* levels;
  size_t columns;  // of parts

  explicit PairState(void* state, int64_t n)
      : header(static_cast<SumHeader*>(state)),
        accumulators(reinterpret_cast<T*>(static_cast<uint8_t*>(state) + kSumHeaderBytes)),
        levels(accumulators + 2 * kAccumulators * S::kParts * static_cast<size_t>(n)),
        columns(S::kParts * static_cast<size_t>(n)) {}
  size_t accumulator_rests() const { return kAccumulators * columns; }  // behind their sums
  size_t level_rests() const { return kLevels * columns; }

  void ClearAccumulators() const {
    ClearPairs<S>(accumulators, accumulators + accumulator_rests(), kAccumulators * columns);
  }
};

template <class S>
constexpr int64_t kPairColumnBytes = 2 * kSumColumnBytes<S>;

// The sum of 2^level leaves joins those before it, of which there are `leaves`, a multiple of
// 2^level, in the columns of one vector.
template <class S, class D, class L, typename T = typename S::T>
HWY_INLINE void CarryPair(D d, const PairState<S>& state, size_t column, L lanes, uint64_t leaves,
                          int level, hn::Vec<D> sum, hn::Vec<D> rest) {
  T* at = state.levels + static_cast<size_t>(level) * state.columns + column;
  for (; (leaves >> level) & 1; ++level, at += state.columns) {
    auto older_sum = lanes.Load(d, static_cast<const T*>(at));
    auto older_rest = lanes.Load(d, static_cast<const T*>(at + state.level_rests()));
    JoinPair(older_sum, older_rest, sum, rest);
    sum = older_sum;
    rest = older_rest;
  }
  lanes.Store(sum, d, at);
  lanes.Store(rest, d, at + state.level_rests());
}

// ((0+1)+(2+3))+((4+5)+(6+7)) of the accumulators.
template <class S, class D, class L, typename T = typename S::T>
HWY_INLINE void JoinAccumulators(D d, const PairState<S>& state, size_t column, L lanes,
                                 hn::Vec<D>& sum, hn::Vec<D>& rest) {
  const T* const a = state.accumulators + column;
  const auto two = [&](size_t i, auto& to_sum, auto& to_rest) HWY_ATTR {
    const T *const left = a + i * state.columns, *const right = left + state.columns;
    to_sum = lanes.Load(d, left);
    to_rest = lanes.Load(d, left + state.accumulator_rests());
    JoinPair(to_sum, to_rest, lanes.Load(d, right),
             lanes.Load(d, right + state.accumulator_rests()));
  };
  const auto four = [&](size_t i, auto& to_sum, auto& to_rest) HWY_ATTR {
    hn::Vec<D> later_sum, later_rest;
    two(i, to_sum, to_rest);
    two(i + 2, later_sum, later_rest);
    JoinPair(to_sum, to_rest, later_sum, later_rest);
  };
  hn::Vec<D> later_sum, later_rest;
  four(0, sum, rest);
  four(4, later_sum, later_rest);
  JoinPair(sum, rest, later_sum, later_rest);
}

// A finished leaf.
template <class S, typename T = typename S::T>
HWY_INLINE void CloseLeaf(const PairState<S>& state) {
  const hn::ScalableTag<T> d;
  const uint64_t leaves = state.header->leaves;
  ForColumns(d, state.columns, [&](size_t column, auto lanes) HWY_ATTR {
    hn::Vec<decltype(d)> sum, rest;
    JoinAccumulators<S>(d, state, column, lanes, sum, rest);
    CarryPair<S>(d, state, column, lanes, leaves, 0, sum, rest);
  });
  state.ClearAccumulators();
  *state.header = SumHeader{leaves + 1, 0};
}

// ---- one column ----

// Adds elements to a column's accumulators, beginning with the first.
template <class S, typename T = typename S::T>
HWY_INLINE void AddElements(T* sums, T* rests, const uint8_t* src, size_t count) {
  const hn::CappedTag<T, S::kRound> d;
  const size_t lanes = hn::Lanes(d);
  const size_t rounds = count / kAccumulators, few = count % kAccumulators * S::kParts;
  for (size_t a = 0; a < S::kRound; a += lanes) {
    auto sum = hn::LoadU(d, sums + a), rest = hn::LoadU(d, rests + a);
    const uint8_t* from = src + a * S::kPartBytes;
    for (size_t round = 0; round < rounds; ++round, from += S::kRoundBytes) {
      AddTwoSum(sum, rest, S::Source::Load(d, from));
    }
    if (a < few) {
      const FirstLanes first{HWY_MIN(few - a, lanes)};
      const auto items = S::Source::LoadLanes(d, first, from);
      AddTwoSum(sum, rest, hn::IfThenElse(hn::FirstN(d, first.count), items, Neutral<S>(d)));
    }
    hn::StoreU(sum, d, sums + a);
    hn::StoreU(rest, d, rests + a);
  }
}

// Of kCount pairs in a row of sums and a row of rests every other one joins its left neighbour,
// again and again until kLast are left.
template <class S, size_t kCount, size_t kLast, typename T = typename S::T>
HWY_INLINE void JoinNeighbours(T* sums, T* rests) {
  if constexpr (kCount > kLast) {
    constexpr size_t kLeft = kCount / 2;
    const hn::CappedTag<T, HWY_MIN(kLeft, kAccumulators)> d;
    using V = hn::Vec<decltype(d)>;
    for (size_t i = 0; i < kLeft; i += hn::Lanes(d)) {
      V sum, rest, later_sum, later_rest;
      if constexpr (S::kParts == 1) {
        hn::LoadInterleaved2(d, sums + 2 * i, sum, later_sum);
        hn::LoadInterleaved2(d, rests + 2 * i, rest, later_rest);
        JoinPair(sum, rest, later_sum, later_rest);
        hn::StoreU(sum, d, sums + i);
        hn::StoreU(rest, d, rests + i);
      } else {
        V im_sum, im_rest, im_later_sum, im_later_rest;
        hn::LoadInterleaved4(d, sums + 4 * i, sum, im_sum, later_sum, im_later_sum);
        hn::LoadInterleaved4(d, rests + 4 * i, rest, im_rest, later_rest, im_later_rest);
        JoinPair(sum, rest, later_sum, later_rest);
        JoinPair(im_sum, im_rest, im_later_sum, im_later_rest);
        hn::StoreInterleaved2(sum, im_sum, d, sums + 2 * i);
        hn::StoreInterleaved2(rest, im_rest, d, rests + 2 * i);
      }
    }
    JoinNeighbours<S, kLeft, kLast>(sums, rests);
  }
}

// The sum of 2^kLevel whole leaves joins the levels.
template <class S, int kLevel, typename T = typename S::T>
HWY_INLINE void SumLeafGroup(const PairState<S>& state, const uint8_t* src) {
  constexpr size_t kGroup = size_t{1} << kLevel;
  T sums[kGroup * S::kRound], rests[kGroup * S::kRound];
  ClearPairs<S>(sums, rests, kGroup * S::kRound);
  for (size_t leaf = 0; leaf < kGroup; ++leaf) {
    AddElements<S>(sums + leaf * S::kRound, rests + leaf * S::kRound, src + leaf * S::kLeafBytes,
                   kLeaf);
  }
  JoinNeighbours<S, kGroup * kAccumulators, 1>(sums, rests);
  const hn::CappedTag<T, S::kParts> d;
  const uint64_t leaves = state.header->leaves;
  for (size_t p = 0; p < S::kParts; p += hn::Lanes(d)) {
    CarryPair<S>(d, state, p, AllLanes(), leaves, kLevel, hn::LoadU(d, sums + p),
                 hn::LoadU(d, rests + p));
  }
  state.header->leaves = leaves + kGroup;
}

template <class S>
HWY_NOINLINE void SumPairsPacked(const PairState<S>& state, const uint8_t* src, size_t n) {
  constexpr size_t kElement = S::kParts * S::kPartBytes;
  constexpr int kGroupLevel = 3;  // leaves whose last joins fill vectors
  constexpr size_t kGroup = size_t{1} << kGroupLevel;
  auto* const sums = state.accumulators;
  auto* const rests = sums + state.accumulator_rests();
  uint64_t& filled = state.header->filled;
  // One by one to where the accumulators begin anew.
  for (; n > 0 && filled % kAccumulators != 0; --n, ++filled, src += kElement) {
    const hn::CappedTag<typename S::T, S::kParts> d;
    const size_t at = filled % kAccumulators * S::kParts;
    for (size_t p = 0; p < S::kParts; p += hn::Lanes(d)) {
      auto sum = hn::LoadU(d, sums + at + p), rest = hn::LoadU(d, rests + at + p);
      AddTwoSum(sum, rest, S::Source::Load(d, src + p * S::kPartBytes));
      hn::StoreU(sum, d, sums + at + p);
      hn::StoreU(rest, d, rests + at + p);
    }
  }
  const size_t open = filled == 0 ? 0 : HWY_MIN(n, kLeaf - filled);
  AddElements<S>(sums, rests, src, open);
  filled += open;
  src += open * kElement;
  n -= open;
  if (filled == kLeaf) CloseLeaf<S>(state);
  while (n >= kLeaf) {
    const bool group = n >= kGroup * kLeaf && state.header->leaves % kGroup == 0;
    if (group) {
      SumLeafGroup<S, kGroupLevel>(state, src);
    } else {
      SumLeafGroup<S, 0>(state, src);
    }
    const size_t leaves = group ? kGroup : 1;
    src += leaves * S::kLeafBytes;
    n -= leaves * kLeaf;
  }
  AddElements<S>(sums, rests, src, n);
  filled += n;
}

// ---- many columns ----

// Adds rows of `parts` packed parts each to one row of sums and of rests.
template <class S, typename T = typename S::T>
HWY_INLINE void AddRowsTo(T* sums, T* rests, size_t parts, const uint8_t* src, ptrdiff_t step,
                          size_t rows) {
  const hn::ScalableTag<T> d;
  ForColumns(d, parts, [=](size_t at, auto lanes) HWY_ATTR {
    auto sum = lanes.Load(d, static_cast<const T*>(sums + at));
    auto rest = lanes.Load(d, static_cast<const T*>(rests + at));
    const uint8_t* from = src + at * S::kPartBytes;
    for (size_t row = 0; row < rows; ++row, from += step) {
      AddTwoSum(sum, rest, S::Source::LoadLanes(d, lanes, from));
    }
    lanes.Store(sum, d, sums + at);
    lanes.Store(rest, d, rests + at);
  });
}

// Adds rows of one leaf, at most kRowGroup of them.
template <class S, typename T = typename S::T>
HWY_INLINE void AddRowGroup(const PairState<S>& state, const uint8_t* src, ptrdiff_t step,
                            size_t rows) {
  const size_t phase = state.header->filled % kAccumulators;
  const auto round_step = static_cast<ptrdiff_t>(kAccumulators) * step;
  const bool packed = step == static_cast<ptrdiff_t>(state.columns * S::kPartBytes);
  T* const rests = state.accumulators + state.accumulator_rests();
  state.header->filled += rows;
  if (packed && phase == 0 && rows % kAccumulators == 0) {  // a round lies as accumulators do
    AddRowsTo<S>(state.accumulators, rests, kAccumulators * state.columns, src, round_step,
                 rows / kAccumulators);
    return;
  }
  for (size_t i = 0; i < HWY_MIN(rows, kAccumulators); ++i, src += step) {
    const size_t row = (phase + i) % kAccumulators * state.columns;
    AddRowsTo<S>(state.accumulators + row, rests + row, state.columns, src, round_step,
                 (rows - i + kAccumulators - 1) / kAccumulators);
  }
}

template <class S>
HWY_NOINLINE void SumPairRows(const PairState<S>& state, const uint8_t* src, ptrdiff_t step,
                              size_t rows) {
  while (rows > 0) {
    const size_t take = HWY_MIN(HWY_MIN(rows, kLeaf - state.header->filled), kRowGroup);
    AddRowGroup<S>(state, src, step, take);
    if (state.header->filled == kLeaf) CloseLeaf<S>(state);
    src += static_cast<ptrdiff_t>(take) * step;
    rows -= take;
  }
}

// ---- the kernels ----

template <class S>
uint32_t CompensatedInit(const sc_run* run) {
  const PairState<S> state(run->state, run->n[1]);
  *state.header = SumHeader{0, 0};
  state.ClearAccumulators();
  return 0;
}

template <class S>
uint32_t CompensatedStep(const sc_run* run) {
  using Element = std::array<typename S::Source::Item, S::kParts>;
  const PairState<S> state(run->state, run->n[1]);
  const auto* const src = static_cast<const uint8_t*>(run->src);
  const auto rows = static_cast<size_t>(run->n[0]);
  if (run->n[1] > 1) {
    SumPairRows<S>(state, src, run->src_step[0], rows);
  } else {
    ForPackedPieces<Element>(src, run->src_step[0], rows, [&](const uint8_t* p, size_t n) HWY_ATTR {
      SumPairsPacked<S>(state, p, n);
    });
  }
  return 0;
}

// Where SumMerge is exact, and with the same answer where it is not.
template <class S>
uint32_t CompensatedMerge(const sc_run* run) {
  using T = typename S::T;
  const PairState<S> state(run->state, run->n[1]);
  const PairState<S> next(const_cast<void*>(run->src), run->n[1]);
  const SumHeader later = *next.header;
  if (later.leaves == 0 && later.filled == 0) return 0;
  if (state.header->filled != 0) return SC_ERR_USER;
  int level = 63;
  while (level > 0 && (later.leaves >> level) == 0) --level;
  uint64_t leaves = state.header->leaves;
  if (later.leaves != 0 && leaves % (uint64_t{1} << level) != 0) return SC_ERR_USER;
  const hn::ScalableTag<T> d;
  for (; level >= 0; --level) {
    if (((later.leaves >> level) & 1) == 0) continue;
    const T* const sums = next.levels + static_cast<size_t>(level) * next.columns;
    const T* const rests = sums + next.level_rests();
    ForColumns(d, state.columns, [=](size_t column, auto lanes) HWY_ATTR {
      CarryPair<S>(d, state, column, lanes, leaves, level, lanes.Load(d, sums + column),
                   lanes.Load(d, rests + column));
    });
    leaves += uint64_t{1} << level;
  }
  memcpy(state.accumulators, next.accumulators, 2 * kAccumulators * state.columns * sizeof(T));
  *state.header = SumHeader{leaves, later.filled};
  return 0;
}

template <class S, typename T = typename S::T>
HWY_INLINE void FinishPairs(const PairState<S>& state, uint8_t* dst) {
  if (state.header->leaves == 0 && state.header->filled == 0) {
    memset(dst, 0, state.columns * sizeof(T));  // +0.0
    return;
  }
  const hn::ScalableTag<T> d;
  ForColumns(d, state.columns, [&](size_t column, auto lanes) HWY_ATTR {
    uint64_t left = state.header->leaves;
    const auto load = [&](size_t level, auto& sum, auto& rest) HWY_ATTR {
      const T* const at = state.levels + level * state.columns + column;
      sum = lanes.Load(d, at);
      rest = lanes.Load(d, at + state.level_rests());
    };
    hn::Vec<decltype(d)> sum, rest;
    if (state.header->filled > 0) {
      JoinAccumulators<S>(d, state, column, lanes, sum, rest);
    } else {
      load(hwy::Num0BitsBelowLS1Bit_Nonzero64(left), sum, rest);  // in place of the open leaf
      left &= left - 1;
    }
    for (; left != 0; left &= left - 1) {
      hn::Vec<decltype(d)> older_sum, older_rest;
      load(hwy::Num0BitsBelowLS1Bit_Nonzero64(left), older_sum, older_rest);
      JoinPair(older_sum, older_rest, sum, rest);
      sum = older_sum;
      rest = older_rest;
    }
    lanes.StoreResult(Compensated<S>(d, sum, rest), d, dst + column * sizeof(T));
  });
}

template <class S>
uint32_t CompensatedFinish(const sc_run* run) {
  FinishPairs<S>(PairState<S>(run->state, run->n[1]), static_cast<uint8_t*>(run->dst));
  return 0;
}

// Columns of one leaf at most, a group at a time.
template <class S, typename T = typename S::T>
HWY_NOINLINE void SumShortColumnGroup(const uint8_t* src, ptrdiff_t step, size_t n, size_t columns,
                                      uint8_t* dst) {
  constexpr size_t kGroup = kAccumulators;
  T sums[kGroup * S::kRound], rests[kGroup * S::kRound];
  ClearPairs<S>(sums, rests, kGroup * S::kRound);
  for (size_t i = 0; i < columns; ++i, src += step) {
    AddElements<S>(sums + i * S::kRound, rests + i * S::kRound, src, n);
  }
  JoinNeighbours<S, kGroup * kAccumulators, kGroup>(sums, rests);
  const hn::CappedTag<T, S::kRound> d;
  ForColumns(d, columns * S::kParts, [&](size_t at, auto lanes) HWY_ATTR {
    const auto sum = hn::LoadU(d, sums + at), rest = hn::LoadU(d, rests + at);
    lanes.StoreResult(Compensated<S>(d, sum, rest), d, dst + at * sizeof(T));
  });
}

template <class S>
uint32_t CompensatedWhole(const sc_run* run) {
  constexpr size_t kResult = S::kParts * sizeof(typename S::T);
  alignas(64) uint8_t memory[kSumHeaderBytes + kPairColumnBytes<S>];
  const PairState<S> state(memory, 1);
  const auto* src = static_cast<const uint8_t*>(run->src);
  auto* dst = static_cast<uint8_t*>(run->dst);
  const ptrdiff_t step = run->src_step[1];
  const auto n = static_cast<size_t>(run->n[0]), columns = static_cast<size_t>(run->n[1]);
  const size_t group = n <= kLeaf ? kAccumulators : 1;
  for (size_t column = 0; column < columns; column += group) {
    if (n <= kLeaf) {
      SumShortColumnGroup<S>(src, step, n, HWY_MIN(columns - column, group), dst);
    } else {
      *state.header = SumHeader{0, 0};
      state.ClearAccumulators();
      SumPairsPacked<S>(state, src, n);
      FinishPairs<S>(state, dst);
    }
    src += static_cast<ptrdiff_t>(group) * step;
    dst += group * kResult;
  }
  return 0;
}

// ---- entries ----

template <class Source>
void SetCompensated(ReduceEntries& entries, DType type, const char* name) {
  using S = Summing<Source>;
  entries[Index(type)] = {&CompensatedInit<S>,
                          &CompensatedStep<S>,
                          &CompensatedMerge<S>,
                          &CompensatedFinish<S>,
                          &CompensatedWhole<S>,
                          nullptr,
                          name,
                          kSumHeaderBytes,
                          kPairColumnBytes<S>,
                          0};
}

}  // namespace

void FillSumCompensated(KernelTable& table) {
  ReduceEntries& sums = table.reduce[kReduceSumCompensated];
  SetCompensated<Widened<Float16>>(sums, DType::kFloat16, "compensated float16");
  SetCompensated<Widened<BFloat16>>(sums, DType::kBFloat16, "compensated bfloat16");
  SetCompensated<AsTheyAre<float>>(sums, DType::kFloat32, "compensated float32");
  SetCompensated<AsTheyAre<double>>(sums, DType::kFloat64, "compensated float64");
  SetCompensated<AsTheyAre<float, 2>>(sums, DType::kComplexFloat32, "compensated complex64");
  SetCompensated<AsTheyAre<double, 2>>(sums, DType::kComplexFloat64, "compensated complex128");
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
