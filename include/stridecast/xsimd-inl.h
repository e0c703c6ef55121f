// How stridecast/xsimd.h does it; not to be included by itself. Codes of 8 and 16 bits are widened
// to 32-bit lanes, turned into float32 there, and back.
//
// Everything is inlined by force: no function is left for a linker to take from an object that was
// compiled for another CPU. The arithmetic is on integers, but for one addition or subtraction of
// normal numbers, so that neither -ffast-math nor flushed subnormals change a bit.
#ifndef STRIDECAST_XSIMD_INL_H_
#define STRIDECAST_XSIMD_INL_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <xsimd/xsimd.hpp>

#include "stridecast/value_types.h"

static_assert(XSIMD_VERSION_MAJOR >= 13, "stridecast/xsimd.h needs xsimd 13 or newer");

namespace stridecast {
inline namespace v0 {
namespace xsimd_detail {

template <class A>
using F32 = xsimd::batch<float, A>;
template <class A>
using U32 = xsimd::batch<uint32_t, A>;
template <class A>
using I32 = xsimd::batch<int32_t, A>;
template <class A>
using Mask32 = xsimd::batch_bool<uint32_t, A>;

// ---- Memory, at any address ----

// xsimd's emulated architectures, which keep lanes in a std::array and read them one by one.
template <class B>
concept Emulated = requires(B b) {
  b.data.size();
};

template <class B>
XSIMD_INLINE B load_bytes(const void* p) {
  using T = typename B::value_type;
  if constexpr (Emulated<B>) {
    T items[B::size];
    std::memcpy(items, p, sizeof items);
    return B::load_unaligned(items);
  } else {
    return B::load_unaligned(static_cast<const T*>(p));
  }
}

template <class B>
XSIMD_INLINE void store_bytes(void* p, B b) {
  using T = typename B::value_type;
  if constexpr (Emulated<B>) {
    T items[B::size];
    b.store_unaligned(items);
    std::memcpy(p, items, sizeof items);
  } else {
    b.store_unaligned(static_cast<T*>(p));
  }
}

template <class T>
XSIMD_INLINE T load_scalar(const void* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

// Whether one register of so many bits holds the batch.
template <class B, int kBits>
inline constexpr bool kIsOne = !Emulated<B> && sizeof(B) * 8 == kBits;

// U is uint8_t or uint16_t. xsimd widens and narrows by loops over memory, which compilers turn
// into vectors seldom and badly; hence the instructions where there are some.
template <class U, class A>
XSIMD_INLINE U32<A> widen(const void* p) {
#if XSIMD_WITH_AVX512F
  if constexpr (kIsOne<U32<A>, 512>) {
    if constexpr (sizeof(U) == 2) {
      return _mm512_cvtepu16_epi32(_mm256_loadu_si256(static_cast<const __m256i*>(p)));
    } else {
      return _mm512_cvtepu8_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p)));
    }
  } else
#endif
#if XSIMD_WITH_AVX2
      if constexpr (kIsOne<U32<A>, 256>) {
    if constexpr (sizeof(U) == 2) {
      return _mm256_cvtepu16_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p)));
    } else {
      return _mm256_cvtepu8_epi32(_mm_loadl_epi64(static_cast<const __m128i*>(p)));
    }
  } else
#endif
      if constexpr (kIsOne<U32<A>, 128> && std::endian::native == std::endian::little) {
    const xsimd::batch<U, A> zero(U{0});
    if constexpr (sizeof(U) == 2) {
      const xsimd::batch<uint64_t, A> codes(load_scalar<uint64_t>(p));
      return xsimd::bitwise_cast<uint32_t>(
          xsimd::zip_lo(xsimd::bitwise_cast<uint16_t>(codes), zero));
    } else {
      const U32<A> codes(load_scalar<uint32_t>(p));
      const auto half =
          xsimd::bitwise_cast<uint16_t>(xsimd::zip_lo(xsimd::bitwise_cast<uint8_t>(codes), zero));
      return xsimd::bitwise_cast<uint32_t>(
          xsimd::zip_lo(half, xsimd::batch<uint16_t, A>(uint16_t{0})));
    }
  } else {
    U narrow[U32<A>::size];
    std::memcpy(narrow, p, sizeof narrow);
    uint32_t wide[U32<A>::size];
    for (size_t i = 0; i < U32<A>::size; ++i) wide[i] = narrow[i];
    return U32<A>::load_unaligned(wide);
  }
}

