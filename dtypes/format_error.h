// The message of a malformed format text: what is wrong, where, what to do, and the text with a
// caret.
#ifndef STRIDECAST_DTYPES_FORMAT_ERROR_H_
#define STRIDECAST_DTYPES_FORMAT_ERROR_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "stridecast/error.h"

namespace stridecast::internal {

// Throws Error(code, kind, position) whose message is `reason`, the place, and the text around it.
// Bytes that a terminal cannot show are written as \xNN; long texts are shortened.
[[noreturn]] void fail_format(ErrorCode code, std::string_view text, std::string_view kind,
                              int64_t position, std::string_view reason);

// `byte` as people read it in a message: 'V', or 0xc2.
std::string quoted_byte(char byte);

// The index of the first byte of `text` that is not part of valid UTF-8, or -1.
int64_t find_bad_utf8(std::string_view text) noexcept;

}  // namespace stridecast::internal

#endif  // STRIDECAST_DTYPES_FORMAT_ERROR_H_
