// Sums of floats, and of float16 and bfloat16 in float32, in an order fixed by the elements'
// positions alone, so that targets, chunks and threads cannot change a bit; of the items or of a
// map of them (sum.cc, norms.cc, deviations.cc). Products follow the same tree. Where order is
// void, it is fold.cc's and count.cc's. Per-target header.
//
// The tree: 128 consecutive elements are a leaf. Element i of a leaf is added to accumulator i % 8,
// each of which starts at -0.0, and the accumulators join as ((0+1)+(2+3))+((4+5)+(6+7)). Leaves
// join as in a binary counter: `levels` bit by bit holds the sum of 2^bit leaves where that bit of
// the number of leaves is set, and a new leaf carries, older + newer. At the end an unfinished leaf
// counts as a leaf, and the levels are folded from the newest to the oldest, older + newer. A sum
// of nothing is +0.0. Every NaN in a result is the positive quiet NaN.
//
// The parts of complex numbers are summed each for itself: a column of them is two columns of
// parts; their products join both parts. The state of a block of columns is a header, then rows of
// one T a part: 8 accumulators, then the levels. All columns of a block have seen the same number
// of elements.
#if defined(STRIDECAST_KERNELS_SUM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STRIDECAST_KERNELS_SUM_INL_H_
#undef STRIDECAST_KERNELS_SUM_INL_H_
#else
#define STRIDECAST_KERNELS_SUM_INL_H_
#endif

#include <array>
#include <type_traits>

#include "kernels/float16-inl.h"
#include "kernels/lane_types.h"
#include "kernels/reduce-inl.h"
#include "kernels/sum_tree.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

constexpr size_t kLeaf = kSumLeaf, kAccumulators = kSumAccumulators, kLevels = kSumLevels;

struct SumHeader {
  uint64_t leaves;  // finished ones
  uint64_t filled;  // elements in the unfinished leaf, less than kLeaf
};
constexpr int64_t kSumHeaderBytes = 64;
static_assert(sizeof(SumHeader) <= kSumHeaderBytes);

// ---- how elements are read ----

// A source says
//   using Item;                        // one part as stored
//   using Sum;                         // in what it is added
//   static constexpr size_t kParts;    // of an element: 2 of complex numbers
//   Vec<D> Load(D, const uint8_t*);    // of packed parts; D has lanes of Sum
//   Vec<D> LoadLanes(D, lanes, const uint8_t*);    // AllLanes or FirstLanes
template <typename T, size_t kPartsOf = 1>
struct AsTheyAre {
  using Item = T;
  using Sum = T;
  static constexpr size_t kParts = kPartsOf;
  template <class D>
  static HWY_INLINE hn::Vec<D> Load(D d, const uint8_t* src) {
    return LoadRow(d, src);
  }
  template <class D, class L>
  static HWY_INLINE hn::Vec<D> LoadLanes(D d, L lanes, const uint8_t* src) {
    return lanes.Load(d, src);
  }
};

// Converted as they are read, by Conversion::Of(d, lanes of ItemT).
template <typename ItemT, typename SumT, class Conversion>
struct Converted {
  using Item = ItemT;
  using Sum = SumT;
  static constexpr size_t kParts = 1;
  template <class D>
  static HWY_INLINE hn::Vec<D> Load(D d, const uint8_t* src) {
    return Conversion::Of(d, LoadRow(hn::Rebind<ItemT, D>(), src));
  }
  template <class D, class L>
  static HWY_INLINE hn::Vec<D> LoadLanes(D d, L lanes, const uint8_t* src) {
    return Conversion::Of(d, lanes.Load(hn::Rebind<ItemT, D>(), src));
  }
};

// float16 and bfloat16, whose values float32 has.
template <typename Half>
struct WidenHalf {
  template <class D, class V>
  static HWY_INLINE hn::Vec<D> Of(D d, V v) {
    if constexpr (std::is_same_v<Half, Float16>) {
      return Float16ToFloat32(d, v);
    } else {
      return BFloat16AsFloat32(d, v);
    }
  }
};
template <typename Half>
using Widened = Converted<uint16_t, float, WidenHalf<Half>>;

