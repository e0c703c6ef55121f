// KernelTable: all kernels of one SIMD target, and how to get one table per target this CPU
// supports. Kernels process runs (stridecast/kernel_abi.h); which kernels make up a conversion, and
// over which loops they run, is the engine's business.
#ifndef STRIDECAST_KERNELS_KERNEL_TABLE_H_
#define STRIDECAST_KERNELS_KERNEL_TABLE_H_

#include <cstdint>
#include <span>
#include <string_view>

#include "stridecast/kernel_abi.h"
#include "stridecast/types.h"

namespace stridecast::kernels {

// Moves are by item size, never by type: 1, 2, 4, 8, 16 bytes, and n (sc_run.src_size == dst_size).
inline constexpr int kMoveSizes = 6;
inline constexpr int kMoveN = 5;
constexpr int move_index(int64_t item_size) noexcept {
  switch (item_size) {
    case 1:
      return 0;
    case 2:
      return 1;
    case 4:
      return 2;
    case 8:
      return 3;
    case 16:
      return 4;
    default:
      return kMoveN;
  }
}

inline constexpr int64_t kMaxClearBytes = 1024;  // an item's, for clear_unselected

inline constexpr int kTileSizes = 5;  // move_index of 1, 2, 4, 8, 16

// sc_run.params of move_swap[kMoveN]: items of sc_run.src_size bytes in which every unit is
// reversed.
struct SwapParams {
  int64_t unit;  // divides the item size
};

// sc_run.params of shuffle: bytes of the destination taken from up to four windows, a group of
// items at a time. A window is what one vector reads: so many bytes from run.src, or from aux[k -
// 1] for window k, and onwards by the group's items' steps. The destination's bytes are a window,
// too.
inline constexpr int kShuffleBytes = 64;
inline constexpr int kShuffleSources = 4;
inline constexpr uint8_t kNoByte = 0xFF;
struct ShuffleParams {
  struct Source {
    uint8_t item[kShuffleBytes];  // which of the group's items reads this byte; kNoByte: none
    uint8_t byte[kShuffleBytes];  // for each destination byte; kNoByte: not from this window
  };
  uint8_t item[kShuffleBytes];  // which of the group's items a destination byte is of; or kNoByte
  Source sources[kShuffleSources];  // a byte from none of them becomes 0
  int32_t num_sources;              // 1 to 4; one that is not needed takes no bytes
  int32_t group;                    // items at a time
  int32_t window;                   // bytes that all windows need: 1 to kShuffleBytes
};

// sc_run.state of stream_rows, which writes rows of the destination panel after panel: what does
// not fill a line yet is carried to the next panel.
struct CarryState {
  unsigned char* lines;  // kCarryLine bytes a row, aligned to them
  bool first, last;      // this panel begins, ends the rows
};
inline constexpr int64_t kCarryLine = 64;

// sc_run.params of check and clamp: the closed interval [lo, hi] of values that may pass. Integer
// kernels read the integers (uint64 its bits), float kernels the doubles (exact in the kernel's
// type).
struct LimitParams {
  int64_t lo_int = 0, hi_int = 0;
  double lo = 0, hi = 0;
  bool nonfinite_ok = false;  // float check: +-inf and NaN pass
};

// sc_run.params of the kernels of bits: their side of bits begins at bit `first` of its pointer,
// least significant bits first.
struct BitParams {
  int64_t first = 0;      // 0 or more
  bool inverted = false;  // unpack: of the bits' complement
};

enum ReduceKernel { kReduceSum, kReduceMin, kNumReduceKernels };

struct KernelTable {
  const char* target = "";
  int64_t target_bit = 0;

  // Strided to strided in two dimensions; packed sides are recognised and run fastest.
  sc_entry move[kMoveSizes] = {};
  // Every item reversed as it moves; [0] is empty, [n] reads SwapParams.
  sc_entry move_swap[kMoveSizes] = {};

