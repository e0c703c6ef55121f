// Table entries of the plain moves, which keep every bit: sizes 1, 2, 4, 8, 16 and n. The loops are
// in move-inl.h; moves that reverse bytes are in move_swap.cc.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/move.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/move-inl.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

uint32_t MoveAnySize(const sc_run* run) {
  const size_t size = static_cast<size_t>(run->src_size);
  const ptrdiff_t item = run->src_size;
  Rect rect = SimplestRect(*run);
  if (SameItems(rect)) return 0;
  if (rect.src_step[1] == item && rect.dst_step[1] == item) {
    rect.n[1] *= size;
    PackedRows<1, 1>(rect, (run->flags & SC_RUN_STREAM) != 0 && PaysToStream(rect, 1));
    return 0;
  }
  // Each row of items becomes a column of byte rows.
  Rect items{rect.src, rect.dst, {rect.src_step[1], 1}, {rect.dst_step[1], 1}, {rect.n[1], size}};
  for (size_t row = 0; row < rect.n[0]; ++row) {
    CopyByteRows(items, size);
    items.src += rect.src_step[0];
    items.dst += rect.dst_step[0];
  }
  return 0;
}

}  // namespace

void FillMove(KernelTable& table) {
  table.move[0] = MoveEntry(&MoveKernel<1, 1>, "move1");
  table.move[1] = MoveEntry(&MoveKernel<2, 1>, "move2");
  table.move[2] = MoveEntry(&MoveKernel<4, 1>, "move4");
  table.move[3] = MoveEntry(&MoveKernel<8, 1>, "move8");
  table.move[4] = MoveEntry(&MoveKernel<16, 1>, "move16");
  table.move[kMoveN] = MoveEntry(&MoveAnySize, "move_n");
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
