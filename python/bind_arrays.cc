// The functions that give ndarrays: astype and ascontiguous, the drop-ins for NumPy's, and asarray.
#include <nanobind/nanobind.h>

#include <algorithm>
#include <cstdint>

#include "python/args.h"
#include "python/bindings.h"
#include "python/buffer_view.h"
#include "python/classes.h"
#include "python/errors.h"
#include "python/job.h"
#include "python/numpy_dtype.h"
#include "python/numpy_view.h"
#include "python/ops_doc.h"
#include "stridecast/ops.h"

namespace stridecast::python {
namespace {

nb::object ndarray_of_view(BufferView& view) {
  nb::object memory = view.memory();
  return ndarray_over(memory, view.data(), view.format(), view.shape(), view.strides(),
                      view.readonly());
}

// The operand as an ndarray: itself, or one over the memory of another buffer. Rows stored by
// pointers, which no ndarray can have, are copied.
nb::object array_of(PyObject* object) {
  if (is_ndarray(object)) return nb::borrow(object);
  BufferView view;
  view.open(object, Access::kRead, "array");
  if (view.suboffsets().empty()) return ndarray_of_view(view);
  Fresh packed(view, view.format(), 'C', Clear::kNothing);
  run(cached_convert(view.layout(), packed.layout(view.format())), view.data(), packed.data);
  return ndarray_over(packed.memory, packed.data, view.format(), packed.shape, packed.strides,
                      false);
}

// Whether it is datetime64 or timedelta64 without a unit.
bool is_generic_time(const nb::object& dtype) {
  const nb::object text = dtype.attr("str");
  constexpr const char* kTexts[] = {"<M8", "<m8", ">M8", ">m8"};
  return std::ranges::any_of(kTexts, [&](const char* generic) {
    return PyUnicode_CompareWithASCIIString(text.ptr(), generic) == 0;
  });
}

// numpy.dtype(argument); "S", "U" and "V" without a size, and times without a unit, take the
// source's. Of another source NumPy knows how long its texts are.
nb::object dtype_for(PyObject* array, PyObject* argument) {
  nb::object dtype = dtype_of_argument(argument);
  const nb::handle own = dtype_of_array(array);
  const bool same_class = dtype.type().is(own.type());
  const bool sized = itemsize_of(dtype) != 0;
  if (same_class && (!sized || is_generic_time(dtype))) return nb::borrow(own);
  if (sized) return dtype;
  const nb::object nothing = nb::module_::import_("numpy").attr("empty")(0, own);
  return nothing.attr("astype")(dtype).attr("dtype");
}

void require_fields_in_order(PyObject* array, nb::handle dtype) {
  nb::handle from = dtype_of_array(array);
  if ((fields_in_order(dtype.ptr()) && fields_in_order(from.ptr())) || same_dtype(from, dtype)) {
    return;
  }
  raise(PyExc_ValueError,
        "fields that do not lie in memory in the order of their names cannot be paired by "
        "position; use convert with fields='name'");
}

void convert_array(PyObject* from, PyObject* to, const ConvertOptions& options, PyObject* threads) {
  BufferView source, destination;
  source.open(from, Access::kRead, "array");
  destination.open(to, Access::kWrite, "out");
  run(cached_convert(source.layout(), destination.layout(), options), source.data(),
      destination.data(), {threads});
}

Signature astype_signature = {
    "astype",
    2,
    2,
    {"array", "dtype", "order", "casting", "subok", "copy", "out", "overflow", "nan", "rounding",
     "seed", "index_offset", "complex_to_real", "threads", "errors", "timezone"}};

PyObject* astype(const Arguments<16>& a) {
  const auto& [argument, dtype_argument, order, casting, subok_argument, copy_argument, out,
               overflow, nan, rounding, seed, index_offset, complex_to_real, threads, errors,
               timezone] = a;
  ConvertOptions options;
  // The other rules of casting are NumPy's to judge.
  const bool same_value = is_given(casting) && PyUnicode_Check(casting) &&
                          PyUnicode_CompareWithASCIIString(casting, "same_value") == 0;
  read_number_options({overflow, nan, rounding, seed, index_offset, nullptr, complex_to_real},
                      &options);
  read_text_options(errors, timezone, &options);
  if (same_value) options.casting = Casting::kSameValue;
  options.fields = FieldMatch::kPosition;
  const char memory_order = order_value(order, 'K');
  const bool subok = bool_value(subok_argument, true);

  const nb::object array = array_of(argument);
  if (is_given(out) && !is_ndarray(out)) {
    raise(PyExc_TypeError, "out must be an ndarray, not %.200s", type_name_of(out).c_str());
  }
  nb::object dtype;
  if (dtype_argument != Py_None) {
    dtype = dtype_for(array.ptr(), dtype_argument);
  } else if (is_given(out)) {
    dtype = nb::borrow(dtype_of_array(out));
  } else {
    raise(PyExc_TypeError, "a dtype is needed where out is not given");
  }
  if (is_given(casting) && !same_value) require_cast(array.ptr(), dtype, casting);
  if (is_given(out) && !same_dtype(dtype_of_array(out), dtype)) {
    raise(PyExc_ValueError, "out has the dtype %R, not %R", dtype_of_array(out).ptr(), dtype.ptr());
  }
  require_fields_in_order(array.ptr(), dtype);
  if (!is_given(out) && !bool_value(copy_argument, true) &&
      satisfies(array.ptr(), dtype, memory_order) && (subok || is_base_ndarray(array.ptr()))) {
    return array.inc_ref().ptr();
  }
  nb::object result =
      is_given(out) ? nb::borrow(out) : empty_like(array.ptr(), dtype, memory_order, subok);
  convert_array(array.ptr(), result.ptr(), options, threads);
  return result.release().ptr();
}

char contiguous_order(PyObject* argument) {
  const char order = order_value(argument, 'C');
  if (order == 'C' || order == 'F') return order;
  raise(PyExc_ValueError, "order must be 'C' or 'F', not %R; copy knows 'K' and 'A'", argument);
}

Signature ascontiguous_signature = {"ascontiguous", 2, 1, {"array", "dtype", "order", "threads"}};

PyObject* ascontiguous(const Arguments<4>& a) {
  const auto& [argument, dtype_argument, order_argument, threads] = a;
  const char order = contiguous_order(order_argument);
  import_numpy();
  // What is no buffer (a list, a number, what has __array__) becomes an ndarray by NumPy's rules.
  nb::object array = is_readable(argument) ? array_of(argument) : new_ndarray(argument);
  const nb::object dtype = is_given(dtype_argument) ? dtype_for(array.ptr(), dtype_argument)
                                                    : nb::borrow(dtype_of_array(array.ptr()));
  if (!satisfies(array.ptr(), dtype, order)) {
    require_fields_in_order(array.ptr(), dtype);
    ConvertOptions options;
    options.fields = FieldMatch::kPosition;
    nb::object result = empty_like(array.ptr(), dtype, order, /*subok=*/false);
    convert_array(array.ptr(), result.ptr(), options, threads);
    array = std::move(result);
  }
  return at_least_1d(array).release().ptr();
}

Signature asarray_signature = {"asarray", 1, 1, {"buf"}};

PyObject* asarray(const Arguments<1>& a) {
  if (is_ndarray(a[0])) return Py_NewRef(a[0]);
  BufferView view;
  view.open(a[0], Access::kRead, "buf");
  view.refuse_pointers("an ndarray");
  return ndarray_of_view(view).release().ptr();
}

}  // namespace

void bind_arrays(nb::module_& m) {
  static PyMethodDef methods[] = {method<astype_signature, astype>(kAstypeDoc),
                                  method<ascontiguous_signature, ascontiguous>(kAscontiguousDoc),
                                  method<asarray_signature, asarray>(kAsarrayDoc),
                                  {nullptr, nullptr, 0, nullptr}};
  if (PyModule_AddFunctions(m.ptr(), methods) != 0) raise_current();
}

}  // namespace stridecast::python
