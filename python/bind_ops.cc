// The functions that take any buffer and give a Buffer of its items: convert, copy, byteswap. Each
// reads its operands, looks up a plan, provides a result and runs.
#include <nanobind/nanobind.h>

#include <cstdint>
#include <span>

#include "python/args.h"
#include "python/bindings.h"
#include "python/buffer_view.h"
#include "python/errors.h"
#include "python/format_arg.h"
#include "python/job.h"
#include "python/mask_arg.h"
#include "python/ops_doc.h"
#include "stridecast/ops.h"

namespace stridecast::python {
namespace {

// What convert and copy do once their arguments are read.
struct Conversion {
  const BufferView& source;
  const Format* format;  // of the result; null for that of `out`
  PyObject* out;
  char order;
  ConvertOptions options;
  PyObject* where;
  RunArguments run;
};

[[noreturn]] void raise_overlap(const Conversion& job) {
  const bool copies = overlap_value(job.run.overlap) == OverlapPolicy::kCopy;
  raise(PyExc_BufferError,
        copies ? "where and out share memory: items would be selected by what was just written; "
                 "copy where first"
               : "out shares memory with %s in a way that would destroy items before they are "
                 "read; pass overlap='copy', or copy first",
        is_given(job.where) ? "buf or where" : "buf");
}

[[noreturn]] void raise_failure(const Conversion& job, const Plan& plan, const RunStatus& status) {
  if (status.code == StatusCode::kOverlap) raise_overlap(job);
  throw plan.status_error(status);
}

// As job.h's run, with the way out of an overlap.
void run_masked(const Conversion& job, const LayoutView& dst, char* data) {
  BufferView mask;
  open_mask(job.where, dst.shape, "the result's", &mask);
  const Plan plan = cached_convert(job.source.layout(), dst, mask.layout(), job.options);
  const int64_t bytes = plan.bytes_moved();
  const RunOptions options = run_options(job.run, bytes);
  const RunStatus status = release_gil_for(
      bytes, [&] { return plan.try_run({job.source.data()}, {data}, {mask.data()}, options); });
  if (!status.ok()) raise_failure(job, plan, status);
}

void run_conversion(const Conversion& job, const LayoutView& dst, char* data) {
  if (is_given(job.where)) [[unlikely]]
    return run_masked(job, dst, data);
  const Plan plan = cached_convert(job.source.layout(), dst, job.options);
  const RunStatus status = try_run(plan, job.source.data(), data, job.run);
  if (!status.ok()) [[unlikely]]
    raise_failure(job, plan, status);
}

// Into `out` if it is given, else into a fresh Buffer.
PyObject* convert_to(const Conversion& job) {
  if (is_given(job.out)) {
    BufferView destination;
    destination.open(job.out, Access::kWrite, "out");
    if (job.format != nullptr) require_format(*job.format, destination);
    run_conversion(job, destination.layout(), destination.data());
    return Py_NewRef(job.out);
  }
  if (job.format == nullptr) raise(PyExc_TypeError, "a format is needed where out is not given");
  // Items of one format are copied whole, padding included.
  const Clear clear = is_given(job.where)                  ? Clear::kAll
                      : *job.format == job.source.format() ? Clear::kNothing
                                                           : Clear::kPadding;
  Fresh fresh(job.source, *job.format, job.order, clear);
  run_conversion(job, fresh.layout(*job.format), fresh.data);
  return fresh.buffer(*job.format).release().ptr();
}

Signature convert_signature = {
    "convert",
    2,
    2,
    {"buf", "fmt", "out", "overflow", "nan", "rounding", "seed", "index_offset", "casting",
     "complex_to_real", "order", "fields", "missing_fields", "where", "overlap", "stream",
     "threads", "errors", "timezone"}};

PyObject* convert(const Arguments<19>& a) {
  const auto& [buf, fmt, out, overflow, nan, rounding, seed, index_offset, casting, complex_to_real,
               order, fields, missing, where, overlap, stream, threads, errors, timezone] = a;
  ConvertOptions options;
  read_number_options({overflow, nan, rounding, seed, index_offset, casting, complex_to_real},
                      &options);
  read_text_options(errors, timezone, &options);
  options.fields = fields_value(fields);
  options.missing_fields = missing_fields_value(missing);
  const char memory_order = order_value(order, 'K');
  const RunArguments run_arguments{threads, overlap, stream};
  BufferView source;
  source.open(buf, Access::kRead, "buf");
  if (fmt == Py_None) {
    return convert_to({source, nullptr, out, memory_order, options, where, run_arguments});
  }
  const FormatRef format = format_of_argument(fmt);
  return convert_to({source, &*format, out, memory_order, options, where, run_arguments});
}

Signature copy_signature = {
    "copy", 1, 1, {"buf", "order", "out", "where", "overlap", "stream", "threads"}};

PyObject* copy(const Arguments<7>& a) {
  const auto& [buf, order, out, where, overlap, stream, threads] = a;
  const char memory_order = order_value(order, 'C');
  BufferView source;
  source.open(buf, Access::kRead, "buf");
  return convert_to(
      {source, &source.format(), out, memory_order, {}, where, {threads, overlap, stream}});
}

Signature byteswap_signature = {"byteswap", 1, 1, {"buf", "inplace", "out", "threads"}};

PyObject* byteswap(const Arguments<4>& a) {
  const auto& [buf, inplace_argument, out, threads] = a;
  const bool inplace = bool_value(inplace_argument, false);
  if (inplace && is_given(out)) {
    raise(PyExc_ValueError, "inplace=True and out= are two places for one result; give one");
  }
  BufferView source;
  source.open(buf, inplace ? Access::kWrite : Access::kRead, "buf");
  if (inplace) {
    run(cached_byteswap(source.layout(), source.layout()), source.data(), source.data(), {threads});
    return Py_NewRef(buf);
  }
  if (is_given(out)) {
    BufferView destination;
    destination.open(out, Access::kWrite, "out");
    require_format(source.format(), destination);
    run(cached_byteswap(source.layout(), destination.layout()), source.data(), destination.data(),
        {threads});
    return Py_NewRef(out);
  }
  Fresh fresh(source, source.format(), 'K');
  run(cached_byteswap(source.layout(), fresh.layout(source.format())), source.data(), fresh.data,
      {threads});
  return fresh.buffer(source.format()).release().ptr();
}

}  // namespace

void bind_ops(nb::module_& m) {
  static PyMethodDef methods[] = {method<convert_signature, convert>(kConvertDoc),
                                  method<copy_signature, copy>(kCopyDoc),
                                  method<byteswap_signature, byteswap>(kByteswapDoc),
                                  {nullptr, nullptr, 0, nullptr}};
  if (PyModule_AddFunctions(m.ptr(), methods) != 0) raise_current();
}

}  // namespace stridecast::python
