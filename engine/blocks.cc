// Walks blocks of rectangles; see blocks.h. Within a strip of rows panels of columns follow each
// other, and within a panel blocks follow the source's rows.

#include "engine/blocks.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "engine/chunk.h"

namespace stridecast::internal {
namespace {

// One block of a rectangle, and where it stands in it.
struct BlockAt {
  int64_t row, rows, columns;  // of the strip; `row` is its first
  bool first, last;            // of the columns
};

// Calls body(const BlockAt&, const Cursor&) for all blocks: strips of rows, in each of them panels
// of columns, in each of those one block after the other along the source's rows. body returns
// false to stop.
template <class Body>
void walk_blocks(const Rectangle& rect, const Block& size, int64_t strip_rows, const Cursor& start,
                 Body&& body) {
  walk(rect.outer, start, [&](const Cursor& outer) {
    for (int64_t strip = 0; strip < rect.row.n; strip += strip_rows) {
      const int64_t strip_end = std::min(rect.row.n, strip + strip_rows);
      for (int64_t c = 0; c < rect.column.n; c += size.columns) {
        BlockAt block = {};
        block.columns = std::min(size.columns, rect.column.n - c);
        block.first = c == 0;
        block.last = c + block.columns == rect.column.n;
        for (int64_t r = strip; r < strip_end; r += size.rows) {
          block.row = r - strip;
          block.rows = std::min(size.rows, strip_end - r);
          Cursor at = outer;
          at.advance(rect.row, r);
          at.advance(rect.column, c);
          if (!body(block, at)) return false;
        }
      }
    }
    return true;
  });
}

// Whether every row of the destination begins at a multiple of `unit`, a power of two.
bool on_multiples(const Rectangle& rect, const char* dst, int64_t unit) {
  const auto whole = [unit](int64_t bytes) { return bytes % unit == 0; };
  return whole(static_cast<int64_t>(reinterpret_cast<uintptr_t>(dst) % kCacheLine)) &&
         whole(rect.row.step[kDst]) &&
         std::ranges::all_of(rect.outer, [&](const Loop& loop) { return whole(loop.step[kDst]); });
}

// One kernel from source to destination, block after block.
uint32_t move_blocks(const LeafProgram& leaf, const sc_entry& kernel, const Rectangle& rect,
                     const Block& size, const Cursor& start, uint32_t flags) {
  sc_run run = strided_run(rect.row, rect.column);
  run.flags = flags;
  run.src_size = run.dst_size = leaf.src_size;
  run.params = &leaf.swap_out;
  std::optional<BlockBuffers> memory;
  if ((kernel.needs & SC_NEEDS_SCRATCH) != 0) run.scratch = memory.emplace().tile;
  walk_blocks(rect, size, rect.row.n, start, [&](const BlockAt& block, const Cursor& at) {
    run.n[0] = block.rows;
    run.n[1] = block.columns;
    run.src = at.src;
    run.dst = at.dst;
    run.aux[0] = at.mask;
    kernel.run(&run);
    return true;
  });
  return 0;
}

// Blocks through scratch.
uint32_t stage_blocks(const LeafProgram& leaf, const Ends& ends, const Rectangle& rect,
                      const Block& size, uint32_t tile_flags, const Cursor& start,
                      const RunContext& context) {
  const BlockBuffers memory;
  Pipeline pipeline(leaf, ends, rect.row, rect.column, memory.buffers, context);
  pipeline.use_tile(memory.tile, tile_flags);
  uint32_t errors = 0;
  walk_blocks(rect, size, rect.row.n, start, [&](const BlockAt& block, const Cursor& at) {
    errors |= pipeline.chunk(block.rows, block.columns, at);
    return errors == 0 && !context.stopped();
  });
  return errors;
}

// Rows of the source so short that they end where fetching ahead would begin are left to the
// hardware.
uint32_t fetch_flag(const LeafProgram& leaf, const Rectangle& rect) {
  constexpr int64_t kFetchedBytes = 1024;
  return rect.row.n * leaf.src_size >= kFetchedBytes ? uint32_t{SC_RUN_FETCH} : 0;
}

// Blocks through scratch to whole lines past the caches; what does not fill a line is carried to
// the next panel, or to the next block where the rows follow each other without a gap.
uint32_t stream_blocks(const LeafProgram& leaf, const Rectangle& rect, const Cursor& start,
                       const RunContext& context) {
  const BlockBuffers memory;
  kernels::CarryState carry = {};
  Block size = leaf.panel;
  // The carried line is merged once a panel: wider ones pay, if they fit.
  const int64_t panel_bytes = size.rows * size.columns * std::max(leaf.src_size, leaf.dst_size);
  if (!leaf.staged() && 2 * panel_bytes <= kBlockBytes) size.columns *= 2;
  const Ends ends = {leaf.staged() ? leaf.move_in : leaf.move_out, nullptr, nullptr, leaf.stream};
  Pipeline pipeline(leaf, ends, rect.row, rect.column, memory.buffers, context);
  const bool one_run = size.columns >= rect.column.n &&
                       rect.row.step[kDst] == rect.column.n * leaf.dst_size &&
                       size.rows * rect.column.n * leaf.dst_size >= kernels::kCarryLine;
  pipeline.use_tile(memory.tile, fetch_flag(leaf, rect));
  pipeline.use_carry(&carry, one_run);
  uint32_t errors = 0;
  walk_blocks(rect, size, one_run ? rect.row.n : kCarriedRows, start,
              [&](const BlockAt& block, const Cursor& at) {
                carry.lines = memory.carried + (one_run ? 0 : block.row * kernels::kCarryLine);
                carry.first = one_run ? block.row == 0 : block.first;
                carry.last = one_run ? block.row + block.rows == rect.row.n : block.last;
                errors |= pipeline.chunk(block.rows, block.columns, at);
                return errors == 0 && !context.stopped();
              });
  return errors;
}

// Tiles past the caches: panels of about a line of the source by a few lines of the destination,
// the source fetched ahead. Straight to the destination where its rows begin on lines.
uint32_t stream_tiles(const LeafProgram& leaf, const Rectangle& rect, const Cursor& start,
                      const RunContext& context) {
  // A run that stops at an error drops what it carries: no item may lie across two lines then.
  const bool whole = std::has_single_bit(static_cast<uint64_t>(leaf.dst_size)) &&
                     leaf.dst_size <= kCacheLine && on_multiples(rect, start.dst, leaf.dst_size);
  const bool tears = leaf.may_fail() && !whole;
  if (leaf.staged() ? leaf.swaps_out || tears : leaf.channels) {
    // A swap of the result is a move of its own; channel kernels stream by themselves.
    return leaf.staged() ? stage_blocks(leaf, ends_of(leaf, Way::kPlanned, false), rect, leaf.panel,
                                        fetch_flag(leaf, rect), start, context)
                         : move_blocks(leaf, *leaf.move_out, rect, {rect.row.n, rect.column.n},
                                       start, context.flags);
  }
  if (!leaf.staged() && leaf.streams && on_multiples(rect, start.dst, kCacheLine)) {
    return move_blocks(leaf, *leaf.move_out, rect, leaf.panel, start,
                       context.flags | fetch_flag(leaf, rect));
  }
  return stream_blocks(leaf, rect, start, context);
}

}  // namespace

uint32_t run_blocks(const LeafProgram& leaf, std::span<const Loop> loops, const Cursor& start,
                    const RunContext& context) {
  const Rectangle rect(loops, leaf.src_size, leaf.dst_size);
  const bool tiles = leaf.shape == Shape::kTiles;
  if (start.mask != nullptr) {
    if (!tiles && !leaf.staged() && !leaf.swaps_in) {
      return move_blocks(leaf, *leaf.select, rect, leaf.block, start, 0);
    }
    return stage_blocks(leaf, ends_of(leaf, Way::kPlanned, true), rect,
                        tiles ? leaf.panel : leaf.block, 0, start, context);
  }
  if (tiles && (context.flags & SC_RUN_STREAM) != 0) {
    return stream_tiles(leaf, rect, start, context);
  }
  if (leaf.staged()) {
    return stage_blocks(leaf, ends_of(leaf, Way::kPlanned, false), rect, leaf.block, 0, start,
                        context);
  }
  const Block whole = {rect.row.n, rect.column.n};
  return move_blocks(leaf, *leaf.move_out, rect, leaf.channels ? whole : leaf.block, start,
                     context.flags);
}

}  // namespace stridecast::internal
