// Complex runs: to their parts, to magnitudes, to truth, and from real numbers. Written with xsimd,
// which has complex batches. xsimd wants a file per architecture: complex_*.cc each define
// STRIDECAST_XSIMD_ARCH, include this, define their target's FillComplex, and are compiled with the
// instructions of that architecture.
//
// Nothing here may leave a weak symbol behind (tests/no_weak_symbols.sh): xsimd inlines by force,
// everything else has internal linkage, and of the standard library only types are used.

#include <bit>
#include <complex>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>
#include <xsimd/xsimd.hpp>

#include "kernels/kernel_table.h"
#include "stridecast/kernel_abi.h"

namespace stridecast::kernels {
namespace {

using Arch = STRIDECAST_XSIMD_ARCH;
template <typename T>
using Batch = xsimd::batch<T, Arch>;
template <typename T>
inline constexpr int64_t kLanes = static_cast<int64_t>(Batch<T>::size);

// Packed runs, `kItems` at a time; sides apart. The last step overlaps the one before it; runs
// shorter than a step go through buffers.
template <class Op>
uint32_t Run(const sc_run* run) {
  const auto* src = static_cast<const unsigned char*>(run->src);
  auto* dst = static_cast<unsigned char*>(run->dst);
  const int64_t n = run->n[1];
  if (n < Op::kItems) {
    unsigned char in[Op::kItems * Op::kSrcSize] = {}, out[Op::kItems * Op::kDstSize];
    std::memcpy(in, src, static_cast<size_t>(n * Op::kSrcSize));
    Op::Step(in, out);
    std::memcpy(dst, out, static_cast<size_t>(n * Op::kDstSize));
    return 0;
  }
  for (int64_t i = 0; i + Op::kItems <= n; i += Op::kItems) {
    Op::Step(src + i * Op::kSrcSize, dst + i * Op::kDstSize);
  }
  if (n % Op::kItems != 0) {
    const int64_t last = n - Op::kItems;
    Op::Step(src + last * Op::kSrcSize, dst + last * Op::kDstSize);
  }
  return 0;
}

// xsimd's unaligned loads take typed pointers and assume nothing of them, the emulated architecture
// apart: that one copies item by item.
template <typename T>
XSIMD_INLINE Batch<T> Load(const unsigned char* p) {
  return Batch<T>::load_unaligned(reinterpret_cast<const T*>(p));
}

template <typename T>
XSIMD_INLINE void Store(unsigned char* p, Batch<T> v) {
  v.store_unaligned(reinterpret_cast<T*>(p));
}

template <typename T>
struct FromReal {
  static constexpr int64_t kItems = kLanes<T>, kSrcSize = sizeof(T), kDstSize = 2 * sizeof(T);
  XSIMD_INLINE static void Step(const unsigned char* src, unsigned char* dst) {
    Store(dst, Batch<std::complex<T>>(Load<T>(src), Batch<T>(T{0})));
  }
};

// The same of parts that only move: 16-bit floats, whose zero is zero bits.
struct FromHalf {
  static constexpr int64_t kItems = kLanes<uint32_t>, kSrcSize = 2, kDstSize = 4;
  // xsimd converts between lanes of different sizes one by one; compilers know the instructions.
  typedef uint16_t Parts __attribute__((vector_size(kItems * sizeof(uint16_t))));
  typedef uint32_t Items __attribute__((vector_size(kItems * sizeof(uint32_t))));

  XSIMD_INLINE static void Step(const unsigned char* src, unsigned char* dst) {
    Parts parts;
    std::memcpy(&parts, src, sizeof parts);
    Items items = __builtin_convertvector(parts, Items);
    if constexpr (std::endian::native == std::endian::big) items <<= 16;
    std::memcpy(dst, &items, sizeof items);
  }
};

struct FromLongDouble {
  static constexpr int64_t kItems = 1, kSrcSize = sizeof(long double), kDstSize = 2 * kSrcSize;
  XSIMD_INLINE static void Step(const unsigned char* src, unsigned char* dst) {
    std::memcpy(dst, src, kSrcSize);
    std::memset(dst + kSrcSize, 0, kSrcSize);
  }
};

template <typename T>
struct RealPart {
  static constexpr int64_t kItems = kLanes<T>, kSrcSize = 2 * sizeof(T), kDstSize = sizeof(T);
  XSIMD_INLINE static void Step(const unsigned char* src, unsigned char* dst) {
    Store(dst, Load<std::complex<T>>(src).real());
  }
};

// What every magnitude has in common: an infinity in either part gives infinity, even beside a NaN;
// any other NaN gives the one canonical NaN, so that no target's own choice shows.
XSIMD_INLINE Batch<double> WithSpecials(Batch<double> a, Batch<double> b, Batch<double> magnitude) {
  using Limits = std::numeric_limits<double>;
  const Batch<double> infinity(Limits::infinity());
  const auto is_nan = (a != a) | (b != b);
  const auto is_infinite = (a == infinity) | (b == infinity);
  magnitude = xsimd::select(is_nan, Batch<double>(Limits::quiet_NaN()), magnitude);
  return xsimd::select(is_infinite, infinity, magnitude);
}

template <typename T>
struct Magnitude;

// Through float64, where float32's squares are exact and neither overflow nor vanish: two roundings
// there, of a relative 2^-53 each, and the one to float32. At most 0.5 + 2^-28 ulp in all.
template <>
struct Magnitude<float> {
  static constexpr int64_t kItems = kLanes<double>, kSrcSize = 8, kDstSize = 4;
  typedef float Singles __attribute__((vector_size(kItems * sizeof(float))));
  typedef double Doubles __attribute__((vector_size(kItems * sizeof(double))));

