// register(): types of Python programs become known to formats and plans.
#include <nanobind/nanobind.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "python/args.h"
#include "python/bindings.h"
#include "python/classes.h"
#include "python/errors.h"
#include "python/format_arg.h"
#include "python/numpy_dtype.h"
#include "python/numpy_view.h"
#include "python/python_kernel.h"
#include "python/type_hook.h"
#include "stridecast/types.h"

namespace stridecast::python {
namespace {

constexpr const char* kRegisterDoc =
    R"(register(module, qualname, *, storage=None, itemsize=None, alignment=None, swap_unit=None, param=None, decode=None, encode=None, dtype=None)

Makes the custom type ``[module$qualname$param]`` known to the whole process: formats that name it have
a size, it sits in structs, is copied, byteswapped and converted like a built-in type.

Parameters
----------
module, qualname : str
    The names by which formats call the type; dotted, without brackets.
storage : format text, optional
    What an item is stored as, ``"d"`` or ``"T{d:re:d:im:}"``: the type converts as that does.
itemsize : int, optional
    Bytes of an item, where there is no storage.
alignment : int, optional
    Of an item in an aligned struct; itemsize if that is 1, 2, 4, 8 or 16, else 1.
swap_unit : int, optional
    Bytes that a byteswap reverses together; the whole item if left out.
param : callable, optional
    Called with the text of a parameter that is not empty. Returns the storage as a text, or None
    for what was registered; raises ValueError or LookupError for a parameter that the type does
    not have (other exceptions arrive where the format was parsed). Without it only the empty
    parameter is known.
decode, encode : dict, optional
    Kernels from items of the type to a format, and back, by the format of one number: ``{"d": f}``.
    Other numbers are reached through the first of them. A kernel is a C function of the kernel ABI
    (``stridecast/kernel_abi.h``) from ctypes, cffi, ``numba.cfunc`` or a capsule, which runs at full
    speed in any thread; or a callable that gets an array and returns as many values, which runs with
    the interpreter's lock in the thread that called. Both see packed items in the host's byte order.
    What a callable raises ends the run and arrives where the conversion was called; the note on it
    names the field.
dtype : numpy.dtype, optional
    Of an item in the host's byte order: what ``.numpy()`` gives where the type itself offers none (see
    ``Format.numpy_dtype``), and what callables get in arrays. Without it those are unsigned integers of
    the itemsize, or void.

Raises
------
ValueError
    The type is known already and other facts were given, or the facts make no sense. The same facts
    once more change nothing.
FormatError
    The storage or a format of a kernel is malformed.

>>> import stridecast
>>> stridecast.register("weather", "Celsius", storage="f")
>>> stridecast.convert(stridecast.Buffer(b"\0\0\x80?").view("[weather$Celsius$]"), "d").tolist()
[1.0]
)";

std::string text_argument(PyObject* argument, const char* name) {
  if (!PyUnicode_Check(argument)) {
    raise(PyExc_TypeError, "%s must be a str, not %.200s", name, type_name_of(argument).c_str());
  }
  return text_of(argument);
}

int64_t default_alignment(int64_t itemsize) {
  const bool is_power = itemsize > 0 && itemsize <= 16 && (itemsize & (itemsize - 1)) == 0;
  return is_power ? itemsize : 1;
}

// What a callable said is the storage; "" for None.
std::string storage_of(PyObject* callable, std::string_view param) {
  nb::object text =
      checked(PyUnicode_FromStringAndSize(param.data(), static_cast<Py_ssize_t>(param.size())));
  nb::object storage = checked(PyObject_CallFunctionObjArgs(callable, text.ptr(), nullptr));
  if (storage.is_none()) return "";
  if (!PyUnicode_Check(storage.ptr())) {
    raise(PyExc_TypeError, "param must return the storage as a str, or None, not %.200s",
          type_name_of(storage).c_str());
  }
  return text_of(storage);
}

// One reference a callable that reads parameters, kept for good: `context` points to it. What it
// raises goes through the parser to the caller, but for what says that there is no such parameter.
bool read_param(std::string_view param, TypeLayout* layout, void* context) {
  if (!Py_IsInitialized()) return false;
  const Interpreter interpreter;
  try {
    std::string storage = storage_of(static_cast<PyObject*>(context), param);
    if (!storage.empty()) layout->storage = std::move(storage);
    return true;
  } catch (nb::python_error& error) {
    if (!error.matches(PyExc_ValueError) && !error.matches(PyExc_LookupError)) throw;
    keep_cause(std::move(error), "'" + std::string(param) + "'");
    return false;
  }
}

