// Buffers to Arrow arrays: which schema a format has, and the buffers of each node of it, the
// Buffer's own memory where the layouts agree, else made by the engine. Releasing is
// arrow_structs.h.
#include "python/arrow_export.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "python/args.h"
#include "python/arrow_format.h"
#include "python/arrow_structs.h"
#include "python/classes.h"
#include "python/errors.h"
#include "python/fields.h"
#include "python/format_arg.h"
#include "python/job.h"
#include "python/numpy_dtype.h"
#include "stridecast/bits.h"

namespace stridecast::python {
namespace {

constexpr const char* kArrayDoc =
    R"(__arrow_c_array__(requested_schema=None)

The items as an Arrow array: a pair of capsules for the C data interface, which `pyarrow.array(buf)` and
other consumers ask for by themselves. Further dimensions and sub-arrays become fixed-size lists, structs
become structs of columns, 's' and 'x' fixed-size binaries, and NaT a null.

The array lies in the Buffer's memory, which nobody should write to as long as the array is in use, where
the items are contiguous numbers in the machine's byte order, datetimes or timedeltas in s, ms, us or ns,
or bytes. Anything else is a copy: bools are packed to bits, dates ([D]) become 32-bit ones, structs
are taken apart, other strides and byte orders straightened.

Parameters
----------
requested_schema : capsule, optional
    A wish that the protocol allows to pass over, as is done here.

Raises
------
TypeError
    Arrow has no type for the format: bfloat16, complex numbers, text, other units of time. The
    message names the way out.
ValueError
    The Buffer has no dimension.
OverflowError
    A date does not fit 32 bits of days.

>>> import stridecast
>>> b = stridecast.Buffer(b"AB")
>>> schema, array = b.__arrow_c_array__()
)";

constexpr const char* kSchemaDoc =
    R"(__arrow_c_schema__()

The Arrow type of the items, as a capsule for the C data interface: that of `__arrow_c_array__`, and it
raises what that raises for formats.
)";

std::vector<int64_t> vector_of(std::span<const int64_t> values) {
  return {values.begin(), values.end()};
}

int64_t product(std::span<const int64_t> values) {
  int64_t n = 1;
  for (int64_t value : values) n *= value;
  return n;
}

std::string at_path(const std::string& path) {
  return path.empty() ? std::string() : "field '" + path + "': ";
}

std::string path_to(const std::string& path, const Field& field) {
  return path.empty() ? field.name : path + "." + field.name;
}

// The fields of a struct. Throws for one that has no name.
const std::vector<Field>& named_fields(const std::vector<Field>& fields, const std::string& path) {
  for (const Field& field : fields) {
    if (field.has_name) continue;
    throw Error(ErrorCode::kNoConversion,
                at_path(path) + "the field at byte " + std::to_string(field.offset) +
                    " has no name, and the fields of an Arrow struct have one");
  }
  return fields;
}

// The element that all items are made of as one field, whatever the format looks like: a number, a
// struct, or bytes that nobody named.
Field element_of(const Format& format, const std::string& path) {
  if (const Field* whole = whole_field(format)) return *whole;
  Field field;
  field.itemsize = format.itemsize();
  if (format.fields().empty()) {
    field.type = DType::kBytes;
    return field;
  }
  field.type = DType::kStruct;
  field.fields = named_fields(format.fields(), path);
  return field;
}

std::string arrow_of(const Field& field, const ArrowType** type, const std::string& path) {
  try {
    return arrow_of_field(field, type);
  } catch (const Error& error) {
    throw Error(error.code(), at_path(path) + error.what());
  }
}

// `dims`: of the lists around the field, outermost first.
OwnedSchema schema_of(const Field& field, std::span<const int64_t> dims, std::string name,
                      const std::string& path) {
  std::vector<OwnedSchema> children;
  if (!dims.empty()) {
    children.push_back(schema_of(field, dims.subspan(1), "item", path));
    return make_schema("+w:" + std::to_string(dims[0]), std::move(name), std::move(children));
  }
  if (field.type == DType::kStruct) {
    for (const Field& member : named_fields(field.fields, path)) {
      children.push_back(schema_of(member, member.shape, member.name, path_to(path, member)));
    }
  }
  const ArrowType* type = nullptr;
  return make_schema(arrow_of(field, &type, path), std::move(name), std::move(children));
}

// Items of one format that the engine may read: where they are, and who keeps them.
struct Source {
  Layout layout;  // the shape ends with the element's own dimensions; its format has none
  const char* data;
  Keeper keeper;
};

// Fresh memory for a node's items.
Source fresh(Layout layout) {
  auto array = std::make_shared<Array>(make_array(std::move(layout)));
  const auto* data = reinterpret_cast<const char*>(array->data.get());
  return {array->layout, data, array};
}

