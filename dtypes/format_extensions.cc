// The table of known custom types, see format_extensions.h. A new type is one row here.

#include "dtypes/format_extensions.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <string_view>
#include <utility>

#include "dtypes/dtype_table.h"
#include "dtypes/time_unit.h"
#include "dtypes/type_registry.h"

namespace stridecast::internal {
namespace {

// Reads a parameter: writes its canonical form and, of a type whose DType does not say it, the
// size, alignment and swap unit. False if the type has no such parameter.
using Reader = bool (*)(std::string_view param, CustomFacts* facts);

bool no_param(std::string_view param, CustomFacts*) { return param.empty(); }

bool time_unit_param(std::string_view param, CustomFacts* facts) {
  TimeUnit unit;
  if (!parse_time_unit(param, &unit)) return false;
  facts->param = unit_text(unit);
  return true;
}

// Items that are one number of `size` bytes.
void set_number(int64_t size, CustomFacts* facts) {
  facts->size = facts->swap_unit = size;
  facts->alignment = std::min<int64_t>(size, 16);
}

// Days since 1970-01-01 in 32 bits.
bool date_param(std::string_view param, CustomFacts* facts) {
  set_number(4, facts);
  return param.empty();
}

// 64 bits in a unit: "us", and for times with a zone "us,Europe/Paris".
bool zoned_unit_param(std::string_view param, CustomFacts* facts) {
  const size_t comma = std::min(param.find(','), param.size());
  if (!time_unit_param(param.substr(0, comma), facts)) return false;
  set_number(8, facts);
  facts->param += param.substr(comma);
  return param.size() != comma + 1;
}

bool duration_param(std::string_view param, CustomFacts* facts) {
  set_number(8, facts);
  return time_unit_param(param, facts);
}

// The bytes of a UUID, in the order in which it is written.
bool uuid_param(std::string_view param, CustomFacts* facts) {
  facts->size = 16;
  facts->swap_unit = 1;
  return param.empty();
}

// "precision,scale,bits": a two's complement number of 32 to 256 bits.
bool decimal_param(std::string_view param, CustomFacts* facts) {
  int64_t numbers[3] = {};
  const char* at = param.data();
  const char* const end = at + param.size();
  for (int k = 0; k < 3; ++k) {
    if (k > 0 && (at == end || *at++ != ',')) return false;
    const auto [stop, error] = std::from_chars(at, end, numbers[k]);
    if (error != std::errc() || stop == at) return false;
    at = stop;
  }
  const auto [precision, scale, bits] = numbers;
  const bool known = bits == 32 || bits == 64 || bits == 128 || bits == 256;
  if (at != end || !known || precision < 1 || precision > 76) return false;
  facts->param =
      std::to_string(precision) + "," + std::to_string(scale) + "," + std::to_string(bits);
  set_number(bits / 8, facts);
  return true;
}

// The letter of the codes, and whether their order means something. What they stand for travels
// elsewhere.
bool categorical_param(std::string_view param, CustomFacts* facts) {
  if (param.empty() || std::string_view("bhiqBHIQ").find(param[0]) == std::string_view::npos) {
    return false;
  }
  facts->param = param;
  set_number(code_facts(param[0]).native_size, facts);
  return param.size() == 1 || param.substr(1) == ",ordered";
}

// Four doubles.
bool quaternion_param(std::string_view param, CustomFacts* facts) {
  facts->size = 32;
  facts->alignment = facts->swap_unit = 8;
  return param.empty();
}

// 16 bytes, of one of two libraries.
bool quad_param(std::string_view param, CustomFacts* facts) {
  set_number(16, facts);
  facts->param = param;
  return param == "sleef" || param == "longdouble";
}

struct CustomEntry {
  std::string_view module;
  std::string_view qualname;
  DType type;  // gives size, alignment and swap unit where it has them
  Reader read;
};

constexpr CustomEntry kEntries[] = {
    {"numpy", "datetime64", DType::kDatetime64, time_unit_param},
    {"numpy", "timedelta64", DType::kTimedelta64, time_unit_param},
    // Types with a code of their own; the canonical text uses that.
    {"ml_dtypes", "bfloat16", DType::kBFloat16, no_param},
    {"ml_dtypes", "complex32", DType::kComplexFloat16, no_param},
    {"ml_dtypes", "bcomplex32", DType::kComplexBFloat16, no_param},
    // One value a byte, also where fewer bits count.
    {"ml_dtypes", "float8_e3m4", DType::kFloat8E3M4, no_param},
    {"ml_dtypes", "float8_e4m3", DType::kFloat8E4M3, no_param},
    {"ml_dtypes", "float8_e4m3b11fnuz", DType::kFloat8E4M3B11FNUZ, no_param},
    {"ml_dtypes", "float8_e4m3fn", DType::kFloat8E4M3FN, no_param},
    {"ml_dtypes", "float8_e4m3fnuz", DType::kFloat8E4M3FNUZ, no_param},
    {"ml_dtypes", "float8_e5m2", DType::kFloat8E5M2, no_param},
    {"ml_dtypes", "float8_e5m2fnuz", DType::kFloat8E5M2FNUZ, no_param},
    {"ml_dtypes", "float8_e8m0fnu", DType::kFloat8E8M0FNU, no_param},
    {"ml_dtypes", "float6_e2m3fn", DType::kFloat6E2M3FN, no_param},
    {"ml_dtypes", "float6_e3m2fn", DType::kFloat6E3M2FN, no_param},
    {"ml_dtypes", "float4_e2m1fn", DType::kFloat4E2M1FN, no_param},
    {"ml_dtypes", "int1", DType::kInt1, no_param},
    {"ml_dtypes", "uint1", DType::kUint1, no_param},
    {"ml_dtypes", "int2", DType::kInt2, no_param},
    {"ml_dtypes", "uint2", DType::kUint2, no_param},
    {"ml_dtypes", "int4", DType::kInt4, no_param},
    {"ml_dtypes", "uint4", DType::kUint4, no_param},
    // Known by their size: they travel, move and byteswap.
    {"datetime", "date", DType::kOpaque, date_param},
    {"datetime", "datetime", DType::kOpaque, zoned_unit_param},
    {"datetime", "timedelta", DType::kOpaque, duration_param},
    {"decimal", "Decimal", DType::kOpaque, decimal_param},
    {"uuid", "UUID", DType::kOpaque, uuid_param},
    {"pandas", "CategoricalDtype", DType::kOpaque, categorical_param},
    {"quaternion", "quaternion", DType::kOpaque, quaternion_param},
    {"numpy_quaddtype", "QuadPrecDType", DType::kOpaque, quad_param},
};

const CustomEntry* find_entry(std::string_view module, std::string_view qualname) {
  for (const CustomEntry& entry : kEntries) {
    if (entry.qualname == qualname && entry.module == module) return &entry;
  }
  return nullptr;
}

// How a trial build of NumPy writes types of numpy: a class, a unit and a multiple, both numbers in
// hexadecimal.
struct ForeignSpelling {
  std::string_view prefix;
  std::string_view qualname;
};

constexpr ForeignSpelling kForeign[] = {
    {"numpy$numpy.dtypes:TimeDelta64DType:", "timedelta64"},
    {"numpy$numpy.dtypes:DateTime64DType:", "datetime64"},
};

// In the order of NPY_DATETIMEUNIT, which has one value out of use; the last is the generic unit.
constexpr std::string_view kNumpyUnits[] = {"Y",  "M",  "W",  "?",  "D",  "h",  "m", "s",
                                            "ms", "us", "ns", "ps", "fs", "as", ""};

// All of `text` as a number in lower-case hexadecimal.
bool read_hex(std::string_view text, uint64_t* value) {
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), *value, 16);
  return error == std::errc() && stop == text.data() + text.size() && !text.empty();
}

}  // namespace

