// What the functions on buffers share: a fresh result, and running a plan, with the threads that
// its size is worth and without the interpreter's lock. Nothing here touches an element.
#ifndef STRIDECAST_PYTHON_JOB_H_
#define STRIDECAST_PYTHON_JOB_H_

#include <nanobind/nanobind.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "python/buffer_view.h"
#include "stridecast/format.h"
#include "stridecast/plan.h"

namespace stridecast::python {

namespace nb = nanobind;

/// Other Python threads run while it lives. Until Python 3.14 a daemon thread that asks for the
/// lock while the interpreter ends is unwound, which no C++ destructor survives; it waits for the
/// end instead.
class ReleasedGil {
 public:
  ReleasedGil();
  ~ReleasedGil();
  ReleasedGil(const ReleasedGil&) = delete;
  ReleasedGil& operator=(const ReleasedGil&) = delete;

 private:
  PyThreadState* state_;  // null: nothing was released
};

/// Calls work(), and lets other Python threads run meanwhile if it moves enough bytes to be worth
/// that.
template <class Work>
auto release_gil_for(int64_t bytes, Work&& work) {
  constexpr int64_t kReleaseFrom = int64_t{16} << 10;
  if (bytes <= kReleaseFrom) return std::forward<Work>(work)();
  const ReleasedGil released;
  return std::forward<Work>(work)();
}

/// The arguments of a function that say how it runs; null where it has none or none is given.
struct RunArguments {
  PyObject* threads = nullptr;
  PyObject* overlap = nullptr;
  PyObject* stream = nullptr;
};

/// The options for a run that moves `bytes` (read plus written).
RunOptions run_options(const RunArguments& arguments, int64_t bytes);

/// Runs the plan and says how it went.
RunStatus try_run(const Plan& plan, char* src, char* dst, const RunArguments& arguments);
/// Runs the plan; raises what went wrong.
void run(const Plan& plan, char* src, char* dst, const RunArguments& arguments = {});

bool is_c_contiguous(const BufferView& view);
bool is_f_contiguous(const BufferView& view);

/// Raises ValueError unless `out` has the format `wanted`.
void require_format(const Format& wanted, const BufferView& out);

/// Which bytes of a fresh result are made 0 before anything is written to it: none where all will
/// be written, padding (it must not show what the memory held before), or all of them.
enum class Clear { kNothing, kPadding, kAll };

/// Shape, strides and memory of a result that nobody provided.
struct Fresh {
  std::vector<int64_t> shape, strides;
  nb::object memory;
  char* data = nullptr;

  /// Like `view` in the memory order that `order` says: C, F, K or A.
  Fresh(const BufferView& view, const Format& format, char order, Clear clear = Clear::kPadding);
  /// Of this shape in C order.
  Fresh(std::vector<int64_t> dims, const Format& format, Clear clear = Clear::kPadding);

  LayoutView layout(const Format& format) const { return {&format, shape, strides}; }
  /// The result as a Buffer, which takes the memory.
  nb::object buffer(const Format& format);

 private:
  void allocate(const Format& format, char order, Clear clear);
};

}  // namespace stridecast::python

#endif  // STRIDECAST_PYTHON_JOB_H_
