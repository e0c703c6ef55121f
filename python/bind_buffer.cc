// The Python class Buffer: its methods, and the slots of the buffer protocol and garbage collector.
#include <nanobind/nanobind.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "python/args.h"
#include "python/arrow_export.h"
#include "python/bindings.h"
#include "python/buffer.h"
#include "python/buffer_view.h"
#include "python/classes.h"
#include "python/dlpack.h"
#include "python/errors.h"
#include "python/fields.h"
#include "python/format_arg.h"
#include "python/items.h"
#include "python/numpy_view.h"
#include "python/subscript.h"
#include "stridecast/layout.h"

namespace stridecast::python {
namespace {

constexpr const char* kBufferDoc =
    R"(Buffer(obj, *, unsafe_pointer=False)

Items in memory that somebody else owns: a view by format, shape and strides, like memoryview but for
every format, ndarrays of datetimes and ml_dtypes included, which NumPy itself refuses to export.
``memoryview(buffer)`` exports it again with its format text.

Parameters
----------
obj : ndarray, any exporter of the buffer protocol, an Arrow array, or an object with __dlpack__ or __array_interface__
    Kept alive until the Buffer and everything made from it is gone or released. Objects with
    ``__arrow_c_array__`` (Arrow arrays) are read too: numbers, 64-bit times and fixed-size binaries ('x')
    without nulls, and fixed-size lists of them (sub-arrays), over the same memory and read-only; bools,
    nulls (NaT or NaN), date32, time32 and structs as a copy. Time zones are left out, since the values
    are UTC in any case, and extension types are read as what they are stored as. What the structs of an
    Arrow array say is checked; that their addresses lead to memory is believed. Tensors must be in the
    CPU's memory.
unsafe_pointer : bool
    Whether an ``__array_interface__`` whose data is an address is believed. Such an address cannot be
    checked: a wrong one crashes the process, so ask for it only for objects that you trust.

Raises
------
TypeError
    `obj` exports no buffer, or is of an Arrow type that no format has (the message says what to do).
ValueError
    An Arrow array has nulls, and its type has no value for them.
BufferError
    Its memory cannot be read here, or its claims about it contradict each other.
FormatError
    Its format is malformed or disagrees with its itemsize.

>>> import stridecast
>>> from array import array
>>> b = stridecast.Buffer(array("h", [1, 2, 3, 4]))
>>> b.format, b.shape, b.strides
(Format('h'), (4,), (2,))
>>> b[::-1].tolist()
[4, 3, 2, 1]
>>> b[1]
2
)";

constexpr const char* kItemDoc =
    R"(item()

The value of the only item. Raises ValueError if there are more or none.

>>> import stridecast
>>> stridecast.Buffer(b"A").item()
65
)";

constexpr const char* kToListDoc =
    R"(tolist()

All items as nested lists, a level for each dimension; structs as tuples, bfloat16 as float, datetimes
as NumPy scalars if NumPy is imported, else as int.

>>> import stridecast
>>> stridecast.Buffer(b"AB").tolist()
[65, 66]
)";

constexpr const char* kReleaseDoc =
    R"(release()

Lets go of the memory; a with-statement does it at its end. Views and arrays made from the Buffer keep
it on their own. Raises BufferError while a memoryview of this Buffer exists.

>>> import stridecast
>>> data = bytearray(b"AB")
>>> with stridecast.Buffer(data) as b:
...     b.size
2
>>> data.append(67)
)";

constexpr const char* kNumpyDoc =
    R"(numpy()

An ndarray over the same memory, without a copy; read-only if the Buffer is. Imports NumPy, and ml_dtypes
for its types. Raises TypeError for a format that NumPy has no dtype for, and BufferError for rows that
are stored by pointers (suboffsets), which no ndarray can have: `copy` packs them.

>>> import stridecast
>>> stridecast.Buffer(b"AB").numpy()
array([65, 66], dtype=uint8)
)";

constexpr const char* kViewDoc =
    R"(view(fmt)

The same bytes read as another format. An itemsize that differs changes the last dimension, which must
be contiguous then. Raises ValueError if the bytes do not divide.

>>> import stridecast
>>> stridecast.Buffer(bytes([1, 0, 0, 1])).view("<H").tolist()
[1, 256]
)";

constexpr const char* kFieldDoc =
    R"(field(name)

One field of a buffer of structs, as a Buffer over the same memory; a sub-array's dimensions come last.
Raises KeyError, naming the fields that there are, if this is none of them.

>>> import stridecast
>>> b = stridecast.Buffer(bytes([1, 2, 0, 3, 4, 0])).view("T{B:tag:<H:value:}")
>>> b.field("value").tolist()
[2, 4]
)";

void init_buffer(Buffer* self, nb::handle object, bool unsafe_pointer) {
  BufferView view;
  view.open(object.ptr(), Access::kRead, "obj", unsafe_pointer);
  view.size();  // refuses what does not fit
  nb::object memory = view.memory();
  new (self) Buffer(std::move(memory), view.data(), view.format(), view.shape(), view.strides(),
                    view.readonly(), view.suboffsets());
}

