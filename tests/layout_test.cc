// Layout: sizes, extents, and everything that is refused before a byte is read.

#include "stridecast/layout.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace stridecast::testing {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kMin = std::numeric_limits<int64_t>::min();

Format format(const char* text) { return Format::parse(text); }

std::vector<int64_t> list(std::span<const int64_t> values) {
  return {values.begin(), values.end()};
}

void expect_refused(const std::function<void()>& make, const std::string& word) {
  try {
    make();
    ADD_FAILURE() << "accepted; expected an error with '" << word << "'";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument) << error.what();
    EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
  }
}

TEST(LayoutTest, ContiguousIsCOrder) {
  const Layout layout = Layout::contiguous(format("d"), {2, 3, 4});
  EXPECT_EQ(list(layout.shape()), (std::vector<int64_t>{2, 3, 4}));
  EXPECT_EQ(list(layout.strides()), (std::vector<int64_t>{96, 32, 8}));
  EXPECT_EQ(layout.size(), 24);
  EXPECT_EQ(layout.ndim(), 3);
  EXPECT_EQ(layout.offset(), 0);
  EXPECT_EQ(layout.extent(), (Extent{0, 192}));
  EXPECT_TRUE(layout.is_c_contiguous());
}

TEST(LayoutTest, NoDimensionsIsOneItem) {
  const Layout layout = Layout::contiguous(format("h"), {});
  EXPECT_EQ(layout.size(), 1);
  EXPECT_EQ(layout.extent(), (Extent{0, 2}));
  EXPECT_TRUE(layout.is_c_contiguous());
}

TEST(LayoutTest, ExtentsOfSignedStrides) {
  EXPECT_EQ(Layout::strided(format("i"), {3}, {-8}).extent(), (Extent{-16, 4}));
  EXPECT_EQ(Layout::strided(format("i"), {3}, {-8}, 16).extent(), (Extent{0, 20}));
  EXPECT_EQ(Layout::strided(format("i"), {3, 2}, {10, -3}, 1).extent(), (Extent{-2, 25}));
  EXPECT_EQ(Layout::strided(format("i"), {1000}, {0}).extent(), (Extent{0, 4}));
  EXPECT_EQ(Layout::strided(format("i"), {1}, {kMax}).extent(), (Extent{0, 4}));
}

TEST(LayoutTest, EmptyLayoutsTouchNothing) {
  for (const std::vector<int64_t>& shape :
       {std::vector<int64_t>{0}, std::vector<int64_t>{3, 0}, std::vector<int64_t>{0, 1000000}}) {
    const Layout layout = Layout::contiguous(format("d"), shape);
    EXPECT_EQ(layout.size(), 0);
    EXPECT_EQ(layout.extent().lowest, layout.extent().highest);
    EXPECT_TRUE(layout.is_c_contiguous());
  }
  EXPECT_EQ(Layout::strided(format("d"), {0}, {kMax}).size(), 0);
  EXPECT_EQ(Layout::strided(format("d"), {0, 5}, {kMin, kMin}).size(), 0);
}

TEST(LayoutTest, ContiguityIgnoresAxesOfSizeOne) {
  EXPECT_TRUE(Layout::strided(format("f"), {1, 4, 1}, {777, 4, -3}).is_c_contiguous());
  EXPECT_FALSE(Layout::strided(format("f"), {4}, {8}).is_c_contiguous());
  EXPECT_FALSE(Layout::strided(format("f"), {4}, {-4}).is_c_contiguous());
  EXPECT_FALSE(Layout::strided(format("f"), {2, 3}, {4, 8}).is_c_contiguous());
  EXPECT_FALSE(Layout::strided(format("f"), {4}, {0}).is_c_contiguous());
}

