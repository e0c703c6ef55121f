// Finds types by name in modules that are imported already, and asks them; see type_hook.h.
//
// A format text comes from anywhere, so that naming a type must not run code: sys.modules is read,
// never filled; a module's dict is read as it is, because attribute access may import (PEP 562's
// __getattr__, lazy modules); further parts come from the dicts of classes. Even the hook is called
// only where a class is seen to define it: what answers to any name is not asked.
#include "python/type_hook.h"

#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "python/args.h"
#include "python/classes.h"
#include "python/errors.h"
#include "python/format_arg.h"
#include "python/numpy_dtype.h"
#include "python/numpy_view.h"
#include "stridecast/types.h"

namespace stridecast::python {
namespace {

std::string name_of(const CustomType& type) { return type.module + "." + type.qualname; }

nb::object text_or_null(std::string_view text) {
  return nb::steal(PyUnicode_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size())));
}

// dict[name] without side effects; null if it is not there.
nb::object entry_of(PyObject* dict, std::string_view name) {
  nb::object key = text_or_null(name);
  if (!key) raise_current();
#ifdef Py_GIL_DISABLED
  PyObject* value = nullptr;  // a reference of its own: other threads may change the dict
  if (PyDict_GetItemRef(dict, key.ptr(), &value) < 0) raise_current();
  return nb::steal(value);
#else
  nb::object value = nb::borrow(PyDict_GetItemWithError(dict, key.ptr()));
  if (!value && PyErr_Occurred()) raise_current();
  return value;
#endif
}

// The attribute as the class or its bases have it, descriptors left alone.
nb::object static_attribute(PyObject* type, std::string_view name) {
  if (!PyType_Check(type)) return nb::object();
  nb::object key = text_or_null(name);
  if (!key) raise_current();
  const nb::object order = method_resolution_order(type);
  for (Py_ssize_t i = 0; i < PyTuple_Size(order.ptr()); ++i) {
    if (nb::object found = own_attribute(PyTuple_GetItem(order.ptr(), i), key)) return found;
  }
  return nb::object();
}

enum class Found { kType, kNoModule, kNoType };

