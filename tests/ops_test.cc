// Dense arrays that own their memory, and the calls that need no plan of one's own.

#include "stridecast/ops.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "tests/reference/strided.h"
#include "tests/support/engine_run.h"
#include "tests/support/random_format.h"
#include "tests/support/random_layout.h"
#include "tests/support/sanitizers.h"

namespace stridecast::testing {
namespace {

using Bytes = std::vector<unsigned char>;

TEST(OpsTest, ArraysAreAligned) {
  for (int64_t n : {int64_t{0}, int64_t{1}, int64_t{1000}, int64_t{3} << 20}) {
    const Array array = make_array(Layout::contiguous(Format::parse("h"), {n}));
    ASSERT_NE(array.data, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(array.data.get()) % 64, 0u);
    EXPECT_EQ(array.layout.size(), n);
    std::memset(array.data.get(), 1, static_cast<size_t>(2 * n));
  }
}

TEST(OpsTest, PaddingOfFreshStructsIsZero) {
  const Layout src = Layout::contiguous(Format::parse("T{=B:a:h:b:}"), {100});
  const Bytes in(300, 0xFF);
  for (int trial = 0; trial < 3; ++trial) {
    const Array array = make_array(Layout::contiguous(Format::parse("T{=B:a:3xi:b:5x}"), {100}));
    convert(src, in.data(), array.layout, array.data.get());
    for (size_t i = 0; i < 1300; ++i) {
      const bool padding = i % 13 > 7 || (i % 13 > 0 && i % 13 < 4);
      ASSERT_EQ(static_cast<int>(array.data.get()[i]), padding ? 0 : 0xFF) << i;
    }
    std::memset(array.data.get(), 0xEE, 1300);  // for the next one to find
  }
}

TEST(OpsTest, WhatCannotBeMade) {
  const auto code = [](const Layout& layout) {
    try {
      make_array(layout);
    } catch (const Error& error) {
      return error.code();
    }
    ADD_FAILURE() << "made";
    return ErrorCode::kFormat;
  };
  const Format h = Format::parse("h");
  EXPECT_EQ(code(Layout::strided(h, {3}, {-2})), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(Layout::strided(h, {3}, {8}, 0, {0})), ErrorCode::kInvalidArgument);
#if !defined(STRIDECAST_TEST_ASAN) && !defined(STRIDECAST_TEST_TSAN)  // theirs would abort
  EXPECT_EQ(code(Layout::contiguous(h, {int64_t{1} << 60})), ErrorCode::kOutOfMemory);
#endif
}

TEST(OpsTest, CopiesInEveryOrder) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    const Format format = random_format(random);
    const Layout src = random_source(random, format, random_shape(random));
    Bytes bytes(static_cast<size_t>(src.extent().highest - src.extent().lowest));
    for (unsigned char& byte : bytes) byte = static_cast<unsigned char>(random.bits());
    const unsigned char* data = bytes.empty() ? nullptr : bytes.data() - src.extent().lowest;
    for (Order order : {Order::kC, Order::kF, Order::kKeep}) {
      const Array array = copy(src, data, order, on_threads(2));
      ASSERT_EQ(array.layout.offset(), 0);
      ASSERT_TRUE(
          std::ranges::equal(array.layout.strides(), Layout::like(format, src, order).strides()));
      if (order == Order::kC) {
        ASSERT_TRUE(array.layout.is_c_contiguous());
      }
      Bytes want(static_cast<size_t>(array.layout.extent().highest));
      if (want.empty()) continue;
      reference::copy(src, data, array.layout, want.data());
      ASSERT_EQ(std::memcmp(array.data.get(), want.data(), want.size()), 0)
          << "seed " << seed << " " << to_text(src);
    }
  }
}

TEST(OpsTest, ACopyFollowsPointers) {
  const int16_t rows[2][3] = {{1, 2, 3}, {4, 5, 6}};
  const void* table[2] = {rows[1], rows[0]};
  const Layout src = Layout::strided(Format::parse("h"), {2, 3}, {8, 2}, 0, {0, -1});
  const Array array = copy(src, table, Order::kF);
  const int16_t want[6] = {4, 1, 5, 2, 6, 3};
  EXPECT_EQ(std::memcmp(array.data.get(), want, sizeof(want)), 0);
}

TEST(OpsTest, Byteswap) {
  const Layout layout = Layout::contiguous(Format::parse("T{=H:a:I:b:B:c:}"), {2});
  unsigned char data[14] = {1, 2, 3, 4, 5, 6, 7, 1, 2, 3, 4, 5, 6, 7};
  unsigned char out[14] = {};
  const unsigned char want[7] = {2, 1, 6, 5, 4, 3, 7};
  byteswap(layout, data, layout, out);
  EXPECT_EQ(std::memcmp(out, want, 7), 0);
  EXPECT_EQ(std::memcmp(out + 7, want, 7), 0);
  byteswap(layout, data, layout, data);
  EXPECT_EQ(std::memcmp(data, out, 14), 0);
}

}  // namespace
}  // namespace stridecast::testing
