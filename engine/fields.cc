// Structs of arrays from arrays of structs and back (ops.h: split, join). The structs are cut into
// windows that stay in L2; a window is handed to the plan of every field in turn, so that its bytes
// come from memory once for all fields. Plans hold no pointers: one serves all windows of a shape.
// Fields side by side that are only moved or swapped are a transpose, and split by tiles.

#include <algorithm>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "engine/chunk.h"
#include "engine/first_failure.h"
#include "engine/overlap.h"
#include "engine/planner.h"
#include "engine/run.h"
#include "engine/workspace.h"
#include "stridecast/ops.h"

namespace stridecast {
namespace internal {
namespace {

// Structs of a window: in L2 there is room for what becomes of them beside them. Measured against
// 32 and 64 KiB, where calls cost more than L1 saves, and against whole arrays.
constexpr int64_t kWindowBytes = int64_t{128} << 10;
// A window along neighbouring structs ends at a multiple of this, so that threads share no line.
constexpr int64_t kGrain = 64;
// Fields of a transpose, in scratch that stays in L1; fewer bytes of a record are no tile's row.
constexpr int64_t kTransposedBytes = int64_t{16} << 10, kTileBytes = 16;
constexpr int64_t kLeastNeighbours = 4;
// An array that outgrows the caches.
constexpr int64_t kStreamBytes = int64_t{16} << 20;
// Search steps for two operands whose extents touch.
constexpr int64_t kOverlapWork = 20000;

enum class Direction : uint8_t { kSplit, kJoin };

// --- windows -------------------------------------------------------------------------------------

// The structs in boxes: axes with small strides whole, one axis in pieces of `width`, those with
// larger strides one by one.
struct Windows {
  struct Axis {
    int64_t n = 1, width = 1;
    int64_t pieces() const noexcept { return std::max<int64_t>((n + width - 1) / width, 1); }
  };
  std::vector<Axis> axes;    // in the order of the shape
  std::vector<size_t> slow;  // the axes outer to inner as windows follow each other
  int64_t count = 1;

  // Where a window begins, and its sizes.
  void place(int64_t window, std::span<int64_t> begin, std::span<int64_t> shape) const {
    for (size_t k = slow.size(); k-- > 0;) {
      const Axis& axis = axes[slow[k]];
      begin[slow[k]] = window % axis.pieces() * axis.width;
      shape[slow[k]] = std::min(axis.width, axis.n - begin[slow[k]]);
      window /= axis.pieces();
    }
  }
};

uint64_t magnitude(int64_t stride) {
  return stride < 0 ? 0 - static_cast<uint64_t>(stride) : static_cast<uint64_t>(stride);
}

// `whole`: all of them are one window.
Windows cut(const Layout& structs, bool whole) {
  const int64_t itemsize = std::max<int64_t>(structs.format().itemsize(), 1);
  int64_t room = std::max<int64_t>(kWindowBytes / itemsize, 1);
  if (test_chunk_items() > 0) room = test_chunk_items();
  if (whole) room = INT64_MAX;
  Windows windows;
  for (size_t axis = 0; axis < structs.shape().size(); ++axis) {
    windows.axes.push_back({structs.shape()[axis], 1});
    windows.slow.push_back(axis);
  }
  std::ranges::stable_sort(windows.slow, std::greater(), [&](size_t axis) {
    return structs.shape()[axis] == 1 ? 0 : magnitude(structs.strides()[axis]);
  });
  for (size_t k = windows.slow.size(); k-- > 0;) {
    Windows::Axis& axis = windows.axes[windows.slow[k]];
    axis.width = std::clamp<int64_t>(axis.n, 1, room);
    if (axis.width < axis.n && axis.width > kGrain) axis.width -= axis.width % kGrain;
    // Once an axis is cut, those outside are taken one by one.
    room = axis.width < axis.n ? 1 : std::max<int64_t>(room / axis.width, 1);
    windows.count *= axis.pieces();
  }
  return windows;
}

// --- fields --------------------------------------------------------------------------------------

// One field in the structs and its array, with the plans for whole windows and for those that end
// an axis.
struct Part {
  std::string_view name;
  Layout in_struct;
  const Layout* array;
  void* array_data = nullptr;
  int64_t elements = 1;  // of a sub-array: items of both layouts for one struct
  std::vector<Plan> plans = {};
};

// Parts whose fields lie one after the other in the structs, all of one size.
struct Neighbours {
  std::vector<size_t> parts;
  const sc_entry* tile = nullptr;
  int64_t size = 0;
};

struct Job {
  Direction direction;
  const Layout& structs;
  void* data;
  Windows windows;
  int64_t first = 0;  // where the structs' random numbers begin: those of their elements likewise
  std::vector<Part> parts = {};
  std::vector<Neighbours> neighbours = {};
};

[[noreturn]] void fail(std::string_view name, const std::string& what,
                       ErrorCode code = ErrorCode::kInvalidArgument) {
  throw Error(code, "field '" + std::string(name) + "': " + what);
}

std::string shape_text(std::span<const int64_t> shape) {
  std::string text;
  for (int64_t n : shape) text += (text.empty() ? "" : ", ") + std::to_string(n);
  return "(" + text + (shape.size() == 1 ? ",)" : ")");
}

Part make_part(const Layout& structs, const FieldArray& field) {
  Part part{field.name, structs.field(field.name), field.layout, field.data};
  if (!std::ranges::equal(part.in_struct.shape(), part.array->shape())) {
    fail(part.name, "its array has the shape " + shape_text(part.array->shape()) + ", not " +
                        shape_text(part.in_struct.shape()));
  }
  if (!part.array->suboffsets().empty()) {
    fail(part.name, "its array has suboffsets; copy it first");
  }
  for (int axis = structs.ndim(); axis < part.in_struct.ndim(); ++axis) {
    part.elements *= part.in_struct.shape()[static_cast<size_t>(axis)];
  }
  return part;
}

// Which of a part's plans fits a window of these sizes: the axis in pieces may end with a shorter
// one.
size_t plan_of(const Windows& windows, std::span<const int64_t> shape) {
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] != windows.axes[axis].width) return 1;
  }
  return 0;
}

