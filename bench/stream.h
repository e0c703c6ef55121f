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

}  // namespace stridecast::bench

#endif  // STRIDECAST_BENCH_STREAM_H_