  XSIMD_INLINE static void Step(const unsigned char* src, unsigned char* dst) {
    Singles part[2];
    std::memcpy(part, src, sizeof part);
    double parts[2 * kItems];
    for (int k = 0; k < 2; ++k) {
      const Doubles wide = __builtin_convertvector(part[k], Doubles);
      std::memcpy(parts + k * kItems, &wide, sizeof wide);
    }
    const auto z = Load<std::complex<double>>(reinterpret_cast<const unsigned char*>(parts));
    const Batch<double> a = xsimd::abs(z.real()), b = xsimd::abs(z.imag());
    const Batch<double> magnitude = WithSpecials(a, b, xsimd::sqrt(a * a + b * b));
    Doubles wide;
    Store(reinterpret_cast<unsigned char*>(&wide), magnitude);
    const Singles out = __builtin_convertvector(wide, Singles);
    std::memcpy(dst, &out, sizeof out);
  }
};

// sqrt(x^2 + y^2) of x >= y with the sum of squares correctly rounded but for 2^-70 of it. Each
// part is split into its upper 26 bits, whose square is exact, and a rest (Dekker, "A
// floating-point technique for extending the available precision", 1971); what the sum of the
// squares loses is found by the fast two-sum of the same paper. Unsplit, the error reaches 1.22 ulp
// (Ziv, "Sharp ulp rounding error bound for the hypotenuse function", 1999). Here: the sum s is off
// by at most half an ulp of s, which moves the root by at most 0.354 ulp (s just above 2), and the
// root rounds by 0.5: less than 0.86 ulp. Where the result is subnormal, its larger ulp makes that
// 0.5 + 0.43.
template <>
struct Magnitude<double> {
  static constexpr int64_t kItems = kLanes<double>, kSrcSize = 16, kDstSize = 8;

  XSIMD_INLINE static Batch<double> Upper(Batch<double> v) {
    const Batch<uint64_t> mask(~uint64_t{0} << 27);
    return xsimd::bitwise_cast<double>(xsimd::bitwise_cast<uint64_t>(v) & mask);
  }

  XSIMD_INLINE static void Step(const unsigned char* src, unsigned char* dst) {
    using V = Batch<double>;
    const auto z = Load<std::complex<double>>(src);
    const V a = xsimd::abs(z.real()), b = xsimd::abs(z.imag());
    V x = xsimd::max(a, b), y = xsimd::min(a, b);  // NaNs are dealt with at the end
    // Powers of two that keep the squares, and squares of the rests, normal numbers. Where they are
    // too small for that after all, they are too small to count beside x.
    const auto is_big = x > V(0x1p500), is_small = x < V(0x1p-400);
    const V scale = xsimd::select(is_big, V(0x1p-600), xsimd::select(is_small, V(0x1p600), V(1)));
    const V back = xsimd::select(is_big, V(0x1p600), xsimd::select(is_small, V(0x1p-600), V(1)));
    x = x * scale;
    y = y * scale;
    const V x_upper = Upper(x), y_upper = Upper(y);
    const V x_square = x_upper * x_upper, y_square = y_upper * y_upper;
    const V squares = x_square + y_square;
    const V lost = y_square - (squares - x_square);
    const V rest = (x - x_upper) * (x + x_upper) + (y - y_upper) * (y + y_upper);
    Store(dst, WithSpecials(a, b, xsimd::sqrt(squares + (lost + rest)) * back));
  }
};

// True: a part has a bit set besides its sign. Eight items a step: vectors of parts of 8 bytes, or
// of items of two parts of 4, give a bit a lane, and eight bits are spread over eight bytes at
// once.
template <typename T>
struct Truth {
  static constexpr int64_t kItems = 8, kSrcSize = 2 * sizeof(T), kDstSize = 1;
  static constexpr int64_t kLanesPerItem = kSrcSize / 8;
  static constexpr bool kIsLittle = std::endian::native == std::endian::little;
  static_assert(kItems % kLanes<uint64_t> == 0);

