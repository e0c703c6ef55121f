// Floats of at most 8 bits to float32, float16 and bfloat16 by arithmetic, where bytes are looked
// up row by row (lookup.cc) and float16 is converted by an instruction: their bits, moved into
// those of a float16, are its value but for the bias, and a product with a power of two mends that.
// Subnormals need nothing of their own, because float16's are converted like all others.
//
// Not float8_e8m0fnu, which has no fraction, and not float8_e5m2fnuz, whose largest exponent
// float16 keeps for infinities.

#if defined(STRIDECAST_KERNELS_NARROW_SOURCE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STRIDECAST_KERNELS_NARROW_SOURCE_INL_H_
#undef STRIDECAST_KERNELS_NARROW_SOURCE_INL_H_
#else
#define STRIDECAST_KERNELS_NARROW_SOURCE_INL_H_
#endif

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dtypes/narrow_types.h"
#include "hwy/highway.h"
#include "kernels/convert-inl.h"
#include "kernels/float16-inl.h"
#include "kernels/kernel_table.h"
#include "kernels/lane_types.h"

// Tables in registers are faster.
#undef STRIDECAST_NARROW_BY_HALF
#if STRIDECAST_NATIVE_FLOAT16 && !(HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL)
#define STRIDECAST_NARROW_BY_HALF 1
#else
#define STRIDECAST_NARROW_BY_HALF 0
#endif

#if STRIDECAST_NARROW_BY_HALF

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// What a type's bytes are as float16, and what that is to be multiplied by.
template <DType kType>
struct Half {
  static constexpr internal::NarrowFloat kFacts = internal::narrow_float(kType);
  static constexpr int kUp = 10 - kFacts.fraction_bits;
  static constexpr bool kSameBias = kFacts.bias == 15;
  static constexpr uint16_t kInfinity = 0x7C00, kNan = 0x7E00, kSign = 0x8000;
  static_assert(kFacts.is_signed && kFacts.bias <= 15);

  // Of bytes that fill 16-bit lanes with zeros.
  template <class V>
  static HWY_INLINE V OfBytes(V bytes) {
    const hn::DFromV<V> d;
    const auto set = [d](int value) HWY_ATTR { return hn::Set(d, static_cast<uint16_t>(value)); };
    const auto sign = hn::And(hn::ShiftLeft<16 - kFacts.bits>(bytes), set(kSign));
    const auto magnitude = hn::And(bytes, set((1 << (kFacts.bits - 1)) - 1));
    auto half = hn::ShiftLeft<kUp>(magnitude);
    if constexpr (kFacts.unsigned_zero) {
      half = hn::Or(half, sign);
      return hn::IfThenElse(hn::Eq(half, set(kSign)), set(kSign | kNan), half);
    }
    if constexpr (kFacts.has_infinity && !kSameBias) {  // else it is float16's
      half = hn::IfThenElse(Above(magnitude, kFacts.max_finite), set(kInfinity), half);
    }
    if constexpr (kFacts.has_nan) {
      half =
          hn::IfThenElse(Above(magnitude, kFacts.has_infinity ? kFacts.overflow : kFacts.nan - 1),
                         set(kNan), half);
    }
    return hn::Or(half, sign);
  }

  // Of half as many lanes as `d16` has.
  template <class DF32, class V>
  static HWY_INLINE hn::Vec<DF32> AsFloat32(DF32 df32, V half) {
    const auto value = Float16ToFloat32(df32, half);
    if constexpr (kSameBias) return value;
    return hn::Mul(value, hn::Set(df32, static_cast<float>(1 << (15 - kFacts.bias))));
  }

 private:
  // Of values without sign, where signed comparisons are the cheaper ones.
  template <class V>
  static HWY_INLINE auto Above(V value, int limit) {
    const hn::DFromV<V> d;
    const hn::RebindToSigned<decltype(d)> di;
    const auto is_above = hn::Gt(hn::BitCast(di, value), hn::Set(di, static_cast<int16_t>(limit)));
    return hn::RebindMask(d, is_above);
  }
};

template <DType kType, typename D>
struct NarrowTo;

template <DType kType>
struct NarrowTo<kType, float> : Stateless {
  using Stateless::Stateless;
  using Src = uint8_t;
  using Dst = float;
  using Wide = float;

  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    const hn::Rebind<uint16_t, DD> d16;
    return Half<kType>::AsFloat32(dd, Half<kType>::OfBytes(hn::PromoteTo(d16, v)));
  }
  template <bool kStream, class V>
  HWY_INLINE void Spread(V v, float* dst) const {
    const hn::Repartition<uint16_t, hn::DFromV<V>> d16;
    const size_t lanes = hn::Lanes(d16);
    StoreTwo<kStream>(Half<kType>::OfBytes(hn::PromoteLowerTo(d16, v)), dst);
    StoreTwo<kStream>(Half<kType>::OfBytes(hn::PromoteUpperTo(d16, v)), dst + lanes);
  }

 private:
  template <bool kStream, class V>
  static HWY_INLINE void StoreTwo(V half, float* dst) {
    const hn::DFromV<V> d16;
    const hn::Half<decltype(d16)> dh16;
    const hn::Repartition<float, decltype(d16)> df32;
    const auto lower = Half<kType>::AsFloat32(df32, hn::LowerHalf(dh16, half));
    const auto upper = Half<kType>::AsFloat32(df32, hn::UpperHalf(dh16, half));
    StoreLanes<kStream>(lower, df32, dst);
    StoreLanes<kStream>(upper, df32, dst + hn::Lanes(df32));
  }
};

