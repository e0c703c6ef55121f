// reduce: folds the items of a buffer along axes.
#include <nanobind/nanobind.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "python/args.h"
#include "python/bindings.h"
#include "python/buffer_view.h"
#include "python/errors.h"
#include "python/format_arg.h"
#include "python/job.h"
#include "python/ops_doc.h"
#include "stridecast/ops.h"

namespace stridecast::python {
namespace {

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
    for (int k = 0; k < kNumReduceOps; ++k) {
      const auto known = static_cast<ReduceOp>(k);
      if (PyUnicode_CompareWithASCIIString(op, reduce_name(known)) == 0) return known;
    }
  }
  raise(PyExc_ValueError, "op must be 'sum', 'min', 'max', 'any', 'all' or 'count_nonzero', not %R",
        op);
}

// In the host's byte order, but for types that have a parameter.
Format result_format(ReduceOp op, const Format& source, const Field& scalar) {
  const DType result = reduce_result(op, scalar.type);
  return result == scalar.type && !is_arithmetic(result) ? source : Format::of(result);
}

Signature reduce_signature = {
    "reduce", 2, 2, {"buf", "op", "axis", "dtype", "keepdims", "out", "threads"}};

PyObject* reduce(const Arguments<7>& a) {
  const auto& [buf, op, axis, dtype, keepdims, out, threads] = a;
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
        destination.data(), {threads});
    return Py_NewRef(out);
  }
  if (!format) {
    const Field* scalar = source.format().scalar();
    format =
        scalar != nullptr ? result_format(options.op, source.format(), *scalar) : source.format();
  }
  std::vector<int64_t> shape;
  for (int k = 0; k < source.ndim(); ++k) {
    const bool folded = std::binary_search(options.axes.begin(), options.axes.end(), k);
    if (!folded) shape.push_back(source.shape()[static_cast<size_t>(k)]);
    if (folded && keep) shape.push_back(1);
  }
  Fresh fresh(std::move(shape), *format);
  run(cached_reduce(source.layout(), fresh.layout(*format), options), source.data(), fresh.data,
      {threads});
  return fresh.buffer(*format).release().ptr();
}

}  // namespace

void bind_reduce(nb::module_& m) {
  static PyMethodDef methods[] = {method<reduce_signature, reduce>(kReduceDoc),
                                  {nullptr, nullptr, 0, nullptr}};
  if (PyModule_AddFunctions(m.ptr(), methods) != 0) raise_current();
}

}  // namespace stridecast::python
