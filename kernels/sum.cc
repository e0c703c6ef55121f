// Sums of float32 and float64, and of float16 and bfloat16 in float32, in an order fixed by the
// elements' positions alone, so that targets, chunks and threads cannot change a bit. Where
// order is void, it is fold.cc's and count.cc's.
//
// The tree: 128 consecutive elements are a leaf. Element i of a leaf is added to accumulator i % 8,
// each of which starts at -0.0, and the accumulators join as ((0+1)+(2+3))+((4+5)+(6+7)). Leaves
// join as in a binary counter: `levels` bit by bit holds the sum of 2^bit leaves where that bit of
// the number of leaves is set, and a new leaf carries, older + newer. At the end an unfinished leaf
// counts as a leaf, and the levels are folded from the newest to the oldest, older + newer. A sum
// of nothing is +0.0. Every NaN in a result is the positive quiet NaN.
//
// The state of a block of columns is a header, then rows of one T a column: 8 accumulators, then
// the levels. All columns of a block have seen the same number of elements.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/sum.cc"
#include <type_traits>

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/float16-inl.h"
#include "kernels/lane_types.h"
#include "kernels/reduce-inl.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

constexpr size_t kLeaf = 128, kAccumulators = 8, kLevels = 56;  // 2^56 leaves are 2^63 elements

struct SumHeader {
  uint64_t leaves;  // finished ones
  uint64_t filled;  // elements in the unfinished leaf, less than kLeaf
};
constexpr int64_t kSumHeaderBytes = 64;
static_assert(sizeof(SumHeader) <= kSumHeaderBytes);

template <typename T>
struct SumState {
  SumHeader* header;
  T* accumulators;  // kAccumulators rows
  T* levels;        // kLevels rows
  size_t columns;

  SumState(void* state, int64_t n)
      : header(static_cast<SumHeader*>(state)),
        accumulators(reinterpret_cast<T*>(static_cast<uint8_t*>(state) + kSumHeaderBytes)),
        levels(accumulators + kAccumulators * static_cast<size_t>(n)),
        columns(static_cast<size_t>(n)) {}
};

template <typename T>
constexpr int64_t kSumColumnBytes = (kAccumulators + kLevels) * sizeof(T);

template <class V>
HWY_INLINE V JoinVectors(V a0, V a1, V a2, V a3, V a4, V a5, V a6, V a7) {
  return hn::Add(hn::Add(hn::Add(a0, a1), hn::Add(a2, a3)),
                 hn::Add(hn::Add(a4, a5), hn::Add(a6, a7)));
}

template <typename T>
HWY_INLINE T JoinAccumulators(const T* a) {
  return ((a[0] + a[1]) + (a[2] + a[3])) + ((a[4] + a[5]) + (a[6] + a[7]));
}

// ---- how elements are read ----

// A source says
//   using Item;                        // as stored
//   using Sum;                         // in what it is added
//   Vec<D> Load(D, const uint8_t*);    // of packed items; D has lanes of Sum
//   Vec<D> LoadLanes(D, lanes, const uint8_t*);    // AllLanes or FirstLanes
//   Sum One(const uint8_t*);
template <typename T>
struct AsTheyAre {
  using Item = T;
  using Sum = T;
  template <class D>
  static HWY_INLINE hn::Vec<D> Load(D d, const uint8_t* src) {
    return LoadRow(d, src);
  }
  template <class D, class L>
  static HWY_INLINE hn::Vec<D> LoadLanes(D d, L lanes, const uint8_t* src) {
    return lanes.Load(d, src);
  }
  static HWY_INLINE T One(const uint8_t* src) { return LoadAs<T>(src); }
};

// float16 and bfloat16, whose values float32 has.
template <typename Half>
struct Widened {
  using Item = uint16_t;
  using Sum = float;
  template <class D>
  static HWY_INLINE hn::Vec<D> Widen(D d, hn::Vec<hn::Rebind<uint16_t, D>> v) {
    if constexpr (std::is_same_v<Half, Float16>) {
      return Float16ToFloat32(d, v);
    } else {
      return BFloat16AsFloat32(d, v);
    }
  }
  template <class D>
  static HWY_INLINE hn::Vec<D> Load(D d, const uint8_t* src) {
    return Widen(d, LoadRow(hn::Rebind<uint16_t, D>(), src));
  }
  template <class D, class L>
  static HWY_INLINE hn::Vec<D> LoadLanes(D d, L lanes, const uint8_t* src) {
    return Widen(d, lanes.Load(hn::Rebind<uint16_t, D>(), src));
  }
  static HWY_INLINE float One(const uint8_t* src) {
    const hn::CappedTag<float, 1> d;
    return hn::GetLane(
        Widen(d, hn::Set(hn::Rebind<uint16_t, decltype(d)>(), LoadAs<uint16_t>(src))));
  }
};

