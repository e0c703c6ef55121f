// The results are computed in blocks that lie side by side. Threads take blocks; where there are
// fewer blocks than threads, they take parts of a block's folded axes: any parts where order is
// void, else whole subtrees, or turns of an axis whose results fold afterwards as one thread would
// fold them. Either way every addition has the partners that one thread alone would give it.

#include "engine/reduce_run.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <vector>

#include "engine/fold_block.h"
#include "engine/pipeline.h"
#include "engine/run.h"
#include "kernels/fp_environment.h"
#include "kernels/sum_tree.h"

namespace stridecast::internal {
namespace {

constexpr int64_t kLeaf = kernels::kSumLeaf;  // elements of a leaf of the summation tree

struct FreeAligned {
  void operator()(char* p) const { ::operator delete (p, std::align_val_t{kCacheLine}); }
};
using AlignedBytes = std::unique_ptr<char, FreeAligned>;

AlignedBytes allocate(int64_t bytes) {
  return AlignedBytes(static_cast<char*>(
      ::operator new (static_cast<size_t>(bytes), std::align_val_t{kCacheLine})));
}

// The first result that cannot be had, of all threads.
class Failure {
 public:
  void note(int64_t index, uint32_t bits) {
    const std::lock_guard lock(mutex_);
    if (bits_ != 0 && index_ <= index) return;
    index_ = index;
    bits_ = bits;
  }
  RunStatus status() const {
    RunStatus status;
    if (bits_ == 0) return status;
    status.code = StatusCode::kDataError;
    status.error_bits = bits_;
    status.index = index_;
    return status;
  }

 private:
  std::mutex mutex_;
  int64_t index_ = 0;
  uint32_t bits_ = 0;
};

// The blocks of a reduction, numbered: outer kept loops, then pieces of the column loop.
class Blocks {
 public:
  /// Of at most `columns` results each.
  Blocks(const Plan::Impl& plan, int64_t columns) : plan_(plan), columns_(columns) {
    outer_ = plan.nest.loops;
    if (!outer_.empty()) {
      column_ = outer_.back();
      outer_ = outer_.first(outer_.size() - 1);
    }
    pieces_ = (column_.n + columns_ - 1) / columns_;
    count_ = pieces_;
    for (const Loop& loop : outer_) count_ *= loop.n;
  }

  int64_t count() const { return count_; }
  // `operands` hold the data pointers. The index is the result's.
  FoldBlock at(int64_t block, const Cursor& operands) const {
    FoldBlock found;
    found.at = operands;
    found.at.src += plan_.nest.offset[kSrc];
    found.at.dst += plan_.nest.offset[kDst];
    if (found.at.mask != nullptr) found.at.mask += plan_.nest.offset[kMask];
    found.at.index = plan_.nest.offset[kIndex];
    const int64_t first = block % pieces_ * columns_;
    found.at.advance(column_, first);
    int64_t rest = block / pieces_;
    for (size_t k = outer_.size(); k-- > 0; rest /= outer_[k].n) {
      found.at.advance(outer_[k], rest % outer_[k].n);
    }
    found.column = column_;
    found.column.n = std::min(columns_, column_.n - first);
    return found;
  }

 private:
  const Plan::Impl& plan_;
  int64_t columns_;
  std::span<const Loop> outer_;
  Loop column_;
  int64_t pieces_ = 1, count_ = 1;
};

class Team;
void fold_together(Team& team, Folder& folder, const FoldBlock& block);

// One thread's way from blocks to results.
class Reducer {
 public:
  /// With a team, or alone.
  Reducer(const Plan::Impl& plan, Failure& failure, Team* team)
      : program_(*plan.reduce),
        failure_(failure),
        team_(team),
        first_(program_, program_.folds, Room::kReduce) {
    if (!program_.deviations.empty()) {
      second_.emplace(program_, program_.deviations, Room::kDeviations);
    }
    if (program_.counted()) divisors_.resize(static_cast<size_t>(program_.columns));
    if (program_.counted() && program_.ending.wide_mean) {
      counter_.emplace(program_, std::span(program_.folds).last(1), Room::kDeviations);
    }
  }

