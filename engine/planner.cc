// Makes the plans of convert and byteswap, in this order: shape the loops (loop_nest.h), pair the
// leaves of the two formats, choose kernels for each leaf, leave out the moves that have nothing to
// do.

#include "engine/planner.h"

#include <algorithm>
#include <unordered_map>

#include "dtypes/leaf_map.h"
#include "engine/run.h"
#include "engine/runtime.h"

namespace stridecast::internal {
namespace {

using kernels::KernelTable;
using kernels::move_index;

// Below this many items a row is not worth a kernel call of its own: rows pass in rectangles
// instead.
constexpr int64_t kDirectRow = 64;
// Items that pass the stages together: about 2 KiB of the widest, so that both scratch buffers and
// the lines they come from stay in L1 (measured: 128 is best from memory, 512 for narrow types in
// cache).
constexpr int64_t kChunkBytes = 2048, kMinChunk = 128, kMaxChunk = 512;

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

const sc_entry* move_entry(const KernelTable& table, int64_t size, bool swap) {
  return swap ? &table.move_swap[move_index(size)] : &table.move[move_index(size)];
}

bool swaps(const Element& src, const Element& dst) {
  return src.swap_unit > 1 && src.order != dst.order;
}

Element element_of(const Leaf& leaf) {
  return Element{leaf.path, leaf.type, leaf.order, leaf.itemsize, leaf.swap_unit};
}

bool same_bits(const Leaf& src, const Leaf& dst) {
  // An unknown type has no swap unit: it moves, but only where nothing is to be swapped.
  const bool same_order = src.swap_unit != 0 || src.order == dst.order;
  return src.type == dst.type && src.itemsize == dst.itemsize && src.custom == dst.custom &&
         same_order;
}

[[noreturn]] void no_conversion(const Leaf& src, const Leaf& dst) {
  throw Error(ErrorCode::kNoConversion,
              "no conversion from " + describe(src) + " to " + describe(dst) + at_field(dst.path));
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

LeafProgram pair_leaves(const KernelTable& table, const Leaf& src, const Leaf& dst,
                        const ConvertOptions& options) {
  if (!(is_arithmetic(src.type) && is_arithmetic(dst.type)) && !same_bits(src, dst)) {
    no_conversion(src, dst);
  }
  LeafProgram program =
      make_program(table, element_of(src), element_of(dst), options.overflow, options.nan);
  program.src_offset = src.offset;
  program.dst_offset = dst.offset;
  std::vector<Loop> loops = inner_loops(src, dst);
  program.inner.insert(program.inner.begin(), loops.begin(), loops.end());
  return program;
}

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

LeafPairs pair_by_name(const std::vector<Leaf>& src, const std::vector<Leaf>& dst) {
  std::unordered_map<std::string, const Leaf*> by_key;
  for (const Leaf& leaf : src) by_key.emplace(leaf.key, &leaf);
  LeafPairs pairs;
  for (const Leaf& leaf : dst) {
    const auto found = by_key.find(leaf.key);
    if (found == by_key.end()) {
      throw Error(ErrorCode::kNoConversion, "the source has no field '" + leaf.path + "'");
    }
    pairs.emplace_back(found->second, &leaf);
    by_key.erase(found);
  }
  if (!by_key.empty()) {
    throw Error(ErrorCode::kNoConversion,
                "the destination has no field '" + by_key.begin()->second->path + "'");
  }
  return pairs;
}

LeafPairs pair_all(const std::vector<Leaf>& src, const std::vector<Leaf>& dst, FieldMatch match) {
  if (match == FieldMatch::kAuto) {
    const bool named = !dst.empty() && std::all_of(dst.begin(), dst.end(),
                                                   [](const Leaf& leaf) { return leaf.all_named; });
    match = named ? FieldMatch::kName : FieldMatch::kPosition;
  }
  return match == FieldMatch::kName ? pair_by_name(src, dst) : pair_by_position(src, dst);
}

// Equal formats: the whole item is one element that moves, padding included.
LeafProgram whole_item(const KernelTable& table, const Format& format) {
  LeafProgram program;
  const Field* scalar = format.scalar();
  program.src_type = program.dst_type = scalar != nullptr ? scalar->type : DType::kStruct;
  program.src_size = program.dst_size = format.itemsize();
  program.move_out = move_entry(table, format.itemsize(), false);
  return program;
}

std::shared_ptr<Plan::Impl> start(PlanKind kind, const Layout& src, const Layout& dst) {
  refuse_self_overlap(dst);
  auto impl =
      std::make_shared<Plan::Impl>(Plan::Impl{kind, src, dst, active_table(), {}, {}, {}, {}});
  impl->nest = make_nest(src, dst);
  impl->empty = dst.size() == 0 || dst.format().itemsize() == 0;
  // Both fit 63 bits by themselves, but a zero stride makes the sum absurd.
  if (__builtin_add_overflow(src.size() * src.format().itemsize(),
                             dst.size() * dst.format().itemsize(), &impl->bytes_moved)) {
    impl->bytes_moved = INT64_MAX;
  }
  return impl;
}

// The source's own items in C order, for the check-only pass.
LoopNest logical_order(const Layout& src) {
  LoopNest nest = make_nest(src, src);
  drop_size_one(nest);
  coalesce(nest);
  return nest;
}

bool in_place_safe(const Plan::Impl& impl) {
  if (impl.src.format().itemsize() != impl.dst.format().itemsize()) return false;
  return std::all_of(impl.leaves.begin(), impl.leaves.end(), [](const LeafProgram& leaf) {
    const bool kernel_safe = leaf.route.count != 1 || leaf.move_in != nullptr ||
                             !leaf.route.stages[0].writes() ||
                             (leaf.route.stages[0].entry->traits & SC_TRAIT_IN_PLACE) != 0;
    const bool same_places = std::ranges::all_of(
        leaf.inner, [](const Loop& loop) { return loop.step[kSrc] == loop.step[kDst]; });
    return leaf.src_offset == leaf.dst_offset && leaf.src_size == leaf.dst_size && same_places &&
           kernel_safe;
  });
}

std::shared_ptr<const Plan::Impl> finish(std::shared_ptr<Plan::Impl> impl) {
  LoopNest& nest = impl->nest;
  // A sub-array with a dimension of 0 has no elements: nothing below meets an empty loop.
  std::erase_if(impl->leaves, [](const LeafProgram& leaf) {
    return std::ranges::any_of(leaf.inner, [](const Loop& loop) { return loop.n == 0; });
  });
  impl->empty = impl->empty || impl->leaves.empty();
  if (impl->empty) return impl;
  for (const LeafProgram& leaf : impl->leaves) impl->may_fail |= leaf.may_fail();
  if (impl->may_fail) impl->logical_nest = logical_order(impl->src);
  // The index is for the check-only pass, which walks its own nest; here it would only hinder.
  for (Loop& loop : nest.loops) loop.step[kIndex] = 0;
  if (impl->leaves.size() == 1) {
    // One element an item: its sub-array loops join the loops over items.
    LeafProgram& leaf = impl->leaves[0];
    nest.loops.insert(nest.loops.end(), leaf.inner.begin(), leaf.inner.end());
  }
  drop_size_one(nest);
  flip_negative(nest);
  sort_by_step(nest);
  coalesce(nest);
  for (LeafProgram& leaf : impl->leaves) {
    if (impl->leaves.size() == 1) {
      trim_moves(leaf, nest);
    } else {
      LoopNest of_leaf = nest;
      of_leaf.loops.insert(of_leaf.loops.end(), leaf.inner.begin(), leaf.inner.end());
      trim_moves(leaf, of_leaf);
    }
  }
  impl->same_memory_ok = in_place_safe(*impl);
  return impl;
}

}  // namespace

int64_t chunk_items(int64_t widest_bytes) {
  if (const int64_t forced = test_chunk_items(); forced > 0) return std::min(forced, kMaxChunk);
  return std::clamp(kChunkBytes / widest_bytes, kMinChunk, kMaxChunk);
}

void refuse_self_overlap(const Layout& dst) {
  if (dst.size() <= 1) return;
  std::vector<std::pair<uint64_t, int64_t>> axes;  // |stride|, n
  for (int axis = 0; axis < dst.ndim(); ++axis) {
    if (dst.shape()[axis] == 1) continue;
    const int64_t stride = dst.strides()[axis];
    axes.emplace_back(stride < 0 ? 0 - static_cast<uint64_t>(stride) : stride, dst.shape()[axis]);
  }
  std::sort(axes.begin(), axes.end());
  uint64_t covered = static_cast<uint64_t>(dst.format().itemsize());
  for (const auto& [stride, n] : axes) {
    if (stride < covered) {
      throw Error(ErrorCode::kBuffer,
                  "items of the destination may share memory: a stride of " +
                      std::to_string(stride) + " bytes steps over " + std::to_string(covered) +
                      " bytes of data; write to a buffer whose items are apart");
    }
    covered += stride * static_cast<uint64_t>(n - 1);
  }
}

LeafProgram make_program(const KernelTable& table, const Element& src, const Element& dst,
                         Overflow overflow, NanPolicy nan) {
  LeafProgram program;
  program.path = dst.path;
  program.src_type = src.type;
  program.dst_type = dst.type;
  program.src_order = src.order;
  program.src_size = src.size;
  program.dst_size = dst.size;
  if (is_arithmetic(src.type) && is_arithmetic(dst.type)) {
    program.route = find_route(table, src.type, dst.type, overflow, nan);
  }
  if (!program.staged()) {
    const bool swap = swaps(src, dst);
    int64_t size = src.size;
    if (swap && src.swap_unit != size) {
      // Several units an element (complex, UCS-4 text): one more loop, over units.
      Loop units;
      units.n = size / src.swap_unit;
      size = units.step[kSrc] = units.step[kDst] = src.swap_unit;
      program.inner.push_back(units);
      program.src_size = program.dst_size = size;
    }
    program.move_out = move_entry(table, size, swap);
    program.swap_out.unit = size;
    return program;
  }
  program.swaps_in = src.size > 1 && src.order != kHostOrder;
  program.swaps_out = dst.size > 1 && dst.order != kHostOrder;
  program.move_in = program.gather = move_entry(table, src.size, program.swaps_in);
  program.move_out = move_entry(table, dst.size, program.swaps_out);
  program.swap_in.unit = src.size;
  program.swap_out.unit = dst.size;
  int64_t widest = src.size;
  for (int k = 0; k < program.route.count; ++k) {
    widest = std::max<int64_t>(widest, type_facts(program.route.stages[k].out).size);
  }
  program.chunk_items = chunk_items(widest);
  return program;
}

void trim_moves(LeafProgram& program, const LoopNest& nest) {
  if (!program.staged()) return;
  Loop inner;
  inner.step[kSrc] = program.src_size;
  inner.step[kDst] = program.dst_size;
  if (!nest.loops.empty()) inner = nest.loops.back();
  if (nest.loops.size() > 1 && inner.n < kDirectRow) return;
  if (inner.step[kSrc] == program.src_size && !program.swaps_in) program.move_in = nullptr;
  // A route that only checks (int32 -> uint32) leaves the writing to the move.
  const bool writes = program.route.stages[program.route.count - 1].writes();
  if (inner.step[kDst] == program.dst_size && !program.swaps_out && writes) {
    program.move_out = nullptr;
  }
}

std::shared_ptr<const Plan::Impl> plan_convert(const Layout& src, const Layout& dst,
                                               const ConvertOptions& options) {
  auto impl = start(PlanKind::kConvert, src, dst);
  impl->index_offset = options.index_offset;
  const std::vector<Leaf> from = leaves(src.format());
  refuse_references(src.format(), from);
  if (src.format() == dst.format()) {
    impl->leaves.push_back(whole_item(*impl->table, src.format()));
    return finish(std::move(impl));
  }
  const std::vector<Leaf> to = leaves(dst.format());
  refuse_references(dst.format(), to);
  for (const auto& [a, b] : pair_all(from, to, options.fields)) {
    impl->leaves.push_back(pair_leaves(*impl->table, *a, *b, options));
  }
  return finish(std::move(impl));
}

std::shared_ptr<const Plan::Impl> plan_byteswap(const Layout& src, const Layout& dst) {
  if (!(src.format() == dst.format())) {
    throw Error(ErrorCode::kInvalidArgument, "byteswap keeps the format: the destination's is '" +
                                                 dst.format().text() + "', the source's '" +
                                                 src.format().text() + "'");
  }
  auto impl = start(PlanKind::kByteswap, src, dst);
  const std::vector<Leaf> elements = leaves(src.format());
  refuse_references(src.format(), elements);
  for (const Leaf& leaf : elements) {
    const Element from = element_of(leaf);
    if (leaf.swap_unit == 0) {
      throw Error(ErrorCode::kNoConversion,
                  "the byte order of an unknown type" + at_field(leaf.path) + " cannot be swapped");
    }
    Element to = from;
    to.order = from.order == ByteOrder::kLittle ? ByteOrder::kBig : ByteOrder::kLittle;
    LeafProgram program =
        make_program(*impl->table, from, to, Overflow::kWrap, NanPolicy::kDefault);
    program.src_offset = program.dst_offset = leaf.offset;
    std::vector<Loop> loops = inner_loops(leaf, leaf);
    program.inner.insert(program.inner.begin(), loops.begin(), loops.end());
    impl->leaves.push_back(std::move(program));
  }
  return finish(std::move(impl));
}

}  // namespace stridecast::internal
