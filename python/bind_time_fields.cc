// datetime_fields: calendar fields of datetimes.
#include <nanobind/nanobind.h>

#include <optional>
#include <string>
#include <vector>

#include "python/args.h"
#include "python/bindings.h"
#include "python/buffer_view.h"
#include "python/errors.h"
#include "python/format_arg.h"
#include "python/job.h"
#include "python/time_fields_doc.h"
#include "stridecast/plan.h"

namespace stridecast::python {
namespace {

TimeField field_value(nb::handle name) {
  TimeField field;
  const bool is_text = PyUnicode_Check(name.ptr());
  const char* text = is_text ? PyUnicode_AsUTF8AndSize(name.ptr(), nullptr) : nullptr;
  if (is_text && text == nullptr) PyErr_Clear();  // lone surrogates
  if (text != nullptr && find_time_field(text, &field)) return field;
  std::string known;
  for (int k = 0; k < kNumTimeFields; ++k) {
    known += std::string(k == 0 ? "'" : ", '");
    known += time_field_name(static_cast<TimeField>(k));
    known += "'";
  }
  raise(PyExc_ValueError, "%R is no field of a datetime; there are %s", name.ptr(), known.c_str());
}

// The rows of a result, by the names that were asked for.
nb::dict rows_by_name(const nb::object& result, const nb::list& names) {
  nb::dict rows;
  for (size_t k = 0; k < names.size(); ++k) {
    const nb::tuple place = nb::make_tuple(k, nb::ellipsis());
    rows[names[k]] = checked(PyObject_GetItem(result.ptr(), place.ptr()));
  }
  return rows;
}

Signature fields_signature = {
    "datetime_fields", 2, 2, {"buf", "fields", "dtype", "nat", "threads"}};

PyObject* datetime_fields(const Arguments<5>& a) {
  const auto& [buf, fields_argument, dtype, nat, threads] = a;
  if (PyUnicode_Check(fields_argument)) {
    raise(PyExc_TypeError, "fields must be a list of names, such as ['year'], not one str");
  }
  const nb::list names = nb::steal<nb::list>(checked(PySequence_List(fields_argument)).release());
  std::vector<TimeField> fields;
  for (nb::handle name : names) fields.push_back(field_value(name));
  TimeFieldsOptions options;
  if (is_given(nat)) options.nat = int_value(nat, "nat");
  BufferView source;
  source.open(buf, Access::kRead, "buf");
  const Format format = is_given(dtype) ? *format_of_argument(dtype) : Format::of(DType::kInt32);
  const LayoutView from = source.layout();
  std::vector<int64_t> shape(1, static_cast<int64_t>(fields.size()));
  shape.insert(shape.end(), from.shape.begin(), from.shape.end());
  const Layout src = Layout::strided(*from.format, {from.shape.begin(), from.shape.end()},
                                     {from.strides.begin(), from.strides.end()}, from.offset);
  const Plan plan = Plan::datetime_fields(src, Layout::contiguous(format, shape), fields, options);
  Fresh fresh(std::move(shape), format);
  run(plan, source.data(), fresh.data, {threads});
  return rows_by_name(fresh.buffer(format), names).release().ptr();
}

}  // namespace

void bind_time_fields(nb::module_& m) {
  static PyMethodDef methods[] = {method<fields_signature, datetime_fields>(kDatetimeFieldsDoc),
                                  {nullptr, nullptr, 0, nullptr}};
  if (PyModule_AddFunctions(m.ptr(), methods) != 0) raise_current();
}

}  // namespace stridecast::python
