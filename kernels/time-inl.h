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
  const Op op(*run, &errors);
  const auto* src = static_cast<const typename Op::Src*>(run->src);
  auto* dst = static_cast<typename Op::Dst*>(run->dst);
  const auto count = static_cast<size_t>(run->n[1]);
  if (kCanStream<Op> && HWY_UNLIKELY(run->flags & SC_RUN_STREAM)) {
    StreamItems(op, src, dst, count, (run->flags & SC_RUN_FETCH) != 0);
  } else {
    ConvertItems(op, src, dst, count);
  }
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
  if (rule == TimeRule::kRaise) *errors |= SC_ERR_OVERFLOW;
  if (rule != TimeRule::kSaturate) return kNaT;
  return low ? -INT64_MAX : INT64_MAX;
}

// Value by value, by a function of int64_t; for kernels that no vectors are worth.
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
