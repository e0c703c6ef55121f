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
  const Error error = plan.status_error(status);
  EXPECT_EQ(error.kind(), "refused");
  EXPECT_NE(std::string(error.what()).find("element 1: 0xffffff is refused by the conversion"),
            std::string::npos);
}

// The complaint of a kernel that says SC_ERR_STOP is kept elsewhere: none looks for the item.
TEST_P(RegisteredTypes, AreNotAskedAgainAfterStop) {
  static int calls = 0;
  calls = 0;
  const sc_kernel stop = [](const sc_run*) -> uint32_t {
    ++calls;
    return uint32_t{SC_ERR_USER} | SC_ERR_STOP;
  };
  register_type({.module = "fixed",
                 .qualname = "Stops",
                 .layout = {.size = 2, .alignment = 2, .swap_unit = 2},
                 .conversions = {{.other = DType::kInt32, .decode = stop}}});
  std::vector<int16_t> items(5000);
  std::vector<float> result(5000);
  const auto run = [&](int64_t n) {
    const Plan plan = Plan::convert(packed("[fixed$Stops$]", n), packed("f", n));
    const RunStatus status =
        plan.try_run(Operand{items.data()}, Operand{result.data()}, RunOptions{.threads = 1});
    EXPECT_EQ(status.code, StatusCode::kDataError);
    EXPECT_EQ(plan.status_error(status).kind(), "refused");
    return std::string(plan.status_error(status).what());
  };
  EXPECT_TRUE(run(5000).starts_with("an element is refused by the conversion of its type"));
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(run(1).starts_with("element 0 is refused by the conversion of its type"));
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

// A byte in the first place, the rest its complement: items of any size to uint8 and back, which
// notice when a neighbour writes into them.
template <int64_t kSize>
uint32_t sized_to_byte(const sc_run* run) {
  const auto* src = static_cast<const unsigned char*>(run->src);
  auto* dst = static_cast<unsigned char*>(run->dst);
  for (int64_t i = 0; i < run->n[1]; ++i, src += kSize) {
    bool whole = true;
    for (int64_t b = 1; b < kSize; ++b) whole &= src[b] == static_cast<unsigned char>(~src[0]);
    dst[i] = whole ? src[0] : 0;
  }
  return 0;
}
template <int64_t kSize>
uint32_t byte_to_sized(const sc_run* run) {
  const auto* src = static_cast<const unsigned char*>(run->src);
  auto* dst = static_cast<unsigned char*>(run->dst);
  for (int64_t i = 0; i < run->n[1]; ++i, dst += kSize) {
    std::memset(dst, ~src[i], kSize);
    dst[0] = src[i];
  }
  return 0;
}
template <int64_t kSize>
std::string sized_type(int64_t swap_unit = 1) {
  const std::string name = "S" + std::to_string(kSize) + "u" + std::to_string(swap_unit);
  register_type({.module = "fixed",
                 .qualname = name,
                 .layout = {.size = kSize, .swap_unit = swap_unit},
                 .conversions = {{.other = DType::kUint8,
                                  .decode = sized_to_byte<kSize>,
                                  .encode = byte_to_sized<kSize>}}});
  return "[fixed$" + name + "$]";
}

// Blocks of tiles, channels and scratch are made for numbers; items can be a hundred times larger.
void expect_transposed(const std::string& type, int64_t rows, int64_t columns) {
  const Format format = Format::parse(type);
  std::vector<uint8_t> bytes(static_cast<size_t>(rows * columns));
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(1 + i * 7 % 251);
  const Layout flat = Layout::contiguous(Format::parse("B"), {rows, columns});
  const Layout items = Layout::contiguous(format, {rows, columns});
  std::vector<char> memory(static_cast<size_t>(rows * columns * format.itemsize()));
  Plan::convert(flat, items).run(bytes.data(), memory.data());
  const Layout turned =
      Layout::strided(format, {columns, rows}, {format.itemsize(), columns * format.itemsize()});
  std::vector<uint8_t> result(bytes.size());
  Plan::convert(turned, Layout::contiguous(Format::parse("B"), {columns, rows}))
      .run(memory.data(), result.data());
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      ASSERT_EQ(result[static_cast<size_t>(c * rows + r)],
                bytes[static_cast<size_t>(r * columns + c)])
          << type << " " << rows << " x " << columns << " at " << r << ", " << c;
    }
  }
  // And the other way: transposed numbers become items.
  std::vector<char> again(memory.size());
  Plan::convert(Layout::strided(Format::parse("B"), {rows, columns}, {1, rows}), items)
      .run(result.data(), again.data());
  EXPECT_TRUE(again == memory) << type;
}

TEST_P(RegisteredTypes, OfAnySizeTranspose) {
  for (const auto& [rows, columns] : {std::pair<int64_t, int64_t>{40, 50}, {3, 300}, {300, 4}}) {
    expect_transposed(sized_type<3>(), rows, columns);
    expect_transposed(sized_type<12>(), rows, columns);
    expect_transposed(">" + sized_type<100>(4), rows, columns);
    expect_transposed(sized_type<200>(), rows, columns);
    expect_transposed(">" + sized_type<1024>(4), rows, columns);
  }
}