  void reduce(const FoldBlock& found) {
    FoldBlock block = found;
    block.at.index = block.column.step[kIndex] = 0;  // along the folded axes from here on
    Folder* last = &first_;
    const Ending& ending = program_.ending;
    if (ending.wide_mean) {  // which divides as it finishes, so that the count comes first
      if (counter_) fold(*counter_, block);
      set_divisors(block, counter_ ? counter_->row(0) : nullptr, 0);
    }
    fold(first_, block);
    const char* const counts = program_.counted() ? first_.row(program_.folds.size() - 1) : nullptr;
    if (second_) {
      set_divisors(block, counts, 0);
      divide(ending.mean, {}, first_.row(0), block);
      block.about = first_.row(0);
      fold(*second_, block);
      last = &*second_;
    }
    uint32_t errors = first_.take_errors();
    if (second_) errors |= second_->take_errors();
    if (ending.quotient != nullptr) {
      ending.counts ? set_divisors(block, counts, ending.ddof) : set_divisor(block, 1);
      divide(ending.quotient, ending.quotient_params, last->row(0), block);
    }
    if (!program_.initial.empty()) errors |= fold_initial(last->row(0), block.column.n);
    errors |= replace_empty(*last, block.column.n);
    if (errors != 0 && block.column.n > 1) return reduce_one_by_one(found);
    if (errors != 0) return failure_.note(found.at.index, errors);
    store(*last, found);
  }

 private:
  void fold(Folder& folder, const FoldBlock& block) {
    team_ == nullptr ? folder.fold(block) : fold_together(*team_, folder, block);
  }

  // Which of them fails.
  void reduce_one_by_one(const FoldBlock& found) {
    FoldBlock one = found;
    one.column.n = 1;
    for (int64_t i = 0; i < found.column.n; ++i) {
      reduce(one);
      if (i + 1 < found.column.n) one.at.advance(found.column, 1);
    }
  }

  void set_divisor(FoldBlock& block, double divisor) {
    divisor_ = divisor;
    block.divisors = &divisor_;
    block.divisor_step = 0;
  }
  // Numbers of items, less ddof, and no less than 0. `counts`: null where all of them count.
  void set_divisors(FoldBlock& block, const char* counts, double ddof) {
    set_divisor(block, std::max(static_cast<double>(program_.items) - ddof, 0.0));
    if (counts == nullptr) return;
    block.divisors = divisors_.data();
    block.divisor_step = sizeof(double);
    for (int64_t i = 0; i < block.column.n; ++i) {
      int64_t count;
      std::memcpy(&count, counts + i * int64_t{sizeof count}, sizeof count);
      divisors_[static_cast<size_t>(i)] = std::max(static_cast<double>(count) - ddof, 0.0);
    }
  }
  static void divide(const sc_entry* quotient, const kernels::QuotientParams& params, char* row,
                     const FoldBlock& block) {
    sc_run run = {};
    run.struct_size = sizeof(sc_run);
    run.flags = SC_RUN_IN_PLACE;
    run.n[0] = 1;
    run.n[1] = block.column.n;
    run.src = run.dst = row;
    run.aux[0] = block.divisors;
    run.aux_step[0][1] = block.divisor_step;
    run.params = &params;
    quotient->run(&run);
  }

  // What was folded is folded once more, with what was given.
  uint32_t fold_initial(char* row, int64_t columns) const {
    const sc_reduce_entry& again = *program_.folds[0].again;
    const int64_t size = program_.result_size;
    const int64_t state_bytes =
        round_up_to_line(again.state_header_bytes + columns * again.state_column_bytes);
    Workspace memory(Room::kColumns, state_bytes + columns * size);
    char* const given = memory.data() + state_bytes;
    for (int64_t i = 0; i < columns; ++i) {
      std::memcpy(given + i * size, program_.initial.data(), static_cast<size_t>(size));
    }
    sc_run run = {};
    run.struct_size = sizeof(sc_run);
    run.n[0] = 1;
    run.n[1] = columns;
    run.state = memory.data();
    run.src_step[0] = columns * size;
    run.src_step[1] = run.dst_step[1] = size;
    again.init(&run);
    for (const char* src : {static_cast<const char*>(given), static_cast<const char*>(row)}) {
      run.src = src;
      again.step(&run);
    }
    run.dst = row;
    run.params = &program_.ending.wide_params;
    return again.finish(&run);
  }

