// The calendar fields of times, several in one pass: blocks of times are split into days and
// seconds, and each field is made of those in vectors, a row after the other. Dates that the
// vectors of calendar-inl.h do not hold, and NaT, are put in afterwards.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/time_fields.cc"
#include "kernels/time_fields.h"

#include <limits>

#include "dtypes/calendar.h"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/calendar-inl.h"
#include "kernels/scale-inl.h"
#include "kernels/targets.h"
#include "kernels/time-inl.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

constexpr int64_t kBlock = 128;

// A time, split.
struct Moment {
  int64_t day;       // since 1970-01-01
  int64_t second;    // of the day
  int64_t fraction;  // units of a second that has begun, where there are such
};

constexpr TimeDivisor kDaySeconds = TimeDivisor::of(86400);

HWY_INLINE Moment SplitTime(int64_t value, const TimeFieldsParams& params) {
  const TimeDivisor& split = params.split;
  const int64_t whole = split.value == 1 ? value : FloorDivide(value, split);
  const auto rest =
      static_cast<int64_t>(static_cast<uint64_t>(value) -
                           static_cast<uint64_t>(whole) * static_cast<uint64_t>(split.value));
  if (!params.below_seconds) return {whole, rest * params.seconds, 0};
  const int64_t day = FloorDivide(whole, kDaySeconds);
  return {day, whole - day * 86400, rest};
}

HWY_INLINE bool IsNearDay(int64_t day) {
  return static_cast<uint64_t>(day) + static_cast<uint64_t>(kDaysBefore) <
         static_cast<uint64_t>(kNearDays);
}

// --- one field of one time -----------------------------------------------------------------------

template <typename I>
struct IsoWeek {
  I year, week;
};

// The week that holds the Thursday of the same week.
template <typename I>
IsoWeek<I> IsoWeekOf(I day) {
  const I thursday = day + 3 - internal::floor_mod<I>(day + 3, 7);
  const I year = internal::civil_from_days<I>(thursday).year;
  return {year, (thursday - internal::days_from_civil<I>(year, 1, 1)) / 7 + 1};
}

// I: int64_t of days that are near, or Int128.
template <typename I>
int64_t DateField(TimeField field, I day) {
  const auto date = internal::civil_from_days<I>(day);
  switch (field) {
    case TimeField::kYear:
      return static_cast<int64_t>(date.year);
    case TimeField::kQuarter:
      return (date.month + 2) / 3;
    case TimeField::kMonth:
      return date.month;
    case TimeField::kDay:
      return date.day;
    case TimeField::kDayOfYear:
      return static_cast<int64_t>(day - internal::days_from_civil<I>(date.year, 1, 1) + 1);
    case TimeField::kWeekday:
      return static_cast<int64_t>(internal::floor_mod<I>(day + 3, 7));
    case TimeField::kIsoYear:
      return static_cast<int64_t>(IsoWeekOf<I>(day).year);
    case TimeField::kIsoWeek:
      return static_cast<int64_t>(IsoWeekOf<I>(day).week);
    case TimeField::kDaysInMonth:
      return internal::days_in_month(date.year, date.month);
    default:
      return internal::is_leap_year(date.year) ? 1 : 0;
  }
}

// Digits of the fraction: so many of them to a second, as units of which `period` make the next.
int64_t FractionField(int64_t fraction, int64_t units, int64_t per_second, int64_t period) {
  int64_t all;
  if (units % per_second == 0) {
    all = fraction / (units / per_second);
  } else if (per_second % units == 0) {
    all = fraction * (per_second / units);
  } else {  // of multiples
    all = static_cast<int64_t>(Int128{fraction} * per_second / units);
  }
  return all % period;
}

int64_t FieldOf(TimeField field, const Moment& at, const TimeFieldsParams& params) {
  if (field <= TimeField::kIsLeapYear) {
    return IsNearDay(at.day) ? DateField<int64_t>(field, at.day) : DateField<Int128>(field, at.day);
  }
  const int64_t units = params.below_seconds ? params.split.value : 1;
  constexpr int64_t k = 1000;
  switch (field) {
    case TimeField::kHour:
      return at.second / 3600;
    case TimeField::kMinute:
      return at.second / 60 % 60;
    case TimeField::kSecond:
      return at.second % 60;
    case TimeField::kMillisecond:
      return FractionField(at.fraction, units, k, k);
    case TimeField::kMicrosecond:
      return FractionField(at.fraction, units, k * k, k * k);
    case TimeField::kNanosecond:
      return FractionField(at.fraction, units, k * k * k, k);
    case TimeField::kPicosecond:
      return FractionField(at.fraction, units, k * k * k * k, k);
    case TimeField::kFemtosecond:
      return FractionField(at.fraction, units, k * k * k * k * k, k);
    default:
      return FractionField(at.fraction, units, k * k * k * k * k * k, k);
  }
}

