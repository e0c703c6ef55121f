// The yardstick of memory-bound work: a loop that reads and writes the same numbers of bytes per
// item as the kernel beside it, with the same kind of store, and computes nothing. memcpy is not
// that yardstick, because it always writes as much as it reads. What is measured against it is up
// to the caller; so is touching the destination first.
#ifndef STRIDECAST_BENCH_STREAM_H_
#define STRIDECAST_BENCH_STREAM_H_

#include <cstdint>

namespace stridecast::bench {

enum class Store {
  kNormal,       // through the cache: the line is read before it is written, and written back later
  kNonTemporal,  // past the cache, whole lines only
};

/// Reads items * read_bytes bytes at src and writes items * write_bytes bytes at dst, both once and
/// in order, by the widest vectors of the CPU this file was compiled for. What is written depends
/// on all that is read. False, with nothing done, unless both sizes are powers of two up to 16 and,
/// for non-temporal stores, dst lies on a multiple of write_bytes.
bool stream(const void* src, void* dst, int64_t items, int read_bytes, int write_bytes,
            Store store);

/// The yardstick of strided sources: reads the src_bytes bytes at src, every cache line once and in
/// order, and writes dst_bytes bytes at dst, evenly in between. That is what a source whose items
/// lie up to a line apart costs when its items cost nothing. False, with nothing done, if a size is
/// negative, or for non-temporal stores to a dst that is not on a multiple of 64.
bool stream_lines(const void* src, int64_t src_bytes, void* dst, int64_t dst_bytes, Store store);

/// A copy past the cache that takes a line of each of four pages in turn: some machines fetch from
/// several pages faster than from one. False, with nothing done, if dst is not on a multiple of 64.
bool stream_pages(const void* src, void* dst, int64_t bytes);

/// The yardstick of reductions: reads the bytes at src once and in order, and writes nothing. What
/// it returns depends on all of them.
uint64_t stream_read(const void* src, int64_t bytes);

/// The yardstick of stores: writes the bytes at dst once and in order, and reads nothing. False,
/// with nothing done, for non-temporal stores to a dst that is not on a multiple of 64.
bool stream_write(void* dst, int64_t bytes, Store store);

}  // namespace stridecast::bench

#endif  // STRIDECAST_BENCH_STREAM_H_