// NumPy's order="K".
TEST(LayoutTest, LikeKeepsTheOrderOfAxes) {
  const auto strides_like = [](std::vector<int64_t> shape, std::vector<int64_t> strides) {
    return list(Layout::like(format("h"), Layout::strided(format("d"), std::move(shape),
                                                          std::move(strides), 4096))
                    .strides());
  };
  EXPECT_EQ(strides_like({2, 3}, {24, 8}), (std::vector<int64_t>{6, 2}));
  EXPECT_EQ(strides_like({2, 3}, {8, 16}), (std::vector<int64_t>{2, 4}));
  EXPECT_EQ(strides_like({2, 3}, {-8, 16}), (std::vector<int64_t>{2, 4}));
  EXPECT_EQ(strides_like({2, 3}, {-100, -8}), (std::vector<int64_t>{6, 2}));
  EXPECT_EQ(strides_like({2, 3}, {0, 8}),
            (std::vector<int64_t>{2, 4}));  // a zero stride is smallest
  EXPECT_EQ(strides_like({2, 3, 4}, {8, 8, 8}), (std::vector<int64_t>{24, 8, 2}));  // ties stay
  EXPECT_EQ(Layout::like(format("h"), Layout::contiguous(format("d"), {5})).offset(), 0);
}

TEST(LayoutTest, RefusesAbsurdShapes) {
  expect_refused([] { Layout::contiguous(format("B"), {-1}); }, "negative");
  expect_refused([] { Layout::contiguous(format("B"), {2, kMin}); }, "negative");
  expect_refused([] { Layout::contiguous(format("B"), std::vector<int64_t>(65, 1)); }, "64");
  EXPECT_EQ(Layout::contiguous(format("B"), std::vector<int64_t>(64, 1)).ndim(), 64);
  expect_refused([] { Layout::strided(format("B"), {2, 2}, {1}); }, "stride");
  expect_refused([] { Layout::strided(format("B"), {}, {1}); }, "stride");
}

// Around 2^31, 2^32 and 2^63, where size arithmetic goes wrong elsewhere.
TEST(LayoutTest, RefusesWhatDoesNotFit63Bits) {
  const int64_t big = int64_t{1} << 62;
  expect_refused([&] { Layout::contiguous(format("B"), {big, 2}); }, "63 bits");
  expect_refused([&] { Layout::contiguous(format("d"), {int64_t{1} << 60}); }, "63 bits");
  expect_refused([] { Layout::contiguous(format("B"), {kMax, kMax}); }, "63 bits");
  expect_refused(
      [] {
        Layout::contiguous(format("B"), {int64_t{1} << 32, int64_t{1} << 31});
      },
      "63 bits");
  // A size of 0 does not make the other sizes sensible.
  expect_refused([] { Layout::contiguous(format("B"), {kMax, 2, 0}); }, "63 bits");
  expect_refused([&] { Layout::strided(format("B"), {3}, {big}); }, "63 bits");
  expect_refused([] { Layout::strided(format("B"), {2}, {kMin}); }, "63 bits");
  expect_refused([] { Layout::strided(format("d"), {2}, {kMax}); }, "63 bits");
  expect_refused([] { Layout::strided(format("d"), {1}, {8}, kMax - 7); }, "63 bits");
  expect_refused([&] { Layout::strided(format("B"), {2, 2}, {big, big}); }, "63 bits");
  expect_refused([&] { Layout::strided(format("B"), {2, 2}, {-big, big}, -1); }, "63 bits");
  EXPECT_EQ(Layout::contiguous(format("B"), {kMax}).extent(), (Extent{0, kMax}));
  EXPECT_EQ(Layout::contiguous(format("d"), {(int64_t{1} << 60) - 1}).size(),
            (int64_t{1} << 60) - 1);
  EXPECT_EQ(
      Layout::contiguous(format("B"), {(int64_t{1} << 32) + 1, (int64_t{1} << 30) - 1}).size(),
      ((int64_t{1} << 32) + 1) * ((int64_t{1} << 30) - 1));
}

}  // namespace
}  // namespace stridecast::testing
