// Makes the programs of leaves: kernels by type, size and byte order; then the shape of their
// innermost loops, and what follows from it.

#include "engine/leaf_program.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>

#include "engine/run.h"

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
constexpr int64_t kChunkBytes = 2048, kMaxChunk = kScratchItems;

constexpr int64_t kLine = 64;
constexpr int64_t kShortRowBytes = 4096;
// Tiles in cache: how much of a destination row a block covers, and of a source row. Past the
// caches a panel is a line of each of so many source rows, so that every visit of a destination row
// writes several lines; twice as many of items of 1 and 2 bytes (all measured on Zen 4).
constexpr int64_t kTileRowBytes = 256, kTileSourceBytes = 512;
constexpr int64_t kPanelRows = 64, kShortSourceBytes = 256;
// Staged blocks: two buffers of this size and the lines around them stay in L1.
constexpr int64_t kStagedBytes = 8192;
// Blocks without tiles: as many source lines by as many destination rows.
constexpr int64_t kBlockRows = 16, kBlockItems = 1024;

const sc_entry* move_entry(const KernelTable& table, int64_t size, bool swap) {
  return swap ? &table.move_swap[move_index(size)] : &table.move[move_index(size)];
}

// Of an element whose units may be smaller than it is.
const sc_entry* move_of(const KernelTable& table, const Element& element, bool swap) {
  const bool whole = element.swap_unit == element.size;
  return swap && !whole ? &table.move_swap[kernels::kMoveN] : move_entry(table, element.size, swap);
}

const sc_entry* tile_entry(const KernelTable& table, int64_t size, bool swap) {
  const int index = move_index(size);
  if (index >= kernels::kTileSizes) return nullptr;
  const sc_entry& entry = swap ? table.tile_swap[index] : table.tile[index];
  return entry.run != nullptr ? &entry : nullptr;
}

bool swaps(const Element& src, const Element& dst) {
  return src.swap_unit > 1 && src.order != dst.order;
}

int64_t chunk_items(int64_t widest_bytes) {
  if (const int64_t forced = test_chunk_items(); forced > 0) return std::min(forced, kMaxChunk);
  return std::clamp(kChunkBytes / widest_bytes, kMinChunk, kMaxChunk);
}

// The entry for this program's types, or nullptr: registered types have none in the table.
template <size_t n>
const sc_entry* convert_entry(const sc_entry (&entries)[n][n], const LeafProgram& program) {
  if (!is_arithmetic(program.src_type) || !is_arithmetic(program.dst_type)) return nullptr;
  const sc_entry& entry =
      entries[static_cast<int>(program.src_type)][static_cast<int>(program.dst_type)];
  return entry.run != nullptr ? &entry : nullptr;
}

// Fused kernels insert narrow items one by one, except reversed rows and every second item: those a
// few apart are faster moved by permutations first, and one value is faster repeated.
bool pays_to_fuse(int64_t size, int64_t step) {
  if (step == 0) return false;
  const bool permuted = size <= 2 && step % size == 0 && std::abs(step / size) <= 8;
  return !permuted || step == -size || step == 2 * size;
}

int64_t widest_item(const LeafProgram& program) {
  int64_t widest = std::max(program.src_size, program.dst_size);
  for (int k = 0; k < program.route.count; ++k) {
    const Stage& stage = program.route.stages[k];
    widest = std::max<int64_t>(widest, stage.out_size * stage.lanes);
  }
  return widest;
}

// Two to four channels at the fast end of one side: split into rows, or joined from them.
bool splits_channels(const LeafProgram& program, const Loop& row, const Loop& column) {
  const int64_t pixel = column.step[kSrc];
  return row.n <= 4 && pixel > 0 && pixel <= 4 * program.src_size &&
         pixel % program.src_size == 0 && row.n * program.src_size <= pixel;
}
bool joins_channels(const LeafProgram& program, const Loop& row, const Loop& column) {
  return column.n <= 4 && row.step[kDst] == column.n * program.dst_size;
}

