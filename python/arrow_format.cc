// The table of types, and the way through a schema; see arrow_format.h. An Arrow format text is
// data from elsewhere: it is compared and counted, never trusted.
#include "python/arrow_format.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "stridecast/layout.h"

namespace stridecast::python {
namespace {

using enum ArrowStorage;
using enum NullValue;

// Arrow to us: the first row whose Arrow text fits. Us to Arrow: the first row with the text, so
// that milliseconds leave as timestamps and not as date64, spans of time as durations and not as
// times of day. Time zones are dropped: the values are UTC with or without one.
constexpr ArrowType kTypes[] = {
    {"b", "?", kBits, kNone},
    {"c", "b", kSame, kNone},
    {"C", "B", kSame, kNone},
    {"s", "h", kSame, kNone},
    {"S", "H", kSame, kNone},
    {"i", "i", kSame, kNone},
    {"I", "I", kSame, kNone},
    {"l", "q", kSame, kNone},
    {"L", "Q", kSame, kNone},
    {"e", "e", kSame, kNaN},
    {"f", "f", kSame, kNaN},
    {"g", "d", kSame, kNaN},
    {"tss:", "[numpy$datetime64$s]", kSame, kNaT},
    {"tsm:", "[numpy$datetime64$ms]", kSame, kNaT},
    {"tsu:", "[numpy$datetime64$us]", kSame, kNaT},
    {"tsn:", "[numpy$datetime64$ns]", kSame, kNaT},
    {"tdD", "[numpy$datetime64$D]", kInt32, kNaT},
    {"tdm", "[numpy$datetime64$ms]", kSame, kNaT},
    {"tDs", "[numpy$timedelta64$s]", kSame, kNaT},
    {"tDm", "[numpy$timedelta64$ms]", kSame, kNaT},
    {"tDu", "[numpy$timedelta64$us]", kSame, kNaT},
    {"tDn", "[numpy$timedelta64$ns]", kSame, kNaT},
    {"tts", "[numpy$timedelta64$s]", kInt32, kNaT},
    {"ttm", "[numpy$timedelta64$ms]", kInt32, kNaT},
    {"ttu", "[numpy$timedelta64$us]", kSame, kNaT},
    {"ttn", "[numpy$timedelta64$ns]", kSame, kNaT},
};

// Arrow types without a counterpart, by the beginning of their text, longer ones first.
struct Refused {
  std::string_view arrow, name, advice;
};
constexpr Refused kRefused[] = {
    {"n", "null", "it has no values; cast it to the type that its items should have"},
    {"vz", "binary_view", "its items differ in length; cast it to fixed_size_binary"},
    {"vu", "string_view", "its items differ in length; take .to_pylist() or a NumPy array of it"},
    {"z", "binary", "its items differ in length; cast it to fixed_size_binary"},
    {"Z", "large_binary", "its items differ in length; cast it to fixed_size_binary"},
    {"u", "string", "its items differ in length; take .to_pylist() or a NumPy array of it"},
    {"U", "large_string", "its items differ in length; take .to_pylist() or a NumPy array of it"},
    {"d:", "decimal", "cast it to float64 or to an integer type"},
    {"tiM", "interval of months", "cast it to an integer type"},
    {"tiD", "interval of days and milliseconds", "cast it to a duration"},
    {"tin", "interval of months, days and nanoseconds", "cast it to a duration"},
    {"+l", "list", "its items differ in length; cast it to a fixed-size list, or take .flatten()"},
    {"+L", "large_list",
     "its items differ in length; cast it to a fixed-size list, or take .flatten()"},
    {"+vl", "list_view", "its items differ in length; cast it to a fixed-size list"},
    {"+vL", "large_list_view", "its items differ in length; cast it to a fixed-size list"},
    {"+m", "map", "take its keys and items apart"},
    {"+ud:", "dense union", "take its children"},
    {"+us:", "sparse union", "take its children"},
    {"+r", "run-end encoded", "decode it first, as pyarrow.compute.run_end_decode does"},
};

// Our types without a counterpart in Arrow.
struct NoArrow {
  DType type;
  const char* advice;
};
constexpr NoArrow kNoArrow[] = {
    {DType::kBFloat16, "convert it to 'f', or export its bits: .view(\"H\")"},
    {DType::kLongDouble, "export its bytes: .view(\"16s\")"},
    {DType::kComplexFloat16, "export its parts: .view(\"(2)e\")"},
    {DType::kComplexBFloat16, "export the bits of its parts: .view(\"(2)H\")"},
    {DType::kComplexFloat32, "export its parts: .view(\"(2)f\")"},
    {DType::kComplexFloat64, "export its parts: .view(\"(2)d\")"},
    {DType::kComplexLongDouble, "export its bytes: .view(\"32s\")"},
    {DType::kUnicode, "its strings must be encoded: pyarrow.array(buf.tolist())"},
    {DType::kWchar, "its strings must be encoded: pyarrow.array(buf.tolist())"},
    {DType::kPascal, "take the bytes: pyarrow.array(buf.tolist())"},
    {DType::kPointer, "addresses mean nothing to another library"},
    {DType::kObject, "references to Python objects mean nothing to another library"},
};

// To which unit that Arrow has a time goes without loss, by its unit here: as a point in time and
// as a span. Empty: to none, whatever the values.
struct TimeUnit {
  std::string_view unit, date, span;
};
constexpr TimeUnit kTimeUnits[] = {
    {"Y", "D", ""},  {"M", "D", ""},  {"W", "D", "s"},    {"D", "D", "s"},    {"h", "s", "s"},
    {"m", "s", "s"}, {"s", "s", "s"}, {"ms", "ms", "ms"}, {"us", "us", "us"}, {"ns", "ns", "ns"},
};

constexpr int kMaxDepth = 64;
constexpr int64_t kMaxNodes = 65536;

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::kNoConversion, message);
}

