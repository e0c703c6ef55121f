// A chunk of items through the kernels of one leaf: which kernels stand at the ends of the stages,
// the scratch between them, and the runs that live across chunks. Which chunks there are is
// pipeline.cc's and blocks.cc's business.
#ifndef STRIDECAST_ENGINE_CHUNK_H_
#define STRIDECAST_ENGINE_CHUNK_H_

#include <algorithm>
#include <cstdint>

#include "engine/leaf_program.h"
#include "engine/pipeline.h"
#include "engine/workspace.h"

namespace stridecast::internal {

// Rows of a destination whose unfinished lines are carried from panel to panel: 64 KiB of lines.
inline constexpr int64_t kCarriedRows = 1024;
inline constexpr int64_t kTileScratch = 16384;

// Two buffers that stages alternate between, a line of slack around each.
struct Buffers {
  char* bytes[2];
  int64_t capacity;
  unsigned char* flags;  // a byte an item, for stages that tell each other which are missing
};

struct RowBuffers {
  alignas(64) char bytes[2][kRowScratch];
  alignas(64) unsigned char flags[kScratchItems];
  Buffers view() { return {{bytes[0], bytes[1]}, sizeof(bytes[0]), flags}; }
};

// The kept memory of a thread as the buffers of blocks, what a tile kernel packs into, and carried
// lines.
struct BlockBuffers {
  Workspace memory;
  Buffers buffers;
  char* tile;
  unsigned char* carried;

