// Arguments of the functions that CPython calls without nanobind in between (METH_FASTCALL),
// because a small job takes less time than a general argument dispatch: matching them to names, and
// reading the option values that several functions share.
#ifndef STRIDECAST_PYTHON_ARGS_H_
#define STRIDECAST_PYTHON_ARGS_H_

#include <nanobind/nanobind.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "python/errors.h"
#include "stridecast/plan.h"

namespace stridecast::python {

namespace nb = nanobind;

/// The parameters of one function: its first `positional` may be given by position, the first
/// `required` must be given.
struct Signature {
  static constexpr int kMaxArguments = 20;
  const char* function;
  int positional;
  int required;
  std::array<const char*, kMaxArguments> names;        // a null ends the list
  std::array<PyObject*, kMaxArguments> interned = {};  // by prepare()

  /// Interns the names, of which there must be `count`; once, at import.
  void prepare(size_t count);
  /// Fills `values`, one a name (null where an argument is not given). Raises TypeError.
  void match(PyObject* const* args, Py_ssize_t nargs, PyObject* keywords,
             std::span<PyObject*> values) const;
};

/// What a function of N parameters is given, in the order of its signature. Bind names to it by
/// reference: a copy would read in wide loads what has just been written one by one, and wait.
template <size_t N>
using Arguments = std::array<PyObject*, N>;

template <size_t N>
constexpr size_t parameters_of(PyObject* (*)(const Arguments<N>&)) {
  return N;
}

/// The function that CPython calls for `Body`, which takes Arguments.
template <Signature& kSignature, auto Body>
PyObject* entry(PyObject*, PyObject* const* args, Py_ssize_t nargs, PyObject* keywords) {
  return guarded(
      [&] {
        Arguments<parameters_of(Body)> arguments;
        kSignature.match(args, nargs, keywords, arguments);
        return Body(arguments);
      },
      static_cast<PyObject*>(nullptr));
}

/// A row of a module's table of functions; the signature's name is the function's.
template <Signature& kSignature, auto Body>
PyMethodDef method(const char* doc) {
  kSignature.prepare(parameters_of(Body));
  return {kSignature.function,
          reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(entry<kSignature, Body>)),
          METH_FASTCALL | METH_KEYWORDS, doc};
}

inline bool is_given(PyObject* argument) {
  if (argument == nullptr) [[likely]]
    return false;
  return argument != Py_None;
}

/// What a str argument means; raises TypeError or ValueError naming the choices.
Overflow choose_overflow(PyObject* argument);
NanPolicy choose_nan(PyObject* argument);
FieldMatch choose_fields(PyObject* argument);
MissingFields choose_missing_fields(PyObject* argument);
OverlapPolicy choose_overlap(PyObject* argument);
Stream choose_stream(PyObject* argument);
char choose_order(PyObject* argument);
Rounding choose_rounding(PyObject* argument);
Casting choose_casting(PyObject* argument);
ComplexToReal choose_complex_to_real(PyObject* argument);
SumAlgorithm choose_algorithm(PyObject* argument);
TextErrors choose_text_errors(PyObject* argument);
bool choose_utc_suffix(PyObject* argument);

/// Option values; null and None mean the default. Inline, because most calls give none of them.
inline Overflow overflow_value(PyObject* argument) {
  return is_given(argument) ? choose_overflow(argument) : Overflow::kDefault;
}
inline NanPolicy nan_value(PyObject* argument) {
  return is_given(argument) ? choose_nan(argument) : NanPolicy::kDefault;
}
inline Rounding rounding_value(PyObject* argument) {
  return is_given(argument) ? choose_rounding(argument) : Rounding::kDefault;
}
inline FieldMatch fields_value(PyObject* argument) {
  return is_given(argument) ? choose_fields(argument) : FieldMatch::kAuto;
}
inline MissingFields missing_fields_value(PyObject* argument) {
  return is_given(argument) ? choose_missing_fields(argument) : MissingFields::kError;
}
inline OverlapPolicy overlap_value(PyObject* argument) {
  return is_given(argument) ? choose_overlap(argument) : OverlapPolicy::kRefuse;
}
/// True: the result is not read soon; False: it is; None: the size decides.
inline Stream stream_value(PyObject* argument) {
  return is_given(argument) ? choose_stream(argument) : Stream::kAuto;
}
/// 'K', 'C', 'F' or 'A'; `otherwise` if not given.
inline char order_value(PyObject* argument, char otherwise) {
  return is_given(argument) ? choose_order(argument) : otherwise;
}
/// The arguments that say how numbers convert; null where a function has none or none is given.
struct NumberArguments {
  PyObject *overflow, *nan, *rounding, *seed, *index_offset, *casting, *complex_to_real;
};
/// Inline, because most calls give none of them.
inline void read_number_options(const NumberArguments& a, ConvertOptions* options);
/// The arguments that say how texts become times and back; null where none is given.
inline void read_text_options(PyObject* errors, PyObject* timezone, ConvertOptions* options) {
  if (is_given(errors)) options->text_errors = choose_text_errors(errors);
  if (is_given(timezone)) options->utc_suffix = choose_utc_suffix(timezone);
}
bool truth(PyObject* argument);
inline bool bool_value(PyObject* argument, bool otherwise) {
  return argument == nullptr ? otherwise : truth(argument);
}
/// Any integer. Raises TypeError, or ValueError beyond 64 bits.
int64_t int_value(PyObject* argument, const char* name);
/// The same from 0 on, of 64 bits without a sign.
uint64_t natural_value(PyObject* argument, const char* name);
/// The index of an item, from 0 on.
int64_t index_value(PyObject* argument, const char* name);
/// A number of threads, at least 1.
int thread_count(PyObject* argument, const char* name);

inline void read_number_options(const NumberArguments& a, ConvertOptions* options) {
  options->overflow = overflow_value(a.overflow);
  options->nan = nan_value(a.nan);
  options->rounding = rounding_value(a.rounding);
  if (is_given(a.seed)) options->seed = natural_value(a.seed, "seed");
  if (is_given(a.casting)) options->casting = choose_casting(a.casting);
  if (is_given(a.complex_to_real)) {
    options->complex_to_real = choose_complex_to_real(a.complex_to_real);
  }
  if (is_given(a.index_offset)) {
    options->index_offset = index_value(a.index_offset, "index_offset");
  }
}

/// The attribute, or null where the object has none. Raises what the look-up raises beyond that.
nb::object optional_attribute(PyObject* object, const char* name);

/// A tuple of ints: a shape or strides as Python shows them.
nb::tuple int_tuple(std::span<const int64_t> values);

}  // namespace stridecast::python

#endif  // STRIDECAST_PYTHON_ARGS_H_
