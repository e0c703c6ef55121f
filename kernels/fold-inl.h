// Folding vectors where order is void: what an operation is, minima and maxima under a total order,
// and folds of rows and of packed runs. fold_kernels-inl.h makes kernels of it, and
// arg_vectors-inl.h looks for the best item by it. Per-target header.
#if defined(STRIDECAST_KERNELS_FOLD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STRIDECAST_KERNELS_FOLD_INL_H_
#undef STRIDECAST_KERNELS_FOLD_INL_H_
#else
#define STRIDECAST_KERNELS_FOLD_INL_H_
#endif

#include <limits>
#include <type_traits>

#include "kernels/reduce-inl.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

// An operation says
//   using Acc;                   // lanes of the state, as wide as the source's items
//   using Out;                   // of the results
//   static Acc Neutral();
//   V Prepare(D, V raw);         // what lanes of the source, as Acc, become
//   V Combine(D, V a, V b);      // of prepared lanes
//   Acc Lanes(D, V v);           // what the lanes of a vector fold to
//   Out Result(Acc);
// and, if nothing that follows can change some results,
//   static constexpr bool kDecides = true;
//   static bool Decided(Acc);

// What most operations have in common.
template <typename T, typename OutT = T>
struct PlainFold {
  using Acc = T;
  using Out = OutT;
  static constexpr bool kDecides = false;
  template <class D, class V>
  static HWY_INLINE V Prepare(D, V raw) {
    return raw;
  }
  static OutT Result(T acc) { return static_cast<OutT>(acc); }
};

// Lane by lane: once a run, of at most 64 lanes.
template <class Op, class D, class V>
HWY_INLINE typename Op::Acc FoldLanes(D d, V v) {
  using Acc = typename Op::Acc;
  if constexpr (HWY_MAX_LANES_D(D) > 16 / sizeof(Acc)) {
    const hn::Half<D> half;
    return FoldLanes<Op>(half, Op::Combine(half, hn::UpperHalf(half, v), hn::LowerHalf(half, v)));
  } else {
    HWY_ALIGN Acc items[HWY_MAX_LANES_D(D)];
    hn::Store(v, d, items);
    const hn::CappedTag<Acc, 1> d1;
    auto folded = hn::Set(d1, items[0]);
    for (size_t i = 1; i < hn::Lanes(d); ++i) {
      folded = Op::Combine(d1, folded, hn::Set(d1, items[i]));
    }
    return hn::GetLane(folded);
  }
}

template <typename T, bool kMax>
struct Extreme : PlainFold<T> {
  static T Neutral() {
    return kMax ? std::numeric_limits<T>::lowest() : std::numeric_limits<T>::max();
  }
  template <class D, class V>
  static HWY_INLINE V Combine(D, V a, V b) {
    return kMax ? hn::Max(a, b) : hn::Min(a, b);
  }
  template <class D>
  static HWY_INLINE T Lanes(D d, hn::Vec<D> v) {
    return FoldLanes<Extreme>(d, v);
  }
};

// Any byte but 0 is true.
template <bool kMax>
struct ExtremeBool : Extreme<uint8_t, kMax> {
  static uint8_t Neutral() { return kMax ? 0 : 1; }
  template <class D, class V>
  static HWY_INLINE V Prepare(D d, V raw) {
    return hn::Min(raw, hn::Set(d, uint8_t{1}));
  }
};

// Datetimes: NaT, the smallest int64, wins either way. For the maximum all values are one less, by
// which it becomes the largest.
template <bool kMax>
struct ExtremeTime : Extreme<int64_t, kMax> {
  template <class D, class V>
  static HWY_INLINE V Prepare(D d, V raw) {
    return kMax ? hn::Sub(raw, hn::Set(d, int64_t{1})) : raw;
  }
  static int64_t Result(int64_t acc) {
    return kMax ? static_cast<int64_t>(static_cast<uint64_t>(acc) + 1) : acc;
  }
};

