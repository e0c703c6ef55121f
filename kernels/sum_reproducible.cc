// Sums of floats that are the same in any order: the exact sum, rounded once. float16 and bfloat16
// give float32. Order is void, no partial sum overflows, and the result is correctly rounded, to
// nearest and ties to even, so that only a total beyond the largest finite value is infinite. NaN,
// or infinities of both signs, give the quiet NaN, infinities of one sign that one. An exact sum of
// zero is +0.0, but -0.0 where every item is -0.0.
//
// The sum is kept as an integer in units of the smallest subnormal, in digits of 32 bits, each in
// 64 so that carries can wait (R. M. Neal, "Fast exact summation using small and large
// superaccumulators", 2015). A digit is a row of a block of columns, and only rows that were needed
// so far are in use: half a dozen, of most data.
//
// Items do not go there one by one. The largest magnitude of a block makes an anchor, one and a
// half times a power of two, large enough that adding an item to it gives the item in units of the
// anchor's last bit, as the integer difference of their bits; what remains is found exactly by
// subtracting again (S. M. Rump, T. Ogita, S. Oishi, "Accurate floating-point summation", 2008),
// and is extracted by the next anchor, 2^52 times smaller. Integers of lanes are summed exactly. If
// nothing remains in the end, which is so unless magnitudes in one block are very far apart, the
// integers are added to the digits, else the block is tried again with more anchors, and then goes
// item by item, as blocks with infinities and NaNs do.
//
// This takes the place of indexed bins (J. Demmel, P. Ahrens, H. D. Nguyen, "Efficient reproducible
// floating point summation and BLAS", 2016): three bins cost as many operations as two anchors, and
// give less.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/sum_reproducible.cc"
#include <bit>
#include <cmath>

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/sum_kernels-inl.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

constexpr size_t kDigitBits = 32;
constexpr int kFractionBits = 52;                      // of float64
constexpr uint64_t kExponentMax = 0x7FF;               // of infinities and NaNs
constexpr uint64_t kMostDeposits = uint64_t{1} << 24;  // between carries: 2^30 would fit

// What is summed: S is a Summing of the items as they are, T float32 or float64, in which a unit is
// the smallest subnormal. kUnit: the exponent field of the float64 whose last bit is a unit.
template <class SourceT>
struct Exact : Summing<SourceT> {
  using T = typename SourceT::Sum;
  using Limits = std::numeric_limits<T>;
  static constexpr int kUnitExponent = Limits::min_exponent - Limits::digits;
  static constexpr int kUnit = kUnitExponent + 1023 + kFractionBits;
  // Those of 2^63 items, and a sign.
  static constexpr size_t kDigits =
      static_cast<size_t>(Limits::max_exponent - kUnitExponent + 64 + kDigitBits - 1) / kDigitBits;
  // How many anchors are tried, and then. One takes all bits of items down to 51 below the highest
  // of the largest magnitude, each other 52 more.
  static constexpr size_t kFewAnchors = Limits::digits > 51 / 2 ? 2 : 1;
  static constexpr size_t kManyAnchors = kFewAnchors + 2;
};
constexpr size_t kMostAnchors = 4;

// What a column has seen.
enum : uint64_t {
  kPlusInfinity = 1,
  kMinusInfinity = 2,
  kNaN = kPlusInfinity | kMinusInfinity,
  kMinusZero = 4,
  kOther = 8,  // than -0.0
};

struct ExactHeader {
  uint64_t first, end;  // digits in use
  uint64_t deposits;    // at most, into any digit since carries were made
};
constexpr int64_t kExactHeaderBytes = 64;
static_assert(sizeof(ExactHeader) <= kExactHeaderBytes);

template <class S>
constexpr int64_t kExactColumnBytes = (1 + S::kDigits) * S::kParts * sizeof(int64_t);

// Where the columns of a block keep what they have.
template <class S>
struct ExactState {
  ExactHeader* header;
  uint64_t* seen;   // a row
  int64_t* digits;  // S::kDigits rows
  size_t columns;   // of parts

  explicit ExactState(void* state, int64_t n)
      : header(static_cast<ExactHeader*>(state)),
        seen(reinterpret_cast<uint64_t*>(static_cast<uint8_t*>(state) + kExactHeaderBytes)),
        digits(reinterpret_cast<int64_t*>(seen + S::kParts * static_cast<size_t>(n))),
        columns(S::kParts * static_cast<size_t>(n)) {}

