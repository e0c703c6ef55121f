// Times between days and the years and months of the calendar: near ones in vectors, all others,
// and all other units, value by value.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/calendar.cc"
#include "dtypes/calendar.h"

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/calendar-inl.h"
#include "kernels/targets.h"
#include "kernels/time-inl.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

// Lanes under `mask` become what a scalar function makes of them.
template <class D, class F>
HWY_NOINLINE hn::Vec<D> Replace(D d, hn::Vec<D> values, hn::Mask<D> mask, hn::Vec<D> results,
                                const F& f) {
  constexpr size_t kLanes = HWY_MAX_LANES_D(D);
  HWY_ALIGN int64_t from[kLanes], to[kLanes], selected[kLanes];
  hn::Store(values, d, from);
  hn::Store(results, d, to);
  hn::Store(hn::VecFromMask(d, mask), d, selected);
  for (size_t i = 0; i < hn::Lanes(d); ++i) {
    if (selected[i] != 0) to[i] = f(from[i]);
  }
  return hn::Load(d, to);
}

// What days, years and months have in common: NaT stays, what is not near goes value by value.
template <class Way>
struct NearOr : Complaining {
  using Complaining::Complaining;
  using Src = int64_t;
  using Dst = int64_t;
  using Wide = int64_t;

  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Quick(DD d, V v) const {
    return Way::Vector(d, v);
  }
  // One bit of the evidence is set where a lane is not near.
  template <class V>
  HWY_INLINE V Evidence(V v) const {
    return hn::Add(v, hn::Set(hn::DFromV<V>(), Way::kBefore));
  }
  template <class V>
  HWY_INLINE V Merge(V a, V b) const {
    return hn::Or(a, b);
  }
  template <class V>
  HWY_INLINE bool Accept(V evidence) const {
    const hn::DFromV<V> d;
    return hn::AllTrue(d, Near(d, evidence));
  }
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD d, V v) const {
    const auto nat = IsNaT(d, v);
    const auto far = hn::Not(hn::Or(nat, Near(d, Evidence(v))));
    auto result = hn::IfThenElse(nat, v, Way::Vector(d, v));
    if (HWY_UNLIKELY(!hn::AllFalse(d, far))) {
      const auto& scalar_params = params;
      uint32_t* const where = errors;
      result = Replace(d, v, far, result,
                       [&](int64_t value) { return Way::Scalar(value, scalar_params, where); });
    }
    return result;
  }

 private:
  template <class D>
  static HWY_INLINE hn::Mask<D> Near(D d, hn::Vec<D> evidence) {
    const hn::RebindToUnsigned<D> du;
    const auto above = hn::ShiftRight<Way::kBits>(hn::BitCast(du, evidence));
    return hn::RebindMask(d, hn::Eq(above, hn::Zero(du)));
  }
};

struct DaysToYears {
  static constexpr int64_t kBefore = kDaysBefore;
  static constexpr int kBits = 30;
  template <class D>
  static HWY_INLINE hn::Vec<D> Vector(D d, hn::Vec<D> days) {
    const hn::RebindToUnsigned<D> du;
    const auto date = ToMarchDate(du, FromEarliest(d, days));
    const auto since_1970 =
        hn::Sub(date.year, hn::Set(du, static_cast<uint64_t>(kYearsBefore + 1970)));
    // A mask is -1.
    const auto before_march = hn::VecFromMask(du, IsBeforeMarch(du, date));
    return hn::BitCast(d, hn::Sub(since_1970, before_march));
  }
  static int64_t Scalar(int64_t days, const TimeScaleParams&, uint32_t*) {
    return static_cast<int64_t>(internal::civil_from_days<Int128>(days).year - 1970);
  }
  static Int128 Back(int64_t years) {
    return internal::days_from_civil<Int128>(Int128{years} + 1970, 1, 1);
  }
};

