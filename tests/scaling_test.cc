// Decoding and encoding by Plan::decode and Plan::encode: first the ways in which file formats and
// quantised tensors use them, with values that a reader can check by hand, then the errors, then
// random layouts against plain C++: the conversions of the oracle around one multiplication and one
// addition in the type that is computed in. Every test runs on every SIMD target.

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <vector>

#include "stridecast/kernel_abi.h"
#include "stridecast/plan.h"
#include "tests/reference/element.h"
#include "tests/support/engine_run.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/random_layout.h"
#include "tests/support/target_param.h"
#include "tests/support/values.h"

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

// --- against plain C++ ---------------------------------------------------------------------------

struct Expected {
  uint64_t bits = 0;
  bool error = false;
};

// One operation a statement, in memory, so that no compiler fuses them.
template <typename T>
T scaled(T x, T scale, T offset) {
  volatile T y = x * scale;
  y = y + offset;
  const T result = y;
  return std::isnan(result) && !std::isnan(x) ? std::numeric_limits<T>::quiet_NaN() : result;
}
template <typename T>
T unscaled(T x, T scale, T offset) {
  volatile T y = x - offset;
  y = y / scale;
  return y;
}

// One element, by the policy's words.
struct Model {
  bool encodes = false;
  DType from = kFloat32, to = kFloat32, compute = kFloat64;
  reference::Mode mode = reference::Mode::kWrap;
  std::vector<uint64_t> missing;

  bool is_integer(DType type) const {
    return reference::is_signed_int(type) || reference::is_unsigned_int(type);
  }
  bool is_missing(uint64_t bits) const {
    return std::find(missing.begin(), missing.end(), bits) != missing.end();
  }

  template <typename T>
  Expected run_as(uint64_t bits, double scale, double offset) const {
    const auto value_of = [&](DType type, uint64_t stored) {
      const uint64_t wide = reference::convert(type, stored, compute, reference::Mode::kWrap).bits;
      T x;
      std::memcpy(&x, &wide, sizeof(T));
      return x;
    };
    T x = value_of(from, bits);
    if (!encodes) {
      x = is_missing(bits) ? std::numeric_limits<T>::quiet_NaN()
                           : scaled(x, static_cast<T>(scale), static_cast<T>(offset));
    } else {
      if (std::isnan(x) && !missing.empty()) return {missing[0], false};
      x = unscaled(x, static_cast<T>(scale), static_cast<T>(offset));
      if (is_integer(to)) x = std::nearbyint(x);
    }
    uint64_t wide = 0;
    std::memcpy(&wide, &x, sizeof(T));
    const reference::Converted result = reference::convert(compute, wide, to, mode);
    const bool lands =
        encodes && mode == reference::Mode::kRaise && is_missing(result.bits) && !result.error();
    return {static_cast<uint64_t>(result.bits), result.error() || lands};
  }

  Expected run(uint64_t bits, double scale, double offset) const {
    return compute == kFloat32 ? run_as<float>(bits, scale, offset)
                               : run_as<double>(bits, scale, offset);
  }
};

ElementBytes element_of(DType type, uint64_t bits) {
  ElementBytes element;
  element.size = reference::size(type);
  reference::store(element.bytes.data(), element.size, bits);
  return element;
}

struct Trial {
  Layout src, dst;
  Model model;
  Scaling scaling;
  ConvertOptions options;

  double factor(const std::vector<double>& values, int64_t index) const {
    return values[values.size() == 1 ? 0 : static_cast<size_t>(index)];
  }
};

// "scale (2, 0.5) offset (0) along axis -1", for failure messages.
std::string to_text(const Scaling& scaling) {
  std::string text;
  for (const auto* values : {&scaling.scale, &scaling.offset}) {
    text += values == &scaling.scale ? "scale (" : ") offset (";
    for (const double value : *values) text += std::to_string(value) + " ";
  }
  return text + ") along axis " + std::to_string(scaling.axis) + ", " +
         std::to_string(scaling.missing.size()) + " missing values\n";
}

ByteOrder order_of(const Layout& layout) { return layout.format().scalar()->order; }

