#include "tests/reference/element.h"

#include <bit>
#include <cstdio>
#include <stdexcept>

namespace stridecast::reference {
namespace {

__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 Uint128;

enum class Family : uint8_t { kBool, kSigned, kUnsigned, kFloat };

struct Facts {
  const char* name;
  Family family;
  int size;
  int fraction_bits;  // of a float
  int exponent_bits;
};

const Facts& facts(DType type) {
  static constexpr Facts kFacts[] = {
      {"bool", Family::kBool, 1, 0, 0},       {"int8", Family::kSigned, 1, 0, 0},
      {"uint8", Family::kUnsigned, 1, 0, 0},  {"int16", Family::kSigned, 2, 0, 0},
      {"uint16", Family::kUnsigned, 2, 0, 0}, {"int32", Family::kSigned, 4, 0, 0},
      {"uint32", Family::kUnsigned, 4, 0, 0}, {"int64", Family::kSigned, 8, 0, 0},
      {"uint64", Family::kUnsigned, 8, 0, 0}, {"float16", Family::kFloat, 2, 10, 5},
      {"bfloat16", Family::kFloat, 2, 7, 8},  {"float32", Family::kFloat, 4, 23, 8},
      {"float64", Family::kFloat, 8, 52, 11},
  };
  for (size_t i = 0; i < kTypes.size(); ++i) {
    if (kTypes[i] == type) return kFacts[i];
  }
  throw std::logic_error("the oracle knows the 13 arithmetic types only");
}

uint64_t low_bits(int count) { return count >= 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1; }

int bias(const Facts& f) { return (1 << (f.exponent_bits - 1)) - 1; }

// The fields of a float put together; fraction and exponent as they stand in memory.
uint64_t assemble(const Facts& f, bool negative, uint64_t exponent_field, uint64_t fraction) {
  return (uint64_t{negative} << (f.size * 8 - 1)) | (exponent_field << f.fraction_bits) | fraction;
}

uint64_t infinity(const Facts& f, bool negative) {
  return assemble(f, negative, low_bits(f.exponent_bits), 0);
}

uint64_t largest_finite(const Facts& f, bool negative) {
  return assemble(f, negative, low_bits(f.exponent_bits) - 1, low_bits(f.fraction_bits));
}

// Smallest and largest value of an integer type.
Int128 lowest(const Facts& f) {
  return f.family == Family::kSigned ? -(Int128{1} << (f.size * 8 - 1)) : Int128{0};
}
Int128 highest(const Facts& f) {
  return (Int128{1} << (f.size * 8 - (f.family == Family::kSigned ? 1 : 0))) - 1;
}

// Truncation towards zero. Magnitudes of 2^100 and more give 2^100: outside every integer type.
Int128 truncate(const Value& v) {
  if (v.mantissa == 0) return 0;
  Int128 magnitude = 0;
  if (v.exponent >= 0) {
    const int top_bit = std::bit_width(v.mantissa) - 1 + v.exponent;
    magnitude = top_bit >= 100 ? Int128{1} << 100 : static_cast<Int128>(v.mantissa) << v.exponent;
  } else if (v.exponent > -64) {
    magnitude = v.mantissa >> -v.exponent;
  }
  return v.negative ? -magnitude : magnitude;
}

// A NaN stays a NaN: quiet, with the sign; its payload's top bits survive except in bfloat16.
uint64_t encode_nan(DType to, const Value& v) {
  const Facts& f = facts(to);
  const uint64_t quiet = uint64_t{1} << (f.fraction_bits - 1);
  const uint64_t payload = to == DType::kBFloat16 ? 0 : v.payload >> (64 - f.fraction_bits);
  return assemble(f, v.negative, low_bits(f.exponent_bits), quiet | payload);
}

// The largest finite value of `to` is smaller than that of `from`.
bool is_narrowing(const Facts& from, const Facts& to) {
  if (from.exponent_bits != to.exponent_bits) return from.exponent_bits > to.exponent_bits;
  return from.fraction_bits > to.fraction_bits;
}

Converted float_result(DType from, DType to, const Value& v, Mode mode) {
  const Facts& f = facts(to);
  Converted result;
  if (v.cls == Value::Class::kNan) {
    result.bits = encode_nan(to, v);
  } else if (v.cls == Value::Class::kInf) {
    const bool clamps = mode == Mode::kSaturate && is_narrowing(facts(from), f);
    result.bits = clamps ? largest_finite(f, v.negative) : infinity(f, v.negative);
  } else {
    bool overflow = false;
    result.bits = round_to_float(to, v.negative, v.mantissa, v.exponent, &overflow);
    if (overflow && mode == Mode::kSaturate) result.bits = largest_finite(f, v.negative);
    result.overflow = overflow && mode == Mode::kRaise;
  }
  return result;
}

Converted integer_result(DType from, DType to, const Value& v, Mode mode, bool nan_raises) {
  constexpr Int128 kInt64Min = -(Int128{1} << 63);
  constexpr Int128 kInt64Max = (Int128{1} << 63) - 1;
  const Facts& f = facts(to);
  const uint64_t mask = low_bits(f.size * 8);
  Converted result;
  if (v.cls == Value::Class::kNan) {
    result.nan = nan_raises || mode == Mode::kRaise;
    result.bits = mode == Mode::kSaturate ? 0 : static_cast<uint64_t>(kInt64Min) & mask;
    return result;
  }
  // An infinity is beyond every integer, as 2^100 is.
  Int128 whole = v.cls == Value::Class::kInf ? (v.negative ? -(Int128{1} << 100) : Int128{1} << 100)
                                             : truncate(v);
  const bool fits = whole >= lowest(f) && whole <= highest(f);
  if (mode == Mode::kSaturate) {
    if (whole < lowest(f)) whole = lowest(f);
    if (whole > highest(f)) whole = highest(f);
  } else {
    result.overflow = !fits && mode == Mode::kRaise;
    const bool through_int64 = facts(from).family == Family::kFloat && !fits;
    if (through_int64 && (whole < kInt64Min || whole > kInt64Max)) whole = kInt64Min;
  }
  result.bits = static_cast<uint64_t>(whole) & mask;
  return result;
}

}  // namespace

const char* mode_name(Mode mode) {
  switch (mode) {
    case Mode::kWrap:
      return "wrap";
    case Mode::kSaturate:
      return "saturate";
    case Mode::kRaise:
      return "raise";
  }
  return "?";
}

const char* name(DType type) { return facts(type).name; }
int size(DType type) { return facts(type).size; }
bool is_float(DType type) { return facts(type).family == Family::kFloat; }
bool is_signed_int(DType type) { return facts(type).family == Family::kSigned; }
bool is_unsigned_int(DType type) { return facts(type).family == Family::kUnsigned; }

Value decode(DType type, uint64_t bits) {
  const Facts& f = facts(type);
  Value v;
  bits &= low_bits(f.size * 8);
  if (f.family == Family::kBool) {
    v.mantissa = bits != 0 ? 1 : 0;
  } else if (f.family == Family::kUnsigned) {
    v.mantissa = bits;
  } else if (f.family == Family::kSigned) {
    v.negative = (bits >> (f.size * 8 - 1)) != 0;
    v.mantissa = v.negative ? (~bits + 1) & low_bits(f.size * 8) : bits;
  } else {
    const uint64_t exponent_field = (bits >> f.fraction_bits) & low_bits(f.exponent_bits);
    const uint64_t fraction = bits & low_bits(f.fraction_bits);
    v.negative = (bits >> (f.size * 8 - 1)) != 0;
    if (exponent_field == low_bits(f.exponent_bits)) {
      v.cls = fraction != 0 ? Value::Class::kNan : Value::Class::kInf;
      v.payload = fraction << (64 - f.fraction_bits);
    } else if (exponent_field == 0) {
      v.mantissa = fraction;
      v.exponent = 1 - bias(f) - f.fraction_bits;
    } else {
      v.mantissa = fraction | (uint64_t{1} << f.fraction_bits);
      v.exponent = static_cast<int>(exponent_field) - bias(f) - f.fraction_bits;
    }
  }
  return v;
}

uint64_t round_to_float(DType to, bool negative, uint64_t mantissa, int exponent, bool* overflow) {
  const Facts& f = facts(to);
  *overflow = false;
  if (mantissa == 0) return assemble(f, negative, 0, 0);
  // The result is kept * 2^quantum, kept having at most fraction_bits + 1 bits, and quantum no
  // smaller than that of the subnormals.
  const int top_bit = std::bit_width(mantissa) - 1 + exponent;
  const int smallest_quantum = 1 - bias(f) - f.fraction_bits;
  int quantum = top_bit - f.fraction_bits;
  if (quantum < smallest_quantum) quantum = smallest_quantum;
  const int dropped_bits = quantum - exponent;
  uint64_t kept = 0;
  if (dropped_bits <= 0) {
    kept = mantissa << -dropped_bits;
  } else if (dropped_bits <= 64) {
    // With more than 64 dropped bits even the largest mantissa is less than half a quantum.
    const Uint128 wide = mantissa;
    const Uint128 remainder = wide & ((Uint128{1} << dropped_bits) - 1);
    const Uint128 half = Uint128{1} << (dropped_bits - 1);
    kept = static_cast<uint64_t>(wide >> dropped_bits);
    if (remainder > half || (remainder == half && (kept & 1) != 0)) ++kept;
  }
  const uint64_t hidden_bit = uint64_t{1} << f.fraction_bits;
  if (kept == hidden_bit << 1) {  // rounded up to the next power of two
    kept = hidden_bit;
    ++quantum;
  }
  if (kept < hidden_bit) return assemble(f, negative, 0, kept);
  const int exponent_field = quantum + f.fraction_bits + bias(f);
  if (exponent_field >= static_cast<int>(low_bits(f.exponent_bits))) {
    *overflow = true;
    return infinity(f, negative);
  }
  return assemble(f, negative, static_cast<uint64_t>(exponent_field), kept - hidden_bit);
}

Converted convert(DType from, uint64_t bits, DType to, Mode mode, bool nan_raises) {
  if (from == to) return {.bits = bits & low_bits(size(to) * 8)};
  const Value v = decode(from, bits);
  if (to == DType::kBool) {
    return {.bits = v.cls != Value::Class::kFinite || v.mantissa != 0 ? uint64_t{1} : uint64_t{0}};
  }
  if (is_float(to)) return float_result(from, to, v, mode);
  return integer_result(from, to, v, mode, nan_raises);
}

std::string to_text(DType type, uint64_t bits) {
  const Value v = decode(type, bits);
  char text[96];
  const int digits = size(type) * 2;
  const auto raw = static_cast<unsigned long long>(bits & low_bits(size(type) * 8));
  const char* sign = v.negative ? "-" : "";
  if (v.cls == Value::Class::kNan) {
    std::snprintf(text, sizeof text, "0x%0*llx (%snan)", digits, raw, sign);
  } else if (v.cls == Value::Class::kInf) {
    std::snprintf(text, sizeof text, "0x%0*llx (%sinf)", digits, raw, sign);
  } else if (v.exponent == 0) {
    std::snprintf(text, sizeof text, "0x%0*llx (%s%llu)", digits, raw, sign,
                  static_cast<unsigned long long>(v.mantissa));
  } else {
    std::snprintf(text, sizeof text, "0x%0*llx (%s%llu * 2^%d)", digits, raw, sign,
                  static_cast<unsigned long long>(v.mantissa), v.exponent);
  }
  return text;
}

uint64_t load(const void* address, int size, ByteOrder order) {
  const auto* bytes = static_cast<const unsigned char*>(address);
  uint64_t bits = 0;
  for (int i = 0; i < size; ++i) {
    const int significance = order == ByteOrder::kBig ? size - 1 - i : i;
    bits |= uint64_t{bytes[i]} << (8 * significance);
  }
  return bits;
}

void store(void* address, int size, uint64_t bits, ByteOrder order) {
  auto* bytes = static_cast<unsigned char*>(address);
  for (int i = 0; i < size; ++i) {
    const int significance = order == ByteOrder::kBig ? size - 1 - i : i;
    bytes[i] = static_cast<unsigned char>(bits >> (8 * significance));
  }
}

}  // namespace stridecast::reference
