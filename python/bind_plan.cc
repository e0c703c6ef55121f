// plan() and the Python class Plan, and the process-wide choices: targets and threads.
#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "python/args.h"
#include "python/bindings.h"
#include "python/buffer_view.h"
#include "python/errors.h"
#include "python/format_arg.h"
#include "stridecast/layout.h"
#include "stridecast/ops.h"
#include "stridecast/plan.h"
#include "stridecast/runtime.h"

namespace stridecast::python {
namespace {

constexpr const char* kPlanDoc =
    R"(plan(src, dst, shape=None, src_strides=None, dst_strides=None, *, overflow=None, nan=None, rounding=None, casting='unsafe', complex_to_real=None, fields=None, missing_fields=None, errors=None, timezone=None)

The plan by which `convert` takes one layout to another, without running it. ``print(plan)`` explains it.

Parameters
----------
src, dst : format, or buffer
    With `shape` two formats; without it two buffers, whose layouts are taken.
shape : int or tuple of int
    Items along each dimension.
src_strides, dst_strides : tuple of int, optional
    Bytes from item to item along each dimension; C order if left out.
overflow, nan, rounding, casting, complex_to_real, fields, missing_fields, errors, timezone
    As for `convert`.

Raises
------
TypeError
    Nothing converts one format to the other.
ValueError
    Shapes or strides do not fit.

>>> import stridecast
>>> p = stridecast.plan("f", "E", (480, 640))
>>> p.size, p.bytes_moved
(307200, 1843200)
>>> text = str(p)
)";

constexpr const char* kPlanClassDoc =
    R"(A compiled conversion: which kernels run over which loops. Made by `plan`; ``str()`` explains it.

>>> import stridecast
>>> stridecast.plan("f", "d", 8).size
8
)";

std::vector<int64_t> int_vector(nb::handle object, const char* name) {
  std::vector<int64_t> values;
  if (PyLong_Check(object.ptr())) {
    values.push_back(int_value(object.ptr(), name));
    return values;
  }
  nb::object sequence = checked(PySequence_Tuple(object.ptr()));
  for (nb::handle item : nb::borrow<nb::tuple>(sequence)) {
    values.push_back(int_value(item.ptr(), name));
  }
  return values;
}

Layout layout_of(const Format& format, const std::vector<int64_t>& shape, nb::handle strides,
                 const char* name) {
  if (strides.is_none()) return Layout::contiguous(format, shape);
  std::vector<int64_t> steps = int_vector(strides, name);
  if (steps.size() != shape.size()) {
    raise(PyExc_ValueError, "%s has %zu values for %zu dimensions", name, steps.size(),
          shape.size());
  }
  return Layout::strided(format, shape, std::move(steps));
}

LayoutView view_of(const Layout& layout) {
  return {&layout.format(), layout.shape(), layout.strides(), layout.offset()};
}

Plan make_plan(nb::handle src, nb::handle dst, nb::handle shape, nb::handle src_strides,
               nb::handle dst_strides, nb::handle overflow, nb::handle nan, nb::handle rounding,
               nb::handle casting, nb::handle complex_to_real, nb::handle fields,
               nb::handle missing_fields, nb::handle errors, nb::handle timezone) {
  ConvertOptions options;
  read_number_options({overflow.ptr(), nan.ptr(), rounding.ptr(), nullptr, nullptr, casting.ptr(),
                       complex_to_real.ptr()},
                      &options);
  options.fields = fields_value(fields.ptr());
  options.missing_fields = missing_fields_value(missing_fields.ptr());
  read_text_options(errors.ptr(), timezone.ptr(), &options);
  if (shape.is_none()) {
    if (!src_strides.is_none() || !dst_strides.is_none()) {
      raise(PyExc_ValueError, "strides without a shape: buffers have their own");
    }
    BufferView source, destination;
    source.open(src.ptr(), Access::kRead, "src");
    destination.open(dst.ptr(), Access::kRead, "dst");
    return cached_convert(source.layout(), destination.layout(), options);
  }
  const std::vector<int64_t> dims = int_vector(shape, "shape");
  const Layout from = layout_of(*format_of_argument(src.ptr()), dims, src_strides, "src_strides");
  const Layout to = layout_of(*format_of_argument(dst.ptr()), dims, dst_strides, "dst_strides");
  return cached_convert(view_of(from), view_of(to), options);
}

std::string plan_repr(const Plan& self) {
  return "<stridecast.Plan of " + std::to_string(self.size()) + " items, " +
         std::to_string(self.bytes_moved()) + " bytes moved, " + self.target() + ">";
}