// ---- one column ----

// The sum of 2^level leaves joins those before it, of which there are `leaves`, a multiple of
// 2^level.
template <typename T>
HWY_INLINE void Carry(T* levels, uint64_t leaves, int level, T sum) {
  for (; (leaves >> level) & 1; ++level) sum = levels[level] + sum;
  levels[level] = sum;
}

// Adds `rounds` times 8 elements to the 8 accumulators.
template <class S, typename T = typename S::Sum>
HWY_INLINE void AddRounds(T* accumulators, const uint8_t* src, size_t rounds) {
  const hn::CappedTag<T, kAccumulators> d;
  for (size_t a = 0; a < kAccumulators; a += hn::Lanes(d)) {
    auto sum = hn::LoadU(d, accumulators + a);
    const uint8_t* from = src + a * sizeof(typename S::Item);
    for (size_t round = 0; round < rounds; ++round) {
      sum = hn::Add(sum, S::Load(d, from));
      from += kAccumulators * sizeof(typename S::Item);
    }
    hn::StoreU(sum, d, accumulators + a);
  }
}

template <class S, typename T = typename S::Sum>
HWY_INLINE T LeafSum(const uint8_t* src) {
  T accumulators[kAccumulators];
  for (T& a : accumulators) a = T{-0.0};
  AddRounds<S>(accumulators, src, kLeaf / kAccumulators);
  return JoinAccumulators(accumulators);
}

// Sums of adjacent lanes, those of `lo` first.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V AddPairs(D d, V lo, V hi) {
  return hn::Add(hn::ConcatEven(d, hi, lo), hn::ConcatOdd(d, hi, lo));
}

// All 16 rounds of a leaf: one vector of its accumulators, or two adjacent ones.
template <class S, class D>
HWY_INLINE hn::Vec<D> LeafVector(D d, const uint8_t* src) {
  constexpr size_t kRound = kAccumulators * sizeof(typename S::Item);
  auto sum = hn::Set(d, hn::TFromD<D>{-0.0});
  for (size_t round = 0; round < kLeaf / kAccumulators; round += 4) {
    sum = hn::Add(sum, S::Load(d, src));
    sum = hn::Add(sum, S::Load(d, src + kRound));
    sum = hn::Add(sum, S::Load(d, src + 2 * kRound));
    sum = hn::Add(sum, S::Load(d, src + 3 * kRound));
    src += 4 * kRound;
  }
  return sum;
}

template <class S, class D, class V>
HWY_INLINE void LeafVectors(D d, const uint8_t* src, V& sum0, V& sum1) {
  constexpr size_t kRound = kAccumulators * sizeof(typename S::Item);
  const size_t vector = hn::Lanes(d) * sizeof(typename S::Item);
  sum0 = sum1 = hn::Set(d, hn::TFromD<D>{-0.0});
  for (size_t round = 0; round < kLeaf / kAccumulators; round += 2) {
    sum0 = hn::Add(sum0, S::Load(d, src));
    sum1 = hn::Add(sum1, S::Load(d, src + vector));
    sum0 = hn::Add(sum0, S::Load(d, src + kRound));
    sum1 = hn::Add(sum1, S::Load(d, src + kRound + vector));
    src += 2 * kRound;
  }
}