[[noreturn]] void contradiction(const std::string& message) {
  throw Error(ErrorCode::kBuffer, message);
}

std::string at_path(const std::string& path) {
  return path.empty() ? std::string() : " of field '" + path + "'";
}

bool fits(const ArrowType& type, std::string_view arrow) {
  return type.arrow.back() == ':' ? arrow.starts_with(type.arrow) : arrow == type.arrow;
}

// What is wrong with a text that no row fits, and what to do.
[[noreturn]] void refuse_arrow(std::string_view arrow, const std::string& path) {
  for (const Refused& row : kRefused) {
    const bool prefix = row.arrow.back() == ':';
    if (!(prefix ? arrow.starts_with(row.arrow) : arrow == row.arrow)) continue;
    refuse("the Arrow type " + std::string(row.name) + " ('" + std::string(arrow) + "')" +
           at_path(path) + " has no buffer format: " + std::string(row.advice));
  }
  contradiction("the Arrow format '" + std::string(arrow.substr(0, 100)) + "'" + at_path(path) +
                " is none that the C data interface defines");
}

// The number behind "w:" and "+w:", at least 1.
int64_t size_in(std::string_view arrow, size_t from, const std::string& path) {
  int64_t size = 0;
  const char* const end = arrow.data() + arrow.size();
  const auto [stop, error] = std::from_chars(arrow.data() + from, end, size);
  if (error != std::errc() || stop != end || size < 0) {
    contradiction("the Arrow format '" + std::string(arrow.substr(0, 100)) + "'" + at_path(path) +
                  " does not end in a number of 63 bits");
  }
  if (size == 0) {
    refuse("the Arrow format '" + std::string(arrow) + "'" + at_path(path) + " has no items");
  }
  return size;
}

