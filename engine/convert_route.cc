// Composition of routes between numbers. Real types first: a pair that loses nothing converts
// plainly; else values are checked or clamped where the options ask for it, then rounded, then
// converted. Complex numbers pass as two real ones an item wherever both sides are complex.

#include "engine/convert_route.h"

#include <algorithm>
#include <utility>

#include "engine/route_builder.h"
#include "kernels/fp_environment.h"

namespace stridecast::internal {
namespace {

using kernels::KernelTable;

bool is_float(DType type) { return range_facts(type).is_float; }

// --- limits --------------------------------------------------------------------------------------

// Limits have kernels for integers of 8 bits and more, float32, float64 and long double; all others
// widen to one of these without a loss.
void make_checkable(RouteBuilder& b) {
  widen_narrow(b);
  if (b.is(DType::kFloat16) || b.is(DType::kBFloat16)) b.convert(DType::kFloat32);
}

// What does not fit is reported; the rest converts plainly.
void route_checked(RouteBuilder& b, DType dst) {
  make_checkable(b);
  b.check(limits_of(b.type(), dst));
  route_plain(b, dst, false);
}

void route_int_saturating(RouteBuilder& b, DType dst) {
  make_checkable(b);
  // The largest value of a narrow float need not be an integer.
  if (is_narrow(dst) && is_float(dst)) return route_plain(b, dst, true);
  b.clamp(clamp_limits(b.type(), dst));
  route_plain(b, dst, false);
}

void route_float_to_int_saturating(RouteBuilder& b, DType dst) {
  make_checkable(b);
  const bool is_signed = range_facts(dst).int_min < 0;
  DType wide = dst;
  if (is_narrow(dst)) wide = is_signed ? DType::kInt8 : DType::kUint8;
  if (b.is(DType::kLongDouble) && dst != DType::kUint64) wide = DType::kInt64;
  b.saturate(wide);
  if (wide != dst && !fits(wide, dst)) b.clamp(clamp_limits(wide, dst));
  route_plain(b, dst, false);
}

void route_float_to_float_saturating(RouteBuilder& b, DType dst) {
  if (is_narrow(dst)) {
    widen_narrow(b);
    route_plain(b, dst, true);
  } else if (b.is(DType::kLongDouble) && dst == DType::kFloat64) {
    b.convert(dst);
    b.clamp(clamp_limits(dst, dst));
  } else {
    if (b.is(DType::kLongDouble)) b.odd(DType::kFloat64);
    make_checkable(b);
    b.clamp(clamp_limits(b.type(), dst));
    route_plain(b, dst, false);
  }
}

// Whether saturation brings infinities to the largest finite value: in narrower types, and where
// there are none.
bool clamps_infinities(DType src, DType dst) {
  const RangeFacts &from = range_facts(src), &to = range_facts(dst);
  if (!from.is_float || !to.is_float || !from.has_infinity) return false;
  return !to.has_infinity || from.max_exponent > to.max_exponent || from.float_max > to.float_max;
}

void route_saturating(RouteBuilder& b, DType dst) {
  if (!is_float(b.type())) {
    route_int_saturating(b, dst);
  } else if (is_float(dst)) {
    route_float_to_float_saturating(b, dst);
  } else {
    route_float_to_int_saturating(b, dst);
  }
}

// Default roundings.
void route_limited(RouteBuilder& b, DType dst) {
  const Overflow overflow = b.rules().overflow;
  const bool in_range = fits(b.type(), dst);
  const bool meets_int = is_float(b.type()) && !is_float(dst) && dst != DType::kBool;
  if (overflow == Overflow::kRaise && !in_range) return route_checked(b, dst);
  if (meets_int && b.rules().nan == NanPolicy::kRaise && range_facts(b.type()).has_nan) {
    make_checkable(b);
    b.check(all_but_nan());
  }
  // Infinities are no finite values, also where all of those fit.
  const bool clamps = !in_range || clamps_infinities(b.type(), dst);
  if (overflow != Overflow::kSaturate || !clamps) return route_plain(b, dst, false);
  if (has_lookup(b, dst)) return route_lookup(b, dst, {.overflow = overflow});
  route_saturating(b, dst);
}

// --- roundings -----------------------------------------------------------------------------------

// The rounding that is not already what a plain conversion does; kDefault if it is.
Rounding extra_rounding(DType src, DType dst, Rounding rounding) {
  if (dst == DType::kBool || fits_exactly(src, dst)) return Rounding::kDefault;
  const Rounding plain = is_float(dst) ? Rounding::kNearestEven : Rounding::kTowardsZero;
  if (rounding == plain || (!is_float(src) && !is_float(dst))) return Rounding::kDefault;
  return rounding;
}

kernels::RoundParams round_params(const RouteBuilder& b, DType dst) {
  kernels::RoundParams params;
  if (is_float(dst) && type_facts(dst).size <= 4) params = float_format(dst);
  params.rounding = b.rules().rounding;
  params.seed = b.rules().seed;
  params.draws = b.rules().draws;
  params.report_overflow = b.rules().overflow == Overflow::kRaise;
  if (b.rules().overflow == Overflow::kSaturate) {
    params.overflow = params.max_finite;
    if (clamps_infinities(b.origin(), dst)) params.infinity = params.max_finite;
  }
  return params;
}

void route_rounded_to_int(RouteBuilder& b, DType dst) {
  make_checkable(b);
  const int kernel = b.is(DType::kFloat32) ? 0 : b.is(DType::kFloat64) ? 1 : 2;
  b.add(b.table().round_integral[kernel], b.type(), round_params(b, dst));
  route_limited(b, dst);
}

void route_rounded_to_float(RouteBuilder& b, DType dst) {
  const bool saturates = b.rules().overflow == Overflow::kSaturate;
  if (type_facts(dst).size > 4) {  // float64 from int64, uint64, long double
    const DType wide = DType::kFloat64;
    b.add(b.table().round_wide[table_index(b.type())], wide, round_params(b, wide));
    if (saturates) b.clamp(clamp_limits(wide, wide));
    return route_plain(b, dst, false);
  }
  widen_narrow(b);
  if (fits_exactly(b.type(), DType::kFloat64)) {
    route_plain(b, DType::kFloat64, false);
  } else {
    b.odd(DType::kFloat64);
  }
  if (saturates && range_facts(dst).positive) b.clamp(clamp_limits(b.type(), dst));
  b.add(b.table().round_float[type_facts(dst).size / 2], dst, round_params(b, dst));
}

// --- equal values --------------------------------------------------------------------------------

// Reports what has no equal in dst within its range; ranges are the limits' business.
void check_exactness(RouteBuilder& b, DType dst) {
  if (!is_float(b.type()) && !is_float(dst)) return;
  widen_narrow(b);
  if (is_float(b.type())) {
    if (!b.is(DType::kLongDouble)) route_plain(b, DType::kFloat64, false);
  } else if (type_facts(b.type()).size < 4) {
    route_plain(b, DType::kInt32, false);
  }
  b.add(b.table().check_exact[table_index(b.type())], b.type(), exact_params(dst));
}

// --- complex numbers -----------------------------------------------------------------------------

// Of the kernels for parts of 2, 4, 8 bytes and long double.
int part_index(DType part) {
  return part == DType::kLongDouble ? 3 : static_cast<int>(type_facts(part).size / 4);
}

// The parts as those of a complex64 or complex128: 0 or 1.
int widen_parts(RouteBuilder& b, DType part, bool to_float64) {
  b.set_lanes(2);
  const bool wide = to_float64 || part == DType::kFloat64 || part == DType::kLongDouble;
  if (b.is(DType::kLongDouble)) {
    b.odd(DType::kFloat64);  // neither a zero nor an infinity that was none
  } else {
    route_plain(b, wide ? DType::kFloat64 : DType::kFloat32, false);
  }
  b.set_lanes(1);
  return wide ? 1 : 0;
}

Route complex_to_complex(const KernelTable& table, DType src, DType dst,
                         const ConvertRules& rules) {
  RouteBuilder b(table, component_type(src), rules, 2);
  route_real(b, component_type(dst));
  return b.route();
}

Route complex_to_real(const KernelTable& table, DType src, DType dst, const ConvertRules& rules) {
  const DType part = component_type(src);
  RouteBuilder b(table, part, rules);
  // A magnitude is rounded once more, from float64, where float32 is not what was asked for.
  const bool magnitude = rules.complex_to_real == ComplexToReal::kMagnitude;
  const bool to_float64 = magnitude && dst != DType::kBool && dst != DType::kFloat32;
  const int size = widen_parts(b, part, to_float64);
  const DType wide = b.type();
  if (dst == DType::kBool) {
    b.add(table.complex_truth[size], dst);
    return b.route();
  }
  if (!magnitude) b.add(table.check_imaginary[size], wide);
  b.add(magnitude ? table.magnitude[size] : table.real_part[size], wide);
  route_real(b, dst);
  return b.route();
}

// The kernel that does what the last stage does, and puts the zeros behind, or nullptr.
const sc_entry* with_zeros(const RouteBuilder& b) {
  const Route& route = b.route();
  if (route.count == 0) return nullptr;
  const DType before = route.count > 1 ? route.stages[route.count - 2].out : b.origin();
  if (!is_arithmetic(before) || !is_arithmetic(b.type())) return nullptr;
  const int row = table_index(before), column = table_index(b.type());
  const sc_entry& entry = b.table().convert_to_complex[row][column];
  const bool converts = route.stages[route.count - 1].entry == &b.table().convert[row][column];
  return converts && entry.run != nullptr ? &entry : nullptr;
}

// The real part and a zero.
Route real_to_complex(const KernelTable& table, DType src, DType dst, const ConvertRules& rules) {
  RouteBuilder b(table, src, rules);
  route_real(b, component_type(dst));
  add_zero_part(b, dst);
  return b.route();
}

}  // namespace

void add_zero_part(RouteBuilder& b, DType dst) {
  const sc_entry* const fused = with_zeros(b);
  if (fused != nullptr) b.drop_last();
  const sc_entry& apart = b.table().complex_from_real[part_index(component_type(dst))];
  b.add(fused != nullptr ? *fused : apart, dst);
}

// From here on `dst` is no type that the source's bits are already of.
void route_plain(RouteBuilder& b, DType dst, bool saturate) {
  if (b.is(dst)) return;
  if (route_by_bits(b, dst)) return;
  if (is_narrow(b.type()) || is_narrow(dst)) {
    if (has_lookup(b, dst)) {
      return route_lookup(b, dst, {.overflow = saturate ? Overflow::kSaturate : Overflow::kWrap});
    }
    if (is_narrow(b.type()) && !b.has_kernel(dst)) widen_narrow(b);
    if (b.is(dst)) return;
  }
  if (is_narrow(dst)) return route_to_narrow(b, dst, saturate);
  const bool direct = b.has_kernel(dst);
  if (b.is(DType::kLongDouble) && !direct) {
    if (is_float(dst)) {
      b.odd(DType::kFloat64);
    } else {
      b.convert(DType::kInt64);
    }
  } else if (dst == DType::kLongDouble && !direct) {
    const bool is_signed = range_facts(b.type()).int_min < 0;
    b.convert(is_float(b.type()) ? DType::kFloat64 : is_signed ? DType::kInt64 : DType::kUint64);
  }
  b.convert(dst);
}

void route_real(RouteBuilder& b, DType dst) {
  if (b.is(dst)) return;
  if (dst == DType::kBool || fits_exactly(b.type(), dst)) {
    return route_plain(b, dst, false);
  }
  if (b.rules().same_value) {
    check_exactness(b, dst);
    if (b.is(dst)) return;
    return fits(b.type(), dst) ? route_plain(b, dst, false) : route_checked(b, dst);
  }
  if (extra_rounding(b.type(), dst, b.rules().rounding) == Rounding::kDefault) {
    return route_limited(b, dst);
  }
  // Every byte's result is known beforehand, but for random ones and those that are reported.
  const bool known = b.rules().rounding != Rounding::kStochastic &&
                     b.rules().overflow != Overflow::kRaise && b.rules().nan != NanPolicy::kRaise;
  if (known && has_lookup(b, dst)) return route_lookup(b, dst, b.rules());
  is_float(dst) ? route_rounded_to_float(b, dst) : route_rounded_to_int(b, dst);
}

bool Route::may_fail() const noexcept {
  return std::any_of(stages, stages + count, [](const Stage& stage) { return stage.may_fail(); });
}

bool Route::needs_gil() const noexcept {
  return std::any_of(stages, stages + count,
                     [](const Stage& stage) { return (stage.entry->needs & SC_NEEDS_GIL) != 0; });
}

unsigned char* run_packed(const Route& route, int64_t src_size, int64_t items, unsigned char* first,
                          unsigned char* second) noexcept {
  const kernels::DefaultFloatEnvironment environment;
  int64_t size = src_size;
  for (int k = 0; k < route.count; ++k) {
    const Stage& stage = route.stages[k];
    sc_run run = {};
    run.struct_size = sizeof(run);
    run.n[0] = 1;
    run.n[1] = items;
    run.src = first;
    run.dst = second;
    run.src_step[1] = run.src_size = size;
    run.dst_step[1] = run.dst_size = stage.out_size;
    run.params = stage.params();
    stage.entry->run(&run);
    if (!stage.writes()) continue;
    std::swap(first, second);
    size = stage.out_size;
  }
  return first;
}

ConvertRules rules_of(const ConvertOptions& options) noexcept {
  ConvertRules rules;
  const bool of_numbers =
      options.overflow != Overflow::kDefault && options.overflow != Overflow::kNat;
  if (of_numbers) rules.overflow = options.overflow;
  rules.time_overflow = options.overflow;
  rules.text_errors = options.text_errors;
  rules.utc_suffix = options.utc_suffix;
  rules.nan = options.nan;
  rules.rounding = options.rounding;
  rules.seed = options.seed;
  rules.same_value = options.casting == Casting::kSameValue;
  if (rules.same_value) rules.overflow = Overflow::kRaise;
  rules.complex_to_real = options.complex_to_real;
  return rules;
}

Route find_route(const KernelTable& table, DType src, DType dst, const ConvertRules& rules) {
  if (src == dst) return {};
  if (is_complex(src)) {
    return is_complex(dst) ? complex_to_complex(table, src, dst, rules)
                           : complex_to_real(table, src, dst, rules);
  }
  if (is_complex(dst)) return real_to_complex(table, src, dst, rules);
  RouteBuilder b(table, src, rules);
  route_real(b, dst);
  return b.route();
}

}  // namespace stridecast::internal
