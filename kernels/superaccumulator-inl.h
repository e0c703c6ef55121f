// The accumulator of exact sums: an integer in units of the smallest subnormal, in digits of 32
// bits, each in 64 so that carries can wait (R. M. Neal, "Fast exact summation using small and
// large superaccumulators", 2015). A digit is a row of a block of columns, and only rows that were
// needed so far are in use: half a dozen, of most data. What integers cannot say, which are
// infinities, NaNs and the sign of zeros, is kept beside them. Per-target header.
//
// Here are items added one by one, accumulators joined, and what they hold rounded to nearest, ties
// to even. How items come many at a time, and the kernels, are sum_reproducible.cc's.
#if defined(STRIDECAST_KERNELS_SUPERACCUMULATOR_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STRIDECAST_KERNELS_SUPERACCUMULATOR_INL_H_
#undef STRIDECAST_KERNELS_SUPERACCUMULATOR_INL_H_
#else
#define STRIDECAST_KERNELS_SUPERACCUMULATOR_INL_H_
#endif

#include <bit>
#include <cmath>

#include "kernels/sum-inl.h"

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
};

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

// ---- joining ----

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

}  // namespace
}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
