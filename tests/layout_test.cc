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

TEST(LayoutTest, OrdersOfDenseLayouts) {
  const std::vector<int64_t> shape = {2, 3, 4};
  const auto strides = [](const Layout& layout) { return list(layout.strides()); };
  const std::vector<int64_t> c = {24, 8, 2}, f = {2, 4, 12};
  EXPECT_EQ(strides(Layout::contiguous(format("h"), shape, Order::kC)), c);
  EXPECT_EQ(strides(Layout::contiguous(format("h"), shape, Order::kF)), f);
  EXPECT_EQ(strides(Layout::contiguous(format("h"), shape, Order::kKeep)), c);
  EXPECT_EQ(Layout::contiguous(format("h"), shape, Order::kF).extent(), (Extent{0, 48}));
  const Layout mixed = Layout::strided(format("d"), shape, {-8, 64, 16}, 8);
  EXPECT_EQ(strides(Layout::like(format("h"), mixed, Order::kC)), c);
  EXPECT_EQ(strides(Layout::like(format("h"), mixed, Order::kF)), f);
  EXPECT_EQ(strides(Layout::like(format("h"), mixed, Order::kKeep)),
            (std::vector<int64_t>{2, 16, 4}));
}

TEST(LayoutTest, SuboffsetsEndTheExtent) {
  // Pointers to rows, 16 bytes apart.
  const Layout rows = Layout::strided(format("f"), {3, 5}, {16, 4}, 8, {2, -1});
  EXPECT_EQ(rows.extent(), (Extent{8, 8 + 2 * 16 + 8}));
  EXPECT_EQ(list(rows.suboffsets()), (std::vector<int64_t>{2, -1}));
  EXPECT_EQ(rows.size(), 15);
  EXPECT_FALSE(rows.is_c_contiguous());
  EXPECT_FALSE(Layout::strided(format("f"), {1}, {4}, 0, {0}).is_c_contiguous());
  // Up to the first pointers only, whatever their direction.
  EXPECT_EQ(
      Layout::strided(format("f"), {2, 3, 4, 5}, {100, -24, 8, 4}, 0, {-1, 0, 7, -1}).extent(),
      (Extent{-48, 108}));
  EXPECT_EQ(Layout::strided(format("f"), {2, 0}, {16, 4}, 8, {0, -1}).extent(), (Extent{8, 8}));
}

TEST(LayoutTest, SuboffsetsBelowZeroAreNone) {
  const Layout plain = Layout::strided(format("f"), {2, 3}, {12, 4}, 0, {-1, -7});
  EXPECT_TRUE(plain.suboffsets().empty());
  EXPECT_TRUE(plain.is_c_contiguous());
  EXPECT_EQ(list(Layout::strided(format("f"), {2, 3}, {8, 4}, 0, {0, -7}).suboffsets()),
            (std::vector<int64_t>{0, -1}));
}

TEST(LayoutTest, RefusesAbsurdSuboffsets) {
  expect_refused([] { Layout::strided(format("f"), {2, 3}, {8, 4}, 0, {0}); }, "suboffsets");
  expect_refused([] { Layout::strided(format("f"), {}, {}, 0, {0}); }, "suboffsets");
  // What lies behind the pointers must fit as well.
  expect_refused([] { Layout::strided(format("f"), {2, 3}, {8, kMax}, 0, {0, -1}); }, "63 bits");
  expect_refused([] { Layout::strided(format("f"), {2, 3}, {8, 4}, 0, {kMax, -1}); }, "63 bits");
  expect_refused([] { Layout::strided(format("f"), {2}, {8}, kMax - 7, {0}); }, "63 bits");
}

TEST(LayoutTest, LikeAnArrayOfPointersIsInCOrder) {
  const Layout rows = Layout::strided(format("f"), {2, 3, 4}, {8, 4, 100}, 0, {0, -1, -1});
  EXPECT_EQ(list(Layout::like(format("h"), rows).strides()), (std::vector<int64_t>{24, 8, 2}));
  EXPECT_EQ(list(Layout::like(format("h"), rows, Order::kF).strides()),
            (std::vector<int64_t>{2, 4, 12}));
  EXPECT_TRUE(Layout::like(format("h"), rows).suboffsets().empty());
}

