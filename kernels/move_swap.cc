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

HWY_INLINE void MoveUnits(const Rect& rect, size_t unit, bool stream) {
  switch (unit) {
    case 1:
      return MoveRect<1, 1>(rect, stream);
    case 2:
      return MoveRect<2, 2>(rect, stream);
    case 4:
      return MoveRect<4, 4>(rect, stream);
    case 8:
      return MoveRect<8, 8>(rect, stream);
    case 16:
      return MoveRect<16, 16>(rect, stream);
    default:
      return SwapOddUnits(rect, unit);
  }
}

uint32_t SwapAnySize(const sc_run* run) {
  const SwapParams& params = *static_cast<const SwapParams*>(run->params);
  const ptrdiff_t item = run->src_size, unit = params.unit;
  const size_t units = static_cast<size_t>(item / unit);
  const bool stream = (run->flags & SC_RUN_STREAM) != 0;
  Rect rect = SimplestRect(*run);
  if (rect.src_step[1] == item && rect.dst_step[1] == item) {
    rect.n[1] *= units;
    rect.src_step[1] = rect.dst_step[1] = unit;
    MoveUnits(rect, static_cast<size_t>(unit), stream);
    return 0;
  }
  if (unit * 2 == item) {  // complex numbers
    switch (item) {
      case 4:
        MoveRect<4, 2>(rect, stream);
        return 0;
      case 8:
        MoveRect<8, 4>(rect, stream);
        return 0;
      case 16:
        MoveRect<16, 8>(rect, stream);
        return 0;
      default:
        break;
    }
  }
  // Each row of items becomes a column of unit rows.
  Rect items{
      rect.src, rect.dst, {rect.src_step[1], unit}, {rect.dst_step[1], unit}, {rect.n[1], units}};
  for (size_t row = 0; row < rect.n[0]; ++row) {
    MoveUnits(items, static_cast<size_t>(unit), false);
    items.src += rect.src_step[0];
    items.dst += rect.dst_step[0];
  }
  return 0;
}

}  // namespace

void FillMoveSwap(KernelTable& table) {
  table.move_swap[1] = MoveEntry(&MoveKernel<2, 2>, "swap2");
  table.move_swap[2] = MoveEntry(&MoveKernel<4, 4>, "swap4");
  table.move_swap[3] = MoveEntry(&MoveKernel<8, 8>, "swap8");
  table.move_swap[4] = MoveEntry(&MoveKernel<16, 16>, "swap16");
  table.move_swap[kMoveN] = MoveEntry(&SwapAnySize, "swap_n");
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
