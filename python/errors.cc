// The one place where errors cross into Python; see errors.h.
#include "python/errors.h"

#include <cstdarg>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "python/python_kernel.h"

namespace stridecast::python {
namespace {

// Written once while the module is being imported, read-only from then on.
PyObject* format_error = nullptr;
PyObject* unknown_type_error = nullptr;

constexpr const char* kFormatErrorDoc =
    R"(A format text is malformed.

Attributes
----------
kind : str
    A stable word for the mistake, such as ``"unclosed"`` or ``"two-shapes"``.
position : int
    Where it is: a byte offset into the UTF-8 form of the text.

>>> import stridecast
>>> try:
...     stridecast.Format("i<")
... except stridecast.FormatError as error:
...     print(error.kind, error.position)
dangling-prefix 1
)";

constexpr const char* kUnknownTypeErrorDoc =
    R"(A format names a type that nobody has registered, so that its size is unknown.

>>> import stridecast
>>> try:
...     stridecast.Format("T{[posit$posit16$]:x:i:y:}")
... except stridecast.UnknownTypeError as error:
...     print(error.position)
2
)";

PyObject* new_exception(const char* name, const char* doc, PyObject* base) {
  nb::dict attributes;
  attributes["kind"] = "";
  attributes["position"] = -1;
  return checked(PyErr_NewExceptionWithDoc(name, doc, base, attributes.ptr())).release().ptr();
}

// An exception that an answer to the parser hides.
struct Cause {
  nb::python_error error;
  std::string mark;
};
thread_local Cause* cause = nullptr;  // not freed with its thread: the interpreter may be gone

// The cause of this error, if it is one; whatever was kept is dropped.
nb::object take_cause(const Error& error) {
  const std::unique_ptr<Cause> kept(std::exchange(cause, nullptr));
  const bool fits =
      kept && (error.kind() == "custom-bad-param" || error.code() == ErrorCode::kUnknownType) &&
      std::string_view(error.what()).find(kept->mark) != std::string_view::npos;
  if (!fits) return nb::object();
  nb::object value = nb::borrow(kept->error.value());
  if (kept->error.traceback().is_valid()) {
    PyException_SetTraceback(value.ptr(), kept->error.traceback().ptr());
  }
  return value;
}

// The Python exception type of an error.
PyObject* exception_type(const Error& error) noexcept {
  switch (error.code()) {
    case ErrorCode::kFormat:
      return format_error;
    case ErrorCode::kUnknownType:
      return unknown_type_error;
    case ErrorCode::kNoConversion:
      return PyExc_TypeError;
    case ErrorCode::kInvalidArgument:
      return PyExc_ValueError;
    case ErrorCode::kBuffer:
      return PyExc_BufferError;
    case ErrorCode::kData: {  // as NumPy, whose "same_value", texts and empty minima raise
                              // ValueError
      const auto is_any_of = [&](auto... kinds) { return ((error.kind() == kinds) || ...); };
      return is_any_of("unequal", "text", "empty") ? PyExc_ValueError : PyExc_OverflowError;
    }
    case ErrorCode::kOutOfMemory:
      return PyExc_MemoryError;
  }
  return PyExc_RuntimeError;
}

void set_error(const Error& error) {
  nb::object reason = take_cause(error);
  // Another part of the run may have failed too, of something else.
  const bool refused = error.code() == ErrorCode::kData && error.kind() == "refused";
  if (restore_callable_error(refused ? error.what() : nullptr)) return;
  PyObject* type = exception_type(error);
  // A format text may hold bytes that are no UTF-8, and messages quote it.
  nb::object message = checked(PyUnicode_DecodeUTF8(
      error.what(), static_cast<Py_ssize_t>(__builtin_strlen(error.what())), "backslashreplace"));
  nb::object value = checked(PyObject_CallFunctionObjArgs(type, message.ptr(), nullptr));
  if (error.code() == ErrorCode::kFormat || error.code() == ErrorCode::kUnknownType) {
    value.attr("kind") = nb::str(error.kind().c_str());
    value.attr("position") = nb::int_(error.position());
    if (reason.is_valid()) PyException_SetCause(value.ptr(), reason.release().ptr());
  }
  PyErr_SetObject(type, value.ptr());
}

void translate(const std::exception_ptr& exception, void*) {
  try {
    std::rethrow_exception(exception);
  } catch (const Error& error) {
    set_error(error);
  }
}

}  // namespace

void bind_errors(nb::module_& m) {
  format_error = new_exception("stridecast.FormatError", kFormatErrorDoc, PyExc_ValueError);
  unknown_type_error =
      new_exception("stridecast.UnknownTypeError", kUnknownTypeErrorDoc, format_error);
  m.attr("FormatError") = nb::borrow(format_error);
  m.attr("UnknownTypeError") = nb::borrow(unknown_type_error);
  nb::register_exception_translator(translate);
}

void set_python_error() noexcept {
  try {
    try {
      throw;
    } catch (const Error& error) {
      set_error(error);
    }
  } catch (nb::python_error& error) {
    error.restore();
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  } catch (...) {
    PyErr_SetString(PyExc_RuntimeError, "unknown C++ exception");
  }
}

void keep_cause(nb::python_error&& error, const std::string& mark) {
  delete std::exchange(cause, new Cause{std::move(error), mark});
}

void raise(PyObject* type, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  PyErr_FormatV(type, format, arguments);
  va_end(arguments);
  raise_current();
}

}  // namespace stridecast::python
