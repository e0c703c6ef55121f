// A rectangle of items from any steps to any steps, and its simplest form. Per-target header,
// shared by all kernels that move items; the loops over rectangles are elsewhere (move-inl.h,
// channels-inl.h).
#if defined(STRIDECAST_KERNELS_RECT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STRIDECAST_KERNELS_RECT_INL_H_
#undef STRIDECAST_KERNELS_RECT_INL_H_
#else
#define STRIDECAST_KERNELS_RECT_INL_H_
#endif

#include "kernels/lanes-inl.h"
#include "stridecast/kernel_abi.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

using FullBytes = hn::ScalableTag<uint8_t>;
using SmallBytes = hn::CappedTag<uint8_t, 16>;

struct Rect {
  const uint8_t* src;
  uint8_t* dst;
  ptrdiff_t src_step[2], dst_step[2];
  size_t n[2];
};

// Destination steps positive, and one row where the steps on both sides allow it.
HWY_INLINE Rect SimplestRect(const sc_run& run) {
  Rect rect{static_cast<const uint8_t*>(run.src),
            static_cast<uint8_t*>(run.dst),
            {run.src_step[0], run.src_step[1]},
            {run.dst_step[0], run.dst_step[1]},
            {static_cast<size_t>(run.n[0]), static_cast<size_t>(run.n[1])}};
  for (int dim = 0; dim < 2; ++dim) {
    if (rect.dst_step[dim] >= 0) continue;
    const ptrdiff_t last = static_cast<ptrdiff_t>(rect.n[dim]) - 1;
    rect.src += last * rect.src_step[dim];
    rect.dst += last * rect.dst_step[dim];
    rect.src_step[dim] = -rect.src_step[dim];
    rect.dst_step[dim] = -rect.dst_step[dim];
  }
  // A row may be the inner loop of the other (C order) or the outer one (Fortran order).
  for (int inner = 1; inner >= 0 && rect.n[0] > 1; --inner) {
    const int outer = 1 - inner;
    const ptrdiff_t count = static_cast<ptrdiff_t>(rect.n[inner]);
    const bool joined = count == 1 || (rect.src_step[outer] == count * rect.src_step[inner] &&
                                       rect.dst_step[outer] == count * rect.dst_step[inner]);
    if (!joined) continue;
    const int kept = count == 1 ? outer : inner;
    rect.src_step[1] = rect.src_step[kept];
    rect.dst_step[1] = rect.dst_step[kept];
    rect.n[1] *= rect.n[0];
    rect.n[0] = 1;
  }
  return rect;
}

HWY_INLINE bool SameItems(const Rect& rect) {
  return rect.src == rect.dst && rect.src_step[1] == rect.dst_step[1] &&
         (rect.n[0] == 1 || rect.src_step[0] == rect.dst_step[0]);
}

}  // namespace
}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
