// BufferView: one operand, read from any Python object for the time of one call. ndarrays are read
// through their dtype, Buffers directly, every other exporter through Py_buffer, and what has none
// through __array_interface__, Arrow or DLPack. It decides nothing about conversions.
#ifndef STRIDECAST_PYTHON_BUFFER_VIEW_H_
#define STRIDECAST_PYTHON_BUFFER_VIEW_H_

#include <nanobind/nanobind.h>

#include <cstdint>
#include <span>
#include <vector>

#include "python/format_arg.h"
#include "stridecast/ops.h"
#include "stridecast/plan.h"

namespace stridecast::python {

namespace nb = nanobind;

enum class Access { kRead, kWrite };

/// Whether `object` is an ndarray, exports a buffer or produces DLPack tensors.
bool is_readable(PyObject* object);

/// What a memoryview shows the bytes of; None where that is no object.
nb::object exporter_of(PyObject* view);

/// What an operand is. The pointers lead into the object it was read from, which must outlive the
/// view, or into the view itself.
class BufferView {
 public:
  BufferView() { exporter_.obj = nullptr; }
  ~BufferView();
  BufferView(const BufferView&) = delete;
  BufferView& operator=(const BufferView&) = delete;

  /// Reads `object`; `name` is the argument's name, for messages. Raises TypeError if it exports no
  /// buffer, BufferError if it is read-only and `access` is kWrite, FormatError if its format is
  /// malformed or disagrees with its itemsize. `unsafe_pointer`: an __array_interface__ may give an
  /// address.
  void open(PyObject* object, Access access, const char* name, bool unsafe_pointer = false);

  const Format& format() const { return *format_; }
  std::span<const int64_t> shape() const { return {shape_, static_cast<size_t>(ndim_)}; }
  std::span<const int64_t> strides() const { return {strides_, static_cast<size_t>(ndim_)}; }
  /// One a dimension where one is stored by pointers, else empty.
  std::span<const int64_t> suboffsets() const {
    return {suboffsets_, suboffsets_ == nullptr ? 0 : static_cast<size_t>(ndim_)};
  }
  int ndim() const { return ndim_; }
  char* data() const { return data_; }
  bool readonly() const { return readonly_; }
  LayoutView layout() const { return {&*format_, shape(), strides(), 0, suboffsets()}; }
  /// The number of items. Raises ValueError if it does not fit 63 bits.
  int64_t size() const;

  /// Raises BufferError if a dimension is stored by pointers, which `what` cannot be.
  void refuse_pointers(const char* what) const;

  /// A Memory that keeps the bytes alive beyond this view.
  nb::object memory();

  // For those who read a kind of object: fills the description.
  void set(FormatRef&& format, char* data, int ndim, const int64_t* shape, const int64_t* strides,
           bool readonly, const int64_t* suboffsets = nullptr) {
    format_ = std::move(format);
    data_ = data;
    ndim_ = ndim;
    shape_ = shape;
    strides_ = strides;
    suboffsets_ = suboffsets;
    readonly_ = readonly;
  }
  /// Room for the shape and strides of `ndim` dimensions that the object does not have in this
  /// form, or may change meanwhile.
  int64_t* make_dims(size_t ndim) {
    if (ndim <= kFewDims) return few_;
    many_.resize(2 * ndim);
    return many_.data();
  }
  /// Keeps `object` alive as long as this view; memory() makes a Memory of it.
  void keep(nb::object object) { keep_ = std::move(object); }

 private:
  void open_exporter(PyObject* object, Access access, const char* name);
  bool open_other(PyObject* object, Access access, const char* name, bool unsafe_pointer);

  FormatRef format_{nullptr};
  char* data_ = nullptr;
  const int64_t* shape_ = nullptr;
  const int64_t* strides_ = nullptr;
  const int64_t* suboffsets_ = nullptr;
  int ndim_ = 0;
  bool readonly_ = false;
  bool is_memory_ = false;  // keep_ is a Memory already
  nb::object keep_;
  Py_buffer exporter_;  // without obj: not in use
  static constexpr size_t kFewDims = 8;
  int64_t few_[2 * kFewDims];  // shape and strides of our own, without an allocation
  std::vector<int64_t> many_;
};

}  // namespace stridecast::python

#endif  // STRIDECAST_PYTHON_BUFFER_VIEW_H_
