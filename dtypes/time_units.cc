// Reads the texts of TimeUnits (stridecast/datetime.h): unit words, names of epochs, instants of
// two calendars; and writes them. Lengths of units are time_unit.h's, the Gregorian calendar is
// calendar.h's.

#include <algorithm>
#include <iterator>

#include "dtypes/calendar.h"
#include "stridecast/datetime.h"
#include "stridecast/error.h"

namespace stridecast {
namespace internal {
namespace {

constexpr int64_t kDaySeconds = 86400;
constexpr int kAttoDigits = 18;
constexpr int64_t kAttoseconds = 1'000'000'000'000'000'000;
// What 64 bits of seconds hold, with room for an offset.
constexpr int64_t kMaxYear = 292'000'000'000;

struct UnitWord {
  std::string_view text;
  TimeStep step;
};
constexpr UnitWord kUnitWords[] = {
    {"day", TimeStep::kDay},
    {"days", TimeStep::kDay},
    {"d", TimeStep::kDay},
    {"hour", TimeStep::kHour},
    {"hours", TimeStep::kHour},
    {"hr", TimeStep::kHour},
    {"hrs", TimeStep::kHour},
    {"h", TimeStep::kHour},
    {"minute", TimeStep::kMinute},
    {"minutes", TimeStep::kMinute},
    {"min", TimeStep::kMinute},
    {"mins", TimeStep::kMinute},
    {"second", TimeStep::kSecond},
    {"seconds", TimeStep::kSecond},
    {"sec", TimeStep::kSecond},
    {"secs", TimeStep::kSecond},
    {"s", TimeStep::kSecond},
    {"millisecond", TimeStep::kMillisecond},
    {"milliseconds", TimeStep::kMillisecond},
    {"millisec", TimeStep::kMillisecond},
    {"millisecs", TimeStep::kMillisecond},
    {"msec", TimeStep::kMillisecond},
    {"msecs", TimeStep::kMillisecond},
    {"ms", TimeStep::kMillisecond},
    {"microsecond", TimeStep::kMicrosecond},
    {"microseconds", TimeStep::kMicrosecond},
    {"microsec", TimeStep::kMicrosecond},
    {"microsecs", TimeStep::kMicrosecond},
    {"usec", TimeStep::kMicrosecond},
    {"usecs", TimeStep::kMicrosecond},
    {"us", TimeStep::kMicrosecond},
    {"nanosecond", TimeStep::kNanosecond},
    {"nanoseconds", TimeStep::kNanosecond},
    {"nanosec", TimeStep::kNanosecond},
    {"nanosecs", TimeStep::kNanosecond},
    {"nsec", TimeStep::kNanosecond},
    {"nsecs", TimeStep::kNanosecond},
    {"ns", TimeStep::kNanosecond},
    {"week", TimeStep::kWeek},
    {"weeks", TimeStep::kWeek},
};
constexpr std::string_view kStepNames[] = {
    "weeks", "days", "hours", "minutes", "seconds", "milliseconds", "microseconds", "nanoseconds"};

// CF's units whose lengths the calendar says.
constexpr std::string_view kCalendarWords[] = {
    "month", "months", "mon", "year", "years", "yr", "yrs", "y", "common_year", "common_years"};

constexpr std::string_view kSeparators[] = {"since", "after", "from", "ref"};

// Epochs with names. The epochs are days since 1970-01-01 and seconds from there.
struct NamedEpoch {
  std::string_view text;
  TimeStep step;
  bool takes_unit;  // one may follow
  int64_t days, seconds;
};
constexpr int64_t kJulianDay = -2440588, kModifiedJulianDay = -40587;
constexpr NamedEpoch kNamedEpochs[] = {
    {"julian day", TimeStep::kDay, false, kJulianDay, 43200},
    {"julian days", TimeStep::kDay, false, kJulianDay, 43200},
    {"jd", TimeStep::kDay, false, kJulianDay, 43200},
    {"modified julian day", TimeStep::kDay, false, kModifiedJulianDay, 0},
    {"modified julian days", TimeStep::kDay, false, kModifiedJulianDay, 0},
    {"mjd", TimeStep::kDay, false, kModifiedJulianDay, 0},
    {"gps", TimeStep::kSecond, true, 3657, 0},
    {"excel", TimeStep::kDay, false, -25569, 0},
    {"unix", TimeStep::kSecond, true, 0, 0},
};

// The calendars of CF that are no dates of datetime64.
constexpr std::string_view kOtherCalendars[] = {
    "noleap", "365_day", "all_leap", "366_day", "360_day", "julian", "tai", "utc", "none"};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](char c) { return lower(c); });
  return result;
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool contains(auto&& words, std::string_view word) {
  return std::ranges::find(words, word) != std::end(words);
}

const UnitWord* find_unit(std::string_view word) {
  const auto* const found = std::ranges::find(kUnitWords, word, &UnitWord::text);
  return found == std::end(kUnitWords) ? nullptr : found;
}

// Whether dates before 1582-10-15 are Julian.
bool is_mixed(std::string_view calendar) {
  const std::string name = lower(calendar);
  if (name == "standard" || name == "gregorian") return true;
  if (name == "proleptic_gregorian") return false;
  const std::string quoted = "calendar '" + std::string(calendar) + "' ";
  throw Error(ErrorCode::kInvalidArgument,
              contains(kOtherCalendars, name)
                  ? quoted +
                        "has other dates than datetime64: decode with cftime.num2date, which "
                        "has dates of that calendar; known here are standard (gregorian) and "
                        "proleptic_gregorian"
                  : quoted + "is none of CF's: standard (gregorian) or proleptic_gregorian");
}

// --- dates ---------------------------------------------------------------------------------------

struct Date {
  int64_t year;  // as written
  int32_t month, day;
};

// Days since 1970-01-01 of a date of the Julian calendar, of a year with a zero: its years begin in
// March as in calendar.h, and four of them have 1461 days.
int64_t days_from_julian(int64_t year, int32_t month, int32_t day) {
  const int64_t shifted = year - (month <= 2 ? 1 : 0);
  const int64_t cycle = floor_div<int64_t>(shifted, 4);
  const int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  // 0000-03-01 of the Julian calendar is two days before the Gregorian one.
  return cycle * 1461 + (shifted - cycle * 4) * 365 + day_of_year - kDaysToEpoch - 2;
}

bool is_julian(const Date& date) {
  if (date.year != 1582) return date.year < 1582;
  return date.month < 10 || (date.month == 10 && date.day < 15);
}

bool never_was(const Date& date) {
  return date.year == 1582 && date.month == 10 && date.day > 4 && date.day < 15;
}

int32_t month_length(const Date& date, bool julian) {
  const int64_t year = julian && date.year < 0 ? date.year + 1 : date.year;
  if (julian && date.month == 2) return floor_mod<int64_t>(year, 4) == 0 ? 29 : 28;
  return days_in_month(year, date.month);
}

// --- the reader ----------------------------------------------------------------------------------

class Reader {
 public:
  Reader(std::string_view text, bool mixed) : text_(text), mixed_(mixed) {}

