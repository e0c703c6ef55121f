// Puts the stages of decode_time and encode_time together:
//
//   decode   count widened to int64, uint64 or float64 -> epoch to time
//   encode   time to epoch -> count in the type of dst
//
// The kernels of the epoch know missing items by their widened bits. Where those do not tell items
// apart (long double), or a rounding follows (floats to encode), flags do, as in scaling.cc.

#include "engine/epoch_route.h"

#include <cmath>
#include <cstring>

#include "dtypes/cast_rules.h"
#include "dtypes/time_unit.h"
#include "engine/leaf_program.h"
#include "engine/stage_chain.h"

namespace stridecast::internal {
namespace {

using kernels::EpochParams;
using kernels::KernelTable;
using kernels::TimeRule;

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, what);
}

constexpr const char* name_of(bool decodes) { return decodes ? "decode_time" : "encode_time"; }

bool is_float(DType type) { return type_facts(type).kind == Kind::kFloat; }
bool is_integer(DType type) {
  const Kind kind = type_facts(type).kind;
  return kind == Kind::kSigned || kind == Kind::kUnsigned;
}

// --- formats -------------------------------------------------------------------------------------

const Field& count_field(const Format& format, bool decodes) {
  const Field* field = format.scalar();
  if (field == nullptr || !(is_integer(field->type) || is_float(field->type))) {
    throw Error(ErrorCode::kNoConversion,
                std::string(name_of(decodes)) + (decodes ? " takes" : " gives") +
                    " one integer or real number an item, not '" + format.text() +
                    "'; take the fields of structs one by one");
  }
  return *field;
}

const Field& time_field(const Format& format, bool decodes, TimeUnit* unit) {
  const Field* field = format.scalar();
  const bool is_point = field != nullptr && field->type == DType::kDatetime64 && field->custom;
  if (!is_point || !parse_time_unit(field->custom->param, unit) || unit->is_generic()) {
    throw Error(ErrorCode::kNoConversion,
                std::string(name_of(decodes)) + (decodes ? " gives" : " takes") +
                    " one datetime64 of some unit an item, such as '[numpy$datetime64$ns]', not '" +
                    format.text() + "'");
  }
  if (unit->is_calendar()) {
    throw Error(ErrorCode::kNoConversion,
                std::string(name_of(decodes)) + " counts in units of fixed length, not in '" +
                    format.text() + "': " +
                    (decodes ? "decode to '[numpy$datetime64$D]' and convert that"
                             : "convert to '[numpy$datetime64$D]' and encode that"));
  }
  return *field;
}

// --- parameters ----------------------------------------------------------------------------------

TimeUnit unit_of(TimeStep step) {
  return {static_cast<TimeBase>(static_cast<int>(TimeBase::kWeek) + static_cast<int>(step)), 1};
}
static_assert(static_cast<int>(TimeBase::kNanosecond) - static_cast<int>(TimeBase::kWeek) ==
              static_cast<int>(TimeStep::kNanosecond));

Int128 attoseconds(const TimeUnit& unit) {
  return time_ratio(unit, {TimeBase::kAttosecond, 1}).num;
}

TimeRule rule_of(const ConvertOptions& options, bool decodes) {
  if (options.casting == Casting::kSameValue) return TimeRule::kRaise;
  switch (options.overflow) {
    case Overflow::kSaturate:
      return TimeRule::kSaturate;
    case Overflow::kNat:
      if (!decodes) refuse("overflow 'nat' is for times, which encode_time does not give");
      return TimeRule::kNat;
    case Overflow::kWrap:
      refuse("times do not wrap: choose another overflow");
    case Overflow::kDefault:
    case Overflow::kRaise:
      break;
  }
  return TimeRule::kRaise;
}

void check_options(const ConvertOptions& options, bool decodes) {
  const bool nearest =
      options.rounding == Rounding::kDefault || options.rounding == Rounding::kNearestEven;
  if (!nearest) refuse("times and counts are rounded to nearest even where they are not exact");
  const bool same_value = options.casting == Casting::kSameValue;
  if (options.casting != Casting::kUnsafe && (decodes || !same_value)) {
    refuse(decodes ? "decode_time has no rule for casting"
                   : "encode_time knows the castings 'unsafe' and 'same_value' alone");
  }
}

// Between counts and times of `unit`, which has a fixed length.
void set_factors(EpochProgram& program, const TimeUnit& unit) {
  EpochParams& epoch = program.epoch;
  const Int128 count = attoseconds(unit_of(program.units.step())), time = attoseconds(unit);
  const Int128 second = attoseconds({TimeBase::kSecond, 1});
  const Int128 start = program.units.seconds() * second + program.units.attoseconds();
  epoch.mul = program.decodes ? count : time;
  epoch.den = program.decodes ? time : count;
  epoch.add = program.decodes ? start : -start;
}

// --- stages --------------------------------------------------------------------------------------

// What an element is once it is widened: the bits of int64, uint64 or float64.
int64_t widened(const KernelTable& table, DType type, DType wide, const ElementBytes& element) {
  alignas(16) unsigned char items[2][16] = {};
  std::memcpy(items[0], element.bytes.data(), static_cast<size_t>(element.size));
  const Route route = find_route(table, type, wide, ConvertRules{});
  int64_t bits;
  std::memcpy(&bits, run_packed(route, element.size, 1, items[0], items[1]), sizeof(bits));
  return bits;
}