  void Clear() const {
    *header = ExactHeader{0, 0, 0};
    memset(seen, 0, columns * sizeof *seen);
  }
  int64_t* Row(size_t digit) const { return digits + digit * columns; }

  // Digits from `first` to before `end` are in use from now on.
  void Reach(size_t first, size_t end) const {
    if (first >= header->first && end <= header->end) return;
    if (header->first == header->end) header->first = header->end = first;
    const auto clear = [this](size_t from, size_t to) {
      if (from < to) memset(Row(from), 0, (to - from) * columns * sizeof *digits);
    };
    clear(first, header->first);
    clear(header->end, end);
    header->first = HWY_MIN(header->first, first);
    header->end = HWY_MAX(header->end, end);
  }

  // So many deposits may follow.
  void Expect(uint64_t deposits) const {
    if (header->deposits + deposits > kMostDeposits) CarryAll();
    header->deposits += deposits;
  }

  // Leaves 32 bits in each digit but the highest.
  HWY_NOINLINE void CarryAll() const {
    Reach(header->first, HWY_MIN(header->end + 1, S::kDigits));
    for (size_t digit = header->first; digit + 1 < header->end; ++digit) {
      int64_t* const row = Row(digit);
      for (size_t i = 0; i < columns; ++i) {
        row[columns + i] += row[i] >> kDigitBits;
        row[i] &= UINT32_MAX;
      }
    }
    header->deposits = 1;
  }

  // Adds sum * 2^place units.
  HWY_INLINE void Deposit(size_t column, int64_t sum, size_t place) const {
    const size_t digit = place / kDigitBits, shift = place % kDigitBits;
    Reach(digit, digit + 3);
    const uint64_t low = static_cast<uint64_t>(sum) << shift;
    int64_t* const at = Row(digit) + column;
    at[0] += static_cast<int64_t>(low & UINT32_MAX);
    at[columns] += static_cast<int64_t>(low >> kDigitBits);
    at[2 * columns] += (sum >> 32) >> (kDigitBits - shift);  // what left the 64 bits
  }
};

// ---- item by item ----

template <class S>
HWY_INLINE double ItemAsDouble(const uint8_t* item) {
  return static_cast<double>(hn::GetLane(S::Source::Load(hn::CappedTag<typename S::T, 1>(), item)));
}

template <class S>
HWY_INLINE void AddOne(const ExactState<S>& state, size_t column, double x) {
  const auto bits = std::bit_cast<uint64_t>(x);
  const bool negative = (bits >> 63) != 0;
  const uint64_t exponent = (bits >> kFractionBits) & kExponentMax;
  const uint64_t fraction = bits & ((uint64_t{1} << kFractionBits) - 1);
  if (exponent == kExponentMax) {
    state.seen[column] |= fraction != 0 ? kNaN : negative ? kMinusInfinity : kPlusInfinity;
    return;
  }
  auto sum = static_cast<int64_t>(fraction | uint64_t{exponent != 0} << kFractionBits);
  if (sum == 0) return;
  int place = HWY_MAX(static_cast<int>(exponent), 1) - S::kUnit;
  if (place < 0) {  // of float32, whose subnormals have no bit below the unit
    sum >>= -place;
    place = 0;
  }
  state.Deposit(column, negative ? -sum : sum, static_cast<size_t>(place));
}

template <class S>
HWY_NOINLINE void AddOneByOne(const ExactState<S>& state, size_t column, const uint8_t* src,
                              ptrdiff_t step, size_t count) {
  if ((state.seen[column] & kNaN) == kNaN) return;  // for good
  for (; count > 0; --count, src += step) AddOne<S>(state, column, ItemAsDouble<S>(src));
}

// Whether a zero's sign, or its lack, shows: `largest` is that of so many items.
template <class S>
HWY_INLINE void NoteZeros(const ExactState<S>& state, size_t column, double largest,
                          const uint8_t* src, ptrdiff_t step, size_t count) {
  uint64_t& seen = state.seen[column];
  if ((seen & kOther) != 0) return;
  if (largest == 0) {
    const auto is_minus_zero = [](const uint8_t* item) HWY_ATTR {
      return std::bit_cast<uint64_t>(ItemAsDouble<S>(item)) == uint64_t{1} << 63;
    };
    while (count > 0 && is_minus_zero(src)) {
      src += step;
      --count;
    }
    if (count == 0) {
      seen |= kMinusZero;
      return;
    }
  }
  seen |= kOther;
}

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
  if (try_anchors(std::integral_constant<size_t, S::kFewAnchors>())) return;
  if (try_anchors(std::integral_constant<size_t, S::kManyAnchors>())) return;
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

