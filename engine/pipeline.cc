// Leaves at work.
//
// A leaf without stages hands whole rectangles to one move kernel, or blocks of them to a tile
// kernel. A leaf with stages passes chunks of a few hundred items through move_in -> stages ->
// move_out, ping-pong between two scratch buffers that stay in L1; where the source or the
// destination lies packed, the stage next to it reads or writes it in place, and one stage between
// two packed sides gets the whole run at once. Masks, overlapping operands and tiles past the
// caches put another kernel at an end of the same pipeline.

#include "engine/pipeline.h"

#include <algorithm>
#include <vector>

#include "engine/leaf_program.h"
#include "engine/workspace.h"

namespace stridecast::internal {
namespace {

// Rows of a destination whose unfinished lines are carried from panel to panel: 64 KiB of lines.
constexpr int64_t kCarriedRows = 1024;
constexpr int64_t kTileScratch = 16384;
// What a struct without a field is read from.
alignas(64) constexpr char kZeros[64] = {};

// Two buffers that stages alternate between, a line of slack around each.
struct Buffers {
  char* bytes[2];
  int64_t capacity;
};

struct RowBuffers {
  alignas(64) char bytes[2][kScratchItems * kMaxItemBytes];
  Buffers view() { return {{bytes[0], bytes[1]}, sizeof(bytes[0])}; }
};

// The kept memory of a thread as the buffers of blocks, what a tile kernel packs into, and carried
// lines.
struct BlockBuffers {
  Buffers buffers;
  char* tile;
  unsigned char* carried;

  explicit BlockBuffers(int64_t capacity = kBlockBytes) {
    const int64_t buffer = round_up_to_line(capacity) + 2 * kCacheLine;
    char* at =
        workspace(Room::kBlocks, 2 * buffer + kTileScratch + kCarriedRows * kernels::kCarryLine);
    carried = reinterpret_cast<unsigned char*>(at);
    at += kCarriedRows * kernels::kCarryLine;
    tile = at;
    at += kTileScratch;
    buffers = {{at + kCacheLine, at + buffer + kCacheLine}, round_up_to_line(capacity)};
  }
};

// A kernel over a rectangle of the operands; pointers and counts are set chunk by chunk.
sc_run strided_run(const Loop& row, const Loop& column) {
  sc_run run = {};
  run.struct_size = sizeof(sc_run);
  run.src_step[0] = row.step[kSrc];
  run.src_step[1] = column.step[kSrc];
  run.dst_step[0] = row.step[kDst];
  run.dst_step[1] = column.step[kDst];
  run.aux_step[0][0] = row.step[kMask];
  run.aux_step[0][1] = column.step[kMask];
  return run;
}

// Which kernels a pipeline is made of, one at each end of the stages.
struct Ends {
  const sc_entry* in = nullptr;     // null: the first stage reads the source
  const sc_entry* clear = nullptr;  // in scratch, after `in`
  const sc_entry* swap = nullptr;   // in scratch, before `out`
  const sc_entry* out = nullptr;    // null: the last stage writes the destination
  bool writes = true;               // false: nothing goes to the destination
};

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

// One leaf's kernels with the runs that live across chunks.
class Pipeline {
 public:
  Pipeline(const LeafProgram& leaf, const Ends& ends, const Loop& row, const Loop& column,
           const Buffers& buffers, const RunContext& context)
      : leaf_(leaf),
        ends_(ends),
        buffers_(buffers),
        stages_(leaf.route.count),
        flags_(context.flags) {
    const auto one_run = [&](Operands side) {
      return row.step[side] == Rectangle::one_past(column, side);
    };
    packed_src_ = one_run(kSrc);
    packed_dst_ = one_run(kDst);
    columns_ = column.n;
    src_row_ = row.step[kSrc];
    dst_row_ = row.step[kDst];
    if (!ends.writes) {
      while (stages_ > 0 && !leaf.route.stages[stages_ - 1].may_fail()) --stages_;
    }
    if (ends.in != nullptr) {
      in_ = strided_run(row, column);
      in_.dst_step[1] = in_.src_size = in_.dst_size = leaf.src_size;
      in_.params = &leaf.swap_in;
    }
    stage_.struct_size = sizeof(sc_run);
    stage_.n[0] = 1;
    if (ends.out != nullptr) {
      out_ = strided_run(row, column);
      out_.src_step[1] = out_.src_size = out_.dst_size = leaf.dst_size;
      out_.params = &leaf.swap_out;
    }
  }