struct DaysToMonths {
  static constexpr int64_t kBefore = kDaysBefore;
  static constexpr int kBits = 30;
  template <class D>
  static HWY_INLINE hn::Vec<D> Vector(D d, hn::Vec<D> days) {
    const hn::RebindToUnsigned<D> du;
    const auto date = ToMarchDate(du, FromEarliest(d, days));
    const auto months = hn::Add(Product32(du, date.year, 12), MonthOf(date));
    return hn::BitCast(
        d, hn::Sub(months, hn::Set(du, static_cast<uint64_t>((kYearsBefore + 1970) * 12 + 1))));
  }
  static int64_t Scalar(int64_t days, const TimeScaleParams&, uint32_t*) {
    return static_cast<int64_t>(internal::months_from_days<Int128>(days));
  }
  static Int128 Back(int64_t months) { return internal::days_from_months<Int128>(months); }
};

struct MonthsToDays {
  // From 1970-01 to the first month that counts.
  static constexpr int64_t kBefore = (kYearsBefore + 1970) * 12 - 2;
  static constexpr int kBits = 25;
  template <class D>
  static HWY_INLINE hn::Vec<D> Vector(D d, hn::Vec<D> months) {
    const hn::RebindToUnsigned<D> du;
    const auto from_first = hn::Add(months, hn::Set(d, kBefore));
    const auto days = DaysOfMonths(du, hn::BitCast(du, from_first));
    return hn::BitCast(d, hn::Sub(days, hn::Set(du, static_cast<uint64_t>(kDaysBefore))));
  }
  static int64_t Scalar(int64_t months, const TimeScaleParams& params, uint32_t* errors) {
    if (months < params.lo || months > params.hi) {
      return ApplyRule(params.rule, months < params.lo, errors);
    }
    return static_cast<int64_t>(internal::days_from_months<Int128>(months));
  }
};

template <class Way>
uint32_t RunToMonths(const sc_run* run) {
  if (!static_cast<const TimeScaleParams*>(run->params)->exact) {
    return ComplainingRun<NearOr<Way>>(run);
  }
  uint32_t errors = 0;
  ForTimes(run, [&](int64_t days) {
    if (days == kNaT) return days;
    const int64_t result = Way::Scalar(days, {}, nullptr);
    if (Way::Back(result) != days) errors |= SC_ERR_INEXACT;
    return result;
  });
  return errors;
}

// --- any unit ------------------------------------------------------------------------------------

struct Floored {
  Int128 value;
  bool exact;
};

Floored FloorBy(Int128 value, Int128 divisor) {
  const Int128 quotient = internal::floor_div(value, divisor);
  return {quotient, quotient * divisor == value};
}

int64_t MonthsIn(const TimeUnit& unit) {
  return unit.multiple * (unit.base == internal::TimeBase::kYear ? 12 : 1);
}

// floor(x * num / den) in 64 bits, of NaT NaT.
struct SmallRatio {
  int64_t num = 1;
  TimeDivisor den;
  explicit SmallRatio(const internal::TimeRatio& ratio)
      : num(static_cast<int64_t>(ratio.num)),
        den(TimeDivisor::of(static_cast<int64_t>(ratio.den))) {}
  int64_t Of(int64_t value) const {
    if (value == kNaT) return value;
    const int64_t product = value * num;
    return den.value == 1 ? product : FloorDivide(product, den);
  }
};

// How far from 0 values may be for 64 bits to hold `num` of each, where they hold both numbers.
int64_t NearBy(Int128 num, Int128 den) {
  constexpr int64_t kMost = int64_t{1} << 60;
  return num < kMost && den < kMost ? kMost / static_cast<int64_t>(num) : 0;
}

