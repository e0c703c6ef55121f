// decode_time and encode_time: numbers that count time since an epoch.
#include <nanobind/nanobind.h>

#include <string>
#include <vector>

#include "python/args.h"
#include "python/bindings.h"
#include "python/buffer_view.h"
#include "python/classes.h"
#include "python/errors.h"
#include "python/format_arg.h"
#include "python/job.h"
#include "python/scaling_args.h"
#include "python/time_doc.h"
#include "stridecast/datetime.h"
#include "stridecast/ops.h"

namespace stridecast::python {
namespace {

using MakePlan = Plan (*)(const LayoutView&, const LayoutView&, const TimeUnits&,
                          const std::vector<ElementBytes>&, const ConvertOptions&);

std::string text_argument(PyObject* argument, const char* name) {
  if (!PyUnicode_Check(argument) && !PyBytes_Check(argument)) {
    raise(PyExc_TypeError, "%s must be a str, not %.200s", name, type_name_of(argument).c_str());
  }
  return text_of(argument);
}

TimeUnits units_of_arguments(PyObject* units, PyObject* calendar) {
  const std::string text = text_argument(units, "units");
  if (!is_given(calendar)) return TimeUnits::parse(text);
  return TimeUnits::parse(text, text_argument(calendar, "calendar"));
}

// What both functions do once their arguments are read.
struct Job {
  PyObject* buf;
  const TimeUnits& units;
  PyObject* missing;
  PyObject* out;
  const ConvertOptions& options;
  char order;
  PyObject* threads;
  bool decodes;
  MakePlan make;
};

void run_job(const Job& job, const BufferView& source, const LayoutView& dst, char* data) {
  const Format& counts = job.decodes ? source.format() : *dst.format;
  const std::vector<ElementBytes> missing = missing_of_argument(job.missing, counts);
  const Plan plan = job.make(source.layout(), dst, job.units, missing, job.options);
  const RunStatus status = try_run(plan, source.data(), data, {job.threads});
  if (status.ok()) [[likely]]
    return;
  if (status.code != StatusCode::kOverlap) throw plan.status_error(status);
  raise(PyExc_BufferError,
        "out shares memory with buf in a way that would destroy items before they are read; copy "
        "buf first");
}

// `format`: null where that of `out` is meant.
PyObject* run(const Job& job, const Format* format) {
  BufferView source;
  source.open(job.buf, Access::kRead, "buf");
  if (is_given(job.out)) {
    BufferView destination;
    destination.open(job.out, Access::kWrite, "out");
    if (format != nullptr) require_format(*format, destination);
    run_job(job, source, destination.layout(), destination.data());
    return Py_NewRef(job.out);
  }
  if (format == nullptr) raise(PyExc_TypeError, "a format is needed where out is not given");
  Fresh fresh(source, *format, job.order);
  run_job(job, source, fresh.layout(*format), fresh.data);
  return fresh.buffer(*format).release().ptr();
}

Signature decode_signature = {
    "decode_time",
    2,
    2,
    {"buf", "units", "calendar", "dtype", "missing", "out", "overflow", "order", "threads"}};

PyObject* decode_time(const Arguments<9>& a) {
  const auto& [buf, units, calendar, dtype, missing, out, overflow, order, threads] = a;
  const TimeUnits time_units = units_of_arguments(units, calendar);
  ConvertOptions options;
  options.overflow = overflow_value(overflow);
  const Job job = {buf,     time_units, missing,           out, options, order_value(order, 'K'),
                   threads, true,       cached_decode_time};
  if (is_given(dtype)) {
    const FormatRef format = format_of_argument(dtype);
    return run(job, &*format);
  }
  static const Format& nanoseconds = *new Format(Format::parse("[numpy$datetime64$ns]"));
  return run(job, is_given(out) ? nullptr : &nanoseconds);
}

Signature encode_signature = {"encode_time",
                              3,
                              3,
                              {"buf", "units", "fmt", "calendar", "missing", "out", "overflow",
                               "casting", "order", "threads"}};

PyObject* encode_time(const Arguments<10>& a) {
  const auto& [buf, units, fmt, calendar, missing, out, overflow, casting, order, threads] = a;
  const TimeUnits time_units = units_of_arguments(units, calendar);
  ConvertOptions options;
  options.overflow = overflow_value(overflow);
  if (is_given(casting)) options.casting = choose_casting(casting);
  const Job job = {buf,     time_units, missing,           out, options, order_value(order, 'K'),
                   threads, false,      cached_encode_time};
  if (fmt == Py_None) return run(job, nullptr);
  const FormatRef format = format_of_argument(fmt);
  return run(job, &*format);
}

}  // namespace

void bind_time(nb::module_& m) {
  static PyMethodDef methods[] = {method<decode_signature, decode_time>(kDecodeTimeDoc),
                                  method<encode_signature, encode_time>(kEncodeTimeDoc),
                                  {nullptr, nullptr, 0, nullptr}};
  if (PyModule_AddFunctions(m.ptr(), methods) != 0) raise_current();
}

}  // namespace stridecast::python
