// Table entries of the tiles that reverse the bytes of every item on the way. The loops are in
// tile-inl.h.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/tile_swap.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/targets.h"
#include "kernels/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {

void FillTileSwap(KernelTable& table) {
  table.tile_swap[1] = TileEntry(&TileKernel<2, 2>, "tile_swap2");
  table.tile_swap[2] = TileEntry(&TileKernel<4, 4>, "tile_swap4");
  table.tile_swap[3] = TileEntry(&TileKernel<8, 8>, "tile_swap8");
  table.tile_swap[4] = TileEntry(&TileKernel<16, 16>, "tile_swap16");
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
