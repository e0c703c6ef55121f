// Items as Python objects, one reader an element type in a table; see items.h. Readers see the
// element in the host's byte order: swapping happens before.
#include "python/items.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "python/errors.h"
#include "python/numpy_view.h"

namespace stridecast::python {
namespace {

// `raw` is the element where it lies, in its own byte order; `native` a swapped copy if it needs
// one.
struct Element {
  const Field& field;
  const char* native;
  const char* raw;
};
using Reader = nb::object (*)(const Element&);

template <class T>
T load(const char* data) {
  T value;
  std::memcpy(&value, data, sizeof value);
  return value;
}

nb::object new_float(double value) { return checked(PyFloat_FromDouble(value)); }
nb::object new_int(int64_t value) { return checked(PyLong_FromLongLong(value)); }

nb::object read_bool(const Element& e) { return nb::bool_(load<uint8_t>(e.native) != 0); }

template <class T>
nb::object read_signed(const Element& e) {
  return new_int(load<T>(e.native));
}

template <class T>
nb::object read_unsigned(const Element& e) {
  return checked(PyLong_FromUnsignedLongLong(load<T>(e.native)));
}

double half_value(const char* data) {
  const auto bits = load<uint16_t>(data);
  const int exponent = bits >> 10 & 0x1F;
  const int fraction = bits & 0x3FF;
  double magnitude = std::ldexp(fraction + (exponent == 0 ? 0 : 0x400), std::max(exponent, 1) - 25);
  if (exponent == 0x1F) {
    using Limits = std::numeric_limits<double>;
    magnitude = fraction == 0 ? Limits::infinity() : Limits::quiet_NaN();
  }
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

double bfloat16_value(const char* data) {
  return std::bit_cast<float>(static_cast<uint32_t>(load<uint16_t>(data)) << 16);
}

double float_value(const char* data) { return load<float>(data); }
double double_value(const char* data) { return load<double>(data); }

template <double (*Value)(const char*)>
nb::object read_float(const Element& e) {
  return new_float(Value(e.native));
}

template <double (*Value)(const char*)>
nb::object read_complex(const Element& e) {
  return checked(PyComplex_FromDoubles(Value(e.native), Value(e.native + e.field.itemsize / 2)));
}

// As NumPy, whose scalar keeps all bits; without NumPy as the nearest float.
nb::object read_long_double(const Element& e) {
  if (nb::object scalar = scalar_of(e.field, e.raw)) return scalar;
  return new_float(static_cast<double>(load<long double>(e.native)));
}

nb::object read_complex_long_double(const Element& e) {
  if (nb::object scalar = scalar_of(e.field, e.raw)) return scalar;
  return checked(PyComplex_FromDoubles(
      static_cast<double>(load<long double>(e.native)),
      static_cast<double>(load<long double>(e.native + sizeof(long double)))));
}

nb::object read_time(const Element& e) {
  if (nb::object scalar = scalar_of(e.field, e.raw)) return scalar;
  return new_int(load<int64_t>(e.native));
}

// float8, int4, ...
nb::object read_narrow(const Element& e) {
  const double value = narrow_value(e.field.type, load<uint8_t>(e.raw));
  const bool real = type_facts(e.field.type).kind == Kind::kFloat;
  return real ? new_float(value) : new_int(static_cast<int64_t>(value));
}

nb::object new_bytes(const char* data, int64_t size) {
  return checked(PyBytes_FromStringAndSize(data, static_cast<Py_ssize_t>(size)));
}

nb::object read_raw(const Element& e) { return new_bytes(e.raw, e.field.itemsize); }

// Without trailing NULs, as NumPy.
nb::object read_bytes(const Element& e) {
  if (!e.field.code.empty() && e.field.code.back() == 'x') return read_raw(e);
  int64_t size = e.field.itemsize;
  while (size > 0 && e.raw[size - 1] == '\0') --size;
  return new_bytes(e.raw, size);
}

// The first byte is the length.
nb::object read_pascal(const Element& e) {
  if (e.field.itemsize == 0) return new_bytes("", 0);
  return new_bytes(e.raw + 1, std::min<int64_t>(load<uint8_t>(e.raw), e.field.itemsize - 1));
}

nb::object read_text(const Element& e) {
  std::vector<Py_UCS4> characters(static_cast<size_t>(e.field.itemsize / 4));
  std::memcpy(characters.data(), e.native, characters.size() * 4);
  while (!characters.empty() && characters.back() == 0) characters.pop_back();
  for (Py_UCS4 c : characters) {
    if (c > 0x10FFFF) raise(PyExc_ValueError, "%lu is no Unicode character", (unsigned long)c);
  }
  int order = kHostOrder == ByteOrder::kLittle ? -1 : 1;  // given, so that no mark is looked for
  return checked(PyUnicode_DecodeUTF32(reinterpret_cast<const char*>(characters.data()),
                                       static_cast<Py_ssize_t>(characters.size() * 4),
                                       "surrogatepass", &order));
}

nb::object read_object(const Element&) {
  raise(PyExc_TypeError, "references to Python objects in a buffer are not followed");
}

nb::object fields_value(const std::vector<Field>& fields, const char* data);

nb::object read_struct(const Element& e) { return fields_value(e.field.fields, e.raw); }

// Indexed by DType.
constexpr std::array<Reader, kNumDTypes> kReaders = [] {
  std::array<Reader, kNumDTypes> readers{};
  const auto set = [&](DType type, Reader reader) { readers[static_cast<size_t>(type)] = reader; };
  set(DType::kBool, read_bool);
  set(DType::kInt8, read_signed<int8_t>);
  set(DType::kUint8, read_unsigned<uint8_t>);
  set(DType::kInt16, read_signed<int16_t>);
  set(DType::kUint16, read_unsigned<uint16_t>);
  set(DType::kInt32, read_signed<int32_t>);
  set(DType::kUint32, read_unsigned<uint32_t>);
  set(DType::kInt64, read_signed<int64_t>);
  set(DType::kUint64, read_unsigned<uint64_t>);
  set(DType::kFloat16, read_float<half_value>);
  set(DType::kBFloat16, read_float<bfloat16_value>);
  set(DType::kFloat32, read_float<float_value>);
  set(DType::kFloat64, read_float<double_value>);
  set(DType::kLongDouble, read_long_double);
  set(DType::kComplexFloat16, read_complex<half_value>);
  set(DType::kComplexBFloat16, read_complex<bfloat16_value>);
  set(DType::kComplexFloat32, read_complex<float_value>);
  set(DType::kComplexFloat64, read_complex<double_value>);
  set(DType::kComplexLongDouble, read_complex_long_double);
  set(DType::kDatetime64, read_time);
  set(DType::kTimedelta64, read_time);
  for (int type = 0; type < kNumReal; ++type) {
    if (is_narrow(static_cast<DType>(type))) set(static_cast<DType>(type), read_narrow);
  }
  set(DType::kChar, read_raw);
  set(DType::kBytes, read_bytes);
  set(DType::kPascal, read_pascal);
  set(DType::kUnicode, read_text);
  set(DType::kWchar, read_text);
  set(DType::kPointer, read_unsigned<uintptr_t>);
  set(DType::kObject, read_object);
  set(DType::kStruct, read_struct);
  set(DType::kOpaque, read_raw);
  return readers;
}();

nb::object element_value(const Field& field, const char* data) {
  const Reader reader = kReaders[static_cast<size_t>(field.type)];
  const bool swapped = field.order != ByteOrder::kNone && field.order != kHostOrder;
  if (!swapped || field.swap_unit <= 1) return reader({field, data, data});
  std::string native(data, static_cast<size_t>(field.itemsize));
  for (size_t at = 0; at + static_cast<size_t>(field.swap_unit) <= native.size();
       at += static_cast<size_t>(field.swap_unit)) {
    std::reverse(native.begin() + static_cast<int64_t>(at),
                 native.begin() + static_cast<int64_t>(at) + field.swap_unit);
  }
  return reader({field, native.data(), data});
}

// Nested lists over the dimensions from `axis` on; `leaf` gives the value at an address.
template <class Leaf>
nb::object list_of(std::span<const int64_t> shape, std::span<const int64_t> strides,
                   std::span<const int64_t> suboffsets, const char* data, const Leaf& leaf) {
  if (shape.empty()) return leaf(data);
  const bool pointers = !suboffsets.empty() && suboffsets[0] >= 0;
  const std::span<const int64_t> inner_suboffsets =
      suboffsets.empty() ? suboffsets : suboffsets.subspan(1);
  nb::object list = checked(PyList_New(static_cast<Py_ssize_t>(shape[0])));
  for (int64_t i = 0; i < shape[0]; ++i) {
    const char* at = data + i * strides[0];
    if (pointers) at = load<const char*>(at) + suboffsets[0];
    nb::object value = list_of(shape.subspan(1), strides.subspan(1), inner_suboffsets, at, leaf);
    PyList_SetItem(list.ptr(), static_cast<Py_ssize_t>(i), value.release().ptr());
  }
  return list;
}

nb::object field_value(const Field& field, const char* data) {
  if (field.shape.empty()) return element_value(field, data);
  std::vector<int64_t> strides(field.shape.size());
  int64_t step = field.itemsize;
  for (size_t k = field.shape.size(); k-- > 0; step *= field.shape[k]) strides[k] = step;
  return list_of(field.shape, strides, {}, data,
                 [&](const char* at) { return element_value(field, at); });
}

nb::object fields_value(const std::vector<Field>& fields, const char* data) {
  nb::object tuple = checked(PyTuple_New(static_cast<Py_ssize_t>(fields.size())));
  for (size_t i = 0; i < fields.size(); ++i) {
    nb::object value = field_value(fields[i], data + fields[i].offset);
    PyTuple_SetItem(tuple.ptr(), static_cast<Py_ssize_t>(i), value.release().ptr());
  }
  return tuple;
}

}  // namespace

nb::object item_value(const Format& format, const char* data) {
  const std::vector<Field>& fields = format.fields();
  if (fields.empty()) return new_bytes(data, format.itemsize());
  if (fields.size() == 1 && !fields[0].has_name) {
    return field_value(fields[0], data + fields[0].offset);
  }
  return fields_value(fields, data);
}

nb::object nested_list(const Format& format, const char* data, std::span<const int64_t> shape,
                       std::span<const int64_t> strides, std::span<const int64_t> suboffsets) {
  // Without items there may be nothing where the pointers should be.
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) suboffsets = {};
  return list_of(shape, strides, suboffsets, data,
                 [&](const char* at) { return item_value(format, at); });
}

}  // namespace stridecast::python
