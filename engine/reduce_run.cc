// The results are computed in blocks of columns. Where order is void, a block has one state (of all
// its columns), which is fed from the source; a sum of floats has one for each folded axis: the
// innermost is fed from the source, an outer one gets each finished row of the axis inside it.
// Threads take blocks; where there are fewer blocks than
// threads, they take parts of the outermost folded axis that are whole subtrees of its sum, and the
// parts merge in order. Either way every addition has the partners that one thread alone would give
// it.

#include "engine/reduce_run.h"

#include <algorithm>
#include <bit>
#include <memory>
#include <new>

#include "engine/pipeline.h"
#include "engine/run.h"
#include "engine/walk.h"
#include "engine/workspace.h"
#include "kernels/fp_environment.h"

namespace stridecast::internal {
namespace {

constexpr int64_t kLeaf = 128;          // elements of a leaf of the summation tree
constexpr int64_t kStagedItems = 1024;  // accumulators that are loaded together

struct FreeAligned {
  void operator()(char* p) const { ::operator delete (p, std::align_val_t{kCacheLine}); }
};
using AlignedBytes = std::unique_ptr<char, FreeAligned>;

AlignedBytes allocate(int64_t bytes) {
  return AlignedBytes(static_cast<char*>(
      ::operator new (static_cast<size_t>(bytes), std::align_val_t{kCacheLine})));
}

// A block of columns on its way: where they start, and this thread's memory for their states.
class Folder {
 public:
  Folder(const ReduceProgram& program, int64_t columns)
      : program_(program),
        columns_(columns),
        state_bytes_(state_bytes(program, columns)),
        row_bytes_(round_up_to_line(columns * program.result_size)) {
    const int64_t levels = this->levels();
    workspace_ = Workspace(Room::kReduce, levels * (state_bytes_ + row_bytes_) + staged_bytes());
    memory_ = workspace_.data();
  }

  static int64_t state_bytes(const ReduceProgram& program, int64_t columns) {
    return round_up_to_line(program.kernel->state_header_bytes +
                            columns * program.kernel->state_column_bytes);
  }

  // All of the folded axes into `row`, packed accumulators.
  void fold(const char* src, const Loop& column, char* row) {
    init(state(0));
    feed(0, state(0), src, column, 0, program_.folds[0].n);
    finish(state(0), row);
  }
  // A part of the outermost axis into a state of the caller's.
  void fold_part(const char* src, const Loop& column, int64_t begin, int64_t end, char* into) {
    init(into);
    feed(0, into, src, column, begin, end);
  }
  void merge(char* into, const char* next) {
    sc_run run = make_run(into);
    run.src = next;
    program_.kernel->merge(&run);
  }
  void finish(char* from, char* row) {
    sc_run run = make_run(from);
    run.dst = row;
    run.dst_step[1] = program_.result_size;
    program_.kernel->finish(&run);
  }
  char* row(size_t level) { return memory_ + level * (state_bytes_ + row_bytes_) + state_bytes_; }

 private:
  char* state(size_t level) { return memory_ + level * (state_bytes_ + row_bytes_); }
  char* staged() { return memory_ + levels() * (state_bytes_ + row_bytes_); }
  // Of states: one for each folded axis where they fold one at a time, else one for all.
  int64_t levels() const {
    return program_.ordered ? static_cast<int64_t>(program_.folds.size()) : 1;
  }
  int64_t staged_rows() const { return std::max<int64_t>(kStagedItems / columns_, 1); }
  int64_t staged_bytes() const {
    return round_up_to_line(staged_rows() * columns_ * program_.item_size);
  }

  sc_run make_run(char* state) const {
    sc_run run = {};
    run.struct_size = sizeof(sc_run);
    run.n[0] = 1;
    run.n[1] = columns_;
    run.state = state;
    return run;
  }
  void init(char* state) {
    sc_run run = make_run(state);
    program_.kernel->init(&run);
  }
  void step(char* state, const char* rows, int64_t count, int64_t row_step) {
    sc_run run = make_run(state);
    run.n[0] = count;
    run.src = rows;
    run.src_step[0] = row_step;
    run.src_step[1] = program_.item_size;
    program_.kernel->step(&run);
  }
  // A finished row of results into the state of the axis outside.
  void step_outer(char* state, const char* row) {
    sc_run run = make_run(state);
    run.src = row;
    run.src_step[0] = row_bytes_;
    run.src_step[1] = program_.result_size;
    program_.outer_kernel->step(&run);
  }

  // Turns [begin, end) of the folded axis `level` into `state`. Depth: the number of folded axes.
  void feed(size_t level, char* state, const char* src, const Loop& column, int64_t begin,
            int64_t end) {
    const Loop& fold = program_.folds[level];
    src += fold.step[kSrc] * begin;
    if (begin == end) return;
    if (level + 1 == program_.folds.size()) {
      program_.direct ? step(state, src, end - begin, fold.step[kSrc])
                      : feed_staged(state, src, column, fold, end - begin);
      return;
    }
    const Loop& next = program_.folds[level + 1];
    for (int64_t i = begin; i < end; ++i, src += fold.step[kSrc]) {
      if (!program_.ordered) {
        feed(level + 1, state, src, column, 0, next.n);
        continue;
      }
      init(this->state(level + 1));
      feed(level + 1, this->state(level + 1), src, column, 0, next.n);
      finish(this->state(level + 1), row(level + 1));
      step_outer(state, row(level + 1));
    }
  }

