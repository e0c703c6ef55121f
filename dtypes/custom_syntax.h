// The spelling of custom types: "[module$qualname$param;...]" <-> CustomType. Which types are known
// is format_extensions.h.
#ifndef STRIDECAST_DTYPES_CUSTOM_SYNTAX_H_
#define STRIDECAST_DTYPES_CUSTOM_SYNTAX_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "stridecast/format.h"

namespace stridecast::internal {

struct CustomAlternative {
  CustomType type;             // param unescaped
  int64_t position = 0;        // of its first byte in the text
  int64_t param_position = 0;  // of its param, or where one would stand
};

// Reads the custom type whose '[' is at text[open]; *end becomes the position after its ']'. Gives
// all alternatives, at least one. Throws Error(kFormat).
std::vector<CustomAlternative> read_custom(std::string_view text, int64_t open, int64_t* end);

// Appends the canonical spelling: both '$' always, and in the param %XX for all bytes that this
// grammar or readers that strip white space and split at ':' could trip over.
void append_custom(const CustomType& type, std::string* out,
                   const std::vector<CustomType>& aliases = {});

}  // namespace stridecast::internal

#endif  // STRIDECAST_DTYPES_CUSTOM_SYNTAX_H_
