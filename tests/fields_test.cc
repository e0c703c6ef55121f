// split and join: fields of structs against the oracle, one field at a time, over windows of any
// size; which struct an error names; and what is refused before a byte is written.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "stridecast/ops.h"
#include "tests/reference/strided.h"
#include "tests/support/engine_run.h"
#include "tests/support/random_layout.h"

namespace stridecast::testing {
namespace {

using reference::Mode;
using Bytes = std::vector<unsigned char>;

// Memory exactly as large as its layout says.
struct Memory {
  Memory(Random& random, const Layout& of)
      : layout(of), bytes(static_cast<size_t>(of.extent().highest - of.extent().lowest)) {
    for (unsigned char& byte : bytes) byte = static_cast<unsigned char>(random.bits());
  }
  unsigned char* data() { return bytes.empty() ? nullptr : bytes.data() - layout.extent().lowest; }
  Layout layout;
  Bytes bytes;
};

// A field of the structs, and a format that its array may have.
struct FieldCase {
  const char* name;
  const char* in_struct;
  std::vector<int64_t> shape;
  std::vector<const char*> arrays;
};
const FieldCase kFields[] = {
    {"h", ">h", {}, {"h", ">h", "d", "B"}},
    {"f", "<f", {}, {"f", "E", "i", ">d"}},
    {"grid", "(2,3)>i", {2, 3}, {"i", ">q", "f"}},
    {"flag", "=?", {}, {"?", "B", "f"}},
    {"at", "=T{<d:x:>q:y:}", {}, {"T{<d:x:>q:y:}", "T{f:x:>h:y:}", "T{q:y:2xd:x:}"}},
    {"pairs", "(3)=T{B:x:>e:y:}", {3}, {"T{>e:x:i:y:}", "T{B:x:>e:y:}"}},
    {"name", "=5s", {}, {"5s"}},
    {"none", "(0)=d", {0}, {"f"}},
};

// Some fields in some order, with padding between them.
std::string random_structs(Random& random, std::vector<const FieldCase*>* chosen) {
  for (const FieldCase& field : kFields) {
    if (random.chance(60)) chosen->push_back(&field);
  }
  if (chosen->empty()) chosen->push_back(&kFields[0]);
  std::shuffle(chosen->begin(), chosen->end(), std::mt19937_64(random.bits()));
  std::string text = "T{";
  for (const FieldCase* field : *chosen) {
    if (random.chance(30)) text += "=" + std::to_string(random.between(1, 5)) + "x";
    text += std::string(field->in_struct) + ":" + field->name + ":";
  }
  return text + "}";
}

struct Trial {
  explicit Trial(uint64_t seed, bool splits) : random(seed) {
    std::vector<const FieldCase*> chosen;
    const Format format = Format::parse(random_structs(random, &chosen));
    const std::vector<int64_t> shape = random_shape(random, 4, 300);
    const auto layout = [&](const Format& item, const std::vector<int64_t>& sizes, bool is_source) {
      return is_source ? random_source(random, item, sizes)
                       : random_destination(random, item, sizes);
    };
    structs = std::make_unique<Memory>(random, layout(format, shape, splits));
    for (const FieldCase* field : chosen) {
      if (!arrays.empty() && random.chance(25)) continue;
      std::vector<int64_t> sizes = shape;
      sizes.insert(sizes.end(), field->shape.begin(), field->shape.end());
      const Format item = Format::parse(random.pick(field->arrays));
      arrays.push_back(std::make_unique<Memory>(random, layout(item, sizes, !splits)));
      names.push_back(field->name);
    }
  }
  std::vector<FieldArray> fields() {
    std::vector<FieldArray> list;
    for (size_t k = 0; k < arrays.size(); ++k) {
      list.push_back({names[k], &arrays[k]->layout, arrays[k]->data()});
    }
    return list;
  }
  std::string text() const {
    std::string text = to_text(structs->layout);
    for (size_t k = 0; k < arrays.size(); ++k)
      text += "\n" + names[k] + " " + to_text(arrays[k]->layout);
    return text;
  }