// ---- results ----

// The sum of the digits of a column, rounded.
template <class S, typename T = typename S::T>
HWY_INLINE T RoundDigits(const ExactState<S>& state, size_t column) {
  uint32_t words[S::kDigits + 1];
  const size_t first = state.header->first, end = state.header->end;
  int64_t carry = 0;
  for (size_t digit = first; digit < end; ++digit) {
    carry += state.Row(digit)[column];
    words[digit] = static_cast<uint32_t>(carry);
    carry >>= kDigitBits;
  }
  words[end] = static_cast<uint32_t>(carry);
  const bool negative = carry < 0;
  if (negative) {
    uint64_t one = 1;
    for (size_t digit = first; digit <= end; ++digit) {
      one += static_cast<uint32_t>(~words[digit]);
      words[digit] = static_cast<uint32_t>(one);
      one >>= kDigitBits;
    }
  }
  size_t top = end;
  while (top > first && words[top] == 0) --top;
  if (words[top] == 0)
    return (state.seen[column] & (kOther | kMinusZero)) == kMinusZero ? T{-0.0} : T{0};

  // The highest 64 bits, of which the last says whether there are more below.
  const auto word = [&](size_t below) {
    return uint64_t{top >= first + below ? words[top - below] : 0};
  };
  const size_t shift = hwy::Num0BitsAboveMS1Bit_Nonzero32(words[top]);
  const uint64_t third = word(2) << shift;
  uint64_t bits = (word(0) << kDigitBits | word(1)) << shift | third >> kDigitBits;
  bool more = static_cast<uint32_t>(third) != 0;
  for (size_t digit = first; digit + 2 < top && !more; ++digit) more = words[digit] != 0;
  bits |= more;
  const int exponent = static_cast<int>(kDigitBits * top + 31 - shift) - 63 + S::kUnitExponent;
  const T rounded = std::ldexp(static_cast<T>(bits), exponent);
  return negative ? -rounded : rounded;
}

template <class S, typename T = typename S::T>
HWY_NOINLINE void FinishExact(const ExactState<S>& state, uint8_t* dst) {
  constexpr T kInfinity = std::numeric_limits<T>::infinity();
  const T of_special[] = {0, kInfinity, -kInfinity, QuietNaN<T>()};
  for (size_t i = 0; i < state.columns; ++i) {
    const uint64_t special = state.seen[i] & kNaN;
    const T result = special != 0 ? of_special[special] : RoundDigits(state, i);
    memcpy(dst + i * sizeof(T), &result, sizeof(T));
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

// Folds columns `group` by `group`. A digit's upper half goes to the next one, so that no digit
// gets more than a deposit would bring.
template <class S>
HWY_INLINE void JoinExact(const ExactState<S>& state, const ExactState<S>& next, size_t group) {
  if (next.header->first != next.header->end) {
    state.Expect(2 * group);
    state.Reach(next.header->first, HWY_MIN(next.header->end + 1, S::kDigits));
  }
  // Calls body(column, column of next) for all of these.
  const auto for_columns = [&](const auto& body) {
    for (size_t i = 0; i < state.columns; ++i) {
      const size_t from = i / S::kParts * group * S::kParts + i % S::kParts;
      for (size_t k = 0; k < group; ++k) body(i, from + k * S::kParts);
    }
  };
  for_columns([&](size_t to, size_t from) { state.seen[to] |= next.seen[from]; });
  for (size_t digit = next.header->first; digit < next.header->end; ++digit) {
    int64_t* const low = state.Row(digit);
    const int64_t* const values = next.Row(digit);
    if (digit + 1 == S::kDigits) {  // far from full
      for_columns([&](size_t to, size_t from) { low[to] += values[from]; });
      continue;
    }
    int64_t* const high = state.Row(digit + 1);
    for_columns([&](size_t to, size_t from) {
      low[to] += values[from] & UINT32_MAX;
      high[to] += values[from] >> kDigitBits;
    });
  }
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
