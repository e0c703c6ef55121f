// Errors at the boundary: stridecast::Error becomes a Python exception here and nowhere else, and
// our own code raises Python exceptions through raise(). What went wrong is decided elsewhere.
#ifndef STRIDECAST_PYTHON_ERRORS_H_
#define STRIDECAST_PYTHON_ERRORS_H_

#include <nanobind/nanobind.h>

#include <string>
#include <utility>

#include "stridecast/error.h"

namespace stridecast::python {

namespace nb = nanobind;

/// Adds FormatError and UnknownTypeError to the module and registers the translation of Error.
void bind_errors(nb::module_& m);

/// Sets the Python exception that stands for the C++ exception in flight; call it in a catch block.
void set_python_error() noexcept;

/// For callbacks of the library: the interpreter's lock, and no exception of somebody else's that
/// Python code would see.
class Interpreter {
 public:
  Interpreter() : state_(PyGILState_Ensure()) { PyErr_Fetch(&type_, &value_, &trace_); }
  ~Interpreter() {
    PyErr_Restore(type_, value_, trace_);
    PyGILState_Release(state_);
  }
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

 private:
  PyGILState_STATE state_;
  PyObject *type_ = nullptr, *value_ = nullptr, *trace_ = nullptr;
};

/// Of what was raised while a text is parsed, for the __cause__ of the FormatError that may come of
/// it on this thread: one whose message has `mark`.
void keep_cause(nb::python_error&& error, const std::string& mark);

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
