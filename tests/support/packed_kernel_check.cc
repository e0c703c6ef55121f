#include "tests/support/packed_kernel_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "tests/support/case_note.h"
#include "tests/support/kernel_run.h"

namespace stridecast::testing {
namespace {

constexpr int64_t kMaxLength = 300;

void set_note(const PackedCase& c, int64_t length, size_t gap) {
  note().what = c.entry->name;
  note().from = reference::name(c.from);
  note().to = reference::name(c.to);
  note().length = length;
  note().gap = static_cast<int64_t>(gap);
}

// The first wrong element with the input that led to it.
void explain_mismatch(const PackedCase& c, size_t first, int64_t n, const unsigned char* dst) {
  const int size = reference::size(c.to);
  for (int64_t i = 0; i < n; ++i) {
    const Bits got = reference::load(dst + i * size, size);
    const auto at = first + static_cast<size_t>(i);
    if (got == c.out[at]) continue;
    FAIL() << note() << ": element " << i << ", source " << reference::to_text(c.from, c.in[at])
           << " gave " << reference::to_text(c.to, got) << ", expected "
           << reference::to_text(c.to, c.out[at]);
  }
}

struct Packed {
  std::vector<unsigned char> in, out;
  explicit Packed(const PackedCase& c) : in(pack(c.from, c.in)), out(pack(c.to, c.out)) {}
};

void check_one(const PackedCase& c, const Packed& packed, size_t first, int64_t n, Flush side,
               size_t gap, size_t dst_gap, GuardedBuffer& src, GuardedBuffer& dst) {
  set_note(c, n, gap);
  const auto in_size = static_cast<size_t>(reference::size(c.from));
  const auto out_size = static_cast<size_t>(reference::size(c.to));
  const auto count = static_cast<size_t>(n);
  unsigned char* in = src.place(count * in_size, side, gap);
  unsigned char* out = dst.place(count * out_size, side, dst_gap);
  std::memcpy(in, packed.in.data() + first * in_size, count * in_size);
  std::memset(out, 0x5C, count * out_size);
  const sc_run run = make_packed_run(n, in, static_cast<int64_t>(in_size), out,
                                     static_cast<int64_t>(out_size), c.params);
  ASSERT_EQ(c.entry->run(&run), 0u) << note();
  if (std::memcmp(out, packed.out.data() + first * out_size, count * out_size) != 0) {
    explain_mismatch(c, first, n, out);
    return;
  }
  ASSERT_EQ(std::memcmp(in, packed.in.data() + first * in_size, count * in_size), 0)
      << note() << ": source changed";
  ASSERT_EQ(src.damage(), 0) << note() << ": bytes around the source changed";
  ASSERT_EQ(dst.damage(), 0) << note() << ": bytes around the destination changed";
}

// n items from `first` on, `step` bytes apart in the source (0: the first one n times).
void check_one_apart(const PackedCase& c, size_t first, int64_t n, int64_t step, uint32_t flags,
                     Flush side, size_t gap, size_t dst_gap, GuardedBuffer& src,
                     GuardedBuffer& dst) {
  set_note(c, n, gap);
  const int in_size = reference::size(c.from), out_size = reference::size(c.to);
  const auto reach = static_cast<size_t>(std::abs(step) * (n - 1) + in_size);
  unsigned char* const lowest = src.place(reach, side, gap);
  unsigned char* const in = lowest + (step < 0 ? -step * (n - 1) : 0);
  unsigned char* const out = dst.place(static_cast<size_t>(n * out_size), side, dst_gap);
  std::memset(lowest, 0xE7, reach);
  const auto input = [&](int64_t i) { return first + static_cast<size_t>(step == 0 ? 0 : i); };
  for (int64_t i = 0; i < n; ++i) reference::store(in + i * step, in_size, c.in[input(i)]);
  const std::vector<unsigned char> before(lowest, lowest + reach);
  std::memset(out, 0x5C, static_cast<size_t>(n * out_size));
  sc_run run =
      make_run(1, n, in, in_size, {n * step, step}, out, out_size, {n * out_size, out_size});
  run.flags = flags;
  ASSERT_EQ(c.entry->run(&run), 0u) << note() << " step " << step;
  for (int64_t i = 0; i < n; ++i) {
    const Bits got = reference::load(out + i * out_size, out_size);
    ASSERT_EQ(got, c.out[input(i)])
        << note() << ": element " << i << " of items " << step << " bytes apart, flags " << flags
        << ", source " << reference::to_text(c.from, c.in[input(i)]);
  }
  ASSERT_EQ(std::memcmp(lowest, before.data(), reach), 0) << note() << ": source changed";
  ASSERT_EQ(dst.damage(), 0) << note() << " step " << step;
}

}  // namespace

std::vector<unsigned char> pack(DType type, const std::vector<Bits>& elements) {
  const auto size = static_cast<size_t>(reference::size(type));
  std::vector<unsigned char> bytes(elements.size() * size);
  for (size_t i = 0; i < elements.size(); ++i) {
    reference::store(bytes.data() + i * size, static_cast<int>(size), elements[i]);
  }
  return bytes;
}

std::vector<unsigned char> pack(DType type, const std::vector<uint64_t>& elements) {
  return pack(type, std::vector<Bits>(elements.begin(), elements.end()));
}

void check_all_values(const PackedCase& c) {
  set_note(c, static_cast<int64_t>(c.in.size()), 0);
  const Packed packed(c);
  std::vector<unsigned char> out(packed.out.size());
  const sc_run run =
      make_packed_run(static_cast<int64_t>(c.in.size()), packed.in.data(), reference::size(c.from),
                      out.data(), reference::size(c.to), c.params);
  ASSERT_EQ(c.entry->run(&run), 0u) << note();
  if (out != packed.out) {
    explain_mismatch(c, 0, static_cast<int64_t>(c.in.size()), out.data());
  }
}

void check_lengths_and_misalignments(const PackedCase& c, GuardedBuffer& src, GuardedBuffer& dst) {
  // Spread over all inputs, so that special values meet every lane and the tail.
  PackedCase few = c;
  few.in.clear();
  few.out.clear();
  for (size_t i = 0; i < 2 * size_t{kMaxLength}; ++i) {
    const size_t at = i * 7919 % c.in.size();
    few.in.push_back(c.in[at]);
    few.out.push_back(c.out[at]);
  }
  const Packed packed(few);
  for (int64_t n = 1; n <= kMaxLength; ++n) {
    for (Flush side : kBothSides) {
      const auto first = static_cast<size_t>(n * 37 % kMaxLength);
      check_one(few, packed, first, n, side, 0, 0, src, dst);
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
  for (int64_t n : {1, 2, 3, 5, 8, 15, 16, 17, 31, 33, 64, 67, 129, 257}) {
    for (size_t gap = 0; gap < 64; ++gap) {
      for (Flush side : kBothSides) {
        check_one(few, packed, gap, n, side, gap, (gap * 5 + static_cast<size_t>(n)) % 64, src,
                  dst);
        if (::testing::Test::HasFatalFailure()) return;
      }
    }
  }
}

void check_steps(const PackedCase& c, GuardedBuffer& src, GuardedBuffer& dst) {
  constexpr int64_t kLongest = 1100;
  PackedCase few = c;
  few.in.clear();
  few.out.clear();
  for (size_t i = 0; i < size_t{kLongest} + 64; ++i) {
    few.in.push_back(c.in[i * 7919 % c.in.size()]);
    few.out.push_back(c.out[i * 7919 % c.in.size()]);
  }
  const int64_t size = reference::size(c.from);
  std::vector<int64_t> steps = {0, size + 1, -size - 1, 2 * size + 3, 13, -64, 100};
  for (int64_t items = 1; items <= 9; ++items) {
    steps.push_back(items * size);
    steps.push_back(-items * size);
  }
  std::vector<int64_t> lengths;  // vectors, blocks of them, and what is written by whole lines
  for (int64_t n = 1; n <= 140; ++n) lengths.push_back(n);
  for (int64_t n : {511, 512, 513, 527, 545, 600, 767, 1024, 1100}) lengths.push_back(n);
  constexpr uint32_t kFlags[] = {0, SC_RUN_STREAM, SC_RUN_STREAM | SC_RUN_FETCH};
  for (int64_t step : steps) {
    for (int64_t n : lengths) {
      for (Flush side : kBothSides) {
        const auto at = static_cast<size_t>(n + step + 1000);
        const size_t gap = n % 3 == 0 ? 0 : at * 7 % 64, dst_gap = n % 2 == 0 ? 0 : at * 5 % 64;
        const size_t first = at % 64;
        for (uint32_t flags : kFlags) {
          if (flags != 0 && n < 500) continue;
          check_one_apart(few, first, n, step, flags, side, gap, dst_gap, src, dst);
          if (::testing::Test::HasFatalFailure()) return;
        }
      }
    }
  }
}

void check_in_place(const PackedCase& c, GuardedBuffer& buffer) {
  const auto size = static_cast<size_t>(reference::size(c.from));
  if ((c.entry->traits & SC_TRAIT_IN_PLACE) == 0 ||
      reference::size(c.to) != reference::size(c.from)) {
    return;
  }
  const Packed packed(c);
  const auto limit = std::min<int64_t>(kMaxLength, static_cast<int64_t>(c.in.size()));
  for (int64_t n = 1; n <= limit; ++n) {
    for (Flush side : kBothSides) {
      set_note(c, n, 0);
      const auto first = static_cast<size_t>(n * 7919) % (c.in.size() - static_cast<size_t>(n) + 1);
      const size_t bytes = static_cast<size_t>(n) * size;
      unsigned char* data = buffer.place(bytes, side);
      std::memcpy(data, packed.in.data() + first * size, bytes);
      const sc_run run = make_packed_run(n, data, static_cast<int64_t>(size), data,
                                         static_cast<int64_t>(size), c.params);
      ASSERT_EQ(c.entry->run(&run), 0u) << note() << " in place";
      if (std::memcmp(data, packed.out.data() + first * size, bytes) != 0) {
        explain_mismatch(c, first, n, data);
        return;
      }
      ASSERT_EQ(buffer.damage(), 0) << note() << " in place";
    }
  }
}

}  // namespace stridecast::testing
