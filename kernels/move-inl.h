// The move kernels' loops: a rectangle of items from any steps to any steps, each item reversed on
// the way or not. Per-target header; move.cc and move_swap.cc make the table entries.
//
// MoveRect takes a rectangle in its simplest form (rect-inl.h) and picks one row loop for all rows:
//   packed -> packed        memcpy, or vectors with a byte shuffle
//   one value -> packed     fill
//   a few steps -> packed   vectors: drop the lanes between the items, reverse (row_items-inl.h)
//   any step -> packed      items inserted into vectors of 16 bytes
//   packed -> step 2, 3, 4  vectors with masked stores, where the target has them
//   everything else         one item at a time, unrolled; short rows have their own loops
// Whatever ends packed is stored past the caches where the run allows it and rows are long.
// Nothing outside the items' own extent [first byte, last byte] is read, and nothing but the
// destination's items is written. What must not happen is left to the caller: sides that overlap
// without being the same items.
#if defined(STRIDECAST_KERNELS_MOVE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STRIDECAST_KERNELS_MOVE_INL_H_
#undef STRIDECAST_KERNELS_MOVE_INL_H_
#else
#define STRIDECAST_KERNELS_MOVE_INL_H_
#endif

#include "hwy/cache_control.h"
#include "kernels/kernel_table.h"
#include "kernels/lanes-inl.h"
#include "kernels/rect-inl.h"
#include "kernels/row_items-inl.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

// One row of n items to packed items; n >= Lanes(d8) / kSize, and more than that for sparse items.
// The first and the last vector overlap their neighbours, so both are read before anything is
// written: in place, the neighbours have been swapped by then.
template <class Items, size_t kSize, size_t kUnit, class D>
HWY_INLINE void VectorRow(D d8, const uint8_t* src, uint8_t* dst, size_t n, bool stream) {
  constexpr size_t kAlignFrom = 1024;  // bytes from which whole lines pay for one more vector
  const size_t bytes = hn::Lanes(d8);
  const size_t lanes = bytes / kSize;
  constexpr ptrdiff_t kStep = Items::kStep * static_cast<ptrdiff_t>(kSize);
  const ptrdiff_t advance = static_cast<ptrdiff_t>(lanes) * kStep;
  const size_t last = n - lanes;
  const auto tail = Items::template LoadLast<kSize>(d8, src + static_cast<ptrdiff_t>(last) * kStep);
  uint8_t* const begin = dst;
  uint8_t* const end = dst + last * kSize;
  const size_t misaligned = reinterpret_cast<uintptr_t>(dst) % bytes;
  stream = stream && misaligned % kSize == 0;
  auto head = tail;
  if (n * kSize >= kAlignFrom && misaligned != 0 && misaligned % kSize == 0) {
    head = Items::template Load<kSize>(d8, src);
    const size_t skip = (bytes - misaligned) / kSize;
    src += static_cast<ptrdiff_t>(skip) * kStep;
    dst += skip * kSize;
  }
  const bool has_head = dst != begin;
  if constexpr (Items::kStep == 1) {
    // Four vectors a turn: one at a time, the loop's own steps are as many as the work.
    for (; !stream && dst + 4 * bytes <= end; dst += 4 * bytes, src += 4 * bytes) {
      const auto v0 = hn::LoadU(d8, src), v1 = hn::LoadU(d8, src + bytes);
      const auto v2 = hn::LoadU(d8, src + 2 * bytes), v3 = hn::LoadU(d8, src + 3 * bytes);
      hn::StoreU(SwapUnits<kUnit>(v0), d8, dst);
      hn::StoreU(SwapUnits<kUnit>(v1), d8, dst + bytes);
      hn::StoreU(SwapUnits<kUnit>(v2), d8, dst + 2 * bytes);
      hn::StoreU(SwapUnits<kUnit>(v3), d8, dst + 3 * bytes);
    }
  }
  while (dst < end) {
    StoreBytes(SwapUnits<kUnit>(Items::template Load<kSize>(d8, src)), d8, dst, stream);
    src += advance;
    dst += bytes;
  }
  if (has_head) hn::StoreU(SwapUnits<kUnit>(head), d8, begin);
  hn::StoreU(SwapUnits<kUnit>(tail), d8, end);
}

