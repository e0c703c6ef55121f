// Reads and writes "[module$qualname$param]", see custom_syntax.h.
//
//   custom = '[' alt (';' alt)* ']'      alt = module '$' qualname ['$' param]
//
// The first ']' always ends it. module and qualname are dotted ASCII names without __dunder__
// parts; further '$' belong to the param, whose bytes are 0x20 to 0x7E but "[];", with %XX for any
// byte.

#include "dtypes/custom_syntax.h"

#include <utility>

#include "dtypes/format_error.h"
#include "dtypes/format_extensions.h"

namespace stridecast::internal {
namespace {

[[noreturn]] void fail(std::string_view text, std::string_view kind, int64_t position,
                       std::string_view reason) {
  fail_format(ErrorCode::kFormat, text, kind, position, reason);
}

std::string_view slice(std::string_view text, int64_t begin, int64_t end) {
  return text.substr(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
}

bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_name_byte(char c) { return is_name_start(c) || (c >= '0' && c <= '9'); }
bool is_printable(char c) { return c >= 0x20 && c < 0x7F; }

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string escape(char c) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  const unsigned char value = static_cast<unsigned char>(c);
  return {'%', kDigits[value >> 4], kDigits[value & 15]};
}

// text[begin, end) is a dotted name. `kind` names the error if it is none.
std::string read_dotted_name(std::string_view text, int64_t begin, int64_t end,
                             std::string_view kind) {
  int64_t part = begin;
  for (int64_t i = begin; i <= end; ++i) {
    const char c = i < end ? text[static_cast<size_t>(i)] : '.';
    if (c != '.') {
      if (i == part ? is_name_start(c) : is_name_byte(c)) continue;
    } else if (i > part) {
      const std::string_view name = slice(text, part, i);
      if (name.size() > 4 && name.starts_with("__") && name.ends_with("__")) {
        fail(text, "custom-dunder", part,
             "'" + std::string(name) + "': dunder attributes are not resolved");
      }
      part = i + 1;
      continue;
    }
    fail(text, kind, begin,
         "the name here is not a dotted name of ASCII letters, digits and '_'; stopped at byte " +
             std::to_string(i));
  }
  return std::string(slice(text, begin, end));
}

std::string read_param(std::string_view text, int64_t begin, int64_t end) {
  std::string param;
  for (int64_t i = begin; i < end; ++i) {
    const char c = text[static_cast<size_t>(i)];
    if (!is_printable(c)) {
      fail(text, "bad-custom-char", i,
           "byte " + quoted_byte(c) + " in [...] must be written " + escape(c));
    }
    if (c != '%') {
      param += c;
      continue;
    }
    const int high = i + 2 < end ? hex_value(text[static_cast<size_t>(i + 1)]) : -1;
    const int low = i + 2 < end ? hex_value(text[static_cast<size_t>(i + 2)]) : -1;
    if (high < 0 || low < 0) {
      fail(text, "bad-escape", i, "'%' must be followed by two hex digits; a '%' itself is %25");
    }
    param += static_cast<char>(high * 16 + low);
    i += 2;
  }
  if (find_bad_utf8(param) >= 0) {
    fail(text, "bad-utf8", begin, "the parameter, unescaped, is not UTF-8");
  }
  return param;
}

CustomAlternative read_alternative(std::string_view text, int64_t begin, int64_t end) {
  const std::string_view alternative = slice(text, begin, end);
  CustomAlternative foreign;
  if (read_foreign_spelling(alternative, &foreign.type)) {
    foreign.position = begin;
    foreign.param_position = end;
    return foreign;
  }
  const size_t first = alternative.find('$');
  if (first == std::string_view::npos) {
    fail(text, "custom-no-dollar", begin, "expected 'module$qualname$param'");
  }
  const size_t second = alternative.find('$', first + 1);
  const int64_t module_end = begin + static_cast<int64_t>(first);
  const int64_t name_begin = module_end + 1;
  const int64_t name_end =
      second == std::string_view::npos ? end : begin + static_cast<int64_t>(second);
  if (module_end == begin) {
    fail(text, "custom-no-module", begin, "empty module; write [module$qualname$param]");
  }
  if (name_end == name_begin) {
    fail(text, "custom-no-qualname", name_begin, "empty qualname; write [module$qualname$param]");
  }
  CustomAlternative result;
  result.position = begin;
  result.param_position = name_end == end ? end : name_end + 1;
  result.type.module = read_dotted_name(text, begin, module_end, "custom-bad-module");
  result.type.qualname = read_dotted_name(text, name_begin, name_end, "custom-bad-qualname");
  result.type.param = read_param(text, result.param_position, end);
  return result;
}

}  // namespace

std::vector<CustomAlternative> read_custom(std::string_view text, int64_t open, int64_t* end) {
  const size_t close = text.find(']', static_cast<size_t>(open));
  if (close == std::string_view::npos) fail(text, "unclosed", open, "'[' is never closed; add ']'");
  const int64_t last = static_cast<int64_t>(close);
  const size_t nested = slice(text, open + 1, last).find('[');
  if (nested != std::string_view::npos) {
    fail(text, "nested-bracket", open + 1 + static_cast<int64_t>(nested),
         "'[' inside '[...]' must be written %5B");
  }
  std::vector<CustomAlternative> alternatives;
  for (int64_t begin = open + 1;;) {
    const size_t semicolon = slice(text, begin, last).find(';');
    const bool is_last = semicolon == std::string_view::npos;
    const int64_t stop = is_last ? last : begin + static_cast<int64_t>(semicolon);
    alternatives.push_back(read_alternative(text, begin, stop));
    if (is_last) break;
    begin = stop + 1;
  }
  *end = last + 1;
  return alternatives;
}

namespace {

void append_alternative(const CustomType& type, std::string* out) {
  static constexpr std::string_view kEscaped = "%[];: ";
  *out += type.module;
  *out += '$';
  *out += type.qualname;
  *out += '$';
  for (const char c : type.param) {
    if (!is_printable(c) || kEscaped.find(c) != std::string_view::npos) {
      *out += escape(c);
    } else {
      *out += c;
    }
  }
}

}  // namespace

void append_custom(const CustomType& type, std::string* out,
                   const std::vector<CustomType>& aliases) {
  *out += '[';
  append_alternative(type, out);
  for (const CustomType& alias : aliases) {
    *out += ';';
    append_alternative(alias, out);
  }
  *out += ']';
}

}  // namespace stridecast::internal
