// A packed kernel under SC_RUN_STREAM, with and without SC_RUN_FETCH: whole lines go past the
// caches, so lengths beyond a few lines and every alignment of the destination matter.
#ifndef STRIDECAST_TESTS_SUPPORT_STREAM_CHECK_H_
#define STRIDECAST_TESTS_SUPPORT_STREAM_CHECK_H_

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "tests/support/case_note.h"
#include "tests/support/kernel_run.h"
#include "tests/support/packed_kernel_check.h"

namespace stridecast::testing {

/// The case needs 700 values. The buffers hold 700 items and a line.
inline void check_stream(const PackedCase& c, GuardedBuffer& src, GuardedBuffer& dst) {
  const auto in_size = static_cast<size_t>(reference::size(c.from));
  const auto out_size = static_cast<size_t>(reference::size(c.to));
  const std::vector<unsigned char> in = pack(c.from, c.in), out = pack(c.to, c.out);
  constexpr uint32_t kFlags[] = {SC_RUN_STREAM, SC_RUN_STREAM | SC_RUN_FETCH};
  for (size_t count : {1, 63, 64, 130, 255, 256, 257, 511, 700}) {
    ASSERT_LE(count, c.in.size());
    for (size_t gap = 0; gap < 64; ++gap) {
      for (uint32_t flags : kFlags) {
        const Flush side = gap % 2 == 0 ? Flush::kLeft : Flush::kRight;
        const size_t first = (c.in.size() - count) * gap / 64;
        unsigned char* const from = src.place(count * in_size, side, 7 * gap % 64);
        unsigned char* const to = dst.place(count * out_size, side, gap);
        std::memcpy(from, in.data() + first * in_size, count * in_size);
        std::memset(to, 0x5C, count * out_size);
        note().what = c.entry->name;
        note().length = static_cast<int64_t>(count);
        note().gap = static_cast<int64_t>(gap);
        sc_run run =
            make_packed_run(static_cast<int64_t>(count), from, static_cast<int64_t>(in_size), to,
                            static_cast<int64_t>(out_size), c.params);
        run.flags |= flags;
        ASSERT_EQ(c.entry->run(&run), 0u) << note();
        ASSERT_EQ(std::memcmp(to, out.data() + first * out_size, count * out_size), 0)
            << note() << ", flags " << flags;
        ASSERT_EQ(dst.damage(), 0) << note() << ", flags " << flags;
      }
    }
  }
}

}  // namespace stridecast::testing

#endif  // STRIDECAST_TESTS_SUPPORT_STREAM_CHECK_H_
