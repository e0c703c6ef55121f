// Rounding in every direction: floats to integral values of their own type, and float64 to codes of
// narrower floats.
//
// Targets with an instruction for it round to integral values so, in the four directions of IEEE
// 754. Everything else is one loop for all directions. A significand, with its hidden bit, stands
// in a 64-bit lane; of its last d bits, which the result does not have, less than a whole is made a
// whole or nothing by adding a bias of d bits before they are cut off: nothing (towards zero), all
// ones (away from it), a half, a half minus one plus the last kept bit (ties to even), or d random
// bits. The bias is the top d of the 63 bits of a number that depends on the direction and the sign
// alone, or is random. Where d is above 63 the significand is far below half of the last place:
// there, d counts as 63 (and the random bits, whose probabilities end there, meet a significand
// shifted by the rest).

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/round.cc"
#include <algorithm>
#include <type_traits>

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/convert-inl.h"
#include "kernels/philox-inl.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

constexpr int kFractionBits = 52, kExponentBias = 1023;  // of float64
constexpr uint64_t kFraction = (uint64_t{1} << kFractionBits) - 1;
constexpr uint64_t kExponentOnes = 0x7FF;
constexpr uint64_t kQuiet = uint64_t{1} << (kFractionBits - 1);
constexpr int64_t kMostDropped = 63;

const RoundParams& ParamsOf(const sc_run& run) {
  return *static_cast<const RoundParams*>(run.params);
}

// What is added before bits are cut off, by the sign; random numbers come from elsewhere.
struct Bias {
  uint64_t positive = 0, negative = 0;  // 63 bits, of which the top d are added
  uint64_t last_kept = 0;               // 1: the last kept bit is added, too

  explicit Bias(Rounding rounding) {
    constexpr uint64_t kOnes = (uint64_t{1} << 63) - 1, kHalf = uint64_t{1} << 62;
    switch (rounding) {
      case Rounding::kTowardsPositive:
        positive = kOnes;
        break;
      case Rounding::kTowardsNegative:
        negative = kOnes;
        break;
      case Rounding::kNearestAway:
        positive = negative = kHalf;
        break;
      case Rounding::kDefault:
      case Rounding::kNearestEven:
        positive = negative = kHalf - 1;
        last_kept = 1;
        break;
      case Rounding::kTowardsZero:
      case Rounding::kStochastic:
        break;
    }
  }
};

// The fields of float64 lanes, as bits. (No struct of vectors: some targets have none.)
template <class DU, class V = hn::Vec<DU>>
HWY_INLINE V NegativeOf(DU du, V bits) {  // all ones or nothing
  return hn::BitCast(du, hn::BroadcastSignBit(hn::BitCast(hn::RebindToSigned<DU>(), bits)));
}

template <class DU, class V = hn::Vec<DU>>
HWY_INLINE V RawExponentOf(DU du, V bits) {
  return hn::And(hn::ShiftRight<kFractionBits>(bits), hn::Set(du, kExponentOnes));
}

// With the bias; 1 for subnormals, too.
template <class DU, class V = hn::Vec<DU>>
HWY_INLINE hn::Vec<hn::RebindToSigned<DU>> ExponentOf(DU du, V bits) {
  const hn::RebindToSigned<DU> di;
  const auto raw = RawExponentOf(du, bits);
  return hn::BitCast(di, hn::Sub(raw, hn::VecFromMask(du, hn::Eq(raw, hn::Zero(du)))));
}

// With the hidden bit.
template <class DU, class V = hn::Vec<DU>>
HWY_INLINE V SignificandOf(DU du, V bits) {
  const auto subnormal = hn::Eq(RawExponentOf(du, bits), hn::Zero(du));
  const auto hidden = hn::IfThenZeroElse(subnormal, hn::Set(du, kFraction + 1));
  return hn::Or(hn::And(bits, hn::Set(du, kFraction)), hidden);
}

template <class DU, class V = hn::Vec<DU>>
HWY_INLINE hn::Mask<DU> IsNan(DU du, V bits) {
  return hn::RebindMask(du, hn::IsNaN(hn::BitCast(hn::RebindToFloat<DU>(), bits)));
}

