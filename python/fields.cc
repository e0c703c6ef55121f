// Fields; see fields.h.
#include "python/fields.h"

#include <algorithm>

#include "python/classes.h"
#include "python/errors.h"
#include "python/format_arg.h"
#include "python/numpy_dtype.h"

namespace stridecast::python {
namespace {

int64_t bytes_of(const std::vector<Field>& fields);

// The bytes of a field's elements; padding in it is left out, named or not.
int64_t bytes_of(const Field& field) {
  if (!field.code.empty() && field.code.back() == 'x') return 0;
  int64_t bytes = field.type == DType::kStruct ? bytes_of(field.fields) : field.itemsize;
  for (int64_t n : field.shape) bytes *= n;
  return bytes;
}

int64_t bytes_of(const std::vector<Field>& fields) {
  int64_t bytes = 0;
  for (const Field& field : fields) bytes += bytes_of(field);
  return bytes;
}

}  // namespace

const std::vector<Field>* fields_of(const Format& format) {
  const std::vector<Field>& top = format.fields();
  const bool is_struct = top.size() == 1 && !top[0].has_name && top[0].type == DType::kStruct;
  if (is_struct) return top[0].shape.empty() ? &top[0].fields : nullptr;
  const bool named =
      std::any_of(top.begin(), top.end(), [](const Field& field) { return field.has_name; });
  return named ? &top : nullptr;
}

const Field& require_field(const Format& format, nb::handle name) {
  if (!PyUnicode_Check(name.ptr())) {
    raise(PyExc_TypeError, "the name of a field must be a str, not %.200s",
          type_name_of(name).c_str());
  }
  const std::string key = text_of(name);
  const std::vector<Field>* fields = fields_of(format);
  if (fields == nullptr) {
    raise(PyExc_KeyError, "no field %R: the format '%s' is no struct with named fields", name.ptr(),
          format.text().c_str());
  }
  for (const Field& field : *fields) {
    if (field.has_name && field.name == key) return field;
  }
  raise(PyExc_KeyError, "no field %R: the fields are %s", name.ptr(),
        quoted_names(*fields).c_str());
}

std::string quoted_names(const std::vector<Field>& fields) {
  constexpr size_t kAtMost = 20;  // a message is read by people
  std::vector<std::string> names;
  for (const Field& field : fields) {
    if (field.has_name) names.push_back("'" + field.name + "'");
  }
  if (names.empty()) return "all without names";
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kAtMost); ++i) {
    text += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + names[i];
  }
  if (names.size() > kAtMost) text += ", and " + std::to_string(names.size() - kAtMost) + " more";
  return text;
}

bool is_dense(const Format& format) {
  return format.scalar() != nullptr || bytes_of(format.fields()) == format.itemsize();
}

std::string member_text(const Format& format) {
  if (const Field* field = whole_field(format)) return text_of_field(*field, true);
  if (format.fields().empty()) return std::to_string(format.itemsize()) + "x";
  Field members;
  members.type = DType::kStruct;
  members.fields = format.fields();
  members.itemsize = format.itemsize();
  return text_of_field(members, false);
}

}  // namespace stridecast::python
