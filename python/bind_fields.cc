// split and join: an array of structs taken apart into one array a field, and put together again,
// in one pass over the structs.
#include <nanobind/nanobind.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "python/args.h"
#include "python/bindings.h"
#include "python/buffer_view.h"
#include "python/classes.h"
#include "python/errors.h"
#include "python/fields.h"
#include "python/format_arg.h"
#include "python/job.h"
#include "python/numpy_dtype.h"
#include "python/ops_doc.h"
#include "stridecast/layout.h"
#include "stridecast/ops.h"

namespace stridecast::python {
namespace {

using Shape = std::vector<int64_t>;

Shape vector_of(std::span<const int64_t> values) { return {values.begin(), values.end()}; }

Layout layout_of(const BufferView& view) {
  return Layout::strided(view.format(), vector_of(view.shape()), vector_of(view.strides()), 0,
                         vector_of(view.suboffsets()));
}

// Read plus written.
int64_t bytes_moved(const Layout& structs) {
  return 2 * structs.size() * structs.format().itemsize();
}

// One after the other with plans of their own, which follow pointers; stridecast::split and join
// walk plain memory only.
void run_one_by_one(bool splits, const Layout& structs, char* data,
                    std::span<const FieldArray> arrays, const ConvertOptions& options,
                    const RunOptions& run_options) {
  for (const FieldArray& array : arrays) {
    const Layout field = structs.field(array.name);
    try {
      if (splits) {
        stridecast::convert(field, data, *array.layout, array.data, options, run_options);
      } else {
        stridecast::convert(*array.layout, array.data, field, data, options, run_options);
      }
    } catch (const Error& error) {
      throw Error(error.code(), error.kind(), error.position(),
                  "field '" + std::string(array.name) + "': " + error.what());
    }
  }
}

bool any_pointers(const Layout& structs, std::span<const FieldArray> arrays) {
  return !structs.suboffsets().empty() ||
         std::any_of(arrays.begin(), arrays.end(),
                     [](const FieldArray& array) { return !array.layout->suboffsets().empty(); });
}

// The fields of names=, or all that have a name. The result points into the format.
std::vector<const Field*> fields_to_split(const Format& format, PyObject* names) {
  std::vector<const Field*> fields;
  if (!is_given(names)) {
    const std::vector<Field>* all = fields_of(format);
    if (all == nullptr) {
      raise(PyExc_TypeError, "buf has the format '%s', which is no struct with named fields",
            format.text().c_str());
    }
    for (const Field& field : *all) {
      if (field.has_name) fields.push_back(&field);
    }
    return fields;
  }
  if (PyUnicode_Check(names)) {
    raise(PyExc_TypeError, "names must be several names such as [%R], not one str", names);
  }
  nb::object list = checked(PySequence_List(names));
  for (nb::handle name : nb::borrow<nb::list>(list)) {
    const Field* field = &require_field(format, name);
    if (std::find(fields.begin(), fields.end(), field) != fields.end()) {
      raise(PyExc_ValueError, "names has %R twice", name.ptr());
    }
    fields.push_back(field);
  }
  return fields;
}

// str and NumPy's dtypes are mappings to Python, too.
bool has_items(PyObject* object) {
  return PyMapping_Check(object) && PyObject_HasAttrString(object, "items");
}

// One entry of a mapping of names to buffers.
struct Part {
  std::string name;
  nb::object key, value;
  BufferView view;
};

// The entries in the mapping's order. A deque, because a view cannot move.
std::deque<Part> read_parts(PyObject* fields, const char* argument, Access access) {
  if (!has_items(fields)) {
    raise(PyExc_TypeError, "%s must be a mapping of names to buffers, not %.200s", argument,
          type_name_of(fields).c_str());
  }
  const nb::object items = checked(PyMapping_Items(fields));
  std::deque<Part> parts;
  for (nb::handle item : nb::borrow<nb::list>(items)) {
    if (!PyTuple_Check(item.ptr()) || PyTuple_Size(item.ptr()) != 2) {
      raise(PyExc_TypeError, "the items() of %s must be pairs of a name and a buffer", argument);
    }
    Part& part = parts.emplace_back();
    part.key = nb::borrow(PyTuple_GetItem(item.ptr(), 0));
    part.value = nb::borrow(PyTuple_GetItem(item.ptr(), 1));
    if (!PyUnicode_Check(part.key.ptr())) {
      raise(PyExc_TypeError, "the name of a field must be a str, not %.200s",
            type_name_of(part.key).c_str());
    }
    part.name = text_of(part.key);
    part.view.open(part.value.ptr(), access, ("field '" + part.name + "'").c_str());
  }
  return parts;
}

// The layout of an operand with the sub-array of its items as further axes, as Layout::field has
// it.
Layout with_sub_array(const BufferView& view) {
  const Layout layout = layout_of(view);
  const Field* field = whole_field(view.format());
  if (field == nullptr || field->shape.empty()) return layout;
  Shape shape = vector_of(layout.shape());
  Shape strides = vector_of(layout.strides());
  Shape suboffsets = vector_of(layout.suboffsets());
  const size_t outer = shape.size();
  shape.insert(shape.end(), field->shape.begin(), field->shape.end());
  strides.resize(shape.size());
  if (!suboffsets.empty()) suboffsets.resize(shape.size(), -1);
  int64_t step = field->itemsize;
  for (size_t k = shape.size(); k-- > outer; step *= shape[k]) strides[k] = step;
  return Layout::strided(Format::parse(text_of_field(*field, false), field->itemsize),
                         std::move(shape), std::move(strides), 0, std::move(suboffsets));
}

// --- split ---------------------------------------------------------------------------------------

// What fmt= asks of the fields: a format for each that it names, or one for all.
class WantedFormats {
 public:
  explicit WantedFormats(PyObject* fmt) : fmt_(is_given(fmt) ? fmt : nullptr) {
    each_ = fmt_ != nullptr && has_items(fmt_);
  }