  // Transposed rectangles of sides that share no memory: source items are packed along n[0]
  // (src_step[0] is the item size), destination items along n[1] (dst_step[1] is the item size).
  // Sizes 1 to 16. Two to four channels at the fast end of either side take no other entry.
  sc_entry tile[kTileSizes] = {};
  sc_entry tile_swap[kTileSizes] = {};  // every item reversed as it moves; [0] is empty
  // Whether tiles write whole lines under SC_RUN_STREAM (where the destination's rows begin on
  // them); if not, they ignore it.
  bool streams_tiles = false;
  // Packed rows of scratch, readable for a line before and behind them, to rows of the destination
  // past the caches, in whole lines; state is a CarryState. A first panel that is not the last has
  // a line or more a row.
  sc_entry stream_rows = {};
  // Makes what kernels streamed (SC_RUN_STREAM) visible to other threads: a fence, which they leave
  // to the end of the run.
  void (*flush_streams)() = nullptr;

  // Bytes of items by ShuffleParams, any steps in two dimensions; nothing but the bytes named there
  // is read or written. A group is read before it is written, so it may go on in place where no
  // group writes what another reads. Empty on targets without masks of bytes.
  sc_entry shuffle = {};
  // The windows that pay: kShuffleBytes where one instruction permutes so many bytes, else 16.
  int64_t shuffle_window = 0;

  // Moves the items whose mask is not 0; of the others no byte of dst is read or written. aux[0]:
  // one byte an item at aux_step[0].
  sc_entry move_where[kMoveSizes] = {};
  // Sets the items at dst to zero whose mask is 0, so that no stage after it complains of them.
  // dst strided, src unused, items of at most kMaxClearBytes; the mask as above.
  sc_entry clear_unselected[kMoveSizes] = {};

  // Packed 1-D runs (n[0] == 1) from here on.

  // Bits to bytes of 0 or 1; bytes, of which any but 0 is true, to bits; int64 items to bits that
  // are set where the item is no NaT (INT64_MIN). Bits of dst beside the n[1] ones stay: their
  // bytes are read and written. All read BitParams.
  sc_entry unpack_bits = {}, pack_bits = {}, valid_bits = {};
  // Adds how many bits of src are set to the int64_t at state.
  sc_entry count_bits = {};

  // Default rounding (floats: nearest-even, to integers: truncation) and wrap, exactly as
  // docs/numeric_policy.md; empty on the diagonal and between integers of equal size: a move.
  sc_entry convert[kNumArithmetic][kNumArithmetic] = {};
  // The same from a source of any step, never in place: of a few pairs on some targets, where one
  // pass over registers beats a move to scratch and a convert.
  sc_entry convert_strided[kNumArithmetic][kNumArithmetic] = {};
  // float32, float64 -> integers, clamped, NaN becomes 0.
  sc_entry saturate[kNumArithmetic][kNumArithmetic] = {};
  // Writes nothing; SC_ERR_OVERFLOW / SC_ERR_NAN for values outside LimitParams. Integers, float32,
  // float64.
  sc_entry check[kNumArithmetic] = {};
  // Same type to same type, into LimitParams; NaN stays. Integers, float32, float64.
  sc_entry clamp[kNumArithmetic] = {};

  // By accumulator type: float32, float64, int64.
  sc_reduce_entry reduce[kNumReduceKernels][kNumArithmetic] = {};
};

// Whether copies past the caches are best made of several pages in turn, which keeps more DRAM
// pages and fill buffers busy: 1.3 times as fast on Intel's Xeons, 0.8 on AMD's Zen 4.
bool streams_pages_in_turn() noexcept;

// One filled table per compiled target that this CPU supports, best first. Made on first use.
std::span<const KernelTable* const> tables();
// The table of a target by name ("AVX2"), or nullptr.
const KernelTable* find_table(std::string_view target) noexcept;
// "1.2.0", of the Highway that the kernels are written with.
const char* highway_version() noexcept;
// Names of all targets compiled in, whether this CPU supports them or not, best first.
std::span<const char* const> compiled_targets();

}  // namespace stridecast::kernels

#endif  // STRIDECAST_KERNELS_KERNEL_TABLE_H_
