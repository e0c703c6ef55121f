// ISO 8601 texts to times, a batch at a time: texts of one form to int64 times of one unit, and
// which of them are not of that form or have a field out of range. Which form, and what becomes of
// other texts, is parse_time.cc's business. Per-target header: include after foreach_target.h.
//
// Every byte of a text less the character that belongs there is a digit or 0, and one comparison
// tells for all (after D. Lemire, "Parsing timestamps and dates quickly", 2023). Digits are paired
// by multiplying and adding, and a transpose gives vectors of one field. Days are counted from
// March 1st, so that a month begins (979 * month - 2919) / 32 days after it (after C. Neri,
// L. Schneider, "Euclidean affine functions and their application to calendar algorithms", 2022).

#if defined(STRIDECAST_KERNELS_PARSE_TIME_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STRIDECAST_KERNELS_PARSE_TIME_INL_H_
#undef STRIDECAST_KERNELS_PARSE_TIME_INL_H_
#else
#define STRIDECAST_KERNELS_PARSE_TIME_INL_H_
#endif

#include <cstring>
#include <utility>

#include "kernels/time_text-inl.h"

#if STRIDECAST_TIME_TEXT_VECTORS

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

// What texts of one form have in common, and how they become times of a unit.
struct Form {
  bool known = false;
  bool clock = false;     // behind the date
  bool fraction = false;  // behind the seconds, and some of it counts
  // Of the first 32 characters: what is taken away from each, what may be left at most, and another
  // character that leaves nothing.
  alignas(32) uint8_t expected[32], limit[32], other[32];
  // Which characters of the first 16 and the next 16 make the pairs of digits of YY YY MM DD hh mm
  // ss and, after a 0, of the first digit of the fraction.
  alignas(16) uint8_t pairs[2][16];
  // Which of the next 16 make the eight digits that follow in the unit, in the lower half and in
  // the upper half of a block.
  alignas(16) uint8_t rest[2][16];
  uint16_t first_year = 0, last_year = 9999;
  // Times are (days * day << day_shift) + clock * tick + the rest of the fraction - origin. The
  // clock has per_minute and per_second.
  uint16_t per_minute = 60, per_second = 1;
  uint64_t day = 1, tick = 0, origin = 0;
  int day_shift = 0;
};

constexpr uint8_t kNothing = 0x80;  // in place of an index

// As DigitsOfVectors; minutes, too.
HWY_INLINE int DigitsOfParsing(const TimeUnit& unit) {
  return unit == TimeUnit{internal::TimeBase::kMinute, 1} ? 0 : DigitsOfVectors(unit);
}

// How long the text is in NULs and a 'Z', if it is as long as those that are known.
HWY_INLINE size_t LengthOfForm(const uint8_t* text, size_t width) {
  size_t length = width;
  while (length > 0 && text[length - 1] == 0) --length;
  if (length > kMinuteLength && text[length - 1] == 'Z') --length;
  const bool fraction =
      length == kPointLength + 3 || length == kPointLength + 6 || length == kPointLength + 9;
  const bool whole = length == kDateLength || length == kMinuteLength || length == kClockLength;
  return fraction || whole ? length : 0;
}

void SetCharacters(Form& form, size_t length, size_t width) {
  const char* const sample = "0000-00-00T00:00:00.000000000";
  const char* const highest = "9999-19-39T29:59:59.999999999";
  for (size_t i = 0; i < 32; ++i) {
    form.expected[i] = form.other[i] = static_cast<uint8_t>(i < length ? sample[i] : 0);
    const bool digit = i < length && sample[i] == '0';
    form.limit[i] = i >= width ? 0xFF : static_cast<uint8_t>(digit ? highest[i] - '0' : 0);
  }
  if (!form.clock) return;
  form.other[kDateLength] = ' ';
  form.other[length] = 'Z';
}

