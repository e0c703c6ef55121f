// Sums of floats that are the same in any order: the exact sum, rounded once. float16 and bfloat16
// give float32. Order is void, no partial sum overflows, and the result is correctly rounded, to
// nearest and ties to even, so that only a total beyond the largest finite value is infinite. NaN,
// or infinities of both signs, give the quiet NaN, infinities of one sign that one. An exact sum of
// zero is +0.0, but -0.0 where every item is -0.0.
//
// What the sum is kept in, and how it is rounded, is superaccumulator-inl.h's. Items do not go
// there one by one, which is what this file is about. The largest magnitude of a block makes an
// anchor, one and a half times a power of two, large enough that adding an item to it gives the
// item in units of the anchor's last bit, as the integer difference of their bits; what remains is
// found exactly by subtracting again (S. M. Rump, T. Ogita, S. Oishi, "Accurate floating-point
// summation", 2008), and is extracted by the next anchor, 2^52 times smaller. Integers of lanes are
// summed exactly. If nothing remains in the end, which is so unless magnitudes in one block are
// very far apart, the integers are added to the digits, else the block is tried again with more
// anchors, and then goes item by item, as blocks with infinities and NaNs do.
//
// This takes the place of indexed bins (J. Demmel, P. Ahrens, H. D. Nguyen, "Efficient reproducible
// floating point summation and BLAS", 2016): three bins cost as many operations as two anchors, and
// give less.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/sum_reproducible.cc"
#include <bit>

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/superaccumulator-inl.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

// How many anchors are tried, and then. One takes all bits of items down to 51 below the highest of
// the largest magnitude, each other 52 more.
template <class S>
constexpr size_t kFewAnchors = std::numeric_limits<typename S::T>::digits > 51 / 2 ? 2 : 1;
template <class S>
constexpr size_t kManyAnchors = kFewAnchors<S> + 2;
constexpr size_t kMostAnchors = 4;

// ---- blocks ----

HWY_INLINE int64_t AddWrapping(int64_t a, uint64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + b);
}

// What is known of the columns of a block: some columns of a source, or lanes of one.
template <class S>
struct Extraction {
  static constexpr size_t kMost = 128;
  HWY_ALIGN typename S::T largest[kMost];  // magnitudes
  HWY_ALIGN double anchors[kMostAnchors][kMost];
  HWY_ALIGN int64_t sums[kMostAnchors][kMost];  // in units of their anchor's last bit
  HWY_ALIGN uint64_t left[kMost];               // but for the sign not 0: something remained
};

// Calls body(row, rows) for groups of rows that are read side by side.
template <class Body>
HWY_INLINE void ForRowGroups(const uint8_t* src, ptrdiff_t step, size_t rows, size_t bytes,
                             const Body& body) {
  const size_t group = bytes <= kNarrowRow ? kRowGroup : 4;
  for (; rows > 0; src += static_cast<ptrdiff_t>(group) * step) {
    const size_t take = HWY_MIN(rows, group);
    body(src, take);
    rows -= take;
  }
}

template <class S, typename T = typename S::T>
HWY_INLINE void FindLargest(T* largest, const uint8_t* src, ptrdiff_t step, size_t rows,
                            size_t columns) {
  const hn::ScalableTag<T> d;
  ForRowGroups(src, step, rows, columns * sizeof(T), [=](const uint8_t* row, size_t take) HWY_ATTR {
    ForColumns(d, columns, [=](size_t column, auto lanes) HWY_ATTR {
      auto most = lanes.Load(d, static_cast<const T*>(largest + column));
      const uint8_t* from = row + column * S::kPartBytes;
      for (size_t i = 0; i < take; ++i, from += step) {
        most = hn::Max(most, hn::Abs(S::Source::LoadLanes(d, lanes, from)));
      }
      lanes.Store(most, d, largest + column);
    });
  });
}