// Of lanes that fit U.
template <class U, class A>
XSIMD_INLINE void narrow(void* p, U32<A> wide) {
#if XSIMD_WITH_AVX512F
  if constexpr (kIsOne<U32<A>, 512>) {
    if constexpr (sizeof(U) == 2) {
      _mm256_storeu_si256(static_cast<__m256i*>(p), _mm512_cvtepi32_epi16(wide));
    } else {
      _mm_storeu_si128(static_cast<__m128i*>(p), _mm512_cvtepi32_epi8(wide));
    }
  } else
#endif
#if XSIMD_WITH_AVX2
      if constexpr (kIsOne<U32<A>, 256>) {
    const __m256i words = _mm256_packus_epi32(wide, wide);  // within each half
    const __m128i low = _mm256_castsi256_si128(_mm256_permute4x64_epi64(words, 0x08));
    if constexpr (sizeof(U) == 2) {
      _mm_storeu_si128(static_cast<__m128i*>(p), low);
    } else {
      _mm_storel_epi64(static_cast<__m128i*>(p), _mm_packus_epi16(low, low));
    }
  } else
#endif
      if constexpr (kIsOne<U32<A>, 128> && std::endian::native == std::endian::little) {
    // Two codes meet in the low bits of each 64; the four are joined outside.
    constexpr int kBits = 8 * sizeof(U);
    auto pairs = xsimd::bitwise_cast<uint64_t>(wide);
    pairs = pairs | (pairs >> (32 - kBits));
    uint64_t pair[2];
    pairs.store_unaligned(pair);
    if constexpr (sizeof(U) == 2) {
      const uint64_t codes = (pair[0] & 0xffffffffu) | (pair[1] << 32);
      std::memcpy(p, &codes, sizeof codes);
    } else {
      const uint32_t codes = static_cast<uint32_t>((pair[0] & 0xffffu) | (pair[1] << 16));
      std::memcpy(p, &codes, sizeof codes);
    }
  } else {
    uint32_t items[U32<A>::size];
    wide.store_unaligned(items);
    U codes[U32<A>::size];
    for (size_t i = 0; i < U32<A>::size; ++i) codes[i] = static_cast<U>(items[i]);
    std::memcpy(p, codes, sizeof codes);
  }
}

// ---- Small floats ----

enum class Specials : uint8_t {
  kIeee,         // the last exponent: infinity, and NaNs
  kOneNan,       // "fn": NaN is all ones, no infinity
  kNanIsMinus0,  // "fnuz"
};

struct SmallFloat {
  int bits = 0;  // 0: not a small float
  int fraction = 0;
  int bias = 0;
  Specials specials = Specials::kIeee;

  constexpr uint32_t sign() const { return 1u << (bits - 1); }
  constexpr uint32_t infinity() const { return sign() - (1u << fraction); }
  constexpr uint32_t nan() const {  // beside a sign
    switch (specials) {
      case Specials::kIeee:
        return infinity() | (1u << (fraction - 1));
      case Specials::kOneNan:
        return sign() - 1;
      case Specials::kNanIsMinus0:
        return sign();
    }
    return 0;
  }
  // What a finite value becomes that is too large, and the first code that no finite value has.
  constexpr uint32_t overflow() const { return specials == Specials::kIeee ? infinity() : nan(); }
};

template <class T>
inline constexpr SmallFloat kSmallFloat = {};
template <>
inline constexpr SmallFloat kSmallFloat<float16> = {16, 10, 15, Specials::kIeee};
template <>
inline constexpr SmallFloat kSmallFloat<bfloat16> = {16, 7, 127, Specials::kIeee};
template <>
inline constexpr SmallFloat kSmallFloat<float8_e5m2> = {8, 2, 15, Specials::kIeee};
template <>
inline constexpr SmallFloat kSmallFloat<float8_e4m3> = {8, 3, 7, Specials::kIeee};
template <>
inline constexpr SmallFloat kSmallFloat<float8_e3m4> = {8, 4, 3, Specials::kIeee};
template <>
inline constexpr SmallFloat kSmallFloat<float8_e4m3fn> = {8, 3, 7, Specials::kOneNan};
template <>
inline constexpr SmallFloat kSmallFloat<float8_e5m2fnuz> = {8, 2, 16, Specials::kNanIsMinus0};
template <>
inline constexpr SmallFloat kSmallFloat<float8_e4m3fnuz> = {8, 3, 8, Specials::kNanIsMinus0};
template <>
inline constexpr SmallFloat kSmallFloat<float8_e4m3b11fnuz> = {8, 3, 11, Specials::kNanIsMinus0};
template <>
inline constexpr SmallFloat kSmallFloat<float8_e8m0fnu> = {8, 0, 127, Specials::kOneNan};

inline constexpr uint32_t kNan32 = 0x7fc00000u, kInf32 = 0x7f800000u, kQuiet32 = 0x00400000u;