  Random random;
  std::unique_ptr<Memory> structs;
  std::vector<std::unique_ptr<Memory>> arrays;
  std::vector<std::string> names;
};

void move_field(const Layout& from, const void* src, const Layout& to, void* dst) {
  if (to.size() == 0) return;
  if (from.format() == to.format()) {
    reference::copy(from, src, to, dst);
  } else {
    const bool named = to.format().fields()[0].type == DType::kStruct;
    reference::convert(from, src, to, dst, Mode::kSaturate, false,
                       named ? reference::Pairing::kName : reference::Pairing::kPosition);
  }
}

constexpr ConvertOptions kSaturate = {.overflow = Overflow::kSaturate};

// A struct of `count` neighbours of one type between two others: all of them, or all but the third;
// the fifth is converted, the sixth written to every second place, the others packed.
void check_neighbours(Random& random, const std::string& type, int count, bool all, int64_t n) {
  std::string text = "T{=B:first:";
  for (int k = 0; k < count; ++k) text += type + ":f" + std::to_string(k) + ":";
  const Format format = Format::parse(text + ">q:last:}");
  const int64_t step = format.itemsize() + random.below(3);
  Memory structs(random, Layout::strided(format, {n}, {step}));
  std::vector<std::unique_ptr<Memory>> arrays;
  std::vector<std::string> names = {"first", "last"};
  for (int k = 0; k < count; ++k) {
    if (all || k != 2) names.push_back("f" + std::to_string(k));
  }
  std::shuffle(names.begin(), names.end(), std::mt19937_64(random.bits()));
  std::vector<FieldArray> fields;
  std::vector<Bytes> want;
  for (const std::string& name : names) {
    const Layout field = structs.layout.field(name);
    const bool converts = name == "f4" && type != "=2s" && type != "<Zf";
    const Format item = converts ? Format::parse("=H") : field.format();
    const int64_t gap = name == "f5" ? 2 : 1;
    arrays.push_back(
        std::make_unique<Memory>(random, Layout::strided(item, {n}, {gap * item.itemsize()})));
    Memory& array = *arrays.back();
    fields.push_back({name, &array.layout, array.data()});
    Memory copy = array;
    move_field(field, structs.data(), copy.layout, copy.data());
    want.push_back(copy.bytes);
  }
  split(structs.layout, structs.data(), fields, kSaturate, on_threads(n % 2 == 0 ? 1 : 3));
  for (size_t k = 0; k < names.size(); ++k) {
    ASSERT_TRUE(arrays[k]->bytes == want[k])
        << names[k] << " of " << n << " " << format.text() << ", " << step << " bytes apart";
  }
}

TEST(FieldsTest, NeighboursOfOneSize) {
  Random random(7);
  for (const int64_t seam : {0, 100}) {
    const SmallSeams seams(seam);
    for (const char* type : {"=b", "<h", ">h", "<f", ">i", "<q", ">d", "=2s", "<Zf"}) {
      for (const int count : {3, 4, 7, 18, 70}) {
        for (const int64_t n : {1, 2, 5, 63, 64, 65, 700}) {
          ASSERT_NO_FATAL_FAILURE(check_neighbours(random, type, count, n % 3 == 0, n));
        }
      }
    }
  }
}

TEST(FieldsTest, RandomSplits) {
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    const SmallSeams seams(static_cast<int64_t>(seed % 4 * 5));
    Trial trial(seed, true);
    std::vector<Bytes> want;
    const Layout& structs = trial.structs->layout;
    for (size_t k = 0; k < trial.arrays.size(); ++k) {
      Memory array = *trial.arrays[k];
      move_field(structs.field(trial.names[k]), trial.structs->data(), array.layout, array.data());
      want.push_back(array.bytes);
    }
    const Bytes before = trial.structs->bytes;
    split(structs, trial.structs->data(), trial.fields(), kSaturate,
          on_threads(seed % 2 == 0 ? 1 : 4));
    for (size_t k = 0; k < want.size(); ++k) {
      ASSERT_TRUE(trial.arrays[k]->bytes == want[k])
          << "seed " << seed << ", field " << trial.names[k] << "\n"
          << trial.text();
    }
    ASSERT_TRUE(trial.structs->bytes == before);
  }
}

TEST(FieldsTest, RandomJoins) {
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    const SmallSeams seams(static_cast<int64_t>(seed % 4 * 5));
    Trial trial(seed, false);
    Memory want = *trial.structs;
    for (size_t k = 0; k < trial.arrays.size(); ++k) {
      move_field(trial.arrays[k]->layout, trial.arrays[k]->data(),
                 want.layout.field(trial.names[k]), want.data());
    }
    join(trial.fields(), trial.structs->layout, trial.structs->data(), kSaturate,
         on_threads(seed % 2 == 0 ? 1 : 4));
    ASSERT_TRUE(trial.structs->bytes == want.bytes) << "seed " << seed << "\n" << trial.text();
  }
}

