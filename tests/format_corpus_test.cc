// The corpus of format texts (tests/data/format_corpus.json): what struct, array, ctypes, NumPy and
// Cython write or read, with sizes and offsets that were measured by running them, and malformed
// texts with kind and position of the error.

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "dtypes/format_impl.h"
#include "dtypes/format_parser.h"
#include "stridecast/format.h"
#include "tests/support/json_reader.h"

namespace stridecast {
namespace {

using internal::ParseTree;
using test::Json;

const std::vector<Json>& corpus() {
  // A definition, not __FILE__: a compiler cache may hand out an object made in another clone.
  static const Json file = test::JsonReader::read_file(STRIDECAST_TEST_DATA "/format_corpus.json");
  return file.at("entries").items;
}

std::string text_of(const Json& entry) {
  if (const Json* text = entry.find("format")) return text->string;
  const std::string& hex = entry.at("format_hex").string;
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

struct Arguments {
  std::string text;
  std::optional<int64_t> itemsize;
  bool exact_size;
};

Arguments arguments_of(const Json& entry) {
  const Json* itemsize = entry.find("itemsize");
  const Json* exact = entry.find("exact_size");
  return {text_of(entry), itemsize ? std::optional(itemsize->integer) : std::nullopt,
          exact != nullptr && exact->boolean};
}

ParseTree parse(const Arguments& arguments) {
  return internal::parse_format(arguments.text, arguments.itemsize, arguments.exact_size);
}

std::string order_of(const Field& field) {
  return field.order == ByteOrder::kLittle ? "<" : field.order == ByteOrder::kBig ? ">" : "|";
}

// `named_by_index`: NumPy calls the unnamed field k of a struct "fk".
void expect_fields(const std::vector<Field>& fields, const Json& expected, bool named_by_index) {
  ASSERT_EQ(fields.size(), expected.items.size());
  for (size_t i = 0; i < fields.size(); ++i) {
    const Field& field = fields[i];
    const Json& want = expected.items[i];
    const Json* name = want.find("name");
    const std::string want_name = name ? name->string : "";
    if (field.has_name || !named_by_index || want_name.empty()) {
      EXPECT_EQ(field.name, want_name);
      EXPECT_EQ(field.has_name, !want_name.empty());
    } else {
      EXPECT_EQ(want_name, "f" + std::to_string(i));
    }
    EXPECT_EQ(field.offset, want.at("offset").integer);
    EXPECT_EQ(field.code, want.at("code").string);
    EXPECT_EQ(order_of(field), want.at("byteorder").string);
    std::vector<int64_t> shape;
    for (const Json& dim : want.at("shape").items) shape.push_back(dim.integer);
    EXPECT_EQ(field.shape, shape);
    if (const Json* size = want.find("size")) {
      EXPECT_EQ(field.itemsize, size->integer);
    }
    if (const Json* custom = want.find("custom")) {
      ASSERT_TRUE(field.custom.has_value());
      EXPECT_EQ(field.custom->module, custom->items[0].string);
      EXPECT_EQ(field.custom->qualname, custom->items[1].string);
      EXPECT_EQ(field.custom->param, custom->items[2].string);
    } else {
      EXPECT_FALSE(field.custom.has_value());
    }
    if (const Json* members = want.find("fields")) {
      expect_fields(field.fields, *members, false);
    } else {
      EXPECT_TRUE(field.fields.empty());
    }
  }
}

// A tree as canonical texts describe it: the fields of a tree whose codes are canonical already.
void expect_same_fields(const std::vector<Field>& a, const std::vector<Field>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].name, b[i].name);
    EXPECT_EQ(a[i].has_name, b[i].has_name);
    EXPECT_EQ(a[i].offset, b[i].offset);
    EXPECT_EQ(a[i].code, b[i].code);
    EXPECT_EQ(a[i].type, b[i].type);
    EXPECT_EQ(a[i].order, b[i].order);
    EXPECT_EQ(a[i].shape, b[i].shape);
    EXPECT_EQ(a[i].itemsize, b[i].itemsize);
    EXPECT_EQ(a[i].swap_unit, b[i].swap_unit);
    EXPECT_EQ(a[i].custom, b[i].custom);
    expect_same_fields(a[i].fields, b[i].fields);
  }
}

