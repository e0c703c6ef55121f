// Composition of convert routes. A limit is a stage of its own, before the conversion: `check`
// reports what does not fit (raise), `clamp` moves it to the nearest value that does (saturate).
// The limits are computed here once a plan, as the outermost values of the source that convert
// without loss of range.

#include "engine/convert_route.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "dtypes/cast_rules.h"

namespace stridecast::internal {
namespace {

using kernels::KernelTable;
using kernels::LimitParams;

bool is_float(DType type) { return type_facts(type).kind == Kind::kFloat; }
bool is_half(DType type) { return type == DType::kFloat16 || type == DType::kBFloat16; }
int at(DType type) { return static_cast<int>(type); }

class Builder {
 public:
  Builder(const KernelTable& table, DType src) : table_(table), type_(src) {}

  DType type() const { return type_; }
  const Route& route() const { return route_; }

  void convert(DType dst) { add(table_.convert[at(type_)][at(dst)], dst, {}); }
  void saturate(DType dst) { add(table_.saturate[at(type_)][at(dst)], dst, {}); }
  void check(const LimitParams& limits) { add(table_.check[at(type_)], type_, limits); }
  void clamp(const LimitParams& limits) { add(table_.clamp[at(type_)], type_, limits); }

 private:
  void add(const sc_entry& entry, DType out, const LimitParams& limits) {
    route_.stages[route_.count++] = Stage{&entry, out, type_facts(out).size, limits, nullptr};
    type_ = out;
  }

