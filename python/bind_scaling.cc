// decode and encode: numbers that are stored scaled. What their scaling arguments mean is
// scaling_args.h.
#include <nanobind/nanobind.h>

#include "python/args.h"
#include "python/bindings.h"
#include "python/buffer_view.h"
#include "python/errors.h"
#include "python/format_arg.h"
#include "python/job.h"
#include "python/scaling_args.h"
#include "python/scaling_doc.h"
#include "stridecast/ops.h"

namespace stridecast::python {
namespace {

using MakePlan = Plan (*)(const LayoutView&, const LayoutView&, const Scaling&,
                          const ConvertOptions&);

void run_scaling(const Plan& plan, char* src, char* dst, const RunArguments& arguments) {
  const RunStatus status = try_run(plan, src, dst, arguments);
  if (status.ok()) [[likely]]
    return;
  if (status.code != StatusCode::kOverlap) throw plan.status_error(status);
  raise(PyExc_BufferError,
        "out shares memory with buf in a way that would destroy items before they are read; copy "
        "buf first");
}

// `decodes`: buf has the stored items, else the result.
PyObject* scale(const Arguments<15>& a, MakePlan make, bool decodes) {
  const auto& [buf, fmt, factor, offset, missing, axis, compute, out, overflow, nan, rounding, seed,
               index_offset, order, threads] = a;
  ConvertOptions options;
  read_number_options({overflow, nan, rounding, seed, index_offset, nullptr, nullptr}, &options);
  const char memory_order = order_value(order, 'K');
  const ScalingArguments arguments{factor, offset, missing, axis, compute};
  BufferView source;
  source.open(buf, Access::kRead, "buf");
  FormatRef format(nullptr);
  if (fmt != Py_None) format = format_of_argument(fmt);
  if (is_given(out)) {
    BufferView destination;
    destination.open(out, Access::kWrite, "out");
    if (fmt != Py_None) require_format(*format, destination);
    const Scaling scaling =
        scaling_of_arguments(arguments, decodes ? source.format() : destination.format());
    run_scaling(make(source.layout(), destination.layout(), scaling, options), source.data(),
                destination.data(), {threads});
    return Py_NewRef(out);
  }
  if (fmt == Py_None) raise(PyExc_TypeError, "a format is needed where out is not given");
  const Scaling scaling = scaling_of_arguments(arguments, decodes ? source.format() : *format);
  Fresh fresh(source, *format, memory_order);
  run_scaling(make(source.layout(), fresh.layout(*format), scaling, options), source.data(),
              fresh.data, {threads});
  return fresh.buffer(*format).release().ptr();
}

Signature decode_signature = {
    "decode",
    2,
    2,
    {"buf", "fmt", "scale", "offset", "missing", "axis", "compute", "out", "overflow", "nan",
     "rounding", "seed", "index_offset", "order", "threads"}};
Signature encode_signature = {
    "encode",
    2,
    2,
    {"buf", "fmt", "scale", "offset", "missing", "axis", "compute", "out", "overflow", "nan",
     "rounding", "seed", "index_offset", "order", "threads"}};

PyObject* decode(const Arguments<15>& a) { return scale(a, cached_decode, true); }
PyObject* encode(const Arguments<15>& a) { return scale(a, cached_encode, false); }

}  // namespace

void bind_scaling(nb::module_& m) {
  static PyMethodDef methods[] = {method<decode_signature, decode>(kDecodeDoc),
                                  method<encode_signature, encode>(kEncodeDoc),
                                  {nullptr, nullptr, 0, nullptr}};
  if (PyModule_AddFunctions(m.ptr(), methods) != 0) raise_current();
}

}  // namespace stridecast::python
