// Reading Arrow arrays; see arrow_import.h. The schema becomes a tree of formats, the array is
// checked against it and moved out of its capsule, so that from there on one holder releases it,
// and its buffers become items: as they lie, or through the engine.
#include "python/arrow_import.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "python/arrow_check.h"
#include "python/errors.h"
#include "python/job.h"
#include "stridecast/bits.h"

namespace stridecast::python {
namespace {

// What the BufferView keeps: the producer's array, or the items that were made of it.
struct Imported {
  ArrowArray array{};
  std::optional<Array> made;
  int64_t shape = 0, stride = 0;

  Imported() = default;
  Imported(const Imported&) = delete;
  Imported& operator=(const Imported&) = delete;
  ~Imported() { release(); }
  void release() {
    if (array.release != nullptr) array.release(&array);
  }
};

constexpr const char* kImportedCapsule = "stridecast.arrow_array";

void delete_imported(PyObject* capsule) {
  // The producer may run Python code, and an error may be on its way already.
  const nb::error_scope error;
  delete static_cast<Imported*>(PyCapsule_GetPointer(capsule, kImportedCapsule));
}

// A validity bitmap, each bit of which stands for `group` items in a row.
struct Validity {
  Bits bits;
  int64_t n;
  int64_t group;
};

// Items of a node, dense: the producer's memory, or `made`.
struct Items {
  const char* data;
  std::optional<Array> made;
};

// The dimensions of `count` items of a node as an array of their own.
std::vector<int64_t> shape_of(const ArrowNode& node, int64_t count) {
  std::vector<int64_t> shape = {count};
  shape.insert(shape.end(), node.dims.begin(), node.dims.end());
  return shape;
}

Layout layout_of(const ArrowNode& node, int64_t count) {
  return Layout::contiguous(Format::parse(node.element), shape_of(node, count));
}

// The first item whose bit is 0, of which there is one.
int64_t first_null(const Validity& validity) {
  int64_t valid = 0, end = validity.n;  // items before `valid` have their bit
  while (end - valid > 1) {
    const int64_t half = (end - valid) / 2;
    const int64_t set = count_bits({validity.bits.data, validity.bits.first + valid}, half);
    if (set == half) {
      valid += half;
    } else {
      end = valid + half;
    }
  }
  return valid * validity.group;
}

[[noreturn]] void refuse_nulls(const ArrowNode& node, const std::vector<Validity>& nulls) {
  int64_t count = 0, first = INT64_MAX;
  for (const Validity& validity : nulls) {
    count = std::max(count, (validity.n - count_bits(validity.bits, validity.n)) * validity.group);
    first = std::min(first, first_null(validity));
  }
  throw Error(ErrorCode::kInvalidArgument,
              (nulls.size() > 1 ? "at least " : "") + std::to_string(count) +
                  (count == 1 ? " item" : " items") + " of the Arrow array" +
                  (node.path.empty() ? "" : " of field '" + node.path + "'") +
                  (count == 1 ? " is" : " are") + " null, the first at index " +
                  std::to_string(first) + ", and '" + node.element +
                  "' has no value for that: fill them first, as pyarrow's .fill_null(0) does");
}

void overwrite_nulls(const ArrowNode& node, const std::vector<Validity>& nulls, Array& items) {
  constexpr uint16_t kHalfNaN = 0x7E00;
  constexpr uint32_t kFloatNaN = 0x7FC00000;
  constexpr uint64_t kDoubleNaN = 0x7FF8000000000000;
  constexpr int64_t kNaT = INT64_MIN;
  const int64_t itemsize = items.layout.format().itemsize();
  const void* value = node.null == NullValue::kNaT ? static_cast<const void*>(&kNaT)
                      : itemsize == 2              ? static_cast<const void*>(&kHalfNaN)
                      : itemsize == 4              ? static_cast<const void*>(&kFloatNaN)
                                                   : static_cast<const void*>(&kDoubleNaN);
  for (const Validity& validity : nulls) {
    overwrite_invalid(items.data.get(), itemsize, validity.bits, validity.n, value, validity.group);
  }
}

class Importer {
 public:
  explicit Importer(const RunOptions& run) : run_(run) {}

  // `count` items from item `start` of the buffers on; `nulls` are those of the nodes above.
  Items items(const ArrowNode& node, const ArrowArray& array, int64_t start, int64_t count,
              std::vector<Validity> nulls) {
    const void* validity = array.null_count == 0 ? nullptr : array.buffers[0];
    if (validity != nullptr && count_bits({validity, start}, count) < count) {
      nulls.push_back({{validity, start}, count, 1});
    }
    switch (node.kind) {
      case ArrowNode::Kind::kStruct:
        return records(node, array, start, count, nulls);
      case ArrowNode::Kind::kList: {
        const int64_t n = node.dims[0];
        for (Validity& one : nulls) one.group *= n;
        const ArrowArray& child = *array.children[0];
        return items(node.children[0], child, start * n + child.offset, count * n,
                     std::move(nulls));
      }
      case ArrowNode::Kind::kValues:
        break;
    }
    return values(node, array, start, count, nulls);
  }

