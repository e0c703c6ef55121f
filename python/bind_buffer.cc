// The Python class Buffer: its methods, and the slots of the buffer protocol and garbage collector.
#include <nanobind/nanobind.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "python/args.h"
#include "python/bindings.h"
#include "python/buffer.h"
#include "python/buffer_view.h"
#include "python/errors.h"
#include "python/format_arg.h"
#include "python/items.h"
#include "python/numpy_view.h"
#include "stridecast/layout.h"

namespace stridecast::python {
namespace {

constexpr const char* kBufferDoc =
    R"(Buffer(obj)

Items in memory that somebody else owns: a view by format, shape and strides, like memoryview but for
every format, ndarrays of datetimes and ml_dtypes included, which NumPy itself refuses to export.
``memoryview(buffer)`` exports it again with its format text.

Parameters
----------
obj : ndarray or any exporter of the buffer protocol
    Kept alive until the Buffer and everything made from it is gone or released.

Raises
------
TypeError
    `obj` exports no buffer.
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
for its types. Raises TypeError for a format that NumPy has no dtype for.

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
Raises KeyError if there is no such field.

>>> import stridecast
>>> b = stridecast.Buffer(bytes([1, 2, 0, 3, 4, 0])).view("T{B:tag:<H:value:}")
>>> b.field("value").tolist()
[2, 4]
)";

// The Buffer behind a Python object, which must not have been released.
Buffer& live(nb::handle self) {
  Buffer* buffer = buffer_in(self.ptr());
  if (buffer == nullptr) raise(PyExc_TypeError, "a Buffer is needed");
  buffer->require_live();
  return *buffer;
}

void init_buffer(Buffer* self, nb::handle object) {
  BufferView view;
  view.open(object.ptr(), Access::kRead, "obj");
  view.size();  // refuses what does not fit
  nb::object memory = view.memory();
  new (self) Buffer(std::move(memory), view.data(), view.format(), view.shape(), view.strides(),
                    view.readonly());
}

nb::object derived(const Buffer& from, char* data, const Format& format,
                   std::span<const int64_t> shape, std::span<const int64_t> strides) {
  return make_buffer(from.memory(), data, format, shape, strides, from.readonly());
}

// One index of a subscript applied to axis `axis` of `from`.
struct Selection {
  char* data;
  std::vector<int64_t> shape, strides;
};

// One index of a subscript in plain numbers: __index__ may run any Python code, so all of it runs
// before the Buffer is looked at.
struct Index {
  enum Kind { kEllipsis, kInteger, kSlice } kind;
  Py_ssize_t start = 0, stop = 0, step = 0;  // an integer is in start
};

Index read_index(PyObject* given) {
  Index index{Index::kEllipsis};
  if (given == Py_Ellipsis) return index;
  if (PySlice_Check(given)) {
    index.kind = Index::kSlice;
    if (PySlice_Unpack(given, &index.start, &index.stop, &index.step) != 0) raise_current();
    return index;
  }
  if (!PyIndex_Check(given)) {
    raise(PyExc_TypeError, "an index must be an int, a slice or '...', not %.200s",
          Py_TYPE(given)->tp_name);
  }
  index.kind = Index::kInteger;
  index.start = PyNumber_AsSsize_t(given, PyExc_IndexError);
  if (index.start == -1 && PyErr_Occurred()) raise_current();
  return index;
}

void select_index(const Buffer& from, size_t axis, Py_ssize_t given, Selection* out) {
  const int64_t size = from.shape()[axis];
  const int64_t at = given < 0 ? given + size : given;
  if (at < 0 || at >= size) {
    raise(PyExc_IndexError, "index %zd is out of range for axis %zu of size %lld", given, axis,
          static_cast<long long>(size));
  }
  out->data += at * from.strides()[axis];
}

void select_slice(const Buffer& from, size_t axis, Index slice, Selection* out) {
  auto [kind, start, stop, step] = slice;
  const Py_ssize_t size = static_cast<Py_ssize_t>(from.shape()[axis]);
  const Py_ssize_t count = PySlice_AdjustIndices(size, &start, &stop, step);
  const int64_t stride = from.strides()[axis];
  if (count > 0) out->data += start * stride;
  out->shape.push_back(count);
  // A single item needs no stride, and a huge step would overflow it.
  out->strides.push_back(count > 1 ? stride * step : stride);
}

nb::object get_item(nb::handle self, nb::handle key) {
  live(self);
  nb::object keys = PyTuple_Check(key.ptr()) ? nb::borrow(key) : nb::object(nb::make_tuple(key));
  const Py_ssize_t given = PyTuple_GET_SIZE(keys.ptr());
  std::vector<Index> indices;
  for (Py_ssize_t i = 0; i < given; ++i) {
    indices.push_back(read_index(PyTuple_GET_ITEM(keys.ptr(), i)));
  }
  const Buffer& from = live(self);  // an __index__ may have released it
  const Py_ssize_t ellipses = std::count_if(
      indices.begin(), indices.end(), [](const Index& i) { return i.kind == Index::kEllipsis; });
  if (ellipses > 1) raise(PyExc_IndexError, "an index can have only one ellipsis ('...')");
  const Py_ssize_t named = given - ellipses;
  if (named > from.ndim()) {
    raise(PyExc_IndexError, "%zd indices for a Buffer of %d dimensions", named, from.ndim());
  }
  Selection out{from.data(), {}, {}};
  size_t axis = 0;
  const auto keep_axes = [&](Py_ssize_t count) {
    for (; count > 0; --count, ++axis) {
      out.shape.push_back(from.shape()[axis]);
      out.strides.push_back(from.strides()[axis]);
    }
  };
  for (const Index& index : indices) {
    if (index.kind == Index::kEllipsis) {
      keep_axes(from.ndim() - named);
    } else if (index.kind == Index::kSlice) {
      select_slice(from, axis++, index, &out);
    } else {
      select_index(from, axis++, index.start, &out);
    }
  }
  if (out.shape.empty() && static_cast<int>(axis) == from.ndim() && ellipses == 0) {
    return item_value(from.format(), out.data);
  }
  keep_axes(from.ndim() - static_cast<Py_ssize_t>(axis));
  return derived(from, out.data, from.format(), out.shape, out.strides);
}

Py_ssize_t length(nb::handle self) {
  const Buffer& buffer = live(self);
  if (buffer.ndim() == 0) raise(PyExc_TypeError, "a Buffer of 0 dimensions has no length");
  return static_cast<Py_ssize_t>(buffer.shape()[0]);
}

nb::object iterate(nb::handle self) {
  if (live(self).ndim() == 0) raise(PyExc_TypeError, "a Buffer of 0 dimensions has no items");
  return checked(PySeqIter_New(self.ptr()));
}

nb::object item(nb::handle self) {
  const Buffer& buffer = live(self);
  if (buffer.size() != 1) {
    raise(PyExc_ValueError, "item() needs a Buffer of one item, this one has %lld",
          static_cast<long long>(buffer.size()));
  }
  return item_value(buffer.format(), buffer.data());
}

nb::object to_list(nb::handle self) {
  const Buffer& buffer = live(self);
  return nested_list(buffer.format(), buffer.data(), buffer.shape(), buffer.strides());
}

nb::object transposed(nb::handle self) {
  const Buffer& from = live(self);
  std::vector<int64_t> shape(from.shape().rbegin(), from.shape().rend());
  std::vector<int64_t> strides(from.strides().rbegin(), from.strides().rend());
  return derived(from, from.data(), from.format(), shape, strides);
}

nb::object to_numpy(nb::handle self) {
  const Buffer& buffer = live(self);
  nb::object memory = buffer.memory();
  return ndarray_over(memory, buffer.data(), buffer.format(), buffer.shape(), buffer.strides(),
                      buffer.readonly());
}

nb::object view_as(nb::handle self, nb::handle fmt) {
  const Buffer& from = live(self);
  const FormatRef argument = format_of_argument(fmt.ptr());
  const Format& format = *argument;
  std::vector<int64_t> shape(from.shape().begin(), from.shape().end());
  std::vector<int64_t> strides(from.strides().begin(), from.strides().end());
  const int64_t old_size = from.format().itemsize();
  const int64_t new_size = format.itemsize();
  if (old_size != new_size) {
    if (shape.empty() || new_size == 0 || (strides.back() != old_size && shape.back() != 1)) {
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
  return derived(from, from.data(), format, shape, strides);
}

const Field* find_field(const std::vector<Field>& fields, const std::string& name) {
  for (const Field& field : fields) {
    if (field.has_name && field.name == name) return &field;
  }
  return nullptr;
}

nb::object field_of(nb::handle self, nb::str name) {
  const Buffer& from = live(self);
  const std::string key = text_of(name);
  const std::vector<Field>& top = from.format().fields();
  const bool is_struct = top.size() == 1 && !top[0].has_name && top[0].type == DType::kStruct;
  const Field* field = find_field(is_struct ? top[0].fields : top, key);
  if (field == nullptr || (is_struct && !top[0].shape.empty())) {
    raise(PyExc_KeyError, "%R", name.ptr());
  }
  std::vector<int64_t> shape(from.shape().begin(), from.shape().end());
  std::vector<int64_t> strides(from.strides().begin(), from.strides().end());
  const size_t outer = shape.size();
  shape.insert(shape.end(), field->shape.begin(), field->shape.end());
  strides.resize(shape.size());
  int64_t step = field->itemsize;
  for (size_t k = shape.size(); k-- > outer; step *= shape[k]) strides[k] = step;
  if (shape.size() > kMaxDims) raise(PyExc_ValueError, "too many dimensions");
  const ByteOrder order = field->order == ByteOrder::kNone ? kHostOrder : field->order;
  const Format format = is_arithmetic(field->type)
                            ? Format::of(field->type, order)
                            : Format::parse(text_of_field(*field, false), field->itemsize);
  return derived(from, from.data() + field->offset, format, shape, strides);
}

nb::object repr(nb::handle self) {
  const Buffer* buffer = buffer_in(self.ptr());
  if (buffer == nullptr || !buffer->memory()) return nb::str("<stridecast.Buffer, released>");
  return nb::str("<stridecast.Buffer {!r} shape={} strides={}{}>")
      .attr("format")(text_object(buffer->format().text()), int_tuple(buffer->shape()),
                      int_tuple(buffer->strides()), buffer->readonly() ? " read-only" : "");
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
  buffer.def("__init__", init_buffer, nb::arg("obj").none())
      .def_prop_ro(
          "format", [](nb::handle self) { return live(self).format(); },
          "Format: what one item is.")
      .def_prop_ro(
          "shape", [](nb::handle self) { return int_tuple(live(self).shape()); },
          "tuple of int: items along each dimension.")
      .def_prop_ro(
          "strides", [](nb::handle self) { return int_tuple(live(self).strides()); },
          "tuple of int: bytes from item to item along each dimension.")
      .def_prop_ro(
          "itemsize", [](nb::handle self) { return live(self).format().itemsize(); },
          "int: bytes of one item.")
      .def_prop_ro(
          "nbytes",
          [](nb::handle self) { return live(self).size() * live(self).format().itemsize(); },
          "int: size times itemsize.")
      .def_prop_ro(
          "ndim", [](nb::handle self) { return live(self).ndim(); }, "int: number of dimensions.")
      .def_prop_ro(
          "size", [](nb::handle self) { return live(self).size(); }, "int: number of items.")
      .def_prop_ro(
          "readonly", [](nb::handle self) { return live(self).readonly(); },
          "bool: whether the memory must not be written.")
      .def_prop_ro("T", transposed, "Buffer: the same items with the dimensions reversed.")
      .def("__len__", length)
      .def("__getitem__", get_item, nb::arg("key").none())
      .def("__iter__", iterate)
      .def("item", item, kItemDoc)
      .def("tolist", to_list, kToListDoc)
      .def("numpy", to_numpy, kNumpyDoc)
      .def("view", view_as, nb::arg("fmt").none(), kViewDoc)
      .def("field", field_of, nb::arg("name"), kFieldDoc)
      .def("release", &Buffer::release, kReleaseDoc)
      .def("__enter__",
           [](nb::handle self) {
             live(self);
             return nb::borrow(self);
           })
      .def("__exit__", [](Buffer& self, nb::args) { self.release(); })
      .def("__repr__", repr);
  set_buffer_type(reinterpret_cast<PyTypeObject*>(buffer.ptr()));
}

}  // namespace stridecast::python
