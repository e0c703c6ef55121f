// __array_interface__ in; see array_interface.h. The type becomes format text, which the parser
// checks like any other. All Python code that the description can run has run before the first
// pointer is taken.
#include "python/array_interface.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "python/args.h"
#include "python/classes.h"
#include "python/errors.h"
#include "python/format_arg.h"
#include "python/memory.h"
#include "stridecast/layout.h"

namespace stridecast::python {
namespace {

constexpr size_t kMaxText = size_t{1} << 20;  // the parser's own limit
constexpr int kMaxDepth = 64;

// The entries of the dict, held: Python code that runs later may change the dict.
struct Interface {
  nb::object shape, typestr, descr, strides, offset, data, mask;
  const char* name;  // the argument's
};

struct KindSize {
  char kind;
  int64_t size;
  const char* code;
};
constexpr KindSize kNumbers[] = {
    {'b', 1, "?"},
    {'i', 1, "b"},
    {'i', 2, "h"},
    {'i', 4, "i"},
    {'i', 8, "q"},
    {'u', 1, "B"},
    {'u', 2, "H"},
    {'u', 4, "I"},
    {'u', 8, "Q"},
    {'f', 2, "e"},
    {'f', 4, "f"},
    {'f', 8, "d"},
    {'f', sizeof(long double), "g"},
    {'c', 8, "Zf"},
    {'c', 16, "Zd"},
    {'c', 2 * sizeof(long double), "Zg"},
};

// A type string such as "<f4", taken apart.
struct TypeString {
  bool swapped = false;
  char kind = 0;
  int64_t size = 0;
  std::string_view rest;  // "[us]"
};

[[noreturn]] void raise_bad_type(const char* name, nb::handle typestr) {
  raise(PyExc_TypeError, "%s: the type %R of its __array_interface__ is none that a format can say",
        name, typestr.ptr());
}

std::string text_of_str(nb::handle text, const char* name, const char* what) {
  if (!PyUnicode_Check(text.ptr())) {
    raise(PyExc_TypeError, "%s: %s of its __array_interface__ must be a str, not %.200s", name,
          what, type_name_of(text).c_str());
  }
  return text_of(text);
}

TypeString take_apart(std::string_view text, const char* name, nb::handle typestr) {
  TypeString type;
  constexpr std::string_view kMarks = "<>|=";
  if (!text.empty() && kMarks.find(text[0]) != std::string_view::npos) {
    type.swapped = text[0] == (kHostOrder == ByteOrder::kLittle ? '>' : '<');
    text.remove_prefix(1);
  }
  if (text.size() < 2) raise_bad_type(name, typestr);
  type.kind = text[0];
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + 1, end, type.size);
  if (error != std::errc() || type.size < 0) raise_bad_type(name, typestr);
  type.rest = {stop, static_cast<size_t>(end - stop)};
  return type;
}

std::string time_code(const TypeString& type, const char* name, nb::handle typestr) {
  std::string_view unit = type.rest;
  if (!unit.empty()) {
    if (unit.size() < 2 || unit.front() != '[' || unit.back() != ']') raise_bad_type(name, typestr);
    unit = unit.substr(1, unit.size() - 2);
  }
  if (type.size != 8 || unit.find_first_of("[];$%") != std::string_view::npos) {
    raise_bad_type(name, typestr);
  }
  return std::string(type.kind == 'M' ? "[numpy$datetime64$" : "[numpy$timedelta64$") +
         std::string(unit) + "]";
}

// The code of one element, without mark.
std::string code_of(const TypeString& type, const char* name, nb::handle typestr) {
  if (type.kind == 'M' || type.kind == 'm') return time_code(type, name, typestr);
  if (!type.rest.empty()) raise_bad_type(name, typestr);
  switch (type.kind) {
    case 'S':
      return std::to_string(type.size) + "s";
    case 'U':
      return std::to_string(type.size) + "w";
    case 'V':
      return std::to_string(type.size) + "x";
    case 'O':
      raise(PyExc_TypeError, "%s holds references to Python objects, which cannot be converted",
            name);
    default:
      break;
  }
  for (const KindSize& number : kNumbers) {
    if (number.kind == type.kind && number.size == type.size) return number.code;
  }
  raise_bad_type(name, typestr);
}

// `native`: the mark for an element in the host's byte order.
std::string element_text(nb::handle typestr, const char* native, const char* name) {
  const std::string text = text_of_str(typestr, name, "a type");
  const TypeString type = take_apart(text, name, typestr);
  const char* swapped = kHostOrder == ByteOrder::kLittle ? ">" : "<";
  return (type.swapped ? swapped : native) + code_of(type, name, typestr);
}

// A shape in a descr, "(2,3)": a tuple of ints or one int.
std::string shape_text(nb::handle shape) {
  const nb::object sizes =
      PyTuple_Check(shape.ptr()) ? nb::borrow(shape) : checked(PyTuple_Pack(1, shape.ptr()));
  if (PyTuple_Size(sizes.ptr()) == 0) return "";
  std::string text = "(";
  for (Py_ssize_t i = 0; i < PyTuple_Size(sizes.ptr()); ++i) {
    if (i > 0) text += ',';
    text += std::to_string(int_value(PyTuple_GetItem(sizes.ptr(), i), "a size in descr"));
  }
  return text + ")";
}

void append_descr(nb::handle descr, int depth, const char* name, std::string* text);

// One member: (name, type) or (name, type, shape).
void append_member(nb::handle entry, int depth, const char* name, std::string* text) {
  const Py_ssize_t size = PyTuple_Check(entry.ptr()) ? PyTuple_Size(entry.ptr()) : 0;
  if (size != 2 && size != 3) {
    raise(PyExc_TypeError,
          "%s: descr of its __array_interface__ must be a list of (name, type) or (name, type, "
          "shape), not of %R",
          name, entry.ptr());
  }
  nb::handle key = PyTuple_GetItem(entry.ptr(), 0);
  if (PyTuple_Check(key.ptr()) && PyTuple_Size(key.ptr()) == 2) {
    key = PyTuple_GetItem(key.ptr(), 1);  // (title, name)
  }
  const std::string field = text_of_str(key, name, "a field's name");
  if (field.find_first_of(std::string_view(":\0", 2)) != std::string::npos) {
    raise(PyExc_TypeError, "%s: field %R has a ':' or NUL in its name, which no format can say",
          name, key.ptr());
  }
  if (size == 3) *text += shape_text(PyTuple_GetItem(entry.ptr(), 2));
  const nb::handle type = PyTuple_GetItem(entry.ptr(), 1);
  if (PyList_Check(type.ptr())) {
    *text += "^";
    append_descr(type, depth + 1, name, text);
  } else {
    *text += element_text(type, "^", name);
  }
  if (!field.empty()) *text += ":" + field + ":";  // without a name it is padding
}

void append_descr(nb::handle descr, int depth, const char* name, std::string* text) {
  if (depth > kMaxDepth) {
    raise(PyExc_TypeError, "%s: descr of its __array_interface__ is more than %d levels deep", name,
          kMaxDepth);
  }
  const nb::object members = checked(PyList_AsTuple(descr.ptr()));
  *text += "T{";
  for (Py_ssize_t i = 0; i < PyTuple_Size(members.ptr()); ++i) {
    append_member(PyTuple_GetItem(members.ptr(), i), depth, name, text);
    // A list that contains itself twice would grow without end at any depth.
    if (text->size() > kMaxText) {
      raise(PyExc_TypeError,
            "%s: descr of its __array_interface__ makes a format of more than %zu "
            "bytes",
            name, kMaxText);
    }
  }
  *text += "}";
}

// Whether descr says more than the type string does: every plain array has [("", typestr)].
bool has_fields(nb::handle descr, nb::handle typestr) {
  if (!descr || descr.is_none()) return false;
  if (!PyList_Check(descr.ptr())) return false;
  if (PyList_Size(descr.ptr()) != 1) return PyList_Size(descr.ptr()) > 1;
  const nb::handle only = PyList_GetItem(descr.ptr(), 0);
  if (!PyTuple_Check(only.ptr()) || PyTuple_Size(only.ptr()) != 2) return true;
  const nb::handle type = PyTuple_GetItem(only.ptr(), 1);
  const nb::handle key = PyTuple_GetItem(only.ptr(), 0);
  const bool plain = PyUnicode_Check(key.ptr()) && PyUnicode_GetLength(key.ptr()) == 0 &&
                     PyUnicode_Check(type.ptr()) &&
                     PyUnicode_Compare(type.ptr(), typestr.ptr()) == 0;
  return !plain;
}

Format format_of(const Interface& interface) {
  const char* name = interface.name;
  if (!interface.typestr) {
    raise(PyExc_TypeError, "%s: its __array_interface__ has no typestr", name);
  }
  const std::string typestr = text_of_str(interface.typestr, name, "typestr");
  const TypeString type = take_apart(typestr, name, interface.typestr);
  if (type.kind != 'V' || !has_fields(interface.descr, interface.typestr)) {
    return Format::parse(element_text(interface.typestr, "", name));
  }
  std::string text;
  append_descr(interface.descr, 1, name, &text);
  return Format::parse(text, type.size);
}

std::vector<int64_t> integers(nb::handle value, const char* name, const char* what) {
  if (!value || !PyTuple_Check(value.ptr())) {
    raise(PyExc_TypeError, "%s: %s of its __array_interface__ must be a tuple of ints", name, what);
  }
  const Py_ssize_t count = PyTuple_Size(value.ptr());
  if (count > kMaxDims) {
    raise(PyExc_ValueError, "%s has %zd dimensions, at most %d are supported", name, count,
          kMaxDims);
  }
  std::vector<int64_t> result;
  for (Py_ssize_t i = 0; i < count; ++i) {
    result.push_back(int_value(PyTuple_GetItem(value.ptr(), i), what));
  }
  return result;
}

// Shape, strides and offset as a Layout, which checks that they can be added up.
Layout layout_of(const Interface& interface, const Format& format) {
  const char* name = interface.name;
  std::vector<int64_t> shape = integers(interface.shape, name, "shape");
  for (int64_t n : shape) {
    if (n < 0) raise(PyExc_BufferError, "%s: its __array_interface__ claims a negative size", name);
  }
  const int64_t offset = interface.offset && !interface.offset.is_none()
                             ? int_value(interface.offset.ptr(), "offset")
                             : 0;
  std::vector<int64_t> strides;
  if (interface.strides && !interface.strides.is_none()) {
    strides = integers(interface.strides, name, "strides");
    if (strides.size() != shape.size()) {
      raise(PyExc_BufferError, "%s: its __array_interface__ has %zu sizes and %zu strides", name,
            shape.size(), strides.size());
    }
  } else {
    const Layout packed = Layout::contiguous(format, shape);
    strides.assign(packed.strides().begin(), packed.strides().end());
  }
  return Layout::strided(format, std::move(shape), std::move(strides), offset);
}

// The first item, after the checks, and whether it must not be written.
struct Place {
  nb::object owner;
  char* data = nullptr;
  bool readonly = true;
};

Place place_in_buffer(nb::handle exporter, const Layout& layout, Access access, const char* name) {
  if (!PyObject_CheckBuffer(exporter.ptr())) {
    raise(
        PyExc_TypeError,
        "%s: data of its __array_interface__ must be an object that exports a buffer, or (address, "
        "readonly), not %.200s",
        name, type_name_of(exporter).c_str());
  }
  Py_buffer view;
  const int flags = access == Access::kWrite ? PyBUF_WRITABLE : PyBUF_SIMPLE;
  if (PyObject_GetBuffer(exporter.ptr(), &view, flags) != 0) raise_current();
  Place place;
  try {
    place.owner = memory_of_view(view);
  } catch (...) {
    PyBuffer_Release(&view);
    throw;
  }
  const Extent extent = layout.extent();
  if (layout.size() > 0 && (extent.lowest < 0 || extent.highest > view.len)) {
    raise(PyExc_BufferError,
          "%s: its __array_interface__ claims bytes %lld to %lld of a buffer of %zd", name,
          static_cast<long long>(extent.lowest), static_cast<long long>(extent.highest), view.len);
  }
  place.data = static_cast<char*>(view.buf) + (layout.size() > 0 ? layout.offset() : 0);
  place.readonly = view.readonly != 0;
  return place;
}

Place place_at_address(nb::handle object, nb::handle data, const Layout& layout, const char* name,
                       bool unsafe_pointer) {
  if (!unsafe_pointer) {
    raise(PyExc_BufferError,
          "%s: %.200s gives an address (data of its __array_interface__), which cannot be checked; "
          "if you trust the object, pass stridecast.Buffer(obj, unsafe_pointer=True)",
          name, type_name_of(object).c_str());
  }
  if (PyTuple_Size(data.ptr()) != 2 || !PyLong_Check(PyTuple_GetItem(data.ptr(), 0))) {
    raise(PyExc_TypeError,
          "%s: data of its __array_interface__ must be (address, readonly), not %R", name,
          data.ptr());
  }
  Place place;
  place.owner = nb::borrow(object);
  place.readonly = truth(PyTuple_GetItem(data.ptr(), 1));
  place.data = static_cast<char*>(PyLong_AsVoidPtr(PyTuple_GetItem(data.ptr(), 0)));
  if (place.data == nullptr && PyErr_Occurred() != nullptr) raise_current();
  if (place.data == nullptr && layout.size() > 0) {
    raise(PyExc_BufferError, "%s: its __array_interface__ has items at address 0", name);
  }
  if (layout.offset() != 0) {
    raise(PyExc_BufferError, "%s: its __array_interface__ has an address and an offset", name);
  }
  return place;
}

nb::object entry(nb::handle dict, const char* key) {
  const nb::object text = checked(PyUnicode_FromString(key));
  PyObject* value = PyDict_GetItemWithError(dict.ptr(), text.ptr());
  if (value == nullptr && PyErr_Occurred() != nullptr) raise_current();
  return nb::borrow(value);
}

}  // namespace

