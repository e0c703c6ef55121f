// The canonical form: one tree and one text for all texts that describe the same item.
//
// The text is the one that all known readers take alike: "^T{...}" with every pad byte written
// (also at the end), letters of fixed size, '>' (the mark of the other order) only before leaves of
// that order, a sub-array as (shape). A lone element stays bare ("i", ">i", "(2,3)f"), because
// memoryview indexes only bare codes. Since such a text aligns nothing, alignment is no part of a
// format's identity: "i", "=i" and "<i" (on a little-endian host) are one format.
#ifndef STRIDECAST_DTYPES_FORMAT_PRINTER_H_
#define STRIDECAST_DTYPES_FORMAT_PRINTER_H_

#include <string>

#include "dtypes/format_parser.h"

namespace stridecast::internal {

// Makes codes and alignments canonical in place. "l" becomes "q", "F" "Zf", "[ml_dtypes$bfloat16$]"
// "E"; a lone struct takes over the padding that the exporter's itemsize adds. The alignment of a
// field becomes the natural one of its type; of a struct the largest of its members if their
// offsets and its size are multiples of theirs, else 1: what the layout itself keeps.
void canonicalise(ParseTree* tree);

// The text of a canonical tree. parse_format() of it, with the same itemsize, gives the same
// fields.
std::string print_format(const ParseTree& tree);

// Elements of the field's sub-array; 1 if it has none.
int64_t element_count(const Field& field) noexcept;

}  // namespace stridecast::internal

#endif  // STRIDECAST_DTYPES_FORMAT_PRINTER_H_
