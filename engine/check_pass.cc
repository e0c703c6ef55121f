// The search for the first bad element: items in logical order, leaf after leaf, with scratch for a
// destination. Kernels report bits for a chunk at a time, so a chunk that has some is walked again
// item by item.

#include "engine/check_pass.h"

#include <algorithm>
#include <array>
#include <bit>
#include <vector>

#include "dtypes/iso_time.h"
#include "dtypes/scalar_text.h"
#include "engine/pipeline.h"

namespace stridecast::internal {
namespace {

constexpr RunContext kChecking = {.way = Way::kCheck};

uint32_t check_items(const LeafProgram& leaf, const Loop& items, Cursor at) {
  std::vector<Loop> loops(1, items);
  loops.insert(loops.end(), leaf.inner.begin(), leaf.inner.end());
  at.src += leaf.src_offset;
  at.index += leaf.first_draw;
  return run_leaf(leaf, loops, at, kChecking);
}

bool reads_times(const LeafProgram& leaf) {
  return leaf.staged() && is_text(leaf.src_type) &&
         std::holds_alternative<kernels::TimeTextParams>(leaf.route.stages[0].data);
}

// Where a text that is no time goes wrong.
void describe_text(const LeafProgram& leaf, const char* text, RunStatus& status) {
  std::vector<unsigned char> bytes(text, text + leaf.src_size);
  const auto unit = static_cast<size_t>(type_facts(leaf.src_type).swap_unit);
  for (size_t i = 0; leaf.swaps_in && i < bytes.size(); i += unit) {
    std::reverse(bytes.begin() + static_cast<ptrdiff_t>(i),
                 bytes.begin() + static_cast<ptrdiff_t>(i + unit));
  }
  const auto length = static_cast<size_t>(text_length(leaf.src_type, leaf.src_size));
  const IsoTime time =
      unit == 4 ? parse_iso_time_ucs4(bytes.data(), length) : parse_iso_time(bytes.data(), length);
  if (time.status != TimeTextStatus::kError) return;  // somebody else has changed it
  status.position = static_cast<int64_t>(time.position);
  status.detail = reason_text(time.reason).data();
}

bool writes_times(const LeafProgram& leaf) {
  return leaf.staged() && is_text(leaf.dst_type) && !is_text(leaf.src_type);
}

// The time as the text that it does not fit.
void write_value(const LeafProgram& leaf, const char* time, RunStatus& status) {
  const Stage& last = leaf.route.stages[leaf.route.count - 1];
  const auto& params = std::get<kernels::TimeTextParams>(last.data);
  unsigned char bytes[8] = {};
  const auto size = static_cast<size_t>(leaf.src_size);
  std::copy_n(reinterpret_cast<const unsigned char*>(time), size, bytes);
  if (leaf.swaps_in) std::reverse(bytes, bytes + size);
  const auto value = size == 4 ? int64_t{std::bit_cast<std::array<int32_t, 2>>(bytes)[0]}
                               : std::bit_cast<int64_t>(bytes);
  char text[kMaxTimeText];
  const size_t length = write_iso_time(value, params.unit, params.utc_suffix, text);
  const size_t shown = std::min(length, sizeof(status.value) - 1);
  std::copy_n(text, shown, status.value);
  status.value[shown] = '\0';
}

// The first bad element of one item, whose leaf is known to hold one.
void describe_bad_element(const LeafProgram& leaf, Cursor item, RunStatus& status) {
  item.src += leaf.src_offset;
  item.index += leaf.first_draw;
  walk(leaf.inner, item, [&](const Cursor& at) {
    status.error_bits = run_leaf(leaf, {}, at, kChecking);
    if (status.error_bits == 0) return true;
    format_value(leaf.src_type, leaf.src_order, at.src, leaf.src_size, status.value,
                 sizeof(status.value));
    if (writes_times(leaf)) write_value(leaf, at.src, status);
    if ((status.error_bits & SC_ERR_TEXT) != 0 && reads_times(leaf)) {
      describe_text(leaf, at.src, status);
    }
    return false;
  });
}

// The logical index of the item at `at`, of a walk that began at the index `start`.
int64_t item_index(const Plan::Impl& plan, const Cursor& at, int64_t start) {
  return plan.options.index_offset + (at.index - start) / std::max<int64_t>(plan.draws, 1);
}

// A kernel that must not be called again: of the item only that is known which the caller says.
void stop(uint32_t bits, size_t leaf, int64_t index, RunStatus& status) {
  status.code = StatusCode::kDataError;
  status.error_bits = bits;
  status.field = static_cast<int>(leaf);
  status.index = index;
}

// Whether one of these items is bad; the first is described.
bool find_bad_item(const Plan::Impl& plan, const Loop& items, const Cursor& first, int64_t start,
                   RunStatus& status) {
  Loop one = items;
  one.n = 1;
  for (int64_t i = 0; i < items.n; ++i) {
    Cursor at = first;
    at.advance(items, i);
    for (size_t k = 0; k < plan.leaves.size(); ++k) {
      const LeafProgram& leaf = plan.leaves[k];
      if (!leaf.may_fail()) continue;
      const uint32_t bits = check_items(leaf, one, at);
      if (bits == 0) continue;
      if ((bits & SC_ERR_STOP) != 0) {
        stop(bits, k, item_index(plan, at, start), status);
        return true;
      }
      status.code = StatusCode::kDataError;
      status.index = item_index(plan, at, start);
      status.field = static_cast<int>(k);
      describe_bad_element(leaf, at, status);
      return true;
    }
  }
  return false;
}

}  // namespace

RunStatus check_only(const Plan::Impl& plan, Cursor at) {
  RunStatus status;
  const LoopNest& nest = plan.logical_nest;
  const int64_t start = at.index;
  at.src += nest.offset[kSrc];
  at.dst = nullptr;
  if (at.mask != nullptr) at.mask += nest.offset[kMask];
  at.param += nest.offset[kParam];
  Loop items;
  std::span<const Loop> outer = nest.loops;
  if (!outer.empty()) {
    items = outer.back();
    outer = outer.first(outer.size() - 1);
  }
  walk(outer, at, [&](const Cursor& row) {
    for (int64_t i = 0; i < items.n; i += kStructItems) {
      Loop part = items;
      part.n = std::min(kStructItems, items.n - i);
      Cursor first = row;
      first.advance(items, i);
      uint32_t bits = 0;
      for (size_t k = 0; bits == 0 && k < plan.leaves.size(); ++k) {
        if (plan.leaves[k].may_fail()) bits = check_items(plan.leaves[k], part, first);
        if ((bits & SC_ERR_STOP) == 0) continue;
        stop(bits, k, part.n == 1 ? item_index(plan, first, start) : -1, status);
        return false;
      }
      if (bits != 0 && find_bad_item(plan, part, first, start, status)) return false;
    }
    return true;
  });
  return status;
}

}  // namespace stridecast::internal