  void feed_staged(char* state, const char* src, const Loop& column, const Loop& fold, int64_t n) {
    const int64_t size = program_.item_size;
    Loop loops[2];
    loops[0].step[kSrc] = fold.step[kSrc];
    loops[0].step[kDst] = columns_ * size;
    loops[1].n = columns_;
    loops[1].step[kSrc] = column.step[kSrc];
    loops[1].step[kDst] = size;
    for (int64_t done = 0; done < n;) {
      const int64_t rows = std::min(staged_rows(), n - done);
      loops[0].n = rows;
      run_leaf(program_.load, std::span(loops, columns_ == 1 ? 1 : 2), {src, staged()}, {});
      step(state, staged(), rows, columns_ * size);
      src += fold.step[kSrc] * rows;
      done += rows;
    }
  }

  const ReduceProgram& program_;
  int64_t columns_, state_bytes_, row_bytes_;
  Workspace workspace_;
  char* memory_;
};

// The blocks of a reduction, numbered: outer kept loops, then pieces of the column loop.
class Blocks {
 public:
  explicit Blocks(const Plan::Impl& plan) : plan_(plan), program_(*plan.reduce) {
    outer_ = plan.nest.loops;
    if (program_.vertical) {
      column_ = outer_.back();
      outer_ = outer_.first(outer_.size() - 1);
    }
    pieces_ = (column_.n + program_.columns - 1) / program_.columns;
    count_ = pieces_;
    for (const Loop& loop : outer_) count_ *= loop.n;
  }

  int64_t count() const { return count_; }
  const Loop& column() const { return column_; }
  int64_t width(int64_t block) const {
    return std::min(program_.columns, column_.n - block % pieces_ * program_.columns);
  }
  Cursor start(int64_t block, const char* src, char* dst) const {
    int64_t src_offset = plan_.nest.offset[kSrc], dst_offset = plan_.nest.offset[kDst];
    const int64_t first = block % pieces_ * program_.columns;
    src_offset += first * column_.step[kSrc];
    dst_offset += first * column_.step[kDst];
    int64_t rest = block / pieces_;
    for (size_t k = outer_.size(); k-- > 0;) {
      const int64_t turn = rest % outer_[k].n;
      rest /= outer_[k].n;
      src_offset += turn * outer_[k].step[kSrc];
      dst_offset += turn * outer_[k].step[kDst];
    }
    return Cursor{src + src_offset, dst + dst_offset};
  }
  // Packed accumulators to where the results lie.
  void store(const char* row, int64_t block, char* dst) const {
    Loop out;
    out.n = width(block);
    out.step[kSrc] = program_.result_size;
    out.step[kDst] = column_.step[kDst];
    run_leaf(program_.store, std::span(&out, 1), {row, dst}, {});
  }

 private:
  const Plan::Impl& plan_;
  const ReduceProgram& program_;
  std::span<const Loop> outer_;
  Loop column_;
  int64_t pieces_ = 1, count_ = 1;
};

void run_blocks(const Plan::Impl& plan, const Blocks& blocks, int64_t begin, int64_t end,
                const char* src, char* dst) {
  for (int64_t block = begin; block < end; ++block) {
    Folder folder(*plan.reduce, blocks.width(block));
    const Cursor at = blocks.start(block, src, dst);
    folder.fold(at.src, blocks.column(), folder.row(0));
    blocks.store(folder.row(0), block, at.dst);
  }
}

// Elements of the outermost folded axis that one thread folds: of a tree a power of two of leaves,
// so that every part but the last is a whole subtree.
int64_t part_size(const ReduceProgram& program, int threads) {
  const int64_t n = program.folds[0].n;
  if (!program.ordered) return std::max<int64_t>(n / (4 * int64_t{threads}), 1);
  const int64_t leaves = (n + kLeaf - 1) / kLeaf;
  const int64_t share = std::max<int64_t>(leaves / (4 * int64_t{threads}), 1);
  return kLeaf * static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(share)));
}

void run_block_in_parts(const Plan::Impl& plan, const Blocks& blocks, int64_t block, int threads,
                        const char* src, char* dst, const RunOptions& options) {
  const ReduceProgram& program = *plan.reduce;
  const int64_t n = program.folds[0].n;
  const int64_t size = part_size(program, threads);
  const int parts = static_cast<int>((n + size - 1) / size);
  const int64_t width = blocks.width(block);
  const int64_t state_bytes = Folder::state_bytes(program, width);
  const AlignedBytes states = allocate(state_bytes * parts);
  const Cursor at = blocks.start(block, src, dst);
  run_tasks(options, threads, parts, [&](int part) {
    Folder folder(program, width);
    folder.fold_part(at.src, blocks.column(), part * size, std::min(n, (part + 1) * size),
                     states.get() + part * state_bytes);
  });
  Folder folder(program, width);
  for (int part = 1; part < parts; ++part) {
    folder.merge(states.get(), states.get() + part * state_bytes);
  }
  folder.finish(states.get(), folder.row(0));
  blocks.store(folder.row(0), block, at.dst);
}

}  // namespace

RunStatus run_reduce(const Plan::Impl& plan, const char* src, char* dst,
                     const RunOptions& options) {
  const kernels::DefaultFloatEnvironment environment;
  const Blocks blocks(plan);
  const int threads = thread_count(options, plan.bytes_moved);
  if (threads == 1) {
    run_blocks(plan, blocks, 0, blocks.count(), src, dst);
  } else if (blocks.count() >= threads) {
    const int parts = static_cast<int>(std::min<int64_t>(blocks.count(), int64_t{4} * threads));
    run_tasks(options, threads, parts, [&](int part) {
      run_blocks(plan, blocks, blocks.count() * part / parts, blocks.count() * (part + 1) / parts,
                 src, dst);
    });
  } else {
    for (int64_t block = 0; block < blocks.count(); ++block) {
      run_block_in_parts(plan, blocks, block, threads, src, dst, options);
    }
  }
  return RunStatus{};
}

}  // namespace stridecast::internal
