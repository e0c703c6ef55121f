// The functions that work on buffers: convert, astype, copy, byteswap, reduce, asarray. CPython
// calls them directly (METH_FASTCALL), because a small job takes less time than a general argument
// dispatch. Each reads its operands, looks up a plan, provides a result and runs; nothing here
// touches an element.
#include <nanobind/nanobind.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "python/args.h"
#include "python/bindings.h"
#include "python/buffer.h"
#include "python/buffer_view.h"
#include "python/errors.h"
#include "python/format_arg.h"
#include "python/memory.h"
#include "python/numpy_dtype.h"
#include "python/numpy_view.h"
#include "python/ops_doc.h"
#include "stridecast/layout.h"
#include "stridecast/ops.h"
#include "stridecast/runtime.h"

namespace stridecast::python {
namespace {

using Arguments = std::array<PyObject*, Signature::kMaxArguments>;

// From here on (bytes read plus written) a job is worth more than one thread, and letting other
// Python threads run meanwhile is worth its price.
constexpr int64_t kThreadsFrom = int64_t{4} << 20;
constexpr int64_t kReleaseGilFrom = int64_t{16} << 10;

#if PY_VERSION_HEX < 0x030D0000
bool is_finalizing() { return _Py_IsFinalizing() != 0; }
#else
bool is_finalizing() { return Py_IsFinalizing() != 0; }
#endif

// Other Python threads run while it lives. Until Python 3.14 a daemon thread that asks for the lock
// while the interpreter ends is unwound, which no C++ destructor survives; it waits for the end
// instead.
class ReleasedGil {
 public:
  ReleasedGil() : state_(PyEval_SaveThread()) {}
  ~ReleasedGil() {
    while (is_finalizing()) pause();
    PyEval_RestoreThread(state_);
  }
  ReleasedGil(const ReleasedGil&) = delete;
  ReleasedGil& operator=(const ReleasedGil&) = delete;

 private:
  PyThreadState* state_;
};

void run(const Plan& plan, char* src, char* dst, PyObject* threads) {
  RunOptions options;
  const int64_t bytes = plan.bytes_moved();
  if (is_given(threads)) {
    options.threads = thread_count(threads, "threads");
  } else if (bytes > kThreadsFrom) {
    options.threads = default_threads();
  }
  RunStatus status;
  if (bytes > kReleaseGilFrom) {
    const ReleasedGil released;
    status = plan.try_run({src}, {dst}, options);
  } else {
    status = plan.try_run({src}, {dst}, options);
  }
  if (!status.ok()) [[unlikely]]
    throw plan.status_error(status);
}

bool is_c_contiguous(const BufferView& view) {
  int64_t expected = view.format().itemsize();
  for (int k = view.ndim() - 1; k >= 0; --k) {
    const auto axis = static_cast<size_t>(k);
    if (view.shape()[axis] != 1 && view.strides()[axis] != expected) return false;
    expected *= view.shape()[axis];
  }
  return true;
}

bool is_f_contiguous(const BufferView& view) {
  int64_t expected = view.format().itemsize();
  for (size_t axis = 0; axis < view.shape().size(); ++axis) {
    if (view.shape()[axis] != 1 && view.strides()[axis] != expected) return false;
    expected *= view.shape()[axis];
  }
  return true;
}

// Shape, strides and memory of a result that nobody provided.
struct Fresh {
  std::vector<int64_t> shape, strides;
  nb::object memory;
  char* data = nullptr;

  // Like `view` in the memory order that `order` says.
  Fresh(const BufferView& view, const Format& format, char order)
      : shape(view.shape().begin(), view.shape().end()), strides(shape.size()) {
    if (order == 'A') order = is_f_contiguous(view) && !is_c_contiguous(view) ? 'F' : 'C';
    if (order == 'K' && !is_c_contiguous(view)) {
      const Layout like =
          Layout::strided(view.format(), shape, {view.strides().begin(), view.strides().end()});
      const Layout layout = Layout::like(format, like);
      strides.assign(layout.strides().begin(), layout.strides().end());
    }
    allocate(format, order == 'K' && !is_c_contiguous(view) ? 0 : order == 'F' ? 'F' : 'C');
  }