void SetPairs(Form& form, size_t length, int digits) {
  constexpr uint8_t kPairs[] = {0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15};
  memset(form.pairs, kNothing, sizeof(form.pairs));
  memset(form.rest, kNothing, sizeof(form.rest));
  memcpy(form.pairs[0], kPairs, form.clock ? 12 : 8);
  if (length < kClockLength) return;
  form.pairs[1][12] = 17 - 16;
  form.pairs[1][13] = 18 - 16;
  if (!form.fraction) return;
  form.pairs[1][15] = kPointLength - 16;
  const int given = HWY_MIN(static_cast<int>(length - kPointLength), digits);
  for (int k = 1; k < given; ++k) {
    const int at = 8 - digits + k;
    form.rest[0][at] = form.rest[1][at + 8] = static_cast<uint8_t>(kPointLength - 16 + k);
  }
}

HWY_NOINLINE Form FormOf(const uint8_t* text, size_t width, const TimeUnit& unit) {
  Form form;
  const size_t length = LengthOfForm(text, width);
  const int digits = DigitsOfParsing(unit);
  if (length == 0 || digits < 0) return form;
  form.known = true;
  form.clock = length > kDateLength;
  form.fraction = length > kPointLength && digits > 0;
  SetCharacters(form, length, width);
  SetPairs(form, length, digits);
  const uint64_t second = TenTo(digits);
  form.tick = second;
  form.day = second * 86400;
  if (form.fraction) {  // tenths of seconds
    form.tick = second / 10;
    form.per_minute = 600;
  } else if (unit.base == internal::TimeBase::kDay) {
    form.day = 1;
    form.per_minute = form.per_second = 0;
  } else if (unit.base == internal::TimeBase::kMinute) {
    form.day = 1440;
    form.per_minute = 1;
    form.per_second = 0;
  }
  form.origin = form.day * static_cast<uint64_t>(kDaysToDayZero);
  for (; form.day >> 32 != 0; ++form.day_shift) form.day /= 2;
  if (digits == 9) {  // whole years that fit
    form.first_year = 1678;
    form.last_year = 2261;
  }
  return form;
}

// Vectors of a batch: pairs of digits, and in blocks of two texts the rest of the fraction.
struct Digits {
  V16 pair[8];
  V64 rest[4];
};

// The characters of a block, less what is expected there; `bad` gets a bit where that is too much.
HWY_INLINE V8 Values(V8 text, const Form& form, size_t at, V8& bad) {
  const V8 value = hn::AndNot(hn::VecFromMask(D8(), text == AllBlocks(form.other + at)),
                              hn::Sub(text, AllBlocks(form.expected + at)));
  bad = hn::Or(bad, hn::SaturatedSub(value, AllBlocks(form.limit + at)));
  return value;
}

HWY_INLINE hn::Vec<hn::RebindToSigned<D16>> PairDigits(V8 digits) {
  const hn::RebindToSigned<D16> di16;
  const auto tens = hn::BitCast(hn::RebindToSigned<D8>(), hn::Set(D16(), uint16_t{0x010A}));
  return hn::SatWidenMulPairwiseAdd(di16, digits, tens);
}

// Loads vector i. kTwo: texts reach, or are checked, beyond 16 characters.
template <bool kTwo, bool kFraction, size_t i>
HWY_INLINE void LoadVector(const Form& form, const uint8_t* src, size_t stride, V8& all_bad,
                           uint8_t* bad_bytes, Digits& digits, V8& even_rest) {
  const D8 d8;
  const uint8_t* const first = src + BatchStart(i) * stride;
  V8 bad = hn::Zero(d8);
  const V8 lower = Values(LoadBlocks(d8, first, 2 * stride), form, 0, bad);
  V8 pairs = hn::TableLookupBytesOr0(lower, AllBlocks(form.pairs[0]));
  if constexpr (kTwo) {
    const V8 upper = Values(LoadBlocks(d8, first + 16, 2 * stride), form, 16, bad);
    pairs = hn::Or(pairs, hn::TableLookupBytesOr0(upper, AllBlocks(form.pairs[1])));
    if constexpr (kFraction) {
      const V8 rest = hn::TableLookupBytesOr0(upper, AllBlocks(form.rest[i % 2]));
      if constexpr (i % 2 == 0) {
        even_rest = rest;
      } else {
        const auto hundreds =
            hn::BitCast(hn::RebindToSigned<D16>(), hn::Set(D32(), (uint32_t{1} << 16) + 100));
        const V64 fours = hn::BitCast(
            D64(), hn::WidenMulPairwiseAdd(hn::RebindToSigned<D32>(),
                                           PairDigits(hn::Or(even_rest, rest)), hundreds));
        digits.rest[i / 2] =
            hn::Add(MulLow(fours, hn::Set(D64(), uint64_t{10000})), hn::ShiftRight<32>(fours));
      }
    }
  }
  digits.pair[i] = hn::BitCast(D16(), PairDigits(pairs));
  hn::Store(bad, d8, bad_bytes + i * hn::MaxLanes(d8));
  all_bad = hn::Or(all_bad, bad);
}

