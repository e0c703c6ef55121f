// The passes over LoopNest, each one screen, in the order in which the planner applies them.

#include "engine/loop_nest.h"

#include <algorithm>

namespace stridecast::internal {
namespace {

uint64_t magnitude(int64_t step) {
  return step < 0 ? 0 - static_cast<uint64_t>(step) : static_cast<uint64_t>(step);
}

std::string shape_text(std::span<const int64_t> shape) {
  std::string text = "(";
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (axis > 0) text += ", ";
    text += std::to_string(shape[axis]);
  }
  return text + (shape.size() == 1 ? ",)" : ")");
}

// `from` may have more axes than dst if they are of size 1.
void require_broadcast(const Layout& from, const Layout& dst, const char* what) {
  const int lead = dst.ndim() - from.ndim();
  bool fits = true;
  for (int axis = 0; fits && axis < from.ndim(); ++axis) {
    fits = from.shape()[axis] == 1 ||
           (axis + lead >= 0 && from.shape()[axis] == dst.shape()[axis + lead]);
  }
  if (fits) return;
  throw Error(ErrorCode::kInvalidArgument,
              std::string(what) + " of shape " + shape_text(from.shape()) +
                  " does not broadcast to a destination of shape " + shape_text(dst.shape()));
}

// The stride of `from` along an axis of dst; 0 where it stands still.
int64_t broadcast_stride(const Layout& from, const Layout& dst, int axis) {
  const int own = axis - (dst.ndim() - from.ndim());
  return own < 0 || from.shape()[own] == 1 ? 0 : from.strides()[own];
}

// Turns a loop round for all operands.
void flip(LoopNest& nest, Loop& loop) {
  for (int k = 0; k < kNumOperands; ++k) {
    nest.offset[k] += loop.step[k] * (loop.n - 1);
    loop.step[k] = -loop.step[k];
  }
}

}  // namespace

int64_t LoopNest::count() const noexcept {
  int64_t count = 1;
  for (const Loop& loop : loops) count *= loop.n;
  return count;
}

LoopNest make_nest(const Layout& src, const Layout& dst, const Layout* where) {
  require_broadcast(src, dst, "a source");
  if (where != nullptr) require_broadcast(*where, dst, "a mask");
  LoopNest nest;
  nest.loops.resize(dst.ndim());
  nest.offset[kSrc] = src.offset();
  nest.offset[kDst] = dst.offset();
  if (where != nullptr) nest.offset[kMask] = where->offset();
  int64_t index_step = 1;
  for (int axis = dst.ndim(); axis-- > 0;) {
    Loop& loop = nest.loops[axis];
    loop.n = dst.shape()[axis];
    loop.step[kDst] = dst.strides()[axis];
    if (where != nullptr) loop.step[kMask] = broadcast_stride(*where, dst, axis);
    loop.step[kSrc] = broadcast_stride(src, dst, axis);
    const int own = axis - (dst.ndim() - src.ndim());
    if (own < 0 || src.shape()[own] == 1) continue;
    loop.step[kIndex] = index_step;
    index_step *= src.shape()[own];
  }
  return nest;
}

void drop_size_one(LoopNest& nest) {
  std::erase_if(nest.loops, [](const Loop& loop) { return loop.n == 1; });
}

void flip_negative(LoopNest& nest, Operands operand) {
  for (Loop& loop : nest.loops) {
    if (loop.n <= 1) continue;  // nothing to turn, and its step may be anything
    const int64_t lead = loop.step[operand] != 0 ? loop.step[operand] : loop.step[kSrc];
    if (lead < 0) flip(nest, loop);
  }
}

void sort_by_step(LoopNest& nest) {
  std::stable_sort(nest.loops.begin(), nest.loops.end(), [](const Loop& a, const Loop& b) {
    const uint64_t dst_a = magnitude(a.step[kDst]), dst_b = magnitude(b.step[kDst]);
    if (dst_a != dst_b) return dst_a > dst_b;
    return magnitude(a.step[kSrc]) > magnitude(b.step[kSrc]);
  });
}

void coalesce(LoopNest& nest) {
  std::vector<Loop>& loops = nest.loops;
  for (size_t inner = loops.size(); inner-- > 1;) {
    const Loop& in = loops[inner];
    Loop& out = loops[inner - 1];
    bool one = true;
    for (int k = 0; k < kNumOperands; ++k) {
      int64_t reach;
      one = one && !__builtin_mul_overflow(in.step[k], in.n, &reach) && out.step[k] == reach;
    }
    if (!one) continue;
    out.n *= in.n;
    out.step = in.step;
    loops.erase(loops.begin() + static_cast<std::ptrdiff_t>(inner));
  }
}

bool bring_source_inward(LoopNest& nest) {
  std::vector<Loop>& loops = nest.loops;
  if (loops.size() < 2) return false;
  size_t fastest = loops.size();  // of src
  for (size_t k = loops.size(); k-- > 0;) {
    const uint64_t step = magnitude(loops[k].step[kSrc]);
    if (step == 0) continue;
    if (fastest == loops.size() || step < magnitude(loops[fastest].step[kSrc])) fastest = k;
  }
  if (fastest + 1 >= loops.size() || loops.back().step[kSrc] == 0) return false;
  Loop inward = loops[fastest];
  const Loop last = loops.back();
  loops.pop_back();
  loops.erase(loops.begin() + static_cast<std::ptrdiff_t>(fastest));
  if (inward.step[kSrc] < 0) flip(nest, inward);
  loops.push_back(inward);
  loops.push_back(last);
  sort_by_locality(nest, 2);
  return true;
}

void sort_by_locality(LoopNest& nest, size_t kept) {
  if (nest.loops.size() <= kept) return;
  const auto weight = [](const Loop& loop) {
    const double src = 1.01 * static_cast<double>(magnitude(loop.step[kSrc]));
    const double dst = static_cast<double>(magnitude(loop.step[kDst]));
    return std::min(src, dst);
  };
  std::stable_sort(nest.loops.begin(), nest.loops.end() - static_cast<std::ptrdiff_t>(kept),
                   [&](const Loop& a, const Loop& b) { return weight(a) > weight(b); });
}

void sort_by_index(LoopNest& nest) {
  std::stable_partition(nest.loops.begin(), nest.loops.end(),
                        [](const Loop& loop) { return loop.step[kIndex] != 0; });
}

LoopNest split(const LoopNest& nest, size_t which, int64_t begin, int64_t end) {
  LoopNest part = nest;
  for (int k = 0; k < kNumOperands; ++k) {
    part.offset[k] += nest.loops[which].step[k] * begin;
  }
  part.loops[which].n = end - begin;
  return part;
}

std::string to_string(std::span<const Loop> loops) {
  if (loops.empty()) return "one item";
  std::string text;
  for (const Loop& loop : loops) {
    if (!text.empty()) text += " | ";
    text += "n=" + std::to_string(loop.n) + " src:" + std::to_string(loop.step[kSrc]) +
            " dst:" + std::to_string(loop.step[kDst]);
  }
  return text;
}

}  // namespace stridecast::internal