// Every second element of a source, of which one more must follow; of two parts: of 32 bits each.
template <class Packed>
struct EverySecondOf {
  using Item = std::array<typename Packed::Item, 2>;
  using Sum = typename Packed::Sum;
  static constexpr size_t kParts = Packed::kParts;
  template <class D>
  static HWY_INLINE hn::Vec<D> Load(D d, const uint8_t* src) {
    if constexpr (kParts == 1) {
      return Packed::LoadLanes(d, EverySecond(), src);
    } else {
      return hn::BitCast(d, EverySecond().Load(hn::Repartition<uint64_t, D>(), src));
    }
  }
};

// ---- what is summed ----

// A map says
//   static constexpr bool kAbout;      // it looks at a value that belongs to the column
//   static constexpr bool kRealOfComplex;  // the sums of both parts are added in the end
//   static constexpr bool kEverySecond;    // there are kernels for every second item
//   V Of(V v, V about);
struct TheItems {
  static constexpr bool kAbout = false, kRealOfComplex = false;
  static constexpr bool kEverySecond = true;
  template <class V>
  static HWY_INLINE V Of(V v, V) {
    return v;
  }
};

struct AbsoluteValues {
  static constexpr bool kAbout = false, kRealOfComplex = false;
  static constexpr bool kEverySecond = false;
  template <class V>
  static HWY_INLINE V Of(V v, V) {
    return hn::Abs(v);
  }
};

struct Squares {
  static constexpr bool kAbout = false, kRealOfComplex = true;
  static constexpr bool kEverySecond = false;
  template <class V>
  static HWY_INLINE V Of(V v, V) {
    return hn::Mul(v, v);
  }
};

struct SquaredDeviations {
  static constexpr bool kAbout = true, kRealOfComplex = true;
  static constexpr bool kEverySecond = true;
  template <class V>
  static HWY_INLINE V Of(V v, V about) {
    const V rest = hn::Sub(v, about);
    return hn::Mul(rest, rest);
  }
};

// ---- how two join ----

// A joiner says
//   static constexpr double kNeutral[2];    // by part
//   static constexpr double kOfNothing[2];
//   V Join(V a, V b);
//   T JoinOne(T a, T b);                    // of a part; or, of both parts,
//   void JoinParts(const T* a, const T* b, T* joined);
struct Adding {
  static constexpr double kNeutral[2] = {-0.0, -0.0}, kOfNothing[2] = {0, 0};
  template <class V>
  static HWY_INLINE V Join(V a, V b) {
    return hn::Add(a, b);
  }
  template <typename T>
  static HWY_INLINE T JoinOne(T a, T b) {
    return a + b;
  }
};

struct Multiplying {
  static constexpr double kNeutral[2] = {1, 1}, kOfNothing[2] = {1, 1};
  template <class V>
  static HWY_INLINE V Join(V a, V b) {
    return hn::Mul(a, b);
  }
  template <typename T>
  static HWY_INLINE T JoinOne(T a, T b) {
    return a * b;
  }
};

// (a + bi)(c + di) = (ac - bd) + (ad + bc)i, each product and each sum rounded, on every target:
// the infinite and the undefined are not told apart as Annex G of C does.
struct MultiplyingComplex {
  static constexpr double kNeutral[2] = {1, 0}, kOfNothing[2] = {1, 0};
  template <class V, class D = hn::DFromV<V>>
  static HWY_INLINE V Join(V a, V b) {
    const V real = hn::Mul(hn::DupEven(a), b), imaginary = hn::Mul(hn::DupOdd(a), b);
    return hn::AddSub(real, hn::Reverse2(D(), imaginary));
  }
  // Not as plain arithmetic: g++ 12 finds vfmaddsub in that, although it must not fuse.
  template <typename T>
  static HWY_INLINE void JoinParts(const T* a, const T* b, T* joined) {
    const hn::CappedTag<T, 2> d;
    hn::StoreU(Join(hn::LoadU(d, a), hn::LoadU(d, b)), d, joined);
  }
};

