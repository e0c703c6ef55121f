// The one loop of all convert kernels: packed items in, packed items out, by vectors of an Op. Says
// how items are loaded, stored and unrolled, how tails and streaming stores work; what one vector
// becomes is the Op's business (convert_*.cc, limits.cc).
//
// An Op is a small value made from the run:
//   using Src, Dst;   // lane types as stored (float16 and bfloat16 are uint16_t)
//   using Wide;       // the widest lane that appears on the way; one step is one vector of these
//   explicit Op(const sc_run&);
//   Vec<DD> Convert(DD, Vec<DS>) const;    // right for every value
// It may have a cheaper way for most values, and a test for them:
//   Vec<DD> Quick(DD, v) const;
//   auto Evidence(v) const;                // a vector
//   auto Merge(evidence, evidence) const;
//   bool Accept(evidence) const;           // Quick is right for all that went into it
// and a way (Quick's, if there is one) to fill a whole vector from two steps, v0's lanes first:
//   Vec<Twice<DD>> Pack2(Twice<DD>, v0, v1) const;
// or from four:
//   Vec<Twice<Twice<DD>>> Pack4(Twice<Twice<DD>>, v0, v1, v2, v3) const;
// or the other way round, where Src is narrower than Wide, to store a full vector's items:
//   void Spread<kStream>(Vec<ScalableTag<Src>>, Dst*) const;    // Wide is Dst
//
// No byte outside the two runs is read or written, no alignment is assumed, and src may be dst when
// the items have equal sizes: the last vector, which overlaps the one before, is loaded first of
// all.

#if defined(STRIDECAST_KERNELS_CONVERT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STRIDECAST_KERNELS_CONVERT_INL_H_
#undef STRIDECAST_KERNELS_CONVERT_INL_H_
#else
#define STRIDECAST_KERNELS_CONVERT_INL_H_
#endif

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "hwy/cache_control.h"
#include "hwy/highway.h"
#include "kernels/convert_names.h"
#include "kernels/kernel_table.h"
#include "kernels/packed_entry.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Masked loads and stores touch only the lanes asked for, at every lane size. (Under sanitizers,
// which do not know that, Highway reports that they may fault.)
#undef STRIDECAST_MASKED_MEMORY
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3 && !HWY_MEM_OPS_MIGHT_FAULT
#define STRIDECAST_MASKED_MEMORY 1
#else
#define STRIDECAST_MASKED_MEMORY 0
#endif

struct Stateless {
  explicit Stateless(const sc_run&) {}
};

template <class Op>
using WideTag = hn::ScalableTag<typename Op::Wide>;
template <class Op>
using SrcTag = hn::Rebind<typename Op::Src, WideTag<Op>>;
template <class Op>
using DstTag = hn::Rebind<typename Op::Dst, WideTag<Op>>;

// Copies `bytes` (not 0) between memory that does not overlap, cheapest below 64.
HWY_INLINE void CopyFew(const void* from, void* to, size_t bytes) {
  const auto* f = static_cast<const uint8_t*>(from);
  auto* t = static_cast<uint8_t*>(to);
  if (bytes >= 64) {
    memcpy(t, f, bytes);
  } else if (bytes >= 32) {
    memcpy(t, f, 32);
    memcpy(t + bytes - 32, f + bytes - 32, 32);
  } else if (bytes >= 16) {
    memcpy(t, f, 16);
    memcpy(t + bytes - 16, f + bytes - 16, 16);
  } else if (bytes >= 8) {
    memcpy(t, f, 8);
    memcpy(t + bytes - 8, f + bytes - 8, 8);
  } else if (bytes >= 4) {
    memcpy(t, f, 4);
    memcpy(t + bytes - 4, f + bytes - 4, 4);
  } else if (bytes >= 2) {
    memcpy(t, f, 2);
    memcpy(t + bytes - 2, f + bytes - 2, 2);
  } else {
    *t = *f;
  }
}

// The first `count` items, 0 < count < Lanes(d), of packed memory; further lanes are `pad`.
template <class D, typename T = hn::TFromD<D>>
HWY_INLINE hn::Vec<D> LoadFew(D d, const T* from, size_t count, T pad) {
#if STRIDECAST_MASKED_MEMORY
  return hn::LoadNOr(hn::Set(d, pad), d, from, count);
#else
  HWY_ALIGN T items[HWY_MAX_LANES_D(D)];
  hn::Store(hn::Set(d, pad), d, items);
  CopyFew(from, items, count * sizeof(T));
  return hn::Load(d, items);
#endif
}

template <class D, typename T = hn::TFromD<D>>
HWY_INLINE void StoreFew(hn::Vec<D> v, D d, T* to, size_t count) {
#if STRIDECAST_MASKED_MEMORY
  hn::StoreN(v, d, to, count);
#else
  HWY_ALIGN T items[HWY_MAX_LANES_D(D)];
  hn::Store(v, d, items);
  CopyFew(items, to, count * sizeof(T));
#endif
}