// A name that a struct's text can hold, and of which there is only one.
void check_names(const ArrowNode& node) {
  std::vector<std::string_view> names;
  for (const ArrowNode& child : node.children) {
    if (child.name.empty() || child.name.find(':') != child.name.npos) {
      refuse("'" + child.name + "'" + at_path(node.path) +
             " cannot name a field: a name is not empty and has no ':'; rename the fields");
    }
    names.push_back(child.name);
  }
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) {
    refuse("two fields" + at_path(node.path) + " have the name '" + std::string(*twice) +
           "'; rename one");
  }
}

class SchemaReader {
 public:
  ArrowNode read(const ArrowSchema& schema, std::string path, int depth) {
    if (depth > kMaxDepth) refuse("the Arrow schema is nested deeper than 64 levels");
    if (++nodes_ > kMaxNodes) refuse("the Arrow schema has more than 65536 fields");
    if (schema.release == nullptr)
      contradiction("the Arrow schema was released before it was read");
    if (schema.format == nullptr) {
      contradiction("the Arrow schema" + at_path(path) + " has no format");
    }
    const std::string_view arrow = schema.format;
    if (schema.dictionary != nullptr) {
      refuse("the Arrow array" + at_path(path) +
             " is dictionary-encoded: decode it first, as pyarrow's .dictionary_decode() does");
    }
    ArrowNode node;
    if (depth > 0 && schema.name != nullptr) node.name = schema.name;
    node.path = std::move(path);
    if (arrow == "+s") {
      read_struct(schema, &node, depth);
    } else if (arrow.starts_with("+w:")) {
      read_list(schema, &node, depth);
    } else {
      read_values(arrow, &node);
      require_children(schema, 0, node);
    }
    return node;
  }

 private:
  static void require_children(const ArrowSchema& schema, int64_t n, const ArrowNode& node) {
    if (schema.n_children != n) {
      contradiction("the Arrow schema" + at_path(node.path) + " has " +
                    std::to_string(schema.n_children) + " children, its format '" + schema.format +
                    "' means " + std::to_string(n));
    }
  }

  ArrowNode child_of(const ArrowSchema& schema, int64_t i, const ArrowNode& node, int depth) {
    if (schema.children == nullptr || schema.children[i] == nullptr) {
      contradiction("the Arrow schema" + at_path(node.path) + " has no child " + std::to_string(i));
    }
    const ArrowSchema& child = *schema.children[i];
    std::string path = node.path;
    if (node.kind == ArrowNode::Kind::kStruct && child.name != nullptr) {
      path += (path.empty() ? "" : ".") + std::string(child.name);
    }
    return read(child, std::move(path), depth + 1);
  }

  void read_struct(const ArrowSchema& schema, ArrowNode* node, int depth) {
    node->kind = ArrowNode::Kind::kStruct;
    if (schema.n_children < 0 || schema.n_children > kMaxNodes) {
      contradiction("the Arrow schema" + at_path(node->path) + " has " +
                    std::to_string(schema.n_children) + " children");
    }
    if (schema.n_children == 0) {
      refuse("the Arrow struct" + at_path(node->path) + " has no fields, so that there is no item");
    }
    for (int64_t i = 0; i < schema.n_children; ++i) {
      node->children.push_back(child_of(schema, i, *node, depth));
    }
    check_names(*node);
    // Packed, as join makes structs.
    node->element = "^T{";
    for (const ArrowNode& child : node->children) {
      node->element += child.text() + ":" + child.name + ":";
    }
    node->element += "}";
  }

  void read_list(const ArrowSchema& schema, ArrowNode* node, int depth) {
    node->kind = ArrowNode::Kind::kList;
    require_children(schema, 1, *node);
    node->dims.push_back(size_in(schema.format, 3, node->path));
    node->children.push_back(child_of(schema, 0, *node, depth));
    const ArrowNode& child = node->children[0];
    node->dims.insert(node->dims.end(), child.dims.begin(), child.dims.end());
    node->element = child.element;
    if (depth == 0 && node->element.back() == 'x') {
      refuse("a list of fixed-size binaries has no buffer format: take .flatten()");
    }
  }