// The sum of as many leaves as a vector has lanes (8 at most): 8 vectors hold the accumulators of
// all these leaves, and each pairing of adjacent lanes is one level of the tree. One leaf after the
// other, because prefetchers want memory read in order; the CPU overlaps their chains of additions
// itself.
template <class S, typename T = typename S::Sum>
HWY_INLINE T LeafGroupSum(const uint8_t* src) {
  const hn::CappedTag<T, kAccumulators> d;
  const size_t lanes = hn::Lanes(d);
  hn::Vec<decltype(d)> a0, a1, a2, a3, a4, a5, a6, a7;
  if (lanes == kAccumulators) {
    constexpr size_t kLeafBytes = kLeaf * sizeof(typename S::Item);
    a0 = LeafVector<S>(d, src);
    a1 = LeafVector<S>(d, src + kLeafBytes);
    a2 = LeafVector<S>(d, src + 2 * kLeafBytes);
    a3 = LeafVector<S>(d, src + 3 * kLeafBytes);
    a4 = LeafVector<S>(d, src + 4 * kLeafBytes);
    a5 = LeafVector<S>(d, src + 5 * kLeafBytes);
    a6 = LeafVector<S>(d, src + 6 * kLeafBytes);
    a7 = LeafVector<S>(d, src + 7 * kLeafBytes);
  } else {
    const size_t vectors = kAccumulators / lanes;  // per leaf
    const auto at = [=](size_t i) HWY_ATTR {
      return src + (i / vectors * kLeaf + i % vectors * lanes) * sizeof(typename S::Item);
    };
    LeafVectors<S>(d, at(0), a0, a1);
    LeafVectors<S>(d, at(2), a2, a3);
    LeafVectors<S>(d, at(4), a4, a5);
    LeafVectors<S>(d, at(6), a6, a7);
  }
  const auto b0 = AddPairs(d, a0, a1), b1 = AddPairs(d, a2, a3), b2 = AddPairs(d, a4, a5),
             b3 = AddPairs(d, a6, a7);
  T sums[kAccumulators];
  hn::StoreU(AddPairs(d, AddPairs(d, b0, b1), AddPairs(d, b2, b3)), d, sums);
  for (size_t count = lanes; count > 1; count /= 2) {
    for (size_t i = 0; i < count / 2; ++i) sums[i] = sums[2 * i] + sums[2 * i + 1];
  }
  return sums[0];
}

template <class S, typename T = typename S::Sum>
HWY_NOINLINE void SumPacked(const SumState<T>& state, const uint8_t* src, size_t n) {
  constexpr size_t kItem = sizeof(typename S::Item);
  T* const accumulators = state.accumulators;
  uint64_t leaves = state.header->leaves;
  size_t filled = state.header->filled;
  const auto add_to_leaf = [&](size_t count) HWY_ATTR {
    n -= count;
    for (; count > 0 && filled % kAccumulators != 0; --count, ++filled, src += kItem) {
      accumulators[filled % kAccumulators] += S::One(src);
    }
    const size_t rounds = count / kAccumulators;
    if (rounds > 0) AddRounds<S>(accumulators, src, rounds);
    src += rounds * kAccumulators * kItem;
    filled += count;
    for (size_t i = 0; i < count % kAccumulators; ++i, src += kItem) {
      accumulators[i] += S::One(src);
    }
  };
  if (filled > 0) {
    add_to_leaf(HWY_MIN(n, kLeaf - filled));
    if (filled == kLeaf) {
      Carry(state.levels, leaves++, 0, JoinAccumulators(accumulators));
      for (size_t i = 0; i < kAccumulators; ++i) accumulators[i] = T{-0.0};
      filled = 0;
    }
  }
  const size_t group = hn::Lanes(hn::CappedTag<T, kAccumulators>());
  const int group_level = static_cast<int>(hwy::Num0BitsBelowLS1Bit_Nonzero64(group));
  while (n >= kLeaf) {
    if (n >= group * kLeaf && leaves % group == 0) {
      Carry(state.levels, leaves, group_level, LeafGroupSum<S>(src));
      leaves += group;
      src += group * kLeaf * kItem;
      n -= group * kLeaf;
    } else {
      Carry(state.levels, leaves++, 0, LeafSum<S>(src));
      src += kLeaf * kItem;
      n -= kLeaf;
    }
  }
  if (n > 0) add_to_leaf(n);
  state.header->leaves = leaves;
  state.header->filled = filled;
}

// ---- many columns ----

// Carry for the columns of a block, `sum` being one row.
template <typename T, class D, class L>
HWY_INLINE void CarryLanes(D d, const SumState<T>& state, size_t column, L lanes, uint64_t leaves,
                           int level, hn::Vec<D> sum) {
  T* at = state.levels + static_cast<size_t>(level) * state.columns + column;
  for (; (leaves >> level) & 1; ++level, at += state.columns) {
    sum = hn::Add(lanes.Load(d, static_cast<const T*>(at)), sum);
  }
  lanes.Store(sum, d, at);
}

template <typename T, class D, class L>
HWY_INLINE hn::Vec<D> JoinRows(D d, const SumState<T>& state, size_t column, L lanes) {
  const T* a = state.accumulators + column;
  const size_t c = state.columns;
  return JoinVectors(lanes.Load(d, a), lanes.Load(d, a + c), lanes.Load(d, a + 2 * c),
                     lanes.Load(d, a + 3 * c), lanes.Load(d, a + 4 * c), lanes.Load(d, a + 5 * c),
                     lanes.Load(d, a + 6 * c), lanes.Load(d, a + 7 * c));
}