  const KernelTable& table_;
  DType type_;
  Route route_;
};

// The neighbour of `value` towards zero among the values of a float type (float32 or float64).
double toward_zero(DType type, double value) {
  return type == DType::kFloat32 ? std::nextafter(static_cast<float>(value), 0.0f)
                                 : std::nextafter(value, 0.0);
}

// Floats whose truncation fits the integer type: the open interval (min - 1, max + 1).
LimitParams float_to_int_limits(DType src, DType dst) {
  const bool is_signed = type_facts(dst).kind == Kind::kSigned;
  const int bits = range_facts(dst).digits;
  const double above = std::ldexp(1.0, bits);
  const int precision = range_facts(src).digits;
  LimitParams limits;
  limits.hi = toward_zero(src, above);
  if (!is_signed) {
    limits.lo = toward_zero(src, -1.0);
  } else if (bits < precision) {  // -2^bits - 1 is a value of the source
    limits.lo = toward_zero(src, -above - 1.0);
  } else {
    limits.lo = -above;
  }
  return limits;
}

// Finite floats that stay finite after rounding to a narrower float.
LimitParams float_to_float_limits(DType src, DType dst) {
  const RangeFacts& to = range_facts(dst);
  const double half_ulp = std::ldexp(1.0, to.max_exponent - 1 - to.digits);
  LimitParams limits;
  limits.hi = toward_zero(src, to.float_max + half_ulp);
  limits.lo = -limits.hi;
  limits.infinity_ok = limits.nan_ok = true;
  return limits;
}

LimitParams whole_line() {
  LimitParams limits;
  limits.lo = -std::numeric_limits<double>::infinity();
  limits.hi = std::numeric_limits<double>::infinity();
  return limits;
}

// The common part of both integer ranges, in the source type.
LimitParams int_limits(DType src, DType dst) {
  const RangeFacts &from = range_facts(src), &to = range_facts(dst);
  LimitParams limits;
  limits.lo_int = std::max(from.int_min, to.int_min);
  limits.hi_int = static_cast<int64_t>(std::min(from.int_max, to.int_max));
  return limits;
}

LimitParams symmetric_int_limits(DType src, int64_t bound) {
  const RangeFacts& from = range_facts(src);
  LimitParams limits;
  limits.lo_int = std::max(from.int_min, -bound);
  limits.hi_int = static_cast<int64_t>(std::min<uint64_t>(from.int_max, bound));
  return limits;
}

constexpr int64_t kFloat16Max = 65504;
constexpr int64_t kFloat16LastFinite = 65519;  // 65520 is a tie that rounds to infinity

void route_int_to_int(Builder& b, DType dst, Overflow overflow) {
  if (!fits(b.type(), dst)) {
    if (overflow == Overflow::kRaise) b.check(int_limits(b.type(), dst));
    if (overflow == Overflow::kSaturate) b.clamp(int_limits(b.type(), dst));
  }
  if (type_facts(b.type()).size != type_facts(dst).size) b.convert(dst);
}

void route_int_to_float(Builder& b, DType dst, Overflow overflow) {
  if (dst == DType::kFloat16 && range_facts(b.type()).int_max > kFloat16LastFinite) {
    if (overflow == Overflow::kRaise) b.check(symmetric_int_limits(b.type(), kFloat16LastFinite));
    if (overflow == Overflow::kSaturate) b.clamp(symmetric_int_limits(b.type(), kFloat16Max));
  }
  b.convert(dst);
}

void route_float_to_int(Builder& b, DType dst, Overflow overflow, NanPolicy nan) {
  // Limits and saturation have kernels for float32 and float64 only; both widen without a loss.
  const bool plain = overflow == Overflow::kWrap && nan == NanPolicy::kDefault;
  if (!plain && is_half(b.type())) b.convert(DType::kFloat32);
  if (overflow == Overflow::kRaise) {
    b.check(float_to_int_limits(b.type(), dst));
  } else if (nan == NanPolicy::kRaise) {
    b.check(whole_line());
  }
  if (overflow == Overflow::kSaturate) {
    b.saturate(dst);
  } else {
    b.convert(dst);
  }
}

void route_float_to_float(Builder& b, DType dst, Overflow overflow) {
  const bool limited =
      range_facts(b.type()).float_max > range_facts(dst).float_max && overflow != Overflow::kWrap;
  if (limited) {
    if (is_half(b.type())) b.convert(DType::kFloat32);
    if (overflow == Overflow::kRaise) {
      b.check(float_to_float_limits(b.type(), dst));
    } else {
      LimitParams limits;
      limits.hi = range_facts(dst).float_max;
      limits.lo = -limits.hi;
      b.clamp(limits);
    }
  }
  b.convert(dst);
}

}  // namespace

bool Route::may_fail() const noexcept {
  return std::any_of(stages, stages + count, [](const Stage& stage) { return stage.may_fail(); });
}

bool Route::needs_gil() const noexcept {
  return std::any_of(stages, stages + count,
                     [](const Stage& stage) { return (stage.entry->needs & SC_NEEDS_GIL) != 0; });
}

namespace {

using Conversions = std::vector<RegisteredConversion>;

bool decodes(const RegisteredConversion& c) { return c.decode.run != nullptr; }
bool encodes(const RegisteredConversion& c) { return c.encode.run != nullptr; }

// The first conversion that `has` a kernel, one to `wanted` if there is one; null if there is none.
const RegisteredConversion* choose(const Conversions& all, bool (*has)(const RegisteredConversion&),
                                   DType wanted) {
  const RegisteredConversion* first = nullptr;
  for (const RegisteredConversion& conversion : all) {
    if (!has(conversion)) continue;
    if (conversion.other == wanted) return &conversion;
    if (first == nullptr) first = &conversion;
  }
  return first;
}

// A number that both ends know; kOpaque if there is none.
DType meeting_point(const RouteEnd& src, const RouteEnd& dst) {
  if (src.registered == nullptr) return src.type;
  if (dst.registered == nullptr) return dst.type;
  for (const RegisteredConversion& from : src.registered->conversions) {
    if (!decodes(from)) continue;
    for (const RegisteredConversion& to : dst.registered->conversions) {
      if (encodes(to) && to.other == from.other) return from.other;
    }
  }
  return DType::kOpaque;
}

}  // namespace

bool find_registered_route(const KernelTable& table, const RouteEnd& src, const RouteEnd& dst,
                           Overflow overflow, NanPolicy nan, Route* route) {
  const DType meeting = meeting_point(src, dst);
  DType from = src.type, to = dst.type;
  const RegisteredConversion* decode = nullptr;
  const RegisteredConversion* encode = nullptr;
  if (src.registered != nullptr) {
    decode = choose(src.registered->conversions, decodes, meeting);
    if (decode == nullptr) return false;
    from = decode->other;
  }
  if (dst.registered != nullptr) {
    encode = choose(dst.registered->conversions, encodes, meeting);
    if (encode == nullptr) return false;
    to = encode->other;
  }
  const auto add = [&](const Stage& stage) { route->stages[route->count++] = stage; };
  if (decode != nullptr) {
    add({&decode->decode, from, type_facts(from).size, {}, decode->params});
  }
  const Route middle = find_route(table, from, to, overflow, nan);
  for (int k = 0; k < middle.count; ++k) add(middle.stages[k]);
  if (encode != nullptr) add({&encode->encode, DType::kOpaque, dst.size, {}, encode->params});
  return true;
}

Route find_route(const KernelTable& table, DType src, DType dst, Overflow overflow, NanPolicy nan) {
  if (overflow == Overflow::kDefault) overflow = Overflow::kWrap;
  Builder b(table, src);
  if (src == dst) return b.route();
  if (src == DType::kBool || dst == DType::kBool) {
    b.convert(dst);
  } else if (is_float(src)) {
    is_float(dst) ? route_float_to_float(b, dst, overflow)
                  : route_float_to_int(b, dst, overflow, nan);
  } else {
    is_float(dst) ? route_int_to_float(b, dst, overflow) : route_int_to_int(b, dst, overflow);
  }
  return b.route();
}

}  // namespace stridecast::internal
