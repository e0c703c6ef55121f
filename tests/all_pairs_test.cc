// Every pair of number types through plans, in every mode and on every target, against the scalar
// oracle: all values of the types of 8 and 16 bits; of the wider ones corners, limits, and exact
// halfway points between neighbours of the destination with one step to each side, where two
// roundings in a row would show. numeric_policy_test.cc says what the rules mean.

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "stridecast/plan.h"
#include "tests/reference/element.h"
#include "tests/support/engine_run.h"
#include "tests/support/random_layout.h"
#include "tests/support/target_param.h"
#include "tests/support/values.h"

namespace stridecast::testing {
namespace {

using reference::Mode;
using Bytes = std::vector<unsigned char>;

// A real number has no imaginary part.
struct Number {
  Bits re = 0, im = 0;
};

int part_size(DType type) { return reference::size(reference::part_type(type)); }
int item_size(DType type) { return part_size(type) * (is_complex(type) ? 2 : 1); }
std::string name_of(DType type) { return type_facts(type).name; }
Format format_of(DType type) {
  return is_narrow(type) ? Format::parse("[ml_dtypes$" + name_of(type) + "$]") : Format::of(type);
}

Bytes items_of(DType type, const std::vector<Number>& numbers) {
  const int size = part_size(type), step = item_size(type);
  Bytes bytes(numbers.size() * static_cast<size_t>(step));
  unsigned char* at = bytes.data();
  for (const Number& number : numbers) {
    reference::store(at, size, number.re);
    if (is_complex(type)) reference::store(at + size, size, number.im);
    at += step;
  }
  return bytes;
}

std::string text_of(DType type, const Number& number) {
  const DType part = reference::part_type(type);
  std::string text = reference::to_text(part, number.re);
  if (is_complex(type)) text += ", " + reference::to_text(part, number.im);
  return text;
}

Number number_at(DType type, const unsigned char* item) {
  const int size = part_size(type);
  return {reference::load(item, size),
          is_complex(type) ? reference::load(item + size, size) : Bits{0}};
}

// Every value worth trying where both are real, a sample of pairs of them otherwise.
std::vector<Number> numbers_for(DType from, DType to) {
  const std::vector<Bits> values = values_for(reference::part_type(from), reference::part_type(to));
  std::vector<Number> numbers;
  if (!is_complex(from) && !is_complex(to)) {
    for (Bits bits : values) numbers.push_back({bits, 0});
    return numbers;
  }
  constexpr size_t kSample = 1500;
  for (size_t i = 0; i < kSample; ++i) {
    const Bits im = is_complex(from) ? values[i * 104729 % values.size()] : Bits{0};
    numbers.push_back({values[i * 7919 % values.size()], im});
  }
  return numbers;
}

struct Rules {
  Mode mode;
  bool nan_raises;
  ConvertOptions options() const {
    return {.overflow = overflow_of(mode),
            .nan = nan_raises ? NanPolicy::kRaise : NanPolicy::kDefault};
  }
  std::string name() const {
    return std::string(reference::mode_name(mode)) + (nan_raises ? ", NaN raises" : "");
  }
};

// What the oracle says: the items that convert with their results, and those that do not.
struct Expected {
  DType from, to;
  std::vector<Number> good, bad;
  std::vector<uint32_t> bad_errors;
  Bytes in, out;  // of the good ones