template <class Joiner>
constexpr bool kJoinsBothParts = std::is_same_v<Joiner, MultiplyingComplex>;

// A sum of all of this.
template <class SourceT, class MapT = TheItems, class JoinerT = Adding>
struct Summing {
  using Source = SourceT;
  using Map = MapT;
  using Joiner = JoinerT;
  using T = typename Source::Sum;
  static constexpr size_t kParts = Source::kParts;
  static constexpr size_t kPartBytes = sizeof(typename Source::Item);  // to the next
  static constexpr size_t kElement = kParts * kPartBytes;
  static constexpr size_t kRound = kAccumulators * kParts;  // parts that all accumulators take once
  static constexpr size_t kRoundBytes = kRound * kPartBytes;
  static constexpr size_t kLeafBytes = kLeaf * kElement;
  static constexpr bool kRealOfComplex = kParts == 2 && Map::kRealOfComplex;
};

template <class S, class D, typename T = typename S::T>
HWY_INLINE hn::Vec<D> Neutral(D d) {
  const auto first = hn::Set(d, static_cast<T>(S::Joiner::kNeutral[0]));
  if constexpr (!kJoinsBothParts<typename S::Joiner>) {
    return first;
  } else {
    return hn::OddEven(hn::Set(d, static_cast<T>(S::Joiner::kNeutral[1])), first);
  }
}

// Where the columns of a block keep what they have.
template <class S, typename T = typename S::T>
struct SumState {
  SumHeader* header;
  T* accumulators;  // kAccumulators rows
  T* levels;        // kLevels rows
  size_t columns;   // of parts

  explicit SumState(void* state, int64_t n)
      : header(static_cast<SumHeader*>(state)),
        accumulators(reinterpret_cast<T*>(static_cast<uint8_t*>(state) + kSumHeaderBytes)),
        levels(accumulators + kAccumulators * S::kParts * static_cast<size_t>(n)),
        columns(S::kParts * static_cast<size_t>(n)) {}
};

template <class S>
constexpr int64_t kSumColumnBytes = (kAccumulators + kLevels) * S::kParts * sizeof(typename S::T);

// The value that a map looks at, for lanes that hold the parts of one column over and over.
template <class S, class D, typename T = typename S::T>
HWY_INLINE hn::Vec<D> AboutColumn(D d, const T* about) {
  if constexpr (!S::Map::kAbout) {
    return hn::Zero(d);
  } else if constexpr (S::kParts == 1) {
    return hn::Set(d, about[0]);
  } else {
    return hn::OddEven(hn::Set(d, about[1]), hn::Set(d, about[0]));
  }
}

// ---- one column ----

// One value a part.
template <class S>
struct PartValues {
  typename S::T part[S::kParts];
};

template <class S>
HWY_INLINE PartValues<S> JoinValues(PartValues<S> a, PartValues<S> b) {
  if constexpr (kJoinsBothParts<typename S::Joiner>) {
    PartValues<S> joined;
    S::Joiner::JoinParts(a.part, b.part, joined.part);
    return joined;
  } else {
    for (size_t p = 0; p < S::kParts; ++p) a.part[p] = S::Joiner::JoinOne(a.part[p], b.part[p]);
    return a;
  }
}

template <class S, typename T = typename S::T>
HWY_INLINE PartValues<S> JoinAccumulators(const T* a) {
  using J = typename S::Joiner;
  if constexpr (kJoinsBothParts<J>) {
    const auto join = [=](size_t i) HWY_ATTR {
      PartValues<S> pair[2];
      memcpy(pair, a + i * S::kParts, sizeof pair);
      return JoinValues<S>(pair[0], pair[1]);
    };
    return JoinValues<S>(JoinValues<S>(join(0), join(2)), JoinValues<S>(join(4), join(6)));
  } else {
    constexpr size_t k = S::kParts;
    PartValues<S> joined;
    for (size_t p = 0; p < k; ++p, ++a) {
      joined.part[p] =
          J::JoinOne(J::JoinOne(J::JoinOne(a[0], a[k]), J::JoinOne(a[2 * k], a[3 * k])),
                     J::JoinOne(J::JoinOne(a[4 * k], a[5 * k]), J::JoinOne(a[6 * k], a[7 * k])));
    }
    return joined;
  }
}

