// Arrays with suboffsets on either side: against the oracle on dense copies of them, and what
// sharing memory, bad data and empty arrays come to.

#include "engine/indirect.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include "stridecast/ops.h"
#include "stridecast/plan.h"
#include "tests/reference/strided.h"
#include "tests/support/engine_run.h"
#include "tests/support/pointer_image.h"
#include "tests/support/random_format.h"

namespace stridecast::testing {
namespace {

using reference::Mode;
using Bytes = std::vector<unsigned char>;

Layout dense(const Layout& like) { return Layout::like(like.format(), like, Order::kC); }

// Rows behind pointers, as an imaging library keeps them.
struct Rows {
  Rows(int64_t height, int64_t width_bytes)
      : bytes(static_cast<size_t>(height * width_bytes)), pointers(static_cast<size_t>(height)) {
    for (size_t y = 0; y < pointers.size(); ++y) {
      pointers[y] = bytes.data() + y * static_cast<size_t>(width_bytes);
    }
  }
  Operand operand() { return {pointers.data()}; }
  Bytes bytes;
  std::vector<unsigned char*> pointers;
};

TEST(IndirectTest, AnImageOfRows) {
  constexpr int64_t kHeight = 7, kWidth = 5;
  Rows rows(kHeight, kWidth * 3);
  std::iota(rows.bytes.begin(), rows.bytes.end(), 0);
  std::swap(rows.pointers[1], rows.pointers[5]);
  // Channel 1 of every other row, from the last one up.
  const Layout src = Layout::strided(Format::parse("B"), {4, kWidth}, {-16, 3}, 6 * 8, {1, -1});
  const Plan plan = Plan::convert(src, Layout::contiguous(Format::parse(">h"), {4, kWidth}));
  Bytes out(4 * kWidth * 2, 0xEE);
  plan.run(rows.pointers.data(), out.data());
  for (int64_t y = 0; y < 4; ++y) {
    for (int64_t x = 0; x < kWidth; ++x) {
      const auto at = static_cast<size_t>((y * kWidth + x) * 2);
      EXPECT_EQ(out[at], 0);
      EXPECT_EQ(out[at + 1], rows.pointers[static_cast<size_t>(6 - 2 * y)][3 * x + 1]);
    }
  }
  EXPECT_EQ(plan.size(), 4 * kWidth);
  const std::string text = internal::to_string(*plan.impl().indirect);
  EXPECT_NE(text.find("turn n=4 src:-16 -> +1 dst:10\n"), std::string::npos) << text;
  EXPECT_NE(text.find("n=5 src:3 dst:2"), std::string::npos) << text;
}

TEST(IndirectTest, RowsAreWritten) {
  Rows rows(3, 16);
  const Layout dst = Layout::strided(Format::parse("f"), {3, 4}, {8, 4}, 0, {0, -1});
  const int16_t in[4] = {1, -2, 3, -4};
  Plan::convert(Layout::contiguous(Format::parse("h"), {4}), dst).run(in, rows.pointers.data());
  for (unsigned char* row : rows.pointers) {
    for (int x = 0; x < 4; ++x) {
      float value;
      std::memcpy(&value, row + 4 * x, 4);
      EXPECT_EQ(value, in[x]);
    }
  }
}

// One random pair of arrays with pointers anywhere, any formats, and a mask in some.
struct Trial {
  explicit Trial(uint64_t seed, bool with_masks)
      : random(seed),
        formats(random_format_pair(random)),
        shape(random_shape(random, 4, 200)),
        dst(random, formats.dst, shape, random_pointers(random, shape.size()), false),
        src(make_source()) {
    if (with_masks && random.chance(50)) {
      const std::vector<int64_t> smaller = random_broadcastable(random, shape);
      where = std::make_unique<PointerImage>(random, Format::parse("?"), smaller,
                                             random_pointers(random, smaller.size()), true);
    }
  }
  PointerImage make_source() {
    const std::vector<int64_t> smaller = random_broadcastable(random, shape);
    return PointerImage(random, formats.src, smaller, random_pointers(random, smaller.size()),
                        true);
  }
  std::string text() const {
    return to_text(src) + "\n" + to_text(dst) + (where ? "\nwhere " + to_text(*where) : "");
  }

