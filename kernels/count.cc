// Sums of integers of up to 32 bits and counts of items that are not 0, in int64: order is void. A
// state is one int64 a column, with no header; 64-bit integers are fold.cc's.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/count.cc"
#include <type_traits>

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/convert_names.h"
#include "kernels/lane_types.h"
#include "kernels/reduce-inl.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

// An operation says
//   using Src;                            // lanes as stored
//   using Partial;                        // unsigned or signed lanes that hold kMostRows of them
//   static Vec<DP> Add(DP, partial, v);   // a vector of the source's lanes
//   static int64_t Packed(lanes, src, n); // AllLanes, or EverySecond with one more item behind
inline constexpr size_t kMostRows = 128;
// Partial sums of so many columns stay on the stack.
template <typename Partial>
inline constexpr size_t kMostColumns = 16384 / sizeof(Partial);

using Sums = hn::Vec<hn::ScalableTag<uint64_t>>;

// The lanes of a vector of unsigned integers, added up by twos, fours and eights.
template <class D>
HWY_INLINE Sums AddUp(D, hn::Vec<D> v) {
  using T = hn::TFromD<D>;
  const hn::ScalableTag<uint64_t> d64;
  if constexpr (sizeof(T) == 1) {
    return hn::SumsOf8(v);
  } else if constexpr (sizeof(T) == 2) {
    const hn::Repartition<uint32_t, D> d32;
    const auto low = hn::Set(d32, 0xFFFFu);
    const auto pairs =
        hn::Add(hn::And(hn::BitCast(d32, v), low), hn::ShiftRight<16>(hn::BitCast(d32, v)));
    return AddUp(d32, pairs);
  } else if constexpr (sizeof(T) == 4) {
    const auto both = hn::BitCast(d64, v);
    return hn::Add(hn::And(both, hn::Set(d64, uint64_t{0xFFFFFFFF})), hn::ShiftRight<32>(both));
  } else {
    return v;
  }
}

// Bytes from item to item, as such lanes read them.
template <class L, typename T>
inline constexpr size_t kStepOf = (std::is_same_v<L, AllLanes> ? 1 : 2) * sizeof(T);

// Calls body(v) for whole vectors of items and fills the last with zeros.
template <typename T, class L, class Body>
HWY_INLINE void ForVectors(L lanes_of, const uint8_t* src, size_t n, const Body& body) {
  constexpr size_t kStep = kStepOf<L, T>;
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  for (; n >= lanes; n -= lanes, src += lanes * kStep) body(lanes_of.Load(d, src));
  if (n == 0) return;
  uint8_t packed[HWY_MAX_BYTES];
  if constexpr (kStep != sizeof(T)) {
    GatherItems<sizeof(T)>(packed, src, kStep, n);
    src = packed;
  }
  body(LoadFirst(d, src, n));
}

// Signed integers are summed as unsigned ones that are half their range larger.
template <typename S>
struct SumNarrow {
  using Src = S;
  using Wide = hwy::UnsignedFromSize<2 * sizeof(S)>;
  using Partial = std::conditional_t<std::is_signed_v<S>, hwy::MakeSigned<Wide>, Wide>;

  template <class DP>
  static HWY_INLINE hn::Vec<DP> Add(DP d, hn::Vec<DP> partial, hn::Vec<hn::Rebind<S, DP>> v) {
    return hn::Add(partial, hn::PromoteTo(d, v));
  }

  template <class L>
  static HWY_NOINLINE int64_t Packed(L lanes_of, const uint8_t* src, size_t n) {
    using U = hwy::MakeUnsigned<S>;
    constexpr U kHalf = std::is_signed_v<S> ? static_cast<U>(U{1} << (8 * sizeof(S) - 1)) : U{0};
    const hn::ScalableTag<U> d;
    const hn::ScalableTag<uint64_t> d64;
    const auto half = hn::Set(d, kHalf);
    const size_t lanes = hn::Lanes(d), bytes = lanes * kStepOf<L, S>;
    auto s0 = hn::Zero(d64), s1 = s0;
    uint64_t shifted = n / lanes * lanes;  // items that got half the range more
    for (; n >= 2 * lanes; n -= 2 * lanes, src += 2 * bytes) {
      s0 = hn::Add(s0, AddUp(d, hn::Xor(lanes_of.Load(d, src), half)));
      s1 = hn::Add(s1, AddUp(d, hn::Xor(lanes_of.Load(d, src + bytes), half)));
    }
    ForVectors<U>(lanes_of, src, n,
                  [&](auto v) HWY_ATTR { s0 = hn::Add(s0, AddUp(d, hn::Xor(v, half))); });
    if (n % lanes != 0) shifted += lanes;
    return static_cast<int64_t>(hn::ReduceSum(d64, hn::Add(s0, s1)) - kHalf * shifted);
  }
};