// Blocks of values from -near to near, and NaT, by a kernel between days and months in between two
// ratios; all other blocks value by value.
constexpr int64_t kCalendarBlock = 256;
template <class One>
uint32_t RunInBlocks(const sc_run* run, int64_t near, const SmallRatio& before, sc_kernel between,
                     const SmallRatio& after, const One& one) {
  const auto& params = *static_cast<const TimeScaleParams*>(run->params);
  const auto* src = static_cast<const uint8_t*>(run->src);
  auto* dst = static_cast<uint8_t*>(run->dst);
  uint32_t errors = 0;
  int64_t times[kCalendarBlock];
  for (int64_t first = 0; first < run->n[1]; first += kCalendarBlock) {
    const int64_t items = HWY_MIN(kCalendarBlock, run->n[1] - first);
    const auto bytes = static_cast<size_t>(items) * sizeof(int64_t);
    memcpy(times, src + first * 8, bytes);
    bool all_near = !params.exact;
    for (int64_t i = 0; i < items; ++i) {
      all_near &= (times[i] <= near && times[i] >= -near) || times[i] == kNaT;
    }
    sc_run block = *run;
    block.n[1] = items;
    block.src = block.dst = times;
    block.flags = SC_RUN_IN_PLACE;
    if (all_near) {
      for (int64_t i = 0; i < items; ++i) times[i] = before.Of(times[i]);
      errors |= between(&block);
      for (int64_t i = 0; i < items; ++i) times[i] = after.Of(times[i]);
    } else {
      ForTimes(&block, [&](int64_t value) {
        if (value == kNaT) return value;
        const Floored result = one(value);
        if (params.exact && !result.exact) errors |= SC_ERR_INEXACT;
        const bool fits = result.value <= INT64_MAX && result.value >= -Int128{INT64_MAX};
        return fits ? static_cast<int64_t>(result.value)
                    : ApplyRule(params.rule, value < 0, &errors);
      });
    }
    memcpy(dst + first * 8, times, bytes);
  }
  return errors;
}

uint32_t RunFromFixed(const sc_run* run, const TimeScaleParams& params) {
  const internal::TimeRatio days = internal::time_ratio(params.src, {internal::TimeBase::kDay, 1});
  const int64_t months_in = MonthsIn(params.dst);
  const int64_t near = NearBy(days.num, days.den);
  const SmallRatio before(near > 0 ? days : internal::TimeRatio()), after({1, months_in});
  return RunInBlocks(run, near, before, ComplainingRun<NearOr<DaysToMonths>>, after,
                     [&](int64_t value) -> Floored {
                       const Floored day = FloorBy(value * days.num, days.den);
                       const Int128 months = internal::months_from_days<Int128>(day.value);
                       const bool first_day =
                           internal::days_from_months<Int128>(months) == day.value;
                       const Floored result = FloorBy(months, months_in);
                       return {result.value, day.exact && first_day && result.exact};
                     });
}

uint32_t RunToFixed(const sc_run* run, const TimeScaleParams& params) {
  const internal::TimeRatio units = internal::time_ratio({internal::TimeBase::kDay, 1}, params.dst);
  const int64_t months_in = MonthsIn(params.src);
  // 31 days a month, each so many units.
  const int64_t near = NearBy(Int128{31} * months_in * units.num, units.den);
  const SmallRatio before({months_in, 1}), after(near > 0 ? units : internal::TimeRatio());
  return RunInBlocks(run, near, before, ComplainingRun<NearOr<MonthsToDays>>, after,
                     [&](int64_t value) -> Floored {
                       const Int128 days =
                           internal::days_from_months<Int128>(Int128{value} * months_in);
                       // Where the product needs more than 128 bits the divisor has 31 at most.
                       constexpr Int128 kMost = std::numeric_limits<Int128>::max();
                       const bool fits = days <= kMost / units.num && days >= -kMost / units.num;
                       if (!fits) return {value < 0 ? -kMost : kMost, true};
                       return FloorBy(days * units.num, units.den);
                     });
}

uint32_t RunCalendar(const sc_run* run) {
  const auto& params = *static_cast<const TimeScaleParams*>(run->params);
  return params.src.is_calendar() ? RunToFixed(run, params) : RunFromFixed(run, params);
}

}  // namespace

void FillCalendar(KernelTable& table) {
  table.days_to_years = TimeEntry(RunToMonths<DaysToYears>, "days to years");
  table.days_to_months = TimeEntry(RunToMonths<DaysToMonths>, "days to months");
  table.months_to_days = TimeEntry(ComplainingRun<NearOr<MonthsToDays>>, "months to days");
  table.time_calendar = TimeEntry(RunCalendar, "calendar");
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