  Random random;
  FormatPair formats;
  std::vector<int64_t> shape;
  PointerImage dst, src;
  std::unique_ptr<PointerImage> where;
};

// The items of dst after the conversion, and what has to be reported without a mask.
Bytes expected(const Trial& trial, Mode mode, reference::Outcome* outcome) {
  const Layout from = dense(trial.src.layout()), to = dense(trial.dst.layout());
  const Bytes in = trial.src.items(), before = trial.dst.items();
  Bytes out = before;
  if (out.empty()) return out;
  if (from.format() == to.format()) {
    reference::copy(from, in.data(), to, out.data());
  } else {
    *outcome =
        reference::convert(from, in.data(), to, out.data(), mode, false, trial.formats.pairing);
  }
  if (!trial.where) return out;
  const Bytes mask = trial.where->items();
  Bytes selected(static_cast<size_t>(to.size()));
  reference::copy(dense(trial.where->layout()), mask.data(),
                  Layout::contiguous(Format::parse("?"), trial.shape), selected.data());
  const auto size = static_cast<size_t>(to.format().itemsize());
  for (size_t i = 0; i < selected.size(); ++i) {
    if (selected[i] == 0) std::memcpy(out.data() + i * size, before.data() + i * size, size);
  }
  return out;
}

void check(Trial& trial, Mode mode, int threads) {
  const ConvertOptions options = {.overflow = overflow_of(mode), .fields = trial.formats.match};
  const Plan plan = trial.where ? Plan::convert(trial.src.layout(), trial.dst.layout(),
                                                trial.where->layout(), options)
                                : Plan::convert(trial.src.layout(), trial.dst.layout(), options);
  reference::Outcome outcome;
  const Bytes want = expected(trial, mode, &outcome), before = trial.dst.items();
  const auto blocks = trial.dst.bytes();
  const RunStatus status =
      trial.where ? plan.try_run(trial.src.operand(), trial.dst.operand(), trial.where->operand(),
                                 on_threads(threads))
                  : plan.try_run(trial.src.operand(), trial.dst.operand(), on_threads(threads));
  if (!trial.where) {
    ASSERT_EQ(status.code, outcome.error ? StatusCode::kDataError : StatusCode::kOk);
    if (outcome.error) {
      ASSERT_EQ(status.index, outcome.index);
    }
  }
  if (status.ok()) {
    ASSERT_TRUE(trial.dst.items() == want);
  }
  // Nothing but items was written.
  trial.dst.set_items(before);
  ASSERT_TRUE(trial.dst.bytes() == blocks);
}

void check_random(uint64_t trials, bool with_masks) {
  for (uint64_t seed = 0; seed < trials; ++seed) {
    const bool small = seed % 3 == 0;
    const SmallSeams seams(small ? 1 : 0);
    Trial trial(seed, with_masks);
    const Mode mode = trial.random.pick(reference::kModes);
    for (int threads : {1, 4}) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", " + std::to_string(threads) + " threads\n" +
                   trial.text());
      check(trial, mode, threads);
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(IndirectTest, RandomConversions) { check_random(1500, false); }
TEST(IndirectTest, RandomMaskedConversions) { check_random(700, true); }

TEST(IndirectTest, RandomByteswaps) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    const Format format = random_format(random);
    const std::vector<int64_t> shape = random_shape(random, 4, 200);
    PointerImage src(random, format, shape, random_pointers(random, shape.size()), true);
    PointerImage dst(random, format, shape, random_pointers(random, shape.size()), false);
    const Bytes in = src.items();
    Bytes want = dst.items();
    reference::byteswap(dense(src.layout()), in.data(), dense(dst.layout()), want.data());
    const Plan plan = Plan::byteswap(src.layout(), dst.layout());
    ASSERT_TRUE(plan.try_run(src.operand(), dst.operand()).ok());
    ASSERT_TRUE(dst.items() == want) << "seed " << seed << " " << to_text(src) << to_text(dst);
    // In place: the same pointers on both sides.
    const Bytes once = dst.items();
    reference::byteswap(dense(dst.layout()), once.data(), dense(dst.layout()), want.data());
    const Plan turn = Plan::byteswap(dst.layout(), dst.layout());
    ASSERT_TRUE(turn.try_run(dst.operand(), dst.operand(), on_threads(2)).ok()) << "seed " << seed;
    ASSERT_TRUE(dst.items() == want) << "seed " << seed << " " << to_text(dst);
  }
}

// --- bad data ------------------------------------------------------------------------------------

// Few bad elements in many, so that any part of the run may meet the first one.
TEST(IndirectTest, ErrorsNameTheLowestIndexOfTheSource) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    const SmallSeams seams(4);
    Random random(seed);
    std::vector<int64_t> shape = {random.between(1, 9), random.between(1, 9), random.between(1, 9)};
    const std::vector<int64_t> smaller = random_broadcastable(random, shape);
    PointerImage src(random, Format::parse("i"), smaller, random_pointers(random, smaller.size()),
                     false);
    PointerImage dst(random, Format::parse("B"), shape, random_pointers(random, 3), false);
    std::vector<int32_t> values(static_cast<size_t>(src.layout().size()), 7);
    auto lowest = static_cast<int64_t>(values.size());
    for (int64_t k = random.between(0, 4); k > 0; --k) {
      const int64_t at = random.below(static_cast<int64_t>(values.size()));
      values[static_cast<size_t>(at)] = 300;
      lowest = std::min(lowest, at);
    }
    Bytes bytes(values.size() * 4);
    std::memcpy(bytes.data(), values.data(), bytes.size());
    src.set_items(bytes);
    const Plan plan = Plan::convert(src.layout(), dst.layout(),
                                    {.overflow = Overflow::kRaise, .index_offset = 1000});
    for (int threads : {1, 2, 4}) {
      const RunStatus status = plan.try_run(src.operand(), dst.operand(), on_threads(threads));
      if (lowest == static_cast<int64_t>(values.size())) {
        ASSERT_TRUE(status.ok());
        continue;
      }
      ASSERT_EQ(status.code, StatusCode::kDataError);
      ASSERT_EQ(status.index, 1000 + lowest) << "seed " << seed << ", " << threads << " threads\n"
                                             << to_text(src) << to_text(dst);
      ASSERT_STREQ(status.value, "300");
      ASSERT_NE(std::string(plan.status_error(status).what()).find("300"), std::string::npos);
    }
  }
}

