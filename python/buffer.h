// Buffer: a view of items in memory, by format, shape and strides, as the Python class of that
// name. It knows indexing and exporting; the values of items are items.h, the class's methods
// bind_buffer.cc.
#ifndef STRIDECAST_PYTHON_BUFFER_H_
#define STRIDECAST_PYTHON_BUFFER_H_

#include <nanobind/nanobind.h>

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "stridecast/format.h"

namespace stridecast::python {

namespace nb = nanobind;

class Buffer {
 public:
  Buffer(nb::object memory, char* data, Format format, std::span<const int64_t> shape,
         std::span<const int64_t> strides, bool readonly, std::span<const int64_t> suboffsets = {});

  const Format& format() const { return format_; }
  int ndim() const { return ndim_; }
  std::span<const int64_t> shape() const { return {dims_.data(), size_t(ndim_)}; }
  std::span<const int64_t> strides() const { return {dims_.data() + ndim_, size_t(ndim_)}; }
  /// One a dimension where one is stored by pointers (PEP 3118), else empty.
  std::span<const int64_t> suboffsets() const {
    return std::span<const int64_t>(dims_).subspan(2 * size_t(ndim_));
  }
  char* data() const { return data_; }
  bool readonly() const { return readonly_; }
  int64_t size() const;                  // items; checked to fit when the Buffer was made
  bool is_contiguous(char order) const;  // 'C', 'F' or 'A' for either

  /// The Memory that holds the bytes; null once released.
  nb::object memory() const {
    nb::ft_lock_guard lock(mutex_);
    return memory_;
  }
  /// Raises ValueError if the Buffer has been released.
  void require_live() const;
  /// Lets go of the memory. Raises BufferError while a memoryview or other consumer uses it.
  void release();

  // The buffer protocol (PEP 3118).
  int get_buffer(PyObject* self, Py_buffer* view, int flags);
  void release_buffer() { exports_.fetch_sub(1, std::memory_order_relaxed); }

  // For the garbage collector.
  int traverse(visitproc visit, void* arg) const;
  void clear();

 private:
  nb::object take_memory();
  /// False if the Buffer has been released: what is exported cannot be, what is released not be
  /// exported, also without the GIL.
  bool add_export();

  nb::object memory_;
  // Guards memory_, and that exports are counted while it is there, where there is no GIL.
  [[no_unique_address]] mutable nb::ft_mutex mutex_;
  char* data_;
  Format format_;
  int ndim_;
  bool readonly_;
  std::vector<int64_t> dims_;  // shape, strides, then suboffsets if there are any
  std::atomic<int64_t> exports_{0};
};

/// A new Python Buffer.
nb::object make_buffer(nb::object memory, char* data, Format format, std::span<const int64_t> shape,
                       std::span<const int64_t> strides, bool readonly,
                       std::span<const int64_t> suboffsets = {});
/// The Buffer in `object`, or null if it is none. Cheap.
Buffer* buffer_in(PyObject* object) noexcept;
/// The Buffer in `object`. Raises TypeError if it is none, ValueError if it was released.
Buffer& live_buffer(nb::handle object);
/// Raises BufferError: dimensions stored by pointers cannot become `what`.
[[noreturn]] void raise_pointers(const char* what);
/// Remembers the Python class; called once by bind_buffer.
void set_buffer_type(PyTypeObject* type) noexcept;

}  // namespace stridecast::python

#endif  // STRIDECAST_PYTHON_BUFFER_H_
