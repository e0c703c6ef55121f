// The hook by which a type gives its NumPy dtype: type._numpy_dtype_from_buffer_fmt(param,
// byteorder=...), found without importing anything and without running code of a module. What a
// dtype means to a Format is numpy_dtype.h.
#ifndef STRIDECAST_PYTHON_TYPE_HOOK_H_
#define STRIDECAST_PYTHON_TYPE_HOOK_H_

#include <nanobind/nanobind.h>

#include <string>

#include "stridecast/error.h"
#include "stridecast/format.h"

namespace stridecast::python {

namespace nb = nanobind;

/// A custom type is not there to be asked. UnknownTypeError in Python.
class UnknownType : public Error {
 public:
  UnknownType(const CustomType& type, const std::string& reason)
      : Error(ErrorCode::kUnknownType, "unknown-type", -1, reason), type_(type) {}
  /// The same error, with the type's place in the text of `format`.
  Error in(const Format& format) const;

 private:
  CustomType type_;
};

/// What a type's hook raised, or was found to answer.
class HookError : public nb::python_error {
 public:
  explicit HookError(const CustomType& type) : type_(type) {}  // takes Python's current error
  /// Adds a note with the type's place in the text of `format`.
  void note_place(const Format& format);

 private:
  CustomType type_;
};

/// The dtype of a custom type in byte order `order`, as the type's hook gives it, or its
/// __numpy_dtype__, or because it is a NumPy scalar type; null where none of them exists. Imports
/// NumPy. Throws UnknownType if the module is not imported or has no such type, HookError with a
/// TypeError or ValueError if the hook's answer is no dtype of `itemsize` bytes in that order
/// (itemsize 0: any), and chains what the hook raises.
nb::object dtype_by_hook(const CustomType& type, ByteOrder order, int64_t itemsize);

/// What register() was told of a type without a hook. Raises ValueError if it was told otherwise
/// before.
void declare_dtype(const CustomType& type, nb::handle dtype);
/// The declared dtype in byte order `order`; null if there is none of `itemsize` bytes.
nb::object declared_dtype(const CustomType& type, ByteOrder order, int64_t itemsize);

/// Lets formats have the sizes that hooks know. Once, at import.
void install_type_resolver();

}  // namespace stridecast::python

#endif  // STRIDECAST_PYTHON_TYPE_HOOK_H_
