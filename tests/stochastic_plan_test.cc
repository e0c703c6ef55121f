// Stochastic rounding in plans: the bits follow from the seed, the logical index of the item and
// the leaf, whatever the strides, chunks, threads, targets and pieces. What a number becomes is the
// oracle's (reference/rounding.h); here, which random number it meets is pinned.

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>
#include <vector>

#include "stridecast/ops.h"
#include "stridecast/plan.h"
#include "tests/reference/element.h"
#include "tests/reference/rounding.h"
#include "tests/support/engine_run.h"
#include "tests/support/pointer_image.h"
#include "tests/support/random_layout.h"
#include "tests/support/target_param.h"

namespace stridecast::testing {
namespace {

using reference::Mode;
using Bytes = std::vector<unsigned char>;

constexpr uint64_t kSeed = 20260101;

ConvertOptions stochastic(int64_t index_offset = 0, uint64_t seed = kSeed) {
  ConvertOptions options;
  options.rounding = Rounding::kStochastic;
  options.seed = seed;
  options.index_offset = index_offset;
  return options;
}

Format format_of(DType type) {
  const std::string name = reference::name(type);
  return is_narrow(type) ? Format::parse("[ml_dtypes$" + name + "$]") : Format::of(type);
}

std::vector<double> doubles(int64_t count, uint64_t seed = 1) {
  Random random(seed);
  std::vector<double> values;
  for (int64_t i = 0; i < count; ++i) {
    values.push_back(static_cast<double>(random.between(-1'000'000, 1'000'000)) / 1237);
  }
  return values;
}

// One number that meets the random number of a leaf of an item.
uint64_t expected(double value, DType to, int64_t item, int64_t leaf = 0, uint64_t seed = kSeed) {
  const uint64_t random =
      reference::random_bits(seed, static_cast<uint64_t>(item), static_cast<uint64_t>(leaf));
  const auto bits = std::bit_cast<uint64_t>(value);
  if (reference::is_float(to)) {
    const auto rounding = Rounding::kStochastic;
    return static_cast<uint64_t>(
        reference::round_float64(bits, to, Mode::kWrap, rounding, random).bits);
  }
  const Bits whole =
      reference::round_to_integral(DType::kFloat64, bits, Rounding::kStochastic, random);
  return static_cast<uint64_t>(reference::convert(DType::kFloat64, whole, to, Mode::kWrap).bits);
}

// Packed elements of `to` for packed items from number `first` on.
Bytes expected_items(const std::vector<double>& values, DType to, int64_t first = 0,
                     uint64_t seed = kSeed) {
  const auto size = static_cast<size_t>(reference::size(to));
  Bytes bytes(values.size() * size);
  for (size_t i = 0; i < values.size(); ++i) {
    reference::store(bytes.data() + i * size, static_cast<int>(size),
                     expected(values[i], to, first + static_cast<int64_t>(i), 0, seed));
  }
  return bytes;
}

// Memory of a layout with room for its extent.
struct Memory {
  explicit Memory(const Layout& of)
      : layout(of), bytes(static_cast<size_t>(of.extent().highest - of.extent().lowest), 0x5C) {}
  unsigned char* data() { return bytes.empty() ? nullptr : bytes.data() - layout.extent().lowest; }
  Layout layout;
  Bytes bytes;
};

Layout packed(const Format& format, std::vector<int64_t> shape) {
  return Layout::contiguous(format, std::move(shape));
}
Layout dense_like(const Layout& layout) { return Layout::like(layout.format(), layout, Order::kC); }

// All items, dense in C order.
Bytes items_of(Memory& memory) {
  const Layout dense = dense_like(memory.layout);
  Bytes out(static_cast<size_t>(dense.size() * dense.format().itemsize()));
  Plan::convert(memory.layout, dense).run(memory.data(), out.data());
  return out;
}

class StochasticPlanTest : public EngineTest {};

TEST_P(StochasticPlanTest, EveryItemMeetsItsOwnNumber) {
  const std::vector<double> values = doubles(1000);
  const Layout src = packed(Format::of(DType::kFloat64), {1000});
  for (DType to : {DType::kBFloat16, DType::kFloat16, DType::kFloat32, DType::kInt32, DType::kInt16,
                   DType::kFloat8E4M3FN}) {
    for (int64_t offset : {int64_t{0}, int64_t{5}, int64_t{-3}, int64_t{1} << 40}) {
      Bytes out(static_cast<size_t>(1000 * reference::size(to)));
      Plan::convert(src, packed(format_of(to), {1000}), stochastic(offset))
          .run(values.data(), out.data());
      EXPECT_EQ(out, expected_items(values, to, offset)) << reference::name(to) << " " << offset;
    }
  }
}

TEST_P(StochasticPlanTest, AnotherSeedGivesOtherBits) {
  const std::vector<double> values = doubles(100);
  const Layout src = packed(Format::of(DType::kFloat64), {100});
  Bytes first(200), second(200);
  const Layout dst = packed(Format::of(DType::kBFloat16), {100});
  Plan::convert(src, dst, stochastic()).run(values.data(), first.data());
  Plan::convert(src, dst, stochastic(0, kSeed + 1)).run(values.data(), second.data());
  EXPECT_NE(first, second);
  EXPECT_EQ(second, expected_items(values, DType::kBFloat16, 0, kSeed + 1));
}

// Strides of every kind on both sides, chunks of any size, threads.
TEST_P(StochasticPlanTest, LayoutsChunksAndThreadsChangeNothing) {
  Random random(7);
  for (int trial = 0; trial < 150; ++trial) {
    const SmallSeams seams(random.chance(60) ? random.between(1, 20) : 0);
    const DType to = random.pick(
        std::vector<DType>{DType::kBFloat16, DType::kFloat32, DType::kInt8, DType::kFloat8E5M2});
    std::vector<int64_t> shape = random_shape(random, 4, 3000);
    Layout src_layout =
        random_destination(random, Format::parse(random.chance(80) ? "<d" : ">d"), shape);
    Layout dst_layout = random_destination(random, format_of(to), shape);
    if (random.chance(40)) {  // transposes, in tiles and blocks
      const Turned turned = random_turned(random, src_layout.format(), dst_layout.format());
      src_layout = turned.src;
      dst_layout = turned.dst;
    }
    Memory src(src_layout), dst(dst_layout);
    const std::vector<double> values = doubles(src_layout.size(), 11);
    Plan::convert(
        packed(Format::of(DType::kFloat64), {src_layout.shape().begin(), src_layout.shape().end()}),
        src_layout)
        .run(values.data(), src.data());
    RunOptions run = on_threads(static_cast<int>(random.between(1, 3)));
    run.stream = random.chance(30) ? Stream::kAlways : Stream::kAuto;
    Plan::convert(src_layout, dst_layout, stochastic(trial)).run(src.data(), dst.data(), run);
    ASSERT_EQ(items_of(dst), expected_items(values, to, trial))
        << table().target << " trial " << trial << ": " << to_text(src_layout) << " to "
        << to_text(dst_layout);
  }
}

// The number is that of the source's own item, also where it is repeated.
TEST_P(StochasticPlanTest, RepeatedItemsAreEqual) {
  const std::vector<double> values = doubles(50);
  const Layout src = packed(Format::of(DType::kFloat64), {50});
  Bytes out(3 * 50 * 2);
  Plan::convert(src, packed(Format::of(DType::kBFloat16), {3, 50}), stochastic())
      .run(values.data(), out.data());
  const Bytes row = expected_items(values, DType::kBFloat16);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(std::equal(row.begin(), row.end(), out.begin() + i * 100)) << i;
  }
}

TEST_P(StochasticPlanTest, MasksLeaveTheNumbersAlone) {
  Random random(3);
  const std::vector<double> values = doubles(700);
  Bytes mask(700);
  for (unsigned char& byte : mask) byte = random.chance(50) ? 1 : 0;
  for (int64_t chunk : {0, 1, 13}) {
    const SmallSeams seams(chunk);
    for (int64_t step : {2, -6}) {  // packed, and from the end
      const Layout dst =
          Layout::strided(Format::of(DType::kBFloat16), {700}, {step}, step < 0 ? 699 * 6 : 0);
      Memory out(dst);
      Plan::convert(packed(Format::of(DType::kFloat64), {700}), dst,
                    packed(Format::parse("?"), {700}), stochastic(9))
          .run(values.data(), out.data(), mask.data());
      Bytes expected_bytes = expected_items(values, DType::kBFloat16, 9);
      for (size_t i = 0; i < mask.size(); ++i) {
        if (mask[i] == 0) expected_bytes[2 * i] = expected_bytes[2 * i + 1] = 0x5C;
      }
      EXPECT_EQ(items_of(out), expected_bytes) << chunk << " " << step;
    }
  }
}

TEST_P(StochasticPlanTest, PiecesGiveTheBitsOfTheWhole) {
  const std::vector<double> values = doubles(1000);
  const Bytes whole = expected_items(values, DType::kBFloat16);
  Bytes out(2000);
  for (int64_t begin = 0, n = 1; begin < 1000; begin += n, n = std::min(n * 3, 1000 - begin)) {
    Plan::convert(packed(Format::of(DType::kFloat64), {n}),
                  packed(Format::of(DType::kBFloat16), {n}), stochastic(begin))
        .run(values.data() + begin, out.data() + 2 * begin);
  }
  EXPECT_EQ(out, whole);
}

// Elements are numbered through the destination's fields: sub-arrays by element, complex numbers as
// two.
TEST_P(StochasticPlanTest, LeavesOfAnItem) {
  constexpr int64_t kItems = 300, kNumbers = 10;
  struct Case {
    const char *src, *dst;
  };
  for (const Case& c : {Case{"T{<d:a:(2,3)<d:b:<i:n:<Zd:c:}", "T{E:a:(2,3)E:b:<i:n:ZE:c:}"},
                        Case{"T{>d:a:(2,3)>d:b:>i:n:>Zd:c:}", "T{>E:a:3x(2,3)<E:b:>q:n:<ZE:c:}"},
                        Case{"T{<Zd:c:<i:n:(2,3)<d:b:x<d:a:}", "T{E:a:(2,3)E:b:<i:n:x>ZE:c:}"}}) {
    for (int64_t chunk : {0, 1, 7}) {
      const SmallSeams seams(chunk);
      const Layout src = packed(Format::parse(c.src), {kItems});
      const Layout dst = packed(Format::parse(c.dst), {kItems});
      const std::vector<double> values = doubles(kItems * kNumbers);
      // The same numbers in fields of the source, by a struct of doubles in the destination's
      // order.
      const Layout plain = packed(Format::parse("T{d:a:(2,3)d:b:d:n:Zd:c:}"), {kItems});
      Memory from(src), to(dst);
      Plan::convert(plain, src).run(values.data(), from.data());
      Plan::convert(src, dst, stochastic(4)).run(from.data(), to.data(), on_threads(2));
      // And back to doubles, which hold every bfloat16.
      std::vector<double> back(values.size());
      Plan::convert(dst, plain).run(to.data(), back.data());
      for (size_t i = 0; i < values.size(); ++i) {
        const auto leaf = static_cast<int64_t>(i) % kNumbers;
        const int64_t item = static_cast<int64_t>(i) / kNumbers + 4;
        if (leaf == 7) continue;  // the integer
        const Bits bits = expected(values[i], DType::kBFloat16, item, leaf);
        const Bits wide =
            reference::convert(DType::kBFloat16, bits, DType::kFloat64, Mode::kWrap).bits;
        ASSERT_EQ(std::bit_cast<uint64_t>(back[i]), static_cast<uint64_t>(wide))
            << table().target << " " << c.dst << " item " << item << " leaf " << leaf;
      }
    }
  }
}

// Complex numbers backwards and transposed: the two numbers of an item stay neighbours.
TEST_P(StochasticPlanTest, ComplexNumbers) {
  constexpr int64_t kRows = 37, kColumns = 23;
  const std::vector<double> values = doubles(kRows * kColumns * 2);
  for (int64_t chunk : {0, 5}) {
    const SmallSeams seams(chunk);
    const Layout src = Layout::strided(Format::parse("Zd"), {kColumns, kRows}, {-16, kColumns * 16},
                                       (kColumns - 1) * 16);
    const Layout dst = packed(Format::parse("ZE"), {kColumns, kRows});
    std::vector<uint16_t> out(values.size());
    Plan::convert(src, dst, stochastic()).run(values.data(), out.data());
    for (int64_t i = 0; i < kColumns * kRows; ++i) {
      const int64_t column = i / kRows, row = i % kRows;
      const int64_t from = row * kColumns + (kColumns - 1 - column);
      for (int64_t part = 0; part < 2; ++part) {
        ASSERT_EQ(out[static_cast<size_t>(2 * i + part)],
                  expected(values[static_cast<size_t>(2 * from + part)], DType::kBFloat16, i, part))
            << table().target << " item " << i << " part " << part;
      }
    }
  }
}

TEST_P(StochasticPlanTest, BehindPointers) {
  Random random(5);
  for (int trial = 0; trial < 40; ++trial) {
    const SmallSeams seams(random.chance(50) ? random.between(1, 5) : 0);
    const std::vector<int64_t> shape = {random.between(1, 5), random.between(1, 6),
                                        random.between(1, 30)};
    PointerImage src(random, Format::of(DType::kFloat64), shape, {true, random.chance(50), false},
                     false);
    PointerImage dst(random, Format::of(DType::kBFloat16), shape, {random.chance(50), true, false},
                     false);
    const std::vector<double> values = doubles(shape[0] * shape[1] * shape[2]);
    Bytes bytes(values.size() * sizeof(double));
    std::memcpy(bytes.data(), values.data(), bytes.size());
    src.set_items(bytes);
    const RunStatus status = Plan::convert(src.layout(), dst.layout(), stochastic(trial))
                                 .try_run(src.operand(), dst.operand(), on_threads(2));
    ASSERT_TRUE(status.ok());
    ASSERT_EQ(dst.items(), expected_items(values, DType::kBFloat16, trial)) << trial;
  }
}

// In place; one item further, where the loops run backwards; and so that the source is copied.
TEST_P(StochasticPlanTest, OperandsThatOverlap) {
  constexpr int64_t kItems = 500;
  const std::vector<double> values = doubles(kItems);
  const Bytes whole = expected_items(values, DType::kInt64, 2);
  const Format from = Format::of(DType::kFloat64), to = Format::of(DType::kInt64);
  for (int64_t shift : {0, 8, -8, 4}) {
    Bytes memory((kItems + 2) * 8);
    std::memcpy(memory.data() + 8, values.data(), kItems * 8);
    Plan::convert(packed(from, {kItems}), packed(to, {kItems}), stochastic(2))
        .run(memory.data() + 8, memory.data() + 8 + shift);
    EXPECT_TRUE(std::equal(whole.begin(), whole.end(), memory.begin() + 8 + shift)) << shift;
  }
  Bytes memory(kItems * 8);
  std::memcpy(memory.data(), values.data(), kItems * 8);
  const Layout backwards = Layout::strided(to, {kItems}, {-8}, (kItems - 1) * 8);
  RunOptions copies;
  copies.overlap = OverlapPolicy::kCopy;
  Plan::convert(packed(from, {kItems}), backwards, stochastic(2))
      .run(memory.data(), memory.data(), copies);
  for (int64_t i = 0; i < kItems; ++i) {
    EXPECT_EQ(std::memcmp(memory.data() + (kItems - 1 - i) * 8, whole.data() + i * 8, 8), 0) << i;
  }
}

// Every field is an array of its own.
TEST_P(StochasticPlanTest, SplitFields) {
  constexpr int64_t kItems = 5000;
  const std::vector<double> values = doubles(2 * kItems);
  std::vector<double> second;
  for (int64_t i = 0; i < kItems; ++i) second.push_back(values[static_cast<size_t>(2 * i + 1)]);
  const SmallSeams seams(100);
  Bytes out(2 * kItems);
  const Layout array = packed(Format::of(DType::kBFloat16), {kItems});
  const FieldArray field{"b", &array, out.data()};
  split(packed(Format::parse("T{d:a:d:b:}"), {kItems}), values.data(), {&field, 1}, stochastic(6),
        on_threads(2));
  EXPECT_EQ(out, expected_items(second, DType::kBFloat16, 6));
}

// Encoding rounds the quotients, backwards and in pieces as well.
TEST_P(StochasticPlanTest, Encoding) {
  const std::vector<double> values = doubles(400);
  std::vector<double> quotients;
  for (double value : values) quotients.push_back((value - 2) / 0.25);
  Scaling scaling;
  scaling.scale = {0.25};
  scaling.offset = {2};
  for (DType to : {DType::kInt16, DType::kBFloat16}) {
    for (int64_t chunk : {0, 3}) {
      const SmallSeams seams(chunk);
      const Layout backwards = Layout::strided(format_of(to), {400}, {-2}, 399 * 2);
      Memory out(backwards);
      Plan::encode(packed(Format::of(DType::kFloat64), {400}), backwards, scaling, stochastic(8))
          .run(values.data(), out.data(), on_threads(2));
      EXPECT_EQ(items_of(out), expected_items(quotients, to, 8)) << reference::name(to);
    }
  }
}

TEST_P(StochasticPlanTest, ErrorsNameTheItem) {
  for (int64_t bad : {0, 333, 999}) {
    for (const char* dst : {"e", "h"}) {
      std::vector<double> values = doubles(1000);
      values[static_cast<size_t>(bad)] = 1e9;
      ConvertOptions options = stochastic(50);
      options.overflow = Overflow::kRaise;
      Bytes out(2000);
      const RunStatus status = Plan::convert(packed(Format::of(DType::kFloat64), {10, 100}),
                                             packed(Format::parse(dst), {10, 100}), options)
                                   .try_run({values.data()}, {out.data()}, on_threads(3));
      EXPECT_EQ(status.code, StatusCode::kDataError);
      EXPECT_EQ(status.index, 50 + bad);
      EXPECT_STREQ(status.value, "1e+09");
    }
  }
}

TEST(StochasticIndexTest, AnIndexThatCannotBeCounted) {
  const Layout src = packed(Format::parse("Zd"), {4}), dst = packed(Format::parse("Zf"), {4});
  EXPECT_NO_THROW(Plan::convert(src, dst, stochastic((INT64_MAX - 8) / 2)));
  for (int64_t offset : {INT64_MAX, INT64_MAX / 2, INT64_MIN}) {
    EXPECT_THROW(Plan::convert(src, dst, stochastic(offset)), Error) << offset;
  }
}

STRIDECAST_INSTANTIATE_FOR_TARGETS(StochasticPlanTest);

}  // namespace
}  // namespace stridecast::testing
