// Arguments of the functions that CPython calls without nanobind in between (METH_FASTCALL):
// matching them to names, and reading the option values that several functions share.
#ifndef STRIDECAST_PYTHON_ARGS_H_
#define STRIDECAST_PYTHON_ARGS_H_

#include <nanobind/nanobind.h>

#include <array>
#include <cstdint>
#include <span>

#include "stridecast/plan.h"

namespace stridecast::python {

namespace nb = nanobind;

/// The parameters of one function: its first `positional` may be given by position, the first
/// `required` must be given.
struct Signature {
  static constexpr int kMaxArguments = 9;
  const char* function;
  int positional;
  int required;
  std::array<const char*, kMaxArguments> names;        // a null ends the list
  std::array<PyObject*, kMaxArguments> interned = {};  // by prepare()

  /// Interns the names; once, at import.
  void prepare();
  /// Fills `values` (null where an argument is not given). Raises TypeError.
  void match(PyObject* const* args, Py_ssize_t nargs, PyObject* keywords,
             std::array<PyObject*, kMaxArguments>* values) const;
};

/// Option values; null and None mean the default. They raise TypeError or ValueError naming the
/// choices.
Overflow overflow_value(PyObject* argument);
NanPolicy nan_value(PyObject* argument);
FieldMatch fields_value(PyObject* argument);
/// 'K', 'C', 'F' or 'A'; `otherwise` if not given.
char order_value(PyObject* argument, char otherwise);
bool bool_value(PyObject* argument, bool otherwise);
/// Any integer. Raises TypeError, or OverflowError beyond 64 bits.
int64_t int_value(PyObject* argument, const char* name);
/// A number of threads, at least 1.
int thread_count(PyObject* argument, const char* name);

/// A tuple of ints: a shape or strides as Python shows them.
nb::tuple int_tuple(std::span<const int64_t> values);

inline bool is_given(PyObject* argument) { return argument != nullptr && argument != Py_None; }

}  // namespace stridecast::python

#endif  // STRIDECAST_PYTHON_ARGS_H_
