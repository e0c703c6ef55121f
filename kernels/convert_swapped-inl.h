// Conversions of packed items whose bytes lie in the other order, in one pass: an Op, as in
// convert-inl.h, whose vectors are put in order before the Op proper sees them. A move to scratch
// and a convert would write and read every item once more. Which pairs have one is up to the files
// of the pairs; all others are swapped by moves (move_swap.cc).
#if defined(STRIDECAST_KERNELS_CONVERT_SWAPPED_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STRIDECAST_KERNELS_CONVERT_SWAPPED_INL_H_
#undef STRIDECAST_KERNELS_CONVERT_SWAPPED_INL_H_
#else
#define STRIDECAST_KERNELS_CONVERT_SWAPPED_INL_H_
#endif

#include "kernels/convert-inl.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

// The same lanes, each with its bytes in the other order.
template <class V>
HWY_INLINE V InOrder(V v) {
  const hn::DFromV<V> d;
  return hn::BitCast(d, hn::ReverseLaneBytes(hn::BitCast(hn::RebindToUnsigned<decltype(d)>(), v)));
}

// What Op has this has, too; the swaps that Evidence and Quick both make compilers make once.
template <class Op>
class Swapped {
 public:
  using Src = typename Op::Src;
  using Dst = typename Op::Dst;
  using Wide = typename Op::Wide;
  static constexpr bool kFetches = !NeverFetches<Op>;

  explicit Swapped(const sc_run& run) : op_(run) {}

  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    return op_.Convert(dd, InOrder(v));
  }
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Quick(DD dd, V v) const requires HasQuick<Op> {
    return op_.Quick(dd, InOrder(v));
  }
  template <class V>
  HWY_INLINE auto Evidence(V v) const requires HasQuick<Op> {
    return op_.Evidence(InOrder(v));
  }
  template <class E>
  HWY_INLINE E Merge(E a, E b) const requires HasQuick<Op> {
    return op_.Merge(a, b);
  }
  template <class E>
  HWY_INLINE bool Accept(E evidence) const requires HasQuick<Op> {
    return op_.Accept(evidence);
  }
  template <class D2, class V>
  HWY_INLINE hn::Vec<D2> Pack2(D2 d2, V v0, V v1) const requires HasPack2<Op> {
    return op_.Pack2(d2, InOrder(v0), InOrder(v1));
  }
  template <class D4, class V>
  HWY_INLINE hn::Vec<D4> Pack4(D4 d4, V v0, V v1, V v2, V v3) const requires HasPack4<Op> {
    return op_.Pack4(d4, InOrder(v0), InOrder(v1), InOrder(v2), InOrder(v3));
  }
  template <bool kStream, class V>
  HWY_INLINE void Spread(V v, Dst* dst) const requires HasSpread<Op> {
    op_.template Spread<kStream>(InOrder(v), dst);
  }

 private:
  Op op_;
};

// Enters Op as the conversion of one pair from items in the other byte order.
template <class Op>
void SetConvertSwapped(KernelTable& table, DType src, DType dst) {
  const auto s = static_cast<size_t>(src), d = static_cast<size_t>(dst);
  table.convert_swapped[s][d] = ConvertEntry<Swapped<Op>>(kSwappedNames.text[s][d]);
}

}  // namespace
}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