// Where item `position` of dst lies in `layout`, which broadcasts to it, and its own C-order index.
struct Place {
  int64_t offset = 0, index = 0;
};
Place place_of(const Layout& layout, const Layout& dst, const std::vector<int64_t>& position) {
  Place place{layout.offset(), 0};
  const int lead = dst.ndim() - layout.ndim();
  for (int axis = 0; axis < layout.ndim(); ++axis) {
    const auto k = static_cast<size_t>(axis);
    const int64_t at = layout.shape()[k] == 1 ? 0 : position[static_cast<size_t>(axis + lead)];
    place.offset += at * layout.strides()[k];
    place.index = place.index * layout.shape()[k] + at;
  }
  return place;
}

template <typename Body>
void for_each_position(const Layout& dst, Body&& body) {
  std::vector<int64_t> position(static_cast<size_t>(dst.ndim()));
  for (int64_t i = 0; i < dst.size(); ++i) {
    int64_t rest = i;
    for (size_t k = position.size(); k-- > 0; rest /= dst.shape()[k]) {
      position[k] = rest % dst.shape()[k];
    }
    body(position);
  }
}

class ScalingRandomTest : public EngineTest {
 protected:
  static constexpr size_t kCapacity = size_t{1} << 20;

  unsigned char* src_bytes(int64_t size) {
    return src_.place(static_cast<size_t>(size), Flush::kRight);
  }
  unsigned char* dst_bytes(int64_t size) {
    return dst_.place(static_cast<size_t>(size), Flush::kRight);
  }

  void run(Random& random, const Trial& trial) {
    const Extent from = trial.src.extent(), to = trial.dst.extent();
    const auto src_bytes = static_cast<size_t>(from.highest - from.lowest);
    const auto dst_bytes = static_cast<size_t>(to.highest - to.lowest);
    if (src_bytes > kCapacity || dst_bytes > kCapacity) return;
    const Flush side = random.chance(50) ? Flush::kLeft : Flush::kRight;
    unsigned char* const src = src_.place(src_bytes, side) - from.lowest;
    unsigned char* const dst = dst_.place(dst_bytes, side) - to.lowest;
    fill(random, trial, src);
    std::memset(dst + to.lowest, 0x5C, dst_bytes);
    std::vector<unsigned char> want(dst + to.lowest, dst + to.highest);
    int64_t bad = INT64_MAX;
    for_each_position(trial.dst, [&](const std::vector<int64_t>& position) {
      const Place at = place_of(trial.src, trial.dst, position);
      const int64_t out = place_of(trial.dst, trial.dst, position).offset;
      const bool several = trial.scaling.scale.size() > 1 || trial.scaling.offset.size() > 1;
      const int64_t index =
          several ? position[static_cast<size_t>(trial.scaling.axis + trial.dst.ndim()) %
                             position.size()]
                  : 0;
      const Model& model = trial.model;
      const uint64_t bits =
          reference::load(src + at.offset, reference::size(model.from), order_of(trial.src));
      const Expected expected = model.run(bits, trial.factor(trial.scaling.scale, index),
                                          trial.factor(trial.scaling.offset, index));
      if (expected.error) bad = std::min(bad, at.index);
      reference::store(want.data() + out - to.lowest, reference::size(model.to), expected.bits,
                       order_of(trial.dst));
    });
    check(random, trial, src, dst, want, bad);
  }

 private:
  void fill(Random& random, const Trial& trial, unsigned char* src) {
    const Model& model = trial.model;
    const int size = reference::size(model.from);
    const auto wide = values_of(model.from, 200);
    const std::vector<uint64_t> values(wide.begin(), wide.end());
    const bool tame = random.chance(60);  // small numbers, most of which fit anywhere
    const Layout& layout = trial.src;
    for_each_position(layout, [&](const std::vector<int64_t>& position) {
      uint64_t bits = random.pick(values);
      if (tame) {
        const auto number = static_cast<uint64_t>(random.between(0, 100));
        bits = reference::convert(kInt64, number, model.from, reference::Mode::kSaturate).bits;
      }
      if (!model.encodes && !model.missing.empty() && random.chance(15)) {
        bits = random.pick(model.missing);
      }
      if (model.encodes && reference::is_float(model.from) && random.chance(10)) {
        const uint64_t nan = std::bit_cast<uint64_t>(kNan64);
        bits = reference::convert(kFloat64, nan, model.from, reference::Mode::kWrap).bits;
      }
      reference::store(src + place_of(layout, layout, position).offset, size, bits,
                       order_of(layout));
    });
  }

