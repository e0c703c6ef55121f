// Ranges of values: check reports what lies outside [lo, hi] and writes nothing, clamp brings it
// inside. Together with the wrapping conversions they make the raise and saturate rules: the engine
// knows which limits a pair of types has (LimitParams), these kernels only compare.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/limits.cc"
#include <algorithm>
#include <bit>
#include <limits>

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/convert-inl.h"
#include "kernels/lane_types.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

template <typename T>
struct Interval {
  T lo, hi;
  // Cut to what T holds; empty (lo > hi) where no T may pass.
  explicit Interval(const LimitParams& params) {
    if constexpr (std::is_floating_point_v<T>) {
      lo = static_cast<T>(params.lo);
      hi = static_cast<T>(params.hi);
    } else if constexpr (std::is_same_v<T, uint64_t>) {
      lo = static_cast<T>(params.lo_int);
      hi = static_cast<T>(params.hi_int);
    } else {
      constexpr int64_t kMin = std::numeric_limits<T>::min(), kMax = std::numeric_limits<T>::max();
      const bool empty = params.lo_int > kMax || params.hi_int < kMin;
      lo = empty ? T{1} : static_cast<T>(std::max(params.lo_int, kMin));
      hi = empty ? T{0} : static_cast<T>(std::min(params.hi_int, kMax));
    }
  }
};

template <typename T>
struct Clamp {
  using Src = T;
  using Dst = T;
  using Wide = T;
  Interval<T> interval;
  explicit Clamp(const sc_run& run) : interval(*static_cast<const LimitParams*>(run.params)) {}
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    const auto lo = hn::Set(dd, interval.lo), hi = hn::Set(dd, interval.hi);
    if constexpr (std::is_floating_point_v<T>) {
      // By comparisons, which NaN and -0.0 pass: what Min and Max do to them depends on the target.
      v = hn::IfThenElse(hn::Lt(v, lo), lo, v);
      return hn::IfThenElse(hn::Gt(v, hi), hi, v);
    } else {
      return hn::Min(hn::Max(v, lo), hi);
    }
  }
};

// How many items to look at first so that vectors straddle no cache lines from there on; a vector
// that overlaps the first ones does no harm when nothing is written.
template <typename T>
HWY_INLINE size_t ItemsToAlignment(const T* src, size_t count) {
  constexpr size_t kMinCount = 512;
  const size_t vector_bytes = hn::Lanes(hn::ScalableTag<T>()) * sizeof(T);
  const size_t bytes = (0 - reinterpret_cast<uintptr_t>(src)) % vector_bytes;
  return count >= kMinCount && bytes % sizeof(T) == 0 ? bytes / sizeof(T) : 0;
}

// Signed integers in the order of the items: integers themselves, floats with the bits below the
// sign turned over when they are negative. NaNs are beyond the infinities; -0.0 is just below 0.0.
template <typename T, class DI>
HWY_INLINE hn::Vec<DI> Ordered(DI di, hn::Vec<DI> bits) {
  if constexpr (std::is_floating_point_v<T>) {
    const auto below_sign = hn::Set(di, std::numeric_limits<hn::TFromD<DI>>::max());
    return hn::Xor(bits, hn::And(hn::BroadcastSignBit(bits), below_sign));
  } else {
    return bits;
  }
}

template <typename T>
hwy::MakeUnsigned<T> OrderedScalar(T value) {
  using Unsigned = hwy::MakeUnsigned<T>;
  const auto bits = std::bit_cast<Unsigned>(value);
  constexpr auto kSign = static_cast<Unsigned>(Unsigned{1} << (8 * sizeof(T) - 1));
  const bool turn = std::is_floating_point_v<T> && (bits & kSign) != 0;
  return turn ? static_cast<Unsigned>(bits ^ (kSign - 1)) : bits;
}

