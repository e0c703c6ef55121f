// Facts about element types: the table, the known custom types, elements as text, cast rules.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "dtypes/cast_rules.h"
#include "dtypes/dtype_table.h"
#include "dtypes/format_extensions.h"
#include "dtypes/narrow_types.h"
#include "dtypes/scalar_text.h"
#include "dtypes/time_unit.h"
#include "stridecast/format.h"
#include "stridecast/types.h"

namespace stridecast::internal {
namespace {

std::vector<DType> all_types(int count = kNumDTypes) {
  std::vector<DType> types;
  for (int i = 0; i < count; ++i) types.push_back(static_cast<DType>(i));
  return types;
}

TEST(TypeFactsTest, IsConsistent) {
  std::set<std::string> names;
  for (const DType type : all_types()) {
    const TypeFacts& facts = type_facts(type);
    EXPECT_EQ(facts.id, type);
    EXPECT_TRUE(names.insert(facts.name).second) << facts.name;
    if (facts.size > 0 && facts.swap_unit > 0) {
      EXPECT_EQ(facts.size % facts.swap_unit, 0) << facts.name;
      EXPECT_EQ(facts.size % facts.alignment, 0) << facts.name;
    }
    if (is_arithmetic(type)) {
      EXPECT_EQ(facts.size, facts.swap_unit) << facts.name;
    }
    // Every code of fixed size is a format of that type and size, in both orders.
    if (facts.code[0] == '\0' || facts.size == 0) continue;
    const Format format = Format::of(type);
    ASSERT_NE(format.scalar(), nullptr) << facts.name;
    EXPECT_EQ(format.text(), facts.code);
    EXPECT_EQ(format.itemsize(), facts.size);
    EXPECT_EQ(format.scalar()->type, type);
    EXPECT_EQ(format.scalar()->swap_unit, facts.swap_unit);
    EXPECT_EQ(format.scalar()->order, facts.swap_unit > 1 ? kHostOrder : ByteOrder::kNone);
  }
}

TEST(CodeFactsTest, KnowsExactlyTheLettersOfTheGrammar) {
  const std::string letters = "?bBhHiIlLqQnNeEfdgFDGcxspwuPzO";
  for (int c = 0; c < 256; ++c) {
    const char letter = static_cast<char>(c);
    EXPECT_EQ(code_facts(letter).known, c != 0 && letters.find(letter) != std::string::npos) << c;
    EXPECT_EQ(complex_facts(letter).known,
              c != 0 && std::string("efdgE").find(letter) != std::string::npos)
        << c;
  }
  EXPECT_EQ(code_facts('l').native_size, static_cast<int>(sizeof(long)));
  EXPECT_EQ(code_facts('l').standard_size, 4);
  EXPECT_EQ(code_facts('u').native_size, static_cast<int>(sizeof(wchar_t)));
}

TEST(CustomTypes, EveryMlDtypesType) {
  const std::map<std::string, DType> types = {{"bfloat16", DType::kBFloat16},
                                              {"complex32", DType::kComplexFloat16},
                                              {"bcomplex32", DType::kComplexBFloat16},
                                              {"float8_e3m4", DType::kFloat8E3M4},
                                              {"float8_e4m3", DType::kFloat8E4M3},
                                              {"float8_e4m3b11fnuz", DType::kFloat8E4M3B11FNUZ},
                                              {"float8_e4m3fn", DType::kFloat8E4M3FN},
                                              {"float8_e4m3fnuz", DType::kFloat8E4M3FNUZ},
                                              {"float8_e5m2", DType::kFloat8E5M2},
                                              {"float8_e5m2fnuz", DType::kFloat8E5M2FNUZ},
                                              {"float8_e8m0fnu", DType::kFloat8E8M0FNU},
                                              {"float6_e2m3fn", DType::kFloat6E2M3FN},
                                              {"float6_e3m2fn", DType::kFloat6E3M2FN},
                                              {"float4_e2m1fn", DType::kFloat4E2M1FN},
                                              {"int1", DType::kInt1},
                                              {"uint1", DType::kUint1},
                                              {"int2", DType::kInt2},
                                              {"uint2", DType::kUint2},
                                              {"int4", DType::kInt4},
                                              {"uint4", DType::kUint4}};
  for (const auto& [name, type] : types) {
    CustomFacts facts;
    ASSERT_EQ(resolve_custom({"ml_dtypes", name, ""}, &facts), Resolution::kKnown) << name;
    EXPECT_EQ(facts.type, type) << name;
    EXPECT_EQ(facts.size, is_narrow(type) ? 1 : type == DType::kBFloat16 ? 2 : 4) << name;
    EXPECT_EQ(facts.swap_unit, is_narrow(type) ? 1 : 2) << name;
    EXPECT_EQ(resolve_custom({"ml_dtypes", name, "x"}, &facts), Resolution::kBadParam) << name;
  }
  CustomFacts facts;
  EXPECT_EQ(resolve_custom({"ml_dtypes", "float8", ""}, &facts), Resolution::kUnknown);
  EXPECT_EQ(resolve_custom({"numpy", "int4", ""}, &facts), Resolution::kUnknown);
}

TEST(CustomTypes, TimeUnits) {
  for (const char* unit : {"Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as"}) {
    TimeUnit parsed;
    ASSERT_TRUE(parse_time_unit(unit, &parsed)) << unit;
    EXPECT_EQ(base_text(parsed.base), unit);
    EXPECT_EQ(parsed.multiple, 1);
    ASSERT_TRUE(parse_time_unit("2147483647" + std::string(unit), &parsed)) << unit;
    EXPECT_EQ(parsed.multiple, 2147483647);
    EXPECT_FALSE(parse_time_unit("2147483648" + std::string(unit), &parsed)) << unit;
    EXPECT_FALSE(parse_time_unit("0" + std::string(unit), &parsed)) << unit;
    CustomFacts facts;
    ASSERT_EQ(resolve_custom({"numpy", "timedelta64", "1" + std::string(unit)}, &facts),
              Resolution::kKnown);
    EXPECT_EQ(facts.param, unit);
    EXPECT_EQ(facts.size, 8);
  }
  TimeUnit generic;
  EXPECT_TRUE(parse_time_unit("", &generic));
  EXPECT_TRUE(generic.is_generic());
  for (const char* bad : {"generic", "d", "25", "S", "us ", " us", "+1us", "1 us", "usns"}) {
    EXPECT_FALSE(parse_time_unit(bad, &generic)) << bad;
  }
}

template <typename T>
std::string text_of(DType type, T value, ByteOrder order = kHostOrder) {
  char bytes[sizeof(T) + 1];
  char* p = bytes + 1;  // no alignment is required
  std::memcpy(p, &value, sizeof(T));
  if (order != kHostOrder) {
    for (size_t i = 0; i < sizeof(T) / 2; ++i) std::swap(p[i], p[sizeof(T) - 1 - i]);
  }
  char out[64];
  format_value(type, order, p, sizeof(T), out, sizeof(out));
  return out;
}

TEST(FormatValue, Numbers) {
  constexpr ByteOrder kOther =
      kHostOrder == ByteOrder::kLittle ? ByteOrder::kBig : ByteOrder::kLittle;
  for (const ByteOrder order : {kHostOrder, kOther}) {
    EXPECT_EQ(text_of<int8_t>(DType::kInt8, -128, order), "-128");
    EXPECT_EQ(text_of<uint8_t>(DType::kUint8, 255, order), "255");
    EXPECT_EQ(text_of<int16_t>(DType::kInt16, -2, order), "-2");
    EXPECT_EQ(text_of<uint16_t>(DType::kUint16, 65534, order), "65534");
    EXPECT_EQ(text_of<int32_t>(DType::kInt32, -70000, order), "-70000");
    EXPECT_EQ(text_of<uint32_t>(DType::kUint32, 4000000000u, order), "4000000000");
    EXPECT_EQ(text_of<int64_t>(DType::kInt64, std::numeric_limits<int64_t>::min(), order),
              "-9223372036854775808");
    EXPECT_EQ(text_of<uint64_t>(DType::kUint64, ~uint64_t{0}, order), "18446744073709551615");
    EXPECT_EQ(text_of<float>(DType::kFloat32, 0.1f, order), "0.1");
    EXPECT_EQ(text_of<double>(DType::kFloat64, -1e300, order), "-1e+300");
    EXPECT_EQ(text_of<double>(DType::kFloat64, -0.0, order), "-0");
    EXPECT_EQ(text_of<uint16_t>(DType::kFloat16, 0x7BFF, order), "65504");
    EXPECT_EQ(text_of<uint16_t>(DType::kFloat16, 0x8001, order), "-5.9604645e-08");
    EXPECT_EQ(text_of<uint16_t>(DType::kFloat16, 0x3C01, order), "1.0009766");
    EXPECT_EQ(text_of<uint16_t>(DType::kFloat16, 0xFC00, order), "-inf");
    EXPECT_EQ(text_of<uint16_t>(DType::kFloat16, 0x7E00, order), "nan");
    EXPECT_EQ(text_of<uint16_t>(DType::kBFloat16, 0x3FC0, order), "1.5");
    EXPECT_EQ(text_of<uint16_t>(DType::kBFloat16, 0xFFC0, order), "-nan");
    EXPECT_EQ(text_of<int64_t>(DType::kDatetime64, 1234, order), "1234");
    EXPECT_EQ(text_of<int64_t>(DType::kTimedelta64, std::numeric_limits<int64_t>::min(), order),
              "NaT");
  }
  EXPECT_EQ(text_of<uint8_t>(DType::kBool, 0), "false");
  EXPECT_EQ(text_of<uint8_t>(DType::kBool, 2), "true");
  EXPECT_EQ(text_of<uint8_t>(DType::kFloat8E4M3FN, 0xA7), "-0.234375");
  EXPECT_EQ(text_of<uint8_t>(DType::kFloat4E2M1FN, 0xF7), "6");  // its low bits count
  EXPECT_EQ(text_of<uint8_t>(DType::kInt4, 0x1F), "-1");
  EXPECT_EQ(text_of<uint8_t>(DType::kUint2, 0x07), "3");
}

TEST(FormatValue, TextsAndComplexNumbers) {
  const auto text = [](DType type, const void* p, int64_t size) {
    char out[40];
    format_value(type, kHostOrder, p, size, out, sizeof(out));
    return std::string(out);
  };
  EXPECT_EQ(text(DType::kBytes, "ab\xff\0\0", 5), "'ab\\xff'");
  const char32_t wide[] = {U'a', 0xE9, 0x1F600, 0};
  EXPECT_EQ(text(DType::kUnicode, wide, 16), "'a\\xe9\\u1f600'");
  const float parts[] = {1.5f, -2.0f};
  EXPECT_EQ(text(DType::kComplexFloat32, parts, 8), "1.5-2j");
  const long double wide_parts[] = {0.25L, 3.0L};
  EXPECT_EQ(text(DType::kComplexLongDouble, wide_parts, sizeof(wide_parts)), "0.25+3j");
}

// Types whose values only their owners can read.
TEST(FormatValue, OpaqueBytes) {
  const unsigned char bytes[20] = {0x34, 0x12, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17};
  const auto text = [&](ByteOrder order, int64_t size) {
    char out[40];
    format_value(DType::kOpaque, order, bytes, size, out, sizeof(out));
    return std::string(out);
  };
  EXPECT_EQ(text(ByteOrder::kLittle, 2), "0x1234");
  EXPECT_EQ(text(ByteOrder::kBig, 2), "0x3412");
  EXPECT_EQ(text(ByteOrder::kNone, 3), "0x341203");
  EXPECT_EQ(text(ByteOrder::kLittle, 9), "0x341203040506070809");
  EXPECT_EQ(text(ByteOrder::kLittle, 20), "0x3412030405060708090a0b0c0d0e0f10...");
}

TEST(FormatValue, IsCutToFit) {
  const int64_t value = -1234567;
  for (size_t n = 1; n < 12; ++n) {
    char out[16];
    std::memset(out, '#', sizeof(out));
    format_value(DType::kInt64, kHostOrder, &value, 8, out, n);
    EXPECT_EQ(std::string(out), std::string("-1234567").substr(0, n - 1));
    EXPECT_EQ(out[std::max<size_t>(n, 9)], '#');
  }
  char untouched = '#';
  format_value(DType::kInt64, kHostOrder, &value, 8, &untouched, 0);
  EXPECT_EQ(untouched, '#');
}

// ---- cast rules against brute force ----

using Limits64 = std::numeric_limits<int64_t>;

// Values that decide about a type: all of an 8- or 16-bit type, else those near its ends and near
// the steps of every float. long double holds each exactly on x86.
std::vector<long double> deciding_values(DType type) {
  const RangeFacts& range = range_facts(type);
  std::vector<long double> values;
  if (!range.is_float) {
    const long double lo = range.int_min;
    const long double hi = range.int_max;
    if (hi - lo < 70000) {
      for (long double v = lo; v <= hi; ++v) values.push_back(v);
      return values;
    }
    for (int bit = 0; bit < 64; ++bit) {
      for (int delta = -1; delta <= 1; ++delta) {
        for (const int sign : {-1, 1}) {
          const long double v = sign * (std::ldexp(1.0L, bit) + delta);
          if (v >= lo && v <= hi) values.push_back(v);
        }
      }
    }
    values.insert(values.end(), {lo, hi});
    return values;
  }
  for (const long double v :
       {static_cast<long double>(range.float_max), std::ldexp(1.0L, range.min_exponent),
        1 + std::ldexp(1.0L, 1 - range.digits), 0.5L}) {
    values.insert(values.end(), {v, -v});
  }
  return values;
}

// `value` rounded to nearest-even in a float of the given range; +-inf if it overflows.
long double rounded(long double value, const RangeFacts& dst) {
  if (value == 0) return value;
  int exponent = 0;
  std::frexp(value, &exponent);
  const int step = std::max(exponent - dst.digits, dst.min_exponent);
  const long double result = std::ldexp(std::nearbyint(std::ldexp(value, -step)), step);
  if (std::fabs(result) >= std::ldexp(1.0L, dst.max_exponent)) {
    return std::copysign(std::numeric_limits<long double>::infinity(), value);
  }
  return result;
}

TEST(CastRules, AgreeWithBruteForce) {
  if (std::numeric_limits<long double>::digits < 64) GTEST_SKIP() << "needs 64-bit significands";
  for (const DType src : all_types(kNumArithmetic)) {
    const std::vector<long double> values = deciding_values(src);
    for (const DType dst : all_types(kNumArithmetic)) {
      const RangeFacts& from = range_facts(src);
      const RangeFacts& to = range_facts(dst);
      bool all_fit = true;
      bool all_exact = true;
      for (const long double v : values) {
        if (to.is_float) {
          const long double r = rounded(v, to);
          all_fit = all_fit && std::isfinite(r);
          all_exact = all_exact && r == v;
        } else {
          const bool inside = v >= static_cast<long double>(to.int_min) &&
                              v <= static_cast<long double>(to.int_max) && v == std::trunc(v);
          all_fit = all_fit && inside;
          all_exact = all_exact && inside;
        }
      }
      if (from.is_float && !to.is_float) all_fit = all_exact = false;  // NaN
      if (dst == DType::kBool) {
        all_fit = true;
        all_exact = src == DType::kBool;
      }
      const std::string pair = std::string(type_facts(src).name) + " to " + type_facts(dst).name;
      EXPECT_EQ(fits(src, dst), all_fit) << pair;
      EXPECT_EQ(fits_exactly(src, dst), all_exact) << pair;
    }
  }
}

// The values of a narrow type, zeros as one; infinities too, but no NaN.
std::set<float> narrow_values(DType type, bool* has_nan) {
  std::set<float> values;
  *has_nan = false;
  for (int byte = 0; byte < 256; ++byte) {
    const float value = narrow_value(type, static_cast<uint8_t>(byte));
    if (std::isnan(value)) {
      *has_nan = true;
    } else {
      values.insert(value == 0 ? 0.0f : value);
    }
  }
  return values;
}

constexpr int kFirstNarrow = static_cast<int>(DType::kFloat8E3M4);

TEST(CastRules, NarrowTypesByTheirValues) {
  for (int from = kFirstNarrow; from < kNumReal; ++from) {
    bool src_nan = false;
    const std::set<float> src = narrow_values(static_cast<DType>(from), &src_nan);
    for (int to = kFirstNarrow; to < kNumReal; ++to) {
      bool dst_nan = false;
      const std::set<float> dst = narrow_values(static_cast<DType>(to), &dst_nan);
      const bool exact =
          std::includes(dst.begin(), dst.end(), src.begin(), src.end()) && (dst_nan || !src_nan);
      EXPECT_EQ(fits_exactly(static_cast<DType>(from), static_cast<DType>(to)), exact)
          << type_facts(static_cast<DType>(from)).name << " to "
          << type_facts(static_cast<DType>(to)).name;
    }
  }
}

TEST(CastRules, Ranges) {
  EXPECT_EQ(range_facts(DType::kBool).int_max, 1u);
  EXPECT_EQ(range_facts(DType::kInt64).int_min, Limits64::min());
  EXPECT_EQ(range_facts(DType::kUint64).int_max, ~uint64_t{0});
  EXPECT_EQ(range_facts(DType::kFloat16).float_max, 65504.0);
  EXPECT_EQ(range_facts(DType::kBFloat16).float_max, std::ldexp(255.0, 120));
  EXPECT_EQ(range_facts(DType::kFloat32).float_max, std::numeric_limits<float>::max());
  EXPECT_EQ(range_facts(DType::kFloat64).float_max, std::numeric_limits<double>::max());
  EXPECT_EQ(std::ldexp(1.0f, range_facts(DType::kFloat32).min_exponent),
            std::numeric_limits<float>::denorm_min());
}

}  // namespace
}  // namespace stridecast::internal