// With a mask, a repeated source may fail first at an item that comes later.
TEST(IndirectTest, ErrorsBehindAMask) {
  Rows rows(3, 8);
  const int32_t values[6] = {1, 999, 888, 4, 5, 6};  // rows (1, 999), (888, 4), (5, 6)
  std::memcpy(rows.bytes.data(), values, sizeof(values));
  // dst[a][b][c] = src[b][c]; pointers on axis b.
  const Layout src = Layout::strided(Format::parse("i"), {3, 2}, {8, 4}, 0, {0, -1});
  const Layout dst = Layout::contiguous(Format::parse("B"), {2, 3, 2});
  const Layout where = Layout::contiguous(Format::parse("?"), {2, 3, 2});
  const Plan plan = Plan::convert(src, dst, where, {.overflow = Overflow::kRaise});
  const auto index = [&](std::vector<unsigned char> mask) {
    Bytes out(12);
    const RunStatus status = plan.try_run(rows.operand(), {out.data()}, {mask.data()});
    return status.ok() ? -1 : status.index;
  };
  EXPECT_EQ(index({1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}), 1);
  EXPECT_EQ(index({1, 0, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1}), 2);
  EXPECT_EQ(index({1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}), 1);  // 888 is met before 999
  EXPECT_EQ(index({1, 0, 0, 1, 1, 1, 1, 0, 0, 1, 1, 1}), -1);
}

// --- sharing memory ------------------------------------------------------------------------------

const Layout& rows_of_4() {
  static const Layout layout = Layout::strided(Format::parse("h"), {3, 4}, {8, 2}, 0, {0, -1});
  return layout;
}

RunOptions copying() {
  RunOptions options;
  options.overlap = OverlapPolicy::kCopy;
  return options;
}

TEST(IndirectTest, RowsWrittenTwiceAreRefused) {
  const Plan plan = Plan::convert(Layout::contiguous(Format::parse("h"), {3, 4}), rows_of_4());
  const Bytes in(24, 1);
  Rows rows(3, 8);
  Operand src{const_cast<unsigned char*>(in.data())};
  EXPECT_TRUE(plan.try_run(src, rows.operand()).ok());
  for (ptrdiff_t shift : {0, 7, -7}) {
    Rows twice(3, 8);
    twice.pointers[2] = twice.pointers[1] + shift;
    EXPECT_EQ(plan.try_run(src, twice.operand()).code, StatusCode::kOverlap) << shift;
    EXPECT_EQ(plan.try_run(src, twice.operand(), copying()).code, StatusCode::kOverlap) << shift;
    EXPECT_TRUE(twice.bytes == Bytes(24)) << shift;
  }
}

