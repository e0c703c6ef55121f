// Format texts beyond the corpus: every kind of error with its position, limits, canonical texts,
// equality of formats, and random texts.

#include "dtypes/format_parser.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "dtypes/format_impl.h"
#include "stridecast/format.h"
#include "tests/support/sanitizers.h"

namespace {
std::atomic<size_t> allocated_bytes{0};
}  // namespace

// Counts what a parse allocates: a text must not cost more than its length, whatever its numbers
// say. ThreadSanitizer has operators of its own.
#ifndef STRIDECAST_TEST_TSAN
// Not inlined: g++ would see free() meet a new of its own and warn.
[[gnu::noinline]] void* operator new(size_t size) {
  allocated_bytes += size;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }
#endif

namespace stridecast {
namespace {

std::string repeat(const std::string& text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

// kind@position, or "no error".
std::string error_of(const std::string& text, std::optional<int64_t> itemsize = std::nullopt,
                     bool exact_size = false) {
  try {
    internal::parse_format(text, itemsize, exact_size);
  } catch (const Error& error) {
    return error.kind() + "@" + std::to_string(error.position());
  }
  return "no error";
}

std::string message_of(const std::string& text) {
  try {
    Format::parse(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

struct BadText {
  std::string text;
  std::string error;
};

TEST(FormatErrors, KindAndPosition) {
  const std::string nul("i\0i", 3);
  const BadText cases[] = {
      {"i<", "dangling-prefix@1"},
      {"(2)", "dangling-prefix@0"},
      {"T{3}", "dangling-prefix@2"},
      {"i 2:a:", "dangling-prefix@2"},
      {"T{i:a:3", "dangling-prefix@6"},
      {"@", "dangling-prefix@0"},
      {"3}", "dangling-prefix@0"},
      {"<(2)>i", "two-orders@4"},
      {"2<i", "count-before-order@1"},
      {"(2)3(4)i", "count-before-shape@4"},
      {"(2)(3)i", "two-shapes@3"},
      {"2 3i", "two-counts@2"},
      {"()i", "bad-shape@1"},
      {"(2,)i", "bad-shape@3"},
      {"(a)i", "bad-shape@1"},
      {"(2.5)i", "bad-shape@2"},
      {"(2 3)i", "bad-shape@3"},
      {"( )i", "bad-shape@2"},
      {"(", "unclosed@0"},
      {"(2,", "unclosed@0"},
      {"i(2 ,3", "unclosed@1"},
      {"T{i:a:", "unclosed@0"},
      {"T{T{i}", "unclosed@0"},
      {"X{", "unclosed@0"},
      {"iX{T{i}", "unclosed@1"},
      {"[a$b", "unclosed@0"},
      {"i}garbage", "stray-brace@1"},
      {"T{i:a:}}", "stray-brace@7"},
      {"}", "stray-brace@0"},
      {")", "stray-paren@0"},
      {"2)", "stray-paren@1"},
      {"]", "stray-bracket@0"},
      {"[numpy$datetime64$]x]", "stray-bracket@20"},
      {"T", "T-no-brace@0"},
      {"X", "X-no-brace@0"},
      {"X {}", "X-no-brace@0"},
      {":a:i", "name-without-item@0"},
      {"T{:a:}", "name-without-item@2"},
      {"i:a::b:", "two-names@4"},
      {"i::: i", "two-names@3"},
      {"x:a: :b:", "two-names@5"},
      {"i:a:i:a:", "duplicate-name@5"},
      {"x:a:i:a:", "duplicate-name@5"},
      {"i:\xff:", "bad-utf8@2"},
      {"i:ab\xc3(:", "bad-utf8@4"},
      {"i:\xed\xa0\x80:", "bad-utf8@2"},
      {"X{\x80}", "bad-utf8@2"},
      {"[a$b$%ff]", "bad-utf8@5"},
      {"Zi", "bad-complex@0"},
      {"Z f", "bad-complex@0"},
      {"iZ[a$b$]", "bad-complex@1"},
      {"<n", "no-standard-size@1"},
      {"=N", "no-standard-size@1"},
      {"3t", "unsupported@1"},
      {"T{&}", "pointer-to-nothing@2"},
      {"&&", "pointer-to-nothing@1"},
      {"&<2", "pointer-to-nothing@0"},
      {"V", "unknown-code@0"},
      {"i\x01", "unknown-code@1"},
      {"\xd9\xa1i", "unknown-code@0"},
      {"2V", "unknown-code@1"},
      {"float32", "unknown-code@2"},
      {"[a]", "custom-no-dollar@1"},
      {"[]", "custom-no-dollar@1"},
      {"[$b$]", "custom-no-module@1"},
      {"[a$b$;$q]", "custom-no-module@6"},
      {"[a$$]", "custom-no-qualname@3"},
      {"[1a$b$]", "custom-bad-module@1"},
      {"[a.$b$]", "custom-bad-module@1"},
      {"[a..c$b$]", "custom-bad-module@1"},
      {"[a$b c$]", "custom-bad-qualname@3"},
      {"[numpy$numpy.dtypes:StringDType:7f00deadbeef]", "custom-bad-qualname@7"},
      {"[os$a.__class__$]", "custom-dunder@6"},
      {"[__main__$a$]", "custom-dunder@1"},
      {"[a$b$[x]]", "nested-bracket@5"},
      {"[a$b$%zz]", "bad-escape@5"},
      {"[a$b$x%4]", "bad-escape@6"},
      {"[a$b$\t]", "bad-custom-char@5"},
      {"[numpy$datetime64$fortnight]", "custom-bad-param@18"},
      {"[numpy$datetime64$0us]", "custom-bad-param@18"},
      {"[numpy$datetime64$025us]", "custom-bad-param@18"},
      {"[numpy$datetime64$2147483648us]", "custom-bad-param@18"},
      {"[numpy$datetime64$99999999999999999999us]", "custom-bad-param@18"},
      {"[numpy$datetime64$25]", "custom-bad-param@18"},
      {"[numpy$datetime64$-1us]", "custom-bad-param@18"},
      {"[ml_dtypes$int4$x]", "custom-bad-param@16"},
      {"[nomod$Type$]", "unsized@0"},
      {"i[nomod$Type$]", "unsized@1"},
      {"99999999999999999999i", "overflow@0"},
      {"i:a: 99999999999999999999i", "overflow@5"},
      {"4611686018427387904h", "overflow@19"},
      {"9223372036854775807x1x", "overflow@21"},
      {"9223372036854775807x i", "overflow@21"},
      {"T{9223372036854775806xT{i}}", "overflow@22"},
      {"2T{9223372036854775807x}", "overflow@1"},
      {"(4294967296,4294967296)b", "overflow@0"},
      {"(0,9999999999,9999999999)q", "overflow@0"},
      {"(0,4611686018427387904)q", "overflow@23"},
      {"4611686018427387904w", "overflow@19"},
      {"(3)4611686018427387904s", "overflow@22"},
      {"T{T{i:a:b:b:}:n:3xb:z:}", "ambiguous-padding@16"},
      // The inner struct's tail is the outer one's too.
      {"T{T{T{i:a:b:b:}:n:}:m:xxxb:z:}", "ambiguous-padding@22"},
      {"T{i:a:b:b:}x", "ambiguous-padding@11"},
      {nul, "nul@1"},
      {repeat(" ", internal::kMaxTextBytes + 1), "too-long@1048576"},
  };
  for (const BadText& bad : cases) {
    EXPECT_EQ(error_of(bad.text), bad.error) << bad.text.substr(0, 80);
  }
}

TEST(FormatErrors, MarksThatATypeDoesNotTake) {
  const std::string swapped = kHostOrder == ByteOrder::kLittle ? ">" : "<";
  for (const char* code : {"g", "G", "Zg", "P", "z", "Z"}) {
    EXPECT_EQ(error_of(swapped + code), "no-swapped-form@1") << code;
    EXPECT_EQ(error_of(std::string("=") + code), "no error") << code;
  }
  // Writers do not mark these: they stay the host's.
  for (const char* code : {"O", "X{}", "&i", "?", "5s", "T{}"}) {
    EXPECT_EQ(error_of(swapped + code), "no error") << code;
  }
  const Format f = Format::parse(swapped + "i:a:O:o:");
  EXPECT_EQ(f.fields()[1].order, kHostOrder);
}

TEST(FormatErrors, Itemsize) {
  EXPECT_EQ(error_of("B", 8), "itemsize@0");
  EXPECT_EQ(error_of("i", -4), "itemsize@0");
  EXPECT_EQ(error_of("", 4), "itemsize@0");
  EXPECT_EQ(error_of("E", 4), "itemsize@0");
  EXPECT_EQ(error_of("ib", 8), "no error");
  EXPECT_EQ(error_of("ib", 8, true), "itemsize@0");
  EXPECT_EQ(error_of("=ib", 8), "itemsize@0");
  EXPECT_EQ(error_of("T{i:a:}", 8), "no error");
  EXPECT_EQ(error_of("T{i:a:}", 8, true), "itemsize@0");
  EXPECT_EQ(error_of("T{i:a:}", 3), "itemsize@0");
  EXPECT_EQ(error_of("(2)T{i:a:}", 16), "itemsize@0");
  EXPECT_EQ(error_of("T{i:a:}:n:", 16), "itemsize@0");
  EXPECT_EQ(error_of("(2,3)[a$b$]", 13), "itemsize@0");
  EXPECT_EQ(error_of("(0)[a$b$]", 0), "unsized@3");
  // The itemsize gives a size to one item only.
  EXPECT_EQ(error_of("[a$b$]i", 12), "unsized@0");
  EXPECT_EQ(error_of("[a$b$]4x", 12), "unsized@0");
  EXPECT_EQ(error_of("x[a$b$]", 12), "unsized@1");
  EXPECT_EQ(error_of("T{[a$b$]}", 12), "unsized@2");
  // Mistakes further on come first: they stay when the type becomes known.
  EXPECT_EQ(error_of("[a$b$]x]", 12), "stray-bracket@7");
  EXPECT_EQ(error_of("T{[a$b$]"), "unclosed@0");
}

// Elements without bytes hide no overflow of their number, which the printed shape would have.
TEST(FormatErrors, TooManyElementsOfNoBytes) {
  EXPECT_EQ(error_of("(4611686018427387904)4T{}"), "overflow@22");
  EXPECT_EQ(error_of("(4611686018427387904,2)0s"), "overflow@0");
  EXPECT_EQ(error_of("(4611686018427387904)T{}"), "no error");
}

// An item without bytes does not end the doubt whose the padding is.
TEST(FormatErrors, AmbiguousPaddingBehindAnEmptyItem) {
  EXPECT_EQ(error_of("T{ib}x"), "ambiguous-padding@5");
  EXPECT_EQ(error_of("T{ib}T{}x"), "ambiguous-padding@8");
  EXPECT_EQ(error_of("T{ib}0sx"), "ambiguous-padding@7");
  EXPECT_EQ(error_of("T{ib}bx"), "no error");
}

TEST(CanonicalText, KeepsTheAliasesOfAnUnknownType) {
  EXPECT_EQ(Format::parse("[foo$bar$;baz$q$5]", 4).text(), "[foo$bar$;baz$q$5]");
  EXPECT_EQ(Format::parse("[foo$bar;baz$q$5]", 4).text(), "[foo$bar$;baz$q$5]");
  EXPECT_EQ(Format::parse("[foo$bar$;numpy$datetime64$s]").text(), "[numpy$datetime64$s]");
}

TEST(FormatErrors, MessageShowsThePlace) {
  EXPECT_EQ(message_of("i:\xc3\xa9:V"),
            "bad format at byte 5: unknown type code 'V'; codes are one of "
            "?bBhHiIlLqQnNeEfdgFDGcsxpuwPOzZ, T{...}, &, X{} and [module$qualname$param]\n"
            "  i:\xc3\xa9:V\n"
            "      ^");
  const std::string at_end = message_of("i:a:>");
  EXPECT_NE(at_end.find("\n  i:a:>\n      ^"), std::string::npos) << at_end;
  const std::string control = message_of("\x01");
  EXPECT_NE(control.find("\n  \\x01\n  ^"), std::string::npos) << control;
  const std::string longer = message_of(repeat("i", 500) + "V" + repeat("i", 500));
  EXPECT_LT(longer.size(), 400u);
  EXPECT_NE(longer.find("\n  ..." + repeat("i", 36) + "V"), std::string::npos) << longer;
  const std::string unsized = message_of("[posit$posit16$]");
  EXPECT_NE(unsized.find("import 'posit'"), std::string::npos) << unsized;
}

TEST(FormatLimits, AtTheLimitIsFineOneMoreIsNot) {
  const int depth = internal::kMaxFormatDepth;
  EXPECT_EQ(error_of(repeat("T{", depth) + "i" + repeat("}", depth)), "no error");
  EXPECT_EQ(error_of(repeat("T{", depth + 1) + "i" + repeat("}", depth + 1)), "too-deep@128");
  EXPECT_EQ(error_of(repeat("&", depth) + "i"), "no error");
  EXPECT_EQ(error_of(repeat("&", 70) + "i"), "too-deep@64");
  EXPECT_EQ(error_of(repeat("T{", 500000)), "too-deep@128");

  EXPECT_EQ(error_of("(1" + repeat(",1", 63) + ")i"), "no error");
  EXPECT_EQ(error_of("(1" + repeat(",1", 64) + ")i"), "too-many-dims@129");
  EXPECT_EQ(error_of("(1" + repeat(",1", 63) + ")2i"), "too-many-dims@129");

  const int items = static_cast<int>(internal::kMaxFormatItems);
  EXPECT_EQ(error_of(repeat("i", items)), "no error");
  EXPECT_EQ(error_of(repeat("i", items + 1)), "too-many-items@65536");
  EXPECT_EQ(error_of(repeat("x", 1 << 20)), "no error");  // NumPy writes gaps like this

  EXPECT_EQ(error_of("9223372036854775807x"), "no error");
  EXPECT_EQ(error_of("(9223372036854775807)b"), "no error");
  // Canonical texts obey the limit of texts, so that each can be read again.
  const std::string expands = "[a$b$" + repeat(":", 500000) + "]";
  EXPECT_THROW(Format::parse(expands, 4), Error);
}

TEST(FormatLimits, CostIsLinearInTheText) {
#ifdef STRIDECAST_TEST_TSAN
  GTEST_SKIP() << "allocations cannot be counted beside ThreadSanitizer's";
#endif
  const auto bytes_for = [](const std::string& text) {
    const size_t before = allocated_bytes;
    error_of(text);
    return allocated_bytes - before;
  };
  EXPECT_LT(bytes_for("(4294967296)2147483647T{9999999x(99999999)i:a:}"), 8192u);
  EXPECT_LT(bytes_for("9223372036854775807x"), 4096u);
  std::string names[2];
  for (int i = 0; i < 32768; ++i) {
    const std::string item = "i:n" + std::to_string(i) + ":";
    if (i < 16384) names[0] += item;
    names[1] += item;
  }
  EXPECT_LT(bytes_for(names[1]), bytes_for(names[0]) * 5 / 2);
  EXPECT_LT(bytes_for(repeat("i", 65536)), bytes_for(repeat("i", 32768)) * 5 / 2);
}

struct Canonical {
  const char* text;
  const char* canonical;  // on a little-endian LP64 host
  std::optional<int64_t> itemsize = std::nullopt;
};

TEST(FormatCanonical, Texts) {
  if (kHostOrder != ByteOrder::kLittle || sizeof(long) != 8) GTEST_SKIP() << "LP64 texts";
  const Canonical cases[] = {
      {"", ""},
      {"i", "i"},
      {"@i", "i"},
      {"<i", "i"},
      {"=i", "i"},
      {"^i", "i"},
      {"!i", ">i"},
      {">b", "b"},
      {"l", "q"},
      {"=l", "i"},
      {"N", "Q"},
      {"F", "Zf"},
      {"1s", "s"},
      {"005s", "5s"},
      {"2i", "(2)i"},
      {"(2) > 3i", "(2,3)>i"},
      {"1i", "i"},
      {"0i", "(0)i"},
      {"xxx", "3x"},
      {"ib", "^ib"},
      {"ib", "^ib3x", 8},
      {"bi", "^b3xi"},
      {"bh>h", "^bxh>h"},
      {"i:a:", "^i:a:"},
      {"i3x", "^i3x"},
      {"T{}", "^T{}"},
      {"T{}", "^T{2x}", 2},
      {"T{<d:x:>q:t:(3)f:v:}", "^T{d:x:>q:t:(3)f:v:}"},
      {"T{<d:x:>q:t:(3)<f:v:}", "^T{d:x:>q:t:(3)^f:v:}"},
      {"T{b:a:i:b:}", "^T{b:a:3xi:b:}"},
      {"T{i:a:b:b:}", "^T{i:a:b:b:3x}"},
      {"T{<i:a:b:b:}", "^T{i:a:b:b:3x}", 8},
      {"(2)T{i:a:b:b:}", "(2)^T{i:a:b:b:3x}"},
      {"T{>i:a:O:o:}", "^T{>i:a:^O:o:}"},
      {"3x:pad:", "^3x:pad:"},
      {"[ml_dtypes$bfloat16]", "E"},
      {">[ml_dtypes$bfloat16$]", ">E"},
      {"[ml_dtypes$complex32$]", "Ze"},
      {"[ml_dtypes$bcomplex32$]", "ZE"},
      {">[ml_dtypes$float8_e5m2]", "[ml_dtypes$float8_e5m2$]"},
      {"[numpy$datetime64$1us]", "[numpy$datetime64$us]"},
      {"[no.such$Type$x;numpy$timedelta64$25us]", "[numpy$timedelta64$25us]"},
      {"[numpy$datetime64$bad;ml_dtypes$int4$]", "[ml_dtypes$int4$]"},
      {"[a.b$C.D$us,UTC+01%3a00 %5b$;x$y$]", "[a.b$C.D$us,UTC+01%3A00%20%5B$;x$y$]", 12},
      {"(2,3)[a$b]", "(2,3)[a$b$]", 12},
      {"&<i", "&<i"},
      {"<&i", "&<i"},
      {"&&T{i:a: <b:b:}", "&&T{i:a: <b:b:}"},
      {"T{Z:a:Z}", "^T{Z:a:Z::}"},
      {"Z", "Z"},
      {"Z::i", "^Z::i"},
      {"i:\xc3\xa9 }:", "^i:\xc3\xa9 }:"},
  };
  for (const Canonical& c : cases) {
    const Format format = Format::parse(c.text, c.itemsize);
    EXPECT_EQ(format.text(), c.canonical) << c.text;
    EXPECT_EQ(Format::parse(format.text(), format.itemsize()), format) << c.text;
  }
}

TEST(FormatEquality, SameItemIsTheSameFormat) {
  EXPECT_EQ(Format::of(DType::kInt32), Format::parse("i"));
  EXPECT_EQ(Format::of(DType::kInt32), Format::parse("=i"));
  EXPECT_EQ(Format::parse(kHostOrder == ByteOrder::kLittle ? "<i" : ">i"), Format::parse("i"));
  EXPECT_EQ(Format::of(DType::kBFloat16), Format::parse("[ml_dtypes$bfloat16$]"));
  EXPECT_EQ(Format::of(DType::kInt8, ByteOrder::kBig), Format::parse("b"));
  EXPECT_EQ(Format::parse("T{i:a:}", 8), Format::parse("^T{i:a:4x}"));
  EXPECT_EQ(Format::parse("T{i:a:}", 8).hash(), Format::parse("^T{i:a:4x}").hash());
  EXPECT_NE(Format::parse("<i"), Format::parse(">i"));
  EXPECT_NE(Format::parse("i:a:"), Format::parse("i"));
  EXPECT_NE(Format::parse("[a$b$]", 4), Format::parse("[a$b$]", 8));
  EXPECT_THROW(Format::of(DType::kBytes), Error);
  EXPECT_THROW(Format::of(DType::kDatetime64), Error);
}

TEST(FormatEquality, BodiesDieAndAreMadeAgain) {
  // Long texts skip the cache of texts, so that nothing keeps the body alive.
  const std::string text = "T{i:" + repeat("a", 300) + ":}";
  for (int i = 0; i < 3; ++i) {
    const Format a = Format::parse(text);
    const Format b = Format::parse(text);
    EXPECT_EQ(a.id(), b.id());
    EXPECT_EQ(a.text(), "^" + text);
  }
}

TEST(FormatEquality, ThreadsShareBodies) {
  std::vector<std::thread> threads;
  std::atomic<int> differences{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t, &differences] {
      const std::string names = repeat("n", 300);
      for (int i = 0; i < 300; ++i) {
        const std::string text = "T{i:" + names + std::to_string((i + t) % 7) + ":}";
        const Format a = Format::parse(text);
        const Format b = Format::parse("^" + text);
        if (a != b || a.text() != "^" + text) ++differences;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(differences, 0);
}

TEST(FormatCustom, UnknownTypeIsOpaque) {
  const Format format = Format::parse("(2,3)[nomod$Type$p%3A]", 72);
  const Field& field = format.fields()[0];
  EXPECT_EQ(field.type, DType::kOpaque);
  EXPECT_EQ(field.itemsize, 12);
  EXPECT_EQ(field.swap_unit, 0);
  EXPECT_EQ(field.order, kHostOrder);
  EXPECT_EQ(*field.custom, (CustomType{"nomod", "Type", "p:"}));
  EXPECT_EQ(format.scalar(), nullptr);
  EXPECT_NE(Format::parse("[nomod$Type$]", 5).scalar(), nullptr);
}

TEST(FormatDescribe, ShowsTheTree) {
  if (kHostOrder != ByteOrder::kLittle) GTEST_SKIP() << "little-endian text";
  EXPECT_EQ(Format::parse("T{<d:x:>q:t:(3)f:v:T{B:flag:}:s:}").describe(),
            "format '^T{d:x:>q:t:(3)f:v:T{B:flag:}:s:}', 29 bytes, alignment 1\n"
            "  +0     -            T    struct     29 bytes\n"
            "    +0     x            d    float64    little 8 bytes\n"
            "    +8     t            q    int64      big 8 bytes\n"
            "    +16    v            f    float32    (3) big 4 bytes each\n"
            "    +28    s            T    struct     1 byte\n"
            "      +0     flag         B    uint8      1 byte\n");
}

// ---- random texts ----

using Random = std::mt19937_64;

int pick(Random& random, int n) { return static_cast<int>(random() % static_cast<uint64_t>(n)); }

std::string random_items(Random& random, int depth, int* next_name) {
  static const char* kCodes[] = {"b",     "?",   "h",  "i",  "q",
                                 "l",     "e",   "E",  "f",  "d",
                                 "Zf",    "ZE",  "c",  "5s", "w",
                                 "2u",    "x",   "3x", "O",  "&<i",
                                 "s",     "X{}", "0s", "B",  "[numpy$datetime64$us]",
                                 "&T{bi}"};
  static const char* kShapes[] = {"", "", "", "(2)", "(2,3)", "3", "(0)", "(1)2", "0"};
  static const char* kMarks[] = {"", "", "", "", "<", ">", "=", "@", "^"};
  std::string text;
  const int count = pick(random, 5);
  for (int i = 0; i < count; ++i) {
    const std::string shape = kShapes[pick(random, 9)];
    const bool is_struct = depth > 0 && pick(random, 3) == 0;
    const std::string code = is_struct ? "T{" + random_items(random, depth - 1, next_name) + "}"
                                       : kCodes[pick(random, 26)];
    // A count and a length cannot stand together.
    const bool has_number = code[0] >= '0' && code[0] <= '9';
    text += kMarks[pick(random, 9)];
    text += has_number && shape.back() != ')' ? "" : shape;
    text += code;
    if (pick(random, 2) == 0) text += ":n" + std::to_string((*next_name)++) + ":";
    if (pick(random, 8) == 0) text += " ";
  }
  return text;
}

TEST(FormatRandom, CanonicalTextsRoundTrip) {
  Random random(1);
  int parsed = 0;
  for (int i = 0; i < 5000; ++i) {
    int next_name = 0;
    const std::string text = random_items(random, 3, &next_name);
    std::optional<Format> format;
    try {
      format = Format::parse(text);
    } catch (const Error&) {
      continue;  // such as padding that is ambiguous
    }
    ++parsed;
    const Format again = Format::parse(format->text(), format->itemsize(), true);
    ASSERT_EQ(again, *format) << text << " -> " << format->text() << " -> " << again.text();
    ASSERT_EQ(again.text(), format->text());
    ASSERT_EQ(internal::make_body(internal::parse_format(format->text()))->text, format->text());
  }
  EXPECT_GT(parsed, 3000);
}

TEST(FormatRandom, MutatedTextsFailCleanly) {
  static const char kBytes[] = "TXZ&{}()[]:;$%,<>=@^! 0123456789biqxswEOt\xc3\xa9\x80\t";
  const std::string seeds[] = {"T{<d:x:>q:t:(3)f:v:}",     "T{i:a:T{b:b:3xi:c:}:n:}",
                               "[numpy$datetime64$25us]",  "(2,3)[a$b$x%41;ml_dtypes$int4$]",
                               "&(3)<i:p:X{}:f:Z:w:Zd:z:", "@ 7i0x 2c 3e4xT{T{}}"};
  Random random(2);
  for (int i = 0; i < 20000; ++i) {
    std::string text = seeds[pick(random, 6)];
    for (int m = pick(random, 4); m >= 0; --m) {
      const size_t at = random() % (text.size() + 1);
      const char byte = kBytes[pick(random, sizeof(kBytes) - 1)];
      switch (pick(random, 4)) {
        case 0:
          text.insert(at, 1, byte);
          break;
        case 1:
          text.erase(at, 1 + random() % 3);
          break;
        case 2:
          text.insert(at, text.substr(0, random() % 8));
          break;
        default:
          if (at < text.size()) text[at] = byte;
      }
    }
    const std::optional<int64_t> itemsize =
        pick(random, 4) == 0 ? std::optional<int64_t>(pick(random, 40)) : std::nullopt;
    try {
      const Format format = Format::parse(text, itemsize);
      ASSERT_EQ(Format::parse(format.text(), format.itemsize()), format)
          << text << " -> " << format.text();
      format.describe();
    } catch (const Error& error) {
      ASSERT_FALSE(error.kind().empty()) << text;
      ASSERT_GE(error.position(), 0);
      ASSERT_LE(error.position(), static_cast<int64_t>(text.size()));
    }
  }
}

}  // namespace
}  // namespace stridecast
