// Registered types on their way through plans: as what they are stored as, or by their own kernels,
// which here are those of a fixed-point type, of a type of three bytes, and of one that counts.

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <mutex>
#include <numeric>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "stridecast/ops.h"
#include "stridecast/plan.h"
#include "tests/support/engine_run.h"
#include "tests/support/target_param.h"

namespace stridecast::testing {
namespace {

template <typename T>
T load(const void* base, int64_t i) {
  T value;
  std::memcpy(&value, static_cast<const char*>(base) + i * int64_t{sizeof(T)}, sizeof(T));
  return value;
}
template <typename T>
void store(void* base, int64_t i, T value) {
  std::memcpy(static_cast<char*>(base) + i * int64_t{sizeof(T)}, &value, sizeof(T));
}

// Sixteenths in 32 bits; `params` is how many parts make one.
uint32_t fixed_to_double(const sc_run* run) {
  const double parts = *static_cast<const double*>(run->params);
  for (int64_t i = 0; i < run->n[1]; ++i) {
    store(run->dst, i, load<int32_t>(run->src, i) / parts);
  }
  return 0;
}
uint32_t double_to_fixed(const sc_run* run) {
  const double parts = *static_cast<const double*>(run->params);
  uint32_t errors = 0;
  for (int64_t i = 0; i < run->n[1]; ++i) {
    const double value = load<double>(run->src, i) * parts;
    const bool fits = value >= -2147483648.0 && value <= 2147483647.0;
    errors |= fits ? 0 : SC_ERR_OVERFLOW;
    store(run->dst, i, fits ? static_cast<int32_t>(value) : 0);
  }
  return errors;
}
constexpr double kSixteen = 16;

// Three bytes, most significant first; refuses 0xFFFFFF.
uint32_t three_bytes_to_int(const sc_run* run) {
  uint32_t errors = 0;
  for (int64_t i = 0; i < run->n[1]; ++i) {
    const auto* p = static_cast<const unsigned char*>(run->src) + 3 * i;
    const int32_t value = p[0] << 16 | p[1] << 8 | p[2];
    if (value == 0xFFFFFF) errors |= SC_ERR_USER;
    store(run->dst, i, value);
  }
  return errors;
}

class RegisteredTypes : public EngineTest {
 protected:
  static void SetUpTestSuite() {
    register_type({.module = "fixed",
                   .qualname = "Q4",
                   .layout = {.size = 4, .alignment = 4, .swap_unit = 4},
                   .conversions = {{.other = DType::kFloat64,
                                    .decode = fixed_to_double,
                                    .encode = double_to_fixed,
                                    .params = &kSixteen}}});
    register_type({.module = "fixed",
                   .qualname = "U24",
                   .layout = {.size = 3},
                   .conversions = {{.other = DType::kInt32, .decode = three_bytes_to_int}}});
    register_type({.module = "fixed", .qualname = "Celsius", .layout = {.storage = "d"}});
    register_type({.module = "fixed", .qualname = "Pair", .layout = {.storage = "T{h:a:d:b:}"}});
  }
};
STRIDECAST_INSTANTIATE_FOR_TARGETS(RegisteredTypes);

Layout packed(const char* text, int64_t n) { return Layout::contiguous(Format::parse(text), {n}); }

template <typename To, typename From>
std::vector<To> converted(const char* from, const std::vector<From>& values, const char* to,
                          const ConvertOptions& options = {}) {
  const auto bytes = static_cast<int64_t>(values.size() * sizeof(From));
  const int64_t n = bytes / Format::parse(from).itemsize();
  std::vector<To> result(static_cast<size_t>(n * Format::parse(to).itemsize()) / sizeof(To));
  Plan::convert(packed(from, n), packed(to, n), options).run(values.data(), result.data());
  return result;
}

TEST_P(RegisteredTypes, ConvertAsWhatTheyAreStoredAs) {
  const std::vector<double> values = {1.5, -2, 300};
  EXPECT_EQ((converted<float>("[fixed$Celsius$]", values, "f")),
            (std::vector<float>{1.5f, -2, 300}));
  EXPECT_EQ((converted<double>("f", std::vector<float>{0.5f, 7}, "[fixed$Celsius$]")),
            (std::vector<double>{0.5, 7}));
  EXPECT_EQ((converted<uint64_t>("d", std::vector<double>{1}, ">[fixed$Celsius$]")),
            (std::vector<uint64_t>{0xF03F}));
}

TEST_P(RegisteredTypes, ConvertFieldByFieldWhereTheyAreStoredAsStructs) {
  // By name, to another struct; by mark, with every element swapped.
  const std::vector<unsigned char> pair = {0, 7, 0, 0, 0, 0, 0, 0, 0x3F, 0xF0, 0, 0, 0, 0, 0, 0};
  EXPECT_EQ((converted<float>(">[fixed$Pair$]", pair, "T{f:b:f:a:}")), (std::vector<float>{1, 7}));
}

TEST_P(RegisteredTypes, ReachEveryTypeThroughTheirConversions) {
  const std::vector<int32_t> sixteenths = {16, 24, -1600, 0};
  EXPECT_EQ((converted<double>("[fixed$Q4$]", sixteenths, "d")),
            (std::vector<double>{1, 1.5, -100, 0}));
  EXPECT_EQ((converted<float>("[fixed$Q4$]", sixteenths, "f")),
            (std::vector<float>{1, 1.5f, -100, 0}));
  EXPECT_EQ((converted<int8_t>("[fixed$Q4$]", sixteenths, "b")),
            (std::vector<int8_t>{1, 1, -100, 0}));
  EXPECT_EQ((converted<int32_t>("b", std::vector<int8_t>{1, -3}, "[fixed$Q4$]")),
            (std::vector<int32_t>{16, -48}));
  // From one to the other, through int32 and float64.
  EXPECT_EQ((converted<int32_t>("[fixed$U24$]", std::vector<unsigned char>{0, 1, 0, 0, 0, 2},
                                "[fixed$Q4$]")),
            (std::vector<int32_t>{4096, 32}));
}

TEST_P(RegisteredTypes, ConvertFromAnyStridesAndByteOrder) {
  constexpr int64_t kItems = 5000;
  std::vector<unsigned char> memory(kItems * 7 + 1);
  for (int64_t i = 0; i < kItems; ++i) {
    const int32_t value = static_cast<int32_t>(i - 2000) * 8;
    for (int64_t b = 0; b < 4; ++b) {
      memory[static_cast<size_t>(1 + 7 * i + b)] =
          static_cast<unsigned char>(value >> (24 - 8 * b));
    }
  }
  const Layout src =
      Layout::strided(Format::parse(">[fixed$Q4$]"), {kItems}, {-7}, 1 + 7 * (kItems - 1));
  std::vector<float> result(kItems);
  for (const int threads : {1, 4}) {
    Plan::convert(src, packed("f", kItems))
        .run(memory.data(), result.data(), RunOptions{.threads = threads});
    for (int64_t i = 0; i < kItems; ++i) {
      ASSERT_EQ(result[static_cast<size_t>(i)], static_cast<float>(kItems - 1 - i - 2000) / 2);
    }
  }
}

TEST_P(RegisteredTypes, SitInStructsMoveAndByteswap) {
  const Format from = Format::parse("T{b:n:[fixed$U24$]:x:}");
  const Format to = Format::parse("T{<q:x:h:n:}");
  const std::vector<unsigned char> items = {5, 0, 1, 2, 6, 0, 0, 9};
  std::vector<unsigned char> result(20);
  Plan::convert(Layout::contiguous(from, {2}), Layout::contiguous(to, {2}))
      .run(items.data(), result.data());
  EXPECT_EQ(load<int64_t>(result.data(), 0), 258);
  EXPECT_EQ(result[8], 5);
  EXPECT_EQ(load<int64_t>(result.data() + 10, 0), 9);
  const std::vector<int32_t> swapped = [] {
    std::vector<int32_t> out(2);
    const std::vector<int32_t> in = {1, 2};
    Plan::byteswap(packed("[fixed$Q4$]", 2), packed("[fixed$Q4$]", 2)).run(in.data(), out.data());
    return out;
  }();
  EXPECT_EQ(swapped, (std::vector<int32_t>{1 << 24, 2 << 24}));
}

TEST_P(RegisteredTypes, ReportWhatTheirKernelsRefuse) {
  std::vector<unsigned char> items = {0, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
  std::vector<float> result(3);
  const Plan plan = Plan::convert(packed("[fixed$U24$]", 3), packed("f", 3));
  const RunStatus status = plan.try_run(Operand{items.data()}, Operand{result.data()});
  EXPECT_EQ(status.code, StatusCode::kDataError);
  EXPECT_EQ(status.index, 1);
  EXPECT_EQ(status.error_bits, SC_ERR_USER);
  EXPECT_NE(std::string(plan.status_error(status).what()).find("is refused by the conversion"),
            std::string::npos);
}

// Items that the mask leaves out reach a kernel that may complain as zeros, whatever their size.
TEST_P(RegisteredTypes, DoNotComplainOfUnselectedItems) {
  const std::vector<unsigned char> items = {0, 0, 1, 0xFF, 0xFF, 0xFF, 0, 0, 3};
  const std::vector<uint8_t> mask = {1, 0, 1};
  std::vector<float> result = {-1, -1, -1};
  Plan::convert(packed("[fixed$U24$]", 3), packed("f", 3), packed("?", 3))
      .run(items.data(), result.data(), mask.data());
  EXPECT_EQ(result, (std::vector<float>{1, -1, 3}));
}

TEST_P(RegisteredTypes, SayWhatIsMissing) {
  const auto message = [](const char* from, const char* to) -> std::string {
    try {
      Plan::convert(packed(from, 1), packed(to, 1));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kNoConversion);
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message("f", "[fixed$U24$]"), "no conversion from float32 to fixed.U24");
  EXPECT_EQ(message("[numpy$datetime64$s]", "[fixed$Q4$]"),
            "no conversion from numpy.datetime64[s] to fixed.Q4");
  EXPECT_EQ(message("[fixed$Q4$]", "[uuid$UUID$]"), "no conversion from fixed.Q4 to uuid.UUID");
  const Layout unknown = Layout::contiguous(Format::parse("[nomod$Type$]", 4), {1});
  const auto refusal = [&](const std::function<void()>& call) -> std::string {
    try {
      call();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(refusal([&] { Plan::convert(unknown, packed("f", 1)); }).find("import 'nomod'"),
            std::string::npos);
  EXPECT_NE(refusal([&] { Plan::byteswap(unknown, unknown); }).find("import 'nomod'"),
            std::string::npos);
}

// A kernel that wants the interpreter's lock is called by the thread that runs the plan, and by no
// other.
TEST_P(RegisteredTypes, StayOnOneThreadWhereAKernelAsksForIt) {
  static std::mutex mutex;
  static std::set<std::thread::id> callers;
  const auto decode = [](const sc_run* run) -> uint32_t {
    const std::lock_guard<std::mutex> lock(mutex);
    callers.insert(std::this_thread::get_id());
    std::memcpy(run->dst, run->src, static_cast<size_t>(4 * run->n[1]));
    return 0;
  };
  static const sc_kernel kernel = decode;
  register_type({.module = "fixed",
                 .qualname = "Alone",
                 .layout = {.size = 4, .alignment = 4, .swap_unit = 4},
                 .conversions = {{DType::kInt32, kernel, kernel, nullptr, SC_NEEDS_GIL}}});
  callers.clear();
  const std::vector<int32_t> items(1 << 20, 3);
  std::vector<double> result(items.size());
  Plan::convert(packed("[fixed$Alone$]", 1 << 20), packed("d", 1 << 20))
      .run(items.data(), result.data(), RunOptions{.threads = 4});
  EXPECT_EQ(callers, (std::set<std::thread::id>{std::this_thread::get_id()}));
  EXPECT_EQ(result.back(), 3);
}

TEST_P(RegisteredTypes, ExplainTheirKernels) {
  const std::string text = Plan::convert(packed("[fixed$Q4$]", 9), packed("f", 9)).explain();
  EXPECT_NE(text.find("decode fixed.Q4 -> convert float64 float32"), std::string::npos) << text;
}

}  // namespace
}  // namespace stridecast::testing
