// ArrowSchema and ArrowArray as trees that release themselves: what a producer of the C data
// interface owes its consumers. What is in the arrays is arrow_export.cc.
#ifndef STRIDECAST_PYTHON_ARROW_STRUCTS_H_
#define STRIDECAST_PYTHON_ARROW_STRUCTS_H_

#include <nanobind/nanobind.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "python/arrow_abi.h"

namespace stridecast::python {

namespace nb = nanobind;

/// An ArrowSchema or ArrowArray that nobody has been given yet; released if nobody ever is.
template <class Struct>
class Owned {
 public:
  Owned() = default;
  Owned(Owned&& other) noexcept : value_(std::exchange(other.value_, Struct{})) {}
  Owned& operator=(Owned&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~Owned() {
    if (value_.release != nullptr) value_.release(&value_);
  }
  Struct& operator*() { return value_; }
  Struct* operator->() { return &value_; }
  Struct take() { return std::exchange(value_, Struct{}); }

 private:
  Struct value_{};
};
using OwnedSchema = Owned<ArrowSchema>;
using OwnedArray = Owned<ArrowArray>;

/// Memory that buffers point into, and whatever keeps it alive. Any thread may drop it.
using Keeper = std::shared_ptr<void>;
/// Keeps a Python object: it is given up under the interpreter's lock, and leaked once there is no
/// interpreter.
Keeper keep_object(nb::handle object);

/// All fields nullable, as consumers expect of data that has a bitmap or has none.
OwnedSchema make_schema(std::string format, std::string name, std::vector<OwnedSchema> children);
/// One keeper or none for each buffer; the array holds them until it is released.
OwnedArray make_arrow_array(int64_t length, int64_t null_count, std::vector<const void*> buffers,
                            std::vector<Keeper> keepers, std::vector<OwnedArray> children);

/// The capsules that carry them to another library, and release what that leaves in them.
nb::object schema_capsule(OwnedSchema schema);
nb::object array_capsule(OwnedArray array);

}  // namespace stridecast::python

#endif  // STRIDECAST_PYTHON_ARROW_STRUCTS_H_
