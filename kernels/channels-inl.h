// Interleaved channels (pixels, complex parts) to planes and back: transposed rectangles with two
// to four items at the fast end of one side, where tiles would be mostly empty. Per-target header;
// the tile kernels ask here first and fall back to tiles where the answer is false.
//
// A block is one vector of every plane. Of three channels no two lanes of the block's three vectors
// collide, because three does not divide the number of lanes: two masked moves bring all lanes of a
// channel into one vector, in an order that one permutation mends. Two and four channels take
// Highway's even and odd lanes, three on targets without wide permutations its interleaved loads.
// The first and the last block overlap their neighbours, so that those between are aligned.
#if defined(STRIDECAST_KERNELS_CHANNELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STRIDECAST_KERNELS_CHANNELS_INL_H_
#undef STRIDECAST_KERNELS_CHANNELS_INL_H_
#else
#define STRIDECAST_KERNELS_CHANNELS_INL_H_
#endif

#include "kernels/lanes-inl.h"
#include "kernels/rect-inl.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

template <class D>
struct Planes {
  hn::Vec<D> v[4];
};

// Load takes the vectors of a block of kChannels channels from its kChannels vectors of bytes at
// `src`, Store puts them back at `dst`.
template <size_t kSize, size_t kChannels>
struct Block;

template <size_t kSize>
struct Block<kSize, 2> {
  template <class D>
  static HWY_INLINE Planes<D> Load(D d8, const uint8_t* src) {
    const hn::Repartition<Lane<kSize>, D> d;
    const auto a = hn::BitCast(d, hn::LoadU(d8, src));
    const auto b = hn::BitCast(d, hn::LoadU(d8, src + hn::Lanes(d8)));
    return {{hn::BitCast(d8, hn::ConcatEven(d, b, a)), hn::BitCast(d8, hn::ConcatOdd(d, b, a))}};
  }
  template <class D>
  static HWY_INLINE void Store(D d8, const Planes<D>& planes, uint8_t* dst, bool stream) {
    const hn::Repartition<Lane<kSize>, D> d;
    const auto a = hn::BitCast(d, planes.v[0]), b = hn::BitCast(d, planes.v[1]);
    StoreBytes(hn::BitCast(d8, hn::InterleaveWholeLower(d, a, b)), d8, dst, stream);
    StoreBytes(hn::BitCast(d8, hn::InterleaveWholeUpper(d, a, b)), d8, dst + hn::Lanes(d8), stream);
  }
};

template <size_t kSize>
struct Block<kSize, 3> {
  template <class D>
  static HWY_INLINE Planes<D> Load(D d8, const uint8_t* src) {
    const hn::Repartition<Lane<kSize>, D> d;
    if constexpr (kPermutesLanes<kSize>) {
      constexpr const auto& tables = kChannelTables<decltype(d), 3>;
      // Lane j of a is of channel j % 3, of b of (j + 1) % 3, of c of (j + 2) % 3.
      constexpr size_t kB = hn::MaxLanes(d) % 3 == 1 ? 1 : 2;
      const auto a = hn::BitCast(d, hn::LoadU(d8, src));
      const auto b = hn::BitCast(d, hn::LoadU(d8, src + kB * hn::Lanes(d8)));
      const auto c = hn::BitCast(d, hn::LoadU(d8, src + (3 - kB) * hn::Lanes(d8)));
      const auto phase = hn::Load(d, tables.phase);
      const auto is0 = hn::Eq(phase, hn::Zero(d)), is1 = hn::Eq(phase, hn::Set(d, 1));
      const auto is2 = hn::Eq(phase, hn::Set(d, 2));
      const auto in_order = [&](auto mixed, size_t channel) HWY_ATTR {
        const auto indices = hn::SetTableIndices(d, tables.split[channel]);
        return hn::BitCast(d8, hn::TableLookupLanes(mixed, indices));
      };
      return {{in_order(hn::IfThenElse(is0, a, hn::IfThenElse(is2, b, c)), 0),
               in_order(hn::IfThenElse(is1, a, hn::IfThenElse(is0, b, c)), 1),
               in_order(hn::IfThenElse(is2, a, hn::IfThenElse(is1, b, c)), 2)}};
    } else {
      hn::Vec<decltype(d)> v0, v1, v2;
      hn::LoadInterleaved3(d, reinterpret_cast<const Lane<kSize>*>(src), v0, v1, v2);
      return {{hn::BitCast(d8, v0), hn::BitCast(d8, v1), hn::BitCast(d8, v2)}};
    }
  }