// Enough structs for many windows of the usual size, in shapes that are cut along each axis.
TEST(FieldsTest, ManyWindowsThereAndBack) {
  const Format format = Format::parse("T{<f:a:>H:b:3x(2)B:c:}");
  for (const std::vector<int64_t>& shape :
       {std::vector<int64_t>{50001}, {3, 20011}, {20011, 3}, {1, 7, 9001}, {61, 31, 23}}) {
    for (Order order : {Order::kC, Order::kF}) {
      Random random(1);
      Memory structs(random, Layout::contiguous(format, shape, order));
      std::vector<int64_t> of_c = shape;
      of_c.push_back(2);
      Memory a(random, Layout::contiguous(Format::parse("f"), shape));
      Memory b(random, Layout::contiguous(Format::parse("H"), shape));
      Memory c(random, Layout::contiguous(Format::parse("B"), of_c));
      const std::vector<FieldArray> fields = {
          {"c", &c.layout, c.data()}, {"a", &a.layout, a.data()}, {"b", &b.layout, b.data()}};
      split(structs.layout, structs.data(), fields, {}, on_threads(2));
      for (Memory* array : {&a, &b, &c}) {
        Memory want = *array;
        const char* name = array == &a ? "a" : array == &b ? "b" : "c";
        move_field(structs.layout.field(name), structs.data(), want.layout, want.data());
        ASSERT_TRUE(array->bytes == want.bytes) << name;
      }
      const Bytes before = structs.bytes;
      for (size_t i = 0; i < structs.bytes.size(); ++i) {
        if (i % 11 < 6 || i % 11 > 8) structs.bytes[i] = 0;  // all but padding
      }
      join(fields, structs.layout, structs.data(), {}, on_threads(2));
      ASSERT_TRUE(structs.bytes == before);
    }
  }
}

// --- bad data ------------------------------------------------------------------------------------

std::string message_of(const std::function<void()>& call, ErrorCode code, int64_t index = -1) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    if (code == ErrorCode::kData) {
      EXPECT_EQ(error.position(), index) << error.what();
    }
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

TEST(FieldsTest, ErrorsNameTheLowestStructAndItsField) {
  const Format format = Format::parse("T{=i:a:(3)i:b:h:c:}");
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const SmallSeams seams(static_cast<int64_t>(seed % 3 * 4));
    Random random(seed);
    const std::vector<int64_t> shape = {random.between(1, 12), random.between(1, 12)};
    std::vector<int64_t> of_b = shape;
    of_b.push_back(3);
    Memory structs(random, random_destination(random, format, shape));
    std::ranges::fill(structs.bytes, static_cast<unsigned char>(0));
    Memory a(random, random_destination(random, Format::parse("B"), shape));
    Memory b(random, random_destination(random, Format::parse("B"), of_b));
    Memory c(random, random_destination(random, Format::parse("h"), shape));
    const int64_t count = structs.layout.size();
    int64_t lowest = count;
    bool in_a = false;
    const int32_t bad = -5;
    for (int64_t k = random.between(1, 4); k > 0; --k) {
      const int64_t at = random.below(count);
      const bool is_a = random.chance(50);
      const int64_t place = is_a ? 0 : 4 + 4 * random.below(3);
      reference::for_each_item(structs.layout, [&](int64_t index, int64_t offset) {
        if (index == at) std::memcpy(structs.data() + offset + place, &bad, 4);
      });
      if (at < lowest || (at == lowest && is_a)) in_a = is_a;
      lowest = std::min(lowest, at);
    }
    const std::vector<FieldArray> fields = {
        {"c", &c.layout, c.data()}, {"a", &a.layout, a.data()}, {"b", &b.layout, b.data()}};
    for (int threads : {1, 4}) {
      const std::string message = message_of(
          [&] {
            split(structs.layout, structs.data(), fields,
                  {.overflow = Overflow::kRaise, .index_offset = 70}, on_threads(threads));
          },
          ErrorCode::kData, 70 + lowest);
      ASSERT_NE(message.find(in_a ? "field 'a'" : "field 'b'"), std::string::npos) << message;
      ASSERT_NE(message.find("element " + std::to_string(70 + lowest)), std::string::npos)
          << message << " seed " << seed;
      ASSERT_NE(message.find("-5"), std::string::npos) << message;
    }
  }
}