Py_ssize_t length(nb::handle self) {
  const Buffer& buffer = live_buffer(self);
  if (buffer.ndim() == 0) raise(PyExc_TypeError, "a Buffer of 0 dimensions has no length");
  return static_cast<Py_ssize_t>(buffer.shape()[0]);
}

nb::object iterate(nb::handle self) {
  if (live_buffer(self).ndim() == 0)
    raise(PyExc_TypeError, "a Buffer of 0 dimensions has no items");
  return checked(PySeqIter_New(self.ptr()));
}

// A Buffer over the memory of another.
nb::object derived(const Buffer& from, char* data, const Format& format,
                   std::span<const int64_t> shape, std::span<const int64_t> strides,
                   std::span<const int64_t> suboffsets = {}) {
  return make_buffer(from.memory(), data, format, shape, strides, from.readonly(), suboffsets);
}

nb::object item(nb::handle self) {
  const Buffer& buffer = live_buffer(self);
  if (buffer.size() != 1) {
    raise(PyExc_ValueError, "item() needs a Buffer of one item, this one has %lld",
          static_cast<long long>(buffer.size()));
  }
  const char* data = buffer.data();
  for (int64_t suboffset : buffer.suboffsets()) {
    if (suboffset < 0) continue;
    const char* row = nullptr;
    std::memcpy(&row, data, sizeof row);
    data = row + suboffset;
  }
  return item_value(buffer.format(), data);
}

nb::object to_list(nb::handle self) {
  const Buffer& buffer = live_buffer(self);
  return nested_list(buffer.format(), buffer.data(), buffer.shape(), buffer.strides(),
                     buffer.suboffsets());
}

nb::object transposed(nb::handle self) {
  const Buffer& from = live_buffer(self);
  // A pointer is followed after its axis: elsewhere that would be too early or too late.
  if (from.ndim() > 1 && !from.suboffsets().empty()) raise_pointers("a transpose");
  std::vector<int64_t> shape(from.shape().rbegin(), from.shape().rend());
  std::vector<int64_t> strides(from.strides().rbegin(), from.strides().rend());
  return derived(from, from.data(), from.format(), shape, strides, from.suboffsets());
}

nb::object to_numpy(nb::handle self) {
  const Buffer& buffer = live_buffer(self);
  if (!buffer.suboffsets().empty()) raise_pointers("an ndarray");
  nb::object memory = buffer.memory();
  return ndarray_over(memory, buffer.data(), buffer.format(), buffer.shape(), buffer.strides(),
                      buffer.readonly());
}

nb::object view_as(nb::handle self, nb::handle fmt) {
  const Buffer& from = live_buffer(self);
  const FormatRef argument = format_of_argument(fmt.ptr());
  const Format& format = *argument;
  std::vector<int64_t> shape(from.shape().begin(), from.shape().end());
  std::vector<int64_t> strides(from.strides().begin(), from.strides().end());
  const int64_t old_size = from.format().itemsize();
  const int64_t new_size = format.itemsize();
  if (old_size != new_size) {
    const bool pointers = !from.suboffsets().empty() && from.suboffsets().back() >= 0;
    if (shape.empty() || new_size == 0 || pointers ||
        (strides.back() != old_size && shape.back() != 1)) {
      raise(PyExc_ValueError,
            "items of %lld bytes can be viewed as items of %lld only along a contiguous last "
            "dimension",
            static_cast<long long>(old_size), static_cast<long long>(new_size));
    }
    const int64_t bytes = shape.back() * old_size;
    if (bytes % new_size != 0) {
      raise(PyExc_ValueError, "%lld bytes in the last dimension do not divide into items of %lld",
            static_cast<long long>(bytes), static_cast<long long>(new_size));
    }
    shape.back() = bytes / new_size;
    strides.back() = new_size;
  }
  return derived(from, from.data(), format, shape, strides, from.suboffsets());
}

nb::object field_of(nb::handle self, nb::handle name) {
  const Buffer& from = live_buffer(self);
  if (!PyUnicode_Check(name.ptr())) {
    raise(PyExc_TypeError, "name must be a str, not %.200s", type_name_of(name).c_str());
  }
  const std::string& key = require_field(from.format(), nb::borrow<nb::str>(name)).name;
  const Layout field = Layout::strided(from.format(), {from.shape().begin(), from.shape().end()},
                                       {from.strides().begin(), from.strides().end()}, 0,
                                       {from.suboffsets().begin(), from.suboffsets().end()})
                           .field(key);
  return derived(from, from.data() + field.offset(), field.format(), field.shape(), field.strides(),
                 field.suboffsets());
}

