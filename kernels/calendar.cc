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

bool InRange(Int128 time) { return time <= INT64_MAX && time >= -Int128{INT64_MAX}; }

// Months since 1970-01 that a value in a unit of fixed length lies in.
Floored MonthsOf(int64_t value, const TimeUnit& unit) {
  const internal::TimeRatio days = internal::time_ratio(unit, {internal::TimeBase::kDay, 1});
  const Floored floored = FloorBy(value * days.num, days.den);
  const Int128 months = internal::months_from_days<Int128>(floored.value);
  const bool first_day = internal::days_from_months<Int128>(months) == floored.value;
  return {months, floored.exact && first_day};
}

uint32_t RunFromFixed(const sc_run* run, const TimeScaleParams& params) {
  const Int128 months =
      params.dst.multiple * (params.dst.base == internal::TimeBase::kYear ? 12 : 1);
  uint32_t errors = 0;
  ForTimes(run, [&](int64_t value) {
    if (value == kNaT) return value;
    const Floored from = MonthsOf(value, params.src);
    const Floored result = FloorBy(from.value, months);
    if (params.exact && !(from.exact && result.exact)) errors |= SC_ERR_INEXACT;
    return InRange(result.value) ? static_cast<int64_t>(result.value)
                                 : ApplyRule(params.rule, value < 0, &errors);
  });
  return errors;
}

uint32_t RunToFixed(const sc_run* run, const TimeScaleParams& params) {
  const Int128 months =
      params.src.multiple * (params.src.base == internal::TimeBase::kYear ? 12 : 1);
  const internal::TimeRatio units = internal::time_ratio({internal::TimeBase::kDay, 1}, params.dst);
  uint32_t errors = 0;
  ForTimes(run, [&](int64_t value) {
    if (value == kNaT) return value;
    const Int128 days = internal::days_from_months<Int128>(value * months);
    // Beyond, days alone, of which there are fewer than 2^102, are more than 2^63 units.
    constexpr Int128 kMost = std::numeric_limits<Int128>::max();
    const bool fits = days <= kMost / units.num && days >= -kMost / units.num;
    const Floored result = fits ? FloorBy(days * units.num, units.den) : Floored{days, true};
    if (!fits || !InRange(result.value)) {
      return ApplyRule(params.rule, value < 0, &errors);
    }
    if (params.exact && !result.exact) errors |= SC_ERR_INEXACT;
    return static_cast<int64_t>(result.value);
  });
  return errors;
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