// --- fields of a block in vectors ----------------------------------------------------------------

struct Block {
  int64_t items;
  // Of whole vectors; what is not near is any day.
  alignas(64) int64_t days[kBlock];
  alignas(64) uint32_t seconds[kBlock];
  alignas(64) uint32_t year[kBlock], day_of_year[kBlock], month_day[kBlock];  // of a MarchDate
  alignas(64) uint32_t weekday[kBlock];
  // Items that are not near, or NaT.
  int64_t num_odd;
  uint8_t odd[kBlock];
};

HWY_INLINE int64_t LoadTime(const uint8_t* src, int64_t i) {
  int64_t value;
  memcpy(&value, src + i * 8, 8);
  return value;
}

HWY_NOINLINE void ListOddItems(const uint8_t* src, int64_t first, int64_t end, Block& block) {
  for (int64_t i = first; i < end; ++i) {
    if (IsNearDay(block.days[i]) && LoadTime(src, i) != kNaT) continue;
    block.odd[block.num_odd++] = static_cast<uint8_t>(i);
  }
}

template <bool kBelowSeconds>
HWY_NOINLINE void SplitBlock(const uint8_t* src, const TimeFieldsParams& params, Block& block) {
  const hn::ScalableTag<int64_t> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const hn::Rebind<uint32_t, decltype(d)> d32;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const TimeDivisor split = params.split;
  const auto units = hn::Set(d, split.value), seconds = hn::Set(d, params.seconds);
  const auto* times = reinterpret_cast<const int64_t*>(src);
  block.num_odd = 0;
  for (int64_t i = 0; i < block.items; i += lanes) {
    const auto at = static_cast<size_t>(i), items = static_cast<size_t>(block.items);
    const auto value = block.items - i < lanes
                           ? LoadFew(d, times + i, RestOf(d, at, items), int64_t{0})
                           : hn::LoadU(d, times + i);
    auto day = split.value == 1 ? value : FloorDivide(d, value, split);
    hn::Vec<decltype(d)> second;
    if constexpr (kBelowSeconds) {
      const auto whole = day;
      day = FloorDivide(d, whole, kDaySeconds);
      second = hn::Sub(whole, hn::Mul(day, hn::Set(d, int64_t{86400})));
    } else {
      second = hn::Mul(hn::Sub(value, hn::Mul(day, units)), seconds);
    }
    hn::Store(day, d, block.days + i);
    hn::Store(hn::TruncateTo(d32, hn::BitCast(du, second)), d32, block.seconds + i);
    const auto near = hn::RebindMask(d, IsNear(du, FromEarliest(d, day)));
    if (HWY_UNLIKELY(!hn::AllTrue(d, hn::AndNot(IsNaT(d, value), near)))) {
      ListOddItems(src, i, HWY_MIN(i + lanes, block.items), block);
    }
  }
}

HWY_NOINLINE void SetDates(Block& block) {
  const hn::ScalableTag<int64_t> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const hn::Rebind<uint32_t, decltype(d)> d32;
  constexpr auto kFirstWeekday =
      static_cast<uint64_t>(internal::floor_mod<int64_t>(3 - kDaysBefore, 7));
  for (size_t i = 0; i < static_cast<size_t>(block.items); i += hn::Lanes(d)) {
    const auto from_earliest = hn::And(FromEarliest(d, hn::Load(d, block.days + i)),
                                       hn::Set(du, static_cast<uint64_t>(kNearDays - 1)));
    const auto date = ToMarchDate(du, from_earliest);
    const auto from_monday = hn::Add(from_earliest, hn::Set(du, kFirstWeekday));
    const auto weeks = Divided<32>(du, from_monday, 613566757);  // / 7
    const auto weekday = hn::Sub(from_monday, Product32(du, weeks, 7));
    hn::Store(hn::TruncateTo(d32, date.year), d32, block.year + i);
    hn::Store(hn::TruncateTo(d32, date.day_of_year), d32, block.day_of_year + i);
    hn::Store(hn::TruncateTo(d32, date.month_day), d32, block.month_day + i);
    hn::Store(hn::TruncateTo(d32, weekday), d32, block.weekday + i);
  }
}

