// The Buffer value and its side of the buffer protocol; see buffer.h.
#include "python/buffer.h"

#include <cstring>
#include <utility>

#include "python/errors.h"
#include "stridecast/layout.h"

namespace stridecast::python {
namespace {

PyTypeObject* buffer_type = nullptr;  // written once, at import

bool contiguous(std::span<const int64_t> shape, std::span<const int64_t> strides, int64_t itemsize,
                bool fortran) {
  const int ndim = static_cast<int>(shape.size());
  int64_t expected = itemsize;
  for (int k = 0; k < ndim; ++k) {
    if (shape[size_t(k)] == 0) return true;
  }
  for (int k = 0; k < ndim; ++k) {
    const size_t axis = static_cast<size_t>(fortran ? k : ndim - 1 - k);
    if (shape[axis] != 1 && strides[axis] != expected) return false;
    expected *= shape[axis];
  }
  return true;
}

constexpr const char* kReleased = "operation forbidden on released Buffer";

int refuse_released() {
  PyErr_SetString(PyExc_ValueError, kReleased);
  return -1;
}

}  // namespace

Buffer::Buffer(nb::object memory, char* data, Format format, std::span<const int64_t> shape,
               std::span<const int64_t> strides, bool readonly, std::span<const int64_t> suboffsets)
    : memory_(std::move(memory)),
      data_(data),
      format_(std::move(format)),
      ndim_(static_cast<int>(shape.size())),
      readonly_(readonly) {
  dims_.reserve(shape.size() * 2 + suboffsets.size());
  dims_.insert(dims_.end(), shape.begin(), shape.end());
  dims_.insert(dims_.end(), strides.begin(), strides.end());
  if (!suboffsets.empty()) dims_.insert(dims_.end(), suboffsets.begin(), suboffsets.end());
}

int64_t Buffer::size() const {
  int64_t size = 1;
  for (int64_t n : shape()) size *= n;
  return size;
}

bool Buffer::is_contiguous(char order) const {
  if (!suboffsets().empty()) return false;
  return (order != 'F' && contiguous(shape(), strides(), format_.itemsize(), false)) ||
         (order != 'C' && contiguous(shape(), strides(), format_.itemsize(), true));
}

nb::object Buffer::take_memory() {
  nb::ft_lock_guard lock(mutex_);
  return std::exchange(memory_, nb::object());
}

void Buffer::require_live() const {
  if (!memory()) raise(PyExc_ValueError, "%s", kReleased);
}

void Buffer::release() {
  nb::object memory;  // goes after the lock
  int64_t exports;
  {
    nb::ft_lock_guard lock(mutex_);
    exports = exports_.load(std::memory_order_relaxed);
    if (exports == 0) memory = std::exchange(memory_, nb::object());
  }
  if (exports > 0) {
    raise(PyExc_BufferError, "Buffer has %lld exported view%s", static_cast<long long>(exports),
          exports == 1 ? "" : "s");
  }
}

bool Buffer::add_export() {
  nb::ft_lock_guard lock(mutex_);
  if (!memory_) return false;
  exports_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

// The rules of CPython's memoryview: what the request does not ask for is left out, and what it
// cannot do without is an error.
int Buffer::get_buffer(PyObject* self, Py_buffer* view, int flags) {
  const auto asks = [flags](int flag) { return (flags & flag) == flag; };
  view->obj = nullptr;
  const char* refusal = nullptr;
  if (!memory()) return refuse_released();
  if (asks(PyBUF_WRITABLE) && readonly_) {
    refusal = "underlying buffer is not writable";
  } else if (asks(PyBUF_C_CONTIGUOUS) && !is_contiguous('C')) {
    refusal = "underlying buffer is not C-contiguous";
  } else if (asks(PyBUF_F_CONTIGUOUS) && !is_contiguous('F')) {
    refusal = "underlying buffer is not Fortran contiguous";
  } else if (asks(PyBUF_ANY_CONTIGUOUS) && !is_contiguous('A')) {
    refusal = "underlying buffer is not contiguous";
  } else if (!asks(PyBUF_INDIRECT) && !suboffsets().empty()) {
    refusal = "underlying buffer requires suboffsets";
  } else if (!asks(PyBUF_STRIDES) && !is_contiguous('C')) {
    refusal = "underlying buffer is not C-contiguous";
  } else if (!asks(PyBUF_ND) && asks(PyBUF_FORMAT)) {
    refusal = "cannot cast to unsigned bytes if the format flag is present";
  }
  if (refusal != nullptr) {
    PyErr_SetString(PyExc_BufferError, refusal);
    return -1;
  }
  view->buf = data_;
  view->len = static_cast<Py_ssize_t>(size() * format_.itemsize());
  view->readonly = readonly_;
  view->itemsize = static_cast<Py_ssize_t>(format_.itemsize());
  view->format = asks(PyBUF_FORMAT) ? const_cast<char*>(format_.text().c_str()) : nullptr;
  view->ndim = ndim_;
  view->shape = nullptr;
  view->strides = nullptr;
  view->suboffsets = nullptr;
  view->internal = nullptr;
  static_assert(sizeof(Py_ssize_t) == sizeof(int64_t));
  if (asks(PyBUF_ND)) {
    view->shape = reinterpret_cast<Py_ssize_t*>(dims_.data());
    if (asks(PyBUF_STRIDES)) view->strides = reinterpret_cast<Py_ssize_t*>(dims_.data() + ndim_);
    if (!suboffsets().empty()) {
      view->suboffsets = reinterpret_cast<Py_ssize_t*>(dims_.data() + 2 * ndim_);
    }
  } else {
    view->ndim = 1;  // plain bytes
  }
  if (!add_export()) return refuse_released();
  view->obj = Py_NewRef(self);
  return 0;
}

int Buffer::traverse(visitproc visit, void* arg) const {
  Py_VISIT(memory_.ptr());
  return 0;
}

void Buffer::clear() {
  if (exports_.load(std::memory_order_relaxed) > 0) return;
  take_memory();
}

nb::object make_buffer(nb::object memory, char* data, Format format, std::span<const int64_t> shape,
                       std::span<const int64_t> strides, bool readonly,
                       std::span<const int64_t> suboffsets) {
  nb::object result = nb::inst_alloc(reinterpret_cast<PyObject*>(buffer_type));
  new (nb::inst_ptr<Buffer>(result))
      Buffer(std::move(memory), data, std::move(format), shape, strides, readonly, suboffsets);
  nb::inst_mark_ready(result);
  return result;
}

Buffer* buffer_in(PyObject* object) noexcept {
  if (Py_TYPE(object) != buffer_type || !nb::inst_ready(object)) return nullptr;
  return nb::inst_ptr<Buffer>(object);
}

Buffer& live_buffer(nb::handle object) {
  Buffer* buffer = buffer_in(object.ptr());
  if (buffer == nullptr) raise(PyExc_TypeError, "a Buffer is needed");
  buffer->require_live();
  return *buffer;
}

void raise_pointers(const char* what) {
  raise(PyExc_BufferError,
        "rows stored by pointers (suboffsets) cannot become %s; copy them first: "
        "stridecast.copy(buf)",
        what);
}

void set_buffer_type(PyTypeObject* type) noexcept { buffer_type = type; }

}  // namespace stridecast::python