char* writable(const Source& source) { return const_cast<char*>(source.data); }

Keeper keep_bytes(std::vector<unsigned char> bytes, const void** data) {
  auto kept = std::make_shared<std::vector<unsigned char>>(std::move(bytes));
  *data = kept->data();
  return kept;
}

std::vector<unsigned char> bytes_for_bits(int64_t n) {
  // Never without an address; bits behind the last item are 0.
  return std::vector<unsigned char>(static_cast<size_t>(n / 8 + 1));
}

class Exporter {
 public:
  explicit Exporter(const RunOptions& run) : run_(run) {}

  OwnedArray items(const Source& source, const std::string& path) {
    const std::span<const int64_t> shape = source.layout.shape();
    const Field element = element_of(source.layout.format(), path);
    OwnedArray array = element.type == DType::kStruct ? columns(source, element, path)
                                                      : values(source, element, path);
    // The lists around the items, innermost first.
    for (size_t k = shape.size(); k-- > 1;) {
      std::vector<OwnedArray> child;
      child.push_back(std::move(array));
      array = make_arrow_array(product(shape.first(k)), 0, {nullptr}, {}, std::move(child));
    }
    return array;
  }

 private:
  // The same items, dense in C order and in the format `to`: as they are if that is what they are.
  Source dense(const Source& source, const Format& to) {
    if (to == source.layout.format() && source.layout.is_c_contiguous()) {
      return {source.layout, source.data + source.layout.offset(), source.keeper};
    }
    Source result = fresh(Layout::contiguous(to, vector_of(source.layout.shape())));
    convert(source.layout, source.data, result.layout, writable(result), {}, run_);
    return result;
  }

  OwnedArray columns(const Source& source, const Field& element, const std::string& path) {
    const int64_t count = source.layout.size();
    std::vector<Source> parts;
    std::vector<FieldArray> arrays;
    parts.reserve(element.fields.size());
    for (const Field& field : element.fields) {
      const Layout in_place = source.layout.field(field.name);
      parts.push_back(fresh(Layout::contiguous(in_place.format(), vector_of(in_place.shape()))));
      arrays.push_back({field.name, &parts.back().layout, writable(parts.back())});
    }
    split(source.layout, source.data, arrays, {}, run_);
    std::vector<OwnedArray> children;
    for (size_t i = 0; i < parts.size(); ++i) {
      // One row of structs, whatever the shape was.
      const Field& field = element.fields[i];
      std::vector<int64_t> shape = {count};
      shape.insert(shape.end(), field.shape.begin(), field.shape.end());
      parts[i].layout = Layout::contiguous(parts[i].layout.format(), std::move(shape));
      children.push_back(items(parts[i], path_to(path, field)));
    }
    return make_arrow_array(count, 0, {nullptr}, {}, std::move(children));
  }

  OwnedArray values(const Source& source, const Field& element, const std::string& path) {
    const ArrowType* type = nullptr;
    arrow_of(element, &type, path);
    const Format native = type == nullptr ? source.layout.format() : Format::parse(type->text);
    if (type != nullptr && type->storage == ArrowStorage::kBits) return bits(source, native);
    if (type != nullptr && type->null == NullValue::kNaT) return times(source, *type, path);
    Source packed = dense(source, native);
    return make_arrow_array(packed.layout.size(), 0, {nullptr, packed.data},
                            {std::move(packed.keeper)}, {});
  }

  OwnedArray bits(const Source& source, const Format& native) {
    const Source bools = dense(source, native);
    const int64_t n = bools.layout.size();
    std::vector<unsigned char> packed = bytes_for_bits(n);
    pack_bits(bools.data, n, {packed.data()});
    const void* data = nullptr;
    Keeper keeper = keep_bytes(std::move(packed), &data);
    return make_arrow_array(n, 0, {nullptr, data}, {std::move(keeper)}, {});
  }

  OwnedArray times(const Source& source, const ArrowType& type, const std::string& path) {
    Source packed = dense(source, Format::parse(type.text));
    const int64_t n = packed.layout.size();
    std::vector<unsigned char> valid = bytes_for_bits(n);
    const int64_t nulls = valid_bits(packed.data, n, {valid.data()});
    if (type.storage == ArrowStorage::kInt32) packed = days(packed, nulls, valid.data(), path);
    const void* validity = nullptr;
    std::vector<Keeper> keepers = {std::move(packed.keeper)};
    if (nulls > 0) keepers.push_back(keep_bytes(std::move(valid), &validity));
    return make_arrow_array(n, nulls, {validity, packed.data}, std::move(keepers), {});
  }

