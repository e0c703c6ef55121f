// The innermost fold is one call of a kernel, or one a chunk where items are staged: a rectangle of
// folded items by what lies beside them, which are results, items of one result (FoldWay::kSpread)
// or turns of the next axis (turns_beside). What is around it walks: one state where the order is
// void or the items come in sequence, a state an axis where the tree decides.

#include "engine/fold_block.h"

#include <algorithm>

#include "engine/pipeline.h"

namespace stridecast::internal {
namespace {

// Items that are staged together.
constexpr int64_t kStagedItems = 1024;
// Results that an axis takes from the one inside it at once.
constexpr int64_t kResultsTogether = 1024;

sc_run make_run(int64_t rows, int64_t columns) {
  sc_run run = {};
  run.struct_size = sizeof(sc_run);
  run.n[0] = rows;
  run.n[1] = columns;
  return run;
}

Loop turns(const Loop& loop, int64_t n) {
  Loop some = loop;
  some.n = n;
  return some;
}

// Memory handed out piece by piece; without memory it counts.
class Pieces {
 public:
  explicit Pieces(char* data) : data_(data) {}
  char* take(int64_t bytes) {
    char* const piece = data_ == nullptr ? nullptr : data_ + used_;
    used_ += round_up_to_line(bytes);
    return piece;
  }
  int64_t used() const { return used_; }

