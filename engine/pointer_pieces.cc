// Pieces are sorted by address, so that those near another operand's are found by bisection; only
// pieces whose extents touch are asked for items in common.

#include "engine/pointer_pieces.h"

#include <algorithm>
#include <span>

namespace stridecast::internal {
namespace {

// Search steps for one pair of pieces, and how many pairs may touch: two each, as in an image whose
// pointers lead to interleaved channels, and some more.
constexpr int64_t kPairWork = 1000;
constexpr int64_t kMorePairs = 1000;
constexpr int64_t kPairsEach = 8;

// The axes from behind one pointer up to the next, or up to the items.
struct Level {
  std::span<const int64_t> shape, strides;
  int64_t itemsize = sizeof(void*);
  int64_t suboffset = 0;  // behind the pointers that lie here
  Extent extent;          // around the place that the pointer before leads to
};

Extent extent_of(const Level& level) {
  Extent extent{0, level.itemsize};
  for (size_t axis = 0; axis < level.shape.size(); ++axis) {
    const int64_t reach = (level.shape[axis] - 1) * level.strides[axis];
    (reach < 0 ? extent.lowest : extent.highest) += reach;
  }
  return extent;
}

std::vector<Level> levels_of(const Layout& layout) {
  std::vector<Level> levels;
  size_t begin = 0;
  const auto add = [&](size_t end, int64_t itemsize, int64_t suboffset) {
    Level level{layout.shape().subspan(begin, end - begin),
                layout.strides().subspan(begin, end - begin),
                itemsize,
                suboffset,
                {}};
    level.extent = extent_of(level);
    levels.push_back(level);
    begin = end;
  };
  for (size_t axis = 0; axis < layout.suboffsets().size(); ++axis) {
    const int64_t suboffset = layout.suboffsets()[axis];
    if (suboffset >= 0) add(axis + 1, sizeof(void*), suboffset);
  }
  add(layout.shape().size(), layout.format().itemsize(), 0);
  return levels;
}

// Calls visit(cell) for every cell of a level until it returns true.
template <class Visit>
bool any_cell(const Level& level, const char* base, Visit&& visit) {
  std::vector<int64_t> position(level.shape.size());
  for (;;) {
    const char* cell = base;
    for (size_t k = 0; k < position.size(); ++k) cell += position[k] * level.strides[k];
    if (visit(cell)) return true;
    size_t k = position.size();
    while (k > 0 && ++position[k - 1] == level.shape[k - 1]) position[--k] = 0;
    if (k == 0) return false;
  }
}

// Calls visit(level, base, is_table) for the tables of pointers and the pieces that items lie in,
// until it returns true.
template <class Visit>
bool any_piece(std::span<const Level> levels, const char* base, Visit& visit) {
  const bool is_table = levels.size() > 1;
  if (visit(levels[0], base, is_table)) return true;
  return is_table && any_cell(levels[0], base, [&](const char* cell) {
           return any_piece(levels.subspan(1), load_pointer(cell) + levels[0].suboffset, visit);
         });
}

template <class Visit>
bool any_piece(const Layout& layout, const Operand& operand, Visit visit) {
  const char* base = static_cast<const char*>(operand.data) + layout.offset();
  return any_piece(levels_of(layout), base, visit);
}

Items items_of(const Level& level, const char* base) {
  return Items{reinterpret_cast<intptr_t>(base), level.shape, level.strides, level.itemsize};
}

}  // namespace

PieceSet::PieceSet(const Layout& layout, const Operand& operand)
    : layout_(layout), operand_(operand) {
  const Level last = levels_of(layout).back();
  items_ = items_of(last, nullptr);
  extent_ = last.extent;
  any_piece(layout, operand, [&](const Level&, const char* base, bool is_table) {
    const intptr_t first = reinterpret_cast<intptr_t>(base) + extent_.lowest;
    if (!is_table) pieces_.push_back({first, 0});
    return false;
  });
  const auto by_address = [](const Piece& a, const Piece& b) { return a.first < b.first; };
  if (!std::ranges::is_sorted(pieces_, by_address)) std::ranges::sort(pieces_, by_address);
  for (Piece& piece : pieces_) piece.reach = piece.first + (extent_.highest - extent_.lowest);
  pairs_left_ = kMorePairs + kPairsEach * static_cast<int64_t>(pieces_.size());
}

bool PieceSet::touches(const Items& items, const Extent& extent, size_t from) {
  const intptr_t first = items.base + extent.lowest, last = items.base + extent.highest;
  const auto before = [&](const Piece& piece) { return piece.reach <= first; };
  auto piece = std::partition_point(pieces_.begin(), pieces_.end(), before);
  piece = std::max(piece, pieces_.begin() + static_cast<std::ptrdiff_t>(from));
  for (; piece != pieces_.end() && piece->first < last; ++piece) {
    if (--pairs_left_ < 0) return true;
    Items mine = items_;
    mine.base = piece->first - extent_.lowest;
    if (share_memory(mine, items, kPairWork) != Answer::kNo) return true;
  }
  return false;
}

bool PieceSet::shares_with_itself() {
  for (size_t k = 0; k + 1 < pieces_.size(); ++k) {
    if (pieces_[k + 1].first >= pieces_[k].reach) continue;
    Items mine = items_;
    mine.base = pieces_[k].first - extent_.lowest;
    if (touches(mine, extent_, k + 1)) return true;
  }
  return any_piece(layout_, operand_, [&](const Level& level, const char* base, bool is_table) {
    return is_table && touches(items_of(level, base), level.extent, 0);
  });
}

bool PieceSet::shares_with(const Layout& layout, const Operand& operand) {
  return any_piece(layout, operand, [&](const Level& level, const char* base, bool) {
    return touches(items_of(level, base), level.extent, 0);
  });
}

}  // namespace stridecast::internal
