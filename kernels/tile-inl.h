// Transposed rectangles: source items are packed along the rows' direction, destination items along
// the columns'. Per-target header; tile.cc and tile_swap.cc make the table entries.
//
// A tile is as many source rows as fill one vector with one item each, and 16 bytes of each of
// them. Sixteen-byte pieces of rows that lie `16 / size` apart are gathered into the blocks of a
// vector, so that what is left is a transpose within 16-byte blocks: log2(16 / size) stages of
// interleaving, every one a rotation of the bits of an item's position (the perfect shuffle; see
// H. S. Stone, "Parallel Processing with the Perfect Shuffle", 1971). Every vector that comes out
// is a piece of one destination row; with 64-byte vectors it is a line.
//
// Rows that lie a multiple of a large power of two apart share a few sets of the L1 cache, and rows
// that come from memory are best read by whole lines, ahead of time. Both kinds are packed into
// scratch first.
#if defined(STRIDECAST_KERNELS_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STRIDECAST_KERNELS_TILE_INL_H_
#undef STRIDECAST_KERNELS_TILE_INL_H_
#else
#define STRIDECAST_KERNELS_TILE_INL_H_
#endif

#include "hwy/cache_control.h"
#include "kernels/channels-inl.h"
#include "kernels/kernel_table.h"
#include "kernels/rect-inl.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

constexpr size_t kTileLine = 64;
// Rows packed together: with the tile's own destination they stay in L1.
constexpr size_t kPackBytes = 16384;
// How far ahead of the rows in work the next ones are fetched, into L2 (measured on Zen 4: 4 lines
// are best, and L1 as their aim is worse than none).
constexpr size_t kFetchAhead = 4 * kTileLine;

// Whether a tile's rows are lines, which can be streamed as they are made.
constexpr bool kStreamsTiles = HWY_MAX_BYTES >= kTileLine;

// The part of a rectangle that tiles cover, as plain steps: item (i, j) lies at src + i * kSize +
// j * src_step and goes to dst + i * dst_step + j * kSize.
struct Transpose {
  const uint8_t* src;
  ptrdiff_t src_step;
  uint8_t* dst;
  ptrdiff_t dst_step;
  size_t rows, columns;
};

template <size_t kSize, size_t kUnit>
HWY_INLINE void TransposeItems(const Transpose& t, size_t begin_row, size_t begin_column) {
  for (size_t i = begin_row; i < t.rows; ++i) {
    const uint8_t* src = t.src + i * kSize + static_cast<ptrdiff_t>(begin_column) * t.src_step;
    uint8_t* dst = t.dst + static_cast<ptrdiff_t>(i) * t.dst_step + begin_column * kSize;
    for (size_t j = begin_column; j < t.columns; ++j, src += t.src_step, dst += kSize) {
      StoreItem<kSize>(LoadItem<kSize, kUnit>(src), dst);
    }
  }
}

// Blocks of 16 bytes, `step` apart.
template <class D>
HWY_INLINE hn::Vec<D> LoadBlocks(D d8, const uint8_t* src, ptrdiff_t step) {
  if constexpr (HWY_MAX_LANES_D(D) == 16) {
    return hn::LoadU(d8, src);
  } else {
    const hn::Half<D> half;
    const ptrdiff_t upper = step * static_cast<ptrdiff_t>(HWY_MAX_LANES_D(D) / 32);
    return hn::Combine(d8, LoadBlocks(half, src + upper, step), LoadBlocks(half, src, step));
  }
}

// 16 / kSize destination rows of one vector each.
template <size_t kSize, size_t kUnit, bool kStream, class D>
HWY_INLINE void TransposeTile(D d8, const uint8_t* HWY_RESTRICT src, ptrdiff_t src_step,
                              uint8_t* HWY_RESTRICT dst, ptrdiff_t dst_step) {
  constexpr size_t kRows = 16 / kSize;
  const hn::Repartition<Lane<kSize == 16 ? 8 : kSize>, D> d;
  hn::Vec<D> in[kRows], out[kRows];
  HWY_UNROLL(16)
  for (size_t k = 0; k < kRows; ++k) {
    in[k] = LoadBlocks(d8, src + static_cast<ptrdiff_t>(k) * src_step,
                       static_cast<ptrdiff_t>(kRows) * src_step);
  }
  HWY_UNROLL(4)
  for (size_t stage = 1; stage < kRows; stage *= 2) {
    HWY_UNROLL(8)
    for (size_t k = 0; k < kRows / 2; ++k) {
      const auto lo = hn::BitCast(d, in[k]), hi = hn::BitCast(d, in[k + kRows / 2]);
      out[2 * k] = hn::BitCast(d8, hn::InterleaveLower(d, lo, hi));
      out[2 * k + 1] = hn::BitCast(d8, hn::InterleaveUpper(d, lo, hi));
    }
    HWY_UNROLL(16)
    for (size_t k = 0; k < kRows; ++k) in[k] = out[k];
  }
  HWY_UNROLL(16)
  for (size_t k = 0; k < kRows; ++k) {
    const auto row = SwapUnits<kUnit>(in[k]);
    uint8_t* const at = dst + static_cast<ptrdiff_t>(k) * dst_step;
    if constexpr (kStream) {
      hn::Stream(row, d8, at);
    } else {
      hn::StoreU(row, d8, at);
    }
  }
}

