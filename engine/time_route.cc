// Routes from and to times, see time_route.h. Within a route times are int64; what they are stored
// as, and what a destination's limits are, is seen to at the ends.

#include "engine/time_route.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "dtypes/calendar.h"
#include "engine/time_scale.h"

namespace stridecast::internal {
namespace {

using kernels::KernelTable;
using kernels::LimitParams;

constexpr TimeUnit kDay{TimeBase::kDay, 1};

bool is_time(const TimeEnd& end) { return end.time.kind != TimeFacts::kNone; }
bool is_ucs4(const TimeEnd& end) { return type_facts(end.type).swap_unit == 4; }
bool is_float_or_complex(DType type) {
  const Kind kind = type_facts(type).kind;
  return kind == Kind::kFloat || kind == Kind::kComplex;
}

// --- units ---------------------------------------------------------------------------------------

bool crosses_calendar(const TimeFacts& src, const TimeFacts& dst) {
  return !src.unit.is_generic() && !dst.unit.is_generic() &&
         src.unit.is_calendar() != dst.unit.is_calendar();
}

// --- what Python's standard library holds --------------------------------------------------------

// date and datetime: the years 1 to 9999. timedelta: fewer than 10^9 days either way.
LimitParams python_limits(const TimeFacts& time) {
  const bool point = time.kind == TimeFacts::kPoint;
  const Int128 first = point ? days_from_civil<Int128>(1, 1, 1) : -Int128{999'999'999};
  const Int128 end = point ? days_from_civil<Int128>(10000, 1, 1) : Int128{1'000'000'000};
  const TimeRatio units = time_ratio(kDay, time.unit);
  const Int128 lo = -floor_div(-first * units.num, units.den);
  const Int128 hi = floor_div(end * units.num - 1, units.den);
  LimitParams limits;
  limits.lo_int = static_cast<int64_t>(std::max<Int128>(lo, -INT64_MAX));
  limits.hi_int = static_cast<int64_t>(std::min<Int128>(hi, INT64_MAX));
  return limits;
}

LimitParams all_but_nat() {
  LimitParams limits;
  limits.lo_int = -INT64_MAX;
  limits.hi_int = INT64_MAX;
  return limits;
}

// The route has int64 times of the source; they become 64-bit ones.
void read_stored(RouteBuilder& b) { b.convert(DType::kInt64); }

void write_stored(RouteBuilder& b, const TimeEnd& dst) {
  if (dst.time.is_python) {
    const LimitParams limits = python_limits(dst.time);
    if (time_rule(b.rules()) == kernels::TimeRule::kSaturate) {
      b.check(all_but_nat());
      b.clamp(limits);
    } else {
      b.check(limits);
    }
  }
  if (dst.size == 4) b.convert(DType::kInt32);
}

// --- numbers -------------------------------------------------------------------------------------

// A rule of numbers for what the options say of times: their default is an error.
ConvertRules number_rules(const ConvertRules& rules) {
  ConvertRules numbers = rules;
  numbers.overflow =
      rules.time_overflow == Overflow::kDefault ? Overflow::kRaise : rules.time_overflow;
  return numbers;
}

// The other way round the result is a number, whose own default is to wrap: into infinity, where it
// is a float.
void route_to_float(RouteBuilder& b, DType dst) {
  const KernelTable& table = b.table();
  const bool nearest =
      b.rules().rounding == Rounding::kDefault || b.rules().rounding == Rounding::kNearestEven;
  if (b.rules().same_value) {
    b.add(table.check_exact[table_index(DType::kInt64)], DType::kInt64, exact_params(dst));
  }
  if (dst == DType::kFloat64 && !nearest) {
    static const kernels::ScaleParams kNat = [] {
      kernels::ScaleParams params;
      params.num_missing = 1;
      params.missing[0][0] = static_cast<uint64_t>(INT64_MIN);
      return params;
    }();
    const void* const nat = &kNat;
    b.add(table.find_missing[kernels::move_index(8)], DType::kInt64, nat);
    route_real(b, dst);
    b.add(table.mark_missing[1], dst, nat);
  } else if (dst == DType::kFloat64 || (dst == DType::kFloat32 && nearest)) {
    b.add(table.time_to_float[dst == DType::kFloat64 ? 1 : 0], dst);
  } else if (dst == DType::kLongDouble) {
    b.add(table.time_to_float[2], dst);
  } else {
    b.add(table.time_to_odd, DType::kFloat64);
    route_real(b, dst);
  }
}

void route_to_int(RouteBuilder& b, DType dst) {
  if (b.rules().overflow == Overflow::kSaturate) b.check(all_but_nat());
  route_real(b, dst);
}

Route time_to_number(const KernelTable& table, const TimeEnd& src, DType dst,
                     const ConvertRules& rules) {
  const DType real = is_complex(dst) ? component_type(dst) : dst;
  const bool is_float = is_float_or_complex(dst);
  const ConvertRules numbers = is_float ? rules : number_rules(rules);
  RouteBuilder b(table, src.size == 4 ? DType::kInt32 : DType::kInt64, numbers);
  read_stored(b);
  if (is_float) {
    route_to_float(b, real);
  } else if (dst != DType::kInt64) {
    dst == DType::kBool ? route_plain(b, dst, false) : route_to_int(b, dst);
  }
  if (is_complex(dst)) add_zero_part(b, dst);
  return b.route();
}

void route_from_float(RouteBuilder& b) {
  const KernelTable& table = b.table();
  const ConvertRules& rules = b.rules();
  const bool wide = b.is(DType::kLongDouble);
  const DType compute = wide ? DType::kLongDouble : DType::kFloat64;
  route_plain(b, compute, false);
  if (rules.same_value)
    b.add(table.check_exact[table_index(compute)], compute, exact_params(DType::kInt64));
  if (rules.rounding != Rounding::kDefault && rules.rounding != Rounding::kTowardsZero) {
    kernels::RoundParams round;
    round.rounding = rules.rounding;
    round.seed = rules.seed;
    round.draws = rules.draws;
    b.add(table.round_integral[wide ? 2 : 1], compute, round);
  }
  if (wide) {
    // The conversion that wraps makes INT64_MIN of whatever has no integer, NaN among it.
    LimitParams limits = limits_of(DType::kLongDouble, DType::kInt64);
    limits.lo_long = std::nextafter(-0x1p63L, 0.0L);  // -2^63 would be NaT
    limits.nan_ok = rules.nan != NanPolicy::kRaise;
    if (rules.time_overflow != Overflow::kNat) b.check(limits);
    return b.convert(DType::kInt64);
  }
  kernels::TimeScaleParams params;
  params.rule = time_rule(rules);
  params.nan_raises = rules.nan == NanPolicy::kRaise;
  b.add(table.float_to_time, DType::kInt64, params);
}

Route number_to_time(const KernelTable& table, DType src, const TimeEnd& dst,
                     const ConvertRules& rules) {
  const ConvertRules numbers = number_rules(rules);
  RouteBuilder b(table, src, numbers);
  if (type_facts(src).kind == Kind::kFloat) {
    route_from_float(b);
  } else if (src == DType::kUint64 && rules.time_overflow != Overflow::kWrap) {
    kernels::TimeScaleParams params;
    params.rule = time_rule(rules);
    b.add(table.uint64_to_time, DType::kInt64, params);
  } else {
    route_plain(b, DType::kInt64, false);
  }
  write_stored(b, dst);
  return b.route();
}

// --- texts ---------------------------------------------------------------------------------------

kernels::TimeTextParams text_params(const TimeUnit& unit, const ConvertRules& rules) {
  kernels::TimeTextParams params;
  params.unit = unit;
  params.rule = time_rule(rules);
  params.errors_are_nat = rules.text_errors == TextErrors::kNat;
  params.utc_suffix = rules.utc_suffix;
  return params;
}

Route text_to_time(const KernelTable& table, const TimeEnd& src, const TimeEnd& dst,
                   const ConvertRules& rules) {
  RouteBuilder b(table, src.type, rules);
  b.add(table.parse_time[is_ucs4(src) ? 1 : 0], DType::kInt64, text_params(dst.time.unit, rules));
  write_stored(b, dst);
  return b.route();
}

Route time_to_text(const KernelTable& table, const TimeEnd& src, const TimeEnd& dst,
                   const ConvertRules& rules) {
  RouteBuilder b(table, src.size == 4 ? DType::kInt32 : DType::kInt64, rules);
  read_stored(b);
  Stage stage;
  stage.entry = &table.write_time[is_ucs4(dst) ? 1 : 0];
  stage.out = dst.type;
  stage.out_size = dst.size;
  stage.data = text_params(src.time.unit, rules);
  b.add(stage);
  return b.route();
}

// --- which pairs ---------------------------------------------------------------------------------

bool refuse(std::string* why, std::string text) {
  *why = std::move(text);
  return false;
}

bool converts_units(const TimeFacts& src, const TimeFacts& dst, const ConvertOptions& options,
                    std::string* why) {
  if (src.kind != dst.kind) {
    return refuse(why,
                  "a point in time is no span of time: reinterpret the integers with view(), "
                  "if that is meant");
  }
  if (src.unit == dst.unit || src.unit.is_generic()) return true;
  if (dst.unit.is_generic()) return refuse(why, "the destination needs a unit");
  const bool averages = src.kind == TimeFacts::kSpan && crosses_calendar(src, dst);
  if (averages && options.casting == Casting::kSameValue) {
    return refuse(why, "years and months have no fixed length");
  }
  return true;
}

bool converts_texts(const TimeFacts& time, bool reads, const ConvertOptions& options,
                    std::string* why) {
  if (reads && options.casting == Casting::kSameValue) {
    return refuse(why,
                  "no check that a text is not floored exists; read it in a unit fine enough, "
                  "and convert that");
  }
  if (time.kind == TimeFacts::kSpan) {
    return refuse(why, "ISO 8601 texts are points in time; convert spans from and to integers");
  }
  if (time.unit.is_generic()) return refuse(why, "the datetime64 needs a unit");
  return true;
}

}  // namespace

TimeFacts time_facts(DType type, const std::optional<CustomType>& custom) noexcept {
  TimeFacts facts;
  if (!custom) return facts;
  std::string_view unit = custom->param;
  if (type == DType::kDatetime64) {
    facts.kind = TimeFacts::kPoint;
  } else if (type == DType::kTimedelta64) {
    facts.kind = TimeFacts::kSpan;
  } else if (type == DType::kOpaque && custom->module == "datetime") {
    facts.is_python = true;
    facts.kind = custom->qualname == "timedelta" ? TimeFacts::kSpan : TimeFacts::kPoint;
    if (custom->qualname == "date") unit = "D";
    unit = unit.substr(0, unit.find(','));  // behind it a time zone: the values are UTC
  } else {
    return facts;
  }
  if (!parse_time_unit(unit, &facts.unit)) facts = {};
  // Years and months of the module datetime have no limits in days.
  if (facts.is_python && (facts.unit.is_calendar() || facts.unit.is_generic())) facts = {};
  return facts;
}

bool converts_times(const TimeEnd& src, const TimeEnd& dst, const ConvertOptions& options,
                    std::string* why) {
  const bool to_time = is_time(dst);
  const bool asks_for_nat =
      options.overflow == Overflow::kNat || options.text_errors == TextErrors::kNat;
  if (to_time && dst.time.is_python && asks_for_nat) {
    return refuse(why, "the module datetime has no NaT");
  }
  if (is_time(src) && to_time) return converts_units(src.time, dst.time, options, why);
  const TimeEnd& other = to_time ? src : dst;
  const TimeFacts& time = to_time ? dst.time : src.time;
  if (is_text(other.type)) return converts_texts(time, to_time, options, why);
  if (!is_number(other.type)) return false;
  if (to_time && is_complex(src.type)) {
    return refuse(why, "no check that the imaginary part is 0 exists here");  // else it is dropped
  }
  const bool wide = to_time && src.type == DType::kLongDouble;
  if (wide && options.overflow == Overflow::kSaturate) {
    return refuse(why, "saturating needs float64: convert to that first");
  }
  return true;
}

bool casts_times(const TimeEnd& src, const TimeEnd& dst, Casting casting) noexcept {
  const bool safely = casting == Casting::kSafe;
  if (!is_time(dst)) return false;
  if (!is_time(src)) {
    const Kind kind = type_facts(src.type).kind;
    const bool integer = kind == Kind::kBool || kind == Kind::kSigned || kind == Kind::kUnsigned;
    return dst.time.kind == TimeFacts::kSpan && integer && !(safely && src.type == DType::kUint64);
  }
  const TimeFacts &from = src.time, &to = dst.time;
  if (from.unit == to.unit || from.unit.is_generic()) return true;
  const bool crosses = crosses_calendar(from, to);
  if (from.kind == TimeFacts::kSpan && crosses) return false;
  if (!safely) return true;
  return from.unit.base <= to.unit.base && (crosses || time_ratio(from.unit, to.unit).den == 1);
}

Route find_time_route(const KernelTable& table, const TimeEnd& src, const TimeEnd& dst,
                      const ConvertRules& rules) {
  if (!is_time(src)) {
    return is_text(src.type) ? text_to_time(table, src, dst, rules)
                             : number_to_time(table, src.type, dst, rules);
  }
  if (!is_time(dst)) {
    return is_text(dst.type) ? time_to_text(table, src, dst, rules)
                             : time_to_number(table, src, dst.type, rules);
  }
  RouteBuilder b(table, src.size == 4 ? DType::kInt32 : DType::kInt64, rules);
  read_stored(b);
  // A generic unit is whatever the other one is.
  const bool same = src.time.unit == dst.time.unit || src.time.unit.is_generic();
  if (!same) route_units(b, src.time.unit, dst.time.unit, src.time.kind == TimeFacts::kSpan);
  write_stored(b, dst);
  return b.route();
}

}  // namespace stridecast::internal