template <class DU, class V = hn::Vec<DU>>
HWY_INLINE hn::Mask<DU> IsInfinite(DU du, V bits) {
  const auto magnitude = hn::And(bits, hn::Set(du, ~uint64_t{0} >> 1));
  return hn::Eq(magnitude, hn::Set(du, kExponentOnes << kFractionBits));
}

// Magnitudes without their last `dropped` bits, in units of what is left: the one place where
// anything is rounded. `dropped` is not negative.
template <bool kRandom, class DU, class VI, class V = hn::Vec<DU>>
HWY_INLINE V CutOff(DU du, const Bias& bias, V bits, VI dropped, V random) {
  const hn::RebindToSigned<DU> di;
  const auto most = hn::Set(di, kMostDropped);
  const auto d = hn::BitCast(du, hn::Min(dropped, most));
  const auto unused = hn::Sub(hn::BitCast(du, most), d);
  const auto significand = SignificandOf(du, bits);
  if constexpr (kRandom) {
    const auto rest = hn::Min(hn::Sub(dropped, hn::BitCast(di, d)), most);
    const auto near = hn::Shr(significand, hn::BitCast(du, rest));
    return hn::Shr(hn::Add(near, hn::Shr(random, unused)), d);
  } else {
    const auto turn = hn::Set(du, bias.positive ^ bias.negative);
    const auto full = hn::Xor(hn::Set(du, bias.positive), hn::And(NegativeOf(du, bits), turn));
    const auto last_kept = hn::And(hn::Shr(significand, d), hn::Set(du, bias.last_kept));
    return hn::Shr(hn::Add(hn::Add(significand, last_kept), hn::Shr(full, unused)), d);
  }
}

// --- to integral values --------------------------------------------------------------------------

// float32 goes through float64, which holds it exactly.
template <typename T>
class RoundIntegral {
 public:
  using Src = T;
  using Dst = T;
  explicit RoundIntegral(const sc_run& run) : bias_(ParamsOf(run).rounding) {}
  uint32_t errors() const { return 0; }

  template <bool kRandom, class DD, class VS, class VU>
  HWY_INLINE hn::Vec<DD> Round(DD dd, VS v, VU random) {
    if constexpr (std::is_same_v<T, float>) {
      const hn::Rebind<double, DD> df64;
      return hn::DemoteTo(dd, RoundDoubles<kRandom>(df64, hn::PromoteTo(df64, v), random));
    } else {
      return RoundDoubles<kRandom>(dd, v, random);
    }
  }

 private:
  template <bool kRandom, class DF, class V, class VU>
  HWY_INLINE V RoundDoubles(DF df, V v, VU random) {
    const hn::RebindToUnsigned<DF> du;
    const hn::RebindToSigned<DF> di;
    const auto bits = hn::BitCast(du, v);
    const auto dropped = hn::Sub(hn::Set(di, kExponentBias + kFractionBits), ExponentOf(du, bits));
    // Lanes without a fraction keep what they are; what is computed of them is not used.
    const auto integral = hn::Le(dropped, hn::Zero(di));
    const auto whole =
        CutOff<kRandom>(du, bias_, bits, hn::IfThenZeroElse(integral, dropped), random);
    // Up to 2^52: added to its bits, and taken off as a number, 2^52 makes a float of an integer.
    const auto magic = hn::Set(du, uint64_t{kExponentBias + kFractionBits} << kFractionBits);
    const auto magnitude = hn::Sub(hn::BitCast(df, hn::Add(whole, magic)), hn::BitCast(df, magic));
    const auto rounded = hn::CopySignToAbs(magnitude, v);
    const auto quiet = hn::BitCast(df, hn::Set(du, kQuiet));
    const auto kept = hn::IfThenElse(hn::IsNaN(v), hn::Or(v, quiet), v);
    return hn::IfThenElse(hn::RebindMask(df, integral), kept, rounded);
  }

  Bias bias_;
};

// --- to codes of narrower floats -----------------------------------------------------------------

