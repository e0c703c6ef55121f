// Arrow's types and ours, as one table, and an Arrow schema as a tree of formats. Knows texts and
// trees only: no array, no item is looked at.
#ifndef STRIDECAST_PYTHON_ARROW_FORMAT_H_
#define STRIDECAST_PYTHON_ARROW_FORMAT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "python/arrow_abi.h"
#include "stridecast/format.h"

namespace stridecast::python {

/// How Arrow stores a value: as we do, as one bit, or as 32 bits of our 64.
enum class ArrowStorage : uint8_t { kSame, kBits, kInt32 };

/// What stands for a null where the type has something that can.
enum class NullValue : uint8_t { kNone, kNaN, kNaT };

/// A row of the table: an Arrow format text (up to and with the colon where a time zone follows),
/// our text for one native element, and what the two do not share.
struct ArrowType {
  std::string_view arrow;
  std::string_view text;
  ArrowStorage storage;
  NullValue null;
};

/// One node of a schema that we can read.
struct ArrowNode {
  enum class Kind : uint8_t { kValues, kStruct, kList };
  Kind kind = Kind::kValues;
  std::string name;
  std::string path;           // from the root, for messages
  std::vector<int64_t> dims;  // of the lists from here on, outermost first
  std::string element;        // the text of what the lists hold
  ArrowStorage storage{};     // of values
  NullValue null{};           // of values
  int64_t itemsize = 0;       // of values: bytes of an item in Arrow's memory; 0 for bits
  std::vector<ArrowNode> children;

  /// The text of one item, dims and element.
  std::string text() const;
};

/// Reads a schema. Throws Error: kNoConversion naming an Arrow type that has no counterpart and
/// what to do about it, kBuffer for a schema that contradicts itself.
ArrowNode node_of_schema(const ArrowSchema& schema);

/// The Arrow format of one element of `field`, byte order and shape left out; structs are "+s".
/// `*type` is its row of the table, null for fixed-size binaries and structs. Throws
/// Error(kNoConversion) naming the way out where there is none.
std::string arrow_of_field(const Field& field, const ArrowType** type);

}  // namespace stridecast::python

#endif  // STRIDECAST_PYTHON_ARROW_FORMAT_H_