template <class Source, class D, class L, typename T = typename Source::Sum>
HWY_INLINE hn::Vec<D> LoadAsDouble(D d, L lanes, const uint8_t* src) {
  if constexpr (std::is_same_v<T, double>) {
    return Source::LoadLanes(d, lanes, src);
  } else {
    return hn::PromoteTo(d, Source::LoadLanes(hn::Rebind<T, D>(), lanes, src));
  }
}

// Makes ready for ExtractRows. Magnitudes of 2^1022 and more have no anchor.
template <class S, size_t kAnchors>
HWY_INLINE void SetAnchors(Extraction<S>& e, size_t columns) {
  const hn::ScalableTag<double> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const hn::RebindToSigned<decltype(d)> di;
  constexpr uint64_t kOneExponent = uint64_t{1} << kFractionBits;
  constexpr uint64_t kHalf = kOneExponent / 2;
  const auto least = hn::BitCast(d, hn::Set(du, S::kUnit * kOneExponent + kHalf));
  const auto limit = hn::BitCast(d, hn::Set(du, (kExponentMax - 2) * kOneExponent));
  ForColumns(d, columns, [&](size_t column, auto lanes) HWY_ATTR {
    const auto* const magnitudes = reinterpret_cast<const uint8_t*>(e.largest + column);
    const auto largest = LoadAsDouble<AsTheyAre<typename S::T>>(d, lanes, magnitudes);
    const auto fits = hn::Lt(largest, limit);
    const auto exponent =
        hn::And(hn::BitCast(du, largest), hn::Set(du, kExponentMax * kOneExponent));
    const auto four_times =
        hn::BitCast(d, hn::Add(exponent, hn::Set(du, 2 * kOneExponent + kHalf)));
    auto anchor = hn::Max(hn::IfThenElse(fits, four_times, least), least);
    for (size_t k = 0; k < kAnchors; ++k) {
      lanes.Store(anchor, d, e.anchors[k] + column);
      lanes.Store(hn::Zero(di), di, e.sums[k] + column);
      anchor = hn::Max(hn::Mul(anchor, hn::Set(d, 1.0 / kOneExponent)), least);
    }
    lanes.Store(hn::IfThenElseZero(hn::Not(hn::RebindMask(du, fits)), hn::Set(du, 1)), du,
                e.left + column);
  });
}

// Gives what remains of x after the anchor, of which the sum of all bits is taken.
template <class D, class DI = hn::RebindToSigned<D>>
HWY_INLINE hn::Vec<D> Extract(D, hn::Vec<D> x, hn::Vec<D> anchor, hn::Vec<DI>& sum) {
  const auto both = hn::Add(anchor, x);
  sum = hn::Add(sum, hn::BitCast(DI(), both));
  return hn::Sub(x, hn::Sub(both, anchor));
}

