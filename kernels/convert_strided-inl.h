// Conversions that read items at any step and write packed ones: gathered in registers, converted
// and stored, where a move and a packed conversion pass the items through scratch. What one vector
// becomes is the Op's business, as in convert-inl.h; how rows of every second item and reversed
// ones are loaded is row_items-inl.h's. Which steps are worth it is the engine's choice.
//
// Beyond L1 nothing but cache lines counts: on Zen 4 one comes from L2 every two cycles, for loads
// and for stores, and the loops for fixed steps take as long as that. Chains of inserts, for the
// other steps, come near it, and in L1 they are faster than permutations into scratch and back.
#if defined(STRIDECAST_KERNELS_CONVERT_STRIDED_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STRIDECAST_KERNELS_CONVERT_STRIDED_INL_H_
#undef STRIDECAST_KERNELS_CONVERT_STRIDED_INL_H_
#else
#define STRIDECAST_KERNELS_CONVERT_STRIDED_INL_H_
#endif

#include "kernels/convert-inl.h"
#include "kernels/lanes-inl.h"
#include "kernels/row_items-inl.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

// Other targets insert slowly, or are there for correctness.
inline constexpr bool kConvertsStrided = HWY_TARGET != HWY_SSE2 && HWY_TARGET != HWY_EMU128;

// A vector of items `step` bytes apart; reads the items alone.
template <class D>
HWY_INLINE hn::Vec<D> GatherLanes(D d, const uint8_t* src, ptrdiff_t step) {
  using Lane = hn::TFromD<D>;
  constexpr size_t kLanes = HWY_MAX_LANES_D(D);
  if constexpr (kLanes * sizeof(Lane) > 16) {
    const hn::Half<D> half;
    const uint8_t* upper = src + static_cast<ptrdiff_t>(kLanes / 2) * step;
    return hn::Combine(d, GatherLanes(half, upper, step), GatherLanes(half, src, step));
  } else if constexpr (kLanes * sizeof(Lane) == 16) {
    return hn::BitCast(d, Gather16<sizeof(Lane)>(src, step));
  } else {
    return [&]<int... kLane>(std::integer_sequence<int, kLane...>) HWY_ATTR {
      auto v = hn::Zero(d);
      ((v = hn::InsertLane(v, kLane, LoadItem<sizeof(Lane), 1>(src + kLane * step))), ...);
      return v;
    }
    (std::make_integer_sequence<int, kLanes>());
  }
}

// How vectors are loaded from a row: kSpare items must follow those of Load, and go before those of
// LoadLast. Step is a constant where it can be. Fetch asks for `bytes` that come kPrefetchAhead
// bytes later. kFromMemory: from there the loads of fewer instructions are slower, because more of
// them are on their way than lines can be, out of order (1.5 times as slow at every third and fifth
// item, with prefetches or without).
struct AnyStep {
  static constexpr size_t kSpare = 0;
  static constexpr bool kFromMemory = true;
  static HWY_INLINE ptrdiff_t Step(ptrdiff_t from_run) { return from_run; }
  template <class D>
  static HWY_INLINE hn::Vec<D> Load(D d, const uint8_t* src, ptrdiff_t step) {
    const hn::Repartition<Lane<sizeof(hn::TFromD<D>)>, D> bits;
    return hn::BitCast(d, GatherLanes(bits, src, step));
  }
  template <class D>
  static HWY_INLINE hn::Vec<D> LoadLast(D d, const uint8_t* src, ptrdiff_t step) {
    return Load(d, src, step);
  }
  // The hardware's own prefetches do as well for rows upward, and better from every third item on.
  static HWY_INLINE void Fetch(const uint8_t*, size_t) {}
};