TEST(FieldsTest, JoinNamesTheStructToo) {
  const SmallSeams seams(2);
  std::vector<int32_t> a(12, 1);
  a[7] = 70000;
  a[11] = -70000;
  const Layout array = Layout::contiguous(Format::parse("i"), {2, 3, 2});
  const Layout structs = Layout::contiguous(Format::parse("T{=B:x:(2)h:a:}"), {2, 3});
  Bytes bytes(static_cast<size_t>(structs.extent().highest));
  const std::string message = message_of(
      [&] {
        join({{{"a", &array, a.data()}}}, structs, bytes.data(), {.overflow = Overflow::kRaise},
             on_threads(3));
      },
      ErrorCode::kData, 3);
  EXPECT_NE(message.find("field 'a'"), std::string::npos) << message;
  EXPECT_NE(message.find("70000"), std::string::npos) << message;
}

// --- refused before anything is written ----------------------------------------------------------

class RefusalTest : public ::testing::Test {
 protected:
  const Layout structs = Layout::contiguous(Format::parse("T{i:a:h:b:h:c:}"), {4});
  const Layout ints = Layout::contiguous(Format::parse("i"), {4});
  const Layout shorts = Layout::contiguous(Format::parse("h"), {4});
  Bytes bytes = Bytes(64, 9), first = Bytes(64, 8), second = Bytes(64, 7);

  void refused(bool splits, std::vector<FieldArray> fields, ErrorCode code, const char* word,
               const Layout* instead = nullptr) {
    const Bytes before[] = {bytes, first, second};
    const Layout& of = instead != nullptr ? *instead : structs;
    const std::string message = message_of(
        [&] {
          if (splits) {
            split(of, bytes.data(), fields);
          } else {
            join(fields, of, bytes.data());
          }
        },
        code);
    EXPECT_NE(message.find(word), std::string::npos) << message;
    EXPECT_TRUE(bytes == before[0] && first == before[1] && second == before[2]);
  }
};

TEST_F(RefusalTest, FieldsThatDoNotFit) {
  const Layout three = Layout::contiguous(Format::parse("i"), {3});
  const Layout text = Layout::contiguous(Format::parse("2s"), {4});
  for (bool splits : {true, false}) {
    refused(splits, {{"a", &ints, first.data()}, {"d", &ints, second.data()}},
            ErrorCode::kInvalidArgument, "'d'");
    refused(splits, {{"a", &ints, first.data()}, {"b", &three, second.data()}},
            ErrorCode::kInvalidArgument, "field 'b': its array has the shape (3,), not (4,)");
    refused(splits, {{"a", &ints, first.data()}, {"b", &text, second.data()}},
            ErrorCode::kNoConversion, "field 'b'");
    refused(splits, {{"a", nullptr, first.data()}}, ErrorCode::kInvalidArgument, "layout");
    const Layout pointers = Layout::strided(Format::parse("i"), {4}, {8}, 0, {0});
    refused(splits, {{"a", &pointers, first.data()}}, ErrorCode::kInvalidArgument, "suboffsets");
    const Layout table = Layout::strided(structs.format(), {4}, {8}, 0, {0});
    refused(splits, {{"a", &ints, first.data()}}, ErrorCode::kInvalidArgument, "suboffsets",
            &table);
  }
  refused(false,
          {{"a", &ints, first.data()}, {"b", &shorts, second.data()}, {"a", &ints, first.data()}},
          ErrorCode::kInvalidArgument, "field 'a': is given twice");
}

