// Format::describe(): the items of a format as a tree for people.

#include <string>

#include "dtypes/custom_syntax.h"
#include "dtypes/format_impl.h"

namespace stridecast {
inline namespace v0 {
namespace {

const char* order_name(ByteOrder order) {
  switch (order) {
    case ByteOrder::kLittle:
      return "little";
    case ByteOrder::kBig:
      return "big";
    case ByteOrder::kNone:
      break;
  }
  return "";
}

// Pads with spaces up to `width` characters and one more.
void append_column(std::string_view text, size_t width, std::string* line) {
  *line += text;
  line->append(text.size() < width ? width - text.size() : 0, ' ');
  *line += ' ';
}

std::string bytes_text(int64_t bytes) {
  return std::to_string(bytes) + (bytes == 1 ? " byte" : " bytes");
}

void append_fields(const std::vector<Field>& fields, size_t depth, std::string* out) {
  for (const Field& field : fields) {
    std::string code = field.code;
    if (field.custom) {
      code.clear();
      internal::append_custom(*field.custom, &code, field.aliases);
    }
    std::string shape;
    for (const int64_t dim : field.shape) {
      shape += (shape.empty() ? "(" : ",") + std::to_string(dim);
    }
    if (!shape.empty()) shape += ')';

    std::string line(2 * depth, ' ');
    append_column("+" + std::to_string(field.offset), 6, &line);
    append_column(field.has_name ? field.name : "-", 12, &line);
    append_column(code, 4, &line);
    append_column(type_facts(field.type).name, 10, &line);
    if (!shape.empty()) append_column(shape, 0, &line);
    if (field.order != ByteOrder::kNone) append_column(order_name(field.order), 0, &line);
    line += bytes_text(field.itemsize);
    if (!shape.empty()) line += " each";
    *out += line;
    *out += '\n';
    append_fields(field.fields, depth + 1, out);
  }
}

}  // namespace

std::string Format::describe() const {
  std::string out = "format '" + text() + "', " + bytes_text(itemsize()) + ", alignment " +
                    std::to_string(alignment()) + "\n";
  append_fields(fields(), 1, &out);
  return out;
}

}  // namespace v0
}  // namespace stridecast
