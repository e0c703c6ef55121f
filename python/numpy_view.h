// ndarrays as operands and results. With numpy_dtype.cc the only file that uses NumPy's C API.
#ifndef STRIDECAST_PYTHON_NUMPY_VIEW_H_
#define STRIDECAST_PYTHON_NUMPY_VIEW_H_

#include <nanobind/nanobind.h>

#include <cstdint>
#include <span>

#include "python/buffer_view.h"
#include "stridecast/format.h"

namespace stridecast::python {

/// True once NumPy's C API is loaded; loads it if somebody has imported NumPy meanwhile.
bool numpy_loaded();
/// Imports NumPy if need be. Raises ImportError.
void import_numpy();

/// Whether `object` is an ndarray. False, and cheap, while NumPy is not imported.
bool is_ndarray(PyObject* object);

/// Describes an ndarray by reading its fields; false if `object` is none.
bool read_ndarray(PyObject* object, BufferView* view);
/// Describes a NumPy scalar through a 0-d copy; false if `object` is none.
bool read_scalar(PyObject* object, BufferView* view);

/// An ndarray over bytes that `memory` keeps alive. Imports NumPy, and ml_dtypes where needed.
nb::object ndarray_over(nb::handle memory, char* data, const Format& format,
                        std::span<const int64_t> shape, std::span<const int64_t> strides,
                        bool readonly);

/// The value of one item as a NumPy scalar; null while NumPy is not imported.
nb::object scalar_of(const Field& field, const char* data);

/// A fresh ndarray of `dtype` shaped like `array`. `order` is C, F, A or K, as NumPy defines them.
/// `subok`: of the same subclass, with what its __array_finalize__ takes over (a mask, say).
nb::object empty_like(PyObject* array, nb::handle dtype, char order, bool subok);
/// numpy.asarray(object): NumPy's reading of anything.
nb::object new_ndarray(PyObject* object);
/// Whether `object` is an ndarray and of no subclass.
bool is_base_ndarray(PyObject* object);
/// `array` itself, or a view of it without its subclass and with at least one dimension.
nb::object at_least_1d(nb::handle array);
/// Whether `array` has this dtype and memory order already, so that a copy is not needed.
bool satisfies(PyObject* array, nb::handle dtype, char order);
/// numpy.can_cast for the dtype of `array`; raises TypeError if it is false.
void require_cast(PyObject* array, nb::handle dtype, nb::handle casting);
/// The dtype of an ndarray, borrowed.
nb::handle dtype_of_array(PyObject* array);
/// Whether two dtypes describe the same items.
bool same_dtype(nb::handle a, nb::handle b);
/// The itemsize of a dtype in bytes; 0 for the flexible "S", "U", "V".
int64_t itemsize_of(nb::handle dtype);
/// Where the first item of an ndarray is.
void* array_data(nb::handle array);

}  // namespace stridecast::python

#endif  // STRIDECAST_PYTHON_NUMPY_VIEW_H_