// T is unsigned.
template <typename T, Signs kSigns>
struct CountTrue {
  using Src = T;
  using Partial = T;

  // 1 less where it is not 0.
  template <class D, class V>
  static HWY_INLINE V Add(D d, V partial, V v) {
    const auto bits = WithoutSigns<kSigns>(d, v);
    return hn::Sub(partial, hn::VecFromMask(d, hn::Ne(bits, hn::Zero(d))));
  }

  template <class L>
  static HWY_NOINLINE int64_t Packed(L lanes_of, const uint8_t* src, size_t n) {
    const hn::ScalableTag<T> d;
    const hn::ScalableTag<uint64_t> d64;
    const size_t lanes = hn::Lanes(d), bytes = lanes * kStepOf<L, T>;
    auto sum = hn::Zero(d64);
    while (n > 0) {  // two counters a lane, of at most 255
      auto c0 = hn::Zero(d), c1 = c0;
      const size_t pairs = HWY_MIN(n / (2 * lanes), size_t{200});
      for (size_t i = 0; i < pairs; ++i, src += 2 * bytes) {
        c0 = Add(d, c0, lanes_of.Load(d, src));
        c1 = Add(d, c1, lanes_of.Load(d, src + bytes));
      }
      n -= pairs * 2 * lanes;
      if (n < 2 * lanes) {
        ForVectors<T>(lanes_of, src, n, [&](auto v) HWY_ATTR { c0 = Add(d, c0, v); });
        n = 0;
      }
      sum = hn::Add(sum, hn::Add(AddUp(d, c0), AddUp(d, c1)));
    }
    return static_cast<int64_t>(hn::ReduceSum(d64, sum));
  }
};

// ---- the kernels ----

inline uint32_t CountInit(const sc_run* run) {
  memset(run->state, 0, static_cast<size_t>(run->n[1]) * sizeof(int64_t));
  return 0;
}

// At most kMostRows rows of at most kMostColumns columns. Rows are read eight at a time, to keep
// memory busy.
template <class Op>
HWY_NOINLINE void CountRows(int64_t* state, const uint8_t* src, ptrdiff_t step, size_t rows,
                            size_t columns) {
  using Partial = typename Op::Partial;
  constexpr size_t kItem = sizeof(typename Op::Src);
  const hn::ScalableTag<Partial> d;
  const hn::Rebind<typename Op::Src, decltype(d)> ds;
  HWY_ALIGN Partial partial[kMostColumns<Partial>];
  memset(partial, 0, columns * sizeof(Partial));
  for (size_t row = 0; row < rows;) {
    const size_t take = HWY_MIN(rows - row, size_t{8});
    ForColumns(d, columns, [&](size_t column, auto lanes) HWY_ATTR {
      auto sum = lanes.Load(d, static_cast<const Partial*>(partial + column));
      const uint8_t* from = src + column * kItem;
      for (size_t i = 0; i < take; ++i, from += step) sum = Op::Add(d, sum, lanes.Load(ds, from));
      lanes.Store(sum, d, partial + column);
    });
    src += static_cast<ptrdiff_t>(take) * step;
    row += take;
  }
  for (size_t i = 0; i < columns; ++i) {
    state[i] =
        static_cast<int64_t>(static_cast<uint64_t>(state[i]) + static_cast<uint64_t>(partial[i]));
  }
}