// float16 and bfloat16 by the order of integers: of negative ones all bits but the sign are turned
// round. NaNs become the integer that wins, which no number has. kInfinity: its bits.
template <int16_t kInfinity, bool kMax>
struct ExtremeHalf : Extreme<int16_t, kMax> {
  static constexpr int16_t kNan = kMax ? INT16_MAX : INT16_MIN;
  static constexpr int16_t kQuietNan =
      static_cast<int16_t>(kInfinity | (((kInfinity >> 1) & ~kInfinity)));
  // An infinity, which unlike other integers is a number.
  static int16_t Neutral() { return static_cast<int16_t>(kMax ? ~kInfinity : kInfinity); }

  template <class D, class V>
  static HWY_INLINE V Prepare(D d, V raw) {
    const auto all_but_sign = hn::Set(d, int16_t{0x7fff});
    const auto ordered = hn::Xor(raw, hn::And(hn::BroadcastSignBit(raw), all_but_sign));
    const auto nan = hn::Gt(hn::And(raw, all_but_sign), hn::Set(d, kInfinity));
    return hn::IfThenElse(nan, hn::Set(d, kNan), ordered);
  }
  static int16_t Result(int16_t acc) {
    if (acc == kNan) return kQuietNan;
    return static_cast<int16_t>(acc ^ (acc >> 15 & 0x7fff));
  }
};

// Of the negated values for the maximum.
template <typename T, bool kMax>
struct ExtremeFloat : PlainFold<T> {
  static T Neutral() { return std::numeric_limits<T>::infinity(); }
  template <class D, class V>
  static HWY_INLINE V Prepare(D, V raw) {
    return kMax ? hn::Neg(raw) : raw;
  }
  template <class D, class V>
  static HWY_INLINE V Combine(D d, V a, V b) {
    // Equal values have equal bits, but for zeros, whose signs must join.
    const V least = hn::IfThenElse(hn::Eq(a, b), hn::Or(a, b), hn::Min(a, b));
    return hn::IfThenElse(hn::IsEitherNaN(a, b), hn::Set(d, QuietNaN<T>()), least);
  }
  // `v` holds results of Combine or FoldRows.
  template <class D>
  static HWY_INLINE T Lanes(D d, hn::Vec<D> v) {
    if (!hn::AllFalse(d, hn::IsNaN(v))) return QuietNaN<T>();
    const T least = hn::ReduceMin(d, v);
    if (least != T{0}) return least;
    const hn::RebindToSigned<D> di;
    const auto negative = hn::Lt(hn::BitCast(di, v), hn::Zero(di));
    return hn::AllFalse(di, negative) ? T{0} : T{-0.0};
  }
  static T Result(T acc) { return kMax && acc == acc ? -acc : acc; }
};

// Absolute values, whose maximum is that of float16's and bfloat16's bits as integers, NaN first.
template <int16_t kInfinity>
struct LargestHalf : Extreme<int16_t, true> {
  static constexpr int16_t kQuietNan = ExtremeHalf<kInfinity, true>::kQuietNan;
  static int16_t Neutral() { return 0; }
  template <class D, class V>
  static HWY_INLINE V Prepare(D d, V raw) {
    return hn::And(raw, hn::Set(d, int16_t{0x7fff}));
  }
  static int16_t Result(int16_t acc) { return acc > kInfinity ? kQuietNan : acc; }
};

template <typename T>
struct LargestFloat : ExtremeFloat<T, true> {
  static T Neutral() { return T{-0.0}; }
  template <class D, class V>
  static HWY_INLINE V Prepare(D, V raw) {
    return hn::Neg(hn::Abs(raw));
  }
};