  template <class D>
  static HWY_INLINE void Store(D d8, const Planes<D>& planes, uint8_t* dst, bool stream) {
    const hn::Repartition<Lane<kSize>, D> d;
    const size_t bytes = hn::Lanes(d8);
    if constexpr (kPermutesLanes<kSize>) {
      constexpr const auto& tables = kChannelTables<decltype(d), 3>;
      constexpr size_t kB = hn::MaxLanes(d) % 3 == 1 ? 1 : 2;
      const auto spread = [&](size_t channel) HWY_ATTR {
        const auto indices = hn::SetTableIndices(d, tables.join[channel]);
        return hn::TableLookupLanes(hn::BitCast(d, planes.v[channel]), indices);
      };
      const auto v0 = spread(0), v1 = spread(1), v2 = spread(2);
      const auto phase = hn::Load(d, tables.phase);
      const auto is0 = hn::Eq(phase, hn::Zero(d)), is1 = hn::Eq(phase, hn::Set(d, 1));
      const auto is2 = hn::Eq(phase, hn::Set(d, 2));
      const auto a = hn::IfThenElse(is0, v0, hn::IfThenElse(is1, v1, v2));
      const auto b = hn::IfThenElse(is2, v0, hn::IfThenElse(is0, v1, v2));
      const auto c = hn::IfThenElse(is1, v0, hn::IfThenElse(is2, v1, v2));
      StoreBytes(hn::BitCast(d8, a), d8, dst, stream);
      StoreBytes(hn::BitCast(d8, kB == 1 ? b : c), d8, dst + bytes, stream);
      StoreBytes(hn::BitCast(d8, kB == 1 ? c : b), d8, dst + 2 * bytes, stream);
    } else {
      // Highway has no streaming form: a detour by the stack, which stays in the store buffer.
      HWY_ALIGN uint8_t detour[3 * hn::MaxLanes(D())];
      uint8_t* const to = stream ? detour : dst;
      hn::StoreInterleaved3(hn::BitCast(d, planes.v[0]), hn::BitCast(d, planes.v[1]),
                            hn::BitCast(d, planes.v[2]), d, reinterpret_cast<Lane<kSize>*>(to));
      for (size_t i = 0; stream && i < 3 * bytes; i += bytes) {
        hn::Stream(hn::Load(d8, detour + i), d8, dst + i);
      }
    }
  }
};

template <size_t kSize>
struct Block<kSize, 4> {
  template <class D>
  static HWY_INLINE Planes<D> Load(D d8, const uint8_t* src) {
    const hn::Repartition<Lane<kSize>, D> d;
    if constexpr (HWY_TARGET <= HWY_AVX3) {
      const auto load = [&](size_t k) HWY_ATTR {
        return hn::BitCast(d, hn::LoadU(d8, src + k * hn::Lanes(d8)));
      };
      const auto a = load(0), b = load(1), c = load(2), e = load(3);
      const auto lower_even = hn::ConcatEven(d, b, a), upper_even = hn::ConcatEven(d, e, c);
      const auto lower_odd = hn::ConcatOdd(d, b, a), upper_odd = hn::ConcatOdd(d, e, c);
      return {{hn::BitCast(d8, hn::ConcatEven(d, upper_even, lower_even)),
               hn::BitCast(d8, hn::ConcatEven(d, upper_odd, lower_odd)),
               hn::BitCast(d8, hn::ConcatOdd(d, upper_even, lower_even)),
               hn::BitCast(d8, hn::ConcatOdd(d, upper_odd, lower_odd))}};
    } else {
      hn::Vec<decltype(d)> v0, v1, v2, v3;
      hn::LoadInterleaved4(d, reinterpret_cast<const Lane<kSize>*>(src), v0, v1, v2, v3);
      return {{hn::BitCast(d8, v0), hn::BitCast(d8, v1), hn::BitCast(d8, v2), hn::BitCast(d8, v3)}};
    }
  }

