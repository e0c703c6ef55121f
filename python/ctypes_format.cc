// ctypes types as Formats; see ctypes_format.h. A type is spelled as Python 3.13's ctypes spells it
// (a mark before every element, letters of standard size, all padding written) and then parsed, so
// that the parser stays the one place that makes Formats.
#include "python/ctypes_format.h"

#include <atomic>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "python/args.h"
#include "python/buffer_view.h"
#include "python/classes.h"
#include "python/errors.h"

namespace stridecast::python {
namespace {

constexpr int kMaxDepth = 64;             // of the format texts
constexpr size_t kMaxPointeeText = 1024;  // bytes; what is behind a pointer is for people only

enum class Kind : uint8_t { kNone, kSimple, kArray, kStruct, kUnion, kPointer, kFunction };

struct NamedKind {
  const char* name;  // in the module _ctypes
  Kind kind;
};
constexpr NamedKind kKinds[] = {
    {"_SimpleCData", Kind::kSimple}, {"Array", Kind::kArray},      {"Structure", Kind::kStruct},
    {"Union", Kind::kUnion},         {"_Pointer", Kind::kPointer}, {"CFuncPtr", Kind::kFunction},
};

// The classes of ctypes that all others derive from. They are kept: ctypes cannot be unloaded.
struct Classes {
  PyTypeObject* of_kind[std::size(kKinds)];
  PyTypeObject* any;  // the base of them all, which has no public name

  explicit Classes(PyObject* module) {
    for (size_t i = 0; i < std::size(kKinds); ++i) {
      nb::object found = checked(PyObject_GetAttrString(module, kKinds[i].name));
      if (!PyType_Check(found.ptr()))
        raise(PyExc_TypeError, "_ctypes.%s is no class", kKinds[i].name);
      of_kind[i] = reinterpret_cast<PyTypeObject*>(found.release().ptr());
    }
    any = static_cast<PyTypeObject*>(PyType_GetSlot(of_kind[0], Py_tp_base));
  }
};

// Null as long as nobody has imported ctypes: no object can be of it then.
const Classes* classes() {
  static std::atomic<const Classes*>& known = *new std::atomic<const Classes*>(nullptr);
  if (const Classes* found = known.load(std::memory_order_acquire)) return found;
  static PyObject* const name = checked(PyUnicode_InternFromString("_ctypes")).release().ptr();
  PyObject* module = PyDict_GetItemWithError(PyImport_GetModuleDict(), name);
  if (module == nullptr || !PyModule_Check(module)) {
    if (PyErr_Occurred() != nullptr) raise_current();
    return nullptr;
  }
  static const Classes& found = *new Classes(module);
  known.store(&found, std::memory_order_release);
  return &found;
}

// Told by the base class of ctypes itself, whatever module the type is from.
Kind kind_of(PyObject* type) {
  const Classes* known = PyType_Check(type) ? classes() : nullptr;
  if (known == nullptr) return Kind::kNone;
  for (size_t i = 0; i < std::size(kKinds); ++i) {
    if (PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(type), known->of_kind[i]) != 0) {
      return kKinds[i].kind;
    }
  }
  return Kind::kNone;
}

int64_t number(PyObject* object, const char* name) {
  const nb::object value = checked(PyObject_GetAttrString(object, name));
  const long long result = PyLong_AsLongLong(value.ptr());
  if (result == -1 && PyErr_Occurred() != nullptr) raise_current();
  return result;
}

// Whether ctypes made it to describe a field; its class has no public name before Python 3.14.
bool is_field(nb::handle descriptor) {
  const nb::object module = optional_attribute(descriptor.type().ptr(), "__module__");
  const nb::object name =
      checked(PyType_GetName(reinterpret_cast<PyTypeObject*>(descriptor.type().ptr())));
  return PyUnicode_CompareWithASCIIString(name.ptr(), "CField") == 0 && module &&
         PyUnicode_Check(module.ptr()) &&
         PyUnicode_CompareWithASCIIString(module.ptr(), "_ctypes") == 0;
}

int64_t size_of(PyObject* type) {
  // Loaded already: `type` is from there.
  const nb::object module = checked(PyImport_ImportModule("_ctypes"));
  const nb::object sizeof_function = checked(PyObject_GetAttrString(module.ptr(), "sizeof"));
  const nb::object size =
      checked(PyObject_CallFunctionObjArgs(sizeof_function.ptr(), type, nullptr));
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
      raise(PyExc_TypeError, "ctypes type %.200s has more than %d dimensions",
            class_name(type).c_str(), kMaxDepth);
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
    raise(PyExc_TypeError, "ctypes type %.200s %s", class_name(place.type).c_str(), what);
  }
  raise(PyExc_TypeError, "field %R of ctypes type %.200s %s", place.field,
        class_name(place.type).c_str(), what);
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
    const nb::object native = optional_attribute(type, kLittle ? "__ctype_le__" : "__ctype_be__");
    const nb::object other = optional_attribute(type, kLittle ? "__ctype_be__" : "__ctype_le__");
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
    const nb::object target = optional_attribute(type, "_type_");
    if (!target) return "&B";
    const bool is_struct = kind_of(target.ptr()) == Kind::kStruct;
    if (is_struct && (behind_pointer_ || !optional_attribute(target.ptr(), "_fields_")))
      return "&B";
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
    std::vector<PyObject*> line;  // of inheritance, the base first
    for (PyObject* c = type; c != nullptr; c = base_of(c)) line.insert(line.begin(), c);
    const nb::str fields_name("_fields_");
    std::string text = "T{";
    int64_t end = 0;
    for (PyObject* c : line) {
      const nb::object fields = own_attribute(c, fields_name);
      if (!fields) continue;
      const nb::object list = checked(PySequence_Tuple(fields.ptr()));
      for (Py_ssize_t i = 0; i < PyTuple_Size(list.ptr()); ++i) {
        append_field(c, PyTuple_GetItem(list.ptr(), i), depth, &text, &end);
      }
    }
    append_padding(size_of(type) - end, &text);
    return text + "}";
  }

  static void append_padding(int64_t bytes, std::string* text) {
    if (bytes > 0) *text += (bytes > 1 ? std::to_string(bytes) : "") + "x";
  }

  // `entry` is (name, type), or (name, type, bits) for a bit field.
  void append_field(PyObject* type, PyObject* entry, int depth, std::string* text,
                    int64_t* end) const {
    if (!PyTuple_Check(entry) || PyTuple_Size(entry) < 2) {
      raise(PyExc_TypeError, "_fields_ of ctypes type %.200s was changed",
            class_name(type).c_str());
    }
    PyObject* name = PyTuple_GetItem(entry, 0);
    PyObject* field_type = PyTuple_GetItem(entry, 1);
    const Place place = {type, name};
    if (PyTuple_Size(entry) > 2) refuse(place, kBitField);
    const nb::object descriptor = own_attribute(type, name);
    if (!descriptor || !is_field(descriptor)) {
      refuse(place, "has been replaced by something that is no field");
    }
    const int64_t offset = number(descriptor.ptr(), "offset");
    if (offset < *end) refuse(place, "shares memory with another one, which no format can say");
    append_padding(offset - *end, text);
    *text += spell(field_type, place, depth + 1);
    const std::string spelled = text_of(name);
    if (spelled.find_first_of(std::string_view(":\0", 2)) != std::string::npos) {
      refuse(place, "has a ':' or NUL in its name, which no format can say");
    }
    *text += ":" + spelled + ":";
    *end = offset + number(descriptor.ptr(), "size");
  }

  bool behind_pointer_;
};

