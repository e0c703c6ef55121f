// What a class is called, and what it has, as it is and without running code of anybody's: by calls
// of CPython's limited API alone, because a wheel for the stable ABI cannot look into a
// PyTypeObject.
#ifndef STRIDECAST_PYTHON_CLASSES_H_
#define STRIDECAST_PYTHON_CLASSES_H_

#include <nanobind/nanobind.h>

#include <string>

namespace stridecast::python {

namespace nb = nanobind;

/// What messages call a class: its name, of a static one "module.name" unless it is a builtin.
std::string class_name(PyObject* type);
/// The same of an object's class.
std::string type_name_of(PyObject* object);
inline std::string type_name_of(nb::handle object) { return type_name_of(object.ptr()); }

/// The classes that an attribute is looked for in, the class itself first: a tuple.
nb::object method_resolution_order(PyObject* type);
/// What the class itself, not one of its bases, has under that name, descriptors left alone; null
/// if there is nothing.
nb::object own_attribute(PyObject* type, nb::handle name);
/// The first base class; null for object.
PyObject* base_of(PyObject* type);

}  // namespace stridecast::python

#endif  // STRIDECAST_PYTHON_CLASSES_H_
