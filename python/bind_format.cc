// The Python classes Format and Field. What a text means is decided by stridecast::Format.
#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <new>
#include <optional>
#include <string>

#include "python/args.h"
#include "python/bindings.h"
#include "python/buffer_view.h"
#include "python/errors.h"
#include "python/format_arg.h"
#include "python/numpy_dtype.h"
#include "stridecast/format.h"

namespace stridecast::python {
namespace {

PyTypeObject* format_type = nullptr;  // written once, at import

// One field of a format, which it keeps alive.
struct PyField {
  Format owner;
  const Field* field;
};

constexpr const char* kNumpyDtypeDoc =
    R"(numpy_dtype()

The dtype of one item. Imports NumPy, and ml_dtypes for its types. A custom type is asked for its dtype
by ``type._numpy_dtype_from_buffer_fmt(param, byteorder=...)``, found in modules that are imported
already; without that its ``__numpy_dtype__`` counts, then that it is a NumPy scalar type, then what it
was registered as. Raises UnknownTypeError if its module is not imported, TypeError where NumPy has no
dtype.

>>> import stridecast
>>> stridecast.Format("T{>h:a:E:b:}").numpy_dtype().itemsize
4
)";

constexpr const char* kFormatDoc =
    R"(Format(text, itemsize=None)

What one item of a buffer is: a parsed buffer format text (PEP 3118, with ``E`` for bfloat16 and
``[module$qualname$param]`` for other types). Immutable. Formats are equal if their canonical text and
itemsize are.

Parameters
----------
text : str or bytes
    The format text. Always a format text, never a dtype name: bfloat16 is ``"E"``.
itemsize : int, optional
    Bytes of one item as an exporter claims it. It adds padding at the end of a struct or gives an
    unknown type its size, and must agree with the text otherwise.

Raises
------
FormatError
    The text is malformed; ``.kind`` and ``.position`` (in bytes) say how and where.
UnknownTypeError
    The text names a type whose size nobody knows.

>>> import stridecast
>>> f = stridecast.Format("T{<d:x:E:w:}")
>>> f.itemsize
10
>>> [(field.name, field.offset) for field in f.fields[0].fields]
[('x', 0), ('w', 8)]
>>> stridecast.Format("<f") == stridecast.Format("f")
True
)";

constexpr const char* kOfDoc =
    R"(of(obj, /)

The format of an object: of the items of a buffer or ndarray (read through its dtype), of a dtype, of a
scalar type such as ``numpy.float32``, or a Format itself.

Raises TypeError if the object has none.

>>> import stridecast
>>> stridecast.Format.of(b"abc")
Format('B')
>>> stridecast.Format.of(float)
Format('d')
)";

constexpr const char* kDescribeDoc =
    R"(describe()

The tree of fields with their offsets in bytes, a line each, as text for people.

>>> import stridecast
>>> "x" in stridecast.Format("T{d:x:f:y:}").describe()
True
)";

constexpr const char* kFieldDoc =
    R"(One member of an item: an element, an array of elements or a struct.

>>> import stridecast
>>> field, = stridecast.Format("(2,3)>h").fields
>>> field.shape, field.byteorder, field.itemsize
((2, 3), '>', 2)
)";

nb::tuple fields_tuple(const Format& owner, const std::vector<Field>& fields) {
  nb::list list;
  for (const Field& field : fields) list.append(nb::cast(PyField{owner, &field}));
  return nb::tuple(list);
}

nb::object field_name(const PyField& self) {
  if (!self.field->has_name) return nb::none();
  return text_object(self.field->name);
}

nb::object field_custom(const PyField& self) {
  if (!self.field->custom) return nb::none();
  const CustomType& type = *self.field->custom;
  return nb::make_tuple(text_object(type.module), text_object(type.qualname),
                        text_object(type.param));
}

// A sub-array at the top is a sub-array dtype here; as an array's it would become further axes.
nb::object numpy_dtype(const Format& self) {
  nb::object dtype = dtype_of_format(self);
  const Field* field = whole_field(self);
  if (field == nullptr || field->shape.empty()) return dtype;
  return dtype_of_argument(nb::make_tuple(dtype, int_tuple(field->shape)).ptr());
}

const char* byteorder(const PyField& self) {
  constexpr const char* kMarks[] = {"<", ">", "|"};  // by ByteOrder
  return kMarks[static_cast<int>(self.field->order)];
}

nb::str field_repr(nb::handle self) {
  const PyField& field = nb::cast<const PyField&>(self);
  nb::str result("Field(name={!r}, offset={}, code={!r}, shape={}, byteorder={!r}, itemsize={}");
  nb::object text =
      result.attr("format")(field_name(field), field.field->offset, text_object(field.field->code),
                            int_tuple(field.field->shape), byteorder(field), field.field->itemsize);
  if (!field.field->fields.empty()) {
    text = text + nb::str(", fields=") + nb::repr(fields_tuple(field.owner, field.field->fields));
  }
  return nb::str(text + nb::str(")"));
}