// The sum of 2^level leaves joins those before it, of which there are `leaves`, a multiple of
// 2^level.
template <class S, typename T = typename S::T>
HWY_INLINE void Carry(T* levels, uint64_t leaves, int level, PartValues<S> sum) {
  T* at = levels + static_cast<size_t>(level) * S::kParts;
  for (; (leaves >> level) & 1; ++level, at += S::kParts) {
    PartValues<S> older;
    memcpy(&older, at, sizeof older);
    sum = JoinValues<S>(older, sum);
  }
  memcpy(at, &sum, sizeof sum);
}

// What is open, and the levels of `leaves` leaves, newest to oldest.
template <class S, typename T = typename S::T>
HWY_INLINE PartValues<S> JoinLevels(const T* levels, uint64_t leaves, PartValues<S> sum) {
  for (; leaves != 0; leaves &= leaves - 1) {
    const size_t level = hwy::Num0BitsBelowLS1Bit_Nonzero64(leaves);
    PartValues<S> older;
    memcpy(&older, levels + level * S::kParts, sizeof older);
    sum = JoinValues<S>(older, sum);
  }
  return sum;
}

// Adds elements to a column's accumulators, beginning with the first. kRest: also where they are no
// multiple of 8.
template <class S, bool kRest = true, typename T = typename S::T>
HWY_INLINE void AddElements(T* accumulators, const uint8_t* src, size_t count, const T* about) {
  using J = typename S::Joiner;
  const hn::CappedTag<T, S::kRound> d;
  const size_t lanes = hn::Lanes(d);
  const size_t rounds = count / kAccumulators, rest = count % kAccumulators * S::kParts;
  const auto at = AboutColumn<S>(d, about);
  for (size_t a = 0; a < S::kRound; a += lanes) {
    auto sum = hn::LoadU(d, accumulators + a);
    const uint8_t* from = src + a * S::kPartBytes;
    for (size_t round = 0; round < rounds; ++round, from += S::kRoundBytes) {
      sum = J::Join(sum, S::Map::Of(S::Source::Load(d, from), at));
    }
    if constexpr (kRest) {
      if (a >= rest) {
        hn::StoreU(sum, d, accumulators + a);
        continue;
      }
      const FirstLanes few{HWY_MIN(rest - a, lanes)};
      const auto items = S::Map::Of(S::Source::LoadLanes(d, few, from), at);
      sum = hn::IfThenElse(hn::FirstN(d, few.count), J::Join(sum, items), sum);
    }
    hn::StoreU(sum, d, accumulators + a);
  }
}

template <class S, typename T = typename S::T>
HWY_INLINE void ClearAccumulators(T* accumulators) {
  const hn::CappedTag<T, S::kRound> d;
  for (size_t i = 0; i < S::kRound; i += hn::Lanes(d)) {
    hn::StoreU(Neutral<S>(d), d, accumulators + i);
  }
}

// Adjacent lanes joined, those of `lo` first.
template <class S, class D, class V = hn::Vec<D>>
HWY_INLINE V JoinPairs(D d, V lo, V hi) {
  return S::Joiner::Join(hn::ConcatEven(d, hi, lo), hn::ConcatOdd(d, hi, lo));
}

