// Exact sums of 64-bit integers and of times in 128 bits: order is void. What comes of them is
// WideSumParams': the sum, or its quotient by a number of items. A state is one WideSum a column,
// with no header.
//
// A run is summed modulo 2^64, and its upper parts are summed beside it: what those leave out is
// not negative and less than 2^64, as long as the items are few enough, so that both sums make the
// exact one.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/sum_wide.cc"
#include <cmath>

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/lane_types.h"
#include "kernels/reduce-inl.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 Uint128;

constexpr int64_t kNaT = INT64_MIN;

// What items are. Sums are those of int64_t; unsigned items are taken less kBias.
struct SignedItems {
  static constexpr bool kTimes = false;
  static constexpr uint64_t kBias = 0;
  static constexpr Int128 kLowest = INT64_MIN, kHighest = INT64_MAX;
};
struct UnsignedItems {
  static constexpr bool kTimes = false;
  static constexpr uint64_t kBias = uint64_t{1} << 63;
  static constexpr Int128 kLowest = 0, kHighest = UINT64_MAX;
};
struct TimeItems : SignedItems {
  static constexpr bool kTimes = true;
  static constexpr Int128 kLowest = -Int128{INT64_MAX};
};

struct WideSum {
  uint64_t low;
  int64_t high;
  uint64_t nat;  // not 0: there was one

  Int128 value() const {
    return static_cast<Int128>(Uint128{static_cast<uint64_t>(high)} << 64 | low);
  }
  void Add(Int128 sum) {
    const Int128 total = value() + sum;
    low = static_cast<uint64_t>(total);
    high = static_cast<int64_t>(total >> 64);
  }
  void Join(const WideSum& other) {
    Add(other.value());
    nat |= other.nat;
  }
};

// The sum of items of which `low` is the sum modulo 2^64, and `high` that of their bits above the
// lowest kBits.
template <int kBits>
HWY_INLINE Int128 ExactSum(uint64_t low, int64_t high) {
  const uint64_t rest = low - (static_cast<uint64_t>(high) << kBits);
  return static_cast<Int128>(high) * (Int128{1} << kBits) + rest;
}

template <class Items, class D>
HWY_INLINE hn::Vec<D> LessBias(D d, hn::Vec<D> v) {
  if constexpr (Items::kBias == 0) return v;
  return hn::Xor(v, hn::Set(d, static_cast<int64_t>(Items::kBias)));
}

// ---- one column ----

// The upper 16 bits of items are summed: multiplied by 1 and added, which AVX3_DL does at once.
constexpr int kUpperAt = 48;
constexpr size_t kMostItems = size_t{1} << 15;  // 2^48 times as many fit 64 bits

// Keeps a vector in its register: g++ loads it once more for every lane type that it is used as.
template <class V>
HWY_INLINE void LoadOnce(V& v) {
#if HWY_ARCH_X86 && HWY_COMPILER_GCC_ACTUAL
  asm("" : "+x"(v.raw));
#else
  (void)v;
#endif
}

HWY_INLINE bool HasNaT(const uint8_t* src, size_t step, size_t n) {
  bool has = false;
  for (size_t i = 0; i < n; ++i) has |= LoadAs<int64_t>(src + i * step) == kNaT;
  return has;
}

