// Struct layout: the one place that knows what a byte order mark means for sizes, alignment,
// offsets and end padding. It sees numbers, not text; reading the text is format_parser.cc.
#ifndef STRIDECAST_DTYPES_STRUCT_LAYOUT_H_
#define STRIDECAST_DTYPES_STRUCT_LAYOUT_H_

#include <cstdint>
#include <limits>

#include "dtypes/dtype_table.h"
#include "stridecast/types.h"

namespace stridecast::internal {

// The byte order mark in force.
enum class Mark : uint8_t {
  kNative,    // '@' and no mark: host order, native sizes, aligned
  kPacked,    // '^': host order, native sizes, not aligned
  kStandard,  // '=': host order, standard sizes, not aligned
  kLittle,    // '<': standard sizes, not aligned
  kBig,       // '>' and '!'
};

constexpr bool aligns(Mark mark) noexcept { return mark == Mark::kNative; }
constexpr bool has_native_sizes(Mark mark) noexcept {
  return mark == Mark::kNative || mark == Mark::kPacked;
}
constexpr ByteOrder order_of(Mark mark) noexcept {
  return mark == Mark::kLittle ? ByteOrder::kLittle
         : mark == Mark::kBig  ? ByteOrder::kBig
                               : kHostOrder;
}
// Bytes of one unit of a code; 0: the code has no standard size.
constexpr int64_t unit_size(const CodeFacts& code, Mark mark) noexcept {
  return has_native_sizes(mark) ? code.native_size : code.standard_size;
}
constexpr int64_t alignment_under(int64_t natural, Mark mark) noexcept {
  return aligns(mark) ? natural : 1;
}

// product = a * b for non-negative numbers; false, with product unchanged, if it exceeds int64_t.
constexpr bool checked_multiply(int64_t a, int64_t b, int64_t* product) noexcept {
  if (a != 0 && b > std::numeric_limits<int64_t>::max() / a) return false;
  *product = a * b;
  return true;
}
constexpr bool checked_add(int64_t a, int64_t b, int64_t* sum) noexcept {
  if (b > std::numeric_limits<int64_t>::max() - a) return false;
  *sum = a + b;
  return true;
}
// value rounded up to a multiple of `alignment` (a power of two).
constexpr bool checked_round_up(int64_t value, int64_t alignment, int64_t* rounded) noexcept {
  int64_t sum = 0;
  if (!checked_add(value, alignment - 1, &sum)) return false;
  *rounded = sum & ~(alignment - 1);
  return true;
}

// The members of one struct (or of the whole text) as they are laid out one after another. The
// functions return false, with nothing changed, if a size does not fit int64_t.
struct StructLayout {
  int64_t size = 0;       // bytes so far
  int64_t alignment = 1;  // the largest of the members read under '@'
  // The last bytes are padding that '@' implies but the text does not write. Padding written right
  // after such a struct is ambiguous: some writers (NumPy) mean the implied bytes by it.
  bool implied_tail = false;

  // Places a member of `bytes` bytes whose own alignment is `natural`, under `mark`. A member with
  // an implied tail passes it on: it is then the last thing in this struct too.
  bool place(int64_t bytes, int64_t natural, Mark mark, bool member_implied_tail,
             int64_t* offset) noexcept;
  // Appends `bytes` bytes of written padding.
  bool pad(int64_t bytes) noexcept;
  // Ends a struct: its size becomes a multiple of its alignment if `mark` aligns. The whole text is
  // not closed: "ib" is 5 bytes.
  bool close(Mark mark) noexcept;
};

}  // namespace stridecast::internal

#endif  // STRIDECAST_DTYPES_STRUCT_LAYOUT_H_
