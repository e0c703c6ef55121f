// Plan: what it says of itself (golden texts), what it refuses when made and when run, and what it
// leaves alone. Whether its bits are right is random_plan_test.cc's question.

#include "stridecast/plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <numeric>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "stridecast/kernel_abi.h"
#include "tests/support/engine_run.h"
#include "tests/support/target_param.h"

namespace stridecast::testing {
namespace {

Format format(const char* text) { return Format::parse(text); }
Layout packed(const char* text, std::vector<int64_t> shape) {
  return Layout::contiguous(format(text), std::move(shape));
}

class PlanTest : public EngineTest {};
STRIDECAST_INSTANTIATE_FOR_TARGETS(PlanTest);

std::string on_target(const char* kind) {
  return std::string(kind) + " on " + active_target() + "\n";
}

TEST_P(PlanTest, ExplainsOneKernelOverEverything) {
  const Plan plan = Plan::convert(packed("f", {480, 640}), packed("E", {480, 640}));
  EXPECT_EQ(plan.explain(), on_target("convert") +
                                "  from 'f' (480, 640) strides (2560, 4), bytes [0, 1228800)\n"
                                "  to   'E' (480, 640) strides (1280, 2), bytes [0, 614400)\n"
                                "  loop n=307200 src:4 dst:2\n"
                                "  convert float32 bfloat16\n");
}

TEST_P(PlanTest, ExplainsStagedRuns) {
  const Layout src = Layout::strided(format(">h"), {1000}, {-6}, 5994);
  const Plan plan = Plan::convert(src, packed("E", {1000}));
  const std::string text = plan.explain();
  EXPECT_NE(text.find("from '>h' (1000,) strides (-6), bytes [0, 5996)"), std::string::npos)
      << text;
  EXPECT_NE(text.find("n=1000 src:-6 dst:2"), std::string::npos) << text;
  EXPECT_NE(text.find("convert int16 bfloat16"), std::string::npos) << text;
  EXPECT_NE(text.find("items at a time"), std::string::npos) << text;
}

// Where the target has a kernel for it, one that gathers and converts; never under a mask, where
// items pass through scratch.
TEST_P(PlanTest, ExplainsFusedRuns) {
  const Layout src = Layout::strided(format("f"), {1000}, {-12}, 11988);
  const Layout dst = packed("d", {1000}), mask = packed("?", {1000});
  const bool fuses = std::string_view(active_target()).starts_with("AVX");
  const auto explains = [](const Plan& plan, const char* words) {
    return plan.explain().find(words) != std::string::npos;
  };
  const Plan plan = Plan::convert(src, dst), masked = Plan::convert(src, dst, mask);
  if (fuses) {
    EXPECT_TRUE(explains(plan, "  strided float32 float64\n")) << plan.explain();
  }
  EXPECT_FALSE(explains(masked, "strided float32 float64")) << masked.explain();
  EXPECT_TRUE(explains(masked, "convert float32 float64")) << masked.explain();
}

// What an integer keeps under the wrap rule are its low bytes: from other steps or in the other
// byte order one move takes them.
TEST_P(PlanTest, ShorterIntegersAreTheLowBytes) {
  const int64_t x[] = {0x0102030405060708, -2, 3, 4};
  const Layout swapped = Layout::contiguous(format(">q"), {2});
  const Layout every_second = Layout::strided(format("<q"), {2}, {16});
  int16_t out[2] = {};
  const auto explained = [&](const Layout& src) {
    const Plan plan = Plan::convert(src, packed("<h", {2}));
    plan.run(x, out);
    return plan.explain();
  };
  EXPECT_NE(explained(swapped).find("  swap2\n"), std::string::npos) << explained(swapped);
  EXPECT_EQ(out[0], 0x0201);
  EXPECT_EQ(out[1], -1);
  EXPECT_NE(explained(every_second).find("  move2\n"), std::string::npos);
  EXPECT_EQ(out[0], 0x0708);
  EXPECT_EQ(out[1], 3);
}

TEST_P(PlanTest, ExplainsLimits) {
  const std::string text =
      Plan::convert(packed("i", {10}), packed("B", {10}), {.overflow = Overflow::kRaise}).explain();
  EXPECT_NE(text.find("check int32 [0, 255] -> convert int32 uint8"), std::string::npos) << text;
}

TEST_P(PlanTest, ExplainsStructsLeafByLeaf) {
  const Plan plan = Plan::convert(packed("T{<d:x:>h:n:}", {7}), packed("T{<i:n:2x<f:x:}", {7}));
  const std::string text = plan.explain();
  EXPECT_NE(text.find("n: at 8 -> 0: "), std::string::npos) << text;
  EXPECT_NE(text.find("x: at 0 -> 6: "), std::string::npos) << text;
  EXPECT_EQ(plan.field_path(0), "n");
  EXPECT_EQ(plan.field_path(1), "x");
  EXPECT_EQ(plan.field_path(2), "");
  EXPECT_EQ(plan.field_path(-1), "");
}

TEST_P(PlanTest, ExplainsReductions) {
  const Plan plan =
      Plan::reduce(packed("f", {20, 30}), packed("f", {20}), {.op = ReduceOp::kSum, .axes = {1}});
  EXPECT_EQ(plan.explain().find(on_target("reduce")), 0u) << plan.explain();
  EXPECT_NE(plan.explain().find("fold n=30"), std::string::npos) << plan.explain();
}

TEST_P(PlanTest, ExplainsNothingToDo) {
  const Plan plan = Plan::convert(packed("f", {3, 0}), packed("d", {3, 0}));
  EXPECT_NE(plan.explain().find("nothing to do"), std::string::npos) << plan.explain();
  EXPECT_TRUE(plan.try_run({}, {}).ok());
}

TEST_P(PlanTest, Facts) {
  const Plan plan = Plan::convert(packed("f", {3, 5}), packed("d", {3, 5}));
  EXPECT_EQ(plan.size(), 15);
  EXPECT_EQ(plan.bytes_moved(), 15 * 12);
  EXPECT_STREQ(plan.target(), active_target());
  const Plan sum =
      Plan::reduce(packed("f", {3, 5}), packed("f", {3}), {.op = ReduceOp::kSum, .axes = {1}});
  EXPECT_EQ(sum.size(), 15);
}

// One call of one kernel over few bytes: who holds a lock may keep it.
TEST_P(PlanTest, Brief) {
  const auto is_brief = [](const Layout& src, const Layout& dst,
                           const ConvertOptions& options = {}) {
    return Plan::convert(src, dst, options).is_brief();
  };
  EXPECT_TRUE(is_brief(packed("f", {16384}), packed("f", {16384})));
  EXPECT_TRUE(is_brief(packed("H", {128, 128}), packed("f", {128, 128})));
  EXPECT_TRUE(is_brief(packed("i", {}), packed("f", {})));
  EXPECT_FALSE(is_brief(packed("f", {16385}), packed("f", {16385}))) << "more than 128 KiB";

  const auto every_other = [](int64_t n) { return Layout::strided(Format::parse("f"), {n}, {8}); };
  EXPECT_TRUE(is_brief(every_other(2048), packed("f", {2048})));
  EXPECT_FALSE(is_brief(every_other(2049), packed("f", {2049}))) << "16 KiB of items apart";

  EXPECT_FALSE(is_brief(packed(">l", {8}), packed("Zg", {8}))) << "several kernels";
  EXPECT_FALSE(is_brief(packed("T{f:x:h:y:}", {8}), packed("T{d:x:b:y:}", {8}))) << "two fields";
  EXPECT_FALSE(is_brief(packed("f", {8}), packed("b", {8}), {.rounding = Rounding::kStochastic}))
      << "numbered items";
  EXPECT_FALSE(Plan::convert(packed("f", {8}), packed("f", {8}), packed("?", {8})).is_brief());
  EXPECT_FALSE(Plan::convert(packed("f", {0}), packed("f", {0})).is_brief()) << "no call";
}

// --- refused when made ---------------------------------------------------------------------------

struct Refusal {
  ErrorCode code = ErrorCode::kFormat;
  std::string text = "accepted";
};
Refusal refusal(const std::function<void()>& make) {
  try {
    make();
  } catch (const Error& error) {
    return {error.code(), error.what()};
  }
  return {};
}
bool mentions(const Refusal& refusal, const char* word) {
  return refusal.text.find(word) != std::string::npos;
}

TEST_P(PlanTest, RefusesShapesThatDoNotBroadcast) {
  const Refusal r = refusal([] { Plan::convert(packed("f", {3, 4}), packed("f", {4, 3})); });
  EXPECT_EQ(r.code, ErrorCode::kInvalidArgument) << r.text;
  EXPECT_TRUE(mentions(r, "(3, 4)") && mentions(r, "(4, 3)")) << r.text;
}

TEST_P(PlanTest, RefusesPairsWithoutConversion) {
  for (const auto& pair : {std::pair<const char*, const char*>{"4s", "i"},
                           {"i", "4s"},
                           {"T{i:a:i:b:}", "i"},
                           {"T{i:a:i:b:}", "T{i:a:i:b:i:c:}"},
                           {"T{i:a:i:b:}", "T{i:a:i:c:}"},
                           {"(2)i", "(3)f"},
                           {"(4)i", "(2,2)f"}}) {
    const Refusal r =
        refusal([&] { Plan::convert(packed(pair.first, {2}), packed(pair.second, {2})); });
    EXPECT_EQ(r.code, ErrorCode::kNoConversion)
        << pair.first << " -> " << pair.second << ": " << r.text;
  }
}

TEST_P(PlanTest, NamesTheFieldThatDoesNotConvert) {
  const Refusal r = refusal([] {
    Plan::convert(packed("T{i:a:T{4s:t:}:deep:}", {2}), packed("T{f:a:T{d:t:}:deep:}", {2}));
  });
  EXPECT_TRUE(mentions(r, "deep.t")) << r.text;
}

TEST_P(PlanTest, RefusesPointersAndObjects) {
  for (const char* text : {"O", "P", "T{i:a:O:b:}"}) {
    const Refusal r = refusal([&] { Plan::convert(packed(text, {2}), packed(text, {2})); });
    EXPECT_EQ(r.code, ErrorCode::kNoConversion) << text << ": " << r.text;
  }
}

TEST_P(PlanTest, RefusesDestinationsWhoseItemsShareBytes) {
  const Layout src = packed("i", {4, 4});
  for (const std::vector<int64_t>& strides :
       {std::vector<int64_t>{16, 0}, {0, 4}, {16, 3}, {16, -2}, {12, 4}, {4, 4}}) {
    const Refusal r = refusal([&] {
      Plan::convert(src, Layout::strided(format("i"), {4, 4}, strides));
    });
    EXPECT_EQ(r.code, ErrorCode::kBuffer) << strides[0] << ", " << strides[1] << ": " << r.text;
  }
  // One item repeated no times shares nothing.
  EXPECT_EQ(refusal([&] {
              Plan::convert(packed("i", {1, 4}), Layout::strided(format("i"), {1, 4}, {0, 4}));
            }).text,
            "accepted");
}

TEST_P(PlanTest, ByteswapKeepsTheFormat) {
  const Refusal r = refusal([] { Plan::byteswap(packed("i", {2}), packed(">i", {2})); });
  EXPECT_EQ(r.code, ErrorCode::kInvalidArgument) << r.text;
}

// --- refused when run ----------------------------------------------------------------------------

TEST_P(PlanTest, OperandsMustBeAsLargeAsTheirExtents) {
  std::vector<int32_t> src(10, 7), dst(10, 9);
  const Layout reversed = Layout::strided(format("i"), {10}, {-4}, 36);
  const Plan plan = Plan::convert(reversed, packed("i", {10}));
  const Operand whole_src = {src.data(), 0, 40}, whole_dst = {dst.data(), 0, 40};
  const auto status_of = [&](const Operand& a, const Operand& b) { return plan.try_run(a, b); };
  for (const Operand& small : {Operand{src.data(), 0, 39}, Operand{src.data(), 1, 40}}) {
    const RunStatus status = status_of(small, whole_dst);
    EXPECT_EQ(status.code, StatusCode::kTooSmall);
    EXPECT_EQ(status.index, 0);
    const Error error = plan.status_error(status);
    EXPECT_EQ(error.code(), ErrorCode::kBuffer);
    EXPECT_NE(std::string(error.what()).find("source"), std::string::npos) << error.what();
  }
  const RunStatus status = status_of(whole_src, {dst.data(), 0, 39});
  EXPECT_EQ(status.code, StatusCode::kTooSmall);
  EXPECT_EQ(status.index, 1);
  EXPECT_NE(std::string(plan.status_error(status).what()).find("destination"), std::string::npos);
  EXPECT_EQ(dst, std::vector<int32_t>(10, 9)) << "refused, and yet written";
  EXPECT_TRUE(status_of(whole_src, whole_dst).ok());
  EXPECT_EQ(dst, src);
}

TEST_P(PlanTest, OverlapIsRefusedAndWritesNothing) {
  std::vector<int32_t> data(12);
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<int32_t>(i);
  const std::vector<int32_t> old = data;
  const Plan plan = Plan::convert(packed("i", {10}), packed(">i", {10}));
  const RunStatus status = plan.try_run({data.data()}, {data.data() + 2});
  if (!status.ok()) {
    EXPECT_EQ(status.code, StatusCode::kOverlap);
    EXPECT_EQ(data, old);
    EXPECT_EQ(plan.status_error(status).code(), ErrorCode::kBuffer);
  }
  const Plan reversal =
      Plan::convert(packed("i", {10}), Layout::strided(format("i"), {10}, {-4}, 36));
  EXPECT_EQ(reversal.try_run({data.data()}, {data.data()}).code, StatusCode::kOverlap);
}

TEST_P(PlanTest, NeighboursDoNotOverlap) {
  std::vector<int32_t> data(20, 3);
  const Plan plan = Plan::convert(packed("i", {10}), packed("f", {10}));
  EXPECT_TRUE(plan.try_run({data.data()}, {data.data() + 10}).ok());
  EXPECT_TRUE(plan.try_run({data.data() + 10}, {data.data()}).ok());
}

TEST_P(PlanTest, RunThrowsWhatTryRunReports) {
  const int32_t in[4] = {1, 2, 300, -1};
  uint8_t out[4] = {};
  const Plan plan =
      Plan::convert(packed("i", {4}), packed("B", {4}), {.overflow = Overflow::kRaise});
  try {
    plan.run(in, out);
    FAIL() << "took 300";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kData);
    EXPECT_EQ(error.position(), 2);
    EXPECT_NE(std::string(error.what()).find("element 2"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("300"), std::string::npos) << error.what();
  }
}

// --- the failure contract ------------------------------------------------------------------------

TEST_P(PlanTest, DataErrorsNameIndexValueAndField) {
  struct Item {
    float x;
    int32_t n[2];
  };
  const Item in[3] = {{1, {1, 2}}, {2, {3, 70000}}, {1e30f, {-40000, 5}}};
  uint8_t out[3 * 8] = {};
  const Plan plan = Plan::convert(packed("T{f:x:(2)i:n:}", {3}), packed("T{(2)h:n:f:x:}", {3}),
                                  {.overflow = Overflow::kRaise});
  const RunStatus status = plan.try_run({const_cast<Item*>(in)}, {out});
  ASSERT_EQ(status.code, StatusCode::kDataError);
  EXPECT_EQ(status.index, 1);
  EXPECT_EQ(plan.field_path(status.field), "n");
  EXPECT_STREQ(status.value, "70000");
  EXPECT_EQ(status.error_bits, uint32_t{SC_ERR_OVERFLOW});
  const std::string text = plan.status_error(status).what();
  EXPECT_NE(text.find("'n'"), std::string::npos) << text;
}

TEST_P(PlanTest, TheIndexCountsTheSourceInItsOwnOrder) {
  // Memory order, destination order and the source's C order all differ.
  const Layout src = Layout::strided(format("i"), {3, 4}, {4, -12}, 36);
  const Layout dst = Layout::strided(format("b"), {3, 4}, {1, 3});
  const Plan plan = Plan::convert(src, dst, {.overflow = Overflow::kRaise, .index_offset = 100});
  for (int64_t bad = 0; bad < 12; ++bad) {
    std::vector<int32_t> data(12, 5);
    const auto at = [&](int64_t index) -> int32_t& {
      return data[static_cast<size_t>((36 + index / 4 * 4 - index % 4 * 12) / 4)];
    };
    at(bad) = 1000;
    at(11) = 2000;
    std::vector<int8_t> out(12);
    const RunStatus status = plan.try_run({data.data()}, {out.data()});
    EXPECT_EQ(status.index, 100 + bad);
  }
}

TEST_P(PlanTest, ABroadcastSourceIsIndexedByItsOwnItems) {
  const float in[3] = {1, 2, 1e9f};
  int16_t out[4 * 3] = {};
  const Plan plan =
      Plan::convert(packed("f", {3}), packed("h", {4, 3}), {.overflow = Overflow::kRaise});
  EXPECT_EQ(plan.try_run({const_cast<float*>(in)}, {out}).index, 2);
}

TEST_P(PlanTest, WhereMemoryIsSharedNothingIsWrittenBeforeTheCheck) {
  std::vector<int32_t> data = {1, 2, 3, -4, 5};
  const std::vector<int32_t> old = data;
  const Plan plan =
      Plan::convert(packed("i", {5}), packed("I", {5}), {.overflow = Overflow::kRaise});
  const RunStatus status = plan.try_run({data.data()}, {data.data()});
  EXPECT_EQ(status.code, StatusCode::kDataError);
  EXPECT_EQ(status.index, 3);
  EXPECT_EQ(data, old);
}

// --- what stays as it is -------------------------------------------------------------------------

TEST_P(PlanTest, PaddingOfTheDestinationIsKept) {
  uint8_t in[2][5] = {{1, 0, 2, 0, 0xEE}, {3, 0, 4, 0, 0xEE}};
  uint8_t out[2][7];
  std::memset(out, 0x77, sizeof out);
  Plan::convert(packed("T{<h:a:<h:b:x}", {2}), packed("T{x<h:b:2x<h:a:}", {2})).run(in, out);
  const uint8_t want[2][7] = {{0x77, 2, 0, 0x77, 0x77, 1, 0}, {0x77, 4, 0, 0x77, 0x77, 3, 0}};
  EXPECT_EQ(std::memcmp(out, want, sizeof want), 0);
}

TEST_P(PlanTest, EqualFormatsCopyPaddingToo) {
  uint8_t in[2][4] = {{1, 2, 3, 4}, {5, 6, 7, 8}}, out[2][4] = {};
  Plan::convert(packed("T{<h:a:2x}", {2}), packed("T{<h:a:2x}", {2})).run(in, out);
  EXPECT_EQ(std::memcmp(in, out, sizeof in), 0);
}

TEST_P(PlanTest, FieldsPairByNameOrByPosition) {
  const int16_t in[2] = {1, 2};
  int32_t out[2] = {};
  const Layout src = packed("T{h:a:h:b:}", {1}), dst = packed("T{i:b:i:a:}", {1});
  Plan::convert(src, dst).run(in, out);
  EXPECT_EQ(out[0], 2);
  EXPECT_EQ(out[1], 1);
  Plan::convert(src, dst, {.fields = FieldMatch::kPosition}).run(in, out);
  EXPECT_EQ(out[0], 1);
  EXPECT_EQ(out[1], 2);
  // A destination with one unnamed leaf pairs by position.
  Plan::convert(src, packed("T{i:b:i}", {1})).run(in, out);
  EXPECT_EQ(out[0], 1);
}

TEST_P(PlanTest, NotOnlyNumbersMove) {
  const char in[3][6] = {"abcde", "fghij", "klmno"};
  char out[3][6] = {};
  Plan::convert(Layout::strided(format("6s"), {3}, {-6}, 12), packed("6s", {3})).run(in, out);
  EXPECT_STREQ(out[0], "klmno");
  EXPECT_STREQ(out[2], "abcde");
}

TEST_P(PlanTest, ByteswapOfComplexAndTextSwapsEachUnit) {
  const uint8_t in[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  uint8_t out[8] = {};
  Plan::byteswap(packed("Zf", {1}), packed("Zf", {1})).run(in, out);
  const uint8_t complex[8] = {4, 3, 2, 1, 8, 7, 6, 5};
  EXPECT_EQ(std::memcmp(out, complex, 8), 0);
  Plan::byteswap(packed("2w", {1}), packed("2w", {1})).run(in, out);
  EXPECT_EQ(std::memcmp(out, complex, 8), 0);
  Plan::byteswap(packed("Zd", {0}), packed("Zd", {0})).run(in, out);
}

TEST_P(PlanTest, SixtyFourDimensions) {
  std::vector<int64_t> shape(64, 1);
  shape[0] = 2;
  shape[31] = 3;
  shape[63] = 5;
  std::vector<float> in(30);
  for (size_t i = 0; i < in.size(); ++i) in[i] = static_cast<float>(i);
  std::vector<double> out(30);
  Plan::convert(packed("f", shape), packed("d", shape)).run(in.data(), out.data());
  EXPECT_EQ(out[29], 29.0);
  // None of them joins another: each of 12 axes of size 2 is reversed against the source.
  std::vector<int64_t> twos(12, 2), back(12);
  for (size_t k = 0; k < 12; ++k) back[k] = int64_t{1} << k;
  std::vector<uint8_t> bytes(4096), turned(4096);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i * 7 + i / 256);
  Plan::convert(packed("B", twos), Layout::strided(format("B"), twos, back))
      .run(bytes.data(), turned.data());
  for (unsigned i = 0; i < 4096; ++i) {
    unsigned reversed = 0;
    for (unsigned k = 0; k < 12; ++k) reversed |= ((i >> k) & 1u) << (11 - k);
    ASSERT_EQ(turned[reversed], bytes[i]);
  }
}

TEST_P(PlanTest, NestedDimensionsOfOneDoNotPileUp) {
  const auto nested = [](const char* code) {
    std::string dims = "(1";
    for (int k = 1; k < 60; ++k) dims += ",1";
    std::string text = code;
    for (int k = 0; k < 40; ++k) text = dims + ")T{" + text + "}";
    return text;
  };
  const Plan plan =
      Plan::convert(packed(nested("^fi").c_str(), {3}), packed(nested("^di").c_str(), {3}));
  const struct {
    float f;
    int32_t i;
  } in[3] = {{1, 2}, {3, 4}, {5, 6}};
  char out[3 * 12];
  plan.run(in, out);
  double last;
  std::memcpy(&last, out + 24, sizeof last);
  EXPECT_EQ(last, 5.0);
}

// Equal offsets and sizes are not enough to write items over themselves: the elements of a
// sub-array may lie elsewhere. They move in an order that reads each before it is overwritten.
TEST_P(PlanTest, InPlaceElementsMayMove) {
  const char* const dense = "T{(3)T{<h:a:}:s:6x}";
  const char* const wide = "T{(3)T{<h:a:2x}:s:}";
  ASSERT_EQ(format(dense).itemsize(), format(wide).itemsize());
  using Item = std::array<int16_t, 6>;
  const std::array<Item, 2> closed = {{{1, 2, 3, -7, -8, -9}, {4, 5, 6, -7, -8, -9}}};
  std::array<Item, 2> items = closed;
  RunStatus status =
      Plan::convert(packed(dense, {2}), packed(wide, {2})).try_run({items.data()}, {items.data()});
  ASSERT_EQ(status.code, StatusCode::kOk);
  // Padding keeps what was there.
  const std::array<Item, 2> opened = {{{1, 2, 2, -7, 3, -9}, {4, 5, 5, -7, 6, -9}}};
  EXPECT_EQ(items, opened);
  status =
      Plan::convert(packed(wide, {2}), packed(dense, {2})).try_run({items.data()}, {items.data()});
  ASSERT_EQ(status.code, StatusCode::kOk);
  const std::array<Item, 2> again = {{{1, 2, 3, -7, 3, -9}, {4, 5, 6, -7, 6, -9}}};
  EXPECT_EQ(items, again);
}

// A reversal reads at one end what it wrote at the other: no order is safe, and a copy is.
TEST_P(PlanTest, OverlapWithoutASafeOrderIsRefusedOrCopied) {
  std::vector<int32_t> data(101);
  std::iota(data.begin(), data.end(), 0);
  const std::vector<int32_t> old = data;
  const Plan plan =
      Plan::convert(packed("i", {101}), Layout::strided(format("i"), {101}, {-4}, 400));
  RunOptions options;
  EXPECT_EQ(plan.try_run({data.data()}, {data.data()}, options).code, StatusCode::kOverlap);
  EXPECT_EQ(data, old);
  options.overlap = OverlapPolicy::kCopy;
  ASSERT_EQ(plan.try_run({data.data()}, {data.data()}, options).code, StatusCode::kOk);
  EXPECT_TRUE(std::equal(data.begin(), data.end(), old.rbegin()));
}

// An element of no bytes has nothing to do, however its items are walked.
TEST_P(PlanTest, ElementsWithoutBytes) {
  const Format from = format("T{0s:a:3x}"), to = format("T{3x0s:a:}");
  std::vector<uint8_t> bytes(20 * 30 * 3 + 1), other(bytes.size(), 9);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i * 7);
  const std::vector<uint8_t> old = bytes;
  const Layout src = Layout::contiguous(from, {20, 30});
  const Plan turned = Plan::convert(src, Layout::strided(to, {20, 30}, {3, 60}));
  EXPECT_TRUE(turned.try_run({bytes.data()}, {other.data()}).ok());
  EXPECT_EQ(other, std::vector<uint8_t>(other.size(), 9));
  const Plan beside = Plan::convert(src, Layout::contiguous(to, {20, 30}));
  EXPECT_TRUE(beside.try_run({bytes.data()}, {bytes.data() + 1}).ok());
  EXPECT_EQ(bytes, old);
  Plan::convert(packed("T{0s:a:<h:n:}", {1}), packed("T{<i:n:0s:a:}", {1}))
      .run(bytes.data(), other.data());
  EXPECT_EQ(other[0], old[0]);
}

TEST_P(PlanTest, UnknownTypesKeepTheirByteOrder) {
  const auto of = [](const char* text) { return Layout::contiguous(Format::parse(text, 4), {2}); };
  EXPECT_NO_THROW(Plan::convert(of("<[foo$Bar$]"), of("<[foo$Bar$]")));
  try {
    Plan::convert(of("<[foo$Bar$]"), of(">[foo$Bar$]"));
    FAIL() << "bytes of an unknown type were taken for swapped ones";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNoConversion);
    EXPECT_NE(std::string(error.what()).find("foo.Bar"), std::string::npos) << error.what();
  }
}