// Items of a block of tiles; `rows` by `columns` of the widest type fit a scratch buffer.
void size_tiles(LeafProgram& program, const Loop& row, const Loop& column) {
  const int64_t widest = program.widest;
  const int64_t limit = kStagedBytes / widest;
  if (splits_channels(program, row, column)) {
    program.block = program.panel = {row.n, std::max(limit / row.n / kLine, int64_t{1}) * kLine};
  } else if (joins_channels(program, row, column)) {
    program.block = program.panel = {limit / column.n, column.n};
  } else {
    const int64_t line_items = kLine / program.src_size;
    // Not less than a line of the destination, then not more than a buffer holds of so many rows.
    const int64_t least = kLine / program.dst_size;
    const auto columns = [&](int64_t wanted) {
      return std::clamp(wanted, least, std::max(least, limit / line_items));
    };
    const int64_t in_cache = kTileSourceBytes / program.src_size;
    program.block.columns = columns(kTileRowBytes / program.dst_size);
    program.block.rows =
        program.staged() ? std::min(in_cache, limit / program.block.columns) : in_cache;
    const bool narrow = program.src_size <= 2 && !program.staged();
    program.panel.columns = columns(narrow ? 2 * kPanelRows : kPanelRows);
    // Short source rows pass whole: their lines follow each other in memory.
    const bool short_rows = row.n * program.src_size <= kShortSourceBytes;
    program.panel.rows =
        std::min(short_rows ? row.n : line_items, kBlockBytes / (program.panel.columns * widest));
  }
}

void force_block(LeafProgram& program) {
  const int64_t forced = std::min<int64_t>(test_chunk_items(), 16);
  if (forced <= 0) return;
  const int64_t line_items = (kLine + program.dst_size - 1) / program.dst_size;
  const int64_t fits = std::max<int64_t>(kBlockBytes / std::max<int64_t>(program.widest, 1), 1);
  const int64_t rows = std::min(forced, fits);
  program.block = {rows, std::clamp<int64_t>(fits / rows, 1, forced)};
  program.panel = {forced, std::max(forced, line_items)};
}

}  // namespace

LeafProgram make_move(const KernelTable& table, int64_t size) {
  LeafProgram program;
  program.src_size = program.dst_size = size;
  program.move_out = program.gather = program.scatter = move_entry(table, size, false);
  program.select = &table.move_where[move_index(size)];
  program.widest = std::max<int64_t>(size, 1);
  program.chunk_items = chunk_items(program.widest);
  return program;
}

namespace {

Route route_of(const KernelTable& table, const Element& src, const Element& dst,
               const ConvertRules& rules) {
  Route route;
  if (src.time.kind != TimeFacts::kNone || dst.time.kind != TimeFacts::kNone) {
    return find_time_route(table, {src.type, src.size, src.time}, {dst.type, dst.size, dst.time},
                           rules);
  }
  if (src.registered != nullptr || dst.registered != nullptr) {
    find_registered_route(table, {src.type, src.size, src.registered},
                          {dst.type, dst.size, dst.registered}, rules, &route);
  } else if (is_number(src.type) && is_number(dst.type)) {
    route = find_route(table, src.type, dst.type, rules);
  } else if (is_text(src.type) && is_text(dst.type)) {
    route = find_text_route(table, {src.type, src.size}, {dst.type, dst.size}, rules);
  }
  return route;
}

}  // namespace

LeafProgram make_program(const KernelTable& table, const Element& src, const Element& dst,
                         const ConvertRules& rules) {
  return make_routed(table, src, dst, route_of(table, src, dst, rules));
}

namespace {

// What fits every destination: zero, but for float8_e8m0fnu, which has none and whose own byte of
// zeros is the smallest power of two.
void set_harmless_item(const KernelTable& table, const Element& src, const Element& dst,
                       LeafProgram& program) {
  constexpr DType kNoZero = DType::kFloat8E8M0FNU;
  if (!is_real(src.type) || !is_real(dst.type) || (src.type != kNoZero && dst.type != kNoZero)) {
    return;
  }
  alignas(16) unsigned char items[2][sizeof(program.one)] = {{1}};
  const Route route = find_route(table, DType::kBool, src.type, ConvertRules{});
  std::copy_n(run_packed(route, 1, 1, items[0], items[1]), sizeof(program.one), program.one);
  program.clears_to_one = true;
}

}  // namespace

