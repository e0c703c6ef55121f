// Transposed rectangles, block by block: tiles, past the caches or not, and moves in blocks whose
// lines stay in L1.
#ifndef STRIDECAST_ENGINE_BLOCKS_H_
#define STRIDECAST_ENGINE_BLOCKS_H_

#include <cstdint>
#include <span>

#include "engine/pipeline.h"

namespace stridecast::internal {

/// As run_leaf, for a leaf whose shape is not kRows. May throw std::bad_alloc.
uint32_t run_blocks(const LeafProgram& leaf, std::span<const Loop> loops, const Cursor& start,
                    const RunContext& context);

}  // namespace stridecast::internal

#endif  // STRIDECAST_ENGINE_BLOCKS_H_