using D32 = hn::ScalableTag<uint32_t>;
using V32 = hn::Vec<D32>;

HWY_INLINE V32 Load32(const uint32_t* from) { return hn::Load(D32(), from); }
HWY_INLINE V32 Set32(uint32_t value) { return hn::Set(D32(), value); }
template <int kShift>
HWY_INLINE V32 Divide32(V32 v, uint32_t factor) {
  return hn::ShiftRight<kShift>(hn::Mul(v, Set32(factor)));
}

HWY_INLINE hn::Mask<D32> BeforeMarch(V32 day_of_year) {
  const hn::RebindToSigned<D32> d;
  return hn::RebindMask(D32(), hn::Gt(hn::BitCast(d, day_of_year), hn::Set(d, 305)));
}
HWY_INLINE V32 March(const Block& block, size_t i) { return Load32(block.day_of_year + i); }

// Each makes the field of the vector of items at i.
struct Year {
  HWY_INLINE V32 operator()(const Block& block, size_t i) const {
    const auto one = hn::IfThenElseZero(BeforeMarch(March(block, i)), Set32(1));
    const auto year = hn::Add(Load32(block.year + i), one);
    return hn::Sub(year, Set32(static_cast<uint32_t>(kYearsBefore)));
  }
};
struct Month {
  HWY_INLINE V32 operator()(const Block& block, size_t i) const {
    const auto twelve = hn::IfThenElseZero(BeforeMarch(March(block, i)), Set32(12));
    return hn::Sub(hn::ShiftRight<16>(Load32(block.month_day + i)), twelve);
  }
};
struct Quarter {
  HWY_INLINE V32 operator()(const Block& block, size_t i) const {
    return Divide32<8>(hn::Add(Month()(block, i), Set32(2)), 86);  // / 3
  }
};
struct Day {
  HWY_INLINE V32 operator()(const Block& block, size_t i) const {
    const auto low = hn::And(Load32(block.month_day + i), Set32(0xFFFF));
    return hn::Add(Divide32<26>(low, 31345), Set32(1));  // / 2141
  }
};
struct Weekday {
  HWY_INLINE V32 operator()(const Block& block, size_t i) const {
    return Load32(block.weekday + i);
  }
};
// From January: January and February follow 306 days from March on.
struct DayOfYear {
  HWY_INLINE V32 operator()(const Block& block, size_t i) const {
    const D32 d;
    const auto march = March(block, i), year = Load32(block.year + i);
    // A year that 25 divides is a leap year if 16 does, any other one if 4 does: an odd number
    // times its inverse is small where it divides.
    const auto by_25 = hn::Le(hn::Mul(year, Set32(0xC28F5C29u)), Set32(UINT32_MAX / 25));
    const auto bits = hn::And(year, hn::IfThenElse(by_25, Set32(15), Set32(3)));
    const auto leap = hn::IfThenElseZero(hn::Eq(bits, hn::Zero(d)), Set32(1));
    const auto later = hn::Add(hn::Add(march, leap), Set32(60));
    return hn::IfThenElse(BeforeMarch(march), hn::Sub(march, Set32(305)), later);
  }
};
struct Hour {
  HWY_INLINE V32 operator()(const Block& block, size_t i) const {
    return Divide32<27>(Load32(block.seconds + i), 37283);  // / 3600, below 86400
  }
};
struct Minute {
  HWY_INLINE V32 operator()(const Block& block, size_t i) const {
    const auto hours = hn::Mul(Hour()(block, i), Set32(3600));
    return Divide32<21>(hn::Sub(Load32(block.seconds + i), hours), 34953);  // / 60, below 3600
  }
};
struct Second {
  HWY_INLINE V32 operator()(const Block& block, size_t i) const {
    const auto hours = hn::Mul(Hour()(block, i), Set32(3600));
    const auto minutes = hn::Mul(Minute()(block, i), Set32(60));
    return hn::Sub(hn::Sub(Load32(block.seconds + i), hours), minutes);
  }
};