  // Results that nothing was folded into.
  uint32_t replace_empty(const Folder& last, int64_t columns) const {
    const Ending& ending = program_.ending;
    if (!ending.fails_when_empty && !ending.nan_when_empty) return 0;
    const bool counted = program_.counted();
    const char* const counts = first_.row(counted ? program_.folds.size() - 1 : 0);
    const size_t results = program_.folds.size() - (counted ? 1 : 0);
    for (int64_t i = 0; i < columns; ++i) {
      int64_t count;  // or an index, which is -1 where there is none
      std::memcpy(&count, counts + i * int64_t{sizeof count}, sizeof count);
      if (counted ? count > 0 : count >= 0) continue;
      if (ending.fails_when_empty) return SC_ERR_NAN;
      for (size_t k = 0; k < results; ++k) {
        std::memcpy(last.row(k) + i * program_.result_size, program_.nan.data(),
                    program_.nan.size());
      }
    }
    return 0;
  }

  // Packed results to where they lie.
  void store(const Folder& last, const FoldBlock& found) const {
    Loop out = found.column;
    out.step[kSrc] = program_.result_size;
    const size_t results = program_.op == ReduceOp::kMinMax ? 2 : 1;
    for (size_t k = 0; k < results; ++k) {
      run_leaf(program_.store, std::span(&out, 1),
               {last.row(k), found.at.dst + static_cast<int64_t>(k) * program_.dst_step}, {});
    }
  }

  const ReduceProgram& program_;
  Failure& failure_;
  Team* team_;
  Folder first_;
  std::optional<Folder> second_, counter_;
  double divisor_ = 1;
  std::vector<double> divisors_;  // one a result
};

// --- several threads for one block ---------------------------------------------------------------

// Several threads that fold one block. Its folder holds what they find; each part has one of its
// own.
class Team {
 public:
  Team(const ReduceProgram& program, int threads, const RunOptions& options)
      : program_(program), threads_(threads), options_(options) {}

  void fold_all(Folder& folder, const FoldBlock& block) {
    rows_.clear();
    const size_t folds = folder.folds().size();
    for (size_t k = 0; k < folds; ++k) rows_.push_back(folder.row(k));
    fold(folder, program_.axes, block, rows_.data());
  }

 private:
  void fold(Folder& folder, Axes axes, const FoldBlock& block, char* const* rows) {
    const bool tree = program_.order == Order::kTree;
    const size_t which = tree ? 0 : widest(axes);
    const int64_t n = axes.empty() ? 1 : axes[which].n;
    const int64_t size = part_size(axes, which);
    if (size < n) return fold_in_parts(folder, axes, which, size, block, rows);
    if (!tree || axes.size() == 1) return folder.fold_axes(axes, block, rows);
    fold_turn_by_turn(folder, axes, block, rows);
  }

  // Where order is void the longest axis; indices come in the order of the first one.
  size_t widest(Axes axes) const {
    if (program_.order == Order::kSequence) return 0;
    return static_cast<size_t>(
        std::max_element(axes.begin(), axes.end(),
                         [](const Loop& a, const Loop& b) { return a.n < b.n; }) -
        axes.begin());
  }

  // Turns of an axis that one thread folds at once. Of trees a power of two of leaves, so that
  // every part but the last is a whole subtree.
  int64_t part_size(Axes axes, size_t which) const {
    const int64_t n = axes[which].n;
    const bool ordered = program_.folds[0].kernel->join == nullptr;
    if (!ordered) return std::max<int64_t>(n / (4 * int64_t{threads_}), 1);
    // A compensated sum of several axes is one sequence, whose leaves end anywhere.
    if (program_.order == Order::kSequence && axes.size() > 1) return n;
    const int64_t leaves = (n + kLeaf - 1) / kLeaf;
    if (leaves < threads_) return n;
    const int64_t share = std::max<int64_t>(leaves / (4 * int64_t{threads_}), 1);
    return kLeaf * static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(share)));
  }

  void fold_in_parts(Folder& folder, Axes axes, size_t which, int64_t size, const FoldBlock& block,
                     char* const* rows) {
    const int64_t n = axes[which].n, columns = block.column.n;
    const int parts = static_cast<int>((n + size - 1) / size);
    const int64_t bytes = folder.states_bytes(axes, columns);
    const AlignedBytes states = allocate(bytes * parts);
    const std::span<const Fold> folds = folder.folds();
    std::atomic<uint32_t> errors{0};
    run_tasks(options_, threads_, parts, [&](int part) {
      Folder own(program_, folds, Room::kReducePart);
      std::vector<Loop> some(axes.begin(), axes.end());
      some[which].n = std::min(size, n - part * size);
      FoldBlock piece = block;
      piece.at.advance(axes[which], part * size);
      char* const into = states.get() + part * bytes;
      own.init(into, axes, columns);
      own.feed(into, some, piece);
      errors.fetch_or(own.take_errors(), std::memory_order_relaxed);
    });
    for (int part = 1; part < parts; ++part) {
      folder.merge(states.get(), states.get() + part * bytes, axes, columns);
    }
    folder.finish(states.get(), axes, block, rows);
    folder.add_errors(errors.load());
  }

