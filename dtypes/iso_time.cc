// ISO 8601 texts read, see iso_time.h; iso_time_write.cc writes them.

#include "dtypes/iso_time.h"

#include <algorithm>
#include <cstring>

#include "dtypes/calendar.h"

namespace stridecast::internal {
namespace {

constexpr int64_t kSecondsOfDay = 86400;
constexpr int kAttoDigits = 18;

constexpr int64_t power_of_ten(int exponent) {
  int64_t power = 1;
  for (int i = 0; i < exponent; ++i) power *= 10;
  return power;
}

struct PowersOfTen {
  int64_t power[kAttoDigits + 1] = {};
  constexpr PowersOfTen() {
    for (int i = 0; i <= kAttoDigits; ++i) power[i] = power_of_ten(i);
  }
};
constexpr PowersOfTen kPowersOfTen;

// Any number beyond all that a unit reaches: 2^63 times 2^31 - 1 years.
constexpr Int128 kFarYear = Int128{power_of_ten(15)} * power_of_ten(14);

// Characters as numbers.
class Bytes {
 public:
  explicit Bytes(const unsigned char* text) : text_(text) {}
  uint32_t operator[](size_t i) const { return text_[i]; }

 private:
  const unsigned char* text_;
};

class Ucs4 {
 public:
  explicit Ucs4(const void* text) : text_(static_cast<const unsigned char*>(text)) {}
  uint32_t operator[](size_t i) const {
    uint32_t c;
    std::memcpy(&c, text_ + i * sizeof(c), sizeof(c));
    return c;
  }