// `kStream`: `to` is aligned to the vector, at least 16 bytes, and stores pass the caches by.
template <bool kStream, class D>
HWY_INLINE void StoreLanes(hn::Vec<D> v, D d, hn::TFromD<D>* to) {
  if constexpr (kStream) {
    hn::Stream(v, d, to);
  } else {
    hn::StoreU(v, d, to);
  }
}

template <class Op>
concept HasQuick = requires(const Op& op, hn::Vec<SrcTag<Op>> v) {
  op.Accept(op.Evidence(v));
};

template <class Op>
concept HasPack2 = requires(const Op& op, hn::Vec<SrcTag<Op>> v) {
  op.Pack2(hn::Twice<DstTag<Op>>(), v, v);
};

template <class Op>
concept HasPack4 = requires(const Op& op, hn::Vec<SrcTag<Op>> v) {
  op.Pack4(hn::Twice<hn::Twice<DstTag<Op>>>(), v, v, v, v);
};

template <class Op>
concept HasSpread = requires(const Op& op, hn::Vec<hn::ScalableTag<typename Op::Src>> v,
                             typename Op::Dst* dst) {
  op.template Spread<false>(v, dst);
};

template <class Op>
HWY_INLINE hn::Vec<DstTag<Op>> ConvertQuick(const Op& op, hn::Vec<SrcTag<Op>> v) {
  if constexpr (HasQuick<Op>) {
    return op.Quick(DstTag<Op>(), v);
  } else {
    return op.Convert(DstTag<Op>(), v);
  }
}

// Four vectors, for the rare blocks that Accept declines: out of line to keep the loop small.
// Streamed, too, where its neighbours are: stores into the caches would fetch their lines.
template <bool kStream, class Op, class V = hn::Vec<SrcTag<Op>>>
HWY_NOINLINE void ConvertExactly(const Op& op, V v0, V v1, V v2, V v3, typename Op::Dst* dst) {
  using Dst = typename Op::Dst;
  constexpr size_t kItems = 4 * HWY_MAX_LANES_D(DstTag<Op>);
  const DstTag<Op> dd;
  const size_t lanes = hn::Lanes(dd);
  alignas(64) Dst items[kStream ? kItems : 1];
  Dst* const to = kStream ? items : dst;
  hn::StoreU(op.Convert(dd, v0), dd, to);
  hn::StoreU(op.Convert(dd, v1), dd, to + lanes);
  hn::StoreU(op.Convert(dd, v2), dd, to + 2 * lanes);
  hn::StoreU(op.Convert(dd, v3), dd, to + 3 * lanes);
  if constexpr (kStream) {
    const hn::CappedTag<Dst, HWY_MIN(kItems, 64 / sizeof(Dst))> d;
    for (size_t i = 0; i < 4 * lanes; i += hn::Lanes(d)) {
      hn::Stream(hn::Load(d, items + i), d, dst + i);
    }
  }
}

// One vector.
template <class Op>
HWY_INLINE void ConvertStep(const Op& op, hn::Vec<SrcTag<Op>> v, typename Op::Dst* dst) {
  const DstTag<Op> dd;
  if constexpr (HasQuick<Op>) {
    if (HWY_LIKELY(op.Accept(op.Evidence(v)))) {
      hn::StoreU(op.Quick(dd, v), dd, dst);
      return;
    }
  }
  hn::StoreU(op.Convert(dd, v), dd, dst);
}

// Four vectors, all that Quick is right for. Written out, because compilers keep arrays of vectors
// in memory.
template <bool kStream, class Op, class V = hn::Vec<SrcTag<Op>>>
HWY_INLINE void StoreBlock(const Op& op, V v0, V v1, V v2, V v3, typename Op::Dst* dst) {
  const DstTag<Op> dd;
  const size_t lanes = hn::Lanes(dd);
  if constexpr (HasPack4<Op>) {
    const hn::Twice<hn::Twice<DstTag<Op>>> d4;
    StoreLanes<kStream>(op.Pack4(d4, v0, v1, v2, v3), d4, dst);
  } else if constexpr (HasPack2<Op>) {
    const hn::Twice<DstTag<Op>> d2;
    const auto o0 = op.Pack2(d2, v0, v1);
    const auto o1 = op.Pack2(d2, v2, v3);
    StoreLanes<kStream>(o0, d2, dst);
    StoreLanes<kStream>(o1, d2, dst + 2 * lanes);
  } else {
    const auto o0 = ConvertQuick(op, v0);
    const auto o1 = ConvertQuick(op, v1);
    const auto o2 = ConvertQuick(op, v2);
    const auto o3 = ConvertQuick(op, v3);
    StoreLanes<kStream>(o0, dd, dst);
    StoreLanes<kStream>(o1, dd, dst + lanes);
    StoreLanes<kStream>(o2, dd, dst + 2 * lanes);
    StoreLanes<kStream>(o3, dd, dst + 3 * lanes);
  }
}

