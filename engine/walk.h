// Walking loops with pointers: the innermost two as one rectangle for a kernel, the outer ones by a
// counter.
#ifndef STRIDECAST_ENGINE_WALK_H_
#define STRIDECAST_ENGINE_WALK_H_

#include <cstdint>
#include <span>
#include <utility>

#include "engine/loop_nest.h"

namespace stridecast::internal {

// More loops than this cannot meet: 64 of the array, and 62 of sub-arrays (without sizes of 1 their
// number is bounded by 63 bits) and one of units.
inline constexpr size_t kMaxLoops = 2 * kMaxDims + 4;

// The last two loops; missing ones are one packed row or one item.
struct Rectangle {
  std::span<const Loop> outer;
  Loop row, column;

  // Where a second row would start; never gone to, so it may wrap.
  static int64_t one_past(const Loop& loop, Operands side) {
    return static_cast<int64_t>(static_cast<uint64_t>(loop.n) *
                                static_cast<uint64_t>(loop.step[side]));
  }

  Rectangle(std::span<const Loop> loops, int64_t src_size, int64_t dst_size) {
    column.step[kSrc] = src_size;
    column.step[kDst] = dst_size;
    if (!loops.empty()) column = loops.back();
    if (loops.size() > 1) {
      row = loops[loops.size() - 2];
    } else {
      row.step[kSrc] = one_past(column, kSrc);
      row.step[kDst] = one_past(column, kDst);
    }
    outer = loops.first(loops.size() > 2 ? loops.size() - 2 : 0);
  }
};

struct Cursor {
  const char* src = nullptr;
  char* dst = nullptr;         // null where nothing is written
  const char* mask = nullptr;  // null where everything is selected
  int64_t index = 0;           // logical index
  int64_t param = 0;           // index into parameters along an axis

  /// `turns` turns of `loop` further.
  void advance(const Loop& loop, int64_t turns) {
    src += loop.step[kSrc] * turns;
    if (dst != nullptr) dst += loop.step[kDst] * turns;
    if (mask != nullptr) mask += loop.step[kMask] * turns;
    index += loop.step[kIndex] * turns;
    param += loop.step[kParam] * turns;
  }
};

/// Calls body(const Cursor&) once for every turn of all `loops`, last loop fastest; body returns
/// false to stop. Steps only between elements of the loops, so that no pointer leaves its extent.
template <class Body>
void walk(std::span<const Loop> loops, Cursor at, Body&& body) {
  int64_t turn[kMaxLoops];
  for (size_t k = 0; k < loops.size(); ++k) turn[k] = 0;
  while (body(std::as_const(at))) {
    size_t k = loops.size();
    while (k > 0 && ++turn[k - 1] == loops[k - 1].n) {
      turn[k - 1] = 0;
      at.advance(loops[k - 1], 1 - loops[k - 1].n);
      --k;
    }
    if (k == 0) return;
    at.advance(loops[k - 1], 1);
  }
}

}  // namespace stridecast::internal

#endif  // STRIDECAST_ENGINE_WALK_H_
