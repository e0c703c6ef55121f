// The move kernels' loops: a rectangle of items from any steps to any steps, each item reversed on
// the way or not. Per-target header; move.cc and move_swap.cc make the table entries.
//
// MoveRect first brings the rectangle to its simplest form (destination steps positive, rows joined
// where both sides allow it), then picks one row loop for all rows:
//   packed -> packed            memcpy, or vectors with a byte shuffle; non-temporal where asked
//   one value -> packed         fill
//   step -1, 2, 3, 4 -> packed  vectors: reverse, or drop the lanes between the items
//   packed -> step 2            vectors with masked stores, where the target has them
//   everything else             one item at a time, unrolled; short rows have their own loops
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

// How a vector of packed items is gathered from a row of items `kStep` items apart. Load reads the
// items from the one at `src` on and may read past the last of them, but not past the one that
// follows; LoadLast reads nothing past the last of them, but may read back to the one before `src`.
struct PackedItems {
  static constexpr ptrdiff_t kStep = 1;
  template <size_t kSize, class D>
  static HWY_INLINE hn::Vec<D> Load(D d8, const uint8_t* src) {
    return hn::LoadU(d8, src);
  }
  template <size_t kSize, class D>
  static HWY_INLINE hn::Vec<D> LoadLast(D d8, const uint8_t* src) {
    return hn::LoadU(d8, src);
  }
};

struct ReversedItems {
  static constexpr ptrdiff_t kStep = -1;
  template <size_t kSize, class D>
  static HWY_INLINE hn::Vec<D> Load(D d8, const uint8_t* src) {
    const hn::Repartition<Lane<kSize>, D> d;
    const auto v = hn::LoadU(d8, src + kSize - hn::Lanes(d8));
    return hn::BitCast(d8, hn::Reverse(d, hn::BitCast(d, v)));
  }
  template <size_t kSize, class D>
  static HWY_INLINE hn::Vec<D> LoadLast(D d8, const uint8_t* src) {
    return Load<kSize>(d8, src);
  }
};

struct EverySecond {
  static constexpr ptrdiff_t kStep = 2;
  template <size_t kSize, class D>
  static HWY_INLINE hn::Vec<D> Load(D d8, const uint8_t* src) {
    const hn::Repartition<Lane<kSize>, D> d;
    const auto lo = hn::BitCast(d, hn::LoadU(d8, src));
    const auto hi = hn::BitCast(d, hn::LoadU(d8, src + hn::Lanes(d8)));
    return hn::BitCast(d8, hn::ConcatEven(d, hi, lo));
  }
  template <size_t kSize, class D>
  static HWY_INLINE hn::Vec<D> LoadLast(D d8, const uint8_t* src) {
    const hn::Repartition<Lane<kSize>, D> d;
    const auto lo = hn::BitCast(d, hn::LoadU(d8, src - kSize));
    const auto hi = hn::BitCast(d, hn::LoadU(d8, src - kSize + hn::Lanes(d8)));
    return hn::BitCast(d8, hn::ConcatOdd(d, hi, lo));
  }
};

struct EveryThird {
  static constexpr ptrdiff_t kStep = 3;
  template <size_t kSize, class D>
  static HWY_INLINE hn::Vec<D> Load(D d8, const uint8_t* src) {
    const hn::Repartition<Lane<kSize>, D> d;
    hn::Vec<decltype(d)> v0, v1, v2;
    hn::LoadInterleaved3(d, reinterpret_cast<const Lane<kSize>*>(src), v0, v1, v2);
    return hn::BitCast(d8, v0);
  }
  template <size_t kSize, class D>
  static HWY_INLINE hn::Vec<D> LoadLast(D d8, const uint8_t* src) {
    const hn::Repartition<Lane<kSize>, D> d;
    hn::Vec<decltype(d)> v0, v1, v2;
    hn::LoadInterleaved3(d, reinterpret_cast<const Lane<kSize>*>(src - 2 * kSize), v0, v1, v2);
    return hn::BitCast(d8, v2);
  }
};

