// Counts of a unit since an epoch to datetime64 and back, see epoch_params.h: (x * mul + add) /
// den, rounded once. Vectors take what 64 bits, or two float64, hold exactly, which is nearly all
// there is; a vector with another item in it goes through epoch_exact.h, item by item.
//
// Of float64 a product is exact as a sum of two (an FMA, or T. Dekker, "A Floating-Point Technique
// for Extending the Available Precision", 1971), so that one rounding decides. Conversions between
// int64 and float64 are by magic numbers: AVX2 and SSE2 have no instructions for them.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/epoch.cc"
#include <cstdint>
#include <cstring>

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/convert-inl.h"
#include "kernels/epoch_exact.h"
#include "kernels/epoch_params.h"
#include "kernels/scale-inl.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

using DI = hn::ScalableTag<int64_t>;
using DU = hn::ScalableTag<uint64_t>;
using DF = hn::ScalableTag<double>;
using VI = hn::Vec<DI>;
using VF = hn::Vec<DF>;
using MI = hn::Mask<DI>;
using MF = hn::Mask<DF>;

constexpr int64_t kNat = INT64_MIN;

HWY_INLINE int64_t LowBits(Int128 value) {
  return static_cast<int64_t>(static_cast<uint64_t>(value));
}

// --- the loop ------------------------------------------------------------------------------------

// Packed items by vectors of an Op:
//   using Src, Dst;                                 // int64_t or double
//   Vec<Dst> Vector(Vec<Src> v, bool* done) const;  // done: right for every lane, no complaint
//   Dst Exact(Src x, uint32_t* errors) const;       // one item
// In place, too.
template <class Op, typename Src = typename Op::Src, typename Dst = typename Op::Dst>
HWY_INLINE uint32_t ForItems(const Op& op, const Src* src, Dst* dst, size_t count) {
  const hn::ScalableTag<Src> ds;
  const hn::ScalableTag<Dst> dd;
  const size_t lanes = hn::Lanes(ds);
  uint32_t errors = 0;
  const auto exactly = [&](hn::Vec<hn::ScalableTag<Src>> v, size_t items) HWY_ATTR {
    HWY_ALIGN Src in[HWY_MAX_LANES_D(hn::ScalableTag<Src>)];
    HWY_ALIGN Dst out[HWY_MAX_LANES_D(hn::ScalableTag<Dst>)];
    hn::Store(v, ds, in);
    hn::Store(hn::Zero(dd), dd, out);
    for (size_t k = 0; k < items; ++k) out[k] = op.Exact(in[k], &errors);
    return hn::Load(dd, out);
  };
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto v = hn::LoadU(ds, src + i);
    bool done = false;
    auto result = op.Vector(v, &done);
    if (HWY_UNLIKELY(!done)) result = exactly(v, lanes);
    hn::StoreU(result, dd, dst + i);
  }
  if (i < count) {
    const size_t rest = RestOf(ds, i, count);
    // What pads the vector is an item of it, which needs no other treatment.
    Src first;
    memcpy(&first, src + i, sizeof(first));
    const auto v = LoadFew(ds, src + i, rest, first);
    bool done = false;
    auto result = op.Vector(v, &done);
    if (!done) result = exactly(v, rest);
    StoreFew(result, dd, dst + i, rest);
  }
  return errors;
}
template <class Op>
HWY_INLINE uint32_t ForItems(const Op& op, const sc_run* run) {
  return ForItems(op, static_cast<const typename Op::Src*>(run->src),
                  static_cast<typename Op::Dst*>(run->dst), static_cast<size_t>(run->n[1]));
}

// --- exact arithmetic in vectors -----------------------------------------------------------------

HWY_INLINE MI IsBetween(VI x, int64_t first, int64_t last) {
  const DI di;
  return hn::And(hn::Ge(x, hn::Set(di, first)), hn::Le(x, hn::Set(di, last)));
}

