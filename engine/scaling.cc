// Checks the parameters of a scaling and puts its stages together:
//
//   decode   find_missing -> route to the float -> scale -> mark_missing -> route to dst
//   encode   route to the float -> unscale -> route to dst -> place_missing
//
// or one kernel for all of it where the table has one; or, where the offset is half the range of
// an integer, a flip of its sign bit. What is missing is known by the bits of
// stored items, so it is looked for before the first conversion, and put in place after the last.

#include "engine/scaling.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>

#include "dtypes/cast_rules.h"
#include "dtypes/narrow_types.h"
#include "engine/convert_limits.h"
#include "engine/leaf_program.h"
#include "engine/stage_chain.h"
#include "engine/time_scale.h"

namespace stridecast::internal {
namespace {

using kernels::KernelTable;
using kernels::ScaleParams;

constexpr const char* kWayNames[] = {"decode", "encode"};

bool is_time(DType type) { return type_facts(type).kind == Kind::kTime; }
// Of a number, or of a time as its integer.
DType stored_as(DType type) { return is_time(type) ? DType::kInt64 : type; }
bool is_integer(DType type) {
  const Kind kind = type_facts(stored_as(type)).kind;
  return kind == Kind::kSigned || kind == Kind::kUnsigned;
}
// Scaling takes times as the integers that they are.
void check_times(const Field& src, const Field& dst, const ConvertOptions& options) {
  if (is_time(src.type) && is_time(dst.type) && src.custom != dst.custom) {
    throw Error(
        ErrorCode::kNoConversion,
        "scaling times keeps their type and unit: convert them to those of the result first");
  }
  if (is_time(dst.type) && options.overflow == Overflow::kWrap) {
    throw Error(ErrorCode::kInvalidArgument,
                "times do not wrap: choose overflow 'raise', 'saturate' or 'nat'");
  }
  if (!is_time(dst.type) && options.overflow == Overflow::kNat) {
    throw Error(ErrorCode::kInvalidArgument,
                "overflow 'nat' is for destinations of times, and this format has none");
  }
}
int float_index(DType compute) { return compute == DType::kFloat32 ? 0 : 1; }

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, what);
}

// --- parameters ----------------------------------------------------------------------------------

const Field& scalable(const Format& format, ScaleWay way) {
  const Field* field = format.scalar();
  if (field == nullptr || !(is_real(field->type) || is_time(field->type))) {
    throw Error(ErrorCode::kNoConversion,
                std::string(kWayNames[static_cast<int>(way)]) + " takes items of one real number " +
                    "or time, not '" + format.text() + "'; take the fields of structs one by one");
  }
  return *field;
}

DType compute_type(const Scaling& scaling, DType dst) {
  if (scaling.compute == DType::kFloat32 || scaling.compute == DType::kFloat64) {
    return scaling.compute;
  }
  if (scaling.compute != DType::kOpaque) {
    refuse(std::string("scaling is computed in float32 or float64, not in ") +
           type_facts(scaling.compute).name);
  }
  return dst == DType::kFloat32 ? DType::kFloat32 : DType::kFloat64;
}

// The axis that the values belong to; -1 where there is one of each.
int find_axis(const Scaling& scaling, const Layout& dst) {
  const size_t count = std::max(scaling.scale.size(), scaling.offset.size());
  if (scaling.scale.empty() || scaling.offset.empty()) refuse("a scale and an offset are needed");
  if (count == 1) return -1;
  const int axis = scaling.axis < 0 ? scaling.axis + dst.ndim() : scaling.axis;
  if (axis < 0 || axis >= dst.ndim()) {
    refuse("axis " + std::to_string(scaling.axis) + " of scale and offset is none of the " +
           std::to_string(dst.ndim()) + " axes of the destination");
  }
  const auto wanted = static_cast<size_t>(dst.shape()[static_cast<size_t>(axis)]);
  const std::pair<const char*, size_t> given[] = {{"scale", scaling.scale.size()},
                                                  {"offset", scaling.offset.size()}};
  for (const auto& [name, size] : given) {
    if (size == 1 || size == wanted) continue;
    refuse(std::string(name) + " has " + std::to_string(size) + " values, but axis " +
           std::to_string(axis) + " of the destination has " + std::to_string(wanted));
  }
  return axis;
}