struct EveryFourth {
  static constexpr ptrdiff_t kStep = 4;
  template <size_t kSize, class D>
  static HWY_INLINE hn::Vec<D> Load(D d8, const uint8_t* src) {
    const hn::Repartition<Lane<kSize>, D> d;
    const size_t bytes = hn::Lanes(d8);
    const auto a = hn::BitCast(d, hn::LoadU(d8, src));
    const auto b = hn::BitCast(d, hn::LoadU(d8, src + bytes));
    const auto c = hn::BitCast(d, hn::LoadU(d8, src + 2 * bytes));
    const auto e = hn::BitCast(d, hn::LoadU(d8, src + 3 * bytes));
    return hn::BitCast(d8, hn::ConcatEven(d, hn::ConcatEven(d, e, c), hn::ConcatEven(d, b, a)));
  }
  template <size_t kSize, class D>
  static HWY_INLINE hn::Vec<D> LoadLast(D d8, const uint8_t* src) {
    const hn::Repartition<Lane<kSize>, D> d;
    const size_t bytes = hn::Lanes(d8);
    src -= 3 * kSize;
    const auto a = hn::BitCast(d, hn::LoadU(d8, src));
    const auto b = hn::BitCast(d, hn::LoadU(d8, src + bytes));
    const auto c = hn::BitCast(d, hn::LoadU(d8, src + 2 * bytes));
    const auto e = hn::BitCast(d, hn::LoadU(d8, src + 3 * bytes));
    return hn::BitCast(d8, hn::ConcatOdd(d, hn::ConcatOdd(d, e, c), hn::ConcatOdd(d, b, a)));
  }
};