// Lanes below 2^31 compare as signed ones, which is one instruction everywhere.
template <class A>
XSIMD_INLINE Mask32<A> less(U32<A> a, uint32_t b) {
  return xsimd::batch_bool_cast<uint32_t>(xsimd::bitwise_cast<int32_t>(a) <
                                          I32<A>(static_cast<int32_t>(b)));
}
template <class A>
XSIMD_INLINE Mask32<A> greater(U32<A> a, uint32_t b) {
  return xsimd::batch_bool_cast<uint32_t>(xsimd::bitwise_cast<int32_t>(a) >
                                          I32<A>(static_cast<int32_t>(b)));
}

// The bits of float32 that has the value of each code.
template <class T, class A>
XSIMD_INLINE U32<A> decode(U32<A> code) {
  constexpr SmallFloat f = kSmallFloat<T>;
  constexpr int kShift = 23 - f.fraction;
  const U32<A> magnitude = code & U32<A>(f.sign() - 1);
  const U32<A> sign = (code ^ magnitude) << (32 - f.bits);
  U32<A> out = magnitude << kShift;
  if constexpr (f.bias == 127) {  // bfloat16: the upper half of its float32
    out = xsimd::select(greater<A>(magnitude, f.infinity()), out | U32<A>(kQuiet32), out);
    return out | sign;
  } else {
    // A subnormal's fraction under the exponent of the smallest normal value, minus that value:
    // exact, and no subnormal float32 on the way.
    const U32<A> smallest(static_cast<uint32_t>(127 - f.bias + 1) << 23);
    const U32<A> subnormal = xsimd::bitwise_cast<uint32_t>(
        xsimd::bitwise_cast<float>(out | smallest) - xsimd::bitwise_cast<float>(smallest));
    const U32<A> rebias(static_cast<uint32_t>(127 - f.bias) << 23);
    out = xsimd::select(less<A>(magnitude, 1u << f.fraction), subnormal, out + rebias);
    if constexpr (f.specials == Specials::kIeee) {
      // float16 keeps a NaN's payload; of the others float32 would have no use for it.
      const U32<A> nan = f.bits == 16 ? (magnitude << kShift) | U32<A>(kNan32) : U32<A>(kNan32);
      out = xsimd::select(greater<A>(magnitude, f.infinity() - 1), U32<A>(kInf32), out);
      out = xsimd::select(greater<A>(magnitude, f.infinity()), nan, out);
    } else if constexpr (f.specials == Specials::kOneNan) {
      out = xsimd::select(greater<A>(magnitude, f.nan() - 1), U32<A>(kNan32), out);
    } else {
      out = xsimd::select(code == U32<A>(f.nan()), U32<A>(kNan32), out);
    }
    return out | sign;
  }
}

// The codes of float32 values, rounded to nearest, ties to even.
template <class T, class A>
XSIMD_INLINE U32<A> encode(U32<A> bits) {
  constexpr SmallFloat f = kSmallFloat<T>;
  constexpr int kShift = 23 - f.fraction;
  const U32<A> magnitude = bits & U32<A>(0x7fffffffu);
  const U32<A> sign = (bits ^ magnitude) >> (32 - f.bits);
  const U32<A> odd = (magnitude >> kShift) & U32<A>(1u);
  U32<A> out = magnitude + U32<A>((1u << (kShift - 1)) - 1) + odd;  // rounded at the last bit kept
  U32<A> nan(f.nan());
  if constexpr (f.bias == 127) {
    out = out >> kShift;
  } else {
    // What is too large lands above the last finite code and is pulled back to the one after it.
    out = (out - U32<A>(static_cast<uint32_t>(127 - f.bias) << 23)) >> kShift;
    out = xsimd::bitwise_cast<uint32_t>(
        xsimd::min(xsimd::bitwise_cast<int32_t>(out), I32<A>(static_cast<int32_t>(f.overflow()))));
    // Below the smallest normal value: added to a number whose last bit is T's smallest subnormal,
    // it is rounded in the adder.
    const U32<A> adder(static_cast<uint32_t>(127 + 23 + 1 - f.bias - f.fraction) << 23);
    const U32<A> subnormal = xsimd::bitwise_cast<uint32_t>(xsimd::bitwise_cast<float>(magnitude) +
                                                           xsimd::bitwise_cast<float>(adder)) -
                             adder;
    constexpr uint32_t kSmallest = static_cast<uint32_t>(127 - f.bias + 1) << 23;
    out = xsimd::select(less<A>(magnitude, kSmallest), subnormal, out);
    if constexpr (f.bits == 16) nan = nan | ((magnitude >> kShift) & U32<A>(f.nan() - 1));
  }
  out = xsimd::select(greater<A>(magnitude, kInf32), nan, out);
  if constexpr (f.specials == Specials::kNanIsMinus0) {
    return xsimd::select(out == U32<A>(0u), out, out | sign);  // there is no -0
  } else {
    return out | sign;
  }
}