HWY_INLINE hn::Mask<D16> AtMost(V16 v, V16 most) { return hn::Min(v, most) == v; }

HWY_INLINE V16 Set16(int value) { return hn::Set(D16(), static_cast<uint16_t>(value)); }

HWY_INLINE V32 MulAddPairs(V16 a, V16 b, V16 by_a, V16 by_b, bool upper) {
  const hn::RebindToSigned<D16> di16;
  const D16 d16;
  const V16 pairs = upper ? hn::InterleaveUpper(d16, a, b) : hn::InterleaveLower(d16, a, b);
  return hn::BitCast(
      D32(), hn::WidenMulPairwiseAdd(hn::RebindToSigned<D32>(), hn::BitCast(di16, pairs),
                                     hn::BitCast(di16, hn::InterleaveLower(d16, by_a, by_b))));
}

// The days from 400 years before 0000-03-01 are year * 365 + rest.
struct Date {
  V16 year, rest;
  hn::Mask<D16> valid;
};

HWY_INLINE Date DateOf(const Form& form, V16 century, V16 year_of_century, V16 month, V16 day) {
  const D16 d16;
  const V16 one = Set16(1);
  const V16 year = hn::Add(hn::Mul(century, Set16(100)), year_of_century);
  const V16 leap_part = hn::IfThenElse(year_of_century == hn::Zero(d16), century, year_of_century);
  const auto leap = hn::And(leap_part, Set16(3)) == hn::Zero(d16);
  const V16 last_of_february = hn::Sub(Set16(28), hn::VecFromMask(d16, leap));
  const V16 last_of_others =
      hn::Add(Set16(30), hn::And(hn::Add(month, hn::ShiftRight<3>(month)), one));
  const V16 last_day = hn::IfThenElse(month == Set16(2), last_of_february, last_of_others);

  Date date;
  const auto year_ok =
      AtMost(hn::Sub(year, Set16(form.first_year)), Set16(form.last_year - form.first_year));
  const auto month_ok = AtMost(hn::Sub(month, one), Set16(11));
  const auto day_ok = AtMost(hn::Sub(day, one), hn::Sub(last_day, one));
  date.valid = hn::And(year_ok, hn::And(month_ok, day_ok));

  const auto early = hn::Min(month, Set16(2)) == month;  // in the year that began in March
  date.year = hn::Add(hn::Add(year, Set16(400)), hn::VecFromMask(d16, early));
  const V16 march = hn::Add(month, hn::And(hn::VecFromMask(d16, early), Set16(12)));
  const V16 day_of_year = hn::ShiftRight<5>(hn::Sub(hn::Mul(march, Set16(979)), Set16(2919)));
  const V16 centuries = By100(date.year);
  const V16 leap_days =
      hn::Add(hn::Sub(hn::ShiftRight<2>(date.year), centuries), hn::ShiftRight<2>(centuries));
  date.rest = hn::Add(hn::Add(leap_days, day_of_year), hn::Sub(day, one));
  return date;
}