// An integer as the sum of two float64: a multiple of 2^32, and one from 0 to 2^32.
HWY_INLINE VF HighHalf(VI n) {
  const DF df;
  const DU du;
  const auto bias = hn::Or(hn::BitCast(du, hn::Set(df, 0x1p84)), hn::Set(du, 0x80000000u));
  const auto biased = hn::Xor(hn::ShiftRight<32>(hn::BitCast(du, n)), bias);
  return hn::Sub(hn::BitCast(df, biased), hn::Set(df, 0x1p84 + 0x1p63));
}
HWY_INLINE VF LowHalf(VI n) {
  const DF df;
  const DU du;
  const auto bits = hn::And(hn::BitCast(du, n), hn::Set(du, 0xFFFFFFFFu));
  const auto biased = hn::Or(bits, hn::BitCast(du, hn::Set(df, 0x1p52)));
  return hn::Sub(hn::BitCast(df, biased), hn::Set(df, 0x1p52));
}

// Added to a float64 below 2^51 it rounds that to an integer, which then is the sum's low bits.
constexpr double kMagic = 0x1.8p52;
HWY_INLINE VI MagicBits(VF sum) {
  return hn::Sub(hn::BitCast(DI(), sum), hn::BitCast(DI(), hn::Set(DF(), kMagic)));
}

// a * b - p, exact, where p is a * b rounded and nothing overflows or underflows.
HWY_INLINE VF ProductRest(VF a, VF b, VF p) {
#if HWY_NATIVE_FMA
  return hn::MulSub(a, b, p);
#else
  const auto split = hn::Set(DF(), 0x1p27 + 1);
  const auto a1 = hn::Mul(a, split), b1 = hn::Mul(b, split);
  const auto ah = hn::Sub(a1, hn::Sub(a1, a)), bh = hn::Sub(b1, hn::Sub(b1, b));
  const auto al = hn::Sub(a, ah), bl = hn::Sub(b, bh);
  const auto rest = hn::Add(hn::Sub(hn::Mul(ah, bh), p), hn::Mul(ah, bl));
  return hn::Add(hn::Add(rest, hn::Mul(al, bh)), hn::Mul(al, bl));
#endif
}

HWY_INLINE MI IsOdd(VI v) {
  const DI di;
  return hn::Eq(hn::And(v, hn::Set(di, 1)), hn::Set(di, 1));
}

// (x * mul + add) / den of x from first to last: floor, or to nearest even. The quotient by float64
// is one off at most, and the rest says where; that of a small divisor is found in two steps.
template <bool kDivides, bool kNearest>
class Affine {
 public:
  explicit Affine(const EpochParams& params)
      : mul_(LowBits(params.mul)),
        rest_(params.rest),
        base_(params.base),
        den_(LowBits(params.den)),
        inverse_(1.0 / static_cast<double>(params.den)),
        small_(params.den < kSmallDivisor) {}

  HWY_INLINE VI Value(VI x, VI* left) const {
    const DI di;
    const auto base = hn::Set(di, base_);
    auto n = hn::Mul(x, hn::Set(di, mul_));
    *left = hn::Zero(di);
    if constexpr (!kDivides) return hn::Add(n, base);
    n = hn::Add(n, hn::Set(di, rest_));
    auto q = hn::Zero(di);
    if (small_) {
      q = hn::ShiftLeft<kStep>(About(n, inverse_ / (1 << kStep)));
      n = hn::Sub(n, hn::Mul(q, hn::Set(di, den_)));
    }
    const auto more = About(n, inverse_);
    *left = hn::Sub(n, hn::Mul(more, hn::Set(di, den_)));
    return hn::Add(Corrected(hn::Add(q, more), *left), base);
  }

 private:
  static constexpr int kStep = 16;

