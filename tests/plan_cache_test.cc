// The plan cache: what hits, what must not, how it ages, and that threads may share it.

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

#include "stridecast/ops.h"
#include "stridecast/runtime.h"
#include "tests/support/target_param.h"

namespace stridecast::testing {
namespace {

// A layout's arguments with the memory that a view borrows.
struct Args {
  Format format;
  std::vector<int64_t> shape, strides;
  int64_t offset = 0;
  std::vector<int64_t> suboffsets = {};
  LayoutView view() const { return {&format, shape, strides, offset, suboffsets}; }
};

Args packed(const char* format, int64_t n) {
  const Format f = Format::parse(format);
  return {f, {n}, {f.itemsize()}};
}

class PlanCacheTest : public ::testing::Test {
 protected:
  void SetUp() override { clear_plan_cache(); }
  void TearDown() override { clear_plan_cache(); }
  static const Plan::Impl* id(const Plan& plan) { return &plan.impl(); }
};

TEST_F(PlanCacheTest, TheSameQuestionHits) {
  const Args src = packed("f", 10), dst = packed("d", 10);
  const Plan first = cached_convert(src.view(), dst.view());
  EXPECT_EQ(plan_cache_stats().misses, 1u);
  EXPECT_EQ(plan_cache_stats().hits, 0u);
  const Args again_src = packed("f", 10), again_dst = packed("d", 10);  // other memory, equal words
  const Plan second = cached_convert(again_src.view(), again_dst.view());
  EXPECT_EQ(id(first), id(second));
  EXPECT_EQ(plan_cache_stats().hits, 1u);
  EXPECT_EQ(plan_cache_stats().size, 1u);
}

TEST_F(PlanCacheTest, EverythingThatAPlanDependsOnIsInTheKey) {
  const Args src = packed("f", 10), dst = packed("h", 10);
  const Plan base = cached_convert(src.view(), dst.view());
  std::vector<Plan> others;
  Args other = src;
  other.strides[0] = 8;
  others.push_back(cached_convert(other.view(), dst.view()));
  other = src;
  other.offset = 4;
  others.push_back(cached_convert(other.view(), dst.view()));
  other = src;
  other.format = Format::parse(">f");
  others.push_back(cached_convert(other.view(), dst.view()));
  other = dst;
  other.strides[0] = -2;
  others.push_back(cached_convert(src.view(), other.view()));
  others.push_back(cached_convert(packed("f", 11).view(), packed("h", 11).view()));
  Args column = {src.format, {10, 1}, {4, 4}}, row = {src.format, {1, 10}, {40, 4}};
  Args column_out = {dst.format, {10, 1}, {2, 2}}, row_out = {dst.format, {1, 10}, {20, 2}};
  others.push_back(cached_convert(column.view(), column_out.view()));
  others.push_back(cached_convert(row.view(), row_out.view()));
  others.push_back(cached_convert(src.view(), dst.view(), {.overflow = Overflow::kSaturate}));
  others.push_back(cached_convert(src.view(), dst.view(), {.nan = NanPolicy::kRaise}));
  others.push_back(cached_convert(src.view(), dst.view(), {.fields = FieldMatch::kPosition}));
  others.push_back(cached_convert(src.view(), dst.view(), {.index_offset = 1}));
  others.push_back(
      cached_convert(src.view(), dst.view(), {.missing_fields = MissingFields::kZero}));
  other = src;
  other.suboffsets = {0};
  others.push_back(cached_convert(other.view(), dst.view()));
  other.suboffsets = {4};
  others.push_back(cached_convert(other.view(), dst.view()));
  const Args mask = packed("?", 10), column_mask = {mask.format, {1}, {1}};
  others.push_back(cached_convert(src.view(), dst.view(), mask.view()));
  others.push_back(cached_convert(src.view(), dst.view(), column_mask.view()));
  others.push_back(
      cached_convert(src.view(), dst.view(), mask.view(), {.overflow = Overflow::kSaturate}));
  others.push_back(cached_byteswap(src.view(), src.view()));
  others.push_back(cached_convert(src.view(), src.view()));
  for (size_t i = 0; i < others.size(); ++i) {
    EXPECT_NE(id(others[i]), id(base)) << "question " << i;
    for (size_t k = 0; k < i; ++k) EXPECT_NE(id(others[i]), id(others[k])) << i << " and " << k;
  }
  EXPECT_EQ(plan_cache_stats().hits, 0u);
  EXPECT_EQ(id(cached_convert(src.view(), dst.view())), id(base));
}

TEST_F(PlanCacheTest, ReductionsByOpAndAxes) {
  const Format d = Format::parse("d");
  const Args src = {d, {4, 4}, {32, 8}}, dst = {d, {4}, {8}};
  const ReduceOptions sum0 = {.op = ReduceOp::kSum, .axes = {0}};
  const ReduceOptions sum1 = {.op = ReduceOp::kSum, .axes = {1}};
  const ReduceOptions min0 = {.op = ReduceOp::kMin, .axes = {0}};
  const Plan a = cached_reduce(src.view(), dst.view(), sum0);
  const Plan b = cached_reduce(src.view(), dst.view(), sum1);
  const Plan c = cached_reduce(src.view(), dst.view(), min0);
  EXPECT_NE(id(a), id(b));
  EXPECT_NE(id(a), id(c));
  EXPECT_EQ(id(a), id(cached_reduce(src.view(), dst.view(), sum0)));
}

// A question is compared with the one before it, which may be longer or shorter, or begin alike.
TEST_F(PlanCacheTest, LongAndShortQuestionsInTurn) {
  const Format f = Format::parse("f"), h = Format::parse("h");
  std::vector<std::function<Plan()>> questions;
  for (const size_t ndim : {size_t{0}, size_t{64}, size_t{1}, size_t{3}}) {
    const Args args = {f, std::vector<int64_t>(ndim, 1), std::vector<int64_t>(ndim, 4)};
    questions.push_back([=] { return cached_convert(args.view(), args.view()); });
    questions.push_back([=] { return cached_byteswap(args.view(), args.view()); });
  }
  const Args cube = {f, {1, 1, 1}, {4, 4, 4}};
  for (const std::vector<int>& axes : {std::vector<int>{0}, {0, 1}, {0, 1, 2}}) {
    questions.push_back([=] {
      return cached_reduce(cube.view(), cube.view(), {.op = ReduceOp::kMin, .axes = axes});
    });
  }
  const Args stored = {h, {4}, {2}}, decoded = {f, {4}, {4}};
  for (const size_t values : {1, 4}) {
    for (const size_t missing : {0, 1, 2}) {
      Scaling scaling;
      scaling.scale.assign(values, 0.5);
      for (size_t k = 0; k < missing; ++k) {
        scaling.missing.push_back(ElementBytes::of(static_cast<int16_t>(-1 - int(k))));
      }
      questions.push_back([=] { return cached_decode(stored.view(), decoded.view(), scaling); });
    }
  }
  std::vector<Plan> answers;
  for (const auto& ask : questions) answers.push_back(ask());
  EXPECT_EQ(plan_cache_stats().hits, 0u);
  for (size_t i = 0; i < questions.size(); ++i) {
    for (size_t k = 0; k < questions.size(); ++k) {
      EXPECT_EQ(id(questions[i]()), id(answers[i])) << i << " after " << k;
      EXPECT_EQ(id(questions[k]()), id(answers[k])) << k << " after " << i;
    }
  }
}

TEST_F(PlanCacheTest, AnotherTargetIsAnotherPlan) {
  const Args src = packed("f", 10), dst = packed("d", 10);
  for (const std::string& name : targets()) {
    set_target(name);
    EXPECT_EQ(cached_convert(src.view(), dst.view()).target(), name);
  }
  set_target("");
  EXPECT_EQ(plan_cache_stats().misses, targets().size());
}

TEST_F(PlanCacheTest, TheLeastRecentlyUsedGoesFirst) {
  const size_t capacity = plan_cache_stats().capacity;
  ASSERT_GT(capacity, 2u);
  const auto ask = [](int64_t n) {
    return cached_convert(packed("f", n).view(), packed("d", n).view());
  };
  const Plan kept = ask(1);
  const Plan dropped = ask(2);
  for (size_t n = 3; n <= capacity; ++n) ask(static_cast<int64_t>(n));
  EXPECT_EQ(plan_cache_stats().size, capacity);
  EXPECT_EQ(id(ask(1)), id(kept));  // 1 is young again, 2 is the oldest
  ask(static_cast<int64_t>(capacity) + 1);
  EXPECT_EQ(plan_cache_stats().size, capacity);
  const size_t misses = plan_cache_stats().misses;
  EXPECT_EQ(id(ask(1)), id(kept));
  EXPECT_EQ(plan_cache_stats().misses, misses);
  EXPECT_NE(id(ask(2)), id(dropped));
  EXPECT_EQ(plan_cache_stats().misses, misses + 1);
}

TEST_F(PlanCacheTest, ErrorsAreNotCached) {
  const Args src = packed("f", 10), dst = packed("d", 11);
  for (int i = 0; i < 2; ++i) {
    EXPECT_THROW(cached_convert(src.view(), dst.view()), Error);
  }
  EXPECT_EQ(plan_cache_stats().size, 0u);
  Args bad = src;
  bad.strides.clear();
  EXPECT_THROW(cached_convert(bad.view(), dst.view()), Error);
  bad = src;
  bad.suboffsets = {-1, -1};
  EXPECT_THROW(cached_convert(bad.view(), dst.view()), Error);
  bad.suboffsets.clear();
  bad.shape.assign(65, 1);
  bad.strides.assign(65, 4);
  EXPECT_THROW(cached_convert(bad.view(), dst.view()), Error);
}

TEST_F(PlanCacheTest, SixtyFourDimensionsFit) {
  const Format f = Format::parse("f");
  const Args src = {f, std::vector<int64_t>(64, 1), std::vector<int64_t>(64, 4)};
  const Plan plan = cached_convert(src.view(), src.view());
  EXPECT_EQ(id(plan), id(cached_convert(src.view(), src.view())));
  Args pointers = src, mask = src;
  pointers.suboffsets.assign(64, 0);
  mask.format = Format::parse("?");
  mask.suboffsets.assign(64, 1);
  const Plan full = cached_convert(pointers.view(), pointers.view(), mask.view());
  EXPECT_EQ(id(full), id(cached_convert(pointers.view(), pointers.view(), mask.view())));
  const Args scalar = {f, {}, {}};
  ReduceOptions all;
  for (int axis = 0; axis < 64; ++axis) all.axes.push_back(axis);
  EXPECT_EQ(id(cached_reduce(src.view(), scalar.view(), all)),
            id(cached_reduce(src.view(), scalar.view(), all)));
}

TEST_F(PlanCacheTest, ClearForgets) {
  const Args src = packed("f", 10), dst = packed("d", 10);
  const Plan plan = cached_convert(src.view(), dst.view());
  clear_plan_cache();
  EXPECT_EQ(plan_cache_stats().size, 0u);
  EXPECT_NE(id(cached_convert(src.view(), dst.view())), id(plan));
}

TEST_F(PlanCacheTest, APlanOutlivesItsPlaceInTheCache) {
  const Plan plan = cached_convert(packed("f", 3).view(), packed("d", 3).view());
  clear_plan_cache();
  const float in[3] = {1, 2, 3};
  double out[3] = {};
  plan.run(in, out);
  EXPECT_EQ(out[2], 3.0);
}

TEST_F(PlanCacheTest, ConvertInOneCall) {
  const float in[4] = {1.5f, -2.5f, 3.5f, 1e9f};
  int16_t out[4] = {};
  convert(Layout::contiguous(Format::parse("f"), {4}), in,
          Layout::contiguous(Format::parse("h"), {4}), out, {.overflow = Overflow::kSaturate});
  EXPECT_EQ(out[0], 1);
  EXPECT_EQ(out[1], -2);
  EXPECT_EQ(out[2], 3);
  EXPECT_EQ(out[3], 32767);
}

TEST_F(PlanCacheTest, ThreadsShareIt) {
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&wrong, t] {
      for (int64_t i = 0; i < 2000; ++i) {
        const int64_t n = 1 + (i * 7 + t) % 700;  // more than the cache holds
        std::vector<float> in(static_cast<size_t>(n), 2.0f);
        std::vector<double> out(static_cast<size_t>(n));
        cached_convert(packed("f", n).view(), packed("d", n).view()).run(in.data(), out.data());
        if (out.back() != 2.0) ++wrong;
        if (i % 500 == 0) clear_plan_cache();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong.load(), 0);
  EXPECT_LE(plan_cache_stats().size, plan_cache_stats().capacity);
}

}  // namespace
}  // namespace stridecast::testing
