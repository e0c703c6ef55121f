// Times from one unit of fixed length to another: x * num with overflow found exactly, floor(x /
// den) by a multiplication, and both at once. Which of them a pair of units takes is the engine's
// business; years and months are calendar.cc's.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/time_scale.cc"
#include "dtypes/calendar.h"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/targets.h"
#include "kernels/time-inl.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

// --- finer units ---------------------------------------------------------------------------------

// The low 64 bits of the product, of which kNarrow factors fit 32 bits.
template <bool kNarrow, class D>
HWY_INLINE hn::Vec<D> Product(D d, hn::Vec<D> v, hn::Vec<D> num) {
  if constexpr (kNarrow && HWY_TARGET != HWY_EMU128) {
    const hn::RepartitionToNarrow<hn::RebindToUnsigned<D>> d32;
    const auto low = hn::BitCast(d, hn::MulEven(hn::BitCast(d32, v), hn::BitCast(d32, num)));
    const auto upper = hn::ShiftRight<32>(hn::BitCast(hn::RebindToUnsigned<D>(), v));
    const auto high = hn::BitCast(d, hn::MulEven(hn::BitCast(d32, upper), hn::BitCast(d32, num)));
    return hn::Add(low, hn::ShiftLeft<32>(high));
  } else {
    return hn::Mul(v, num);
  }
}

template <bool kNarrow>
struct Multiply : Complaining {
  using Complaining::Complaining;
  using Src = int64_t;
  using Dst = int64_t;
  using Wide = int64_t;
  // Most values lie within +-2^k, where 2^k is the largest power that fits: an addition tells.
  int64_t near = int64_t{1} << (63 - __builtin_clzll(static_cast<uint64_t>(params.hi) | 1));

  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Quick(DD d, V v) const {
    return Product<kNarrow>(d, v, hn::Set(d, params.num));
  }
  template <class V>
  HWY_INLINE V Evidence(V v) const {
    return hn::Add(v, hn::Set(hn::DFromV<V>(), near));
  }
  template <class V>
  HWY_INLINE V Merge(V a, V b) const {
    return hn::Or(a, b);
  }
  template <class V>
  HWY_INLINE bool Accept(V evidence) const {
    const hn::DFromV<V> d;
    const auto beyond = hn::Set(d, static_cast<int64_t>(~(2 * static_cast<uint64_t>(near) - 1)));
    return hn::AllTrue(d, hn::Eq(hn::And(evidence, beyond), hn::Zero(d)));
  }
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD d, V v) const {
    const auto nat = IsNaT(d, v);
    const auto low = hn::AndNot(nat, hn::Lt(v, hn::Set(d, params.lo)));
    const auto high = hn::Gt(v, hn::Set(d, params.hi));
    const auto product = hn::Mul(v, hn::Set(d, params.num));
    return hn::IfThenElse(nat, v, ApplyRule(d, params, product, low, high, errors));
  }
};

uint32_t RunMultiply(const sc_run* run) {
  const auto& params = *static_cast<const TimeScaleParams*>(run->params);
  return params.num <= UINT32_MAX ? ComplainingRun<Multiply<true>>(run)
                                  : ComplainingRun<Multiply<false>>(run);
}

// --- coarser units -------------------------------------------------------------------------------

struct Divide : Complaining {
  using Complaining::Complaining;
  using Src = int64_t;
  using Dst = int64_t;
  using Wide = int64_t;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD d, V v) const {
    const auto quotient = FloorDivide(d, v, params.den);
    return hn::IfThenElse(IsNaT(d, v), v, quotient);
  }
};

// By way of float64, for divisors from 2^13 on: quotients are below 2^50 then, so that the product
// with the reciprocal, rounded to an integer by what is added, is the floor or one more. What is
// left of the dividend, which needs but the low 64 bits, tells which.
template <bool kNarrow>
struct DivideByFloat : Complaining {
  using Complaining::Complaining;
  using Src = int64_t;
  using Dst = int64_t;
  using Wide = int64_t;
  double reciprocal = 1.0 / static_cast<double>(params.den.value);
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD d, V v) const {
    const hn::RebindToFloat<DD> df;
    const auto rounder = hn::Set(df, 0x1.8p52);
    const auto rounded = hn::MulAdd(hn::ConvertTo(df, v), hn::Set(df, reciprocal), rounder);
    const auto above = hn::Sub(hn::BitCast(d, rounded), hn::BitCast(d, rounder));
    const auto rest = hn::Sub(v, Product<kNarrow>(d, above, hn::Set(d, params.den.value)));
    const auto quotient = hn::Add(above, hn::BroadcastSignBit(rest));
    return hn::IfThenElse(IsNaT(d, v), v, quotient);
  }
};
constexpr int64_t kLeastFloatDivisor = 1 << 13;