  template <class D>
  static HWY_INLINE void Store(D d8, const Planes<D>& planes, uint8_t* dst, bool stream) {
    const hn::Repartition<Lane<kSize>, D> d;
    const size_t bytes = hn::Lanes(d8);
    const auto v0 = hn::BitCast(d, planes.v[0]), v1 = hn::BitCast(d, planes.v[1]);
    const auto v2 = hn::BitCast(d, planes.v[2]), v3 = hn::BitCast(d, planes.v[3]);
    if constexpr (HWY_TARGET <= HWY_AVX3) {
      const auto even = hn::InterleaveWholeLower(d, v0, v2),
                 odd = hn::InterleaveWholeLower(d, v1, v3);
      StoreBytes(hn::BitCast(d8, hn::InterleaveWholeLower(d, even, odd)), d8, dst, stream);
      StoreBytes(hn::BitCast(d8, hn::InterleaveWholeUpper(d, even, odd)), d8, dst + bytes, stream);
      const auto even2 = hn::InterleaveWholeUpper(d, v0, v2);
      const auto odd2 = hn::InterleaveWholeUpper(d, v1, v3);
      StoreBytes(hn::BitCast(d8, hn::InterleaveWholeLower(d, even2, odd2)), d8, dst + 2 * bytes,
                 stream);
      StoreBytes(hn::BitCast(d8, hn::InterleaveWholeUpper(d, even2, odd2)), d8, dst + 3 * bytes,
                 stream);
    } else {
      HWY_ALIGN uint8_t detour[4 * hn::MaxLanes(D())];
      uint8_t* const to = stream ? detour : dst;
      hn::StoreInterleaved4(v0, v1, v2, v3, d, reinterpret_cast<Lane<kSize>*>(to));
      for (size_t i = 0; stream && i < 4 * bytes; i += bytes) {
        hn::Stream(hn::Load(d8, detour + i), d8, dst + i);
      }
    }
  }
};

// What streaming stores fill.
constexpr size_t kStreamLine = 64;

// How many items to leave to the first block of `block` items, so that after them `dst` is aligned
// to vectors: all of them where it never is or need not be.
template <size_t kSize, class D>
HWY_INLINE size_t ItemsToAlign(D d8, const uint8_t* dst, size_t bytes, size_t block, bool stream) {
  constexpr size_t kAlignFrom = 1024;  // bytes from which whole lines pay for one more block
  const size_t misaligned = reinterpret_cast<uintptr_t>(dst) % hn::Lanes(d8);
  if (misaligned % kSize != 0 || (!stream && bytes < kAlignFrom)) return block;
  return (hn::Lanes(d8) - misaligned) / kSize;
}

