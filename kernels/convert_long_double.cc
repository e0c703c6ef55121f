// Conversions of x87's long double, vectors of items at a time, for the pairs that are asked for
// most; they take the place of the scalar kernels in long_double.cc, to which they leave NaNs,
// infinities, what is subnormal on either side, and the last items of a run. Other hosts keep the
// scalar kernels.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/convert_long_double.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/long_double.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {

#if STRIDECAST_X87_LONG_DOUBLE

namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<uint64_t>;
using V = hn::Vec<D>;
using M = hn::Mask<D>;
constexpr uint64_t kTopBit = uint64_t{1} << 63;
constexpr int64_t kBiasDifference = 16383 - 1023;  // of x87 and float64

// Items as vectors of their two words.
struct Items {
  V mantissa, sign_exponent;

  HWY_INLINE V Field() const { return hn::And(sign_exponent, hn::Set(D(), uint64_t{0x7FFF})); }
  HWY_INLINE M IsZero() const { return hn::Eq(hn::Or(mantissa, Field()), hn::Zero(D())); }
  HWY_INLINE M HasIntegerBit() const {
    return hn::Ne(hn::And(mantissa, hn::Set(D(), kTopBit)), hn::Zero(D()));
  }
};

HWY_INLINE Items LoadItems(const uint8_t* src) {
  Items items;
  hn::LoadInterleaved2(D(), reinterpret_cast<const uint64_t*>(src), items.mantissa,
                       items.sign_exponent);
  return items;
}

// lo <= x < hi, of small numbers.
HWY_INLINE M InRange(V x, int64_t lo, int64_t hi) {
  const hn::RebindToSigned<D> di;
  const auto at = hn::BitCast(di, x);
  return hn::RebindMask(D(), hn::And(hn::Ge(at, hn::Set(di, lo)), hn::Lt(at, hn::Set(di, hi))));
}

// float64, to nearest-even or to odd; the bits of *all are cleared where an item is none of its
// normal numbers, nor zero.
template <bool kOdd>
HWY_INLINE V RoundToFloat64(const Items& x, bool* all) {
  const D d;
  const V one = hn::Set(d, uint64_t{1});
  const V field = x.Field();
  const M zero = x.IsZero();
  const M normal =
      hn::And(x.HasIntegerBit(), InRange(field, kBiasDifference + 1, kBiasDifference + 2047));
  *all = hn::AllTrue(d, hn::Or(normal, zero));
  V kept = hn::ShiftRight<11>(x.mantissa);
  const V rest = hn::And(x.mantissa, hn::Set(d, uint64_t{0x7FF}));
  if constexpr (kOdd) {
    kept = hn::Or(kept, hn::IfThenZeroElse(hn::Eq(rest, hn::Zero(d)), one));
  } else {
    const V up = hn::Add(hn::Add(rest, hn::Set(d, uint64_t{0x3FF})), hn::And(kept, one));
    kept = hn::Add(kept, hn::ShiftRight<11>(up));
  }
  // The integer bit adds 1 to the exponent field, and so does a carry.
  const V exponent = hn::Sub(field, hn::Set(d, uint64_t{kBiasDifference + 1}));
  const V magnitude = hn::IfThenZeroElse(zero, hn::Add(hn::ShiftLeft<52>(exponent), kept));
  const V sign = hn::And(hn::ShiftLeft<48>(x.sign_exponent), hn::Set(d, kTopBit));
  return hn::Or(magnitude, sign);
}

// How a vector of items is converted and stored; `Run` is false, and nothing stored, where it holds
// an item for the scalar kernel.
template <bool kOdd>
struct ToFloat64 {
  static constexpr size_t kSrcSize = 16, kDstSize = 8;
  static HWY_INLINE bool Run(const uint8_t* src, uint8_t* dst) {
    bool all = false;
    const V bits = RoundToFloat64<kOdd>(LoadItems(src), &all);
    if (all) hn::StoreU(bits, D(), reinterpret_cast<uint64_t*>(dst));
    return all;
  }
  static uint32_t Scalar(const sc_run* run) {
    return kOdd ? long_double_to_float64_odd(run) : long_double_to_float64(run);
  }
};

