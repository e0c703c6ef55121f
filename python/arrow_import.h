// Arrow arrays as operands: whatever has __arrow_c_array__, read through the C data interface. The
// structs come from another library and are pointers all through: what can be checked is checked
// before anything is taken over, for the rest the producer is trusted.
#ifndef STRIDECAST_PYTHON_ARROW_IMPORT_H_
#define STRIDECAST_PYTHON_ARROW_IMPORT_H_

#include "python/buffer_view.h"

namespace stridecast::python {

/// Describes an object with __arrow_c_array__ that exports no buffer; false if `object` is none.
/// The items are the producer's own memory, read-only, where the layouts agree; else (bools, nulls,
/// structs, 32-bit dates and times) a copy. Nulls become NaT or NaN; ValueError where the type has
/// neither. TypeError for Arrow types without a counterpart and for streams of chunks, BufferError
/// for structs that contradict themselves and for Access::kWrite.
bool read_arrow(PyObject* object, Access access, const char* name, BufferView* view);

}  // namespace stridecast::python

#endif  // STRIDECAST_PYTHON_ARROW_IMPORT_H_