Plan plan_window(const Job& job, const Part& part, std::span<const int64_t> window,
                 const ConvertOptions& options) {
  std::vector<int64_t> shape(part.array->shape().begin(), part.array->shape().end());
  std::ranges::copy(window, shape.begin());
  const auto view = [&](const Layout& layout) {
    return LayoutView{&layout.format(), shape, layout.strides(), layout.offset()};
  };
  const LayoutView in_struct = view(part.in_struct), array = view(*part.array);
  try {
    return job.direction == Direction::kSplit ? cached_convert(in_struct, array, options)
                                              : cached_convert(array, in_struct, options);
  } catch (const Error& error) {
    fail(part.name, error.what(), error.code());
  }
}

void make_plans(Job& job, ConvertOptions options) {
  options.index_offset = 0;
  const Windows& windows = job.windows;
  std::vector<int64_t> begin(windows.axes.size()), shape(windows.axes.size());
  // The last window has every axis' last piece, the first one the first.
  windows.place(0, begin, shape);
  for (Part& part : job.parts) part.plans.push_back(plan_window(job, part, shape, options));
  if (windows.count < 2) return;
  windows.place(windows.count - 1, begin, shape);
  for (Part& part : job.parts) part.plans.push_back(plan_window(job, part, shape, options));
}

// --- neighbours ----------------------------------------------------------------------------------

// The tiles that take this part's field out of a row of structs with others; null where it is
// converted, or one of its sides is not the plain kind.
const sc_entry* tile_of(const Job& job, const Part& part) {
  const Plan::Impl& plan = part.plans[0].impl();
  const bool plain = job.structs.ndim() == 1 && job.structs.strides()[0] > 0 &&
                     part.elements == 1 && plan.leaves.size() == 1 &&
                     part.array->strides()[0] == part.array->format().itemsize();
  if (!plain) return nullptr;
  const LeafProgram& leaf = plan.leaves[0];
  const int index = kernels::move_index(leaf.src_size);
  const bool one_item = leaf.src_size == part.array->format().itemsize() && leaf.src_offset == 0;
  const bool whole_swap = !leaf.swaps_in || leaf.swap_in.unit == leaf.src_size;
  if (leaf.staged() || leaf.zero || !leaf.inner.empty() || !one_item || !whole_swap ||
      leaf.src_size > 8 || index >= kernels::kTileSizes) {
    return nullptr;
  }
  const sc_entry& tile = leaf.swaps_in ? plan.table->tile_swap[index] : plan.table->tile[index];
  return tile.run != nullptr ? &tile : nullptr;
}

