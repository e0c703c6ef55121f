// Times to floats and floats to times, NaT as NaN; uint64 to times. Integers of 63 bits are times
// as they are, for which no kernel is needed, and all other numbers pass one of these.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/time_number.cc"
#include <limits>

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/round_odd-inl.h"
#include "kernels/targets.h"
#include "kernels/time-inl.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

// NaN for lanes of times that are NaT.
template <class DF64, class V>
HWY_INLINE hn::Vec<DF64> WithNaN(DF64 d, V times, hn::Vec<DF64> numbers) {
  const hn::DFromV<V> di;
  const auto nan = hn::Set(d, std::numeric_limits<double>::quiet_NaN());
  return hn::IfThenElse(hn::RebindMask(d, IsNaT(di, times)), nan, numbers);
}

struct TimeToFloat64 : Stateless {
  using Stateless::Stateless;
  using Src = int64_t;
  using Dst = double;
  using Wide = double;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD d, V v) const {
    return WithNaN(d, v, hn::ConvertTo(d, v));
  }
};

// For a second rounding.
struct TimeToOdd : Stateless {
  using Stateless::Stateless;
  using Src = int64_t;
  using Dst = double;
  using Wide = double;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD d, V v) const {
    return WithNaN(d, v, IntToFloat64Odd(d, v));
  }
};

struct TimeToFloat32 : Stateless {
  using Stateless::Stateless;
  using Src = int64_t;
  using Dst = float;
  using Wide = double;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD d, V v) const {
    const hn::Rebind<double, DD> wide;
    return hn::DemoteTo(d, WithNaN(wide, v, IntToFloat64Odd(wide, v)));
  }
};

// Truncated. -2^63 would be NaT: it lies outside like everything below.
struct FloatToTime : Complaining {
  using Complaining::Complaining;
  using Src = double;
  using Dst = int64_t;
  using Wide = int64_t;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Quick(DD d, V v) const {
    return hn::ConvertTo(d, v);
  }
  // All ones where a number fits.
  template <class V>
  HWY_INLINE V Evidence(V v) const {
    const hn::DFromV<V> df;
    return hn::VecFromMask(df, hn::Lt(hn::Abs(v), hn::Set(df, 0x1p63)));
  }
  template <class V>
  HWY_INLINE V Merge(V a, V b) const {
    return hn::And(a, b);
  }
  template <class V>
  HWY_INLINE bool Accept(V evidence) const {
    const hn::DFromV<V> df;
    return hn::AllTrue(df, hn::MaskFromVec(evidence));
  }
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD d, V v) const {
    const hn::DFromV<V> df;
    const auto limit = hn::Set(df, 0x1p63);
    const auto nan = hn::IsNaN(v);
    if (params.nan_raises && !hn::AllFalse(df, nan)) *errors |= SC_ERR_NAN;
    const auto low = hn::Le(v, hn::Neg(limit)), high = hn::Ge(v, limit);
    const auto inside = hn::Lt(hn::Abs(v), limit);
    const auto times = hn::ConvertTo(d, hn::IfThenElseZero(inside, v));
    const auto result =
        ApplyRule(d, params, times, hn::RebindMask(d, low), hn::RebindMask(d, high), errors);
    return hn::IfThenElse(hn::RebindMask(d, nan), NaT(d), result);
  }
};

struct Uint64ToTime : Complaining {
  using Complaining::Complaining;
  using Src = uint64_t;
  using Dst = int64_t;
  using Wide = int64_t;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD d, V v) const {
    const auto time = hn::BitCast(d, v);
    return ApplyRule(d, params, time, hn::MaskFalse(d), hn::Lt(time, hn::Zero(d)), errors);
  }
};

constexpr sc_entry FromTime(sc_kernel kernel, const char* name, uint32_t traits) {
  return PackedEntry(kernel, name, SC_ACCESS_PACKED, traits);
}

}  // namespace

void FillTimeNumber(KernelTable& table) {
  constexpr uint32_t kInPlace = SC_TRAIT_IN_PLACE;
  table.time_to_float[0] = FromTime(ConvertRun<TimeToFloat32>, "time to float32", 0);
  table.time_to_float[1] = FromTime(ConvertRun<TimeToFloat64>, "time to float64", kInPlace);
  table.time_to_odd = FromTime(ConvertRun<TimeToOdd>, "time to odd float64", kInPlace);
  table.float_to_time = TimeEntry(ComplainingRun<FloatToTime>, "float64 to time");
  table.uint64_to_time = TimeEntry(ComplainingRun<Uint64ToTime>, "uint64 to time");
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