// Columns [begin, t.columns) of the rows of one tile that start at row i. Where the last columns do
// not fill a vector, a narrower one or one that reaches back over columns already done takes them.
template <size_t kSize, size_t kUnit, bool kStream, class D>
HWY_INLINE void TransposeColumns(D d8, const Transpose& t, size_t i, size_t begin) {
  constexpr size_t kColumns = HWY_MAX_LANES_D(D) / kSize;
  const uint8_t* const src = t.src + i * kSize;
  uint8_t* const dst = t.dst + static_cast<ptrdiff_t>(i) * t.dst_step;
  size_t j = begin;
  for (; j + kColumns <= t.columns; j += kColumns) {
    TransposeTile<kSize, kUnit, kStream>(d8, src + static_cast<ptrdiff_t>(j) * t.src_step,
                                         t.src_step, dst + j * kSize, t.dst_step);
  }
  if (j == t.columns) return;
  if constexpr (HWY_MAX_LANES_D(D) > 16) {
    if (t.columns - j <= kColumns / 2 || t.columns < kColumns) {
      return TransposeColumns<kSize, kUnit, false>(hn::Half<D>(), t, i, j);
    }
  }
  if (t.columns >= kColumns) {
    j = t.columns - kColumns;
    TransposeTile<kSize, kUnit, false>(d8, src + static_cast<ptrdiff_t>(j) * t.src_step, t.src_step,
                                       dst + j * kSize, t.dst_step);
    return;
  }
  const Transpose few{src, t.src_step, dst, t.dst_step, 16 / kSize, t.columns};
  TransposeItems<kSize, kUnit>(few, 0, j);
}

// Vectors of lines where they are streamed: a line that is written in two halves, with other lines
// between them, costs two writes. In cache, items of 1 and 2 bytes take half of that: their many
// interleaving stages run at two a cycle in 32-byte vectors (Zen 4 and Intel since Ice Lake), and
// gathering two blocks takes one insertion instead of three.
template <size_t kSize, bool kStream>
using TileBytes = hn::CappedTag<uint8_t, (kStream || (kSize > 2)) ? kTileLine : kTileLine / 2>;

template <size_t kSize, size_t kUnit, bool kStream>
HWY_INLINE void TransposeRows(const Transpose& t) {
  constexpr size_t kRows = 16 / kSize;
  const TileBytes<kSize, kStream> d8;
  if (t.rows < kRows) return TransposeItems<kSize, kUnit>(t, 0, 0);
  size_t i = 0;
  for (; i + kRows <= t.rows; i += kRows) TransposeColumns<kSize, kUnit, kStream>(d8, t, i, 0);
  if (i < t.rows) TransposeColumns<kSize, kUnit, kStream>(d8, t, t.rows - kRows, 0);
}

// Whether the source rows of one line of the destination would push each other out of an 8-way L1
// cache whose ways are a page each, as all ways have been on x86 and Arm for long.
template <size_t kSize>
HWY_INLINE bool SharesSets(const Transpose& t) {
  constexpr size_t kPage = 4096, kWays = 4;  // half of them, for the other side's lines
  const size_t step = static_cast<size_t>(t.src_step < 0 ? -t.src_step : t.src_step);
  const size_t power = step == 0 ? kPage : HWY_MIN(step & (~step + 1), kPage);
  const size_t rows = HWY_MIN(t.columns, kTileLine / kSize);
  return rows * power > kWays * kPage && t.rows * kSize > 16;
}