// Asks for what lies `ahead` bytes behind, to be in L2 by then.
template <class S, size_t kAnchors>
HWY_INLINE void ExtractRows(Extraction<S>& e, uintptr_t ahead, const uint8_t* src, ptrdiff_t step,
                            size_t rows, size_t columns) {
  const hn::ScalableTag<double> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::RebindToUnsigned<decltype(d)> du;
  static_assert(kAnchors >= 1 && kAnchors <= kMostAnchors);
  // All four are named, because vectors make no arrays; those not used cost nothing.
  constexpr size_t kB = kAnchors > 1 ? 1 : 0, kC = kAnchors > 2 ? 2 : 0, kD = kAnchors > 3 ? 3 : 0;
  ForRowGroups(
      src, step, rows, columns * sizeof(double), [&](const uint8_t* row, size_t take) HWY_ATTR {
        ForColumns(d, columns, [&](size_t column, auto lanes) HWY_ATTR {
          const auto anchor = [&](size_t k) HWY_ATTR {
            return lanes.Load(d, static_cast<const double*>(e.anchors[k] + column));
          };
          const auto sum = [&](size_t k) HWY_ATTR {
            return lanes.Load(di, static_cast<const int64_t*>(e.sums[k] + column));
          };
          const auto anchor_a = anchor(0), anchor_b = anchor(kB), anchor_c = anchor(kC),
                     anchor_d = anchor(kD);
          auto sum_a = sum(0), sum_b = sum(kB), sum_c = sum(kC), sum_d = sum(kD);
          auto left = lanes.Load(du, static_cast<const uint64_t*>(e.left + column));
          const uint8_t* from = row + column * S::kPartBytes;
          for (size_t i = 0; i < take; ++i, from += step) {
            auto x = Extract(d, LoadAsDouble<typename S::Source>(d, lanes, from), anchor_a, sum_a);
            if constexpr (kAnchors > 1) x = Extract(d, x, anchor_b, sum_b);
            if constexpr (kAnchors > 2) x = Extract(d, x, anchor_c, sum_c);
            if constexpr (kAnchors > 3) x = Extract(d, x, anchor_d, sum_d);
            left = hn::Or(left, hn::BitCast(du, x));
            const uintptr_t next = reinterpret_cast<uintptr_t>(from) + ahead;
            __builtin_prefetch(reinterpret_cast<const void*>(next), 0, 2);
          }
          lanes.Store(sum_a, di, e.sums[0] + column);
          if constexpr (kAnchors > 1) lanes.Store(sum_b, di, e.sums[1] + column);
          if constexpr (kAnchors > 2) lanes.Store(sum_c, di, e.sums[2] + column);
          if constexpr (kAnchors > 3) lanes.Store(sum_d, di, e.sums[3] + column);
          lanes.Store(left, du, e.left + column);
        });
      });
}

// Some columns of a source, of which up to kMostRows rows are summed at once: the sum of one
// column, in units of 2^-51 of the largest, fits 64 bits. Where short rows follow each other in
// memory, `copies` of them are read as one, in which every column occurs so many times.
struct Block {
  static constexpr size_t kMostRows = 2048;
  const uint8_t* src;
  ptrdiff_t step;
  size_t rows, columns, copies;

  // Calls body(src, step, rows, columns) for rows of copies and for what is left.
  template <class Body>
  HWY_INLINE void ForRectangles(const Body& body) const {
    const auto long_step = static_cast<ptrdiff_t>(copies) * step;
    const size_t long_rows = rows / copies, rest = rows % copies;
    if (long_rows > 0) body(src, long_step, long_rows, copies * columns);
    if (rest > 0) {
      body(src + static_cast<ptrdiff_t>(long_rows) * long_step, long_step, size_t{1},
           rest * columns);
    }
  }
  // Folds the values of copies into those of columns.
  template <typename T, class Fold>
  HWY_INLINE void FoldCopies(T* values, const Fold& fold) const {
    if (copies == 1) return;
    for (size_t i = 0; i < columns; ++i) {
      T folded = values[i];
      for (size_t at = i + columns; at < copies * columns; at += columns) {
        folded = fold(folded, values[at]);
      }
      values[i] = folded;
    }
  }
};

template <class S>
HWY_INLINE void FindLargestOf(Extraction<S>& e, const Block& block) {
  auto* const largest = e.largest;
  const hn::ScalableTag<typename S::T> d;
  for (size_t i = 0; i < block.copies * block.columns; i += hn::Lanes(d)) {
    hn::Store(hn::Zero(d), d, largest + i);
  }
  block.ForRectangles([&](auto... rows) HWY_ATTR { FindLargest<S>(largest, rows...); });
  if (block.columns == 1) {  // in one vector
    hn::Store(hn::MaxOfLanes(d, hn::Load(d, largest)), d, largest);
    return;
  }
  block.FoldCopies(largest, [](auto a, auto b) { return HWY_MAX(a, b); });
  for (size_t i = block.columns; i < block.copies * block.columns; ++i) {
    largest[i] = largest[i - block.columns];
  }
}

