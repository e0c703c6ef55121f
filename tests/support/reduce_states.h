// A block of states of a reduce kernel, and the calls of kernels over it, all between guard pages.
// What items and results mean is left to reduce_kernel_check.h and sum_kernel_check.h.
#ifndef STRIDECAST_TESTS_SUPPORT_REDUCE_STATES_H_
#define STRIDECAST_TESTS_SUPPORT_REDUCE_STATES_H_

#include <cstdint>
#include <vector>

#include "stridecast/kernel_abi.h"
#include "tests/support/guarded_buffer.h"

namespace stridecast::testing {

using Bytes = std::vector<unsigned char>;

/// A run over one row of so many packed columns, without source and destination.
sc_run reduce_run(int64_t columns, int64_t src_size, int64_t dst_size);

/// Calls finish or whole, which write results of run.n[1] columns, between guard pages.
Bytes reduce_results(const sc_reduce_entry& entry, sc_kernel kernel, sc_run run, uint32_t* errors);

class StateBlock {
 public:
  /// States of run.n[1] columns. All kernels are called with what `run` holds.
  StateBlock(const sc_reduce_entry& entry, const sc_run& run);

  void restart();
  /// Rows row_step bytes apart, each of packed columns.
  void step(const void* src, int64_t rows, int64_t row_step);
  void step(const void* src, int64_t rows) { step(src, rows, columns() * run_.src_size); }
  uint32_t merge(const StateBlock& later);
  /// Groups of columns of `parts`, as many as this has columns.
  void join(const StateBlock& parts, int64_t index_step = 0);
  Bytes finish(uint32_t* errors) const;

 protected:
  /// Of the row that the next step begins with, which each step moves on.
  sc_run& run() { return run_; }
  int64_t columns() const { return run_.n[1]; }
  const sc_reduce_entry& entry() const { return entry_; }

 private:
  size_t bytes() const;

  const sc_reduce_entry& entry_;
  GuardedBuffer memory_;
  sc_run run_;
};

}  // namespace stridecast::testing

#endif  // STRIDECAST_TESTS_SUPPORT_REDUCE_STATES_H_
