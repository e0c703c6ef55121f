// ctypes types as Formats; see ctypes_format.h. A type is spelled as Python 3.13's ctypes spells it
// (a mark before every element, letters of standard size, all padding written) and then parsed, so
// that the parser stays the one place that makes Formats.
#include "python/ctypes_format.h"

#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "python/errors.h"

namespace stridecast::python {
namespace {

constexpr int kMaxDepth = 64;             // of the format texts
constexpr size_t kMaxPointeeText = 1024;  // bytes; what is behind a pointer is for people only

enum class Kind : uint8_t { kNone, kSimple, kArray, kStruct, kUnion, kPointer, kFunction };

struct NamedKind {
  std::string_view name;
  Kind kind;
};
constexpr NamedKind kKinds[] = {
    {"_ctypes._SimpleCData", Kind::kSimple}, {"_ctypes.Array", Kind::kArray},
    {"_ctypes.Structure", Kind::kStruct},    {"_ctypes.Union", Kind::kUnion},
    {"_ctypes._Pointer", Kind::kPointer},    {"_ctypes.CFuncPtr", Kind::kFunction},
    {"_ctypes.PyCFuncPtr", Kind::kFunction},
};

const char* name_of(PyObject* type) { return reinterpret_cast<PyTypeObject*>(type)->tp_name; }

// Calls visit(name) for the base classes of a type, the furthest first, until it returns true.
template <class Visit>
bool any_base(PyTypeObject* type, Visit visit) {
  PyObject* mro = type->tp_mro;
  if (mro == nullptr) return false;
  for (Py_ssize_t i = PyTuple_GET_SIZE(mro) - 1; i >= 0; --i) {
    if (visit(std::string_view(name_of(PyTuple_GET_ITEM(mro, i))))) return true;
  }
  return false;
}

// Told by the base class of ctypes itself, whatever module the type is from.
Kind kind_of(PyObject* type) {
  Kind kind = Kind::kNone;
  if (!PyType_Check(type)) return kind;
  any_base(reinterpret_cast<PyTypeObject*>(type), [&](std::string_view name) {
    for (const NamedKind& known : kKinds) {
      if (known.name == name) kind = known.kind;
    }
    return kind != Kind::kNone;
  });
  return kind;
}

// An attribute, or null where there is none.
nb::object attribute(PyObject* object, const char* name) {
#if PY_VERSION_HEX >= 0x030D0000
  PyObject* value = nullptr;
  if (PyObject_GetOptionalAttrString(object, name, &value) < 0) raise_current();
#else
  PyObject* value = PyObject_GetAttrString(object, name);
  if (value == nullptr) {
    if (!PyErr_ExceptionMatches(PyExc_AttributeError)) raise_current();
    PyErr_Clear();
  }
#endif
  return nb::steal(value);
}

int64_t number(PyObject* object, const char* name) {
  const nb::object value = checked(PyObject_GetAttrString(object, name));
  const long long result = PyLong_AsLongLong(value.ptr());
  if (result == -1 && PyErr_Occurred() != nullptr) raise_current();
  return result;
}

int64_t size_of(PyObject* type) {
  // Loaded already: `type` is from there.
  const nb::object module = checked(PyImport_ImportModule("_ctypes"));
  const nb::object sizeof_function = checked(PyObject_GetAttrString(module.ptr(), "sizeof"));
  const nb::object size = checked(PyObject_CallOneArg(sizeof_function.ptr(), type));
  const long long result = PyLong_AsLongLong(size.ptr());
  if (result == -1 && PyErr_Occurred() != nullptr) raise_current();
  return result;
}

// What an array type is an array of, all its dimensions taken off and appended to `shape`.
nb::object element_of(PyObject* type, std::vector<int64_t>* shape) {
  nb::object element = nb::borrow(type);
  while (kind_of(element.ptr()) == Kind::kArray) {
    shape->push_back(number(element.ptr(), "_length_"));
    if (shape->size() > kMaxDepth) {
      raise(PyExc_TypeError, "ctypes type %.200s has more than %d dimensions", name_of(type),
            kMaxDepth);
    }
    element = checked(PyObject_GetAttrString(element.ptr(), "_type_"));
  }
  return element;
}

// A place in a type, for messages: the class and the field, if any.
struct Place {
  PyObject* type = nullptr;
  PyObject* field = nullptr;
};

[[noreturn]] void refuse(const Place& place, const char* what) {
  if (place.field == nullptr) {
    raise(PyExc_TypeError, "ctypes type %.200s %s", name_of(place.type), what);
  }
  raise(PyExc_TypeError, "field %R of ctypes type %.200s %s", place.field, name_of(place.type),
        what);
}

constexpr const char* kUnion =
    "is a union, whose fields share memory: no format can describe it; pass one field of it, or "
    "its "
    "bytes";
constexpr const char* kBitField =
    "is a bit field: no format can describe it; read it in Python, or pass the struct's bytes";

// Spells one type. Behind a pointer nothing is refused: what has no spelling is "B" there, as
// ctypes writes it, and so are structs behind a second pointer, which may lead back to the first.
class Speller {
 public:
  explicit Speller(bool behind_pointer = false) : behind_pointer_(behind_pointer) {}

