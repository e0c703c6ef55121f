// stridecast/xsimd.h on every architecture of xsimd that is compiled (tests/CMakeLists.txt) and
// that this CPU has: all codes are read, and floats written that lie on, between and beyond the
// values of each type. float16 and bfloat16 are compared with the oracle of conversions, 8-bit
// floats with the definitions below, where a value is searched for among all that the type has.

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "stridecast/types.h"
#include "stridecast/value_types.h"
#include "tests/reference/element.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/xsimd_arch.h"

namespace stridecast::testing {

// Of tests/support/xsimd_arch.cc, as tests/CMakeLists.txt compiles it.
#if defined(__x86_64__)
extern const XsimdArch sse2_table, avx2_table, fma3_table, avx512_table;
#elif defined(__aarch64__)
extern const XsimdArch neon_table;
#endif
extern const XsimdArch emulated_table;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// ---- What 8-bit floats are, as ml_dtypes defines them ----

struct Float8 {
  std::string_view name;
  int exponent_bits, fraction_bits, bias;
  bool has_infinity;
  bool negative_zero_is_nan;
};
constexpr Float8 kFloat8[] = {
    {"float8_e5m2", 5, 2, 15, true, false},       {"float8_e4m3", 4, 3, 7, true, false},
    {"float8_e3m4", 3, 4, 3, true, false},        {"float8_e4m3fn", 4, 3, 7, false, false},
    {"float8_e5m2fnuz", 5, 2, 16, false, true},   {"float8_e4m3fnuz", 4, 3, 8, false, true},
    {"float8_e4m3b11fnuz", 4, 3, 11, false, true}};

// Codes without sign; those of finite values come first, in the order of their values.
struct Float8Values {
  std::vector<double> finite;
  int infinity = -1, nan = 0;

  explicit Float8Values(const Float8& type) {
    int count = 128;
    if (type.has_infinity) {
      infinity = count -= 1 << type.fraction_bits;
      nan = infinity + (1 << (type.fraction_bits - 1));
    } else if (type.negative_zero_is_nan) {
      nan = 0x80;
    } else {
      nan = --count;
    }
    for (int code = 0; code < count; ++code) {
      const int exponent = code >> type.fraction_bits;
      const int fraction = code - (exponent << type.fraction_bits);
      const int hidden = exponent == 0 ? 0 : 1 << type.fraction_bits;
      finite.push_back(
          std::ldexp(hidden + fraction, std::max(exponent, 1) - type.bias - type.fraction_bits));
    }
  }

  // The value after the largest, were there more exponents.
  double beyond() const { return 2 * finite.back() - finite[finite.size() - 2]; }