// Extracts by so many anchors.
template <class S, size_t kAnchors>
HWY_INLINE void ExtractBlock(Extraction<S>& e, const Block& block) {
  SetAnchors<S, kAnchors>(e, block.copies * block.columns);
  const auto ahead = block.rows * static_cast<uintptr_t>(block.step);
  block.ForRectangles([&](auto... rows) HWY_ATTR { ExtractRows<S, kAnchors>(e, ahead, rows...); });
  block.FoldCopies(e.left, [](uint64_t a, uint64_t b) { return a | b; });
  for (size_t k = 0; k < kAnchors; ++k) {
    int64_t* const sums = e.sums[k];
    const double* const anchors = e.anchors[k];
    block.FoldCopies(sums,
                     [](int64_t a, int64_t b) { return AddWrapping(a, static_cast<uint64_t>(b)); });
    // What was summed are the bits of anchors and items.
    for (size_t i = 0; i < block.columns; ++i) {
      sums[i] = AddWrapping(sums[i], -block.rows * std::bit_cast<uint64_t>(anchors[i]));
    }
  }
}

// Whether nothing remained of a column.
template <class S, size_t kAnchors>
HWY_INLINE bool DepositColumn(const ExactState<S>& state, size_t column, const Extraction<S>& e,
                              size_t i) {
  if (e.left[i] << 1 != 0) return false;
  for (size_t k = 0; k < kAnchors; ++k) {
    const uint64_t exponent = std::bit_cast<uint64_t>(e.anchors[k][i]) >> kFractionBits;
    if (e.sums[k][i] != 0) state.Deposit(column, e.sums[k][i], exponent - S::kUnit);
  }
  return true;
}

// Adds a block whose first column is `column`.
template <class S>
HWY_NOINLINE void AddBlock(const ExactState<S>& state, size_t column, const Block& block) {
  Extraction<S> e;
  bool done[Extraction<S>::kMost];
  FindLargestOf(e, block);
  const auto items = [&](size_t i) { return block.src + i * S::kPartBytes; };
  for (size_t i = 0; i < block.columns; ++i) {
    done[i] = false;
    NoteZeros(state, column + i, static_cast<double>(e.largest[i]), items(i), block.step,
              block.rows);
  }
  const auto try_anchors = [&]<size_t kAnchors>(std::integral_constant<size_t, kAnchors>) HWY_ATTR {
    ExtractBlock<S, kAnchors>(e, block);
    bool all = true;
    for (size_t i = 0; i < block.columns; ++i) {
      done[i] = done[i] || DepositColumn<S, kAnchors>(state, column + i, e, i);
      all = all && done[i];
    }
    return all;
  };
  if (try_anchors(std::integral_constant<size_t, kFewAnchors<S>>())) return;
  if (try_anchors(std::integral_constant<size_t, kManyAnchors<S>>())) return;
  for (size_t i = 0; i < block.columns; ++i) {
    if (!done[i]) AddOneByOne(state, column + i, items(i), block.step, block.rows);
  }
}

// Rows of so many bytes stay in L2 between two looks at them.
constexpr size_t kBlockBytes = size_t{128} << 10;

template <class S>
HWY_INLINE void AddRows(const ExactState<S>& state, const uint8_t* src, ptrdiff_t step,
                        size_t rows) {
  constexpr size_t kMost = Extraction<S>::kMost;
  const size_t columns = HWY_MIN(state.columns, kMost), row_bytes = columns * S::kPartBytes;
  const size_t group = HWY_MIN(kBlockBytes / row_bytes, Block::kMostRows);
  const bool packed = step == static_cast<ptrdiff_t>(state.columns * S::kPartBytes);
  const size_t lanes = hn::Lanes(hn::ScalableTag<typename S::T>());
  const size_t copies = packed ? HWY_MAX(lanes / columns, size_t{1}) : size_t{1};
  while (rows > 0) {
    const size_t take = HWY_MIN(rows, group);
    state.Expect(take + kMostAnchors);
    for (size_t column = 0; column < state.columns; column += kMost) {
      AddBlock(state, column,
               {src + column * S::kPartBytes, step, take, HWY_MIN(state.columns - column, kMost),
                HWY_MIN(copies, take)});
    }
    src += static_cast<ptrdiff_t>(take) * step;
    rows -= take;
  }
}