TEST_F(RefusalTest, SharedMemory) {
  const Layout every_fourth = Layout::strided(Format::parse("h"), {4}, {8});
  for (bool splits : {true, false}) {
    refused(splits, {{"b", &shorts, bytes.data()}, {"c", &shorts, second.data()}},
            ErrorCode::kBuffer, "field 'b'");
    // The array lies where another field does.
    refused(splits, {{"b", &shorts, first.data()}, {"c", &every_fourth, bytes.data() + 4}},
            ErrorCode::kBuffer, "field 'c'");
  }
  refused(true, {{"b", &shorts, first.data()}, {"c", &shorts, first.data() + 7}},
          ErrorCode::kBuffer, "shares memory with that of field");
  // Every window by itself would do.
  const SmallSeams seams(1);
  const Layout same = Layout::strided(Format::parse("h"), {4}, {0});
  refused(true, {{"b", &same, first.data()}}, ErrorCode::kBuffer, "field 'b'");
  const Layout same_struct = Layout::strided(structs.format(), {4}, {0});
  refused(false, {{"b", &shorts, first.data()}}, ErrorCode::kBuffer, "field 'b'", &same_struct);
}

TEST_F(RefusalTest, SideBySideIsNotShared) {
  // Interleaved arrays, one of them between the fields of the structs that nobody asks for.
  const Layout every_second = Layout::strided(Format::parse("h"), {4}, {4});
  const Layout every_fourth = Layout::strided(Format::parse("h"), {4}, {8});
  for (size_t i = 0; i < 32; ++i) bytes[i] = static_cast<unsigned char>(i);
  split(structs, bytes.data(),
        {{{"b", &every_second, first.data()},
          {"b", &every_second, first.data() + 2},
          {"b", &every_fourth, bytes.data() + 6}}});
  for (size_t i = 0; i < 4; ++i) {
    for (const unsigned char* copy :
         {first.data() + 4 * i, first.data() + 4 * i + 2, bytes.data() + 8 * i + 6}) {
      EXPECT_EQ(std::memcmp(copy, bytes.data() + 8 * i + 4, 2), 0) << i;
    }
  }
}

TEST(FieldsTest, EmptyStructsAndNoFields) {
  const Layout none = Layout::contiguous(Format::parse("T{i:a:}"), {0, 3});
  const Layout array = Layout::contiguous(Format::parse("d"), {0, 3});
  split(none, nullptr, {{{"a", &array, nullptr}}});
  join({{{"a", &array, nullptr}}}, none, nullptr);
  split(Layout::contiguous(Format::parse("T{i:a:}"), {3}), nullptr, {});
  int32_t in = 5;
  double out = 0;
  const Layout scalar = Layout::contiguous(Format::parse("d"), {});
  split(Layout::contiguous(Format::parse("T{i:a:}"), {}), &in, {{{"a", &scalar, &out}}});
  EXPECT_EQ(out, 5.0);
}

TEST(FieldsTest, JoinRefusesStructsThatShareBytes) {
  const Format format = Format::parse("T{i:a:i:b:}");
  const Layout structs = Layout::strided(format, {8}, {4});
  const Layout array = Layout::contiguous(Format::parse("i"), {8});
  std::vector<int32_t> a(8, 1), b(8, 2), out(16, 0);
  const FieldArray fields[] = {{"a", &array, a.data()}, {"b", &array, b.data()}};
  EXPECT_THROW(join(fields, structs, out.data()), Error);
  EXPECT_EQ(out, std::vector<int32_t>(16, 0));
}

TEST(FieldsTest, AThrowingPoolIsAnError) {
  const Layout structs = Layout::contiguous(Format::parse("T{i:a:i:b:}"), {1 << 20});
  const Layout array = Layout::contiguous(Format::parse("i"), {1 << 20});
  std::vector<int32_t> memory(2 << 20), a(1 << 20);
  const FieldArray fields[] = {{"a", &array, a.data()}};
  RunOptions options;
  options.threads = 4;
  options.parallel_for = [](int, const auto&) { throw std::runtime_error("pool"); };
  EXPECT_THROW(split(structs, memory.data(), fields, {}, options), Error);
}

}  // namespace
}  // namespace stridecast::testing