// The object whose bytes a view shows; the object itself if it is no view.
nb::object shown(PyObject* object) {
  return PyMemoryView_Check(object) ? exporter_of(object) : nb::borrow(object);
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

bool exported_by_ctypes(PyObject* object, const Py_buffer& view) {
  const Classes* known = is_cast(object, view) ? nullptr : classes();
  return known != nullptr && PyType_IsSubtype(Py_TYPE(shown(object).ptr()), known->any) != 0;
}

bool is_ctypes_function(PyObject* object) {
  return kind_of(reinterpret_cast<PyObject*>(Py_TYPE(object))) == Kind::kFunction;
}

std::optional<FormatRef> format_of_ctypes(PyObject* object, const Py_buffer& view) {
  std::vector<int64_t> shape;
  const nb::object exporter = shown(object);
  PyObject* whole = reinterpret_cast<PyObject*>(Py_TYPE(exporter.ptr()));
  const nb::object type = element_of(whole, &shape);
  static FormatCache& cache =
      *new FormatCache;  // never destroyed: the interpreter may be gone by then
  // A struct may be incomplete at first, and be given its fields later.
  const nb::object fields = optional_attribute(type.ptr(), "_fields_");
  FormatRef format = cache.get(type.ptr(), fields.ptr(), [&] {
    return Format::parse(Speller().spell(type.ptr(), {type.ptr()}, 0), size_of(type.ptr()), true);
  });
  // A class may export something of its own (__buffer__), of which its type says nothing.
  if (format->itemsize() != view.itemsize) return std::nullopt;
  return format;
}

}  // namespace stridecast::python
