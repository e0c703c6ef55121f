// Canonical trees and texts, see format_printer.h. Recursion is as deep as a format, at most 64.

#include "dtypes/format_printer.h"

#include <algorithm>

#include "dtypes/custom_syntax.h"
#include "dtypes/format_extensions.h"

namespace stridecast::internal {
namespace {

// The letter of codes whose number is a length; 0 for all others.
char length_letter(const Field& field) {
  switch (field.type) {
    case DType::kBytes:
    case DType::kPascal:
    case DType::kUnicode:
    case DType::kWchar:
      return type_facts(field.type).code[0];
    case DType::kOpaque:
      return 'x';
    default:
      return '\0';
  }
}

void canonicalise_fields(std::vector<Field>* fields);

// The alignment that members keep in a struct of `size` bytes.
int64_t kept_alignment(const std::vector<Field>& fields, int64_t size) {
  int64_t alignment = 1;
  for (const Field& field : fields) {
    if ((field.offset & (field.alignment - 1)) != 0) return 1;  // powers of two
    alignment = std::max(alignment, field.alignment);
  }
  return (size & (alignment - 1)) == 0 ? alignment : 1;
}

// A custom type without a code of its own: its spelling stays, and what it is stored as is
// canonical already.
void canonicalise_custom(Field* field) {
  field->code = "[]";
  CustomFacts facts;
  const bool known =
      field->swap_unit != 0 && resolve_custom(*field->custom, &facts) == Resolution::kKnown;
  field->alignment = known ? facts.alignment : 1;
}

void canonicalise_field(Field* field) {
  if (field->custom) {
    if (!has_code(*field->custom)) return canonicalise_custom(field);
    field->custom.reset();
  }
  if (field->type == DType::kStruct) {
    canonicalise_fields(&field->fields);
    field->alignment = kept_alignment(field->fields, field->itemsize);
    return;
  }
  const TypeFacts& facts = type_facts(field->type);
  field->alignment = std::max<int64_t>(1, facts.alignment);
  if (const char letter = length_letter(*field); letter != '\0') {
    const int64_t length = field->itemsize / field->swap_unit;
    field->code = length == 1 ? std::string() : std::to_string(length);
    field->code += letter;
  } else if (facts.code[0] != '\0' && field->type != DType::kPointer) {
    field->code = facts.code;
  }
}

void canonicalise_fields(std::vector<Field>* fields) {
  for (Field& field : *fields) canonicalise_field(&field);
}

class Printer {
 public:
  std::string print(const ParseTree& tree) {
    const bool is_bare = tree.fields.empty() || is_lone_element(tree);
    if (!is_bare) out_.reserve(96);  // of a few fields; one element fits the string itself
    needs_first_mark_ = !is_bare;
    print_members(tree.fields, tree.itemsize);
    // A wchar_t* must be told from a complex number: "Z::" unless nothing follows.
    if (is_bare && out_.ends_with("Z::")) out_.resize(out_.size() - 2);
    return std::move(out_);
  }

 private:
  static bool is_lone_element(const ParseTree& tree) {
    if (tree.fields.size() != 1) return false;
    const Field& field = tree.fields[0];
    const bool is_element = field.type != DType::kStruct || field.custom.has_value();
    return is_element && !field.has_name && field.offset == 0 &&
           field.itemsize * element_count(field) == tree.itemsize;
  }

  void print_members(const std::vector<Field>& fields, int64_t size) {
    int64_t end = 0;
    for (const Field& field : fields) {
      print_padding(field.offset - end);
      print_field(field);
      end = field.offset + field.itemsize * element_count(field);
    }
    print_padding(size - end);
  }

  void print_padding(int64_t bytes) {
    if (bytes == 0) return;
    print_mark(ByteOrder::kNone);
    if (bytes > 1) out_ += std::to_string(bytes);
    out_ += 'x';
  }

  // A mark stays in force until the next, so that it is written only where it changes.
  void print_mark(ByteOrder order) {
    const bool changes = order != ByteOrder::kNone && order != order_;
    if (changes) order_ = order;
    if (!changes && !needs_first_mark_) return;
    needs_first_mark_ = false;
    out_ += order_ == kHostOrder ? '^' : order_ == ByteOrder::kLittle ? '<' : '>';
  }

  void print_field(const Field& field) {
    for (size_t i = 0; i < field.shape.size(); ++i) {
      out_ += i == 0 ? '(' : ',';
      out_ += std::to_string(field.shape[i]);
    }
    if (!field.shape.empty()) out_ += ')';
    // The mark goes after the shape: NumPy reads no other order.
    print_mark(field.order);
    if (field.custom) {
      append_custom(*field.custom, &out_, field.aliases);
    } else if (field.type == DType::kStruct) {
      out_ += "T{";
      print_members(field.fields, field.itemsize);
      out_ += '}';
    } else {
      out_ += field.code;
    }
    if (field.has_name || (field.type == DType::kPointer && field.code.back() == 'Z')) {
      out_ += ':';
      out_ += field.name;
      out_ += ':';
    }
  }

  std::string out_;
  ByteOrder order_ = kHostOrder;  // of the mark in force
  bool needs_first_mark_ = false;
};

}  // namespace

int64_t element_count(const Field& field) noexcept {
  int64_t count = 1;
  for (const int64_t dim : field.shape) count *= dim;
  return count;
}

void canonicalise(ParseTree* tree) {
  if (tree->fields.size() == 1) {
    Field& field = tree->fields[0];
    if (field.type == DType::kStruct && !field.custom && !field.has_name && field.shape.empty() &&
        field.offset == 0) {
      field.itemsize = tree->itemsize;
    }
  }
  canonicalise_fields(&tree->fields);
  tree->alignment = kept_alignment(tree->fields, tree->itemsize);
}

std::string print_format(const ParseTree& tree) { return Printer().print(tree); }

}  // namespace stridecast::internal