// `n` pixels of kChannels items to the first `kept` planes, which lie `plane` bytes apart. n must
// fill a vector, and one item more if planes are left out.
template <size_t kSize, size_t kUnit, size_t kChannels, class D>
HWY_INLINE void SplitRow(D d8, const uint8_t* src, uint8_t* dst, ptrdiff_t plane, size_t kept,
                         size_t n, bool stream) {
  const size_t vector = hn::Lanes(d8), lanes = vector / kSize;
  const size_t left_out = kChannels - kept;
  const auto load = [=](size_t i) HWY_ATTR {
    return Block<kSize, kChannels>::Load(d8, src + i * kChannels * kSize);
  };
  const auto block = [&](size_t i) HWY_ATTR {
    const auto planes = load(i);
    uint8_t* to = dst + i * kSize;
    hn::StoreU(SwapUnits<kUnit>(planes.v[0]), d8, to);
    if (kept > 1) hn::StoreU(SwapUnits<kUnit>(planes.v[1]), d8, to + plane);
    if constexpr (kChannels > 2) {
      if (kept > 2) hn::StoreU(SwapUnits<kUnit>(planes.v[2]), d8, to + 2 * plane);
    }
    if constexpr (kChannels > 3) {
      if (kept > 3) hn::StoreU(SwapUnits<kUnit>(planes.v[3]), d8, to + 3 * plane);
    }
  };
  // A line of every plane, one after the other, past the caches: halves of several lines at once
  // are slower than no streaming at all.
  const size_t line = kStreamLine / kSize;
  const auto lines = [&](size_t i) HWY_ATTR {
    const auto lower = load(i), upper = load(i + line - lanes);  // one vector, or two
    uint8_t* to = dst + i * kSize;
    const auto put = [&](hn::Vec<D> first, hn::Vec<D> last, size_t k) HWY_ATTR {
      if (k >= kept) return;
      uint8_t* const at = to + static_cast<ptrdiff_t>(k) * plane;
      hn::Stream(SwapUnits<kUnit>(first), d8, at);
      if (vector < kStreamLine) hn::Stream(SwapUnits<kUnit>(last), d8, at + vector);
    };
    put(lower.v[0], upper.v[0], 0);
    put(lower.v[1], upper.v[1], 1);
    if constexpr (kChannels > 2) put(lower.v[2], upper.v[2], 2);
    if constexpr (kChannels > 3) put(lower.v[3], upper.v[3], 3);
  };
  const size_t end = left_out > 0 ? n - 1 : n;
  const size_t beyond = reinterpret_cast<uintptr_t>(dst) % kStreamLine;
  size_t i = 0;
  if (stream && 2 * vector >= kStreamLine && plane % static_cast<ptrdiff_t>(kStreamLine) == 0 &&
      beyond % kSize == 0 && end >= 2 * line) {
    if (beyond != 0) {
      i = (kStreamLine - beyond) / kSize;
      block(0);
      if (i > lanes) block(i - lanes);
    }
    for (; i + line <= end; i += line) lines(i);
  } else {
    block(0);
    i = ItemsToAlign<kSize>(d8, dst, n * kSize, lanes, false);
  }
  for (; i + lanes <= end; i += lanes) block(i);
  if (i >= n) return;
  // The last block ends with the last item that is read, so the planes come `left_out` later.
  i = n - lanes;
  const auto planes = Block<kSize, kChannels>::Load(d8, src + (i * kChannels - left_out) * kSize);
  for (size_t k = 0; k < kept; ++k) {
    hn::StoreU(SwapUnits<kUnit>(planes.v[k + left_out]), d8,
               dst + i * kSize + static_cast<ptrdiff_t>(k) * plane);
  }
}

// `n` pixels, packed, of one item of each of kChannels planes, which lie `plane` bytes apart. n
// must fill a vector.
template <size_t kSize, size_t kUnit, size_t kChannels, class D>
HWY_INLINE void JoinRow(D d8, const uint8_t* src, ptrdiff_t plane, uint8_t* dst, size_t n,
                        bool stream) {
  const size_t lanes = hn::Lanes(d8) / kSize;
  const uint8_t* planes[kChannels];
  for (size_t k = 0; k < kChannels; ++k) planes[k] = src + static_cast<ptrdiff_t>(k) * plane;
  const auto block = [&](size_t i, uint8_t* to, bool past_caches) HWY_ATTR {
    Planes<D> v = {};
    // No loop: compilers keep arrays of vectors in registers only where every index is a constant.
    v.v[0] = SwapUnits<kUnit>(hn::LoadU(d8, planes[0] + i * kSize));
    v.v[1] = SwapUnits<kUnit>(hn::LoadU(d8, planes[1] + i * kSize));
    if constexpr (kChannels > 2) v.v[2] = SwapUnits<kUnit>(hn::LoadU(d8, planes[2] + i * kSize));
    if constexpr (kChannels > 3) v.v[3] = SwapUnits<kUnit>(hn::LoadU(d8, planes[3] + i * kSize));
    Block<kSize, kChannels>::Store(d8, v, to, past_caches);
  };
  stream = stream && reinterpret_cast<uintptr_t>(dst) % kSize == 0;
  block(n - lanes, dst + (n - lanes) * kChannels * kSize, false);
  block(0, dst, false);
  // A vector may begin inside a pixel: from there on the same planes in another order, some of them
  // one item further, make the same kind of blocks.
  const size_t items = n * kChannels;
  const size_t skip = ItemsToAlign<kSize>(d8, dst, items * kSize, lanes * kChannels, stream);
  for (size_t k = 0; k < kChannels; ++k) {
    const size_t from = skip + k;  // the first item of plane k, counted in the whole row
    planes[k] = src + static_cast<ptrdiff_t>(from % kChannels) * plane + from / kChannels * kSize;
  }
  uint8_t* to = dst + skip * kSize;
  for (size_t i = 0; skip + (i + lanes) * kChannels <= items; i += lanes) {
    block(i, to, stream);
    to += lanes * kChannels * kSize;
  }
}

