// Where things lie: the rules of byte order marks, alignment and end padding, the alignment that a
// format keeps, and leaf maps.

#include "dtypes/struct_layout.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "dtypes/format_parser.h"
#include "dtypes/leaf_map.h"
#include "stridecast/format.h"

namespace stridecast::internal {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

TEST(CheckedArithmetic, RefusesWhatDoesNotFit) {
  int64_t result = -7;
  EXPECT_TRUE(checked_multiply(0, kMax, &result));
  EXPECT_EQ(result, 0);
  EXPECT_TRUE(checked_multiply(kMax, 1, &result));
  EXPECT_FALSE(checked_multiply(kMax / 2 + 1, 2, &result));
  EXPECT_EQ(result, kMax);
  EXPECT_TRUE(checked_add(kMax - 1, 1, &result));
  EXPECT_FALSE(checked_add(kMax, 1, &result));
  EXPECT_TRUE(checked_round_up(5, 4, &result));
  EXPECT_EQ(result, 8);
  EXPECT_TRUE(checked_round_up(0, 16, &result));
  EXPECT_EQ(result, 0);
  EXPECT_FALSE(checked_round_up(kMax - 1, 8, &result));
}

TEST(MarkRules, SizesOrderAlignment) {
  const CodeFacts& l = code_facts('l');
  EXPECT_EQ(unit_size(l, Mark::kNative), static_cast<int64_t>(sizeof(long)));
  EXPECT_EQ(unit_size(l, Mark::kPacked), static_cast<int64_t>(sizeof(long)));
  EXPECT_EQ(unit_size(l, Mark::kStandard), 4);
  EXPECT_EQ(unit_size(l, Mark::kLittle), 4);
  EXPECT_EQ(unit_size(code_facts('n'), Mark::kBig), 0);
  EXPECT_EQ(unit_size(code_facts('g'), Mark::kLittle), static_cast<int64_t>(sizeof(long double)));
  EXPECT_EQ(order_of(Mark::kBig), ByteOrder::kBig);
  EXPECT_EQ(order_of(Mark::kLittle), ByteOrder::kLittle);
  for (const Mark mark : {Mark::kNative, Mark::kPacked, Mark::kStandard}) {
    EXPECT_EQ(order_of(mark), kHostOrder);
    EXPECT_EQ(alignment_under(8, mark), mark == Mark::kNative ? 8 : 1);
  }
}

TEST(StructLayoutTest, PlacesAndCloses) {
  StructLayout layout;
  int64_t offset = -1;
  ASSERT_TRUE(layout.place(1, 1, Mark::kNative, false, &offset));
  EXPECT_EQ(offset, 0);
  ASSERT_TRUE(layout.place(4, 4, Mark::kNative, false, &offset));
  EXPECT_EQ(offset, 4);
  ASSERT_TRUE(layout.place(8, 8, Mark::kLittle, false, &offset));
  EXPECT_EQ(offset, 8);
  EXPECT_EQ(layout.alignment, 4);
  ASSERT_TRUE(layout.pad(1));
  EXPECT_EQ(layout.size, 17);
  StructLayout packed = layout;
  ASSERT_TRUE(packed.close(Mark::kBig));
  EXPECT_EQ(packed.size, 17);
  EXPECT_FALSE(packed.implied_tail);
  ASSERT_TRUE(layout.close(Mark::kNative));
  EXPECT_EQ(layout.size, 20);
  EXPECT_TRUE(layout.implied_tail);
}

TEST(StructLayoutTest, AnEmptyMemberStillAligns) {
  StructLayout layout;
  int64_t offset = -1;
  ASSERT_TRUE(layout.place(1, 1, Mark::kNative, false, &offset));
  ASSERT_TRUE(layout.place(0, 8, Mark::kNative, false, &offset));
  EXPECT_EQ(offset, 8);
  EXPECT_EQ(layout.size, 8);
}

TEST(StructLayoutTest, OverflowChangesNothing) {
  StructLayout layout;
  int64_t offset = -1;
  ASSERT_TRUE(layout.pad(kMax - 2));
  EXPECT_FALSE(layout.pad(3));
  EXPECT_FALSE(layout.place(1, 8, Mark::kNative, false, &offset));
  EXPECT_FALSE(layout.place(4, 8, Mark::kPacked, false, &offset));
  EXPECT_EQ(layout.size, kMax - 2);
  EXPECT_EQ(layout.alignment, 1);
  ASSERT_TRUE(layout.place(2, 8, Mark::kPacked, false, &offset));
  EXPECT_EQ(layout.size, kMax);
}

TEST(TextLayout, AStructIsPlacedUnderTheMarkAtItsEnd) {
  const auto offset_of_second = [](const char* text) {
    return parse_format(text).fields.at(1).offset;
  };
  EXPECT_EQ(offset_of_second("bT{b:x:i:y:}"), 4);
  EXPECT_EQ(offset_of_second("bT{b:x:<i:y:}"), 1);
  EXPECT_EQ(offset_of_second("<bT{b:x:@i:y:}"), 4);
  EXPECT_EQ(offset_of_second("T{<b:x:}i"), 1);  // the mark goes on behind the brace
  EXPECT_EQ(offset_of_second("&<bi"), 8);       // but not behind a pointee
  EXPECT_EQ(parse_format("ib").itemsize, 5);
  EXPECT_EQ(parse_format("ib").alignment, 4);
  EXPECT_EQ(parse_format("T{ib}").itemsize, 8);
  EXPECT_EQ(parse_format("<i").alignment, 1);
  EXPECT_EQ(parse_format("<i").fields[0].alignment, 1);
}

TEST(FormatAlignment, IsWhatTheLayoutKeeps) {
  EXPECT_EQ(Format::parse("i").alignment(), 4);
  EXPECT_EQ(Format::parse("<i").alignment(), 4);
  EXPECT_EQ(Format::parse("bi").alignment(), 4);
  EXPECT_EQ(Format::parse("=bi").alignment(), 1);
  EXPECT_EQ(Format::parse("ib").alignment(), 1);  // the next item would not be aligned
  EXPECT_EQ(Format::parse("ib", 8).alignment(), 4);
  EXPECT_EQ(Format::parse("T{b:a:T{b:x:d:y:}:n:}").alignment(), 8);
  EXPECT_EQ(Format::parse("T{b:a:=T{b:x:d:y:}:n:}").alignment(), 1);
  EXPECT_EQ(Format::parse("T{}").alignment(), 1);
  EXPECT_EQ(Format::parse("[numpy$datetime64$us]").alignment(), 8);
  EXPECT_EQ(Format::parse("5s").alignment(), 1);
}

std::vector<Leaf> leaves_of(const std::string& text, std::optional<int64_t> itemsize = {}) {
  return leaves(Format::parse(text, itemsize));
}

TEST(LeafMap, LoneElementHasNoPath) {
  const std::vector<Leaf> map = leaves_of("(2,3)>h");
  ASSERT_EQ(map.size(), 1u);
  EXPECT_EQ(map[0].path, "");
  EXPECT_FALSE(map[0].all_named);
  EXPECT_EQ(map[0].offset, 0);
  EXPECT_EQ(map[0].dims, (std::vector<LeafDim>{{2, 6}, {3, 2}}));
  EXPECT_EQ(map[0].type, DType::kInt16);
  EXPECT_EQ(map[0].order, ByteOrder::kBig);
  EXPECT_EQ(map[0].itemsize, 2);
  EXPECT_EQ(map[0].swap_unit, 2);
}

TEST(LeafMap, NestedStructsKeepTheirDimensions) {
  const std::vector<Leaf> map =
      leaves_of("^T{b:a:(2)T{>i:x:(3)T{Zf:c:x}:in:}:sub:[numpy$datetime64$us]:t:}");
  ASSERT_EQ(map.size(), 4u);
  EXPECT_EQ(map[0].path, "a");
  EXPECT_EQ(map[1].path, "sub.x");
  EXPECT_EQ(map[1].offset, 1);
  EXPECT_EQ(map[1].dims, (std::vector<LeafDim>{{2, 31}}));
  EXPECT_EQ(map[2].path, "sub.in.c");
  EXPECT_EQ(map[2].offset, 5);
  EXPECT_EQ(map[2].dims, (std::vector<LeafDim>{{2, 31}, {3, 9}}));
  EXPECT_EQ(map[2].itemsize, 8);
  EXPECT_EQ(map[2].swap_unit, 4);
  EXPECT_EQ(map[2].order, ByteOrder::kBig);  // the mark is still in force
  EXPECT_EQ(map[3].path, "t");
  EXPECT_EQ(map[3].offset, 63);
  EXPECT_EQ(map[3].type, DType::kDatetime64);
  EXPECT_EQ(map[3].custom->param, "us");
  for (const Leaf& leaf : map) EXPECT_TRUE(leaf.all_named) << leaf.path;
}

TEST(LeafMap, UnnamedItemsShowTheirIndex) {
  const std::vector<Leaf> map = leaves_of("i:a:T{b:x:b}:s:T{b:y:}3x:pad:");
  ASSERT_EQ(map.size(), 5u);
  EXPECT_EQ(map[0].path, "a");
  EXPECT_TRUE(map[0].all_named);
  EXPECT_EQ(map[1].path, "s.x");
  EXPECT_TRUE(map[1].all_named);
  EXPECT_EQ(map[2].path, "s.[1]");
  EXPECT_FALSE(map[2].all_named);
  EXPECT_EQ(map[3].path, "[2].y");
  EXPECT_FALSE(map[3].all_named);
  EXPECT_EQ(map[4].path, "pad");
  EXPECT_EQ(map[4].type, DType::kOpaque);
  EXPECT_EQ(map[4].itemsize, 3);
  EXPECT_EQ(map[4].swap_unit, 1);
}

TEST(LeafMap, EmptyAndUnknown) {
  EXPECT_TRUE(leaves_of("").empty());
  EXPECT_TRUE(leaves_of("7x").empty());
  EXPECT_TRUE(leaves_of("T{T{}:a:}").empty());
  const std::vector<Leaf> opaque = leaves_of("(2)[nomod$T$]", 24);
  ASSERT_EQ(opaque.size(), 1u);
  EXPECT_EQ(opaque[0].swap_unit, 0);
  EXPECT_EQ(opaque[0].itemsize, 12);
  EXPECT_EQ(opaque[0].dims, (std::vector<LeafDim>{{2, 12}}));
  const std::vector<Leaf> none = leaves_of("(1000000000000,0,1000)q");
  ASSERT_EQ(none.size(), 1u);
  EXPECT_EQ(none[0].dims[1], (LeafDim{0, 8000}));
}

TEST(LeafMap, RepeatedNamesAreBounded) {
  // 20,000 leaves, each with the long name of the struct around it: 2 GB of paths.
  std::string text = "T{T{";
  for (int i = 0; i < 20000; ++i) text += 'b';
  text += "}:" + std::string(100000, 'n') + ":}";
  EXPECT_THROW(leaves_of(text), Error);
}

}  // namespace
}  // namespace stridecast::internal