// Two 64-bit vectors of times from two quarters of the batch's days and clocks.
template <bool kClock, bool kFraction>
HWY_INLINE void StoreTimes(const Form& form, V32 days, V32 clock, const Digits& digits, int half,
                           uint8_t* dst) {
  const D32 d32;
  const D64 d64;
  const V32 zero = hn::Zero(d32);
  const auto store = [&](V32 days64, V32 clock64, int quarter) HWY_ATTR {
    V64 time = hn::ShiftLeftSame(hn::MulEven(days64, hn::BitCast(d32, hn::Set(d64, form.day))),
                                 form.day_shift);
    if constexpr (kClock) {
      time = hn::Add(time, hn::MulEven(clock64, hn::BitCast(d32, hn::Set(d64, form.tick))));
    }
    if constexpr (kFraction) time = hn::Add(time, digits.rest[quarter]);
    time = hn::Sub(time, hn::Set(d64, form.origin));
    hn::StoreU(hn::BitCast(D8(), time), D8(), dst + static_cast<size_t>(quarter) * sizeof(time));
  };
  store(hn::InterleaveLower(d32, days, zero), hn::InterleaveLower(d32, clock, zero), 2 * half);
  store(hn::InterleaveUpper(d32, days, zero), hn::InterleaveUpper(d32, clock, zero), 2 * half + 1);
}

// A bit for every text that is not of the form.
HWY_NOINLINE uint32_t BadTexts(const uint8_t* bad_bytes, V16 valid) {
  const D8 d8;
  const D16 d16;
  V16 bad[8];
  for (size_t i = 0; i < 8; ++i) {
    bad[i] = hn::BitCast(d16, hn::Load(d8, bad_bytes + i * hn::MaxLanes(d8)));
  }
  Transpose8(bad);
  const V16 any = hn::Or(hn::Or(hn::Or(bad[0], bad[1]), hn::Or(bad[2], bad[3])),
                         hn::Or(hn::Or(bad[4], bad[5]), hn::Or(bad[6], bad[7])));
  const auto good = hn::AndNot(hn::VecFromMask(d16, any != hn::Zero(d16)), valid);
  uint8_t bits[8] = {};
  hn::StoreMaskBits(d16, good == hn::Zero(d16), bits);
  uint32_t lanes, texts = 0;
  memcpy(&lanes, bits, sizeof(lanes));
  for (; lanes != 0; lanes &= lanes - 1) {
    texts |= uint32_t{1} << TextOfLane(hwy::Num0BitsBelowLS1Bit_Nonzero32(lanes));
  }
  return texts;
}

// kBatch texts, `stride` bytes apart; returns a bit for every one that is not of the form, whose
// time is not set. Reads up to 16, kTwo: 32 bytes of each.
template <bool kTwo, bool kClock, bool kFraction>
HWY_NOINLINE uint32_t ParseBatch(const Form& form, const uint8_t* src, size_t stride,
                                 uint8_t* dst) {
  const D8 d8;
  const D16 d16;
  alignas(64) uint8_t bad_bytes[8 * hn::MaxLanes(d8)];
  Digits digits;
  V8 all_bad = hn::Zero(d8), even_rest = all_bad;
  [&]<size_t... i>(std::index_sequence<i...>) HWY_ATTR {
    (LoadVector<kTwo, kFraction, i>(form, src, stride, all_bad, bad_bytes, digits, even_rest), ...);
  }
  (std::make_index_sequence<8>());
  V16(&field)[8] = digits.pair;
  Transpose8(field);

  const Date date = DateOf(form, field[0], field[1], field[2], field[3]);
  auto valid = date.valid;
  V16 minutes = hn::Zero(d16), seconds = minutes;
  if constexpr (kClock) {
    valid = hn::And(valid, AtMost(field[4], Set16(23)));
    minutes = hn::Add(hn::Mul(field[4], Set16(60)), field[5]);
    seconds = kFraction ? hn::Add(hn::Mul(field[6], Set16(10)), field[7]) : field[6];
  }
  for (int half = 0; half < 2; ++half) {
    const V32 days = MulAddPairs(date.year, date.rest, Set16(365), Set16(1), half == 1);
    const V32 clock =
        MulAddPairs(minutes, seconds, Set16(form.per_minute), Set16(form.per_second), half == 1);
    StoreTimes<kClock, kFraction>(form, days, clock, digits, half, dst);
  }
  if (HWY_LIKELY(hn::AllTrue(d16, valid) && hn::AllTrue(d8, all_bad == hn::Zero(d8)))) return 0;
  return BadTexts(bad_bytes, hn::VecFromMask(d16, valid));
}

}  // namespace
}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // STRIDECAST_TIME_TEXT_VECTORS

#endif  // per-target include guard
