// Integers to integers of another size: the low bits, or zero and sign extension. A conversion
// between equal sizes is a move and not here. Overflow rules other than wrap are limits.cc's.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/convert_int.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/convert-inl.h"
#include "kernels/lane_types.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

// Narrowing does not care about signs: instantiated for unsigned lanes only.
template <typename S, typename D>
struct Truncate : Stateless {
  using Stateless::Stateless;
  using Src = S;
  using Dst = D;
  using Wide = S;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    return hn::TruncateTo(dd, v);
  }
  // Eight bytes to one or two take as many shuffles for two vectors as for one.
  template <class D2, class V>
  HWY_INLINE hn::Vec<D2> Pack2(D2 d2, V v0, V v1) const requires(sizeof(S) == 8 && sizeof(D) <= 2) {
    const hn::Rebind<uint32_t, D2> du32;
    return hn::TruncateTo(d2, hn::ConcatEven(du32, hn::BitCast(du32, v1), hn::BitCast(du32, v0)));
  }
#if HWY_TARGET == HWY_AVX2
  // Four bytes to one: packing twice and one shuffle across the halves, for four vectors.
  template <class D4, class V>
  HWY_INLINE hn::Vec<D4> Pack4(D4 d4, V v0, V v1, V v2, V v3) const
      requires(sizeof(S) == 4 && sizeof(D) == 1) {
    const auto low = [](V v) { return _mm256_and_si256(v.raw, _mm256_set1_epi32(0xff)); };
    const auto bytes = _mm256_packus_epi16(_mm256_packus_epi32(low(v0), low(v1)),
                                           _mm256_packus_epi32(low(v2), low(v3)));
    const auto order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    return hn::BitCast(d4, hn::Vec<decltype(d4)>{_mm256_permutevar8x32_epi32(bytes, order)});
  }
#endif
};

// Widening goes by the source's sign; the destination has the same.
template <typename S, typename D>
struct Extend : Stateless {
  using Stateless::Stateless;
  using Src = S;
  using Dst = D;
  using Wide = D;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    return hn::PromoteTo(dd, v);
  }
};

template <typename S, typename D>
void SetPair(KernelTable& table) {
  if constexpr (sizeof(D) < sizeof(S)) {
    SetConvert<Truncate<hwy::MakeUnsigned<S>, hwy::MakeUnsigned<D>>>(table, kDTypeOf<S>,
                                                                     kDTypeOf<D>);
  } else if constexpr (sizeof(D) > sizeof(S)) {
    using Extended =
        std::conditional_t<std::is_signed_v<S>, hwy::MakeSigned<D>, hwy::MakeUnsigned<D>>;
    SetConvert<Extend<S, Extended>>(table, kDTypeOf<S>, kDTypeOf<D>);
  }
}

template <typename S, typename... D>
void SetRow(KernelTable& table, Types<D...>) {
  (SetPair<S, D>(table), ...);
}

template <typename... S>
void SetAll(KernelTable& table, Types<S...>) {
  (SetRow<S>(table, Integers()), ...);
}

}  // namespace

void FillConvertInt(KernelTable& table) { SetAll(table, Integers()); }

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
