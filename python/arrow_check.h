// Whether an ArrowArray can be what its schema says, found out before a byte of it is read. What no
// check can find out is how much memory its pointers lead to.
#ifndef STRIDECAST_PYTHON_ARROW_CHECK_H_
#define STRIDECAST_PYTHON_ARROW_CHECK_H_

#include "python/arrow_abi.h"
#include "python/arrow_format.h"

namespace stridecast::python {

/// Throws Error(kBuffer) naming the first contradiction. Afterwards every index and every number of
/// bytes that the lengths and offsets of `array` lead to fits 63 bits.
void check_array(const ArrowNode& node, const ArrowArray& array);

}  // namespace stridecast::python

#endif  // STRIDECAST_PYTHON_ARROW_CHECK_H_