std::string number_text(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", number);
  return text;
}

template <typename T>
std::vector<T> rounded_values(const std::vector<double>& given, size_t count, const char* name,
                              bool divides) {
  std::vector<T> values(count);
  for (size_t k = 0; k < count; ++k) {
    const double wanted = given[given.size() == 1 ? 0 : k];
    values[k] = static_cast<T>(wanted);
    if (!std::isfinite(values[k])) {
      refuse(std::string(name) + " " + number_text(wanted) + " is not finite" +
             (std::isfinite(wanted) ? " in float32; compute in float64" : ""));
    }
    if (divides && values[k] == 0) {
      refuse(std::string("encode divides by scale, which must not be 0") +
             (wanted != 0 ? " as this one is in float32; compute in float64" : ""));
    }
  }
  return values;
}

void set_values(ScaleProgram& program) {
  const Scaling& scaling = program.scaling;
  const size_t count = program.axis < 0 ? 1 : std::max(scaling.scale.size(), scaling.offset.size());
  const bool divides = program.way == ScaleWay::kEncode;
  if (program.compute == DType::kFloat32) {
    program.narrow[0] = rounded_values<float>(scaling.scale, count, "scale", divides);
    program.narrow[1] = rounded_values<float>(scaling.offset, count, "offset", false);
  } else {
    program.wide[0] = rounded_values<double>(scaling.scale, count, "scale", divides);
    program.wide[1] = rounded_values<double>(scaling.offset, count, "offset", false);
  }
  program.size = type_facts(program.compute).size;
}

// --- missing items -------------------------------------------------------------------------------

// The bits of an element that count: of narrow types the low ones, of x86's long double 80.
void set_counting(ScaleParams& params, DType type) {
  if (is_narrow(type)) {
    const bool is_float = type_facts(type).kind == Kind::kFloat;
    const int bits = is_float ? narrow_float(type).bits : narrow_int_bits(type);
    params.counting[0] = (uint64_t{1} << bits) - 1;
  } else if (type == DType::kLongDouble && std::numeric_limits<long double>::digits == 64) {
    params.counting[1] = 0xFFFF;
  }
}

template <typename L>
uint64_t load_as(const void* bytes) {
  L value;
  std::memcpy(&value, bytes, sizeof(L));
  return static_cast<uint64_t>(value);
}

uint64_t load_unsigned(const void* bytes, int64_t size) {
  switch (size) {
    case 1:
      return load_as<uint8_t>(bytes);
    case 2:
      return load_as<uint16_t>(bytes);
    case 4:
      return load_as<uint32_t>(bytes);
    default:
      return load_as<uint64_t>(bytes);
  }
}

// Of the integers of up to 32 bits, which kernels for all of a scaling compare as numbers.
double number_of(DType type, uint64_t bits) {
  switch (type) {
    case DType::kInt8:
      return static_cast<int8_t>(bits);
    case DType::kInt16:
      return static_cast<int16_t>(bits);
    case DType::kInt32:
      return static_cast<int32_t>(bits);
    default:
      return static_cast<double>(bits);
  }
}

}  // namespace

void add_missing(ScaleParams& params, DType type, const ElementBytes& element) {
  set_counting(params, type);
  const auto k = static_cast<size_t>(params.num_missing++);
  uint64_t* const bits = params.missing[k];
  if (element.size == 16) {
    std::memcpy(bits, element.bytes.data(), 16);
  } else {
    bits[0] = load_unsigned(element.bytes.data(), element.size);
  }
  for (int half = 0; half < 2; ++half) bits[half] &= params.counting[half];
  params.missing_values[k] = number_of(type, bits[0]);
}

