// Plan: the public face of the planner and the run, and how a plan describes itself.

#include "stridecast/plan.h"

#include <algorithm>
#include <charconv>

#include "engine/indirect.h"
#include "engine/plan_impl.h"
#include "engine/planner.h"
#include "engine/reduce_program.h"
#include "engine/run.h"
#include "engine/struct_program.h"

namespace stridecast {
namespace internal {
namespace {

std::string shape_text(const Layout& layout) {
  std::string text;
  for (int axis = 0; axis < layout.ndim(); ++axis) {
    text += (axis > 0 ? ", " : "") + std::to_string(layout.shape()[axis]);
  }
  return "(" + text + (layout.ndim() == 1 ? ",)" : ")");
}

std::string layout_text(const char* role, const Layout& layout) {
  std::string text = std::string("  ") + role + " '" + layout.format().text() + "' " +
                     shape_text(layout) + " strides (";
  for (int axis = 0; axis < layout.ndim(); ++axis) {
    text += (axis > 0 ? ", " : "") + std::to_string(layout.strides()[axis]);
  }
  return text + "), bytes [" + std::to_string(layout.extent().lowest) + ", " +
         std::to_string(layout.extent().highest) + ")\n";
}

std::string shortest(double value) {
  char text[32];
  return std::string(text, std::to_chars(text, text + sizeof(text), value).ptr);
}

// "[-128, 127]", what a check lets pass and a clamp brings values into.
std::string interval_text(const kernels::LimitParams& limits, DType type) {
  if (limits.lo != 0 || limits.hi != 0) {
    return " [" + shortest(limits.lo) + ", " + shortest(limits.hi) + "]";
  }
  if (limits.lo_int == 0 && limits.hi_int == 0) return "";
  const std::string hi = type == DType::kUint64
                             ? std::to_string(static_cast<uint64_t>(limits.hi_int))
                             : std::to_string(limits.hi_int);
  return " [" + std::to_string(limits.lo_int) + ", " + hi + "]";
}

std::string stage_text(const Stage& stage) {
  std::string text = stage.entry->name;
  // Kernels of several types say which; those of a registered type have its name.
  const bool named = text.find(type_facts(stage.out).name) != std::string::npos;
  const bool registered = text.starts_with("decode ") || text.starts_with("encode ");
  if (const auto* limits = std::get_if<kernels::LimitParams>(&stage.data)) {
    text += interval_text(*limits, stage.out);
  } else if (!named && !registered && stage.writes()) {
    text += std::string(" ") + type_facts(stage.out).name;
  }
  if (stage.lanes > 1) text += " x " + std::to_string(stage.lanes);
  return text;
}

std::string program_text(const LeafProgram& leaf) {
  if (leaf.fused != nullptr) return leaf.fused->name;
  std::string text;
  const auto add = [&](const std::string& step) { text += (text.empty() ? "" : " -> ") + step; };
  if (leaf.move_in != nullptr) add(leaf.move_in->name);
  for (int k = 0; k < leaf.route.count; ++k) add(stage_text(leaf.route.stages[k]));
  if (leaf.move_out != nullptr) add(leaf.move_out->name);
  if (leaf.zero) text += " of zeros";
  if (leaf.shape != Shape::kRows) {
    return text + ", blocks of " + std::to_string(leaf.block.rows) + " x " +
           std::to_string(leaf.block.columns);
  }
  if (leaf.staged() &&
      (leaf.move_in != nullptr || leaf.move_out != nullptr || leaf.route.count > 1)) {
    text += ", " + std::to_string(leaf.chunk_items) + " items at a time";
  }
  return text;
}

std::string leaf_text(const LeafProgram& leaf, bool alone) {
  std::string text = "  ";
  if (!leaf.path.empty()) text += leaf.path + ": ";
  if (!alone) {
    text +=
        "at " + std::to_string(leaf.src_offset) + " -> " + std::to_string(leaf.dst_offset) + ": ";
    if (!leaf.inner.empty()) text += to_string(leaf.inner) + ": ";
  }
  return text + program_text(leaf) + "\n";
}

std::string reduce_text(const ReduceProgram& reduce) {
  std::string text = "  fold " + to_string(reduce.axes);
  if (reduce.way == FoldWay::kSpread) text += ", spread " + to_string(std::span(&reduce.spread, 1));
  text += "\n  ";
  if (!reduce.direct) text += program_text(reduce.load) + " -> ";
  for (const Fold& fold : reduce.folds) {
    if (&fold != &reduce.folds.front()) text += " + ";
    text += fold.kernel->name;
  }
  for (const Fold& fold : reduce.deviations) text += std::string(", then ") + fold.kernel->name;
  constexpr const char* kBeside[] = {" results side by side", " columns of packed items",
                                     " items side by side"};
  const bool turns = reduce.turns_beside;
  if (reduce.beside > 1) {
    text += ", " + std::to_string(reduce.beside) +
            (turns ? " turns side by side" : kBeside[static_cast<int>(reduce.way)]);
  }
  return text + " -> " + program_text(reduce.store) + "\n";
}

// Why a result of a reduction cannot be had.
std::string reduce_reason(const Plan::Impl& plan, const RunStatus& status) {
  const std::string what =
      std::string(reduce_name(plan.reduce->op)) + ", result " + std::to_string(status.index) + ": ";
  if ((status.error_bits & SC_ERR_OVERFLOW) != 0) {
    const bool product = plan.reduce->op == ReduceOp::kProd;
    return what + (product ? "the product" : "the sum") + " does not fit the 64 bits of '" +
           plan.dst.format().text() + "'";
  }
  return what + "there is nothing to fold, all items are NaN or left out by the mask" +
         (plan.reduce->op == ReduceOp::kMin || plan.reduce->op == ReduceOp::kMax
              ? "; give an initial value"
              : "");
}

constexpr const char* kKindNames[] = {"convert", "byteswap",    "reduce",      "decode",
                                      "encode",  "decode_time", "encode_time", "datetime_fields"};

// Whether some text becomes another one.
bool converts_texts(const Plan::Impl& plan) {
  return std::ranges::any_of(plan.leaves, [](const LeafProgram& leaf) {
    return is_text(leaf.src_type) && is_text(leaf.dst_type);
  });
}

std::string reason(const Plan::Impl& plan, uint32_t bits) {
  const bool times = plan.kind == PlanKind::kEncodeTime && !plan.leaves.empty();
  if ((bits & SC_ERR_NAN) != 0 && times)
    return "is none of the numbers; give a missing value for it";
  if (plan.kind == PlanKind::kTimeFields) {
    return (bits & SC_ERR_NAN) != 0 ? "has no fields: say with nat what they become"
                                    : "has a year, or a number of days, that does not fit";
  }
  if ((bits & SC_ERR_NAN) != 0) return "is NaN, which the destination cannot hold";
  const bool replaces = (plan.kind == PlanKind::kEncode && !plan.leaves.empty() &&
                         plan.leaves[0].scaling->params.num_missing > 0) ||
                        (times && !plan.leaves[0].epoch->missing.empty());
  if ((bits & SC_ERR_OVERFLOW) != 0 && replaces) {
    return "is out of the destination's range, or becomes the value that stands for missing ones";
  }
  const bool to_texts = std::ranges::all_of(
      plan.leaves, [](const LeafProgram& leaf) { return is_text(leaf.dst_type); });
  if ((bits & SC_ERR_OVERFLOW) != 0 && to_texts) {
    return "has more characters than the destination";
  }
  if ((bits & SC_ERR_OVERFLOW) != 0) return "is out of the destination's range";
  if ((bits & SC_ERR_INEXACT) != 0) return "has no equal in the destination";
  if ((bits & SC_ERR_TEXT) != 0) {
    const bool to_time = plan.kind == PlanKind::kConvert && !converts_texts(plan);
    return to_time ? "is no time" : "has a character beyond ASCII";
  }
  if ((bits & SC_ERR_USER) != 0) return "is refused by the conversion of its type";
  return "cannot be converted";
}

}  // namespace
}  // namespace internal

inline namespace v0 {

Plan Plan::convert(const Layout& src, const Layout& dst, const ConvertOptions& options) {
  return Plan(internal::plan_convert(src, dst, nullptr, options));
}

Plan Plan::convert(const Layout& src, const Layout& dst, const Layout& where,
                   const ConvertOptions& options) {
  return Plan(internal::plan_convert(src, dst, &where, options));
}

Plan Plan::byteswap(const Layout& src, const Layout& dst) {
  return Plan(internal::plan_byteswap(src, dst));
}

Plan Plan::decode(const Layout& src, const Layout& dst, const Scaling& scaling,
                  const ConvertOptions& options) {
  return Plan(internal::plan_scaled(internal::ScaleWay::kDecode, src, dst, scaling, options));
}

Plan Plan::encode(const Layout& src, const Layout& dst, const Scaling& scaling,
                  const ConvertOptions& options) {
  return Plan(internal::plan_scaled(internal::ScaleWay::kEncode, src, dst, scaling, options));
}

Plan Plan::datetime_fields(const Layout& src, const Layout& dst, std::span<const TimeField> fields,
                           const TimeFieldsOptions& options) {
  return Plan(internal::plan_time_fields(src, dst, fields, options));
}

Plan Plan::decode_time(const Layout& src, const Layout& dst, const TimeUnits& units,
                       const std::vector<ElementBytes>& missing, const ConvertOptions& options) {
  return Plan(internal::plan_epoch(true, src, dst, units, missing, options));
}

Plan Plan::encode_time(const Layout& src, const Layout& dst, const TimeUnits& units,
                       const std::vector<ElementBytes>& missing, const ConvertOptions& options) {
  return Plan(internal::plan_epoch(false, src, dst, units, missing, options));
}

Plan Plan::reduce(const Layout& src, const Layout& dst, const ReduceOptions& options) {
  return Plan(internal::plan_reduce(src, dst, nullptr, options));
}

Plan Plan::reduce(const Layout& src, const Layout& dst, const Layout& where,
                  const ReduceOptions& options) {
  return Plan(internal::plan_reduce(src, dst, &where, options));
}

RunStatus Plan::try_run(const Operand& src, const Operand& dst,
                        const RunOptions& options) const noexcept {
  return internal::run_plan(*impl_, src, dst, Operand{}, options);
}

RunStatus Plan::try_run(const Operand& src, const Operand& dst, const Operand& where,
                        const RunOptions& options) const noexcept {
  return internal::run_plan(*impl_, src, dst, where, options);
}

void Plan::run(const void* src, void* dst, const RunOptions& options) const {
  run(src, dst, nullptr, options);
}

void Plan::run(const void* src, void* dst, const void* where, const RunOptions& options) const {
  const RunStatus status = try_run(Operand{const_cast<void*>(src)}, Operand{dst},
                                   Operand{const_cast<void*>(where)}, options);
  if (!status.ok()) throw status_error(status);
}

Error Plan::status_error(const RunStatus& status) const {
  const auto bytes = [](const Extent& extent) {
    return "[" + std::to_string(extent.lowest) + ", " + std::to_string(extent.highest) + ")";
  };
  switch (status.code) {
    case StatusCode::kDataError: {
      if (impl_->kind == internal::PlanKind::kReduce) {
        const bool empty = (status.error_bits & SC_ERR_OVERFLOW) == 0;
        return Error(ErrorCode::kData, empty ? "empty" : "", status.index,
                     internal::reduce_reason(*impl_, status));
      }
      const bool refused = (status.error_bits & SC_ERR_USER) != 0;
      const bool unequal = impl_->options.casting == Casting::kSameValue;
      const bool not_ascii = (status.error_bits & SC_ERR_TEXT) != 0;
      const char* kind = refused ? "refused" : unequal ? "unequal" : not_ascii ? "text" : "";
      const bool stopped = (status.error_bits & SC_ERR_STOP) != 0;
      if (status.index < 0 && !stopped) {
        return Error(ErrorCode::kData, kind, -1,
                     "an element " + internal::reason(*impl_, status.error_bits) +
                         ", but the source changed before it could be named");
      }
      std::string text =
          status.index < 0 ? "an element" : "element " + std::to_string(status.index);
      if (!field_path(status.field).empty()) {
        text += (stopped ? " of field '" : ", field '") + field_path(status.field) + "'";
      }
      if (!stopped) text += ": " + std::string(status.value);
      const uint32_t bits = stopped ? uint32_t{SC_ERR_USER} : status.error_bits;
      const std::string reason = status.detail == nullptr
                                     ? internal::reason(*impl_, bits)
                                     : std::string("is no time, at character ") +
                                           std::to_string(status.position) + ": " + status.detail;
      text += " " + reason + " (destination format '" + impl_->dst.format().text() + "')";
      return Error(ErrorCode::kData, kind, status.index, text);
    }
    case StatusCode::kOverlap:
      return Error(
          ErrorCode::kBuffer,
          status.index == 1
              ? "items of the destination share memory with each other or with the pointers to them"
          : status.index == 2
              ? "mask and destination share memory: copy the mask first"
              : "source and destination share memory in a way that would destroy items before they "
                "are read; copy the source first");
    case StatusCode::kTooSmall: {
      const bool mask = status.index == 2 && impl_->where;
      const Layout& layout = mask ? *impl_->where : status.index == 0 ? impl_->src : impl_->dst;
      const char* what = mask                ? "the mask is missing or"
                         : status.index == 0 ? "the source is"
                                             : "the destination is";
      return Error(ErrorCode::kBuffer, std::string(what) + " too small: its layout touches bytes " +
                                           bytes(layout.extent()) + " around its data pointer");
    }
    case StatusCode::kOutOfMemory:
      return Error(ErrorCode::kOutOfMemory, "no memory for a workspace or a copy of the source");
    case StatusCode::kPoolFailed:
      return Error(ErrorCode::kInvalidArgument, "the host's parallel_for threw an exception");
    case StatusCode::kOk:
      break;
  }
  return Error(ErrorCode::kInvalidArgument, "the run succeeded");
}

std::string Plan::explain() const {
  using namespace internal;
  std::string text =
      std::string(kKindNames[static_cast<int>(impl_->kind)]) + " on " + impl_->table->target + "\n";
  text += layout_text("from", impl_->src) + layout_text("to  ", impl_->dst);
  if (impl_->where) text += layout_text("where", *impl_->where);
  if (impl_->empty) return text + "  nothing to do\n";
  if (impl_->indirect != nullptr) return text + to_string(*impl_->indirect);
  text += "  loop " + to_string(impl_->nest.loops) + "\n";
  if (impl_->reduce != nullptr) return text + reduce_text(*impl_->reduce);
  if (impl_->together != nullptr) text += to_string(*impl_->together);
  for (const LeafProgram& leaf : impl_->leaves) text += leaf_text(leaf, impl_->leaves.size() == 1);
  return text;
}

const std::string& Plan::field_path(int field) const {
  static const std::string none;
  const bool known = field >= 0 && static_cast<size_t>(field) < impl_->leaves.size();
  return known ? impl_->leaves[field].path : none;
}

int64_t Plan::size() const noexcept {
  return impl_->kind == internal::PlanKind::kReduce ? impl_->src.size() : impl_->dst.size();
}
int64_t Plan::bytes_moved() const noexcept { return impl_->bytes_moved; }
bool Plan::is_brief() const noexcept { return impl_->one_call.kernel != nullptr; }
const char* Plan::target() const noexcept { return impl_->table->target; }

}  // namespace v0
}  // namespace stridecast