  // n * factor, rounded twice.
  static HWY_INLINE VI About(VI n, double factor) {
    const DF df;
    const auto product = hn::Mul(hn::Add(HighHalf(n), LowHalf(n)), hn::Set(df, factor));
    return MagicBits(hn::Add(product, hn::Set(df, kMagic)));
  }
  // A quotient that leaves something between -den and den. (Masks are -1 where they are true.)
  HWY_INLINE VI Corrected(VI q, VI left) const {
    const DI di;
    const auto den = hn::Set(di, den_);
    if constexpr (kNearest) {
      const auto twice = hn::Add(left, left), minus = hn::Neg(den);
      const auto odd = IsOdd(q);
      const auto up = hn::Or(hn::Gt(twice, den), hn::And(odd, hn::Eq(twice, den)));
      const auto down = hn::Or(hn::Lt(twice, minus), hn::And(odd, hn::Eq(twice, minus)));
      return hn::Add(hn::Sub(q, hn::VecFromMask(di, up)), hn::VecFromMask(di, down));
    } else {
      const auto up = hn::Ge(left, den), down = hn::Lt(left, hn::Zero(di));
      return hn::Add(hn::Sub(q, hn::VecFromMask(di, up)), hn::VecFromMask(di, down));
    }
  }

  int64_t mul_, rest_, base_, den_;
  double inverse_;
  bool small_;
};

// Counts that are absent.
HWY_INLINE MI IsAbsent(const EpochParams& params, VI bits) {
  const DI di;
  auto absent = hn::Eq(bits, hn::Set(di, params.absent[0]));
  for (int32_t k = 1; k < params.num_absent; ++k) {
    absent = hn::Or(absent, hn::Eq(bits, hn::Set(di, params.absent[k])));
  }
  return absent;
}

// --- integers to times ---------------------------------------------------------------------------

template <bool kDivides, bool kAbsent>
class TimeOfInt {
 public:
  using Src = int64_t;
  using Dst = int64_t;
  explicit TimeOfInt(const EpochParams& params) : params_(params), affine_(params) {}

  HWY_INLINE VI Vector(VI x, bool* done) const {
    const DI di;
    VI left;
    auto known = IsBetween(x, params_.first, params_.last);
    auto time = affine_.Value(x, &left);
    if constexpr (kAbsent) {
      const auto absent = IsAbsent(params_, x);
      known = hn::Or(known, absent);
      time = hn::IfThenElse(absent, hn::Set(di, kNat), time);
    }
    *done = hn::AllTrue(di, known);
    return time;
  }
  int64_t Exact(int64_t x, uint32_t* errors) const { return epoch_time_of_int(params_, x, errors); }

 private:
  const EpochParams& params_;
  const Affine<kDivides, false> affine_;
};

// x * mul + base of counts that 32 bits hold, as nearly all do: two products of 32 bits for one
// of 64. SSE2 multiplies 32 bits without a sign only.
class SmallTimes {
 public:
  static constexpr bool kPays = HWY_TARGET != HWY_SSE2;

  explicit SmallTimes(const EpochParams& params)
      : first_(HWY_MAX(params.first, int64_t{INT32_MIN})),
        last_(HWY_MIN(params.last, int64_t{INT32_MAX})),
        base_(params.base) {
    // mul = high * 2^32 + low, of which low has a sign.
    const auto mul = static_cast<uint64_t>(LowBits(params.mul));
    low_ = static_cast<int32_t>(static_cast<uint32_t>(mul));
    high_ = static_cast<int32_t>((mul - static_cast<uint64_t>(int64_t{low_})) >> 32);
  }

  HWY_INLINE MI IsBeyond(VI x) const {
    const DI di;
    return hn::Or(hn::Gt(hn::Set(di, first_), x), hn::Gt(x, hn::Set(di, last_)));
  }
  HWY_INLINE VI Value(VI x) const {
    const DI di;
    const hn::Repartition<int32_t, DI> di32;
    const auto halves = hn::BitCast(di32, x);
    const auto low = hn::MulEven(halves, hn::Set(di32, low_));
    const auto high = hn::MulEven(halves, hn::Set(di32, high_));
    return hn::Add(hn::Add(low, hn::ShiftLeft<32>(high)), hn::Set(di, base_));
  }

 private:
  int64_t first_, last_, base_;
  int32_t low_, high_;
};

