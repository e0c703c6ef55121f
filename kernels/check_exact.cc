// Whether every item has an equal in the destination: as many significant bits as it has digits,
// and (floats) no step below its smallest. Writes nothing; range is limits.cc's business.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/check_exact.cc"
#include <algorithm>
#include <limits>
#include <type_traits>

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/convert-inl.h"
#include "kernels/lane_types.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

// Bits that are set where an item is inexact. An integer has too many significant bits where its
// magnitude, shifted right by the digits, reaches its lowest set bit; v | -v are that bit and all
// above it.
template <typename T>
class InexactInt {
  using U = hwy::MakeUnsigned<T>;

 public:
  explicit InexactInt(const ExactParams& params) : digits_(params.digits) {}
  bool passes_all() const { return digits_ >= std::numeric_limits<T>::digits; }

  template <class V, class DU = hn::RebindToUnsigned<hn::DFromV<V>>>
  HWY_INLINE hn::Vec<DU> operator()(V v) const {
    const DU du;
    const auto bits = hn::BitCast(du, v);
    auto magnitude = bits;
    if constexpr (std::is_signed_v<T>) {
      const auto sign = hn::BitCast(du, hn::BroadcastSignBit(v));
      magnitude = hn::Sub(hn::Xor(bits, sign), sign);
    }
    const auto from_lowest = hn::Or(bits, hn::Sub(hn::Zero(du), bits));
    return hn::And(hn::ShiftRightSame(magnitude, digits_), from_lowest);
  }

 private:
  int digits_;
};

// A float64 is inexact where one of the last bits of its significand is set that lie below the
// destination's digits or below its smallest step.
class InexactFloat {
  static constexpr int kFractionBits = 52, kExponentBias = 1023;
  static constexpr uint64_t kFraction = (uint64_t{1} << kFractionBits) - 1;

 public:
  explicit InexactFloat(const ExactParams& params)
      : by_digits_(std::max(kFractionBits + 1 - params.digits, 0)),
        by_step_(int64_t{params.min_exponent} + kExponentBias + kFractionBits),
        infinity_ok_(params.min_exponent != 0) {}
  bool passes_all() const { return false; }

  template <class V, class DU = hn::RebindToUnsigned<hn::DFromV<V>>>
  HWY_INLINE hn::Vec<DU> operator()(V v) const {
    const DU du;
    const hn::RebindToSigned<DU> di;
    const auto bits = hn::BitCast(du, v);
    const auto raw = hn::And(hn::ShiftRight<kFractionBits>(bits), hn::Set(du, uint64_t{0x7FF}));
    const auto subnormal = hn::Eq(raw, hn::Zero(du));
    const auto hidden = hn::IfThenZeroElse(subnormal, hn::Set(du, kFraction + 1));
    const auto significand = hn::Or(hn::And(bits, hn::Set(du, kFraction)), hidden);
    // A subnormal's exponent is 1; the smallest step never asks for less than the digits do there.
    const auto exponent = hn::BitCast(di, hn::Sub(raw, hn::VecFromMask(du, subnormal)));
    const auto lost = hn::Max(hn::Set(di, by_digits_), hn::Sub(hn::Set(di, by_step_), exponent));
    const auto most = hn::Set(di, int64_t{63});
    const auto unused = hn::Sub(most, hn::Min(lost, most));
    const auto below = hn::Shr(hn::Set(du, ~uint64_t{0} >> 1), hn::BitCast(du, unused));
    const auto special = hn::Eq(raw, hn::Set(du, uint64_t{0x7FF}));
    auto bad = hn::IfThenZeroElse(special, hn::And(significand, below));
    if (!infinity_ok_) bad = hn::Or(bad, hn::VecFromMask(du, hn::RebindMask(du, hn::IsInf(v))));
    return bad;
  }

 private:
  int64_t by_digits_, by_step_;
  bool infinity_ok_;
};

template <typename T, class Inexact>
uint32_t CheckExact(const sc_run* run) {
  const Inexact inexact(*static_cast<const ExactParams*>(run->params));
  if (inexact.passes_all()) return 0;
  const hn::ScalableTag<T> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const size_t lanes = hn::Lanes(d);
  const auto* src = static_cast<const T*>(run->src);
  const auto count = static_cast<size_t>(run->n[1]);
  auto bad0 = hn::Zero(du), bad1 = hn::Zero(du);
  size_t i = 0;
  for (; i + 2 * lanes <= count; i += 2 * lanes) {
    bad0 = hn::Or(bad0, inexact(hn::LoadU(d, src + i)));
    bad1 = hn::Or(bad1, inexact(hn::LoadU(d, src + i + lanes)));
  }
  if (i + lanes <= count) {
    bad0 = hn::Or(bad0, inexact(hn::LoadU(d, src + i)));
    i += lanes;
  }
  if (const size_t rest = count % lanes; rest != 0) {
    bad1 = hn::Or(bad1, inexact(LoadFew(d, src + i, rest, T{0})));
  }
  const auto bad = hn::Or(bad0, bad1);
  return hn::AllTrue(du, hn::Eq(bad, hn::Zero(du))) ? 0 : uint32_t{SC_ERR_INEXACT};
}

template <typename T, class Inexact>
void SetType(KernelTable& table, const char* name) {
  table.check_exact[Index(kDTypeOf<T>)] = {CheckExact<T, Inexact>,
                                           name,
                                           SC_ACCESS_PACKED,
                                           SC_ACCESS_NONE,
                                           0,
                                           SC_TRAIT_MAY_FAIL | SC_TRAIT_THREAD_SAFE,
                                           0};
}

}  // namespace

void FillCheckExact(KernelTable& table) {
  SetType<int32_t, InexactInt<int32_t>>(table, "check exact int32");
  SetType<uint32_t, InexactInt<uint32_t>>(table, "check exact uint32");
  SetType<int64_t, InexactInt<int64_t>>(table, "check exact int64");
  SetType<uint64_t, InexactInt<uint64_t>>(table, "check exact uint64");
  SetType<double, InexactFloat>(table, "check exact float64");
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
