// Numbers, sequences and arrays as a Scaling; see scaling_args.h.
#include "python/scaling_args.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

#include "python/args.h"
#include "python/buffer_view.h"
#include "python/classes.h"
#include "python/errors.h"
#include "python/format_arg.h"
#include "python/python_kernel.h"
#include "stridecast/ops.h"

namespace stridecast::python {
namespace {

double double_of(PyObject* number, const char* name) {
  const double value = PyFloat_AsDouble(number);
  if (value == -1.0 && PyErr_Occurred() != nullptr) {
    if (!PyErr_ExceptionMatches(PyExc_TypeError)) raise_current();
    PyErr_Clear();
    raise(PyExc_TypeError, "%s must be a number or a sequence of numbers, not %.200s", name,
          type_name_of(number).c_str());
  }
  return value;
}

bool is_number(PyObject* argument) { return PyFloat_Check(argument) || PyLong_Check(argument); }

// The numbers of an array or a numpy scalar.
std::vector<double> doubles_of_array(PyObject* argument, const char* name) {
  BufferView view;
  view.open(argument, Access::kRead, name);
  if (view.ndim() > 1) {
    raise(PyExc_ValueError, "%s must be a number or have one dimension, not %d", name, view.ndim());
  }
  const Field* field = view.format().scalar();
  if (field != nullptr && is_complex(field->type)) {
    raise(PyExc_TypeError, "%s must be real numbers, not complex ones", name);
  }
  std::vector<double> values(static_cast<size_t>(view.size()));
  static const Format& float64 = *new Format(Format::of(DType::kFloat64));
  const int64_t stride = sizeof(double);
  const LayoutView packed{&float64, view.shape(), {&stride, view.shape().size()}};
  if (!values.empty()) cached_convert(view.layout(), packed).run(view.data(), values.data());
  return values;
}

std::vector<double> doubles_of(PyObject* argument, const char* name, double otherwise) {
  if (!is_given(argument)) return {otherwise};
  if (is_number(argument)) return {double_of(argument, name)};
  const bool text = PyUnicode_Check(argument) || PyBytes_Check(argument);
  if (!text && is_readable(argument)) return doubles_of_array(argument, name);
  if (text || !PySequence_Check(argument)) return {double_of(argument, name)};
  const nb::object items = checked(PySequence_Tuple(argument));
  std::vector<double> values;
  for (Py_ssize_t k = 0; k < PyTuple_Size(items.ptr()); ++k) {
    values.push_back(double_of(PyTuple_GetItem(items.ptr(), k), name));
  }
  return values;
}

DType compute_value(PyObject* argument) {
  if (!is_given(argument)) return DType::kOpaque;
  if (PyUnicode_Check(argument)) {
    if (PyUnicode_CompareWithASCIIString(argument, "float32") == 0) return DType::kFloat32;
    if (PyUnicode_CompareWithASCIIString(argument, "float64") == 0) return DType::kFloat64;
  }
  raise(PyExc_ValueError, "compute must be 'float32', 'float64' or None, not %R", argument);
}

// --- missing values ------------------------------------------------------------------------------

// One element of `from` as one of `to`, whose bytes are `to`'s; false if it is out of its range.
bool convert_one(const Format& from, const void* value, const Format& to, void* bytes) {
  static constexpr ConvertOptions kRaising = {.overflow = Overflow::kRaise};
  const Plan plan = cached_convert({&from, {}, {}}, {&to, {}, {}}, kRaising);
  if (plan.try_run({const_cast<void*>(value)}, {bytes}).ok()) return true;
  // What a callable of a registered type raised is said now, not by the next conversion that fails.
  if (restore_callable_error(nullptr)) throw nb::python_error();
  return false;
}

// Whether `value`, there and back, is what it was.
template <typename T>
bool store_exactly(DType type, T value, const Format& stored, ElementBytes* element) {
  const Format from = Format::of(type);
  T back = {};
  if (!convert_one(from, &value, stored, element->bytes.data())) return false;
  if (!convert_one(stored, element->bytes.data(), from, &back)) return false;
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(value)) return std::isnan(back);
  }
  return value == back;
}

[[noreturn]] void raise_inexact(PyObject* value, const Format& stored) {
  raise(PyExc_ValueError, "missing: no item of the stored format '%s' is exactly %R",
        stored.text().c_str(), value);
}

// Most missing values are integers of an integer type, and need no plan: at most 63 bits, in the
// machine's order. False: another way may know.
bool store_integer(int64_t value, const Field& field, ElementBytes* element) {
  const TypeFacts& facts = type_facts(field.type);
  if (!is_arithmetic(field.type) || facts.size > 8) return false;
  if (facts.kind != Kind::kSigned && facts.kind != Kind::kUnsigned) return false;
  const int bits = facts.size * 8 - (facts.kind == Kind::kSigned ? 1 : 0);
  const int64_t top = bits >= 63 ? INT64_MAX : (int64_t{1} << bits) - 1;
  const int64_t bottom = facts.kind == Kind::kSigned ? -top - 1 : 0;
  if (value < bottom || value > top) return false;
  const auto raw = static_cast<uint64_t>(value);
  for (int k = 0; k < facts.size; ++k) {
    const int at = kHostOrder == ByteOrder::kLittle ? k : facts.size - 1 - k;
    element->bytes[static_cast<size_t>(at)] = static_cast<std::byte>(raw >> (8 * k));
  }
  return true;
}

