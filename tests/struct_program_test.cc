// Structs whose fields pass together: what the plan says of them, and that many items in one run
// become what each of them becomes in a run of its own, which goes leaf after leaf. That single
// items are right is random_plan_test.cc's question; the kernel alone, item_shuffle_test.cc's.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "kernels/kernel_table.h"
#include "stridecast/plan.h"
#include "tests/support/engine_run.h"
#include "tests/support/random_layout.h"
#include "tests/support/target_param.h"

namespace stridecast::testing {
namespace {

struct Pair {
  const char* src;
  const char* dst;
};

const Pair kPairs[] = {
    // Moves and swaps, reordered, with padding that stays.
    {"T{<i:a:<d:b:<h:c:B:d:}", "T{B:d:3x>i:a:<d:b:>h:c:5x}"},
    // Conversions between moves, packed and aligned.
    {"T{<i:id:<d:x:<f:y:<h:n:<q:t:B:flag:}", "T{<i:id:<f:x:<f:y:<i:n:<q:t:B:flag:}"},
    {"T{<i:id:4x<d:x:<f:y:<h:n:2x<q:t:B:flag:7x}", "T{<i:id:<f:x:<f:y:<i:n:<q:t:B:flag:7x}"},
    // Both sides in the other order, two stages, sub-arrays, complex numbers, text.
    {"T{>d:a:(3)>h:b:<E:c:Zf:d:2w:e:}", "T{(3)<f:b:x>E:a:>d:c:>Zf:d:>2w:e:}"},
    // Elements within sub-arrays of structs.
    {"T{(4)T{<h:a:B:b:}:s:<i:c:}", "T{<q:c:(4)T{B:b:>i:a:x}:s:}"},
    // Many windows, more sources than one pass takes, a leaf too large to go with the others.
    {"T{(5)<d:a:(9)>d:b:100s:c:(5)<f:d:<h:e:<h:f:<h:g:<h:h:<h:i:<h:j:}",
     "T{<i:j:<i:i:<i:h:<f:g:<f:f:<f:e:x(5)>f:d:100s:c:(9)<d:b:(5)>d:a:}"},
};

class StructProgramTest : public EngineTest {
 protected:
  static bool together(const Plan& plan) {
    return plan.explain().find(" shuffles") != std::string::npos;
  }
  // Whether structs with converted fields, holes and gaps go together, too.
  bool shuffles() const { return table().shuffle.run != nullptr && !table().shuffles_whole; }
  bool shuffles_packed() const { return table().shuffle.run != nullptr; }

  std::vector<unsigned char> random_bytes(size_t size) {
    std::vector<unsigned char> bytes(size);
    // Small numbers of any type: no NaN, whose bits are not the question here.
    for (unsigned char& byte : bytes) byte = static_cast<unsigned char>(random_.below(64));
    return bytes;
  }

  // `n` items at these distances in one run, beside one item a run.
  void check(const Pair& pair, int64_t n, int64_t src_gap, int64_t dst_gap, bool backward) {
    const Format from = Format::parse(pair.src), to = Format::parse(pair.dst);
    const int64_t src_step = from.itemsize() + src_gap, dst_step = to.itemsize() + dst_gap;
    const int64_t first = backward ? (n - 1) * src_step : 0;
    const std::vector<unsigned char> in = random_bytes(static_cast<size_t>(n * src_step));
    std::vector<unsigned char> out(static_cast<size_t>(n * dst_step), 0x5C);
    std::vector<unsigned char> expected = out;
    const Plan all =
        Plan::convert(Layout::strided(from, {n}, {backward ? -src_step : src_step}, first),
                      Layout::strided(to, {n}, {dst_step}));
    const Plan one = Plan::convert(Layout::contiguous(from, {1}), Layout::contiguous(to, {1}));
    ASSERT_FALSE(together(one)) << one.explain();
    if (!backward && !table().shuffles_whole) {
      ASSERT_EQ(together(all), shuffles()) << all.explain();
    }
    for (int64_t i = 0; i < n; ++i) {
      one.run(in.data() + (backward ? n - 1 - i : i) * src_step, expected.data() + i * dst_step);
    }
    for (int threads : {1, 3}) {
      std::fill(out.begin(), out.end(), 0x5C);
      all.run(in.data(), out.data(), on_threads(threads));
      ASSERT_EQ(std::memcmp(out.data(), expected.data(), out.size()), 0)
          << n << " items, gaps " << src_gap << ", " << dst_gap << "\n"
          << all.explain();
    }
  }

