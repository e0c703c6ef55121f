// Roundings, kernel by kernel: to integral values, to every narrower float, of what is wider than
// float64, and whether anything would be rounded at all. Expected values come from the oracle of
// reference/rounding.h; which rounding a plan uses where is the engine's business.

#include <gtest/gtest.h>

#include <bit>
#include <map>
#include <tuple>
#include <vector>

#include "kernels/kernel_table.h"
#include "tests/reference/element.h"
#include "tests/reference/rounding.h"
#include "tests/support/kernel_run.h"
#include "tests/support/packed_kernel_check.h"
#include "tests/support/random_layout.h"
#include "tests/support/target_param.h"
#include "tests/support/values.h"

namespace stridecast::testing {
namespace {

using kernels::ExactParams;
using kernels::RoundParams;
using reference::FloatShape;
using reference::kFloatShapes;
using reference::kRoundings;
using reference::Mode;
using reference::Value;

constexpr uint64_t kSeed = 0x0123456789ABCDEF;
constexpr uint64_t kLargest = 0x7FEFFFFFFFFFFFFF, kInfinity = 0x7FF0000000000000,
                   kNan = 0x7FF8000000000000, kMinus = uint64_t{1} << 63;

int at(DType type) { return static_cast<int>(type); }

// The random number of the run's first item, which every item takes that has index steps of 0.
uint64_t first_random() { return reference::random_bits(kSeed, 0, 0); }

RoundParams params_of(Rounding rounding) {
  RoundParams params;
  params.rounding = rounding;
  params.seed = kSeed;
  return params;
}

RoundParams params_for(const FloatShape& shape, Mode mode, Rounding rounding) {
  const DType to = shape.type;
  const auto code = [&](uint64_t bits, Mode under) {
    return static_cast<uint32_t>(reference::convert(DType::kFloat64, bits, to, under).bits);
  };
  const Mode codes = mode == Mode::kSaturate ? mode : Mode::kWrap;
  RoundParams params = params_of(rounding);
  params.digits = shape.digits;
  params.min_exponent = shape.least + shape.digits - 1;
  params.max_finite = code(kLargest, Mode::kSaturate);
  params.overflow = code(kLargest, codes);
  params.infinity = code(kInfinity, codes);
  params.nan = code(kNan, codes);
  params.sign_bit = to == DType::kFloat8E8M0FNU ? -1 : reference::value_bits(to) - 1;
  params.keeps_payload = to == DType::kFloat16 || to == DType::kFloat32;
  params.nan_keeps_sign = code(kNan, codes) != code(kNan | kMinus, codes);
  params.unsigned_zero = code(kMinus, codes) == 0;
  params.report_overflow = mode == Mode::kRaise;
  params.has_infinity =
      reference::decode(to, code(kInfinity, Mode::kWrap)).cls == Value::Class::kInf;
  params.has_nan = reference::decode(to, code(kNan, Mode::kWrap)).cls == Value::Class::kNan;
  return params;
}

// --- to narrower floats --------------------------------------------------------------------------

const std::vector<Bits>& doubles_for(DType to) {
  static std::map<DType, std::vector<Bits>> cache;
  std::vector<Bits>& values = cache[to];
  if (values.empty()) {
    values = values_for(DType::kFloat64, to);
    for (uint64_t v : {kLargest, kLargest | kMinus}) values.push_back(v);
  }
  return values;
}

// What the oracle says, worked out once for all targets.
const std::vector<reference::Converted>& answers(DType to, Mode mode, Rounding rounding) {
  static std::map<std::tuple<DType, Mode, Rounding>, std::vector<reference::Converted>> cache;
  std::vector<reference::Converted>& out = cache[{to, mode, rounding}];
  if (out.empty()) {
    for (Bits bits : doubles_for(to)) {
      out.push_back(reference::round_float64(static_cast<uint64_t>(bits), to, mode, rounding,
                                             first_random()));
    }
  }
  return out;
}

class RoundTest : public KernelTest {
 protected:
  const sc_entry& round_float(DType to) const {
    const int size = reference::size(to);
    return table().round_float[size == 4 ? 2 : size - 1];
  }
  GuardedBuffer src_{16 * 1024}, dst_{16 * 1024};
};

TEST_P(RoundTest, ToNarrowerFloats) {
  for (const FloatShape& shape : kFloatShapes) {
    for (Mode mode : {Mode::kWrap, Mode::kSaturate}) {
      // Zero and less become NaN in an unsigned type: to saturate, something else clamps first.
      if (mode == Mode::kSaturate && shape.type == DType::kFloat8E8M0FNU) continue;
      for (Rounding rounding : kRoundings) {
        const RoundParams params = params_for(shape, mode, rounding);
        PackedCase c;
        c.entry = &round_float(shape.type);
        c.from = DType::kFloat64;
        c.to = shape.type;
        c.params = &params;
        c.in = doubles_for(shape.type);
        for (const auto& answer : answers(shape.type, mode, rounding)) c.out.push_back(answer.bits);
        ASSERT_NE(c.entry->run, nullptr);
        ASSERT_NO_FATAL_FAILURE(check_all_values(c))
            << reference::rounding_name(rounding) << " " << reference::mode_name(mode);
        ASSERT_FALSE(HasFatalFailure())
            << reference::rounding_name(rounding) << " " << reference::mode_name(mode);
        const bool edges = shape.type == DType::kFloat16 || shape.type == DType::kFloat32 ||
                           shape.type == DType::kFloat8E5M2;
        const bool both_loops =
            rounding == Rounding::kNearestEven || rounding == Rounding::kStochastic;
        if (!edges || !both_loops || mode != Mode::kWrap) continue;
        ASSERT_NO_FATAL_FAILURE(check_lengths_and_misalignments(c, src_, dst_));
      }
    }
  }
}

TEST_P(RoundTest, ToNarrowerFloatsReportsWhatDoesNotFit) {
  for (const FloatShape& shape : kFloatShapes) {
    const std::vector<Bits>& in = doubles_for(shape.type);
    for (Rounding rounding : kRoundings) {
      const RoundParams params = params_for(shape, Mode::kRaise, rounding);
      const auto& expected = answers(shape.type, Mode::kRaise, rounding);
      for (size_t i = 0; i < in.size(); ++i) {
        const auto value = static_cast<uint64_t>(in[i]);
        uint32_t code = 0;
        const sc_run run =
            make_packed_run(1, &value, 8, &code, reference::size(shape.type), &params);
        const uint32_t errors = (expected[i].overflow ? uint32_t{SC_ERR_OVERFLOW} : 0u) |
                                (expected[i].nan ? uint32_t{SC_ERR_NAN} : 0u);
        // Of what is no number and what is out of range either complaint will do.
        const uint32_t got = round_float(shape.type).run(&run);
        ASSERT_EQ(got != 0, errors != 0) << note().target << " " << reference::name(shape.type)
                                         << " " << reference::rounding_name(rounding) << " "
                                         << reference::to_text(DType::kFloat64, value);
      }
    }
  }
}

// --- to integral values --------------------------------------------------------------------------

std::vector<Bits> floats_near_integers(DType type) {
  std::vector<Bits> out = values_of(type);
  bool overflow = false;
  for (int negative = 0; negative < 2; ++negative) {
    for (uint64_t eighths = 0; eighths <= 100; ++eighths) {
      out.push_back(reference::round_to_float(type, negative != 0, eighths, -3, &overflow));
    }
    for (int bits : {21, 22, 23, 24, 50, 51, 52, 53}) {
      for (uint64_t more = 0; more < 16; ++more) {
        const uint64_t whole = (uint64_t{1} << bits) - 4;
        out.push_back(
            reference::round_to_float(type, negative != 0, whole * 2 + more, -1, &overflow));
      }
    }
  }
  return out;
}

TEST_P(RoundTest, ToIntegralValues) {
  for (DType type : {DType::kFloat32, DType::kFloat64}) {
    PackedCase c;
    c.entry = &table().round_integral[type == DType::kFloat64 ? 1 : 0];
    c.from = c.to = type;
    c.in = floats_near_integers(type);
    for (Rounding rounding : kRoundings) {
      const RoundParams params = params_of(rounding);
      c.params = &params;
      c.out.clear();
      for (Bits bits : c.in) {
        c.out.push_back(reference::round_to_integral(type, static_cast<uint64_t>(bits), rounding,
                                                     first_random()));
      }
      check_all_values(c);
      ASSERT_FALSE(HasFatalFailure()) << reference::rounding_name(rounding);
      ASSERT_NO_FATAL_FAILURE(check_lengths_and_misalignments(c, src_, dst_));
      ASSERT_NE(c.entry->traits & SC_TRAIT_IN_PLACE, 0u);
      ASSERT_NO_FATAL_FAILURE(check_in_place(c, dst_));
    }
  }
}

TEST_P(RoundTest, LongDoublesToIntegralValues) {
  if (!reference::kKnowsLongDouble) GTEST_SKIP() << "the oracle knows x87's only";
  std::vector<Bits> values = values_of(DType::kLongDouble);
  for (Bits bits : floats_near_integers(DType::kFloat64)) {
    const Mode mode = Mode::kWrap;
    values.push_back(reference::convert(DType::kFloat64, bits, DType::kLongDouble, mode).bits);
  }
  const sc_entry& entry = table().round_integral[2];
  for (Rounding rounding : kRoundings) {
    const RoundParams params = params_of(rounding);
    for (Bits bits : values) {
      unsigned char item[sizeof(long double)] = {};
      const int size = reference::size(DType::kLongDouble);
      reference::store(item, size, bits);
      const sc_run run = make_packed_run(1, item, sizeof item, item, sizeof item, &params);
      ASSERT_EQ(entry.run(&run), 0u);
      const Bits expected =
          reference::round_to_integral(DType::kLongDouble, bits, rounding, first_random());
      const Bits counted = (Bits{1} << 80) - 1;
      ASSERT_TRUE((reference::load(item, size) & counted) == (expected & counted))
          << reference::rounding_name(rounding) << " "
          << reference::to_text(DType::kLongDouble, bits) << " gave "
          << reference::to_text(DType::kLongDouble, reference::load(item, size));
    }
  }
}

// --- which random number -------------------------------------------------------------------------

struct Numbering {
  int64_t rows, columns, index, row_step, column_step, draws;
};

int64_t floor_divide(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

// Items in rows and columns, forwards, backwards and standing still; several draws an item, so that
// a step is whole items, leaves of one, or both.
const Numbering kNumberings[] = {
    {1, 300, 0, 0, 1, 1},
    {1, 300, 5'000'000'000, 0, 1, 1},
    {1, 200, -100, 0, 1, 1},
    {1, 300, 7, 0, 1, 3},
    {1, 300, 1, 0, 3, 3},
    {1, 300, 2000, 0, -3, 3},
    {1, 300, 2000, 0, -5, 7},
    {150, 2, 0, 2, 1, 2},
    {150, 2, 298, -2, 1, 2},
    {13, 17, 40, 17, 1, 4},
    {13, 17, 40, 1, 13, 1},
    {13, 17, 500, -1, 0, 5},
    {9, 70, 3, int64_t{1} << 40, 11, int64_t{1} << 33},
};

TEST_P(RoundTest, EveryItemHasARandomNumberOfItsOwn) {
  for (const Numbering& n : kNumberings) {
    RoundParams params = params_for(kFloatShapes[1], Mode::kWrap, Rounding::kStochastic);
    params.draws = n.draws;
    const int64_t count = n.rows * n.columns;
    std::vector<double> in;
    for (int64_t i = 0; i < count; ++i) in.push_back(1.0 + static_cast<double>(i) / 1000 + 1e-9);
    std::vector<double> integral(in.size());
    std::vector<uint16_t> narrow(in.size());
    sc_run run = make_packed_run(count, in.data(), 8, integral.data(), 8, &params);
    run.n[0] = n.rows;
    run.n[1] = n.columns;
    run.index = n.index;
    run.index_step[0] = n.row_step;
    run.index_step[1] = n.column_step;
    ASSERT_EQ(table().round_integral[1].run(&run), 0u);
    run.dst = narrow.data();
    ASSERT_EQ(table().round_float[1].run(&run), 0u);
    for (int64_t i = 0; i < count; ++i) {
      const int64_t index = n.index + i / n.columns * n.row_step + i % n.columns * n.column_step;
      const int64_t item = floor_divide(index, n.draws);
      const uint64_t random = reference::random_bits(kSeed, static_cast<uint64_t>(item),
                                                     static_cast<uint64_t>(index - item * n.draws));
      const auto k = static_cast<size_t>(i);
      const auto bits = std::bit_cast<uint64_t>(in[k]);
      ASSERT_EQ(std::bit_cast<uint64_t>(integral[k]),
                reference::round_to_integral(DType::kFloat64, bits, Rounding::kStochastic, random))
          << table().target << " item " << i << " of " << n.rows << " x " << n.columns;
      ASSERT_EQ(narrow[k],
                static_cast<uint16_t>(reference::round_float64(bits, DType::kBFloat16, Mode::kWrap,
                                                               Rounding::kStochastic, random)
                                          .bits))
          << table().target << " item " << i << " of " << n.rows << " x " << n.columns;
    }
  }
}

// --- from what is wider than float64 -------------------------------------------------------------

TEST_P(RoundTest, IntegersToFloat64) {
  for (DType type : {DType::kInt64, DType::kUint64}) {
    PackedCase c;
    c.entry = &table().round_wide[at(type)];
    c.from = type;
    c.to = DType::kFloat64;
    c.in = values_for(type, DType::kFloat64);
    for (Rounding rounding : kRoundings) {
      const RoundParams params = params_of(rounding);
      c.params = &params;
      c.out.clear();
      for (Bits bits : c.in) {
        bool overflow = false;
        c.out.push_back(reference::round_to_float64(reference::decode(type, bits), rounding,
                                                    first_random(), &overflow));
      }
      check_all_values(c);
      ASSERT_FALSE(HasFatalFailure()) << reference::rounding_name(rounding);
      ASSERT_NO_FATAL_FAILURE(check_lengths_and_misalignments(c, src_, dst_));
      ASSERT_NO_FATAL_FAILURE(check_in_place(c, dst_));
    }
  }
}

TEST_P(RoundTest, LongDoublesToFloat64) {
  if (!reference::kKnowsLongDouble) GTEST_SKIP() << "the oracle knows x87's only";
  const std::vector<Bits> values = values_for(DType::kLongDouble, DType::kFloat64);
  for (Rounding rounding : kRoundings) {
    for (bool finite : {false, true}) {
      RoundParams params = params_of(rounding);
      params.report_overflow = true;
      params.has_infinity = !finite;
      for (Bits bits : values) {
        const Value value = reference::decode(DType::kLongDouble, bits);
        uint64_t expected = 0;
        bool overflow = false;
        if (value.cls == Value::Class::kFinite) {
          expected = reference::round_to_float64(value, rounding, first_random(), &overflow);
        } else {
          const auto mode = Mode::kWrap;
          expected = static_cast<uint64_t>(
              reference::convert(DType::kLongDouble, bits, DType::kFloat64, mode).bits);
          overflow = finite && value.cls == Value::Class::kInf;
        }
        if (finite && (expected & ~kMinus) == kInfinity) expected -= 1;
        unsigned char in[sizeof(long double)] = {};
        reference::store(in, reference::size(DType::kLongDouble), bits);
        uint64_t out = 0;
        const sc_run run = make_packed_run(1, in, sizeof in, &out, 8, &params);
        const uint32_t errors = table().round_wide[at(DType::kLongDouble)].run(&run);
        ASSERT_EQ(out, expected) << reference::rounding_name(rounding) << " "
                                 << reference::to_text(DType::kLongDouble, bits);
        ASSERT_EQ(errors, overflow ? uint32_t{SC_ERR_OVERFLOW} : 0u)
            << reference::rounding_name(rounding) << " "
            << reference::to_text(DType::kLongDouble, bits);
      }
    }
  }
}

// --- equal values --------------------------------------------------------------------------------

// Whether `bits` has an equal in a destination like this.
bool expects_exact(DType type, Bits bits, const ExactParams& params) {
  const Value value = reference::decode(type, bits);
  if (value.cls == Value::Class::kNan) return true;
  if (value.cls == Value::Class::kInf) return params.min_exponent != 0;
  const bool is_float = reference::is_float(type);
  return reference::is_exact(value, params.digits, is_float ? params.min_exponent : -2000);
}

std::vector<ExactParams> destinations_of(DType type) {
  std::vector<ExactParams> out;
  for (const FloatShape& shape : kFloatShapes) out.push_back({shape.digits, shape.least});
  out.push_back({53, -1074});
  if (reference::is_float(type)) out.push_back({64, 0});
  return out;
}

TEST_P(RoundTest, ChecksForEqualValues) {
  for (DType type : {DType::kInt32, DType::kUint32, DType::kInt64, DType::kUint64, DType::kFloat64,
                     DType::kLongDouble}) {
    if (type == DType::kLongDouble && !reference::kKnowsLongDouble) continue;
    const sc_entry& entry = table().check_exact[at(type)];
    ASSERT_NE(entry.run, nullptr) << reference::name(type);
    EXPECT_EQ(entry.dst_access, uint32_t{SC_ACCESS_NONE});
    EXPECT_NE(entry.traits & SC_TRAIT_MAY_FAIL, 0u);
    const int64_t size = reference::size(type);
    std::vector<Bits> values = values_for(type, DType::kFloat32);
    bool overflow = false;
    for (int k = -20; reference::is_float(type) && k < 70; ++k) {  // few digits, around the point
      for (uint64_t m : {1, 3, 5, 9, 15, 17, 31, 255, 257}) {
        values.push_back(reference::round_to_float(type, m % 2 != 0, m, k, &overflow));
      }
    }
    for (const ExactParams& params : destinations_of(type)) {
      std::vector<Bits> good;
      std::vector<Bits> bad;
      for (Bits bits : values) {
        unsigned char in[16] = {};
        reference::store(in, static_cast<int>(size), bits);
        const sc_run run = make_packed_run(1, in, size, nullptr, size, &params);
        const bool exact = expects_exact(type, bits, params);
        ASSERT_EQ(entry.run(&run), exact ? 0u : uint32_t{SC_ERR_INEXACT})
            << table().target << " " << reference::to_text(type, bits) << " in " << params.digits
            << " digits from 2^" << params.min_exponent;
        (exact ? good : bad).push_back(bits);
      }
      if (good.empty() || bad.empty()) continue;
      // One bad item anywhere in runs of all lengths.
      Random random(static_cast<uint64_t>(type));
      for (int64_t n = 1; n <= 70; ++n) {
        std::vector<Bits> items;
        for (int64_t i = 0; i < n; ++i) items.push_back(random.pick(good));
        const auto bytes = static_cast<size_t>(n * size);
        for (bool spoil : {false, true}) {
          if (spoil) items[static_cast<size_t>(random.below(n))] = random.pick(bad);
          const std::vector<unsigned char> packed = pack(type, items);
          for (Flush side : kBothSides) {
            unsigned char* const in = src_.place(bytes, side, static_cast<size_t>(n % 5));
            std::copy(packed.begin(), packed.end(), in);
            const sc_run run = make_packed_run(n, in, size, nullptr, size, &params);
            ASSERT_EQ(entry.run(&run), spoil ? uint32_t{SC_ERR_INEXACT} : 0u)
                << table().target << " " << reference::name(type) << " n=" << n;
          }
        }
      }
    }
  }
}

STRIDECAST_INSTANTIATE_FOR_TARGETS(RoundTest);

}  // namespace
}  // namespace stridecast::testing