bool worth_a_transpose(const Neighbours& run) {
  const int64_t fields = std::ssize(run.parts);
  return fields >= kLeastNeighbours && fields * run.size >= kTileBytes;
}

void find_neighbours(Job& job) {
  if (job.direction == Direction::kJoin) return;
  std::vector<size_t> order(job.parts.size());
  for (size_t k = 0; k < order.size(); ++k) order[k] = k;
  std::ranges::sort(order, {}, [&](size_t k) { return job.parts[k].in_struct.offset(); });
  Neighbours run;
  int64_t end = 0;
  const auto take = [&] {
    if (worth_a_transpose(run)) job.neighbours.push_back(run);
    run = {};
  };
  for (const size_t k : order) {
    const Part& part = job.parts[k];
    const sc_entry* const tile = tile_of(job, part);
    const int64_t size = part.in_struct.format().itemsize();
    if (tile != run.tile || part.in_struct.offset() != end) take();
    if (tile == nullptr) continue;
    run.tile = tile;
    run.size = size;
    run.parts.push_back(k);
    end = part.in_struct.offset() + size;
  }
  take();
}

// Structs [begin, begin + count) of a one-dimensional array.
void transpose(const Job& job, const Neighbours& run, int64_t begin, int64_t count, bool stream) {
  const kernels::KernelTable& table = *job.parts[run.parts[0]].plans[0].impl().table;
  const int64_t fields = std::ssize(run.parts), struct_step = job.structs.strides()[0];
  const int64_t fitting = kTransposedBytes / (fields * run.size) / kGrain * kGrain;
  const int64_t columns = std::max(fitting, kGrain);
  const int64_t pitch = columns * run.size + kCacheLine;  // rows share no sets
  const Workspace memory(Room::kColumns, kTileScratch + fields * pitch);
  sc_run tile = {};
  tile.struct_size = sizeof(sc_run);
  tile.n[0] = fields;
  tile.src_step[0] = tile.dst_step[1] = tile.src_size = tile.dst_size = run.size;
  tile.src_step[1] = struct_step;
  tile.dst_step[0] = pitch;
  tile.scratch = memory.data();
  tile.dst = memory.data() + kTileScratch;
  sc_run move = {};
  move.struct_size = sizeof(sc_run);
  move.flags = stream ? uint32_t{SC_RUN_STREAM} : 0;
  move.n[0] = 1;
  move.src_step[1] = move.dst_step[1] = move.src_size = move.dst_size = run.size;
  const char* const first =
      static_cast<const char*>(job.data) + job.parts[run.parts[0]].in_struct.offset();
  for (int64_t at = begin; at < begin + count; at += columns) {
    tile.n[1] = move.n[1] = std::min(columns, begin + count - at);
    tile.src = first + at * struct_step;
    run.tile->run(&tile);
    for (int64_t k = 0; k < fields; ++k) {
      const Part& part = job.parts[run.parts[static_cast<size_t>(k)]];
      move.src = static_cast<char*>(tile.dst) + k * pitch;
      move.dst = static_cast<char*>(part.array_data) + part.array->offset() + at * run.size;
      table.move[kernels::move_index(run.size)].run(&move);
    }
  }
  if (stream) table.flush_streams();
}

bool is_transposed(const Job& job, size_t part) {
  return std::ranges::any_of(job.neighbours, [&](const Neighbours& run) {
    return std::ranges::find(run.parts, part) != run.parts.end();
  });
}

// --- before the first byte -----------------------------------------------------------------------

struct Region {
  intptr_t first, last;
  const Layout* layout;
  Items items;
  const Part* part;
};

Region region_of(const Layout& layout, const void* data, const Part& part) {
  const auto base = reinterpret_cast<intptr_t>(data);
  return {
      base + layout.extent().lowest, base + layout.extent().highest, &layout,
      Items{base + layout.offset(), layout.shape(), layout.strides(), layout.format().itemsize()},
      &part};
}

bool share(const Region& a, const Region& b) {
  if (a.last <= b.first || b.last <= a.first) return false;
  return share_memory(a.items, b.items, kOverlapWork) != Answer::kNo;
}