  // Few turns: the threads share each of them, or take whole ones.
  void fold_turn_by_turn(Folder& folder, Axes axes, const FoldBlock& block, char* const* rows) {
    const std::span<const Fold> folds = folder.folds();
    const int64_t n = axes[0].n, columns = block.column.n;
    std::vector<AlignedBytes> results;
    std::vector<char*> all;
    for (const Fold& fold : folds) {
      results.push_back(allocate(n * columns * fold.result_size));
      all.push_back(results.back().get());
    }
    const auto into = [&](int64_t turn) {
      std::vector<char*> at = all;
      for (size_t k = 0; k < folds.size(); ++k) at[k] += turn * columns * folds[k].result_size;
      return at;
    };
    const auto turn_of = [&](int64_t turn) {
      FoldBlock one = block;
      one.at.advance(axes[0], turn);
      return one;
    };
    std::atomic<uint32_t> errors{0};
    if (n >= threads_) {
      run_tasks(options_, threads_, static_cast<int>(n), [&](int turn) {
        Folder own(program_, folds, Room::kReducePart);
        own.fold_axes(axes.subspan(1), turn_of(turn), into(turn).data());
        errors.fetch_or(own.take_errors(), std::memory_order_relaxed);
      });
    } else {
      for (int64_t turn = 0; turn < n; ++turn) {
        fold(folder, axes.subspan(1), turn_of(turn), into(turn).data());
      }
    }
    const AlignedBytes states = allocate(folder.states_bytes(axes, columns));
    folder.init(states.get(), axes, columns);
    folder.step_again(states.get(), all.data(), n, columns);
    folder.finish(states.get(), axes, block, rows);
    folder.add_errors(errors.load());
  }

  const ReduceProgram& program_;
  int threads_;
  const RunOptions& options_;
  std::vector<char*> rows_;
};

void fold_together(Team& team, Folder& folder, const FoldBlock& block) {
  team.fold_all(folder, block);
}

// Of many packed runs every thread has some of its own: runs do not mind how many make a block.
// Only few are shared, each by all threads.
int64_t columns_of_block(const Plan::Impl& plan, int threads) {
  const ReduceProgram& program = *plan.reduce;
  const int64_t wanted = int64_t{4} * threads;  // blocks
  const bool shares = threads > 1 && program.way == FoldWay::kAlong;
  if (!shares || Blocks(plan, program.columns).count() >= wanted) return program.columns;
  return std::clamp(Blocks(plan, 1).count() / wanted, int64_t{1}, program.columns);
}

}  // namespace

RunStatus run_reduce(const Plan::Impl& plan, const Cursor& operands, const RunOptions& options) {
  const kernels::DefaultFloatEnvironment environment;
  const ReduceProgram& program = *plan.reduce;
  const int threads = thread_count(options, plan.bytes_moved);
  const Blocks blocks(plan, columns_of_block(plan, threads));
  Failure failure;
  const auto run_blocks = [&](int64_t begin, int64_t end) {
    Reducer reducer(plan, failure, nullptr);
    for (int64_t block = begin; block < end; ++block) reducer.reduce(blocks.at(block, operands));
  };
  if (threads == 1) {
    run_blocks(0, blocks.count());
  } else if (blocks.count() >= threads) {
    const int parts = static_cast<int>(std::min<int64_t>(blocks.count(), int64_t{4} * threads));
    run_tasks(options, threads, parts, [&](int part) {
      run_blocks(blocks.count() * part / parts, blocks.count() * (part + 1) / parts);
    });
  } else {
    Team team(program, threads, options);
    Reducer reducer(plan, failure, &team);
    // States of packed runs are of one result.
    const Blocks alone(plan, program.way == FoldWay::kAlong ? 1 : program.columns);
    for (int64_t block = 0; block < alone.count(); ++block) {
      reducer.reduce(alone.at(block, operands));
    }
  }
  return failure.status();
}

}  // namespace stridecast::internal
