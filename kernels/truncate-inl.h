// The low bits of integers: what conversions to shorter ones (convert_int.cc) and to integers of
// fewer than 8 bits (narrow_int.cc) begin with.

#if defined(STRIDECAST_KERNELS_TRUNCATE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STRIDECAST_KERNELS_TRUNCATE_INL_H_
#undef STRIDECAST_KERNELS_TRUNCATE_INL_H_
#else
#define STRIDECAST_KERNELS_TRUNCATE_INL_H_
#endif

#include <cstdint>

#include "hwy/highway.h"
#include "kernels/convert-inl.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

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
  // Eight bytes to four: one store for two vectors.
  template <class D2, class V>
  HWY_INLINE hn::Vec<D2> Pack2(D2 d2, V v0, V v1) const requires(sizeof(S) == 8 && sizeof(D) == 4) {
    const hn::Repartition<uint32_t, hn::DFromV<V>> du32;
    return hn::BitCast(d2, hn::ConcatEven(du32, hn::BitCast(du32, v1), hn::BitCast(du32, v0)));
  }
  // Eight bytes to two or one: the low halves of all lanes packed once or twice, and one shuffle
  // across the halves.
  template <class D4, class V>
  HWY_INLINE hn::Vec<D4> Pack4(D4 d4, V v0, V v1, V v2, V v3) const
      requires(sizeof(S) == 8 && sizeof(D) <= 2) {
    const auto low = [](V a, V b) HWY_ATTR {
      const __m256 even = _mm256_shuffle_ps(_mm256_castsi256_ps(a.raw), _mm256_castsi256_ps(b.raw),
                                            _MM_SHUFFLE(2, 0, 2, 0));
      return _mm256_and_si256(_mm256_castps_si256(even),
                              _mm256_set1_epi32(sizeof(D) == 1 ? 0xff : 0xffff));
    };
    const __m256i words = _mm256_packus_epi32(low(v0, v1), low(v2, v3));
    if constexpr (sizeof(D) == 1) {
      const __m256i bytes = _mm256_packus_epi16(words, words);
      return hn::BitCast(
          d4, hn::Vec128<uint8_t>{_mm_unpacklo_epi16(_mm256_castsi256_si128(bytes),
                                                     _mm256_extracti128_si256(bytes, 1))});
    } else {
      const auto order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
      return hn::BitCast(d4, hn::Vec256<uint16_t>{_mm256_permutevar8x32_epi32(words, order)});
    }
  }
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

}  // namespace
}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