// Rounded to odd first, which does not show after the second rounding.
struct ToFloat32 {
  static constexpr size_t kSrcSize = 16, kDstSize = 4;
  static HWY_INLINE bool Run(const uint8_t* src, uint8_t* dst) {
    const hn::Rebind<float, D> df32;
    bool all = false;
    const V bits = RoundToFloat64<true>(LoadItems(src), &all);
    const auto narrow = hn::DemoteTo(df32, hn::BitCast(hn::RebindToFloat<D>(), bits));
    if (all) hn::StoreU(narrow, df32, reinterpret_cast<float*>(dst));
    return all;
  }
  static uint32_t Scalar(const sc_run* run) { return long_double_to_float32(run); }
};

#if HWY_TARGET != HWY_SSE2  // which has no shifts by a vector
struct ToInt64 {
  static constexpr size_t kSrcSize = 16, kDstSize = 8;
  static HWY_INLINE bool Run(const uint8_t* src, uint8_t* dst) {
    const D d;
    const hn::RebindToSigned<D> di;
    const Items x = LoadItems(src);
    const V field = x.Field();
    // Below 2^63. A shift by more than 63 is one by 63, of a number below 1 that leaves nothing.
    const M whole = hn::And(x.HasIntegerBit(), InRange(field, 0, 16383 + 63));
    const bool all = hn::AllTrue(d, hn::Or(whole, x.IsZero()));
    const auto wanted = hn::BitCast(di, hn::Sub(hn::Set(d, uint64_t{16383 + 63}), field));
    const auto shift = hn::IfThenElse(hn::Gt(wanted, hn::Set(di, 63)), hn::Set(di, 63), wanted);
    const M below_one = hn::RebindMask(d, hn::Gt(wanted, hn::Set(di, 63)));
    // Lanes that are left to the scalar kernel may have any shift: none may be out of range.
    const V count = hn::And(hn::BitCast(d, shift), hn::Set(d, uint64_t{63}));
    const V magnitude = hn::IfThenZeroElse(below_one, hn::Shr(x.mantissa, count));
    const V flip =
        hn::BitCast(d, hn::BroadcastSignBit(hn::BitCast(di, hn::ShiftLeft<48>(x.sign_exponent))));
    if (all)
      hn::StoreU(hn::Sub(hn::Xor(magnitude, flip), flip), d, reinterpret_cast<uint64_t*>(dst));
    return all;
  }
  static uint32_t Scalar(const sc_run* run) { return long_double_to_int64(run); }
};
#endif

HWY_INLINE bool WidenFloat64(V bits, uint8_t* dst) {
  const D d;
  const M zero = hn::Eq(hn::Add(bits, bits), hn::Zero(d));
  const V field = hn::And(hn::ShiftRight<52>(bits), hn::Set(d, uint64_t{0x7FF}));
  const bool all = hn::AllTrue(d, hn::Or(zero, InRange(field, 1, 2047)));
  const V mantissa = hn::Or(hn::ShiftLeft<11>(bits), hn::Set(d, kTopBit));
  const V exponent = hn::Add(field, hn::Set(d, uint64_t{kBiasDifference}));
  const V sign = hn::ShiftLeft<15>(hn::ShiftRight<63>(bits));
  if (all) {
    hn::StoreInterleaved2(hn::IfThenZeroElse(zero, mantissa),
                          hn::Or(sign, hn::IfThenZeroElse(zero, exponent)), d,
                          reinterpret_cast<uint64_t*>(dst));
  }
  return all;
}

struct FromFloat64 {
  static constexpr size_t kSrcSize = 8, kDstSize = 16;
  static HWY_INLINE bool Run(const uint8_t* src, uint8_t* dst) {
    return WidenFloat64(hn::LoadU(D(), reinterpret_cast<const uint64_t*>(src)), dst);
  }
  static uint32_t Scalar(const sc_run* run) { return float64_to_long_double(run); }
};

struct FromFloat32 {
  static constexpr size_t kSrcSize = 4, kDstSize = 16;
  static HWY_INLINE bool Run(const uint8_t* src, uint8_t* dst) {
    const D d;
    const hn::Rebind<float, D> df32;
    const auto wide =
        hn::PromoteTo(hn::RebindToFloat<D>(), hn::LoadU(df32, reinterpret_cast<const float*>(src)));
    return WidenFloat64(hn::BitCast(d, wide), dst);
  }
  static uint32_t Scalar(const sc_run* run) { return float32_to_long_double(run); }
};

