// The element types that stridecast knows, and the facts about each. One element is one value; how
// elements are arranged in an item is format.h, how items are arranged in memory is layout.h.
#ifndef STRIDECAST_TYPES_H_
#define STRIDECAST_TYPES_H_

#include <bit>
#include <cstdint>

#include "stridecast/export.h"

namespace stridecast {
inline namespace v0 {

/// One element type. The first kNumArithmetic values are dense indices into the kernel tables:
/// every pair of them converts. The others move and (where they have a swap unit) byteswap.
enum class DType : uint8_t {
  kBool,
  kInt8,
  kUint8,
  kInt16,
  kUint16,
  kInt32,
  kUint32,
  kInt64,
  kUint64,
  kFloat16,
  kBFloat16,
  kFloat32,
  kFloat64,
  // Not converted so far.
  kLongDouble,
  kComplexFloat16,
  kComplexBFloat16,
  kComplexFloat32,
  kComplexFloat64,
  kComplexLongDouble,
  kDatetime64,
  kTimedelta64,
  kMlDtypes,  // an 8-bit-or-smaller ml_dtypes type; Field::custom says which
  kChar,      // c
  kBytes,     // s: count = length
  kPascal,    // p: count = length
  kUnicode,   // w: UCS-4, count = length
  kWchar,     // u: wchar_t, count = length
  kPointer,   // P & X{} z Z
  kObject,    // O
  kStruct,    // T{}
  kOpaque,    // a [module$qualname$param] that nobody has registered; named padding
};
inline constexpr int kNumArithmetic = 13;
inline constexpr int kNumDTypes = static_cast<int>(DType::kOpaque) + 1;

enum class Kind : uint8_t {
  kBool,
  kSigned,
  kUnsigned,
  kFloat,
  kComplex,
  kTime,
  kText,
  kPointer,
  kOther,
};

/// Facts about one element type on this host. `size` and `alignment` are 0 where the format
/// decides.
struct TypeFacts {
  DType id;
  const char* name;  // the words NumPy uses: "float32", "bfloat16", "datetime64"
  const char* code;  // the canonical format code of fixed size: "f", "E", "Zd"; "" where custom
  Kind kind;
  int8_t size;       // bytes of one element
  int8_t alignment;  // native alignment in bytes
  int8_t swap_unit;  // bytes reversed together by a byteswap: 1 means that byte order is void
};

/// The facts about `type`; never fails.
STRIDECAST_API const TypeFacts& type_facts(DType type) noexcept;

constexpr bool is_arithmetic(DType type) noexcept {
  return static_cast<int>(type) < kNumArithmetic;
}

enum class ByteOrder : uint8_t { kLittle, kBig, kNone };  // kNone: swap unit 1, order is void
inline constexpr ByteOrder kHostOrder =
    std::endian::native == std::endian::little ? ByteOrder::kLittle : ByteOrder::kBig;

}  // namespace v0
}  // namespace stridecast

#endif  // STRIDECAST_TYPES_H_