  // Of this shape in C order.
  Fresh(std::vector<int64_t> dims, const Format& format)
      : shape(std::move(dims)), strides(shape.size()) {
    allocate(format, 'C');
  }

  nb::object buffer(const Format& format) {
    return make_buffer(std::move(memory), data, format, shape, strides, false);
  }

 private:
  // `order` 0: the strides are there already.
  void allocate(const Format& format, char order) {
    int64_t bytes = format.itemsize();
    bool empty = false;
    for (size_t i = 0; i < shape.size(); ++i) {
      const size_t axis = order == 'F' ? i : shape.size() - 1 - i;
      if (order != 0) strides[axis] = bytes;
      empty = empty || shape[axis] == 0;
      if (__builtin_mul_overflow(bytes, shape[axis] == 0 ? 1 : shape[axis], &bytes)) {
        raise(PyExc_ValueError, "a result of this shape does not fit the address space");
      }
    }
    // Padding must not show what the memory held before; a scalar has none.
    memory = memory_of_size(empty ? 0 : bytes, format.scalar() == nullptr, &data);
  }
};

void require_format(const Format& wanted, const BufferView& out) {
  if (!(wanted == out.format())) {
    raise(PyExc_ValueError, "out has the format '%s', not '%s'", out.format().text().c_str(),
          wanted.text().c_str());
  }
}

// The common end of convert and copy: into `out` if it is given, else into a fresh Buffer.
PyObject* convert_to(const BufferView& source, const Format* format, PyObject* out, char order,
                     const ConvertOptions& options, PyObject* threads) {
  if (is_given(out)) {
    BufferView destination;
    destination.open(out, Access::kWrite, "out");
    if (format != nullptr) require_format(*format, destination);
    run(cached_convert(source.layout(), destination.layout(), options), source.data(),
        destination.data(), threads);
    return Py_NewRef(out);
  }
  if (format == nullptr) raise(PyExc_TypeError, "a format is needed where out is not given");
  Fresh fresh(source, *format, order);
  const LayoutView layout{format, fresh.shape, fresh.strides, 0};
  run(cached_convert(source.layout(), layout, options), source.data(), fresh.data, threads);
  return fresh.buffer(*format).release().ptr();
}

Signature convert_signature = {
    "convert", 2, 2, {"buf", "fmt", "out", "overflow", "nan", "order", "fields", "threads"}};

PyObject* convert(const Arguments& a) {
  const auto [buf, fmt, out, overflow, nan, order, fields, threads, unused] = a;
  ConvertOptions options;
  options.overflow = overflow_value(overflow);
  options.nan = nan_value(nan);
  options.fields = fields_value(fields);
  const char memory_order = order_value(order, 'K');
  BufferView source;
  source.open(buf, Access::kRead, "buf");
  if (fmt == Py_None) {
    return convert_to(source, nullptr, out, memory_order, options, threads);
  }
  const FormatRef format = format_of_argument(fmt);
  return convert_to(source, &*format, out, memory_order, options, threads);
}

Signature copy_signature = {"copy", 1, 1, {"buf", "order", "out"}};

PyObject* copy(const Arguments& a) {
  const char order = order_value(a[1], 'C');
  BufferView source;
  source.open(a[0], Access::kRead, "buf");
  return convert_to(source, &source.format(), a[2], order, {}, nullptr);
}

Signature astype_signature = {
    "astype",
    2,
    2,
    {"array", "dtype", "order", "casting", "copy", "out", "overflow", "nan", "threads"}};

PyObject* astype(const Arguments& a) {
  const auto [array, dtype_argument, order, casting, copy_argument, out, overflow, nan, threads] =
      a;
  ConvertOptions options;
  options.overflow = overflow_value(overflow);
  options.nan = nan_value(nan);
  options.fields = FieldMatch::kPosition;
  const char memory_order = order_value(order, 'K');

  nb::object held;  // an ndarray made of another buffer
  PyObject* source_array = array;
  if (!is_ndarray(array)) {
    BufferView view;
    view.open(array, Access::kRead, "array");
    nb::object memory = view.memory();
    held = ndarray_over(memory, view.data(), view.format(), view.shape(), view.strides(),
                        view.readonly());
    source_array = held.ptr();
  }
  if (is_given(out) && !is_ndarray(out)) {
    raise(PyExc_TypeError, "out must be an ndarray, not %.200s", Py_TYPE(out)->tp_name);
  }
  nb::object dtype;
  if (dtype_argument != Py_None) {
    dtype = dtype_of_argument(dtype_argument);
    // "S", "U" and "V" without a size take the source's.
    if (itemsize_of(dtype) == 0 && dtype.type().is(dtype_of_array(source_array).type())) {
      dtype = nb::borrow(dtype_of_array(source_array));
    }
  } else if (is_given(out)) {
    dtype = nb::borrow(dtype_of_array(out));
  } else {
    raise(PyExc_TypeError, "a dtype is needed where out is not given");
  }
  if (is_given(casting)) require_cast(source_array, dtype, casting);
  if (is_given(out) && !same_dtype(dtype_of_array(out), dtype)) {
    raise(PyExc_ValueError, "out has the dtype %R, not %R", dtype_of_array(out).ptr(), dtype.ptr());
  }
  if (!(fields_in_order(dtype.ptr()) && fields_in_order(dtype_of_array(source_array).ptr())) &&
      !same_dtype(dtype_of_array(source_array), dtype)) {
    raise(PyExc_ValueError,
          "fields that do not lie in memory in the order of their names cannot be "
          "paired by position; use convert with fields='name'");
  }
  if (!is_given(out) && !bool_value(copy_argument, true) &&
      satisfies(source_array, dtype, memory_order)) {
    return Py_NewRef(source_array);
  }

  nb::object result =
      is_given(out) ? nb::borrow(out) : empty_like(source_array, dtype, memory_order);
  BufferView source, destination;
  source.open(source_array, Access::kRead, "array");
  destination.open(result.ptr(), Access::kWrite, "out");
  run(cached_convert(source.layout(), destination.layout(), options), source.data(),
      destination.data(), threads);
  return result.release().ptr();
}

Signature byteswap_signature = {"byteswap", 1, 1, {"buf", "inplace"}};

PyObject* byteswap(const Arguments& a) {
  const bool inplace = bool_value(a[1], false);
  BufferView source;
  source.open(a[0], inplace ? Access::kWrite : Access::kRead, "buf");
  if (inplace) {
    run(cached_byteswap(source.layout(), source.layout()), source.data(), source.data(), nullptr);
    return Py_NewRef(a[0]);
  }
  Fresh fresh(source, source.format(), 'K');
  const LayoutView layout{&source.format(), fresh.shape, fresh.strides, 0};
  run(cached_byteswap(source.layout(), layout), source.data(), fresh.data, nullptr);
  return fresh.buffer(source.format()).release().ptr();
}

// The axes to fold, in ascending order.
std::vector<int> axes_value(PyObject* axis, int ndim) {
  std::vector<int> axes;
  if (!is_given(axis)) {
    for (int k = 0; k < ndim; ++k) axes.push_back(k);
    return axes;
  }
  const auto add = [&](PyObject* item) {
    const int64_t value = int_value(item, "axis");
    if (value < -ndim || value >= ndim) {
      raise(PyExc_ValueError, "axis %lld is out of range for %d dimensions",
            static_cast<long long>(value), ndim);
    }
    axes.push_back(static_cast<int>(value < 0 ? value + ndim : value));
  };
  if (PyTuple_Check(axis)) {
    for (nb::handle item : nb::borrow<nb::tuple>(axis)) add(item.ptr());
  } else {
    add(axis);
  }
  std::sort(axes.begin(), axes.end());
  if (std::adjacent_find(axes.begin(), axes.end()) != axes.end()) {
    raise(PyExc_ValueError, "axis %R names an axis twice", axis);
  }
  return axes;
}

ReduceOp op_value(PyObject* op) {
  if (PyUnicode_Check(op)) {
    if (PyUnicode_CompareWithASCIIString(op, "sum") == 0) return ReduceOp::kSum;
    if (PyUnicode_CompareWithASCIIString(op, "min") == 0) return ReduceOp::kMin;
  }
  raise(PyExc_ValueError, "op must be 'sum' or 'min', not %R", op);
}

Signature reduce_signature = {
    "reduce", 2, 2, {"buf", "op", "axis", "dtype", "keepdims", "out", "threads"}};

PyObject* reduce(const Arguments& a) {
  const auto [buf, op, axis, dtype, keepdims, out, threads, unused, unused_too] = a;
  ReduceOptions options;
  options.op = op_value(op);
  const bool keep = bool_value(keepdims, false);
  BufferView source;
  source.open(buf, Access::kRead, "buf");
  options.axes = axes_value(axis, source.ndim());

  std::optional<Format> format;
  if (is_given(dtype)) format = *format_of_argument(dtype);
  if (is_given(out)) {
    BufferView destination;
    destination.open(out, Access::kWrite, "out");
    if (format) require_format(*format, destination);
    run(cached_reduce(source.layout(), destination.layout(), options), source.data(),
        destination.data(), threads);
    return Py_NewRef(out);
  }
  if (!format) {
    const Field* scalar = source.format().scalar();
    format = scalar != nullptr && is_arithmetic(scalar->type)
                 ? Format::of(reduce_result(options.op, scalar->type))
                 : source.format();
  }
  std::vector<int64_t> shape;
  for (int k = 0; k < source.ndim(); ++k) {
    const bool folded = std::binary_search(options.axes.begin(), options.axes.end(), k);
    if (!folded) shape.push_back(source.shape()[static_cast<size_t>(k)]);
    if (folded && keep) shape.push_back(1);
  }
  Fresh fresh(std::move(shape), *format);
  const LayoutView layout{&*format, fresh.shape, fresh.strides, 0};
  run(cached_reduce(source.layout(), layout, options), source.data(), fresh.data, threads);
  return fresh.buffer(*format).release().ptr();
}

Signature asarray_signature = {"asarray", 1, 1, {"buf"}};

PyObject* asarray(const Arguments& a) {
  if (is_ndarray(a[0])) return Py_NewRef(a[0]);
  BufferView view;
  view.open(a[0], Access::kRead, "buf");
  nb::object memory = view.memory();
  return ndarray_over(memory, view.data(), view.format(), view.shape(), view.strides(),
                      view.readonly())
      .release()
      .ptr();
}

// The function that CPython calls for `Body`.
template <Signature& kSignature, PyObject* (*Body)(const Arguments&)>
PyObject* entry(PyObject*, PyObject* const* args, Py_ssize_t nargs, PyObject* keywords) {
  return guarded(
      [&] {
        Arguments arguments;
        kSignature.match(args, nargs, keywords, &arguments);
        return Body(arguments);
      },
      static_cast<PyObject*>(nullptr));
}

template <Signature& kSignature, PyObject* (*Body)(const Arguments&)>
PyMethodDef method(const char* doc) {
  kSignature.prepare();
  return {kSignature.function,
          reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(entry<kSignature, Body>)),
          METH_FASTCALL | METH_KEYWORDS, doc};
}

}  // namespace

void bind_ops(nb::module_& m) {
  static PyMethodDef methods[] = {method<convert_signature, convert>(kConvertDoc),
                                  method<astype_signature, astype>(kAstypeDoc),
                                  method<copy_signature, copy>(kCopyDoc),
                                  method<byteswap_signature, byteswap>(kByteswapDoc),
                                  method<reduce_signature, reduce>(kReduceDoc),
                                  method<asarray_signature, asarray>(kAsarrayDoc),
                                  {nullptr, nullptr, 0, nullptr}};
  if (PyModule_AddFunctions(m.ptr(), methods) != 0) raise_current();
}

}  // namespace stridecast::python