  void check(Random& random, const Trial& trial, unsigned char* src, unsigned char* dst,
             const std::vector<unsigned char>& want, int64_t bad) {
    const int64_t chunk = random.pick(std::vector<int64_t>{0, 0, 1, 7});
    std::optional<SmallSeams> seams;
    if (random.chance(50)) seams.emplace(chunk);
    const Plan plan = trial.model.encodes
                          ? Plan::encode(trial.src, trial.dst, trial.scaling, trial.options)
                          : Plan::decode(trial.src, trial.dst, trial.scaling, trial.options);
    RunOptions how;
    how.threads = random.chance(30) ? 3 : 1;
    how.stream = random.chance(30) ? Stream::kAlways : Stream::kAuto;
    const RunStatus status = plan.try_run({src}, {dst}, how);
    if (bad != INT64_MAX) {
      ASSERT_EQ(status.code, StatusCode::kDataError) << plan.explain();
      ASSERT_EQ(status.index, bad) << plan.explain();
      return;
    }
    ASSERT_TRUE(status.ok()) << plan.explain() << "element " << status.index << " is "
                             << status.value;
    const Extent to = trial.dst.extent();
    const bool same = std::equal(want.begin(), want.end(), dst + to.lowest);
    if (!same) explain(trial, src, dst, want, plan);
    ASSERT_EQ(dst_.damage(), 0) << plan.explain();
  }

  void explain(const Trial& trial, const unsigned char* src, const unsigned char* dst,
               const std::vector<unsigned char>& want, const Plan& plan) {
    const Model& model = trial.model;
    const int size = reference::size(model.to);
    for_each_position(trial.dst, [&](const std::vector<int64_t>& position) {
      if (HasFatalFailure()) return;
      const int64_t out = place_of(trial.dst, trial.dst, position).offset;
      const Place at = place_of(trial.src, trial.dst, position);
      const uint64_t in =
          reference::load(src + at.offset, reference::size(model.from), order_of(trial.src));
      ASSERT_EQ(
          reference::load(dst + out, size, order_of(trial.dst)),
          reference::load(want.data() + out - trial.dst.extent().lowest, size, order_of(trial.dst)))
          << plan.explain() << to_text(trial.scaling) << "source element " << at.index << ": "
          << reference::to_text(model.from, in);
    });
    if (!HasFatalFailure()) FAIL() << "bytes between items changed\n" << plan.explain();
  }

  GuardedBuffer src_{kCapacity}, dst_{kCapacity};
};
STRIDECAST_INSTANTIATE_FOR_TARGETS(ScalingRandomTest);

Format format_of(Random& random, DType type) {
  return Format::of(type, random.chance(30) ? ByteOrder::kBig : ByteOrder::kLittle);
}

Layout layouts_for(Random& random, const Format& src, const Format& dst, Layout* from) {
  if (random.chance(25)) {
    const Turned turned = random_turned(random, src, dst);
    *from = turned.src;
    return turned.dst;
  }
  std::vector<int64_t> shape = random_shape(random, 4, random.chance(20) ? 6000 : 300);
  if (random.chance(20)) shape = {random.between(1, 900), random.between(1, 5)};
  if (random.chance(30)) {
    *from = Layout::contiguous(src, shape);
    return Layout::contiguous(dst, shape);
  }
  *from = random_source(random, src, random_broadcastable(random, shape));
  return random_destination(random, dst, shape);
}