namespace {

void add_all_missing(ScaleParams& params, const Scaling& scaling, DType type, ScaleWay way) {
  // NaT takes a place of its own.
  const size_t most = way == ScaleWay::kEncode ? 1 : kernels::kMaxMissing - (is_time(type) ? 1 : 0);
  if (scaling.missing.size() > most) {
    refuse(std::string(kWayNames[static_cast<int>(way)]) + " knows at most " +
           std::to_string(most) + (most == 1 ? " missing value, not " : " missing values, not ") +
           std::to_string(scaling.missing.size()));
  }
  const TypeFacts& facts = type_facts(type);
  for (const ElementBytes& element : scaling.missing) {
    if (element.size != facts.size) {
      refuse("a missing value has " + std::to_string(element.size) + " bytes, but " + facts.name +
             ", the type of the stored items, has " + std::to_string(facts.size));
    }
    add_missing(params, type, element);
  }
}

const ElementBytes kNat = ElementBytes::of(INT64_MIN);

// --- stages --------------------------------------------------------------------------------------

class Chain : public StageChain {
 public:
  Chain(const KernelTable& table, const ScaleProgram& program, const ConvertOptions& options)
      : StageChain(table), program_(program), options_(options) {}

  // From the float, after what unscale rounds by itself.
  void round_to_integer(DType compute) {
    add(table().round_integral[float_index(compute)], compute, &program_.rounding);
  }
  // The last conversion: from the float to what dst holds.
  void convert_result(DType compute, DType dst) {
    if (is_time(dst)) {
      convert(compute, DType::kFloat64);
      kernels::TimeScaleParams params;
      params.rule = time_rule(rules_of(options_));
      params.nan_raises = options_.nan == NanPolicy::kRaise;
      add(table().float_to_time, DType::kInt64, params);
    } else {
      ConvertRules rules = rules_of(options_);
      if (is_integer(dst)) rules.rounding = Rounding::kDefault;  // rounded before
      convert(compute, dst, rules);
    }
  }

