// What the kernels of times share: their loop, which collects complaints, NaT in lanes, and what
// becomes of values outside the destination. Per-target header: include after foreach_target.h.
#if defined(STRIDECAST_KERNELS_TIME_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STRIDECAST_KERNELS_TIME_INL_H_
#undef STRIDECAST_KERNELS_TIME_INL_H_
#else
#define STRIDECAST_KERNELS_TIME_INL_H_
#endif

#include "hwy/highway.h"
#include "kernels/convert-inl.h"
#include "kernels/kernel_table.h"
#include "kernels/time_params.h"
#include "stridecast/value_types.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

// An Op of convert-inl.h that complains: what it finds is ORed into *errors.
struct Complaining {
  const TimeScaleParams& params;
  uint32_t* errors;
  Complaining(const sc_run& run, uint32_t* where)
      : params(*static_cast<const TimeScaleParams*>(run.params)), errors(where) {}
};

// The kernel of such an Op.
template <class Op>
uint32_t ComplainingRun(const sc_run* run) {
  uint32_t errors = 0;
  RunItems(Op(*run, &errors), run);
  return errors;
}

template <class D>
HWY_INLINE hn::Vec<D> NaT(D d) {
  return hn::Set(d, kNaT);
}

template <class D>
HWY_INLINE hn::Mask<D> IsNaT(D d, hn::Vec<D> v) {
  return hn::Eq(v, NaT(d));
}

// Results of which those under `low` and `high` lie outside on that side.
template <class D>
HWY_INLINE hn::Vec<D> ApplyRule(D d, const TimeScaleParams& params, hn::Vec<D> result,
                                hn::Mask<D> low, hn::Mask<D> high, uint32_t* errors) {
  const auto outside = hn::Or(low, high);
  if (HWY_LIKELY(hn::AllFalse(d, outside))) return result;
  switch (params.rule) {
    case TimeRule::kRaise:
      *errors |= SC_ERR_OVERFLOW;
      return result;
    case TimeRule::kSaturate:
      result = hn::IfThenElse(low, hn::Set(d, -INT64_MAX), result);
      return hn::IfThenElse(high, hn::Set(d, INT64_MAX), result);
    case TimeRule::kNat:
      break;
  }
  return hn::IfThenElse(outside, NaT(d), result);
}

// The same for one value.
HWY_INLINE int64_t ApplyRule(TimeRule rule, bool low, uint32_t* errors) {
  if (rule == TimeRule::kRaise) {
    *errors |= SC_ERR_OVERFLOW;
    return 0;  // not NaT, of which a later stage might complain
  }
  if (rule == TimeRule::kNat) return kNaT;
  return low ? -INT64_MAX : INT64_MAX;
}

// --- division
// --------------------------------------------------------------------------------------

HWY_INLINE int64_t FloorDivide(int64_t value, const TimeDivisor& by) {
  const int64_t sign = value >> 63;
  const auto quotient = static_cast<uint64_t>(
      (static_cast<unsigned __int128>(static_cast<uint64_t>(value ^ sign)) * by.magic) >> 64);
  return static_cast<int64_t>(quotient >> by.shift) ^ sign;
}

// The upper half of 128-bit products, from products of 32 bits.
template <class DU>
HWY_INLINE hn::Vec<DU> UpperProduct(DU du, hn::Vec<DU> a, hn::Vec<DU> b) {
  const hn::RepartitionToNarrow<DU> d32;
  const auto product = [=](hn::Vec<DU> x, hn::Vec<DU> y) HWY_ATTR {
    return hn::MulEven(hn::BitCast(d32, x), hn::BitCast(d32, y));
  };
  const auto a_high = hn::ShiftRight<32>(a), b_high = hn::ShiftRight<32>(b);
  const auto low_high = product(a, b_high), high_low = product(a_high, b);
  const auto lower = hn::Set(du, uint64_t{UINT32_MAX});
  const auto middle = hn::Add(hn::Add(hn::ShiftRight<32>(product(a, b)), hn::And(high_low, lower)),
                              low_high);  // at most 2^64 - 2^32 - 1 or so
  return hn::Add(hn::Add(product(a_high, b_high), hn::ShiftRight<32>(high_low)),
                 hn::ShiftRight<32>(middle));
}

template <class D>
HWY_INLINE hn::Vec<D> FloorDivide(D d, hn::Vec<D> v, const TimeDivisor& by) {
  const hn::RebindToUnsigned<D> du;
  const auto sign = hn::BroadcastSignBit(v);
  const auto upper = UpperProduct(du, hn::BitCast(du, hn::Xor(v, sign)), hn::Set(du, by.magic));
  return hn::Xor(hn::BitCast(d, hn::ShiftRightSame(upper, by.shift)), sign);
}

// --- value by value
// -------------------------------------------------------------------------------

// By a function of int64_t; for kernels that no vectors are worth.
template <class F>
HWY_INLINE void ForTimes(const sc_run* run, const F& f) {
  const auto* src = static_cast<const uint8_t*>(run->src);
  auto* dst = static_cast<uint8_t*>(run->dst);
  for (int64_t i = 0; i < run->n[1]; ++i) {
    int64_t value;
    memcpy(&value, src + i * 8, 8);
    value = f(value);
    memcpy(dst + i * 8, &value, 8);
  }
}

constexpr sc_entry TimeEntry(sc_kernel kernel, const char* name) {
  return PackedEntry(kernel, name, SC_ACCESS_PACKED,
                     uint32_t{SC_TRAIT_IN_PLACE} | uint32_t{SC_TRAIT_MAY_FAIL});
}

}  // namespace
}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
