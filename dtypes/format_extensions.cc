// The table of known custom types, see format_extensions.h. A new type is one row here.

#include "dtypes/format_extensions.h"

#include <charconv>
#include <limits>
#include <string_view>

namespace stridecast::internal {
namespace {

// Reads a parameter and writes its canonical form; false if the type has no such parameter.
using ParamReader = bool (*)(std::string_view param, std::string* canonical);

bool no_param(std::string_view param, std::string*) { return param.empty(); }

bool time_unit_param(std::string_view param, std::string* canonical) {
  TimeUnit unit;
  if (!parse_time_unit(param, &unit)) return false;
  *canonical = unit.unit;
  if (unit.multiple != 1) *canonical = std::to_string(unit.multiple) + *canonical;
  return true;
}

struct CustomEntry {
  std::string_view module;
  std::string_view qualname;
  DType type;  // gives size, alignment and swap unit
  ParamReader read_param;
};

constexpr CustomEntry kEntries[] = {
    {"numpy", "datetime64", DType::kDatetime64, time_unit_param},
    {"numpy", "timedelta64", DType::kTimedelta64, time_unit_param},
    // Types with a code of their own; the canonical text uses that.
    {"ml_dtypes", "bfloat16", DType::kBFloat16, no_param},
    {"ml_dtypes", "complex32", DType::kComplexFloat16, no_param},
    {"ml_dtypes", "bcomplex32", DType::kComplexBFloat16, no_param},
    // One value a byte, also where fewer bits count.
    {"ml_dtypes", "float8_e3m4", DType::kMlDtypes, no_param},
    {"ml_dtypes", "float8_e4m3", DType::kMlDtypes, no_param},
    {"ml_dtypes", "float8_e4m3b11fnuz", DType::kMlDtypes, no_param},
    {"ml_dtypes", "float8_e4m3fn", DType::kMlDtypes, no_param},
    {"ml_dtypes", "float8_e4m3fnuz", DType::kMlDtypes, no_param},
    {"ml_dtypes", "float8_e5m2", DType::kMlDtypes, no_param},
    {"ml_dtypes", "float8_e5m2fnuz", DType::kMlDtypes, no_param},
    {"ml_dtypes", "float8_e8m0fnu", DType::kMlDtypes, no_param},
    {"ml_dtypes", "float6_e2m3fn", DType::kMlDtypes, no_param},
    {"ml_dtypes", "float6_e3m2fn", DType::kMlDtypes, no_param},
    {"ml_dtypes", "float4_e2m1fn", DType::kMlDtypes, no_param},
    {"ml_dtypes", "int1", DType::kMlDtypes, no_param},
    {"ml_dtypes", "uint1", DType::kMlDtypes, no_param},
    {"ml_dtypes", "int2", DType::kMlDtypes, no_param},
    {"ml_dtypes", "uint2", DType::kMlDtypes, no_param},
    {"ml_dtypes", "int4", DType::kMlDtypes, no_param},
    {"ml_dtypes", "uint4", DType::kMlDtypes, no_param},
};

constexpr std::string_view kTimeUnits[] = {"Y",  "M",  "W",  "D",  "h",  "m", "s",
                                           "ms", "us", "ns", "ps", "fs", "as"};

}  // namespace

bool parse_time_unit(std::string_view param, TimeUnit* unit) noexcept {
  *unit = TimeUnit{};
  if (param.empty()) return true;
  size_t digits = 0;
  while (digits < param.size() && param[digits] >= '0' && param[digits] <= '9') ++digits;
  if (digits > 0) {
    if (param[0] == '0') return false;
    const auto [stop, error] = std::from_chars(param.data(), param.data() + digits, unit->multiple);
    if (error != std::errc() || unit->multiple > std::numeric_limits<int32_t>::max()) return false;
  }
  for (const std::string_view known : kTimeUnits) {
    if (param.substr(digits) == known) {
      unit->unit = known;
      return true;
    }
  }
  return false;
}

Resolution resolve_custom(const CustomType& type, CustomFacts* facts) {
  for (const CustomEntry& entry : kEntries) {
    if (entry.qualname != type.qualname || entry.module != type.module) continue;
    facts->param.clear();
    if (!entry.read_param(type.param, &facts->param)) return Resolution::kBadParam;
    const TypeFacts& known = type_facts(entry.type);
    facts->type = entry.type;
    facts->size = known.size;
    facts->alignment = known.alignment;
    facts->swap_unit = known.swap_unit;
    return Resolution::kKnown;
  }
  return Resolution::kUnknown;
}

}  // namespace stridecast::internal