  struct Result {
    TimeStep step;
    int64_t seconds, attoseconds;
  };
  Result read() {
    skip_spaces();
    Result result = {};
    if (read_named(&result)) return result;
    result.step = read_unit();
    read_separator();
    read_instant(&result);
    return result;
  }

 private:
  [[noreturn]] void fail(size_t position, const std::string& what) const {
    throw Error(ErrorCode::kInvalidArgument, "", static_cast<int64_t>(position),
                "time units '" + std::string(text_) + "', position " + std::to_string(position) +
                    ": " + what);
  }

  bool at_end() const { return at_ >= text_.size(); }
  char peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  void skip_spaces() {
    while (!at_end() && is_space(text_[at_])) ++at_;
  }
  // Up to a space, a digit, a sign or '@', in lower case.
  std::string read_word() {
    const size_t start = at_;
    while (!at_end() && !is_space(text_[at_]) && !is_digit(text_[at_]) && text_[at_] != '@' &&
           text_[at_] != '+' && text_[at_] != '-') {
      ++at_;
    }
    return lower(text_.substr(start, at_ - start));
  }
  void require_end() {
    skip_spaces();
    if (!at_end()) {
      fail(at_,
           "nothing more is expected than the end, found '" + std::string(text_.substr(at_)) + "'");
    }
  }

  // --- names and units ---------------------------------------------------------------------------

  // The rest of the text with single spaces, in lower case.
  std::string rest() const {
    std::string result;
    for (size_t k = at_; k < text_.size(); ++k) {
      const bool space = is_space(text_[k]);
      if (space && (result.empty() || result.back() == ' ')) continue;
      result += space ? ' ' : lower(text_[k]);
    }
    while (!result.empty() && result.back() == ' ') result.pop_back();
    return result;
  }

  bool read_named(Result* result) const {
    const std::string whole = rest();
    for (const NamedEpoch& named : kNamedEpochs) {
      TimeStep step = named.step;
      if (whole != named.text) {
        const bool begins = named.takes_unit && whole.starts_with(named.text) &&
                            whole.size() > named.text.size() && whole[named.text.size()] == ' ';
        const UnitWord* const unit =
            begins ? find_unit(std::string_view(whole).substr(named.text.size() + 1)) : nullptr;
        if (unit == nullptr) continue;
        step = unit->step;
      }
      *result = {step, named.days * kDaySeconds + named.seconds, 0};
      return true;
    }
    return false;
  }