// Eight vectors that hold the accumulators of as many leaves as a vector has lanes, one leaf after
// the other: each joining of pairs is one level of the tree, and gives a lane a leaf in the end.
template <class S, class D, class V = hn::Vec<D>>
HWY_INLINE V JoinLeafVectors(D d, V a0, V a1, V a2, V a3, V a4, V a5, V a6, V a7) {
  const V b0 = JoinPairs<S>(d, a0, a1), b1 = JoinPairs<S>(d, a2, a3);
  const V b2 = JoinPairs<S>(d, a4, a5), b3 = JoinPairs<S>(d, a6, a7);
  return JoinPairs<S>(d, JoinPairs<S>(d, b0, b1), JoinPairs<S>(d, b2, b3));
}

// All 16 rounds of a leaf: one vector of its accumulators, or two adjacent ones.
template <class S, class D>
HWY_INLINE hn::Vec<D> LeafVector(D d, const uint8_t* src, hn::Vec<D> at) {
  using J = typename S::Joiner;
  const auto load = [=](size_t round) HWY_ATTR {
    return S::Map::Of(S::Source::Load(d, src + round * S::kRoundBytes), at);
  };
  auto sum = Neutral<S>(d);
  for (size_t round = 0; round < kLeaf / kAccumulators; round += 4) {
    sum = J::Join(sum, load(round));
    sum = J::Join(sum, load(round + 1));
    sum = J::Join(sum, load(round + 2));
    sum = J::Join(sum, load(round + 3));
  }
  return sum;
}

template <class S, class D, class V>
HWY_INLINE void LeafVectors(D d, const uint8_t* src, V at, V& sum0, V& sum1) {
  using J = typename S::Joiner;
  const size_t vector = hn::Lanes(d) * S::kPartBytes;
  const auto load = [=](const uint8_t* from)
                        HWY_ATTR { return S::Map::Of(S::Source::Load(d, from), at); };
  sum0 = sum1 = Neutral<S>(d);
  for (size_t round = 0; round < kLeaf / kAccumulators; round += 2) {
    sum0 = J::Join(sum0, load(src));
    sum1 = J::Join(sum1, load(src + vector));
    sum0 = J::Join(sum0, load(src + S::kRoundBytes));
    sum1 = J::Join(sum1, load(src + S::kRoundBytes + vector));
    src += 2 * S::kRoundBytes;
  }
}

// Two leaves of halves, in step: their chains of additions hide each other's latency. Widening
// fills the CPU's queues, so that it does not look as far as the next leaf by itself; four leaves
// in step are slower from memory.
template <class S, class D, class V>
HWY_INLINE void TwoLeaves(D d, const uint8_t* src, V at, V& sum0, V& sum1) {
  using J = typename S::Joiner;
  const auto load = [=](const uint8_t* from)
                        HWY_ATTR { return S::Map::Of(S::Source::Load(d, from), at); };
  sum0 = sum1 = Neutral<S>(d);
  for (size_t round = 0; round < kLeaf / kAccumulators; ++round, src += S::kRoundBytes) {
    sum0 = J::Join(sum0, load(src));
    sum1 = J::Join(sum1, load(src + S::kLeafBytes));
  }
}

// The same of bfloat16. A round of two leaves is a vector of two blocks, and zeros before its items
// make float32 of the first four of both, and of the other four, without crossing blocks.
template <class S, class D, class V>
HWY_INLINE void TwoBFloat16Leaves(D d, const uint8_t* src, V at, V& sum0, V& sum1) {
  using J = typename S::Joiner;
  const hn::Repartition<uint16_t, D> d16;
  const hn::Half<decltype(d16)> block;
  const auto zero = hn::Zero(d16);
  const auto load = [=](const uint8_t* from) HWY_ATTR {
    return hn::LoadU(block, reinterpret_cast<const uint16_t*>(from));
  };
  V lower = Neutral<S>(d), upper = lower;
  for (size_t round = 0; round < kLeaf / kAccumulators; ++round, src += S::kRoundBytes) {
    const auto both = hn::Combine(d16, load(src + S::kLeafBytes), load(src));
    const auto first = hn::BitCast(d, hn::InterleaveLower(d16, zero, both));
    const auto last = hn::BitCast(d, hn::InterleaveUpper(d16, zero, both));
    lower = J::Join(lower, S::Map::Of(first, at));
    upper = J::Join(upper, S::Map::Of(last, at));
  }
  sum0 = hn::ConcatLowerLower(d, upper, lower);
  sum1 = hn::ConcatUpperUpper(d, upper, lower);
}

