// Decoding and encoding of random layouts against plain C++: the conversions of the oracle around
// one multiplication and one addition in the type that is computed in. Every test runs on every
// SIMD target.

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <vector>

#include "stridecast/plan.h"
#include "tests/reference/element.h"
#include "tests/support/engine_run.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/random_case.h"
#include "tests/support/random_layout.h"
#include "tests/support/target_param.h"
#include "tests/support/values.h"

namespace stridecast::testing {
namespace {

using enum DType;

constexpr ConvertOptions kRaising = {.overflow = Overflow::kRaise};
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr double kNan64 = std::numeric_limits<double>::quiet_NaN();

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
  for_each_seed(600, [&](uint64_t seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    run(random, random_trial(random, false));
  });
}

TEST_P(ScalingRandomTest, Encode) {
  for_each_seed(600, [&](uint64_t seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    run(random, random_trial(random, true));
  });
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
        Scaling scaling;
        scaling.scale = {2};
        scaling.offset = {1};
        scaling.missing = {element_of(type, fill)};
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
