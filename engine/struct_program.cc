// Makes the programs of structs: bytes by where they come from and go to, cut into windows that a
// vector holds, so many items at a time as cost least.

#include "engine/struct_program.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>
#include <optional>
#include <utility>

#include "engine/leaf_program.h"
#include "engine/pipeline.h"
#include "engine/run.h"
#include "engine/workspace.h"

namespace stridecast::internal {
namespace {

using kernels::kNoByte;
using kernels::kShuffleBytes;
using kernels::kShuffleSources;
using kernels::ShuffleParams;

// Shorter rows are not worth more calls; longer items not the search for what overlaps.
constexpr int64_t kMinItems = 16, kMaxItemSize = 4096;
// Larger leaves move well by themselves: memcpy, or rows of their own.
constexpr int64_t kMaxLeafBytes = 64;
// Items of a block: so many that a call a pass, some 20 ns, does not show, and that they and their
// columns stay in L2 (measured from 64 to 2048 items of 40 bytes).
constexpr int64_t kMostItems = 1024, kLeastItems = 128, kBlockItemBytes = int64_t{128} << 10;
constexpr int64_t kColumnBytes = 65536;
constexpr int64_t kMaxGroup = 32;

// Nanoseconds on a Zen 4: an element leaf after leaf, an element in its column, a group of items by
// windows. Vectors of 32 and 64 bytes mostly cross a line.
constexpr double kMoveCost = 0.45, kConvertCost = 0.95, kColumnCost = 0.4;
struct WindowCost {
  int64_t bytes;
  double store, load;
};
constexpr WindowCost kWindowCosts[] = {{16, 0.2, 0.14}, {32, 0.4, 0.12}, {64, 0.58, 0.29}};

double cost_of(const ShuffleParams& params) {
  const WindowCost* cost = kWindowCosts;
  while (cost->bytes < params.window) ++cost;
  return (cost->store + cost->load * params.num_sources) / params.group;
}

// One byte of an item.
struct ByteMove {
  static constexpr int kZero = -1;
  int64_t to = 0;
  int stream = kZero;  // index of the streams that a pass may read
  int64_t from = 0;
};

struct Place {
  int64_t src, dst;
};

// Where the elements of a leaf are in the item; empty if there are more than `limit`.
std::vector<Place> places_of(const LeafProgram& leaf, int64_t limit) {
  std::vector<Place> places = {{leaf.src_offset, leaf.dst_offset}};
  for (const Loop& loop : leaf.inner) {
    if (loop.n > limit / std::ssize(places)) return {};
    std::vector<Place> next;
    for (const Place& place : places) {
      for (int64_t i = 0; i < loop.n; ++i) {
        next.push_back({place.src + i * loop.step[kSrc], place.dst + i * loop.step[kDst]});
      }
    }
    places = std::move(next);
  }
  return places;
}

// --- passes --------------------------------------------------------------------------------------

struct Passes {
  std::vector<ShufflePass> list;
  double cost = 0;  // of one item
};

// A byte of one of the group's items.
struct GroupByte {
  int64_t to, from;
  int stream;
  int item;
};

ShufflePass empty_pass(const Stream& to, const Stream& source, int group) {
  ShufflePass pass;
  std::memset(&pass.params, kNoByte, sizeof(pass.params));
  pass.params.num_sources = 0;
  pass.params.group = group;
  pass.params.window = 1;
  pass.to = to;
  for (Stream& from : pass.from) from = source;
  return pass;
}

void write_byte(ShufflePass& pass, const GroupByte& byte) {
  const int64_t at = byte.to - pass.to.offset;
  pass.params.item[at] = static_cast<uint8_t>(byte.item);
  pass.params.window = std::max(pass.params.window, static_cast<int32_t>(at + 1));
}

// Adds the bytes, neighbours of one stream, as one more source.
void add_source(ShufflePass& pass, const Stream& stream, std::span<const GroupByte> bytes) {
  const int number = pass.params.num_sources++;
  ShuffleParams::Source& source = pass.params.sources[number];
  pass.from[number] = stream;
  pass.from[number].offset = bytes.front().from;
  for (const GroupByte& byte : bytes) {
    const int64_t at = byte.from - bytes.front().from;
    // A source that stands still is read by several items: by the first of them at the latest.
    source.item[at] = std::min(source.item[at], static_cast<uint8_t>(byte.item));
    source.byte[byte.to - pass.to.offset] = static_cast<uint8_t>(at);
    pass.params.window = std::max(pass.params.window, static_cast<int32_t>(at + 1));
    write_byte(pass, byte);
  }
}

// The bytes of so many items at a time, or nothing if their destinations do not fit a window.
std::optional<Passes> passes_of_group(std::span<const ByteMove> moves,
                                      std::span<const Stream> streams, const Stream& dst,
                                      int64_t window, int group) {
  std::vector<GroupByte> bytes;
  for (int item = 0; item < group; ++item) {
    for (const ByteMove& move : moves) {
      const int64_t step = move.stream == ByteMove::kZero ? 0 : streams[move.stream].step;
      bytes.push_back({move.to + item * dst.step, move.from + item * step, move.stream, item});
    }
  }
  const auto [low, high] = std::ranges::minmax(bytes, {}, &GroupByte::to);
  if (high.to - low.to >= window) return std::nullopt;
  Stream to = dst;
  to.offset = low.to;
  std::ranges::sort(bytes, {},
                    [](const GroupByte& byte) { return std::pair(byte.stream, byte.from); });

  Passes passes;
  passes.list.push_back(empty_pass(to, streams[0], group));
  size_t begin = 0;
  for (; begin < bytes.size() && bytes[begin].stream == ByteMove::kZero; ++begin) {
    write_byte(passes.list.back(), bytes[begin]);
  }
  while (begin < bytes.size()) {
    const GroupByte& first = bytes[begin];
    size_t end = begin + 1;
    while (end < bytes.size() && bytes[end].stream == first.stream &&
           bytes[end].from - first.from < window) {
      ++end;
    }
    if (passes.list.back().params.num_sources == kShuffleSources) {
      passes.list.push_back(empty_pass(to, streams[0], group));
    }
    add_source(passes.list.back(), streams[first.stream],
               std::span(bytes).subspan(begin, end - begin));
    begin = end;
  }
  if (passes.list.back().params.num_sources == 0) passes.list.back().params.num_sources = 1;
  for (const ShufflePass& pass : passes.list) passes.cost += cost_of(pass.params);
  return passes;
}

// Groups of as many items as cost least. A source that is walked backwards stays at one: the window
// of a group that is not full would begin before the operand.
Passes best_passes(std::span<const ByteMove> moves, std::span<const Stream> streams,
                   const Stream& dst, int64_t window) {
  const bool backward = std::ranges::any_of(streams, [](const Stream& s) { return s.step < 0; });
  Passes best = *passes_of_group(moves, streams, dst, window, 1);
  for (int group = 2; group <= kMaxGroup && !backward; group *= 2) {
    std::optional<Passes> passes = passes_of_group(moves, streams, dst, window, group);
    if (!passes) break;
    if (passes->cost < best.cost) best = std::move(*passes);
  }
  return best;
}

// In pieces of destinations that fit a window.
Passes passes_of_window(std::span<const ByteMove> moves, std::span<const Stream> streams,
                        const Stream& dst, int64_t window) {
  Passes all;
  for (size_t begin = 0; begin < moves.size();) {
    size_t end = begin;
    while (end < moves.size() && moves[end].to - moves[begin].to < window) ++end;
    Passes passes = best_passes(moves.subspan(begin, end - begin), streams, dst, window);
    all.list.insert(all.list.end(), passes.list.begin(), passes.list.end());
    all.cost += passes.cost;
    begin = end;
  }
  return all;
}

// With the windows that cost least.
Passes make_passes(std::vector<ByteMove> moves, std::span<const Stream> streams, const Stream& dst,
                   int64_t widest) {
  std::ranges::sort(moves, {}, &ByteMove::to);
  Passes best = passes_of_window(moves, streams, dst, kWindowCosts[0].bytes);
  for (const WindowCost& window : std::span(kWindowCosts).subspan(1)) {
    if (window.bytes > widest) break;
    Passes passes = passes_of_window(moves, streams, dst, window.bytes);
    if (passes.cost < best.cost) best = std::move(passes);
  }
  return best;
}

// For targets that write whole windows (KernelTable::shuffles_whole): of packed items all of whose
// bytes are written. The last window of an item ends with it and so may overlap the one before; an
// item shorter than a window goes with as many others as fit, and what is written beyond them is
// theirs who follow. Nothing where a window has more sources than a pass.
std::optional<Passes> whole_passes(std::span<const ByteMove> moves, std::span<const Stream> streams,
                                   const Stream& dst) {
  constexpr int64_t kWindow = kWindowCosts[0].bytes;
  const int64_t size = dst.step;
  Passes all;
  const auto add = [&](const Passes& passes) {
    all.list.insert(all.list.end(), passes.list.begin(), passes.list.end());
    all.cost += passes.cost;
    return passes.list.size() == 1;
  };
  if (size < kWindow) {
    if (!add(best_passes(moves, streams, dst, kWindow))) return std::nullopt;
    return all;
  }
  for (int64_t begin = 0; begin < size; begin += kWindow) {
    const auto first = static_cast<size_t>(std::min(begin, size - kWindow));
    if (!add(*passes_of_group(moves.subspan(first, kWindow), streams, dst, kWindow, 1))) {
      return std::nullopt;
    }
  }
  return all;
}

// --- leaves --------------------------------------------------------------------------------------

class Maker {
 public:
  explicit Maker(const Plan::Impl& plan) : plan_(plan) {
    const Loop& items = plan.nest.loops.back();
    program_.src_step = items.step[kSrc];
    program_.dst_step = items.step[kDst];
    streams_.push_back({-1, program_.src_step, 0});
  }

