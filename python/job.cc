// Fresh results and runs; see job.h.
#include "python/job.h"

#include <unistd.h>

#include "python/args.h"
#include "python/buffer.h"
#include "python/errors.h"
#include "python/fields.h"
#include "python/finalizing.h"
#include "python/memory.h"
#include "stridecast/layout.h"
#include "stridecast/runtime.h"

namespace stridecast::python {
namespace {

// From here on (bytes read plus written) a job is worth more than one thread.
constexpr int64_t kThreadsFrom = int64_t{4} << 20;

// Inline in the functions below: a small call has no time for calls within.
inline RunOptions options_for(const RunArguments& arguments, int64_t bytes) {
  RunOptions options;
  if (is_given(arguments.threads)) {
    options.threads = thread_count(arguments.threads, "threads");
  } else if (bytes > kThreadsFrom) {
    options.threads = default_threads();
  }
  options.overlap = overlap_value(arguments.overlap);
  options.stream = stream_value(arguments.stream);
  return options;
}

}  // namespace

// While the interpreter ends, its lock is held by the one thread that ends it, which keeps it.
ReleasedGil::ReleasedGil() : state_(is_finalizing() ? nullptr : PyEval_SaveThread()) {}

ReleasedGil::~ReleasedGil() {
  if (state_ == nullptr) return;
  while (is_finalizing()) pause();
  PyEval_RestoreThread(state_);
}

RunOptions run_options(const RunArguments& arguments, int64_t bytes) {
  return options_for(arguments, bytes);
}

RunStatus try_run(const Plan& plan, char* src, char* dst, const RunArguments& arguments) {
  const int64_t bytes = plan.bytes_moved();
  const RunOptions options = options_for(arguments, bytes);
  // Giving the lock up and taking it again costs as much as copying some 10 KiB, and far more where
  // another thread is waiting for it.
  if (plan.is_brief()) return plan.try_run({src}, {dst}, options);
  return release_gil_for(bytes, [&] { return plan.try_run({src}, {dst}, options); });
}

void run(const Plan& plan, char* src, char* dst, const RunArguments& arguments) {
  const RunStatus status = try_run(plan, src, dst, arguments);
  if (!status.ok()) [[unlikely]]
    throw plan.status_error(status);
}

bool is_c_contiguous(const BufferView& view) {
  if (!view.suboffsets().empty()) return false;
  int64_t expected = view.format().itemsize();
  for (int k = view.ndim() - 1; k >= 0; --k) {
    const auto axis = static_cast<size_t>(k);
    if (view.shape()[axis] != 1 && view.strides()[axis] != expected) return false;
    expected *= view.shape()[axis];
  }
  return true;
}

bool is_f_contiguous(const BufferView& view) {
  if (!view.suboffsets().empty()) return false;
  int64_t expected = view.format().itemsize();
  for (size_t axis = 0; axis < view.shape().size(); ++axis) {
    if (view.shape()[axis] != 1 && view.strides()[axis] != expected) return false;
    expected *= view.shape()[axis];
  }
  return true;
}

void require_format(const Format& wanted, const BufferView& out) {
  if (wanted == out.format()) return;
  const std::string& text = wanted.text();
  if (text == out.format().text() && wanted.itemsize() == out.format().itemsize()) {
    raise(PyExc_ValueError,
          "out has the format '%s' as it was parsed before a type in it was registered; parse the "
          "text again, e.g. by buf.view('%s')",
          text.c_str(), text.c_str());
  }
  // Plain bytes have no format of their own.
  const std::string hint =
      out.format().text() == "B" ? "; pass Buffer(out).view('" + text + "')" : "";
  raise(PyExc_ValueError, "out has the format '%s', not '%s'%s", out.format().text().c_str(),
        text.c_str(), hint.c_str());
}

Fresh::Fresh(const BufferView& view, const Format& format, char order, Clear clear)
    : shape(view.shape().begin(), view.shape().end()), strides(shape.size()) {
  if (order == 'A') order = is_f_contiguous(view) && !is_c_contiguous(view) ? 'F' : 'C';
  // Strides of pointers say nothing about the order of what they point to.
  if (order == 'K' && (is_c_contiguous(view) || !view.suboffsets().empty())) order = 'C';
  if (order == 'K') {
    const Layout like =
        Layout::strided(view.format(), shape, {view.strides().begin(), view.strides().end()});
    const Layout layout = Layout::like(format, like);
    strides.assign(layout.strides().begin(), layout.strides().end());
  }
  allocate(format, order, clear);
}

Fresh::Fresh(std::vector<int64_t> dims, const Format& format, Clear clear)
    : shape(std::move(dims)), strides(shape.size()) {
  allocate(format, 'C', clear);
}

// `order` K: the strides are there already.
void Fresh::allocate(const Format& format, char order, Clear clear) {
  int64_t bytes = format.itemsize();
  bool empty = false;
  for (size_t i = 0; i < shape.size(); ++i) {
    const size_t axis = order == 'F' ? i : shape.size() - 1 - i;
    if (order != 'K') strides[axis] = bytes;
    empty = empty || shape[axis] == 0;
    if (__builtin_mul_overflow(bytes, shape[axis] == 0 ? 1 : shape[axis], &bytes)) {
      raise(PyExc_ValueError, "a result of this shape does not fit the address space");
    }
  }
  const bool zeroed = clear == Clear::kAll || (clear == Clear::kPadding && !is_dense(format));
  memory = memory_of_size(empty ? 0 : bytes, zeroed, &data);
}

nb::object Fresh::buffer(const Format& format) {
  return make_buffer(std::move(memory), data, format, shape, strides, false);
}

}  // namespace stridecast::python