TEST_P(PlanTest, AFieldWithADotIsNoPath) {
  const Layout dotted = packed("T{f:a.b:}", {1}), nested = packed("T{T{d:b:}:a:}", {1});
  EXPECT_THROW(Plan::convert(dotted, nested), Error);
  EXPECT_NO_THROW(
      Plan::convert(packed("T{f:a.b:T{f:b:}:a:}", {1}), packed("T{T{d:b:}:a:d:a.b:}", {1})));
}

TEST_P(PlanTest, APoolThatThrowsIsAStatus) {
  const Plan plan = Plan::convert(packed("f", {1 << 20}), packed("d", {1 << 20}));
  std::vector<float> in(1 << 20);
  std::vector<double> out(1 << 20);
  RunOptions options;
  options.threads = 2;
  options.parallel_for = [](int, const std::function<void(int)>&) {
    throw std::runtime_error("no");
  };
  EXPECT_EQ(plan.try_run({in.data()}, {out.data()}, options).code, StatusCode::kPoolFailed);
}

// Structs that overlap as a sliding window: the source's step is an element's size, not an item's.
TEST(PlanOverlapTest, SlidingWindowsOfStructsOverTheirDestination) {
  const Format from = Format::parse("T{i:a:i:b:}"), to = Format::parse("T{f:a:f:b:}");
  constexpr int64_t kItems = 200, kStart = 300;
  std::vector<int32_t> memory(1000);
  std::iota(memory.begin(), memory.end(), 1);
  const std::vector<int32_t> source(memory.begin() + kStart, memory.end());
  const Plan plan =
      Plan::convert(Layout::strided(from, {kItems}, {4}), Layout::contiguous(to, {kItems}));
  ASSERT_TRUE(plan.try_run({memory.data() + kStart}, {memory.data()}).ok());
  for (int64_t i = 0; i < kItems; ++i) {
    float pair[2];
    std::memcpy(pair, memory.data() + 2 * i, sizeof(pair));
    ASSERT_EQ(pair[0], static_cast<float>(source[i])) << i;
    ASSERT_EQ(pair[1], static_cast<float>(source[i + 1])) << i;
  }
}

// An item without anything that has a byte order moves as it is.
TEST(PlanByteswapTest, VoidItemsKeepTheirBytes) {
  const Layout layout = Layout::contiguous(Format::parse("3x"), {2});
  const char source[] = "abcdef";
  char swapped[7] = {};
  Plan::byteswap(layout, layout).run(source, swapped);
  EXPECT_STREQ(swapped, source);
}

}  // namespace
}  // namespace stridecast::testing