 private:
  const unsigned char* text_;
};

constexpr bool is_digit(uint32_t c) { return c - '0' < 10; }
// isspace() of the C locale.
constexpr bool is_space(uint32_t c) { return c == ' ' || c - '\t' < 5; }

constexpr bool leaps(int32_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int32_t last_day(Int128 year, int32_t month) {
  if (month != 2) return days_in_month(1, month);
  // Divisions of 128 bits are slow, and hardly a year needs them.
  const auto few = static_cast<int32_t>(year);
  return leaps(few == year ? few : static_cast<int32_t>(year % 400)) ? 29 : 28;
}

Int128 days_of(Int128 year, int32_t month, int32_t day) {
  const auto few = static_cast<int32_t>(year);
  if (few == year) return days_from_civil<int64_t>(few, month, day);
  return days_from_civil<Int128>(year, month, day);
}

// The digits from `at` on; returns where they end.
template <class Text>
size_t read_fraction(Text text, size_t at, size_t length, int64_t* attoseconds) {
  const size_t begin = at, exact_end = std::min(length, at + kAttoDigits);
  int64_t value = 0;
  while (at < exact_end && is_digit(text[at])) {
    value = value * 10 + static_cast<int64_t>(text[at++] - '0');
  }
  *attoseconds = value * kPowersOfTen.power[begin + kAttoDigits - at];
  while (at < length && is_digit(text[at])) ++at;
  return at;
}

// `YYYY-MM-DD`, `YYYY-MM-DDThh:mm`, `YYYY-MM-DDThh:mm:ss` with or without a fraction, and 'Z' or
// nothing behind those: all that is not odd, in a third of the time that the steps below take.
template <class Text>
bool read_usual(Text text, size_t length, IsoTime* time) {
  if (length < 10) return false;
  uint32_t wrong = 0;
  const auto pair = [&](size_t at) {  // any number where there are no digits
    const uint32_t tens = text[at] - '0', ones = text[at + 1] - '0';
    wrong |= static_cast<uint32_t>(tens > 9) | static_cast<uint32_t>(ones > 9);
    return tens * 10 + ones;
  };
  const uint32_t year = pair(0) * 100 + pair(2), month = pair(5), day = pair(8);
  wrong |= (text[4] ^ '-') | (text[7] ^ '-') | static_cast<uint32_t>(month - 1 > 11);
  if (wrong != 0) return false;
  const auto y = static_cast<int32_t>(year), m = static_cast<int32_t>(month);
  if (day == 0 || day > static_cast<uint32_t>(last_day(y, m))) return false;
  if (length > 10) {
    if (length < 16 || (text[10] != 'T' && text[10] != ' ') || text[13] != ':') return false;
    const uint32_t hour = pair(11), minute = pair(14);
    uint32_t second = 0;
    int64_t attoseconds = 0;
    size_t at = 16;
    if (length >= 19 && text[16] == ':') {
      second = pair(17);
      at = 19;
      if (length > 19 && text[19] == '.') at = read_fraction(text, 20, length, &attoseconds);
    }
    if (at < length && text[at] == 'Z') ++at;
    if (at != length || wrong != 0 || hour > 23 || minute > 59 || second > 59) return false;
    time->second = static_cast<int32_t>((hour * 60 + minute) * 60 + second);
    time->attoseconds = attoseconds;
  }
  time->status = TimeTextStatus::kOk;
  time->days = days_from_civil<int64_t>(y, m, static_cast<int32_t>(day));
  return true;
}

// Reads from left to right; every step is false where the text is wrong, and fail() has kept why.
template <class Text>
class Reader {
 public:
  Reader(Text text, size_t length) : text_(text), length_(length) {}

  void read(IsoTime* time) {
    if (length_ == 0 || is_word("nat")) return;
    if (is_word("today") || is_word("now")) {
      fail(TimeTextReason::kRelative, 0);
    } else if (read_time()) {
      return set(time);
    }
    time->status = TimeTextStatus::kError;
    time->reason = reason_;
    time->position = error_at_;
  }

 private:
  bool is_word(std::string_view word) const {
    if (length_ != word.size()) return false;
    for (size_t i = 0; i < length_; ++i) {
      if ((text_[i] | 0x20) != static_cast<unsigned char>(word[i])) return false;
    }
    return true;
  }

  bool fail(TimeTextReason reason, size_t at) {
    reason_ = reason;
    error_at_ = at;
    return false;
  }
  bool ends() const { return at_ == length_; }
  bool next_is(uint32_t c) const { return at_ < length_ && text_[at_] == c; }
  bool next_is_digit() const { return at_ < length_ && is_digit(text_[at_]); }

  // Two digits from lo to hi.
  bool field(int32_t lo, int32_t hi, TimeTextReason reason, int32_t* value) {
    if (length_ - at_ < 2 || !is_digit(text_[at_]) || !is_digit(text_[at_ + 1])) {
      return fail(TimeTextReason::kDigit, at_ + (next_is_digit() ? 1 : 0));
    }
    *value = static_cast<int32_t>((text_[at_] - '0') * 10 + (text_[at_ + 1] - '0'));
    if (*value < lo || *value > hi) return fail(reason, at_);
    at_ += 2;
    return true;
  }

  bool read_time() {
    while (at_ < length_ && is_space(text_[at_])) ++at_;
    bool basic = false;
    if (!date(&basic)) return false;
    if (ends()) return true;
    if (!has_day_ || (text_[at_] != 'T' && text_[at_] != ' ')) {
      return fail(TimeTextReason::kDate, at_);
    }
    ++at_;
    if (!time_of_day(basic) || !zone()) return false;
    while (at_ < length_ && is_space(text_[at_])) ++at_;
    return ends() || fail(TimeTextReason::kEnd, at_);
  }

  bool date(bool* basic) {
    const bool negative = next_is('-'), sign = negative || next_is('+');
    at_ += sign ? 1 : 0;
    const size_t begin = at_;
    while (next_is_digit()) ++at_;
    const size_t digits = at_ - begin;
    if (digits == 0) return fail(TimeTextReason::kDigit, at_);
    *basic = !sign && digits > 5 && !next_is('-');
    if (*basic) {
      if (digits != 8) return fail(TimeTextReason::kAmbiguous, digits < 8 ? at_ : begin + 8);
      at_ = begin + 4;
    }
    year_ = number(begin, at_);
    if (negative) year_ = -year_;
    return month_and_day(*basic);
  }

  Int128 number(size_t begin, size_t end) const {
    uint64_t few = 0;
    const size_t short_end = std::min(end, begin + kAttoDigits);
    for (size_t i = begin; i < short_end; ++i) few = few * 10 + (text_[i] - '0');
    Int128 value = few;
    for (size_t i = short_end; i < end && value < kFarYear; ++i) {
      value = value * 10 + static_cast<int32_t>(text_[i] - '0');
    }
    return value;
  }

  bool month_and_day(bool basic) {
    if (!basic) {
      if (!next_is('-')) return true;
      ++at_;
    }
    if (!field(1, 12, TimeTextReason::kMonth, &month_)) return false;
    if (!basic) {
      if (!next_is('-')) return true;
      ++at_;
    }
    has_day_ = true;
    return field(1, last_day(year_, month_), TimeTextReason::kDay, &day_);
  }

  // Whether another field of the time of day follows; its ':' is read.
  bool another(bool basic) {
    if (basic) return next_is_digit();
    if (!next_is(':')) return false;
    ++at_;
    return true;
  }

  bool time_of_day(bool basic) {
    if (!field(0, 23, TimeTextReason::kHour, &hour_)) return false;
    if (!another(basic)) return true;
    if (!field(0, 59, TimeTextReason::kMinute, &minute_)) return false;
    if (!another(basic)) return true;
    if (!field(0, 59, TimeTextReason::kSecond, &second_)) return false;
    if (!next_is('.')) return true;
    at_ = read_fraction(text_, at_ + 1, length_, &attoseconds_);
    return true;
  }

  bool zone() {
    if (next_is('Z')) {
      ++at_;
      return true;
    }
    const bool west = next_is('-');
    if (!west && !next_is('+')) return true;
    ++at_;
    int32_t hours = 0, minutes = 0;
    if (!field(0, 23, TimeTextReason::kZone, &hours)) return false;
    const bool colon = next_is(':');
    at_ += colon ? 1 : 0;
    if ((colon || next_is_digit()) && !field(0, 59, TimeTextReason::kZone, &minutes)) return false;
    const int32_t offset = (hours * 60 + minutes) * 60;
    zone_ = west ? -offset : offset;
    return true;
  }

  void set(IsoTime* time) const {
    time->status = TimeTextStatus::kOk;
    time->days = days_of(year_, month_, day_);
    time->second = (hour_ * 60 + minute_) * 60 + second_ - zone_;
    time->attoseconds = attoseconds_;
    if (time->second < 0) {
      time->second += kSecondsOfDay;
      time->days -= 1;
    } else if (time->second >= kSecondsOfDay) {
      time->second -= kSecondsOfDay;
      time->days += 1;
    }
  }

  Text text_;
  size_t length_, at_ = 0;
  TimeTextReason reason_ = TimeTextReason::kNone;
  size_t error_at_ = 0;

  Int128 year_ = 0;
  int32_t month_ = 1, day_ = 1, hour_ = 0, minute_ = 0, second_ = 0;
  bool has_day_ = false;
  int64_t attoseconds_ = 0;
  int32_t zone_ = 0;  // seconds east
};

template <class Text>
IsoTime parse(Text text, size_t length) {
  while (length > 0 && text[length - 1] == 0) --length;
  IsoTime time;
  if (!read_usual(text, length, &time)) Reader<Text>(text, length).read(&time);
  return time;
}

// So many seconds in a unit's base, and so many of it in one: either is 1.
struct SecondRatio {
  int64_t seconds, per_second, attoseconds;
  // What lies beyond would not fit in any multiple of the unit, and perhaps not in 128 bits.
  Int128 reach;
  constexpr SecondRatio(int64_t in_base, int fraction_digits)
      : seconds(in_base),
        per_second(power_of_ten(fraction_digits)),
        attoseconds(power_of_ten(kAttoDigits - fraction_digits)),
        reach((Int128{1} << 96) / per_second * seconds) {}
};
// From weeks on.
constexpr SecondRatio kSecondRatios[] = {
    {7 * kSecondsOfDay, 0},
    {kSecondsOfDay, 0},
    {3600, 0},
    {60, 0},
    {1, 0},
    {1, 3},
    {1, 6},
    {1, 9},
    {1, 12},
    {1, 15},
    {1, 18},
};

const SecondRatio& ratio_of(TimeBase base) {
  return kSecondRatios[static_cast<size_t>(base) - static_cast<size_t>(TimeBase::kWeek)];
}

// floor(a / b) for b > 0, by 64 bits where they do.
Int128 fast_floor_div(Int128 a, int64_t b) {
  if (b == 1) return a;
  const auto few = static_cast<int64_t>(a);
  return few == a ? Int128{floor_div(few, b)} : floor_div(a, Int128{b});
}

// In the base of the unit, years or months.
Int128 calendar_units(Int128 days, TimeBase base) {
  const auto few = static_cast<int32_t>(days);
  const Int128 months =
      few == days ? Int128{months_from_days<int64_t>(few)} : months_from_days<Int128>(days);
  return base == TimeBase::kMonth ? months : fast_floor_div(months, 12);
}

}  // namespace

std::string_view reason_text(TimeTextReason reason) noexcept {
  static constexpr std::string_view kTexts[] = {
      "",
      "a digit is missing",
      "a date is YYYY, YYYY-MM, YYYY-MM-DD or YYYYMMDD, and a time follows 'T' or one space",
      "so many digits are a year only with a sign, and a day only if they are eight",
      "a month is 01 to 12",
      "the month has no such day",
      "an hour is 00 to 23",
      "a minute is 00 to 59",
      "a second is 00 to 59",
      "a zone is up to 23:59 hours away",
      "there is more than a time",
      "'today' and 'now' are no times",
  };
  return kTexts[static_cast<size_t>(reason)];
}

IsoTime parse_iso_time(const unsigned char* text, size_t length) noexcept {
  return parse(Bytes(text), length);
}

IsoTime parse_iso_time_ucs4(const void* text, size_t length) noexcept {
  return parse(Ucs4(text), length);
}

std::optional<int64_t> time_from_fields(const IsoTime& time, const TimeUnit& unit) noexcept {
  Int128 value;
  const auto days = static_cast<int32_t>(time.days);
  if (days == time.days && unit.multiple == 1 && !unit.is_calendar()) {
    // Two hundred thousand years and more, of which milliseconds fit.
    const SecondRatio& ratio = ratio_of(unit.base);
    const int64_t seconds = days * kSecondsOfDay + time.second;
    if (ratio.seconds != 1) return floor_div(seconds, ratio.seconds);
    if (ratio.per_second == 1) return seconds;
    if (ratio.per_second == 1000) return seconds * 1000 + time.attoseconds / power_of_ten(15);
  }
  if (unit.is_calendar()) {
    value = calendar_units(time.days, unit.base);
  } else {
    const SecondRatio& ratio = ratio_of(unit.base);
    const Int128 seconds = time.days * kSecondsOfDay + time.second;
    if (seconds > ratio.reach || seconds < -ratio.reach) return std::nullopt;
    value = fast_floor_div(seconds, ratio.seconds) * ratio.per_second;
    if (time.attoseconds != 0) value += time.attoseconds / ratio.attoseconds;
  }
  value = fast_floor_div(value, unit.multiple);
  if (value > INT64_MAX || value < -INT64_MAX) return std::nullopt;
  return static_cast<int64_t>(value);
}

}  // namespace stridecast::internal