// Integers of any size first: floats hold few of them.
bool store_number(PyObject* value, const Format& stored, ElementBytes* element) {
  if (PyFloat_Check(value) || PyIndex_Check(value) == 0) {
    return store_exactly(DType::kFloat64, double_of(value, "missing"), stored, element);
  }
  const nb::object index = checked(PyNumber_Index(value));
  int overflow = 0;
  const int64_t number = PyLong_AsLongLongAndOverflow(index.ptr(), &overflow);
  if (overflow == 0) return store_exactly(DType::kInt64, number, stored, element);
  const uint64_t large = overflow > 0 ? PyLong_AsUnsignedLongLong(index.ptr()) : 0;
  if (overflow > 0 && PyErr_Occurred() == nullptr) {
    return store_exactly(DType::kUint64, large, stored, element);
  }
  PyErr_Clear();
  // Beyond 64 bits only floats go, and Python compares with those exactly.
  const nb::object nearest = nb::steal(PyNumber_Float(index.ptr()));
  if (!nearest) {
    PyErr_Clear();
    return false;
  }
  const int equal = PyObject_RichCompareBool(nearest.ptr(), index.ptr(), Py_EQ);
  if (equal < 0) raise_current();
  return equal != 0 &&
         store_exactly(DType::kFloat64, PyFloat_AsDouble(nearest.ptr()), stored, element);
}

// Whether `dtype` is of the times that the field holds, in whatever byte order.
bool is_type_of(nb::handle dtype, const Field& field) {
  const FormatRef format = format_of_argument(dtype.ptr());
  const Field* const given = format->scalar();
  return given != nullptr && given->type == field.type && given->custom == field.custom;
}

// An int in the unit of the items, one of NumPy's times in that unit, or NaT, which like NaN is not
// itself.
int64_t time_of(PyObject* value, const Field& field) {
  if (PyIndex_Check(value) != 0) return int_value(value, "missing");
  // Not RichCompareBool, to which an object always equals itself.
  const nb::object differs = checked(PyObject_RichCompare(value, value, Py_NE));
  if (truth(differs.ptr())) return INT64_MIN;
  const nb::object dtype = optional_attribute(value, "dtype");
  if (dtype.is_valid() && is_type_of(dtype, field)) {
    const nb::object integer = nb::borrow(value).attr("view")("i8");
    return int_value(integer.ptr(), "missing");
  }
  raise(PyExc_TypeError,
        "missing values of times must be ints or times in the unit of the items, or NaT, not %R",
        value);
}

ElementBytes element_of(PyObject* value, const Format& stored, const Field& field) {
  if (type_facts(field.type).kind == Kind::kTime) return ElementBytes::of(time_of(value, field));
  ElementBytes element;
  element.size = static_cast<int>(field.itemsize);
  if (PyLong_CheckExact(value)) {
    int overflow = 0;
    const int64_t number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow == 0 && store_integer(number, field, &element)) return element;
  }
  if (!store_number(value, stored, &element)) raise_inexact(value, stored);
  if (field.swap_unit > 1 && field.order != kHostOrder) {
    std::reverse(element.bytes.begin(), element.bytes.begin() + element.size);
  }
  return element;
}

}  // namespace

std::vector<ElementBytes> missing_of_argument(PyObject* argument, const Format& stored) {
  if (!is_given(argument)) return {};
  const Field* field = stored.scalar();
  if (field == nullptr || is_complex(field->type)) {
    raise(PyExc_TypeError, "missing values stand for items of one real number or time, not '%s'",
          stored.text().c_str());
  }
  const bool one = is_number(argument) || PyUnicode_Check(argument) || !PySequence_Check(argument);
  if (one) return {element_of(argument, stored, *field)};
  const nb::object items = checked(PySequence_Tuple(argument));
  std::vector<ElementBytes> elements;
  for (Py_ssize_t k = 0; k < PyTuple_Size(items.ptr()); ++k) {
    elements.push_back(element_of(PyTuple_GetItem(items.ptr(), k), stored, *field));
  }
  return elements;
}

Scaling scaling_of_arguments(const ScalingArguments& arguments, const Format& stored) {
  Scaling scaling;
  scaling.scale = doubles_of(arguments.scale, "scale", 1.0);
  scaling.offset = doubles_of(arguments.offset, "offset", 0.0);
  scaling.compute = compute_value(arguments.compute);
  scaling.missing = missing_of_argument(arguments.missing, stored);
  if (is_given(arguments.axis)) {
    const int64_t axis = int_value(arguments.axis, "axis");
    scaling.axis = static_cast<int>(std::clamp<int64_t>(axis, INT32_MIN, INT32_MAX));
  } else if (scaling.scale.size() > 1 || scaling.offset.size() > 1) {
    const bool scales = scaling.scale.size() > 1;
    raise(PyExc_ValueError,
          "%s has %zd values: say with axis= which axis of the result they are of",
          scales ? "scale" : "offset",
          static_cast<Py_ssize_t>(scales ? scaling.scale.size() : scaling.offset.size()));
  }
  return scaling;
}

}  // namespace stridecast::python