  TimeStep read_unit() {
    const size_t start = at_;
    const std::string word = read_word();
    if (const UnitWord* unit = find_unit(word)) return unit->step;
    if (contains(kCalendarWords, word)) {
      fail(start, "'" + word +
                      "' has no fixed length; where the counts are whole, add them to the epoch "
                      "as datetime64[M] (12 to a year); else write the file's times as days");
    }
    fail(start, (word.empty() ? std::string("a unit is expected") : "'" + word + "' is no unit") +
                    ": weeks, days, hours, minutes, seconds, milliseconds, microseconds or "
                    "nanoseconds since a date, or one of julian day, modified julian day, gps "
                    "seconds, excel, unix");
  }

  void read_separator() {
    skip_spaces();
    const size_t start = at_;
    if (peek() == '@') {
      ++at_;
    } else if (!contains(kSeparators, read_word())) {
      fail(start, "'since' is expected, and a date as in 'days since 1970-01-01'");
    }
    skip_spaces();
    if (at_end()) fail(at_, "a date is expected, as in 'days since 1970-01-01'");
  }

  // --- instants ----------------------------------------------------------------------------------

  struct Number {
    int64_t value = 0;
    size_t start = 0;
    int digits = 0;
  };
  // So many digits at most; more are left, and complained of by whoever comes next.
  Number read_digits(int most) {
    Number number;
    number.start = at_;
    while (number.digits < most && is_digit(peek())) {
      number.value = number.value * 10 + (text_[at_++] - '0');
      ++number.digits;
    }
    return number;
  }
  // A field of one or two digits.
  int32_t read_field(const char* name, int32_t first, int32_t last) {
    const Number number = read_digits(2);
    if (number.digits == 0 || is_digit(peek())) {
      fail(number.start, std::string(name) + " of one or two digits is expected");
    }
    if (number.value < first || number.value > last) {
      fail(number.start, std::string(name) + " " + std::to_string(number.value) + " is not from " +
                             std::to_string(first) + " to " + std::to_string(last));
    }
    return static_cast<int32_t>(number.value);
  }

  void read_instant(Result* result) {
    const int64_t days = read_date();
    int64_t seconds = read_clock(&result->attoseconds);
    seconds -= read_zone();
    require_end();
    result->seconds = days * kDaySeconds + seconds;
  }

  int64_t read_date() {
    const size_t start = at_;
    const bool negative = peek() == '-';
    if (negative || peek() == '+') ++at_;
    const Number year = read_digits(13);
    if (year.digits == 0) fail(start, "a date is expected, as in 1970-01-01");
    Date date = {negative ? -year.value : year.value, 1, 1};
    // What follows YYYYMMDD is an offset: 19700101-06.
    if (year.digits != 8 && peek() == '-' && is_digit(peek(1))) {
      ++at_;
      date.month = read_field("a month", 1, 12);
      if (peek() == '-') {
        ++at_;
        return days_of(date, read_field("a day", 1, 31), start);
      }
    } else if (year.digits == 8) {  // YYYYMMDD
      at_ = year.start + 4;
      date.year = date.year / 10000;
      date.month = read_packed("a month", 12);
      return days_of(date, read_packed("a day", 31), start);
    } else if (year.digits != 4) {
      fail(start, "a date is expected as year-month-day, a year alone has four digits");
    }
    return days_of(date, 1, start);
  }
  int32_t read_packed(const char* name, int32_t last) {
    const Number number = read_digits(2);
    if (number.value < 1 || number.value > last) {
      fail(number.start, std::string(name) + " " + std::to_string(number.value) +
                             " is not from 1 to " + std::to_string(last));
    }
    return static_cast<int32_t>(number.value);
  }

  int64_t days_of(Date date, int32_t day, size_t start) {
    date.day = day;
    if (date.year > kMaxYear || date.year < -kMaxYear) {
      fail(start, "the year is beyond the seconds that 64 bits count");
    }
    const bool julian = mixed_ && is_julian(date);
    if (mixed_ && date.year == 0) {
      fail(start,
           "the standard calendar has no year 0 (the year before 1 is -1); with the calendar "
           "proleptic_gregorian there is one");
    }
    if (mixed_ && never_was(date)) {
      fail(start,
           "the standard calendar has no 1582-10-05 to 14, the Julian 1582-10-04 comes before "
           "1582-10-15; with the calendar proleptic_gregorian there are");
    }
    const int32_t length = month_length(date, julian);
    if (day > length) {
      fail(start, "this month has " + std::to_string(length) + " days, not " + std::to_string(day));
    }
    if (julian) {
      return days_from_julian(date.year < 0 ? date.year + 1 : date.year, date.month, day);
    }
    return days_from_civil(date.year, date.month, day);
  }

