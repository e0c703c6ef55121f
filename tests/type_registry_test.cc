// Custom types in formats: the ones that are built in by their size, what register_type() makes
// known, and what it refuses. How registered types convert is registered_types_test.cc.

#include "dtypes/type_registry.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "dtypes/leaf_map.h"
#include "stridecast/format.h"

namespace stridecast {
namespace {

std::string error_of(const TypeRegistration& type) {
  try {
    register_type(type);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::string parse_error(const std::string& text) {
  try {
    Format::parse(text);
  } catch (const Error& error) {
    return error.kind() + "@" + std::to_string(error.position());
  }
  return "";
}

uint32_t copy_doubles(const sc_run*) { return 0; }

TEST(BuiltInTypes, AreKnownByTheirSize) {
  struct {
    const char* text;
    int64_t size, alignment, swap_unit;
  } const cases[] = {
      {"[datetime$date$]", 4, 4, 4},
      {"[datetime$datetime$us]", 8, 8, 8},
      {"[datetime$datetime$us,UTC]", 8, 8, 8},
      {"[datetime$timedelta$ms]", 8, 8, 8},
      {"[decimal$Decimal$9,2,32]", 4, 4, 4},
      {"[decimal$Decimal$38,10,128]", 16, 16, 16},
      {"[decimal$Decimal$76,-3,256]", 32, 16, 32},
      {"[uuid$UUID$]", 16, 1, 1},
      {"[pandas$CategoricalDtype$h,ordered]", 2, 2, 2},
      {"[quaternion$quaternion$]", 32, 8, 8},
      {"[numpy_quaddtype$QuadPrecDType$sleef]", 16, 16, 16},
  };
  for (const auto& known : cases) {
    const Format format = Format::parse(known.text);
    EXPECT_EQ(format.text(), known.text);
    EXPECT_EQ(format.itemsize(), known.size) << known.text;
    EXPECT_EQ(format.alignment(), known.alignment) << known.text;
    EXPECT_EQ(format.fields()[0].swap_unit, known.swap_unit) << known.text;
    // After one byte, as the struct of a C compiler has it.
    const Format in_struct = Format::parse("T{b:a:" + std::string(known.text) + ":b:}");
    EXPECT_EQ(in_struct.fields()[0].fields[1].offset, known.alignment) << known.text;
  }
}

TEST(BuiltInTypes, RefuseParametersThatTheyDoNotHave) {
  for (const char* text :
       {"[datetime$date$D]", "[datetime$datetime$us,]", "[datetime$datetime$xs]",
        "[decimal$Decimal$38,10]", "[decimal$Decimal$38,10,100]", "[decimal$Decimal$0,0,128]",
        "[decimal$Decimal$38,10,128 ]", "[uuid$UUID$4]", "[pandas$CategoricalDtype$]",
        "[pandas$CategoricalDtype$b,x]", "[pandas$CategoricalDtype$d]", "[quaternion$quaternion$1]",
        "[numpy_quaddtype$QuadPrecDType$]"}) {
    EXPECT_EQ(parse_error(text).substr(0, 16), "custom-bad-param") << text;
  }
}

// A trial build of NumPy writes a class, a unit and a multiple, both in hexadecimal.
TEST(ForeignSpelling, OfTimesIsReadAsTheCanonicalOne) {
  const auto canonical = [](const char* text) { return Format::parse(text).text(); };
  EXPECT_EQ(canonical("[numpy$numpy.dtypes:TimeDelta64DType:9:19]"), "[numpy$timedelta64$25us]");
  EXPECT_EQ(canonical("[numpy$numpy.dtypes:TimeDelta64DType:0:1]"), "[numpy$timedelta64$Y]");
  EXPECT_EQ(canonical("[numpy$numpy.dtypes:TimeDelta64DType:4:1]"), "[numpy$timedelta64$D]");
  EXPECT_EQ(canonical("[numpy$numpy.dtypes:TimeDelta64DType:d:a]"), "[numpy$timedelta64$10as]");
  EXPECT_EQ(canonical("[numpy$numpy.dtypes:TimeDelta64DType:e:1]"), "[numpy$timedelta64$]");
  EXPECT_EQ(canonical(">[numpy$numpy.dtypes:DateTime64DType:a:1]"), ">[numpy$datetime64$ns]");
}

// Numbers that are no unit, and above all addresses, are read by nobody.
TEST(ForeignSpelling, OfAnythingElseIsNoName) {
  for (const char* text :
       {"[numpy$numpy.dtypes:StringDType:7f00deadbeef]",
        "[numpy$numpy.dtypes:TimeDelta64DType:3:1]", "[numpy$numpy.dtypes:TimeDelta64DType:f:1]",
        "[numpy$numpy.dtypes:TimeDelta64DType:9:0]", "[numpy$numpy.dtypes:TimeDelta64DType:9]",
        "[numpy$numpy.dtypes:TimeDelta64DType::]", "[numpy$numpy.dtypes:TimeDelta64DType:9:1:1]",
        "[numpy$numpy.dtypes:TimeDelta64DType:9:ffffffff]",
        "[numpy$numpy.dtypes:TimeDelta64DType:-1:1]"}) {
    EXPECT_EQ(parse_error(text), "custom-bad-qualname@7") << text;
  }
}

TEST(Registry, GivesATypeItsPlaceInStructs) {
  EXPECT_EQ(parse_error("T{b:a:[placed$Word$]:w:}"), "unsized@6");
  register_type({.module = "placed",
                 .qualname = "Word",
                 .layout = {.size = 6, .alignment = 2, .swap_unit = 2}});
  const Format format = Format::parse("T{b:a:(2)[placed$Word$]:w:>[placed$Word$]:v:}");
  EXPECT_EQ(format.text(), "^T{b:a:x(2)[placed$Word$]:w:>[placed$Word$]:v:}");
  const Field& word = format.fields()[0].fields[1];
  EXPECT_EQ(word.offset, 2);
  EXPECT_EQ(word.itemsize, 6);
  EXPECT_EQ(word.swap_unit, 2);
  EXPECT_EQ(format.fields()[0].fields[2].order, ByteOrder::kBig);
  EXPECT_EQ(Format::parse(format.text(), format.itemsize()), format);
}

TEST(Registry, StoresATypeAsAnElement) {
  register_type({.module = "stored", .qualname = "Celsius", .layout = {.storage = "d"}});
  const Format format = Format::parse(">[stored$Celsius$]");
  EXPECT_EQ(format.text(), ">[stored$Celsius$]");
  EXPECT_EQ(format.itemsize(), 8);
  ASSERT_NE(format.scalar(), nullptr);
  EXPECT_EQ(format.scalar()->type, DType::kFloat64);
  EXPECT_EQ(format.scalar()->order, ByteOrder::kBig);
  EXPECT_FALSE(format == Format::parse(">d")) << "the name of a type is part of its format";
  EXPECT_EQ(Format::parse("[stored$Celsius]"), Format::parse("[stored$Celsius$]"));
}

TEST(Registry, StoresATypeAsAStruct) {
  register_type(
      {.module = "stored", .qualname = "Complex", .layout = {.storage = "T{f:re:f:im:}"}});
  const Format format = Format::parse("T{b:n:3x(2)>[stored$Complex$]:z:}");
  EXPECT_EQ(format.text(), "^T{b:n:3x(2)>[stored$Complex$]:z:}");
  EXPECT_EQ(format.itemsize(), 20);
  const std::vector<internal::Leaf> leaves = internal::leaves(format);
  ASSERT_EQ(leaves.size(), 3U);
  EXPECT_EQ(leaves[2].path, "z.im");
  EXPECT_EQ(leaves[2].offset, 8);
  EXPECT_EQ(leaves[2].order, ByteOrder::kBig) << "the mark is that of its elements";
  EXPECT_EQ(leaves[2].dims[0].stride, 8);
  // What it is stored as is no part of the text, so that the two are not equal.
  EXPECT_FALSE(Format::parse("[stored$Complex$]") == Format::parse("T{f:re:f:im:}"));
  // One in the other.
  register_type({.module = "stored",
                 .qualname = "Pair",
                 .layout = {.storage = "T{[stored$Complex$]:a:[stored$Complex$]:b:}"}});
  EXPECT_EQ(internal::leaves(Format::parse("<[stored$Pair$]"))[3].path, "b.im");
}

bool read_width(std::string_view param, TypeLayout* layout, void* context) {
  EXPECT_EQ(*static_cast<int*>(context), 42);
  if (param == "w32" || param == "32") {
    layout->param = "w32";
    layout->size = layout->alignment = layout->swap_unit = 4;
    return true;
  }
  if (param == "float") {
    layout->storage = "f";
    return true;
  }
  if (param == "broken") {
    layout->storage = "T{";
    return true;
  }
  if (param == "itself") {
    layout->storage = "T{[widths$Number$itself]:x:}";
    return true;
  }
  return false;
}

TEST(Registry, AsksTheTypeWhatAParameterMeans) {
  static int context = 42;
  register_type({.module = "widths",
                 .qualname = "Number",
                 .layout = {.size = 8, .alignment = 8, .swap_unit = 8},
                 .read_param = read_width,
                 .context = &context});
  EXPECT_EQ(Format::parse("[widths$Number$]").itemsize(), 8);
  EXPECT_EQ(Format::parse("[widths$Number$32]").text(), "[widths$Number$w32]");
  EXPECT_EQ(Format::parse("[widths$Number$w32]").itemsize(), 4);
  EXPECT_EQ(Format::parse("[widths$Number$float]").scalar()->type, DType::kFloat32);
  EXPECT_EQ(parse_error("[widths$Number$12]"), "custom-bad-param@15");
  EXPECT_EQ(parse_error("[widths$Number$broken]"), "custom-bad-param@15");
  EXPECT_EQ(parse_error("[widths$Number$itself]"), "custom-bad-param@15");
  // Without a reader only the empty parameter is known.
  register_type({.module = "widths", .qualname = "Plain", .layout = {.size = 1}});
  EXPECT_EQ(parse_error("[widths$Plain$x]"), "custom-bad-param@14");
}

TEST(Registry, AliasesTakeTheFirstThatIsKnown) {
  register_type({.module = "alias", .qualname = "B", .layout = {.size = 2, .swap_unit = 2}});
  EXPECT_EQ(Format::parse("T{[alias$A$;alias$B$]:x:}").text(), "^T{[alias$B$]:x:}");
}

TEST(Registry, FormatsParsedBeforeStayWhatTheyWere) {
  const Format before = Format::parse("[later$Type$]", 4);
  EXPECT_EQ(before.fields()[0].swap_unit, 0);
  register_type({.module = "later", .qualname = "Type", .layout = {.storage = "f"}});
  const Format after = Format::parse("[later$Type$]", 4);
  EXPECT_EQ(before.fields()[0].swap_unit, 0);
  EXPECT_EQ(after.scalar()->type, DType::kFloat32);
  EXPECT_EQ(before.text(), after.text());
  EXPECT_FALSE(before == after) << "less is known of one";
  EXPECT_EQ(after, Format::parse("[later$Type$]"));
  EXPECT_EQ(parse_error("[later$Type$]"), "");
}

// A type can be known better and better while formats that name it live, also inside another one's
// storage.
TEST(Registry, WhatBecomesKnownLaterIsSeenByTextsParsedLater) {
  set_type_resolver([](std::string_view module, std::string_view, TypeLayout* layout) {
    layout->size = layout->swap_unit = 4;
    return module == "better";
  });
  const Format resolved = Format::parse("[better$Type$]");
  EXPECT_EQ(resolved.fields()[0].type, DType::kOpaque);
  register_type(
      {.module = "outer", .qualname = "Struct", .layout = {.storage = "T{[better$Type$]:x:}"}});
  const Format outer = Format::parse("[outer$Struct$]");
  register_type({.module = "better", .qualname = "Type", .layout = {.storage = "f"}});
  EXPECT_EQ(Format::parse("[better$Type$]").fields()[0].type, DType::kFloat32);
  EXPECT_EQ(Format::parse("[outer$Struct$]").fields()[0].fields[0].type, DType::kFloat32);
  EXPECT_EQ(outer.fields()[0].fields[0].type, DType::kOpaque);
  set_type_resolver(nullptr);
}

TEST(Registry, AStorageWithoutASwappedFormHasNone) {
  register_type({.module = "stored", .qualname = "Extended", .layout = {.storage = "T{g:x:}"}});
  EXPECT_EQ(parse_error("[stored$Extended$]"), "");
  EXPECT_EQ(
      parse_error(kHostOrder == ByteOrder::kLittle ? ">[stored$Extended$]" : "<[stored$Extended$]"),
      "no-swapped-form@1");
}

// Locks that were taken around fork() must be free in the child.
TEST(Registry, WorksInAForkedChild) {
  register_type({.module = "forked", .qualname = "Type", .layout = {.storage = "d"}});
  EXPECT_EQ(Format::parse("[forked$Type$]").itemsize(), 8);
  const pid_t child = fork();
  if (child == 0) {
    alarm(10);  // a child that hangs ends by a signal
    const bool fresh = Format::parse("T{[forked$Type$]:x:h:y:}").itemsize() == 16;
    register_type({.module = "forked", .qualname = "Later", .layout = {.storage = "f"}});
    const bool later = Format::parse("[forked$Later$]").itemsize() == 4;
    const bool unknown = parse_error("T{[forked$Nobody$]:x:}") == "unsized@2";
    _exit(fresh && later && unknown ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
}

TEST(Registry, TheSameFactsTwiceAreOne) {
  TypeRegistration type{.module = "twice",
                        .qualname = "Type",
                        .layout = {.size = 8, .alignment = 8, .swap_unit = 8},
                        .conversions = {{.decode = copy_doubles}}};
  register_type(type);
  const uint64_t generation = internal::registry_generation();
  register_type(type);
  EXPECT_EQ(internal::registry_generation(), generation);
  type.layout.alignment = 4;
  EXPECT_NE(error_of(type).find("is registered already, with other facts"), std::string::npos);
  type.layout.alignment = 8;
  type.conversions[0].encode = copy_doubles;
  EXPECT_NE(error_of(type), "");
}

TEST(Registry, RefusesFactsThatMakeNoSense) {
  const TypeRegistration good{.module = "m", .qualname = "Refused", .layout = {.size = 8}};
  const auto refused = [&](auto&& change, const char* message) {
    TypeRegistration bad = good;
    change(bad);
    const std::string error = error_of(bad);
    EXPECT_NE(error.find(message), std::string::npos) << "got: " << error;
  };
  using T = TypeRegistration;
  refused([](T& t) { t.module = "1m"; }, "dotted name");
  refused([](T& t) { t.module = ""; }, "empty module");
  refused([](T& t) { t.qualname = "a b"; }, "dotted name");
  refused([](T& t) { t.qualname = "__class__"; }, "dunder");
  refused([](T& t) { t.qualname = "a;b$c"; }, "");
  refused([](T& t) { t.qualname = "a$b"; }, "dotted names");
  refused([](T& t) { t.module = "numpy", t.qualname = "datetime64"; }, "is built in");
  refused([](T& t) { t.layout.size = 0; }, "needs a storage, or a size");
  refused([](T& t) { t.layout.alignment = 3; }, "power of two");
  refused([](T& t) { t.layout.swap_unit = 3; }, "swap unit that divides");
  refused([](T& t) { t.layout.param = "x"; }, "no parameter");
  refused([](T& t) { t.layout.storage = "T{"; }, "never closed");
  refused([](T& t) { t.layout.storage = "(2)d"; }, "must be one code or one T{...}");
  refused([](T& t) { t.layout.storage = ">d"; }, "host's byte order");
  refused([](T& t) { t.layout.storage = "dd"; }, "must be one code");
  refused([](T& t) { t.layout.storage = "O"; }, "without pointers");
  refused([](T& t) { t.layout.storage = "T{&i:p:}"; }, "without pointers");
  refused([](T& t) { t.layout.storage = "4x"; }, "must be one code");
  refused(
      [](T& t) {
        t.layout.storage = "";
        t.conversions = {{}};
      },
      "needs a kernel");
  refused([](T& t) { t.conversions = {{.other = DType::kBytes, .decode = copy_doubles}}; },
          "to and from numbers, not bytes");
  refused(
      [](T& t) {
        t.layout.storage = "d";
        t.conversions = {{.decode = copy_doubles}};
      },
      "a storage and conversions");
  refused(
      [](T& t) {
        t.layout.size = 2048;
        t.conversions = {{.decode = copy_doubles}};
      },
      "more than 1024 bytes");
  EXPECT_EQ(parse_error("T{[m$Refused$]:x:}"), "unsized@2") << "nothing was kept";
}

TEST(Registry, CountsTheFieldsOfStoragesForTheLimits) {
  std::string storage = "T{";
  for (int i = 0; i < 1000; ++i) storage += "b:f" + std::to_string(i) + ":";
  register_type({.module = "large", .qualname = "Struct", .layout = {.storage = storage + "}"}});
  std::string text;
  for (int i = 0; i < 65; ++i) text += "[large$Struct$]";
  EXPECT_EQ(Format::parse(text).itemsize(), 65000);
  EXPECT_EQ(parse_error(text + "[large$Struct$]"), "too-many-items@" + std::to_string(65 * 15));
  std::string nested = "b";
  for (int i = 0; i < 40; ++i) nested = "T{" + nested + "}";
  register_type({.module = "deep", .qualname = "Struct", .layout = {.storage = nested}});
  std::string deep = "[deep$Struct$]";
  for (int i = 0; i < 24; ++i) deep = "T{" + deep + "}";
  EXPECT_EQ(Format::parse(deep).itemsize(), 1);
  EXPECT_EQ(parse_error("T{" + deep + "}"), "too-deep@50");
}

TEST(Registry, IsSafeToUseFromManyThreads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 50; ++i) {
        const std::string name = "T" + std::to_string(i);
        register_type({.module = "threads", .qualname = name, .layout = {.storage = "d"}});
        const Format format = Format::parse("T{[threads$" + name + "$]:x:}");
        ASSERT_EQ(format.fields()[0].fields[0].type, DType::kFloat64);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// A host that can look types up is asked for those that nobody registered.
TEST(Registry, AsksTheHostForTheSizeOfATypeThatNobodyRegistered) {
  set_type_resolver([](std::string_view module, std::string_view qualname, TypeLayout* layout) {
    if (module != "host" || qualname != "Type" || layout->param != "p") return false;
    layout->size = 12;
    layout->alignment = 4;
    return true;
  });
  const Format format = Format::parse("T{b:a:[host$Type$p]:x:}");
  EXPECT_EQ(format.fields()[0].fields[1].offset, 4);
  EXPECT_EQ(format.fields()[0].fields[1].swap_unit, 0) << "still nobody knows how to swap it";
  EXPECT_EQ(format.itemsize(), 16);
  EXPECT_EQ(Format::parse(format.text(), 16), format);
  EXPECT_EQ(parse_error("T{b:a:[host$Type$q]:x:}"), "unsized@6");
  register_type({.module = "host", .qualname = "Type", .layout = {.storage = "d"}});
  EXPECT_EQ(Format::parse("T{[host$Type$]:x:}").itemsize(), 8);
  set_type_resolver(nullptr);
  EXPECT_EQ(parse_error("T{b:a:[host$Other$p]:x:}"), "unsized@6");
}

}  // namespace
}  // namespace stridecast