LeafProgram make_routed(const KernelTable& table, const Element& src, const Element& dst,
                        const Route& route) {
  LeafProgram program;
  if (route.count > 0) {
    program.swaps_in = src.swap_unit > 1 && src.order != kHostOrder;
    program.swaps_out = dst.swap_unit > 1 && dst.order != kHostOrder;
    program.src_size = src.size;
    program.dst_size = dst.size;
    program.move_in = program.gather = move_of(table, src, program.swaps_in);
    program.move_out = program.scatter = move_of(table, dst, program.swaps_out);
    program.swap_in.unit = src.swap_unit;
    program.swap_out.unit = dst.swap_unit;
    program.select = &table.move_where[move_index(dst.size)];
    if (route.may_fail()) program.clear = &table.clear_unselected[move_index(src.size)];
    set_harmless_item(table, src, dst, program);
    if (program.swaps_out) program.swap = program.move_out;
  } else {
    const bool swap = swaps(src, dst);
    // Several units an element (UCS-4 text): one more loop, over units.
    const bool units = swap && src.swap_unit != src.size && src.swap_unit * 2 != src.size;
    program = make_move(table, units ? src.swap_unit : src.size);
    if (units) {
      Loop loop;
      loop.n = src.size / src.swap_unit;
      loop.step[kSrc] = loop.step[kDst] = src.swap_unit;
      program.inner.push_back(loop);
    }
    program.swaps_in = swap;
    if (swap) {
      const bool whole = units || src.swap_unit == src.size;  // else the two halves of a complex
      program.move_out = program.gather =
          whole ? move_entry(table, program.src_size, true) : &table.move_swap[kernels::kMoveN];
      program.swap_in.unit = program.swap_out.unit = src.swap_unit;
    }
  }
  program.route = route;
  program.path = dst.path;
  program.src_type = src.type;
  program.dst_type = dst.type;
  program.src_order = src.order;
  program.widest = std::max<int64_t>(widest_item(program), 1);
  program.chunk_items = chunk_items(program.widest);
  return program;
}

LeafProgram make_packed(const KernelTable& table, const LeafProgram& staged) {
  LeafProgram program = staged;
  program.inner.clear();
  program.fused = nullptr;
  program.src_offset = program.dst_offset = 0;
  program.swaps_in = program.swaps_out = false;
  program.swap = nullptr;
  program.move_in = program.gather = move_entry(table, staged.src_size, false);
  program.move_out = program.scatter = move_entry(table, staged.dst_size, false);
  trim_moves(table, program, {});
  return program;
}

bool rounds_randomly(const Route& route) noexcept {
  return std::any_of(route.stages, route.stages + route.count, [](const Stage& stage) {
    const auto* params = std::get_if<kernels::RoundParams>(&stage.data);
    return params != nullptr && params->rounding == Rounding::kStochastic;
  });
}

void choose_shape(const KernelTable& table, LeafProgram& program, LoopNest& nest) {
  // A block has room for items that registered types may have; longer texts go row by row.
  const bool too_large = program.staged() && program.widest > kMaxConvertedBytes;
  if (too_large || !bring_source_inward(nest)) {
    // Rows shorter than a page: neighbours of both sides should meet soon.
    const int64_t row_bytes = nest.loops.empty() ? 0 : nest.loops.back().n * program.dst_size;
    if (row_bytes < kShortRowBytes) sort_by_locality(nest, 1);
    return;
  }
  Loop& row = nest.loops[nest.loops.size() - 2];
  Loop& column = nest.loops.back();
  const bool unit_steps =
      row.step[kSrc] == program.src_size && column.step[kDst] == program.dst_size;
  const bool whole_swaps = !program.swaps_in || program.swap_in.unit == program.src_size;
  const sc_entry* tile = tile_entry(table, program.src_size, program.swaps_in);
  // Blocks of tiles are sized for items of up to 8 bytes.
  const bool fits = !program.staged() || program.widest <= 8;
  const int64_t least = 16 / program.src_size;  // of a 16-byte vector
  const bool large = row.n >= least && column.n >= least;
  const bool channels =
      splits_channels(program, row, column) || joins_channels(program, row, column);
  if (fits && unit_steps && whole_swaps && tile != nullptr && (large || channels)) {
    program.shape = Shape::kTiles;
    program.stream = &table.stream_rows;
    program.channels = channels;
    program.streams = table.streams_tiles;
    (program.staged() ? program.move_in : program.move_out) = tile;
    size_tiles(program, row, column);
  } else {
    program.shape = Shape::kBlocks;
    if (column.n < kBlockRows && row.n > column.n) std::swap(row, column);
    program.block.rows = std::min(row.n, kBlockRows);
    const int64_t items = std::min(kBlockItems, std::max(kBlockBytes / program.widest, kBlockRows));
    program.block.columns = items / program.block.rows;
  }
  force_block(program);
}