template <class Field>
HWY_NOINLINE void Fill(const Block& block, uint32_t* to) {
  const D32 d;
  for (size_t i = 0; i < static_cast<size_t>(block.items); i += hn::Lanes(d)) {
    hn::Store(Field()(block, i), d, to + i);
  }
}

using Filler = void (*)(const Block&, uint32_t*);

// Null: item by item.
Filler FillerOf(TimeField field) {
  switch (field) {
    case TimeField::kYear:
      return Fill<Year>;
    case TimeField::kQuarter:
      return Fill<Quarter>;
    case TimeField::kMonth:
      return Fill<Month>;
    case TimeField::kDay:
      return Fill<Day>;
    case TimeField::kDayOfYear:
      return Fill<DayOfYear>;
    case TimeField::kWeekday:
      return Fill<Weekday>;
    case TimeField::kHour:
      return Fill<Hour>;
    case TimeField::kMinute:
      return Fill<Minute>;
    case TimeField::kSecond:
      return Fill<Second>;
    default:
      return nullptr;
  }
}

// --- rows ----------------------------------------------------------------------------------------

// Puts a value of any size into a row; reports it if it does not fit.
template <typename T>
HWY_INLINE void Put(int64_t value, uint8_t* to, uint32_t* errors) {
  const auto stored = static_cast<T>(value);
  if (stored != value) *errors |= SC_ERR_OVERFLOW;
  memcpy(to, &stored, sizeof(T));
}

template <typename T>
void FillRow(TimeField field, const Block& block, const uint8_t* src,
             const TimeFieldsParams& params, uint8_t* to, uint32_t* errors) {
  constexpr auto kSize = static_cast<int64_t>(sizeof(T));
  const Filler filler = FillerOf(field);
  if (filler == nullptr) {
    for (int64_t i = 0; i < block.items; ++i) {
      if (!IsNearDay(block.days[i])) continue;
      Put<T>(FieldOf(field, SplitTime(LoadTime(src, i), params), params), to + i * kSize, errors);
    }
  } else {
    alignas(64) uint32_t values[kBlock];
    filler(block, values);
    for (int64_t i = 0; i < block.items; ++i) {
      const T value = static_cast<int32_t>(values[i]);
      memcpy(to + i * kSize, &value, sizeof(T));
    }
  }
  for (int64_t k = 0; k < block.num_odd; ++k) {
    const int64_t i = block.odd[k];
    const int64_t value = LoadTime(src, i);
    if (value != kNaT) {
      Put<T>(FieldOf(field, SplitTime(value, params), params), to + i * kSize, errors);
    } else if (params.has_fill) {
      Put<T>(params.fill, to + i * kSize, errors);
    } else {
      *errors |= SC_ERR_NAN;
    }
  }
}

template <typename T>
uint32_t RunFields(const sc_run* run) {
  const auto& params = *static_cast<const TimeFieldsParams*>(run->params);
  const auto* src = static_cast<const uint8_t*>(run->src);
  auto* dst = static_cast<uint8_t*>(run->dst);
  const bool dates = [&] {
    for (int64_t k = 0; k < run->n[0]; ++k) {
      if (params.fields[k] <= TimeField::kIsLeapYear) return true;
    }
    return false;
  }();
  uint32_t errors = 0;
  Block block;
  for (int64_t first = 0; first < run->n[1]; first += kBlock) {
    block.items = HWY_MIN(kBlock, run->n[1] - first);
    const uint8_t* const from = src + first * 8;
    params.below_seconds ? SplitBlock<true>(from, params, block)
                         : SplitBlock<false>(from, params, block);
    if (dates) SetDates(block);
    for (int64_t k = 0; k < run->n[0]; ++k) {
      uint8_t* const to = dst + k * run->dst_step[0] + first * static_cast<int64_t>(sizeof(T));
      FillRow<T>(params.fields[k], block, from, params, to, &errors);
    }
  }
  return errors;
}

constexpr sc_entry FieldsEntry(sc_kernel kernel, const char* name) {
  return PackedEntry(kernel, name, SC_ACCESS_PACKED, SC_TRAIT_MAY_FAIL);
}

}  // namespace

void FillTimeFields(KernelTable& table) {
  table.time_fields[0] = FieldsEntry(RunFields<int32_t>, "time fields int32");
  table.time_fields[1] = FieldsEntry(RunFields<int64_t>, "time fields int64");
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