void check_missing(const EpochProgram& program, DType type) {
  const size_t most = program.decodes ? kernels::kMaxMissing : 1;
  if (program.missing.size() > most) {
    refuse(std::string(name_of(program.decodes)) + " knows at most " + std::to_string(most) +
           (most == 1 ? " missing value, not " : " missing values, not ") +
           std::to_string(program.missing.size()));
  }
  const TypeFacts& facts = type_facts(type);
  for (const ElementBytes& element : program.missing) {
    if (element.size == facts.size) continue;
    refuse("a missing value has " + std::to_string(element.size) + " bytes, but " + facts.name +
           ", the type of the counts, has " + std::to_string(facts.size));
  }
}

void add_absent(EpochParams& epoch, int64_t bits, bool floats) {
  double value;
  std::memcpy(&value, &bits, sizeof(value));
  const bool is_nan = floats && std::isnan(value);
  if (is_nan && !epoch.nan_raises) return;  // as every NaN
  epoch.absent[epoch.num_absent++] = bits;
}

Route decode_route(const KernelTable& table, EpochProgram& program, DType src, TimeUnit unit) {
  EpochParams& epoch = program.epoch;
  const bool floats = is_float(src);
  const DType wide = floats                  ? DType::kFloat64
                     : src == DType::kUint64 ? DType::kUint64
                                             : DType::kInt64;
  const bool flagged = src == DType::kLongDouble && !program.missing.empty();
  epoch.is_unsigned = wide == DType::kUint64;
  for (const ElementBytes& element : program.missing) {
    if (flagged) {
      add_missing(program.find, src, element);
    } else {
      add_absent(epoch, widened(table, src, wide, element), floats);
    }
  }
  set_factors(program, unit);
  prepare_epoch(epoch, true, floats);
  StageChain chain(table);
  if (flagged)
    chain.add(table.find_missing[kernels::move_index(type_facts(src).size)], src, &program.find);
  chain.convert(src, wide);
  if (flagged) chain.add(table.mark_missing[1], wide, &program.find);
  chain.add(table.epoch_to_time[floats ? 1 : 0], DType::kInt64, &epoch);
  return chain.route();
}

void encode_integers(StageChain& chain, const KernelTable& table, EpochProgram& program,
                     DType dst) {
  EpochParams& epoch = program.epoch;
  const RangeFacts& range = range_facts(dst);
  epoch.lo = range.int_min;
  epoch.hi = range.int_max;
  epoch.is_unsigned = dst == DType::kUint64;
  const DType wide = epoch.is_unsigned ? DType::kUint64 : DType::kInt64;
  epoch.has_missing = !program.missing.empty();
  if (epoch.has_missing) epoch.missing = widened(table, dst, wide, program.missing[0]);
  prepare_epoch(epoch, false, false);
  chain.add(table.time_to_epoch[0], wide, &epoch);
  chain.convert(wide, dst);
}

void encode_floats(StageChain& chain, const KernelTable& table, EpochProgram& program, DType dst,
                   const ConvertOptions& options) {
  EpochParams& epoch = program.epoch;
  const bool replaces = !program.missing.empty();
  epoch.odd = type_facts(dst).size < 8;
  prepare_epoch(epoch, false, true);
  if (replaces) {
    program.find.num_missing = 1;
    program.find.missing[0][0] = static_cast<uint64_t>(INT64_MIN);
    add_missing(program.place, dst, program.missing[0]);
    chain.add(table.find_missing[kernels::move_index(8)], DType::kInt64, &program.find);
  }
  chain.add(table.time_to_epoch[1], DType::kFloat64, &epoch);
  ConvertRules rules;
  rules.overflow = epoch.rule == TimeRule::kRaise ? Overflow::kRaise : Overflow::kSaturate;
  rules.same_value = options.casting == Casting::kSameValue;
  chain.convert(DType::kFloat64, dst, rules);
  if (replaces) {
    const int size = kernels::move_index(type_facts(dst).size);
    const int checks = epoch.rule == TimeRule::kRaise ? 1 : 0;
    chain.add(table.place_missing[size][checks], dst, &program.place);
  }
}

Route encode_route(const KernelTable& table, EpochProgram& program, TimeUnit unit, DType dst,
                   const ConvertOptions& options) {
  program.epoch.exact = options.casting == Casting::kSameValue;
  set_factors(program, unit);
  StageChain chain(table);
  if (is_float(dst)) {
    encode_floats(chain, table, program, dst, options);
  } else {
    encode_integers(chain, table, program, dst);
  }
  return chain.route();
}

Element element_of(const Field& field) {
  return Element{"", field.type, field.order, field.itemsize, field.swap_unit};
}

}  // namespace

LeafProgram make_epoch(const KernelTable& table, bool decodes, const Layout& src, const Layout& dst,
                       const TimeUnits& units, const std::vector<ElementBytes>& missing,
                       const ConvertOptions& options) {
  check_options(options, decodes);
  TimeUnit unit;
  const Field& count = count_field(decodes ? src.format() : dst.format(), decodes);
  const Field& time = time_field(decodes ? dst.format() : src.format(), decodes, &unit);
  auto program = std::make_shared<EpochProgram>(EpochProgram{units, missing, decodes});
  check_missing(*program, count.type);
  program->epoch.rule = rule_of(options, decodes);
  program->epoch.nan_raises = options.nan == NanPolicy::kRaise;
  const Route route = decodes ? decode_route(table, *program, count.type, unit)
                              : encode_route(table, *program, unit, count.type, options);
  LeafProgram leaf = make_routed(table, element_of(decodes ? count : time),
                                 element_of(decodes ? time : count), route);
  leaf.epoch = std::move(program);
  return leaf;
}

}  // namespace stridecast::internal