Resolution resolve_custom(const CustomType& type, CustomFacts* facts) {
  *facts = CustomFacts{};
  const CustomEntry* entry = find_entry(type.module, type.qualname);
  if (entry == nullptr) return resolve_registered(type, facts);
  facts->type = entry->type;
  if (const TypeFacts& known = type_facts(entry->type); known.size > 0) {
    facts->size = known.size;
    facts->alignment = known.alignment;
    facts->swap_unit = known.swap_unit;
  }
  return entry->read(type.param, facts) ? Resolution::kKnown : Resolution::kBadParam;
}

bool has_code(const CustomType& type) noexcept {
  const CustomEntry* entry = find_entry(type.module, type.qualname);
  return entry != nullptr && type_facts(entry->type).code[0] != '\0';
}

bool is_builtin(std::string_view module, std::string_view qualname) noexcept {
  return find_entry(module, qualname) != nullptr;
}

bool read_foreign_spelling(std::string_view alternative, CustomType* type) {
  for (const ForeignSpelling& spelling : kForeign) {
    if (!alternative.starts_with(spelling.prefix)) continue;
    const std::string_view numbers = alternative.substr(spelling.prefix.size());
    const size_t colon = numbers.find(':');
    uint64_t unit = 0;
    uint64_t multiple = 0;
    if (colon == std::string_view::npos || !read_hex(numbers.substr(0, colon), &unit) ||
        !read_hex(numbers.substr(colon + 1), &multiple) || unit >= std::size(kNumpyUnits)) {
      return false;
    }
    std::string param(kNumpyUnits[unit]);
    if (!param.empty()) param = std::to_string(multiple) + param;
    TimeUnit parsed;
    if (!parse_time_unit(param, &parsed)) return false;
    *type = {"numpy", std::string(spelling.qualname), std::move(param)};
    return true;
  }
  return false;
}

}  // namespace stridecast::internal
