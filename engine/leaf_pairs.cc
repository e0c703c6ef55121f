// Pairs the leaves of two formats, by name or position, and makes their programs.

#include "engine/leaf_pairs.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "dtypes/cast_rules.h"
#include "dtypes/leaf_map.h"
#include "dtypes/type_registry.h"
#include "engine/leaf_program.h"

namespace stridecast::internal {
namespace {

using kernels::KernelTable;

// "float32", "numpy.datetime64[us]", "unicode of 20 bytes", with what the byte order adds.
std::string describe(const Leaf& leaf) {
  const TypeFacts& facts = type_facts(leaf.type);
  std::string text = facts.name;
  if (leaf.custom) {
    text = leaf.custom->module + "." + leaf.custom->qualname;
    if (!leaf.custom->param.empty()) text += "[" + leaf.custom->param + "]";
  } else if (facts.size == 0) {
    text += " of " + std::to_string(leaf.itemsize) + " bytes";
  }
  if (leaf.order != ByteOrder::kNone && leaf.order != kHostOrder) text += " (byteswapped)";
  return text;
}

std::string at_field(const std::string& path) {
  return path.empty() ? std::string() : " of field '" + path + "'";
}

bool is_reference(DType type) { return type == DType::kPointer || type == DType::kObject; }

void refuse_references(const Format& format, const std::vector<Leaf>& leaves) {
  for (const Leaf& leaf : leaves) {
    if (!is_reference(leaf.type)) continue;
    throw Error(ErrorCode::kNoConversion,
                "format '" + format.text() + "' holds pointers or objects" + at_field(leaf.path) +
                    ": their bytes mean nothing outside the process that owns them");
  }
}

Element element_of(const Leaf& leaf) {
  Element element{leaf.path, leaf.type, leaf.order, leaf.itemsize, leaf.swap_unit};
  element.time = time_facts(leaf.type, leaf.custom);
  return element;
}

bool same_bits(const Leaf& src, const Leaf& dst) {
  // An unknown type has no swap unit: it moves, but only where nothing is to be swapped.
  const bool same_order = src.swap_unit != 0 || src.order == dst.order;
  return src.type == dst.type && src.itemsize == dst.itemsize && src.custom == dst.custom &&
         same_order;
}

bool is_unknown(const Leaf& leaf) { return leaf.custom && leaf.swap_unit == 0; }

std::string advice_on(const Leaf& leaf) {
  const std::string name = leaf.custom->module + "." + leaf.custom->qualname;
  if (find_registered(*leaf.custom) != nullptr) {
    const std::string text = leaf.custom->param.empty()
                                 ? "'[" + leaf.custom->module + "$" + leaf.custom->qualname + "$]'"
                                 : "text";
    return "'" + name + "' was registered after the format's text was parsed: parse the text " +
           "again, e.g. buf.view(" + text + ")";
  }
  return "nothing is known of '" + name + "': import '" + leaf.custom->module +
         "' if it registers the type, or register it";
}

// `why`: what to say of it, or nothing.
[[noreturn]] void no_conversion(const Leaf& src, const Leaf& dst, const std::string& why) {
  std::string text =
      "no conversion from " + describe(src) + " to " + describe(dst) + at_field(dst.path);
  if (!why.empty()) text += ": " + why;
  for (const Leaf* leaf : {&src, &dst}) {
    if (!is_unknown(*leaf)) continue;
    text += "; " + advice_on(*leaf);
    break;
  }
  throw Error(ErrorCode::kNoConversion, text);
}

const RegisteredType* find_conversions(const Leaf& leaf) {
  return leaf.custom && leaf.type == DType::kOpaque ? find_registered(*leaf.custom) : nullptr;
}

bool has_conversion(const Element& element, sc_entry RegisteredConversion::*kernel) {
  return element.registered != nullptr &&
         std::any_of(element.registered->conversions.begin(), element.registered->conversions.end(),
                     [&](const RegisteredConversion& c) { return (c.*kernel).run != nullptr; });
}

// Whether registered conversions take one to the other.
bool converts(const Element& src, const Element& dst) {
  return (is_real(src.type) || has_conversion(src, &RegisteredConversion::decode)) &&
         (is_real(dst.type) || has_conversion(dst, &RegisteredConversion::encode));
}

// Random numbers of a leaf's element: as many as it has real parts.
int64_t draws_of_element(const Leaf& leaf) { return is_complex(leaf.type) ? 2 : 1; }

// `before` and those of all elements of a leaf.
int64_t add_draws(int64_t before, const Leaf& leaf) {
  int64_t draws = draws_of_element(leaf);
  bool fits = true;
  for (const LeafDim& dim : leaf.dims) {
    fits = fits && !__builtin_mul_overflow(draws, dim.count, &draws);
  }
  if (!fits || __builtin_add_overflow(before, draws, &draws)) {
    throw Error(ErrorCode::kInvalidArgument, "too many elements an item to number them");
  }
  return draws;
}

// The loops over the elements count their random numbers, from the item's `first` on.
void number(LeafProgram& program, const Leaf& dst, int64_t draws, int64_t first) {
  program.draws = draws;
  program.first_draw = first;
  int64_t step = draws_of_element(dst);
  for (size_t k = program.inner.size(); k-- > 0;) {
    program.inner[k].step[kIndex] = step;
    step *= program.inner[k].n;
  }
}

// Loops over the elements of the sub-arrays around a leaf.
std::vector<Loop> inner_loops(const Leaf& src, const Leaf& dst) {
  std::vector<Loop> loops;
  bool fits = src.dims.size() == dst.dims.size();
  for (size_t k = 0; fits && k < dst.dims.size(); ++k) {
    fits = src.dims[k].count == dst.dims[k].count;
    Loop loop;
    loop.n = dst.dims[k].count;
    loop.step[kSrc] = src.dims[k].stride;
    loop.step[kDst] = dst.dims[k].stride;
    loops.push_back(loop);
  }
  if (!fits) {
    throw Error(ErrorCode::kNoConversion,
                "the sub-arrays" + at_field(dst.path) + " have different shapes");
  }
  // Nesting can pile up thousands of dimensions of 1; of the others no more than 62 fit 63 bits.
  std::erase_if(loops, [](const Loop& loop) { return loop.n == 1; });
  return loops;
}

bool casts_texts(const Leaf& src, const Leaf& dst, bool safely) {
  const bool narrows = src.swap_unit == 4 && dst.swap_unit != 4;
  return !narrows &&
         (!safely || text_length(src.type, src.itemsize) <= text_length(dst.type, dst.itemsize));
}

bool is_time(const Element& element) { return element.time.kind != TimeFacts::kNone; }
TimeEnd time_end(const Element& element) { return {element.type, element.size, element.time}; }

// Whether `casting` allows a pair that is converted.
bool casting_allows(const Element& src_element, const Element& dst_element, const Leaf& src,
                    const Leaf& dst, Casting casting) {
  if (casting == Casting::kUnsafe || casting == Casting::kSameValue) return true;
  const bool safely = casting == Casting::kSafe;
  if (is_time(src_element) || is_time(dst_element)) {
    return casts_times(time_end(src_element), time_end(dst_element), casting);
  }
  if (is_number(src.type) && is_number(dst.type)) {
    return safely ? casts_safely(src.type, dst.type) : casts_within_kind(src.type, dst.type);
  }
  return is_text(src.type) && is_text(dst.type) && casts_texts(src, dst, safely);
}

[[noreturn]] void casting_forbids(const Leaf& src, const Leaf& dst, Casting casting) {
  constexpr const char* kNames[] = {"unsafe", "same_kind", "safe", "same_value"};
  throw Error(ErrorCode::kNoConversion, "casting from " + describe(src) + " to " + describe(dst) +
                                            at_field(dst.path) + " is not allowed under casting '" +
                                            kNames[static_cast<int>(casting)] + "'");
}

// A complex number as its real part, which lies first.
Element real_part(const Element& element) {
  Element part = element;
  part.type = component_type(element.type);
  part.size = element.size / 2;
  return part;
}

bool drops_imaginary(const Element& src, const Element& dst, const ConvertOptions& options) {
  const bool real = (is_real(dst.type) && dst.type != DType::kBool) || is_time(dst);
  return is_complex(src.type) && real && options.complex_to_real == ComplexToReal::kRealPart &&
         options.casting != Casting::kSameValue;
}

LeafProgram pair_leaves(const KernelTable& table, const Leaf& src, const Leaf& dst,
                        const ConvertOptions& options, const ConvertRules& rules) {
  Element from = element_of(src), to = element_of(dst);
  const bool same = same_bits(src, dst);
  const bool numbers = is_number(src.type) && is_number(dst.type);
  const bool texts = is_text(src.type) && is_text(dst.type);
  if (same) {
    from.time = to.time = {};  // their bits move
  } else if (is_time(from) || is_time(to)) {
    if (drops_imaginary(from, to, options)) from = real_part(from);
    std::string why;
    if (!converts_times(time_end(from), time_end(to), options, &why)) no_conversion(src, dst, why);
  } else if (!numbers && !texts) {
    from.registered = find_conversions(src);
    to.registered = find_conversions(dst);
    if (!converts(from, to)) no_conversion(src, dst, "");
  }
  if (!same && !casting_allows(from, to, src, dst, options.casting)) {
    casting_forbids(src, dst, options.casting);
  }
  if (drops_imaginary(from, to, options)) from = real_part(from);
  if (from.type == DType::kComplexLongDouble && is_real(to.type) && to.type != DType::kBool) {
    throw Error(ErrorCode::kNoConversion,
                "no magnitude, and no check that the imaginary part is 0, exists for clongdouble" +
                    at_field(dst.path) + "; convert it to complex128 ('Zd') first");
  }
  LeafProgram program = make_program(table, from, to, rules);
  program.src_offset = src.offset;
  program.dst_offset = dst.offset;
  std::vector<Loop> loops = inner_loops(src, dst);
  program.inner.insert(program.inner.begin(), loops.begin(), loops.end());
  return program;
}

// Source, destination; a source that is null is missing: the destination is zeroed.
using LeafPairs = std::vector<std::pair<const Leaf*, const Leaf*>>;

LeafPairs pair_by_position(const std::vector<Leaf>& src, const std::vector<Leaf>& dst) {
  if (src.size() != dst.size()) {
    throw Error(ErrorCode::kNoConversion, "the source has " + std::to_string(src.size()) +
                                              " elements an item, the destination " +
                                              std::to_string(dst.size()));
  }
  LeafPairs pairs;
  for (size_t k = 0; k < dst.size(); ++k) pairs.emplace_back(&src[k], &dst[k]);
  return pairs;
}

LeafPairs pair_by_name(const std::vector<Leaf>& src, const std::vector<Leaf>& dst,
                       MissingFields missing) {
  std::unordered_map<std::string, const Leaf*> by_key;
  for (const Leaf& leaf : src) by_key.emplace(leaf.key, &leaf);
  LeafPairs pairs;
  for (const Leaf& leaf : dst) {
    const auto found = by_key.find(leaf.key);
    const bool known = found != by_key.end();
    if (!known && missing == MissingFields::kError) {
      throw Error(ErrorCode::kNoConversion, "the source has no field '" + leaf.path + "'");
    }
    pairs.emplace_back(known ? found->second : nullptr, &leaf);
    if (known) by_key.erase(found);
  }
  if (missing == MissingFields::kError && !by_key.empty()) {
    throw Error(ErrorCode::kNoConversion,
                "the destination has no field '" + by_key.begin()->second->path + "'");
  }
  return pairs;
}

LeafPairs pair_all(const std::vector<Leaf>& src, const std::vector<Leaf>& dst,
                   const ConvertOptions& options) {
  FieldMatch match = options.fields;
  if (match == FieldMatch::kAuto) {
    const bool named = !dst.empty() && std::all_of(dst.begin(), dst.end(),
                                                   [](const Leaf& leaf) { return leaf.all_named; });
    match = named ? FieldMatch::kName : FieldMatch::kPosition;
  }
  return match == FieldMatch::kName ? pair_by_name(src, dst, options.missing_fields)
                                    : pair_by_position(src, dst);
}

bool holds_time(const Leaf& leaf) {
  return time_facts(leaf.type, leaf.custom).kind != TimeFacts::kNone;
}
bool of_numbers(const Leaf& src, const Leaf& dst) {
  return is_number(src.type) || is_number(dst.type) || find_conversions(src) != nullptr;
}
bool to_time(const Leaf&, const Leaf& dst) { return holds_time(dst); }
bool text_to_time(const Leaf& src, const Leaf& dst) { return is_text(src.type) && holds_time(dst); }
bool time_to_text(const Leaf& src, const Leaf& dst) { return holds_time(src) && is_text(dst.type); }
bool never_wraps(const Leaf& src, const Leaf& dst) {
  return holds_time(dst) && !is_number(src.type) && !same_bits(src, dst);
}

// Refuses options that no leaf understands. One that does is enough: fields that only move lie
// beside others in most structs.
void refuse_void_options(const LeafPairs& pairs, const ConvertOptions& options) {
  using Understands = bool (*)(const Leaf& src, const Leaf& dst);
  const auto any = [&](Understands understands) {
    return std::ranges::any_of(pairs, [&](const auto& pair) {
      return pair.first == nullptr || understands(*pair.first, *pair.second);
    });
  };
  const auto refuse = [&](bool given, Understands understands, const char* text) {
    if (given && !any(understands)) throw Error(ErrorCode::kInvalidArgument, text);
  };
  constexpr const char* kBehind = " is an option of numbers, and these formats have none";
  const auto refuse_of_numbers = [&](bool given, const char* name) {
    refuse(given, of_numbers, (std::string(name) + kBehind).c_str());
  };
  refuse_of_numbers(options.complex_to_real != ComplexToReal::kRealPart, "complex_to_real");
  refuse_of_numbers(options.nan != NanPolicy::kDefault, "nan");
  refuse_of_numbers(options.rounding != Rounding::kDefault, "rounding");
  refuse(options.overflow == Overflow::kNat, to_time,
         "overflow 'nat' is for destinations of times, and this format has none");
  refuse(options.text_errors == TextErrors::kNat, text_to_time,
         "errors is an option of texts that become times, and these formats have none");
  refuse(options.utc_suffix, time_to_text,
         "timezone is an option of times that become texts, and these formats have none");
  const bool wraps = options.overflow == Overflow::kWrap && any(never_wraps);
  refuse(wraps, of_numbers, "times do not wrap: choose overflow 'raise', 'saturate' or 'nat'");
}

// Zeros for a leaf that the source lacks: bytes, filled from one.
LeafProgram zero_leaf(const KernelTable& table, const Leaf& dst) {
  LeafProgram program = make_move(table, 1);
  program.zero = true;
  program.path = dst.path;
  program.dst_offset = dst.offset;
  for (const LeafDim& dim : dst.dims) {
    Loop loop;
    loop.n = dim.count;
    loop.step[kDst] = dim.stride;
    program.inner.push_back(loop);
  }
  Loop bytes;
  bytes.n = dst.itemsize;
  bytes.step[kDst] = 1;
  program.inner.push_back(bytes);
  std::erase_if(program.inner, [](const Loop& loop) { return loop.n == 1; });
  return program;
}

// Whether `next` continues `leaf`: both only move bytes, from neighbours to neighbours.
bool continues(const LeafProgram& leaf, const LeafProgram& next) {
  const auto moves = [](const LeafProgram& p) {
    return !p.staged() && !p.swaps_in && !p.zero && p.inner.empty();
  };
  return moves(leaf) && moves(next) && next.src_offset == leaf.src_offset + leaf.src_size &&
         next.dst_offset == leaf.dst_offset + leaf.dst_size;
}

// Runs of fields that only move pass as one: fewer visits of every item.
std::vector<LeafProgram> merge_moves(const KernelTable& table, std::vector<LeafProgram> leaves) {
  std::vector<LeafProgram> merged;
  for (LeafProgram& leaf : leaves) {
    if (merged.empty() || !continues(merged.back(), leaf)) {
      merged.push_back(std::move(leaf));
      continue;
    }
    LeafProgram& last = merged.back();
    LeafProgram both = make_move(table, last.src_size + leaf.src_size);
    both.path = last.path;
    both.src_offset = last.src_offset;
    both.dst_offset = last.dst_offset;
    both.src_type = both.dst_type = DType::kStruct;
    last = std::move(both);
  }
  return merged;
}

// Equal formats: the whole item is one element that moves, padding included.
LeafProgram whole_item(const KernelTable& table, const Format& format) {
  LeafProgram program = make_move(table, format.itemsize());
  const Field* scalar = format.scalar();
  program.src_type = program.dst_type = scalar != nullptr ? scalar->type : DType::kStruct;
  return program;
}

}  // namespace

std::vector<LeafProgram> convert_leaves(const KernelTable& table, const Format& src,
                                        const Format& dst, const ConvertOptions& options) {
  const std::vector<Leaf> from = leaves(src);
  refuse_references(src, from);
  if (src == dst) return {whole_item(table, src)};
  const std::vector<Leaf> to = leaves(dst);
  refuse_references(dst, to);
  std::vector<LeafProgram> programs;
  ConvertRules rules = rules_of(options);
  const bool random = rules.rounding == Rounding::kStochastic;
  if (random) {
    const int64_t draws = std::accumulate(to.begin(), to.end(), int64_t{0}, add_draws);
    rules.draws = std::max<int64_t>(draws, 1);
  }
  int64_t first_draw = 0;
  const LeafPairs pairs = pair_all(from, to, options);
  refuse_void_options(pairs, options);
  for (const auto& [a, b] : pairs) {
    // A text without characters is all padding.
    const bool empty = a != nullptr && a->itemsize == 0 && is_text(a->type) && is_text(b->type);
    programs.push_back(a == nullptr || empty ? zero_leaf(table, *b)
                                             : pair_leaves(table, *a, *b, options, rules));
    if (!random) continue;
    if (rounds_randomly(programs.back().route)) {
      number(programs.back(), *b, rules.draws, first_draw);
    }
    first_draw = add_draws(first_draw, *b);
  }
  return merge_moves(table, std::move(programs));
}

std::vector<LeafProgram> byteswap_leaves(const KernelTable& table, const Format& format) {
  const std::vector<Leaf> elements = leaves(format);
  refuse_references(format, elements);
  std::vector<LeafProgram> programs;
  for (const Leaf& leaf : elements) {
    const Element from = element_of(leaf);
    if (leaf.swap_unit == 0) {
      throw Error(ErrorCode::kNoConversion, "the byte order of " + describe(leaf) +
                                                at_field(leaf.path) +
                                                " cannot be swapped: " + advice_on(leaf));
    }
    Element to = from;
    to.order = from.order == ByteOrder::kLittle ? ByteOrder::kBig : ByteOrder::kLittle;
    LeafProgram program = make_program(table, from, to, ConvertRules{});
    program.src_offset = program.dst_offset = leaf.offset;
    std::vector<Loop> loops = inner_loops(leaf, leaf);
    program.inner.insert(program.inner.begin(), loops.begin(), loops.end());
    programs.push_back(std::move(program));
  }
  // Nothing has an order to swap (a bare void item): its bytes move as they are.
  if (programs.empty() && format.itemsize() > 0) return {whole_item(table, format)};
  return merge_moves(table, std::move(programs));
}

}  // namespace stridecast::internal