// Adds rows, a multiple of 8, that begin at accumulator `phase`, in one vector of columns.
template <class S, class D, class L, typename T = typename S::Sum>
HWY_INLINE void AddRowRounds(D d, const SumState<T>& state, size_t column, L lanes, size_t phase,
                             const uint8_t* src, ptrdiff_t step, size_t rows) {
  T* const base = state.accumulators + column;
  const auto row = [=](size_t i)
                       HWY_ATTR { return base + (phase + i) % kAccumulators * state.columns; };
  T *const r0 = row(0), *const r1 = row(1), *const r2 = row(2), *const r3 = row(3),
           *const r4 = row(4), *const r5 = row(5), *const r6 = row(6), *const r7 = row(7);
  auto a0 = lanes.Load(d, r0), a1 = lanes.Load(d, r1), a2 = lanes.Load(d, r2),
       a3 = lanes.Load(d, r3), a4 = lanes.Load(d, r4), a5 = lanes.Load(d, r5),
       a6 = lanes.Load(d, r6), a7 = lanes.Load(d, r7);
  for (; rows > 0; rows -= kAccumulators) {
    a0 = hn::Add(a0, S::LoadLanes(d, lanes, src));
    a1 = hn::Add(a1, S::LoadLanes(d, lanes, src + step));
    a2 = hn::Add(a2, S::LoadLanes(d, lanes, src + 2 * step));
    a3 = hn::Add(a3, S::LoadLanes(d, lanes, src + 3 * step));
    a4 = hn::Add(a4, S::LoadLanes(d, lanes, src + 4 * step));
    a5 = hn::Add(a5, S::LoadLanes(d, lanes, src + 5 * step));
    a6 = hn::Add(a6, S::LoadLanes(d, lanes, src + 6 * step));
    a7 = hn::Add(a7, S::LoadLanes(d, lanes, src + 7 * step));
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

template <class S, typename T = typename S::Sum>
HWY_NOINLINE void SumRows(const SumState<T>& state, const uint8_t* src, ptrdiff_t step,
                          size_t rows) {
  constexpr size_t kItem = sizeof(typename S::Item);
  const hn::ScalableTag<T> d;
  const bool narrow = state.columns * sizeof(T) <= kNarrowRow;
  uint64_t leaves = state.header->leaves;
  size_t filled = state.header->filled;
  while (rows > 0) {
    size_t take = HWY_MIN(HWY_MIN(rows, kLeaf - filled), kRowGroup);
    const size_t phase = filled % kAccumulators;
    if (narrow && take >= kAccumulators) {
      take -= take % kAccumulators;
      ForColumns(d, state.columns, [=](size_t column, auto lanes) HWY_ATTR {
        AddRowRounds<S>(d, state, column, lanes, phase, src + column * kItem, step, take);
      });
    } else if (take == kRowGroup) {
      static_assert(kRowGroup == 4 * kAccumulators);
      for (size_t i = 0; i < kAccumulators; ++i) {
        const uint8_t* const rows_of_sum = src + static_cast<ptrdiff_t>(i) * step;
        T* const sums = state.accumulators + (phase + i) % kAccumulators * state.columns;
        ForColumns(d, state.columns, [=](size_t column, auto lanes) HWY_ATTR {
          const uint8_t* const from = rows_of_sum + column * kItem;
          auto sum = lanes.Load(d, static_cast<const T*>(sums + column));
          sum = hn::Add(sum, S::LoadLanes(d, lanes, from));
          sum = hn::Add(sum, S::LoadLanes(d, lanes, from + 8 * step));
          sum = hn::Add(sum, S::LoadLanes(d, lanes, from + 16 * step));
          sum = hn::Add(sum, S::LoadLanes(d, lanes, from + 24 * step));
          lanes.Store(sum, d, sums + column);
        });
      }
    } else {
      take = 1;
      T* const sums = state.accumulators + phase * state.columns;
      ForColumns(d, state.columns, [=](size_t column, auto lanes) HWY_ATTR {
        const auto sum = lanes.Load(d, static_cast<const T*>(sums + column));
        const auto row = S::LoadLanes(d, lanes, src + column * kItem);
        lanes.Store(hn::Add(sum, row), d, sums + column);
      });
    }
    src += static_cast<ptrdiff_t>(take) * step;
    rows -= take;
    filled += take;
    if (filled < kLeaf) continue;
    ForColumns(d, state.columns, [=](size_t column, auto lanes) HWY_ATTR {
      CarryLanes(d, state, column, lanes, leaves, 0, JoinRows(d, state, column, lanes));
      for (size_t i = 0; i < kAccumulators; ++i) {
        lanes.Store(hn::Set(d, T{-0.0}), d, state.accumulators + i * state.columns + column);
      }
    });
    ++leaves;
    filled = 0;
  }
  state.header->leaves = leaves;
  state.header->filled = filled;
}

// ---- the four kernels ----

template <typename T>
uint32_t SumInit(const sc_run* run) {
  const SumState<T> state(run->state, run->n[1]);
  *state.header = SumHeader{0, 0};
  for (size_t i = 0; i < kAccumulators * state.columns; ++i) state.accumulators[i] = T{-0.0};
  return 0;
}

template <class S>
uint32_t SumStep(const sc_run* run) {
  const SumState<typename S::Sum> state(run->state, run->n[1]);
  const uint8_t* src = static_cast<const uint8_t*>(run->src);
  const size_t rows = static_cast<size_t>(run->n[0]);
  if (state.columns > 1) {
    SumRows<S>(state, src, run->src_step[0], rows);
  } else {
    using Item = typename S::Item;
    ForPackedPieces<Item>(src, run->src_step[0], rows,
                          [&](const uint8_t* p, size_t n) HWY_ATTR { SumPacked<S>(state, p, n); });
  }
  return 0;
}

// Exact only where the left state ends with a whole subtree of the size of the right one's largest:
// its leaf is finished, and its number of leaves is a multiple of the largest power of two that is
// not above the right one's. SC_ERR_USER otherwise, and nothing is changed.
template <typename T>
uint32_t SumMerge(const sc_run* run) {
  const SumState<T> state(run->state, run->n[1]);
  const SumState<T> next(const_cast<void*>(run->src), run->n[1]);
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
      CarryLanes(d, state, column, lanes, leaves, level, lanes.Load(d, sums + column));
    });
    leaves += uint64_t{1} << level;
  }
  memcpy(state.accumulators, next.accumulators, kAccumulators * state.columns * sizeof(T));
  *state.header = SumHeader{leaves, next.header->filled};
  return 0;
}

