#include "tests/support/random_format.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "tests/reference/element.h"

namespace stridecast::testing {
namespace {

// A field on both sides: the same name and shape, types of their own.
struct FieldPlan {
  std::string name, shape;
  DType src = DType::kBool, dst = DType::kBool;
  std::vector<FieldPlan> fields;  // a nested struct if not empty
  bool in_src = true, in_dst = true;
};

std::string code_of(DType type) {
  static constexpr const char* kCodes[] = {"?", "b", "B", "h", "H", "i", "I",
                                           "q", "Q", "e", "E", "f", "d"};
  return kCodes[std::find(reference::kTypes.begin(), reference::kTypes.end(), type) -
                reference::kTypes.begin()];
}

std::string random_dims(Random& random) {
  if (!random.chance(25)) return "";
  std::string text = "(" + std::to_string(random.chance(4) ? 0 : random.between(1, 4));
  if (random.chance(40)) text += "," + std::to_string(random.between(1, 3));
  return text + ")";
}

std::vector<FieldPlan> random_fields(Random& random, int depth) {
  std::vector<FieldPlan> fields(static_cast<size_t>(random.between(1, 4)));
  for (size_t i = 0; i < fields.size(); ++i) {
    FieldPlan& field = fields[i];
    field.name = std::string(1, static_cast<char>('a' + i));
    field.shape = random_dims(random);
    field.src = random.pick(reference::kTypes);
    field.dst = random.chance(30) ? field.src : random.pick(reference::kTypes);
    if (depth < 2 && random.chance(15)) field.fields = random_fields(random, depth + 1);
  }
  return fields;
}

std::string text_of(Random& random, const std::vector<FieldPlan>& fields, bool is_src,
                    bool shuffles, bool names, bool aligned) {
  std::vector<FieldPlan> order = fields;
  // "@" aligns and pads by itself; the other marks pack, and padding is written out.
  if (shuffles) std::shuffle(order.begin(), order.end(), std::mt19937_64(random.bits()));
  std::string text = "T{";
  for (const FieldPlan& field : order) {
    if (!(is_src ? field.in_src : field.in_dst)) continue;
    if (!aligned && random.chance(20)) text += std::to_string(random.between(1, 5)) + "x";
    text += field.shape;
    if (field.fields.empty()) {
      text += aligned ? "@" : random.pick(std::vector<std::string>{"<", ">", "="});
      text += code_of(is_src ? field.src : field.dst);
    } else {
      text += text_of(random, field.fields, is_src, shuffles, names, aligned);
    }
    if (names) text += ":" + field.name + ":";
  }
  if (!aligned && random.chance(20)) text += "3x";
  return text + "}";
}

// Fields go from either side; each keeps one, so that no struct is empty.
void leave_gaps(Random& random, std::vector<FieldPlan>& fields) {
  bool any_src = false, any_dst = false;
  for (FieldPlan& field : fields) {
    leave_gaps(random, field.fields);
    field.in_src = !random.chance(30);
    field.in_dst = !random.chance(30);
    any_src = any_src || field.in_src;
    any_dst = any_dst || field.in_dst;
  }
  if (fields.empty() || (any_src && any_dst)) return;
  fields.front().in_src = fields.front().in_dst = true;
}

}  // namespace

FormatPair random_format_pair(Random& random) {
  const auto scalar = [&](DType type) {
    return Format::of(type, random.chance(50) ? ByteOrder::kLittle : ByteOrder::kBig);
  };
  if (random.chance(55)) {
    const DType from = random.pick(reference::kTypes);
    const DType to = random.chance(10) ? from : random.pick(reference::kTypes);
    return {scalar(from), scalar(to), FieldMatch::kAuto, reference::Pairing::kPosition};
  }
  const bool by_name = random.chance(60);
  std::vector<FieldPlan> fields = random_fields(random, 0);
  const std::string src =
      text_of(random, fields, true, by_name, by_name || random.chance(50), random.chance(20));
  const std::string dst = text_of(random, fields, false, by_name, by_name, random.chance(20));
  return {Format::parse(src), Format::parse(dst), FieldMatch::kAuto,
          by_name ? reference::Pairing::kName : reference::Pairing::kPosition};
}

FormatPair random_format_pair_with_gaps(Random& random) {
  std::vector<FieldPlan> fields = random_fields(random, 0);
  leave_gaps(random, fields);
  const std::string src = text_of(random, fields, true, true, true, random.chance(20));
  const std::string dst = text_of(random, fields, false, true, true, random.chance(20));
  return {Format::parse(src), Format::parse(dst), FieldMatch::kName,
          reference::Pairing::kNameOrZero};
}

Format random_format(Random& random) { return random_format_pair(random).src; }

Format random_movable(Random& random) {
  static constexpr const char* kTexts[] = {"b",
                                           "<h",
                                           ">i",
                                           "<d",
                                           "f",
                                           "Zf",
                                           ">Zd",
                                           "1s",
                                           "3s",
                                           "5s",
                                           "7s",
                                           "8s",
                                           "12s",
                                           "16s",
                                           "33s",
                                           "<1w",
                                           "<3w",
                                           "T{b:a:<h:b:}",
                                           "T{<d:x:5x<h:y:}"};
  return Format::parse(random.pick(kTexts));
}

}  // namespace stridecast::testing
