// Kernels of times as text on every target, against the functions for one text or time
// (dtypes/iso_time.h): texts of all forms, valid ones, such with a character or two changed, and
// garbage, of every width, every number of them past several vectors, between guard pages; bytes
// and UCS-4; what they complain of, and what becomes of that.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "dtypes/iso_time.h"
#include "kernels/time_params.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/kernel_run.h"
#include "tests/support/random_layout.h"
#include "tests/support/target_param.h"

namespace stridecast::testing {
namespace {

using internal::IsoTime;
using internal::TimeBase;
using internal::TimeTextStatus;
using internal::TimeUnit;
using kernels::TimeRule;
using kernels::TimeTextParams;

constexpr TimeUnit kUnits[] = {
    {TimeBase::kYear, 1},       {TimeBase::kMonth, 1},       {TimeBase::kWeek, 1},
    {TimeBase::kDay, 1},        {TimeBase::kHour, 1},        {TimeBase::kMinute, 1},
    {TimeBase::kSecond, 1},     {TimeBase::kMillisecond, 1}, {TimeBase::kMicrosecond, 1},
    {TimeBase::kNanosecond, 1}, {TimeBase::kPicosecond, 1},  {TimeBase::kFemtosecond, 1},
    {TimeBase::kAttosecond, 1}, {TimeBase::kYear, 10},       {TimeBase::kDay, 3},
    {TimeBase::kSecond, 25},    {TimeBase::kNanosecond, 100}};
// Those of vectors.
constexpr TimeUnit kFastUnits[] = {{TimeBase::kDay, 1},         {TimeBase::kMinute, 1},
                                   {TimeBase::kSecond, 1},      {TimeBase::kMillisecond, 1},
                                   {TimeBase::kMicrosecond, 1}, {TimeBase::kNanosecond, 1}};

using Characters = std::vector<uint32_t>;

std::vector<unsigned char> as_bytes(const Characters& characters, bool ucs4) {
  std::vector<unsigned char> bytes(characters.size() * (ucs4 ? 4 : 1));
  for (size_t i = 0; i < characters.size(); ++i) {
    if (ucs4) {
      std::memcpy(bytes.data() + 4 * i, &characters[i], 4);
    } else {
      bytes[i] = static_cast<unsigned char>(characters[i]);
    }
  }
  return bytes;
}

// The time of one text, and the error bits.
int64_t model_read(const unsigned char* text, size_t width, bool ucs4, const TimeTextParams& params,
                   uint32_t* errors) {
  const IsoTime time =
      ucs4 ? internal::parse_iso_time_ucs4(text, width) : internal::parse_iso_time(text, width);
  if (time.status == TimeTextStatus::kError) {
    if (!params.errors_are_nat) *errors |= SC_ERR_TEXT;
    return INT64_MIN;
  }
  if (time.status == TimeTextStatus::kNat) return INT64_MIN;
  const auto value = time_from_fields(time, params.unit);
  if (value) return *value;
  if (params.rule == TimeRule::kSaturate) return time.days < 0 ? -INT64_MAX : INT64_MAX;
  if (params.rule == TimeRule::kRaise) *errors |= SC_ERR_OVERFLOW;
  return INT64_MIN;
}

// A time in years 0 to 9999 or, now and then, anywhere.
int64_t random_time(Random& random, const TimeUnit& unit) {
  if (random.chance(3)) return INT64_MIN;
  if (random.chance(5)) return static_cast<int64_t>(random.bits()) >> random.below(63);
  IsoTime time;
  // Mostly where nanoseconds reach.
  time.days =
      random.chance(20) ? random.between(-719528, 2932896) : random.between(-106000, 106000);
  if (random.chance(5)) time.days = random.pick(std::vector<int64_t>{-719528, 2932896, 0, -1});
  time.second = static_cast<int32_t>(random.below(86400));
  if (random.chance(10)) time.second = random.chance(50) ? 0 : 86399;
  time.attoseconds = random.below(1'000'000'000'000'000'000);
  if (random.chance(10)) time.attoseconds = random.chance(50) ? 0 : 999'999'999'999'999'999;
  return time_from_fields(time, unit).value_or(INT64_MAX - random.below(3));
}

std::string random_text(Random& random) {
  char text[internal::kMaxTimeText];
  const TimeUnit unit = random.chance(80) ? random.pick(kFastUnits) : random.pick(kUnits);
  std::string out(text, write_iso_time(random_time(random, unit), unit, random.chance(20), text));
  if (random.chance(10)) std::replace(out.begin(), out.end(), 'T', ' ');
  if (random.chance(3)) out += random.chance(50) ? "+05:30" : "-0145";
  if (random.chance(2)) out.erase(std::remove(out.begin(), out.end(), '-'), out.end());
  return out;
}

constexpr char kLikely[] = "0123456789-:. TZ+Nat/\0";

void mutate(Random& random, std::string* text) {
  for (int64_t changes = random.between(1, 2); changes > 0 && !text->empty(); --changes) {
    char& c = (*text)[static_cast<size_t>(random.below(static_cast<int64_t>(text->size())))];
    if (random.chance(70)) {
      c = kLikely[random.below(sizeof(kLikely) - 1)];
    } else if (random.chance(50)) {
      c = static_cast<char>(c + random.between(-2, 2));
    } else {
      c = static_cast<char>(random.bits());
    }
  }
}

// How texts of a run are made: percentages of mutated ones and of garbage, the others valid. Where
// `form` has a length, all valid ones are of that form.
struct Mixture {
  int mutated = 0, garbage = 0;
  TimeUnit form = {};
  bool utc_suffix = false;
};

void append_text(Random& random, const Mixture& mixture, size_t width, bool ucs4,
                 Characters* characters) {
  std::string text;
  if (random.chance(mixture.garbage)) {
    for (int64_t n = random.below(static_cast<int64_t>(width) + 1); n > 0; --n) {
      text += random.chance(80) ? kLikely[random.below(sizeof(kLikely) - 1)]
                                : static_cast<char>(random.bits());
    }
  } else if (mixture.form.is_generic()) {
    text = random_text(random);
  } else {
    char buffer[internal::kMaxTimeText];
    text.assign(buffer, write_iso_time(random_time(random, mixture.form), mixture.form,
                                       mixture.utc_suffix, buffer));
  }
  text.resize(width);
  if (random.chance(mixture.mutated)) mutate(random, &text);
  const size_t begin = characters->size();
  for (const char c : text) characters->push_back(static_cast<unsigned char>(c));
  if (ucs4 && mixture.mutated != 0 && random.chance(5)) {
    uint32_t& c =
        (*characters)[begin + static_cast<size_t>(random.below(static_cast<int64_t>(width)))];
    c |= uint32_t{1} << random.between(7, 31);
  }
}

class TimeTextKernelTest : public KernelTest {
 protected:
  ::testing::Message where(const TimeTextParams& params, size_t width, int64_t n) {
    return ::testing::Message() << note() << ": " << n << " of " << width << " characters, "
                                << unit_text(params.unit);
  }