#if HWY_TARGET != HWY_SSE2
// Shifted to the top by the exponent that float64 gives it; where that was rounded up to the next
// power of two, by one place more. `sign` is in its place.
HWY_INLINE void StoreMagnitude(V magnitude, V sign, uint8_t* dst) {
  const D d;
  const V one = hn::Set(d, uint64_t{1});
  const V largest = hn::Set(d, uint64_t{1023 + 63});
  const V rounded = hn::BitCast(d, hn::ConvertTo(hn::RebindToFloat<D>(), magnitude));
  const V power = hn::ShiftRight<52>(rounded);
  const V is_2_64 = hn::VecFromMask(d, hn::Eq(power, hn::Add(largest, one)));
  const V exponent = hn::Add(power, is_2_64);  // the mask is -1
  const V shifted = hn::Shl(magnitude, hn::Sub(largest, exponent));
  const V more = hn::Sub(one, hn::ShiftRight<63>(shifted));
  const V field = hn::Sub(hn::Add(exponent, hn::Set(d, uint64_t{kBiasDifference})), more);
  const M zero = hn::Eq(magnitude, hn::Zero(d));
  hn::StoreInterleaved2(hn::IfThenZeroElse(zero, hn::Shl(shifted, more)),
                        hn::Or(sign, hn::IfThenZeroElse(zero, field)), d,
                        reinterpret_cast<uint64_t*>(dst));
}

struct FromInt64 {
  static constexpr size_t kSrcSize = 8, kDstSize = 16;
  static HWY_INLINE bool Run(const uint8_t* src, uint8_t* dst) {
    const D d;
    const V bits = hn::LoadU(d, reinterpret_cast<const uint64_t*>(src));
    const V negative =
        hn::BitCast(d, hn::BroadcastSignBit(hn::BitCast(hn::RebindToSigned<D>(), bits)));
    StoreMagnitude(hn::Sub(hn::Xor(bits, negative), negative),
                   hn::And(negative, hn::Set(d, uint64_t{0x8000})), dst);
    return true;
  }
  static uint32_t Scalar(const sc_run* run) { return int64_to_long_double(run); }
};

struct FromUint64 {
  static constexpr size_t kSrcSize = 8, kDstSize = 16;
  static HWY_INLINE bool Run(const uint8_t* src, uint8_t* dst) {
    const D d;
    StoreMagnitude(hn::LoadU(d, reinterpret_cast<const uint64_t*>(src)), hn::Zero(d), dst);
    return true;
  }
  static uint32_t Scalar(const sc_run* run) { return uint64_to_long_double(run); }
};
#endif

template <class Op>
HWY_NOINLINE void RunScalar(const sc_run* run, size_t first, size_t count) {
  sc_run part = *run;
  part.src = static_cast<const uint8_t*>(run->src) + first * Op::kSrcSize;
  part.dst = static_cast<uint8_t*>(run->dst) + first * Op::kDstSize;
  part.n[1] = static_cast<int64_t>(count);
  Op::Scalar(&part);
}

template <class Op>
uint32_t Convert(const sc_run* run) {
  const auto* src = static_cast<const uint8_t*>(run->src);
  auto* dst = static_cast<uint8_t*>(run->dst);
  const auto n = static_cast<size_t>(run->n[1]);
  const size_t lanes = hn::Lanes(D());
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const bool done = Op::Run(src + i * Op::kSrcSize, dst + i * Op::kDstSize);
    if (HWY_UNLIKELY(!done)) RunScalar<Op>(run, i, lanes);
  }
  if (i < n) RunScalar<Op>(run, i, n - i);
  return 0;
}

}  // namespace

void FillConvertLongDouble(KernelTable& table) {
  constexpr auto kLong = static_cast<size_t>(DType::kLongDouble);
  constexpr auto kF32 = static_cast<size_t>(DType::kFloat32);
  constexpr auto kF64 = static_cast<size_t>(DType::kFloat64);
  table.convert[kLong][kF64].run = Convert<ToFloat64<false>>;
  table.odd[kLong].run = Convert<ToFloat64<true>>;
  table.convert[kLong][kF32].run = Convert<ToFloat32>;
#if HWY_TARGET != HWY_SSE2
  constexpr auto kI64 = static_cast<size_t>(DType::kInt64);
  constexpr auto kU64 = static_cast<size_t>(DType::kUint64);
  table.convert[kLong][kI64].run = Convert<ToInt64>;
  table.convert[kI64][kLong].run = Convert<FromInt64>;
  table.convert[kU64][kLong].run = Convert<FromUint64>;
#endif
  table.convert[kF64][kLong].run = Convert<FromFloat64>;
  table.convert[kF32][kLong].run = Convert<FromFloat32>;
}

#else

void FillConvertLongDouble(KernelTable&) {}

#endif

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
