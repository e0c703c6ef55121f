// Arguments; see args.h.
#include "python/args.h"

#include <algorithm>
#include <climits>
#include <string>

#include "python/classes.h"
#include "python/errors.h"

namespace stridecast::python {
namespace {

template <class Value>
struct Choice {
  const char* name;
  Value value;
};

constexpr Choice<Overflow> kOverflows[] = {{"wrap", Overflow::kWrap},
                                           {"saturate", Overflow::kSaturate},
                                           {"raise", Overflow::kRaise},
                                           {"nat", Overflow::kNat}};
constexpr Choice<NanPolicy> kNans[] = {{"raise", NanPolicy::kRaise}};
constexpr Choice<Rounding> kRoundings[] = {{"nearest-even", Rounding::kNearestEven},
                                           {"towards-zero", Rounding::kTowardsZero},
                                           {"towards-positive", Rounding::kTowardsPositive},
                                           {"towards-negative", Rounding::kTowardsNegative},
                                           {"nearest-away", Rounding::kNearestAway},
                                           {"stochastic", Rounding::kStochastic}};
constexpr Choice<FieldMatch> kFields[] = {{"name", FieldMatch::kName},
                                          {"position", FieldMatch::kPosition}};
constexpr Choice<MissingFields> kMissingFields[] = {{"error", MissingFields::kError},
                                                    {"zero", MissingFields::kZero}};
constexpr Choice<OverlapPolicy> kOverlaps[] = {{"refuse", OverlapPolicy::kRefuse},
                                               {"copy", OverlapPolicy::kCopy}};
constexpr Choice<Casting> kCastings[] = {{"unsafe", Casting::kUnsafe},
                                         {"same_kind", Casting::kSameKind},
                                         {"safe", Casting::kSafe},
                                         {"same_value", Casting::kSameValue}};
constexpr Choice<ComplexToReal> kComplexToReals[] = {{"real", ComplexToReal::kRealPart},
                                                     {"abs", ComplexToReal::kMagnitude}};
constexpr Choice<SumAlgorithm> kAlgorithms[] = {{"pairwise", SumAlgorithm::kPairwise},
                                                {"compensated", SumAlgorithm::kCompensated},
                                                {"reproducible", SumAlgorithm::kReproducible}};
constexpr Choice<TextErrors> kTextErrors[] = {{"raise", TextErrors::kRaise},
                                              {"nat", TextErrors::kNat}};
constexpr Choice<bool> kTimeZones[] = {{"naive", false}, {"UTC", true}};
constexpr Choice<char> kOrders[] = {{"K", 'K'}, {"C", 'C'}, {"F", 'F'}, {"A", 'A'}};

template <class Value, size_t N>
Value choose(const Choice<Value> (&choices)[N], const char* option, PyObject* argument) {
  if (!PyUnicode_Check(argument)) {
    raise(PyExc_TypeError, "%s must be a str or None, not %.200s", option,
          type_name_of(argument).c_str());
  }
  for (const Choice<Value>& choice : choices) {
    if (PyUnicode_CompareWithASCIIString(argument, choice.name) == 0) return choice.value;
  }
  std::string names;
  for (const Choice<Value>& choice : choices) names += std::string("'") + choice.name + "', ";
  raise(PyExc_ValueError, "%s must be %sor None, not %R", option, names.c_str(), argument);
}

// The place of a keyword among `names`; `count` if it is none of them.
size_t place_by_text(PyObject* keyword, std::span<const char* const> names, size_t count) {
  size_t place = 0;
  while (place < count && PyUnicode_CompareWithASCIIString(keyword, names[place]) != 0) ++place;
  return place;
}

}  // namespace

void Signature::prepare(size_t count) {
  size_t named = 0;
  while (named < names.size() && names[named] != nullptr) ++named;
  if (named != count) {
    raise(PyExc_SystemError, "%s() takes %zu arguments and names %zu", function, count, named);
  }
  for (size_t i = 0; i < count; ++i) {
    interned[i] = checked(PyUnicode_InternFromString(names[i])).release().ptr();
  }
}

void Signature::match(PyObject* const* args, Py_ssize_t nargs, PyObject* keywords,
                      std::span<PyObject*> values) const {
  if (nargs > positional) {
    raise(PyExc_TypeError, "%s() takes at most %d positional arguments, %zd given", function,
          positional, nargs);
  }
  std::ranges::fill(values, nullptr);
  for (Py_ssize_t i = 0; i < nargs; ++i) values[static_cast<size_t>(i)] = args[i];
  const Py_ssize_t count = keywords == nullptr ? 0 : PyTuple_Size(keywords);
  for (Py_ssize_t k = 0; k < count; ++k) {
    PyObject* keyword = PyTuple_GetItem(keywords, k);
    // Keywords written in source are interned, so that identity finds them.
    size_t place = 0;
    while (place < values.size() && interned[place] != keyword) ++place;
    if (place == values.size()) place = place_by_text(keyword, names, values.size());
    if (place == values.size()) {
      raise(PyExc_TypeError, "%s() got an unexpected keyword argument %R", function, keyword);
    }
    if (values[place] != nullptr) {
      raise(PyExc_TypeError, "%s() got multiple values for argument %R", function, keyword);
    }
    values[place] = args[nargs + k];
  }
  for (int i = 0; i < required; ++i) {
    if (values[static_cast<size_t>(i)] == nullptr) {
      raise(PyExc_TypeError, "%s() misses its argument '%s'", function,
            names[static_cast<size_t>(i)]);
    }
  }
}

Overflow choose_overflow(PyObject* argument) { return choose(kOverflows, "overflow", argument); }

NanPolicy choose_nan(PyObject* argument) { return choose(kNans, "nan", argument); }

Rounding choose_rounding(PyObject* argument) { return choose(kRoundings, "rounding", argument); }

TextErrors choose_text_errors(PyObject* argument) {
  return choose(kTextErrors, "errors", argument);
}

bool choose_utc_suffix(PyObject* argument) { return choose(kTimeZones, "timezone", argument); }

SumAlgorithm choose_algorithm(PyObject* argument) {
  return choose(kAlgorithms, "algorithm", argument);
}

FieldMatch choose_fields(PyObject* argument) { return choose(kFields, "fields", argument); }

MissingFields choose_missing_fields(PyObject* argument) {
  return choose(kMissingFields, "missing_fields", argument);
}

OverlapPolicy choose_overlap(PyObject* argument) { return choose(kOverlaps, "overlap", argument); }

Stream choose_stream(PyObject* argument) {
  if (!PyBool_Check(argument)) {
    raise(PyExc_TypeError, "stream must be True, False or None, not %.200s",
          type_name_of(argument).c_str());
  }
  return argument == Py_True ? Stream::kAlways : Stream::kNever;
}

char choose_order(PyObject* argument) { return choose(kOrders, "order", argument); }

Casting choose_casting(PyObject* argument) { return choose(kCastings, "casting", argument); }

ComplexToReal choose_complex_to_real(PyObject* argument) {
  return choose(kComplexToReals, "complex_to_real", argument);
}

bool truth(PyObject* argument) {
  const int result = PyObject_IsTrue(argument);
  if (result < 0) raise_current();
  return result != 0;
}

int64_t int_value(PyObject* argument, const char* name) {
  nb::object index = nb::steal(PyNumber_Index(argument));
  if (!index) {
    PyErr_Clear();
    raise(PyExc_TypeError, "%s must be an int, not %.200s", name, type_name_of(argument).c_str());
  }
  int overflow = 0;
  const long long value = PyLong_AsLongLongAndOverflow(index.ptr(), &overflow);
  if (overflow != 0) raise(PyExc_ValueError, "%s: %R does not fit 64 bits", name, argument);
  return value;
}

uint64_t natural_value(PyObject* argument, const char* name) {
  nb::object index = nb::steal(PyNumber_Index(argument));
  if (!index) {
    PyErr_Clear();
    raise(PyExc_TypeError, "%s must be an int, not %.200s", name, type_name_of(argument).c_str());
  }
  const unsigned long long value = PyLong_AsUnsignedLongLong(index.ptr());
  if (PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    raise(PyExc_ValueError, "%s must be from 0 to 2**64 - 1, not %R", name, argument);
  }
  return value;
}

int64_t index_value(PyObject* argument, const char* name) {
  const int64_t index = int_value(argument, name);
  if (index < 0) raise(PyExc_ValueError, "%s must not be negative, as %R is", name, argument);
  return index;
}

int thread_count(PyObject* argument, const char* name) {
  const int64_t count = int_value(argument, name);
  if (count < 1) raise(PyExc_ValueError, "%s must be at least 1, not %R", name, argument);
  return static_cast<int>(std::min<int64_t>(count, INT_MAX));
}

nb::object optional_attribute(PyObject* object, const char* name) {
  PyObject* value = PyObject_GetAttrString(object, name);
  if (value == nullptr) {
    if (!PyErr_ExceptionMatches(PyExc_AttributeError)) raise_current();
    PyErr_Clear();
  }
  return nb::steal(value);
}

nb::tuple int_tuple(std::span<const int64_t> values) {
  nb::object tuple = checked(PyTuple_New(static_cast<Py_ssize_t>(values.size())));
  for (size_t i = 0; i < values.size(); ++i) {
    nb::object value = checked(PyLong_FromLongLong(values[i]));
    PyTuple_SetItem(tuple.ptr(), static_cast<Py_ssize_t>(i), value.release().ptr());
  }
  return nb::steal<nb::tuple>(tuple.release());
}

}  // namespace stridecast::python