  int nearest(double magnitude) const {
    if (std::isnan(magnitude)) return nan;
    const int last = static_cast<int>(finite.size()) - 1;
    int code = 0;
    for (; code <= last; ++code) {
      const double next = code == last ? beyond() : finite[static_cast<size_t>(code) + 1];
      const double middle = (finite[static_cast<size_t>(code)] + next) / 2;
      if (magnitude < middle || (magnitude == middle && code % 2 == 0)) break;
    }
    if (code <= last) return code;
    return infinity < 0 ? nan : infinity;
  }
};

uint32_t with_sign(uint32_t magnitude, bool negative) {
  return magnitude | (negative ? 0x80000000u : 0u);
}

uint32_t read_float8(const Float8& type, const Float8Values& values, int code) {
  const bool negative = code >= 0x80;
  const int magnitude = code & 0x7f;
  if (code == 0x80 && type.negative_zero_is_nan) return 0xffc00000u;
  if (magnitude < static_cast<int>(values.finite.size())) {
    const auto value = static_cast<float>(values.finite[static_cast<size_t>(magnitude)]);
    return with_sign(std::bit_cast<uint32_t>(value), negative);
  }
  return with_sign(magnitude == values.infinity ? 0x7f800000u : 0x7fc00000u, negative);
}

int write_float8(const Float8& type, const Float8Values& values, float value) {
  const int magnitude = values.nearest(std::abs(static_cast<double>(value)));
  const bool unsigned_code = type.negative_zero_is_nan && (magnitude == 0 || magnitude == 0x80);
  return magnitude | (std::signbit(value) && !unsigned_code ? 0x80 : 0);
}

uint32_t read_e8m0(int code) {
  if (code == 0xff) return 0x7fc00000u;
  return std::bit_cast<uint32_t>(std::ldexp(1.0F, code - 127));
}

int write_e8m0(float value) {
  if (!(value > 0) || value == kInfinity) return 0xff;
  if (value < 0x1.8p-127F) return 0;
  if (value < 0x1p-126F) return 1;
  int exponent;
  const float mantissa = std::frexp(value, &exponent);  // in [0.5, 1)
  return exponent - 1 + 127 + (mantissa >= 0.75F ? 1 : 0);
}

// ---- Inputs and expected outputs of one type ----

struct FloatCase {
  size_t item_size = 1;
  std::vector<uint64_t> codes;    // to read
  std::vector<uint32_t> read;     // as float32
  std::vector<float> values;      // to write
  std::vector<uint64_t> written;  // codes
};

// Every finite value of the type, the middles between them, and one step of float32 to each side;
// what float32 has besides, and random bits.
std::vector<float> values_around(const std::vector<uint32_t>& read) {
  std::vector<float> finite = {0};
  for (uint32_t bits : read) {
    const float value = std::bit_cast<float>(bits);
    if (std::isfinite(value) && value > 0) finite.push_back(value);
  }
  std::sort(finite.begin(), finite.end());
  finite.push_back(static_cast<float>(
      std::min(2.0 * finite.back() - finite[finite.size() - 2], 3.4e38)));  // beyond the largest
  std::vector<float> values;
  const size_t every = finite.size() > 1000 ? 7 : 1;
  for (size_t i = 0; i + 1 < finite.size(); i += every) {
    const double middle = (static_cast<double>(finite[i]) + static_cast<double>(finite[i + 1])) / 2;
    for (float v : {finite[i], static_cast<float>(middle)}) {
      for (float near : {v, std::nextafter(v, 0.0F), std::nextafter(v, kInfinity)}) {
        values.push_back(near);
      }
    }
  }
  for (uint32_t bits :
       {0x7f800000u, 0x7f800001u, 0x7fa12345u, 0x7fc00000u, 0x7fffffffu, 0x7f7fffffu, 0x00000001u,
        0x007fffffu, 0x00800000u, 0x00400000u, 0x00400001u}) {
    values.push_back(std::bit_cast<float>(bits));
  }
  std::mt19937 random(3);
  for (int i = 0; i < 20'000; ++i)
    values.push_back(std::bit_cast<float>(static_cast<uint32_t>(random())));
  for (size_t i = values.size(); i-- > 0;) {
    values.push_back(std::bit_cast<float>(std::bit_cast<uint32_t>(values[i]) ^ 0x80000000u));
  }
  values.resize(values.size() / kMaxLanes * kMaxLanes);
  return values;
}

FloatCase make_case(std::string_view name) {
  FloatCase c;
  if (name == "float16" || name == "bfloat16") {
    const DType type = name == "float16" ? DType::kFloat16 : DType::kBFloat16;
    const auto mode = reference::Mode::kWrap;
    c.item_size = 2;
    for (uint64_t code = 0; code < 65536; ++code) {
      c.codes.push_back(code);
      c.read.push_back(
          static_cast<uint32_t>(reference::convert(type, code, DType::kFloat32, mode).bits));
    }
    c.values = values_around(c.read);
    for (float v : c.values) {
      c.written.push_back(
          reference::convert(DType::kFloat32, std::bit_cast<uint32_t>(v), type, mode).bits);
    }
    return c;
  }
  for (int code = 0; code < 256; ++code) c.codes.push_back(static_cast<uint64_t>(code));
  if (name == "float8_e8m0fnu") {
    for (int code = 0; code < 256; ++code) c.read.push_back(read_e8m0(code));
    c.values = values_around(c.read);
    for (float v : c.values) c.written.push_back(static_cast<uint64_t>(write_e8m0(v)));
    return c;
  }
  const auto type = std::find_if(std::begin(kFloat8), std::end(kFloat8),
                                 [&](const Float8& t) { return t.name == name; });
  if (type == std::end(kFloat8)) return c;
  const Float8Values known(*type);
  for (int code = 0; code < 256; ++code) c.read.push_back(read_float8(*type, known, code));
  c.values = values_around(c.read);
  for (float v : c.values)
    c.written.push_back(static_cast<uint64_t>(write_float8(*type, known, v)));
  return c;
}

// Worked out once for all architectures.
const FloatCase& case_of(const char* name) {
  static std::map<std::string, FloatCase> cases;
  const auto [at, is_new] = cases.try_emplace(name);
  if (is_new) at->second = make_case(name);
  return at->second;
}

// ---- The trials ----

bool has(std::string_view arch) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (arch == "avx2") return __builtin_cpu_supports("avx2") != 0;
  // Compiled with F16C, too, which every CPU with both has.
  if (arch == "fma3+avx2") return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (arch == "avx512bw") {
    return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd");
  }
#endif
  return arch == "sse2" || arch == "arm64+neon" || arch == "emulated";
}

class XsimdTest : public ::testing::TestWithParam<const XsimdArch*> {
 protected:
  const XsimdArch& arch() const { return *GetParam(); }
  void SetUp() override {
    if (!has(arch().name)) GTEST_SKIP() << "this CPU has no " << arch().name;
  }
};

uint64_t item(const unsigned char* items, size_t index, size_t size) {
  return reference::load(items + index * size, static_cast<int>(size));
}

std::vector<unsigned char> bytes_of(const std::vector<uint64_t>& codes, size_t size) {
  std::vector<unsigned char> bytes(codes.size() * size);
  for (size_t i = 0; i < codes.size(); ++i) {
    reference::store(&bytes[i * size], static_cast<int>(size), codes[i]);
  }
  return bytes;
}

TEST_P(XsimdTest, ReadsEveryCode) {
  const size_t lanes = arch().float_lanes;
  for (const auto& codec : arch().floats) {
    const FloatCase& c = case_of(codec.type);
    ASSERT_FALSE(c.read.empty()) << codec.type;
    const auto items = bytes_of(c.codes, c.item_size);
    for (size_t i = 0; i < c.codes.size(); i += lanes) {
      float got[kMaxLanes];
      codec.load(&items[i * c.item_size], got);
      for (size_t k = 0; k < lanes; ++k) {
        ASSERT_EQ(std::bit_cast<uint32_t>(got[k]), c.read[i + k])
            << std::hex << codec.type << " 0x" << c.codes[i + k];
      }
    }
  }
}

TEST_P(XsimdTest, WritesTheNearestValue) {
  const size_t lanes = arch().float_lanes;
  for (const auto& codec : arch().floats) {
    const FloatCase& c = case_of(codec.type);
    for (size_t i = 0; i < c.values.size(); i += lanes) {
      unsigned char got[2 * kMaxLanes];
      codec.store(&c.values[i], got);
      for (size_t k = 0; k < lanes; ++k) {
        ASSERT_EQ(item(got, k, c.item_size), c.written[i + k])
            << std::hex << codec.type << " of 0x" << std::bit_cast<uint32_t>(c.values[i + k])
            << ", " << c.values[i + k];
      }
    }
  }
}

// Whole batches and parts of them at any address, between guard pages.
template <typename Lane>
void check_memory(const XsimdCodec<Lane>& codec, size_t lanes, size_t item_size) {
  GuardedBuffer memory(4096);
  for (size_t gap = 0; gap < 64; ++gap) {
    for (Flush side : kBothSides) {
      for (size_t n = 0; n <= lanes; ++n) {
        unsigned char* items = memory.place(n * item_size, side, gap);
        for (size_t i = 0; i < n * item_size; ++i)
          items[i] = static_cast<unsigned char>(i * 5 + gap);
        const std::vector<unsigned char> before(items, items + n * item_size);
        std::vector<unsigned char> padded(before);
        padded.resize(lanes * item_size);
        Lane part[kMaxLanes], whole[kMaxLanes];
        codec.load_part(items, n, part);
        codec.load(padded.data(), whole);
        ASSERT_EQ(std::memcmp(part, whole, lanes * sizeof(Lane)), 0) << codec.type << " " << n;
        std::memset(items, 0, n * item_size);
        codec.store_part(part, items, n);
        codec.store(whole, padded.data());
        ASSERT_EQ(std::memcmp(items, padded.data(), n * item_size), 0) << codec.type << " " << n;
        ASSERT_EQ(memory.damage(), 0) << codec.type << " " << n;
        if (n != lanes) continue;
        codec.load(items, whole);
        codec.store(whole, items);
        ASSERT_EQ(memory.damage(), 0) << codec.type;
      }
    }
  }
}

TEST_P(XsimdTest, TouchesItsItemsOnlyAtAnyAddress) {
  for (const auto& codec : arch().floats) {
    const size_t size = std::string_view(codec.type).starts_with("float8") ? 1 : 2;
    ASSERT_NO_FATAL_FAILURE(check_memory(codec, arch().float_lanes, size));
  }
  for (const auto& codec : arch().times) {
    ASSERT_NO_FATAL_FAILURE(check_memory(codec, arch().double_lanes, 8));
  }
  for (const auto& codec : arch().ticks) {
    ASSERT_NO_FATAL_FAILURE(check_memory(codec, arch().double_lanes, 8));
  }
}

TEST_P(XsimdTest, TimesKeepTheirBitsAsIntegers) {
  for (const auto& codec : arch().ticks) {
    int64_t in[kMaxLanes], lanes[kMaxLanes], out[kMaxLanes];
    for (size_t i = 0; i < kMaxLanes; ++i) in[i] = i % 2 == 0 ? kNaT : int64_t{0x0123456789abcdef};
    codec.load(in, lanes);
    codec.store(lanes, out);
    const size_t bytes = arch().double_lanes * sizeof(int64_t);
    EXPECT_EQ(std::memcmp(in, lanes, bytes), 0) << codec.type;
    EXPECT_EQ(std::memcmp(in, out, bytes), 0) << codec.type;
  }
}

TEST_P(XsimdTest, TimesAsDoubles) {
  std::vector<int64_t> times = {0,
                                1,
                                -1,
                                1'700'000'000'000'000'000,
                                (int64_t{1} << 53) + 1,
                                -(int64_t{1} << 53) - 3,
                                kNaT,
                                kNaT + 1,
                                INT64_MAX,
                                INT64_MAX - 1023,
                                int64_t{0x7fffffffffffff00},
                                -4294967296};
  std::mt19937_64 random(5);
  for (int i = 0; i < 5000; ++i) times.push_back(static_cast<int64_t>(random()) >> (i % 63));
  times.resize(times.size() / kMaxLanes * kMaxLanes);
  for (const auto& codec : arch().times) {
    for (size_t i = 0; i < times.size(); i += arch().double_lanes) {
      double got[kMaxLanes];
      codec.load(&times[i], got);
      for (size_t k = 0; k < arch().double_lanes; ++k) {
        const int64_t time = times[i + k];
        if (time == kNaT) {
          ASSERT_TRUE(std::isnan(got[k]));
        } else {
          ASSERT_EQ(got[k], static_cast<double>(time)) << codec.type << " " << time;
        }
      }
    }
  }
}

TEST_P(XsimdTest, DoublesAsTimes) {
  using Limits = std::numeric_limits<double>;
  std::vector<double> values = {0.0,
                                -0.0,
                                0.5,
                                -0.5,
                                1.75,
                                -1.75,
                                0x1p62,
                                -0x1p62,
                                0x1p63,
                                std::nextafter(0x1p63, 0.0),
                                -0x1p63,
                                -0x1p64,
                                1e300,
                                -1e300,
                                Limits::infinity(),
                                -Limits::infinity(),
                                Limits::quiet_NaN(),
                                -Limits::quiet_NaN(),
                                Limits::denorm_min()};
  std::mt19937_64 random(6);
  while (values.size() % kMaxLanes != 0 || values.size() < 4000) {
    values.push_back(std::ldexp(static_cast<double>(static_cast<int64_t>(random())),
                                -static_cast<int>(values.size() % 70)));
  }
  for (const auto& codec : arch().times) {
    for (size_t i = 0; i < values.size(); i += arch().double_lanes) {
      int64_t got[kMaxLanes];
      codec.store(&values[i], got);
      for (size_t k = 0; k < arch().double_lanes; ++k) {
        const double v = values[i + k];
        const bool fits = v >= -0x1p63 && v < 0x1p63;
        ASSERT_EQ(got[k], fits ? static_cast<int64_t>(v) : kNaT) << codec.type << " " << v;
      }
    }
  }
}

constexpr const XsimdArch* kArchs[] = {
#if defined(__x86_64__)
    &sse2_table, &avx2_table, &fma3_table, &avx512_table,
#elif defined(__aarch64__)
    &neon_table,
#endif
    &emulated_table};

INSTANTIATE_TEST_SUITE_P(Archs, XsimdTest, ::testing::ValuesIn(kArchs), [](const auto& of) {
  std::string name = of.param->name;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::isalnum(c) == 0; }, '_');
  return name;
});

}  // namespace
}  // namespace stridecast::testing