nb::object repr(nb::handle self) {
  const Buffer* buffer = buffer_in(self.ptr());
  if (buffer == nullptr || !buffer->memory()) return nb::str("<stridecast.Buffer, released>");
  nb::object suboffsets = nb::str("");
  if (!buffer->suboffsets().empty()) {
    suboffsets = nb::str(" suboffsets={}").attr("format")(int_tuple(buffer->suboffsets()));
  }
  return nb::str("<stridecast.Buffer {!r} shape={} strides={}{}{}>")
      .attr("format")(text_object(buffer->format().text()), int_tuple(buffer->shape()),
                      int_tuple(buffer->strides()), suboffsets,
                      buffer->readonly() ? " read-only" : "");
}

int get_buffer_slot(PyObject* self, Py_buffer* view, int flags) {
  return guarded(
      [&] {
        view->obj = nullptr;
        Buffer* buffer = buffer_in(self);
        if (buffer == nullptr) raise(PyExc_BufferError, "the Buffer is not initialized");
        return buffer->get_buffer(self, view, flags);
      },
      -1);
}

void release_buffer_slot(PyObject* self, Py_buffer*) { buffer_in(self)->release_buffer(); }

int traverse_slot(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Buffer* buffer = buffer_in(self);
  return buffer == nullptr ? 0 : buffer->traverse(visit, arg);
}

int clear_slot(PyObject* self) {
  if (Buffer* buffer = buffer_in(self)) buffer->clear();
  return 0;
}

PyType_Slot slots[] = {{Py_bf_getbuffer, reinterpret_cast<void*>(get_buffer_slot)},
                       {Py_bf_releasebuffer, reinterpret_cast<void*>(release_buffer_slot)},
                       {Py_tp_traverse, reinterpret_cast<void*>(traverse_slot)},
                       {Py_tp_clear, reinterpret_cast<void*>(clear_slot)},
                       {0, nullptr}};

}  // namespace

void bind_buffer(nb::module_& m) {
  nb::class_<Buffer> buffer(m, "Buffer", nb::is_final(), nb::type_slots(slots), kBufferDoc);
  buffer
      .def("__init__", init_buffer, nb::arg("obj") = nb::none(), nb::kw_only(),
           nb::arg("unsafe_pointer") = false,
           // Without an object it is refused by a message of ours.
           nb::sig("def __init__(self, obj: object, *, unsafe_pointer: bool = False) -> None"))
      .def_prop_ro(
          "format", [](nb::handle self) { return live_buffer(self).format(); },
          "Format: what one item is.")
      .def_prop_ro(
          "shape", [](nb::handle self) { return int_tuple(live_buffer(self).shape()); },
          "tuple of int: items along each dimension.")
      .def_prop_ro(
          "strides", [](nb::handle self) { return int_tuple(live_buffer(self).strides()); },
          "tuple of int: bytes from item to item along each dimension.")
      .def_prop_ro(
          "suboffsets", [](nb::handle self) { return int_tuple(live_buffer(self).suboffsets()); },
          "tuple of int: where at least one dimension is stored by pointers, one value a "
          "dimension: "
          "what is added to a pointer that was followed, or a negative value for a dimension "
          "without pointers. () everywhere else.")
      .def_prop_ro(
          "itemsize", [](nb::handle self) { return live_buffer(self).format().itemsize(); },
          "int: bytes of one item.")
      .def_prop_ro(
          "nbytes",
          [](nb::handle self) {
            return live_buffer(self).size() * live_buffer(self).format().itemsize();
          },
          "int: size times itemsize.")
      .def_prop_ro(
          "ndim", [](nb::handle self) { return live_buffer(self).ndim(); },
          "int: number of dimensions.")
      .def_prop_ro(
          "size", [](nb::handle self) { return live_buffer(self).size(); }, "int: number of items.")
      .def_prop_ro(
          "readonly", [](nb::handle self) { return live_buffer(self).readonly(); },
          "bool: whether the memory must not be written.")
      .def_prop_ro("T", transposed,
                   "Buffer: the same items with the dimensions reversed, over the same memory.")
      .def("__len__", length)
      .def("__getitem__", subscript, nb::arg("key").none())
      .def("__iter__", iterate)
      .def("item", item, kItemDoc)
      .def("tolist", to_list, kToListDoc)
      .def("numpy", to_numpy, kNumpyDoc)
      .def("view", view_as, nb::arg("fmt").none(), kViewDoc)
      .def("field", field_of, nb::arg("name").none(),
           nb::sig("def field(self, name: str) -> object"), kFieldDoc)
      .def("release", &Buffer::release, kReleaseDoc)
      .def("__enter__",
           [](nb::handle self) {
             live_buffer(self);
             return nb::borrow(self);
           })
      .def("__exit__", [](Buffer& self, nb::args) { self.release(); })
      .def("__repr__", repr);
  bind_arrow(buffer);
  bind_dlpack(buffer);
  set_buffer_type(reinterpret_cast<PyTypeObject*>(buffer.ptr()));
}

}  // namespace stridecast::python
