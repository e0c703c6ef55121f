// The pieces of memory behind a layout's pointers, and whether those of two operands share a byte.
// What to do about it is the caller's business.
#ifndef STRIDECAST_ENGINE_POINTER_PIECES_H_
#define STRIDECAST_ENGINE_POINTER_PIECES_H_

#include <cstdint>
#include <cstring>
#include <vector>

#include "engine/overlap.h"
#include "stridecast/plan.h"

namespace stridecast::internal {

/// Pointers lie at any address.
inline char* load_pointer(const char* at) {
  char* pointer;
  std::memcpy(&pointer, at, sizeof(pointer));
  return pointer;
}

/// The pieces that an operand's items lie in: one behind each pointer of the last axis of pointers,
/// one for a layout without suboffsets. The layout must outlive the set.
class PieceSet {
 public:
  PieceSet(const Layout& layout, const Operand& operand);

  /// Whether items of two pieces share a byte, or items lie where the pointers to them do. Where
  /// that is too hard to tell: true.
  bool shares_with_itself();
  /// Whether an item shares a byte with an item of another operand, or with a pointer to one.
  bool shares_with(const Layout& layout, const Operand& operand);

 private:
  // All are equally long, so that they are sorted by both.
  struct Piece {
    intptr_t first;  // lowest byte
    intptr_t reach;  // one past the highest
  };

  // Whether `items` share a byte with a piece from the `from`th on.
  bool touches(const Items& items, const Extent& extent, size_t from);

  const Layout& layout_;
  const Operand operand_;
  Items items_;                // of the piece at address 0
  Extent extent_;              // of that
  std::vector<Piece> pieces_;  // by `first`
  int64_t pairs_left_;
};

}  // namespace stridecast::internal

#endif  // STRIDECAST_ENGINE_POINTER_PIECES_H_