// Copies `rows` rows of `bytes` bytes to scratch, one after the other at `pitch`.
template <bool kFetch>
HWY_INLINE void PackRows(const uint8_t* src, ptrdiff_t src_step, size_t rows, size_t bytes,
                         uint8_t* dst, size_t pitch) {
  const FullBytes d8;
  const size_t vector = hn::Lanes(d8);
  for (size_t row = 0; row < rows; ++row, src += src_step, dst += pitch) {
    if constexpr (kFetch) {
      for (size_t at = 0; at < bytes; at += kTileLine) {
        __builtin_prefetch(src + HWY_MAX(bytes, kFetchAhead) + at, 0, 2);
      }
    }
    size_t at = 0;
    for (; at + vector <= bytes; at += vector) hn::StoreU(hn::LoadU(d8, src + at), d8, dst + at);
    for (; at < bytes; ++at) dst[at] = src[at];
  }
}

template <size_t kSize, size_t kUnit, bool kFetch>
HWY_NOINLINE void TransposePacked(const Transpose& all, bool stream, uint8_t* scratch) {
  const size_t row_items = HWY_MIN(all.rows, kPackBytes / 64 / kSize);
  const size_t pitch = (row_items * kSize + kTileLine - 1) / kTileLine * kTileLine;
  constexpr size_t kLineItems = kTileLine / kSize;  // what follows begins on a line, too
  const size_t columns = kPackBytes / pitch / kLineItems * kLineItems;
  for (size_t j = 0; j < all.columns; j += columns) {
    for (size_t i = 0; i < all.rows; i += row_items) {
      Transpose t = all;
      t.src += static_cast<ptrdiff_t>(i * kSize) + static_cast<ptrdiff_t>(j) * all.src_step;
      t.dst += static_cast<ptrdiff_t>(i) * all.dst_step + static_cast<ptrdiff_t>(j * kSize);
      t.rows = HWY_MIN(row_items, all.rows - i);
      t.columns = HWY_MIN(columns, all.columns - j);
      PackRows<kFetch>(t.src, t.src_step, t.columns, t.rows * kSize, scratch, pitch);
      t.src = scratch;
      t.src_step = static_cast<ptrdiff_t>(pitch);
      if (stream) {
        TransposeRows<kSize, kUnit, true>(t);
      } else {
        TransposeRows<kSize, kUnit, false>(t);
      }
    }
  }
}

template <size_t kSize, size_t kUnit>
HWY_NOINLINE void TransposeDirect(const Transpose& t) {
  TransposeRows<kSize, kUnit, false>(t);
}

template <size_t kSize, size_t kUnit>
uint32_t TileKernel(const sc_run* run) {
  const Rect rect{static_cast<const uint8_t*>(run->src),
                  static_cast<uint8_t*>(run->dst),
                  {run->src_step[0], run->src_step[1]},
                  {run->dst_step[0], run->dst_step[1]},
                  {static_cast<size_t>(run->n[0]), static_cast<size_t>(run->n[1])}};
  const bool stream = (run->flags & SC_RUN_STREAM) != 0;
  constexpr ptrdiff_t kChannelBytes = 4 * kSize;
  const bool few_rows = rect.n[0] <= 4 && rect.src_step[1] <= kChannelBytes;
  const bool few_columns = rect.n[1] <= 4 && rect.dst_step[0] <= kChannelBytes;
  if (few_rows && SplitChannels<kSize, kUnit>(rect, stream)) return 0;
  if (few_columns && JoinChannels<kSize, kUnit>(rect, stream)) return 0;
  const Transpose t{rect.src, rect.src_step[1], rect.dst, rect.dst_step[0], rect.n[0], rect.n[1]};
  const bool lines = stream && kStreamsTiles &&
                     reinterpret_cast<uintptr_t>(t.dst) % kTileLine == 0 &&
                     t.dst_step % static_cast<ptrdiff_t>(kTileLine) == 0;
  uint8_t* const scratch = static_cast<uint8_t*>(run->scratch);
  if ((run->flags & SC_RUN_FETCH) != 0) {
    TransposePacked<kSize, kUnit, true>(t, lines, scratch);
  } else if (lines || SharesSets<kSize>(t)) {
    TransposePacked<kSize, kUnit, false>(t, lines, scratch);
  } else {
    TransposeDirect<kSize, kUnit>(t);
  }
  return 0;
}

HWY_INLINE sc_entry TileEntry(sc_kernel kernel, const char* name) {
  sc_entry entry = {};
  entry.run = kernel;
  entry.name = name;
  entry.src_access = SC_ACCESS_TILE;
  entry.dst_access = SC_ACCESS_TILE;
  entry.needs = SC_NEEDS_SCRATCH;
  entry.traits = SC_TRAIT_THREAD_SAFE;
  entry.scratch_bytes = static_cast<uint32_t>(kPackBytes);
  return entry;
}

}  // namespace
}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
