// Encoding: (x - offset) / scale, each operation rounded, and to an integral value where that is
// asked for. In place for the float types, which leave flags for NaN, and in one pass with range,
// NaN and conversion for the small integers.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/unscale.cc"
#include <limits>

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/convert-inl.h"
#include "kernels/lane_types.h"
#include "kernels/scale-inl.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

template <bool kEach, bool kFlags, typename T>
HWY_NOINLINE void UnscaleItems(const ScaleParams& params, const Factors<T>& factors, const T* src,
                               T* dst, uint8_t* flags, size_t count) {
  const hn::ScalableTag<T> d;
  const FlagTag<decltype(d)> d8;
  const size_t lanes = hn::Lanes(d);
  const auto filler = hn::Set(d, static_cast<T>(params.filler));
  const bool rounds = params.rounds;
  const auto unscale = [&](auto x, auto scale, auto offset) {
    auto y = hn::Div(hn::Sub(x, offset), scale);
    if (rounds) y = hn::Round(y);
    return kFlags ? hn::IfThenElse(hn::IsNaN(x), filler, y) : y;
  };
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto x = hn::LoadU(d, src + i);
    if constexpr (kFlags) hn::StoreU(FlagsOf(d, hn::IsNaN(x)), d8, flags + i);
    hn::StoreU(
        unscale(x, FactorsAt<kEach>(d, factors.scale, i), FactorsAt<kEach>(d, factors.offset, i)),
        d, dst + i);
  }
  if (i == count) return;
  const size_t rest = RestOf(d, i, count);
  const auto x = LoadFew(d, src + i, rest, T{0});
  if constexpr (kFlags) StoreFew(FlagsOf(d, hn::IsNaN(x)), d8, flags + i, rest);
  StoreFew(unscale(x, FewFactorsAt<kEach>(d, factors.scale, i, rest),
                   FewFactorsAt<kEach>(d, factors.offset, i, rest)),
           d, dst + i, rest);
}

template <typename T>
uint32_t UnscaleRun(const sc_run* run) {
  const auto& params = *static_cast<const ScaleParams*>(run->params);
  const bool flagged = params.num_missing > 0;
  ForFactors<T>(*run, [&](const Factors<T>& factors, int64_t first, int64_t items) {
    const T* src = static_cast<const T*>(run->src) + first;
    T* dst = static_cast<T*>(run->dst) + first;
    uint8_t* flags = static_cast<uint8_t*>(run->scratch) + (flagged ? first : 0);
    const auto count = static_cast<size_t>(items);
    const auto items_of =
        factors.each ? (flagged ? UnscaleItems<true, true, T> : UnscaleItems<true, false, T>)
                     : (flagged ? UnscaleItems<false, true, T> : UnscaleItems<false, false, T>);
    items_of(params, factors, src, dst, flags, count);
  });
  return 0;
}

template <class D>
HWY_INLINE hn::Vec<D> ToInteger(D d, hn::Vec<hn::Rebind<float, D>> v) {
  const auto wide = hn::ConvertTo(hn::Rebind<int32_t, D>(), v);
  if constexpr (sizeof(hn::TFromD<D>) == 4) {
    return wide;
  } else {
    return hn::DemoteTo(d, wide);
  }
}
template <class D>
HWY_INLINE hn::Vec<D> ToInteger(D d, hn::Vec<hn::Rebind<double, D>> v) {
  const auto wide = hn::DemoteTo(hn::Rebind<int32_t, D>(), v);
  if constexpr (sizeof(hn::TFromD<D>) == 4) {
    return wide;
  } else {
    return hn::DemoteTo(d, wide);
  }
}

template <typename T, typename I, bool kReport>
struct Encode {
  T lo, hi;
  T of_nan;     // what NaN becomes
  T forbidden;  // NaN: no value is
  bool nan_is_error;

  explicit Encode(const ScaleParams& params)
      : lo(static_cast<T>(params.lo)),
        hi(static_cast<T>(params.hi)),
        of_nan(params.num_missing > 0 ? static_cast<T>(params.missing_values[0]) : T{0}),
        forbidden(params.num_missing > 0 ? of_nan : std::numeric_limits<T>::quiet_NaN()),
        nan_is_error(params.num_missing == 0) {}

