// reduce: folds the items of a buffer along axes.
#include <nanobind/nanobind.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "python/args.h"
#include "python/bindings.h"
#include "python/buffer_view.h"
#include "python/classes.h"
#include "python/errors.h"
#include "python/format_arg.h"
#include "python/job.h"
#include "python/mask_arg.h"
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

// The names of operations, interned as a caller's literals are.
std::array<PyObject*, kNumReduceOps> op_names = {};

ReduceOp op_value(PyObject* op) {
  for (size_t k = 0; k < op_names.size(); ++k) {
    if (op == op_names[k]) return static_cast<ReduceOp>(k);
  }
  std::string names;
  for (int k = 0; k < kNumReduceOps; ++k) {
    const auto known = static_cast<ReduceOp>(k);
    if (PyUnicode_Check(op) && PyUnicode_CompareWithASCIIString(op, reduce_name(known)) == 0) {
      return known;
    }
    names += std::string(k == 0 ? "'" : ", '") + reduce_name(known) + "'";
  }
  raise(PyExc_ValueError, "op must be one of %s, not %R", names.c_str(), op);
}

// Numbers in the host's byte order, types with a parameter as the source has them.
Format result_format(ReduceOp op, const Format& source) {
  const Field* scalar = source.scalar();
  if (scalar == nullptr) return source;  // to be refused with the reason
  const DType result = reduce_result(op, scalar->type);
  const bool has_code = is_number(result) && !is_narrow(result);
  return has_code ? Format::of(result) : source;
}

// A number, or anything that a 0-d buffer of a convertible format is made of, as an element of
// `format` in the machine's order.
ElementBytes initial_value(PyObject* value, const Format& format) {
  ElementBytes element;
  if (!is_given(value)) return element;
  const Field* field = format.scalar();
  if (field == nullptr || field->itemsize > static_cast<int64_t>(element.bytes.size())) {
    raise(PyExc_TypeError, "initial cannot be an item of format '%s'", format.text().c_str());
  }
  element.size = static_cast<int>(field->itemsize);
  const auto convert = [&](const LayoutView& from, const void* item) {
    ConvertOptions exact;
    exact.overflow = Overflow::kRaise;
    const Plan plan = cached_convert(from, {&format, {}, {}}, exact);
    const RunStatus status = plan.try_run({const_cast<void*>(item)}, {element.bytes.data()});
    if (!status.ok()) throw plan.status_error(status);
  };
  const auto convert_number = [&](DType type, const void* item) {
    const Format from = Format::of(type);
    convert({&from, {}, {}}, item);
  };
  if (PyLong_Check(value) && type_facts(field->type).kind == Kind::kTime) {
    return ElementBytes::of(int_value(value, "initial"));
  }
  if (PyLong_Check(value)) {
    const int64_t number = int_value(value, "initial");
    convert_number(DType::kInt64, &number);
  } else if (PyFloat_Check(value)) {
    const double number = PyFloat_AsDouble(value);
    convert_number(DType::kFloat64, &number);
  } else if (PyComplex_Check(value)) {
    const double number[2] = {PyComplex_RealAsDouble(value), PyComplex_ImagAsDouble(value)};
    convert_number(DType::kComplexFloat64, number);
  } else {
    BufferView view;
    view.open(value, Access::kRead, "initial");
    if (view.ndim() != 0) raise(PyExc_ValueError, "initial must be one item, not an array");
    convert(view.layout(), view.data());
  }
  if (field->swap_unit > 1 && field->order != kHostOrder) {
    std::reverse(element.bytes.begin(), element.bytes.begin() + element.size);
  }
  return element;
}

double real_value(PyObject* argument, const char* name) {
  const double value = PyFloat_AsDouble(argument);
  if (value == -1.0 && PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    raise(PyExc_TypeError, "%s must be a number, not %.200s", name, type_name_of(argument).c_str());
  }
  return value;
}

// Where the results go, and how.
struct Target {
  LayoutView layout;
  char* data;
};

void run_reduction(const BufferView& source, const Target& target, const ReduceOptions& options,
                   PyObject* where, PyObject* threads) {
  if (!is_given(where)) {
    return run(cached_reduce(source.layout(), target.layout, options), source.data(), target.data,
               {threads});
  }
  BufferView mask;
  open_mask(where, source.shape(), "buf's", &mask);
  const Plan plan = cached_reduce(source.layout(), target.layout, mask.layout(), options);
  const int64_t bytes = plan.bytes_moved();
  const RunOptions how = run_options({threads}, bytes);
  const RunStatus status = release_gil_for(
      bytes, [&] { return plan.try_run({source.data()}, {target.data}, {mask.data()}, how); });
  if (!status.ok()) throw plan.status_error(status);
}

Signature reduce_signature = {"reduce",
                              2,
                              2,
                              {"buf", "op", "axis", "dtype", "keepdims", "skipna", "where",
                               "initial", "ddof", "algorithm", "overflow", "out", "threads"}};

PyObject* reduce(const Arguments<13>& a) {
  const auto& [buf, op, axis, dtype, keepdims, skipna, where, initial, ddof, algorithm, overflow,
               out, threads] = a;
  ReduceOptions options;
  options.op = op_value(op);
  options.skipna = bool_value(skipna, false);
  options.overflow = overflow_value(overflow);
  if (is_given(ddof)) options.ddof = real_value(ddof, "ddof");
  if (is_given(algorithm)) options.algorithm = choose_algorithm(algorithm);
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
    options.initial = initial_value(initial, destination.format());
    run_reduction(source, {destination.layout(), destination.data()}, options, where, threads);
    return Py_NewRef(out);
  }
  if (!format) format = result_format(options.op, source.format());
  options.initial = initial_value(initial, *format);
  std::vector<int64_t> shape;
  if (options.op == ReduceOp::kMinMax) shape.push_back(2);
  for (int k = 0; k < source.ndim(); ++k) {
    const bool folded = std::binary_search(options.axes.begin(), options.axes.end(), k);
    if (!folded) shape.push_back(source.shape()[static_cast<size_t>(k)]);
    if (folded && keep) shape.push_back(1);
  }
  Fresh fresh(std::move(shape), *format);
  run_reduction(source, {fresh.layout(*format), fresh.data}, options, where, threads);
  return fresh.buffer(*format).release().ptr();
}

}  // namespace

void bind_reduce(nb::module_& m) {
  static PyMethodDef methods[] = {method<reduce_signature, reduce>(kReduceDoc),
                                  {nullptr, nullptr, 0, nullptr}};
  if (PyModule_AddFunctions(m.ptr(), methods) != 0) raise_current();
  for (int k = 0; k < kNumReduceOps; ++k) {
    PyObject* const name = PyUnicode_InternFromString(reduce_name(static_cast<ReduceOp>(k)));
    if (name == nullptr) raise_current();
    op_names[static_cast<size_t>(k)] = name;
  }
}

}  // namespace stridecast::python
