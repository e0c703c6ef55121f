// The one table of element facts: by DType (type_facts) and by format letter (code_facts). Sizes
// and alignments are asked of the compiler, so that the tables are right on any 64-bit host. How
// sizes and alignments make offsets is struct_layout.cc.

#include "dtypes/dtype_table.h"

#include <array>
#include <cstddef>

namespace stridecast {
inline namespace v0 {
namespace {

constexpr int8_t kPointerSize = sizeof(void*);
constexpr int8_t kLongDoubleSize = sizeof(long double);
constexpr int8_t kLongDoubleAlign = alignof(long double);
constexpr int8_t kWcharSize = sizeof(wchar_t);

// In the order of DType. Size 0 where the format decides (a length, a struct, a custom type).
constexpr std::array<TypeFacts, kNumDTypes> kTypes = {{
    {DType::kBool, "bool", "?", Kind::kBool, 1, 1, 1},
    {DType::kInt8, "int8", "b", Kind::kSigned, 1, 1, 1},
    {DType::kUint8, "uint8", "B", Kind::kUnsigned, 1, 1, 1},
    {DType::kInt16, "int16", "h", Kind::kSigned, 2, alignof(int16_t), 2},
    {DType::kUint16, "uint16", "H", Kind::kUnsigned, 2, alignof(uint16_t), 2},
    {DType::kInt32, "int32", "i", Kind::kSigned, 4, alignof(int32_t), 4},
    {DType::kUint32, "uint32", "I", Kind::kUnsigned, 4, alignof(uint32_t), 4},
    {DType::kInt64, "int64", "q", Kind::kSigned, 8, alignof(int64_t), 8},
    {DType::kUint64, "uint64", "Q", Kind::kUnsigned, 8, alignof(uint64_t), 8},
    {DType::kFloat16, "float16", "e", Kind::kFloat, 2, alignof(uint16_t), 2},
    {DType::kBFloat16, "bfloat16", kBFloat16Code, Kind::kFloat, 2, alignof(uint16_t), 2},
    {DType::kFloat32, "float32", "f", Kind::kFloat, 4, alignof(float), 4},
    {DType::kFloat64, "float64", "d", Kind::kFloat, 8, alignof(double), 8},
    {DType::kLongDouble, "longdouble", "g", Kind::kFloat, kLongDoubleSize, kLongDoubleAlign,
     kLongDoubleSize},
    {DType::kFloat8E3M4, "float8_e3m4", "", Kind::kFloat, 1, 1, 1},
    {DType::kFloat8E4M3, "float8_e4m3", "", Kind::kFloat, 1, 1, 1},
    {DType::kFloat8E4M3B11FNUZ, "float8_e4m3b11fnuz", "", Kind::kFloat, 1, 1, 1},
    {DType::kFloat8E4M3FN, "float8_e4m3fn", "", Kind::kFloat, 1, 1, 1},
    {DType::kFloat8E4M3FNUZ, "float8_e4m3fnuz", "", Kind::kFloat, 1, 1, 1},
    {DType::kFloat8E5M2, "float8_e5m2", "", Kind::kFloat, 1, 1, 1},
    {DType::kFloat8E5M2FNUZ, "float8_e5m2fnuz", "", Kind::kFloat, 1, 1, 1},
    {DType::kFloat8E8M0FNU, "float8_e8m0fnu", "", Kind::kFloat, 1, 1, 1},
    {DType::kFloat6E2M3FN, "float6_e2m3fn", "", Kind::kFloat, 1, 1, 1},
    {DType::kFloat6E3M2FN, "float6_e3m2fn", "", Kind::kFloat, 1, 1, 1},
    {DType::kFloat4E2M1FN, "float4_e2m1fn", "", Kind::kFloat, 1, 1, 1},
    {DType::kInt1, "int1", "", Kind::kSigned, 1, 1, 1},
    {DType::kUint1, "uint1", "", Kind::kUnsigned, 1, 1, 1},
    {DType::kInt2, "int2", "", Kind::kSigned, 1, 1, 1},
    {DType::kUint2, "uint2", "", Kind::kUnsigned, 1, 1, 1},
    {DType::kInt4, "int4", "", Kind::kSigned, 1, 1, 1},
    {DType::kUint4, "uint4", "", Kind::kUnsigned, 1, 1, 1},
    {DType::kComplexFloat16, "complex32", "Ze", Kind::kComplex, 4, alignof(uint16_t), 2},
    {DType::kComplexBFloat16, "bcomplex32", kComplexBFloat16Code, Kind::kComplex, 4,
     alignof(uint16_t), 2},
    {DType::kComplexFloat32, "complex64", "Zf", Kind::kComplex, 8, alignof(float), 4},
    {DType::kComplexFloat64, "complex128", "Zd", Kind::kComplex, 16, alignof(double), 8},
    {DType::kComplexLongDouble, "clongdouble", "Zg", Kind::kComplex, 2 * kLongDoubleSize,
     kLongDoubleAlign, kLongDoubleSize},
    {DType::kDatetime64, "datetime64", "", Kind::kTime, 8, alignof(int64_t), 8},
    {DType::kTimedelta64, "timedelta64", "", Kind::kTime, 8, alignof(int64_t), 8},
    {DType::kChar, "char", "c", Kind::kText, 1, 1, 1},
    {DType::kBytes, "bytes", "s", Kind::kText, 0, 1, 1},
    {DType::kPascal, "pascal", "p", Kind::kText, 0, 1, 1},
    {DType::kUnicode, "str", "w", Kind::kText, 0, alignof(char32_t), 4},
    {DType::kWchar, "wchar", "u", Kind::kText, 0, alignof(wchar_t), kWcharSize},
    {DType::kPointer, "pointer", "P", Kind::kPointer, kPointerSize, alignof(void*), kPointerSize},
    {DType::kObject, "object", "O", Kind::kPointer, kPointerSize, alignof(void*), kPointerSize},
    {DType::kStruct, "struct", "T", Kind::kOther, 0, 0, 1},
    {DType::kOpaque, "opaque", "", Kind::kOther, 0, 0, 0},
}};

constexpr bool in_order() {
  for (size_t i = 0; i < kTypes.size(); ++i) {
    if (kTypes[i].id != static_cast<DType>(i)) return false;
  }
  return true;
}
static_assert(in_order(), "kTypes must follow the order of DType");

}  // namespace

const TypeFacts& type_facts(DType type) noexcept { return kTypes[static_cast<size_t>(type)]; }

}  // namespace v0

namespace internal {
namespace {

struct Letter {
  char letter;
  CodeFacts facts;
};

// An arithmetic or complex code whose size is the same natively and in the standard.
constexpr CodeFacts fixed(DType type) {
  const TypeFacts& t = kTypes[static_cast<size_t>(type)];
  return {type, true, false, SwappedForm::kSwaps, t.size, t.alignment, t.size};
}

// long, ssize_t: an integer of the host's own size; `standard` is 0 where no standard size exists.
template <typename T>
constexpr CodeFacts host_integer(int8_t standard) {
  constexpr bool is_signed = static_cast<T>(-1) < static_cast<T>(0);
  constexpr DType type = sizeof(T) == 8 ? (is_signed ? DType::kInt64 : DType::kUint64)
                                        : (is_signed ? DType::kInt32 : DType::kUint32);
  return {type, true, false, SwappedForm::kSwaps, sizeof(T), alignof(T), standard};
}

constexpr CodeFacts text_of(DType type, int8_t unit) {
  const TypeFacts& t = kTypes[static_cast<size_t>(type)];
  return {type, true, true, SwappedForm::kSwaps, unit, t.alignment, unit};
}

// Types that exist in the host's own form only, also where a standard mark is in force: ctypes
// marks every leaf, pointers and long double included.
constexpr CodeFacts host_only(DType type, SwappedForm swapped) {
  const TypeFacts& t = kTypes[static_cast<size_t>(type)];
  return {type, true, false, swapped, t.size, t.alignment, t.size};
}

constexpr Letter kLetters[] = {
    {'?', fixed(DType::kBool)},
    {'b', fixed(DType::kInt8)},
    {'B', fixed(DType::kUint8)},
    {'h', fixed(DType::kInt16)},
    {'H', fixed(DType::kUint16)},
    {'i', fixed(DType::kInt32)},
    {'I', fixed(DType::kUint32)},
    {'l', host_integer<long>(4)},           // NOLINT(runtime/int): the code means C's long
    {'L', host_integer<unsigned long>(4)},  // NOLINT(runtime/int)
    {'q', fixed(DType::kInt64)},
    {'Q', fixed(DType::kUint64)},
    {'n', host_integer<std::ptrdiff_t>(0)},
    {'N', host_integer<size_t>(0)},
    {'e', fixed(DType::kFloat16)},
    {kBFloat16Letter, fixed(DType::kBFloat16)},
    {'f', fixed(DType::kFloat32)},
    {'d', fixed(DType::kFloat64)},
    {'g', host_only(DType::kLongDouble, SwappedForm::kNone)},
    {'F', fixed(DType::kComplexFloat32)},
    {'D', fixed(DType::kComplexFloat64)},
    {'G', host_only(DType::kComplexLongDouble, SwappedForm::kNone)},
    {'c', fixed(DType::kChar)},
    // Padding; with a name a field of bytes without meaning (NumPy's void).
    {'x', {DType::kOpaque, true, true, SwappedForm::kSwaps, 1, 1, 1}},
    {'s', text_of(DType::kBytes, 1)},
    {'p', text_of(DType::kPascal, 1)},
    {'w', text_of(DType::kUnicode, 4)},
    {'u', text_of(DType::kWchar, kWcharSize)},
    {'P', host_only(DType::kPointer, SwappedForm::kNone)},
    {'z', host_only(DType::kPointer, SwappedForm::kNone)},
    // NumPy never marks 'O', so that "T{>i:a:O:o:}" holds pointers of the host.
    {'O', host_only(DType::kObject, SwappedForm::kIgnoresMark)},
};

constexpr Letter kComplexLetters[] = {
    {'e', fixed(DType::kComplexFloat16)},
    {kBFloat16Letter, fixed(DType::kComplexBFloat16)},
    {'f', fixed(DType::kComplexFloat32)},
    {'d', fixed(DType::kComplexFloat64)},
    {'g', host_only(DType::kComplexLongDouble, SwappedForm::kNone)},
};

using LetterTable = std::array<CodeFacts, 256>;

template <size_t n>
constexpr LetterTable index_by_letter(const Letter (&letters)[n]) {
  LetterTable table{};
  for (const Letter& l : letters) table[static_cast<unsigned char>(l.letter)] = l.facts;
  return table;
}

constexpr LetterTable kByLetter = index_by_letter(kLetters);
constexpr LetterTable kByComplexLetter = index_by_letter(kComplexLetters);
constexpr CodeFacts kPointerFacts = host_only(DType::kPointer, SwappedForm::kIgnoresMark);

}  // namespace

const CodeFacts& code_facts(char letter) noexcept {
  return kByLetter[static_cast<unsigned char>(letter)];
}

const CodeFacts& complex_facts(char letter) noexcept {
  return kByComplexLetter[static_cast<unsigned char>(letter)];
}

const CodeFacts& pointer_facts() noexcept { return kPointerFacts; }

}  // namespace internal
}  // namespace stridecast