  void check_parse(const Characters& characters, size_t width, int64_t n, bool ucs4,
                   const TimeTextParams& params, Flush side, size_t gap = 0) {
    const std::vector<unsigned char> in = as_bytes(characters, ucs4);
    const size_t size = width * (ucs4 ? 4 : 1), count = static_cast<size_t>(n);
    std::vector<int64_t> want(count);
    uint32_t errors = 0;
    std::vector<bool> bad(count);
    for (size_t i = 0; i < count; ++i) {
      uint32_t bits = 0;
      want[i] = model_read(in.data() + i * size, width, ucs4, params, &bits);
      bad[i] = bits != 0;
      errors |= bits;
    }
    unsigned char* const src = src_.place(in.size(), side, gap);
    unsigned char* const dst = dst_.place(count * 8, side, gap % 11);
    std::copy(in.begin(), in.end(), src);
    std::fill_n(dst, count * 8, static_cast<unsigned char>(0x5C));
    const sc_run run = make_packed_run(n, src, static_cast<int64_t>(size), dst, 8, &params);
    ASSERT_EQ(table().parse_time[ucs4 ? 1 : 0].run(&run), errors) << where(params, width, n);
    for (size_t i = 0; i < count; ++i) {
      int64_t got;
      std::memcpy(&got, dst + i * 8, 8);
      if (bad[i]) continue;
      ASSERT_EQ(got, want[i]) << where(params, width, n) << " at " << i << ": "
                              << std::string(
                                     characters.begin() + static_cast<ptrdiff_t>(i * width),
                                     characters.begin() + static_cast<ptrdiff_t>((i + 1) * width));
    }
    ASSERT_TRUE(std::equal(in.begin(), in.end(), src)) << "source changed";
    ASSERT_EQ(src_.damage(), 0);
    ASSERT_EQ(dst_.damage(), 0) << where(params, width, n);
  }