// The object that the names lead to.
Found find_type(const CustomType& type, nb::object* result) {
  PyObject* modules = PyImport_GetModuleDict();  // borrowed
  if (modules == nullptr) return Found::kNoModule;
  nb::object module = entry_of(modules, type.module);
  if (!module || module.is_none()) return Found::kNoModule;
  if (!PyModule_Check(module.ptr())) return Found::kNoType;
  std::string_view rest = type.qualname;
  nb::object at;
  for (bool first = true;; first = false) {
    const size_t dot = rest.find('.');
    const std::string_view part = rest.substr(0, dot);
    at = first ? entry_of(PyModule_GetDict(module.ptr()), part) : static_attribute(at.ptr(), part);
    if (!at) return Found::kNoType;
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  if (PyModule_Check(at.ptr())) return Found::kNoType;
  *result = std::move(at);
  return Found::kType;
}

constexpr const char* kHook = "_numpy_dtype_from_buffer_fmt";

// object.name where the object, if it is a class, or its class defines that; else null.
nb::object offered_attribute(nb::handle object, const char* name) {
  const bool offered = static_attribute(object.ptr(), name).is_valid() ||
                       static_attribute(object.type().ptr(), name).is_valid();
  return offered ? checked(PyObject_GetAttrString(object.ptr(), name)) : nb::object();
}

const char* mark_of(ByteOrder order) {
  if (order == ByteOrder::kNone || order == kHostOrder) return "=";
  return order == ByteOrder::kBig ? ">" : "<";
}

nb::object call_hook(nb::handle hook, const CustomType& type, ByteOrder order) {
  nb::object param = text_or_null(type.param);
  if (!param) raise_current();
  nb::dict keywords;
  keywords["byteorder"] = mark_of(order);
  nb::object dtype =
      nb::steal(PyObject_Call(hook.ptr(), nb::make_tuple(param).ptr(), keywords.ptr()));
  if (!dtype) {
    if (PyErr_ExceptionMatches(PyExc_Exception) == 0) raise_current();  // Ctrl-C stays what it is
    nb::python_error cause;
    nb::raise_from(cause, PyExc_TypeError, "%s of type '%s' failed for the parameter '%s'", kHook,
                   name_of(type).c_str(), type.param.c_str());
  }
  return dtype;
}

// What the hook says must fit the slot, and must hold no references: its bytes come from elsewhere.
void check_answer(nb::handle dtype, const CustomType& type, ByteOrder order, int64_t itemsize) {
  const std::string name = name_of(type);
  if (!is_dtype(dtype.ptr())) {
    raise(PyExc_TypeError, "%s of type '%s' returned %R, which is no numpy.dtype", kHook,
          name.c_str(), dtype.ptr());
  }
  if (nb::cast<bool>(dtype.attr("hasobject"))) {
    raise(PyExc_TypeError, "%s of type '%s' returned %R, which holds Python objects", kHook,
          name.c_str(), dtype.ptr());
  }
  const int64_t size = itemsize_of(dtype);
  if (itemsize != 0 && size != itemsize) {
    raise(PyExc_ValueError, "%s of type '%s' returned %R of %lld bytes for items of %lld", kHook,
          name.c_str(), dtype.ptr(), static_cast<long long>(size),
          static_cast<long long>(itemsize));
  }
  // A struct has no order of its own, only its fields have: it is in the order asked for if putting
  // it there changes nothing.
  const char* wanted = mark_of(order);
  const bool fits = dtype.attr("newbyteorder")(wanted).equal(dtype);
  if (!fits) {
    raise(PyExc_ValueError, "%s of type '%s' returned %R for the byte order '%s'", kHook,
          name.c_str(), dtype.ptr(), wanted);
  }
}

nb::object in_order(nb::object dtype, ByteOrder order) {
  if (order == ByteOrder::kNone || order == kHostOrder) return dtype;
  return dtype.attr("newbyteorder")(mark_of(order));
}

// Without the hook, and without a parameter that nobody would read.
nb::object dtype_without_hook(nb::handle object, const CustomType& type, ByteOrder order) {
  if (!type.param.empty()) return nb::object();
  nb::object dtype = offered_attribute(object, "__numpy_dtype__");
  // A property, say, that is meant for the instances.
  if (dtype && !is_dtype(dtype.ptr())) dtype = nb::object();
  if (!dtype) dtype = dtype_of_scalar_type(object.ptr());
  return dtype ? in_order(std::move(dtype), order) : nb::object();
}

[[noreturn]] void raise_unknown(const CustomType& type, Found found) {
  std::string text = "type '" + name_of(type) + "' needs module '" + type.module + "', which ";
  text += found == Found::kNoModule
              ? "is not imported; run \"import " + type.module + "\" and try again"
              : "is imported and has no type of that name";
  throw UnknownType(type, text);
}

// What types have answered, by type, parameter and byte order. Small: whoever asks for many types
// asks again.
class Answers {
 public:
  nb::object find(nb::handle key) {
    nb::ft_lock_guard lock(mutex_);
    nb::object found = nb::borrow(PyDict_GetItemWithError(answers_.ptr(), key.ptr()));
    if (!found && PyErr_Occurred()) raise_current();
    return found;
  }
  void keep(nb::handle key, nb::handle dtype) {
    nb::dict forgotten;  // goes after the lock: the end of a dtype may run code that asks again
    nb::ft_lock_guard lock(mutex_);
    if (nb::len(answers_) >= kMaxAnswers) std::swap(answers_, forgotten);
    if (PyDict_SetItem(answers_.ptr(), key.ptr(), dtype.ptr()) != 0) raise_current();
  }

 private:
  static constexpr size_t kMaxAnswers = 256;
  nb::dict answers_;
  [[no_unique_address]] nb::ft_mutex mutex_;
};

nb::object ask_now(nb::handle object, const CustomType& type, ByteOrder order, int64_t itemsize);

// The dtype; null if the type says nothing of it.
nb::object ask(nb::handle object, const CustomType& type, ByteOrder order, int64_t itemsize) {
  if (!PyType_Check(object.ptr())) return ask_now(object, type, order, itemsize);
  static Answers& answers = *new Answers;  // never destroyed: the interpreter may be gone by then
  nb::object param = text_or_null(type.param);
  if (!param) raise_current();
  // By identity: a metaclass could have its own equality.
  nb::object key = nb::make_tuple(reinterpret_cast<uintptr_t>(object.ptr()), param, mark_of(order));
  nb::object entry = answers.find(key);
  nb::object dtype = entry ? nb::object(entry[nb::int_(1)]) : nb::object();
  if (!dtype) {
    dtype = ask_now(object, type, order, itemsize);
    // Holding the type keeps its address from meaning another one.
    if (dtype) answers.keep(key, nb::make_tuple(object, dtype));
    return dtype;
  }
  check_answer(dtype, type, order, itemsize);
  return dtype;
}

nb::object ask_now(nb::handle object, const CustomType& type, ByteOrder order, int64_t itemsize) {
  nb::object hook = offered_attribute(object, kHook);
  nb::object dtype = hook ? call_hook(hook, type, order) : dtype_without_hook(object, type, order);
  if (dtype) check_answer(dtype, type, order, itemsize);
  return dtype;
}

// Where a type is first named in a format's text.
int64_t position_in(const Format& format, const CustomType& type) {
  const size_t place = format.text().find("[" + type.module + "$" + type.qualname + "$");
  return place == std::string::npos ? 0 : static_cast<int64_t>(place);
}

std::string place_in(const Format& format, const CustomType& type) {
  return "format '" + format.text() + "', position " + std::to_string(position_in(format, type));
}

// By "module.qualname", in the host's byte order. Never destroyed.
nb::dict declared_dtypes() {
  static nb::dict& declared = *new nb::dict;
  return declared;
}

// For the parser: a type whose module is imported, and NumPy too. An Exception is an answer, that
// the type is unknown; Ctrl-C and the like go through the parser to the caller.
bool resolve(std::string_view module, std::string_view qualname, TypeLayout* layout) {
  if (!Py_IsInitialized()) return false;
  const Interpreter interpreter;
  const CustomType custom{std::string(module), std::string(qualname), layout->param};
  try {
    nb::object object;
    if (!numpy_loaded() || find_type(custom, &object) != Found::kType) return false;
    nb::object dtype = ask(object, custom, ByteOrder::kNone, 0);
    if (!dtype) return false;
    layout->size = itemsize_of(dtype);
    layout->alignment = nb::cast<int64_t>(dtype.attr("alignment"));
    return true;
  } catch (nb::python_error& error) {
    if (!error.matches(PyExc_Exception)) throw;
    keep_cause(std::move(error), name_of(custom));
  } catch (const nb::cast_error&) {  // a dtype with a strange alignment
  }
  return false;
}

}  // namespace