constexpr const char* kTargetsDoc =
    R"(targets()

Names of the SIMD targets that this CPU can run, best first.

>>> import stridecast
>>> stridecast.active_target() in stridecast.targets()
True
)";

constexpr const char* kSetTargetDoc =
    R"(set_target(name)

Chooses the SIMD target of new plans; None returns to the environment's choice (STRIDECAST_TARGET) or
the best. The target never changes a result. Raises ValueError for a name not in `targets()`.

>>> import stridecast
>>> stridecast.set_target(stridecast.targets()[-1])
>>> stridecast.active_target() == stridecast.targets()[-1]
True
>>> stridecast.set_target(None)
)";

constexpr const char* kActiveTargetDoc =
    R"(active_target()

The SIMD target of new plans.

>>> import stridecast
>>> isinstance(stridecast.active_target(), str)
True
)";

constexpr const char* kSetThreadsDoc =
    R"(set_threads(n)

How many threads a call may use when it names no number (``threads=None``); None returns to the
environment's choice: STRIDECAST_NUM_THREADS, else OpenMP's current maximum. Small jobs use one thread
anyhow, and the number never changes a result. Raises ValueError if n < 1.

>>> import stridecast
>>> stridecast.set_threads(1)
>>> stridecast.get_threads()
1
>>> stridecast.set_threads(None)
)";

constexpr const char* kGetThreadsDoc =
    R"(get_threads()

How many threads a large job uses when the call names no number.

>>> import stridecast
>>> stridecast.get_threads() >= 1
True
)";

constexpr const char* kBuildInfoDoc =
    R"(build_info()

What the library was built with, a line each: libraries and compiler.

>>> import stridecast
>>> len(stridecast.build_info()) > 0
True
)";

constexpr const char* kCacheStatsDoc =
    R"(plan_cache_stats()

The plan cache: a dict of ``size`` and ``capacity`` in plans, ``hits`` and ``misses`` so far.

>>> import stridecast
>>> sorted(stridecast.plan_cache_stats())
['capacity', 'hits', 'misses', 'size']
)";

}  // namespace

void bind_plan(nb::module_& m) {
  nb::class_<Plan>(m, "Plan", nb::is_final(), kPlanClassDoc)
      .def_prop_ro("size", &Plan::size, "int: items of the destination.")
      .def_prop_ro("bytes_moved", &Plan::bytes_moved,
                   "int: bytes read plus bytes written by a run.")
      .def_prop_ro("target", &Plan::target, "str: the SIMD target whose kernels it uses.")
      .def("__str__", &Plan::explain)
      .def("__repr__", plan_repr);

  m.def("plan", make_plan, nb::arg("src").none(), nb::arg("dst").none(),
        nb::arg("shape").none() = nb::none(), nb::arg("src_strides").none() = nb::none(),
        nb::arg("dst_strides").none() = nb::none(), nb::kw_only(),
        nb::arg("overflow").none() = nb::none(), nb::arg("nan").none() = nb::none(),
        nb::arg("rounding").none() = nb::none(), nb::arg("casting").none() = nb::none(),
        nb::arg("complex_to_real").none() = nb::none(), nb::arg("fields").none() = nb::none(),
        nb::arg("missing_fields").none() = nb::none(), nb::arg("errors").none() = nb::none(),
        nb::arg("timezone").none() = nb::none(), kPlanDoc);
  m.def("targets", &targets, kTargetsDoc);
  m.def("active_target", &active_target, kActiveTargetDoc);
  m.def(
      "set_target", [](std::optional<std::string_view> name) { set_target(name.value_or("")); },
      nb::arg("name").none(), kSetTargetDoc);
  m.def(
      "set_threads",
      [](nb::handle n) { set_default_threads(n.is_none() ? 0 : thread_count(n.ptr(), "n")); },
      nb::arg("n").none(), kSetThreadsDoc);
  m.def("get_threads", &default_threads, kGetThreadsDoc);
  m.def("version", &version, "version()\n\nThe library's version, such as '0.1.0'.");
  m.def("build_info", &build_info, kBuildInfoDoc);
  m.def(
      "plan_cache_stats",
      [] {
        const PlanCacheStats stats = plan_cache_stats();
        nb::dict result;
        result["size"] = stats.size;
        result["capacity"] = stats.capacity;
        result["hits"] = stats.hits;
        result["misses"] = stats.misses;
        return result;
      },
      kCacheStatsDoc);
  m.def("clear_plan_cache", &clear_plan_cache, "clear_plan_cache()\n\nForgets all cached plans.");
}

}  // namespace stridecast::python