// The argument dtype=, checked.
nb::object item_dtype(PyObject* dtype, const TypeLayout& layout) {
  nb::object given = dtype_of_argument(dtype);
  const int64_t itemsize =
      layout.storage.empty() ? layout.size : Format::parse(layout.storage).itemsize();
  if (itemsize_of(given) != itemsize) {
    raise(PyExc_ValueError, "dtype %R has items of %lld bytes, the type of %lld", given.ptr(),
          static_cast<long long>(itemsize_of(given)), static_cast<long long>(itemsize));
  }
  // Dtypes that hold objects may refuse to be asked for another byte order.
  if (nb::cast<bool>(given.attr("hasobject")) || !given.attr("newbyteorder")("=").equal(given)) {
    raise(PyExc_ValueError, "dtype %R must be in native byte order and hold no Python objects",
          given.ptr());
  }
  return given;
}

// Of the items in the arrays that callables see.
nb::object array_dtype(const nb::object& declared, int64_t itemsize) {
  if (declared) return declared;
  const bool is_number = itemsize == 1 || itemsize == 2 || itemsize == 4 || itemsize == 8;
  return dtype_of_argument(
      nb::str(((is_number ? "u" : "V") + std::to_string(itemsize)).c_str()).ptr());
}

// The kernels of decode= or encode=, one conversion each.
void add_kernels(PyObject* kernels, bool decode, const nb::object& dtype, TypeRegistration* type) {
  if (!is_given(kernels)) return;
  const char* name = decode ? "decode" : "encode";
  if (!PyDict_Check(kernels)) {
    raise(PyExc_TypeError, "%s must be a dict of kernels by format, not %.200s", name,
          type_name_of(kernels).c_str());
  }
  for (auto [key, value] : nb::borrow<nb::dict>(kernels)) {
    const FormatRef format = format_of_argument(key.ptr());
    const Field* number = format->scalar();
    if (number == nullptr || number->custom || !is_arithmetic(number->type) ||
        (number->order != ByteOrder::kNone && number->order != kHostOrder)) {
      raise(PyExc_ValueError, "%s: kernels are to and from one number in native order, not %R",
            name, key.ptr());
    }
    // Only callables see arrays; NumPy stays away from C functions.
    nb::object of_type, of_number;
    ForeignKernel kernel;
    if (is_c_function(value)) {
      kernel = kernel_of(value, {}, {});
    } else {
      of_type = array_dtype(dtype, type->layout.size);
      of_number = dtype_of_format(*format);
      kernel = decode ? kernel_of(value, of_type, of_number) : kernel_of(value, of_number, of_type);
    }
    TypeConversion conversion{.other = number->type};
    (decode ? conversion.decode : conversion.encode) = kernel.run;
    conversion.params = kernel.params;
    conversion.needs = kernel.needs;
    type->conversions.push_back(conversion);
  }
}

Signature register_signature{"register",
                             2,
                             2,
                             {"module", "qualname", "storage", "itemsize", "alignment", "swap_unit",
                              "param", "decode", "encode", "dtype"}};

PyObject* register_entry(const Arguments<10>& a) {
  const auto& [module, qualname, storage, itemsize, alignment, swap_unit, param, decode, encode,
               dtype] = a;
  TypeRegistration type;
  type.module = text_argument(module, "module");
  type.qualname = text_argument(qualname, "qualname");
  if (is_given(storage)) {
    if (is_given(itemsize) || is_given(alignment) || is_given(swap_unit)) {
      raise(PyExc_ValueError,
            "a storage has an itemsize, an alignment and swap units of its own; leave them out");
    }
    type.layout.storage = format_of_argument(storage)->text();
    if (type.layout.storage.empty()) raise(PyExc_ValueError, "a storage must have an item");
  } else {
    if (!is_given(itemsize)) {
      raise(PyExc_TypeError, "register() needs storage=, or itemsize= for a type without one");
    }
    type.layout.size = int_value(itemsize, "itemsize");
    type.layout.alignment = is_given(alignment) ? int_value(alignment, "alignment")
                                                : default_alignment(type.layout.size);
    type.layout.swap_unit =
        is_given(swap_unit) ? int_value(swap_unit, "swap_unit") : type.layout.size;
  }
  if (is_given(param)) {
    if (!PyCallable_Check(param)) {
      raise(PyExc_TypeError, "param must be a callable, not %.200s", type_name_of(param).c_str());
    }
    type.read_param = read_param;
    type.context = param;
  }
  nb::object declared = is_given(dtype) ? item_dtype(dtype, type.layout) : nb::object();
  add_kernels(decode, true, declared, &type);
  add_kernels(encode, false, declared, &type);
  register_type(type);
  if (declared) declare_dtype({type.module, type.qualname, ""}, declared);
  if (type.context != nullptr) Py_INCREF(param);  // asked as long as the process lives
  return Py_NewRef(Py_None);
}

}  // namespace

void bind_types(nb::module_& m) {
  static PyMethodDef methods[] = {method<register_signature, register_entry>(kRegisterDoc),
                                  {nullptr, nullptr, 0, nullptr}};
  if (PyModule_AddFunctions(m.ptr(), methods) != 0) raise_current();
  install_type_resolver();
}

}  // namespace stridecast::python