 private:
  Items values(const ArrowNode& node, const ArrowArray& array, int64_t start, int64_t count,
               const std::vector<Validity>& nulls) {
    if (!nulls.empty() && node.null == NullValue::kNone) refuse_nulls(node, nulls);
    const auto* data = static_cast<const char*>(array.buffers[1]);
    if (data == nullptr) data = "";  // no items
    const bool bits = node.storage == ArrowStorage::kBits;
    if (!bits) data += start * node.itemsize;
    if (node.storage == ArrowStorage::kSame && nulls.empty()) return {data, std::nullopt};

    Items result{nullptr, make_array(layout_of(node, count))};
    char* to = reinterpret_cast<char*>(result.made->data.get());
    if (bits) {
      unpack_bits({data, start}, count, to);
    } else {
      // As integers of Arrow's size and ours.
      const auto dense = [&](DType type) { return Layout::contiguous(Format::of(type), {count}); };
      const bool narrow = node.storage == ArrowStorage::kInt32;
      const Layout& same = result.made->layout;
      convert(narrow ? dense(DType::kInt32) : same, data, narrow ? dense(DType::kInt64) : same, to,
              {}, run_);
    }
    overwrite_nulls(node, nulls, *result.made);
    result.data = to;
    return result;
  }

  Items records(const ArrowNode& node, const ArrowArray& array, int64_t start, int64_t count,
                const std::vector<Validity>& nulls) {
    std::vector<Items> columns;
    std::vector<Layout> layouts;
    for (size_t i = 0; i < node.children.size(); ++i) {
      const ArrowNode& child = node.children[i];
      const ArrowArray& from = *array.children[i];
      columns.push_back(items(child, from, start + from.offset, count, nulls));
      layouts.push_back(layout_of(child, count));
    }
    std::vector<FieldArray> fields;
    for (size_t i = 0; i < columns.size(); ++i) {
      // join reads these only.
      fields.push_back({node.children[i].name, &layouts[i], const_cast<char*>(columns[i].data)});
    }
    Items result{nullptr, make_array(Layout::contiguous(Format::parse(node.element), {count}))};
    join(fields, result.made->layout, result.made->data.get(), {}, run_);
    result.data = reinterpret_cast<const char*>(result.made->data.get());
    return result;
  }

  const RunOptions& run_;
};

template <class Struct>
Struct* struct_in(nb::handle capsule, const char* capsule_name, const char* name) {
  void* pointer = PyCapsule_CheckExact(capsule.ptr())
                      ? PyCapsule_GetPointer(capsule.ptr(), capsule_name)
                      : nullptr;
  if (pointer == nullptr) {
    PyErr_Clear();
    raise(PyExc_TypeError, "%s: its __arrow_c_array__ returned no capsule '%s'", name,
          capsule_name);
  }
  return static_cast<Struct*>(pointer);
}

bool has(PyObject* object, const char* method) {
  return PyObject_HasAttrString(reinterpret_cast<PyObject*>(Py_TYPE(object)), method) != 0;
}

// The errors of the schema and array, with the name of the argument.
template <class Body>
auto naming(const char* name, Body&& body) {
  try {
    return body();
  } catch (const Error& error) {
    throw Error(error.code(), error.kind(), error.position(),
                std::string(name) + ": " + error.what());
  }
}

// Read and written; at most, since it only decides about threads and the interpreter's lock.
int64_t bytes_moved(const Format& format, const ArrowArray& array) {
  int64_t bytes = 0;
  const bool fits = !__builtin_mul_overflow(array.length, format.itemsize(), &bytes) &&
                    !__builtin_mul_overflow(bytes, 2, &bytes);
  return fits ? bytes : INT64_MAX;
}

}  // namespace

bool read_arrow(PyObject* object, Access access, const char* name, BufferView* view) {
  if (PyObject_CheckBuffer(object)) return false;
  if (!has(object, "__arrow_c_array__")) {
    if (!has(object, "__arrow_c_stream__")) return false;
    raise(PyExc_TypeError,
          "%s: a %.200s is a stream of Arrow arrays; combine them to one first, as "
          ".combine_chunks() does",
          name, Py_TYPE(object)->tp_name);
  }
  if (access == Access::kWrite) raise(PyExc_BufferError, "%s is read-only: Arrow data is", name);
  const nb::object pair = checked(PyObject_CallMethod(object, "__arrow_c_array__", nullptr));
  if (!PyTuple_CheckExact(pair.ptr()) || PyTuple_GET_SIZE(pair.ptr()) != 2) {
    raise(PyExc_TypeError, "%s: its __arrow_c_array__ returned no pair of capsules", name);
  }
  const auto* schema =
      struct_in<ArrowSchema>(PyTuple_GET_ITEM(pair.ptr(), 0), kSchemaCapsule, name);
  auto* array = struct_in<ArrowArray>(PyTuple_GET_ITEM(pair.ptr(), 1), kArrayCapsule, name);

  const ArrowNode node = naming(name, [&] { return node_of_schema(*schema); });
  naming(name, [&] { check_array(node, *array); });

  // Until here the capsules release what is in them, from here on `imported` does.
  auto imported = std::make_unique<Imported>();
  const nb::object keeper =
      checked(PyCapsule_New(imported.get(), kImportedCapsule, delete_imported));
  Imported& taken = *imported.release();
  taken.array = *array;
  array->release = nullptr;

  Format format = Format::parse(node.text());
  const int64_t bytes = bytes_moved(format, taken.array);
  const RunOptions run = run_options({}, bytes);
  Items items = naming(name, [&] {
    return release_gil_for(bytes, [&] {
      return Importer(run).items(node, taken.array, taken.array.offset, taken.array.length, {});
    });
  });
  taken.shape = taken.array.length;
  taken.stride = format.itemsize();
  const bool copied = items.made.has_value();
  if (copied) {
    taken.made = std::move(items.made);
    taken.release();
  }
  view->set(FormatRef(std::move(format)), const_cast<char*>(items.data), 1, &taken.shape,
            &taken.stride, !copied);
  view->keep(keeper);
  return true;
}

}  // namespace stridecast::python
