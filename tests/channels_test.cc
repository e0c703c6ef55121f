// Interleaved channels to planes and back: the tile kernels on rectangles with two to four items at
// one fast end, at every length and misalignment, between guard pages, against a plain loop.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "kernels/kernel_table.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/kernel_run.h"
#include "tests/support/random_layout.h"
#include "tests/support/target_param.h"

namespace stridecast::testing {
namespace {

struct ChannelCase {
  const sc_entry* entry;
  int64_t size;
  bool swap;
  int64_t channels, kept;  // channels in a pixel, and how many of them have a plane
  bool join;               // planes to pixels: all channels are kept
};

std::vector<ChannelCase> all_channels(const kernels::KernelTable& table) {
  std::vector<ChannelCase> cases;
  for (int64_t size : {1, 2, 4, 8, 16}) {
    for (bool swap : {false, true}) {
      const int index = kernels::move_index(size);
      const sc_entry& entry = swap ? table.tile_swap[index] : table.tile[index];
      if (swap && size == 1) continue;
      for (int64_t channels : {2, 3, 4}) {
        for (int64_t kept = 1; kept <= channels; ++kept) {
          cases.push_back({&entry, size, swap, channels, kept, false});
        }
        cases.push_back({&entry, size, swap, channels, channels, true});
      }
    }
  }
  return cases;
}

class ChannelsTest : public KernelTest {
 protected:
  ChannelsTest()
      : pixels_(kCapacity), planes_(kCapacity), scratch_(kCapacity), pattern_(kCapacity) {
    Random random(3);
    for (unsigned char& byte : pattern_) byte = static_cast<unsigned char>(random.bits());
  }

  // n pixels; planes begin `spare` bytes after the end of the one before. The source lies `gap`
  // bytes from its guard page, the destination `dst_gap`.
  void check(const ChannelCase& c, int64_t n, int64_t spare, Flush side, size_t gap, size_t dst_gap,
             bool stream) {
    note().what = c.join ? "join" : "split";
    note().from = note().to = c.swap ? "swapped" : "as is";
    note().length = n;
    note().gap = static_cast<int64_t>(gap);
    const int64_t pixel = c.channels * c.size, plane = n * c.size + spare;
    const auto pixel_bytes = static_cast<size_t>((n - 1) * pixel + c.kept * c.size);
    const auto plane_bytes = static_cast<size_t>((c.kept - 1) * plane + n * c.size);
    const size_t src_bytes = c.join ? plane_bytes : pixel_bytes;
    const size_t dst_bytes = c.join ? pixel_bytes : plane_bytes;
    unsigned char* src = (c.join ? planes_ : pixels_).place(src_bytes, side, gap);
    GuardedBuffer& out = c.join ? pixels_ : planes_;
    unsigned char* dst = out.place(dst_bytes, side, dst_gap);
    std::memcpy(src, pattern_.data(), src_bytes);
    std::memset(dst, 0x5C, dst_bytes);
    const Steps of_pixels = {c.size, pixel}, of_planes = {plane, c.size};
    const sc_run run = [&] {
      // Rows are the channels of one pixel on the source's side: n[0] runs along its fast items.
      sc_run r = c.join ? make_run(n, c.channels, src, c.size, {c.size, plane}, dst, c.size,
                                   {pixel, c.size})
                        : make_run(c.kept, n, src, c.size, of_pixels, dst, c.size, of_planes);
      if (stream) r.flags |= SC_RUN_STREAM;
      r.scratch = scratch_.place(c.entry->scratch_bytes, Flush::kLeft);
      return r;
    }();
    expected_.assign(dst_bytes, 0x5C);
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t k = 0; k < c.kept; ++k) {
        const int64_t in_pixels = i * pixel + k * c.size, in_planes = k * plane + i * c.size;
        unsigned char* to = expected_.data() + (c.join ? in_pixels : in_planes);
        std::memcpy(to, pattern_.data() + (c.join ? in_planes : in_pixels),
                    static_cast<size_t>(c.size));
        if (c.swap) std::reverse(to, to + c.size);
      }
    }
    ASSERT_EQ(c.entry->run(&run), 0u) << note();
    ASSERT_EQ(std::memcmp(dst, expected_.data(), dst_bytes), 0)
        << note() << " size " << c.size << " channels " << c.kept << " of " << c.channels
        << " spare " << spare << " stream " << stream << " first wrong byte "
        << std::mismatch(dst, dst + dst_bytes, expected_.data()).first - dst;
    ASSERT_EQ(out.damage(), 0) << note() << " size " << c.size;
  }

  static constexpr size_t kCapacity = 96 * 1024;
  GuardedBuffer pixels_, planes_, scratch_;
  std::vector<unsigned char> pattern_, expected_;
};

TEST_P(ChannelsTest, EveryLength) {
  for (const ChannelCase& c : all_channels(table())) {
    ASSERT_NE(c.entry->run, nullptr) << c.size;
    for (int64_t n = 1; n <= 300; n += n * c.size < 200 ? 1 : c.size == 1 ? 3 : 13) {
      for (Flush side : kBothSides) ASSERT_NO_FATAL_FAILURE(check(c, n, 0, side, 0, 0, false));
    }
  }
}

// Planes that lie anywhere, pixels at any address, with and without stores past the caches.
TEST_P(ChannelsTest, EveryMisalignment) {
  for (const ChannelCase& c : all_channels(table())) {
    for (int64_t n : {1, 3, 17, 65, 130}) {
      for (size_t gap = 0; gap < 64; ++gap) {
        const Flush side = gap % 2 == 0 ? Flush::kLeft : Flush::kRight;
        const int64_t spare =
            gap % 3 == 0 ? (64 - n * c.size % 64) % 64 : static_cast<int64_t>(gap);
        ASSERT_NO_FATAL_FAILURE(
            check(c, n, spare, side, gap * 7 % 64, gap, (gap + static_cast<size_t>(n)) % 4 == 0));
      }
    }
  }
}

// Long enough for whole lines; planes whose addresses agree modulo a line, and others.
TEST_P(ChannelsTest, LongRows) {
  for (const ChannelCase& c : all_channels(table())) {
    for (int64_t n : {1100, 1301}) {
      if (c.size == 16) n /= 4;
      const int64_t to_line = (64 - n * c.size % 64) % 64;
      for (size_t gap = 0; gap < 64; gap += c.size < 4 ? 1 : 4) {
        const Flush side = gap % 8 == 0 ? Flush::kLeft : Flush::kRight;
        ASSERT_NO_FATAL_FAILURE(check(c, n, to_line, side, gap * 5 % 64, gap, true));
        ASSERT_NO_FATAL_FAILURE(check(c, n, to_line, side, gap * 5 % 64, gap, false));
        ASSERT_NO_FATAL_FAILURE(check(c, n, to_line + 1, side, 0, gap, true));
      }
    }
  }
}

STRIDECAST_INSTANTIATE_FOR_TARGETS(ChannelsTest);

}  // namespace
}  // namespace stridecast::testing
