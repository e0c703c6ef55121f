// The kernels at the ends of a leaf's stages, by the way it runs; see chunk.h.

#include "engine/chunk.h"

namespace stridecast::internal {

Ends ends_of(const LeafProgram& leaf, Way way, bool masked) {
  if (way == Way::kCheck)
    return {leaf.gather, masked ? leaf.clear : nullptr, nullptr, nullptr, false};
  if (masked) {
    const bool tile = leaf.shape == Shape::kTiles && way == Way::kPlanned;
    const sc_entry* in = tile ? (leaf.staged() ? leaf.move_in : leaf.move_out) : leaf.gather;
    return {in, leaf.clear, leaf.swap, leaf.select};
  }
  if (way == Way::kApart) return {leaf.gather, nullptr, nullptr, leaf.scatter};
  return {leaf.move_in, nullptr, nullptr, leaf.move_out};
}

}  // namespace stridecast::internal