  // Raises KeyError for a name that is none of the fields.
  void require_names(const std::vector<const Field*>& fields) const {
    if (!each_) return;
    for (nb::handle name : nb::borrow<nb::list>(checked(PyMapping_Keys(fmt_)))) {
      if (!PyUnicode_Check(name.ptr())) {
        raise(PyExc_TypeError, "the names in fmt must be str, not %.200s",
              type_name_of(name).c_str());
      }
      const std::string text = text_of(name);
      const auto is_it = [&](const Field* field) { return field->name == text; };
      if (std::ranges::none_of(fields, is_it)) {
        raise(PyExc_KeyError, "fmt has %R, which is none of the fields that are taken", name.ptr());
      }
    }
  }

  // None where nothing is asked of this field.
  std::optional<FormatRef> of(const std::string& name) const {
    if (fmt_ == nullptr) return std::nullopt;
    if (!each_) return format_of_argument(fmt_);
    const nb::object key = text_object(name);
    if (PyMapping_HasKey(fmt_, key.ptr()) == 0) return std::nullopt;
    return format_of_argument(checked(PyObject_GetItem(fmt_, key.ptr())).ptr());
  }

 private:
  PyObject* fmt_;
  bool each_ = false;
};

void run_split(const BufferView& source, const Layout& structs, std::span<const FieldArray> parts,
               const ConvertOptions& options, PyObject* threads) {
  const int64_t bytes = bytes_moved(structs);
  const RunOptions run = run_options({threads}, bytes);
  release_gil_for(bytes, [&] {
    if (any_pointers(structs, parts)) {
      run_one_by_one(true, structs, source.data(), parts, options, run);
    } else {
      stridecast::split(structs, source.data(), parts, options, run);
    }
  });
}

nb::dict split_fresh(const BufferView& source, const std::vector<const Field*>& fields,
                     const WantedFormats& wanted, const ConvertOptions& options,
                     PyObject* threads) {
  const Layout structs = layout_of(source);
  std::vector<Layout> layouts;
  std::vector<Fresh> arrays;
  for (const Field* field : fields) {
    const Layout in_place = structs.field(field->name);
    const std::optional<FormatRef> format = wanted.of(field->name);
    layouts.push_back(
        Layout::contiguous(format ? **format : in_place.format(), vector_of(in_place.shape())));
    arrays.emplace_back(vector_of(in_place.shape()), layouts.back().format());
  }
  std::vector<FieldArray> parts;
  for (size_t i = 0; i < fields.size(); ++i) {
    parts.push_back({fields[i]->name, &layouts[i], arrays[i].data});
  }
  run_split(source, structs, parts, options, threads);
  nb::dict result;
  for (size_t i = 0; i < fields.size(); ++i) {
    result[text_object(fields[i]->name)] = arrays[i].buffer(layouts[i].format());
  }
  return result;
}

// Into the arrays of out=, which it gives back by their names.
nb::dict split_into(const BufferView& source, const std::vector<const Field*>& fields,
                    std::deque<Part>& outs, const WantedFormats& wanted,
                    const ConvertOptions& options, PyObject* threads) {
  std::vector<Layout> layouts;
  layouts.reserve(fields.size());
  std::vector<FieldArray> parts;
  nb::dict result;
  for (const Field* field : fields) {
    const auto out = std::ranges::find(outs, field->name, &Part::name);
    if (out == outs.end()) {
      raise(PyExc_KeyError, "out has nothing for the field '%s'", field->name.c_str());
    }
    if (const std::optional<FormatRef> format = wanted.of(field->name)) {
      require_format(**format, out->view);
    }
    layouts.push_back(with_sub_array(out->view));
    parts.push_back({field->name, &layouts.back(), out->view.data()});
    result[out->key] = out->value;
  }
  run_split(source, layout_of(source), parts, options, threads);
  return result;
}

Signature split_signature = {
    "split", 1, 1, {"buf", "names", "fmt", "out", "overflow", "nan", "threads"}};

PyObject* split(const Arguments<7>& a) {
  const auto& [buf, names, fmt, out, overflow, nan, threads] = a;
  ConvertOptions options;
  options.overflow = overflow_value(overflow);
  options.nan = nan_value(nan);
  BufferView source;
  source.open(buf, Access::kRead, "buf");
  std::deque<Part> outs;
  nb::object out_names;
  if (is_given(out)) {
    outs = read_parts(out, "out", Access::kWrite);
    out_names = checked(PyMapping_Keys(out));
  }
  const bool by_out = is_given(out) && !is_given(names);
  const std::vector<const Field*> fields =
      fields_to_split(source.format(), by_out ? out_names.ptr() : names);
  const WantedFormats wanted(fmt);
  wanted.require_names(fields);
  if (fields.empty()) return nb::dict().release().ptr();
  nb::dict result = is_given(out) ? split_into(source, fields, outs, wanted, options, threads)
                                  : split_fresh(source, fields, wanted, options, threads);
  return result.release().ptr();
}

// --- join ----------------------------------------------------------------------------------------

// Packed, in the mapping's order.
Format joined_format(const std::deque<Part>& parts) {
  if (parts.empty()) raise(PyExc_ValueError, "fields is empty: a struct needs at least one");
  std::string text = "T{";
  for (const Part& part : parts) {
    if (part.name.empty() ||
        part.name.find_first_of(std::string_view(":\0", 2)) != part.name.npos) {
      raise(PyExc_ValueError, "%R cannot name a field: a name is not empty and has no ':' or NUL",
            part.key.ptr());
    }
    text += member_text(part.view.format()) + ":" + part.name + ":";
  }
  return Format::parse(text + "}");
}

// The shape that the structs of a fresh result have: what all fields broadcast to, without the
// dimensions that are a sub-array of their field.
Shape joined_shape(const std::deque<Part>& parts, const std::vector<Layout>& layouts,
                   const std::vector<const Field*>& fields) {
  Shape shape;
  for (size_t i = 0; i < layouts.size(); ++i) {
    const std::span<const int64_t> whole = layouts[i].shape();
    const std::span<const int64_t> given =
        whole.first(whole.size() - std::min(whole.size(), fields[i]->shape.size()));
    if (given.size() > shape.size()) shape.insert(shape.begin(), given.size() - shape.size(), 1);
    for (size_t k = 0; k < given.size(); ++k) {
      int64_t& size = shape[shape.size() - given.size() + k];
      if (given[k] != 1 && size != 1 && given[k] != size) {
        raise(PyExc_ValueError,
              "field %R has %lld items along axis %zd, the fields before it have %lld",
              parts[i].key.ptr(), static_cast<long long>(given[k]),
              static_cast<Py_ssize_t>(k) - static_cast<Py_ssize_t>(given.size()),
              static_cast<long long>(size));
      }
      if (size == 1) size = given[k];
    }
  }
  return shape;
}

// Which of the struct's fields no part names.
std::vector<const Field*> missing_fields(const Format& structs,
                                         const std::vector<const Field*>& given) {
  std::vector<const Field*> missing;
  for (const Field& field : *fields_of(structs)) {
    if (std::find(given.begin(), given.end(), &field) == given.end()) missing.push_back(&field);
  }
  return missing;
}

[[noreturn]] void raise_missing(const Field& field) {
  const std::string name = field.has_name
                               ? "'" + field.name + "'"
                               : "at byte " + std::to_string(field.offset) + ", which has no name,";
  raise(PyExc_KeyError,
        "nothing is given for the field %s of the result; missing_fields='zero' makes it zero",
        name.c_str());
}

// What join knows before it writes.
struct Joining {
  std::deque<Part> parts;
  std::vector<Layout> layouts;        // of the parts
  std::vector<const Field*> targets;  // of the parts, in the format of the structs
};

Joining read_joining(PyObject* fields) {
  Joining joining;
  joining.parts = read_parts(fields, "fields", Access::kRead);
  for (const Part& part : joining.parts) joining.layouts.push_back(with_sub_array(part.view));
  return joining;
}

void find_targets(Joining& joining, const Format& structs) {
  std::vector<const Field*>& targets = joining.targets;
  for (const Part& part : joining.parts) {
    const Field* field = &require_field(structs, part.key);
    if (std::find(targets.begin(), targets.end(), field) != targets.end()) {
      raise(PyExc_ValueError, "fields has %R twice", part.key.ptr());
    }
    targets.push_back(field);
  }
}

// The part's array with the shape of its field: axes of one item repeat it, and so do those it
// lacks.
Layout broadcast(const Layout& array, const Layout& field, const Part& part) {
  const size_t ndim = field.shape().size();
  const size_t lacks = ndim - std::min(array.shape().size(), ndim);
  bool fits = array.shape().size() <= ndim;
  Shape strides(ndim), suboffsets(array.suboffsets().empty() ? 0 : ndim, -1);
  for (size_t k = lacks; fits && k < ndim; ++k) {
    const int64_t n = array.shape()[k - lacks];
    fits = n == 1 || n == field.shape()[k];
    strides[k] = n == 1 ? 0 : array.strides()[k - lacks];
    if (!suboffsets.empty()) suboffsets[k] = array.suboffsets()[k - lacks];
  }
  if (!fits) {
    raise(PyExc_ValueError,
          "field %R has the shape %S, which does not broadcast to the result's %S", part.key.ptr(),
          int_tuple(array.shape()).ptr(), int_tuple(field.shape()).ptr());
  }
  return Layout::strided(array.format(), vector_of(field.shape()), std::move(strides), 0,
                         std::move(suboffsets));
}

void run_join(Joining& joining, std::vector<FieldArray> extra, const Layout& structs, char* data,
              const ConvertOptions& options, PyObject* threads) {
  std::vector<FieldArray> arrays = std::move(extra);
  for (size_t i = 0; i < joining.parts.size(); ++i) {
    const Part& part = joining.parts[i];
    joining.layouts[i] = broadcast(joining.layouts[i], structs.field(part.name), part);
    arrays.push_back({part.name, &joining.layouts[i], part.view.data()});
  }
  if (arrays.empty()) return;
  const int64_t bytes = bytes_moved(structs);
  const RunOptions run = run_options({threads}, bytes);
  release_gil_for(bytes, [&] {
    if (any_pointers(structs, arrays)) {
      run_one_by_one(false, structs, data, arrays, options, run);
    } else {
      stridecast::join(arrays, structs, data, options, run);
    }
  });
}

// Zeroes the missing fields of an existing array by joining zeros that broadcast to it.
struct Zeros {
  std::vector<Layout> layouts;
  std::vector<std::byte> bytes;
  std::vector<FieldArray> arrays;