// One item at a time, any steps.
template <size_t kSize, size_t kUnit>
HWY_INLINE void StridedRow(const uint8_t* src, ptrdiff_t src_step, uint8_t* dst, ptrdiff_t dst_step,
                           size_t n) {
  for (; n >= 4; n -= 4) {
    const auto v0 = LoadItem<kSize, kUnit>(src);
    const auto v1 = LoadItem<kSize, kUnit>(src + src_step);
    const auto v2 = LoadItem<kSize, kUnit>(src + 2 * src_step);
    const auto v3 = LoadItem<kSize, kUnit>(src + 3 * src_step);
    StoreItem<kSize>(v0, dst);
    StoreItem<kSize>(v1, dst + dst_step);
    StoreItem<kSize>(v2, dst + 2 * dst_step);
    StoreItem<kSize>(v3, dst + 3 * dst_step);
    src += 4 * src_step;
    dst += 4 * dst_step;
  }
  for (; n > 0; --n) {
    StoreItem<kSize>(LoadItem<kSize, kUnit>(src), dst);
    src += src_step;
    dst += dst_step;
  }
}

// Whether vectors pay for rows that are not packed: kGathers for any step, kSparse for those of
// row_items-inl.h. SSE2 can neither insert bytes nor shuffle them to reverse units of more than
// two.
template <size_t kSize, size_t kUnit>
inline constexpr bool kGathers = HWY_TARGET != HWY_SSE2 || (kSize > 1 && kUnit <= 2);
template <size_t kSize, size_t kUnit>
inline constexpr bool kSparse = kSize <= 8 && (HWY_TARGET != HWY_SSE2 || kUnit <= 2);

// Any step to packed items. Never in place.
template <size_t kSize, size_t kUnit>
HWY_INLINE void GatherRow(const uint8_t* src, ptrdiff_t step, uint8_t* dst, size_t n, bool stream) {
  constexpr size_t kBytes = 16, kLanes = kBytes / kSize;
  const SmallBytes d8;
  const size_t misaligned = reinterpret_cast<uintptr_t>(dst) % kBytes;
  stream = stream && misaligned % kSize == 0;
  if (stream && misaligned != 0) {
    const size_t head = (kBytes - misaligned) / kSize;
    StridedRow<kSize, kUnit>(src, step, dst, kSize, head);
    src += static_cast<ptrdiff_t>(head) * step;
    dst += head * kSize;
    n -= head;
  }
  for (; n >= 2 * kLanes; n -= 2 * kLanes) {
    const uint8_t* second = src + static_cast<ptrdiff_t>(kLanes) * step;
    const auto v0 = SwapUnits<kUnit>(Gather16<kSize>(src, step));
    const auto v1 = SwapUnits<kUnit>(Gather16<kSize>(second, step));
    StoreBytes(v0, d8, dst, stream);
    StoreBytes(v1, d8, dst + kBytes, stream);
    src = second + static_cast<ptrdiff_t>(kLanes) * step;
    dst += 2 * kBytes;
  }
  StridedRow<kSize, kUnit>(src, step, dst, kSize, n);
}

// Rows of kCount items, kCount small: no inner loop.
template <size_t kSize, size_t kUnit, int kCount>
HWY_NOINLINE void ShortRows(const Rect& rect) {
  const uint8_t* src = rect.src;
  uint8_t* dst = rect.dst;
  const ptrdiff_t ss = rect.src_step[1], ds = rect.dst_step[1];
  for (size_t row = 0; row < rect.n[0]; ++row) {
    Lane<kSize> v[kCount];
    for (int i = 0; i < kCount; ++i) v[i] = LoadItem<kSize, kUnit>(src + i * ss);
    for (int i = 0; i < kCount; ++i) StoreItem<kSize>(v[i], dst + i * ds);
    src += rect.src_step[0];
    dst += rect.dst_step[0];
  }
}

