// Kernels that come from Python: C function pointers of the kernel ABI from ctypes, cffi, numba or
// a capsule, and Python callables on arrays, which a trampoline calls. What they convert is
// bind_types.cc's business.
#ifndef STRIDECAST_PYTHON_PYTHON_KERNEL_H_
#define STRIDECAST_PYTHON_PYTHON_KERNEL_H_

#include <nanobind/nanobind.h>

#include <cstdint>

#include "stridecast/kernel_abi.h"

namespace stridecast::python {

namespace nb = nanobind;

/// A kernel as a registration takes it. What it points to lives as long as the process.
struct ForeignKernel {
  sc_kernel run = nullptr;
  const void* params = nullptr;
  uint32_t needs = 0;
};

/// Whether `object` is a C function, to be called without the interpreter.
bool is_c_function(nb::handle object);

/// The kernel in `object`, which is kept alive for good. A callable gets one array of `src` items
/// and gives one of as many `dst` items; both are dtypes. Raises TypeError for anything else.
ForeignKernel kernel_of(nb::handle object, nb::handle src, nb::handle dst);

/// If a callable raised in the run that has just failed on this thread: sets that exception, with
/// `message` as a note unless it is null, and says true.
bool restore_callable_error(const char* message);

}  // namespace stridecast::python

#endif  // STRIDECAST_PYTHON_PYTHON_KERNEL_H_