template <typename T>
uint32_t SumFinish(const sc_run* run) {
  const SumState<T> state(run->state, run->n[1]);
  uint8_t* const dst = static_cast<uint8_t*>(run->dst);
  uint64_t levels = state.header->leaves;
  const bool open_leaf = state.header->filled > 0;
  if (levels == 0 && !open_leaf) {
    memset(dst, 0, state.columns * sizeof(T));
    return 0;
  }
  const hn::ScalableTag<T> d;
  ForColumns(d, state.columns, [=](size_t column, auto lanes) HWY_ATTR {
    uint64_t rest = levels;
    const T* at = state.levels + column;
    auto sum = JoinRows(d, state, column, lanes);
    if (!open_leaf) {
      // The newest level takes the place of the open leaf.
      const size_t newest = hwy::Num0BitsBelowLS1Bit_Nonzero64(rest);
      sum = lanes.Load(d, at + newest * state.columns);
      rest &= rest - 1;
    }
    for (; rest != 0; rest &= rest - 1) {
      const size_t level = hwy::Num0BitsBelowLS1Bit_Nonzero64(rest);
      sum = hn::Add(lanes.Load(d, at + level * state.columns), sum);
    }
    sum = hn::IfThenElse(hn::IsNaN(sum), hn::Set(d, QuietNaN<T>()), sum);
    lanes.StoreResult(sum, d, dst + column * sizeof(T));
  });
  return 0;
}

// ---- entries ----

template <class S>
void SetSum(sc_reduce_entry& entry, const char* name) {
  using T = typename S::Sum;
  entry = {&SumInit<T>, &SumStep<S>,     &SumMerge<T>,      &SumFinish<T>,
           name,        kSumHeaderBytes, kSumColumnBytes<T>};
}

}  // namespace

void FillSum(KernelTable& table) {
  auto& sums = table.reduce[kReduceSum];
  SetSum<Widened<Float16>>(sums[Index(DType::kFloat16)], "sum float16");
  SetSum<Widened<BFloat16>>(sums[Index(DType::kBFloat16)], "sum bfloat16");
  SetSum<AsTheyAre<float>>(sums[Index(DType::kFloat32)], "sum float32");
  SetSum<AsTheyAre<double>>(sums[Index(DType::kFloat64)], "sum float64");
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