// Four vectors of small counts at a time; others, and the last ones, item by item or vector by
// vector.
HWY_INLINE uint32_t TimesOfSmallInts(const EpochParams& params, const sc_run* run) {
  const DI di;
  const size_t lanes = hn::Lanes(di);
  const TimeOfInt<false, false> op(params);
  const SmallTimes small(params);
  const auto* src = static_cast<const int64_t*>(run->src);
  auto* dst = static_cast<int64_t*>(run->dst);
  const auto count = static_cast<size_t>(run->n[1]);
  uint32_t errors = 0;
  size_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    const auto v0 = hn::LoadU(di, src + i);
    const auto v1 = hn::LoadU(di, src + i + lanes);
    const auto v2 = hn::LoadU(di, src + i + 2 * lanes);
    const auto v3 = hn::LoadU(di, src + i + 3 * lanes);
    const auto beyond = hn::Or(hn::Or(small.IsBeyond(v0), small.IsBeyond(v1)),
                               hn::Or(small.IsBeyond(v2), small.IsBeyond(v3)));
    if (HWY_UNLIKELY(!hn::AllFalse(di, beyond))) {
      errors |= ForItems(op, src + i, dst + i, 4 * lanes);
      continue;
    }
    hn::StoreU(small.Value(v0), di, dst + i);
    hn::StoreU(small.Value(v1), di, dst + i + lanes);
    hn::StoreU(small.Value(v2), di, dst + i + 2 * lanes);
    hn::StoreU(small.Value(v3), di, dst + i + 3 * lanes);
  }
  return errors | ForItems(op, src + i, dst + i, count - i);
}

// --- floats to times -----------------------------------------------------------------------------

template <bool kAbsent>
class TimeOfFloat {
 public:
  using Src = double;
  using Dst = int64_t;
  explicit TimeOfFloat(const EpochParams& params)
      : params_(params), factor_(static_cast<double>(params.mul)), add_(LowBits(params.add)) {}

  HWY_INLINE VI Vector(VF x, bool* done) const {
    const DI di;
    const DF df;
    const auto factor = hn::Set(df, factor_);
    const auto product = hn::Mul(x, factor);
    auto known = hn::And(hn::Ge(product, hn::Set(df, params_.float_first)),
                         hn::Le(product, hn::Set(df, params_.float_last)));
    const auto low = ProductRest(x, factor, product);
    // product + low = whole + whole_low + rest + rest_low; of the last two one is 0 or decides
    // nothing: low has no whole part where the product has a fraction.
    const auto whole = hn::Round(product), rest = hn::Sub(product, whole);
    const auto magic = hn::Set(df, kMagic);
    const auto whole_low = hn::Sub(hn::Add(low, magic), magic), rest_low = hn::Sub(low, whole_low);
    auto time = hn::Add(Integer(whole, whole_low), hn::Set(di, add_));
    const auto half = hn::Set(df, 0.5);
    const auto halves = hn::Or(hn::Eq(hn::Abs(rest), half), hn::Eq(hn::Abs(rest_low), half));
    if (HWY_UNLIKELY(!hn::AllFalse(df, halves))) time = AtHalves(time, rest, low, rest_low);
    auto absent = hn::MaskFalse(di);
    if (!params_.nan_raises) absent = hn::RebindMask(di, hn::IsNaN(x));
    if constexpr (kAbsent) absent = hn::Or(absent, IsAbsent(params_, hn::BitCast(di, x)));
    *done = hn::AllTrue(di, hn::Or(hn::RebindMask(di, known), absent));
    return hn::IfThenElse(absent, hn::Set(di, kNat), time);
  }
  int64_t Exact(double x, uint32_t* errors) const {
    return epoch_time_of_float(params_, x, errors);
  }

 private:
  // The low 64 bits of an integral float64 up to 2^82 and a small one.
  static HWY_INLINE VI Integer(VF whole, VF small) {
    const DI di;
    const DF df;
    const auto magic = hn::Set(df, kMagic);
    const auto high = hn::Add(hn::Mul(whole, hn::Set(df, 0x1p-32)), magic);
    const auto low = hn::Sub(whole, hn::Mul(hn::Sub(high, magic), hn::Set(df, 0x1p32)));
    const auto sum = hn::Add(hn::Add(low, small), magic);
    return hn::Add(hn::ShiftLeft<32>(hn::BitCast(di, high)), MagicBits(sum));
  }

