// Table entries of the moves that reverse the bytes of every item, or of every unit inside an item
// (complex numbers, sub-arrays). The loops are in move-inl.h.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/move_swap.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/move-inl.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

// Units of odd sizes (a 12-byte long double): byte by byte, `rect` being rows of packed units.
HWY_NOINLINE void SwapOddUnits(const Rect& rect, size_t unit) {
  for (size_t row = 0; row < rect.n[0]; ++row) {
    const uint8_t* src = rect.src + static_cast<ptrdiff_t>(row) * rect.src_step[0];
    uint8_t* dst = rect.dst + static_cast<ptrdiff_t>(row) * rect.dst_step[0];
    for (size_t i = 0; i < rect.n[1]; ++i, src += unit, dst += unit) {
      // From both ends inwards, each pair read before it is written: right in place too.
      for (size_t lo = 0, hi = unit - 1; lo <= hi && hi < unit; ++lo, --hi) {
        const uint8_t a = src[lo], b = src[hi];
        dst[lo] = b;
        dst[hi] = a;
      }
    }
  }
}

// Rows of two packed units on both sides, as complex numbers come where units have a loop of their
// own: one item each.
template <size_t kUnit>
HWY_INLINE void SwapRect(const Rect& rect, bool stream) {
  constexpr ptrdiff_t kStep = kUnit;
  if constexpr (kUnit <= 8) {
    if (rect.n[1] == 2 && rect.n[0] > 1 && rect.src_step[1] == kStep && rect.dst_step[1] == kStep) {
      const Rect items{
          rect.src, rect.dst, {0, rect.src_step[0]}, {0, rect.dst_step[0]}, {1, rect.n[0]}};
      return MoveRect<2 * kUnit, kUnit>(items, stream);
    }
  }
  MoveRect<kUnit, kUnit>(rect, stream);
}

template <size_t kSize>
uint32_t SwapKernel(const sc_run* run) {
  SwapRect<kSize>(SimplestRect(*run), (run->flags & SC_RUN_STREAM) != 0);
  return 0;
}

HWY_INLINE void SwapUnitsOfRect(const Rect& rect, size_t unit, bool stream) {
  switch (unit) {
    case 1:
      return MoveRect<1, 1>(rect, stream);
    case 2:
      return SwapRect<2>(rect, stream);
    case 4:
      return SwapRect<4>(rect, stream);
    case 8:
      return SwapRect<8>(rect, stream);
    case 16:
      return SwapRect<16>(rect, stream);
    default:
      return SwapOddUnits(rect, unit);
  }
}

// Items of several units: every item a row of units, in one rectangle where all rows of items or
// all items of a row follow each other at one step.
uint32_t SwapAnySize(const sc_run* run) {
  const ptrdiff_t item = run->src_size;
  const ptrdiff_t unit = static_cast<const SwapParams*>(run->params)->unit;
  const size_t units = static_cast<size_t>(item / unit);
  const bool stream = (run->flags & SC_RUN_STREAM) != 0;
  Rect rect = SimplestRect(*run);
  if (rect.src_step[1] == item && rect.dst_step[1] == item) {
    rect.n[1] *= units;
    rect.src_step[1] = rect.dst_step[1] = unit;
    SwapUnitsOfRect(rect, static_cast<size_t>(unit), stream);
    return 0;
  }
  Rect items{
      rect.src, rect.dst, {rect.src_step[1], unit}, {rect.dst_step[1], unit}, {rect.n[1], units}};
  for (size_t row = 0; row < rect.n[0]; ++row) {
    SwapUnitsOfRect(items, static_cast<size_t>(unit), stream);
    items.src += rect.src_step[0];
    items.dst += rect.dst_step[0];
  }
  return 0;
}

}  // namespace

void FillMoveSwap(KernelTable& table) {
  table.move_swap[1] = MoveEntry(&SwapKernel<2>, "swap2");
  table.move_swap[2] = MoveEntry(&SwapKernel<4>, "swap4");
  table.move_swap[3] = MoveEntry(&SwapKernel<8>, "swap8");
  table.move_swap[4] = MoveEntry(&SwapKernel<16>, "swap16");
  table.move_swap[kMoveN] = MoveEntry(&SwapAnySize, "swap_n");
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