bool read_array_interface(PyObject* object, Access access, const char* name, bool unsafe_pointer,
                          BufferView* view) {
  if (PyType_Check(object)) return false;  // a class, whose attribute is a descriptor
  const nb::object dict = optional_attribute(object, "__array_interface__");
  if (!dict) return false;
  if (!PyDict_Check(dict.ptr())) {
    raise(PyExc_TypeError, "%s: its __array_interface__ must be a dict, not %.200s", name,
          type_name_of(dict).c_str());
  }
  const Interface interface {
    entry(dict, "shape"), entry(dict, "typestr"), entry(dict, "descr"), entry(dict, "strides"),
        entry(dict, "offset"), entry(dict, "data"), entry(dict, "mask"), name
  };
  if (interface.mask && !interface.mask.is_none()) {
    raise(
        PyExc_BufferError,
        "%s: its __array_interface__ has a mask, which would be lost; pass the data alone, or its "
        "mask as where=",
        name);
  }
  const Format format = format_of(interface);
  const Layout layout = layout_of(interface, format);
  const bool has_data = interface.data && !interface.data.is_none();
  const Place place =
      has_data && PyTuple_Check(interface.data.ptr())
          ? place_at_address(object, interface.data, layout, name, unsafe_pointer)
          : place_in_buffer(has_data ? interface.data : nb::borrow(object), layout, access, name);
  const size_t ndim = layout.shape().size();
  int64_t* dims = view->make_dims(ndim);
  std::copy(layout.shape().begin(), layout.shape().end(), dims);
  std::copy(layout.strides().begin(), layout.strides().end(), dims + ndim);
  view->keep(place.owner);
  view->set(FormatRef(Format(format)), place.data, layout.ndim(), dims, dims + ndim,
            place.readonly);
  return true;
}

}  // namespace stridecast::python