// AVX-512 converts int64 to float64 in one instruction; AVX2 takes five, by which it lost 6% to 22%
// (Zen 3).
uint32_t DivideByVectors(const sc_run* run) {
  const auto& params = *static_cast<const TimeScaleParams*>(run->params);
  constexpr bool kConverts = HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3;
  if (!kConverts || params.den.value < kLeastFloatDivisor) return ComplainingRun<Divide>(run);
  return params.den.value <= UINT32_MAX ? ComplainingRun<DivideByFloat<true>>(run)
                                        : ComplainingRun<DivideByFloat<false>>(run);
}

// Vectors of four lanes divide in half the time of four scalar products of 64 bits (Zen 3); those
// of two, with emulated comparisons, were not tried.
constexpr bool kDividesByVectors = HWY_TARGET != HWY_SSE2;

// What a floor leaves; quotient * den alone may be below the least integer.
HWY_INLINE int64_t RestOf(int64_t value, int64_t quotient, const TimeDivisor& den) {
  return static_cast<int64_t>(static_cast<uint64_t>(value) -
                              static_cast<uint64_t>(quotient) * static_cast<uint64_t>(den.value));
}

// Value by value: f(x, &exact) of those that fit.
template <class F>
HWY_INLINE uint32_t ScaleTimes(const sc_run* run, const TimeScaleParams& params, const F& f) {
  uint32_t errors = 0;
  ForTimes(run, [&](int64_t value) HWY_ATTR {
    if (value == kNaT) return value;
    if (value < params.lo || value > params.hi) {
      return ApplyRule(params.rule, value < params.lo, &errors);
    }
    bool exact = true;
    const int64_t result = f(value, &exact);
    if (params.exact && !exact) errors |= SC_ERR_INEXACT;
    return result;
  });
  return errors;
}

uint32_t RunDivide(const sc_run* run) {
  const auto& params = *static_cast<const TimeScaleParams*>(run->params);
  if (params.exact) {
    return ScaleTimes(run, params, [&](int64_t value, bool* exact) HWY_ATTR {
      const int64_t quotient = FloorDivide(value, params.den);
      *exact = RestOf(value, quotient, params.den) == 0;
      return quotient;
    });
  }
  if (kDividesByVectors) return DivideByVectors(run);
  const TimeDivisor den = params.den;  // which no store can change
  ForTimes(run, [=](int64_t value) HWY_ATTR {
    const int64_t quotient = FloorDivide(value, den);
    return value == kNaT ? value : quotient;
  });
  return 0;
}

// --- both ----------------------------------------------------------------------------------------

// floor(x * num / den) = q * num + floor(r * num / den), where x = q * den + r.
uint32_t RunScale(const sc_run* run) {
  const auto& params = *static_cast<const TimeScaleParams*>(run->params);
  return ScaleTimes(run, params, [&](int64_t value, bool* exact) HWY_ATTR {
    const int64_t quotient = FloorDivide(value, params.den);
    const int64_t product = RestOf(value, quotient, params.den) * params.num;
    const int64_t rest = FloorDivide(product, params.den);
    *exact = RestOf(product, rest, params.den) == 0;
    // The product alone may be below the least integer.
    const auto whole = static_cast<uint64_t>(quotient) * static_cast<uint64_t>(params.num);
    return static_cast<int64_t>(whole + static_cast<uint64_t>(rest));
  });
}

uint32_t RunScaleWide(const sc_run* run) {
  const auto& params = *static_cast<const TimeScaleParams*>(run->params);
  return ScaleTimes(run, params, [&](int64_t value, bool* exact) {
    const Int128 product = value * params.wide_num;
    const Int128 quotient = internal::floor_div(product, params.wide_den);
    *exact = quotient * params.wide_den == product;
    return static_cast<int64_t>(quotient);
  });
}

}  // namespace

void FillTimeScale(KernelTable& table) {
  table.time_multiply = TimeEntry(RunMultiply, "multiply times");
  table.time_divide = TimeEntry(RunDivide, "divide times");
  table.time_scale = TimeEntry(RunScale, "scale times");
  table.time_scale_wide = TimeEntry(RunScaleWide, "scale times in 128 bits");
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