template <size_t kSize, size_t kUnit>
HWY_NOINLINE void StridedRows(const Rect& rect, bool stream) {
  if (rect.n[0] > 1) {
    switch (rect.n[1]) {
      case 2:
        return ShortRows<kSize, kUnit, 2>(rect);
      case 3:
        return ShortRows<kSize, kUnit, 3>(rect);
      case 4:
        return ShortRows<kSize, kUnit, 4>(rect);
      default:
        break;
    }
  }
  const bool packs = rect.dst_step[1] == static_cast<ptrdiff_t>(kSize) && !SameItems(rect);
  const bool gather = kGathers<kSize, kUnit> && packs && (kSize <= 8 || stream);
  const uint8_t* src = rect.src;
  uint8_t* dst = rect.dst;
  for (size_t row = 0; row < rect.n[0]; ++row) {
    if (gather) {
      GatherRow<kSize, kUnit>(src, rect.src_step[1], dst, rect.n[1], stream);
    } else {
      StridedRow<kSize, kUnit>(src, rect.src_step[1], dst, rect.dst_step[1], rect.n[1]);
    }
    src += rect.src_step[0];
    dst += rect.dst_step[0];
  }
}

// Rows to packed rows in vectors, with the widest vector that a row fills.
template <class Items, size_t kSize, size_t kUnit>
HWY_NOINLINE void VectorRows(const Rect& rect, bool stream) {
  const FullBytes full;
  const SmallBytes small;
  // The loads of sparse items read before the first item or behind the last of a vector.
  const size_t spare = Items::kStep > 1 || Items::kStep < -1 ? 1 : 0;
  const uint8_t* src = rect.src;
  uint8_t* dst = rect.dst;
  const size_t n = rect.n[1];
  if (n < hn::Lanes(small) / kSize + spare) return StridedRows<kSize, kUnit>(rect, false);
  const bool wide = n >= hn::Lanes(full) / kSize + spare;
  for (size_t row = 0; row < rect.n[0]; ++row) {
    if (wide) {
      VectorRow<Items, kSize, kUnit>(full, src, dst, n, stream);
    } else {
      VectorRow<Items, kSize, kUnit>(small, src, dst, n, false);
    }
    src += rect.src_step[0];
    dst += rect.dst_step[0];
  }
}

// Whether rows of n[1] items of `size` bytes are long enough for stores past the caches.
// Long rows, or packed ones of whole lines only.
HWY_INLINE bool PaysToStream(const Rect& rect, size_t size) {
  constexpr size_t kStreamFrom = 4096, kLine = 64;
  const size_t bytes = rect.n[1] * size;
  const bool packed = rect.src_step[1] == static_cast<ptrdiff_t>(size);
  const bool lines =
      (bytes | reinterpret_cast<uintptr_t>(rect.dst) | static_cast<size_t>(rect.dst_step[0])) %
          kLine ==
      0;
  return (bytes >= kStreamFrom || (packed && lines)) && !SameItems(rect);
}