TEST_P(RegisteredTypes, SwapByTheirUnitInStructsToo) {
  const std::string type = sized_type<12>(4);
  const Format from = Format::parse("T{>" + type + ":a:B:b:>h:c:}");
  const Format to = Format::parse("T{B:a:B:b:h:c:}");
  std::vector<unsigned char> items;
  for (int i = 0; i < 100; ++i) {
    const auto value = static_cast<unsigned char>(i);
    const auto rest = static_cast<unsigned char>(~value);
    items.insert(items.end(), {rest, rest, rest, value});  // the first four bytes, reversed
    items.insert(items.end(), 8, rest);
    items.insert(items.end(), {value, 0, value});
  }
  std::vector<unsigned char> result(400);
  Plan::convert(Layout::contiguous(from, {100}), Layout::contiguous(to, {100}))
      .run(items.data(), result.data());
  for (size_t i = 0; i < 100; ++i) {
    ASSERT_EQ(result[4 * i], i);
    ASSERT_EQ(result[4 * i + 1], i);
    ASSERT_EQ(load<int16_t>(result.data() + 4 * i + 2, 0), static_cast<int16_t>(i));
  }
}

TEST_P(RegisteredTypes, AreRightWhereStructsOverlap) {
  const Format from = Format::parse("T{" + sized_type<12>() + ":a:i:b:}");
  const Format to = Format::parse("T{B:a:3xi:b:8x}");
  constexpr int64_t kItems = 50;
  std::vector<unsigned char> memory(16 * kItems + 8);
  for (int64_t i = 0; i < kItems; ++i) {
    const auto value = static_cast<unsigned char>(i + 1);
    std::memset(&memory[static_cast<size_t>(16 * i)], ~value, 12);
    memory[static_cast<size_t>(16 * i)] = value;
    store(&memory[static_cast<size_t>(16 * i + 12)], 0, static_cast<int32_t>(1000 + i));
  }
  Plan::convert(Layout::contiguous(from, {kItems}), Layout::contiguous(to, {kItems}))
      .run(memory.data(), memory.data() + 8);
  for (int64_t i = 0; i < kItems; ++i) {
    const unsigned char* item = &memory[static_cast<size_t>(8 + 16 * i)];
    ASSERT_EQ(item[0], i + 1);
    ASSERT_EQ(load<int32_t>(item + 4, 0), 1000 + i);
  }
}

// What a kernel does with the library meanwhile is its own business.
TEST_P(RegisteredTypes, MayRunPlansInTheirKernels) {
  const auto decode = [](const sc_run* run) -> uint32_t {
    std::vector<double> numbers(4096, 2), turned(4096);
    const Format d = Format::parse("d"), f = Format::parse("f");
    std::vector<float> narrow(4096);
    Plan::convert(Layout::strided(d, {64, 64}, {8, 512}), Layout::contiguous(f, {64, 64}))
        .run(numbers.data(), narrow.data());
    for (int64_t i = 0; i < run->n[1]; ++i) {
      store(run->dst, i, load<int32_t>(run->src, 3 * i) * narrow[static_cast<size_t>(i % 4096)]);
    }
    return 0;
  };
  static const sc_kernel kernel = decode;
  register_type({.module = "fixed",
                 .qualname = "Nested",
                 .layout = {.size = 12, .swap_unit = 4},
                 .conversions = {{.other = DType::kFloat32, .decode = kernel}}});
  std::vector<int32_t> items(3000);
  for (int i = 0; i < 1000; ++i) items[static_cast<size_t>(3 * i)] = i;
  const std::vector<double> result = converted<double>("[fixed$Nested$]", items, "d");
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(result[static_cast<size_t>(i)], 2 * i);
}

TEST_P(RegisteredTypes, SeeTheInPlaceFlagOnlyWhereTheyWriteWhatTheyRead) {
  static bool lied = false;
  const auto kernel = [](const sc_run* run) -> uint32_t {
    lied |= (run->flags & SC_RUN_IN_PLACE) != 0 && run->src != run->dst;
    std::memmove(run->dst, run->src, static_cast<size_t>(4 * run->n[1]));
    return 0;
  };
  static const sc_kernel copies = kernel;
  for (const char* name : {"InPlaceA", "InPlaceB"}) {
    register_type(
        {.module = "fixed",
         .qualname = name,
         .layout = {.size = 4, .alignment = 4, .swap_unit = 4},
         .conversions = {{.other = DType::kFloat32, .decode = copies, .encode = copies}}});
  }
  std::vector<float> items(1000, 1.5f);
  Plan::convert(packed("[fixed$InPlaceA$]", 1000), packed("[fixed$InPlaceB$]", 1000))
      .run(items.data(), items.data());
  EXPECT_FALSE(lied);
  EXPECT_EQ(items, std::vector<float>(1000, 1.5f));
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

  callers.clear();
  const Layout structs = packed("T{[fixed$Alone$]:a:[fixed$Alone$]:b:}", 1 << 19);
  const Layout column = packed("d", 1 << 19);
  std::vector<double> b(1 << 19);
  const FieldArray fields[] = {{"a", &column, result.data()}, {"b", &column, b.data()}};
  split(structs, items.data(), fields, {}, RunOptions{.threads = 4});
  EXPECT_EQ(callers, (std::set<std::thread::id>{std::this_thread::get_id()})) << "in split()";
}

TEST_P(RegisteredTypes, ExplainTheirKernels) {
  const std::string text = Plan::convert(packed("[fixed$Q4$]", 9), packed("f", 9)).explain();
  EXPECT_NE(text.find("decode fixed.Q4 -> convert float64 float32"), std::string::npos) << text;
}

}  // namespace
}  // namespace stridecast::testing