// `lanes_of`: AllLanes, or EverySecond, of which one more item must follow.
template <class Items, class L>
HWY_NOINLINE void SumFew(L lanes_of, WideSum* state, const uint8_t* src, size_t n) {
  constexpr bool kPacked = std::is_same_v<L, AllLanes>;
  constexpr size_t kStep = (kPacked ? 1 : 2) * sizeof(int64_t);
  const hn::ScalableTag<int64_t> d;
  const hn::Repartition<int16_t, decltype(d)> d16;
  const hn::Repartition<int32_t, decltype(d)> d32;
  const size_t lanes = hn::Lanes(d), vector = lanes * kStep;
  const auto upper = hn::BitCast(d16, hn::Set(d, int64_t{1} << kUpperAt));
  auto low = hn::Zero(d);
  // As many as multiplications take cycles; some targets split what they accumulate in two.
  auto high0 = hn::Zero(d32), high1 = high0, high2 = high0, high3 = high0, more = high0;
  auto lowest = hn::Zero(d16);  // for times; minima of 16 bits are those that every target has
  const auto add = [&](auto raw, auto& high) HWY_ATTR {
    const auto v = LessBias<Items>(d, raw);
    low = hn::Add(low, v);
    high = hn::ReorderWidenMulAccumulate(d32, hn::BitCast(d16, v), upper, high, more);
    return hn::BitCast(d16, raw);
  };
  const auto add_row = [&](size_t at, auto& high) HWY_ATTR {
    auto raw = lanes_of.Load(d, src + at * vector);
    if constexpr (kPacked && Items::kBias == 0) LoadOnce(raw);
    return add(raw, high);
  };
  const auto add_first = [&](size_t count) HWY_ATTR {
    const auto neutral = hn::Set(d, static_cast<int64_t>(Items::kBias));
    uint8_t packed[HWY_MAX_BYTES];
    const uint8_t* from = src;
    if constexpr (!kPacked) {
      GatherItems<sizeof(int64_t)>(packed, src, kStep, count);
      from = packed;
    }
    const auto items = LoadFirst(d, from, count);
    const auto v = add(hn::IfThenElse(hn::FirstN(d, count), items, neutral), high0);
    lowest = hn::Min(lowest, v);
  };
  const uint8_t* const first = src;
  const size_t count = n;
  // Whole vectors from whole lines on, where a few more items to begin with can reach one.
  const size_t misaligned = reinterpret_cast<uintptr_t>(src) % vector;
  if (kPacked && misaligned != 0 && misaligned % sizeof(int64_t) == 0 && n >= 16 * lanes) {
    const size_t head = (vector - misaligned) / sizeof(int64_t);
    add_first(head);
    src += head * sizeof(int64_t);
    n -= head;
  }
  for (; n >= 4 * lanes; n -= 4 * lanes, src += 4 * vector) {
    const auto v0 = add_row(0, high0), v1 = add_row(1, high1);
    const auto v2 = add_row(2, high2), v3 = add_row(3, high3);
    lowest = hn::Min(lowest, hn::Min(hn::Min(v0, v1), hn::Min(v2, v3)));
  }
  for (; n > 0; n -= HWY_MIN(n, lanes), src += vector) add_first(HWY_MIN(n, lanes));

  const auto high =
      hn::ReduceSum(d32, hn::Add(hn::Add(hn::Add(high0, high1), hn::Add(high2, high3)), more));
  state->Add(ExactSum<kUpperAt>(static_cast<uint64_t>(hn::ReduceSum(d, low)), high) +
             static_cast<Int128>(Items::kBias) * count);
  if constexpr (Items::kTimes) {
    const auto like_nat =
        hn::And(hn::Eq(lowest, hn::Set(d16, INT16_MIN)), hn::Ne(upper, hn::Zero(d16)));
    if (state->nat == 0 && !hn::AllFalse(d16, like_nat)) state->nat = HasNaT(first, kStep, count);
  }
}

template <class Items>
HWY_INLINE void SumPacked(WideSum* state, const uint8_t* packed, size_t n) {
  while (n > 0) {
    const size_t take = HWY_MIN(n, kMostItems);
    SumFew<Items>(AllLanes(), state, packed, take);
    packed += take * sizeof(int64_t);
    n -= take;
  }
}

// Of items at any step.
template <class Items>
HWY_INLINE void SumColumn(WideSum* state, const uint8_t* src, ptrdiff_t step, size_t n) {
  if (step == 2 * static_cast<ptrdiff_t>(sizeof(int64_t))) {
    while (n > 1) {
      const size_t take = HWY_MIN(n - 1, kMostItems);
      SumFew<Items>(EverySecond(), state, src, take);
      src += static_cast<ptrdiff_t>(take) * step;
      n -= take;
    }
  }
  ForPackedPieces<int64_t>(src, step, n, [=](const uint8_t* packed, size_t count) HWY_ATTR {
    SumPacked<Items>(state, packed, count);
  });
}

// ---- many columns ----

// Columns whose sums stay on the stack, and rows whose halves are summed in 64 bits.
constexpr size_t kMostWideColumns = 256;
constexpr size_t kMostWideRows = size_t{1} << 30;

