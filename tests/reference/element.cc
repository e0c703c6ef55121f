#include "tests/reference/element.h"

#include <bit>
#include <cstdio>
#include <stdexcept>

namespace stridecast::reference {
namespace {

__extension__ typedef __int128 Int128;

enum class Family : uint8_t { kBool, kSigned, kUnsigned, kFloat };

// Which codes of a float are no finite numbers. "Code" is an element without its sign bit.
enum class Specials : uint8_t {
  kIeee,      // the largest exponent field: infinity, and NaNs above it
  kOneNan,    // the largest code is a NaN, there is no infinity ("fn")
  kZeroSign,  // the only NaN is what would be -0, there is no infinity ("fnuz")
  kNone,      // every code is a finite number
  kScale,     // powers of two without sign or zero, the largest code is the NaN ("fnu")
};

struct Facts {
  const char* name;
  Family family;
  int size;
  int bits;  // that count: the low ones
  int fraction_bits = 0;
  int exponent_bits = 0;
  int bias = 0;
  Specials specials = Specials::kIeee;
};

// In the order of DType. Sources: IEEE 754; the Intel manual for x87; "FP8 Formats for Deep
// Learning" and ml_dtypes for float8; the OCP Microscaling Formats Specification for e8m0, float6
// and float4.
constexpr Facts kFacts[] = {
    {"bool", Family::kBool, 1, 8},
    {"int8", Family::kSigned, 1, 8},
    {"uint8", Family::kUnsigned, 1, 8},
    {"int16", Family::kSigned, 2, 16},
    {"uint16", Family::kUnsigned, 2, 16},
    {"int32", Family::kSigned, 4, 32},
    {"uint32", Family::kUnsigned, 4, 32},
    {"int64", Family::kSigned, 8, 64},
    {"uint64", Family::kUnsigned, 8, 64},
    {"float16", Family::kFloat, 2, 16, 10, 5, 15},
    {"bfloat16", Family::kFloat, 2, 16, 7, 8, 127},
    {"float32", Family::kFloat, 4, 32, 23, 8, 127},
    {"float64", Family::kFloat, 8, 64, 52, 11, 1023},
    {"longdouble", Family::kFloat, 16, 80, 63, 15, 16383},
    {"float8_e3m4", Family::kFloat, 1, 8, 4, 3, 3},
    {"float8_e4m3", Family::kFloat, 1, 8, 3, 4, 7},
    {"float8_e4m3b11fnuz", Family::kFloat, 1, 8, 3, 4, 11, Specials::kZeroSign},
    {"float8_e4m3fn", Family::kFloat, 1, 8, 3, 4, 7, Specials::kOneNan},
    {"float8_e4m3fnuz", Family::kFloat, 1, 8, 3, 4, 8, Specials::kZeroSign},
    {"float8_e5m2", Family::kFloat, 1, 8, 2, 5, 15},
    {"float8_e5m2fnuz", Family::kFloat, 1, 8, 2, 5, 16, Specials::kZeroSign},
    {"float8_e8m0fnu", Family::kFloat, 1, 8, 0, 8, 127, Specials::kScale},
    {"float6_e2m3fn", Family::kFloat, 1, 6, 3, 2, 1, Specials::kNone},
    {"float6_e3m2fn", Family::kFloat, 1, 6, 2, 3, 3, Specials::kNone},
    {"float4_e2m1fn", Family::kFloat, 1, 4, 1, 2, 1, Specials::kNone},
    {"int1", Family::kSigned, 1, 1},
    {"uint1", Family::kUnsigned, 1, 1},
    {"int2", Family::kSigned, 1, 2},
    {"uint2", Family::kUnsigned, 1, 2},
    {"int4", Family::kSigned, 1, 4},
    {"uint4", Family::kUnsigned, 1, 4},
};
static_assert(std::size(kFacts) == kNumReal);

const Facts& facts(DType type) {
  if (!is_real(type)) throw std::logic_error("the oracle knows real numbers only");
  return kFacts[static_cast<size_t>(type)];
}

Bits low_bits(int count) { return count >= 128 ? ~Bits{0} : (Bits{1} << count) - 1; }

bool is_long_double(const Facts& f) { return f.bits == 80; }
bool has_infinity(const Facts& f) { return f.specials == Specials::kIeee; }

// Exponent and fraction field of the smallest code that is no finite number of an IEEE type.
Bits infinity_code(const Facts& f) { return low_bits(f.exponent_bits) << f.fraction_bits; }

Bits largest_code(const Facts& f) {
  switch (f.specials) {
    case Specials::kIeee:
      return infinity_code(f) - 1;
    case Specials::kOneNan:
      return low_bits(f.bits - 1) - 1;
    case Specials::kScale:
      return low_bits(f.bits) - 1;
    case Specials::kZeroSign:
    case Specials::kNone:
      break;
  }
  return low_bits(f.bits - 1);
}

// The element of a code, which has no place for x87's integer bit.
Bits assemble(const Facts& f, bool negative, Bits code) {
  if (f.specials == Specials::kScale) return code;
  if (f.specials == Specials::kZeroSign && code == 0) negative = false;
  if (is_long_double(f)) {
    const Bits exponent = code >> f.fraction_bits;
    const Bits integer_bit = Bits{exponent != 0} << f.fraction_bits;
    code = exponent << 64 | integer_bit | (code & low_bits(f.fraction_bits));
  }
  return Bits{negative} << (f.bits - 1) | code;
}

// A NaN stays a NaN: quiet, with the sign; the types of 16 bits and more but bfloat16 keep its
// payload's top bits. Types without one get -0.
Bits encode_nan(DType to, const Value& v) {
  const Facts& f = facts(to);
  switch (f.specials) {
    case Specials::kIeee:
      break;
    case Specials::kOneNan:
      return assemble(f, v.negative, low_bits(f.bits - 1));
    case Specials::kScale:
      return low_bits(f.bits);
    case Specials::kZeroSign:
    case Specials::kNone:
      return Bits{1} << (f.bits - 1);
  }
  const bool keeps_payload = f.size > 1 && to != DType::kBFloat16;
  const uint64_t payload = keeps_payload ? v.payload >> (64 - f.fraction_bits) : 0;
  const Bits quiet = Bits{1} << (f.fraction_bits - 1);
  return assemble(f, v.negative, infinity_code(f) | quiet | payload);
}

// What is beyond the largest finite value becomes, where nothing clamps.
Bits encode_beyond(DType to, bool negative) {
  const Facts& f = facts(to);
  if (f.specials == Specials::kIeee) return assemble(f, negative, infinity_code(f));
  if (f.specials == Specials::kNone) return assemble(f, negative, largest_code(f));
  Value nan;
  nan.negative = negative;
  return encode_nan(to, nan);
}

// Smallest and largest value of an integer type.
Int128 lowest(const Facts& f) {
  return f.family == Family::kSigned ? -(Int128{1} << (f.bits - 1)) : Int128{0};
}
Int128 highest(const Facts& f) {
  return (Int128{1} << (f.bits - (f.family == Family::kSigned ? 1 : 0))) - 1;
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

// The exponent of the top bit and the mantissa below it, for comparing magnitudes.
struct Magnitude {
  int top_bit;
  uint64_t aligned;
  explicit Magnitude(const Value& v)
      : top_bit(std::bit_width(v.mantissa) + v.exponent),
        aligned(v.mantissa << (64 - std::bit_width(v.mantissa))) {}
  bool operator>(const Magnitude& b) const {
    return top_bit != b.top_bit ? top_bit > b.top_bit : aligned > b.aligned;
  }
};

Magnitude largest_finite(DType type) {
  const Facts& f = facts(type);
  return Magnitude(decode(type, assemble(f, false, largest_code(f))));
}

// The value of `to` next to what is outside its range.
Bits clamped(DType to, const Value& v) {
  const Facts& f = facts(to);
  // A scale's smallest value, below which all the others are.
  const bool below = v.negative || (v.cls == Value::Class::kFinite &&
                                    (v.mantissa == 0 || Magnitude(v).top_bit <= -f.bias));
  if (f.specials == Specials::kScale && below) return 0;
  return assemble(f, v.negative, largest_code(f));
}

Converted float_result(DType from, DType to, const Value& v, Mode mode) {
  const Facts& f = facts(to);
  Converted result;
  if (v.cls == Value::Class::kNan) {
    result.bits = encode_nan(to, v);
    result.nan = f.specials == Specials::kNone && mode == Mode::kRaise;
  } else if (v.cls == Value::Class::kInf) {
    // An infinity stays one in types that hold all finite values as well.
    const bool clamps = !has_infinity(f) || largest_finite(from) > largest_finite(to);
    result.bits =
        clamps && mode == Mode::kSaturate ? clamped(to, v) : encode_beyond(to, v.negative);
    result.overflow = !has_infinity(f) && mode == Mode::kRaise;
  } else {
    bool overflow = false;
    result.bits = round_to_float(to, v.negative, v.mantissa, v.exponent, &overflow);
    if (overflow && mode == Mode::kSaturate) result.bits = clamped(to, v);
    result.overflow = overflow && mode == Mode::kRaise;
  }
  return result;
}

Converted integer_result(DType from, DType to, const Value& v, Mode mode, bool nan_raises) {
  constexpr Int128 kInt64Min = -(Int128{1} << 63);
  constexpr Int128 kInt64Max = (Int128{1} << 63) - 1;
  const Facts& f = facts(to);
  const Bits mask = low_bits(f.bits);
  Converted result;
  if (v.cls == Value::Class::kNan) {
    result.nan = nan_raises || mode == Mode::kRaise;
    result.bits = mode == Mode::kSaturate ? 0 : static_cast<Bits>(kInt64Min) & mask;
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
  result.bits = static_cast<Bits>(whole) & mask;
  return result;
}

Value decode_float(const Facts& f, Bits bits) {
  Value v;
  v.negative = f.specials != Specials::kScale && (bits >> (f.bits - 1)) != 0;
  const Bits code = f.specials == Specials::kScale ? bits : bits & low_bits(f.bits - 1);
  const bool is_nan_sign = f.specials == Specials::kZeroSign && v.negative && code == 0;
  if (code > largest_code(f) || is_nan_sign) {
    v.cls = has_infinity(f) && code == infinity_code(f) ? Value::Class::kInf : Value::Class::kNan;
    const auto fraction = static_cast<uint64_t>(code & low_bits(f.fraction_bits));
    if (f.size > 1) v.payload = fraction << (64 - f.fraction_bits);
    return v;
  }
  const auto field = static_cast<int>(code >> f.fraction_bits);
  const bool hidden = field != 0 || f.specials == Specials::kScale;
  v.mantissa =
      static_cast<uint64_t>((Bits{hidden} << f.fraction_bits) | (code & low_bits(f.fraction_bits)));
  v.exponent = (hidden ? field : 1) - f.bias - f.fraction_bits;
  return v;
}

// x87 keeps the integer bit: a number that has it is a normal one also in the smallest field.
Value decode_long_double(const Facts& f, Bits bits) {
  const auto mantissa = static_cast<uint64_t>(bits);
  const Bits field = bits >> 64 & low_bits(f.exponent_bits);
  const bool integer_bit = mantissa >> 63 != 0;
  Value v;
  if (field != 0 && !integer_bit) {
    v.cls = Value::Class::kNan;
    v.negative = true;
  } else if (field == 0) {
    v.negative = bits >> 79 != 0;
    v.mantissa = mantissa;
    v.exponent = 1 - f.bias - f.fraction_bits;
  } else {
    const Bits code = field << f.fraction_bits | (mantissa & low_bits(f.fraction_bits));
    v = decode_float(f, (bits >> 79) << 79 | code);
    v.negative = bits >> 79 != 0;
  }
  return v;
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
int value_bits(DType type) { return facts(type).bits; }
bool is_float(DType type) { return facts(type).family == Family::kFloat; }
bool is_signed_int(DType type) { return facts(type).family == Family::kSigned; }
bool is_unsigned_int(DType type) { return facts(type).family == Family::kUnsigned; }

Value decode(DType type, Bits bits) {
  const Facts& f = facts(type);
  bits &= low_bits(f.bits);
  if (is_long_double(f)) return decode_long_double(f, bits);
  if (f.family == Family::kFloat) return decode_float(f, bits);
  Value v;
  if (f.family == Family::kBool) {
    v.mantissa = bits != 0 ? 1 : 0;
  } else if (f.family == Family::kUnsigned) {
    v.mantissa = static_cast<uint64_t>(bits);
  } else {
    v.negative = (bits >> (f.bits - 1)) != 0;
    v.mantissa = static_cast<uint64_t>(v.negative ? (~bits + 1) & low_bits(f.bits) : bits);
  }
  return v;
}

Bits round_to_float(DType to, bool negative, uint64_t mantissa, int exponent, bool* overflow) {
  const Facts& f = facts(to);
  const bool is_scale = f.specials == Specials::kScale;
  *overflow = is_scale && (negative || mantissa == 0);
  if (*overflow) return encode_nan(to, {});
  if (mantissa == 0) return assemble(f, negative, 0);
  // The result is kept * 2^quantum, kept having at most fraction_bits + 1 bits, and quantum no
  // smaller than that of the subnormals. A scale has none of those.
  const int top_bit = std::bit_width(mantissa) - 1 + exponent;
  const int smallest_quantum = (is_scale ? 0 : 1) - f.bias - f.fraction_bits;
  int quantum = top_bit - f.fraction_bits;
  if (quantum < smallest_quantum) {
    quantum = smallest_quantum;
    *overflow = is_scale;
  }
  const int dropped_bits = quantum - exponent;
  Bits kept = 0;
  if (dropped_bits <= 0) {
    kept = Bits{mantissa} << -dropped_bits;
  } else if (dropped_bits <= 64) {
    // With more than 64 dropped bits even the largest mantissa is less than half a quantum.
    const Bits wide = mantissa;
    const Bits remainder = wide & low_bits(dropped_bits);
    const Bits half = Bits{1} << (dropped_bits - 1);
    kept = wide >> dropped_bits;
    if (remainder > half || (remainder == half && (kept & 1) != 0)) ++kept;
  }
  const Bits hidden_bit = Bits{1} << f.fraction_bits;
  if (kept < hidden_bit) return assemble(f, negative, kept);
  // What was rounded up to the next power of two carries into the exponent field.
  const auto field = static_cast<Bits>(quantum + f.fraction_bits + f.bias);
  const Bits code = (field << f.fraction_bits) + (kept - hidden_bit);
  if (code > largest_code(f)) {
    *overflow = true;
    return encode_beyond(to, negative);
  }
  return assemble(f, negative, code);
}

Converted convert(DType from, Bits bits, DType to, Mode mode, bool nan_raises) {
  if (from == to) return {.bits = bits & low_bits(size(to) * 8)};
  const Value v = decode(from, bits);
  if (to == DType::kBool) {
    return {.bits = v.cls != Value::Class::kFinite || v.mantissa != 0 ? Bits{1} : Bits{0}};
  }
  if (is_float(to)) return float_result(from, to, v, mode);
  return integer_result(from, to, v, mode, nan_raises);
}

DType part_type(DType type) {
  switch (type) {
    case DType::kComplexFloat16:
      return DType::kFloat16;
    case DType::kComplexBFloat16:
      return DType::kBFloat16;
    case DType::kComplexFloat32:
      return DType::kFloat32;
    case DType::kComplexFloat64:
      return DType::kFloat64;
    case DType::kComplexLongDouble:
      return DType::kLongDouble;
    default:
      return type;
  }
}

ConvertedPair convert_complex(DType from, Bits re, Bits im, DType to, Mode mode, bool nan_raises) {
  const DType from_part = part_type(from), to_part = part_type(to);
  const Converted of_re = convert(from_part, re, to_part, mode, nan_raises);
  ConvertedPair result = {of_re.bits, 0, of_re.overflow, of_re.nan};
  // A real number has the imaginary part 0 (+0); one that is dropped says nothing but in bool.
  if (!is_complex(from) || (!is_complex(to) && to != DType::kBool)) return result;
  const Converted of_im = convert(from_part, im, to_part, mode, nan_raises);
  if (to == DType::kBool) {
    result.re |= of_im.bits;
    return result;
  }
  return {of_re.bits, of_im.bits, of_re.overflow || of_im.overflow, of_re.nan || of_im.nan};
}

std::string to_text(DType type, Bits bits) {
  const Value v = decode(type, bits);
  bits &= low_bits(size(type) * 8);
  std::string text = "0x";
  for (int at = size(type) * 8 - 4; at >= 0; at -= 4) {
    text += "0123456789abcdef"[static_cast<int>(bits >> at & 15)];
  }
  text += v.negative ? " (-" : " (";
  if (v.cls == Value::Class::kNan) return text + "nan)";
  if (v.cls == Value::Class::kInf) return text + "inf)";
  text += std::to_string(v.mantissa);
  if (v.exponent != 0) text += " * 2^" + std::to_string(v.exponent);
  return text + ")";
}

Bits load(const void* address, int size, ByteOrder order) {
  const auto* bytes = static_cast<const unsigned char*>(address);
  Bits bits = 0;
  for (int i = 0; i < size; ++i) {
    const int significance = order == ByteOrder::kBig ? size - 1 - i : i;
    bits |= Bits{bytes[i]} << (8 * significance);
  }
  return bits;
}

void store(void* address, int size, Bits bits, ByteOrder order) {
  auto* bytes = static_cast<unsigned char*>(address);
  for (int i = 0; i < size; ++i) {
    const int significance = order == ByteOrder::kBig ? size - 1 - i : i;
    bytes[i] = static_cast<unsigned char>(bits >> (8 * significance));
  }
}

}  // namespace stridecast::reference