// Whether Quick is right for four vectors; Ops that have no other way say so.
template <class Op, class V = hn::Vec<SrcTag<Op>>>
HWY_INLINE bool AcceptAll(const Op& op, V v0, V v1, V v2, V v3) {
  if constexpr (HasQuick<Op>) {
    const auto lower = op.Merge(op.Evidence(v0), op.Evidence(v1));
    const auto upper = op.Merge(op.Evidence(v2), op.Evidence(v3));
    return op.Accept(op.Merge(lower, upper));
  } else {
    return true;
  }
}

// Four vectors.
template <bool kStream, class Op, class V = hn::Vec<SrcTag<Op>>>
HWY_INLINE void ConvertVectors(const Op& op, V v0, V v1, V v2, V v3, typename Op::Dst* dst) {
  if (HWY_LIKELY(AcceptAll(op, v0, v1, v2, v3))) {
    StoreBlock<kStream>(op, v0, v1, v2, v3, dst);
  } else {
    ConvertExactly<kStream>(op, v0, v1, v2, v3, dst);
  }
}

// The items of four vectors of the widest lane, by full vectors of the source.
template <bool kStream, class Op>
HWY_INLINE void SpreadBlock(const Op& op, const typename Op::Src* src, typename Op::Dst* dst) {
  constexpr size_t kRatio = sizeof(typename Op::Dst) / sizeof(typename Op::Src);
  static_assert(kRatio == 2 || kRatio == 4);
  const hn::ScalableTag<typename Op::Src> d;
  op.template Spread<kStream>(hn::LoadU(d, src), dst);
  if constexpr (kRatio == 2) {
    const size_t lanes = hn::Lanes(d);
    op.template Spread<kStream>(hn::LoadU(d, src + lanes), dst + lanes);
  }
}

template <bool kStream, class Op>
HWY_INLINE void ConvertBlock(const Op& op, const typename Op::Src* src, typename Op::Dst* dst) {
  const SrcTag<Op> ds;
  const size_t lanes = hn::Lanes(ds);
  if constexpr (HasSpread<Op>) {
    SpreadBlock<kStream>(op, src, dst);
    return;
  }
  const auto v0 = hn::LoadU(ds, src);
  const auto v1 = hn::LoadU(ds, src + lanes);
  const auto v2 = hn::LoadU(ds, src + 2 * lanes);
  const auto v3 = hn::LoadU(ds, src + 3 * lanes);
  ConvertVectors<kStream>(op, v0, v1, v2, v3, dst);
}

// Vectors that straddle cache lines cost twice. How many items to do first so that those of the
// wider side do not; one vector does them all, and the rest of it is done again from there. That
// must not happen to runs that are, or nearly are, in place.
template <class Op>
HWY_INLINE size_t ItemsToAlignment(const typename Op::Src* src, const typename Op::Dst* dst,
                                   size_t count) {
  using Src = typename Op::Src;
  using Dst = typename Op::Dst;
  constexpr size_t kMinCount = 512;
  constexpr bool kBySrc = sizeof(Src) > sizeof(Dst);
  constexpr size_t kItemBytes = kBySrc ? sizeof(Src) : sizeof(Dst);
  constexpr size_t kVectorBytes = HWY_MAX_LANES_D(DstTag<Op>) * kItemBytes;
  if (kVectorBytes <= 16 || kVectorBytes > 64 || count < kMinCount) return 0;
  const auto s = reinterpret_cast<uintptr_t>(src), d = reinterpret_cast<uintptr_t>(dst);
  const size_t bytes = (0 - (kBySrc ? s : d)) % kVectorBytes;
  const bool apart = s - d + 128 >= 256;
  return apart && bytes % kItemBytes == 0 ? bytes / kItemBytes : 0;
}

// An Op whose state is in registers while a loop runs: a copy, which no store can change. Op may
// say otherwise with kInMemory.
template <class Op>
concept InMemory = requires {
  requires Op::kInMemory;
};
template <class Op>
using Held = std::conditional_t<InMemory<Op>, const Op&, const Op>;