template <typename Code>
class RoundFloat {
  using DU = hn::ScalableTag<uint64_t>;
  using DI = hn::ScalableTag<int64_t>;
  using VU = hn::Vec<DU>;

 public:
  using Src = double;
  using Dst = Code;

  explicit RoundFloat(const sc_run& run)
      : params_(ParamsOf(run)), bias_(params_.rounding), fraction_bits_(params_.digits - 1) {
    const Rounding rounding = params_.rounding;
    const bool up = rounding == Rounding::kTowardsPositive;
    const bool down = rounding == Rounding::kTowardsNegative;
    const bool zero = rounding == Rounding::kTowardsZero;
    over_positive_ = down || zero ? params_.max_finite : params_.overflow;
    over_negative_ = up || zero ? params_.max_finite : params_.overflow;
  }
  uint32_t errors() const { return errors_; }

  template <bool kRandom, class DD>
  HWY_INLINE hn::Vec<DD> Round(DD dd, hn::Vec<hn::Rebind<double, DD>> v, VU random) {
    const DU du;
    const auto bits = hn::BitCast(du, v);
    return hn::TruncateTo(dd, params_.sign_bit < 0 ? Unsigned<kRandom>(du, bits, random)
                                                   : Signed<kRandom>(du, bits, random));
  }

 private:
  template <bool kRandom>
  HWY_INLINE VU Signed(DU du, VU bits, VU random) {
    const DI di;
    const auto above = AboveLeast(du, bits);
    const auto normal = hn::Max(above, hn::Zero(di));
    const auto lost = hn::Sub(normal, above);  // to subnormals
    const auto dropped = hn::Add(lost, hn::Set(di, int64_t{kFractionBits} - fraction_bits_));
    // The hidden bit counts one in the exponent, and so does what rounds up to the next power.
    const auto kept = CutOff<kRandom>(du, bias_, bits, dropped, random);
    const auto whole = hn::Add(hn::BitCast(du, hn::ShiftLeftSame(normal, fraction_bits_)), kept);
    const auto code = WithSpecials(du, Limited(du, whole, bits), bits);
    auto sign = hn::And(NegativeOf(du, bits), hn::Set(du, uint64_t{1} << params_.sign_bit));
    if (!params_.nan_keeps_sign) sign = hn::IfThenZeroElse(IsNan(du, bits), sign);
    if (params_.unsigned_zero) sign = hn::IfThenZeroElse(hn::Eq(code, hn::Zero(du)), sign);
    return hn::Or(code, sign);
  }

  // Powers of two without zero and sign: no subnormals, code 0 is the smallest value.
  template <bool kRandom>
  HWY_INLINE VU Unsigned(DU du, VU bits, VU random) {
    const DI di;
    const auto above = AboveLeast(du, bits);
    const auto dropped = hn::Set(di, int64_t{kFractionBits} - fraction_bits_);
    const auto kept = CutOff<kRandom>(du, bias_, bits, dropped, random);
    const auto hidden = hn::Set(du, uint64_t{1} << fraction_bits_);
    const auto places = hn::BitCast(du, hn::ShiftLeftSame(above, fraction_bits_));
    const auto small = hn::RebindMask(du, hn::Lt(above, hn::Zero(di)));
    const auto whole = hn::IfThenZeroElse(small, hn::Sub(hn::Add(places, kept), hidden));
    const auto code = WithSpecials(du, Limited(du, whole, bits), bits);
    const auto zero = hn::Eq(hn::Add(bits, bits), hn::Zero(du));
    const auto negative = hn::AndNot(IsNan(du, bits), hn::MaskFromVec(NegativeOf(du, bits)));
    const auto nothing = hn::Or(zero, negative);
    if (params_.report_overflow) Report(du, hn::Or(small, nothing), SC_ERR_OVERFLOW);
    return hn::IfThenElse(nothing, hn::Set(du, uint64_t{params_.nan}), code);
  }