template <size_t kSize, size_t kUnit, size_t kChannels>
HWY_NOINLINE bool SplitInto(const Rect& rect, bool stream) {
  const FullBytes full;
  const SmallBytes small;
  const size_t kept = rect.n[0], n = rect.n[1];
  const size_t least = kept < kChannels ? 1 : 0;  // more than a vector
  if (n >= hn::Lanes(full) / kSize + least) {
    SplitRow<kSize, kUnit, kChannels>(full, rect.src, rect.dst, rect.dst_step[0], kept, n, stream);
  } else if (n >= hn::Lanes(small) / kSize + least) {
    SplitRow<kSize, kUnit, kChannels>(small, rect.src, rect.dst, rect.dst_step[0], kept, n, false);
  } else {
    return false;
  }
  return true;
}

template <size_t kSize, size_t kUnit, size_t kChannels>
HWY_NOINLINE bool JoinFrom(const Rect& rect, bool stream) {
  const FullBytes full;
  const SmallBytes small;
  const size_t n = rect.n[0];
  if (n >= hn::Lanes(full) / kSize) {
    JoinRow<kSize, kUnit, kChannels>(full, rect.src, rect.src_step[1], rect.dst, n, stream);
  } else if (n >= hn::Lanes(small) / kSize) {
    JoinRow<kSize, kUnit, kChannels>(small, rect.src, rect.src_step[1], rect.dst, n, false);
  } else {
    return false;
  }
  return true;
}

// Whether kChannels channels of this size are worth the code: SSE2 has no byte shuffle for three.
template <size_t kSize, size_t kChannels>
inline constexpr bool kHasChannels = kSize <= 8 &&
                                     (kChannels != 3 || kSize >= 4 || HWY_TARGET != HWY_SSE2);

// n[1] pixels of C = src_step[1] / kSize items, C in 2..4, to n[0] <= C planes: src_step[0] and
// dst_step[1] are kSize. The planes may lie anywhere. Streamed stores are left to the caller to
// flush. False, and nothing done, where the rectangle is another or too short.
template <size_t kSize, size_t kUnit>
HWY_INLINE bool SplitChannels(const Rect& rect, bool stream) {
  constexpr ptrdiff_t kItem = kSize;
  if (rect.src_step[0] != kItem || rect.dst_step[1] != kItem) return false;
  if (static_cast<ptrdiff_t>(rect.n[0]) * kItem > rect.src_step[1]) return false;
  if constexpr (kHasChannels<kSize, 2>) {
    if (rect.src_step[1] == 2 * kItem) return SplitInto<kSize, kUnit, 2>(rect, stream);
  }
  if constexpr (kHasChannels<kSize, 3>) {
    if (rect.src_step[1] == 3 * kItem) return SplitInto<kSize, kUnit, 3>(rect, stream);
  }
  if constexpr (kHasChannels<kSize, 4>) {
    if (rect.src_step[1] == 4 * kItem) return SplitInto<kSize, kUnit, 4>(rect, stream);
  }
  return false;
}

// n[0] pixels of C = n[1] items, C in 2..4, from C planes: src_step[0] and dst_step[1] are kSize,
// dst_step[0] is C * kSize. False, and nothing done, where the rectangle is another or too short.
template <size_t kSize, size_t kUnit>
HWY_INLINE bool JoinChannels(const Rect& rect, bool stream) {
  constexpr ptrdiff_t kItem = kSize;
  if (rect.src_step[0] != kItem || rect.dst_step[1] != kItem) return false;
  if (rect.dst_step[0] != static_cast<ptrdiff_t>(rect.n[1]) * kItem) return false;
  if constexpr (kHasChannels<kSize, 2>) {
    if (rect.n[1] == 2) return JoinFrom<kSize, kUnit, 2>(rect, stream);
  }
  if constexpr (kHasChannels<kSize, 3>) {
    if (rect.n[1] == 3) return JoinFrom<kSize, kUnit, 3>(rect, stream);
  }
  if constexpr (kHasChannels<kSize, 4>) {
    if (rect.n[1] == 4) return JoinFrom<kSize, kUnit, 4>(rect, stream);
  }
  return false;
}

}  // namespace
}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
