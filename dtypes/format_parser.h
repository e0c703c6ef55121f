// Format text -> tree of fields with offsets, as the text has it. Making a Format of the tree
// (canonical codes, sharing) is format.cc; the spelling of canonical texts is format_printer.h.
#ifndef STRIDECAST_DTYPES_FORMAT_PARSER_H_
#define STRIDECAST_DTYPES_FORMAT_PARSER_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "stridecast/format.h"

namespace stridecast::internal {

inline constexpr int64_t kMaxTextBytes = int64_t{1} << 20;
inline constexpr int64_t kMaxFormatItems = 65536;  // fields of all levels; unnamed padding is free
inline constexpr int kMaxFormatDepth = 64;         // of T{ and & together
inline constexpr int kMaxFieldDims = 64;

// What a text says, before anything is made canonical: codes are those of the text ("l", "F"), and
// alignments are what the marks in force ask for ("i" 4, "<i" 1).
struct ParseTree {
  std::vector<Field> fields;
  int64_t itemsize = 0;   // as agreed between text and exporter
  int64_t alignment = 1;  // the largest of the items read under '@'
};

// Throws Error as Format::parse does, and takes the same arguments.
ParseTree parse_format(std::string_view text, std::optional<int64_t> itemsize = std::nullopt,
                       bool exact_size = false);

}  // namespace stridecast::internal

#endif  // STRIDECAST_DTYPES_FORMAT_PARSER_H_