nb::object dtype_by_hook(const CustomType& type, ByteOrder order, int64_t itemsize) {
  import_numpy();
  nb::object object;
  const Found found = find_type(type, &object);
  if (found != Found::kType) raise_unknown(type, found);
  try {
    return ask(object, type, order, itemsize);
  } catch (nb::python_error& error) {
    error.restore();
    throw HookError(type);
  }
}

Error UnknownType::in(const Format& format) const {
  return Error(code(), kind(), position_in(format, type_), place_in(format, type_) + ": " + what());
}

void HookError::note_place(const Format& format) {
  value().attr("add_note")(text_object(place_in(format, type_)));
}

void declare_dtype(const CustomType& type, nb::handle dtype) {
  nb::object key = text_or_null(name_of(type));
  if (!key) raise_current();
  nb::object known = declared_dtypes().attr("setdefault")(key, dtype);
  if (!known.equal(dtype)) {
    raise(PyExc_ValueError, "type '%s': is registered already, with the dtype %R",
          name_of(type).c_str(), known.ptr());
  }
}

nb::object declared_dtype(const CustomType& type, ByteOrder order, int64_t itemsize) {
  nb::object dtype = entry_of(declared_dtypes().ptr(), name_of(type));
  if (!dtype || itemsize_of(dtype) != itemsize) return nb::object();
  return in_order(std::move(dtype), order);
}

void install_type_resolver() { set_type_resolver(resolve); }

}  // namespace stridecast::python
