#include "tests/support/reduce_states.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tests/support/case_note.h"

namespace stridecast::testing {

sc_run reduce_run(int64_t columns, int64_t src_size, int64_t dst_size) {
  sc_run run = {};
  run.struct_size = sizeof run;
  run.n[0] = 1;
  run.n[1] = columns;
  run.src_step[1] = src_size;
  run.src_size = src_size;
  run.dst_size = dst_size;
  run.dst_step[1] = dst_size;
  run.dst_step[0] = columns * dst_size;
  return run;
}

Bytes reduce_results(const sc_reduce_entry& entry, sc_kernel kernel, sc_run run, uint32_t* errors) {
  static GuardedBuffer out(64 * 1024);
  const auto size = static_cast<size_t>(run.n[1] * run.dst_size);
  unsigned char* dst = out.place(size, Flush::kRight);
  run.dst = dst;
  *errors = kernel(&run);
  EXPECT_EQ(out.damage(), 0) << note() << ": " << entry.name;
  return Bytes(dst, dst + size);
}

StateBlock::StateBlock(const sc_reduce_entry& entry, const sc_run& run)
    : entry_(entry),
      memory_(static_cast<size_t>(entry.state_header_bytes + run.n[1] * entry.state_column_bytes)),
      run_(run) {
  run_.state = memory_.place(bytes(), Flush::kRight);
  std::memset(run_.state, 0xEE, bytes());
}

size_t StateBlock::bytes() const {
  return static_cast<size_t>(entry_.state_header_bytes + columns() * entry_.state_column_bytes);
}

void StateBlock::restart() { EXPECT_EQ(entry_.init(&run_), 0u); }

void StateBlock::step(const void* src, int64_t rows, int64_t row_step) {
  sc_run run = run_;
  run.n[0] = rows;
  run.src = src;
  run.src_step[0] = row_step;
  EXPECT_EQ(entry_.step(&run), 0u);
  EXPECT_EQ(memory_.damage(), 0) << note() << ": " << entry_.name;
  run_.index += rows * run_.index_step[0];
}

uint32_t StateBlock::merge(const StateBlock& later) {
  sc_run run = run_;
  run.src = later.run_.state;
  return entry_.merge(&run);
}

void StateBlock::join(const StateBlock& parts, int64_t index_step) {
  sc_run run = run_;
  run.n[0] = parts.columns() / columns();
  run.src = parts.run_.state;
  run.index_step[0] = index_step;
  EXPECT_EQ(entry_.join(&run), 0u);
  EXPECT_EQ(memory_.damage(), 0) << note() << ": " << entry_.name;
}

Bytes StateBlock::finish(uint32_t* errors) const {
  return reduce_results(entry_, entry_.finish, run_, errors);
}

}  // namespace stridecast::testing