 private:
  const ScaleProgram& program_;
  const ConvertOptions& options_;
};

bool rounds_apart(DType dst, Rounding rounding) {
  return is_integer(dst) && rounding != Rounding::kDefault && rounding != Rounding::kNearestEven &&
         rounding != Rounding::kTowardsZero;
}

// The kernel that does all of a decoding, byte order included, or null.
const sc_entry* whole_decode(const KernelTable& table, const ScaleProgram& program, DType src) {
  if (!is_arithmetic(src)) return nullptr;
  const sc_entry& entry = table.decode[static_cast<int>(src)][float_index(program.compute)];
  return entry.run != nullptr ? &entry : nullptr;
}

Route decode_route(const KernelTable& table, const ScaleProgram& program, DType src, DType dst,
                   const ConvertOptions& options) {
  const DType compute = program.compute, from = stored_as(src);
  const int which = float_index(compute);
  Chain chain(table, program, options);
  if (const sc_entry* whole = whole_decode(table, program, src)) {
    chain.add(*whole, compute, &program.params);
  } else {
    const bool looks = program.params.num_missing > 0;
    const int size = kernels::move_index(type_facts(from).size);
    if (looks) chain.add(table.find_missing[size], from, &program.params);
    chain.convert(from, compute, ConvertRules{});
    chain.add(table.scale[which], compute, &program.params);
    if (looks) chain.add(table.mark_missing[which], compute, &program.params);
  }
  const bool nearest = is_integer(dst) && options.rounding == Rounding::kNearestEven;
  if (nearest || rounds_apart(dst, options.rounding)) chain.round_to_integer(compute);
  chain.convert_result(compute, dst);
  return chain.route();
}

// The kernel that does all of an encoding, or null.
const sc_entry* whole_encode(const KernelTable& table, const ScaleProgram& program, DType dst,
                             const ConvertOptions& options) {
  const bool checks = options.overflow == Overflow::kRaise;
  const bool rule = checks || options.overflow == Overflow::kSaturate;
  const bool nan = options.nan == NanPolicy::kDefault || program.params.num_missing > 0;
  if (!rule || !nan || !program.params.rounds || !is_arithmetic(dst)) return nullptr;
  const sc_entry& entry =
      table.encode[float_index(program.compute)][static_cast<int>(dst)][checks ? 1 : 0];
  return entry.run != nullptr ? &entry : nullptr;
}

Route encode_route(const KernelTable& table, const ScaleProgram& program, DType src, DType dst,
                   const ConvertOptions& options) {
  const DType compute = program.compute;
  const int which = float_index(compute);
  Chain chain(table, program, options);
  if (is_time(src)) {
    chain.add(table.find_missing[kernels::move_index(8)], DType::kInt64, &program.times);
    chain.convert(DType::kInt64, compute, ConvertRules{});
    chain.add(table.mark_missing[which], compute, &program.times);
  } else {
    chain.convert(src, compute, ConvertRules{});
  }
  if (const sc_entry* whole = whole_encode(table, program, dst, options)) {
    chain.add(*whole, dst, &program.params);
    return chain.route();
  }
  chain.add(table.unscale[which], compute, &program.params);
  if (rounds_apart(dst, options.rounding)) chain.round_to_integer(compute);
  chain.convert_result(compute, dst);
  if (program.params.num_missing > 0) {
    const bool checks = options.overflow == Overflow::kRaise ||
                        (is_time(dst) && options.overflow == Overflow::kDefault);
    const int size = kernels::move_index(type_facts(dst).size);
    chain.add(table.place_missing[size][checks ? 1 : 0], stored_as(dst), &program.params);
  }
  return chain.route();
}

// --- half the range ------------------------------------------------------------------------------

// Formats that know integers of one sign only store the others from the middle of their range on
// (FITS: BZERO = 32768 for uint16). That offset turns the sign bit and is exact at any size, where
// float64 has 53 bits. Null where the scaling is another one: the type that is stored beside it.
const Field* stored_from_the_middle(ScaleWay way, const Field& src, const Field& dst,
                                    const Scaling& scaling) {
  const bool plain = scaling.compute == DType::kOpaque && scaling.missing.empty() &&
                     scaling.scale.size() == 1 && scaling.scale[0] == 1 &&
                     scaling.offset.size() == 1;
  if (!plain || is_time(src.type) || is_time(dst.type)) return nullptr;
  if (!is_arithmetic(src.type) || !is_arithmetic(dst.type)) return nullptr;
  if (!is_integer(src.type) || !is_integer(dst.type)) return nullptr;
  const Field& stored = way == ScaleWay::kDecode ? src : dst;
  const double half = std::ldexp(1.0, static_cast<int>(8 * stored.itemsize - 1));
  const bool is_signed = type_facts(stored.type).kind == Kind::kSigned;
  return scaling.offset[0] == (is_signed ? half : -half) ? &stored : nullptr;
}

// The integer of the same size with a sign, or without.
DType other_sign(DType type) {
  constexpr DType kSigned[] = {DType::kInt8, DType::kInt16, DType::kInt32, DType::kInt64};
  constexpr DType kUnsigned[] = {DType::kUint8, DType::kUint16, DType::kUint32, DType::kUint64};
  const auto k = static_cast<size_t>(kernels::move_index(type_facts(type).size));
  return type_facts(type).kind == Kind::kSigned ? kUnsigned[k] : kSigned[k];
}

bool is_swapped(const Field& field) { return field.swap_unit > 1 && field.order != kHostOrder; }

// The flip itself swaps the bytes of what is stored, if nothing comes between the two.
Route flip_route(const KernelTable& table, ScaleProgram& program, const Field& src,
                 const Field& dst, const Field& stored, const ConvertOptions& options) {
  const DType between = other_sign(stored.type);
  const int size = kernels::move_index(stored.itemsize);
  ScaleParams& params = program.params;
  params.flipped = uint64_t{1} << (8 * stored.itemsize - 1);
  params.swaps = is_swapped(stored);
  Chain chain(table, program, options);
  if (program.way == ScaleWay::kDecode) {
    chain.add(table.flip[size], between, &params);
    chain.convert(between, dst.type, rules_of(options));
    return chain.route();
  }
  chain.convert(src.type, between, rules_of(options));
  if (chain.route().count > 0) params.swaps = false;
  if (params.swaps) params.flipped = 0x80;  // where the sign is after the swap
  chain.add(table.flip[size], stored.type, &params);
  return chain.route();
}

Element element_of(const Field& field) {
  return Element{"", field.type, field.order, field.itemsize, field.swap_unit};
}

void set_missing(ScaleProgram& program, DType src, DType dst, const ConvertOptions& options) {
  ScaleParams& params = program.params;
  if (program.way == ScaleWay::kDecode) {
    add_all_missing(params, program.scaling, src, program.way);
    if (is_time(src) && params.num_missing < kernels::kMaxMissing) add_missing(params, src, kNat);
    return;
  }
  add_all_missing(params, program.scaling, dst, program.way);
  const bool fills = options.nan != NanPolicy::kRaise;
  if (is_time(dst) && params.num_missing == 0 && fills) add_missing(params, dst, kNat);
  if (is_time(src)) add_missing(program.times, src, kNat);
  const bool nearest =
      options.rounding == Rounding::kDefault || options.rounding == Rounding::kNearestEven;
  params.rounds = nearest && is_integer(dst);
  params.filler = type_facts(stored_as(dst)).kind == Kind::kFloat ? 1.0 : 0.0;
  if (is_arithmetic(dst) && is_integer(dst)) {
    params.lo = static_cast<double>(range_facts(dst).int_min);
    params.hi = static_cast<double>(range_facts(dst).int_max);
  }
}

}  // namespace