// The sum of as many leaves as a vector has lanes (8 at most). One leaf after the other, because
// prefetchers want memory read in order, and the CPU overlaps their chains of additions itself; but
// for halves, of which a leaf is four lines.
template <class S, typename T = typename S::T>
HWY_INLINE T LeafGroupSum(const uint8_t* src, const T* about) {
  static_assert(S::kParts == 1);
  const hn::CappedTag<T, kAccumulators> d;
  const size_t lanes = hn::Lanes(d);
  const auto column = AboutColumn<S>(d, about);
  hn::Vec<decltype(d)> a0, a1, a2, a3, a4, a5, a6, a7;
  const auto leaf = [=](size_t i) HWY_ATTR { return src + i * S::kLeafBytes; };
  if (std::is_same_v<typename S::Source, Widened<BFloat16>> && lanes == kAccumulators) {
    TwoBFloat16Leaves<S>(d, leaf(0), column, a0, a1);
    TwoBFloat16Leaves<S>(d, leaf(2), column, a2, a3);
    TwoBFloat16Leaves<S>(d, leaf(4), column, a4, a5);
    TwoBFloat16Leaves<S>(d, leaf(6), column, a6, a7);
  } else if (S::kPartBytes == 2 && lanes == kAccumulators) {
    TwoLeaves<S>(d, leaf(0), column, a0, a1);
    TwoLeaves<S>(d, leaf(2), column, a2, a3);
    TwoLeaves<S>(d, leaf(4), column, a4, a5);
    TwoLeaves<S>(d, leaf(6), column, a6, a7);
  } else if (lanes == kAccumulators) {
    a0 = LeafVector<S>(d, leaf(0), column);
    a1 = LeafVector<S>(d, leaf(1), column);
    a2 = LeafVector<S>(d, leaf(2), column);
    a3 = LeafVector<S>(d, leaf(3), column);
    a4 = LeafVector<S>(d, leaf(4), column);
    a5 = LeafVector<S>(d, leaf(5), column);
    a6 = LeafVector<S>(d, leaf(6), column);
    a7 = LeafVector<S>(d, leaf(7), column);
  } else {
    const size_t vectors = kAccumulators / lanes;  // per leaf
    const auto at = [=](size_t i) HWY_ATTR {
      return src + i / vectors * S::kLeafBytes + i % vectors * lanes * S::kPartBytes;
    };
    LeafVectors<S>(d, at(0), column, a0, a1);
    LeafVectors<S>(d, at(2), column, a2, a3);
    LeafVectors<S>(d, at(4), column, a4, a5);
    LeafVectors<S>(d, at(6), column, a6, a7);
  }
  // In registers: by way of memory this would take as long as the additions of four leaves.
  auto sums = JoinLeafVectors<S>(d, a0, a1, a2, a3, a4, a5, a6, a7);
  if (lanes >= 8) sums = JoinPairs<S>(d, sums, sums);
  if (lanes >= 4) sums = JoinPairs<S>(d, sums, sums);
  if (lanes >= 2) sums = JoinPairs<S>(d, sums, sums);
  return hn::GetLane(sums);
}

template <class S, bool kRest = true, typename T = typename S::T>
HWY_INLINE PartValues<S> LeafSum(const uint8_t* src, size_t count, const T* about) {
  T accumulators[S::kRound];
  ClearAccumulators<S>(accumulators);
  AddElements<S, kRest>(accumulators, src, count, about);
  return JoinAccumulators<S>(accumulators);
}

template <class S, typename T = typename S::T>
HWY_INLINE PartValues<S> WholeLeafSum(const uint8_t* src, const T* about) {
  return LeafSum<S, false>(src, kLeaf, about);
}