// No array may share memory with a field that is taken or put, nor, where arrays are written, with
// another array.
void refuse_overlap(const Job& job) {
  std::vector<Region> arrays, fields;
  arrays.reserve(job.parts.size());
  fields.reserve(job.parts.size());
  for (const Part& part : job.parts) {
    arrays.push_back(region_of(*part.array, part.array_data, part));
    fields.push_back(region_of(part.in_struct, job.data, part));
    try {
      refuse_self_overlap(job.direction == Direction::kSplit ? *part.array : part.in_struct);
    } catch (const Error& error) {
      fail(part.name, error.what(), error.code());
    }
  }
  const auto base = reinterpret_cast<intptr_t>(job.data);
  const Extent& all = job.structs.extent();
  for (const Region& array : arrays) {
    if (array.last <= base + all.lowest || base + all.highest <= array.first) continue;
    for (const Region& field : fields) {
      if (!share(array, field)) continue;
      fail(array.part->name,
           "its array shares memory with the structs' field '" + std::string(field.part->name) +
               "'; copy it first",
           ErrorCode::kBuffer);
    }
  }
  if (job.direction == Direction::kJoin) return refuse_self_overlap(job.structs);
  std::ranges::sort(arrays, {}, &Region::first);
  for (size_t i = 0; i < arrays.size(); ++i) {
    for (size_t k = i + 1; k < arrays.size() && arrays[k].first < arrays[i].last; ++k) {
      if (!share(arrays[i], arrays[k])) continue;
      fail(arrays[i].part->name,
           "its array shares memory with that of field '" + std::string(arrays[k].part->name) + "'",
           ErrorCode::kBuffer);
    }
  }
}

// --- the run -------------------------------------------------------------------------------------

int64_t distance(const Layout& layout, std::span<const int64_t> begin) {
  int64_t bytes = 0;
  for (size_t axis = 0; axis < begin.size(); ++axis) bytes += begin[axis] * layout.strides()[axis];
  return bytes;
}

// The C order index, in the array of structs, of a window's `local`th struct.
int64_t index_in_structs(const Job& job, std::span<const int64_t> begin,
                         std::span<const int64_t> shape, int64_t local) {
  int64_t index = 0, step = 1;
  for (size_t axis = shape.size(); axis-- > 0; local /= shape[axis]) {
    index += (begin[axis] + local % shape[axis]) * step;
    step *= job.windows.axes[axis].n;
  }
  return index;
}

void run_windows(const Job& job, int64_t first_window, int64_t end, const RunOptions& options,
                 FirstFailure& first) {
  std::vector<int64_t> begin(job.windows.axes.size()), shape(begin.size());
  std::vector<bool> transposed(job.neighbours.empty() ? 0 : job.parts.size());
  for (size_t k = 0; k < transposed.size(); ++k) transposed[k] = is_transposed(job, k);
  for (int64_t window = first_window; window < end; ++window) {
    job.windows.place(window, begin, shape);
    if (!first.may_begin_at(index_in_structs(job, begin, shape, 0))) continue;
    for (const Neighbours& run : job.neighbours) {
      transpose(job, run, begin[0], shape[0], options.stream == Stream::kAlways);
    }
    const size_t which = plan_of(job.windows, shape);
    for (size_t k = 0; k < job.parts.size(); ++k) {
      if (!job.neighbours.empty() && transposed[k]) continue;
      const Part& part = job.parts[k];
      const Operand in_struct{static_cast<char*>(job.data) + distance(part.in_struct, begin)};
      const Operand array{static_cast<char*>(part.array_data) + distance(*part.array, begin)};
      const Plan& plan = part.plans[which];
      const bool splits = job.direction == Direction::kSplit;
      RunStatus status =
          run_plan(plan.impl(), splits ? in_struct : array, splits ? array : in_struct, {}, options,
                   job.first * part.elements);
      if (status.code == StatusCode::kDataError && status.index >= 0) {
        status.index = index_in_structs(job, begin, shape, status.index / part.elements);
      }
      first.add(status, static_cast<int>(k));
    }
  }
}

int64_t bytes_of(const Job& job) {
  int64_t bytes = 0;
  for (const Part& part : job.parts) {
    const int64_t item = part.in_struct.format().itemsize() + part.array->format().itemsize();
    int64_t moved;
    if (__builtin_mul_overflow(part.array->size(), item, &moved) ||
        __builtin_add_overflow(bytes, moved, &bytes)) {
      return INT64_MAX;
    }
  }
  return bytes;
}

