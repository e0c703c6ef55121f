// Elements as text, see scalar_text.h. The conversions of float16 and bfloat16 are the plain scalar
// ones: this runs once per error.

#include "dtypes/scalar_text.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>

#include "dtypes/cast_rules.h"
#include "dtypes/narrow_types.h"

namespace stridecast::internal {
namespace {

// `size` bytes at p, each unit in the host's order.
template <typename T>
T load(const unsigned char* p, bool swapped) noexcept {
  unsigned char bytes[sizeof(T)];
  std::memcpy(bytes, p, sizeof(T));
  if (swapped) std::reverse(bytes, bytes + sizeof(T));
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

float float16_to_float(uint16_t bits) noexcept {
  const int exponent = (bits >> 10) & 0x1F;
  const int fraction = bits & 0x3FF;
  float magnitude = 0;
  if (exponent == 0) {
    magnitude = std::ldexp(static_cast<float>(fraction), -24);
  } else if (exponent == 31) {
    magnitude = fraction == 0 ? std::numeric_limits<float>::infinity()
                              : std::numeric_limits<float>::quiet_NaN();
  } else {
    magnitude = std::ldexp(static_cast<float>(fraction + 0x400), exponent - 25);
  }
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

float bfloat16_to_float(uint16_t bits) noexcept {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

// A buffer that takes what fits and always ends in a NUL.
class Text {
 public:
  Text(char* out, size_t n) noexcept : out_(out), left_(n - 1) { *out_ = '\0'; }

  void append(const char* text, size_t size) noexcept {
    const size_t taken = std::min(size, left_);
    std::memcpy(out_, text, taken);
    out_ += taken;
    left_ -= taken;
    *out_ = '\0';
  }
  void append(const char* text) noexcept { append(text, std::strlen(text)); }
  template <typename T>
  void append_number(T value) noexcept {
    char digits[64];
    const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), value);
    if (error == std::errc()) append(digits, static_cast<size_t>(end - digits));
  }
  template <typename T>
  void append_float(T value) noexcept {
    if (std::isnan(value)) {
      append(std::signbit(value) ? "-nan" : "nan");
    } else {
      append_number(value);
    }
  }

 private:
  char* out_;
  size_t left_;
};

void append_time(int64_t value, Text* text) noexcept {
  if (value == std::numeric_limits<int64_t>::min()) {
    text->append("NaT");
  } else {
    text->append_number(value);
  }
}

// As one number where the order of the bytes says which is the most significant one, else as they
// lie in memory; no more of them than are worth reading.
void append_hex(const unsigned char* p, int64_t size, ByteOrder order, Text* text) noexcept {
  static constexpr char kDigits[] = "0123456789abcdef";
  constexpr int64_t kNumber = 8, kMost = 16;
  const bool reversed = order == ByteOrder::kLittle && size <= kNumber;
  text->append("0x");
  for (int64_t i = 0; i < std::min(size, kMost); ++i) {
    const unsigned char byte = p[reversed ? size - 1 - i : i];
    const char pair[] = {kDigits[byte >> 4], kDigits[byte & 15]};
    text->append(pair, 2);
  }
  if (size > kMost) text->append("...");
}

// A text in quotes; what is no printable ASCII as a hexadecimal number.
void append_text(const unsigned char* p, int64_t size, int64_t unit, bool swapped,
                 Text* text) noexcept {
  const auto character = [&](int64_t i) {
    return unit == 1 ? uint32_t{p[i]} : load<uint32_t>(p + i * unit, swapped);
  };
  int64_t length = size / unit;
  while (length > 0 && character(length - 1) == 0) --length;
  text->append("'");
  for (int64_t i = 0; i < length; ++i) {
    const uint32_t c = character(i);
    char shown[16] = {static_cast<char>(c)};
    const bool plain = c >= 0x20 && c < 0x7F && c != '\\' && c != '\'';
    if (!plain) std::snprintf(shown, sizeof(shown), c < 0x100 ? "\\x%02x" : "\\u%04x", c);
    text->append(shown);
  }
  text->append("'");
}

}  // namespace

void format_value(DType type, ByteOrder order, const void* pointer, int64_t size, char* out,
                  size_t n) noexcept {
  if (n == 0) return;
  Text text(out, n);
  const unsigned char* p = static_cast<const unsigned char*>(pointer);
  const bool swapped = order != ByteOrder::kNone && order != kHostOrder;
  if (is_narrow(type)) {
    const float value = narrow_value(type, *p);
    return type_facts(type).kind == Kind::kFloat ? text.append_float(value)
                                                 : text.append_number(static_cast<int>(value));
  }
  switch (type) {
    case DType::kBool:
      return text.append(*p != 0 ? "true" : "false");
    case DType::kInt8:
      return text.append_number(int{load<int8_t>(p, swapped)});
    case DType::kUint8:
      return text.append_number(int{*p});
    case DType::kInt16:
      return text.append_number(load<int16_t>(p, swapped));
    case DType::kUint16:
      return text.append_number(load<uint16_t>(p, swapped));
    case DType::kInt32:
      return text.append_number(load<int32_t>(p, swapped));
    case DType::kUint32:
      return text.append_number(load<uint32_t>(p, swapped));
    case DType::kInt64:
      return text.append_number(load<int64_t>(p, swapped));
    case DType::kUint64:
      return text.append_number(load<uint64_t>(p, swapped));
    case DType::kFloat16:
      return text.append_float(float16_to_float(load<uint16_t>(p, swapped)));
    case DType::kBFloat16:
      return text.append_float(bfloat16_to_float(load<uint16_t>(p, swapped)));
    case DType::kFloat32:
      return text.append_float(load<float>(p, swapped));
    case DType::kFloat64:
      return text.append_float(load<double>(p, swapped));
    case DType::kLongDouble:
      return text.append_float(load<long double>(p, swapped));
    case DType::kDatetime64:
    case DType::kTimedelta64:
      return append_time(load<int64_t>(p, swapped), &text);
    case DType::kChar:
    case DType::kBytes:
      return append_text(p, size, 1, swapped, &text);
    case DType::kUnicode:
      return append_text(p, size, 4, swapped, &text);
    default:
      break;
  }
  if (!is_complex(type)) return append_hex(p, size, order, &text);
  const DType part = component_type(type);
  char parts[2][40];
  for (int k = 0; k < 2; ++k) {
    format_value(part, order, p + k * (size / 2), size / 2, parts[k], sizeof(parts[k]));
  }
  text.append(parts[0]);
  if (parts[1][0] != '-') text.append("+");
  text.append(parts[1]);
  text.append("j");
}

}  // namespace stridecast::internal