namespace {

// The kernel that does the work of a gather, or of a byteswap, and of the conversion behind it;
// nullptr where there is none, or where it does not pay.
const sc_entry* fused_convert(const KernelTable& table, const LeafProgram& program, int64_t step) {
  if (program.swaps_in) {
    const bool packed = step == program.src_size && program.swap_in.unit == program.src_size;
    return packed ? convert_entry(table.convert_swapped, program) : nullptr;
  }
  if (!pays_to_fuse(program.src_size, step)) return nullptr;
  const sc_entry* const any_step = convert_entry(table.convert_strided, program);
  if (any_step != nullptr || step != 2 * program.src_size) return any_step;
  return convert_entry(table.convert_second, program);
}

// An integer that becomes a shorter one, by the wrap rule, keeps its low bytes.
bool keeps_low_bytes(const LeafProgram& program) {
  const auto is_integer = [](DType type) {
    const Kind kind = type_facts(type).kind;
    return kind == Kind::kSigned || kind == Kind::kUnsigned;
  };
  return is_integer(program.src_type) && is_integer(program.dst_type) &&
         program.dst_size < program.src_size;
}

void fuse(const KernelTable& table, LeafProgram& program, int64_t step) {
  program.fused = fused_convert(table, program, step);
  if (program.fused != nullptr || step == 0 || !keeps_low_bytes(program)) return;
  const bool swaps = program.swaps_in && program.dst_size > 1;
  const bool big = (kHostOrder == ByteOrder::kBig) != program.swaps_in;
  program.fused = move_entry(table, program.dst_size, swaps);
  program.fused_offset = big ? program.src_size - program.dst_size : 0;
}

}  // namespace

void trim_moves(const KernelTable& table, LeafProgram& program, const LoopNest& nest) {
  if (!program.staged()) return;
  // A route that only checks (int32 -> uint32) leaves the writing to the move.
  const bool writes = program.route.stages[program.route.count - 1].writes();
  Loop inner;
  inner.step[kSrc] = program.src_size;
  inner.step[kDst] = program.dst_size;
  if (!nest.loops.empty()) inner = nest.loops.back();
  const bool direct_out = inner.step[kDst] == program.dst_size && !program.swaps_out && writes;
  if (program.shape != Shape::kRows) {
    const Loop& row = nest.loops[nest.loops.size() - 2];
    const bool one_run =
        row.step[kDst] == inner.n * inner.step[kDst] && inner.n <= program.block.columns;
    const bool long_rows = std::min(inner.n, program.block.columns) >= kDirectRow;
    if (direct_out && (one_run || long_rows)) program.move_out = nullptr;
    return;
  }
  if (nest.loops.size() > 1 && inner.n < kDirectRow) return;
  if (inner.step[kSrc] == program.src_size && !program.swaps_in) program.move_in = nullptr;
  if (direct_out) program.move_out = nullptr;
  const bool one_convert = program.route.count == 1 &&
                           program.route.stages[0].entry == convert_entry(table.convert, program);
  if (one_convert && direct_out && program.move_in != nullptr) {
    fuse(table, program, inner.step[kSrc]);
  }
}

}  // namespace stridecast::internal