  // Items that may pass in one chunk(): all of a row if no scratch is needed.
  int64_t limit(int64_t columns) const {
    if (ends_.in == nullptr && ends_.out == nullptr && stages_ == 1) return columns;
    const int64_t widest = std::max(leaf_.src_size, leaf_.dst_size);
    return std::min(leaf_.chunk_items, std::max<int64_t>(buffers_.capacity / widest, 1));
  }
  // Several rows may pass as one chunk without a stage that goes row by row.
  bool takes_rectangles() const {
    return (ends_.in != nullptr || packed_src_) &&
           (!ends_.writes || ends_.out != nullptr || packed_dst_);
  }
  // For kernels that want it: what tiles pack into, how they read, where lines are carried.
  void use_tile(char* scratch, uint32_t flags) {
    in_.scratch = scratch;
    in_.flags = flags;
  }
  // Rows go to stream_rows; as one row if they follow each other without a gap.
  void use_carry(kernels::CarryState* carry, bool one_run) {
    out_.state = carry;
    one_row_out_ = one_run;
  }

  uint32_t chunk(int64_t rows, int64_t columns, const Cursor& at) {
    turn_ = 0;
    const void* data = at.src;
    if (ends_.in != nullptr) {
      char* const scratch = next_buffer();
      in_.n[0] = rows;
      in_.n[1] = columns;
      in_.src = at.src;
      in_.dst = scratch;
      in_.dst_step[0] = columns * leaf_.src_size;
      ends_.in->run(&in_);
      if (ends_.clear != nullptr) clear_unselected(scratch, at.mask);
      data = scratch;
    }
    const uint32_t errors = run_stages(rows, columns, data, at.dst);
    if (ends_.swap != nullptr) swap_in_scratch(rows * columns, const_cast<void*>(data_));
    if (ends_.out != nullptr) {
      out_.n[0] = one_row_out_ ? 1 : rows;
      out_.n[1] = one_row_out_ ? rows * columns : columns;
      out_.src = data_;
      out_.src_step[0] = columns * leaf_.dst_size;
      out_.dst = at.dst;
      out_.aux[0] = at.mask;
      ends_.out->run(&out_);
    }
    return errors;
  }

 private:
  char* next_buffer() {
    char* const buffer = buffers_.bytes[turn_];
    turn_ ^= 1;
    return buffer;
  }

  // Leaves what it made at data_.
  uint32_t run_stages(int64_t rows, int64_t columns, const void* data, char* dst) {
    uint32_t errors = 0;
    int64_t size = leaf_.src_size;
    data_ = data;
    for (int k = 0; k < stages_; ++k) {
      const Stage& stage = leaf_.route.stages[k];
      const int64_t out_size = type_facts(stage.out).size;
      const bool first = k == 0 && ends_.in == nullptr;
      const bool last = k + 1 == leaf_.route.count && ends_.out == nullptr && ends_.writes;
      void* const to = last ? static_cast<void*>(dst) : buffers_.bytes[turn_];
      // Streaming past the caches is for the destination, never for scratch.
      stage_.flags = last ? flags_ : flags_ & ~uint32_t{SC_RUN_STREAM};
      stage_.src_step[1] = stage_.src_size = size;
      stage_.dst_step[1] = stage_.dst_size = out_size;
      stage_.params = &stage.limits;
      const bool rows_apart = (first && !(packed_src_ && columns == columns_)) ||
                              (last && !(packed_dst_ && columns == columns_));
      if (rows > 1 && rows_apart) {
        stage_.n[1] = columns;
        for (int64_t row = 0; row < rows; ++row) {
          stage_.src = static_cast<const char*>(data_) + row * (first ? src_row_ : columns * size);
          stage_.dst = static_cast<char*>(to) + row * (last ? dst_row_ : columns * out_size);
          errors |= stage.entry->run(&stage_);
        }
      } else {
        stage_.n[1] = rows * columns;
        stage_.src = data_;
        stage_.dst = to;
        errors |= stage.entry->run(&stage_);
      }
      if (!stage.writes()) continue;
      data_ = to;
      size = out_size;
      turn_ ^= 1;
    }
    return errors;
  }

  // Of the chunk that in_ has just brought to scratch.
  void clear_unselected(char* scratch, const char* mask) {
    sc_run run = in_;
    run.flags = 0;
    run.src = nullptr;
    run.dst = scratch;
    run.aux[0] = mask;
    ends_.clear->run(&run);
  }