  template <bool kEach>
  HWY_INLINE uint32_t Items(const Factors<T>& factors, const T* src, I* dst, size_t count) const {
    const hn::ScalableTag<T> d;
    const hn::Rebind<I, decltype(d)> di;
    const size_t lanes = hn::Lanes(d);
    auto misfits = hn::Zero(d), nans = hn::Zero(d);
    size_t i = 0;
    for (; i + lanes <= count; i += lanes) {
      const auto x = hn::LoadU(d, src + i);
      const auto y = Number(d, x, FactorsAt<kEach>(d, factors.scale, i),
                            FactorsAt<kEach>(d, factors.offset, i));
      if constexpr (kReport) {
        misfits = hn::Or(misfits, hn::VecFromMask(d, Misfit(d, y)));
        nans = hn::Or(nans, hn::VecFromMask(d, hn::IsNaN(x)));
      }
      hn::StoreU(ToInteger(di, Inside(d, y)), di, dst + i);
    }
    if (i < count) {
      const size_t rest = RestOf(d, i, count);
      const auto x = LoadFew(d, src + i, rest, T{0});
      const auto y = Number(d, x, FewFactorsAt<kEach>(d, factors.scale, i, rest),
                            FewFactorsAt<kEach>(d, factors.offset, i, rest));
      if constexpr (kReport) {
        const auto few = hn::FirstN(d, rest);
        misfits = hn::Or(misfits, hn::VecFromMask(d, hn::And(few, Misfit(d, y))));
        nans = hn::Or(nans, hn::VecFromMask(d, hn::And(few, hn::IsNaN(x))));
      }
      StoreFew(ToInteger(di, Inside(d, y)), di, dst + i, rest);
    }
    if constexpr (!kReport) return 0;
    const hn::RebindToUnsigned<decltype(d)> du;
    const auto any = [&](auto bits) {
      return !hn::AllTrue(du, hn::Eq(hn::BitCast(du, bits), hn::Zero(du)));
    };
    return (any(misfits) ? uint32_t{SC_ERR_OVERFLOW} : 0) |
           (nan_is_error && any(nans) ? uint32_t{SC_ERR_NAN} : 0);
  }

 private:
  template <class D, class V>
  HWY_INLINE static V Number(D, V x, V scale, V offset) {
    return hn::Round(hn::Div(hn::Sub(x, offset), scale));
  }
  template <class D, class V>
  HWY_INLINE hn::Mask<D> Misfit(D d, V y) const {
    const auto outside = hn::Or(hn::Lt(y, hn::Set(d, lo)), hn::Gt(y, hn::Set(d, hi)));
    return hn::Or(outside, hn::Eq(y, hn::Set(d, forbidden)));
  }
  template <class D, class V>
  HWY_INLINE V Inside(D d, V y) const {
    auto v = hn::IfThenElse(hn::Lt(y, hn::Set(d, lo)), hn::Set(d, lo), y);
    v = hn::IfThenElse(hn::Gt(v, hn::Set(d, hi)), hn::Set(d, hi), v);
    return hn::IfThenElse(hn::IsNaN(y), hn::Set(d, of_nan), v);
  }
};

template <typename T, typename I, bool kReport, bool kEach>
HWY_NOINLINE uint32_t EncodeItems(const ScaleParams& params, const Factors<T>& factors,
                                  const T* src, I* dst, size_t count) {
  return Encode<T, I, kReport>(params).template Items<kEach>(factors, src, dst, count);
}

template <typename T, typename I, bool kReport>
uint32_t EncodeRun(const sc_run* run) {
  const auto& params = *static_cast<const ScaleParams*>(run->params);
  uint32_t errors = 0;
  ForFactors<T>(*run, [&](const Factors<T>& factors, int64_t first, int64_t items) {
    const T* src = static_cast<const T*>(run->src) + first;
    I* dst = static_cast<I*>(run->dst) + first;
    const auto items_of =
        factors.each ? EncodeItems<T, I, kReport, true> : EncodeItems<T, I, kReport, false>;
    errors |= items_of(params, factors, src, dst, static_cast<size_t>(items));
  });
  return errors;
}

template <typename T, typename I>
void SetEncode(sc_entry (&entries)[kNumArithmetic][2]) {
  constexpr uint32_t kInPlace = sizeof(T) == sizeof(I) ? uint32_t{SC_TRAIT_IN_PLACE} : 0;
  sc_entry(&pair)[2] = entries[Index(kDTypeOf<I>)];
  pair[0] = ScaleEntry(EncodeRun<T, I, false>, "encode, saturate", SC_NEEDS_AUX, kInPlace);
  pair[1] = ScaleEntry(EncodeRun<T, I, true>, "encode, check", SC_NEEDS_AUX,
                       kInPlace | uint32_t{SC_TRAIT_MAY_FAIL});
}

}  // namespace

void FillUnscale(KernelTable& table) {
  constexpr uint32_t kBoth = SC_NEEDS_AUX | SC_NEEDS_SCRATCH, kInPlace = SC_TRAIT_IN_PLACE;
  table.unscale[0] = ScaleEntry(UnscaleRun<float>, "unscale", kBoth, kInPlace);
  table.unscale[1] = ScaleEntry(UnscaleRun<double>, "unscale", kBoth, kInPlace);
  SetEncode<float, int8_t>(table.encode[0]);
  SetEncode<float, uint8_t>(table.encode[0]);
  SetEncode<float, int16_t>(table.encode[0]);
  SetEncode<float, uint16_t>(table.encode[0]);
  SetEncode<double, int8_t>(table.encode[1]);
  SetEncode<double, uint8_t>(table.encode[1]);
  SetEncode<double, int16_t>(table.encode[1]);
  SetEncode<double, uint16_t>(table.encode[1]);
  SetEncode<double, int32_t>(table.encode[1]);
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