  std::shared_ptr<const StructProgram> make() {
    if (!find_written()) return nullptr;
    if (whole() && !fills_rows()) return nullptr;
    for (size_t k = 0; k < plan_.leaves.size(); ++k) {
      if (!add_leaf(plan_.leaves[k])) program_.others.push_back(k);
    }
    if (std::ssize(program_.others) + 1 >= std::ssize(plan_.leaves)) return nullptr;
    if (!join() || cost_ > leafwise_cost_) return nullptr;
    place_columns();
    program_.in_place_ok = reads_before_writing();
    return std::make_shared<const StructProgram>(std::move(program_));
  }

 private:
  bool whole() const { return plan_.table->shuffles_whole; }

  // The bytes of an item that its leaves write. False where two of them write the same one: then
  // the later one decides, which is left to leaf after leaf.
  bool find_written() {
    const int64_t size = plan_.dst.format().itemsize();
    written_.resize(static_cast<size_t>(size));
    for (const LeafProgram& leaf : plan_.leaves) {
      const std::vector<Place> places = places_of(leaf, size);
      if (places.empty()) return false;
      for (const Place& place : places) {
        for (int64_t i = place.dst; i < place.dst + leaf.dst_size; ++i) {
          if (written_[static_cast<size_t>(i)]) return false;
          written_[static_cast<size_t>(i)] = true;
        }
      }
    }
    return true;
  }

