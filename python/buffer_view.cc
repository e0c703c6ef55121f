// Reading operands. Everything that can be checked about an exporter is checked here, before a byte
// of its memory is read: its word is taken for where the bytes are and how far its strides reach.
#include "python/buffer_view.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "python/args.h"
#include "python/array_interface.h"
#include "python/arrow_import.h"
#include "python/buffer.h"
#include "python/classes.h"
#include "python/ctypes_format.h"
#include "python/dlpack.h"
#include "python/errors.h"
#include "python/format_arg.h"
#include "python/memory.h"
#include "python/numpy_dtype.h"
#include "python/numpy_view.h"

namespace stridecast::python {
namespace {

// The format of a memoryview of an ndarray: NumPy's text for a struct may be ambiguous, the dtype
// is not. A memoryview that was cast has a one-letter text, which is right as it stands.
std::optional<Format> format_of_viewed_array(PyObject* object, const Py_buffer& view) {
  if (!PyMemoryView_Check(object) || view.format == nullptr) return std::nullopt;
  if (std::strchr(view.format, '{') == nullptr) return std::nullopt;
  const nb::object base = exporter_of(object);
  if (!is_ndarray(base.ptr())) return std::nullopt;
  Format format = *format_of_dtype(dtype_of_array(base.ptr()).ptr());
  if (format.itemsize() != view.itemsize) return std::nullopt;
  return format;
}

// By the exporter's type where it says more than the text that the exporter makes of it.
FormatRef format_of_view(PyObject* object, const Py_buffer& view) {
  const bool is_ctypes = exported_by_ctypes(object, view);
  if (is_ctypes) {
    if (std::optional<FormatRef> format = format_of_ctypes(object, view)) return *format;
  } else if (std::optional<Format> format = format_of_viewed_array(object, view)) {
    return FormatRef(std::move(*format));
  }
  return FormatRef(
      Format::parse(view.format != nullptr ? view.format : "B", view.itemsize, is_ctypes));
}

}  // namespace

BufferView::~BufferView() {
  if (exporter_.obj != nullptr) PyBuffer_Release(&exporter_);
}

nb::object exporter_of(PyObject* view) {
  static PyObject* const name = checked(PyUnicode_InternFromString("obj")).release().ptr();
  return checked(PyObject_GetAttr(view, name));
}

bool is_readable(PyObject* object) {
  return is_ndarray(object) || PyObject_CheckBuffer(object) != 0 ||
         (PyType_Check(object) == 0 && PyObject_HasAttrString(object, "__dlpack__") != 0);
}

void BufferView::open(PyObject* object, Access access, const char* name, bool unsafe_pointer) {
  if (read_ndarray(object, this)) {
    // described already
  } else if (Buffer* buffer = buffer_in(object)) {
    keep_ = buffer->memory();
    if (!keep_) raise(PyExc_ValueError, "operation forbidden on released Buffer");
    is_memory_ = true;
    set(FormatRef(&buffer->format()), buffer->data(), buffer->ndim(), buffer->shape().data(),
        buffer->strides().data(), buffer->readonly(),
        buffer->suboffsets().empty() ? nullptr : buffer->suboffsets().data());
  } else if (access == Access::kRead && read_scalar(object, this)) {
    return;
  } else if (PyObject_CheckBuffer(object) != 0 ||
             !open_other(object, access, name, unsafe_pointer)) {
    open_exporter(object, access, name);
  }
  if (access == Access::kWrite && readonly_) {
    raise(PyExc_BufferError, "%s is read-only", name);
  }
}

// Objects without the buffer protocol; false if there is no way to read this one. Arrow goes before
// DLPack, which knows neither times nor nulls; an image of PIL has Arrow too, but only
// __array_interface__ tells its shape.
bool BufferView::open_other(PyObject* object, Access access, const char* name,
                            bool unsafe_pointer) {
  const bool is_image = optional_attribute(object, "__array_interface__").is_valid();
  return (!is_image && read_arrow(object, access, name, this)) || read_dlpack(object, name, this) ||
         read_array_interface(object, access, name, unsafe_pointer, this);
}

void BufferView::open_exporter(PyObject* object, Access access, const char* name) {
  if (!PyObject_CheckBuffer(object)) {
    raise(PyExc_TypeError,
          "%s: a buffer is needed (an ndarray, bytes, array, memoryview, tensor, ...), not %.200s",
          name, type_name_of(object).c_str());
  }
  if (PyObject_GetBuffer(object, &exporter_,
                         access == Access::kWrite ? PyBUF_FULL : PyBUF_FULL_RO) != 0) {
    exporter_.obj = nullptr;
    if (access == Access::kWrite && PyErr_ExceptionMatches(PyExc_BufferError)) {
      nb::python_error cause;
      nb::raise_from(cause, PyExc_BufferError, "%s is read-only", name);
    }
    raise_current();
  }
  const Py_buffer& view = exporter_;
  const int ndim = view.ndim;
  if (ndim < 0 || ndim > kMaxDims) {
    raise(PyExc_ValueError, "%s has %d dimensions, at most %d are supported", name, ndim, kMaxDims);
  }
  const bool pointers =
      view.suboffsets != nullptr && std::any_of(view.suboffsets, view.suboffsets + ndim,
                                                [](Py_ssize_t offset) { return offset >= 0; });
  if (pointers && (view.shape == nullptr || view.strides == nullptr)) {
    raise(PyExc_BufferError, "%s: its exporter gives suboffsets without shape and strides", name);
  }
  if (view.itemsize < 0 || view.len < 0) {
    raise(PyExc_BufferError, "%s: its exporter claims itemsize %zd and %zd bytes", name,
          view.itemsize, view.len);
  }
  FormatRef format = format_of_view(object, view);

  // Shape and strides that the exporter left out, checked against what it says about its size.
  const int64_t* shape = reinterpret_cast<const int64_t*>(view.shape);
  const int64_t* strides = reinterpret_cast<const int64_t*>(view.strides);
  int64_t* made = make_dims(static_cast<size_t>(ndim));
  if (shape == nullptr && ndim > 0) {
    if (ndim > 1 || view.itemsize == 0) {
      raise(PyExc_BufferError, "%s: its exporter gives no shape", name);
    }
    made[0] = view.len / view.itemsize;
    shape = made;
  }
  int64_t bytes = view.itemsize;
  bool empty = false;
  for (int k = ndim - 1; k >= 0; --k) {
    if (shape[k] < 0) raise(PyExc_BufferError, "%s: its exporter claims a negative size", name);
    empty = empty || shape[k] == 0;
    made[ndim + k] = bytes;
    if (__builtin_mul_overflow(bytes, shape[k] == 0 ? 1 : shape[k], &bytes)) {
      raise(PyExc_BufferError, "%s: its exporter claims more bytes than can be addressed", name);
    }
  }
  if (!empty && bytes > view.len) {
    raise(PyExc_BufferError, "%s: its exporter claims %lld bytes by shape but gives %zd", name,
          static_cast<long long>(bytes), view.len);
  }
  if (strides == nullptr) strides = made + ndim;
  set(std::move(format), static_cast<char*>(view.buf), ndim, shape, strides, view.readonly != 0,
      pointers ? reinterpret_cast<const int64_t*>(view.suboffsets) : nullptr);
}

void BufferView::refuse_pointers(const char* what) const {
  if (suboffsets_ != nullptr) raise_pointers(what);
}

int64_t BufferView::size() const {
  int64_t size = 1;
  bool empty = false;
  for (int64_t n : shape()) {
    if (n == 0) empty = true;
    if (__builtin_mul_overflow(size, n == 0 ? 1 : n, &size)) {
      raise(PyExc_ValueError, "the number of items does not fit 63 bits");
    }
  }
  return empty ? 0 : size;
}

nb::object BufferView::memory() {
  if (is_memory_) return keep_;
  if (exporter_.obj == nullptr) return memory_of_object(keep_);
  // The Memory takes the view over; shape and strides stay valid as long as it lives.
  keep_ = memory_of_view(exporter_);
  exporter_.obj = nullptr;
  is_memory_ = true;
  return keep_;
}

}  // namespace stridecast::python