// Packed to packed past the caches: whole lines, on some CPUs of four pages in turn. `dst` has an
// address that is a multiple of kSize.
template <size_t kSize, size_t kUnit>
HWY_NOINLINE void StreamRow(const uint8_t* src, uint8_t* dst, size_t bytes) {
  constexpr size_t kLine = 64, kPage = 4096, kPages = 4;
  const FullBytes d8;
  const size_t vector = hn::Lanes(d8);
  const size_t head = (kLine - reinterpret_cast<uintptr_t>(dst) % kLine) % kLine;
  StridedRow<kSize, kUnit>(src, kSize, dst, kSize, head / kSize);
  src += head;
  dst += head;
  bytes -= head;
  const bool in_turn = bytes >= kPages * kPage && streams_pages_in_turn();
  for (; in_turn && bytes >= kPages * kPage; bytes -= kPages * kPage) {
    for (size_t line = 0; line < kPage; line += kLine) {
      for (size_t page = 0; page < kPages; ++page) {
        for (size_t i = page * kPage + line; i < page * kPage + line + kLine; i += vector) {
          hn::Stream(SwapUnits<kUnit>(hn::LoadU(d8, src + i)), d8, dst + i);
        }
      }
    }
    src += kPages * kPage;
    dst += kPages * kPage;
  }
  for (; bytes >= kLine; bytes -= kLine) {
    for (size_t i = 0; i < kLine; i += vector) {
      hn::Stream(SwapUnits<kUnit>(hn::LoadU(d8, src + i)), d8, dst + i);
    }
    src += kLine;
    dst += kLine;
  }
  StridedRow<kSize, kUnit>(src, kSize, dst, kSize, bytes / kSize);
}

// Rows of `bytes` packed bytes that follow each other at any step: items of any size are such rows.
template <size_t kPiece>
HWY_INLINE void CopyTwoPieces(const Rect& rect, size_t bytes) {
  const uint8_t* src = rect.src;
  uint8_t* dst = rect.dst;
  const size_t second = bytes - kPiece;
  for (size_t row = 0; row < rect.n[0]; ++row) {
    const auto lo = LoadItem<kPiece, 1>(src);
    const auto hi = LoadItem<kPiece, 1>(src + second);
    StoreItem<kPiece>(lo, dst);
    StoreItem<kPiece>(hi, dst + second);
    src += rect.src_step[0];
    dst += rect.dst_step[0];
  }
}

HWY_NOINLINE void CopyByteRows(const Rect& rect, size_t bytes) {
  if (bytes >= 2 && bytes <= 32) {
    if (bytes > 16) return CopyTwoPieces<16>(rect, bytes);
    if (bytes >= 8) return CopyTwoPieces<8>(rect, bytes);
    if (bytes >= 4) return CopyTwoPieces<4>(rect, bytes);
    if (bytes == 3) return CopyTwoPieces<2>(rect, bytes);
    return CopyTwoPieces<1>(rect, bytes);
  }
  const uint8_t* src = rect.src;
  uint8_t* dst = rect.dst;
  if (bytes > 32 && bytes <= 64) {
    const SmallBytes d8;
    const size_t vector = hn::Lanes(d8);
    for (size_t row = 0; row < rect.n[0]; ++row) {
      const auto last = hn::LoadU(d8, src + bytes - vector);
      for (size_t i = 0; i + vector < bytes; i += vector) {
        hn::StoreU(hn::LoadU(d8, src + i), d8, dst + i);
      }
      hn::StoreU(last, d8, dst + bytes - vector);
      src += rect.src_step[0];
      dst += rect.dst_step[0];
    }
    return;
  }
  for (size_t row = 0; row < rect.n[0]; ++row) {
    memcpy(dst, src, bytes);
    src += rect.src_step[0];
    dst += rect.dst_step[0];
  }
}

template <size_t kSize, size_t kUnit>
HWY_NOINLINE void PackedRows(const Rect& rect, bool stream) {
  const size_t bytes = rect.n[1] * kSize;
  if (stream) {
    const uint8_t* src = rect.src;
    uint8_t* dst = rect.dst;
    for (size_t row = 0; row < rect.n[0]; ++row) {
      if (reinterpret_cast<uintptr_t>(dst) % kUnit != 0) {
        VectorRow<PackedItems, kSize, kUnit>(FullBytes(), src, dst, rect.n[1], false);
      } else {
        StreamRow<kUnit, kUnit>(src, dst, bytes);
      }
      src += rect.src_step[0];
      dst += rect.dst_step[0];
    }
    return;
  }
  if constexpr (kUnit > 1) {
    VectorRows<PackedItems, kSize, kUnit>(rect, false);
  } else {
    CopyByteRows(rect, bytes);
  }
}

