// Reading Arrow arrays; see arrow_import.h. The schema becomes a tree of formats, the array is
// checked against it and moved out of its capsule, so that from there on one holder releases it,
// and its buffers become items: as they lie, or through the engine.
#include "python/arrow_import.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "python/args.h"
#include "python/arrow_check.h"
#include "python/classes.h"
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

// A validity bitmap, each bit of which stands for `group` items in a row. `node` is whose it is;
// `listed`, whether that lies in a list.
struct Validity {
  Bits bits;
  int64_t n;
  int64_t group;
  const ArrowNode* node;
  bool listed;
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

std::string of_field(const ArrowNode& node) {
  return node.path.empty() ? "" : " of field '" + node.path + "'";
}

// What can be done about nulls of a type without a value for them, in words of pyarrow, whose
// fill_null knows neither structs, lists nor binaries.
std::string way_out(const Validity& nulls) {
  const ArrowNode& node = *nulls.node;
  const bool inner = nulls.listed || !node.path.empty();
  const bool binary = node.element.ends_with('s') || node.element.ends_with('x');
  if (node.kind != ArrowNode::Kind::kValues || binary) {
    return inner ? "leave out such rows first, as pyarrow's .filter() does"
                 : "leave them out first, as pyarrow's .drop_null() does";
  }
  const char* value = node.storage == ArrowStorage::kBits ? "False" : "0";
  return std::string("fill them first, as pyarrow's .fill_null(") + value + ") does" +
         (nulls.listed         ? " for the array of the lists' values"
          : !node.path.empty() ? " for the array of that field"
                               : "");
}

// `per_row`: how many items of `node`, a leaf, lie in a row of the array that was passed.
[[noreturn]] void refuse_nulls(const ArrowNode& node, const std::vector<Validity>& nulls,
                               int64_t per_row) {
  // The first row at fault; in it the outermost null.
  const auto row = [&](const Validity& validity) { return first_null(validity) / per_row; };
  const Validity& worst =
      *std::min_element(nulls.begin(), nulls.end(),
                        [&](const Validity& a, const Validity& b) { return row(a) < row(b); });
  const bool whole = !worst.listed && worst.node->path.empty();
  const int64_t count = worst.n - count_bits(worst.bits, worst.n);
  const std::string what = worst.listed                                            ? "value"
                           : whole && worst.node->kind == ArrowNode::Kind::kStruct ? "row"
                                                                                   : "item";
  throw Error(ErrorCode::kInvalidArgument,
              std::to_string(count) + " " + what + (count == 1 ? "" : "s") +
                  (worst.listed ? " in lists" : "") + of_field(*worst.node) +
                  " of the Arrow array" + (count == 1 ? " is" : " are") + " null, the first " +
                  (whole ? "at index " : "in row ") + std::to_string(row(worst)) + ", and '" +
                  node.element + "'" + (worst.node == &node ? "" : of_field(node)) +
                  " has no value for that: " + way_out(worst));
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
  // `rows` is the length of the array that was passed.
  Importer(const RunOptions& run, int64_t rows) : run_(run), rows_(rows) {}

  // `count` items from item `start` of the buffers on; `nulls` are those of the nodes above, and
  // `listed` is whether a list is among these.
  Items items(const ArrowNode& node, const ArrowArray& array, int64_t start, int64_t count,
              std::vector<Validity> nulls, bool listed) {
    const void* validity = array.null_count == 0 ? nullptr : array.buffers[0];
    if (validity != nullptr && count_bits({validity, start}, count) < count) {
      nulls.push_back({{validity, start}, count, 1, &node, listed});
    }
    switch (node.kind) {
      case ArrowNode::Kind::kStruct:
        return records(node, array, start, count, nulls, listed);
      case ArrowNode::Kind::kList: {
        const int64_t n = node.dims[0];
        for (Validity& one : nulls) one.group *= n;
        const ArrowArray& child = *array.children[0];
        return items(node.children[0], child, start * n + child.offset, count * n, std::move(nulls),
                     true);
      }
      case ArrowNode::Kind::kValues:
        break;
    }
    return values(node, array, start, count, nulls);
  }

 private:
  Items values(const ArrowNode& node, const ArrowArray& array, int64_t start, int64_t count,
               const std::vector<Validity>& nulls) {
    if (!nulls.empty() && node.null == NullValue::kNone) {
      refuse_nulls(node, nulls, count / rows_);
    }
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
                const std::vector<Validity>& nulls, bool listed) {
    std::vector<Items> columns;
    std::vector<Layout> layouts;
    for (size_t i = 0; i < node.children.size(); ++i) {
      const ArrowNode& child = node.children[i];
      const ArrowArray& from = *array.children[i];
      columns.push_back(items(child, from, start + from.offset, count, nulls, listed));
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
  int64_t rows_;
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

// A stream is several arrays, and an operand is one; what makes one of it depends on the library.
[[noreturn]] void refuse_stream(PyObject* object, const char* name) {
  static constexpr struct {
    const char* module;
    const char* type;  // a null: any
    const char* advice;
  } kAdvice[] = {
      {"pandas", "DataFrame",
       "pass .to_numpy() of it, or with columns of several types .to_records(index=False)"},
      {"pandas", nullptr, "pass .to_numpy() of it"},
      {"polars", nullptr, "pass .to_numpy() of it"},
      {"pyarrow", "Table", "pass one batch of it, as .combine_chunks().to_batches()[0] is"},
      {"pyarrow", "ChunkedArray", "combine them to one first, as .combine_chunks() does"},
      {"", nullptr, "pass one array"},
  };
  const std::string whole = type_name_of(object);
  const std::string type = whole.substr(whole.rfind('.') + 1);
  nb::object attribute =
      optional_attribute(reinterpret_cast<PyObject*>(Py_TYPE(object)), "__module__");
  std::string package;
  if (attribute && PyUnicode_Check(attribute.ptr())) {
    package = nb::borrow<nb::str>(attribute).c_str();
  }
  package.resize(std::min(package.find('.'), package.size()));
  for (const auto& row : kAdvice) {
    if (row.module[0] != '\0' && package != row.module) continue;
    if (row.type != nullptr && type != row.type) continue;
    raise(PyExc_TypeError, "%s: a %.200s is a stream of Arrow arrays; %s", name, whole.c_str(),
          row.advice);
  }
  __builtin_unreachable();  // the last row fits all
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
    refuse_stream(object, name);
  }
  if (access == Access::kWrite) raise(PyExc_BufferError, "%s is read-only: Arrow data is", name);
  const nb::object pair = checked(PyObject_CallMethod(object, "__arrow_c_array__", nullptr));
  if (!PyTuple_CheckExact(pair.ptr()) || PyTuple_Size(pair.ptr()) != 2) {
    raise(PyExc_TypeError, "%s: its __arrow_c_array__ returned no pair of capsules", name);
  }
  const auto* schema = struct_in<ArrowSchema>(PyTuple_GetItem(pair.ptr(), 0), kSchemaCapsule, name);
  auto* array = struct_in<ArrowArray>(PyTuple_GetItem(pair.ptr(), 1), kArrayCapsule, name);

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
      const ArrowArray& from = taken.array;
      return Importer(run, from.length).items(node, from, from.offset, from.length, {}, false);
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
