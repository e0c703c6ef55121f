// NumPy dtypes as Formats and back; see numpy_dtype.h. A dtype is spelled as format text with every
// pad byte written out and then parsed, so that the parser stays the one place that makes Formats.
#include "python/numpy_dtype.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "python/errors.h"
#include "python/format_arg.h"
#include "python/numpy_api.h"
#include "python/numpy_view.h"
#include "python/type_hook.h"

namespace stridecast::python {
namespace {

PyArray_Descr* descr_in(PyObject* dtype) { return reinterpret_cast<PyArray_Descr*>(dtype); }

// Indexed by NPY_DATETIMEUNIT.
constexpr const char* kTimeUnits[] = {"Y",  "M",  "W",  nullptr, "D",  "h",  "m", "s",
                                      "ms", "us", "ns", "ps",    "fs", "as", ""};

std::string integer_code(int64_t size, bool is_signed) {
  switch (size) {
    case 1:
      return is_signed ? "b" : "B";
    case 2:
      return is_signed ? "h" : "H";
    case 4:
      return is_signed ? "i" : "I";
    default:
      return is_signed ? "q" : "Q";
  }
}

std::string time_code(PyArray_Descr* descr, const char* name) {
  const auto* metadata =
      reinterpret_cast<const PyArray_DatetimeDTypeMetaData*>(PyDataType_C_METADATA(descr));
  std::string unit;
  if (metadata != nullptr) {
    const auto base = static_cast<size_t>(metadata->meta.base);
    if (base >= std::size(kTimeUnits) || kTimeUnits[base] == nullptr || metadata->meta.num < 1) {
      raise(PyExc_TypeError, "dtype %R has a unit that no format can say", descr);
    }
    if (metadata->meta.num != 1 && *kTimeUnits[base] != '\0') {
      unit = std::to_string(metadata->meta.num);
    }
    unit += kTimeUnits[base];
  }
  return std::string("[numpy$") + name + "$" + unit + "]";
}

// Types that others have registered with NumPy: ml_dtypes', quaternion's, ...
std::string custom_code(PyArray_Descr* descr) {
  nb::handle scalar(reinterpret_cast<PyObject*>(descr->typeobj));
  std::string module = nb::cast<nb::str>(nb::getattr(scalar, "__module__")).c_str();
  std::string name = nb::cast<nb::str>(nb::getattr(scalar, "__qualname__")).c_str();
  if (module == "ml_dtypes") {
    if (name == "bfloat16") return kBFloat16Code;
    if (name == "complex32") return "Ze";
    if (name == "bcomplex32") return kComplexBFloat16Code;
  }
  return "[" + module + "$" + name + "$]";
}

// The code of one element, without mark. `*wide` says whether byte order means something to it.
std::string element_code(PyArray_Descr* descr) {
  const int type = descr->type_num;
  const int64_t size = PyDataType_ELSIZE(descr);
  if (type >= NPY_USERDEF && type < NPY_VSTRING && !PyDataType_REFCHK(descr)) {
    return custom_code(descr);
  }
  switch (type) {
    case NPY_BOOL:
      return "?";
    case NPY_HALF:
      return "e";
    case NPY_FLOAT:
      return "f";
    case NPY_DOUBLE:
      return "d";
    case NPY_LONGDOUBLE:
      return "g";
    case NPY_CFLOAT:
      return "Zf";
    case NPY_CDOUBLE:
      return "Zd";
    case NPY_CLONGDOUBLE:
      return "Zg";
    case NPY_DATETIME:
      return time_code(descr, "datetime64");
    case NPY_TIMEDELTA:
      return time_code(descr, "timedelta64");
    case NPY_STRING:
      return std::to_string(size) + "s";
    case NPY_UNICODE:
      return std::to_string(size / 4) + "w";
    case NPY_VOID:
      return std::to_string(size) + "x";
    case NPY_OBJECT:
      raise(PyExc_TypeError,
            "dtype %R holds references to Python objects, which cannot be converted", descr);
    default:
      break;
  }
  if (PyTypeNum_ISINTEGER(type)) return integer_code(size, PyTypeNum_ISSIGNED(type));
  raise(PyExc_TypeError, "dtype %R has no buffer format", descr);
}

void append_dtype(PyArray_Descr* descr, bool at_top, std::string* text);

// A struct's members in memory order, gaps written as pad bytes.
void append_struct(PyArray_Descr* descr, std::string* text) {
  struct Member {
    int64_t offset;
    PyArray_Descr* descr;
    PyObject* name;
  };
  std::vector<Member> members;
  PyObject* names = PyDataType_NAMES(descr);
  PyObject* fields = PyDataType_FIELDS(descr);
  for (Py_ssize_t i = 0; i < PyTuple_Size(names); ++i) {
    PyObject* name = PyTuple_GetItem(names, i);
    PyObject* entry = PyDict_GetItemWithError(fields, name);
    if (entry == nullptr) raise(PyExc_ValueError, "dtype %R has no field %R", descr, name);
    members.push_back(
        {PyLong_AsLongLong(PyTuple_GetItem(entry, 1)), descr_in(PyTuple_GetItem(entry, 0)), name});
  }
  std::stable_sort(members.begin(), members.end(),
                   [](const Member& a, const Member& b) { return a.offset < b.offset; });
  *text += "T{";
  int64_t end = 0;
  const auto pad_to = [&](int64_t offset) {
    if (offset > end) *text += "^" + std::to_string(offset - end) + "x";
  };
  for (const Member& member : members) {
    if (member.offset < end) {
      raise(PyExc_ValueError, "dtype %R: field %R overlaps another one, which no format can say",
            descr, member.name);
    }
    pad_to(member.offset);
    append_dtype(member.descr, false, text);
    const std::string name = text_of(member.name);
    if (name.find_first_of(std::string_view(":\0", 2)) != std::string::npos) {
      raise(PyExc_ValueError,
            "dtype %R: field %R has a ':' or NUL in its name, which no format can say", descr,
            member.name);
    }
    *text += ":" + name + ":";
    end = member.offset + PyDataType_ELSIZE(member.descr);
  }
  pad_to(PyDataType_ELSIZE(descr));
  *text += "}";
}

// `at_top`: a scalar on its own stays bare ("f", not "^f"), which memoryview can index.
void append_dtype(PyArray_Descr* descr, bool at_top, std::string* text) {
  std::string shape;
  while (PyDataType_HASSUBARRAY(descr)) {
    PyArray_ArrayDescr* sub = PyDataType_SUBARRAY(descr);
    for (Py_ssize_t i = 0; i < PyTuple_Size(sub->shape); ++i) {
      if (!shape.empty()) shape += ',';
      shape += std::to_string(PyLong_AsLongLong(PyTuple_GetItem(sub->shape, i)));
    }
    descr = sub->base;
  }
  if (!shape.empty()) *text += "(" + shape + ")";
  if (PyDataType_HASFIELDS(descr)) {
    *text += "^";
    append_struct(descr, text);
    return;
  }
  const std::string code = element_code(descr);
  const bool swapped = PyArray_ISNBO(descr->byteorder) == 0;
  if (swapped) {
    *text += kHostOrder == ByteOrder::kLittle ? ">" : "<";
  } else if (!at_top) {
    *text += "^";
  }
  *text += code;
}

nb::object dtype_from_spec(nb::handle spec) {
  PyArray_Descr* result = nullptr;
  if (PyArray_DescrConverter(spec.ptr(), &result) != NPY_SUCCEED) raise_current();
  return nb::steal(reinterpret_cast<PyObject*>(result));
}

nb::object dtype_of_number(int type) {
  return checked(reinterpret_cast<PyObject*>(PyArray_DescrFromType(type)));
}

nb::object dtype_of_name(const std::string& name) {
  return dtype_from_spec(checked(PyUnicode_FromString(name.c_str())));
}

nb::object dtype_of_ml_dtype(const char* name) {
  nb::object module = checked(PyImport_ImportModule("ml_dtypes"));
  return dtype_from_spec(module.attr(name));
}

[[noreturn]] void raise_no_dtype(const Field& field) {
  std::string text = text_of_field(field, false);
  if (text.starts_with('^')) text.erase(0, 1);
  raise(PyExc_TypeError,
        "no NumPy dtype is known for the format '%s'; its type can offer one by "
        "_numpy_dtype_from_buffer_fmt(param, byteorder), or register() by dtype=",
        text.c_str());
}

// The types whose dtypes are found by name, in the host's order.
bool is_known_by_name(const CustomType& type) {
  return type.module == "ml_dtypes" || (type.module == "numpy" && (type.qualname == "datetime64" ||
                                                                   type.qualname == "timedelta64"));
}

// Of a field as if its type had no name of its own.
nb::object dtype_of_plain(const Field& field);

// A type's own word goes first, then what register() was told, then what it is stored as.
nb::object dtype_of_custom(const Field& field) {
  nb::object declared = declared_dtype(*field.custom, field.order, field.itemsize);
  const bool has_storage = field.type != DType::kOpaque;
  try {
    nb::object dtype = dtype_by_hook(*field.custom, field.order, field.itemsize);
    if (dtype) return dtype;
  } catch (const UnknownType&) {
    // Of a type that is known without its module, importing that is no advice.
    const bool is_known = field.swap_unit != 0;
    if (!declared && !has_storage && !is_known) throw;
  }
  if (declared) return declared;
  if (!has_storage) raise_no_dtype(field);
  return dtype_of_plain(field);
}

nb::object dtype_of_time(const Field& field, const char* letter) {
  std::string unit = field.custom ? field.custom->param : "";
  return dtype_of_name(unit.empty() ? letter : std::string(letter) + "[" + unit + "]");
}

// One element in the host's byte order.
nb::object native_dtype(const Field& field) {
  if (is_narrow(field.type)) return dtype_of_ml_dtype(type_facts(field.type).name);
  switch (field.type) {
    case DType::kBool:
      return dtype_of_number(NPY_BOOL);
    case DType::kInt8:
      return dtype_of_number(NPY_INT8);
    case DType::kUint8:
      return dtype_of_number(NPY_UINT8);
    case DType::kInt16:
      return dtype_of_number(NPY_INT16);
    case DType::kUint16:
      return dtype_of_number(NPY_UINT16);
    case DType::kInt32:
      return dtype_of_number(NPY_INT32);
    case DType::kUint32:
      return dtype_of_number(NPY_UINT32);
    case DType::kInt64:
      return dtype_of_number(NPY_INT64);
    case DType::kUint64:
      return dtype_of_number(NPY_UINT64);
    case DType::kFloat16:
      return dtype_of_number(NPY_HALF);
    case DType::kFloat32:
      return dtype_of_number(NPY_FLOAT);
    case DType::kFloat64:
      return dtype_of_number(NPY_DOUBLE);
    case DType::kLongDouble:
      return dtype_of_number(NPY_LONGDOUBLE);
    case DType::kComplexFloat32:
      return dtype_of_number(NPY_CFLOAT);
    case DType::kComplexFloat64:
      return dtype_of_number(NPY_CDOUBLE);
    case DType::kComplexLongDouble:
      return dtype_of_number(NPY_CLONGDOUBLE);
    case DType::kPointer:
      return dtype_of_number(NPY_UINTP);
    case DType::kBFloat16:
      return dtype_of_ml_dtype("bfloat16");
    case DType::kComplexFloat16:
      return dtype_of_ml_dtype("complex32");
    case DType::kComplexBFloat16:
      return dtype_of_ml_dtype("bcomplex32");
    case DType::kOpaque:
      raise_no_dtype(field);
    case DType::kDatetime64:
      return dtype_of_time(field, "M8");
    case DType::kTimedelta64:
      return dtype_of_time(field, "m8");
    case DType::kChar:
      return dtype_of_name("S1");
    case DType::kBytes:
      return dtype_of_name("S" + std::to_string(field.itemsize));
    case DType::kUnicode:
    case DType::kWchar:
      return dtype_of_name("U" + std::to_string(field.itemsize / 4));
    case DType::kPascal:
    case DType::kObject:
    case DType::kStruct:
    default:  // the narrow types, above
      break;
  }
  raise(PyExc_TypeError, "NumPy has no dtype for the format code '%s'", field.code.c_str());
}

nb::object dtype_of_members(const std::vector<Field>& fields, int64_t itemsize) {
  nb::list names, formats, offsets;
  std::set<std::string> taken;
  for (const Field& field : fields) {
    if (field.has_name) taken.insert(field.name);
  }
  int unnamed = 0;
  // As NumPy names them: f0, f1, ... but for names that there are.
  const auto next_name = [&] {
    for (;;) {
      std::string name = "f" + std::to_string(unnamed++);
      if (taken.insert(name).second) return name;
    }
  };
  for (const Field& field : fields) {
    nb::object dtype = dtype_of_field(field);
    if (!field.shape.empty()) {
      nb::list shape;
      for (int64_t n : field.shape) shape.append(n);
      dtype = dtype_from_spec(nb::make_tuple(dtype, nb::tuple(shape)));
    }
    names.append(field.has_name ? nb::str(field.name.c_str(), field.name.size())
                                : nb::str(next_name().c_str()));
    formats.append(dtype);
    offsets.append(field.offset);
  }
  nb::dict spec;
  spec["names"] = names;
  spec["formats"] = formats;
  spec["offsets"] = offsets;
  spec["itemsize"] = itemsize;
  return dtype_from_spec(spec);
}

nb::object dtype_of_plain(const Field& field) {
  if (field.type == DType::kStruct) return dtype_of_members(field.fields, field.itemsize);
  // A named run of pad bytes: "3x:pad:".
  if (!field.code.empty() && field.code.back() == 'x') {
    return dtype_of_name("V" + std::to_string(field.itemsize));
  }
  nb::object dtype = native_dtype(field);
  if (field.order == ByteOrder::kNone || field.order == kHostOrder) return dtype;
  return checked(
      reinterpret_cast<PyObject*>(PyArray_DescrNewByteorder(descr_in(dtype.ptr()), NPY_SWAP)));
}

}  // namespace

bool is_dtype(PyObject* object) { return numpy_loaded() && PyArray_DescrCheck(object); }

FormatRef format_of_dtype(PyObject* dtype) {
  static FormatCache& cache =
      *new FormatCache;  // never destroyed: the interpreter may be gone by then
  PyArray_Descr* descr = descr_in(dtype);
  // The names of a struct dtype can be assigned, which changes its meaning in place.
  PyObject* names = descr->type_num == NPY_VOID ? PyDataType_NAMES(descr) : nullptr;
  return cache.get(dtype, names, [&] {
    std::string text;
    append_dtype(descr, true, &text);
    return Format::parse(text, PyDataType_ELSIZE(descr));
  });
}

nb::object dtype_of_scalar_type(PyObject* type) {
  if (!PyType_Check(type) || !numpy_loaded() ||
      !PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(type), &PyGenericArrType_Type)) {
    return nb::object();
  }
  return dtype_from_spec(type);
}