  Random random_{5};
};
STRIDECAST_INSTANTIATE_FOR_TARGETS(StructProgramTest);

TEST_P(StructProgramTest, ItemsTogetherAreItemsAlone) {
  const SmallSeams threads_from_the_first_byte;
  for (const Pair& pair : kPairs) {
    for (const int64_t n : {16, 17, 31, 63, 64, 65, 511, 512, 513, 1300}) {
      ASSERT_NO_FATAL_FAILURE(check(pair, n, 0, 0, false));
      ASSERT_NO_FATAL_FAILURE(check(pair, n, n % 7, n % 5, false));
      ASSERT_NO_FATAL_FAILURE(check(pair, n, 0, n % 3, true));
    }
  }
}

// Packed items without converted fields: in windows of their own, in one that overlaps the one
// before, several to a window, several sources to a window, and beside fields that are converted.
TEST_P(StructProgramTest, PackedItems) {
  const SmallSeams threads_from_the_first_byte;
  const Pair pairs[] = {
      {"T{>d:a:(8)>f:b:(2)>i:c:}", "T{<d:a:(8)<f:b:(2)<i:c:}"},
      {"T{>d:a:(8)>f:b:>h:c:B:d:}", "T{<d:a:(8)<f:b:<h:c:B:d:}"},
      {"T{>h:a:>i:b:}", "T{<h:a:<i:b:}"},
      {"T{>i:a:>h:b:>h:c:}", "T{<i:a:<h:b:<h:c:}"},
      {"T{>i:a:24x>d:b:24x>d:c:}", "T{<d:c:<i:a:<d:b:}"},
      {"T{>d:a:>f:b:>f:c:>i:d:>q:e:>h:f:>h:g:}", "T{<d:a:<f:b:<f:c:<q:d:<q:e:<h:f:<h:g:}"},
  };
  for (const Pair& pair : pairs) {
    for (const int64_t n : {16, 17, 33, 700, 3000}) {
      ASSERT_NO_FATAL_FAILURE(check(pair, n, 0, 0, false));
      ASSERT_NO_FATAL_FAILURE(check(pair, n, n % 7, 0, false));
      ASSERT_NO_FATAL_FAILURE(check(pair, n, 3, 2, false));
      ASSERT_NO_FATAL_FAILURE(check(pair, n, 0, 0, true));
    }
    const Format from = Format::parse(pair.src), to = Format::parse(pair.dst);
    const Plan plan = Plan::convert(Layout::contiguous(from, {100}), Layout::contiguous(to, {100}));
    EXPECT_EQ(together(plan), shuffles_packed()) << plan.explain();
  }
}

// From memory the next items are fetched ahead, beyond the last of them at the end.
TEST_P(StructProgramTest, ManyItems) {
  ASSERT_NO_FATAL_FAILURE(check(kPairs[1], 50000, 0, 0, false));
}

// Elements that lie across two windows are swapped in place all the same.
TEST_P(StructProgramTest, ByteswapInPlace) {
  for (const char* text :
       {"T{<d:x:(4)h:y:}", "T{<i:x:h:y:h:z:}", "T{<B:a:d:b:h:c:}", "T{B:a:(20)d:b:h:c:}",
        "T{<3s:a:(7)h:b:(9)q:c:Zd:d:}", "T{<B:a:(7)d:b:d:c:d:d:d:e:d:f:d:g:d:h:Zd:i:}"}) {
    const Format format = Format::parse(text);
    const int64_t n = 700;
    const Layout layout = Layout::contiguous(format, {n});
    const std::vector<unsigned char> in =
        random_bytes(static_cast<size_t>(layout.extent().highest));
    std::vector<unsigned char> items = in, swapped = in;  // padding is not swapped
    const Plan plan = Plan::byteswap(layout, layout);
    plan.run(in.data(), swapped.data());
    plan.run(items.data(), items.data());
    ASSERT_EQ(items, swapped) << plan.explain();
    plan.run(items.data(), items.data());
    ASSERT_EQ(items, in) << text;
  }
}

TEST_P(StructProgramTest, MissingFieldsAreZero) {
  const Format from = Format::parse("T{<i:a:<h:b:}"), to = Format::parse("T{<q:z:>h:b:x<i:a:}");
  const int64_t n = 100;
  const std::vector<unsigned char> in = random_bytes(static_cast<size_t>(n * from.itemsize()));
  std::vector<unsigned char> out(static_cast<size_t>(n * to.itemsize()), 0x5C);
  const Plan plan = Plan::convert(Layout::contiguous(from, {n}), Layout::contiguous(to, {n}),
                                  {.missing_fields = MissingFields::kZero});
  EXPECT_EQ(together(plan), shuffles()) << plan.explain();
  plan.run(in.data(), out.data());
  for (int64_t i = 0; i < n; ++i) {
    const unsigned char* a = in.data() + i * from.itemsize();
    const unsigned char* b = out.data() + i * to.itemsize();
    const unsigned char want[15] = {0,    0,    0,    0,    0,    0,    0,   0,
                                    a[5], a[4], 0x5C, a[0], a[1], a[2], a[3]};
    ASSERT_EQ(std::memcmp(b, want, sizeof want), 0) << i;
  }
}

TEST_P(StructProgramTest, ABadValueIsNamed) {
  std::vector<int32_t> in(1000, 7);
  std::vector<uint8_t> out(1000);
  const Layout src = Layout::contiguous(Format::parse("T{<i:a:<i:b:}"), {500});
  const Layout dst = Layout::contiguous(Format::parse("T{B:b:B:a:}"), {500});
  const Plan plan = Plan::convert(src, dst, {.overflow = Overflow::kRaise});
  EXPECT_EQ(together(plan), shuffles()) << plan.explain();
  ASSERT_TRUE(plan.try_run({in.data()}, {out.data()}).ok());
  EXPECT_EQ(out, std::vector<uint8_t>(1000, 7));
  in[2 * 321 + 1] = 256;
  const RunStatus status = plan.try_run({in.data()}, {out.data()});
  EXPECT_EQ(status.code, StatusCode::kDataError);
  EXPECT_EQ(status.index, 321);
  EXPECT_EQ(plan.field_path(status.field), "b");
}

}  // namespace
}  // namespace stridecast::testing
