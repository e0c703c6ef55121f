// Plans that take datetimes apart: the stages of a conversion to a unit that divides days, and one
// that writes a row for every field. The destination's rows are walked together, as one row.

#include <algorithm>

#include "engine/leaf_program.h"
#include "engine/pipeline.h"
#include "engine/planner.h"
#include "engine/runtime.h"
#include "engine/time_scale.h"

namespace stridecast::internal {
namespace {

using kernels::TimeFieldsParams;

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, what);
}

constexpr TimeUnit kDay{TimeBase::kDay, 1}, kSecond{TimeBase::kSecond, 1};

bool divides(const TimeUnit& unit, const TimeUnit& longer) {
  return !unit.is_calendar() && time_ratio(longer, unit).den == 1;
}

// The unit that fields are taken from: the same where it divides a second or a day, else without
// its multiple, and days for those longer.
TimeUnit unit_of_fields(const TimeUnit& unit) {
  const bool below_seconds = unit.base > TimeBase::kSecond;
  if (divides(unit, below_seconds ? kSecond : kDay)) return unit;
  return {std::max(unit.base, TimeBase::kDay), 1};
}

TimeFieldsParams params_of(const TimeUnit& unit, std::span<const TimeField> fields,
                           const TimeFieldsOptions& options) {
  TimeFieldsParams params;
  std::ranges::copy(fields, params.fields);
  params.has_fill = options.nat.has_value();
  params.fill = options.nat.value_or(0);
  params.below_seconds = unit.base > TimeBase::kSecond;
  const TimeRatio whole = time_ratio(params.below_seconds ? kSecond : kDay, unit);
  if (!params.below_seconds) {
    params.seconds = static_cast<int64_t>(time_ratio(unit, kSecond).num);
  }
  params.split = kernels::TimeDivisor::of(static_cast<int64_t>(whole.num));
  return params;
}

const Field& point_in_time(const Format& format, TimeFacts* facts) {
  const Field* field = format.scalar();
  if (field != nullptr) *facts = time_facts(field->type, field->custom);
  if (facts->kind != TimeFacts::kPoint) {
    throw Error(ErrorCode::kNoConversion, "datetime_fields takes items of one datetime, not '" +
                                              format.text() +
                                              "'; take the fields of structs one by one");
  }
  if (facts->unit.is_generic()) {
    refuse("the datetime64 has no unit: view it as one that has, e.g. '[numpy$datetime64$ns]'");
  }
  return *field;
}

int result_index(const Format& format) {
  const Field* field = format.scalar();
  const bool native = field != nullptr && field->order == kHostOrder;
  if (native && field->type == DType::kInt32) return 0;
  if (native && field->type == DType::kInt64) return 1;
  refuse("calendar fields have the format 'i' or 'q', not '" + format.text() + "'");
}

// Row 0 of the destination, which must be one of `rows` that follow each other.
Layout row_of(const Layout& src, const Layout& dst, size_t rows) {
  std::vector<int64_t> shape(1, static_cast<int64_t>(rows));
  shape.insert(shape.end(), src.shape().begin(), src.shape().end());
  const Layout wanted = Layout::contiguous(dst.format(), shape);
  const bool same_shape = std::ranges::equal(dst.shape(), shape);
  if (!same_shape) {
    refuse("the destination of " + std::to_string(rows) +
           " fields has that many rows of the source's shape");
  }
  if (dst.size() > 0 && !std::ranges::equal(dst.strides(), wanted.strides())) {
    refuse("the destination of calendar fields is C-contiguous: split or copy its rows afterwards");
  }
  const Layout packed = Layout::contiguous(dst.format(), {shape.begin() + 1, shape.end()});
  return Layout::strided(dst.format(), {shape.begin() + 1, shape.end()},
                         {packed.strides().begin(), packed.strides().end()}, dst.offset());
}

LoopNest nest_of(const Layout& src, const Layout& row) {
  LoopNest nest = make_nest(src, row);
  drop_size_one(nest);
  sort_by_index(nest);
  coalesce(nest);
  return nest;
}

LeafProgram make_leaf(const kernels::KernelTable& table, const Field& field, const TimeFacts& facts,
                      std::span<const TimeField> fields, int result,
                      const TimeFieldsOptions& options) {
  const TimeUnit unit = unit_of_fields(facts.unit);
  const ConvertRules rules;  // which the builder refers to
  RouteBuilder b(table, field.itemsize == 4 ? DType::kInt32 : DType::kInt64, rules);
  b.convert(DType::kInt64);
  if (!(unit == facts.unit)) route_units(b, facts.unit, unit, false);
  Stage stage;
  stage.entry = &table.time_fields[result];
  stage.out = result == 0 ? DType::kInt32 : DType::kInt64;
  stage.out_size = type_facts(stage.out).size;
  stage.rows = static_cast<int32_t>(fields.size());
  stage.data = std::make_shared<const TimeFieldsParams>(params_of(unit, fields, options));
  b.add(stage);
  const Element src{"", field.type, field.order, field.itemsize, field.swap_unit};
  const Element dst{"", stage.out, kHostOrder, stage.out_size, stage.out_size};
  LeafProgram leaf = make_routed(table, src, dst, b.route());
  leaf.move_out = nullptr;  // rows are written as they lie
  // In scratch, for the check-only pass, an item has all its results.
  leaf.widest = std::max<int64_t>(leaf.widest, stage.out_size * stage.rows);
  leaf.chunk_items = std::max<int64_t>(kRowScratch / leaf.widest, 1);
  return leaf;
}

}  // namespace

std::shared_ptr<const Plan::Impl> plan_time_fields(const Layout& src, const Layout& dst,
                                                   std::span<const TimeField> fields,
                                                   const TimeFieldsOptions& options) {
  if (fields.empty() || fields.size() > kNumTimeFields) {
    refuse("datetime_fields takes 1 to " + std::to_string(kNumTimeFields) + " fields, not " +
           std::to_string(fields.size()));
  }
  if (!src.suboffsets().empty() || !dst.suboffsets().empty()) {
    refuse("datetime_fields takes no pointers (suboffsets): copy the source first");
  }
  TimeFacts facts;
  const Field& field = point_in_time(src.format(), &facts);
  const int result = result_index(dst.format());
  const Layout row = row_of(src, dst, fields.size());
  auto impl = std::make_shared<Plan::Impl>(PlanKind::kTimeFields, src, dst, active_table());
  impl->empty = src.size() == 0;
  impl->bytes_moved = src.size() * src.format().itemsize() + dst.size() * dst.format().itemsize();
  impl->leaves = {make_leaf(*impl->table, field, facts, fields, result, options)};
  if (impl->empty) return impl;
  LeafProgram& leaf = impl->leaves[0];
  leaf.row_step = row.size() * row.format().itemsize();
  impl->may_fail = true;
  impl->nest = impl->logical_nest = nest_of(src, row);
  for (Loop& loop : impl->logical_nest.loops) loop.step[kDst] = 0;
  impl->logical_nest.offset[kDst] = 0;
  const bool packed = impl->nest.loops.size() == 1 &&
                      impl->nest.loops[0].step[kSrc] == leaf.src_size && !leaf.swaps_in;
  if (packed) leaf.move_in = nullptr;
  return impl;
}

}  // namespace stridecast::internal
