// Conversions of packed real numbers to complex ones in one pass: what an Op makes of them, each
// before a zero. What one vector becomes is the Op's business, as in convert-inl.h; which pairs are
// worth a kernel, the Ops' files'. All others convert first and get their zeros in a second pass.
#if defined(STRIDECAST_KERNELS_CONVERT_TO_COMPLEX_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STRIDECAST_KERNELS_CONVERT_TO_COMPLEX_INL_H_
#undef STRIDECAST_KERNELS_CONVERT_TO_COMPLEX_INL_H_
#else
#define STRIDECAST_KERNELS_CONVERT_TO_COMPLEX_INL_H_
#endif

#include "kernels/convert-inl.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

// The other targets are there for correctness.
inline constexpr bool kConvertsToComplex = HWY_IS_LITTLE_ENDIAN && HWY_TARGET != HWY_EMU128;

// The lanes of `re`, each before a zero: lanes of twice the size, but for float64, which
// interleaves.
template <class D>
HWY_INLINE void StoreComplex(hn::Vec<D> re, D d, hn::TFromD<D>* dst) {
  using Part = hn::TFromD<D>;
  const auto store = [&](auto v, size_t at) HWY_ATTR {
    const hn::Repartition<Part, hn::DFromV<decltype(v)>> parts;
    hn::StoreU(hn::BitCast(parts, v), parts, dst + at);
  };
  constexpr size_t kLanes = HWY_MAX_LANES_D(D);
  if constexpr (sizeof(Part) == 8) {
    store(hn::InterleaveWholeLower(d, re, hn::Zero(d)), 0);
    store(hn::InterleaveWholeUpper(d, re, hn::Zero(d)), kLanes);
  } else {
    using Item = hwy::UnsignedFromSize<2 * sizeof(Part)>;
    const auto bits = hn::BitCast(hn::RebindToUnsigned<D>(), re);
    if constexpr (kLanes * sizeof(Item) <= HWY_MAX_LANES_D(hn::ScalableTag<uint8_t>)) {
      store(hn::PromoteTo(hn::Rebind<Item, D>(), bits), 0);
    } else {
      const hn::Repartition<Item, D> items;
      store(hn::PromoteLowerTo(items, bits), 0);
      store(hn::PromoteUpperTo(items, bits), kLanes);
    }
  }
}

// Whole lines, where items lie so that one vector's reach their begin.
template <class Op>
HWY_INLINE size_t ItemsToLine(const typename Op::Dst* dst, size_t count) {
  constexpr size_t kItem = 2 * sizeof(typename Op::Dst);
  const size_t bytes = (0 - reinterpret_cast<uintptr_t>(dst)) % kLineBytes;
  const size_t items = bytes / kItem;
  return count >= 256 && bytes % kItem == 0 && items <= hn::Lanes(DstTag<Op>()) ? items : 0;
}

// An Op may make a vector of complex items, as parts, of two of its sources at once:
//   auto Items2(v0, v1) const;
template <class Op>
concept HasItems2 = requires(const Op& op, hn::Vec<SrcTag<Op>> v) {
  op.Items2(v, v);
};

// Four vectors, all that Quick is right for.
template <class Op, class V = hn::Vec<SrcTag<Op>>>
HWY_INLINE void StoreComplexBlock(const Op& op, V v0, V v1, V v2, V v3, typename Op::Dst* dst) {
  const DstTag<Op> dd;
  const size_t parts = 2 * hn::Lanes(dd);
  if constexpr (HasItems2<Op>) {
    const auto lower = op.Items2(v0, v1), upper = op.Items2(v2, v3);
    const hn::DFromV<decltype(lower)> d;
    hn::StoreU(lower, d, dst);
    hn::StoreU(upper, d, dst + 2 * parts);
  } else if constexpr (HasPack4<Op>) {
    const hn::Twice<hn::Twice<DstTag<Op>>> d4;
    StoreComplex(op.Pack4(d4, v0, v1, v2, v3), d4, dst);
  } else if constexpr (HasPack2<Op>) {
    const hn::Twice<DstTag<Op>> d2;
    StoreComplex(op.Pack2(d2, v0, v1), d2, dst);
    StoreComplex(op.Pack2(d2, v2, v3), d2, dst + 2 * parts);
  } else {
    StoreComplex(ConvertQuick(op, v0), dd, dst);
    StoreComplex(ConvertQuick(op, v1), dd, dst + parts);
    StoreComplex(ConvertQuick(op, v2), dd, dst + 2 * parts);
    StoreComplex(ConvertQuick(op, v3), dd, dst + 3 * parts);
  }
}

template <class Op>
HWY_NOINLINE void ConvertToComplex(const Op& op, const typename Op::Src* src, typename Op::Dst* dst,
                                   size_t count) {
  const SrcTag<Op> ds;
  const DstTag<Op> dd;
  const size_t lanes = hn::Lanes(dd);
  if (HWY_UNLIKELY(count < lanes)) {
    HWY_ALIGN typename Op::Dst few[2 * HWY_MAX_LANES_D(DstTag<Op>)];
    StoreComplex(op.Convert(dd, LoadFew(ds, src, count, typename Op::Src{})), dd, few);
    CopyFew(few, dst, 2 * count * sizeof(typename Op::Dst));
    return;
  }
  const auto step = [&](size_t i) HWY_ATTR {
    StoreComplex(op.Convert(dd, hn::LoadU(ds, src + i)), dd, dst + 2 * i);
  };
  size_t i = ItemsToLine<Op>(dst, count);
  if (i != 0) step(0);
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    const auto v0 = hn::LoadU(ds, src + i);
    const auto v1 = hn::LoadU(ds, src + i + lanes);
    const auto v2 = hn::LoadU(ds, src + i + 2 * lanes);
    const auto v3 = hn::LoadU(ds, src + i + 3 * lanes);
    if (HWY_LIKELY(AcceptAll(op, v0, v1, v2, v3))) {
      StoreComplexBlock(op, v0, v1, v2, v3, dst + 2 * i);
    } else {
      for (size_t k = 0; k < 4; ++k) step(i + k * lanes);
    }
  }
  for (; i + lanes <= count; i += lanes) step(i);
  if (i < count) step(count - lanes);
}

// The kernel.
template <class Op>
uint32_t ConvertToComplexRun(const sc_run* run) {
  ConvertToComplex(Op(*run), static_cast<const typename Op::Src*>(run->src),
                   static_cast<typename Op::Dst*>(run->dst), static_cast<size_t>(run->n[1]));
  return 0;
}

// Enters Op, which makes the parts of type `part`, as the conversion of one type to complex ones.
template <class Op>
void SetConvertToComplex(KernelTable& table, DType src, DType part) {
  if constexpr (kConvertsToComplex) {
    const auto s = static_cast<size_t>(src), d = static_cast<size_t>(part);
    table.convert_to_complex[s][d] =
        PackedEntry(ConvertToComplexRun<Op>, kComplexNames.text[s][d], SC_ACCESS_PACKED);
  }
}

}  // namespace
}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