// Packed rows to rows of every kStep-th item, 2 to 4. The items between are left alone by masked
// stores, which neither write nor fault there; without those they would have to be read and written
// back. Three takes one permutation, for no two of its three vectors want items in the same lane.
template <size_t kSize, size_t kStep>
inline constexpr bool kScatters = HWY_ARCH_X86&& HWY_TARGET <= HWY_AVX3&& kSize <= 8 &&
                                  (kStep == 2 || kStep == 4 ||
                                   (kStep == 3 && kPermutesLanes<kSize>));

template <size_t kStep, class D>
HWY_INLINE void ScatterVector(D d, hn::Vec<D> v, hn::TFromD<D>* dst) {
  const size_t lanes = hn::Lanes(d);
  if constexpr (kStep == 3) {
    const auto indices = hn::SetTableIndices(d, kChannelTables<D, 3>.join[0]);
    const auto spread = hn::TableLookupLanes(v, indices);
    for (size_t k = 0; k < 3; ++k) {
      hn::BlendedStore(spread, LanesOfChannel<3>(d, k, 0), d, dst + k * lanes);
    }
  } else {
    const auto lanes_of_items = hn::Eq(hn::And(hn::Iota(d, 0), hn::Set(d, kStep - 1)), hn::Zero(d));
    const auto lo = hn::InterleaveWholeLower(d, v, v), hi = hn::InterleaveWholeUpper(d, v, v);
    if constexpr (kStep == 2) {
      hn::BlendedStore(lo, lanes_of_items, d, dst);
      hn::BlendedStore(hi, lanes_of_items, d, dst + lanes);
    } else {
      hn::BlendedStore(hn::InterleaveWholeLower(d, lo, lo), lanes_of_items, d, dst);
      hn::BlendedStore(hn::InterleaveWholeUpper(d, lo, lo), lanes_of_items, d, dst + lanes);
      hn::BlendedStore(hn::InterleaveWholeLower(d, hi, hi), lanes_of_items, d, dst + 2 * lanes);
      hn::BlendedStore(hn::InterleaveWholeUpper(d, hi, hi), lanes_of_items, d, dst + 3 * lanes);
    }
  }
}

template <size_t kSize, size_t kUnit, size_t kStep>
HWY_NOINLINE void ScatterRows(const Rect& rect) {
  const FullBytes d8;
  const hn::Repartition<Lane<kSize>, FullBytes> d;
  const size_t lanes = hn::Lanes(d);
  const uint8_t* src = rect.src;
  uint8_t* dst = rect.dst;
  for (size_t row = 0; row < rect.n[0]; ++row) {
    size_t i = 0;
    for (; i + lanes <= rect.n[1]; i += lanes) {
      const auto v = hn::BitCast(d, SwapUnits<kUnit>(hn::LoadU(d8, src + i * kSize)));
      ScatterVector<kStep>(d, v, reinterpret_cast<Lane<kSize>*>(dst + kStep * i * kSize));
    }
    StridedRow<kSize, kUnit>(src + i * kSize, kSize, dst + kStep * i * kSize, kStep * kSize,
                             rect.n[1] - i);
    src += rect.src_step[0];
    dst += rect.dst_step[0];
  }
}

// One value per row, repeated. Stores past the caches do not pay here: nothing is read.
template <size_t kSize, size_t kUnit>
HWY_NOINLINE void FillRows(const Rect& rect) {
  const FullBytes d8;
  const size_t vector = hn::Lanes(d8);
  const size_t bytes = rect.n[1] * kSize;
  const uint8_t* src = rect.src;
  uint8_t* dst = rect.dst;
  if (bytes < vector) return StridedRows<kSize, kUnit>(rect, false);
  for (size_t row = 0; row < rect.n[0]; ++row) {
    const Lane<kSize> value = LoadItem<kSize, kUnit>(src);
    hn::Vec<FullBytes> v;
    if constexpr (kSize == 16) {
      HWY_ALIGN uint8_t block[16];
      memcpy(block, &value, 16);
      v = hn::LoadDup128(d8, block);
    } else {
      v = hn::BitCast(d8, hn::Set(hn::Repartition<Lane<kSize>, FullBytes>(), value));
    }
    size_t i = 0;
    for (; i + vector < bytes; i += vector) hn::StoreU(v, d8, dst + i);
    hn::StoreU(v, d8, dst + bytes - vector);
    src += rect.src_step[0];
    dst += rect.dst_step[0];
  }
}