  static void read_values(std::string_view arrow, ArrowNode* node) {
    if (arrow.starts_with("w:")) {
      node->itemsize = size_in(arrow, 2, node->path);
      node->element = std::to_string(node->itemsize) + "x";  // all bytes count, trailing NULs too
      return;
    }
    const auto* type = std::find_if(std::begin(kTypes), std::end(kTypes),
                                    [&](const ArrowType& row) { return fits(row, arrow); });
    if (type == std::end(kTypes)) refuse_arrow(arrow, node->path);
    node->element = type->text;
    node->storage = type->storage;
    node->null = type->null;
    node->itemsize = type->storage == kBits    ? 0
                     : type->storage == kInt32 ? 4
                                               : Format::parse(type->text).itemsize();
  }

  int64_t nodes_ = 0;
};

// The text of a native element, as the table has it; empty for what the table cannot have.
std::string native_text(const Field& field) {
  if (is_arithmetic(field.type)) return type_facts(field.type).code;
  const bool time = field.type == DType::kDatetime64 || field.type == DType::kTimedelta64;
  if (!time || !field.custom) return "";
  return "[numpy$" + field.custom->qualname + "$" + field.custom->param + "]";
}

// What to do with a time whose unit Arrow lacks, multiples of a unit included.
std::string time_advice(const Field& field) {
  const bool date = field.type == DType::kDatetime64;
  const std::string& param = field.custom->param;
  const std::string unit =
      param.substr(std::min(param.find_first_not_of("0123456789"), param.size()));
  const auto* row = std::find_if(std::begin(kTimeUnits), std::end(kTimeUnits),
                                 [&](const TimeUnit& one) { return one.unit == unit; });
  if (unit.empty()) return ": it has no unit; .view() it as the unit that was meant";
  if (row == std::end(kTimeUnits)) return ": nothing is finer than ns, round it to that";
  const std::string_view to = date ? row->date : row->span;
  if (to.empty()) return ": such spans differ in length";
  return ": convert it to '" + std::string(to) + "' first, as .numpy().astype(\"" +
         (date ? "M8[" : "m8[") + std::string(to) + "]\") does";
}

}  // namespace

std::string ArrowNode::text() const {
  if (dims.empty()) return element;
  std::string list = "(";
  for (int64_t n : dims) list += std::to_string(n) + ",";
  list.back() = ')';
  return list + element;
}

ArrowNode node_of_schema(const ArrowSchema& schema) { return SchemaReader().read(schema, "", 0); }

std::string arrow_of_field(const Field& field, const ArrowType** type) {
  *type = nullptr;
  if (field.type == DType::kStruct) return "+s";
  const bool bytes = field.type == DType::kBytes || field.type == DType::kChar ||
                     (field.type == DType::kOpaque && !field.custom);
  if (bytes && field.itemsize > 0) return "w:" + std::to_string(field.itemsize);
  const std::string text = native_text(field);
  for (const ArrowType& row : kTypes) {
    if (row.text != text) continue;
    *type = &row;
    return std::string(row.arrow);
  }
  const std::string what = field.custom
                               ? "'[" + field.custom->module + "$" + field.custom->qualname + "$" +
                                     field.custom->param + "]'"
                               : "'" + field.code + "'";
  const auto* known = std::find_if(std::begin(kNoArrow), std::end(kNoArrow),
                                   [&](const NoArrow& row) { return row.type == field.type; });
  if (is_narrow(field.type)) {
    refuse("Arrow has no type for " + what + ": export its bytes: .view(\"B\")");
  }
  if (known != std::end(kNoArrow)) refuse("Arrow has no type for " + what + ": " + known->advice);
  if (!text.empty()) refuse("Arrow has no type for " + what + time_advice(field));
  refuse("Arrow has no type for " + what + ": export its bytes: .view(\"" +
         std::to_string(std::max<int64_t>(field.itemsize, 1)) + "s\")");
}

}  // namespace stridecast::python