// One row of n items to packed items; n >= Lanes(d8) / kSize, and more than that for sparse items.
// The first and the last vector overlap their neighbours, so both are read before anything is
// written: in place, the neighbours have been swapped by then.
template <class Items, size_t kSize, size_t kUnit, class D>
HWY_INLINE void VectorRow(D d8, const uint8_t* src, uint8_t* dst, size_t n) {
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
  if (n * kSize >= kAlignFrom && misaligned != 0 && misaligned % kSize == 0) {
    const auto head = Items::template Load<kSize>(d8, src);
    const size_t skip = (bytes - misaligned) / kSize;
    src += static_cast<ptrdiff_t>(skip) * kStep;
    dst += skip * kSize;
    while (dst < end) {
      hn::StoreU(SwapUnits<kUnit>(Items::template Load<kSize>(d8, src)), d8, dst);
      src += advance;
      dst += bytes;
    }
    hn::StoreU(SwapUnits<kUnit>(head), d8, begin);
  } else {
    while (dst < end) {
      hn::StoreU(SwapUnits<kUnit>(Items::template Load<kSize>(d8, src)), d8, dst);
      src += advance;
      dst += bytes;
    }
  }
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
HWY_NOINLINE void StridedRows(const Rect& rect) {
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
  const uint8_t* src = rect.src;
  uint8_t* dst = rect.dst;
  for (size_t row = 0; row < rect.n[0]; ++row) {
    StridedRow<kSize, kUnit>(src, rect.src_step[1], dst, rect.dst_step[1], rect.n[1]);
    src += rect.src_step[0];
    dst += rect.dst_step[0];
  }
}

// Rows to packed rows in vectors, with the widest vector that a row fills.
template <class Items, size_t kSize, size_t kUnit>
HWY_NOINLINE void VectorRows(const Rect& rect) {
  const FullBytes full;
  const SmallBytes small;
  // Only packed items may fill exactly one vector: the others' LoadLast reads before the first
  // item.
  const size_t spare = Items::kStep > 1 ? 1 : 0;
  const uint8_t* src = rect.src;
  uint8_t* dst = rect.dst;
  const size_t n = rect.n[1];
  if (n < hn::Lanes(small) / kSize + spare) return StridedRows<kSize, kUnit>(rect);
  const bool wide = n >= hn::Lanes(full) / kSize + spare;
  for (size_t row = 0; row < rect.n[0]; ++row) {
    if (wide) {
      VectorRow<Items, kSize, kUnit>(full, src, dst, n);
    } else {
      VectorRow<Items, kSize, kUnit>(small, src, dst, n);
    }
    src += rect.src_step[0];
    dst += rect.dst_step[0];
  }
}

// Packed to packed past the caches: whole lines, four pages at a time, which keeps more DRAM pages
// and fill buffers busy than one stream does. `dst` has an address that is a multiple of kSize.
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
  for (; bytes >= kPages * kPage; bytes -= kPages * kPage) {
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
  constexpr size_t kStreamFrom = 4096;
  const size_t bytes = rect.n[1] * kSize;
  if (stream && bytes >= kStreamFrom && !SameItems(rect)) {
    const uint8_t* src = rect.src;
    uint8_t* dst = rect.dst;
    for (size_t row = 0; row < rect.n[0]; ++row) {
      if (reinterpret_cast<uintptr_t>(dst) % kUnit != 0) {
        VectorRow<PackedItems, kSize, kUnit>(FullBytes(), src, dst, rect.n[1]);
      } else {
        StreamRow<kUnit, kUnit>(src, dst, bytes);
      }
      src += rect.src_step[0];
      dst += rect.dst_step[0];
    }
    hwy::FlushStream();
    return;
  }
  if constexpr (kUnit > 1) {
    VectorRows<PackedItems, kSize, kUnit>(rect);
  } else {
    CopyByteRows(rect, bytes);
  }
}

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
// Packed rows to every second item. The items between are left alone by masked stores, which
// neither write nor fault there; other targets would have to read them and write them back.
template <size_t kSize, size_t kUnit>
HWY_NOINLINE void ScatterRows(const Rect& rect) {
  const FullBytes d8;
  const hn::Repartition<Lane<kSize>, FullBytes> d;
  const size_t lanes = hn::Lanes(d);
  const auto even = hn::Eq(hn::And(hn::Iota(d, 0), hn::Set(d, 1)), hn::Zero(d));
  const uint8_t* src = rect.src;
  uint8_t* dst = rect.dst;
  for (size_t row = 0; row < rect.n[0]; ++row) {
    size_t i = 0;
    for (; i + lanes <= rect.n[1]; i += lanes) {
      const auto v = hn::BitCast(d, SwapUnits<kUnit>(hn::LoadU(d8, src + i * kSize)));
      auto* const out = reinterpret_cast<Lane<kSize>*>(dst + 2 * i * kSize);
      hn::BlendedStore(hn::InterleaveWholeLower(d, v, v), even, d, out);
      hn::BlendedStore(hn::InterleaveWholeUpper(d, v, v), even, d, out + lanes);
    }
    StridedRow<kSize, kUnit>(src + i * kSize, kSize, dst + 2 * i * kSize, 2 * kSize, rect.n[1] - i);
    src += rect.src_step[0];
    dst += rect.dst_step[0];
  }
}
#endif

// One value per row, repeated.
template <size_t kSize, size_t kUnit>
HWY_NOINLINE void FillRows(const Rect& rect) {
  const FullBytes d8;
  const size_t vector = hn::Lanes(d8);
  const size_t bytes = rect.n[1] * kSize;
  const uint8_t* src = rect.src;
  uint8_t* dst = rect.dst;
  if (bytes < vector) return StridedRows<kSize, kUnit>(rect);
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

template <size_t kSize, size_t kUnit>
HWY_INLINE void MoveRect(const Rect& rect, bool stream) {
  constexpr ptrdiff_t kItem = kSize;
  if (kUnit == 1 && SameItems(rect)) return;
  const ptrdiff_t step = rect.src_step[1];
  if (rect.dst_step[1] == kItem) {
    if (step == kItem) return PackedRows<kSize, kUnit>(rect, stream);
    if (step == 0) return FillRows<kSize, kUnit>(rect);
    if constexpr (kSize <= 8) {
      if (step == -kItem) return VectorRows<ReversedItems, kSize, kUnit>(rect);
      if (step == 2 * kItem) return VectorRows<EverySecond, kSize, kUnit>(rect);
      // SSE2 has no byte shuffle to drop two narrow lanes of three with.
      if (step == 3 * kItem && (HWY_TARGET != HWY_SSE2 || kSize >= 4))
        return VectorRows<EveryThird, kSize, kUnit>(rect);
      if (step == 4 * kItem) return VectorRows<EveryFourth, kSize, kUnit>(rect);
    }
  }
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
  if constexpr (kSize <= 8) {
    if (step == kItem && rect.dst_step[1] == 2 * kItem) return ScatterRows<kSize, kUnit>(rect);
  }
#endif
  StridedRows<kSize, kUnit>(rect);
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