// ---- the kernels ----

template <class S>
uint32_t ExactInit(const sc_run* run) {
  ExactState<S>(run->state, run->n[1]).Clear();
  return 0;
}

template <class S>
uint32_t ExactStep(const sc_run* run) {
  using Element = std::array<typename S::Source::Item, S::kParts>;
  constexpr ptrdiff_t kElement = sizeof(Element);
  const ExactState<S> state(run->state, run->n[1]);
  const auto* const src = static_cast<const uint8_t*>(run->src);
  const auto rows = static_cast<size_t>(run->n[0]);
  if (run->n[1] > 1) {
    AddRows(state, src, run->src_step[0], rows);
  } else {
    ForPackedPieces<Element>(src, run->src_step[0], rows, [&](const uint8_t* p, size_t n) HWY_ATTR {
      AddRows(state, p, kElement, n);
    });
  }
  return 0;
}

template <class S>
uint32_t ExactMerge(const sc_run* run) {
  JoinExact(ExactState<S>(run->state, run->n[1]),
            ExactState<S>(const_cast<void*>(run->src), run->n[1]), 1);
  return 0;
}

template <class S>
uint32_t ExactJoin(const sc_run* run) {
  JoinExact(ExactState<S>(run->state, run->n[1]),
            ExactState<S>(const_cast<void*>(run->src), run->n[0] * run->n[1]),
            static_cast<size_t>(run->n[0]));
  return 0;
}

template <class S>
uint32_t ExactFinish(const sc_run* run) {
  FinishExact(ExactState<S>(run->state, run->n[1]), static_cast<uint8_t*>(run->dst));
  return 0;
}

template <class S>
uint32_t ExactWhole(const sc_run* run) {
  constexpr ptrdiff_t kElement = S::kParts * S::kPartBytes;
  alignas(64) uint8_t memory[kExactHeaderBytes + kExactColumnBytes<S>];
  const ExactState<S> state(memory, 1);
  const auto* src = static_cast<const uint8_t*>(run->src);
  auto* dst = static_cast<uint8_t*>(run->dst);
  for (int64_t i = 0; i < run->n[1]; ++i, src += run->src_step[1]) {
    state.Clear();
    AddRows(state, src, kElement, static_cast<size_t>(run->n[0]));
    FinishExact(state, dst);
    dst += S::kParts * sizeof(typename S::T);
  }
  return 0;
}

// ---- entries ----

template <class Source>
void SetExact(ReduceEntries& entries, DType type, const char* name) {
  using S = Exact<Source>;
  entries[Index(type)] = {
      &ExactInit<S>, &ExactStep<S>, &ExactMerge<S>,    &ExactFinish<S>,      &ExactWhole<S>,
      &ExactJoin<S>, name,          kExactHeaderBytes, kExactColumnBytes<S>, 0};
}

}  // namespace

void FillSumReproducible(KernelTable& table) {
  ReduceEntries& sums = table.reduce[kReduceSumReproducible];
  SetExact<Widened<Float16>>(sums, DType::kFloat16, "exact sum float16");
  SetExact<Widened<BFloat16>>(sums, DType::kBFloat16, "exact sum bfloat16");
  SetExact<AsTheyAre<float>>(sums, DType::kFloat32, "exact sum float32");
  SetExact<AsTheyAre<double>>(sums, DType::kFloat64, "exact sum float64");
  SetExact<AsTheyAre<float, 2>>(sums, DType::kComplexFloat32, "exact sum complex64");
  SetExact<AsTheyAre<double, 2>>(sums, DType::kComplexFloat64, "exact sum complex128");
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
