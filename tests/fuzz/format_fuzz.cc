// libFuzzer target: any bytes as a format text, with any itemsize. What must hold: a text is either
// refused with a kind and a place within it, or becomes a tree that lies within its item and whose
// canonical text reads as the same format. Inputs are three bytes (flags, itemsize), then the text;
// make_seeds.py writes them from the corpus.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "dtypes/leaf_map.h"
#include "stridecast/format.h"
#include "tests/fuzz/fuzz_check.h"

namespace stridecast::fuzz {
namespace {

constexpr int64_t kMostNested = 64;

struct Input {
  std::string_view text;
  std::optional<int64_t> itemsize;
  bool exact_size = false;
};

Input read_input(const uint8_t* data, size_t size) {
  if (size < 3) return {};
  Input input = {{reinterpret_cast<const char*>(data) + 3, size - 3}, {}, (data[0] & 2) != 0};
  if ((data[0] & 1) != 0) input.itemsize = data[1] | data[2] << 8;
  return input;
}

int64_t bytes_of(const Field& field) {
  int64_t bytes = field.itemsize;
  for (const int64_t n : field.shape) CHECK(!__builtin_mul_overflow(bytes, n, &bytes));
  return bytes;
}

// Fields lie one after another, without sharing a byte, within `size` bytes.
void check_fields(const std::vector<Field>& fields, int64_t size, int64_t depth) {
  CHECK(depth <= kMostNested);
  int64_t end = 0;
  for (const Field& field : fields) {
    CHECK(field.offset >= end && field.itemsize >= 0 && field.alignment >= 1);
    CHECK(!__builtin_add_overflow(field.offset, bytes_of(field), &end));
    check_fields(field.fields, field.itemsize, depth + 1);
  }
  CHECK(end <= size);
}

// The elements that a conversion would touch lie within the item.
void check_leaves(const Format& format) {
  std::vector<internal::Leaf> leaves;
  try {
    leaves = internal::leaves(format);
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kInvalidArgument);  // asks for more than 64 MiB
    return;
  }
  for (const internal::Leaf& leaf : leaves) {
    int64_t last = leaf.offset;
    bool empty = false;
    for (const internal::LeafDim& dim : leaf.dims) {
      empty = empty || dim.count == 0;
      if (!empty) last += (dim.count - 1) * dim.stride;
    }
    CHECK(leaf.offset >= 0);
    CHECK(empty || last + leaf.itemsize <= format.itemsize());
  }
}

void check_text(const Input& input) {
  std::optional<Format> format;
  try {
    format = Format::parse(input.text, input.itemsize, input.exact_size);
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kFormat || error.code() == ErrorCode::kUnknownType);
    CHECK(!error.kind().empty() && *error.what() != '\0');
    CHECK(error.position() >= 0 && error.position() <= static_cast<int64_t>(input.text.size()));
    return;
  }
  check_fields(format->fields(), format->itemsize(), 0);
  check_leaves(*format);
  CHECK(!input.itemsize || format->itemsize() == *input.itemsize);
  // The canonical text says it all; an exact reader agrees with it.
  CHECK(Format::parse(format->text(), format->itemsize()) == *format);
  CHECK(Format::parse(format->text(), format->itemsize(), true) == *format);
  CHECK(!format->describe().empty());
}

}  // namespace
}  // namespace stridecast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  stridecast::fuzz::check_text(stridecast::fuzz::read_input(data, size));
  return 0;
}
