// Kernels beside reductions: which items are numbers, and the quotients (and their roots) that sums
// come to.

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/kernel_table.h"
#include "tests/reference/element.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/kernel_run.h"
#include "tests/support/random_layout.h"
#include "tests/support/target_param.h"

namespace stridecast::testing {
namespace {

using Class = reference::Value::Class;
using Bytes = std::vector<unsigned char>;

class ReduceItemsTest : public KernelTest {};
STRIDECAST_INSTANTIATE_FOR_TARGETS(ReduceItemsTest);

// ---- not_nan ----

// Items as they lie in memory, and whether each is a number.
struct Items {
  size_t size = 0;
  Bytes bytes;
  std::vector<bool> is_number;

  void add(std::initializer_list<uint64_t> parts, bool number) {
    const size_t part_size = size / parts.size();
    for (const uint64_t part : parts) {
      unsigned char bits[8];
      reference::store(bits, static_cast<int>(part_size), part);
      bytes.insert(bytes.end(), bits, bits + part_size);
    }
    is_number.push_back(number);
  }
};

bool is_number(DType part, uint64_t bits) {
  return reference::decode(part, bits).cls != Class::kNan;
}

// Every half; of wider floats both signs of zero, the smallest and largest of each kind, and NaNs
// of every sort.
std::vector<uint64_t> floats(DType type) {
  const int size = reference::size(type);
  std::vector<uint64_t> all;
  if (size == 2) {
    for (uint64_t bits = 0; bits < 1 << 16; ++bits) all.push_back(bits);
    return all;
  }
  const uint64_t inf = size == 4 ? 0x7f800000u : 0x7ff0000000000000u;
  const uint64_t fraction = inf & ~(inf << 1);  // the exponent's lowest bit
  for (const uint64_t sign : {uint64_t{0}, uint64_t{1} << (8 * size - 1)}) {
    for (const uint64_t bits :
         {uint64_t{0}, uint64_t{1}, fraction - 1, fraction, inf / 2, inf - 1, inf, inf + 1,
          inf + fraction / 2 - 1, inf + fraction / 2, inf + fraction / 2 + 1, inf + fraction - 1}) {
      all.push_back(sign | bits);
    }
  }
  return all;
}

Items items_of(DType type) {
  Items items;
  if (type == DType::kDatetime64 || type == DType::kTimedelta64) {
    items.size = 8;
    constexpr uint64_t kNat = uint64_t{1} << 63;
    for (const uint64_t bits : {kNat, uint64_t{0}, uint64_t{1}, kNat - 1, kNat + 1, ~uint64_t{0},
                                kNat >> 1, kNat, kNat | kNat >> 1, kNat >> 32}) {
      items.add({bits}, bits != kNat);
    }
    return items;
  }
  const DType part = reference::part_type(type);
  const std::vector<uint64_t> all = floats(part);
  items.size = static_cast<size_t>(reference::size(part)) * (is_complex(type) ? 2 : 1);
  for (const uint64_t re : all) {
    if (!is_complex(type)) {
      items.add({re}, is_number(part, re));
      continue;
    }
    for (const uint64_t im : all) {
      items.add({re, im}, is_number(part, re) && is_number(part, im));
    }
  }
  return items;
}

// n items from number `first` on, round and round.
void check_not_nan(const sc_entry& entry, const Items& items, size_t first, size_t n, Flush side,
                   size_t gap, GuardedBuffer& src, GuardedBuffer& dst) {
  note().length = static_cast<int64_t>(n);
  note().gap = static_cast<int64_t>(gap);
  unsigned char* const in = src.place(n * items.size, side, gap);
  unsigned char* const out = dst.place(n, side, gap % 7);
  const auto at = [&](size_t i) { return (first + i) % items.is_number.size(); };
  for (size_t i = 0; i < n; ++i) {
    std::memcpy(in + i * items.size, items.bytes.data() + at(i) * items.size, items.size);
  }
  std::memset(out, 0x5C, n);
  const sc_run run =
      make_packed_run(static_cast<int64_t>(n), in, static_cast<int64_t>(items.size), out, 1);
  ASSERT_EQ(entry.run(&run), 0u);
  for (size_t i = 0; i < n; ++i) {
    ASSERT_EQ(out[i], items.is_number[at(i)] ? 1 : 0) << note() << " item " << at(i);
  }
  ASSERT_EQ(dst.damage(), 0) << note();
}

constexpr DType kNotNanTypes[] = {
    DType::kFloat16,        DType::kBFloat16,       DType::kFloat32,    DType::kFloat64,
    DType::kComplexFloat32, DType::kComplexFloat64, DType::kDatetime64, DType::kTimedelta64};

TEST_P(ReduceItemsTest, NumbersAreToldFromNanAndNat) {
  GuardedBuffer src(256 * 1024), dst(128 * 1024);
  for (const DType type : kNotNanTypes) {
    const sc_entry& entry = table().not_nan[static_cast<int>(type)];
    ASSERT_NE(entry.run, nullptr) << type_facts(type).name;
    note().what = type_facts(type).name;
    const Items items = items_of(type);
    for (size_t n = 1; n <= 140; ++n) {
      for (const Flush side : kBothSides) {
        check_not_nan(entry, items, n * 7919, n, side, n % 3 == 0 ? n % 64 : 0, src, dst);
        if (HasFatalFailure()) return;
      }
    }
    check_not_nan(entry, items, 0, items.is_number.size(), Flush::kRight, 0, src, dst);
  }
}

// ---- quotient ----

// Bits of a float of kind T, of NaNs those that kernels have to give.
template <typename T>
auto bits_of(T value) {
  using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
  return std::bit_cast<Bits>(value == value ? value : std::numeric_limits<T>::quiet_NaN());
}

// Where the divisors lie: at any step, in place or not.
struct QuotientCase {
  size_t n = 1;
  ptrdiff_t divisor_step = 8;
  bool root = false, in_place = false;
  Flush side = Flush::kRight;
};

// Items of kParts numbers each, of which item i has divisors[i].
template <typename From, typename To, size_t kParts>
void check_quotient(const sc_entry& entry, const QuotientCase& c, const std::vector<From>& numbers,
                    const std::vector<double>& divisors) {
  static GuardedBuffer src(16 * 1024), dst(16 * 1024), aux(16 * 1024);
  note().length = static_cast<int64_t>(c.n);
  unsigned char* const in = src.place(c.n * kParts * sizeof(From), c.side);
  unsigned char* const out = c.in_place ? in : dst.place(c.n * kParts * sizeof(To), c.side);
  const size_t reach = static_cast<size_t>(std::abs(c.divisor_step)) * (c.n - 1) + sizeof(double);
  unsigned char* const lowest = aux.place(reach, c.side);
  unsigned char* const by = lowest + (c.divisor_step < 0 ? reach - sizeof(double) : 0);
  const auto divisor = [&](size_t i) { return divisors[c.divisor_step == 0 ? 0 : i]; };
  std::memcpy(in, numbers.data(), c.n * kParts * sizeof(From));
  for (size_t i = 0; i < c.n; ++i) {
    const double value = divisor(i);
    std::memcpy(by + static_cast<ptrdiff_t>(i) * c.divisor_step, &value, sizeof value);
  }
  const kernels::QuotientParams params = {.root = c.root};
  sc_run run = make_packed_run(static_cast<int64_t>(c.n), in, kParts * sizeof(From), out,
                               kParts * sizeof(To), &params);
  run.aux[0] = by;
  run.aux_step[0][1] = c.divisor_step;
  ASSERT_EQ(entry.run(&run), 0u);
  for (size_t i = 0; i < c.n * kParts; ++i) {
    To got;
    std::memcpy(&got, out + i * sizeof(To), sizeof got);
    const double quotient = static_cast<double>(numbers[i]) / divisor(i / kParts);
    const To want = static_cast<To>(c.root ? std::sqrt(quotient) : quotient);
    ASSERT_EQ(std::bit_cast<decltype(bits_of(want))>(got), bits_of(want))
        << note() << ": " << numbers[i] << " / " << divisor(i / kParts) << (c.root ? ", root" : "");
  }
  ASSERT_EQ(src.damage(), 0) << note();
  ASSERT_TRUE(c.in_place || dst.damage() == 0) << note();
}

template <typename T>
std::vector<T> numbers_around() {
  using Limits = std::numeric_limits<T>;
  if constexpr (std::is_integral_v<T>) {
    return {0,
            1,
            3,
            7,
            100,
            Limits::max(),
            Limits::min(),
            static_cast<T>(Limits::max() - 511),
            static_cast<T>(Limits::max() - 512),
            (T{1} << 53) + 1,
            static_cast<T>(-T{6})};
  } else {
    return {T{0},
            T{-0.0},
            1,
            -1,
            T{1} / 3,
            Limits::max(),
            Limits::min(),
            Limits::infinity(),
            -Limits::infinity(),
            Limits::denorm_min(),
            -Limits::max(),
            Limits::quiet_NaN(),
            -Limits::quiet_NaN()};
  }
}

template <typename From, typename To, size_t kParts = 1>
void check_quotients(const sc_entry& entry) {
  ASSERT_NE(entry.run, nullptr);
  ASSERT_NE(entry.traits & SC_TRAIT_IN_PLACE, 0u);
  const std::vector<From> numbers = numbers_around<From>();
  const std::vector<double> divisors = {1, 3, 0, 1000, 7e15, 0.1, 1e-300, 6.25, 2};
  // Every number by every divisor, and more of both.
  std::vector<From> all;
  std::vector<double> by;
  Random random(21);
  for (size_t i = 0; i < 300; ++i) {
    for (size_t part = 0; part < kParts; ++part) {
      all.push_back(numbers[(i + 3 * part) % numbers.size()]);
    }
    by.push_back(divisors[i / numbers.size() % divisors.size()]);
    if (i < numbers.size() * divisors.size()) continue;
    all.back() = static_cast<From>(static_cast<double>(random.bits() >> 12) / 1024);
    by.back() = static_cast<double>(random.between(1, 1 << 20));
  }
  for (const bool root : {false, true}) {
    for (const bool in_place : {false, true}) {
      for (size_t n = 1; n <= by.size(); n = n < 40 ? n + 1 : n + 52) {
        for (const ptrdiff_t step : {0, 8, -8, 24}) {
          for (const Flush side : kBothSides) {
            check_quotient<From, To, kParts>(entry, {n, step, root, in_place, side}, all, by);
            if (::testing::Test::HasFatalFailure()) return;
          }
        }
      }
    }
  }
}

TEST_P(ReduceItemsTest, QuotientsAreRoundedOnce) {
  const auto of = [&](DType type) -> const sc_entry& {
    note().what = type_facts(type).name;
    return table().quotient[static_cast<int>(type)];
  };
  check_quotients<int64_t, double>(of(DType::kInt64));
  check_quotients<uint64_t, double>(of(DType::kUint64));
  check_quotients<float, float>(of(DType::kFloat32));
  check_quotients<double, double>(of(DType::kFloat64));
  check_quotients<float, float, 2>(of(DType::kComplexFloat32));
  check_quotients<double, double, 2>(of(DType::kComplexFloat64));
}

TEST_P(ReduceItemsTest, NoOtherTypeHasThem) {
  constexpr DType kQuotientTypes[] = {DType::kInt64,          DType::kUint64,
                                      DType::kFloat32,        DType::kFloat64,
                                      DType::kComplexFloat32, DType::kComplexFloat64};
  for (int at = 0; at < kernels::kNumReduceTypes; ++at) {
    const auto type = static_cast<DType>(at);
    const auto is_in = [type](const auto& types) {
      return std::find(std::begin(types), std::end(types), type) != std::end(types);
    };
    // tests/python/test_reduce_long_double.py tries these.
    const bool is_long = type == DType::kLongDouble || type == DType::kComplexLongDouble;
    const char* const name = type_facts(type).name;
    EXPECT_EQ(table().not_nan[at].run != nullptr, is_long || is_in(kNotNanTypes)) << name;
    EXPECT_EQ(table().quotient[at].run != nullptr, is_long || is_in(kQuotientTypes)) << name;
  }
}

}  // namespace
}  // namespace stridecast::testing
