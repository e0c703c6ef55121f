// Decoding and encoding by Plan::decode and Plan::encode: first the ways in which file formats and
// quantised tensors use them, with values that a reader can check by hand, then the errors. Every
// test runs on every SIMD target; random layouts are random_scaling_test.cc.

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include "stridecast/kernel_abi.h"
#include "stridecast/plan.h"
#include "tests/reference/element.h"
#include "tests/support/engine_run.h"
#include "tests/support/target_param.h"

namespace stridecast::testing {
namespace {

using enum DType;

constexpr ConvertOptions kRaising = {.overflow = Overflow::kRaise};
constexpr ConvertOptions kSaturating = {.overflow = Overflow::kSaturate};
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr double kNan64 = std::numeric_limits<double>::quiet_NaN();

template <typename T>
const char* code_of();
template <>
const char* code_of<int8_t>() {
  return "b";
}
template <>
const char* code_of<int16_t>() {
  return "h";
}
template <>
const char* code_of<int32_t>() {
  return "i";
}
template <>
const char* code_of<int64_t>() {
  return "q";
}
template <>
const char* code_of<float>() {
  return "f";
}
template <>
const char* code_of<double>() {
  return "d";
}

template <typename T>
Layout packed(size_t n, const std::string& format = code_of<T>()) {
  return Layout::contiguous(Format::parse(format), {static_cast<int64_t>(n)});
}

template <typename To, typename From>
std::vector<To> decode(const std::vector<From>& in, const Scaling& scaling,
                       const ConvertOptions& options = {}) {
  std::vector<To> out(in.size());
  Plan::decode(packed<From>(in.size()), packed<To>(in.size()), scaling, options)
      .run(in.data(), out.data());
  return out;
}

template <typename To, typename From>
std::vector<To> encode(const std::vector<From>& in, const Scaling& scaling,
                       const ConvertOptions& options = {}) {
  std::vector<To> out(in.size());
  Plan::encode(packed<From>(in.size()), packed<To>(in.size()), scaling, options)
      .run(in.data(), out.data());
  return out;
}

template <typename T>
std::vector<uint64_t> bits_of(const std::vector<T>& values) {
  std::vector<uint64_t> bits;
  for (const T& value : values) bits.push_back(reference::load(&value, sizeof(T)));
  return bits;
}

Scaling scaling_of(double scale, double offset, std::vector<ElementBytes> missing = {}) {
  Scaling scaling;
  scaling.scale = {scale};
  scaling.offset = {offset};
  scaling.missing = std::move(missing);
  return scaling;
}

template <typename Make>
std::string message_of(const Make& make, ErrorCode code = ErrorCode::kInvalidArgument) {
  try {
    make();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  return "nothing was thrown";
}

class ScalingTest : public EngineTest {};
STRIDECAST_INSTANTIATE_FOR_TARGETS(ScalingTest);

// --- as formats use it ---------------------------------------------------------------------------

// scale_factor, add_offset and two missing values of a netCDF variable, stored big-endian.
TEST_P(ScalingTest, PackedDataOfAFile) {
  const std::vector<int16_t> stored = {0, 1, -32767, 5000, -1, -32768};
  std::vector<int16_t> swapped;
  for (const int16_t x : stored) {
    swapped.push_back(static_cast<int16_t>(__builtin_bswap16(static_cast<uint16_t>(x))));
  }
  const Scaling scaling = scaling_of(
      0.5, 273.25, {ElementBytes::of(int16_t{-32767}), ElementBytes::of(int16_t{-32768})});
  std::vector<float> kelvin(stored.size());
  Plan::decode(packed<int16_t>(6, ">h"), packed<float>(6), scaling)
      .run(swapped.data(), kelvin.data());
  EXPECT_EQ(bits_of(kelvin), bits_of<float>({273.25f, 273.75f, kNan, 2773.25f, 272.75f, kNan}));
}

// BZERO = 32768 is how FITS has unsigned integers.
TEST_P(ScalingTest, UnsignedIntegersAsSignedOnes) {
  Scaling scaling = scaling_of(1, 32768);
  EXPECT_EQ(decode<int32_t>(std::vector<int16_t>{-32768, -1, 0, 32767}, scaling),
            (std::vector<int32_t>{0, 32767, 32768, 65535}));
  EXPECT_EQ(encode<int16_t>(std::vector<int32_t>{0, 32767, 32768, 65535}, scaling, kRaising),
            (std::vector<int16_t>{-32768, -1, 0, 32767}));
}

// Integers that a format stores from the middle of its own type's range on: exact at every size, in
// any byte order, whatever they are converted to, and on the way back.
template <typename Stored>
void check_the_middle(const char* stored_format, const char* swapped_format, const char* wanted) {
  using Wanted = std::conditional_t<std::is_signed_v<Stored>, std::make_unsigned_t<Stored>,
                                    std::make_signed_t<Stored>>;
  constexpr Stored kLow = std::numeric_limits<Stored>::min();
  constexpr Stored kHigh = std::numeric_limits<Stored>::max();
  std::vector<Stored> stored = {kLow, Stored(kLow + 1),  Stored(-1), 0, 1,
                                2,    Stored(kHigh - 1), kHigh};
  for (int k = 0; k < 200; ++k)
    stored.push_back(static_cast<Stored>(uint64_t(k) * 0x9E3779B97F4A7C15));
  std::vector<Wanted> want;
  for (const Stored x : stored) {
    const uint64_t middle = uint64_t{1} << (8 * sizeof(Wanted) - 1);
    want.push_back(static_cast<Wanted>(static_cast<uint64_t>(x) ^ middle));
  }
  const double half = std::ldexp(1.0, 8 * sizeof(Stored) - 1);
  const Scaling scaling = scaling_of(1, std::is_signed_v<Stored> ? half : -half);
  for (size_t n : {size_t{1}, size_t{7}, stored.size()}) {
    for (const char* format : {stored_format, swapped_format}) {
      const bool swaps = format == swapped_format && sizeof(Stored) > 1;
      std::vector<Stored> bytes(stored.begin(), stored.begin() + static_cast<ptrdiff_t>(n));
      for (Stored& x : bytes) {
        auto* const first = reinterpret_cast<unsigned char*>(&x);
        if (swaps) std::reverse(first, first + sizeof(x));
      }
      const std::vector<Wanted> few(want.begin(), want.begin() + static_cast<ptrdiff_t>(n));
      std::vector<Wanted> out(n);
      const Plan reads =
          Plan::decode(packed<Stored>(n, format), packed<Stored>(n, wanted), scaling);
      EXPECT_NE(reads.explain().find("flip bits"), std::string::npos) << reads.explain();
      reads.run(bytes.data(), out.data());
      EXPECT_EQ(out, few) << format;
      std::vector<Stored> back(n);
      Plan::encode(packed<Stored>(n, wanted), packed<Stored>(n, format), scaling, kRaising)
          .run(out.data(), back.data());
      EXPECT_EQ(back, bytes) << format;
    }
  }
}

TEST_P(ScalingTest, OffsetsOfHalfTheRangeAreExact) {
  check_the_middle<int8_t>("b", "b", "B");
  check_the_middle<uint8_t>("B", "B", "b");
  check_the_middle<int16_t>("<h", ">h", "H");
  check_the_middle<uint16_t>("<H", ">H", "h");
  check_the_middle<int32_t>("<i", ">i", "I");
  check_the_middle<uint32_t>("<I", ">I", "i");
  check_the_middle<int64_t>("<q", ">q", "Q");
  check_the_middle<uint64_t>("<Q", ">Q", "q");
}

// What they become beyond that follows the rules for integers; other parameters are computed.
TEST_P(ScalingTest, OffsetsOfHalfTheRangeFollowTheRules) {
  const Scaling scaling = scaling_of(1, 0x1p63);
  std::vector<int64_t> stored = {INT64_MIN, INT64_MIN + 300, -1, INT64_MAX};
  EXPECT_EQ(decode<int32_t>(stored, scaling), (std::vector<int32_t>{0, 300, -1, -1}));
  EXPECT_EQ(decode<int8_t>(stored, scaling, kSaturating), (std::vector<int8_t>{0, 127, 127, 127}));
  std::vector<int8_t> out(4);
  const Plan raising = Plan::decode(packed<int64_t>(4), packed<int8_t>(4), scaling, kRaising);
  const RunStatus status = raising.try_run({stored.data()}, {out.data()});
  EXPECT_EQ(status.code, StatusCode::kDataError);
  EXPECT_EQ(status.index, 1);
  EXPECT_EQ(
      encode<int16_t>(std::vector<int32_t>{-1, 0, 65535, 70000}, scaling_of(1, 32768), kSaturating),
      (std::vector<int16_t>{-32768, -32768, 32767, 32767}));
  EXPECT_EQ(encode<int16_t>(std::vector<int32_t>{-1, 0, 65535, 70000}, scaling_of(1, 32768)),
            (std::vector<int16_t>{32767, -32768, 32767, 70000 - 65536 - 32768}));
  Scaling computed = scaling;
  computed.compute = kFloat64;
  EXPECT_EQ(decode<int64_t>(std::vector<int64_t>{INT64_MIN + 300}, computed),
            (std::vector<int64_t>{0}));  // float64 holds 53 bits
  EXPECT_EQ(decode<int32_t>(std::vector<int16_t>{-32768, 5},
                            scaling_of(1, 32768, {ElementBytes::of(int16_t{5})}), kSaturating),
            (std::vector<int32_t>{0, 0}));
}

// (q - zero point) * scale for each channel, as offset = -zero point * scale.
TEST_P(ScalingTest, ChannelsOfAQuantisedTensor) {
  Scaling scaling;
  scaling.scale = {0.5, 0.25};
  scaling.offset = {-5, 1};
  scaling.axis = 0;
  const Layout stored = Layout::contiguous(Format::parse("b"), {2, 3});
  const Layout numbers = Layout::contiguous(Format::parse("f"), {2, 3});
  const std::vector<int8_t> q = {10, 12, -128, 0, 4, 127};
  std::vector<float> x(6);
  Plan::decode(stored, numbers, scaling).run(q.data(), x.data());
  EXPECT_EQ(x, (std::vector<float>{0, 1, -69, 1, 2, 32.75}));
  std::vector<int8_t> back(6);
  x[2] = -1000;  // clamped
  Plan::encode(numbers, stored, scaling, kSaturating).run(x.data(), back.data());
  EXPECT_EQ(back, q);
  scaling.axis = -2;  // the same one
  Plan::decode(stored, numbers, scaling).run(q.data(), x.data());
  EXPECT_EQ(x[4], 2);
}

TEST_P(ScalingTest, TwoRoundingsInTheTypeThatIsComputedIn) {
  // 3 * 0.1 rounds up in float32, and again after the addition: a fused operation gives another.
  const float product = 3.0f * 0.1f, sum = product + 0.7f;
  EXPECT_EQ(decode<float>(std::vector<int16_t>{3}, scaling_of(0.1, 0.7))[0], sum);
  EXPECT_EQ(decode<double>(std::vector<int16_t>{3}, scaling_of(0.1, 0.7))[0], 3 * 0.1 + 0.7);
  // float64 for a destination that is neither; on request for one that is.
  Scaling wide = scaling_of(0.1, 0.7);
  wide.compute = kFloat64;
  EXPECT_EQ(decode<float>(std::vector<int32_t>{16777217}, wide)[0],
            static_cast<float>(16777217 * 0.1 + 0.7));
  Scaling narrow = scaling_of(0.1, 0);
  narrow.compute = kFloat32;
  EXPECT_EQ(decode<double>(std::vector<int16_t>{3}, narrow)[0], double{product});
}

TEST_P(ScalingTest, MissingValuesAreComparedAsBits) {
  const Scaling zero = scaling_of(2, 1, {ElementBytes::of(0.0f)});
  EXPECT_EQ(bits_of(decode<float>(std::vector<float>{0.0f, -0.0f, 3}, zero)),
            bits_of<float>({kNan, 1, 7}));
  // 2^24 and 2^24 + 1 are one float32.
  const Scaling large = scaling_of(1, 0, {ElementBytes::of(int32_t{16777217})});
  EXPECT_EQ(bits_of(decode<float>(std::vector<int32_t>{16777216, 16777217}, large)),
            bits_of<float>({16777216, kNan}));
  const Scaling widest = scaling_of(1, 0, {ElementBytes::of(INT64_MAX)});
  EXPECT_EQ(bits_of(decode<double>(std::vector<int64_t>{INT64_MAX, INT64_MAX - 1}, widest)),
            bits_of<double>({kNan64, 0x1p63}));
}

TEST_P(ScalingTest, EncodingRoundsToNearestEvenUnlessToldOtherwise) {
  const std::vector<double> x = {0.5, 1.5, 2.5, -0.5, -1.5, 2.4999, 2.5001};
  EXPECT_EQ(encode<int8_t>(x, scaling_of(1, 0)), (std::vector<int8_t>{0, 2, 2, 0, -2, 2, 3}));
  EXPECT_EQ(encode<int64_t>(x, scaling_of(1, 0)), (std::vector<int64_t>{0, 2, 2, 0, -2, 2, 3}));
  EXPECT_EQ(encode<int8_t>(x, scaling_of(1, 0), {.rounding = Rounding::kTowardsZero}),
            (std::vector<int8_t>{0, 1, 2, 0, -1, 2, 2}));
  EXPECT_EQ(encode<float>(x, scaling_of(2, 1))[0], -0.25f);
}

// Quotients at the middle of two integers and some steps beside it, by scales whose inverse is no
// number, or a rounded one: what the division gives, rounded, and not what a product would.
TEST_P(ScalingTest, EncodingRoundsTheQuotient) {
  using Limits = std::numeric_limits<double>;
  for (const double scale : {1.0, 0.1, 0.3, 3.0, 7.0, -1e-3, 1.0 / 3, 1e300, 1e-310, Limits::max(),
                             Limits::denorm_min()}) {
    std::vector<double> x = {Limits::infinity(), -Limits::infinity(), Limits::max(), 0.0, -0.0};
    std::vector<int16_t> expected;
    for (int k = -40; k <= 40; ++k) {
      double at = (k * 400 + 0.5) * scale;
      for (int step = 0; step < 4; ++step) at = std::nextafter(at, -Limits::infinity());
      for (int step = 0; step < 8; ++step, at = std::nextafter(at, Limits::infinity())) {
        x.push_back(at);
      }
    }
    for (const double value : x) {
      const double number = std::nearbyint(value / scale);
      expected.push_back(static_cast<int16_t>(std::clamp(number, -32768.0, 32767.0)));
    }
    EXPECT_EQ(encode<int16_t>(x, scaling_of(scale, 0), kSaturating), expected) << scale;
  }
}

TEST_P(ScalingTest, EncodingPutsTheMissingValueInPlaceOfNan) {
  const std::vector<float> x = {1, kNan, 3};
  for (const Overflow overflow : {Overflow::kDefault, Overflow::kSaturate, Overflow::kRaise}) {
    const Scaling scaling = scaling_of(0.5, 0, {ElementBytes::of(int16_t{-1})});
    EXPECT_EQ(encode<int16_t>(x, scaling, {.overflow = overflow}),
              (std::vector<int16_t>{2, -1, 6}));
    const Scaling wide = scaling_of(0.5, 0, {ElementBytes::of(INT64_MAX - 1)});  // no float64
    EXPECT_EQ(encode<int64_t>(x, wide, {.overflow = overflow}),
              (std::vector<int64_t>{2, INT64_MAX - 1, 6}));
    const Scaling fill = scaling_of(0.5, 0, {ElementBytes::of(1e30f)});
    EXPECT_EQ(encode<float>(x, fill, {.overflow = overflow}), (std::vector<float>{2, 1e30f, 6}));
  }
}

// Without a missing value NaN follows the rules of a plain conversion.
TEST_P(ScalingTest, NanWithoutAMissingValue) {
  const std::vector<double> x = {1, kNan64};
  EXPECT_EQ(encode<int16_t>(x, scaling_of(1, 0), kSaturating), (std::vector<int16_t>{1, 0}));
  EXPECT_EQ(encode<int64_t>(x, scaling_of(1, 0)), (std::vector<int64_t>{1, INT64_MIN}));
  for (const ConvertOptions& options : {kRaising, ConvertOptions{.nan = NanPolicy::kRaise}}) {
    const Plan plan =
        Plan::encode(packed<double>(2), packed<int16_t>(2), scaling_of(1, 0), options);
    int16_t out[2];
    const RunStatus status = plan.try_run({const_cast<double*>(x.data())}, {out});
    EXPECT_EQ(status.error_bits, uint32_t{SC_ERR_NAN});
    EXPECT_EQ(status.index, 1);
  }
}

TEST_P(ScalingTest, ValuesThatLandOnTheMissingValueAreAnErrorUnderRaise) {
  const auto status_of = [](auto missing, double landing, const ConvertOptions& options) {
    using T = decltype(missing);
    const std::vector<double> x = {3, kNan64, landing, landing};
    std::vector<T> out(x.size());
    const Plan plan = Plan::encode(packed<double>(4), packed<T>(4),
                                   scaling_of(0.5, 1, {ElementBytes::of(missing)}), options);
    return plan.try_run({const_cast<double*>(x.data())}, {out.data()});
  };
  for (const RunStatus& status :
       {status_of(int8_t{-99}, -48.6, kRaising), status_of(int64_t{-99}, -48.6, kRaising),
        status_of(-99.0f, -48.5, kRaising)}) {
    EXPECT_EQ(status.code, StatusCode::kDataError);
    EXPECT_EQ(status.error_bits, uint32_t{SC_ERR_OVERFLOW});
    EXPECT_EQ(status.index, 2);
  }
  EXPECT_TRUE(status_of(int8_t{-99}, -48.6, {}).ok());
  EXPECT_TRUE(status_of(int8_t{-99}, -48.6, kSaturating).ok());
  EXPECT_TRUE(status_of(int8_t{-99}, -47, kRaising).ok());
}

TEST_P(ScalingTest, ErrorsSayThatAMissingValueWasMet) {
  const std::vector<double> x = {1, 2};
  const Plan plan = Plan::encode(packed<double>(2), packed<int8_t>(2),
                                 scaling_of(1, 0, {ElementBytes::of(int8_t{2})}), kRaising);
  int8_t out[2];
  const std::string message = message_of([&] { plan.run(x.data(), out); }, ErrorCode::kData);
  EXPECT_EQ(
      message.rfind("element 1: 2 is out of the destination's range, or becomes the value", 0), 0u)
      << message;
}

TEST_P(ScalingTest, TimesAndNat) {
  const Layout times = Layout::contiguous(Format::parse("[numpy$datetime64$s]"), {3});
  const Scaling days = scaling_of(86400, 1e9, {ElementBytes::of(int16_t{-1})});
  const std::vector<int16_t> stored = {0, 2, -1};
  std::vector<int64_t> seconds(3);
  Plan::decode(packed<int16_t>(3), times, days).run(stored.data(), seconds.data());
  EXPECT_EQ(seconds, (std::vector<int64_t>{1000000000, 1000172800, INT64_MIN}));
  std::vector<int16_t> back(3);
  Plan::encode(times, packed<int16_t>(3), days, kRaising).run(seconds.data(), back.data());
  EXPECT_EQ(back, stored);
  // NaT is missing without being asked for, on either side.
  std::vector<double> numbers(3);
  Plan::decode(times, packed<double>(3), scaling_of(1, 0)).run(seconds.data(), numbers.data());
  EXPECT_EQ(bits_of(numbers), bits_of<double>({1000000000, 1000172800, kNan64}));
  Plan::encode(packed<double>(3), times, scaling_of(1, 0)).run(numbers.data(), seconds.data());
  EXPECT_EQ(seconds, (std::vector<int64_t>{1000000000, 1000172800, INT64_MIN}));
  // What no time can hold is an error by default.
  const std::vector<double> huge = {0, 1e19, 0};
  EXPECT_EQ(Plan::decode(packed<double>(3), times, scaling_of(1, 0))
                .try_run({const_cast<double*>(huge.data())}, {seconds.data()})
                .index,
            1);
  EXPECT_NE(message_of([&] {
              Plan::decode(packed<double>(3), times, scaling_of(1, 0),
                           {.overflow = Overflow::kWrap});
            }).find("do not wrap"),
            std::string::npos);
}

// --- errors --------------------------------------------------------------------------------------

TEST_P(ScalingTest, SaysWhatMakesNoSense) {
  const Layout src = Layout::contiguous(Format::parse("h"), {4, 3});
  const Layout dst = Layout::contiguous(Format::parse("f"), {4, 3});
  const auto expect = [&](const Scaling& scaling, const std::string& part, bool encodes = false) {
    const std::string message = message_of(
        [&] { encodes ? Plan::encode(dst, src, scaling) : Plan::decode(src, dst, scaling); });
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  Scaling scaling;
  scaling.scale = {1, 2};
  expect(scaling, "scale has 2 values, but axis 1 of the destination has 3");
  scaling.scale = {1, 2, 3};
  scaling.offset = {1, 2, 3, 4};
  expect(scaling, "offset has 4 values");
  scaling.offset = {1};
  scaling.axis = 2;
  expect(scaling, "axis 2 of scale and offset is none of the 2 axes");
  scaling.axis = -3;
  expect(scaling, "axis -3");
  scaling.scale = {};
  expect(scaling, "needed");
  expect(scaling_of(std::numeric_limits<double>::infinity(), 0), "not finite");
  expect(scaling_of(1, kNan64), "offset nan is not finite");
  expect(scaling_of(1e300, 0), "compute in float64");
  expect(scaling_of(0, 0), "must not be 0", true);
  expect(scaling_of(1, 0, {ElementBytes::of(int32_t{1})}), "has 4 bytes, but int16");
  expect(scaling_of(1, 0, std::vector(9, ElementBytes::of(int16_t{1}))), "at most 8");
  expect(scaling_of(1, 0, std::vector(2, ElementBytes::of(int16_t{1}))), "at most 1", true);
  Scaling halves = scaling_of(1, 0);
  halves.compute = kFloat16;
  expect(halves, "not in float16");
}

TEST_P(ScalingTest, OneNumberAnItem) {
  const Layout numbers = packed<float>(3);
  for (const char* text : {"T{f:x:}", "(2)h", "Zf", "5s"}) {
    const Layout other = Layout::contiguous(Format::parse(text), {3});
    const auto decodes = [&] { Plan::decode(other, numbers, scaling_of(1, 0)); };
    EXPECT_NE(message_of(decodes, ErrorCode::kNoConversion).find("one real number"),
              std::string::npos)
        << text;
    EXPECT_THROW(Plan::encode(numbers, other, scaling_of(1, 0)), Error);
  }
}

TEST_P(ScalingTest, PlansSayWhatTheyDo) {
  const std::string text =
      Plan::decode(packed<int16_t>(9, ">h"), packed<float>(9), scaling_of(2, 1)).explain();
  EXPECT_EQ(text.rfind("decode on ", 0), 0u) << text;
  EXPECT_NE(text.find("decode to float32"), std::string::npos) << text;
}

// The item whose parameters make it too large, where a source is broadcast along their axis.
TEST_P(ScalingTest, ErrorsKnowTheParametersOfEveryPlace) {
  Scaling scaling;
  scaling.scale = {1, 1, 0.001};
  scaling.axis = 0;
  const Layout src = Layout::contiguous(Format::parse("f"), {2});
  const Layout dst = Layout::contiguous(Format::parse("b"), {3, 2});
  float x[2] = {0.1f, 5};  // 5 / 0.001 does not fit
  int8_t out[6];
  const RunStatus status = Plan::encode(src, dst, scaling, kRaising).try_run({x}, {out});
  EXPECT_EQ(status.code, StatusCode::kDataError);
  EXPECT_EQ(status.index, 1);
  EXPECT_STREQ(status.value, "5");
}

TEST_P(ScalingTest, InPlaceAndOverlapping) {
  std::vector<int32_t> memory = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  Plan::decode(packed<int32_t>(9), packed<float>(9), scaling_of(0.5, 1))
      .run(memory.data(), memory.data());
  for (int k = 0; k < 9; ++k) EXPECT_EQ(std::bit_cast<float>(memory[k]), 0.5f * (k + 1) + 1);
  // Widening over itself: from the end.
  std::vector<float> wide(8);
  int16_t stored[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  std::memcpy(wide.data(), stored, sizeof(stored));
  Scaling scaling = scaling_of(2, 1);
  scaling.offset = {0, 1, 2, 3, 4, 5, 6, 7};
  Plan::decode(packed<int16_t>(8), packed<float>(8), scaling).run(wide.data(), wide.data());
  EXPECT_EQ(wide, (std::vector<float>{2, 5, 8, 11, 14, 17, 20, 23}));
  // Reversed over itself: no order will do, a copy will.
  std::vector<int32_t> turned = {1, 2, 3, 4};
  const Layout back = Layout::strided(Format::parse("f"), {4}, {-4}, 12);
  scaling.offset = {0, 10, 20, 30};
  const Plan plan = Plan::decode(packed<int32_t>(4), back, scaling);
  EXPECT_EQ(plan.try_run({turned.data()}, {turned.data()}).code, StatusCode::kOverlap);
  RunOptions copies;
  copies.overlap = OverlapPolicy::kCopy;
  plan.run(turned.data(), turned.data(), copies);
  EXPECT_EQ(std::bit_cast<float>(turned[0]), 38);
  EXPECT_EQ(std::bit_cast<float>(turned[3]), 2);
}

}  // namespace
}  // namespace stridecast::testing
