// The tokens of a format text that stand around a code: byte order mark, shape, count, name. Codes,
// structs and layout are format_parser.cc.
#ifndef STRIDECAST_DTYPES_FORMAT_SCANNER_H_
#define STRIDECAST_DTYPES_FORMAT_SCANNER_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "dtypes/format_error.h"
#include "dtypes/struct_layout.h"

namespace stridecast::internal {

inline constexpr int64_t kNowhere = -1;

// What stands before a code. Positions are kNowhere for what is not there.
struct Prefix {
  int64_t start = kNowhere;  // of the first token
  int64_t shape_position = kNowhere;
  int64_t count_position = kNowhere;
  int64_t count = 1;
  bool has_mark = false;
  std::vector<int64_t> shape;

  void clear() {
    start = shape_position = count_position = kNowhere;
    count = 1;
    has_mark = false;
    shape.clear();
  }
};

struct Name {
  std::string_view text;  // empty: none
  int64_t position = kNowhere;
};

// A cursor over a text without NUL bytes. Reading functions start at the cursor, leave it behind
// what they read, and throw Error(kFormat).
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text), size_(static_cast<int64_t>(text.size())) {}

  std::string_view text() const { return text_; }
  int64_t position() const { return position_; }
  bool at_end() const { return position_ >= size_; }
  // The byte `ahead` bytes behind the cursor; NUL behind the end of the text.
  char peek(int64_t ahead = 0) const {
    return position_ + ahead < size_ ? text_[static_cast<size_t>(position_ + ahead)] : '\0';
  }
  void advance(int64_t bytes) { position_ += bytes; }
  void move_to(int64_t position) { position_ = position; }
  void skip_space() {
    while (is_space(peek())) ++position_;
  }
  // The text from `begin` to the cursor.
  std::string_view since(int64_t begin) const { return slice(begin, position_); }

  // Bytes up to the next brace, the end of the text, or 64.
  size_t near_brace() const {
    const std::string_view rest = text_.substr(static_cast<size_t>(position_), 64);
    size_t length = 0;
    while (length < rest.size() && rest[length] != '{' && rest[length] != '}') ++length;
    return length;
  }

  // True if the cursor is at a mark, a shape or a count; it is then read into *prefix, and a mark
  // also becomes the one in force.
  bool read_prefix_token(Prefix* prefix, Mark* mark_in_force);
  // The name after an item, if there is one. "::" is none.
  Name read_name();

  [[noreturn]] void fail(std::string_view kind, int64_t position, std::string_view reason) const {
    fail_format(ErrorCode::kFormat, text_, kind, position, reason);
  }

 private:
  static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  std::string_view slice(int64_t begin, int64_t end) const {
    return text_.substr(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
  }
  int64_t read_number();
  void read_mark(Mark mark, Prefix* prefix, Mark* mark_in_force);
  void read_shape(Prefix* prefix);
  void read_count(Prefix* prefix);

  std::string_view text_;
  int64_t size_;
  int64_t position_ = 0;
};

}  // namespace stridecast::internal

#endif  // STRIDECAST_DTYPES_FORMAT_SCANNER_H_