LeafProgram make_scaled(const KernelTable& table, ScaleWay way, const Layout& src,
                        const Layout& dst, const Scaling& scaling, const ConvertOptions& options) {
  const Field &from = scalable(src.format(), way), &to = scalable(dst.format(), way);
  if (options.casting != Casting::kUnsafe) {
    refuse("a rule for casting is one for plain conversions: scaling changes values");
  }
  check_times(from, to, options);
  auto program = std::make_shared<ScaleProgram>();
  program->scaling = scaling;
  program->way = way;
  program->compute = compute_type(scaling, to.type);
  program->axis = find_axis(scaling, dst);
  set_values(*program);
  set_missing(*program, from.type, to.type, options);
  program->rounding.rounding = options.rounding;
  program->rounding.seed = options.seed;
  const Field* const stored = stored_from_the_middle(way, from, to, scaling);
  Route route;
  if (stored != nullptr) {
    route = flip_route(table, *program, from, to, *stored, options);
  } else if (way == ScaleWay::kDecode) {
    const bool whole = whole_decode(table, *program, from.type) != nullptr;
    program->params.swaps = whole && is_swapped(from);
    route = decode_route(table, *program, from.type, to.type, options);
  } else {
    route = encode_route(table, *program, from.type, to.type, options);
  }
  Element source = element_of(from), destination = element_of(to);
  // The kernel has it so.
  if (program->params.swaps) {
    (way == ScaleWay::kDecode ? source : destination).order = kHostOrder;
  }
  LeafProgram leaf = make_routed(table, source, destination, route);
  leaf.src_order = from.order;
  leaf.scaling = std::move(program);
  if (options.rounding == Rounding::kStochastic) leaf.draws = 1;
  return leaf;
}

}  // namespace stridecast::internal