  // Halves away from the even time that they were rounded to, and those with something behind them.
  static HWY_NOINLINE VI AtHalves(VI time, VF rest, VF low, VF rest_low) {
    const DI di;
    const DF df;
    const auto half = hn::Set(df, 0.5), zero = hn::Zero(df);
    const auto first = hn::Eq(hn::Abs(rest), half), second = hn::Eq(hn::Abs(rest_low), half);
    const auto above = hn::And(hn::Gt(rest, zero), hn::Gt(low, zero));
    const auto below = hn::And(hn::Lt(rest, zero), hn::Lt(low, zero));
    const auto further = hn::And(first, hn::Or(above, below));
    const auto tie = hn::Or(hn::And(first, hn::Eq(low, zero)), second);
    const auto odd_tie = hn::And(hn::RebindMask(di, tie), IsOdd(time));
    const auto moves = hn::Or(hn::RebindMask(di, further), odd_tie);
    const auto direction = hn::IfThenElse(first, rest, rest_low);
    const auto step = hn::IfThenElse(hn::RebindMask(di, hn::Lt(direction, zero)), hn::Set(di, -1),
                                     hn::Set(di, 1));
    return hn::Add(time, hn::IfThenElseZero(moves, step));
  }

  const EpochParams& params_;
  const double factor_;
  const int64_t add_;
};

// --- times to integers ---------------------------------------------------------------------------

template <bool kDivides>
class IntOfTime {
 public:
  using Src = int64_t;
  using Dst = int64_t;
  explicit IntOfTime(const EpochParams& params)
      : params_(params),
        affine_(params),
        checks_(params.has_missing && params.rule == TimeRule::kRaise) {}

  HWY_INLINE VI Vector(VI t, bool* done) const {
    const DI di;
    VI left;
    auto known = IsBetween(t, params_.first, params_.last);
    auto count = affine_.Value(t, &left);
    if (params_.exact) known = hn::And(known, hn::Eq(left, hn::Zero(di)));
    const auto missing = hn::Set(di, params_.missing);
    if (checks_) known = hn::AndNot(hn::Eq(count, missing), known);
    if (params_.has_missing) {
      const auto is_nat = hn::Eq(t, hn::Set(di, kNat));
      known = hn::Or(known, is_nat);
      count = hn::IfThenElse(is_nat, missing, count);
    }
    *done = hn::AllTrue(di, known);
    return count;
  }
  int64_t Exact(int64_t t, uint32_t* errors) const { return epoch_int_of_time(params_, t, errors); }

 private:
  const EpochParams& params_;
  const Affine<kDivides, true> affine_;
  const bool checks_;
};

// --- times to floats -----------------------------------------------------------------------------

// kPlain: neither to odd nor checked.
template <bool kPlain>
class FloatOfTime {
 public:
  using Src = int64_t;
  using Dst = double;
  explicit FloatOfTime(const EpochParams& params)
      : params_(params), mul_(LowBits(params.mul)), den_(static_cast<double>(params.den)) {}