  explicit BlockBuffers(int64_t capacity = kBlockBytes) {
    const int64_t buffer = round_up_to_line(capacity) + 2 * kCacheLine;
    // No chunk has more items than kBlockBytes.
    memory = Workspace(Room::kBlocks, 2 * buffer + kTileScratch +
                                          kCarriedRows * kernels::kCarryLine + kBlockBytes);
    char* at = memory.data();
    carried = reinterpret_cast<unsigned char*>(at);
    at += kCarriedRows * kernels::kCarryLine;
    tile = at;
    at += kTileScratch;
    auto* const flags = reinterpret_cast<unsigned char*>(at);
    at += kBlockBytes;
    buffers = {{at + kCacheLine, at + buffer + kCacheLine}, round_up_to_line(capacity), flags};
  }
};

// A kernel over a rectangle of the operands; pointers and counts are set chunk by chunk.
inline sc_run strided_run(const Loop& row, const Loop& column) {
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

// How the items of one dimension are numbered.
struct Numbering {
  int64_t n, step;
};

// The dimensions of a run whose kernel numbers its packed items; of several numbers an item there
// is one row only.
inline void number_items(sc_run& run, Numbering rows, Numbering columns, int64_t lanes) {
  const Numbering parts = {lanes, 1};
  const Numbering& outer = lanes > 1 ? columns : rows;
  const Numbering& inner = lanes > 1 ? parts : columns;
  run.n[0] = outer.n;
  run.n[1] = inner.n;
  run.index_step[0] = outer.step;
  run.index_step[1] = inner.step;
}

// Which kernels a pipeline is made of, one at each end of the stages.
struct Ends {
  const sc_entry* in = nullptr;     // null: the first stage reads the source
  const sc_entry* clear = nullptr;  // in scratch, after `in`
  const sc_entry* swap = nullptr;   // in scratch, before `out`
  const sc_entry* out = nullptr;    // null: the last stage writes the destination
  bool writes = true;               // false: nothing goes to the destination
};

Ends ends_of(const LeafProgram& leaf, Way way, bool masked);

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
    param_step_[0] = row.step[kParam];
    param_step_[1] = column.step[kParam];
    src_row_ = row.step[kSrc];
    dst_row_ = row.step[kDst];
    index_row_ = row.step[kIndex];
    index_column_ = column.step[kIndex];
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
    return std::min(leaf_.chunk_items, std::max<int64_t>(buffers_.capacity / leaf_.widest, 1));
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
    const uint32_t errors = run_stages(rows, columns, data, at);
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
  uint32_t run_stages(int64_t rows, int64_t columns, const void* data, const Cursor& at) {
    uint32_t errors = 0;
    int64_t size = leaf_.src_size;
    data_ = data;
    for (int k = 0; k < stages_; ++k) {
      const Stage& stage = leaf_.route.stages[k];
      const int64_t lanes = stage.lanes;
      const int64_t out_size = stage.out_size * lanes;
      const bool first = k == 0 && ends_.in == nullptr;
      const bool last = k + 1 == leaf_.route.count && ends_.out == nullptr && ends_.writes;
      void* const to = last ? static_cast<void*>(at.dst) : buffers_.bytes[turn_];
      // Streaming past the caches is for the destination, never for scratch; and only a stage that
      // reads what it writes is in place.
      stage_.flags = last ? flags_ : flags_ & ~uint32_t{SC_RUN_STREAM};
      if (data_ != to) stage_.flags &= ~uint32_t{SC_RUN_IN_PLACE};
      stage_.src_step[1] = stage_.src_size = size / lanes;
      stage_.dst_step[1] = stage_.dst_size = stage.out_size;
      stage_.params = stage.params();
      stage_.scratch = buffers_.flags;
      stage_.n[0] = 1;
      const bool rows_apart = (first && !(packed_src_ && columns == columns_)) ||
                              (last && !(packed_dst_ && columns == columns_));
      // A complex item's two numbers follow each other: rows of items, but not rows of rows.
      const bool numbered = leaf_.draws > 0 && (stage.entry->needs & SC_NEEDS_INDEX) != 0;
      if (rows > 1 && (rows_apart || (numbered && lanes > 1))) {
        set_items(numbered, 1, columns, lanes);
        for (int64_t row = 0; row < rows; ++row) {
          stage_.src = static_cast<const char*>(data_) + row * (first ? src_row_ : columns * size);
          stage_.dst = static_cast<char*>(to) + row * (last ? dst_row_ : columns * out_size);
          stage_.scratch = buffers_.flags + row * columns;
          stage_.index = at.index + row * index_row_;
          if (stage.scales()) {
            leaf_.scaling->aim(stage_, at.param + row * param_step_[0], 0, param_step_[1]);
          }
          errors |= stage.entry->run(&stage_);
        }
      } else {
        set_items(numbered, rows, columns, lanes);
        if (stage.scales()) {
          stage_.n[0] = rows;
          stage_.n[1] = columns;
          leaf_.scaling->aim(stage_, at.param, param_step_[0], param_step_[1]);
        }
        if (stage.rows > 1) {
          stage_.n[0] = stage.rows;
          stage_.dst_step[0] = last ? leaf_.row_step : rows * columns * stage.out_size;
        }
        stage_.src = data_;
        stage_.dst = to;
        stage_.index = at.index;
        errors |= stage.entry->run(&stage_);
      }
      if (!stage.writes()) continue;
      data_ = to;
      size = out_size;
      turn_ ^= 1;
    }
    return errors;
  }

  // Packed items: one run of them, but rows where a kernel numbers them.
  void set_items(bool numbered, int64_t rows, int64_t columns, int64_t lanes) {
    if (!numbered) {
      stage_.n[0] = 1;
      stage_.n[1] = rows * columns * lanes;
    } else {
      number_items(stage_, {rows, index_row_}, {columns, index_column_}, lanes);
    }
  }

  // Of the chunk that in_ has just brought to scratch.
  void clear_unselected(char* scratch, const char* mask) {
    sc_run run = in_;
    run.flags = 0;
    run.src = nullptr;
    run.dst = scratch;
    run.aux[0] = mask;
    run.params = leaf_.clears_to_one ? leaf_.one : nullptr;
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
  int64_t columns_, src_row_, dst_row_, index_row_, index_column_, param_step_[2];
  int turn_ = 0;
  const void* data_ = nullptr;
  sc_run in_, stage_ = {}, out_;
};

}  // namespace stridecast::internal

#endif  // STRIDECAST_ENGINE_CHUNK_H_