template <DType kType>
struct NarrowTo<kType, Float16> : Stateless {
  using Stateless::Stateless;
  using Src = uint8_t;
  using Dst = uint16_t;
  using Wide = uint16_t;

  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    const auto half = Half<kType>::OfBytes(hn::PromoteTo(dd, v));
    if constexpr (Half<kType>::kSameBias) return half;
    const hn::Half<DD> dh;
    const hn::Repartition<float, DD> df32;
    const auto lower = Half<kType>::AsFloat32(df32, hn::LowerHalf(dh, half));
    const auto upper = Half<kType>::AsFloat32(df32, hn::UpperHalf(dh, half));
    return hn::Combine(dd, Float32ToFloat16(dh, upper), Float32ToFloat16(dh, lower));
  }
};

template <DType kType>
struct NarrowTo<kType, BFloat16> : Stateless {
  using Stateless::Stateless;
  using Src = uint8_t;
  using Dst = uint16_t;
  using Wide = uint16_t;

  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    const hn::Half<DD> dh;
    const hn::Repartition<float, DD> df32;
    const hn::RebindToUnsigned<decltype(df32)> du32;
    const auto half = Half<kType>::OfBytes(hn::PromoteTo(dd, v));
    const auto lower = Half<kType>::AsFloat32(df32, hn::LowerHalf(dh, half));
    const auto upper = Half<kType>::AsFloat32(df32, hn::UpperHalf(dh, half));
    // Exact: no narrow float has more than four bits of fraction.
    return PackUpperHalves(dd, hn::BitCast(du32, lower), hn::BitCast(du32, upper));
  }
};

// "convert float8_e4m3fn float32" and its like: entries point at them.
template <DType kType>
struct NarrowNames {
  char text[3][40] = {};
  constexpr explicit NarrowNames(std::string_view type) {
    constexpr std::string_view kResults[] = {"float32", "float16", "bfloat16"};
    for (size_t d = 0; d < 3; ++d) {
      size_t at = 0;
      for (std::string_view word :
           {std::string_view("convert "), type, std::string_view(" "), kResults[d]}) {
        for (char c : word) text[d][at++] = c;
      }
    }
  }
};

template <DType kType>
void SetNarrowSource(KernelTable& table, const NarrowNames<kType>& names) {
  sc_entry* const row = table.convert[Index(kType)];
  row[Index(DType::kFloat32)] = ConvertEntry<NarrowTo<kType, float>>(names.text[0]);
  row[Index(DType::kFloat16)] = ConvertEntry<NarrowTo<kType, Float16>>(names.text[1]);
  row[Index(DType::kBFloat16)] = ConvertEntry<NarrowTo<kType, BFloat16>>(names.text[2]);
}

inline void SetNarrowSources(KernelTable& table) {
  static constexpr NarrowNames<DType::kFloat8E3M4> kE3M4("float8_e3m4");
  static constexpr NarrowNames<DType::kFloat8E4M3> kE4M3("float8_e4m3");
  static constexpr NarrowNames<DType::kFloat8E4M3B11FNUZ> kE4M3B11("float8_e4m3b11fnuz");
  static constexpr NarrowNames<DType::kFloat8E4M3FN> kE4M3FN("float8_e4m3fn");
  static constexpr NarrowNames<DType::kFloat8E4M3FNUZ> kE4M3FNUZ("float8_e4m3fnuz");
  static constexpr NarrowNames<DType::kFloat8E5M2> kE5M2("float8_e5m2");
  static constexpr NarrowNames<DType::kFloat6E2M3FN> kE2M3("float6_e2m3fn");
  static constexpr NarrowNames<DType::kFloat6E3M2FN> kE3M2("float6_e3m2fn");
  static constexpr NarrowNames<DType::kFloat4E2M1FN> kE2M1("float4_e2m1fn");
  SetNarrowSource(table, kE3M4);
  SetNarrowSource(table, kE4M3);
  SetNarrowSource(table, kE4M3B11);
  SetNarrowSource(table, kE4M3FN);
  SetNarrowSource(table, kE4M3FNUZ);
  SetNarrowSource(table, kE5M2);
  SetNarrowSource(table, kE2M3);
  SetNarrowSource(table, kE3M2);
  SetNarrowSource(table, kE2M1);
}

}  // namespace
}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // STRIDECAST_NARROW_BY_HALF
#endif  // per-target include guard