// Whether the text alone gives the itemsize, so that repr and pickle can leave it out.
bool itemsize_implied(const Format& format) {
  try {
    return Format::parse(format.text()).itemsize() == format.itemsize();
  } catch (const Error&) {
    return false;
  }
}

nb::str format_repr(const Format& self) {
  std::string tail = ")";
  if (!itemsize_implied(self)) tail = ", itemsize=" + std::to_string(self.itemsize()) + ")";
  return nb::str(nb::str("Format(") + nb::repr(text_object(self.text())) + nb::str(tail.c_str()));
}

Format new_format(nb::handle text, std::optional<int64_t> itemsize) {
  const std::string bytes = text_of(text);
  try {
    return Format::parse(bytes, itemsize);
  } catch (const Error& error) {
    throw with_hint(error, bytes);
  }
}

Format format_of_object(nb::handle object) {
  if (const Format* format = format_in(object.ptr())) return *format;
  if (is_dtype(object.ptr()) || PyType_Check(object.ptr())) {
    return *format_of_argument(object.ptr());
  }
  if (PyUnicode_Check(object.ptr())) {
    raise(PyExc_TypeError, "Format.of takes an object that has a format; for a text use Format(%R)",
          object.ptr());
  }
  BufferView view;
  view.open(object.ptr(), Access::kRead, "obj");
  return view.format();
}

}  // namespace

const Format* format_in(PyObject* object) noexcept {
  if (Py_TYPE(object) != format_type || !nb::inst_ready(object)) return nullptr;
  return nb::inst_ptr<Format>(object);
}

void bind_format(nb::module_& m) {
  nb::class_<PyField>(m, "Field", nb::is_final(), kFieldDoc)
      .def_prop_ro("name", field_name, "str or None: the field's name.")
      .def_prop_ro(
          "offset", [](const PyField& self) { return self.field->offset; },
          "int: bytes from the start of the enclosing struct.")
      .def_prop_ro(
          "code", [](const PyField& self) { return text_object(self.field->code); },
          "str: the code as the text has it, without byte-order mark and shape; 'T' for a struct.")
      .def_prop_ro(
          "shape", [](const PyField& self) { return int_tuple(self.field->shape); },
          "tuple of int: the shape of a sub-array in C order; () for one element.")
      .def_prop_ro("byteorder", byteorder, "str: '<', '>' or, where order means nothing, '|'.")
      .def_prop_ro(
          "itemsize", [](const PyField& self) { return self.field->itemsize; },
          "int: bytes of one element of the field.")
      .def_prop_ro(
          "fields",
          [](const PyField& self) { return fields_tuple(self.owner, self.field->fields); },
          "tuple of Field: the members of a struct.")
      .def_prop_ro("custom", field_custom,
                   "tuple of str or None: module, qualname and parameter of a custom type.")
      .def("__repr__", field_repr);

  nb::class_<Format> format(m, "Format", nb::is_final(), kFormatDoc);
  format
      .def(
          "__init__",
          [](Format* self, nb::handle text, nb::handle itemsize) {
            std::optional<int64_t> size;
            if (is_given(itemsize.ptr())) size = int_value(itemsize.ptr(), "itemsize");
            new (self) Format(new_format(text, size));
          },
          nb::arg("text") = nb::none(), nb::arg("itemsize") = nb::none(),
          // Without a text it is refused by a message of ours.
          nb::sig("def __init__(self, text: str | bytes, itemsize: int | None = None) -> None"))
      .def_static("of", format_of_object, nb::arg("obj").none(), kOfDoc)
      .def_prop_ro(
          "text", [](const Format& self) { return text_object(self.text()); },
          "str: the canonical text; equal formats have equal texts.")
      .def_prop_ro("itemsize", &Format::itemsize, "int: bytes of one item, padding included.")
      .def_prop_ro("alignment", &Format::alignment,
                   "int: the alignment in bytes that the text asks for.")
      .def_prop_ro(
          "fields", [](const Format& self) { return fields_tuple(self, self.fields()); },
          "tuple of Field: the items of the text, one for 'i' or 'T{...}'.")
      .def("numpy_dtype", numpy_dtype, kNumpyDtypeDoc)
      .def("describe", &Format::describe, kDescribeDoc)
      .def("__str__", [](const Format& self) { return text_object(self.text()); })
      .def("__repr__", format_repr)
      .def("__hash__", [](const Format& self) { return static_cast<Py_hash_t>(self.hash()); })
      .def(
          "__eq__",
          [](const Format& self, nb::handle other) -> nb::object {
            const Format* format_other = format_in(other.ptr());
            if (format_other == nullptr) return nb::borrow(Py_NotImplemented);
            return nb::bool_(self == *format_other);
          },
          nb::arg("other").none())
      .def("__reduce__", [](nb::handle self) {
        const Format& value = nb::cast<const Format&>(self);
        return nb::make_tuple(self.type(),
                              nb::make_tuple(text_object(value.text()), value.itemsize()));
      });
  format_type = reinterpret_cast<PyTypeObject*>(format.ptr());
}

}  // namespace stridecast::python
