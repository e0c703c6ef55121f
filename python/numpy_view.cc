// ndarrays as operands and results; see numpy_view.h. This file owns the pointer to NumPy's C API.
#define STRIDECAST_NUMPY_API_OWNER
#include "python/numpy_view.h"

#include <atomic>
#include <cstring>
#include <vector>

#include "python/classes.h"
#include "python/errors.h"
#include "python/fields.h"
#include "python/numpy_api.h"
#include "python/numpy_dtype.h"

namespace stridecast::python {
namespace {

// The type ndarray once the API is loaded: written once, after everything else of it.
std::atomic<PyTypeObject*> ndarray_type{nullptr};

bool load_api() {
  static nb::ft_mutex mutex;
  nb::ft_lock_guard lock(mutex);
  if (ndarray_type.load(std::memory_order_acquire) != nullptr) return true;
  if (_import_array() < 0) return false;
  ndarray_type.store(&PyArray_Type, std::memory_order_release);
  return true;
}

PyArrayObject* array_in(PyObject* object) { return reinterpret_cast<PyArrayObject*>(object); }

NPY_ORDER order_of(char order) {
  switch (order) {
    case 'C':
      return NPY_CORDER;
    case 'F':
      return NPY_FORTRANORDER;
    case 'A':
      return NPY_ANYORDER;
    default:
      return NPY_KEEPORDER;
  }
}

}  // namespace

bool numpy_loaded() {
  if (ndarray_type.load(std::memory_order_acquire) != nullptr) return true;
  PyObject* modules = PyImport_GetModuleDict();
  PyObject* numpy = PyDict_GetItemString(modules, "numpy._core._multiarray_umath");
  if (numpy == nullptr) numpy = PyDict_GetItemString(modules, "numpy.core._multiarray_umath");
  if (numpy == nullptr || PyDict_GetItemString(modules, "numpy") == nullptr) return false;
  if (!load_api()) raise_current();
  return true;
}

void import_numpy() {
  if (ndarray_type.load(std::memory_order_acquire) != nullptr) return;
  checked(PyImport_ImportModule("numpy"));
  if (!load_api()) raise_current();
}

bool is_ndarray(PyObject* object) {
  PyTypeObject* type = ndarray_type.load(std::memory_order_acquire);
  if (type == nullptr) {
    if (!numpy_loaded()) return false;
    type = &PyArray_Type;
  }
  return Py_TYPE(object) == type || PyType_IsSubtype(Py_TYPE(object), type);
}

bool read_ndarray(PyObject* object, BufferView* view) {
  if (!is_ndarray(object)) return false;
  PyArrayObject* array = array_in(object);
  view->keep(nb::borrow(object));
  // Python code may run from here on, in the format's parser already, and assign the array's shape
  // or dtype: everything is taken as it is now. Who parses the dtype holds it meanwhile.
  const int ndim = PyArray_NDIM(array);
  char* data = PyArray_BYTES(array);
  const bool readonly = (PyArray_FLAGS(array) & NPY_ARRAY_WRITEABLE) == 0;
  int64_t* dims = view->make_dims(static_cast<size_t>(ndim));
  const npy_intp* shape = PyArray_DIMS(array);
  const npy_intp* strides = PyArray_STRIDES(array);
  for (int k = 0; k < ndim; ++k) {
    dims[k] = shape[k];
    dims[ndim + k] = strides[k];
  }
  PyObject* dtype = reinterpret_cast<PyObject*>(PyArray_DESCR(array));
  view->set(format_of_dtype(dtype), data, ndim, dims, dims + ndim, readonly);
  return true;
}

bool read_scalar(PyObject* object, BufferView* view) {
  if (!numpy_loaded() || !PyArray_IsScalar(object, Generic)) return false;
  nb::object array = checked(PyArray_FromScalar(object, nullptr));
  if (!read_ndarray(array.ptr(), view)) return false;
  PyArray_CLEARFLAGS(array_in(array.ptr()), NPY_ARRAY_WRITEABLE);
  return true;
}

nb::object ndarray_over(nb::handle memory, char* data, const Format& format,
                        std::span<const int64_t> shape, std::span<const int64_t> strides,
                        bool readonly) {
  import_numpy();
  nb::object dtype = dtype_of_format(format);
  std::vector<npy_intp> all_shape(shape.begin(), shape.end());
  std::vector<npy_intp> all_strides(strides.begin(), strides.end());
  // A sub-array at the top becomes further axes, as NumPy has it.
  if (const Field* field = whole_field(format)) {
    int64_t step = format.itemsize();
    for (int64_t n : field->shape) {
      if (n != 0) step /= n;
      all_shape.push_back(n);
      all_strides.push_back(step);
    }
  }
  // NumPy would make these texts of one character, of memory that is not there.
  if (itemsize_of(dtype) == 0 &&
      PyDataType_ISSTRING(reinterpret_cast<PyArray_Descr*>(dtype.ptr()))) {
    raise(PyExc_ValueError, "NumPy makes no arrays of texts of 0 bytes");
  }
  if (all_shape.size() > NPY_MAXDIMS) {
    raise(PyExc_ValueError, "%zu dimensions are more than NumPy has", all_shape.size());
  }
  nb::object array = checked(
      PyArray_NewFromDescr(&PyArray_Type, reinterpret_cast<PyArray_Descr*>(dtype.release().ptr()),
                           static_cast<int>(all_shape.size()), all_shape.data(), all_strides.data(),
                           data, readonly ? 0 : NPY_ARRAY_WRITEABLE, nullptr));
  PyArrayObject* result = array_in(array.ptr());
  if (PyArray_SetBaseObject(result, nb::borrow(memory).release().ptr()) < 0) raise_current();
  PyArray_UpdateFlags(result, NPY_ARRAY_UPDATE_ALL);
  return array;
}

nb::object scalar_of(const Field& field, const char* data) {
  if (!numpy_loaded()) return nb::object();
  nb::object dtype = dtype_of_field(field);
  return checked(PyArray_Scalar(const_cast<char*>(data),
                                reinterpret_cast<PyArray_Descr*>(dtype.ptr()), nullptr));
}

nb::object empty_like(PyObject* array, nb::handle dtype, char order, bool subok) {
  nb::object held = nb::borrow(dtype);
  nb::object result = checked(
      PyArray_NewLikeArray(array_in(array), order_of(order),
                           reinterpret_cast<PyArray_Descr*>(held.release().ptr()), subok ? 1 : 0));
  // Padding must not show what the memory held before.
  PyArrayObject* made = array_in(result.ptr());
  if (PyDataType_HASFIELDS(PyArray_DESCR(made)) &&
      !is_dense(*format_of_dtype(dtype_of_array(result.ptr()).ptr()))) {
    std::memset(PyArray_DATA(made), 0, static_cast<size_t>(PyArray_NBYTES(made)));
  }
  return result;
}

nb::object new_ndarray(PyObject* object) {
  return checked(PyArray_FromAny(object, nullptr, 0, 0, 0, nullptr));
}

bool is_base_ndarray(PyObject* object) { return is_ndarray(object) && PyArray_CheckExact(object); }

nb::object at_least_1d(nb::handle object) {
  nb::object array = nb::borrow(object);
  if (!PyArray_CheckExact(array.ptr())) {
    array = checked(PyArray_View(array_in(array.ptr()), nullptr, &PyArray_Type));
  }
  if (PyArray_NDIM(array_in(array.ptr())) > 0) return array;
  npy_intp one = 1;
  PyArray_Dims shape = {&one, 1};
  return checked(PyArray_Newshape(array_in(array.ptr()), &shape, NPY_CORDER));
}

bool satisfies(PyObject* object, nb::handle dtype, char order) {
  PyArrayObject* array = array_in(object);
  if (!same_dtype(dtype_of_array(object), dtype)) return false;
  switch (order) {
    case 'C':
      return PyArray_IS_C_CONTIGUOUS(array);
    case 'F':
      return PyArray_IS_F_CONTIGUOUS(array);
    case 'A':
      return PyArray_IS_C_CONTIGUOUS(array) || PyArray_IS_F_CONTIGUOUS(array);
    default:
      return true;
  }
}

void require_cast(PyObject* object, nb::handle dtype, nb::handle casting) {
  static constexpr struct {
    const char* name;
    NPY_CASTING rule;
  } kRules[] = {{"unsafe", NPY_UNSAFE_CASTING},
                {"same_kind", NPY_SAME_KIND_CASTING},
                {"safe", NPY_SAFE_CASTING},
                {"equiv", NPY_EQUIV_CASTING},
                {"no", NPY_NO_CASTING}};
  if (!PyUnicode_Check(casting.ptr())) {
    raise(PyExc_TypeError, "casting must be a str, not %.200s", type_name_of(casting).c_str());
  }
  for (const auto& [name, rule] : kRules) {
    if (PyUnicode_CompareWithASCIIString(casting.ptr(), name) != 0) continue;
    PyArray_Descr* from = PyArray_DESCR(array_in(object));
    if (rule == NPY_UNSAFE_CASTING ||
        PyArray_CanCastTypeTo(from, reinterpret_cast<PyArray_Descr*>(dtype.ptr()), rule)) {
      return;
    }
    raise(PyExc_TypeError, "cannot cast array data from %R to %R according to the rule '%s'",
          reinterpret_cast<PyObject*>(from), dtype.ptr(), name);
  }
  raise(PyExc_ValueError, "casting must be 'unsafe', 'same_kind', 'safe', 'equiv' or 'no', not %R",
        casting.ptr());
}

nb::handle dtype_of_array(PyObject* array) {
  return reinterpret_cast<PyObject*>(PyArray_DESCR(array_in(array)));
}

bool same_dtype(nb::handle a, nb::handle b) {
  return a.is(b) || PyArray_EquivTypes(reinterpret_cast<PyArray_Descr*>(a.ptr()),
                                       reinterpret_cast<PyArray_Descr*>(b.ptr()));
}

void* array_data(nb::handle array) { return PyArray_DATA(array_in(array.ptr())); }

int64_t itemsize_of(nb::handle dtype) {
  return PyDataType_ELSIZE(reinterpret_cast<PyArray_Descr*>(dtype.ptr()));
}

}  // namespace stridecast::python
