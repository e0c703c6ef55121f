// Marks, shapes, counts and names, see format_scanner.h.

#include "dtypes/format_scanner.h"

#include <string>

#include "dtypes/format_parser.h"

namespace stridecast::internal {
namespace {

constexpr std::string_view kMarkLetters = "@^=<>!";
constexpr Mark kMarks[] = {Mark::kNative, Mark::kPacked, Mark::kStandard,
                           Mark::kLittle, Mark::kBig,    Mark::kBig};

}  // namespace

bool Scanner::read_prefix_token(Prefix* prefix, Mark* mark_in_force) {
  const char c = peek();
  if (is_digit(c)) {
    read_count(prefix);
  } else if (c == '(') {
    read_shape(prefix);
  } else if (const size_t mark = kMarkLetters.find(c); mark != std::string_view::npos) {
    read_mark(kMarks[mark], prefix, mark_in_force);
  } else {
    return false;
  }
  return true;
}

int64_t Scanner::read_number() {
  const int64_t start = position_;
  int64_t value = 0;
  for (; is_digit(peek()); ++position_) {
    if (!checked_multiply(value, 10, &value) || !checked_add(value, peek() - '0', &value)) {
      fail("overflow", start, "the number does not fit 63 bits");
    }
  }
  return value;
}

void Scanner::read_mark(Mark mark, Prefix* prefix, Mark* mark_in_force) {
  if (prefix->has_mark) {
    fail("two-orders", position_, "an item takes one byte order mark; remove one of the two");
  }
  if (prefix->count_position != kNowhere) {
    fail("count-before-order", position_, "the byte order mark goes before the count, as in '<2i'");
  }
  if (prefix->start == kNowhere) prefix->start = position_;
  prefix->has_mark = true;
  *mark_in_force = mark;
  ++position_;
}

void Scanner::read_count(Prefix* prefix) {
  if (prefix->count_position != kNowhere) {
    fail("two-counts", position_, "two counts in a row; write an array of arrays as '(2,3)i'");
  }
  if (prefix->start == kNowhere) prefix->start = position_;
  prefix->count_position = position_;
  prefix->count = read_number();
}

void Scanner::read_shape(Prefix* prefix) {
  const int64_t open = position_;
  if (prefix->count_position != kNowhere) {
    fail("count-before-shape", open, "the shape goes before the count, as in '(2)3i'");
  }
  if (prefix->shape_position != kNowhere) {
    fail("two-shapes", open, "two shapes in a row; write one, as in '(2,3)i'");
  }
  if (prefix->start == kNowhere) prefix->start = open;
  prefix->shape_position = open;
  int64_t product = 1;  // of the dimensions that are not 0: a 0 must not hide an overflow
  char separator = '(';
  while (separator != ')') {
    ++position_;
    skip_space();
    if (at_end()) fail("unclosed", open, "'(' is never closed; add ')'");
    if (!is_digit(peek())) {
      fail("bad-shape", position_, "expected a dimension, found " + quoted_byte(peek()));
    }
    if (prefix->shape.size() == kMaxFieldDims) {
      fail("too-many-dims", position_, "an item has at most 64 dimensions");
    }
    const int64_t dim = read_number();
    prefix->shape.push_back(dim);
    if (dim != 0 && !checked_multiply(product, dim, &product)) {
      fail("overflow", open, "the product of the dimensions does not fit 63 bits");
    }
    skip_space();
    if (at_end()) fail("unclosed", open, "'(' is never closed; add ')'");
    separator = peek();
    if (separator != ',' && separator != ')') {
      fail("bad-shape", position_,
           "expected ',' or ')' after a dimension, found " + quoted_byte(separator));
    }
  }
  ++position_;
}

Name Scanner::read_name() {
  skip_space();
  if (peek() != ':') return {};
  Name name;
  name.position = position_;
  const size_t close = text_.find(':', static_cast<size_t>(position_ + 1));
  if (close == std::string_view::npos) {
    fail("unclosed", position_, "the field name is never closed; add ':' after it");
  }
  name.text = slice(position_ + 1, static_cast<int64_t>(close));
  if (const int64_t bad = find_bad_utf8(name.text); bad >= 0) {
    fail("bad-utf8", position_ + 1 + bad, "the field name is not UTF-8");
  }
  position_ = static_cast<int64_t>(close) + 1;
  skip_space();
  if (peek() == ':') fail("two-names", position_, "two names after one item; remove one");
  return name;
}

}  // namespace stridecast::internal
