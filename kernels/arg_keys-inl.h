// What items are compared as by argmin and argmax of vectors (arg_vectors-inl.h): keys, which of
// two is better, and which items tie with one. What is no number is better than every number; zeros
// tie whatever their sign. Per-target header: include after foreach_target.h.
#if defined(STRIDECAST_KERNELS_ARG_KEYS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STRIDECAST_KERNELS_ARG_KEYS_INL_H_
#undef STRIDECAST_KERNELS_ARG_KEYS_INL_H_
#else
#define STRIDECAST_KERNELS_ARG_KEYS_INL_H_
#endif

#include <limits>

#include "kernels/arg-inl.h"
#include "kernels/fold-inl.h"
#include "kernels/lane_types.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

// In vectors an operation of arg-inl.h also says
//   V Prepare(D, V raw);               // the keys of lanes of the source, read as Key
//   M Compare(D, V later, V earlier);  // where `later` is better or, if kKeeps, where it is not
//   using Folding;                     // of fold-inl.h, that finds the best of keys
//   bool Decided(Key);                 // whether no key is better
//   bool IsNone(Key);                  // whether it stands for what is no number
//   M Same(D, V raw, Key);             // which lanes of the source tie with it
//   M SameNumber(D, V raw, Key);       // the same, of a key that stands for a number

// Keys that are integers, by the fold of fold-inl.h that finds their minimum or maximum.
template <template <bool> class Fold, bool kMax>
struct ArgInteger : Fold<kMax> {
  using Folding = Fold<kMax>;
  using Key = typename Folding::Acc;
  static constexpr size_t kItem = sizeof(Key);
  static constexpr bool kKeeps = false;

  static HWY_INLINE Key KeyOf(const uint8_t* item) {
    const hn::CappedTag<Key, 16 / sizeof(Key)> d;
    return hn::GetLane(Fold<kMax>::Prepare(d, hn::Set(d, LoadAs<Key>(item))));
  }
  static HWY_INLINE bool Better(Key a, Key b) { return kMax ? a > b : a < b; }
  template <class D, class V>
  static HWY_INLINE hn::Mask<D> Compare(D, V later, V earlier) {
    return kMax ? hn::Gt(later, earlier) : hn::Lt(later, earlier);
  }
  // The neutral key of the opposite direction is the best of this one.
  static bool Decided(Key key) { return key == Fold<!kMax>::Neutral(); }
  static bool IsNone(Key) { return false; }
  template <class D, class V>
  static HWY_INLINE hn::Mask<D> Same(D d, V raw, Key key) {
    return hn::Eq(Fold<kMax>::Prepare(d, raw), hn::Set(d, key));
  }
  template <class D, class V>
  static HWY_INLINE hn::Mask<D> SameNumber(D d, V raw, Key key) {
    return Same(d, raw, key);
  }
};

// complex64: a number is found again sooner by its parts.
template <bool kMax>
struct ArgComplex64 : ArgInteger<ExtremeComplex, kMax> {
  static bool IsNone(int64_t key) { return key == ExtremeComplex<kMax>::kNan; }
  template <class D, class V>
  static HWY_INLINE hn::Mask<D> SameNumber(D d, V raw, int64_t key) {
    const hn::Repartition<float, D> df;
    const auto parts = hn::Add(hn::BitCast(df, raw), hn::Zero(df));  // +0 for -0
    return hn::Eq(hn::BitCast(d, parts), hn::Set(d, ExtremeComplex<kMax>::Result(key)));
  }
};

template <typename T>
struct Integer {
  template <bool kMax>
  using Fold = Extreme<T, kMax>;
};

// float16 and bfloat16: the integers of ExtremeHalf, but negative ones are one more, by which zeros
// meet.
template <int16_t kInfinity>
struct Half {
  template <bool kMax>
  struct Fold : Extreme<int16_t, kMax> {
    static constexpr int16_t kNan = ExtremeHalf<kInfinity, kMax>::kNan;
    template <class D, class V>
    static HWY_INLINE V Prepare(D d, V raw) {
      const auto all_but_sign = hn::Set(d, int16_t{0x7fff});
      const auto sign = hn::BroadcastSignBit(raw);
      const auto ordered = hn::Sub(hn::Xor(raw, hn::And(sign, all_but_sign)), sign);
      const auto nan = hn::Gt(hn::And(raw, all_but_sign), hn::Set(d, kInfinity));
      return hn::IfThenElse(nan, hn::Set(d, kNan), ordered);
    }
  };
};