  void check_write(const std::vector<int64_t>& times, size_t width, bool ucs4,
                   const TimeTextParams& params, Flush side, size_t gap = 0) {
    const size_t size = width * (ucs4 ? 4 : 1), count = times.size();
    Characters characters;
    uint32_t errors = 0;
    for (const int64_t time : times) {
      char text[internal::kMaxTimeText];
      size_t length = write_iso_time(time, params.unit, params.utc_suffix, text);
      if (length > width) {
        errors |= SC_ERR_OVERFLOW;
        length = 0;
      }
      const size_t begin = characters.size();
      characters.resize(begin + width);
      std::copy_n(text, length, characters.begin() + static_cast<ptrdiff_t>(begin));
    }
    const std::vector<unsigned char> want = as_bytes(characters, ucs4);
    unsigned char* const src = src_.place(count * 8, side, gap % 11);
    unsigned char* const dst = dst_.place(want.size(), side, gap);
    std::memcpy(src, times.data(), count * 8);
    std::fill_n(dst, want.size(), static_cast<unsigned char>(0x5C));
    const auto n = static_cast<int64_t>(count);
    const sc_run run = make_packed_run(n, src, 8, dst, static_cast<int64_t>(size), &params);
    ASSERT_EQ(table().write_time[ucs4 ? 1 : 0].run(&run), errors) << where(params, width, n);
    for (size_t i = 0; i < want.size(); ++i) {
      ASSERT_EQ(dst[i], want[i]) << where(params, width, n) << " at " << i / size << ": "
                                 << times[i / size] << ", byte " << i % size;
    }
    ASSERT_EQ(src_.damage(), 0);
    ASSERT_EQ(dst_.damage(), 0) << where(params, width, n);
  }

  void check_mixture(const Mixture& mixture, size_t width, int64_t n,
                     const TimeTextParams& params) {
    for (const bool ucs4 : {false, true}) {
      Characters characters;
      for (int64_t i = 0; i < n; ++i) append_text(random_, mixture, width, ucs4, &characters);
      const Flush side = random_.chance(30) ? Flush::kLeft : Flush::kRight;
      const auto gap = static_cast<size_t>(random_.chance(30) ? random_.below(40) : 0);
      ASSERT_NO_FATAL_FAILURE(check_parse(characters, width, n, ucs4, params, side, gap));
    }
  }

  TimeTextParams random_params() {
    constexpr TimeRule kRules[] = {TimeRule::kRaise, TimeRule::kSaturate, TimeRule::kNat};
    return {random_.chance(70) ? random_.pick(kFastUnits) : random_.pick(kUnits),
            random_.pick(kRules), random_.chance(80), random_.chance(30)};
  }