// Windows are small: whether what is written outgrows the caches is seen here only.
Stream stream_of(const Job& job, Stream wanted) {
  if (wanted != Stream::kAuto || job.direction == Direction::kJoin) return wanted;
  int64_t bytes = 0;
  for (const Part& part : job.parts)
    bytes += part.array->extent().highest - part.array->extent().lowest;
  return bytes >= kStreamBytes ? Stream::kAlways : Stream::kNever;
}

[[noreturn]] void report(const Job& job, const FirstFailure& first, int64_t index_offset) {
  RunStatus status = first.status();
  const Part& part = job.parts[static_cast<size_t>(first.tag())];
  const bool data = status.code == StatusCode::kDataError;
  if (data && status.index >= 0) status.index += index_offset;
  const Error error = part.plans[0].status_error(status);
  if (!data) throw error;
  throw Error(error.code(), error.kind(), error.position(),
              "field '" + std::string(part.name) + "': " + error.what());
}

// Whether a kernel wants to be called by one thread alone.
bool needs_gil(const Job& job) {
  return std::ranges::any_of(job.parts, [](const Part& part) {
    return std::ranges::any_of(part.plans, [](const Plan& plan) { return plan.impl().needs_gil; });
  });
}

void run_job(const Job& job, int64_t index_offset, const RunOptions& options) {
  RunOptions alone = options;
  alone.threads = 1;
  alone.parallel_for = {};
  alone.stream = stream_of(job, options.stream);
  // No two share an item; a run that cannot tell may copy.
  alone.overlap = OverlapPolicy::kCopy;
  const int64_t count = job.windows.count;
  const int threads =
      needs_gil(job)
          ? 1
          : static_cast<int>(std::min<int64_t>(thread_count(options, bytes_of(job)), count));
  FirstFailure first;
  const auto begin_of = [&](int64_t p) {
    return count / threads * p + std::min(p, count % threads);
  };
  try {
    if (threads == 1) {
      run_windows(job, 0, count, alone, first);
    } else {
      run_tasks(options, threads, threads, [&](int part) {
        run_windows(job, begin_of(part), begin_of(part + 1), alone, first);
      });
    }
  } catch (const std::bad_alloc&) {
    first.add({.code = StatusCode::kOutOfMemory});
  } catch (...) {
    first.add(
        {.code = StatusCode::kPoolFailed});  // nothing else throws but the host's parallel_for
  }
  if (!first.status().ok()) report(job, first, index_offset);
}

void refuse_repetition(std::span<const FieldArray> fields) {
  std::vector<std::string_view> names;
  for (const FieldArray& field : fields) names.push_back(field.name);
  std::ranges::sort(names);
  const auto twice = std::ranges::adjacent_find(names);
  if (twice != names.end()) fail(*twice, "is given twice");
}

void run_fields(Direction direction, const Layout& structs, void* data,
                std::span<const FieldArray> fields, const ConvertOptions& options,
                const RunOptions& run) {
  if (!structs.suboffsets().empty()) {
    throw Error(ErrorCode::kInvalidArgument, "the structs have suboffsets; copy them first");
  }
  if (direction == Direction::kJoin) refuse_repetition(fields);
  // Windows would have to know the index of every item in them; so it is one, and one thread.
  const bool whole = options.rounding == Rounding::kStochastic;
  Job job{direction, structs, data, cut(structs, whole), whole ? options.index_offset : 0};
  job.parts.reserve(fields.size());
  for (const FieldArray& field : fields) {
    if (field.layout == nullptr) fail(field.name, "has no layout");
    job.parts.push_back(make_part(structs, field));
  }
  refuse_overlap(job);
  make_plans(job, options);
  // Such an array may have no memory.
  std::erase_if(job.parts, [](const Part& part) { return part.array->size() == 0; });
  if (job.parts.empty()) return;
  find_neighbours(job);
  run_job(job, options.index_offset, run);
}

}  // namespace
}  // namespace internal

inline namespace v0 {

void split(const Layout& src, const void* src_data, std::span<const FieldArray> fields,
           const ConvertOptions& options, const RunOptions& run) {
  // Nothing is written there: the field is an operand on either side.
  internal::run_fields(internal::Direction::kSplit, src, const_cast<void*>(src_data), fields,
                       options, run);
}

void join(std::span<const FieldArray> fields, const Layout& dst, void* dst_data,
          const ConvertOptions& options, const RunOptions& run) {
  internal::run_fields(internal::Direction::kJoin, dst, dst_data, fields, options, run);
}

}  // namespace v0
}  // namespace stridecast