TEST(LayoutTest, FieldsLieWithinTheStructs) {
  const Format structs = format("T{B:tag:>h:value:3x(2,3)<f:grid:T{d:x:q:t:}:at:}");
  const Layout layout = Layout::strided(structs, {4, 5}, {500, -64}, 300);
  const Layout value = layout.field("value");
  EXPECT_EQ(value.format(), format(">h"));
  EXPECT_EQ(list(value.shape()), (std::vector<int64_t>{4, 5}));
  EXPECT_EQ(list(value.strides()), (std::vector<int64_t>{500, -64}));
  EXPECT_EQ(value.offset(), 300 + structs.fields()[0].fields[1].offset);
  const Layout grid = layout.field("grid");
  EXPECT_EQ(grid.format(), format("<f"));
  EXPECT_EQ(list(grid.shape()), (std::vector<int64_t>{4, 5, 2, 3}));
  EXPECT_EQ(list(grid.strides()), (std::vector<int64_t>{500, -64, 12, 4}));
  const Layout at = layout.field("at");
  EXPECT_EQ(at.format(), format("<T{d:x:q:t:}"));
  EXPECT_EQ(at.field("t").format(), format("<q"));
  EXPECT_EQ(at.field("t").offset(), at.offset() + 8);
  for (const char* name : {"", "x", "values"}) {
    expect_refused([&] { layout.field(name); }, "no field");
  }
}

TEST(LayoutTest, FieldsOfOtherFormats) {
  const auto field = [](const char* text, const char* name) {
    return Layout::contiguous(format(text), {3}).field(name);
  };
  // Items in a row are as good as a struct.
  EXPECT_EQ(field("i:a:^d:b:", "b").offset(), 4);
  EXPECT_EQ(field("i:a:^d:b:", "b").format(), format("d"));
  // Padding in front of the one struct counts.
  EXPECT_EQ(field("4xT{h:a:h:b:}", "b").offset(), 6);
  EXPECT_EQ(field("T{5s:name:10w:text:}", "name").format(), format("5s"));
  EXPECT_EQ(field("T{5s:name:^10w:text:}", "text").format(), format("10w"));
  EXPECT_EQ(field("T{B:a:^[numpy$datetime64$us]:t:}", "t").format(),
            format("[numpy$datetime64$us]"));
  EXPECT_EQ(field("T{B:a:4x:pad:}", "pad").format(), format("4x"));
  EXPECT_EQ(field("T{B:a:(2)T{>h:x:B:y:}:s:}", "s").format(), format("T{>h:x:B:y:}"));
  // An array of structs in an item has fields, the item has none.
  expect_refused([&] { field("(2)T{h:a:}", "a"); }, "no field");
  expect_refused([&] { field("d", "d"); }, "no field");
  EXPECT_EQ(field("T{(0,3)h:none:B:b:}", "none").size(), 0);
}

TEST(LayoutTest, FieldsBehindPointers) {
  const Format structs = format("T{h:a:^(2)i:b:}");
  const Layout layout = Layout::strided(structs, {3, 4}, {8, 10}, 16, {6, -1});
  const Layout b = layout.field("b");
  EXPECT_EQ(b.offset(), 16);
  EXPECT_EQ(list(b.suboffsets()), (std::vector<int64_t>{8, -1, -1}));
  EXPECT_EQ(list(b.strides()), (std::vector<int64_t>{8, 10, 4}));
  EXPECT_EQ(b.extent(), layout.extent());
  const Layout many = Layout::contiguous(format("T{(1,1)h:a:}"), std::vector<int64_t>(63, 1));
  expect_refused([&] { many.field("a"); }, "64");
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
