// Kernels of long double, the same on every target: its conversions to and from the types that SIMD
// kernels know, its limits, and float64 rounded to odd for what is narrower still. x87's 80 bits
// are taken apart as integers, which depends on no control word and lets vectors do the same
// (convert_long_double.cc); other long doubles (quad, or a double by another name) convert as the
// compiler does it.
//
// Rounding to odd as in Boldo and Melquiond, "Emulation of FMA and correctly rounded sums: proved
// algorithms using rounding to odd" (2008).

#include "kernels/long_double.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "kernels/kernel_table.h"
#include "stridecast/value_types.h"

namespace stridecast::kernels {
namespace {

// A float of IEEE 754, narrower than long double.
template <typename Float, typename Unsigned>
struct Ieee {
  using Bits = Unsigned;
  static constexpr int kFraction = std::numeric_limits<Float>::digits - 1;
  static constexpr int kBias = std::numeric_limits<Float>::max_exponent - 1;
  static constexpr int kMaxField = 2 * kBias + 1;  // of infinities and NaNs
  static constexpr int kSignBit = 8 * sizeof(Unsigned) - 1;
};
using Float32 = Ieee<float, uint32_t>;
using Float64 = Ieee<double, uint64_t>;

enum class Round : uint8_t { kNearestEven, kOdd };

#if STRIDECAST_X87_LONG_DOUBLE

__extension__ typedef unsigned __int128 Uint128;
__extension__ typedef __int128 Int128;

constexpr uint64_t kTopBit = uint64_t{1} << 63;

// An item: 64 bits with the integer bit on top, then sign and exponent in 16, then padding, which
// is written as zeros.
struct Item {
  uint64_t mantissa;
  uint64_t sign_exponent;

