// The arguments of decode() and encode() that say how stored numbers are scaled.
#ifndef STRIDECAST_PYTHON_SCALING_ARGS_H_
#define STRIDECAST_PYTHON_SCALING_ARGS_H_

#include <nanobind/nanobind.h>

#include <vector>

#include "stridecast/format.h"
#include "stridecast/plan.h"

namespace stridecast::python {

/// As the caller gave them; null where not given.
struct ScalingArguments {
  PyObject* scale;
  PyObject* offset;
  PyObject* missing;
  PyObject* axis;
  PyObject* compute;
};

/// The scaling of items stored as `stored`. Raises TypeError for what is no number, ValueError for
/// missing values that `stored` does not hold exactly, and for several values without an axis.
Scaling scaling_of_arguments(const ScalingArguments& arguments, const Format& stored);

/// A number or a sequence of them as elements of `stored`, none where null or None is given. Raises
/// as above.
std::vector<ElementBytes> missing_of_argument(PyObject* argument, const Format& stored);

}  // namespace stridecast::python

#endif  // STRIDECAST_PYTHON_SCALING_ARGS_H_