template <class Op>
HWY_NOINLINE void ConvertItems(const Op& from_run, const typename Op::Src* src,
                               typename Op::Dst* dst, size_t count) {
  const Held<Op> op = from_run;
  const SrcTag<Op> ds;
  const DstTag<Op> dd;
  const size_t lanes = hn::Lanes(dd);
  if (HWY_UNLIKELY(count < lanes)) {
    StoreFew(op.Convert(dd, LoadFew(ds, src, count, typename Op::Src{})), dd, dst, count);
    return;
  }
  const auto last = hn::LoadU(ds, src + count - lanes);
  size_t i = ItemsToAlignment<Op>(src, dst, count);
  if (i != 0) ConvertStep(op, hn::LoadU(ds, src), dst);
  for (; i + 4 * lanes <= count; i += 4 * lanes) ConvertBlock<false>(op, src + i, dst + i);
  for (; i + lanes <= count; i += lanes) ConvertStep(op, hn::LoadU(ds, src + i), dst + i);
  if (i < count) ConvertStep(op, last, dst + count - lanes);
}

// Streaming stores exist for vectors from 16 bytes on; a block of four fills whole cache lines.
template <class Op>
inline constexpr size_t kStoreBytes = HWY_MAX_LANES_D(DstTag<Op>) * sizeof(typename Op::Dst) *
                                      (HasPack4<Op>   ? 4
                                       : HasPack2<Op> ? 2
                                                      : 1);
template <class Op>
inline constexpr bool kCanStream = (HWY_ARCH_X86 != 0) && (kStoreBytes<Op> >= 16);
inline constexpr size_t kLineBytes = 64;

// Arithmetic between loads fills the reorder buffer, so that fewer lines are on their way than a
// plain copy keeps: asked for this far ahead, float32 to bfloat16 from memory takes 14% less time
// (Zen 4; from 4 KiB on it helps, below 2 KiB it hurts; most pairs are fastest at 8 to 12 KiB).
inline constexpr uintptr_t kPrefetchAhead = 8192;

// An Op may say with kFetches that it does without: little arithmetic and few stores.
template <class Op>
concept NeverFetches = requires {
  requires !Op::kFetches;
};

// The lines of `bytes` bytes that far behind `from`; past the end of the memory this does nothing.
HWY_INLINE void PrefetchLines(const void* from, size_t bytes) {
  const uintptr_t ahead = reinterpret_cast<uintptr_t>(from) + kPrefetchAhead;
  for (size_t b = 0; b < bytes; b += kLineBytes) {
    hwy::Prefetch(reinterpret_cast<const char*>(ahead + b));
  }
}

template <class Op>
HWY_NOINLINE void StreamItems(const Op& from_run, const typename Op::Src* src,
                              typename Op::Dst* dst, size_t count, bool fetch) {
  const Held<Op> op = from_run;
  using Dst = typename Op::Dst;
  const size_t block = 4 * hn::Lanes(DstTag<Op>());
  const size_t head_bytes = (0 - reinterpret_cast<uintptr_t>(dst)) % kLineBytes;
  size_t i = head_bytes / sizeof(Dst);
  if (head_bytes % sizeof(Dst) != 0 || i + block > count || static_cast<const void*>(src) == dst) {
    ConvertItems(op, src, dst, count);
    return;
  }
  if (i != 0) ConvertItems(op, src, dst, i);
  for (; i + block <= count; i += block) {
    if (!NeverFetches<Op> && fetch) PrefetchLines(src + i, block * sizeof(typename Op::Src));
    ConvertBlock<true>(op, src + i, dst + i);
  }
  if (i < count) ConvertItems(op, src + i, dst + i, count - i);
}

// All items of a run.
template <class Op>
HWY_INLINE void RunItems(const Op& op, const sc_run* run) {
  const auto* src = static_cast<const typename Op::Src*>(run->src);
  auto* dst = static_cast<typename Op::Dst*>(run->dst);
  const auto count = static_cast<size_t>(run->n[1]);
  if constexpr (kCanStream<Op>) {
    if (HWY_UNLIKELY(run->flags & SC_RUN_STREAM)) {
      StreamItems(op, src, dst, count, (run->flags & SC_RUN_FETCH) != 0);
      return;
    }
  }
  ConvertItems(op, src, dst, count);
}

// The kernel.
template <class Op>
uint32_t ConvertRun(const sc_run* run) {
  RunItems(Op(*run), run);
  return 0;
}

template <class Op>
constexpr sc_entry ConvertEntry(const char* name) {
  constexpr bool kInPlace = sizeof(typename Op::Src) == sizeof(typename Op::Dst);
  return PackedEntry(ConvertRun<Op>, name, SC_ACCESS_PACKED,
                     kInPlace ? uint32_t{SC_TRAIT_IN_PLACE} : 0);
}

// Enters Op as the conversion of one pair.
template <class Op>
void SetConvert(KernelTable& table, DType src, DType dst) {
  const auto s = static_cast<size_t>(src), d = static_cast<size_t>(dst);
  table.convert[s][d] = ConvertEntry<Op>(kConvertNames.text[s][d]);
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
