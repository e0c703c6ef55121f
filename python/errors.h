// Errors at the boundary: stridecast::Error becomes a Python exception here and nowhere else, and
// our own code raises Python exceptions through raise(). What went wrong is decided elsewhere.
#ifndef STRIDECAST_PYTHON_ERRORS_H_
#define STRIDECAST_PYTHON_ERRORS_H_

#include <nanobind/nanobind.h>

#include <utility>

#include "stridecast/error.h"

namespace stridecast::python {

namespace nb = nanobind;

/// Adds FormatError and UnknownTypeError to the module and registers the translation of Error.
void bind_errors(nb::module_& m);

/// Sets the Python exception that stands for the C++ exception in flight; call it in a catch block.
void set_python_error() noexcept;

/// Raises a Python exception with a message formatted as by PyErr_Format.
[[noreturn]] void raise(PyObject* type, const char* format, ...);

/// Throws the Python exception that a failed C API call has set.
[[noreturn]] inline void raise_current() { throw nb::python_error(); }

/// The result of a C API call as an owned object; raises what the call has set if it is null.
inline nb::object checked(PyObject* new_reference) {
  if (new_reference == nullptr) raise_current();
  return nb::steal(new_reference);
}

/// Runs `body` for a function that CPython calls directly: C++ exceptions become Python ones and
/// the result is `failure`.
template <class Body, class Result>
Result guarded(Body&& body, Result failure) noexcept {
  try {
    return std::forward<Body>(body)();
  } catch (...) {
    set_python_error();
    return failure;
  }
}

}  // namespace stridecast::python

#endif  // STRIDECAST_PYTHON_ERRORS_H_
