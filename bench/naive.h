// What a C++ user writes without this library: plain loops over items, which his own compiler makes
// fast if it can. Casts, byteswaps and copies with any steps, reductions, and a transpose by
// blocks. No intrinsics, no dispatch, no threads; values outside of a destination's range are up to
// the compiler.
#ifndef STRIDECAST_BENCH_NAIVE_H_
#define STRIDECAST_BENCH_NAIVE_H_

#include <cstdint>

namespace stridecast::bench {

/// The types of the loops, in the order in which Python counts them (measure.py). kFloat16 is there
/// where the compiler has it, kBFloat16 is two shifts and an addition.
enum class NaiveType {
  kBool,
  kInt8,
  kUint8,
  kInt16,
  kUint16,
  kInt32,
  kUint32,
  kInt64,
  kUint64,
  kFloat16,
  kBFloat16,
  kFloat32,
  kFloat64,
  kCount,
};

/// Rows of items; steps are bytes, [0] from row to row, [1] from item to item. Source and
/// destination are apart.
struct Rows {
  const void* src;
  void* dst;
  int64_t n[2];
  int64_t src_step[2];
  int64_t dst_step[2];
};
using RowsLoop = void (*)(const Rows&);

/// dst[i][j] = (D)src[i][j]; with `swapped` the bytes of the source's items are in the other order.
/// A type to itself is a copy, or a byteswap. Null where a type is not there, or has one byte to
/// swap.
RowsLoop naive_cast(NaiveType src, NaiveType dst, bool swapped);

/// Reverses the bytes of packed items of 2, 4 or 8 bytes where they lie; else null.
using InplaceLoop = void (*)(void* items, int64_t count);
InplaceLoop naive_byteswap(int item_bytes);

enum class NaiveFold { kSum, kMax, kArgMax, kCount };

/// Folds packed items, at least one, into *result: a sum of integers is one of 64 bits, other sums
/// and the maximum have the type of the items (16-bit floats are added in float), the place of the
/// first maximum is an int64_t.
using FoldLoop = void (*)(const void* items, int64_t count, void* result);
FoldLoop naive_fold(NaiveFold fold, NaiveType type);

/// dst[j][i] = src[i][j] of packed matrices with items of 1, 2, 4 or 8 bytes, 32 x 32 items after
/// the other; else null.
using TransposeLoop = void (*)(const void* src, int64_t rows, int64_t columns, void* dst);
TransposeLoop blocked_transpose(int item_bytes);

}  // namespace stridecast::bench

#endif  // STRIDECAST_BENCH_NAIVE_H_