// complex64 by real part, then by imaginary part, as one integer. Zeros lose their sign, so that
// equal parts are equal bits. A NaN in either part becomes the integer that wins.
template <bool kMax>
struct ExtremeComplex : Extreme<int64_t, kMax> {
  static constexpr int64_t kNan = kMax ? INT64_MAX : INT64_MIN;
  static constexpr uint32_t kAllButSign = 0x7fffffff;
  // Two infinities.
  static int64_t Neutral() {
    return static_cast<int64_t>(kMax ? uint64_t{0x807fffff007fffff} : uint64_t{0x7f800000ff800000});
  }

  template <class D, class V>
  static HWY_INLINE V Prepare(D d, V raw) {
    const hn::Repartition<float, D> df;
    const hn::Repartition<int32_t, D> di;
    const auto parts = hn::Add(hn::BitCast(df, raw), hn::Zero(df));
    const auto is_nan = hn::VecFromMask(df, hn::IsNaN(parts));
    const auto bits = hn::BitCast(di, parts);
    auto ordered = hn::BitCast(
        d, hn::Xor(bits, hn::And(hn::BroadcastSignBit(bits), hn::Set(di, int32_t{kAllButSign}))));
    if constexpr (HWY_IS_LITTLE_ENDIAN) {
      ordered = hn::BitCast(d, hn::Shuffle2301(hn::BitCast(di, ordered)));
    }
    // The lower half decides among equals: as an unsigned integer.
    const auto key = hn::Xor(ordered, hn::Set(d, int64_t{0x80000000}));
    const auto nan = hn::Ne(hn::BitCast(d, is_nan), hn::Zero(d));
    return hn::IfThenElse(nan, hn::Set(d, kNan), key);
  }
  static int64_t Result(int64_t acc) {
    if (acc == kNan) {
      constexpr int64_t kQuiet = 0x7fc00000;
      return kQuiet << 32 | kQuiet;
    }
    const auto part = [](uint32_t ordered) -> uint64_t {
      return (ordered >> 31) != 0 ? ordered ^ kAllButSign : ordered;
    };
    const auto key = static_cast<uint64_t>(acc);
    const uint64_t real = part(static_cast<uint32_t>(key >> 32));
    const uint64_t imaginary = part(static_cast<uint32_t>(key) ^ 0x80000000u);
    return static_cast<int64_t>(HWY_IS_LITTLE_ENDIAN ? imaginary << 32 | real
                                                     : real << 32 | imaginary);
  }
};

// `rows` is not 0; not of floats.
template <class Op, class D, class L>
HWY_INLINE hn::Vec<D> FoldRows(Op, D d, L lanes, const uint8_t* src, ptrdiff_t step, size_t rows) {
  auto a0 = hn::Set(d, Op::Neutral()), a1 = a0, a2 = a0, a3 = a0;
  for (; rows >= 4; rows -= 4) {
    a0 = Op::Combine(d, a0, Op::Prepare(d, lanes.Load(d, src)));
    a1 = Op::Combine(d, a1, Op::Prepare(d, lanes.Load(d, src + step)));
    a2 = Op::Combine(d, a2, Op::Prepare(d, lanes.Load(d, src + 2 * step)));
    a3 = Op::Combine(d, a3, Op::Prepare(d, lanes.Load(d, src + 3 * step)));
    src += 4 * step;
  }
  for (; rows > 0; --rows, src += step) {
    a0 = Op::Combine(d, a0, Op::Prepare(d, lanes.Load(d, src)));
  }
  return Op::Combine(d, Op::Combine(d, a0, a1), Op::Combine(d, a2, a3));
}

template <typename T>
HWY_INLINE T OpaqueZero() {
  volatile T zero = 0;
  return zero;
}

