// Table entries of the plain tiles: transposes that keep every bit. The loops are in tile-inl.h;
// tiles that reverse bytes are in tile_swap.cc.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/tile.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/targets.h"
#include "kernels/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {

void FillTile(KernelTable& table) {
  table.tile[0] = TileEntry(&TileKernel<1, 1>, "tile1");
  table.tile[1] = TileEntry(&TileKernel<2, 1>, "tile2");
  table.tile[2] = TileEntry(&TileKernel<4, 1>, "tile4");
  table.tile[3] = TileEntry(&TileKernel<8, 1>, "tile8");
  table.tile[4] = TileEntry(&TileKernel<16, 1>, "tile16");
  table.streams_tiles = kStreamsTiles;
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