  // Every byte of the destination's rows is some leaf's, and both sides go forwards.
  bool fills_rows() const {
    return program_.src_step > 0 && program_.dst_step == std::ssize(written_) &&
           std::ranges::all_of(written_, std::identity());
  }

  // The passes that write the destination; false where there are none.
  bool join() {
    const Stream dst = {-1, program_.dst_step, 0};
    if (!whole()) {
      program_.join = take_passes(make_passes(std::move(joined_), streams_, dst, window()));
      return true;
    }
    // The others are written after.
    std::vector<bool> others(written_.size(), true);
    for (const ByteMove& move : joined_) others[static_cast<size_t>(move.to)] = false;
    for (size_t to = 0; to < others.size(); ++to) {
      if (others[to]) joined_.push_back({static_cast<int64_t>(to)});
    }
    std::ranges::sort(joined_, {}, &ByteMove::to);
    std::optional<Passes> passes = whole_passes(joined_, streams_, dst);
    if (!passes) return false;
    program_.join = take_passes(std::move(*passes));
    return true;
  }

  bool add_leaf(const LeafProgram& leaf) {
    const int64_t size = std::max(leaf.src_size, leaf.dst_size);
    if (size > kMaxLeafBytes) return false;
    if (whole() && leaf.staged()) return false;  // its column's end is not a window's
    const std::vector<Place> places = places_of(leaf, kMaxLeafBytes / size);
    if (places.empty()) return false;
    const auto elements = std::ssize(places);
    if (!leaf.staged()) {
      leafwise_cost_ += kMoveCost * static_cast<double>(leaf.zero ? 1 : elements);
      for (const Place& place : places) move_element(leaf, place);
      return true;
    }
    const int64_t bytes = column_bytes_ + elements * (leaf.src_size + leaf.dst_size);
    if (bytes * kLeastItems > kColumnBytes) return false;
    column_bytes_ = bytes;
    leafwise_cost_ += kConvertCost * static_cast<double>(elements);
    cost_ += kColumnCost * static_cast<double>(elements);
    convert_elements(leaf, places);
    return true;
  }

  int64_t window() const { return plan_.table->shuffle_window; }
  std::vector<ShufflePass> take_passes(Passes passes) {
    cost_ += passes.cost;
    return std::move(passes.list);
  }

  static int64_t swapped(int64_t byte, int64_t unit) {
    return byte / unit * unit + (unit - 1 - byte % unit);
  }

  void move_element(const LeafProgram& leaf, const Place& place) {
    for (int64_t i = 0; i < leaf.dst_size; ++i) {
      const int64_t byte = leaf.swaps_in ? swapped(i, leaf.swap_out.unit) : i;
      if (leaf.zero) {
        joined_.push_back({place.dst + i});
      } else {
        joined_.push_back({place.dst + i, 0, place.src + byte});
      }
    }
  }

