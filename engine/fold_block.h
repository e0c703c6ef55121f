// Folding a block of results: the folded axes around the reduce kernels, with what those read and
// the states they need. Which blocks there are, what becomes of results, and threads are
// reduce_run.cc's business.
#ifndef STRIDECAST_ENGINE_FOLD_BLOCK_H_
#define STRIDECAST_ENGINE_FOLD_BLOCK_H_

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "engine/reduce_program.h"
#include "engine/walk.h"
#include "engine/workspace.h"

namespace stridecast::internal {

using Axes = std::span<const Loop>;

/// What a pass over a block of results needs to know of it.
struct FoldBlock {
  Cursor at;                         // its first item; index: of that along the folded axes
  Loop column;                       // over its results
  const char* about = nullptr;       // of deviations: a packed mean a result
  const double* divisors = nullptr;  // for kernels that divide
  int64_t divisor_step = 0;          // bytes
};

/// One thread's memory for one pass over blocks of at most program.columns results, and the walk.
/// All of it may throw std::bad_alloc in the constructor only. Kernels' error bits add up until
/// they are taken.
class Folder {
 public:
  /// `folds`: of the program, its first pass or its second.
  Folder(const ReduceProgram& program, std::span<const Fold> folds, Room room);

  /// Everything along all axes into the rows, packed.
  void fold(const FoldBlock& block);
  /// The results of the last fold() or fold_axes(), by fold.
  char* row(size_t fold) const { return rows_[fold]; }
  uint32_t take_errors() { return std::exchange(errors_, 0); }
  std::span<const Fold> folds() const { return folds_; }
  void add_errors(uint32_t errors) { errors_ |= errors; }

  // In parts, for threads: states of all folds, over `axes`, the last ones of the program's, of
  // which the first may be cut short. Under kAlong blocks have one result then.
  int64_t states_bytes(Axes axes, int64_t columns) const;
  void init(char* states, Axes axes, int64_t columns) const;
  void feed(char* states, Axes axes, const FoldBlock& block);
  void merge(char* into, const char* next, Axes axes, int64_t columns) const;
  void finish(char* states, Axes axes, const FoldBlock& block, char* const* rows);
  void fold_axes(Axes axes, const FoldBlock& block, char* const* rows);
  /// `count` rows of results into states of an axis around theirs.
  void step_again(char* states, char* const* rows, int64_t count, int64_t columns);
  int64_t result_size(size_t fold) const { return folds_[fold].result_size; }

 private:
  // Packed in memory: `rows` times `columns` items, and bytes that say which count.
  struct Staged {
    int64_t rows, columns;
  };

  bool is_inner(Axes axes) const { return program_.order != Order::kTree || axes.size() == 1; }
  const sc_reduce_entry& entry(size_t fold, bool inner) const {
    return inner ? *folds_[fold].kernel : *folds_[fold].again;
  }
  static int64_t state_bytes(const sc_reduce_entry& entry, int64_t columns);
  int64_t rows_together(int64_t columns) const;

  void init_all(char* states, bool inner, int64_t columns) const;
  void finish_all(char* states, bool inner, int64_t columns, const FoldBlock& block,
                  char* const* rows);
  void fold_innermost(const Loop& fold, const Loop& side, const FoldBlock& block,
                      int64_t about_step, char* const* rows);
  bool folds_whole(const Loop& fold) const;
  void fold_whole(const Loop& fold, const Loop& side, const FoldBlock& block, int64_t about_step,
                  char* const* rows);
  void feed_innermost(char* states, const Loop& fold, const Loop& side, const FoldBlock& block,
                      int64_t about_step);
  void feed_turns(char* states, Axes axes, const FoldBlock& block);
  void feed_spread(char* states, Axes axes, const FoldBlock& block);
  void join(char* states, char* spread_states, int64_t items, int64_t columns);

  void stage(const Loop& row, const Loop& column, const Cursor& at);
  void stage_bytes(const Loop& row, const Loop& column, const Cursor& at);
  const char* staged_for(size_t fold, Staged shape, const char* about, const int64_t* about_step);

  const ReduceProgram& program_;
  std::span<const Fold> folds_;
  uint32_t errors_ = 0;
  Workspace workspace_;
  char* rows_[3] = {};
  char* inner_states_ = nullptr;
  char* items_ = nullptr;
  char* bytes_ = nullptr;     // which items count
  char* inverted_ = nullptr;  // which do not
  // Of every axis around the innermost: states, then a row or more of every fold.
  struct Depth {
    char* states;
    char* rows[3];
  };
  std::vector<Depth> depths_;
};

}  // namespace stridecast::internal

#endif  // STRIDECAST_ENGINE_FOLD_BLOCK_H_