class FormatCorpusTest : public testing::Test {
 protected:
  void SetUp() override {
    if (kHostOrder != ByteOrder::kLittle || sizeof(long) != 8 || sizeof(long double) != 16) {
      GTEST_SKIP() << "the corpus was measured on LP64 little-endian x86";
    }
  }
};

TEST_F(FormatCorpusTest, IsWhole) { EXPECT_EQ(corpus().size(), 358u); }

TEST_F(FormatCorpusTest, GoodTextsGiveTheMeasuredLayout) {
  int checked = 0;
  for (const Json& entry : corpus()) {
    if (entry.find("error")) continue;
    const Arguments arguments = arguments_of(entry);
    SCOPED_TRACE(arguments.text);
    const std::string& producer = entry.at("producer").string;
    ParseTree tree;
    ASSERT_NO_THROW(tree = parse(arguments));
    EXPECT_EQ(tree.itemsize, entry.at("itemsize").integer);
    // ctypes and NumPy report the alignment of their own type, which is not in the text; for an
    // array of marked elements the "thread" entries are NumPy's too.
    const bool is_from_text =
        producer == "struct" || producer == "array" || producer == "cython" || producer == "thread";
    if (is_from_text && arguments.text != "(4)>[numpy$timedelta64$s]") {
      EXPECT_EQ(tree.alignment, entry.at("alignment").integer);
    }
    // The "pep3118" entries list the members of a struct around all, as NumPy's dtype.fields does.
    const bool is_dtype = producer == "pep3118";
    const std::vector<Field>* fields = &tree.fields;
    const Json& expected = entry.at("fields");
    if (is_dtype && fields->size() == 1 && (*fields)[0].type == DType::kStruct &&
        !(*fields)[0].has_name && (*fields)[0].shape.empty()) {
      fields = &tree.fields[0].fields;
    }
    expect_fields(*fields, expected, is_dtype);
    ++checked;
  }
  EXPECT_EQ(checked, 291);
}

TEST_F(FormatCorpusTest, BadTextsFailWithKindAndPosition) {
  int checked = 0;
  for (const Json& entry : corpus()) {
    if (!entry.find("error")) continue;
    const Arguments arguments = arguments_of(entry);
    SCOPED_TRACE(arguments.text);
    const std::string& kind = entry.at("kind").string;
    try {
      parse(arguments);
      ADD_FAILURE() << "no error; expected " << kind;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind);
      EXPECT_EQ(error.position(), entry.at("pos").integer);
      EXPECT_EQ(error.code(), kind == "unsized" ? ErrorCode::kUnknownType : ErrorCode::kFormat);
    }
    ++checked;
  }
  EXPECT_EQ(checked, 67);
}

TEST_F(FormatCorpusTest, CanonicalTextsReadAsTheSameFormat) {
  for (const Json& entry : corpus()) {
    if (entry.find("error")) continue;
    const Arguments arguments = arguments_of(entry);
    SCOPED_TRACE(arguments.text);
    const Format format = Format::parse(arguments.text, arguments.itemsize, arguments.exact_size);
    SCOPED_TRACE(format.text());
    EXPECT_EQ(format.itemsize(), entry.at("itemsize").integer);
    // The text alone says it all, also to a reader that insists on the exact size.
    EXPECT_EQ(Format::parse(format.text()), format);
    EXPECT_EQ(Format::parse(format.text(), format.itemsize(), true), format);
    const ParseTree again = internal::parse_format(format.text(), format.itemsize(), true);
    expect_same_fields(again.fields, format.fields());
  }
}

}  // namespace
}  // namespace stridecast
