// sc_run values for kernel tests: packed runs, and rectangles with steps.
#ifndef STRIDECAST_TESTS_SUPPORT_KERNEL_RUN_H_
#define STRIDECAST_TESTS_SUPPORT_KERNEL_RUN_H_

#include <cstdint>

#include "stridecast/kernel_abi.h"

namespace stridecast::testing {

struct Steps {
  int64_t row = 0, column = 0;
};

inline sc_run make_run(int64_t rows, int64_t columns, const void* src, int64_t src_size,
                       Steps src_step, void* dst, int64_t dst_size, Steps dst_step,
                       const void* params = nullptr) {
  sc_run run = {};
  run.struct_size = sizeof(sc_run);
  run.flags = src == dst ? uint32_t{SC_RUN_IN_PLACE} : 0u;
  run.n[0] = rows;
  run.n[1] = columns;
  run.src = src;
  run.src_step[0] = src_step.row;
  run.src_step[1] = src_step.column;
  run.dst = dst;
  run.dst_step[0] = dst_step.row;
  run.dst_step[1] = dst_step.column;
  run.src_size = src_size;
  run.dst_size = dst_size;
  run.params = params;
  return run;
}

inline sc_run make_packed_run(int64_t n, const void* src, int64_t src_size, void* dst,
                              int64_t dst_size, const void* params = nullptr) {
  return make_run(1, n, src, src_size, {n * src_size, src_size}, dst, dst_size,
                  {n * dst_size, dst_size}, params);
}

}  // namespace stridecast::testing

#endif  // STRIDECAST_TESTS_SUPPORT_KERNEL_RUN_H_
