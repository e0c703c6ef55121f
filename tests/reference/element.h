// The oracle for one element: what a value of one type of number becomes in another, by
// docs/numeric_policy.md, in exact integer arithmetic and without a single floating-point
// operation. Slow on purpose. It shares no code with dtypes/, kernels/ or engine/. Arrays are
// strided.h. Of long double it knows x87's 80 bits only (kKnowsLongDouble).
#ifndef STRIDECAST_TESTS_REFERENCE_ELEMENT_H_
#define STRIDECAST_TESTS_REFERENCE_ELEMENT_H_

#include <array>
#include <cfloat>
#include <cstdint>
#include <string>

#include "stridecast/types.h"

namespace stridecast::reference {

/// The bits of an element as an unsigned integer: a long double has 80, its item 128. What is
/// known to be narrower may be kept in a uint64_t.
__extension__ typedef unsigned __int128 Bits;

/// What becomes of a value that does not fit.
enum class Mode : uint8_t { kWrap, kSaturate, kRaise };
inline constexpr std::array<Mode, 3> kModes = {Mode::kWrap, Mode::kSaturate, Mode::kRaise};
const char* mode_name(Mode mode);

/// The arithmetic types, which have a kernel for nearly every pair.
inline constexpr std::array<DType, 13> kTypes = {
    DType::kBool,     DType::kInt8,    DType::kUint8,  DType::kInt16,  DType::kUint16,
    DType::kInt32,    DType::kUint32,  DType::kInt64,  DType::kUint64, DType::kFloat16,
    DType::kBFloat16, DType::kFloat32, DType::kFloat64};

/// All real types: those, long double, and the types of 8 bits and fewer.
inline constexpr std::array<DType, kNumReal> kRealTypes = [] {
  std::array<DType, kNumReal> types{};
  for (size_t i = 0; i < types.size(); ++i) types[i] = static_cast<DType>(i);
  return types;
}();
inline constexpr bool kKnowsLongDouble = LDBL_MANT_DIG == 64;

// Facts about real types.
const char* name(DType type);  // "uint8"
int size(DType type);          // bytes of an item
int value_bits(DType type);    // its low bits that count: 80 of long double, 4 of int4; of bool all
bool is_float(DType type);
bool is_signed_int(DType type);
bool is_unsigned_int(DType type);  // not bool

/// A number, decoded: +-mantissa * 2^exponent, an infinity, or a NaN.
struct Value {
  enum class Class : uint8_t { kFinite, kInf, kNan } cls = Class::kFinite;
  bool negative = false;
  uint64_t mantissa = 0;
  int exponent = 0;
  uint64_t payload = 0;  // of a NaN: its fraction field, the quiet bit in bit 63
};

/// `bits` holds an element of `type` in its low bytes, as an unsigned integer would. What x87 calls
/// an invalid operand (a normal number without its integer bit) is the NaN that it makes of it.
Value decode(DType type, Bits bits);

/// The result of one conversion. With an error the policy leaves `bits` open.
struct Converted {
  Bits bits = 0;
  bool overflow = false;  // reported as SC_ERR_OVERFLOW
  bool nan = false;       // reported as SC_ERR_NAN
  bool error() const { return overflow || nan; }
};

/// `nan_raises`: a NaN that would become an integer is an error in every mode.
Converted convert(DType from, Bits bits, DType to, Mode mode, bool nan_raises = false);

/// The real type of a complex number's parts; of a real type itself.
DType part_type(DType type);

/// The same for all numbers, complex ones as pairs of their parts. Of a real `from` the imaginary
/// part is not looked at, of a real `to` it is 0.
struct ConvertedPair {
  Bits re = 0, im = 0;
  bool overflow = false, nan = false;
  bool error() const { return overflow || nan; }
};
ConvertedPair convert_complex(DType from, Bits re, Bits im, DType to, Mode mode,
                              bool nan_raises = false);

/// The integer `mantissa * 2^exponent` rounded once, nearest-even, to the float type `to`; what
/// does not fit as wrap has it, and *overflow says that raise complains. For building inputs near
/// halfway points as much as for expected values.
Bits round_to_float(DType to, bool negative, uint64_t mantissa, int exponent, bool* overflow);

/// "0x3f81 (1.0078125)" for failure messages.
std::string to_text(DType type, Bits bits);

/// Element access at any address, in either byte order.
Bits load(const void* address, int size, ByteOrder order = kHostOrder);
void store(void* address, int size, Bits bits, ByteOrder order = kHostOrder);

}  // namespace stridecast::reference

#endif  // STRIDECAST_TESTS_REFERENCE_ELEMENT_H_