  std::string spell(PyObject* type, const Place& place, int depth) const {
    if (depth > kMaxDepth) refuse(place, "nests deeper than 64 types");
    switch (kind_of(type)) {
      case Kind::kSimple:
        return simple(type, place);
      case Kind::kArray:
        return array(type, place, depth);
      case Kind::kStruct:
        return structure(type, depth);
      case Kind::kUnion:
        refuse(place, kUnion);
      case Kind::kPointer:
        return pointer(type, depth);
      case Kind::kFunction:
        return "X{}";
      case Kind::kNone:
        break;
    }
    refuse(place, "is of no kind that ctypes is known to have");
  }

 private:
  static std::string simple(PyObject* type, const Place& place) {
    const nb::object code = checked(PyObject_GetAttrString(type, "_type_"));
    if (!PyUnicode_Check(code.ptr())) refuse(place, "has no type code");
    std::string letter = text_of(code);
    // Standard sizes: a long has the letter of the type that is as large.
    if (letter == "l") letter = sizeof(long) == 8 ? "q" : "i";
    if (letter == "L") letter = sizeof(long) == 8 ? "Q" : "I";
    // Types of the other byte order are their own __ctype_be__ or __ctype_le__; one byte has both.
    constexpr bool kLittle = kHostOrder == ByteOrder::kLittle;
    const nb::object native = attribute(type, kLittle ? "__ctype_le__" : "__ctype_be__");
    const nb::object other = attribute(type, kLittle ? "__ctype_be__" : "__ctype_le__");
    const bool swapped = other.ptr() == type && native.ptr() != type;
    return (kLittle != swapped ? "<" : ">") + letter;
  }

  std::string array(PyObject* type, const Place& place, int depth) const {
    std::vector<int64_t> shape;
    const nb::object element = element_of(type, &shape);
    std::string text = "(";
    for (const int64_t n : shape) text += std::to_string(n) + ",";
    text.back() = ')';
    return text + spell(element.ptr(), place, depth + 1);
  }

  std::string pointer(PyObject* type, int depth) const {
    const nb::object target = attribute(type, "_type_");
    if (!target) return "&B";
    const bool is_struct = kind_of(target.ptr()) == Kind::kStruct;
    if (is_struct && (behind_pointer_ || !attribute(target.ptr(), "_fields_"))) return "&B";
    try {
      const std::string text = Speller(true).spell(target.ptr(), {target.ptr()}, depth + 1);
      if (text.size() <= kMaxPointeeText) return "&" + text;
    } catch (nb::python_error& error) {
      if (!error.matches(PyExc_TypeError) && !error.matches(PyExc_ValueError)) throw;
    }
    return "&B";
  }

  // Members in memory order, the base class's first, gaps written as pad bytes.
  std::string structure(PyObject* type, int depth) const {
    std::vector<PyTypeObject*> classes;  // those that have fields of their own, the base first
    for (auto* c = reinterpret_cast<PyTypeObject*>(type); c != nullptr; c = c->tp_base) {
      classes.insert(classes.begin(), c);
    }
    std::string text = "T{";
    int64_t end = 0;
    for (PyTypeObject* c : classes) {
      const nb::object dict = checked(class_dict(c));
      PyObject* fields = PyDict_GetItemString(dict.ptr(), "_fields_");
      if (fields == nullptr) continue;
      const nb::object list = checked(PySequence_Fast(fields, "_fields_ must be a sequence"));
      for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(list.ptr()); ++i) {
        append_field(reinterpret_cast<PyObject*>(c), dict.ptr(),
                     PySequence_Fast_GET_ITEM(list.ptr(), i), depth, &text, &end);
      }
    }
    append_padding(size_of(type) - end, &text);
    return text + "}";
  }