  // The exponent's distance from the smallest normal value's.
  HWY_INLINE hn::Vec<DI> AboveLeast(DU du, VU bits) const {
    return hn::Sub(ExponentOf(du, bits),
                   hn::Set(DI(), int64_t{kExponentBias} + params_.min_exponent));
  }

  HWY_INLINE VU Limited(DU du, VU code, VU bits) {
    const DI di;
    const auto most = hn::Set(di, int64_t{params_.max_finite});
    const auto beyond = hn::RebindMask(du, hn::Gt(hn::BitCast(di, code), most));
    if (params_.report_overflow) {
      Report(du, hn::AndNot(hn::Or(IsInfinite(du, bits), IsNan(du, bits)), beyond),
             SC_ERR_OVERFLOW);
    }
    const auto turn = hn::Set(du, over_positive_ ^ over_negative_);
    const auto limit = hn::Xor(hn::Set(du, over_positive_), hn::And(NegativeOf(du, bits), turn));
    return hn::IfThenElse(beyond, limit, code);
  }

  HWY_INLINE VU WithSpecials(DU du, VU code, VU bits) {
    const auto infinite = IsInfinite(du, bits), nan = IsNan(du, bits);
    if (params_.report_overflow) {
      if (!params_.has_infinity) Report(du, infinite, SC_ERR_OVERFLOW);
      if (!params_.has_nan) Report(du, nan, SC_ERR_NAN);
    }
    auto nan_code = hn::Set(du, uint64_t{params_.nan});
    if (params_.keeps_payload) {
      const auto payload = hn::And(bits, hn::Set(du, kFraction));
      nan_code = hn::Or(nan_code, hn::ShiftRightSame(payload, kFractionBits - fraction_bits_));
    }
    code = hn::IfThenElse(infinite, hn::Set(du, uint64_t{params_.infinity}), code);
    return hn::IfThenElse(nan, nan_code, code);
  }

  HWY_INLINE void Report(DU du, hn::Mask<DU> where, uint32_t bit) {
    if (HWY_UNLIKELY(!hn::AllFalse(du, where))) errors_ |= bit;
  }

  const RoundParams params_;  // a copy: bytes that are stored could be the plan's
  Bias bias_;
  int fraction_bits_;
  uint64_t over_positive_, over_negative_;
  uint32_t errors_ = 0;
};

// --- runs ----------------------------------------------------------------------------------------

// One vector of items; what is not there counts as 1, which rounds to itself everywhere.
template <bool kRandom, class Op, class VU>
HWY_INLINE void Step(Op& op, const typename Op::Src* src, typename Op::Dst* dst, size_t count,
                     VU random) {
  const hn::ScalableTag<double> wide;
  const hn::Rebind<typename Op::Src, decltype(wide)> ds;
  const hn::Rebind<typename Op::Dst, decltype(wide)> dd;
  if (HWY_LIKELY(count >= hn::Lanes(wide))) {
    hn::StoreU(op.template Round<kRandom>(dd, hn::LoadU(ds, src), random), dd, dst);
  } else {
    const auto few = LoadFew(ds, src, count, typename Op::Src{1});
    StoreFew(op.template Round<kRandom>(dd, few, random), dd, dst, count);
  }
}

template <class Op>
HWY_NOINLINE uint32_t RoundFixed(const sc_run& run) {
  Op op(run);
  const hn::ScalableTag<uint64_t> du;
  const auto* src = static_cast<const typename Op::Src*>(run.src);
  auto* dst = static_cast<typename Op::Dst*>(run.dst);
  const auto count = static_cast<size_t>(run.n[0] * run.n[1]);
  for (size_t i = 0; i < count; i += hn::Lanes(du)) {
    Step<false>(op, src + i, dst + i, count - i, hn::Zero(du));
  }
  return op.errors();
}