// The vector loop for rows of this step, if there is one.
template <size_t kSize, size_t kUnit, class Items>
HWY_INLINE bool TryItems(const Rect& rect, bool stream) {
  if constexpr (Items::template kPays<kSize>) {
    if (rect.src_step[1] == Items::kStep * static_cast<ptrdiff_t>(kSize)) {
      VectorRows<Items, kSize, kUnit>(rect, stream);
      return true;
    }
  }
  return false;
}

template <size_t kSize, size_t kUnit, class... Items>
HWY_INLINE bool TryEach(const Rect& rect, bool stream) {
  return (TryItems<kSize, kUnit, Items>(rect, stream) || ...);
}

template <size_t kSize, size_t kUnit, size_t kStep>
HWY_INLINE bool TryScatter(const Rect& rect) {
  if constexpr (kScatters<kSize, kStep>) {
    if (rect.dst_step[1] == static_cast<ptrdiff_t>(kStep * kSize)) {
      ScatterRows<kSize, kUnit, kStep>(rect);
      return true;
    }
  }
  return false;
}

template <size_t kSize, size_t kUnit>
HWY_INLINE void MoveRect(const Rect& rect, bool stream) {
  constexpr ptrdiff_t kItem = kSize;
  if (kUnit == 1 && SameItems(rect)) return;
  stream = stream && PaysToStream(rect, kSize);
  const ptrdiff_t step = rect.src_step[1];
  if (rect.dst_step[1] == kItem) {
    if (step == kItem) return PackedRows<kSize, kUnit>(rect, stream);
    if (step == 0) return FillRows<kSize, kUnit>(rect);
    using EveryThird = EveryOdd<3>;
    using EveryFourth = Twice<EverySecond>;
    if constexpr (kSparse<kSize, kUnit>) {
      if (TryEach<kSize, kUnit, Backwards<PackedItems>, EverySecond, EveryThird, EveryFourth>(
              rect, stream)) {
        return;
      }
    }
    if constexpr (kSparse<kSize, kUnit> && kSize <= 4) {
      if (TryEach<kSize, kUnit, Backwards<EverySecond>, EveryOdd<5>, EveryOdd<7>>(rect, stream))
        return;
    }
    if constexpr (kSize <= 2) {
      if (TryEach<kSize, kUnit, Twice<EveryThird>, Twice<EveryFourth>>(rect, stream)) return;
    }
  } else if (step == kItem) {
    if (TryScatter<kSize, kUnit, 2>(rect) || TryScatter<kSize, kUnit, 3>(rect) ||
        TryScatter<kSize, kUnit, 4>(rect)) {
      return;
    }
  }
  StridedRows<kSize, kUnit>(rect, stream);
}

template <size_t kSize, size_t kUnit>
uint32_t MoveKernel(const sc_run* run) {
  MoveRect<kSize, kUnit>(SimplestRect(*run), (run->flags & SC_RUN_STREAM) != 0);
  return 0;
}

HWY_INLINE sc_entry MoveEntry(sc_kernel kernel, const char* name) {
  sc_entry entry = {};
  entry.run = kernel;
  entry.name = name;
  entry.src_access = SC_ACCESS_STRIDED;
  entry.dst_access = SC_ACCESS_STRIDED;
  entry.traits = SC_TRAIT_IN_PLACE | SC_TRAIT_THREAD_SAFE;
  return entry;
}

}  // namespace
}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