// Of one column, of items at any step.
template <class Op>
HWY_INLINE int64_t CountColumn(const uint8_t* src, ptrdiff_t step, size_t n) {
  using T = typename Op::Src;
  uint64_t count = 0;
  if (step == 2 * static_cast<ptrdiff_t>(sizeof(T)) && n > 1) {
    count = static_cast<uint64_t>(Op::Packed(EverySecond(), src, n - 1));
    src += step * static_cast<ptrdiff_t>(n - 1);
    n = 1;
  }
  ForPackedPieces<T>(src, step, n, [&](const uint8_t* packed, size_t some) HWY_ATTR {
    count += static_cast<uint64_t>(Op::Packed(AllLanes(), packed, some));
  });
  return static_cast<int64_t>(count);
}

template <class Op>
uint32_t CountStep(const sc_run* run) {
  auto* const state = static_cast<int64_t*>(run->state);
  const auto* src = static_cast<const uint8_t*>(run->src);
  const ptrdiff_t step = run->src_step[0];
  const auto rows = static_cast<size_t>(run->n[0]), columns = static_cast<size_t>(run->n[1]);
  if (columns == 1) {
    *state = static_cast<int64_t>(static_cast<uint64_t>(*state) +
                                  static_cast<uint64_t>(CountColumn<Op>(src, step, rows)));
    return 0;
  }
  for (size_t row = 0; row < rows; row += kMostRows) {
    constexpr size_t kMost = kMostColumns<typename Op::Partial>;
    for (size_t column = 0; column < columns; column += kMost) {
      CountRows<Op>(state + column,
                    src + static_cast<ptrdiff_t>(row) * step + column * sizeof(typename Op::Src),
                    step, HWY_MIN(rows - row, kMostRows), HWY_MIN(columns - column, kMost));
    }
  }
  return 0;
}

inline uint32_t CountMerge(const sc_run* run) {
  auto* const state = static_cast<uint64_t*>(run->state);
  const auto* const next = static_cast<const uint64_t*>(run->src);
  for (int64_t i = 0; i < run->n[1]; ++i) state[i] += next[i];
  return 0;
}

inline uint32_t CountFinish(const sc_run* run) {
  memcpy(run->dst, run->state, static_cast<size_t>(run->n[1]) * sizeof(int64_t));
  return 0;
}

template <class Op>
uint32_t CountWhole(const sc_run* run) {
  const auto* src = static_cast<const uint8_t*>(run->src);
  auto* dst = static_cast<uint8_t*>(run->dst);
  for (int64_t i = 0; i < run->n[1]; ++i, src += run->src_step[1], dst += sizeof(int64_t)) {
    const int64_t count = CountColumn<Op>(src, run->src_step[0], static_cast<size_t>(run->n[0]));
    memcpy(dst, &count, sizeof count);
  }
  return 0;
}

inline uint32_t CountJoin(const sc_run* run) {
  auto* const state = static_cast<uint64_t*>(run->state);
  const auto* next = static_cast<const uint64_t*>(run->src);
  for (int64_t i = 0; i < run->n[1]; ++i) {
    for (int64_t k = 0; k < run->n[0]; ++k) state[i] += *next++;
  }
  return 0;
}

// ---- entries ----

template <class Op>
constexpr sc_reduce_entry CountEntry(const char* name) {
  return {&CountInit, &CountStep<Op>, &CountMerge, &CountFinish,    &CountWhole<Op>,
          &CountJoin, name,           0,           sizeof(int64_t), 1};
}

template <typename... S>
void SetSums(ReduceEntries& entries, Types<S...>) {
  ((entries[Index(kDTypeOf<S>)] = CountEntry<SumNarrow<S>>(kSumNames.text[Index(kDTypeOf<S>)])),
   ...);
}

}  // namespace

void FillCount(KernelTable& table) {
  auto& sums = table.reduce[kReduceSum];
  sums[Index(DType::kBool)] = CountEntry<CountTrue<uint8_t, Signs::kNone>>("sum bool");
  SetSums(sums, Types<int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t>());
  SetByBits<CountTrue>(table.reduce[kReduceCount], kCountNames, "count complex64",
                       []<class Op>(Op) { return CountEntry<Op>(""); });
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
