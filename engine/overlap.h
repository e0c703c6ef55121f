// Whether strided operands share memory, and in which order overlapping ones may be walked.
//
// Items know no formats and no pointers: addresses are numbers. Exact answers to these questions
// are NP-hard in the number of dimensions; a limit on the work bounds the time, and the few cases
// that reach it are told apart from the others. What to do about an overlap is the caller's
// business.
#ifndef STRIDECAST_ENGINE_OVERLAP_H_
#define STRIDECAST_ENGINE_OVERLAP_H_

#include <cstdint>
#include <span>

#include "engine/loop_nest.h"

namespace stridecast::internal {

/// Items of one operand: item (i0, i1, ...) occupies
/// [base + sum(i_k * strides[k]), + itemsize). Shapes and strides as a Layout allows them: zero and
/// negative strides, sizes of 0 and 1 with any stride, extents of up to 63 bits.
struct Items {
  intptr_t base = 0;  // address of item (0, 0, ...)
  std::span<const int64_t> shape, strides;
  int64_t itemsize = 0;
};

enum class Answer : uint8_t { kNo, kYes, kTooHard };

/// Whether any byte belongs to an item of both. kTooHard only after more than `max_work` steps of a
/// search (some 20 to 100 ns each) that few operands need, or for extents beyond 63 bits.
Answer share_memory(const Items& a, const Items& b, int64_t max_work) noexcept;

/// Whether two different items of one operand share a byte.
Answer overlaps_itself(const Items& a, int64_t max_work) noexcept;

/// kForward: the nest's loops, outer to inner, each from 0 up. kBackward: exactly the reverse, each
/// from its last turn down.
enum class SafeOrder : uint8_t { kNone, kForward, kBackward };

/// An order in which items may be handled one by one, each read before it is written, so that no
/// item of src is overwritten before it is read; kForward where both orders do. src_base and
/// dst_base are the addresses of the walk's first items: the nest's offsets are in them already.
/// Exact but for nests that are too hard, which get kNone. Items of dst may not overlap each other.
///
/// The answer holds as well for a walk in chunks of items that follow each other in that order
/// (some of the innermost loop, or whole rows of the innermost two), where all of a chunk are read
/// before any of them is written, in whatever order: whatever is written before an item is read
/// belongs to an earlier chunk, so to items that the item-wise walk, too, would have written by
/// then. It does not hold for a kernel that reads an item again after it began to write.
SafeOrder safe_order(const LoopNest& nest, intptr_t src_base, int64_t src_size, intptr_t dst_base,
                     int64_t dst_size) noexcept;

}  // namespace stridecast::internal

#endif  // STRIDECAST_ENGINE_OVERLAP_H_
