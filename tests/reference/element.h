// The oracle for one element: what a value of one arithmetic type becomes in another, by
// docs/numeric_policy.md, in exact integer arithmetic and without a single floating-point
// operation. Slow on purpose. It shares no code with dtypes/, kernels/ or engine/. Arrays are
// strided.h.
#ifndef STRIDECAST_TESTS_REFERENCE_ELEMENT_H_
#define STRIDECAST_TESTS_REFERENCE_ELEMENT_H_

#include <array>
#include <cstdint>
#include <string>

#include "stridecast/types.h"

namespace stridecast::reference {

/// What becomes of a value that does not fit.
enum class Mode : uint8_t { kWrap, kSaturate, kRaise };
inline constexpr std::array<Mode, 3> kModes = {Mode::kWrap, Mode::kSaturate, Mode::kRaise};
const char* mode_name(Mode mode);

/// The 13 types of which every pair converts.
inline constexpr std::array<DType, 13> kTypes = {
    DType::kBool,     DType::kInt8,    DType::kUint8,  DType::kInt16,  DType::kUint16,
    DType::kInt32,    DType::kUint32,  DType::kInt64,  DType::kUint64, DType::kFloat16,
    DType::kBFloat16, DType::kFloat32, DType::kFloat64};

const char* name(DType type);  // "uint8"
int size(DType type);          // bytes
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

/// `bits` holds an element of `type` in its low bytes, as an unsigned integer would.
Value decode(DType type, uint64_t bits);

/// The result of one conversion. With an error the policy leaves `bits` open.
struct Converted {
  uint64_t bits = 0;
  bool overflow = false;  // reported as SC_ERR_OVERFLOW
  bool nan = false;       // reported as SC_ERR_NAN
  bool error() const { return overflow || nan; }
};

/// `nan_raises`: a NaN that would become an integer is an error in every mode.
Converted convert(DType from, uint64_t bits, DType to, Mode mode, bool nan_raises = false);

/// The integer `mantissa * 2^exponent` rounded once, nearest-even, to the float type `to`. For
/// building inputs near halfway points as much as for expected values.
uint64_t round_to_float(DType to, bool negative, uint64_t mantissa, int exponent, bool* overflow);

/// "0x3f81 (1.0078125)" for failure messages.
std::string to_text(DType type, uint64_t bits);

/// Element access at any address, in either byte order.
uint64_t load(const void* address, int size, ByteOrder order = kHostOrder);
void store(void* address, int size, uint64_t bits, ByteOrder order = kHostOrder);

}  // namespace stridecast::reference

#endif  // STRIDECAST_TESTS_REFERENCE_ELEMENT_H_
