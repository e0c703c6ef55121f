// Reductions through plans: random arrays and axes against the oracle, and the promise that layout,
// target and threads never change a bit.

#include "tests/reference/reduce.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include "stridecast/plan.h"
#include "tests/reference/strided.h"
#include "tests/support/engine_run.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/packed_kernel_check.h"
#include "tests/support/random_layout.h"
#include "tests/support/target_param.h"
#include "tests/support/values.h"

namespace stridecast::testing {
namespace {

using enum DType;
using Bytes = std::vector<unsigned char>;

class ReduceTest : public EngineTest {};
STRIDECAST_INSTANTIATE_FOR_TARGETS(ReduceTest);

template <typename From, typename To>
To reduce_all(const char* from, const std::vector<From>& x, const char* to, ReduceOp op) {
  const Plan plan =
      Plan::reduce(Layout::contiguous(Format::parse(from), {static_cast<int64_t>(x.size())}),
                   Layout::contiguous(Format::parse(to), {}), {.op = op, .axes = {0}});
  To result{};
  plan.run(x.data(), &result);
  return result;
}

TEST_P(ReduceTest, SumsAndMinima) {
  EXPECT_EQ((reduce_all<float, float>("f", {1, 2, 3.5f}, "f", ReduceOp::kSum)), 6.5f);
  EXPECT_EQ((reduce_all<double, double>("d", {1, -2, 3.5}, "d", ReduceOp::kMin)), -2.0);
  EXPECT_EQ((reduce_all<int64_t, int64_t>("q", {1, INT64_MAX, 1}, "q", ReduceOp::kSum)),
            INT64_MIN + 1);
  EXPECT_EQ((reduce_all<int64_t, int64_t>("q", {4, INT64_MIN, 7}, "q", ReduceOp::kMin)), INT64_MIN);
  EXPECT_EQ((reduce_all<int8_t, int64_t>("b", {127, 127, 127}, "q", ReduceOp::kSum)), 381);
}

TEST_P(ReduceTest, SumsOfUint64AreUnsigned) {
  const std::vector<uint64_t> x = {uint64_t{1} << 63, 5};
  EXPECT_EQ((reduce_all<uint64_t, uint64_t>("Q", x, "Q", ReduceOp::kSum)), (uint64_t{1} << 63) + 5);
  EXPECT_EQ((reduce_all<uint8_t, uint64_t>("B", {255, 255}, "Q", ReduceOp::kSum)), 510u);
}

// A result has NumPy's type or the accumulator's: nothing that was found gets lost on the way out.
TEST_P(ReduceTest, ResultTypes) {
  const auto accepted = [](const char* from, const char* to, ReduceOp op) {
    try {
      Plan::reduce(Layout::contiguous(Format::parse(from), {3}),
                   Layout::contiguous(Format::parse(to), {}), {.op = op, .axes = {0}});
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kNoConversion) << error.what();
      return false;
    }
    return true;
  };
  for (const char* both : {"q", "Q", "f", "d", "E", "e"}) {
    EXPECT_TRUE(accepted(both, both, ReduceOp::kSum)) << both;
  }
  for (const auto& [from, to] : {std::pair<const char*, const char*>{"b", "q"},
                                 {"?", "q"},
                                 {"H", "Q"},
                                 {"E", "f"},
                                 {"e", "f"}}) {
    EXPECT_TRUE(accepted(from, to, ReduceOp::kSum)) << from << " -> " << to;
  }
  for (const auto& [from, to] :
       {std::pair<const char*, const char*>{"f", "d"}, {"E", "d"}, {"Q", "d"}, {"q", "f"}}) {
    EXPECT_TRUE(accepted(from, to, ReduceOp::kSum)) << from << " -> " << to;
  }
  for (const auto& [from, to] :
       {std::pair<const char*, const char*>{"b", "b"}, {"Q", "q"}, {"d", "f"}, {"f", "q"}}) {
    EXPECT_FALSE(accepted(from, to, ReduceOp::kSum)) << from << " -> " << to;
  }
  for (const char* both : {"b", "?", "q", "Q", "f", "d", "E", "e", "[ml_dtypes$float8_e4m3fn]",
                           "[ml_dtypes$int4]", "[numpy$datetime64$s]"}) {
    EXPECT_TRUE(accepted(both, both, ReduceOp::kMin)) << both;
    EXPECT_TRUE(accepted(both, both, ReduceOp::kMax)) << both;
  }
  EXPECT_FALSE(accepted("[numpy$datetime64$s]", "[numpy$datetime64$ms]", ReduceOp::kMax));
  EXPECT_FALSE(accepted("[numpy$datetime64$s]", "[numpy$datetime64$s]", ReduceOp::kSum));
  for (const char* from : {"?", "b", "Q", "e", "d"}) {
    EXPECT_TRUE(accepted(from, "?", ReduceOp::kAny)) << from;
    EXPECT_TRUE(accepted(from, "?", ReduceOp::kAll)) << from;
    EXPECT_TRUE(accepted(from, "q", ReduceOp::kCountNonzero)) << from;
    EXPECT_FALSE(accepted(from, "B", ReduceOp::kAny)) << from;
  }
  EXPECT_FALSE(accepted("q", "h", ReduceOp::kMin));
  EXPECT_EQ(reduce_result(ReduceOp::kSum, kUint8), kUint64);
  EXPECT_EQ(reduce_result(ReduceOp::kSum, kBool), kInt64);
  EXPECT_EQ(reduce_result(ReduceOp::kSum, kBFloat16), kBFloat16);
  EXPECT_EQ(reduce_result(ReduceOp::kMin, kInt16), kInt16);
}

// 256 + 1 is not a bfloat16: a sum that rounded at every step would stay at 256.
TEST_P(ReduceTest, BFloat16AccumulatesInFloat32AndRoundsOnce) {
  std::vector<uint16_t> ones(600, 0x3F80);
  EXPECT_EQ((reduce_all<uint16_t, uint16_t>("E", ones, "E", ReduceOp::kSum)), 0x4416);  // 600
  std::vector<uint16_t> halves(1000, 0x3800);  // float16 0.5
  EXPECT_EQ((reduce_all<uint16_t, uint16_t>("e", halves, "e", ReduceOp::kSum)), 0x5FD0);  // 500
}

TEST_P(ReduceTest, MinimaPropagateNan) {
  const double nan = std::bit_cast<double>(0x7FF8000000000000u);
  for (size_t at : {0, 1, 77, 199}) {
    std::vector<double> x(200, 1.0);
    x[at] = nan;
    const double low = reduce_all<double, double>("d", x, "d", ReduceOp::kMin);
    EXPECT_NE(low, low) << at;
  }
  std::vector<uint16_t> bf(9, 0xC000);
  bf[5] = 0x7FC0;
  EXPECT_EQ((reduce_all<uint16_t, uint16_t>("E", bf, "E", ReduceOp::kMin) & 0x7FFF), 0x7FC0);
}

// Whichever comes first, near or far from it: the bits must not depend on the order.
TEST_P(ReduceTest, MinimaTakeNegativeZeroFirst) {
  for (size_t at : {0, 1, 8, 130, 299}) {
    std::vector<double> x(300, 0.0);
    x[at] = -0.0;
    const double low = reduce_all<double, double>("d", x, "d", ReduceOp::kMin);
    EXPECT_EQ(std::bit_cast<uint64_t>(low), uint64_t{1} << 63) << at;
    std::vector<float> y(300, -0.0f);
    y[at] = 0.0f;
    const float low_float = reduce_all<float, float>("f", y, "f", ReduceOp::kMin);
    EXPECT_EQ(std::bit_cast<uint32_t>(low_float), uint32_t{1} << 31) << at;
  }
}

TEST_P(ReduceTest, TheSumOfNothingIsZeroAndItsMinimumAnError) {
  EXPECT_EQ((reduce_all<double, double>("d", {}, "d", ReduceOp::kSum)), 0.0);
  EXPECT_EQ((reduce_all<int64_t, int64_t>("q", {}, "q", ReduceOp::kSum)), 0);
  EXPECT_THROW((reduce_all<double, double>("d", {}, "d", ReduceOp::kMin)), Error);
}

TEST_P(ReduceTest, NegativeZerosAddUpToNegativeZero) {
  const std::vector<float> zeros(300, -0.0f);
  EXPECT_EQ(std::bit_cast<uint32_t>(reduce_all<float, float>("f", zeros, "f", ReduceOp::kSum)),
            0x80000000u);
}

// Blocks narrower than the plan's, of one thread among several or at the end, take more turns
// together: what these give has room.
TEST_P(ReduceTest, SmallBlocksHoldWhatTheyFold) {
  const Plan plan = Plan::reduce(Layout::contiguous(Format::parse("f"), {64, 257, 17}),
                                 Layout::contiguous(Format::parse("f"), {257}),
                                 {.op = ReduceOp::kSum, .axes = {0, 2}});
  const std::vector<float> x(64 * 257 * 17, 1);
  for (const int threads : {1, 2, 3, 4}) {
    std::vector<float> result(257);
    plan.run(x.data(), result.data(), RunOptions{.threads = threads});
    EXPECT_EQ(result, std::vector<float>(257, 64 * 17)) << threads << " threads";
  }
}

TEST_P(ReduceTest, NoAxesIsACopy) {
  const float in[4] = {1, -0.0f, 3, 4};
  float out[4] = {};
  const Layout layout = Layout::contiguous(Format::parse("f"), {4});
  Plan::reduce(layout, layout, {.op = ReduceOp::kSum, .axes = {}}).run(in, out);
  EXPECT_EQ(std::memcmp(in, out, sizeof in), 0);
}

TEST_P(ReduceTest, RefusesWhatMakesNoSense) {
  const Format d = Format::parse("d");
  const Layout src = Layout::contiguous(d, {2, 3, 4});
  const auto code = [&](const Layout& dst, std::vector<int> axes, ReduceOp op = ReduceOp::kSum) {
    try {
      Plan::reduce(src, dst, {.op = op, .axes = std::move(axes)});
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_EQ(code(Layout::contiguous(d, {2, 4}), {1}), "accepted");
  EXPECT_EQ(code(Layout::contiguous(d, {2, 1, 4}), {1}), "accepted");
  EXPECT_EQ(code(Layout::contiguous(d, {}), {0, 1, 2}), "accepted");
  EXPECT_NE(code(Layout::contiguous(d, {2, 3}), {1}), "accepted");
  EXPECT_NE(code(Layout::contiguous(d, {2, 2, 4}), {1}), "accepted");
  EXPECT_NE(code(Layout::contiguous(d, {2, 4}), {3}), "accepted");
  EXPECT_NE(code(Layout::contiguous(d, {2, 4}), {-1}), "accepted");
  EXPECT_NE(code(Layout::contiguous(d, {4}), {1, 1}), "accepted");
  EXPECT_NE(code(Layout::strided(d, {2, 4}, {0, 8}), {1}), "accepted");
  EXPECT_THROW(Plan::reduce(Layout::contiguous(Format::parse("T{d:a:d:b:}"), {3}),
                            Layout::contiguous(d, {}), {.op = ReduceOp::kSum, .axes = {0}}),
               Error);
}

bool same_number(DType type, uint64_t a, uint64_t b) {
  using Class = reference::Value::Class;
  return a == b || (reference::is_float(type) && reference::decode(type, a).cls == Class::kNan &&
                    reference::decode(type, b).cls == Class::kNan);
}

// What the oracle knows; of floats only where integers are converted first.
struct KnownOp {
  ReduceOp op;
  reference::Op oracle;
  bool of_floats = false;
};
const std::vector<KnownOp> kOracles = {{ReduceOp::kSum, reference::Op::kSum},
                                       {ReduceOp::kProd, reference::Op::kProd},
                                       {ReduceOp::kMin, reference::Op::kMin},
                                       {ReduceOp::kMax, reference::Op::kMax},
                                       {ReduceOp::kArgmin, reference::Op::kArgmin},
                                       {ReduceOp::kArgmax, reference::Op::kArgmax},
                                       {ReduceOp::kAny, reference::Op::kAny},
                                       {ReduceOp::kAll, reference::Op::kAll},
                                       {ReduceOp::kCountNonzero, reference::Op::kCountNonzero},
                                       {ReduceOp::kNorm1, reference::Op::kSumAbs, true},
                                       {ReduceOp::kNormInf, reference::Op::kMaxAbs, true}};

TEST(ReduceTest, RandomReductions) {
  uint64_t first = 0, last = 700;
  if (const char* trials = std::getenv("STRIDECAST_TEST_TRIALS")) {
    last = std::strtoull(trials, nullptr, 10);
  }
  if (const char* seed = std::getenv("STRIDECAST_TEST_SEED")) {
    first = std::strtoull(seed, nullptr, 10);
    last = first + 1;
  }
  GuardedBuffer src_buffer(8 << 20), dst_buffer(8 << 20);
  for (uint64_t seed = first; seed < last; ++seed) {
    Random random(seed);
    const auto& [op, oracle_op, of_floats] =
        random.chance(30) ? kOracles[0] : random.pick(kOracles);
    const std::vector<DType> floats = {kFloat32, kFloat64, kBFloat16, kFloat16};
    const DType from = of_floats || random.chance(50)
                           ? random.pick(floats)
                           : static_cast<DType>(random.below(kNumArithmetic));
    const bool is_extreme = op == ReduceOp::kMin || op == ReduceOp::kMax;
    const bool is_index = op == ReduceOp::kArgmin || op == ReduceOp::kArgmax;
    const bool is_wide = op == ReduceOp::kSum ? !reference::is_unsigned_int(from) : is_extreme;
    const DType to = random.chance(25) && is_wide && from != kUint64 ? reference::accumulator(from)
                                                                     : reduce_result(op, from);
    std::vector<int64_t> shape = random_shape(random, 4, 4000);
    if (!shape.empty() && random.chance(25)) {  // long enough for several leaves
      shape[static_cast<size_t>(random.below(static_cast<int64_t>(shape.size())))] =
          random.between(100, 1500);
    }
    int64_t items = 1;
    for (int64_t n : shape) items *= n;
    if (items > 60000) continue;
    const auto order = [&](DType type) {
      return reference::size(type) == 1 ? ByteOrder::kNone
             : random.chance(30)        ? ByteOrder::kBig
                                        : ByteOrder::kLittle;
    };
    std::vector<int> axes;
    std::vector<int64_t> kept;
    const bool keeps = random.chance(40);
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      if (random.chance(55)) {
        axes.push_back(static_cast<int>(axis));
        if (keeps) kept.push_back(1);
      } else {
        kept.push_back(shape[axis]);
      }
    }
    std::shuffle(axes.begin(), axes.end(), std::mt19937_64(seed));
    const Layout src = random_source(random, Format::of(from, order(from)), shape);
    const Layout dst = random_destination(random, Format::of(to, order(to)), kept);
    const auto size_of = [](const Layout& l) {
      return static_cast<size_t>(l.extent().highest - l.extent().lowest);
    };
    if (size_of(src) > (8 << 20) - 256 || size_of(dst) > (8 << 20) - 256) continue;
    const bool needs_items = is_extreme || is_index;
    if (needs_items && items == 0 && dst.size() != 0) continue;  // refused, see above
    if (op == ReduceOp::kNormInf && items == 0) continue;        // the oracle has no answer

    const Flush side = random.pick(kBothSides);
    unsigned char* src_bytes = src_buffer.place(size_of(src), side);
    unsigned char* src_data = src_bytes - src.extent().lowest;
    const std::vector<Bits> pool = values_of(from, 300);
    const bool wild = random.chance(20);
    reference::for_each_item(src, [&](int64_t, int64_t offset) {
      uint64_t bits = random.pick(pool);
      if (reference::is_float(from) && !wild) {
        bool overflow;
        bits = reference::round_to_float(from, random.chance(50), random.bits() >> 11,
                                         static_cast<int>(random.between(-58, -48)), &overflow);
      }
      reference::store(src_data + offset, reference::size(from), bits,
                       src.format().scalar()->order);
    });
    const std::vector<uint64_t> want = reference::reduce(oracle_op, src, src_data, axes, to);

    std::vector<uint64_t> first_result;
    for (const kernels::KernelTable* table : all_tables()) {
      const TargetScope target(table->target);
      for (const auto& [threads, chunk] :
           {std::pair<int, int64_t>{1, 0}, {4, 1}, {static_cast<int>(random.between(1, 6)), 0}}) {
        const SmallSeams hooks(chunk);
        const std::string what =
            std::string(table->target) + " seed " + std::to_string(seed) + " " +
            std::to_string(threads) + " threads, chunk " + std::to_string(chunk) + " op " +
            std::to_string(static_cast<int>(op)) + " axes " + ::testing::PrintToString(axes) +
            "\n  src " + to_text(src) + "\n  dst " + to_text(dst);
        note() = {.target = table->target, .what = "random reduce"};
        note().seed = seed;
        const Plan plan = Plan::reduce(src, dst, {.op = op, .axes = axes});
        unsigned char* dst_bytes = dst_buffer.place(size_of(dst), side);
        unsigned char* dst_data = dst_bytes - dst.extent().lowest;
        Bytes old(size_of(dst), 0x5C);
        if (!old.empty()) std::memcpy(dst_bytes, old.data(), old.size());
        const RunStatus status = plan.try_run({src_data, src.extent().lowest, src.extent().highest},
                                              {dst_data, dst.extent().lowest, dst.extent().highest},
                                              on_threads(threads));
        ASSERT_TRUE(status.ok()) << what;
        ASSERT_EQ(dst_buffer.damage(), 0) << what;
        std::vector<uint64_t> got;
        const int size = reference::size(to);
        reference::for_each_item(dst, [&](int64_t, int64_t offset) {
          got.push_back(reference::load(dst_data + offset, size, dst.format().scalar()->order));
          std::memset(dst_data + offset, 0x5C, static_cast<size_t>(size));
        });
        ASSERT_EQ(Bytes(dst_bytes, dst_bytes + old.size()), old) << what << ": wrote between items";
        ASSERT_EQ(got.size(), want.size()) << what;
        for (size_t i = 0; i < got.size(); ++i) {
          ASSERT_TRUE(same_number(to, got[i], want[i]))
              << what << "\n  item " << i << " is " << reference::to_text(to, got[i])
              << ", expected " << reference::to_text(to, want[i]) << "\n"
              << plan.explain();
        }
        if (first_result.empty()) first_result = got;
        ASSERT_EQ(got, first_result) << what << ": not the bits of the first run (NaN included)";
      }
    }
  }
}

}  // namespace
}  // namespace stridecast::testing