template <class Items, size_t kSize>
struct FixedStep {
  static constexpr size_t kSpare = Items::kStep == -1 ? 0 : 1;
  static constexpr bool kFromMemory = Items::kStep <= 2;
  static HWY_INLINE constexpr ptrdiff_t Step(ptrdiff_t) {
    return Items::kStep * static_cast<ptrdiff_t>(kSize);
  }
  template <class D>
  static HWY_INLINE hn::Vec<D> Load(D d, const uint8_t* src, ptrdiff_t) {
    const hn::Repartition<uint8_t, D> d8;
    return hn::BitCast(d, Items::template Load<kSize>(d8, src));
  }
  template <class D>
  static HWY_INLINE hn::Vec<D> LoadLast(D d, const uint8_t* src, ptrdiff_t) {
    const hn::Repartition<uint8_t, D> d8;
    return hn::BitCast(d, Items::template LoadLast<kSize>(d8, src));
  }
  static HWY_INLINE void Fetch(const uint8_t* src, size_t bytes) {
    if constexpr (Items::kStep < 0) {
      const uintptr_t ahead = reinterpret_cast<uintptr_t>(src) - kPrefetchAhead;
      for (size_t b = 0; b < bytes; b += kLineBytes) {
        hwy::Prefetch(reinterpret_cast<const char*>(ahead - b));
      }
    }
  }
};

// From this many items on destinations are written by whole lines.
inline constexpr size_t kLinesFrom = 512;

// Fewer items than a vector has, or than one and those that must follow.
template <class Op>
HWY_INLINE void ConvertFew(const Op& op, const uint8_t* src, ptrdiff_t step, typename Op::Dst* dst,
                           size_t count) {
  using Src = typename Op::Src;
  const SrcTag<Op> ds;
  const DstTag<Op> dd;
  HWY_ALIGN Src items[HWY_MAX_LANES_D(SrcTag<Op>)] = {};
  for (size_t i = 0; i < count; ++i) {
    memcpy(&items[i], src + static_cast<ptrdiff_t>(i) * step, sizeof(Src));
  }
  StoreFew(op.Convert(dd, hn::Load(ds, items)), dd, dst, count);
}

template <bool kStream, class Op, class Source>
HWY_INLINE size_t ConvertBlocks(const Op& op, const uint8_t* src, ptrdiff_t step,
                                typename Op::Dst* dst, size_t i, size_t count, bool fetch) {
  const SrcTag<Op> ds;
  const size_t lanes = hn::Lanes(ds), block = 4 * lanes;
  const ptrdiff_t advance = static_cast<ptrdiff_t>(lanes) * step;
  src += static_cast<ptrdiff_t>(i) * step;
  for (; i + block + Source::kSpare <= count; i += block) {
    if (kStream && fetch) Source::Fetch(src, block * sizeof(typename Op::Src));
    const auto v0 = Source::Load(ds, src, step);
    const auto v1 = Source::Load(ds, src += advance, step);
    const auto v2 = Source::Load(ds, src += advance, step);
    const auto v3 = Source::Load(ds, src += advance, step);
    ConvertVectors<kStream>(op, v0, v1, v2, v3, dst + i);
    src += advance;
  }
  return i;
}

// At least a vector of items, and kSpare.
template <class Op, class Source>
HWY_NOINLINE void ConvertRow(const Op& op, const uint8_t* src, ptrdiff_t from_run,
                             typename Op::Dst* dst, size_t count, uint32_t flags) {
  const SrcTag<Op> ds;
  const size_t lanes = hn::Lanes(ds);
  const ptrdiff_t step = Source::Step(from_run);
  const auto at = [&](size_t i) { return src + static_cast<ptrdiff_t>(i) * step; };
  size_t i = 0;
  const size_t misaligned = (0 - reinterpret_cast<uintptr_t>(dst)) % kLineBytes;
  const bool lines = count >= kLinesFrom && misaligned % sizeof(typename Op::Dst) == 0;
  if (lines) {  // what the last of these vectors does beyond the line's begin is done again
    const size_t head = misaligned / sizeof(typename Op::Dst);
    for (; i < head; i += lanes) ConvertStep(op, Source::Load(ds, at(i), step), dst + i);
    i = head;
  }
  if constexpr (kCanStream<Op> && Source::kFromMemory) {
    if (lines && (flags & SC_RUN_STREAM) != 0) {
      const bool fetch = (flags & SC_RUN_FETCH) != 0;
      i = ConvertBlocks<true, Op, Source>(op, src, step, dst, i, count, fetch);
    }
  }
  i = ConvertBlocks<false, Op, Source>(op, src, step, dst, i, count, false);
  for (; i + lanes + Source::kSpare <= count; i += lanes) {
    ConvertStep(op, Source::Load(ds, at(i), step), dst + i);
  }
  if (i < count) {
    i = count - lanes;
    ConvertStep(op, Source::LoadLast(ds, at(i), step), dst + i);
  }
}