  int field() const { return static_cast<int>(sign_exponent & 0x7FFF); }
  bool negative() const { return (sign_exponent & 0x8000) != 0; }
  bool integer_bit() const { return (mantissa & kTopBit) != 0; }
  // Normal numbers without the integer bit are no numbers to the processor either.
  bool invalid() const { return field() != 0 && !integer_bit(); }
};
static_assert(sizeof(Item) == sizeof(long double));
bool is_nan(Item x) { return (x.field() == 0x7FFF && x.mantissa << 1 != 0) || x.invalid(); }
bool is_infinite(Item x) { return x.field() == 0x7FFF && x.mantissa == kTopBit; }
constexpr int kBias = 16383;
constexpr int kUnitField = kBias + 63;  // of numbers whose mantissa is their value

Item item_of(long double x) {
  Item item = {};
  std::memcpy(&item, &x, 10);
  return item;
}

// mantissa * 2^-shift as an integer, for shift in [1, 127].
template <Round kRound>
uint64_t shift_right(uint64_t mantissa, int shift) {
  const Uint128 wide = mantissa;
  const Uint128 rest = wide & ((Uint128{1} << shift) - 1);
  const auto kept = static_cast<uint64_t>(wide >> shift);
  if (kRound == Round::kOdd) return kept | uint64_t{rest != 0};
  const Uint128 half = Uint128{1} << (shift - 1);
  return kept + uint64_t{rest > half || (rest == half && (kept & 1) != 0)};
}

// What round_item() leaves: NaNs, infinities, and what has no normal counterpart.
template <typename F, Round kRound>
__attribute__((noinline)) typename F::Bits round_special(Item x) {
  using Bits = typename F::Bits;
  const Bits sign = Bits{x.negative()} << F::kSignBit;
  const Bits infinity = Bits{F::kMaxField} << F::kFraction;
  const Bits quiet = Bits{1} << (F::kFraction - 1);
  // x87's own NaN, which it makes of an invalid operand.
  if (x.invalid()) return Bits{1} << F::kSignBit | infinity | quiet;
  if (is_nan(x)) {
    return sign | infinity | quiet | static_cast<Bits>(x.mantissa << 1 >> (64 - F::kFraction));
  }
  if (is_infinite(x)) return sign | infinity;
  const int field = (x.field() == 0 ? 1 : x.field()) - kBias + F::kBias;
  if (field >= F::kMaxField) return sign | (kRound == Round::kOdd ? infinity - 1 : infinity);
  // A subnormal, whose steps are those of field 1. What is below half of one may stand for it.
  const int shift = 63 - F::kFraction + (1 - field);
  return sign | static_cast<Bits>(shift_right<kRound>(x.mantissa, shift < 100 ? shift : 100));
}

// To float32, float64.
template <typename F, Round kRound>
typename F::Bits round_item(Item x) {
  using Bits = typename F::Bits;
  constexpr int kDropped = 63 - F::kFraction;
  constexpr uint64_t kRest = (uint64_t{1} << kDropped) - 1;
  const int field = x.field() - (kBias - F::kBias);
  const bool normal = x.integer_bit() & (static_cast<unsigned>(field - 1) < F::kMaxField - 1u);
  const bool zero = (x.mantissa | (x.sign_exponent & 0x7FFF)) == 0;
  if (__builtin_expect(!(normal | zero), 0)) return round_special<F, kRound>(x);
  uint64_t kept = x.mantissa >> kDropped;
  const uint64_t rest = x.mantissa & kRest;
  if (kRound == Round::kOdd) {
    kept |= uint64_t{rest != 0};
  } else {
    kept += (rest + (kRest >> 1) + (kept & 1)) >> kDropped;
  }
  // The integer bit adds 1 to the exponent field, and so does a carry.
  const auto magnitude =
      static_cast<Bits>((static_cast<uint64_t>(field - 1) << F::kFraction) + kept);
  const auto sign = static_cast<Bits>((x.sign_exponent >> 15 & 1) << F::kSignBit);
  return sign | (zero ? Bits{0} : magnitude);
}

template <typename F>
__attribute__((noinline)) Item widen_special(typename F::Bits bits) {
  using Bits = typename F::Bits;
  const uint64_t fraction = uint64_t{bits & ((Bits{1} << F::kFraction) - 1)} << (63 - F::kFraction);
  const uint64_t sign = uint64_t{bits >> F::kSignBit} << 15;
  if ((bits >> F::kFraction & F::kMaxField) != 0) {
    const uint64_t quiet = fraction != 0 ? uint64_t{1} << 62 : 0;
    return {kTopBit | quiet | fraction, sign | 0x7FFF};
  }
  const int zeros = std::countl_zero(fraction);  // a subnormal: normal here
  return {fraction << zeros, sign | static_cast<uint64_t>(kBias - F::kBias + 1 - zeros)};
}

// From float32, float64: exact.
template <typename F>
Item widen(typename F::Bits bits) {
  const auto field = static_cast<unsigned>(bits >> F::kFraction & F::kMaxField);
  const bool zero = static_cast<typename F::Bits>(bits << 1) == 0;
  const bool normal = field - 1 < F::kMaxField - 1u;
  if (__builtin_expect(!(normal | zero), 0)) return widen_special<F>(bits);
  const uint64_t sign = uint64_t{bits >> F::kSignBit} << 15;
  const uint64_t mantissa = kTopBit | uint64_t{bits} << (63 - F::kFraction);
  return {zero ? 0 : mantissa, sign | (zero ? 0 : field + uint64_t{kBias - F::kBias})};
}

// The integer part; false where it is 2^64 or more, or NaN.
bool whole(Item x, uint64_t* magnitude) {
  const int shift = kUnitField - x.field();
  *magnitude = shift > 63 ? 0 : x.mantissa >> (shift & 63);
  return shift >= 0 && !x.invalid();
}

int64_t to_int64(Item x) {
  uint64_t magnitude = 0;
  const bool fits = whole(x, &magnitude) & (magnitude < kTopBit);
  const uint64_t flip = x.negative() ? ~uint64_t{0} : 0;
  return fits ? static_cast<int64_t>((magnitude ^ flip) - flip) : INT64_MIN;
}

uint64_t to_uint64(Item x) {
  uint64_t magnitude = 0;
  if (whole(x, &magnitude) && !x.negative()) return magnitude;
  return static_cast<uint64_t>(to_int64(x));
}

int64_t to_int64_clamped(Item x) {
  uint64_t magnitude = 0;
  if (whole(x, &magnitude) && magnitude < kTopBit) {
    return x.negative() ? -static_cast<int64_t>(magnitude) : static_cast<int64_t>(magnitude);
  }
  return is_nan(x) ? 0 : x.negative() ? INT64_MIN : INT64_MAX;
}

uint64_t to_uint64_clamped(Item x) {
  uint64_t magnitude = 0;
  const bool fits = whole(x, &magnitude);
  if (is_nan(x) || x.negative()) return 0;
  return fits ? magnitude : UINT64_MAX;
}

Item from_magnitude(uint64_t magnitude, uint64_t sign) {
  const int zeros = std::countl_zero(magnitude | 1);
  const uint64_t field = magnitude == 0 ? 0 : static_cast<uint64_t>(kUnitField - zeros);
  return {magnitude << zeros, sign | field};
}
Item from_uint64(uint64_t value) { return from_magnitude(value, 0); }
Item from_int64(int64_t value) {
  const bool negative = value < 0;
  const auto bits = static_cast<uint64_t>(value);
  return from_magnitude(negative ? 0 - bits : bits, negative ? 0x8000 : 0);
}
constexpr Item kQuietNan = {kTopBit | kTopBit >> 1, 0x7FFF};

uint8_t to_bool(Item x) { return (x.mantissa | (x.sign_exponent & 0x7FFF)) != 0 ? 1 : 0; }
Item from_bool(uint8_t byte) { return byte != 0 ? Item{kTopBit, kBias} : Item{0, 0}; }

// Numbers in their order, both zeros alike.
Int128 ordered(Item x) {
  const auto magnitude = static_cast<Int128>(Uint128{x.sign_exponent & 0x7FFF} << 64 | x.mantissa);
  return x.negative() ? -magnitude : magnitude;
}

struct Interval {
  Int128 lo, hi;
  explicit Interval(const LimitParams& params)
      : lo(ordered(item_of(params.lo_long))), hi(ordered(item_of(params.hi_long))) {}
  bool contains(Item x) const {
    const Int128 at = ordered(x);
    return (at >= lo) & (at <= hi) & !is_nan(x);
  }
};

#else  // any other long double, by the compiler's conversions

using Item = long double;

bool is_nan(Item x) { return std::isnan(x); }
bool is_infinite(Item x) { return std::isinf(x); }

template <typename F, Round kRound>
typename F::Bits round_item(Item x) {
  using Bits = typename F::Bits;
  using Float = std::conditional_t<sizeof(Bits) == 4, float, double>;
  const auto nearest = static_cast<Float>(x);
  Bits bits = std::bit_cast<Bits>(nearest);
  if (kRound == Round::kNearestEven || is_nan(x) || static_cast<Item>(nearest) == x) return bits;
  if (std::fabs(static_cast<Item>(nearest)) > std::fabs(x)) --bits;
  return bits | 1;
}

template <typename F>
Item widen(typename F::Bits bits) {
  using Float = std::conditional_t<sizeof(bits) == 4, float, double>;
  return static_cast<Item>(std::bit_cast<Float>(bits));
}

int64_t to_int64(Item x) {
  return x >= -0x1p63L && x < 0x1p63L ? static_cast<int64_t>(x) : INT64_MIN;
}
uint64_t to_uint64(Item x) {
  if (x > -1 && x < 0x1p64L) return x < 0 ? 0 : static_cast<uint64_t>(x);
  return static_cast<uint64_t>(to_int64(x));
}
int64_t to_int64_clamped(Item x) {
  if (is_nan(x)) return 0;
  return x < -0x1p63L ? INT64_MIN : x >= 0x1p63L ? INT64_MAX : static_cast<int64_t>(x);
}
uint64_t to_uint64_clamped(Item x) {
  if (is_nan(x) || x < 0) return 0;
  return x >= 0x1p64L ? UINT64_MAX : static_cast<uint64_t>(x);
}
Item from_uint64(uint64_t value) { return static_cast<Item>(value); }
Item from_int64(int64_t value) { return static_cast<Item>(value); }
constexpr Item kQuietNan = std::numeric_limits<Item>::quiet_NaN();
uint8_t to_bool(Item x) { return x != 0 ? 1 : 0; }
Item from_bool(uint8_t byte) { return byte != 0 ? 1 : 0; }

struct Interval {
  Item lo, hi;
  explicit Interval(const LimitParams& params) : lo(params.lo_long), hi(params.hi_long) {}
  bool contains(Item x) const { return x >= lo && x <= hi; }
};

#endif

uint32_t complaint(Item x, const LimitParams& params, const Interval& interval) {
  if (interval.contains(x)) return 0;
  if (is_nan(x)) return params.nan_ok ? 0 : uint32_t{SC_ERR_NAN};
  return is_infinite(x) && params.infinity_ok ? 0 : uint32_t{SC_ERR_OVERFLOW};
}

uint32_t check(const sc_run* run) {
  const auto& params = *static_cast<const LimitParams*>(run->params);
  const Interval interval(params);
  const auto* src = static_cast<const unsigned char*>(run->src);
  uint32_t errors = 0;
  for (int64_t i = 0; i < run->n[1]; ++i) {
    Item x;
    std::memcpy(&x, src + i * static_cast<int64_t>(sizeof(Item)), sizeof(Item));
    if (__builtin_expect(!interval.contains(x), 0)) errors |= complaint(x, params, interval);
  }
  return errors;
}

// Packed items at any address, each by a function.
template <auto kFunction>
struct Map;
template <typename Src, typename Dst, Dst (*kFunction)(Src)>
struct Map<kFunction> {
  static uint32_t run(const sc_run* run) {
    const auto* src = static_cast<const unsigned char*>(run->src);
    auto* dst = static_cast<unsigned char*>(run->dst);
    for (int64_t i = 0; i < run->n[1]; ++i) {
      Src in;
      std::memcpy(&in, src + i * static_cast<int64_t>(sizeof(Src)), sizeof(Src));
      const Dst out = kFunction(in);
      std::memcpy(dst + i * static_cast<int64_t>(sizeof(Dst)), &out, sizeof(Dst));
    }
    return 0;
  }
};

constexpr size_t at(DType type) { return static_cast<size_t>(type); }

constexpr sc_entry entry(sc_kernel run, const char* name) {
  sc_entry entry = {};
  entry.run = run;
  entry.name = name;
  entry.src_access = entry.dst_access = SC_ACCESS_PACKED;
  entry.traits = SC_TRAIT_THREAD_SAFE;
  return entry;
}

}  // namespace

uint32_t long_double_to_float64(const sc_run* run) {
  return Map<round_item<Float64, Round::kNearestEven>>::run(run);
}
uint32_t long_double_to_float64_odd(const sc_run* run) {
  return Map<round_item<Float64, Round::kOdd>>::run(run);
}
uint32_t long_double_to_float32(const sc_run* run) {
  return Map<round_item<Float32, Round::kNearestEven>>::run(run);
}
uint32_t long_double_to_int64(const sc_run* run) { return Map<to_int64>::run(run); }
uint32_t float64_to_long_double(const sc_run* run) { return Map<widen<Float64>>::run(run); }
uint32_t float32_to_long_double(const sc_run* run) { return Map<widen<Float32>>::run(run); }
uint32_t int64_to_long_double(const sc_run* run) { return Map<from_int64>::run(run); }
uint32_t uint64_to_long_double(const sc_run* run) { return Map<from_uint64>::run(run); }

namespace {

Item from_time(int64_t value) { return value == kNaT ? kQuietNan : from_int64(value); }

}  // namespace

void FillLongDouble(KernelTable& table) {
  using enum DType;
  constexpr auto kLong = at(kLongDouble);
  sc_entry* const from_long = table.convert[kLong];
  from_long[at(kFloat64)] = entry(long_double_to_float64, "convert longdouble float64");
  from_long[at(kFloat32)] = entry(long_double_to_float32, "convert longdouble float32");
  from_long[at(kInt64)] = entry(long_double_to_int64, "convert longdouble int64");
  from_long[at(kUint64)] = entry(Map<to_uint64>::run, "convert longdouble uint64");
  from_long[at(kBool)] = entry(Map<to_bool>::run, "convert longdouble bool");
  const auto set_to_long = [&](DType from, sc_kernel run, const char* name) {
    table.convert[at(from)][kLong] = entry(run, name);
  };
  set_to_long(kFloat64, float64_to_long_double, "convert float64 longdouble");
  set_to_long(kFloat32, float32_to_long_double, "convert float32 longdouble");
  set_to_long(kInt64, Map<from_int64>::run, "convert int64 longdouble");
  set_to_long(kUint64, Map<from_uint64>::run, "convert uint64 longdouble");
  set_to_long(kBool, Map<from_bool>::run, "convert bool longdouble");
  sc_entry* const saturate = table.saturate[kLong];
  saturate[at(kInt64)] = entry(Map<to_int64_clamped>::run, "saturate longdouble int64");
  saturate[at(kUint64)] = entry(Map<to_uint64_clamped>::run, "saturate longdouble uint64");
  table.time_to_float[2] = entry(Map<from_time>::run, "time to longdouble");
  table.odd[kLong] = entry(long_double_to_float64_odd, "odd longdouble float64");
  table.check[kLong] = entry(check, "check longdouble");
  table.check[kLong].dst_access = SC_ACCESS_NONE;
  table.check[kLong].traits |= SC_TRAIT_MAY_FAIL;
}

}  // namespace stridecast::kernels