  static PyObject* class_dict(PyTypeObject* type) {
#if PY_VERSION_HEX >= 0x030C0000
    return PyType_GetDict(type);
#else
    return Py_XNewRef(type->tp_dict);
#endif
  }

  static void append_padding(int64_t bytes, std::string* text) {
    if (bytes > 0) *text += (bytes > 1 ? std::to_string(bytes) : "") + "x";
  }

  // `entry` is (name, type), or (name, type, bits) for a bit field.
  void append_field(PyObject* type, PyObject* dict, PyObject* entry, int depth, std::string* text,
                    int64_t* end) const {
    if (!PyTuple_Check(entry) || PyTuple_GET_SIZE(entry) < 2) {
      raise(PyExc_TypeError, "_fields_ of ctypes type %.200s was changed", name_of(type));
    }
    PyObject* name = PyTuple_GET_ITEM(entry, 0);
    PyObject* field_type = PyTuple_GET_ITEM(entry, 1);
    const Place place = {type, name};
    if (PyTuple_GET_SIZE(entry) > 2) refuse(place, kBitField);
    PyObject* descriptor = PyDict_GetItemWithError(dict, name);
    if (descriptor == nullptr || std::strcmp(Py_TYPE(descriptor)->tp_name, "_ctypes.CField") != 0) {
      refuse(place, "has been replaced by something that is no field");
    }
    const int64_t offset = number(descriptor, "offset");
    if (offset < *end) refuse(place, "shares memory with another one, which no format can say");
    append_padding(offset - *end, text);
    *text += spell(field_type, place, depth + 1);
    const std::string spelled = text_of(name);
    if (spelled.find_first_of(std::string_view(":\0", 2)) != std::string::npos) {
      refuse(place, "has a ':' or NUL in its name, which no format can say");
    }
    *text += ":" + spelled + ":";
    *end = offset + number(descriptor, "size");
  }

  bool behind_pointer_;
};

// The object of ctypes that a view shows, if it is one.
PyObject* shown(PyObject* object) {
  return PyMemoryView_Check(object) ? PyMemoryView_GET_BASE(object) : object;
}

// Whether a memoryview shows the bytes of a ctypes object as something else: cast() leaves a letter
// without a mark, ctypes itself writes such a text for what it cannot say only ("B").
bool is_cast(PyObject* object, const Py_buffer& view) {
  if (!PyMemoryView_Check(object) || view.format == nullptr) return false;
  const std::string_view text = view.format;
  if (text.starts_with('@')) return true;
  return text.size() == 1 && (text != "B" || view.itemsize == 1);
}

}  // namespace

bool exported_by_ctypes(PyObject* object) {
  object = shown(object);
  return object != nullptr &&
         any_base(Py_TYPE(object), [](std::string_view name) { return name == "_ctypes._CData"; });
}

std::optional<FormatRef> format_of_ctypes(PyObject* object, const Py_buffer& view) {
  if (is_cast(object, view)) return std::nullopt;
  std::vector<int64_t> shape;
  PyObject* whole = reinterpret_cast<PyObject*>(Py_TYPE(shown(object)));
  const nb::object type = element_of(whole, &shape);
  static FormatCache& cache =
      *new FormatCache;  // never destroyed: the interpreter may be gone by then
  // A struct may be incomplete at first, and be given its fields later.
  const nb::object fields = attribute(type.ptr(), "_fields_");
  FormatRef format = cache.get(type.ptr(), fields.ptr(), [&] {
    return Format::parse(Speller().spell(type.ptr(), {type.ptr()}, 0), size_of(type.ptr()), true);
  });
  // A class may export something of its own (__buffer__), of which its type says nothing.
  if (format->itemsize() != view.itemsize) return std::nullopt;
  return format;
}

}  // namespace stridecast::python