Trial random_trial(Random& random, bool encodes) {
  Model model;
  model.encodes = encodes;
  constexpr DType kSmall[] = {kInt8, kUint8, kInt16, kUint16, kInt32, kFloat32, kFloat64};
  const bool usual = random.chance(50);
  const auto any = [&] { return usual ? random.pick(kSmall) : random.pick(reference::kTypes); };
  model.from = any();
  model.to = any();
  model.mode = random.pick(reference::kModes);
  const Format src = format_of(random, model.from), dst = format_of(random, model.to);
  Layout from = Layout::contiguous(src, {});
  const Layout to = layouts_for(random, src, dst, &from);
  Scaling scaling;
  std::vector<double> scales = {1, 0.5, 0.01, -2, 1e-3, 3.7, 12345.678};
  if (!encodes) scales.push_back(0);
  const std::vector<double> offsets = {0, 0, 1, -273.15, 100, 0.1};
  const bool several = to.ndim() > 0 && random.chance(60);
  if (several) scaling.axis = static_cast<int>(random.below(to.ndim()));
  const auto n = several ? static_cast<size_t>(to.shape()[static_cast<size_t>(scaling.axis)]) : 1;
  scaling.scale.resize(std::max<size_t>(random.chance(80) ? n : 1, 1));
  scaling.offset.resize(std::max<size_t>(random.chance(80) ? n : 1, 1));
  for (double& scale : scaling.scale) scale = random.pick(scales);
  for (double& offset : scaling.offset) offset = random.pick(offsets);
  if (several && random.chance(50)) scaling.axis -= to.ndim();
  const DType stored = encodes ? model.to : model.from;
  const auto wide = values_of(stored, 50);
  const std::vector<uint64_t> values(wide.begin(), wide.end());
  const int64_t count = encodes ? random.below(2) : random.pick(std::vector{0, 1, 1, 3, 8});
  for (int64_t k = 0; k < count; ++k) {
    model.missing.push_back(random.pick(values));
    scaling.missing.push_back(element_of(stored, model.missing.back()));
  }
  model.compute = model.to == kFloat32 ? kFloat32 : kFloat64;
  if (random.chance(40)) {
    model.compute = scaling.compute = random.chance(50) ? kFloat32 : kFloat64;
  }
  return {from, to, model, scaling, {.overflow = overflow_of(model.mode)}};
}

TEST_P(ScalingRandomTest, Decode) {
  for (uint64_t seed = 1; seed <= 600 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    run(random, random_trial(random, false));
  }
}

TEST_P(ScalingRandomTest, Encode) {
  for (uint64_t seed = 1; seed <= 600 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    run(random, random_trial(random, true));
  }
}

// A missing value at every place of runs of every length, beside none: vectors, tails and what
// kernels report of lanes that are no items.
TEST_P(ScalingRandomTest, MissingAtEveryPosition) {
  Random random(7);
  for (const DType type : {kInt8, kUint8, kInt16, kInt32, kInt64, kFloat32, kFloat64, kBFloat16}) {
    for (int64_t n = 1; n <= 40; ++n) {
      for (int64_t at = 0; at < n; ++at) {
        const uint64_t seven = reference::convert(kInt8, 7, type, reference::Mode::kWrap).bits;
        const uint64_t fill = reference::convert(kInt8, 99, type, reference::Mode::kWrap).bits;
        const int size = reference::size(type);
        unsigned char* const src = src_bytes(n * size);
        unsigned char* const dst = dst_bytes(n * 4);
        for (int64_t i = 0; i < n; ++i)
          reference::store(src + i * size, size, i == at ? fill : seven);
        const Layout stored = Layout::contiguous(Format::of(type), {n});
        const Layout numbers = Layout::contiguous(Format::parse("f"), {n});
        const Scaling scaling = scaling_of(2, 1, {element_of(type, fill)});
        Plan::decode(stored, numbers, scaling).run(src, dst);
        for (int64_t i = 0; i < n; ++i) {
          const auto want =
              i == at ? std::bit_cast<uint32_t>(kNan) : std::bit_cast<uint32_t>(15.0f);
          ASSERT_EQ(reference::load(dst + i * 4, 4), want) << type_facts(type).name << " " << n;
        }
        std::vector<unsigned char> back(static_cast<size_t>(n * size));
        const Plan encode = Plan::encode(numbers, stored, scaling, kRaising);
        ASSERT_TRUE(encode.try_run({dst}, {back.data()}).ok()) << encode.explain();
        ASSERT_TRUE(std::equal(back.begin(), back.end(), src)) << encode.explain();
      }
    }
  }
}

}  // namespace
}  // namespace stridecast::testing