// Cheaper than Combine row by row: a plain minimum, whether a NaN occurred, and the union of all
// bits. If the minimum is a zero, then no value was negative and its sign bit says whether a -0.0
// occurred.
template <typename T, bool kMax, class D, class L>
HWY_INLINE hn::Vec<D> FoldRows(ExtremeFloat<T, kMax>, D d, L lanes, const uint8_t* src,
                               ptrdiff_t step, size_t rows) {
  using Op = ExtremeFloat<T, kMax>;
  auto a0 = hn::Set(d, Op::Neutral()), a1 = a0, a2 = a0, a3 = a0;
  auto bits = hn::Zero(d);
  auto nan = hn::MaskFalse(d);
  // Zero, but compilers do not know: else they would read memory again for each use of a value.
  const auto nothing = hn::Set(d, OpaqueZero<T>());
  const auto load = [&](const uint8_t* from) HWY_ATTR {
    const auto value = Op::Prepare(d, lanes.Load(d, from));
    return kMax ? value : hn::Or(value, nothing);
  };
  for (; rows >= 4; rows -= 4) {
    const auto v0 = load(src), v1 = load(src + step);
    const auto v2 = load(src + 2 * step), v3 = load(src + 3 * step);
    a0 = hn::Min(a0, v0);
    a1 = hn::Min(a1, v1);
    a2 = hn::Min(a2, v2);
    a3 = hn::Min(a3, v3);
    bits = hn::Or3(hn::Or3(bits, v0, v1), v2, v3);
    nan = hn::Or(nan, hn::Or(hn::IsEitherNaN(v0, v1), hn::IsEitherNaN(v2, v3)));
    src += 4 * step;
  }
  for (; rows > 0; --rows, src += step) {
    const auto v = load(src);
    a0 = hn::Min(a0, v);
    bits = hn::Or(bits, v);
    nan = hn::Or(nan, hn::IsNaN(v));
  }
  auto least = hn::Min(hn::Min(a0, a1), hn::Min(a2, a3));
  const auto sign = hn::And(bits, hn::Set(d, T{-0.0}));
  least = hn::IfThenElse(hn::Eq(least, hn::Zero(d)), sign, least);
  return hn::IfThenElse(nan, hn::Set(d, QuietNaN<T>()), least);
}

// `lanes`: AllLanes, or EverySecond, of which one more item must follow.
template <class Op, class L>
HWY_NOINLINE typename Op::Acc FoldPacked(L lanes_of, const uint8_t* src, size_t n) {
  using T = typename Op::Acc;
  constexpr bool kPacked = std::is_same_v<L, AllLanes>;
  constexpr size_t kStep = (kPacked ? 1 : 2) * sizeof(T);
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  const auto fold_few = [d](const uint8_t* from, size_t count) HWY_ATTR {
    uint8_t packed[HWY_MAX_BYTES];
    if constexpr (!kPacked) {
      GatherItems<sizeof(T)>(packed, from, kStep, count);
      from = packed;
    }
    const auto neutral = hn::Set(d, Op::Neutral());
    const auto items = Op::Prepare(d, LoadFirst(d, from, count));
    return Op::Combine(d, neutral, hn::IfThenElse(hn::FirstN(d, count), items, neutral));
  };
  auto sum = hn::Set(d, Op::Neutral());
  // Whole vectors from whole lines on, where a few more items to begin with can reach one.
  const size_t vector = lanes * sizeof(T);
  const size_t misaligned = reinterpret_cast<uintptr_t>(src) % vector;
  if (kPacked && misaligned != 0 && misaligned % sizeof(T) == 0 && n >= 64 * lanes) {
    const size_t head = (vector - misaligned) / sizeof(T);
    sum = fold_few(src, head);
    src += head * sizeof(T);
    n -= head;
  }
  const size_t rows = n / lanes;
  if (rows > 0) {
    const auto body = FoldRows(Op(), d, lanes_of, src, static_cast<ptrdiff_t>(lanes * kStep), rows);
    sum = Op::Combine(d, sum, body);
  }
  const size_t rest = n - rows * lanes;
  if (rest > 0) sum = Op::Combine(d, sum, fold_few(src + rows * lanes * kStep, rest));
  return Op::Lanes(d, sum);
}

template <class Op>
HWY_INLINE typename Op::Acc FoldPacked(const uint8_t* src, size_t n) {
  return FoldPacked<Op>(AllLanes(), src, n);
}

}  // namespace
}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
