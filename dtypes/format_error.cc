// Error messages for format texts, see format_error.h. Slow paths only, but for the UTF-8 check.

#include "dtypes/format_error.h"

#include <algorithm>

namespace stridecast::internal {
namespace {

constexpr int64_t kContext = 36;  // bytes shown on each side of the place
constexpr char kHexDigits[] = "0123456789abcdef";

unsigned char byte_at(std::string_view text, int64_t i) {
  return static_cast<unsigned char>(text[static_cast<size_t>(i)]);
}

// Length of the valid UTF-8 sequence at the start of `text`, 0 if there is none (RFC 3629: no
// overlong forms, no surrogates, nothing above U+10FFFF).
int64_t utf8_length(std::string_view text) noexcept {
  const unsigned char first = byte_at(text, 0);
  if (first < 0x80) return 1;
  int64_t length = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;  // bounds of the second byte
  if (first >= 0xC2 && first <= 0xDF) {
    length = 2;
  } else if (first >= 0xE0 && first <= 0xEF) {
    length = 3;
    if (first == 0xE0) low = 0xA0;
    if (first == 0xED) high = 0x9F;
  } else if (first >= 0xF0 && first <= 0xF4) {
    length = 4;
    if (first == 0xF0) low = 0x90;
    if (first == 0xF4) high = 0x8F;
  } else {
    return 0;
  }
  if (static_cast<int64_t>(text.size()) < length) return 0;
  if (byte_at(text, 1) < low || byte_at(text, 1) > high) return 0;
  for (int64_t i = 2; i < length; ++i) {
    if ((byte_at(text, i) & 0xC0) != 0x80) return 0;
  }
  return length;
}

}  // namespace

int64_t find_bad_utf8(std::string_view text) noexcept {
  int64_t i = 0;
  const int64_t size = static_cast<int64_t>(text.size());
  while (i < size) {
    const int64_t length = utf8_length(text.substr(static_cast<size_t>(i)));
    if (length == 0) return i;
    i += length;
  }
  return -1;
}

std::string quoted_byte(char byte) {
  const unsigned char value = static_cast<unsigned char>(byte);
  if (value > 0x20 && value < 0x7F) return std::string{'\'', byte, '\''};
  if (value == ' ') return "' '";
  return std::string{'0', 'x', kHexDigits[value >> 4], kHexDigits[value & 15]};
}

void fail_format(ErrorCode code, std::string_view text, std::string_view kind, int64_t position,
                 std::string_view reason) {
  const int64_t size = static_cast<int64_t>(text.size());
  const int64_t place = std::clamp<int64_t>(position, 0, size);
  int64_t begin = std::max<int64_t>(0, place - kContext);
  int64_t end = std::min(size, place + kContext);
  // Do not cut a UTF-8 sequence in two.
  while (begin > 0 && begin < place && (byte_at(text, begin) & 0xC0) == 0x80) ++begin;
  while (end < size && (byte_at(text, end) & 0xC0) == 0x80) ++end;

  std::string shown = begin > 0 ? "..." : "";
  size_t caret = shown.size();  // in characters; equals bytes until a multi-byte one is shown
  size_t column = shown.size();
  for (int64_t i = begin; i < end;) {
    if (i <= place) caret = column;
    const unsigned char value = byte_at(text, i);
    const int64_t length = utf8_length(text.substr(static_cast<size_t>(i)));
    if (length == 0 || value < 0x20 || value == 0x7F) {
      shown += {'\\', 'x', kHexDigits[value >> 4], kHexDigits[value & 15]};
      column += 4;
      ++i;
    } else {
      shown.append(text.substr(static_cast<size_t>(i), static_cast<size_t>(length)));
      column += 1;
      i += length;
    }
  }
  if (place == end) caret = column;
  if (end < size) shown += "...";

  std::string message = "bad format at byte ";
  message += std::to_string(position);
  message += ": ";
  message += reason;
  message += "\n  ";
  message += shown;
  message += "\n  ";
  message.append(caret, ' ');
  message += '^';
  throw Error(code, std::string(kind), position, message);
}

}  // namespace stridecast::internal