  Expected(DType src, DType dst, const std::vector<Number>& numbers, const Rules& rules)
      : from(src), to(dst) {
    std::vector<Number> results;
    for (const Number& x : numbers) {
      const reference::ConvertedPair c =
          reference::convert_complex(from, x.re, x.im, to, rules.mode, rules.nan_raises);
      if (c.error()) {
        bad.push_back(x);
        bad_errors.push_back((c.overflow ? uint32_t{SC_ERR_OVERFLOW} : 0u) |
                             (c.nan ? uint32_t{SC_ERR_NAN} : 0u));
      } else {
        good.push_back(x);
        results.push_back({c.re, c.im});
      }
    }
    in = items_of(from, good);
    out = items_of(to, results);
  }
};

Plan plan_for(const Expected& e, int64_t n, const Rules& rules) {
  return Plan::convert(Layout::contiguous(format_of(e.from), {n}),
                       Layout::contiguous(format_of(e.to), {n}), rules.options());
}

void check_good(const Expected& e, const Rules& rules, const std::string& what) {
  if (e.good.empty()) return;
  const Plan plan = plan_for(e, std::ssize(e.good), rules);
  Bytes in = e.in, out(e.out.size(), 0x5C);
  const RunStatus status = plan.try_run({in.data()}, {out.data()});
  ASSERT_TRUE(status.ok()) << what << " refused "
                           << text_of(e.from, e.good[static_cast<size_t>(status.index)]);
  if (out == e.out) return;
  const auto size = static_cast<size_t>(item_size(e.to));
  for (size_t i = 0; i < e.good.size(); ++i) {
    if (std::memcmp(&out[i * size], &e.out[i * size], size) == 0) continue;
    FAIL() << what << ": " << text_of(e.from, e.good[i]) << " gave "
           << text_of(e.to, number_at(e.to, &out[i * size])) << ", expected "
           << text_of(e.to, number_at(e.to, &e.out[i * size])) << "\n"
           << plan.explain();
  }
}

// Some of the bad values, each among good ones at a place of its own: found, and named by its
// index.
void check_bad(const Expected& e, const Rules& rules, const std::string& what) {
  constexpr size_t kTrials = 12;
  if (e.bad.empty()) return;
  Random random(1);
  const int64_t n = e.good.empty() ? 1 : 37;
  const Plan plan = plan_for(e, n, rules);
  Bytes out(static_cast<size_t>(n * item_size(e.to)));
  for (size_t trial = 0; trial < kTrials; ++trial) {
    const size_t which = trial * 7919 % e.bad.size();
    std::vector<Number> numbers(static_cast<size_t>(n), e.bad[which]);
    const int64_t place = random.below(n);
    for (int64_t i = 0; i < n; ++i) {
      if (i != place) numbers[static_cast<size_t>(i)] = random.pick(e.good);
    }
    Bytes in = items_of(e.from, numbers);
    const RunStatus status = plan.try_run({in.data()}, {out.data()});
    ASSERT_EQ(status.code, StatusCode::kDataError)
        << what << " took " << text_of(e.from, e.bad[which]) << "\n"
        << plan.explain();
    ASSERT_EQ(status.index, place) << what << " " << text_of(e.from, e.bad[which]);
    ASSERT_EQ(status.error_bits, e.bad_errors[which])
        << what << " " << text_of(e.from, e.bad[which]);
  }
}

std::vector<Rules> rules_for(DType from, DType to) {
  std::vector<Rules> all;
  for (Mode mode : reference::kModes) all.push_back({mode, false});
  const DType from_part = reference::part_type(from), to_part = reference::part_type(to);
  if (reference::is_float(from_part) && !reference::is_float(to_part)) {
    all.push_back({Mode::kWrap, true});
    all.push_back({Mode::kSaturate, true});
  }
  return all;
}

bool known(DType type) {
  return reference::kKnowsLongDouble || reference::part_type(type) != DType::kLongDouble;
}

// Failures of one pair and mode do not hide those of others.
void check_pair(DType from, DType to) {
  if (!known(to)) return;
  const std::vector<Number> numbers = numbers_for(from, to);
  for (const Rules& rules : rules_for(from, to)) {
    const Expected expected(from, to, numbers, rules);
    for (const kernels::KernelTable* table : all_tables()) {
      const TargetScope scope(table->target);
      const std::string what = std::string(table->target) + " " + name_of(from) + " -> " +
                               name_of(to) + " " + rules.name();
      check_good(expected, rules, what);
      check_bad(expected, rules, what);
    }
  }
}

class AllPairsTest : public ::testing::TestWithParam<DType> {
 protected:
  void SetUp() override {
    if (!known(GetParam())) GTEST_SKIP() << "long double is not x87's here";
  }
};

TEST_P(AllPairsTest, ToEveryNumber) {
  for (int to = 0; to < kNumNumbers; ++to) check_pair(GetParam(), static_cast<DType>(to));
}

std::vector<DType> all_numbers() {
  std::vector<DType> types;
  for (int type = 0; type < kNumNumbers; ++type) types.push_back(static_cast<DType>(type));
  return types;
}

INSTANTIATE_TEST_SUITE_P(From, AllPairsTest, ::testing::ValuesIn(all_numbers()),
                         [](const auto& of) { return name_of(of.param); });

}  // namespace
}  // namespace stridecast::testing
