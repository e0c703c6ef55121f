// LoopNest: nested loops over several operands, as a value, and the passes that make it cheaper to
// walk. A pass never changes which elements meet, only the order in which they do. No pass knows
// formats, kernels or pointers.
//
// An operand that a nest does not use has step 0 everywhere, which no pass has to know about: a
// zero step flips and coalesces like any other. The logical index (C order) of an element is one
// more operand whose steps count elements instead of bytes; so is the index into parameters that
// change along an axis (scaling.h).
#ifndef STRIDECAST_ENGINE_LOOP_NEST_H_
#define STRIDECAST_ENGINE_LOOP_NEST_H_

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "stridecast/layout.h"

namespace stridecast::internal {

enum Operands : int { kSrc, kDst, kIndex, kMask, kParam, kNumOperands };

struct Loop {
  int64_t n = 1;
  std::array<int64_t, kNumOperands> step = {};
  bool operator==(const Loop&) const = default;
};

struct LoopNest {
  std::vector<Loop> loops;  // outer to inner; empty: one element
  std::array<int64_t, kNumOperands> offset = {};
  bool operator==(const LoopNest&) const = default;
  int64_t count() const noexcept;  // elements; 0 if any loop is empty
};

/// The loops of dst's shape in its C order, with src, and a mask if there is one, broadcast to it
/// as NumPy does. The index counts src's own elements. Throws Error(kInvalidArgument) naming both
/// shapes where they do not fit.
LoopNest make_nest(const Layout& src, const Layout& dst, const Layout* where = nullptr);

/// Loops of one turn go.
void drop_size_one(LoopNest& nest);
/// Loops that walk `operand` backwards (or stand still there and walk the source backwards) turn
/// round.
void flip_negative(LoopNest& nest, Operands operand = kDst);
/// Descending |step| of dst, ties by |step| of src: the smallest steps end up innermost.
void sort_by_step(LoopNest& nest);
/// Neighbouring loops that walk like one loop become one.
void coalesce(LoopNest& nest);
/// For a sorted nest: where src and dst have their smallest steps in different loops, src's becomes
/// the last but one and turns so that it walks src forwards, and the loops outside them are sorted
/// by the smaller of both steps (src's counting a little more, as in XLA's TransposePlan), so that
/// lines of both sides are met again while they are in cache. False, with nothing done, where one
/// loop has both smallest steps.
bool bring_source_inward(LoopNest& nest);
/// The same order for the loops outside the last `kept` ones.
void sort_by_locality(LoopNest& nest, size_t kept);
/// Loops over which src's own elements do not change become the innermost ones: the index rises.
void sort_by_index(LoopNest& nest);
/// The part [begin, end) of loop `which`, as a nest of its own.
LoopNest split(const LoopNest& nest, size_t which, int64_t begin, int64_t end);

/// "n=480 src:-8 dst:4 | n=3 ...", for explain() and tests.
std::string to_string(std::span<const Loop> loops);

}  // namespace stridecast::internal

#endif  // STRIDECAST_ENGINE_LOOP_NEST_H_