// float8_e8m0fnu is an exponent alone: zero, negative values and infinities have no code, ties go
// to the larger power. The tie between the two smallest is 1.5 * 2^-127, a subnormal float32.
template <class A>
XSIMD_INLINE U32<A> decode_e8m0(U32<A> code) {
  const U32<A> out = code << 23;
  const U32<A> smallest = xsimd::select(code == U32<A>(0u), U32<A>(0x00400000u), out);
  return xsimd::select(code == U32<A>(0xffu), U32<A>(kNan32), smallest);
}

template <class A>
XSIMD_INLINE U32<A> encode_e8m0(U32<A> bits) {
  U32<A> out = (bits + U32<A>(0x00400000u)) >> 23;
  out = xsimd::select(less<A>(bits, 0x00800000u), U32<A>(1u), out);
  out = xsimd::select(less<A>(bits, 0x00600000u), U32<A>(0u), out);
  // The sign bit makes a lane negative; zero and what is not finite:
  const auto none = less<A>(bits, 1u) | greater<A>(bits, kInf32 - 1);
  return xsimd::select(none, U32<A>(0xffu), out);
}

template <class T, class A>
XSIMD_INLINE F32<A> load_float(const void* p) {
#if defined(__F16C__) && XSIMD_WITH_AVX512F
  if constexpr (std::is_same_v<T, float16> && kIsOne<F32<A>, 512>) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(static_cast<const __m256i*>(p)));
  } else
#endif
#if defined(__F16C__) && XSIMD_WITH_AVX
      if constexpr (std::is_same_v<T, float16> && kIsOne<F32<A>, 256>) {
    return _mm256_cvtph_ps(_mm_loadu_si128(static_cast<const __m128i*>(p)));
  } else
#endif
      if constexpr (std::is_same_v<T, float8_e8m0fnu>) {
    return xsimd::bitwise_cast<float>(decode_e8m0<A>(widen<uint8_t, A>(p)));
  } else {
    return xsimd::bitwise_cast<float>(decode<T, A>(widen<decltype(T::bits), A>(p)));
  }
}

template <class T, class A>
XSIMD_INLINE void store_float(void* p, F32<A> v) {
#if defined(__F16C__) && XSIMD_WITH_AVX512F
  if constexpr (std::is_same_v<T, float16> && kIsOne<F32<A>, 512>) {
    _mm256_storeu_si256(static_cast<__m256i*>(p), _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
  } else
#endif
#if defined(__F16C__) && XSIMD_WITH_AVX
      if constexpr (std::is_same_v<T, float16> && kIsOne<F32<A>, 256>) {
    _mm_storeu_si128(static_cast<__m128i*>(p), _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
  } else
#endif
      if constexpr (std::is_same_v<T, float8_e8m0fnu>) {
    narrow<uint8_t, A>(p, encode_e8m0<A>(xsimd::bitwise_cast<uint32_t>(v)));
  } else {
    narrow<decltype(T::bits), A>(p, encode<T, A>(xsimd::bitwise_cast<uint32_t>(v)));
  }
}

// ---- Times ----

template <class T>
inline constexpr bool kIsTime = std::is_same_v<T, datetime64> || std::is_same_v<T, timedelta64>;

template <class A>
XSIMD_INLINE xsimd::batch<double, A> time_to_double(xsimd::batch<int64_t, A> time) {
  using F64 = xsimd::batch<double, A>;
  const auto is_nat = xsimd::batch_bool_cast<double>(time == xsimd::batch<int64_t, A>(kNaT));
  return xsimd::select(is_nat, F64(std::numeric_limits<double>::quiet_NaN()),
                       xsimd::batch_cast<double>(time));
}

template <class A>
XSIMD_INLINE xsimd::batch<int64_t, A> double_to_time(xsimd::batch<double, A> v) {
  using F64 = xsimd::batch<double, A>;
  const auto fits = (v >= F64(-0x1p63)) & (v < F64(0x1p63));  // no NaN does
  const auto time = xsimd::batch_cast<int64_t>(xsimd::select(fits, v, F64(0.0)));
  return xsimd::select(xsimd::batch_bool_cast<int64_t>(fits), time, xsimd::batch<int64_t, A>(kNaT));
}

}  // namespace xsimd_detail
}  // namespace v0
}  // namespace stridecast

#endif  // STRIDECAST_XSIMD_INL_H_