// The vector loop for rows of this step, if there is one.
template <class Op, class Items>
HWY_INLINE bool TryConvertRow(const Op& op, const uint8_t* src, ptrdiff_t step,
                              typename Op::Dst* dst, size_t count, uint32_t flags) {
  constexpr size_t kSize = sizeof(typename Op::Src);
  if constexpr (Items::template kPays<kSize>) {
    using Source = FixedStep<Items, kSize>;
    const bool wanted = Source::kFromMemory || (flags & SC_RUN_STREAM) == 0;
    const size_t least = hn::Lanes(SrcTag<Op>()) + Source::kSpare;
    if (step == Source::Step(0) && wanted && count >= least) {
      ConvertRow<Op, Source>(op, src, step, dst, count, flags);
      return true;
    }
  }
  return false;
}

template <class Op, class... Items>
HWY_INLINE bool TryConvertEach(const Op& op, const uint8_t* src, ptrdiff_t step,
                               typename Op::Dst* dst, size_t count, uint32_t flags) {
  return (TryConvertRow<Op, Items>(op, src, step, dst, count, flags) || ...);
}

// The kernel.
template <class Op>
uint32_t ConvertStridedRun(const sc_run* run) {
  const Op op(*run);
  const auto* src = static_cast<const uint8_t*>(run->src);
  auto* dst = static_cast<typename Op::Dst*>(run->dst);
  const ptrdiff_t step = run->src_step[1];
  const auto count = static_cast<size_t>(run->n[1]);
  if (count < hn::Lanes(SrcTag<Op>())) {
    ConvertFew(op, src, step, dst, count);
    return 0;
  }
  if (TryConvertEach<Op, Backwards<PackedItems>, EverySecond>(op, src, step, dst, count,
                                                              run->flags)) {
    return 0;
  }
  if constexpr (sizeof(typename Op::Src) == 4) {
    if (TryConvertEach<Op, EveryOdd<3>, Twice<EverySecond>, EveryOdd<5>>(op, src, step, dst, count,
                                                                         run->flags)) {
      return 0;
    }
  }
  ConvertRow<Op, AnyStep>(op, src, step, dst, count, run->flags);
  return 0;
}

// The kernel for every second item.
template <class Op>
uint32_t ConvertSecondRun(const sc_run* run) {
  const Op op(*run);
  const auto* src = static_cast<const uint8_t*>(run->src);
  auto* dst = static_cast<typename Op::Dst*>(run->dst);
  constexpr ptrdiff_t kStep = 2 * sizeof(typename Op::Src);
  const auto count = static_cast<size_t>(run->n[1]);
  if (!TryConvertRow<Op, EverySecond>(op, src, kStep, dst, count, run->flags)) {
    ConvertFew(op, src, kStep, dst, count);
  }
  return 0;
}

// Enters Op as the conversion of one pair from items at any step, where that pays.
template <class Op>
void SetConvertStrided(KernelTable& table, DType src, DType dst) {
  if constexpr (kConvertsStrided) {
    const auto s = static_cast<size_t>(src), d = static_cast<size_t>(dst);
    table.convert_strided[s][d] =
        PackedEntry(ConvertStridedRun<Op>, kStridedNames.text[s][d], SC_ACCESS_STRIDED);
  }
}

// The same from every second item alone.
template <class Op>
void SetConvertSecond(KernelTable& table, DType src, DType dst) {
  if constexpr (kConvertsStrided) {
    const auto s = static_cast<size_t>(src), d = static_cast<size_t>(dst);
    table.convert_second[s][d] =
        PackedEntry(ConvertSecondRun<Op>, kSecondNames.text[s][d], SC_ACCESS_STRIDED);
  }
}

}  // namespace
}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
