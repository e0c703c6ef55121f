// The proleptic Gregorian calendar in vectors of 64-bit lanes, over the million years around 1970;
// exact scalars for all others are in dtypes/calendar.h. Per-target header: include after
// foreach_target.h.
//
// After C. Neri, L. Schneider, "Euclidean affine functions and their application to calendar
// algorithms" (2022): years begin in March, and every division is a multiplication of 32 bits.
#if defined(STRIDECAST_KERNELS_CALENDAR_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STRIDECAST_KERNELS_CALENDAR_INL_H_
#undef STRIDECAST_KERNELS_CALENDAR_INL_H_
#else
#define STRIDECAST_KERNELS_CALENDAR_INL_H_
#endif

#include <cstdint>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// Days are counted from so many eras of 400 years before 0000-03-01, which keeps them positive and
// the range of 2^30 days centred.
constexpr int64_t kErasBefore = 3670;
constexpr int64_t kDaysBefore = 719468 + 146097 * kErasBefore;
constexpr int64_t kYearsBefore = 400 * kErasBefore;
constexpr int64_t kNearDays = int64_t{1} << 30;

// Of lanes whose upper halves are 0, or do not count.
template <class DU>
HWY_INLINE hn::Vec<DU> Product32(DU du, hn::Vec<DU> a, uint32_t factor) {
  const hn::RepartitionToNarrow<DU> d32;
  return hn::MulEven(hn::BitCast(d32, a), hn::BitCast(d32, hn::Set(du, uint64_t{factor})));
}

// Lanes below 2^32 by a divisor, and by 12, 100: factors and shifts of the least error.
template <int kShift, class DU>
HWY_INLINE hn::Vec<DU> Divided(DU du, hn::Vec<DU> a, uint32_t factor) {
  return hn::ShiftRight<kShift>(Product32(du, a, factor));
}

// Days to their place in [0, 2^30), for those near.
template <class D>
HWY_INLINE hn::Vec<hn::RebindToUnsigned<D>> FromEarliest(D, hn::Vec<D> days) {
  const hn::RebindToUnsigned<D> du;
  return hn::Add(hn::BitCast(du, days), hn::Set(du, static_cast<uint64_t>(kDaysBefore)));
}
template <class DU>
HWY_INLINE hn::Mask<DU> IsNear(DU du, hn::Vec<DU> from_earliest) {
  return hn::Eq(hn::ShiftRight<30>(from_earliest), hn::Zero(du));
}

template <class DU>
struct MarchDate {
  hn::Vec<DU> year;         // from kYearsBefore before 0, beginning in March
  hn::Vec<DU> day_of_year;  // from March, from 0
  hn::Vec<DU> month_day;  // the month in the upper, the day (times 2141) in the lower 16 bits of 32
};

template <class DU>
HWY_INLINE MarchDate<DU> ToMarchDate(DU du, hn::Vec<DU> from_earliest) {
  const auto three = hn::Set(du, uint64_t{3});
  const auto quarters = hn::Or(hn::ShiftLeft<2>(from_earliest), three);
  const auto century = Divided<47>(du, quarters, 963315389);  // / 146097
  const auto in_century = hn::Or(hn::Sub(quarters, Product32(du, century, 146097)), three);
  const auto split = Product32(du, in_century, 2939745);
  const auto year_of_century = hn::ShiftRight<32>(split);
  MarchDate<DU> date;
  date.day_of_year = Divided<54>(du, split, 1531969483);  // the lower half / 2939745 / 4
  date.year = hn::Add(Product32(du, century, 100), year_of_century);
  date.month_day = hn::Add(Product32(du, date.day_of_year, 2141), hn::Set(du, uint64_t{197913}));
  return date;
}

template <class DU>
HWY_INLINE hn::Vec<DU> MonthOf(const MarchDate<DU>& date) {  // 3 to 14
  return hn::ShiftRight<16>(date.month_day);
}
template <class DU>
HWY_INLINE hn::Vec<DU> DayOf(DU du, const MarchDate<DU>& date) {  // from 0
  const auto low = hn::And(date.month_day, hn::Set(du, uint64_t{0xFFFF}));
  return Divided<32>(du, low, 2006057);  // / 2141
}
// All ones in January and February.
template <class DU>
HWY_INLINE hn::Mask<DU> IsBeforeMarch(DU du, const MarchDate<DU>& date) {
  const hn::RebindToSigned<DU> d;
  return hn::RebindMask(du, hn::Gt(hn::BitCast(d, date.day_of_year), hn::Set(d, int64_t{305})));
}

// Months from kYearsBefore years before 0000-03, below 2^26, to the days that they begin with.
template <class DU>
HWY_INLINE hn::Vec<DU> DaysOfMonths(DU du, hn::Vec<DU> months) {
  const auto year = Divided<35>(du, months, 2863311531u);  // / 12
  const auto month = hn::Sub(months, Product32(du, year, 12));
  const auto century = Divided<37>(du, year, 1374389535);  // / 100
  const auto leap_days = hn::Sub(hn::ShiftRight<2>(century), century);
  const auto days_of_years = hn::Add(hn::ShiftRight<2>(Product32(du, year, 1461)), leap_days);
  const auto days_of_months =
      hn::ShiftRight<5>(hn::Add(Product32(du, month, 979), hn::Set(du, uint64_t{18})));
  return hn::Add(days_of_years, days_of_months);
}

}  // namespace
}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