  void swap_in_scratch(int64_t items, void* scratch) {
    sc_run run = {};
    run.struct_size = sizeof(sc_run);
    run.flags = SC_RUN_IN_PLACE;
    run.n[0] = 1;
    run.n[1] = items;
    run.src = run.dst = scratch;
    run.src_step[1] = run.dst_step[1] = run.src_size = run.dst_size = leaf_.dst_size;
    run.params = &leaf_.swap_out;
    ends_.swap->run(&run);
  }

  const LeafProgram& leaf_;
  const Ends ends_;
  const Buffers buffers_;
  int stages_;
  uint32_t flags_;
  bool packed_src_, packed_dst_, one_row_out_ = false;
  int64_t columns_, src_row_, dst_row_;
  int turn_ = 0;
  const void* data_ = nullptr;
  sc_run in_, stage_ = {}, out_;
};

// --- rows ----------------------------------------------------------------------------------------

uint32_t run_move(const LeafProgram& leaf, std::span<const Loop> loops, const Cursor& start,
                  const RunContext& context) {
  const Rectangle rect(loops, leaf.src_size, leaf.dst_size);
  sc_run run = strided_run(rect.row, rect.column);
  run.n[0] = rect.row.n;
  run.n[1] = rect.column.n;
  run.flags = context.flags;
  run.src_size = run.dst_size = leaf.src_size;
  run.params = &leaf.swap_out;
  const bool select = start.mask != nullptr;
  const sc_kernel kernel = select ? leaf.select->run : leaf.move_out->run;
  walk(rect.outer, start, [&](const Cursor& at) {
    run.src = at.src;
    run.dst = at.dst;
    run.aux[0] = at.mask;
    kernel(&run);
    return true;
  });
  return 0;
}

// One stage between two sides that lie packed in rows: no scratch, the kernel gets whole rows.
uint32_t run_stage(const LeafProgram& leaf, std::span<const Loop> loops, const Cursor& start,
                   const RunContext& context) {
  const Rectangle rect(loops, leaf.src_size, leaf.dst_size);
  const Stage& stage = leaf.route.stages[0];
  sc_run run = {};
  run.struct_size = sizeof(sc_run);
  run.flags = context.flags;
  run.n[0] = 1;
  run.n[1] = rect.column.n;
  run.src_step[1] = run.src_size = leaf.src_size;
  run.dst_step[1] = run.dst_size = leaf.dst_size;
  run.params = &stage.limits;
  uint32_t errors = 0;
  walk(rect.outer, start, [&](const Cursor& outer) {
    Cursor at = outer;
    for (int64_t r = 0; r < rect.row.n; ++r) {
      run.src = at.src;
      run.dst = at.dst;
      errors |= stage.entry->run(&run);
      if (errors != 0 || context.stopped()) return false;
      if (r + 1 < rect.row.n) at.advance(rect.row, 1);
    }
    return true;
  });
  return errors;
}

uint32_t run_rows(const LeafProgram& leaf, const Ends& ends, std::span<const Loop> loops,
                  const Cursor& start, const Buffers& buffers, const RunContext& context) {
  const Rectangle rect(loops, leaf.src_size, leaf.dst_size);
  Pipeline pipeline(leaf, ends, rect.row, rect.column, buffers, context);
  const int64_t limit = pipeline.limit(rect.column.n);
  const bool whole_rows = pipeline.takes_rectangles() && rect.column.n <= limit;
  const int64_t rows = whole_rows ? std::max<int64_t>(limit / rect.column.n, 1) : 1;
  uint32_t errors = 0;
  walk(rect.outer, start, [&](const Cursor& outer) {
    for (int64_t r = 0; r < rect.row.n; r += rows) {
      Cursor at = outer;
      at.advance(rect.row, r);
      const int64_t height = std::min(rows, rect.row.n - r);
      for (int64_t c = 0; c < rect.column.n; c += limit) {
        const int64_t width = std::min(limit, rect.column.n - c);
        errors |= pipeline.chunk(height, width, at);
        if (errors != 0 || context.stopped()) return false;
        if (c + width < rect.column.n) at.advance(rect.column, width);
      }
    }
    return true;
  });
  return errors;
}

// --- blocks --------------------------------------------------------------------------------------

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
  run.scratch = (kernel.needs & SC_NEEDS_SCRATCH) != 0 ? BlockBuffers().tile : nullptr;
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
  const bool tears = leaf.may_fail() && !on_multiples(rect, start.dst, leaf.dst_size);
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

uint32_t run_turned(const LeafProgram& leaf, std::span<const Loop> loops, const Cursor& start,
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

// --- structs -------------------------------------------------------------------------------------

// Rectangles of items, every leaf in turn, so that an item's bytes are read once from memory. Items
// that overlap the destination are taken out of its way first, a block at a time.
class StructWalk {
 public:
  StructWalk(const Plan::Impl& plan, const RunContext& context)
      : plan_(plan), context_(context), item_(plan.src.format().itemsize()) {
    loops_.reserve(kMaxLoops);
    if (context.way == Way::kApart) {
      const int64_t capacity = std::max(item_, kBlockBytes);
      block_items_ = std::min(kStructItems, capacity / item_);
      apart_ = BlockBuffers(capacity).buffers.bytes[0];
      context_.way = Way::kPlanned;
    }
  }

  uint32_t run(std::span<const Loop> loops, const Cursor& start) {
    const Rectangle rect(loops, item_, plan_.dst.format().itemsize());
    uint32_t errors = 0;
    walk(rect.outer, start, [&](const Cursor& outer) {
      for (int64_t r = 0; r < rect.row.n; ++r) {
        for (int64_t c = 0; c < rect.column.n; c += block_items_) {
          Cursor at = outer;
          at.advance(rect.row, r);
          at.advance(rect.column, c);
          Loop items = rect.column;
          items.n = std::min(block_items_, rect.column.n - c);
          errors |= run_items(items, at);
          if (errors != 0 || context_.stopped()) return false;
        }
      }
      return true;
    });
    return errors;
  }

 private:
  uint32_t run_items(Loop items, Cursor at) {
    if (apart_ != nullptr) {
      const Loop none = {};
      sc_run move = strided_run(none, items);
      move.n[0] = 1;
      move.n[1] = items.n;
      move.src = at.src;
      move.dst = apart_;
      move.dst_step[1] = move.src_size = move.dst_size = item_;
      plan_.table->move[kernels::move_index(item_)].run(&move);
      at.src = apart_;
      items.step[kSrc] = item_;
    }
    uint32_t errors = 0;
    for (const LeafProgram& leaf : plan_.leaves) {
      loops_.assign(1, items);
      loops_.insert(loops_.end(), leaf.inner.begin(), leaf.inner.end());
      Cursor element = at;
      element.src = leaf.zero ? kZeros : at.src + leaf.src_offset;
      element.dst = at.dst + leaf.dst_offset;
      if (leaf.zero) loops_[0].step[kSrc] = 0;
      errors |= run_leaf(leaf, loops_, element, context_);
    }
    return errors;
  }

  const Plan::Impl& plan_;
  RunContext context_;
  int64_t item_, block_items_ = kStructItems;
  char* apart_ = nullptr;
  std::vector<Loop> loops_;
};

}  // namespace

uint32_t run_leaf(const LeafProgram& leaf, std::span<const Loop> loops, const Cursor& at,
                  const RunContext& context) {
  const bool masked = at.mask != nullptr;
  if (context.way == Way::kPlanned) {
    if (leaf.shape != Shape::kRows) return run_turned(leaf, loops, at, context);
    if (!leaf.staged() && !(masked && leaf.swaps_in)) return run_move(leaf, loops, at, context);
    const bool direct =
        leaf.route.count == 1 && leaf.move_in == nullptr && leaf.move_out == nullptr;
    if (direct && !masked) return run_stage(leaf, loops, at, context);
  }
  const Ends ends = ends_of(leaf, context.way, masked);
  if (std::max(leaf.src_size, leaf.dst_size) <= kMaxItemBytes) {
    RowBuffers scratch;
    return run_rows(leaf, ends, loops, at, scratch.view(), context);
  }
  const BlockBuffers scratch(std::max(leaf.src_size, kBlockBytes));
  return run_rows(leaf, ends, loops, at, scratch.buffers, context);
}

uint32_t run_nest(const Plan::Impl& plan, const LoopNest& nest, Cursor at,
                  const RunContext& context) {
  at.src += nest.offset[kSrc];
  at.dst += nest.offset[kDst];
  if (at.mask != nullptr) at.mask += nest.offset[kMask];
  if (plan.leaves.size() != 1) return StructWalk(plan, context).run(nest.loops, at);
  const LeafProgram& leaf = plan.leaves[0];
  at.src = leaf.zero ? kZeros : at.src + leaf.src_offset;
  at.dst += leaf.dst_offset;
  return run_leaf(leaf, nest.loops, at, context);
}

}  // namespace stridecast::internal