  // Seconds of the day; nothing where no clock is written.
  int64_t read_clock(int64_t* attoseconds) {
    *attoseconds = 0;
    if (lower(peek()) == 't') {
      ++at_;
      if (!is_digit(peek())) fail(at_, "an hour of one or two digits is expected behind 'T'");
    } else {
      skip_spaces();
      if (!is_digit(peek())) return 0;
    }
    int64_t seconds = int64_t{3600} * read_field("an hour", 0, 23);
    if (peek() != ':') return seconds;
    ++at_;
    seconds += int64_t{60} * read_field("a minute", 0, 59);
    if (peek() != ':') return seconds;
    ++at_;
    seconds += read_field("a second (there are no leap seconds)", 0, 59);
    if (peek() == '.') *attoseconds = read_fraction();
    return seconds;
  }

  int64_t read_fraction() {
    ++at_;
    int64_t fraction = 0;
    for (int place = 0; is_digit(peek()); ++place, ++at_) {
      if (place < kAttoDigits) {
        fraction += (text_[at_] - '0') * power_of_ten(kAttoDigits - 1 - place);
      } else if (text_[at_] != '0') {
        fail(at_, "fractions of a second go to 18 digits: attoseconds");
      }
    }
    return fraction;
  }
  static int64_t power_of_ten(int exponent) {
    int64_t power = 1;
    for (int k = 0; k < exponent; ++k) power *= 10;
    return power;
  }

  // Seconds that the clock is ahead of UTC.
  int64_t read_zone() {
    skip_spaces();
    if (peek() == '+' || peek() == '-') return read_offset();
    const size_t start = at_;
    const std::string word = read_word();
    if (word.empty() || word == "z" || word == "utc" || word == "gmt") return 0;
    fail(start, "'" + word + "' is no zone: UTC, GMT, Z or an offset such as +01:00");
  }
  int64_t read_offset() {
    const bool behind = text_[at_++] == '-';
    const Number number = read_digits(4);
    int64_t hours = number.value, minutes = 0;
    if (number.digits > 2) {  // hmm or hhmm
      hours = number.value / 100;
      minutes = number.value % 100;
    } else if (number.digits > 0 && peek() == ':') {
      ++at_;
      minutes = read_field("a minute", 0, 59);
    }
    if (number.digits == 0 || hours > 23 || minutes > 59) {
      fail(number.start - 1,
           "an offset from UTC is expected as +hh, +hhmm or +hh:mm, below 24 hours");
    }
    const int64_t seconds = hours * 3600 + minutes * 60;
    return behind ? -seconds : seconds;
  }

  std::string_view text_;
  bool mixed_;
  size_t at_ = 0;
};

// --- the writer ----------------------------------------------------------------------------------

std::string two_digits(int64_t value) {
  return {static_cast<char>('0' + value / 10), static_cast<char>('0' + value % 10)};
}

std::string fraction_text(int64_t attoseconds) {
  std::string digits = std::to_string(attoseconds + kAttoseconds).substr(1);
  while (digits.back() == '0') digits.pop_back();
  return "." + digits;
}

}  // namespace
}  // namespace internal

inline namespace v0 {

TimeUnits TimeUnits::parse(std::string_view text, std::string_view calendar) {
  const internal::Reader::Result result =
      internal::Reader(text, internal::is_mixed(calendar)).read();
  return TimeUnits(result.step, result.seconds, result.attoseconds);
}

std::string TimeUnits::text() const {
  using namespace internal;
  const int64_t days = floor_div(seconds_, kDaySeconds);
  const int64_t second = seconds_ - days * kDaySeconds;
  const CivilDate<int64_t> date = civil_from_days(days);
  const bool negative = date.year < 0;
  std::string year = std::to_string(negative ? -date.year : date.year);
  if (year.size() < 4) year.insert(0, 4 - year.size(), '0');
  std::string text = std::string(kStepNames[static_cast<size_t>(step_)]) + " since " +
                     (negative ? "-" : "") + year + "-" + two_digits(date.month) + "-" +
                     two_digits(date.day);
  if (second == 0 && attoseconds_ == 0) return text;
  text += " " + two_digits(second / 3600) + ":" + two_digits(second / 60 % 60) + ":" +
          two_digits(second % 60);
  return attoseconds_ == 0 ? text : text + fraction_text(attoseconds_);
}

}  // namespace v0
}  // namespace stridecast
