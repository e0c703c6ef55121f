// Reads a buffer format text in one pass.
//
//   format = item*                    white space is allowed between tokens
//   item   = [mark] [shape] [mark] [count] code [':' name ':']    at most one mark in all
//   code   = a letter | 'Z' letter | 'T{' item* '}' | '&' item without name | 'X{' ... '}'
//          | '[module$qualname$param]'
//
// The parser keeps an explicit stack: a frame for the whole text, for each open T{ and for each &
// that waits for its pointee. What precedes a code (mark, shape, count) is collected in a Prefix; a
// code turns it into a Field; the item's name may follow; then the field is placed in the frame's
// StructLayout. A mark stays in force until the next one, through braces, so that a struct is
// placed under the mark in force at its '}'; marks inside a pointee do not leak.
//
// Repeats stay numbers, names are checked in O(log n) each, so that time and memory are near linear
// in the text whatever the numbers in it say. All sizes are checked before they are used.

#include "dtypes/format_parser.h"

#include <algorithm>
#include <string>
#include <utility>

#include "dtypes/custom_syntax.h"
#include "dtypes/dtype_table.h"
#include "dtypes/format_error.h"
#include "dtypes/format_extensions.h"
#include "dtypes/format_scanner.h"
#include "dtypes/name_set.h"
#include "dtypes/storage_fields.h"
#include "dtypes/struct_layout.h"

namespace stridecast::internal {
namespace {

struct Frame {
  enum Kind : uint8_t { kText, kStruct, kPointer };
  Frame() {}  // not "= default", which would zero everything first
  Kind kind = kText;
  Mark mark_before = Mark::kNative;  // restored after a pointee
  int64_t position = 0;              // of 'T' or '&'
  int64_t num_items = 0;             // padding included
  Prefix prefix;                     // of the T or & itself
  StructLayout layout;
  NameSet names;
  std::vector<Field> fields;
};

// A field with a short name takes about so many bytes of text. Room for the fields of a struct is
// made by the text up to the next brace: fields are moved once, and room stays a fixed share of the
// text.
constexpr size_t kFieldText = 5;

// The code 'x'. With a name it is a field of bytes without meaning.
bool is_padding(const Field& field) { return field.type == DType::kOpaque && !field.custom; }

class Parser {
 public:
  Parser(std::string_view text, std::optional<int64_t> itemsize, bool exact_size)
      : in_(text), itemsize_(itemsize), exact_size_(exact_size) {}

  ParseTree run();

 private:
  [[noreturn]] void fail(std::string_view kind, int64_t position, std::string_view reason) const {
    in_.fail(kind, position, reason);
  }
  [[noreturn]] void fail_unsized(const CustomType& type, int64_t position) const;
  [[noreturn]] void fail_end_of_items() const;

  void read_code(char c);
  void read_letter(const CodeFacts& facts, int64_t code_length);
  void read_complex();
  void read_function_pointer();
  void read_custom_type();
  void take_storage(std::vector<Field>&& fields, Field* field, int64_t position);
  void open_frame(Frame::Kind kind, int64_t code_length);
  void close_struct();
  Field pointer_field(int64_t begin) const;

  // The item whose code starts at code_position is read up to its name. `natural` is its alignment
  // under '@'; implied_tail as StructLayout has it.
  void finish_item(Field&& field, int64_t code_position, int64_t natural, bool implied_tail);
  void add_field(Field&& field, int64_t bytes, int64_t code_position, int64_t natural,
                 bool implied_tail);
  void add_padding(int64_t bytes, int64_t code_position);
  int64_t total_bytes(const Field& field, int64_t code_position) const;

  void settle_unsized(ParseTree* tree) const;
  void agree_on_itemsize(ParseTree* tree) const;

  Frame& top() { return stack_.back(); }

