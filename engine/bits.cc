// Runs of the kernels of bits (bits.h), as they are or, where items are overwritten, over chunks
// whose mask of bytes fits the stack.

#include "stridecast/bits.h"

#include <algorithm>
#include <cstddef>

#include "engine/runtime.h"
#include "kernels/kernel_table.h"

namespace stridecast {
namespace internal {
namespace {

using kernels::BitParams;

sc_run packed_run(int64_t n, const void* src, void* dst, const BitParams& params) {
  sc_run run = {};
  run.struct_size = sizeof run;
  run.n[0] = 1;
  run.n[1] = n;
  run.src = src;
  run.dst = dst;
  run.params = &params;
  return run;
}

void unpack(const Bits& bits, int64_t n, bool inverted, void* bytes) {
  const BitParams params{bits.first, inverted};
  const sc_run run = packed_run(n, bits.data, bytes, params);
  active_table()->unpack_bits.run(&run);
}

void pack(const sc_entry& entry, const void* items, int64_t n, const MutableBits& bits) {
  const BitParams params{bits.first};
  const sc_run run = packed_run(n, items, bits.data, params);
  entry.run(&run);
}

}  // namespace
}  // namespace internal

inline namespace v0 {

void unpack_bits(const Bits& bits, int64_t n, void* bytes) {
  if (n > 0) internal::unpack(bits, n, false, bytes);
}

void pack_bits(const void* bytes, int64_t n, const MutableBits& bits) {
  if (n > 0) internal::pack(internal::active_table()->pack_bits, bytes, n, bits);
}

int64_t count_bits(const Bits& bits, int64_t n) {
  if (n <= 0) return 0;
  const internal::BitParams params{bits.first};
  sc_run run = internal::packed_run(n, bits.data, nullptr, params);
  int64_t count = 0;
  run.state = &count;
  internal::active_table()->count_bits.run(&run);
  return count;
}

int64_t valid_bits(const void* times, int64_t n, const MutableBits& bits) {
  if (n <= 0) return 0;
  internal::pack(internal::active_table()->valid_bits, times, n, bits);
  return n - count_bits({bits.data, bits.first}, n);
}

void overwrite_invalid(void* items, int64_t itemsize, const Bits& valid, int64_t n,
                       const void* value, int64_t group) {
  constexpr int64_t kChunk = 1024;
  unsigned char invalid[kChunk];
  if (itemsize == 0 || group == 0) return;
  const kernels::KernelTable* table = internal::active_table();
  sc_run run = {};
  run.struct_size = sizeof run;
  run.src = value;
  run.dst_step[0] = group * itemsize;
  run.dst_step[1] = itemsize;
  run.src_size = run.dst_size = itemsize;
  run.aux[0] = invalid;
  run.aux_step[0][0] = 1;  // one byte of the mask for all items of a group
  if (group == 1) {        // a row of items, not of rows
    run.dst_step[0] = 0;
    run.aux_step[0][0] = 0;
    run.aux_step[0][1] = 1;
  }
  for (int64_t at = 0; at < n; at += kChunk) {
    const int64_t count = std::min(kChunk, n - at);
    internal::unpack({valid.data, valid.first + at}, count, true, invalid);
    run.dst = static_cast<std::byte*>(items) + at * group * itemsize;
    run.n[0] = group == 1 ? 1 : count;
    run.n[1] = group == 1 ? count : group;
    table->move_where[kernels::move_index(itemsize)].run(&run);
  }
}

}  // namespace v0
}  // namespace stridecast
