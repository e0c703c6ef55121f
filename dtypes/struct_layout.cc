// Offsets and end padding, see struct_layout.h.

#include "dtypes/struct_layout.h"

#include <algorithm>

namespace stridecast::internal {

bool StructLayout::place(int64_t bytes, int64_t natural, Mark mark, bool member_implied_tail,
                         int64_t* offset) noexcept {
  int64_t start = 0;
  int64_t end = 0;
  const int64_t member_alignment = alignment_under(natural, mark);
  if (!checked_round_up(size, member_alignment, &start)) return false;
  if (!checked_add(start, bytes, &end)) return false;
  // A member without bytes leaves the tail of the one before it where it is.
  implied_tail = bytes > 0 ? member_implied_tail : implied_tail && start == size;
  *offset = start;
  size = end;
  alignment = std::max(alignment, member_alignment);
  return true;
}

bool StructLayout::pad(int64_t bytes) noexcept {
  if (!checked_add(size, bytes, &size)) return false;
  if (bytes > 0) implied_tail = false;
  return true;
}

bool StructLayout::close(Mark mark) noexcept {
  int64_t rounded = 0;
  if (!checked_round_up(size, alignment_under(alignment, mark), &rounded)) return false;
  if (rounded != size) implied_tail = true;
  size = rounded;
  return true;
}

}  // namespace stridecast::internal
