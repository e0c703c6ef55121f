// Integers rounded to odd on the way to floats: a second rounding, to at least two bits fewer, sees
// all that it would have seen of the integer (Boldo and Melquiond, "Emulation of a FMA and
// Correctly Rounded Sums: Proved Algorithms Using Rounding to Odd", 2008). Floats are
// float16-inl.h's.

#if defined(STRIDECAST_KERNELS_ROUND_ODD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STRIDECAST_KERNELS_ROUND_ODD_INL_H_
#undef STRIDECAST_KERNELS_ROUND_ODD_INL_H_
#else
#define STRIDECAST_KERNELS_ROUND_ODD_INL_H_
#endif

#include <type_traits>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Integers that need more than kBits bits (and a sign) lose their low kDropped bits and keep in the
// last of the others whether any of the lost was set: rounding to odd, also right for negative
// two's complement. Others stay as they are.
template <int kBits, int kDropped, class V>
HWY_INLINE V RoundToOdd(V v) {
  using S = hn::TFromV<V>;
  const hn::DFromV<V> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  using U = hn::TFromD<decltype(du)>;
  const auto bits = hn::BitCast(du, v);
  const auto dropped = hn::Set(du, (U{1} << kDropped) - 1);
  const auto last = hn::Set(du, U{1} << kDropped);
  const auto sticky = hn::And(hn::Add(hn::And(bits, dropped), dropped), last);
  const auto odd = hn::Or(hn::AndNot(dropped, bits), sticky);
  constexpr U kOffset = std::is_signed_v<S> ? U{1} << kBits : U{0};
  const auto above =
      hn::ShiftRight<kBits + std::is_signed_v<S>>(hn::Add(bits, hn::Set(du, kOffset)));
  return hn::BitCast(d, hn::IfThenElse(hn::Eq(above, hn::Zero(du)), bits, odd));
}

// What remains of the large integers has at most 53 bits, which float64 holds exactly, and at least
// 42 below the leading one.
template <class DF64, class V>
HWY_INLINE hn::Vec<DF64> IntToFloat64Odd(DF64 df64, V v) {
  return hn::ConvertTo(df64, RoundToOdd<53, 11>(v));
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