template <class Items>
HWY_NOINLINE void SumRowsWide(WideSum* state, const uint8_t* src, ptrdiff_t step, size_t rows,
                              size_t columns) {
  const hn::ScalableTag<int64_t> d;
  HWY_ALIGN int64_t low[kMostWideColumns] = {};
  HWY_ALIGN int64_t high[kMostWideColumns] = {};
  HWY_ALIGN int64_t nat[kMostWideColumns] = {};
  const size_t group = columns * sizeof(int64_t) <= kNarrowRow ? kRowGroup : 4;
  for (size_t row = 0; row < rows; row += group) {
    const size_t take = HWY_MIN(rows - row, group);
    ForColumns(d, columns, [&](size_t column, auto lanes) HWY_ATTR {
      auto sum = lanes.Load(d, static_cast<const int64_t*>(low + column));
      auto upper = lanes.Load(d, static_cast<const int64_t*>(high + column));
      auto is_nat = lanes.Load(d, static_cast<const int64_t*>(nat + column));
      const uint8_t* from = src + column * sizeof(int64_t);
      for (size_t i = 0; i < take; ++i, from += step) {
        const auto raw = lanes.Load(d, from);
        if constexpr (Items::kTimes) {
          is_nat = hn::Or(is_nat, hn::VecFromMask(d, hn::Eq(raw, hn::Set(d, kNaT))));
        }
        const auto v = LessBias<Items>(d, raw);
        sum = hn::Add(sum, v);
        upper = hn::Add(upper, hn::ShiftRight<32>(v));
      }
      lanes.Store(sum, d, low + column);
      lanes.Store(upper, d, high + column);
      if constexpr (Items::kTimes) lanes.Store(is_nat, d, nat + column);
    });
    src += static_cast<ptrdiff_t>(take) * step;
  }
  for (size_t i = 0; i < columns; ++i) {
    state[i].Add(ExactSum<32>(static_cast<uint64_t>(low[i]), high[i]) +
                 static_cast<Int128>(Items::kBias) * rows);
    state[i].nat |= static_cast<uint64_t>(nat[i]);
  }
}

// ---- results ----

// To nearest, ties to even.
HWY_INLINE Int128 Quotient(Int128 total, uint64_t count) {
  Int128 quotient = total / count, rest = total % count;
  if (rest < 0) {
    rest += count;
    --quotient;
  }
  const Int128 above = 2 * rest - count;
  if (above > 0 || (above == 0 && (quotient & 1) != 0)) ++quotient;
  return quotient;
}

// Rounded once: at least 63 bits of the quotient, and whether anything is left.
HWY_INLINE double FloatQuotient(Int128 total, uint64_t count) {
  if (count == 0) return QuietNaN<double>();
  if (total == 0) return 0;
  Uint128 size = static_cast<Uint128>(total < 0 ? -total : total);
  const auto upper = static_cast<uint64_t>(size >> 64);
  const size_t zeros = upper != 0
                           ? hwy::Num0BitsAboveMS1Bit_Nonzero64(upper)
                           : 64 + hwy::Num0BitsAboveMS1Bit_Nonzero64(static_cast<uint64_t>(size));
  size <<= zeros;
  Uint128 quotient = size / count;
  bool inexact = size % count != 0;
  int exponent = -static_cast<int>(zeros);
  if (const auto high = static_cast<uint64_t>(quotient >> 64); high != 0) {
    const size_t drop = 64 - hwy::Num0BitsAboveMS1Bit_Nonzero64(high);
    inexact |= (quotient & ((Uint128{1} << drop) - 1)) != 0;
    quotient >>= drop;
    exponent += static_cast<int>(drop);
  }
  const double value =
      std::ldexp(static_cast<double>(static_cast<uint64_t>(quotient) | inexact), exponent);
  return total < 0 ? -value : value;
}

template <class Items>
HWY_INLINE uint32_t WideResult(const WideSum& sum, WideSumParams::Result result, uint64_t count,
                               uint8_t* dst) {
  uint32_t errors = 0;
  int64_t bits = kNaT;
  const bool nat = sum.nat != 0;
  if (result == WideSumParams::kMeanOfFloat) {
    const double mean = nat ? QuietNaN<double>() : FloatQuotient(sum.value(), count);
    memcpy(&bits, &mean, sizeof bits);
  } else if (result == WideSumParams::kMean) {
    if (!nat && count != 0) bits = static_cast<int64_t>(Quotient(sum.value(), count));
  } else if (!nat) {
    const Int128 total = sum.value();
    bits = static_cast<int64_t>(total);
    if (total < Items::kLowest || total > Items::kHighest) errors = SC_ERR_OVERFLOW;
  }
  memcpy(dst, &bits, sizeof bits);
  return errors;
}