  Scanner in_;
  const std::optional<int64_t> itemsize_;
  const bool exact_size_;
  Mark mark_ = Mark::kNative;  // in force
  Prefix prefix_;              // of the code to come
  std::vector<Frame> stack_;
  int64_t num_fields_ = 0;
  int pointer_depth_ = 0;
  // The first custom type whose size nobody knows.
  int64_t unsized_position_ = kNowhere;
  CustomType unsized_;
  bool must_be_sized_ = false;  // it cannot take its size from the itemsize
};

ParseTree Parser::run() {
  if (static_cast<int64_t>(in_.text().size()) > kMaxTextBytes) {
    fail("too-long", kMaxTextBytes, "the text is longer than 1 MiB; use sub-arrays");
  }
  if (const size_t nul = in_.text().find('\0'); nul != std::string_view::npos) {
    fail("nul", static_cast<int64_t>(nul), "NUL byte in the text; pass the text without it");
  }
  stack_.reserve(2);  // small enough for the allocator's fast path
  stack_.emplace_back();
  for (in_.skip_space(); !in_.at_end(); in_.skip_space()) {
    if (in_.read_prefix_token(&prefix_, &mark_)) continue;
    const char c = in_.peek();
    if (c == '}' && top().kind == Frame::kStruct && prefix_.start == kNowhere) {
      close_struct();
    } else if (c == '}' || c == ':') {
      fail_end_of_items();
    } else {
      read_code(c);
    }
  }
  if (stack_.size() > 1 || prefix_.start != kNowhere) fail_end_of_items();

  ParseTree tree;
  tree.fields = std::move(top().fields);
  tree.itemsize = top().layout.size;
  tree.alignment = top().layout.alignment;
  if (unsized_position_ != kNowhere) {
    if (must_be_sized_ || top().num_items > 1) fail_unsized(unsized_, unsized_position_);
    settle_unsized(&tree);
  } else {
    agree_on_itemsize(&tree);
  }
  return tree;
}

// At ':', '}' or the end of the text, where no item may end: says why.
void Parser::fail_end_of_items() const {
  const Frame& frame = stack_.back();
  if (frame.kind == Frame::kPointer) {
    fail("pointer-to-nothing", frame.position, "'&' must be followed by a type, as in '&i'");
  }
  if (prefix_.start != kNowhere) {
    fail("dangling-prefix", prefix_.start,
         "byte order mark, shape or count with no type after it; add a type code or remove it");
  }
  if (in_.at_end()) fail("unclosed", frame.position, "'T{' is never closed; add '}'");
  if (in_.peek() == ':') {
    fail("name-without-item", in_.position(), "a field name must follow an item, as in 'i:name:'");
  }
  fail("stray-brace", in_.position(), "'}' without 'T{'; remove it");
}

void Parser::read_code(char c) {
  switch (c) {
    case 'T':
      if (in_.peek(1) != '{') fail("T-no-brace", in_.position(), "'T' must be followed by '{'");
      return open_frame(Frame::kStruct, 2);
    case '&':
      return open_frame(Frame::kPointer, 1);
    case '[':
      return read_custom_type();
    case 'Z':
      return read_complex();
    case 'X':
      return read_function_pointer();
    case ')':
      fail("stray-paren", in_.position(), "')' without '('; remove it");
    case ']':
      fail("stray-bracket", in_.position(), "']' without '['; remove it");
    case 't':
      fail("unsupported", in_.position(), "bit fields ('t') are not supported");
    default:
      break;
  }
  const CodeFacts& facts = code_facts(c);
  if (!facts.known) {
    fail("unknown-code", in_.position(),
         "unknown type code " + quoted_byte(c) +
             "; codes are one of ?bBhHiIlLqQnNeEfdgFDGcsxpuwPOzZ," +
             " T{...}, &, X{} and [module$qualname$param]");
  }
  read_letter(facts, 1);
}

void Parser::read_complex() {
  const CodeFacts& facts = complex_facts(in_.peek(1));
  if (facts.known) return read_letter(facts, 2);
  // ctypes writes a wchar_t* as 'Z'. What may follow it cannot start the second letter of a
  // complex.
  const bool ends = in_.position() + 1 == static_cast<int64_t>(in_.text().size()) ||
                    in_.peek(1) == ':' || in_.peek(1) == '}';
  if (ends) return read_letter(code_facts('z'), 1);
  fail("bad-complex", in_.position(),
       "'Z' must be followed by e, f, d, g or E, not " + quoted_byte(in_.peek(1)));
}

void Parser::read_letter(const CodeFacts& facts, int64_t code_length) {
  const int64_t position = in_.position();
  in_.advance(code_length);
  const std::string_view code = in_.since(position);
  const ByteOrder mark_order = order_of(mark_);
  if (mark_order != kHostOrder && facts.swapped == SwappedForm::kNone) {
    fail("no-swapped-form", position,
         "'" + std::string(code) + "' has no non-native byte order; use '@', '=' or '^'");
  }
  const int64_t unit = unit_size(facts, mark_);
  if (unit == 0) {
    fail("no-standard-size", position,
         "'" + std::string(code) + "' has no standard size; use '@' or '^', or 'q' or 'Q'");
  }
  Field field;
  field.type = facts.type;
  field.itemsize = unit;
  if (facts.counts_length) {
    field.swap_unit = unit;
    if (prefix_.count_position != kNowhere) {
      if (!checked_multiply(prefix_.count, unit, &field.itemsize)) {
        fail("overflow", position, "the size of the item does not fit 63 bits");
      }
      field.code = std::to_string(prefix_.count);
    }
    prefix_.count = 1;
  } else {
    // 'l' has a type of its own size under standard marks.
    if (facts.native_size != facts.standard_size && unit == facts.standard_size) {
      field.type = facts.type == DType::kInt64 ? DType::kInt32 : DType::kUint32;
    }
    field.swap_unit = type_facts(field.type).swap_unit;
  }
  field.code += code;
  if (field.swap_unit > 1) {
    field.order = facts.swapped == SwappedForm::kIgnoresMark ? kHostOrder : mark_order;
  }
  finish_item(std::move(field), position, facts.alignment, false);
}

Field Parser::pointer_field(int64_t begin) const {
  const CodeFacts& facts = pointer_facts();
  Field field;
  field.type = facts.type;
  field.code = in_.since(begin);
  field.itemsize = facts.native_size;
  field.swap_unit = facts.native_size;
  field.order = kHostOrder;
  return field;
}

// X{...}: nobody writes a signature; whatever stands in the braces is kept as it is.
void Parser::read_function_pointer() {
  const int64_t position = in_.position();
  if (in_.peek(1) != '{') fail("X-no-brace", position, "'X' must be followed by '{'");
  int64_t depth = 0;
  do {
    in_.advance(1);
    if (in_.at_end()) fail("unclosed", position, "'X{' is never closed; add '}'");
    if (in_.peek() == '{') ++depth;
    if (in_.peek() == '}') --depth;
  } while (depth > 0);
  in_.advance(1);
  if (const int64_t bad = find_bad_utf8(in_.since(position)); bad >= 0) {
    fail("bad-utf8", position + bad, "the signature is not UTF-8");
  }
  finish_item(pointer_field(position), position, pointer_facts().alignment, false);
}

void Parser::read_custom_type() {
  const int64_t position = in_.position();
  int64_t end = position;
  std::vector<CustomAlternative> alternatives = read_custom(in_.text(), position, &end);
  in_.move_to(end);
  // The first alternative that is known wins.
  CustomFacts facts;
  const CustomAlternative* chosen = nullptr;
  const CustomAlternative* bad_param = nullptr;
  for (const CustomAlternative& alternative : alternatives) {
    const Resolution resolution = resolve_custom(alternative.type, &facts);
    if (resolution == Resolution::kKnown) {
      chosen = &alternative;
      break;
    }
    if (resolution == Resolution::kBadParam && bad_param == nullptr) bad_param = &alternative;
  }
  Field field;
  field.code = "[]";
  if (chosen != nullptr) {
    field.custom = chosen->type;
    field.custom->param = std::move(facts.param);
  } else if (bad_param != nullptr) {
    fail("custom-bad-param", bad_param->param_position,
         "'" + bad_param->type.module + "." + bad_param->type.qualname + "' has no parameter '" +
             bad_param->type.param + "'");
  } else {
    facts = CustomFacts{};
    field.custom = std::move(alternatives.front().type);
    for (size_t k = 1; k < alternatives.size(); ++k) {
      field.aliases.push_back(std::move(alternatives[k].type));
    }
    // Only an item that is the whole text can take its size from the exporter's itemsize; behind a
    // pointer no size is needed. The text may hold worse than that: it is read to its end first.
    if (pointer_depth_ == 0 && unsized_position_ == kNowhere) {
      unsized_ = *field.custom;
      unsized_position_ = position;
      must_be_sized_ = !itemsize_ || stack_.size() > 1 || top().num_items > 0;
    }
  }
  field.type = facts.type;
  field.itemsize = facts.size;
  field.swap_unit = facts.swap_unit;
  if (order_of(mark_) != kHostOrder && !has_swapped_form(facts.type, facts.fields)) {
    fail("no-swapped-form", position,
         "the type is stored as long double, which has no non-native byte order");
  }
  if (facts.type == DType::kStruct) {
    take_storage(std::move(facts.fields), &field, position);
  } else if (facts.swap_unit != 1) {
    field.order = order_of(mark_);
  }
  finish_item(std::move(field), position, facts.alignment, false);
}

// A type that is stored as a struct: its elements follow the mark in force, and count for the
// limits as if the text had them.
void Parser::take_storage(std::vector<Field>&& fields, Field* field, int64_t position) {
  num_fields_ += count_fields(fields);
  if (num_fields_ > kMaxFormatItems) {
    fail("too-many-items", position, "more than 65536 items, with those of custom types");
  }
  if (stack_.size() + static_cast<size_t>(depth_of(fields)) >
      static_cast<size_t>(kMaxFormatDepth) + 1) {
    fail("too-deep", position, "nesting deeper than 64, with the structs of custom types");
  }
  if (set_order(&fields, order_of(mark_))) field->order = order_of(mark_);
  field->fields = std::move(fields);
}

void Parser::fail_unsized(const CustomType& type, int64_t position) const {
  const std::string name = type.module + "." + type.qualname;
  fail_format(ErrorCode::kUnknownType, in_.text(), "unsized", position,
              "size of '" + name + "' is not known: import '" + type.module +
                  "' if it defines the type and try again, or give the itemsize");
}

void Parser::open_frame(Frame::Kind kind, int64_t code_length) {
  if (stack_.size() > static_cast<size_t>(kMaxFormatDepth)) {
    fail("too-deep", in_.position(), "nesting deeper than 64");
  }
  Frame& frame = stack_.emplace_back();
  frame.kind = kind;
  frame.position = in_.position();
  frame.mark_before = mark_;
  frame.prefix = std::exchange(prefix_, Prefix{});
  if (kind == Frame::kPointer) {
    ++pointer_depth_;
    // Padding behind a pointer is not our business; like this a pointee means the same under both.
    if (mark_ == Mark::kNative) mark_ = Mark::kPacked;
  }
  in_.advance(code_length);
}

void Parser::close_struct() {
  in_.advance(1);
  Frame& frame = top();
  if (!frame.layout.close(mark_)) {
    fail("overflow", frame.position, "the size of the struct does not fit 63 bits");
  }
  Field field;
  field.code = "T";
  field.type = DType::kStruct;
  field.itemsize = frame.layout.size;
  field.fields = std::move(frame.fields);
  prefix_ = std::move(frame.prefix);
  const int64_t position = frame.position;
  const StructLayout layout = frame.layout;
  stack_.pop_back();
  finish_item(std::move(field), position, layout.alignment, layout.implied_tail);
}

// Bytes of all elements of the sub-array; neither a dimension nor an element of size 0 hides an
// overflow of the others.
int64_t Parser::total_bytes(const Field& field, int64_t code_position) const {
  int64_t bytes = std::max<int64_t>(field.itemsize, 1);
  bool is_empty = field.itemsize == 0;
  for (const int64_t dim : field.shape) {
    if (dim == 0) {
      is_empty = true;
    } else if (!checked_multiply(bytes, dim, &bytes)) {
      fail("overflow", code_position, "the size of the item does not fit 63 bits");
    }
  }
  return is_empty ? 0 : bytes;
}

void Parser::finish_item(Field&& field, int64_t code_position, int64_t natural, bool implied_tail) {
  for (;;) {
    field.shape = std::move(prefix_.shape);
    if (prefix_.count != 1) {
      if (field.shape.size() == kMaxFieldDims) {
        fail("too-many-dims", prefix_.count_position, "an item has at most 64 dimensions");
      }
      field.shape.push_back(prefix_.count);
    }
    const int64_t bytes = total_bytes(field, code_position);
    Frame& frame = top();
    if (frame.kind != Frame::kPointer) {
      return add_field(std::move(field), bytes, code_position, natural, implied_tail);
    }
    // The item is what a pointer points to: nothing of it matters but its text, and a standard mark
    // that it takes from outside.
    const bool takes_mark = !prefix_.has_mark && !has_native_sizes(frame.mark_before);
    code_position = frame.position;
    natural = pointer_facts().alignment;
    implied_tail = false;
    field = pointer_field(frame.position);
    if (takes_mark)
      field.code.insert(1, 1, order_of(frame.mark_before) == ByteOrder::kLittle ? '<' : '>');
    mark_ = frame.mark_before;
    prefix_ = std::move(frame.prefix);
    stack_.pop_back();
    --pointer_depth_;
  }
}

void Parser::add_field(Field&& field, int64_t bytes, int64_t code_position, int64_t natural,
                       bool implied_tail) {
  Frame& frame = top();
  const Name name = in_.read_name();
  ++frame.num_items;
  field.has_name = !name.text.empty();
  if (!field.has_name && is_padding(field)) return add_padding(bytes, code_position);
  if (field.has_name) {
    if (!frame.names.insert(name.text)) {
      fail("duplicate-name", name.position,
           "field name '" + std::string(name.text) + "' is used twice; rename one of the fields");
    }
    field.name = name.text;
  }
  if (++num_fields_ > kMaxFormatItems) {
    fail("too-many-items", code_position, "more than 65536 items; use sub-arrays");
  }
  if (!frame.layout.place(bytes, natural, mark_, implied_tail, &field.offset)) {
    fail("overflow", code_position, "the end of the item does not fit 63 bits");
  }
  field.alignment = alignment_under(natural, mark_);
  if (frame.fields.empty()) frame.fields.reserve(1 + in_.near_brace() / kFieldText);
  frame.fields.push_back(std::move(field));
  prefix_.clear();
}

void Parser::add_padding(int64_t bytes, int64_t code_position) {
  StructLayout& layout = top().layout;
  if (bytes > 0 && layout.implied_tail) {
    fail("ambiguous-padding", prefix_.start == kNowhere ? code_position : prefix_.start,
         "padding after a struct that '@' pads already: some writers mean the same bytes; write "
         "'^' and every pad byte, or read the exporter's dtype instead");
  }
  if (!layout.pad(bytes)) {
    fail("overflow", code_position, "the end of the padding does not fit 63 bits");
  }
  prefix_.clear();
}

void Parser::settle_unsized(ParseTree* tree) const {
  Field& field = tree->fields.front();
  int64_t elements = 1;
  for (const int64_t dim : field.shape) {
    if (!checked_multiply(elements, dim, &elements)) {
      fail("overflow", unsized_position_, "the number of elements does not fit 63 bits");
    }
  }
  const int64_t bytes = *itemsize_;
  if (elements == 0) fail_unsized(*field.custom, unsized_position_);
  if (bytes < 0 || bytes % elements != 0) {
    fail("itemsize", 0,
         "the itemsize " + std::to_string(bytes) + " is not a multiple of " +
             std::to_string(elements) + " elements");
  }
  field.itemsize = bytes / elements;
  tree->itemsize = bytes;
}

void Parser::agree_on_itemsize(ParseTree* tree) const {
  if (!itemsize_ || *itemsize_ == tree->itemsize) return;
  const int64_t claimed = *itemsize_;
  if (!exact_size_) {
    int64_t rounded = 0;
    if (aligns(mark_) && checked_round_up(tree->itemsize, tree->alignment, &rounded) &&
        claimed == rounded) {
      tree->itemsize = claimed;
      return;
    }
    // NumPy never writes the padding at the end of a struct.
    const bool is_one_struct = stack_.front().num_items == 1 && tree->fields.size() == 1 &&
                               tree->fields[0].type == DType::kStruct && !tree->fields[0].custom &&
                               tree->fields[0].shape.empty() && !tree->fields[0].has_name;
    if (is_one_struct && claimed > tree->itemsize) {
      tree->itemsize = claimed;
      return;
    }
  }
  fail("itemsize", 0,
       "the text describes " + std::to_string(tree->itemsize) + " bytes, but the itemsize is " +
           std::to_string(claimed) + "; correct one of them");
}

}  // namespace

ParseTree parse_format(std::string_view text, std::optional<int64_t> itemsize, bool exact_size) {
  return Parser(text, itemsize, exact_size).run();
}

}  // namespace stridecast::internal