// Whole leaves into the levels; advances past them.
template <class S, typename T = typename S::T>
HWY_INLINE void SumLeaves(T* levels, uint64_t& leaves, const uint8_t*& src, size_t& n,
                          const T* about) {
  if constexpr (S::kParts == 1) {
    const size_t group = hn::Lanes(hn::CappedTag<T, kAccumulators>());
    const int group_level = static_cast<int>(hwy::Num0BitsBelowLS1Bit_Nonzero64(group));
    while (n >= group * kLeaf) {
      if (leaves % group == 0) {
        Carry<S>(levels, leaves, group_level, PartValues<S>{{LeafGroupSum<S>(src, about)}});
        leaves += group;
        src += group * S::kLeafBytes;
        n -= group * kLeaf;
      } else {
        Carry<S>(levels, leaves++, 0, WholeLeafSum<S>(src, about));
        src += S::kLeafBytes;
        n -= kLeaf;
      }
    }
  }
  for (; n >= kLeaf; n -= kLeaf, src += S::kLeafBytes) {
    Carry<S>(levels, leaves++, 0, WholeLeafSum<S>(src, about));
  }
}

// The same of every second item, as far as one more follows; then the others are in `packed`.
template <class S>
using EverySecondSumming =
    Summing<EverySecondOf<typename S::Source>, typename S::Map, typename S::Joiner>;

template <class S>
constexpr bool kTakesEverySecond =
    S::kElement <= sizeof(uint64_t) &&
    S::Map::kEverySecond&& std::is_same_v<typename S::Joiner, Adding>;

template <class S>
HWY_INLINE bool IsEverySecond(ptrdiff_t step) {
  return kTakesEverySecond<S> && step == 2 * static_cast<ptrdiff_t>(S::kElement);
}

template <class S, typename T = typename S::T>
HWY_INLINE void SumSecondLeaves(T* levels, uint64_t& leaves, const uint8_t*& src, size_t& n,
                                const T* about) {
  if (n < 1) return;
  size_t some = n - 1;
  SumLeaves<EverySecondSumming<S>>(levels, leaves, src, some, about);
  n = some + 1;
}

template <class S, typename T = typename S::T>
HWY_NOINLINE void SumPacked(const SumState<S>& state, const uint8_t* src, size_t n,
                            const T* about) {
  T* const accumulators = state.accumulators;
  uint64_t leaves = state.header->leaves;
  size_t filled = state.header->filled;
  if (filled > 0) {
    const size_t open = HWY_MIN(n, kLeaf - filled);
    size_t count = open;
    // One by one to where the accumulators begin anew.
    for (; count > 0 && filled % kAccumulators != 0; --count, ++filled, src += S::kElement) {
      T rotated[S::kRound];
      if constexpr (kJoinsBothParts<typename S::Joiner>) {
        memcpy(rotated, src, S::kElement);  // 1 + 0i would change the sign of a zero
      } else {
        ClearAccumulators<S>(rotated);
        AddElements<S>(rotated, src, 1, about);
      }
      T* const into = accumulators + filled % kAccumulators * S::kParts;
      PartValues<S> both[2];
      memcpy(&both[0], into, sizeof both[0]);
      memcpy(&both[1], rotated, sizeof both[1]);
      both[0] = JoinValues<S>(both[0], both[1]);
      memcpy(into, &both[0], sizeof both[0]);
    }
    AddElements<S>(accumulators, src, count, about);
    src += count * S::kElement;
    filled += count;
    n -= open;
    if (filled == kLeaf) {
      Carry<S>(state.levels, leaves++, 0, JoinAccumulators<S>(accumulators));
      ClearAccumulators<S>(accumulators);
      filled = 0;
    }
  }
  SumLeaves<S>(state.levels, leaves, src, n, about);
  if (n > 0) {
    AddElements<S>(accumulators, src, n, about);
    filled += n;
  }
  state.header->leaves = leaves;
  state.header->filled = filled;
}

}  // namespace
}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