  // 64-bit days as 32-bit ones; those that are NaT become 0, their bits say that they are null.
  Source days(const Source& source, int64_t nulls, const void* valid, const std::string& path) {
    const int64_t n = source.layout.size();
    const Layout wide = Layout::contiguous(Format::of(DType::kInt64), {n});
    const Layout narrow = Layout::contiguous(Format::of(DType::kInt32), {n});
    Source from = source;
    if (nulls > 0) {
      constexpr int64_t kEpoch = 0;
      from = fresh(wide);
      convert(wide, source.data, wide, writable(from), {}, run_);
      overwrite_invalid(writable(from), sizeof kEpoch, {valid}, n, &kEpoch);
    }
    Source result = fresh(narrow);
    try {
      convert(wide, from.data, narrow, writable(result), {.overflow = Overflow::kRaise}, run_);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kData) throw;
      throw Error(error.code(), error.kind(), error.position(),
                  at_path(path) + "Arrow's dates are 32-bit numbers of days: " + error.what());
    }
    return result;
  }

  const RunOptions& run_;
};

// The Buffer's items as the exporter wants them: a sub-array's dimensions as further axes, and no
// pointers to follow.
Source source_of(const Buffer& buffer) {
  const Field* whole = whole_field(buffer.format());
  std::vector<int64_t> shape = vector_of(buffer.shape());
  std::vector<int64_t> strides = vector_of(buffer.strides());
  std::vector<int64_t> suboffsets = vector_of(buffer.suboffsets());
  Format format = buffer.format();
  if (whole != nullptr && !whole->shape.empty()) {
    format = Format::parse(text_of_field(*whole, false), whole->itemsize);
    const size_t outer = shape.size();
    shape.insert(shape.end(), whole->shape.begin(), whole->shape.end());
    strides.resize(shape.size());
    if (!suboffsets.empty()) suboffsets.resize(shape.size(), -1);
    int64_t step = whole->itemsize;
    for (size_t k = shape.size(); k-- > outer; step *= shape[k]) strides[k] = step;
  }
  return {Layout::strided(format, std::move(shape), std::move(strides), 0, std::move(suboffsets)),
          buffer.data(), keep_object(buffer.memory())};
}

Source without_pointers(Source source, const RunOptions& run) {
  if (source.layout.suboffsets().empty()) return source;
  auto array = std::make_shared<Array>(copy(source.layout, source.data, Order::kC, run));
  const auto* data = reinterpret_cast<const char*>(array->data.get());
  return {array->layout, data, array};
}

const Buffer& exportable(nb::handle self) {
  const Buffer& buffer = live_buffer(self);
  if (buffer.ndim() == 0) {
    raise(PyExc_ValueError,
          "a Buffer of 0 dimensions is no Arrow array, which has one; .view() and indexing cannot "
          "add one, .numpy().reshape(1) does");
  }
  return buffer;
}

OwnedSchema schema_of_buffer(const Buffer& buffer) {
  const Field element = element_of(buffer.format(), "");
  std::vector<int64_t> dims(buffer.shape().begin() + 1, buffer.shape().end());
  dims.insert(dims.end(), element.shape.begin(), element.shape.end());
  const auto empty = std::find(dims.begin(), dims.end(), 0);
  if (empty != dims.end()) {
    raise(PyExc_ValueError, "dimensions of no items cannot become Arrow's fixed-size lists");
  }
  return schema_of(element, dims, "", "");
}

nb::object arrow_schema(nb::handle self) {
  return schema_capsule(schema_of_buffer(exportable(self)));
}

nb::tuple arrow_array(nb::handle self, nb::handle requested) {
  if (!requested.is_none() && PyCapsule_IsValid(requested.ptr(), kSchemaCapsule) == 0) {
    raise(PyExc_TypeError, "requested_schema must be a capsule '%s' or None, not %.200s",
          kSchemaCapsule, type_name_of(requested).c_str());
  }
  const Buffer& buffer = exportable(self);
  OwnedSchema schema = schema_of_buffer(buffer);
  int64_t bytes = 0;  // read and written; a repeated item may be many
  if (__builtin_mul_overflow(buffer.size(), buffer.format().itemsize(), &bytes) ||
      __builtin_mul_overflow(bytes, 2, &bytes)) {
    raise(PyExc_ValueError, "an Arrow array of so many items does not fit the address space");
  }
  const RunOptions run = run_options({}, bytes);
  Source source = source_of(buffer);
  OwnedArray array = release_gil_for(
      bytes, [&] { return Exporter(run).items(without_pointers(std::move(source), run), ""); });
  return nb::make_tuple(schema_capsule(std::move(schema)), array_capsule(std::move(array)));
}

}  // namespace

void bind_arrow(nb::class_<Buffer>& buffer) {
  buffer
      .def("__arrow_c_array__", arrow_array, nb::arg("requested_schema").none() = nb::none(),
           kArrayDoc)
      .def("__arrow_c_schema__", arrow_schema, kSchemaDoc);
}

}  // namespace stridecast::python