// True when an item is outside the interval, which is not empty (a bound of zero has the sign that
// lets both zeros in). The interval is moved to start at the smallest signed integer, so that one
// maximum sees both ends.
template <typename T>
HWY_NOINLINE bool AnyOutside(const T* src, size_t count, T lo, T hi) {
  using Signed = hwy::MakeSigned<T>;
  using Unsigned = hwy::MakeUnsigned<T>;
  constexpr Signed kSmallest = std::numeric_limits<Signed>::min();
  const auto start = OrderedScalar(lo), end = OrderedScalar(hi);
  const hn::ScalableTag<T> d;
  const hn::RebindToSigned<decltype(d)> di;
  const size_t lanes = hn::Lanes(d);
  const auto offset =
      hn::Set(di, static_cast<Signed>(static_cast<Unsigned>(start - Unsigned(kSmallest))));
  const auto limit =
      hn::Set(di, static_cast<Signed>(static_cast<Unsigned>(end - start + Unsigned(kSmallest))));
  const auto height = [&](hn::Vec<decltype(d)> v)
                          HWY_ATTR { return hn::Sub(Ordered<T>(di, hn::BitCast(di, v)), offset); };
  if (count < lanes) return !hn::AllTrue(di, hn::Le(height(LoadFew(d, src, count, lo)), limit));
  auto top0 = height(hn::LoadU(d, src));
  auto top1 = height(hn::LoadU(d, src + count - lanes));
  auto top2 = top0, top3 = top1;
  size_t i = ItemsToAlignment(src, count);
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    top0 = hn::Max(top0, height(hn::LoadU(d, src + i)));
    top1 = hn::Max(top1, height(hn::LoadU(d, src + i + lanes)));
    top2 = hn::Max(top2, height(hn::LoadU(d, src + i + 2 * lanes)));
    top3 = hn::Max(top3, height(hn::LoadU(d, src + i + 3 * lanes)));
  }
  for (; i + lanes <= count; i += lanes) top0 = hn::Max(top0, height(hn::LoadU(d, src + i)));
  const auto top = hn::Max(hn::Max(top0, top1), hn::Max(top2, top3));
  return !hn::AllTrue(di, hn::Le(top, limit));
}

// Which complaints there are about floats of which some are outside.
template <typename T>
HWY_NOINLINE uint32_t Complaints(const T* src, size_t count, const LimitParams& params) {
  const hn::ScalableTag<T> d;
  const Interval<T> interval(params);
  const auto lo = hn::Set(d, interval.lo), hi = hn::Set(d, interval.hi);
  uint32_t errors = 0;
  for (size_t i = 0; i < count; i += hn::Lanes(d)) {
    const size_t rest = count - i;
    const auto v =
        rest < hn::Lanes(d) ? LoadFew(d, src + i, rest, interval.lo) : hn::LoadU(d, src + i);
    auto outside = hn::Or(hn::Lt(v, lo), hn::Gt(v, hi));
    if (params.infinity_ok) outside = hn::AndNot(hn::IsInf(v), outside);
    if (!params.nan_ok && !hn::AllFalse(d, hn::IsNaN(v))) errors |= SC_ERR_NAN;
    if (!hn::AllFalse(d, outside)) errors |= SC_ERR_OVERFLOW;
  }
  return errors;
}

template <typename T>
uint32_t Check(const sc_run* run) {
  const auto& params = *static_cast<const LimitParams*>(run->params);
  const Interval<T> interval(params);
  const auto* src = static_cast<const T*>(run->src);
  const auto count = static_cast<size_t>(run->n[1]);
  T lo = interval.lo, hi = interval.hi;
  if constexpr (std::is_floating_point_v<T>) {
    if (lo == T{0}) lo = -T{0};
    if (hi == T{0}) hi = T{0};
  }
  const bool any = !(lo <= hi) || AnyOutside(src, count, lo, hi);
  if (HWY_LIKELY(!any)) return 0;
  if constexpr (std::is_floating_point_v<T>) {
    return Complaints(src, count, params);
  } else {
    return SC_ERR_OVERFLOW;
  }
}

template <typename T>
void SetType(KernelTable& table) {
  constexpr size_t kType = Index(kDTypeOf<T>);
  sc_entry& check = table.check[kType];
  check.name = kCheckNames.text[kType];
  check.src_access = SC_ACCESS_PACKED;
  check.dst_access = SC_ACCESS_NONE;
  check.traits = SC_TRAIT_MAY_FAIL | SC_TRAIT_THREAD_SAFE;
  check.run = Check<T>;
  table.clamp[kType] = ConvertEntry<Clamp<T>>(kClampNames.text[kType]);
}

template <typename... T>
void SetAll(KernelTable& table, Types<T...>) {
  (SetType<T>(table), ...);
}

}  // namespace

void FillLimits(KernelTable& table) {
  SetAll(table, Integers());
  SetAll(table, Types<float, double>());
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
