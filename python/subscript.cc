// Subscripts of a Buffer; see subscript.h.
#include "python/subscript.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "python/buffer.h"
#include "python/classes.h"
#include "python/errors.h"
#include "python/items.h"

namespace stridecast::python {
namespace {

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
          type_name_of(given).c_str());
  }
  index.kind = Index::kInteger;
  index.start = PyNumber_AsSsize_t(given, PyExc_IndexError);
  if (index.start == -1 && PyErr_Occurred()) raise_current();
  return index;
}

// What is left of a Buffer while its axes are indexed one after the other.
class Selection {
 public:
  explicit Selection(const Buffer& from)
      : from_(from), data_(from.data()), empty_(from.size() == 0) {}

  int axis() const { return static_cast<int>(axis_); }
  char* data() const { return data_; }
  bool is_item() const { return shape_.empty() && axis() == from_.ndim(); }

  void keep(Py_ssize_t count) {
    for (; count > 0; --count, ++axis_) {
      append(from_.shape()[axis_], from_.strides()[axis_], suboffset());
    }
  }

  void apply(const Index& index) {
    index.kind == Index::kInteger ? select(index.start) : slice(index);
    ++axis_;
  }

  nb::object buffer() const {
    const bool pointers =
        std::any_of(suboffsets_.begin(), suboffsets_.end(), [](int64_t s) { return s >= 0; });
    return make_buffer(from_.memory(), data_, from_.format(), shape_, strides_, from_.readonly(),
                       pointers ? suboffsets_ : std::vector<int64_t>());
  }

 private:
  int64_t suboffset() const { return from_.suboffsets().empty() ? -1 : from_.suboffsets()[axis_]; }

  void append(int64_t n, int64_t stride, int64_t suboffset) {
    shape_.push_back(n);
    strides_.push_back(stride);
    suboffsets_.push_back(suboffset);
  }

  void select(Py_ssize_t given) {
    const int64_t size = from_.shape()[axis_];
    const int64_t at = given < 0 ? given + size : given;
    if (at < 0 || at >= size) {
      raise(PyExc_IndexError, "index %zd is out of range for axis %d of size %lld", given, axis(),
            static_cast<long long>(size));
    }
    shift(at * from_.strides()[axis_]);
    if (suboffset() >= 0) follow(suboffset());
  }

  void slice(Index slice) {
    auto [kind, start, stop, step] = slice;
    const Py_ssize_t size = static_cast<Py_ssize_t>(from_.shape()[axis_]);
    const Py_ssize_t count = PySlice_AdjustIndices(size, &start, &stop, step);
    const int64_t stride = from_.strides()[axis_];
    if (count > 0) shift(start * stride);
    // A single item needs no stride, and a huge step would overflow it.
    append(count, count > 1 ? stride * step : stride, suboffset());
  }

  // Moves what is reached from here on: the data, or behind pointers that an axis kept so far is
  // stored by, what is added to them.
  void shift(int64_t bytes) {
    const auto last = std::find_if(suboffsets_.rbegin(), suboffsets_.rend(),
                                   [](int64_t suboffset) { return suboffset >= 0; });
    if (last == suboffsets_.rend()) {
      data_ += bytes;
    } else if (*last + bytes >= 0) {
      *last += bytes;
    } else {
      // Less than the address that the pointer holds, which no suboffset can say.
      raise_pointers("this selection");
    }
  }

  // Follows the pointer of the selected row: now, or once for each item of the axes kept so far.
  void follow(int64_t suboffset) {
    if (shape_.empty()) {
      if (empty_) return;
      char* row = nullptr;
      std::memcpy(&row, data_, sizeof row);
      data_ = row + suboffset;
    } else if (suboffsets_.back() < 0) {
      suboffsets_.back() = suboffset;
    } else {
      raise_pointers("this selection");
    }
  }

  const Buffer& from_;
  char* data_;
  bool empty_;
  size_t axis_ = 0;
  std::vector<int64_t> shape_, strides_, suboffsets_;
};

}  // namespace

nb::object subscript(nb::handle self, nb::handle key) {
  live_buffer(self);
  nb::object keys = PyTuple_Check(key.ptr()) ? nb::borrow(key) : nb::object(nb::make_tuple(key));
  const Py_ssize_t given = PyTuple_Size(keys.ptr());
  std::vector<Index> indices;
  for (Py_ssize_t i = 0; i < given; ++i) {
    indices.push_back(read_index(PyTuple_GetItem(keys.ptr(), i)));
  }
  const Buffer& from = live_buffer(self);  // an __index__ may have released it
  const Py_ssize_t ellipses = std::count_if(
      indices.begin(), indices.end(), [](const Index& i) { return i.kind == Index::kEllipsis; });
  if (ellipses > 1) raise(PyExc_IndexError, "an index can have only one ellipsis ('...')");
  const Py_ssize_t named = given - ellipses;
  if (named > from.ndim()) {
    raise(PyExc_IndexError, "%zd indices for a Buffer of %d dimensions", named, from.ndim());
  }
  Selection selection(from);
  for (const Index& index : indices) {
    if (index.kind == Index::kEllipsis) {
      selection.keep(from.ndim() - named);
    } else {
      selection.apply(index);
    }
  }
  if (selection.is_item() && ellipses == 0) return item_value(from.format(), selection.data());
  selection.keep(from.ndim() - selection.axis());
  return selection.buffer();
}

}  // namespace stridecast::python