  HWY_INLINE VF Vector(VI t, bool* done) const {
    const DI di;
    const DF df;
    const auto is_nat = hn::RebindMask(df, hn::Eq(t, hn::Set(di, kNat)));
    auto known = hn::RebindMask(df, IsBetween(t, params_.first, params_.last));
    // Both sums are of multiples of 2^32, or below 2^33: exact.
    const auto value = hn::Mul(t, hn::Set(di, mul_));
    const auto high = hn::Add(HighHalf(value), hn::Set(df, params_.add_high));
    const auto low = hn::Add(LowHalf(value), hn::Set(df, params_.add_low));
    const auto n = hn::Add(high, low), n_low = hn::Sub(low, hn::Sub(n, high));
    // A quotient and what it leaves, exact but for the last bits of n_low.
    const auto den = hn::Set(df, den_);
    const auto q = hn::Div(n, den);
    const auto back = hn::Mul(q, den);
    const auto rest = hn::Add(hn::Sub(hn::Sub(n, back), ProductRest(q, den, back)), n_low);
    const auto more = hn::Div(rest, den);
    const auto sum = hn::Add(q, more);
    const auto error = hn::Sub(more, hn::Sub(sum, q));
    // Where a little more of the error would not round otherwise, the sum is the nearest: it is
    // known to far less than that. Ties are not.
    const auto certain = hn::Eq(hn::MulAdd(error, hn::Set(df, 1 + 0x1p-30), sum), sum);
    known = hn::And(known, certain);
    if constexpr (!kPlain) known = hn::And(known, KeepsRule(sum, rest));
    *done = hn::AllTrue(df, hn::Or(known, is_nat));
    return hn::IfThenElse(is_nat, QuietNan(df), sum);
  }
  double Exact(int64_t t, uint32_t* errors) const {
    return epoch_float_of_time(params_, t, errors);
  }

 private:
  // Whether the nearest float64 is exact, or as good as the odd one: values of float32, and middles
  // between two of them, end in 28 zeros.
  HWY_INLINE MF KeepsRule(VF sum, VF rest) const {
    const DF df;
    const DU du;
    const auto equal = hn::Eq(rest, hn::Zero(df));
    if (params_.exact) return equal;
    const auto low = hn::And(hn::BitCast(du, sum), hn::Set(du, 0xFFFFFFFu));
    return hn::Or(equal, hn::RebindMask(df, hn::Ne(low, hn::Zero(du))));
  }

  const EpochParams& params_;
  const int64_t mul_;
  const double den_;
};

// --- entries -------------------------------------------------------------------------------------

uint32_t TimesOfInts(const sc_run* run) {
  const auto& params = *static_cast<const EpochParams*>(run->params);
  const bool absent = params.num_absent > 0;
  if (params.den == 1) {
    if (absent) return ForItems(TimeOfInt<false, true>(params), run);
    return SmallTimes::kPays ? TimesOfSmallInts(params, run)
                             : ForItems(TimeOfInt<false, false>(params), run);
  }
  return absent ? ForItems(TimeOfInt<true, true>(params), run)
                : ForItems(TimeOfInt<true, false>(params), run);
}

uint32_t TimesOfFloats(const sc_run* run) {
  const auto& params = *static_cast<const EpochParams*>(run->params);
  return params.num_absent > 0 ? ForItems(TimeOfFloat<true>(params), run)
                               : ForItems(TimeOfFloat<false>(params), run);
}

uint32_t IntsOfTimes(const sc_run* run) {
  const auto& params = *static_cast<const EpochParams*>(run->params);
  return params.den == 1 ? ForItems(IntOfTime<false>(params), run)
                         : ForItems(IntOfTime<true>(params), run);
}

uint32_t FloatsOfTimes(const sc_run* run) {
  const auto& params = *static_cast<const EpochParams*>(run->params);
  return params.exact || params.odd ? ForItems(FloatOfTime<false>(params), run)
                                    : ForItems(FloatOfTime<true>(params), run);
}

constexpr sc_entry EpochEntry(sc_kernel kernel, const char* name) {
  return ScaleEntry(kernel, name, 0, SC_TRAIT_IN_PLACE | uint32_t{SC_TRAIT_MAY_FAIL});
}

}  // namespace

void FillEpoch(KernelTable& table) {
  table.epoch_to_time[0] = EpochEntry(TimesOfInts, "epoch int64 to time");
  table.epoch_to_time[1] = EpochEntry(TimesOfFloats, "epoch float64 to time");
  table.time_to_epoch[0] = EpochEntry(IntsOfTimes, "time to epoch int64");
  table.time_to_epoch[1] = EpochEntry(FloatsOfTimes, "time to epoch float64");
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