  // Bit k: lane k of a step is zero, whatever its signs. g++ -O2 leaves a loop here as it is, and
  // mask() a call in it.
  template <int64_t... kVectors>
  XSIMD_INLINE static uint64_t ZeroLanes(const unsigned char* src,
                                         std::integer_sequence<int64_t, kVectors...>) {
    const Batch<uint64_t> counted(sizeof(T) == 4 ? 0x7fffffff7fffffffu : 0x7fffffffffffffffu);
    const Batch<uint64_t> zero(uint64_t{0});
    constexpr int64_t kStep = kLanes<uint64_t>;
    return (... | (((Load<uint64_t>(src + kVectors * kStep * 8) & counted) == zero).mask()
                   << (kVectors * kStep)));
  }

  // Bytes of 0 or 1 of the lowest eight bits, or of every second one of sixteen.
  XSIMD_INLINE static uint64_t BitsToBytes(uint64_t bits) {
    constexpr uint64_t kOnes = 0x0101010101010101u;
    uint64_t copies, bit_of_byte;
    if constexpr (kLanesPerItem == 1) {
      copies = (bits & 0xFF) * kOnes;
      bit_of_byte = kIsLittle ? 0x8040201008040201u : 0x0102040810204080u;
    } else {  // four of them in each byte, whose copies are half a word
      const uint64_t first = bits & 0xFF, second = bits >> 8 & 0xFF;
      copies = (kIsLittle ? second << 32 | first : first << 32 | second) * 0x01010101u;
      bit_of_byte = kIsLittle ? 0x4010040140100401u : 0x0104104001041040u;
    }
    return (((copies & bit_of_byte) + 0x7f * kOnes) >> 7) & kOnes;
  }

  XSIMD_INLINE static void Step(const unsigned char* src, unsigned char* dst) {
    constexpr int64_t kVectors = kItems * kLanesPerItem / kLanes<uint64_t>;
    uint64_t zeros = ZeroLanes(src, std::make_integer_sequence<int64_t, kVectors>());
    if constexpr (kLanesPerItem == 2) zeros &= zeros >> 1;
    const uint64_t bytes = BitsToBytes(~zeros);
    std::memcpy(dst, &bytes, sizeof bytes);
  }
};

template <typename T>
uint32_t CheckImaginary(const sc_run* run) {
  using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
  constexpr int64_t kSize = 2 * sizeof(T);
  const auto* src = static_cast<const unsigned char*>(run->src);
  const int64_t n = run->n[1];
  unsigned char few[kLanes<T> * kSize] = {};
  if (n < kLanes<T>) std::memcpy(few, src, static_cast<size_t>(n * kSize));
  Batch<Bits> seen(Bits{0});
  const auto look = [&](const unsigned char* p) __attribute__((always_inline)) {
    seen = seen | xsimd::bitwise_cast<Bits>(Load<std::complex<T>>(p).imag());
  };
  for (int64_t i = 0; i + kLanes<T> <= n; i += kLanes<T>) look(src + i * kSize);
  look(n < kLanes<T> ? few : src + (n - kLanes<T>)*kSize);
  const Batch<Bits> all_but_sign(static_cast<Bits>(~Bits{0} >> 1));
  return xsimd::any((seen & all_but_sign) != Batch<Bits>(Bits{0})) ? SC_ERR_INEXACT : 0;
}

template <class Op>
sc_entry Entry(const char* name) {
  return {.run = Run<Op>,
          .name = name,
          .src_access = SC_ACCESS_PACKED,
          .dst_access = SC_ACCESS_PACKED,
          .needs = 0,
          .traits = SC_TRAIT_THREAD_SAFE,
          .scratch_bytes = 0};
}

template <typename T>
sc_entry CheckEntry(const char* name) {
  return {.run = CheckImaginary<T>,
          .name = name,
          .src_access = SC_ACCESS_PACKED,
          .dst_access = SC_ACCESS_NONE,
          .needs = 0,
          .traits = SC_TRAIT_MAY_FAIL | SC_TRAIT_THREAD_SAFE,
          .scratch_bytes = 0};
}

void FillComplexEntries(KernelTable& table) {
  table.complex_from_real[0] = Entry<FromHalf>("complex of 16-bit floats");
  table.complex_from_real[1] = Entry<FromReal<float>>("complex of float32");
  table.complex_from_real[2] = Entry<FromReal<double>>("complex of float64");
  table.complex_from_real[3] = Entry<FromLongDouble>("complex of long double");
  table.real_part[0] = Entry<RealPart<float>>("real part of complex64");
  table.real_part[1] = Entry<RealPart<double>>("real part of complex128");
  table.magnitude[0] = Entry<Magnitude<float>>("magnitude of complex64");
  table.magnitude[1] = Entry<Magnitude<double>>("magnitude of complex128");
  table.complex_truth[0] = Entry<Truth<float>>("truth of complex64");
  table.complex_truth[1] = Entry<Truth<double>>("truth of complex128");
  table.check_imaginary[0] = CheckEntry<float>("check imaginary part of complex64");
  table.check_imaginary[1] = CheckEntry<double>("check imaginary part of complex128");
}

}  // namespace
}  // namespace stridecast::kernels
