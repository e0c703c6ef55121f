// NumPy's C API for numpy_view.cc and numpy_dtype.cc, the only files that use it. The package works
// without NumPy, so the API is loaded when an object of NumPy's is met or asked for, never at
// import.
#ifndef STRIDECAST_PYTHON_NUMPY_API_H_
#define STRIDECAST_PYTHON_NUMPY_API_H_

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL stridecast_numpy_api
#ifndef STRIDECAST_NUMPY_API_OWNER
#define NO_IMPORT_ARRAY
#endif
#include <Python.h>
#include <numpy/arrayobject.h>
#include <numpy/arrayscalars.h>

#include <cstdint>

static_assert(sizeof(npy_intp) == sizeof(int64_t));

#endif  // STRIDECAST_PYTHON_NUMPY_API_H_