TEST(IndirectTest, ItemsOverTheirOwnPointersAreRefused) {
  const Plan plan = Plan::convert(Layout::contiguous(Format::parse("h"), {3, 4}), rows_of_4());
  Bytes in(24, 1);
  Rows rows(3, 8);
  rows.pointers[1] = reinterpret_cast<unsigned char*>(rows.pointers.data() + 2);
  const auto before = rows.pointers;
  EXPECT_EQ(plan.try_run({in.data()}, rows.operand(), copying()).code, StatusCode::kOverlap);
  EXPECT_EQ(rows.pointers, before);
}

// Rows that begin within each other, but whose items lie side by side.
TEST(IndirectTest, InterleavedChannelsAreApart) {
  Bytes pixels(4 * 3, 0);
  std::vector<unsigned char*> planes = {pixels.data(), pixels.data() + 1, pixels.data() + 2};
  const Layout dst = Layout::strided(Format::parse("B"), {3, 4}, {8, 3}, 0, {0, -1});
  Bytes in(12);
  std::iota(in.begin(), in.end(), 0);
  const Plan plan = Plan::convert(Layout::contiguous(Format::parse("B"), {3, 4}), dst);
  ASSERT_TRUE(plan.try_run({in.data()}, {planes.data()}).ok());
  for (size_t c = 0; c < 3; ++c) {
    for (size_t x = 0; x < 4; ++x) EXPECT_EQ(pixels[x * 3 + c], in[c * 4 + x]);
  }
}

TEST(IndirectTest, ASourceBehindTheSamePointersIsRefusedOrCopied) {
  Rows rows(3, 8);
  std::iota(rows.bytes.begin(), rows.bytes.end(), 0);
  const Bytes before = rows.bytes;
  // Rows from the last to the first: in place, items would be lost.
  const Layout flipped = Layout::strided(Format::parse("h"), {3, 4}, {-8, -2}, 16, {6, -1});
  const Plan plan = Plan::convert(flipped, rows_of_4());
  EXPECT_EQ(plan.try_run(rows.operand(), rows.operand()).code, StatusCode::kOverlap);
  EXPECT_TRUE(rows.bytes == before);
  ASSERT_TRUE(plan.try_run(rows.operand(), rows.operand(), copying()).ok());
  for (size_t i = 0; i < 12; ++i) {
    EXPECT_EQ(std::memcmp(rows.bytes.data() + 2 * i, before.data() + 2 * (11 - i), 2), 0) << i;
  }
}

TEST(IndirectTest, ADestinationOverTheSourcesPointersIsRefusedOrCopied) {
  Rows rows(3, 8);
  std::iota(rows.bytes.begin(), rows.bytes.end(), 0);
  const Plan plan = Plan::convert(rows_of_4(), Layout::contiguous(Format::parse("h"), {3, 4}));
  const Operand table = rows.operand();
  EXPECT_EQ(plan.try_run(table, table).code, StatusCode::kOverlap);
  const Bytes want = rows.bytes;
  ASSERT_TRUE(plan.try_run(table, table, copying()).ok());
  EXPECT_EQ(std::memcmp(table.data, want.data(), want.size()), 0);
}

TEST(IndirectTest, AMaskThatIsWrittenIsRefused) {
  Rows rows(3, 8);
  std::swap(rows.pointers[0], rows.pointers[2]);
  const Plan plan = Plan::convert(Layout::contiguous(Format::parse("h"), {4}), rows_of_4(),
                                  Layout::contiguous(Format::parse("B"), {4}));
  Bytes in(8, 3), mask(4, 1);
  // The row that the mask lies in is the last to be written.
  std::fill_n(rows.bytes.begin(), 8, static_cast<unsigned char>(1));
  const Bytes before = rows.bytes;
  const RunStatus status =
      plan.try_run({in.data()}, rows.operand(), {rows.bytes.data()}, copying());
  EXPECT_EQ(status.code, StatusCode::kOverlap);
  EXPECT_NE(std::string(plan.status_error(status).what()).find("mask"), std::string::npos);
  EXPECT_TRUE(rows.bytes == before);
  EXPECT_TRUE(plan.try_run({in.data()}, rows.operand(), {mask.data()}).ok());
  EXPECT_TRUE(rows.bytes == Bytes(24, 3));
}

