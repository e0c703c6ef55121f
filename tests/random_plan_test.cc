// Random n-dimensional plans against the oracle: any formats, layouts and policies, on every
// target, by threads, past the caches and not, with chunks of the default size and of few items,
// between guard pages. A failure prints the seed; STRIDECAST_TEST_SEED=<n> runs that one alone,
// STRIDECAST_TEST_TRIALS=<n> more or fewer. Masks are random_where_test.cc, operands that overlap
// random_overlap_test.cc.

#include <gtest/gtest.h>

#include "tests/support/random_case.h"

namespace stridecast::testing {
namespace {

// The same format in the other byte order, where a text of it can be had by changing its mark.
Format reordered(const Format& format) {
  std::string text = format.text();
  for (char& c : text) c = c == '>' ? '<' : c == '<' ? '>' : c;
  if (text == format.text()) text = ">" + text;
  return Format::parse(text);
}

TEST(RandomPlanTest, Convert) {
  for_each_seed(1200, [](uint64_t seed) {
    Random random(seed);
    const FormatPair formats =
        random.chance(15) ? random_format_pair_with_gaps(random) : random_format_pair(random);
    const std::vector<int64_t> shape = random_shape(random, 8, random.chance(10) ? 3000 : 400);
    const Layout dst = random_destination(random, formats.dst, shape);
    const Layout src = random_source(random, formats.src, random_broadcastable(random, shape));
    check_everywhere(random, seed, random_job(random, formats, src, dst));
  });
}

// Long rows of items apart to packed ones: what kernels that gather and convert in one pass take,
// some of them every second item alone.
TEST(RandomPlanTest, ConvertFromSteps) {
  constexpr const char* kFormats[][2] = {{"f", "d"}, {"d", "f"}, {"f", "e"}, {"e", "f"}, {"f", "E"},
                                         {"E", "f"}, {"B", "f"}, {"h", "f"}, {"i", "f"}, {"f", "b"},
                                         {"f", "H"}, {"f", "i"}, {"d", "B"}, {"d", "h"}, {"d", "I"},
                                         {"d", "E"}, {"E", "d"}, {"E", "b"}, {"E", "I"}};
  for_each_seed(200, [&](uint64_t seed) {
    Random random(seed);
    const auto texts = random.pick(kFormats);
    const FormatPair formats = {Format::parse(texts[0]), Format::parse(texts[1]), FieldMatch::kAuto,
                                reference::Pairing::kPosition};
    const int64_t rows = random.between(1, 4);
    const int64_t columns = random.between(60, random.chance(60) ? 200 : 1500);
    const int64_t size = formats.src.itemsize();
    int64_t step = size * random.between(1, 9) + (random.chance(30) ? random.between(0, size) : 0);
    if (random.chance(30)) step = 2 * size;
    int64_t row_step = step * columns + random.between(0, 20);
    if (random.chance(40)) step = -step;
    if (random.chance(30)) row_step = -row_step;
    const Layout src = Layout::strided(formats.src, {rows, columns}, {row_step, step});
    const Layout dst = Layout::contiguous(formats.dst, {rows, columns});
    check_everywhere(random, seed, random_job(random, formats, src, dst));
  });
}

TEST(RandomPlanTest, Move) {
  for_each_seed(500, [](uint64_t seed) {
    Random random(seed);
    const Format format = random_movable(random);
    const std::vector<int64_t> shape = random_shape(random, 8, random.chance(10) ? 3000 : 400);
    const bool reorder = format.scalar() != nullptr && format.scalar()->swap_unit > 1;
    Job job = {random_source(random, format, random_broadcastable(random, shape)),
               random_destination(random, reorder ? reordered(format) : format, shape)};
    if (reorder) job.kind = Job::kReorder;
    check_everywhere(random, seed, job);
  });
}

TEST(RandomPlanTest, Byteswap) {
  for_each_seed(500, [](uint64_t seed) {
    Random random(seed);
    const Format format = random.chance(70) ? random_format(random) : random_movable(random);
    const std::vector<int64_t> shape = random_shape(random, 6, 400);
    Job job = {random_source(random, format, random_broadcastable(random, shape)),
               random_destination(random, format, shape)};
    job.kind = Job::kByteswap;
    check_everywhere(random, seed, job);
  });
}

// Large enough for tiles, panels and carried lines.
TEST(RandomTransposeTest, Convert) {
  for_each_seed(250, [](uint64_t seed) {
    Random random(seed);
    FormatPair formats = random_format_pair(random);
    while (formats.src.scalar() == nullptr) formats = random_format_pair(random);
    const Turned turned = random_turned(random, formats.src, formats.dst);
    check_everywhere(random, seed, random_job(random, formats, turned.src, turned.dst));
  });
}

TEST(RandomTransposeTest, Move) {
  for_each_seed(250, [](uint64_t seed) {
    Random random(seed);
    const Format format = random_movable(random);
    const bool swaps = format.scalar() != nullptr && random.chance(40);
    const Turned turned = random_turned(random, format, format);
    Job job = {turned.src, turned.dst};
    if (swaps) job.kind = Job::kByteswap;
    check_everywhere(random, seed, job);
  });
}

}  // namespace
}  // namespace stridecast::testing
