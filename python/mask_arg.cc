// Masks as operands; see mask_arg.h.
#include "python/mask_arg.h"

#include "python/args.h"
#include "python/errors.h"
#include "stridecast/format.h"

namespace stridecast::python {

void open_mask(PyObject* where, std::span<const int64_t> shape, const char* whose,
               BufferView* mask) {
  static const Format& bool_format = *new Format(Format::of(DType::kBool));
  static char truth[] = {0, 1};
  if (PyBool_Check(where)) {
    mask->set(FormatRef(&bool_format), &truth[where == Py_True], 0, nullptr, nullptr, true);
    return;
  }
  mask->open(where, Access::kRead, "where");
  const Field* item = mask->format().scalar();
  if (item == nullptr ||
      (item->type != DType::kBool && item->type != DType::kInt8 && item->type != DType::kUint8)) {
    raise(PyExc_TypeError,
          "where must have the format '?' or be of one-byte integers, not '%s'; a comparison "
          "such as array != 0 makes a mask",
          mask->format().text().c_str());
  }
  const std::span<const int64_t> given = mask->shape();
  bool fits = given.size() <= shape.size();
  for (size_t k = 0; fits && k < given.size(); ++k) {
    const int64_t n = given[given.size() - 1 - k];
    fits = n == 1 || n == shape[shape.size() - 1 - k];
  }
  if (!fits) {
    raise(PyExc_ValueError, "where has the shape %S, which does not broadcast to %s %S",
          int_tuple(given).ptr(), whose, int_tuple(shape).ptr());
  }
}

}  // namespace stridecast::python
