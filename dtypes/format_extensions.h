// Which custom types [module$qualname$param] the library knows by itself: numpy's datetime64 and
// timedelta64, and every type of ml_dtypes. One table; nothing is imported or asked at run time.
// Types registered by users join here: resolve_custom() would ask their table after its own.
#ifndef STRIDECAST_DTYPES_FORMAT_EXTENSIONS_H_
#define STRIDECAST_DTYPES_FORMAT_EXTENSIONS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "stridecast/format.h"
#include "stridecast/types.h"

namespace stridecast::internal {

enum class Resolution : uint8_t {
  kKnown,
  kUnknown,   // nobody has said what this type is
  kBadParam,  // the type is known, but it has no such parameter
};

struct CustomFacts {
  DType type = DType::kOpaque;
  int64_t size = 0;
  int64_t alignment = 1;
  int64_t swap_unit = 0;
  std::string param;  // canonical: "us" for "1us"
};

// Fills *facts where the answer is kKnown.
Resolution resolve_custom(const CustomType& type, CustomFacts* facts);

// A datetime64 or timedelta64 parameter: "us", "25us", or "" for the generic unit.
struct TimeUnit {
  int64_t multiple = 1;   // 1 to 2^31 - 1
  std::string_view unit;  // one of Y M W D h m s ms us ns ps fs as, or "" (generic)
};
// False if `param` is none.
bool parse_time_unit(std::string_view param, TimeUnit* unit) noexcept;

}  // namespace stridecast::internal

#endif  // STRIDECAST_DTYPES_FORMAT_EXTENSIONS_H_