// --- corners -------------------------------------------------------------------------------------

TEST(IndirectTest, EmptyArraysFollowNoPointer) {
  const Format h = Format::parse("h");
  const Layout no_rows = Layout::strided(h, {0, 4}, {8, 2}, 0, {0, -1});
  const Layout no_columns = Layout::strided(h, {3, 0}, {8, 2}, 0, {0, -1});
  EXPECT_TRUE(Plan::convert(no_rows, Layout::contiguous(h, {0, 4})).try_run({}, {}).ok());
  EXPECT_TRUE(Plan::convert(no_columns, Layout::contiguous(h, {3, 0})).try_run({}, {}).ok());
  EXPECT_TRUE(Plan::convert(Layout::contiguous(h, {3, 0}), no_columns).try_run({}, {}).ok());
  EXPECT_TRUE(Plan::byteswap(no_rows, no_rows).try_run({}, {}).ok());
}

TEST(IndirectTest, AxesOfSizeOneInFrontMayBePointers) {
  int16_t values[5] = {3, 4, 5, 6, 7}, out[3] = {};
  const void* inner = values;
  const Layout src = Layout::strided(Format::parse("h"), {1, 1, 3}, {888, 777, 2}, 0, {-1, 4, -1});
  Plan::convert(src, Layout::contiguous(Format::parse("h"), {3})).run(&inner, out);
  EXPECT_EQ(std::vector<int16_t>(out, out + 3), (std::vector<int16_t>{5, 6, 7}));
}

TEST(IndirectTest, ShapesAndFormatsAreCheckedAsEver) {
  const auto code = [](auto make) {
    try {
      make();
    } catch (const Error& error) {
      return error.code();
    }
    ADD_FAILURE() << "accepted";
    return ErrorCode::kFormat;
  };
  const Format h = Format::parse("h");
  EXPECT_EQ(code([&] {
              Plan::convert(rows_of_4(), Layout::contiguous(h, {4, 3}));
            }),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(code([&] {
              Plan::convert(rows_of_4(), Layout::contiguous(Format::parse("2s"), {3, 4}));
            }),
            ErrorCode::kNoConversion);
  // Items behind one pointer must be apart.
  EXPECT_EQ(code([&] {
              Plan::convert(rows_of_4(), Layout::strided(h, {3, 4}, {8, 1}, 0, {0, -1}));
            }),
            ErrorCode::kBuffer);
  EXPECT_EQ(code([&] {
              Plan::reduce(rows_of_4(), Layout::contiguous(Format::parse("q"), {3}), {.axes = {1}});
            }),
            ErrorCode::kInvalidArgument);
}

TEST(IndirectTest, TheTableOfPointersMustFit) {
  Rows rows(3, 8);
  Bytes out(24);
  const Plan plan = Plan::convert(rows_of_4(), Layout::contiguous(Format::parse("h"), {3, 4}));
  RunStatus status = plan.try_run({rows.pointers.data(), 0, 23}, {out.data()});
  EXPECT_EQ(status.code, StatusCode::kTooSmall);
  EXPECT_EQ(status.index, 0);
  status = plan.try_run({rows.pointers.data(), 0, 24}, {out.data(), 0, 23});
  EXPECT_EQ(status.code, StatusCode::kTooSmall);
  EXPECT_EQ(status.index, 1);
  EXPECT_TRUE(plan.try_run({rows.pointers.data(), 0, 24}, {out.data(), 0, 24}).ok());
}

TEST(IndirectTest, PointersNeedNoAlignment) {
  int32_t values[2] = {41, 42}, out[2] = {};
  Bytes table(17);
  for (size_t k = 0; k < 2; ++k) {
    const int32_t* pointer = values + k;
    std::memcpy(table.data() + 1 + 8 * k, &pointer, 8);
  }
  const Layout src = Layout::strided(Format::parse("i"), {2}, {8}, 1, {0});
  convert(src, table.data(), Layout::contiguous(Format::parse("i"), {2}), out);
  EXPECT_EQ(out[0], 41);
  EXPECT_EQ(out[1], 42);
}

}  // namespace
}  // namespace stridecast::testing