// Calls state_of(column) for every column and writes what comes of it.
template <class Items, class StateOf>
HWY_INLINE uint32_t WideResults(const sc_run* run, const StateOf& state_of) {
  const auto result = static_cast<const WideSumParams*>(run->params)->result;
  const bool counts = result != WideSumParams::kInteger;
  const auto* count = static_cast<const uint8_t*>(run->aux[0]);
  auto* dst = static_cast<uint8_t*>(run->dst);
  uint32_t errors = 0;
  for (int64_t i = 0; i < run->n[1]; ++i, dst += sizeof(int64_t)) {
    const uint64_t items = counts ? static_cast<uint64_t>(LoadAs<double>(count)) : 0;
    errors |= WideResult<Items>(state_of(i), result, items, dst);
    count += counts ? run->aux_step[0][1] : 0;
  }
  return errors;
}

// ---- the kernels ----

inline uint32_t WideInit(const sc_run* run) {
  memset(run->state, 0, static_cast<size_t>(run->n[1]) * sizeof(WideSum));
  return 0;
}

template <class Items>
uint32_t WideStep(const sc_run* run) {
  auto* const state = static_cast<WideSum*>(run->state);
  const auto* const src = static_cast<const uint8_t*>(run->src);
  const ptrdiff_t step = run->src_step[0];
  const auto rows = static_cast<size_t>(run->n[0]), columns = static_cast<size_t>(run->n[1]);
  if (columns == 1) {
    SumColumn<Items>(state, src, step, rows);
    return 0;
  }
  for (size_t row = 0; row < rows; row += kMostWideRows) {
    for (size_t column = 0; column < columns; column += kMostWideColumns) {
      SumRowsWide<Items>(
          state + column, src + static_cast<ptrdiff_t>(row) * step + column * sizeof(int64_t), step,
          HWY_MIN(rows - row, kMostWideRows), HWY_MIN(columns - column, kMostWideColumns));
    }
  }
  return 0;
}

inline uint32_t WideMerge(const sc_run* run) {
  auto* const state = static_cast<WideSum*>(run->state);
  const auto* const next = static_cast<const WideSum*>(run->src);
  for (int64_t i = 0; i < run->n[1]; ++i) state[i].Join(next[i]);
  return 0;
}

template <class Items>
uint32_t WideFinish(const sc_run* run) {
  const auto* const state = static_cast<const WideSum*>(run->state);
  return WideResults<Items>(run, [=](int64_t i) { return state[i]; });
}

template <class Items>
uint32_t WideWhole(const sc_run* run) {
  return WideResults<Items>(run, [=](int64_t i) HWY_ATTR {
    WideSum sum = {};
    SumColumn<Items>(&sum, static_cast<const uint8_t*>(run->src) + i * run->src_step[1],
                     run->src_step[0], static_cast<size_t>(run->n[0]));
    return sum;
  });
}

inline uint32_t WideJoin(const sc_run* run) {
  auto* const state = static_cast<WideSum*>(run->state);
  const auto* next = static_cast<const WideSum*>(run->src);
  for (int64_t i = 0; i < run->n[1]; ++i) {
    for (int64_t k = 0; k < run->n[0]; ++k) state[i].Join(*next++);
  }
  return 0;
}

// ---- entries ----

template <class Items>
constexpr sc_reduce_entry WideEntry(const char* name) {
  return {&WideInit,
          &WideStep<Items>,
          &WideMerge,
          &WideFinish<Items>,
          &WideWhole<Items>,
          &WideJoin,
          name,
          0,
          sizeof(WideSum),
          1};
}

}  // namespace

void FillSumWide(KernelTable& table) {
  ReduceEntries& sums = table.reduce[kReduceSumWide];
  sums[Index(DType::kInt64)] = WideEntry<SignedItems>("wide sum int64");
  sums[Index(DType::kUint64)] = WideEntry<UnsignedItems>("wide sum uint64");
  sums[Index(DType::kDatetime64)] = WideEntry<TimeItems>("wide sum datetime64");
  sums[Index(DType::kTimedelta64)] = WideEntry<TimeItems>("wide sum timedelta64");
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