template <class Op>
HWY_NOINLINE uint32_t RoundRandomly(const sc_run& run) {
  Op op(run);
  const hn::ScalableTag<uint64_t> du;
  const auto* src = static_cast<const typename Op::Src*>(run.src);
  auto* dst = static_cast<typename Op::Dst*>(run.dst);
  const auto count = static_cast<size_t>(run.n[0] * run.n[1]);
  const PhiloxKeys keys(ParamsOf(run).seed);
  DrawWalk walk(run, ParamsOf(run).draws);
  DrawBlock draws;
  for (size_t start = 0; start < count; start += DrawBlock::kItems) {
    const size_t items = std::min(DrawBlock::kItems, count - start);
    draws.Fill(walk, items);
    for (size_t i = 0; i < items; i += hn::Lanes(du)) {
      const auto random =
          RandomBits(du, hn::Load(du, draws.item + i), hn::Load(du, draws.leaf + i), keys);
      Step<true>(op, src + start + i, dst + start + i, items - i, random);
    }
  }
  return op.errors();
}

template <class Op>
uint32_t RoundRun(const sc_run* run) {
  return ParamsOf(*run).rounding == Rounding::kStochastic ? RoundRandomly<Op>(*run)
                                                          : RoundFixed<Op>(*run);
}

// Targets with an instruction for the four directions of IEEE 754 (which also makes NaNs quiet).
#undef STRIDECAST_ROUNDS_NATIVELY
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
#define STRIDECAST_ROUNDS_NATIVELY 1
#else
#define STRIDECAST_ROUNDS_NATIVELY 0
#endif

#if STRIDECAST_ROUNDS_NATIVELY
template <typename T, Rounding kRounding>
struct Direct : Stateless {
  using Stateless::Stateless;
  using Src = T;
  using Dst = T;
  using Wide = T;
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD, V v) const {
    switch (kRounding) {
      case Rounding::kTowardsZero:
        return hn::Trunc(v);
      case Rounding::kTowardsPositive:
        return hn::Ceil(v);
      case Rounding::kTowardsNegative:
        return hn::Floor(v);
      default:
        return hn::Round(v);
    }
  }
};

template <typename T, Rounding kRounding>
uint32_t RoundDirectly(const sc_run* run) {
  sc_run packed = *run;
  packed.n[1] = run->n[0] * run->n[1];
  return ConvertRun<Direct<T, kRounding>>(&packed);
}
#endif

template <typename T>
uint32_t RoundIntegralRun(const sc_run* run) {
#if STRIDECAST_ROUNDS_NATIVELY
  switch (ParamsOf(*run).rounding) {
    case Rounding::kTowardsZero:
      return RoundDirectly<T, Rounding::kTowardsZero>(run);
    case Rounding::kTowardsPositive:
      return RoundDirectly<T, Rounding::kTowardsPositive>(run);
    case Rounding::kTowardsNegative:
      return RoundDirectly<T, Rounding::kTowardsNegative>(run);
    case Rounding::kNearestEven:
      return RoundDirectly<T, Rounding::kNearestEven>(run);
    default:
      break;
  }
#endif
  return RoundRun<RoundIntegral<T>>(run);
}

constexpr sc_entry RoundEntry(sc_kernel run, const char* name, uint32_t traits) {
  return {run,
          name,
          SC_ACCESS_PACKED,
          SC_ACCESS_PACKED,
          SC_NEEDS_INDEX,
          traits | uint32_t{SC_TRAIT_THREAD_SAFE},
          0};
}

}  // namespace

void FillRound(KernelTable& table) {
  table.round_integral[0] =
      RoundEntry(RoundIntegralRun<float>, "round float32 to integral", SC_TRAIT_IN_PLACE);
  table.round_integral[1] =
      RoundEntry(RoundIntegralRun<double>, "round float64 to integral", SC_TRAIT_IN_PLACE);
  table.round_float[0] =
      RoundEntry(RoundRun<RoundFloat<uint8_t>>, "round float64 to 1 byte", SC_TRAIT_MAY_FAIL);
  table.round_float[1] =
      RoundEntry(RoundRun<RoundFloat<uint16_t>>, "round float64 to 2 bytes", SC_TRAIT_MAY_FAIL);
  table.round_float[2] =
      RoundEntry(RoundRun<RoundFloat<uint32_t>>, "round float64 to 4 bytes", SC_TRAIT_MAY_FAIL);
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