// float32 and float64, as they are: the fold does not care for the sign of zeros.
template <typename T, bool kMax>
struct ExtremeNumber : PlainFold<T> {
  static T Neutral() { return std::numeric_limits<T>::infinity() * (kMax ? -1 : 1); }
  template <class D, class V>
  static HWY_INLINE V Better(D, V a, V b) {
    return kMax ? hn::Max(a, b) : hn::Min(a, b);
  }
  template <class D, class V>
  static HWY_INLINE V Combine(D d, V a, V b) {
    return hn::IfThenElse(hn::IsEitherNaN(a, b), hn::Set(d, QuietNaN<T>()), Better(d, a, b));
  }
  template <class D>
  static HWY_INLINE T Lanes(D d, hn::Vec<D> v) {
    if (HWY_UNLIKELY(!hn::AllFalse(d, hn::IsNaN(v)))) return QuietNaN<T>();
    return kMax ? hn::ReduceMax(d, v) : hn::ReduceMin(d, v);
  }
};

template <typename T, bool kMax, class D, class L>
HWY_INLINE hn::Vec<D> FoldRows(ExtremeNumber<T, kMax>, D d, L lanes, const uint8_t* src,
                               ptrdiff_t step, size_t rows) {
  using Op = ExtremeNumber<T, kMax>;
  auto a0 = hn::Set(d, Op::Neutral()), a1 = a0, a2 = a0, a3 = a0;
  auto nan = hn::MaskFalse(d);
  for (; rows >= 4; rows -= 4, src += 4 * step) {
    const auto v0 = lanes.Load(d, src), v1 = lanes.Load(d, src + step);
    const auto v2 = lanes.Load(d, src + 2 * step), v3 = lanes.Load(d, src + 3 * step);
    a0 = Op::Better(d, a0, v0);
    a1 = Op::Better(d, a1, v1);
    a2 = Op::Better(d, a2, v2);
    a3 = Op::Better(d, a3, v3);
    nan = hn::Or(nan, hn::Or(hn::IsEitherNaN(v0, v1), hn::IsEitherNaN(v2, v3)));
  }
  for (; rows > 0; --rows, src += step) {
    const auto v = lanes.Load(d, src);
    a0 = Op::Better(d, a0, v);
    nan = hn::Or(nan, hn::IsNaN(v));
  }
  const auto best = Op::Better(d, Op::Better(d, a0, a1), Op::Better(d, a2, a3));
  return hn::IfThenElse(nan, hn::Set(d, QuietNaN<T>()), best);
}

template <typename T, bool kMax>
struct ArgFloat : PlainFold<T> {
  using Folding = ExtremeNumber<T, kMax>;
  using Key = T;
  static constexpr size_t kItem = sizeof(T);
  static constexpr bool kKeeps = true;

  static HWY_INLINE T KeyOf(const uint8_t* item) { return LoadAs<T>(item); }
  static HWY_INLINE bool Better(T a, T b) { return (kMax ? a > b : a < b) || (a != a && b == b); }
  template <class D, class V>
  static HWY_INLINE hn::Mask<D> Compare(D, V later, V earlier) {
    return hn::Or(kMax ? hn::Le(later, earlier) : hn::Ge(later, earlier), hn::IsNaN(earlier));
  }
  static bool Decided(T key) { return IsNone(key); }
  static bool IsNone(T key) { return key != key; }
  template <class D, class V>
  static HWY_INLINE hn::Mask<D> Same(D d, V raw, T key) {
    return IsNone(key) ? hn::IsNaN(raw) : SameNumber(d, raw, key);
  }
  template <class D, class V>
  static HWY_INLINE hn::Mask<D> SameNumber(D d, V raw, T key) {
    return hn::Eq(raw, hn::Set(d, key));
  }
};

template <class Op, class M, class V>
HWY_INLINE V Choose(M compared, V later, V earlier) {
  return Op::kKeeps ? hn::IfThenElse(compared, earlier, later)
                    : hn::IfThenElse(compared, later, earlier);
}

}  // namespace
}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