  Zeros(const Layout& structs, const std::vector<const Field*>& fields) {
    int64_t size = 0;
    for (const Field* field : fields) {
      if (!field->has_name) {
        raise(PyExc_ValueError, "a field without a name cannot be zeroed in out");
      }
      const Layout in_struct = structs.field(field->name);
      layouts.push_back(Layout::strided(in_struct.format(), vector_of(in_struct.shape()),
                                        Shape(in_struct.shape().size())));
      size = std::max(size, layouts.back().format().itemsize());
    }
    bytes.resize(static_cast<size_t>(size));
    for (size_t i = 0; i < fields.size(); ++i) {
      arrays.push_back({fields[i]->name, &layouts[i], bytes.data()});
    }
  }
};

PyObject* join_into(Joining& joining, PyObject* format, PyObject* out, PyObject* missing,
                    const ConvertOptions& options, PyObject* threads) {
  BufferView destination;
  destination.open(out, Access::kWrite, "out");
  if (format != nullptr) require_format(*format_of_argument(format), destination);
  if (fields_of(destination.format()) == nullptr) {
    raise(PyExc_TypeError, "out has the format '%s', which is no struct with named fields",
          destination.format().text().c_str());
  }
  find_targets(joining, destination.format());
  const Layout structs = layout_of(destination);
  std::vector<const Field*> left_out;
  if (is_given(missing)) left_out = missing_fields(destination.format(), joining.targets);
  if (!left_out.empty() && options.missing_fields == MissingFields::kError) {
    raise_missing(*left_out[0]);
  }
  const Zeros zeros(structs, left_out);
  run_join(joining, zeros.arrays, structs, destination.data(), options, threads);
  return Py_NewRef(out);
}

PyObject* join_fresh(Joining& joining, const Format& format, const ConvertOptions& options,
                     PyObject* threads) {
  if (fields_of(format) == nullptr) {
    raise(PyExc_TypeError, "fmt is '%s', which is no struct with named fields",
          format.text().c_str());
  }
  find_targets(joining, format);
  const std::vector<const Field*> left_out = missing_fields(format, joining.targets);
  if (!left_out.empty() && options.missing_fields == MissingFields::kError) {
    raise_missing(*left_out[0]);
  }
  Fresh fresh(joined_shape(joining.parts, joining.layouts, joining.targets), format,
              left_out.empty() ? Clear::kPadding : Clear::kAll);
  run_join(joining, {}, Layout::contiguous(format, fresh.shape), fresh.data, options, threads);
  return fresh.buffer(format).release().ptr();
}

Signature join_signature = {
    "join", 2, 1, {"fields", "fmt", "out", "overflow", "nan", "missing_fields", "threads"}};

PyObject* join(const Arguments<7>& a) {
  const auto& [fields, fmt, out, overflow, nan, missing, threads] = a;
  ConvertOptions options;
  options.overflow = overflow_value(overflow);
  options.nan = nan_value(nan);
  options.missing_fields = missing_fields_value(missing);
  Joining joining = read_joining(fields);
  PyObject* format = is_given(fmt) ? fmt : nullptr;
  if (is_given(out)) return join_into(joining, format, out, missing, options, threads);
  if (format == nullptr) {
    return join_fresh(joining, joined_format(joining.parts), options, threads);
  }
  return join_fresh(joining, *format_of_argument(format), options, threads);
}

}  // namespace

void bind_fields(nb::module_& m) {
  static PyMethodDef methods[] = {method<split_signature, split>(kSplitDoc),
                                  method<join_signature, join>(kJoinDoc),
                                  {nullptr, nullptr, 0, nullptr}};
  if (PyModule_AddFunctions(m.ptr(), methods) != 0) raise_current();
}

}  // namespace stridecast::python