  // Out of the items into a column, and from there with all other bytes into the destination.
  void convert_elements(const LeafProgram& leaf, const std::vector<Place>& places) {
    const auto elements = std::ssize(places);
    const auto number = static_cast<int>(program_.columns.size());
    const int stream = static_cast<int>(streams_.size());
    const Stream in = {number, elements * leaf.src_size, 0};
    streams_.push_back({number, elements * leaf.dst_size, 0});
    std::vector<ByteMove> taken;
    for (int64_t e = 0; e < elements; ++e) {
      const Place& place = places[static_cast<size_t>(e)];
      for (int64_t i = 0; i < leaf.src_size; ++i) {
        const int64_t byte = leaf.swaps_in ? swapped(i, leaf.swap_in.unit) : i;
        taken.push_back({e * leaf.src_size + i, 0, place.src + byte});
      }
      for (int64_t i = 0; i < leaf.dst_size; ++i) {
        const int64_t byte = leaf.swaps_out ? swapped(i, leaf.swap_out.unit) : i;
        joined_.push_back({place.dst + i, stream, e * leaf.dst_size + byte});
      }
    }
    const auto source = std::span(streams_).first(1);
    for (ShufflePass& pass : take_passes(make_passes(std::move(taken), source, in, window()))) {
      program_.split.push_back(pass);
    }
    program_.columns.push_back({make_packed(*plan_.table, leaf), elements});
  }

  // In place, that is, where the same byte of the source and of the destination is one in memory.
  // An element that swaps may be cut in two by the windows; whole ones may hold what is read later.
  bool reads_before_writing() const {
    if (whole()) {
      const int64_t group = program_.join[0].params.group * program_.dst_step;
      if (!program_.others.empty() || group % kWindowCosts[0].bytes != 0) return false;
    }
    std::vector<bool> written(static_cast<size_t>(plan_.dst.format().itemsize()));
    for (const ShufflePass& pass : program_.join) {
      const ShuffleParams& params = pass.params;
      for (int k = 0; k < params.num_sources; ++k) {
        if (pass.from[k].column >= 0) continue;
        for (int at = 0; at < kShuffleBytes; ++at) {
          const uint8_t byte = params.sources[k].byte[at];
          if (byte == kNoByte || params.item[at] != 0) continue;
          const auto from = static_cast<size_t>(pass.from[k].offset + byte);
          if (from >= written.size() || written[from]) return false;
        }
      }
      for (int at = 0; at < kShuffleBytes; ++at) {
        if (params.item[at] == 0) written[static_cast<size_t>(pass.to.offset + at)] = true;
      }
    }
    return true;
  }

  void place_columns() {
    const int64_t item_bytes = plan_.src.format().itemsize() + plan_.dst.format().itemsize();
    int64_t items = kMostItems;
    while (items > kLeastItems && (items > kColumnBytes / std::max<int64_t>(column_bytes_, 1) ||
                                   items > kBlockItemBytes / std::max<int64_t>(item_bytes, 1))) {
      items /= 2;
    }
    if (const int64_t forced = test_chunk_items(); forced > 0) items = std::min(items, forced);
    program_.items = items;
    int64_t at = 0;
    for (Column& column : program_.columns) {
      column.in = at;
      at += round_up_to_line(items * column.elements * column.leaf.src_size);
      column.out = at;
      at += round_up_to_line(items * column.elements * column.leaf.dst_size);
    }
    program_.scratch_bytes = at;
  }

  const Plan::Impl& plan_;
  StructProgram program_;
  std::vector<Stream> streams_;  // the source, and every column's converted side
  std::vector<ByteMove> joined_;
  std::vector<bool> written_;  // bytes of the destination's item
  int64_t column_bytes_ = 0;   // of one item
  double cost_ = 0, leafwise_cost_ = 0;
};

}  // namespace

std::shared_ptr<const StructProgram> make_struct_program(const Plan::Impl& plan) {
  const std::vector<Loop>& loops = plan.nest.loops;
  const int64_t least = test_chunk_items() > 0 ? 2 : kMinItems;
  const bool possible = plan.table->shuffle.run != nullptr && plan.leaves.size() > 1 &&
                        !plan.where && !loops.empty() && loops.back().n >= least &&
                        loops.back().step[kDst] > 0 && plan.dst.format().itemsize() <= kMaxItemSize;
  return possible ? Maker(plan).make() : nullptr;
}

std::string to_string(const StructProgram& program) {
  std::string text = "  " + std::to_string(program.join.size()) + " shuffles";
  if (!program.columns.empty()) {
    text += ", " + std::to_string(program.split.size()) + " to " +
            std::to_string(program.columns.size()) + " columns";
  }
  text += ", of";
  for (const std::vector<ShufflePass>* list : {&program.split, &program.join}) {
    for (const ShufflePass& pass : *list) text += " " + std::to_string(pass.params.group);
  }
  text += " items at a time, for all fields";
  if (!program.others.empty()) text += " but " + std::to_string(program.others.size());
  return text + "\n";
}

}  // namespace stridecast::internal