  Random random_{31};
  GuardedBuffer src_{512 * 1024}, dst_{512 * 1024};
};

TEST_P(TimeTextKernelTest, Entries) {
  for (const sc_entry* entry : {&table().parse_time[0], &table().parse_time[1],
                                &table().write_time[0], &table().write_time[1]}) {
    ASSERT_NE(entry->run, nullptr);
    ASSERT_NE(entry->name, nullptr);
    EXPECT_EQ(entry->src_access, uint32_t{SC_ACCESS_PACKED}) << entry->name;
    EXPECT_EQ(entry->dst_access, uint32_t{SC_ACCESS_PACKED}) << entry->name;
    EXPECT_EQ(entry->traits, uint32_t{SC_TRAIT_MAY_FAIL | SC_TRAIT_THREAD_SAFE}) << entry->name;
  }
}

TEST_P(TimeTextKernelTest, ByHand) {
  TimeTextParams params = {.unit = {TimeBase::kSecond, 1}};
  const char texts[] = "2020-01-05T03:04:05\0NaT\0................2020-02-30T00:00:00Z";
  std::string padded(texts, 20);
  padded += std::string("NaT") + std::string(17, '\0') + "2020-02-30T00:00:00Z";
  int64_t times[3] = {};
  sc_run run = make_packed_run(3, padded.data(), 20, times, 8, &params);
  EXPECT_EQ(table().parse_time[0].run(&run), uint32_t{SC_ERR_TEXT});
  EXPECT_EQ(times[0], 1578193445);
  EXPECT_EQ(times[1], INT64_MIN);
  params.errors_are_nat = true;
  EXPECT_EQ(table().parse_time[0].run(&run), 0u);
  EXPECT_EQ(times[2], INT64_MIN);

  char back[60];
  run = make_packed_run(3, times, 8, back, 20, &params);
  params.utc_suffix = true;
  EXPECT_EQ(table().write_time[0].run(&run), 0u);
  EXPECT_EQ(std::string(back, 20), "2020-01-05T03:04:05Z");
  EXPECT_STREQ(back + 20, "NaT");
  run.dst_size = 19;
  EXPECT_EQ(table().write_time[0].run(&run), uint32_t{SC_ERR_OVERFLOW});
}

// Each form and unit of vectors, in each width, at every length past several batches.
TEST_P(TimeTextKernelTest, ParsesFormsOfEveryWidthAndCount) {
  for (const TimeUnit& form : kFastUnits) {
    for (const bool utc_suffix : {false, true}) {
      const size_t length = time_text_length(form, utc_suffix);
      for (size_t width = length; width <= 41; ++width) {
        const int64_t most = width == length || width == 24 || width == 32 ? 100 : 3;
        for (int64_t k = 1; k <= most; ++k) {
          const int64_t n = most == 100 ? k : random_.between(1, 70);
          const Mixture mixture = {.form = form, .utc_suffix = utc_suffix};
          TimeTextParams params = random_params();
          if (random_.chance(50)) params.unit = form;
          ASSERT_NO_FATAL_FAILURE(check_mixture(mixture, width, n, params));
        }
      }
    }
  }
}

// Every date of some centuries as text, with the days around them that there are not.
TEST_P(TimeTextKernelTest, ParsesEveryDay) {
  Characters characters;
  int64_t n = 0;
  const auto check = [&] {
    const TimeTextParams params = {.unit = {TimeBase::kDay, 1}, .errors_are_nat = true};
    for (const bool ucs4 : {false, true}) {
      ASSERT_NO_FATAL_FAILURE(check_parse(characters, 10, n, ucs4, params, Flush::kRight));
    }
    characters.clear();
    n = 0;
  };
  for (int year = 0; year < 10000; year += year < 30 || (year >= 1890 && year < 2110) ? 1 : 97) {
    for (int month = 1; month <= 12; ++month) {
      for (int day = 1; day <= 31; ++day, ++n) {
        char text[40];
        std::snprintf(text, sizeof(text), "%04d-%02d-%02d", year, month, day);
        characters.insert(characters.end(), text, text + 10);
      }
    }
    if (n > 4000) {
      ASSERT_NO_FATAL_FAILURE(check());
    }
  }
  ASSERT_NO_FATAL_FAILURE(check());
}

// Any byte at any place of a text of each form.
TEST_P(TimeTextKernelTest, ParsesEveryByteAtEveryPlace) {
  for (const TimeUnit& form : kFastUnits) {
    for (const bool utc_suffix : {false, true}) {
      const size_t length = time_text_length(form, utc_suffix), width = length + 2;
      for (size_t at = 0; at < width; ++at) {
        Characters characters;
        for (uint32_t c = 0; c < 256; ++c) {
          Mixture mixture = {.form = form, .utc_suffix = utc_suffix};
          append_text(random_, mixture, width, false, &characters);
          characters[c * width + at] = c;
        }
        const TimeTextParams params = {.unit = random_.chance(50) ? form : random_.pick(kFastUnits),
                                       .rule = TimeRule::kSaturate,
                                       .errors_are_nat = true};
        ASSERT_NO_FATAL_FAILURE(check_parse(characters, width, 256, false, params, Flush::kRight));
        ASSERT_NO_FATAL_FAILURE(check_parse(characters, width, 256, true, params, Flush::kLeft));
      }
    }
  }
}

TEST_P(TimeTextKernelTest, ParsesAnything) {
  constexpr Mixture kMixtures[] = {{0, 0}, {3, 0}, {50, 0}, {100, 0}, {20, 50}, {0, 100}};
  for (int trial = 0; trial < 6000; ++trial) {
    Mixture mixture = random_.pick(kMixtures);
    if (random_.chance(60)) {
      mixture.form = random_.pick(kFastUnits);
      mixture.utc_suffix = random_.chance(30);
    }
    const auto width =
        static_cast<size_t>(random_.chance(3) ? random_.between(41, 200) : random_.between(1, 40));
    ASSERT_NO_FATAL_FAILURE(check_mixture(mixture, width, random_.between(1, 70), random_params()));
  }
}

// UCS-4 goes through bytes in pieces.
TEST_P(TimeTextKernelTest, LongRuns) {
  for (const size_t width : {10, 19, 29, 40, 64, 65}) {
    const Mixture mixture = {.mutated = 5, .form = {TimeBase::kSecond, 1}};
    const auto n = static_cast<int64_t>(100'000 / width);
    ASSERT_NO_FATAL_FAILURE(check_mixture(mixture, width, n, random_params()));
    for (const bool ucs4 : {false, true}) {
      TimeTextParams params = random_params();
      params.unit = random_.pick(kFastUnits);
      std::vector<int64_t> times(static_cast<size_t>(n));
      for (int64_t& time : times) time = random_time(random_, params.unit);
      ASSERT_NO_FATAL_FAILURE(check_write(times, width, ucs4, params, Flush::kRight));
    }
  }
}

// A few texts of one form change to many of another, and back.
TEST_P(TimeTextKernelTest, FormsChange) {
  for (int trial = 0; trial < 100; ++trial) {
    Characters characters;
    int64_t n = 0;
    for (int part = 0; part < 6; ++part) {
      const Mixture mixture = {.form = random_.pick(kFastUnits), .utc_suffix = random_.chance(50)};
      for (int64_t k = random_.between(1, 100); k > 0; --k, ++n) {
        append_text(random_, mixture, 31, false, &characters);
      }
    }
    ASSERT_NO_FATAL_FAILURE(
        check_parse(characters, 31, n, trial % 2 == 1, random_params(), Flush::kRight));
  }
}

TEST_P(TimeTextKernelTest, WritesEveryWidthAndCount) {
  for (const TimeUnit& unit : kUnits) {
    for (size_t width = 1; width <= 45; ++width) {
      for (const bool utc_suffix : {false, true}) {
        const size_t length = time_text_length(unit, utc_suffix);
        const bool all = unit.multiple == 1 && (width == length || width == length + 5);
        for (int64_t n = 1; n <= (all ? 100 : 1); ++n) {
          const bool ucs4 = random_.chance(40);
          const TimeTextParams params = {.unit = unit, .utc_suffix = utc_suffix};
          std::vector<int64_t> times(static_cast<size_t>(all ? n : random_.between(1, 70)));
          for (int64_t& time : times) time = random_time(random_, unit);
          const Flush side = random_.chance(30) ? Flush::kLeft : Flush::kRight;
          const auto gap = static_cast<size_t>(random_.chance(30) ? random_.below(40) : 0);
          ASSERT_NO_FATAL_FAILURE(check_write(times, width, ucs4, params, side, gap));
        }
      }
    }
  }
}

// The ends of what goes by vectors, of days, of months and of fractions.
TEST_P(TimeTextKernelTest, WritesEdges) {
  for (const TimeUnit& unit : kFastUnits) {
    const TimeTextParams params = {.unit = unit};
    std::vector<int64_t> times;
    const int64_t day = time_from_fields({.status = TimeTextStatus::kOk, .days = 1}, unit).value();
    const auto add = [&](int64_t start, int64_t offset) {
      int64_t time;
      if (!__builtin_add_overflow(start, offset, &time)) times.push_back(time);
    };
    const auto add_around = [&](int64_t days) {
      int64_t start;
      if (__builtin_mul_overflow(days, day, &start)) return;
      for (int64_t offset = -2; offset <= 2; ++offset) add(start, offset);
      add(start, day / 2);
      for (int64_t part = 10; part < day; part *= 10) {
        add(start, part);
        add(start, part - 1);
        add(start, day - part);
      }
    };
    for (const int64_t days : {-719528, -719527, -719163, 2932896, 2932897, 0, -1, 1, 11016, 11017,
                               -25509, -106751, 106751, 47540}) {
      add_around(days);
    }
    for (int64_t days = -719528; days < 2932897; days += 211) add_around(days);
    // Of nanoseconds, whose quotients are the closest, every day.
    const int64_t last = unit.base == TimeBase::kNanosecond ? 106751 : 2932896;
    const int64_t first = last == 106751 ? -106751 : -719528;
    for (int64_t days = first; days <= last; days += last == 106751 ? 1 : 17) {
      times.push_back(days * day);
      times.push_back(days * day - 1);
    }
    for (const int64_t end : {INT64_MIN, INT64_MIN + 1, INT64_MAX, INT64_MAX - 1}) {
      times.push_back(end);
    }
    const size_t width = time_text_length(unit, false) + 1;
    for (size_t i = 0; i < times.size(); i += 4096) {
      const std::vector<int64_t> some(
          times.begin() + static_cast<ptrdiff_t>(i),
          times.begin() + static_cast<ptrdiff_t>(std::min(times.size(), i + 4096)));
      ASSERT_NO_FATAL_FAILURE(check_write(some, width, false, params, Flush::kRight));
    }
  }
}

STRIDECAST_INSTANTIATE_FOR_TARGETS(TimeTextKernelTest);

}  // namespace
}  // namespace stridecast::testing
