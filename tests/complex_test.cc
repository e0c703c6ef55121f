// Complex kernels of every target: to and from real parts, truth and magnitude. Values first (every
// pair of special parts, and random ones), then every length and misalignment between guard pages.
// Magnitudes are measured against long double, and have the same bits on every target.

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <limits>
#include <random>
#include <vector>

#include "kernels/kernel_table.h"
#include "tests/reference/element.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/kernel_run.h"
#include "tests/support/target_param.h"

namespace stridecast::testing {
namespace {

using Bytes = std::vector<unsigned char>;

template <typename T>
using Uint = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
template <typename T>
inline constexpr int kEntry = sizeof(T) == 4 ? 0 : 1;

template <typename T>
Bytes to_bytes(const std::vector<T>& values) {
  Bytes bytes(values.size() * sizeof(T));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

// Parts whose squares overflow, vanish, or need more bits than there are; and what is no number,
// signalling NaNs and payloads included.
template <typename T>
std::vector<T> special_parts() {
  using Limits = std::numeric_limits<T>;
  const T root = std::sqrt(Limits::max()), tiny_root = std::sqrt(Limits::min());
  std::vector<T> parts = {
      0,
      1,
      3,
      4,
      T(1.5),
      Limits::epsilon(),
      1 + Limits::epsilon(),
      Limits::max(),
      Limits::max() / 2,
      root,
      root * 2,
      root / 2,
      Limits::min(),
      Limits::min() * 3,
      Limits::denorm_min(),
      Limits::denorm_min() * 5,
      tiny_root,
      tiny_root / 4,
      Limits::infinity(),
      Limits::quiet_NaN(),
      std::bit_cast<T>(static_cast<Uint<T>>(std::bit_cast<Uint<T>>(Limits::infinity()) + 1)),
      std::bit_cast<T>(static_cast<Uint<T>>(~Uint<T>{0}))};
  for (size_t i = parts.size(); i-- > 0;) {
    parts.push_back(std::bit_cast<T>(static_cast<Uint<T>>(std::bit_cast<Uint<T>>(parts[i]) ^
                                                          (Uint<T>{1} << (8 * sizeof(T) - 1)))));
  }
  return parts;
}

// Every pair of the above; random bits; and parts near each other, where both squares count.
template <typename T>
std::vector<std::complex<T>> numbers(size_t random) {
  std::vector<std::complex<T>> all;
  for (T re : special_parts<T>()) {
    for (T im : special_parts<T>()) all.emplace_back(re, im);
  }
  std::mt19937_64 bits(7);
  std::uniform_real_distribution<double> mantissa(1, 2);
  std::uniform_int_distribution<int> exponent(std::numeric_limits<T>::min_exponent - 20,
                                              std::numeric_limits<T>::max_exponent),
      apart(-30, 30);
  for (size_t i = 0; i < random; ++i) {
    all.emplace_back(std::bit_cast<T>(static_cast<Uint<T>>(bits())),
                     std::bit_cast<T>(static_cast<Uint<T>>(bits())));
    all.emplace_back(static_cast<T>(mantissa(bits)), static_cast<T>(mantissa(bits)));
    const int e = exponent(bits);
    all.emplace_back(static_cast<T>(std::ldexp(mantissa(bits), e)),
                     static_cast<T>(std::ldexp(mantissa(bits), e + apart(bits))));
  }
  return all;
}

// A run of `in` gives `out`: at once, then lengths and misalignments between guard pages.
void check_entry(const sc_entry& entry, const Bytes& in, size_t in_size, const Bytes& out,
                 size_t out_size) {
  ASSERT_NE(entry.run, nullptr);
  note().what = entry.name;
  EXPECT_EQ(entry.src_access, uint32_t{SC_ACCESS_PACKED});
  EXPECT_EQ(entry.dst_access, uint32_t{SC_ACCESS_PACKED});
  EXPECT_EQ(entry.traits, uint32_t{SC_TRAIT_THREAD_SAFE});
  const size_t count = in.size() / in_size;
  const auto run_it = [&](size_t n, const unsigned char* src, unsigned char* dst) {
    const sc_run run = make_packed_run(static_cast<int64_t>(n), src, static_cast<int64_t>(in_size),
                                       dst, static_cast<int64_t>(out_size));
    return entry.run(&run);
  };
  Bytes got(out.size(), 0x5C);
  ASSERT_EQ(run_it(count, in.data(), got.data()), 0u);
  for (size_t i = 0; i < count; ++i) {
    ASSERT_EQ(std::memcmp(&got[i * out_size], &out[i * out_size], out_size), 0)
        << note() << ": item " << i;
  }
  constexpr size_t kLongest = 70;
  GuardedBuffer source(4096), destination(4096);
  for (size_t n = 1; n <= kLongest; ++n) {
    for (size_t gap = 0; gap < 64; gap += n % 8 == 1 ? 1 : 13) {
      for (Flush side : kBothSides) {
        note().length = static_cast<int64_t>(n);
        note().gap = static_cast<int64_t>(gap);
        const size_t first = (n * 7919 + gap * 131) % (count - n);
        unsigned char* src = source.place(n * in_size, side, gap);
        unsigned char* dst = destination.place(n * out_size, side, (gap * 5 + n) % 64);
        std::memcpy(src, &in[first * in_size], n * in_size);
        std::memset(dst, 0x5C, n * out_size);
        ASSERT_EQ(run_it(n, src, dst), 0u);
        ASSERT_EQ(std::memcmp(dst, &out[first * out_size], n * out_size), 0) << note();
        ASSERT_EQ(std::memcmp(src, &in[first * in_size], n * in_size), 0) << note();
        ASSERT_EQ(destination.damage(), 0) << note();
      }
    }
  }
}

template <typename T>
void check_parts(const kernels::KernelTable& table) {
  const auto z = numbers<T>(500);
  std::vector<T> re;
  std::vector<std::complex<T>> real;
  std::vector<uint8_t> truth;
  for (const std::complex<T>& v : z) {
    re.push_back(v.real());
    real.emplace_back(v.real(), T{0});
    truth.push_back(v.real() != 0 || v.imag() != 0 ? 1 : 0);
  }
  const int e = kEntry<T>;
  const size_t size = sizeof(T);
  ASSERT_NO_FATAL_FAILURE(
      check_entry(table.complex_from_real[e + 1], to_bytes(re), size, to_bytes(real), 2 * size));
  ASSERT_NO_FATAL_FAILURE(
      check_entry(table.real_part[e], to_bytes(z), 2 * size, to_bytes(re), size));
  ASSERT_NO_FATAL_FAILURE(
      check_entry(table.complex_truth[e], to_bytes(z), 2 * size, to_bytes(truth), 1));
}

// Parts whose type the kernel does not look at.
template <typename T>
void check_from_real(const sc_entry& entry) {
  std::mt19937_64 bits(9);
  Bytes in(500 * sizeof(T)), out(2 * in.size(), 0);
  for (unsigned char& byte : in) byte = static_cast<unsigned char>(bits());
  for (size_t i = 0; i < in.size(); i += sizeof(T)) {
    std::memcpy(&out[2 * i], &in[i], sizeof(T));
  }
  ASSERT_NO_FATAL_FAILURE(check_entry(entry, in, sizeof(T), out, 2 * sizeof(T)));
}

// One imaginary part that is not zero, anywhere in runs of every length: reported, and nothing else
// is; nothing behind the run is read.
template <typename T>
void check_imaginary(const sc_entry& entry) {
  using Z = std::complex<T>;
  using Limits = std::numeric_limits<T>;
  ASSERT_NE(entry.run, nullptr);
  EXPECT_EQ(entry.dst_access, uint32_t{SC_ACCESS_NONE});
  EXPECT_EQ(entry.traits, uint32_t{SC_TRAIT_MAY_FAIL | SC_TRAIT_THREAD_SAFE});
  GuardedBuffer source(4096);
  const T found[] = {1, -1, Limits::denorm_min(), Limits::infinity(), Limits::quiet_NaN()};
  for (size_t n = 1; n <= 40; ++n) {
    for (Flush side : kBothSides) {
      unsigned char* src = source.place(n * sizeof(Z), side, n % 3);
      const sc_run run = make_packed_run(static_cast<int64_t>(n), src, sizeof(Z), nullptr, 0);
      const auto put = [&](size_t i, Z z) { std::memcpy(src + i * sizeof(Z), &z, sizeof(Z)); };
      const auto zero = [](size_t i) { return i % 2 == 0 ? T{0} : -T{0}; };
      for (size_t i = 0; i < n; ++i) put(i, {Limits::quiet_NaN(), zero(i)});
      ASSERT_EQ(entry.run(&run), 0u) << note() << " " << n;
      for (size_t i = 0; i < n; ++i) {
        put(i, {0, found[i % std::size(found)]});
        ASSERT_EQ(entry.run(&run), uint32_t{SC_ERR_INEXACT}) << note() << " " << i << " of " << n;
        put(i, {1, zero(i)});
      }
    }
  }
}

// In units of the last place of `magnitude`'s neighbourhood; the smallest subnormal is the least.
template <typename T>
long double error_in_ulps(T magnitude, const std::complex<T>& z) {
  const auto re = static_cast<long double>(z.real()), im = static_cast<long double>(z.imag());
  const long double exact = std::sqrt(re * re + im * im);
  const int exponent = std::max(std::ilogb(exact), std::numeric_limits<T>::min_exponent - 1);
  const long double ulp = std::ldexp(1.0L, exponent - std::numeric_limits<T>::digits + 1);
  if (std::isinf(magnitude)) {
    // Right where the value rounds to what is beyond the largest number.
    const auto largest = static_cast<long double>(std::numeric_limits<T>::max());
    return exact >= largest + ulp / 2 ? 0 : 1e9L;
  }
  return std::abs(static_cast<long double>(magnitude) - exact) / ulp;
}

template <typename T>
std::vector<T> magnitudes(const sc_entry& entry, const std::vector<std::complex<T>>& z) {
  std::vector<T> out(z.size());
  const sc_run run = make_packed_run(static_cast<int64_t>(z.size()), z.data(), 2 * sizeof(T),
                                     out.data(), sizeof(T));
  EXPECT_EQ(entry.run(&run), 0u);
  return out;
}

// The errors that kernels/complex-inl.h claims.
template <typename T>
void check_magnitudes(const kernels::KernelTable& table, long double most) {
  const auto z = numbers<T>(50'000);
  const std::vector<T> got = magnitudes<T>(table.magnitude[kEntry<T>], z);
  long double worst = 0;
  for (size_t i = 0; i < z.size(); ++i) {
    const auto bits = std::bit_cast<Uint<T>>(got[i]);
    if (std::isinf(z[i].real()) || std::isinf(z[i].imag())) {
      ASSERT_EQ(got[i], std::numeric_limits<T>::infinity()) << z[i];
    } else if (std::isnan(z[i].real()) || std::isnan(z[i].imag())) {
      ASSERT_EQ(bits, std::bit_cast<Uint<T>>(std::numeric_limits<T>::quiet_NaN())) << z[i];
    } else if (z[i].real() == 0 && z[i].imag() == 0) {
      ASSERT_EQ(bits, 0u) << z[i];
    } else {
      const long double error = error_in_ulps(got[i], z[i]);
      const bool subnormal = got[i] < std::numeric_limits<T>::min();
      ASSERT_LE(error, subnormal ? 0.95L : most) << z[i] << " gave " << got[i];
      worst = std::max(worst, error);
    }
  }
  EXPECT_GT(worst, 0.49L) << "the measure is broken";
}

class ComplexTest : public KernelTest {};

TEST_P(ComplexTest, PartsAndTruth) {
  ASSERT_NO_FATAL_FAILURE(check_parts<float>(table()));
  ASSERT_NO_FATAL_FAILURE(check_parts<double>(table()));
}

TEST_P(ComplexTest, FromPartsThatOnlyMove) {
  ASSERT_NO_FATAL_FAILURE(check_from_real<uint16_t>(table().complex_from_real[0]));
  ASSERT_NO_FATAL_FAILURE(check_from_real<long double>(table().complex_from_real[3]));
}

// In one pass as in two: the conversion of the part, then the zero.
TEST_P(ComplexTest, ConversionsToComplexAreThoseOfTheirParts) {
  constexpr size_t kCount = 2000;
  std::mt19937_64 random(7);
  int pairs = 0;
  for (int s = 0; s < kNumArithmetic; ++s) {
    for (int d = 0; d < kNumArithmetic; ++d) {
      const sc_entry& fused = table().convert_to_complex[s][d];
      if (fused.run == nullptr) continue;
      ++pairs;
      SCOPED_TRACE(fused.name);
      const size_t in_size = static_cast<size_t>(reference::size(static_cast<DType>(s)));
      const size_t part = static_cast<size_t>(reference::size(static_cast<DType>(d)));
      Bytes in(kCount * in_size), parts(kCount * part), out(kCount * 2 * part);
      for (unsigned char& byte : in) byte = static_cast<unsigned char>(random());
      // Every other item is small, which some kernels have a shorter way for.
      for (size_t i = 0; i < kCount; i += 1 + random() % 9) {
        std::memset(&in[i * in_size], 0, in_size);
        in[i * in_size] = static_cast<unsigned char>(i);
      }
      const auto run_whole = [](const sc_entry& entry, const Bytes& from, size_t from_size,
                                Bytes& to, size_t to_size) {
        const sc_run run = make_packed_run(kCount, from.data(), static_cast<int64_t>(from_size),
                                           to.data(), static_cast<int64_t>(to_size));
        ASSERT_EQ(entry.run(&run), 0u);
      };
      run_whole(table().convert[s][d], in, in_size, parts, part);
      run_whole(table().complex_from_real[part / 4], parts, part, out, 2 * part);
      ASSERT_NO_FATAL_FAILURE(check_entry(fused, in, in_size, out, 2 * part));
    }
  }
#if defined(__x86_64__)
  EXPECT_GE(pairs, 20);
#endif
}

TEST_P(ComplexTest, ImaginaryPartsThatAreNotZeroAreReported) {
  ASSERT_NO_FATAL_FAILURE(check_imaginary<float>(table().check_imaginary[0]));
  ASSERT_NO_FATAL_FAILURE(check_imaginary<double>(table().check_imaginary[1]));
}

TEST_P(ComplexTest, MagnitudeIsExactToAnUlp) {
  if (std::numeric_limits<long double>::digits < 60) GTEST_SKIP() << "no reference";
  ASSERT_NO_FATAL_FAILURE(check_magnitudes<float>(table(), 0.5001L));
  ASSERT_NO_FATAL_FAILURE(check_magnitudes<double>(table(), 0.86L));
}

template <typename T>
void check_same_bits(const kernels::KernelTable& table) {
  const auto z = numbers<T>(2000);
  const auto first = magnitudes<T>(kernels::tables().front()->magnitude[kEntry<T>], z);
  ASSERT_NO_FATAL_FAILURE(check_entry(table.magnitude[kEntry<T>], to_bytes(z), 2 * sizeof(T),
                                      to_bytes(first), sizeof(T)));
}

TEST_P(ComplexTest, MagnitudeHasTheSameBitsOnEveryTarget) {
  ASSERT_NO_FATAL_FAILURE(check_same_bits<float>(table()));
  ASSERT_NO_FATAL_FAILURE(check_same_bits<double>(table()));
}

STRIDECAST_INSTANTIATE_FOR_TARGETS(ComplexTest);

}  // namespace
}  // namespace stridecast::testing
