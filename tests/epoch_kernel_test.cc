// Kernels of counts since an epoch against exact fractions of integers of any size: units, epochs
// and destinations from weeks to attoseconds, integers of all widths, float64 of all exponents,
// ties, limits, absent counts; between guard pages, at any misalignment, in place.

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "dtypes/time_unit.h"
#include "kernels/epoch_params.h"
#include "stridecast/datetime.h"
#include "tests/support/big_int.h"
#include "tests/support/kernel_run.h"
#include "tests/support/packed_kernel_check.h"
#include "tests/support/random_layout.h"
#include "tests/support/target_param.h"

namespace stridecast::testing {
namespace {

using internal::Int128;
using internal::TimeBase;
using internal::TimeUnit;
using kernels::EpochParams;
using kernels::TimeRule;

constexpr int64_t kNat = INT64_MIN;
const double kInfinity = std::numeric_limits<double>::infinity();
const double kNan = std::numeric_limits<double>::quiet_NaN();

// --- pairs ---------------------------------------------------------------------------------------

struct Pair {
  const char* units;
  const char* time;
};
constexpr Pair kPairs[] = {
    {"days since 1850-01-01", "ns"},
    {"days since 1970-01-01", "ns"},
    {"days since 1900-01-01", "us"},
    {"hours since 1900-01-01", "s"},
    {"hours since 1900-01-01", "ns"},
    {"minutes since 1600-02-29 01:02:03.123456789", "ms"},
    {"seconds since 2000-01-01 12:00", "ns"},
    {"seconds since 1970-01-01 00:00:01", "s"},
    {"seconds since 0001-01-01", "D"},
    {"ms since 1970-01-01", "us"},
    {"us since 2000-01-01", "ns"},
    {"ns since 1970-01-01 00:00:00.000000001", "ns"},
    {"ns since 1970-01-01", "us"},
    {"ns since 1850-01-01", "D"},
    {"days since 0001-01-01", "ns"},
    {"hours since 0001-01-01 00:30", "us"},
    {"us since 0001-01-01", "ns"},
    {"us since 1600-01-01 00:00:00.000000001", "ns"},
    {"days since 1970-01-01 00:00:00.5", "s"},
    {"days since 1970-01-01 00:00:00.000000001", "ns"},
    {"julian day", "D"},
    {"julian day", "ns"},
    {"days since 1900-01-01", "7D"},
    {"days since 1970-01-01", "W"},
    {"hours since 1970-01-01", "25us"},
    {"days since 1970-01-01", "ps"},
    {"days since 1970-01-01 00:00:00.000000000000000001", "as"},
    {"days since 1970-01-01", "as"},
    {"weeks since -280000000000-01-01", "as"},
    {"weeks since 1970-01-01", "fs"},
    {"nanoseconds since 1970-01-01", "2147483647W"},
    {"weeks since 280000000000-01-01 00:00:00.1", "2147483647W"},
    {"seconds since 1970-01-01", "3as"},
    {"days since 290000000000-01-01", "s"},
};

TimeUnit unit_of(const char* text) {
  TimeUnit unit;
  EXPECT_TRUE(internal::parse_time_unit(text, &unit)) << text;
  return unit;
}

Int128 attoseconds(const TimeUnit& unit) {
  return internal::time_ratio(unit, {TimeBase::kAttosecond, 1}).num;
}

EpochParams params_of(const Pair& pair, bool to_time) {
  constexpr Int128 kSecond = 1'000'000'000'000'000'000;
  constexpr const char* kSteps[] = {"W", "D", "h", "m", "s", "ms", "us", "ns"};
  const TimeUnits units = TimeUnits::parse(pair.units);
  const Int128 count = attoseconds(unit_of(kSteps[static_cast<int>(units.step())]));
  const Int128 time = attoseconds(unit_of(pair.time));
  const Int128 start = units.seconds() * kSecond + units.attoseconds();
  EpochParams params;
  params.mul = to_time ? count : time;
  params.den = to_time ? time : count;
  params.add = to_time ? start : -start;
  params.rule = TimeRule::kSaturate;
  return params;
}

// --- the oracle ----------------------------------------------------------------------------------

// (x * mul + add) / den.
BigRatio exact(const EpochParams& params, const BigRatio& x) {
  return {x.num * params.mul + x.den * params.add, x.den * params.den};
}

struct Result {
  uint64_t bits = 0;
  uint32_t errors = 0;
};

Result limited(const EpochParams& params, const BigInt& result) {
  if (result >= params.lo && result <= params.hi) return {static_cast<uint64_t>(result.value()), 0};
  if (params.rule == TimeRule::kRaise) return {0, SC_ERR_OVERFLOW};
  if (params.rule == TimeRule::kNat) return {static_cast<uint64_t>(kNat), 0};
  return {static_cast<uint64_t>(result < params.lo ? params.lo : params.hi), 0};
}

bool is_absent(const EpochParams& params, uint64_t bits) {
  for (int32_t k = 0; k < params.num_absent; ++k) {
    if (static_cast<uint64_t>(params.absent[k]) == bits) return true;
  }
  return false;
}

Result time_of_int(const EpochParams& params, uint64_t bits) {
  if (is_absent(params, bits)) return {static_cast<uint64_t>(kNat), 0};
  const Int128 x = params.is_unsigned ? Int128{bits} : Int128{static_cast<int64_t>(bits)};
  return limited(params, exact(params, {x, 1}).floor());
}

Result time_of_float(const EpochParams& params, uint64_t bits) {
  if (is_absent(params, bits)) return {static_cast<uint64_t>(kNat), 0};
  const double x = std::bit_cast<double>(bits);
  if (std::isnan(x)) {
    return {static_cast<uint64_t>(kNat), params.nan_raises ? uint32_t{SC_ERR_NAN} : 0u};
  }
  if (std::isinf(x)) return limited(params, BigInt::power_of_two(200) * BigInt(x > 0 ? 1 : -1));
  return limited(params, exact(params, BigRatio::of(x)).nearest());
}

Result int_of_time(const EpochParams& params, uint64_t bits) {
  const auto time = static_cast<int64_t>(bits);
  if (time == kNat) {
    return {static_cast<uint64_t>(params.missing), params.has_missing ? 0u : uint32_t{SC_ERR_NAN}};
  }
  const BigRatio ratio = exact(params, {time, 1});
  const BigInt count = ratio.nearest();
  Result result = limited(params, count);
  if (params.exact && count * ratio.den != ratio.num) result.errors |= SC_ERR_INEXACT;
  if (params.has_missing && params.rule == TimeRule::kRaise &&
      result.bits == static_cast<uint64_t>(params.missing)) {
    result.errors |= SC_ERR_OVERFLOW;
  }
  return result;
}

// The nearest float64, from its neighbours on both sides and the middle between them.
double nearest_double(const BigRatio& ratio) {
  if (ratio.num.is_zero()) return 0;
  const bool negative = ratio.num < BigInt(0);
  const BigRatio x = {negative ? -ratio.num : ratio.num, ratio.den};
  // Bits of positive floats are in order. A guess is a few of them off.
  const auto guess = static_cast<double>(x.num.approximate() / x.den.approximate());
  uint64_t below = std::bit_cast<uint64_t>(guess);
  while (BigRatio::of(std::bit_cast<double>(below)) > x) --below;
  while (BigRatio::of(std::bit_cast<double>(below + 1)) <= x) ++below;
  const uint64_t above = below + 1;
  const BigRatio lower = BigRatio::of(std::bit_cast<double>(below));
  const BigRatio upper = BigRatio::of(std::bit_cast<double>(above));
  const BigRatio twice = {x.num * 2, x.den};
  const BigRatio sum = {lower.num * upper.den + upper.num * lower.den, lower.den * upper.den};
  const bool up = twice > sum || (twice == sum && below % 2 != 0);
  const double nearest = std::bit_cast<double>(up ? above : below);
  return negative ? -nearest : nearest;
}

Result float_of_time(const EpochParams& params, uint64_t bits) {
  const auto time = static_cast<int64_t>(bits);
  if (time == kNat) return {std::bit_cast<uint64_t>(kNan), 0};
  const BigRatio ratio = exact(params, {time, 1});
  const double nearest = nearest_double(ratio);
  const bool inexact = params.exact && BigRatio::of(nearest) != ratio;
  return {std::bit_cast<uint64_t>(nearest), inexact ? uint32_t{SC_ERR_INEXACT} : 0u};
}

// --- values --------------------------------------------------------------------------------------

void add_around(std::vector<uint64_t>& values, int64_t center) {
  for (int64_t k = -3; k <= 3; ++k) {
    values.push_back(static_cast<uint64_t>(center) + static_cast<uint64_t>(k));
  }
}

int trailing_zeros(Int128 value) {
  int count = 0;
  for (; value % 2 == 0; value /= 2) ++count;
  return count;
}

// Numerators whose quotients lie as close to the middle of two float64 as they can without being
// there: with den = 2^zeros * odd, middle * odd + 1 is a multiple of a power of two.
void add_near_middles(const EpochParams& params, Random& random, std::vector<uint64_t>& values) {
  if (params.mul != 1 || params.den == 1) return;
  const Int128 odd = params.den >> trailing_zeros(params.den);
  for (int shift = 5; shift < 55; ++shift) {
    uint64_t inverse = 1;  // of odd, each step doubles the bits that are right
    for (int k = 0; k < 6; ++k) inverse *= 2 - static_cast<uint64_t>(odd) * inverse;
    for (const int sign : {-1, 1}) {
      const uint64_t low = (sign < 0 ? inverse : 0 - inverse) & ((uint64_t{1} << shift) - 1);
      const uint64_t top =
          uint64_t{1} << 53 | (random.bits() >> 11 & ~((uint64_t{1} << shift) - 1));
      const BigInt middle = static_cast<Int128>(top | low);
      const BigRatio n = {middle * BigInt(odd) + BigInt(sign), BigInt(Int128{1} << shift)};
      const BigInt x = n.floor() - BigInt(params.add);
      if (x < BigInt(INT64_MAX)) values.push_back(static_cast<uint64_t>(x.value()));
    }
  }
}

// Around the ends of what vectors take, where results leave the range, powers of two; all widths.
std::vector<uint64_t> integers(const EpochParams& params, Random& random) {
  std::vector<uint64_t> values;
  for (const int64_t center : {int64_t{0}, INT64_MIN, INT64_MAX, params.first, params.last}) {
    add_around(values, center);
  }
  for (const Int128 limit : {params.lo, params.hi}) {
    const BigRatio x = {BigInt(limit) * params.den - params.add, params.mul};
    const BigInt floor = x.floor();
    if (floor > BigInt(INT64_MIN) && floor < BigInt(INT64_MAX)) {
      add_around(values, static_cast<int64_t>(floor.value()));
    }
  }
  for (int shift = 1; shift < 63; shift += 5) add_around(values, int64_t{1} << shift);
  for (int k = 0; k < 150; ++k) {
    const int64_t value = static_cast<int64_t>(random.bits()) >> random.below(64);
    values.push_back(static_cast<uint64_t>(value));
  }
  add_near_middles(params, random, values);
  // Halves and whole quotients, where there are any.
  if (params.den > 1 && params.den < INT64_MAX / 2) {
    const auto den = static_cast<int64_t>(params.den);
    for (int k = 0; k < 20; ++k) {
      const BigRatio x = {BigInt(den) * random.between(-1000, 1000) + BigInt(den / 2) - params.add,
                          params.mul};
      const BigInt floor = x.floor();
      if (floor > BigInt(INT64_MIN) && floor < BigInt(INT64_MAX)) {
        add_around(values, static_cast<int64_t>(floor.value()));
      }
    }
  }
  return values;
}

void add_float_around(std::vector<uint64_t>& values, double center) {
  values.push_back(std::bit_cast<uint64_t>(center));
  values.push_back(std::bit_cast<uint64_t>(std::nextafter(center, kInfinity)));
  values.push_back(std::bit_cast<uint64_t>(std::nextafter(center, -kInfinity)));
}

std::vector<uint64_t> floats(const EpochParams& params, Random& random) {
  std::vector<uint64_t> values;
  for (const double x : {0.0, -0.0, 0.5, 1.0, -1.5, 1e300, -1e300, 5e-324, 1e-310, 0x1p52, 0x1p53,
                         -0x1p52, 0x1p62, 0x1p63, -0x1p63, kInfinity, -kInfinity, kNan}) {
    values.push_back(std::bit_cast<uint64_t>(x));
  }
  values.push_back(0xFFF0000000000123u);  // a signalling NaN
  for (int k = 0; k < 100; ++k) values.push_back(random.bits());
  const double mul = static_cast<double>(params.mul), den = static_cast<double>(params.den);
  const double zero = -static_cast<double>(params.add) / mul;
  const double range = 0x1p63 * den / mul;
  add_float_around(values, zero + range);
  add_float_around(values, zero - range);
  add_float_around(values, zero);
  for (const double limit : {params.float_first, params.float_last, 0x1p51, 0x1p52, 0x1p53, 0x1p54,
                             0x1p62, -0x1p51, -0x1p52, -0x1p53, -0x1p54}) {
    add_float_around(values, limit / mul);
  }
  const auto scaled = [&](double size) {
    return (static_cast<double>(random.bits()) * 0x1p-63 - 1) * size;
  };
  for (int k = 0; k < 100; ++k) {
    values.push_back(std::bit_cast<uint64_t>(scaled(range)));
    const double size = std::ldexp(range, -static_cast<int>(random.below(90)));
    values.push_back(std::bit_cast<uint64_t>(scaled(size)));
    values.push_back(std::bit_cast<uint64_t>(std::round(scaled(size))));
    // As float32 has them.
    values.push_back(std::bit_cast<uint64_t>(double{static_cast<float>(scaled(size))}));
  }
  // Halves: where den is 1, x * mul is k + 1/2 for an odd multiple of 2^-1 over mul's factors of
  // two.
  const int zeros = trailing_zeros(params.mul);
  for (int k = 0; k < 150; ++k) {
    const int64_t size = int64_t{1} << random.between(1, 52);
    const int64_t odd = random.between(-size, size) | 1;
    const double half = std::ldexp(static_cast<double>(odd), -zeros - 1);
    if (k % 3 == 0) {
      values.push_back(std::bit_cast<uint64_t>(half));
    } else {
      add_float_around(values, half);
    }
  }
  return values;
}

// --- trials --------------------------------------------------------------------------------------

enum class Kernel : uint8_t { kTimeOfInt, kTimeOfFloat, kIntOfTime, kFloatOfTime };

const sc_entry& entry_of(const kernels::KernelTable& table, Kernel kernel) {
  switch (kernel) {
    case Kernel::kTimeOfInt:
      return table.epoch_to_time[0];
    case Kernel::kTimeOfFloat:
      return table.epoch_to_time[1];
    case Kernel::kIntOfTime:
      return table.time_to_epoch[0];
    case Kernel::kFloatOfTime:
      break;
  }
  return table.time_to_epoch[1];
}

struct Trial {
  Kernel kernel;
  Pair pair;
  EpochParams params;
  std::vector<uint64_t> in;
  std::vector<Result> out;
};

Result expected(Kernel kernel, const EpochParams& params, uint64_t bits) {
  switch (kernel) {
    case Kernel::kTimeOfInt:
      return time_of_int(params, bits);
    case Kernel::kTimeOfFloat:
      return time_of_float(params, bits);
    case Kernel::kIntOfTime:
      return int_of_time(params, bits);
    case Kernel::kFloatOfTime:
      break;
  }
  return float_of_time(params, bits);
}

Trial make_trial(Kernel kernel, const Pair& pair, const EpochParams& given, uint64_t seed) {
  Trial trial{kernel, pair, given, {}, {}};
  const bool to_time = kernel <= Kernel::kTimeOfFloat;
  const bool is_float = kernel == Kernel::kTimeOfFloat || kernel == Kernel::kFloatOfTime;
  prepare_epoch(trial.params, to_time, is_float);
  Random random(seed);
  trial.in = kernel == Kernel::kTimeOfFloat ? floats(trial.params, random)
                                            : integers(trial.params, random);
  for (int32_t k = 0; k < given.num_absent; ++k) {
    trial.in.push_back(static_cast<uint64_t>(given.absent[k]));
  }
  for (const uint64_t bits : trial.in) {
    trial.out.push_back(expected(kernel, trial.params, bits));
  }
  return trial;
}

// What the options add to a pair.
EpochParams with_options(Kernel kernel, EpochParams params, size_t index) {
  if (kernel <= Kernel::kTimeOfFloat) {
    if (index % 3 == 1) params.rule = TimeRule::kNat;
    params.is_unsigned = kernel == Kernel::kTimeOfInt && index % 4 == 3;
    if (index % 2 == 0) {
      params.num_absent = static_cast<int32_t>(index % 8) + 1;
      for (int32_t k = 0; k < params.num_absent; ++k) {
        params.absent[k] = kernel == Kernel::kTimeOfInt
                               ? (k == 0 ? int64_t{-9999} : INT64_MIN + k)
                               : std::bit_cast<int64_t>(k == 0 ? 9.969209968386869e36 : 1.5 * k);
      }
    }
    return params;
  }
  if (kernel == Kernel::kIntOfTime) {
    params.has_missing = true;
    params.missing = -9999;
    constexpr Int128 kRanges[][2] = {{INT64_MIN, INT64_MAX},
                                     {INT32_MIN, INT32_MAX},
                                     {-128, 127},
                                     {0, 255},
                                     {0, Int128{UINT64_MAX}}};
    params.lo = kRanges[index % 5][0];
    params.hi = kRanges[index % 5][1];
    params.is_unsigned = index % 5 == 4;
  }
  return params;
}

const std::vector<Trial>& trials() {
  static const std::vector<Trial>& all = *[] {
    auto* made = new std::vector<Trial>;
    for (size_t k = 0; k < std::size(kPairs); ++k) {
      for (const Kernel kernel :
           {Kernel::kTimeOfInt, Kernel::kTimeOfFloat, Kernel::kIntOfTime, Kernel::kFloatOfTime}) {
        const EpochParams params = params_of(kPairs[k], kernel <= Kernel::kTimeOfFloat);
        made->push_back(make_trial(kernel, kPairs[k], with_options(kernel, params, k), k));
      }
    }
    return made;
  }();
  return all;
}

class EpochKernelTest : public KernelTest {
 protected:
  PackedCase packed(const Trial& trial) const {
    PackedCase c;
    c.entry = &entry_of(table(), trial.kernel);
    c.from = trial.kernel == Kernel::kTimeOfFloat ? DType::kFloat64 : DType::kInt64;
    c.to = trial.kernel == Kernel::kFloatOfTime ? DType::kFloat64 : DType::kInt64;
    c.params = &trial.params;
    for (size_t k = 0; k < trial.in.size(); ++k) {
      c.in.push_back(trial.in[k]);
      c.out.push_back(trial.out[k].bits);
    }
    return c;
  }
  Result run_one(const Trial& trial, const EpochParams& params, uint64_t bits) const {
    Result result;
    const sc_run run = make_packed_run(1, &bits, 8, &result.bits, 8, &params);
    result.errors = entry_of(table(), trial.kernel).run(&run);
    return result;
  }
  GuardedBuffer src_{8 * 1024}, dst_{8 * 1024};
};

TEST_P(EpochKernelTest, EveryValueIsRoundedOnce) {
  for (const Trial& trial : trials()) {
    ASSERT_NO_FATAL_FAILURE(check_all_values(packed(trial)))
        << trial.pair.units << " [" << trial.pair.time << "]";
  }
}

TEST_P(EpochKernelTest, VectorsTakeWhatTheyCan) {
  // Values of whole vectors at a time, so that none of them is left to exact code by a neighbour.
  for (const Trial& trial : trials()) {
    for (size_t k = 0; k < trial.in.size(); ++k) {
      uint64_t in[8], out[8];
      std::fill(in, in + 8, trial.in[k]);
      const sc_run run = make_packed_run(8, in, 8, out, 8, &trial.params);
      ASSERT_EQ(entry_of(table(), trial.kernel).run(&run), 0u);
      for (const uint64_t bits : out) {
        ASSERT_EQ(bits, trial.out[k].bits)
            << table().target << " " << entry_of(table(), trial.kernel).name << " "
            << trial.pair.units << " [" << trial.pair.time << "] of " << std::hex << trial.in[k];
      }
    }
  }
}

TEST_P(EpochKernelTest, LengthsAndMisalignmentsBetweenGuardPages) {
  for (size_t k = 0; k < trials().size(); k += 5) {
    const PackedCase c = packed(trials()[k]);
    ASSERT_NO_FATAL_FAILURE(check_lengths_and_misalignments(c, src_, dst_));
    ASSERT_NO_FATAL_FAILURE(check_in_place(c, dst_));
  }
}

// Under kRaise, one item at a time and a bad one anywhere.
TEST_P(EpochKernelTest, ComplaintsAreExact) {
  for (const Trial& trial : trials()) {
    for (const bool strict : {false, true}) {
      EpochParams params = trial.params;
      params.rule = TimeRule::kRaise;
      params.exact = params.nan_raises = strict;
      params.has_missing = params.has_missing && !strict;
      if (trial.kernel == Kernel::kFloatOfTime && !strict) continue;  // has nothing to complain of
      for (size_t k = 0; k < trial.in.size(); k += 7) {
        const Result want = expected(trial.kernel, params, trial.in[k]);
        const Result got = run_one(trial, params, trial.in[k]);
        ASSERT_EQ(got.errors, want.errors)
            << table().target << " " << entry_of(table(), trial.kernel).name << " "
            << trial.pair.units << " [" << trial.pair.time << "] of " << std::hex << trial.in[k];
        if (want.errors == 0) {
          ASSERT_EQ(got.bits, want.bits) << trial.pair.units;
        }
      }
    }
  }
}

TEST_P(EpochKernelTest, OneBadItemIsSeenAnywhere) {
  EpochParams params = params_of(kPairs[0], true);
  params.rule = TimeRule::kRaise;
  prepare_epoch(params, true, true);
  for (int64_t n = 1; n <= 40; ++n) {
    std::vector<double> in(static_cast<size_t>(n), 50000.25);
    std::vector<int64_t> out(in.size());
    const sc_run run = make_packed_run(n, in.data(), 8, out.data(), 8, &params);
    ASSERT_EQ(table().epoch_to_time[1].run(&run), 0u);
    for (double& item : in) {
      item = 1e9;
      ASSERT_EQ(table().epoch_to_time[1].run(&run), uint32_t{SC_ERR_OVERFLOW}) << n;
      item = 50000.25;
    }
  }
}

// A carrier that is rounded again gives what one rounding would.
TEST_P(EpochKernelTest, OddCarriersRoundOnce) {
  Random random(7);
  for (const Pair& pair : kPairs) {
    EpochParams params = params_of(pair, false);
    params.odd = true;
    prepare_epoch(params, false, true);
    std::vector<uint64_t> in = integers(params, random);
    // Counts next to the middle of two float32.
    for (int k = 0; k < 40; ++k) {
      const double near = 0x1.000001p0 * static_cast<double>(int64_t{1} << random.below(30)) *
                          static_cast<double>(random.between(-1, 1) * 2 + 1);
      const BigRatio count = BigRatio::of(near);
      const BigRatio time = {count.num * params.den - count.den * params.add,
                             count.den * params.mul};
      const BigInt floor = time.floor();
      if (floor > BigInt(INT64_MIN + 9) && floor < BigInt(INT64_MAX - 9)) {
        add_around(in, static_cast<int64_t>(floor.value()));
      }
    }
    for (size_t k = 0; k < in.size(); k += 2) {
      const uint64_t bits = in[k];
      if (static_cast<int64_t>(bits) == kNat) continue;
      double carrier;
      const sc_run run = make_packed_run(1, &bits, 8, &carrier, 8, &params);
      ASSERT_EQ(table().time_to_epoch[1].run(&run), 0u);
      const BigRatio ratio = exact(params, {static_cast<int64_t>(bits), 1});
      const auto narrow = static_cast<float>(carrier);
      if (std::isinf(narrow)) continue;
      // No neighbour is nearer.
      for (const float to :
           {-std::numeric_limits<float>::infinity(), std::numeric_limits<float>::infinity()}) {
        const float other = std::nextafter(narrow, to);
        if (std::isinf(other)) continue;
        const double middle = (double{narrow} + double{other}) / 2;
        const auto order = ratio <=> BigRatio::of(middle);
        const bool even = std::bit_cast<uint32_t>(narrow) % 2 == 0;
        if (order == 0) {
          ASSERT_TRUE(even) << pair.units << " " << static_cast<int64_t>(bits);
        } else {
          ASSERT_EQ(order < 0, narrow < other) << pair.units << " " << static_cast<int64_t>(bits);
        }
      }
    }
  }
}

STRIDECAST_INSTANTIATE_FOR_TARGETS(EpochKernelTest);

}  // namespace
}  // namespace stridecast::testing
