// The element types that stridecast knows, the facts about each, and how a program makes further
// types known. One element is one value; how elements are arranged in an item is format.h, how
// items are arranged in memory is layout.h.
#ifndef STRIDECAST_TYPES_H_
#define STRIDECAST_TYPES_H_

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "stridecast/export.h"
#include "stridecast/kernel_abi.h"

namespace stridecast {
inline namespace v0 {

/// One element type. Every pair of numbers converts, and most pairs of texts; the others move and
/// (where they have a swap unit) byteswap. The first values are dense indices into tables: the
/// arithmetic types, which SIMD lanes hold as they are or (bool, float16, bfloat16) nearly so; then
/// the other real numbers; then the complex ones.
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
  kLongDouble,
  kFloat8E3M4,  ///< from here to kUint4 those of ml_dtypes: a byte each, also where fewer bits
                ///< count
  kFloat8E4M3,
  kFloat8E4M3B11FNUZ,
  kFloat8E4M3FN,
  kFloat8E4M3FNUZ,
  kFloat8E5M2,
  kFloat8E5M2FNUZ,
  kFloat8E8M0FNU,
  kFloat6E2M3FN,
  kFloat6E3M2FN,
  kFloat4E2M1FN,
  kInt1,
  kUint1,
  kInt2,
  kUint2,
  kInt4,
  kUint4,
  kComplexFloat16,
  kComplexBFloat16,
  kComplexFloat32,
  kComplexFloat64,
  kComplexLongDouble,
  kDatetime64,
  kTimedelta64,
  kChar,     ///< c
  kBytes,    ///< s: count = length
  kPascal,   ///< p: count = length
  kUnicode,  ///< w: UCS-4, count = length
  kWchar,    ///< u: wchar_t, count = length
  kPointer,  ///< P & X{} z Z
  kObject,   ///< O
  kStruct,   ///< T{}, and custom types that are stored as one
  kOpaque,   ///< a [module$qualname$param] without a storage, known or not; named padding
};
/// How many there are: of arithmetic types, kBool to kFloat64.
inline constexpr int kNumArithmetic = 13;
/// Of real numbers, kBool to kUint4.
inline constexpr int kNumReal = static_cast<int>(DType::kUint4) + 1;
/// Of numbers, complex ones included.
inline constexpr int kNumNumbers = static_cast<int>(DType::kComplexLongDouble) + 1;
/// Of all types.
inline constexpr int kNumDTypes = static_cast<int>(DType::kOpaque) + 1;

/// The format letter of bfloat16, and after 'Z' of its complex numbers. No other writer has settled
/// on one: here is where it would change (docs/proposal.md).
inline constexpr char kBFloat16Letter = 'E';
/// The same as a text.
inline constexpr char kBFloat16Code[] = {kBFloat16Letter, '\0'};
/// The code of complex numbers of two bfloat16.
inline constexpr char kComplexBFloat16Code[] = {'Z', kBFloat16Letter, '\0'};

/// What sort of thing a type holds.
enum class Kind : uint8_t {
  kBool,      ///< true or false in a byte
  kSigned,    ///< integers
  kUnsigned,  ///< integers from 0 on
  kFloat,     ///< real numbers
  kComplex,   ///< two floats, the real part first
  kTime,      ///< datetime64 and timedelta64
  kText,      ///< characters, of fixed length
  kPointer,   ///< addresses, which only move
  kOther,     ///< structs, Python's objects, bytes of unknown meaning
};

/// Facts about one element type on this host. `size` and `alignment` are 0 where the format
/// decides.
struct TypeFacts {
  DType id;          ///< which type it is
  const char* name;  ///< the words NumPy uses: "float32", "bfloat16", "datetime64"
  const char* code;  ///< the canonical format code of fixed size: "f", "E", "Zd"; "" where custom
  Kind kind;         ///< what sort of thing it holds
  int8_t size;       ///< bytes of one element
  int8_t alignment;  ///< native alignment in bytes
  int8_t swap_unit;  ///< bytes reversed together by a byteswap: 1 means that byte order is void
};

/// The facts about `type`; never fails.
STRIDECAST_API const TypeFacts& type_facts(DType type) noexcept;

/// kBool to kFloat64: the types that C++ or SIMD lanes can hold.
constexpr bool is_arithmetic(DType type) noexcept {
  return static_cast<int>(type) < kNumArithmetic;
}
/// Numbers that are not complex.
constexpr bool is_real(DType type) noexcept { return static_cast<int>(type) < kNumReal; }
/// Every type that converts to every other such type.
constexpr bool is_number(DType type) noexcept { return static_cast<int>(type) < kNumNumbers; }
/// Numbers with two parts.
constexpr bool is_complex(DType type) noexcept { return is_number(type) && !is_real(type); }
/// One of ml_dtypes' types of 8 bits or fewer.
constexpr bool is_narrow(DType type) noexcept { return is_real(type) && type > DType::kLongDouble; }

/// The value of a byte of a type for which is_narrow holds, exact; a NaN has the sign of the byte.
STRIDECAST_API float narrow_value(DType type, uint8_t byte) noexcept;

/// Which byte of an element comes first; kNone: its swap unit is 1, order is void.
enum class ByteOrder : uint8_t { kLittle, kBig, kNone };
/// This machine's order.
inline constexpr ByteOrder kHostOrder =
    std::endian::native == std::endian::little ? ByteOrder::kLittle : ByteOrder::kBig;

/// How a value between two neighbours of the destination is rounded. kDefault: floats to
/// nearest-even, integers from floats towards zero. kStochastic goes up with the probability of the
/// fraction that is dropped: Philox4x32-10 of the seed, the logical index and the leaf of the item,
/// so that the result depends on nothing else (Salmon et al., "Parallel random numbers: as easy as
/// 1, 2, 3", 2011).
enum class Rounding : uint8_t {
  kDefault,
  kNearestEven,
  kTowardsZero,
  kTowardsPositive,
  kTowardsNegative,
  kNearestAway,
  kStochastic,
};

/// What one element of a custom type is, for one parameter. Either `storage` says what it is stored
/// as, and it converts as that does; or its bytes have a meaning that only conversions know.
struct TypeLayout {
  std::string param = {};    ///< as canonical texts write it
  std::string storage = {};  ///< format text of one element or struct in host order: "d",
                             ///< "T{d:re:d:im:}"; "": none
  int64_t size = 0;          ///< bytes; these three count where storage is ""
  int64_t alignment = 1;     ///< bytes, a power of two; never required of memory
  int64_t swap_unit = 1;     ///< bytes reversed together by a byteswap; divides size
};

/// Says in *layout what the type is under `param`, unescaped; false if it has no such parameter.
/// *layout comes filled with what was registered for the empty parameter, and `param` in it. Called
/// while formats are parsed, from any thread; what it throws the parser throws on.
using ParamReader = bool (*)(std::string_view param, TypeLayout* layout, void* context);

/// Kernels between a custom type and one arithmetic type, through which it reaches all others. Both
/// take packed runs of items in host order (see sc_run), and may report SC_ERR_* bits. They do not
/// see the parameter: all parameters of a type with conversions mean the same bytes.
struct TypeConversion {
  DType other = DType::kFloat64;  ///< the arithmetic type
  sc_kernel decode = nullptr;     ///< items of the type -> other; null: none
  sc_kernel encode = nullptr;     ///< other -> items of the type; null: none
  const void* params = nullptr;   ///< sc_run.params of both
  uint32_t needs = 0;  ///< SC_NEEDS_GIL: called by the thread that runs the plan, one at a time
  /// The same kernels with the same params.
  bool operator==(const TypeConversion&) const = default;
};

/// A custom type [module$qualname$param] and all that is known of it.
struct TypeRegistration {
  std::string module = {};                       ///< dotted names, as the text has them
  std::string qualname = {};                     ///< likewise
  TypeLayout layout = {};                        ///< under the empty parameter
  ParamReader read_param = nullptr;              ///< null: no other parameter
  void* context = nullptr;                       ///< of read_param
  std::vector<TypeConversion> conversions = {};  ///< the preferred one first; none beside a storage
};

/// Makes a type known to the whole process, for good: formats that name it have a size, it sits in
/// structs, moves, byteswaps and converts like built-in types. Thread-safe. What kernels and
/// contexts point to must live as long as the process. Formats parsed before stay what they were.
///
///     register_type({.module = "posit", .qualname = "posit16", .layout = {.size = 2,
///                    .alignment = 2, .swap_unit = 2}, .conversions = {{DType::kFloat64, decode,
///                    encode}}});
///     Plan::convert(Layout::contiguous(Format::parse("[posit$posit16$]"), {n}),
///                   Layout::contiguous(Format::parse("f"), {n}));
///
/// The same facts once more change nothing. Throws Error(kInvalidArgument) for other facts about a
/// type that is known already, built-in or registered, and for facts that make no sense; kFormat
/// for a storage that cannot be parsed.
STRIDECAST_API void register_type(const TypeRegistration& registration);

/// Grows with every registration: a format that was parsed before may mean more now.
STRIDECAST_API uint64_t known_types() noexcept;

/// Asked for types that nobody registered: the size and alignment of items of type
/// module.qualname under layout->param, for a host that can look a type up (Python's, in modules
/// that are imported already). False if it does not know the type. Called while formats are parsed,
/// from any thread; what it throws the parser throws on. A swap unit of 0 says that nobody knows
/// how to byteswap it.
using TypeResolver = bool (*)(std::string_view module, std::string_view qualname,
                              TypeLayout* layout);

/// One resolver for the process; null for none.
STRIDECAST_API void set_type_resolver(TypeResolver resolver) noexcept;

}  // namespace v0
}  // namespace stridecast

#endif  // STRIDECAST_TYPES_H_
