// What the format letters stand for on this host, natively and in the standard sizes. The facts by
// DType are public (type_facts in stridecast/types.h) and come from the same file.
#ifndef STRIDECAST_DTYPES_DTYPE_TABLE_H_
#define STRIDECAST_DTYPES_DTYPE_TABLE_H_

#include <cstdint>

#include "stridecast/types.h"

namespace stridecast::internal {

// What a code does when the byte order mark in force is not the host's.
enum class SwappedForm : uint8_t {
  kSwaps,       // the mark gives its order
  kNone,        // there is no such type: an error
  kIgnoresMark  // writers never mark it, so that any mark may be in force: always the host's order
};

// One format letter, or the letter after 'Z' for complex numbers.
struct CodeFacts {
  DType type = DType::kOpaque;
  bool known = false;
  bool counts_length = false;  // the number before it is a length, not a repeat count
  SwappedForm swapped = SwappedForm::kSwaps;
  int8_t native_size = 0;    // bytes of one unit under '@' and '^'
  int8_t alignment = 1;      // bytes, under '@'
  int8_t standard_size = 0;  // bytes under '=', '<', '>' and '!'; 0: native modes only
};

// Facts about a letter that is a whole code; `known` is false for all other bytes. '&', 'X', 'T'
// and
// '[' are grammar, not letters, and unknown here.
const CodeFacts& code_facts(char letter) noexcept;

// Facts about 'Z' followed by `letter`.
const CodeFacts& complex_facts(char letter) noexcept;

// Any pointer: '&', 'X{}', 'P', 'z', 'Z'. They share the size, not the treatment of marks.
const CodeFacts& pointer_facts() noexcept;

}  // namespace stridecast::internal

#endif  // STRIDECAST_DTYPES_DTYPE_TABLE_H_
