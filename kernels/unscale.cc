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

// (x - offset) / scale to the nearest integer, ties to even.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V NearestQuotient(D, V x, V scale, V offset) {
  return hn::Round(hn::Div(hn::Sub(x, offset), scale));
}

// The same without a division, which takes as long as all the rest of encoding. A product with the
// inverse is off the rounded quotient by at most 2^-51 of it, below 2^40 by less than 2^-11: both
// have the same nearest integer if the product is not that close to the middle of two. False if
// some lane is too close, or too large. NaN is NaN either way.
template <typename T>
class ByInverse {
 public:
  // float32 has too few bits beside those of the integers.
  explicit ByInverse(T scale)
      : inverse_(T{1} / scale), works_(sizeof(T) == 8 && IsNormal(inverse_)) {}

  template <class D, class V = hn::Vec<D>>
  HWY_INLINE bool Find(D d, V x, V offset, V& nearest) const {
    if (!works_) return false;
    const auto product = hn::Mul(hn::Sub(x, offset), hn::Set(d, inverse_));
    nearest = hn::Round(product);
    const auto close = hn::Ge(hn::Abs(hn::Sub(product, nearest)), hn::Set(d, T{0.4995}));
    const auto large = hn::Ge(hn::Abs(product), hn::Set(d, T{0x1p40}));
    return hn::AllFalse(d, hn::Or(close, large));
  }

 private:
  static bool IsNormal(T value) {
    using Limits = std::numeric_limits<T>;
    const T magnitude = value < 0 ? -value : value;
    return magnitude >= Limits::min() && magnitude <= Limits::max();
  }

  T inverse_;
  bool works_;
};

template <bool kEach, bool kFlags, typename T>
HWY_NOINLINE void UnscaleItems(const ScaleParams& params, const Factors<T>& factors, const T* src,
                               T* dst, uint8_t* flags, size_t count) {
  const hn::ScalableTag<T> d;
  const FlagTag<decltype(d)> d8;
  const size_t lanes = hn::Lanes(d);
  const auto filler = hn::Set(d, static_cast<T>(params.filler));
  const bool rounds = params.rounds;
  const ByInverse<T> by_inverse(kEach ? T{0} : *factors.scale);
  const auto unscale = [&](auto x, auto scale, auto offset) HWY_ATTR {
    hn::Vec<decltype(d)> y;
    if (!rounds) {
      y = hn::Div(hn::Sub(x, offset), scale);
    } else if (kEach || !by_inverse.Find(d, x, offset, y)) {
      y = NearestQuotient(d, x, scale, offset);
    }
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

// Of integral values within its range.
template <class D, typename T>
HWY_INLINE hn::Vec<D> ToInteger(D d, hn::Vec<hn::Rebind<T, D>> v) {
  const hn::Rebind<int32_t, D> d32;
  hn::Vec<decltype(d32)> wide;
  if constexpr (sizeof(T) == 4) {
    wide = hn::ConvertInRangeTo(d32, v);
  } else {
    wide = hn::DemoteInRangeTo(d32, v);
  }
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
    const ByInverse<T> by_inverse(kEach ? T{0} : *factors.scale);
    auto misfits = hn::MaskFalse(d), nans = hn::MaskFalse(d);
    const auto convert = [&](auto y) HWY_ATTR {
      const auto nan = hn::IsNaN(y);
      const auto inside = hn::Max(hn::Min(y, hn::Set(d, hi)), hn::Set(d, lo));
      if constexpr (kReport) {
        const auto outside = hn::AndNot(nan, hn::Ne(inside, y));
        misfits = hn::Or(misfits, hn::Or(outside, hn::Eq(y, hn::Set(d, forbidden))));
        nans = hn::Or(nans, nan);
      }
      return ToInteger<decltype(di), T>(di, hn::IfThenElse(nan, hn::Set(d, of_nan), inside));
    };
    size_t i = 0;
    for (; i + lanes <= count; i += lanes) {
      const auto x = hn::LoadU(d, src + i);
      const auto scale = FactorsAt<kEach>(d, factors.scale, i);
      const auto offset = FactorsAt<kEach>(d, factors.offset, i);
      hn::Vec<decltype(d)> y;
      if (kEach || !by_inverse.Find(d, x, offset, y)) y = NearestQuotient(d, x, scale, offset);
      hn::StoreU(convert(y), di, dst + i);
    }
    if (i < count) {  // further lanes repeat the last item
      const size_t rest = RestOf(d, i, count);
      const auto x = LoadFew(d, src + i, rest, src[count - 1]);
      const T last_scale = factors.scale[kEach ? count - 1 : 0];
      const T last_offset = factors.offset[kEach ? count - 1 : 0];
      const auto y =
          NearestQuotient(d, x, FewFactorsAt<kEach>(d, factors.scale, i, rest, last_scale),
                          FewFactorsAt<kEach>(d, factors.offset, i, rest, last_offset));
      StoreFew(convert(y), di, dst + i, rest);
    }
    if constexpr (!kReport) return 0;
    return (hn::AllFalse(d, misfits) ? 0 : uint32_t{SC_ERR_OVERFLOW}) |
           (!nan_is_error || hn::AllFalse(d, nans) ? 0 : uint32_t{SC_ERR_NAN});
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
