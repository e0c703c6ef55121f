// The part of libstridecast_bench that times the loops of naive.h by themselves, for ctypes.
#include <cstdint>

#include "bench/naive.h"
#include "bench/self_timed.h"

namespace bench = stridecast::bench;

namespace {

template <typename Enum>
bool known(int value) {
  return value >= 0 && value < static_cast<int>(Enum::kCount);
}

}  // namespace

/// Nanoseconds that `calls` casts of bench/naive.h take, types being its numbers; -1 if it has none
/// like that.
STRIDECAST_BENCH_EXPORT int64_t naive_cast_ns(int64_t calls, int src_type, int dst_type,
                                              int swapped, const void* src, void* dst, int64_t rows,
                                              int64_t columns, int64_t src_row_step,
                                              int64_t src_step, int64_t dst_row_step,
                                              int64_t dst_step) {
  if (!known<bench::NaiveType>(src_type) || !known<bench::NaiveType>(dst_type)) return -1;
  const bench::RowsLoop loop =
      bench::naive_cast(static_cast<bench::NaiveType>(src_type),
                        static_cast<bench::NaiveType>(dst_type), swapped != 0);
  if (loop == nullptr) return -1;
  const bench::Rows all = {
      src, dst, {rows, columns}, {src_row_step, src_step}, {dst_row_step, dst_step}};
  return bench::time_ns(calls, [&] {
    loop(all);
    bench::keep(*static_cast<const char*>(dst));
  });
}

/// Nanoseconds that `calls` byteswaps in place take; -1 for other sizes than 2, 4 and 8 bytes.
STRIDECAST_BENCH_EXPORT int64_t naive_byteswap_ns(int64_t calls, int item_bytes, void* items,
                                                  int64_t count) {
  const bench::InplaceLoop loop = bench::naive_byteswap(item_bytes);
  if (loop == nullptr) return -1;
  return bench::time_ns(calls, [&] {
    loop(items, count);
    bench::keep(*static_cast<const char*>(items));
  });
}

/// Nanoseconds that `calls` reductions take: 0 sum, 1 maximum, 2 place of the maximum; -1 if there
/// is none of the type.
STRIDECAST_BENCH_EXPORT int64_t naive_fold_ns(int64_t calls, int fold, int type, const void* items,
                                              int64_t count, void* result) {
  if (!known<bench::NaiveFold>(fold) || !known<bench::NaiveType>(type) || count < 1) return -1;
  const bench::FoldLoop loop =
      bench::naive_fold(static_cast<bench::NaiveFold>(fold), static_cast<bench::NaiveType>(type));
  if (loop == nullptr) return -1;
  return bench::time_ns(calls, [&] {
    loop(items, count, result);
    bench::keep(*static_cast<const char*>(result));
  });
}

/// Nanoseconds that `calls` transposes by blocks take; -1 for other sizes than 1, 2, 4 and 8 bytes.
STRIDECAST_BENCH_EXPORT int64_t blocked_transpose_ns(int64_t calls, int item_bytes, const void* src,
                                                     int64_t rows, int64_t columns, void* dst) {
  const bench::TransposeLoop loop = bench::blocked_transpose(item_bytes);
  if (loop == nullptr) return -1;
  return bench::time_ns(calls, [&] {
    loop(src, rows, columns, dst);
    bench::keep(*static_cast<const char*>(dst));
  });
}
