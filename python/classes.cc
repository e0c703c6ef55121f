// Classes; see classes.h. A metaclass may answer __mro__ and __dict__ with code of its own, so
// these are asked of the descriptors that `type` keeps for them, which read the class as it is.
#include "python/classes.h"

#include "python/errors.h"
#include "python/format_arg.h"

namespace stridecast::python {
namespace {

// A descriptor in the dict of `type`, with the function by which it reads a class. Never freed.
struct TypeField {
  PyObject* descriptor;
  descrgetfunc get;

  static TypeField named(const char* name) {
    nb::object dict =
        checked(PyObject_GetAttrString(reinterpret_cast<PyObject*>(&PyType_Type), "__dict__"));
    nb::object key = checked(PyUnicode_FromString(name));
    nb::object descriptor = checked(PyObject_GetItem(dict.ptr(), key.ptr()));
    void* get = PyType_GetSlot(Py_TYPE(descriptor.ptr()), Py_tp_descr_get);
    return {descriptor.release().ptr(), reinterpret_cast<descrgetfunc>(get)};
  }

  nb::object of(PyObject* type) const {
    return checked(get(descriptor, type, reinterpret_cast<PyObject*>(Py_TYPE(type))));
  }
};

}  // namespace

std::string class_name(PyObject* type) {
  const nb::error_scope pending;  // callers ask in the middle of an error
  auto* cls = reinterpret_cast<PyTypeObject*>(type);
  const std::string name = text_of(checked(PyType_GetName(cls)));
  if ((PyType_GetFlags(cls) & Py_TPFLAGS_HEAPTYPE) != 0) return name;
  const nb::object module = nb::steal(PyObject_GetAttrString(type, "__module__"));
  if (!module) PyErr_Clear();
  if (!module || !PyUnicode_Check(module.ptr())) return name;
  const std::string text = text_of(module);
  return text == "builtins" ? name : text + "." + name;
}

std::string type_name_of(PyObject* object) {
  return class_name(reinterpret_cast<PyObject*>(Py_TYPE(object)));
}

nb::object method_resolution_order(PyObject* type) {
  static const TypeField field = TypeField::named("__mro__");
  return field.of(type);
}

nb::object own_attribute(PyObject* type, nb::handle name) {
  static const TypeField field = TypeField::named("__dict__");
  const nb::object dict = field.of(type);
  nb::object value = nb::steal(PyObject_GetItem(dict.ptr(), name.ptr()));
  if (!value) {
    if (PyErr_ExceptionMatches(PyExc_KeyError) == 0) raise_current();
    PyErr_Clear();
  }
  return value;
}

PyObject* base_of(PyObject* type) {
  return static_cast<PyObject*>(PyType_GetSlot(reinterpret_cast<PyTypeObject*>(type), Py_tp_base));
}

}  // namespace stridecast::python