 private:
  char* data_;
  int64_t used_ = 0;
};

}  // namespace

Folder::Folder(const ReduceProgram& program, std::span<const Fold> folds, Room room)
    : program_(program), folds_(folds) {
  const auto place = [&](Pieces pieces) {
    for (size_t k = 0; k < folds_.size(); ++k) {
      rows_[k] = pieces.take(program_.columns * folds_[k].result_size);
    }
    const bool alone = program_.way == FoldWay::kAlong;
    inner_states_ = pieces.take(states_bytes(
        Axes(program_.axes).last(1), alone ? 1 : std::max(program_.beside, program_.columns)));
    if (!program_.direct) {
      const int64_t items = std::max(kStagedItems, program_.beside);
      items_ = pieces.take(items * program_.item_size);
      bytes_ = pieces.take(items);
      inverted_ = pieces.take(items);
    }
    // kSpread and several axes of one state have theirs, too.
    depths_.resize(program_.order == Order::kTree ? program_.axes.size() - 1 : 1);
    for (Depth& depth : depths_) {
      int64_t bytes = 0;
      for (size_t k = 0; k < folds_.size(); ++k) {
        const bool inner = program_.order != Order::kTree;
        bytes += state_bytes(entry(k, inner), program_.columns);
      }
      depth.states = pieces.take(bytes);
      // Blocks of fewer columns take more rows together.
      const int64_t results = std::max({kResultsTogether, program_.columns, program_.beside});
      for (size_t k = 0; k < folds_.size(); ++k) {
        depth.rows[k] = pieces.take(results * folds_[k].result_size);
      }
    }
    return pieces.used();
  };
  workspace_ = Workspace(room, place(Pieces(nullptr)));
  place(Pieces(workspace_.data()));
}

int64_t Folder::state_bytes(const sc_reduce_entry& entry, int64_t columns) {
  return round_up_to_line(entry.state_header_bytes + columns * entry.state_column_bytes);
}

int64_t Folder::rows_together(int64_t columns) const {
  return std::max<int64_t>(kResultsTogether / columns, 1);
}

int64_t Folder::states_bytes(Axes axes, int64_t columns) const {
  int64_t bytes = 0;
  for (size_t k = 0; k < folds_.size(); ++k) {
    bytes += state_bytes(entry(k, is_inner(axes)), columns);
  }
  return bytes;
}

void Folder::init_all(char* states, bool inner, int64_t columns) const {
  for (size_t k = 0; k < folds_.size(); ++k) {
    const sc_reduce_entry& kernel = entry(k, inner);
    sc_run run = make_run(1, columns);
    run.state = states;
    kernel.init(&run);
    states += state_bytes(kernel, columns);
  }
}

void Folder::finish_all(char* states, bool inner, int64_t columns, const FoldBlock& block,
                        char* const* rows) {
  for (size_t k = 0; k < folds_.size(); ++k) {
    const sc_reduce_entry& kernel = entry(k, inner);
    sc_run run = make_run(1, columns);
    run.state = states;
    run.dst = rows[k];
    run.dst_step[1] = folds_[k].result_size;
    run.aux[0] = block.divisors;
    run.aux_step[0][1] = block.divisor_step;
    run.params = &program_.ending.wide_params;
    errors_ |= kernel.finish(&run);
    states += state_bytes(kernel, columns);
  }
}

void Folder::init(char* states, Axes axes, int64_t columns) const {
  init_all(states, is_inner(axes), columns);
}

void Folder::finish(char* states, Axes axes, const FoldBlock& block, char* const* rows) {
  finish_all(states, is_inner(axes), block.column.n, block, rows);
}

void Folder::merge(char* into, const char* next, Axes axes, int64_t columns) const {
  for (size_t k = 0; k < folds_.size(); ++k) {
    const sc_reduce_entry& kernel = entry(k, is_inner(axes));
    sc_run run = make_run(1, columns);
    run.state = into;
    run.src = next;
    kernel.merge(&run);
    into += state_bytes(kernel, columns);
    next += state_bytes(kernel, columns);
  }
}

// --- around the innermost fold -------------------------------------------------------------------

void Folder::fold(const FoldBlock& block) { fold_axes(program_.axes, block, rows_); }

void Folder::fold_axes(Axes axes, const FoldBlock& block, char* const* rows) {
  if (axes.size() == 1 && program_.way != FoldWay::kSpread) {
    const int64_t about_step = block.column.n > 1 ? program_.mean_size() : 0;
    return fold_innermost(axes[0], block.column, block, about_step, rows);
  }
  const size_t depth = program_.order == Order::kTree ? program_.axes.size() - axes.size() : 0;
  char* const states = depths_[depth].states;
  init(states, axes, block.column.n);
  feed(states, axes, block);
  finish(states, axes, block, rows);
}

void Folder::feed(char* states, Axes axes, const FoldBlock& block) {
  if (program_.way == FoldWay::kSpread) return feed_spread(states, axes, block);
  if (program_.order == Order::kTree && axes.size() > 1) return feed_turns(states, axes, block);
  const int64_t about_step = block.column.n > 1 ? program_.mean_size() : 0;
  walk(axes.first(axes.size() - 1), block.at, [&](const Cursor& at) {
    FoldBlock turn = block;
    turn.at = at;
    feed_innermost(states, axes.back(), block.column, turn, about_step);
    return true;
  });
}

// Each turn of the first axis is folded along the others, and its results along this one.
void Folder::feed_turns(char* states, Axes axes, const FoldBlock& block) {
  const Depth& depth = depths_[program_.axes.size() - axes.size()];
  const Loop& outer = axes[0];
  const int64_t columns = block.column.n;
  const bool beside = program_.turns_beside && axes.size() == 2;
  const int64_t group = beside ? program_.beside : rows_together(columns);
  FoldBlock turn = block;
  for (int64_t done = 0; done < outer.n;) {
    const int64_t count = std::min(group, outer.n - done);
    if (beside) {
      fold_innermost(axes[1], turns(outer, count), turn, 0, depth.rows);
    } else {
      FoldBlock one = turn;
      char* rows[3];
      std::copy_n(depth.rows, folds_.size(), rows);
      for (int64_t i = 0; i < count; ++i) {
        fold_axes(axes.subspan(1), one, rows);
        for (size_t k = 0; k < folds_.size(); ++k) rows[k] += columns * folds_[k].result_size;
        if (i + 1 < count) one.at.advance(outer, 1);
      }
    }
    step_again(states, depth.rows, count, columns);
    done += count;
    if (done < outer.n) turn.at.advance(outer, count);
  }
}

void Folder::step_again(char* states, char* const* rows, int64_t count, int64_t columns) {
  for (size_t k = 0; k < folds_.size(); ++k) {
    const sc_reduce_entry& kernel = *folds_[k].again;
    sc_run run = make_run(count, columns);
    run.state = states;
    run.src = rows[k];
    run.src_step[0] = columns * folds_[k].result_size;
    run.src_step[1] = folds_[k].result_size;
    errors_ |= kernel.step(&run);
    states += state_bytes(kernel, columns);
  }
}

// States for the items of the spread axis, some at a time, that join into those of the results. Of
// several results all items are side by side.
void Folder::feed_spread(char* states, Axes axes, const FoldBlock& block) {
  const Loop& spread = program_.spread;
  const int64_t columns = block.column.n;
  FoldBlock piece = block;
  for (int64_t done = 0; done < spread.n;) {
    const int64_t items = columns > 1 ? spread.n : std::min(program_.beside, spread.n - done);
    init_all(inner_states_, true, items * columns);
    const Loop side = turns(spread, items * columns);
    walk(axes.first(axes.size() - 1), piece.at, [&](const Cursor& at) {
      FoldBlock turn = piece;
      turn.at = at;
      feed_innermost(inner_states_, axes.back(), side, turn, 0);
      return true;
    });
    join(states, inner_states_, items, columns);
    done += items;
    if (done < spread.n) piece.at.advance(spread, items);
  }
}

void Folder::join(char* states, char* spread_states, int64_t items, int64_t columns) {
  for (size_t k = 0; k < folds_.size(); ++k) {
    const sc_reduce_entry& kernel = *folds_[k].kernel;
    sc_run run = make_run(items, columns);
    run.state = states;
    run.src = spread_states;
    run.index_step[0] = program_.spread.step[kIndex];
    errors_ |= kernel.join(&run);
    states += state_bytes(kernel, columns);
    spread_states += state_bytes(kernel, items * columns);
  }
}

// --- the innermost fold --------------------------------------------------------------------------

bool Folder::folds_whole(const Loop& fold) const {
  const bool fits = program_.direct || fold.n <= kStagedItems;
  return program_.way == FoldWay::kAlong && fits && fold.n > 0 &&
         std::ranges::all_of(folds_, [](const Fold& f) { return f.kernel->whole != nullptr; });
}

void Folder::fold_innermost(const Loop& fold, const Loop& side, const FoldBlock& block,
                            int64_t about_step, char* const* rows) {
  if (folds_whole(fold)) return fold_whole(fold, side, block, about_step, rows);
  const bool alone = program_.way == FoldWay::kAlong;
  const int64_t together = alone ? 1 : side.n;
  FoldBlock some = block;
  char* into[3];
  std::copy_n(rows, folds_.size(), into);
  for (int64_t done = 0; done < side.n; done += together) {
    init_all(inner_states_, true, together);
    if (fold.n > 0) {
      feed_innermost(inner_states_, fold, turns(side, together), some, about_step);
    }
    finish_all(inner_states_, true, together, some, into);
    if (done + together == side.n) break;
    some.at.advance(side, together);
    if (some.about != nullptr) some.about += about_step * together;
    if (some.divisors != nullptr) some.divisors += some.divisor_step / 8 * together;
    for (size_t k = 0; k < folds_.size(); ++k) into[k] += folds_[k].result_size * together;
  }
}

void Folder::fold_whole(const Loop& fold, const Loop& side, const FoldBlock& block,
                        int64_t about_step, char* const* rows) {
  const int64_t size = program_.item_size;
  const int64_t together = program_.direct ? side.n : std::max<int64_t>(kStagedItems / fold.n, 1);
  Cursor at = block.at;
  for (int64_t done = 0; done < side.n;) {
    const int64_t count = std::min(together, side.n - done);
    const char* const about = block.about == nullptr ? nullptr : block.about + done * about_step;
    if (!program_.direct) stage(turns(side, count), fold, at);
    for (size_t k = 0; k < folds_.size(); ++k) {
      const bool counts = folds_[k].counts;
      sc_run run = make_run(fold.n, count);
      if (program_.direct) {
        run.src = at.src;
        run.src_step[0] = fold.n == 1 ? size : fold.step[kSrc];
        run.src_step[1] = side.step[kSrc];
      } else {
        const int64_t steps[2] = {about_step, 0};
        run.src = staged_for(k, {count, fold.n}, about, steps);
        run.src_step[0] = counts ? 1 : size;
        run.src_step[1] = fold.n * run.src_step[0];
      }
      if (program_.passes_mask && !counts) {
        run.aux[0] = bytes_;
        run.aux_step[0][0] = 1;
        run.aux_step[0][1] = fold.n;
      } else if (about != nullptr) {
        run.aux[0] = about;
        run.aux_step[0][1] = about_step;
      } else if (block.divisors != nullptr) {
        run.aux[0] = block.divisors + done * (block.divisor_step / 8);
        run.aux_step[0][1] = block.divisor_step;
      }
      run.index = at.index;
      run.index_step[0] = fold.step[kIndex];
      run.params = &program_.ending.wide_params;
      run.dst = rows[k] + done * folds_[k].result_size;
      run.dst_step[1] = folds_[k].result_size;
      errors_ |= folds_[k].kernel->whole(&run);
    }
    done += count;
    if (done < side.n) at.advance(side, count);
  }
}

void Folder::feed_innermost(char* states, const Loop& fold, const Loop& side,
                            const FoldBlock& block, int64_t about_step) {
  const int64_t size = program_.item_size, columns = side.n;
  const int64_t together = program_.direct ? fold.n : std::max<int64_t>(kStagedItems / columns, 1);
  Cursor at = block.at;
  for (int64_t done = 0; done < fold.n;) {
    const int64_t rows = std::min(together, fold.n - done);
    if (!program_.direct) stage(turns(fold, rows), side, at);
    char* state = states;
    for (size_t k = 0; k < folds_.size(); ++k) {
      const bool counts = folds_[k].counts;
      sc_run run = make_run(rows, columns);
      run.state = state;
      if (program_.direct) {
        run.src = at.src;
        run.src_step[0] = fold.step[kSrc];
        run.src_step[1] = size;
      } else {
        const int64_t steps[2] = {0, about_step};
        run.src = staged_for(k, {rows, columns}, block.about, steps);
        run.src_step[1] = counts ? 1 : size;
        run.src_step[0] = columns * run.src_step[1];
      }
      run.aux[0] = block.about;
      run.aux_step[0][1] = about_step;
      if (program_.passes_mask && !counts) {
        run.aux[0] = bytes_;
        run.aux_step[0][0] = columns;
        run.aux_step[0][1] = 1;
      }
      run.index = at.index;
      run.index_step[0] = fold.step[kIndex];
      errors_ |= folds_[k].kernel->step(&run);
      state += state_bytes(*folds_[k].kernel, columns);
    }
    done += rows;
    if (done < fold.n) at.advance(fold, rows);
  }
}

// --- what is staged ------------------------------------------------------------------------------

// Items as the kernels take them, and which of them count.
void Folder::stage(const Loop& row, const Loop& column, const Cursor& at) {
  const int64_t size = program_.item_size;
  Loop loops[2] = {row, column};
  loops[0].step[kDst] = column.n * size;
  loops[1].step[kDst] = size;
  // One packed run reads the source where it lies.
  const bool along_rows = column.n == 1;
  const Loop& run = along_rows ? row : column;
  const bool one_run = along_rows || row.n == 1;
  if (one_run && along_rows) loops[0].step[kDst] = size;
  const bool packed = one_run && program_.packed && run.step[kSrc] == program_.load.src_size;
  const LeafProgram& load = packed ? program_.load_packed : program_.load;
  const std::span<const Loop> all(loops);
  run_leaf(load, one_run ? all.subspan(along_rows ? 0 : 1, 1) : all, {at.src, items_}, {});
  if (program_.selects()) stage_bytes(row, column, at);
}

void Folder::stage_bytes(const Loop& row, const Loop& column, const Cursor& at) {
  const int64_t count = row.n * column.n;
  sc_run run = make_run(row.n, column.n);
  run.dst = bytes_;
  run.dst_step[0] = column.n;
  run.dst_step[1] = 1;
  if (program_.not_nan != nullptr) {
    sc_run look = make_run(1, count);
    look.src = items_;
    look.src_step[1] = program_.item_size;
    look.dst = bytes_;
    look.dst_step[1] = 1;
    program_.not_nan->run(&look);
    if (!program_.masked) return;
    run.aux[0] = at.mask;
    run.aux_step[0][0] = row.step[kMask];
    run.aux_step[0][1] = column.step[kMask];
    program_.clear_byte->run(&run);
    return;
  }
  run.src = at.mask;
  run.src_step[0] = row.step[kMask];
  run.src_step[1] = column.step[kMask];
  run.src_size = run.dst_size = 1;
  program_.move_mask->run(&run);
}

// The staged items with those that do not count made neutral, or the bytes.
const char* Folder::staged_for(size_t fold, Staged shape, const char* about,
                               const int64_t* about_step) {
  if (folds_[fold].counts) return bytes_;
  if (!program_.selects() || program_.passes_mask) return items_;
  const int64_t size = program_.item_size;
  sc_run run = make_run(shape.rows, shape.columns);
  run.dst = items_;
  run.dst_step[0] = shape.columns * size;
  run.dst_step[1] = size;
  run.src_size = run.dst_size = size;
  run.aux_step[0][0] = shape.columns;
  run.aux_step[0][1] = 1;
  if (about == nullptr) {
    run.aux[0] = bytes_;
    run.params = folds_[fold].neutral;
    program_.clear->run(&run);
    return items_;
  }
  // What lies at the mean deviates by nothing.
  static constexpr kernels::LookupParams kNot = [] {
    kernels::LookupParams params;
    params.low[0] = 1;
    return params;
  }();
  sc_run invert = make_run(1, shape.rows * shape.columns);
  invert.src = bytes_;
  invert.src_step[1] = 1;
  invert.dst = inverted_;
  invert.dst_step[1] = 1;
  invert.params = &kNot;
  program_.invert->run(&invert);
  run.src = about;
  run.src_step[0] = about_step[0];
  run.src_step[1] = about_step[1];
  run.aux[0] = inverted_;
  program_.select->run(&run);
  return items_;
}

}  // namespace stridecast::internal