nb::object dtype_of_argument(PyObject* object) {
  import_numpy();
  if (PyArray_DescrCheck(object)) return nb::borrow(object);
  return dtype_from_spec(object);
}

nb::object dtype_of_field(const Field& field) {
  if (field.custom && !is_known_by_name(*field.custom)) return dtype_of_custom(field);
  return dtype_of_plain(field);
}

const Field* whole_field(const Format& format) {
  const std::vector<Field>& fields = format.fields();
  if (fields.size() != 1 || fields[0].has_name || fields[0].offset != 0) return nullptr;
  int64_t bytes = fields[0].itemsize;
  for (int64_t n : fields[0].shape) bytes *= n;
  return bytes == format.itemsize() ? &fields[0] : nullptr;
}

namespace {

nb::object dtype_of_item(const Format& format) {
  if (const Field* field = whole_field(format)) return dtype_of_field(*field);
  if (format.fields().empty()) return dtype_of_name("V" + std::to_string(format.itemsize()));
  return dtype_of_members(format.fields(), format.itemsize());
}

}  // namespace

nb::object dtype_of_format(const Format& format) {
  import_numpy();
  try {
    return dtype_of_item(format);
  } catch (const UnknownType& error) {
    throw error.in(format);
  } catch (HookError& error) {
    error.note_place(format);
    throw;
  }
}

bool fields_in_order(PyObject* dtype) {
  PyArray_Descr* descr = descr_in(dtype);
  if (!PyDataType_HASFIELDS(descr)) return true;
  PyObject* names = PyDataType_NAMES(descr);
  PyObject* fields = PyDataType_FIELDS(descr);
  int64_t last = 0;
  for (Py_ssize_t i = 0; i < PyTuple_Size(names); ++i) {
    PyObject* entry = PyDict_GetItemWithError(fields, PyTuple_GetItem(names, i));
    if (entry == nullptr) return false;
    const int64_t offset = PyLong_AsLongLong(PyTuple_GetItem(entry, 1));
    if (offset < last || !fields_in_order(PyTuple_GetItem(entry, 0))) return false;
    last = offset;
  }
  return true;
}

}  // namespace stridecast::python
