// libstridecast_bench: what Python measures by ctypes in its own process. The streams, memcpy on
// any number of threads, and loops over C++ calls that time themselves, so that no Python call is
// counted. It carries its own copy of the library: its caches are not those of the Python package.
#include <array>
#include <barrier>
#include <cstdint>
#include <cstring>
#include <exception>
#include <future>
#include <string>
#include <string_view>
#include <vector>

#include "bench/fresh_formats.h"
#include "bench/self_timed.h"
#include "bench/stream.h"
#include "dtypes/format_impl.h"
#include "dtypes/format_parser.h"
#include "stridecast/format.h"
#include "stridecast/layout.h"
#include "stridecast/ops.h"
#include "stridecast/plan.h"
#include "stridecast/runtime.h"

namespace sc = stridecast;

namespace {

using sc::bench::keep;
using sc::bench::time_ns;

sc::bench::Store store_of(int non_temporal) {
  return non_temporal != 0 ? sc::bench::Store::kNonTemporal : sc::bench::Store::kNormal;
}

// One thread's share of a copy.
struct Slice {
  const char* src;
  char* dst;
  size_t bytes;
  void run() const {
    std::memcpy(dst, src, bytes);
    keep(*dst);
  }
};

// One thread's share of a stream.
struct StreamSlice {
  const char* src;
  char* dst;
  int64_t items;
  int read_bytes;
  int write_bytes;
  sc::bench::Store store;
  bool run() const { return sc::bench::stream(src, dst, items, read_bytes, write_bytes, store); }
};

// One thread's share of a read.
struct ReadSlice {
  const char* src;
  int64_t bytes;
  void run() const { keep(sc::bench::stream_read(src, bytes)); }
};

// One thread's share of a fill.
struct WriteSlice {
  char* dst;
  int64_t bytes;
  sc::bench::Store store;
  bool run() const {
    const bool done = sc::bench::stream_write(dst, bytes, store);
    keep(*dst);
    return done;
  }
};

// Calls part(begin, size) for `count` pieces of `total`, cut on multiples of a page's bytes.
template <typename Part>
void cut(int64_t total, int count, Part part) {
  constexpr int64_t kPage = 4096;
  const int64_t share = (total / count + kPage - 1) / kPage * kPage;
  for (int64_t begin = 0; begin < total; begin += share) {
    part(begin, total - begin < share ? total - begin : share);
  }
}

// The calling thread runs the first part and the workers one each, `calls` times in step.
template <typename Part>
int64_t time_in_step(int64_t calls, const std::vector<Part>& parts) {
  if (parts.size() == 1) return time_ns(calls, [&] { parts[0].run(); });
  std::barrier step(static_cast<std::ptrdiff_t>(parts.size()));
  std::vector<std::future<void>> workers;  // joined by their destructors
  for (size_t i = 1; i < parts.size(); ++i) {
    workers.push_back(std::async(std::launch::async, [&step, part = parts[i], calls] {
      step.arrive_and_wait();
      for (int64_t call = 0; call < calls; ++call) {
        part.run();
        step.arrive_and_wait();
      }
    }));
  }
  step.arrive_and_wait();  // all threads run
  return time_ns(calls, [&] {
    parts[0].run();
    step.arrive_and_wait();
  });
}

}  // namespace

/// The compiler and the flags of this library, its loops and streams among them.
STRIDECAST_BENCH_EXPORT const char* bench_build() {
  static const std::string text = sc::build_info().back() + " " STRIDECAST_BENCH_FLAGS;
  return text.c_str();
}

/// As bench/stream.h: 1, or 0 if it does not do this.
STRIDECAST_BENCH_EXPORT int stream_lines_run(const void* src, int64_t src_bytes, void* dst,
                                             int64_t dst_bytes, int non_temporal) {
  return sc::bench::stream_lines(src, src_bytes, dst, dst_bytes, store_of(non_temporal)) ? 1 : 0;
}

/// As bench/stream.h: 1, or 0 if it does not do this.
STRIDECAST_BENCH_EXPORT int stream_pages_run(const void* src, void* dst, int64_t bytes) {
  return sc::bench::stream_pages(src, dst, bytes) ? 1 : 0;
}

/// Nanoseconds that `calls` streams of bench/stream.h take, each by `threads` threads that are
/// started before the clock is and take one piece each; -1 on an error.
STRIDECAST_BENCH_EXPORT int64_t stream_ns(int64_t calls, const void* src, void* dst, int64_t items,
                                          int read_bytes, int write_bytes, int non_temporal,
                                          int threads) {
  if (items <= 0 || threads < 1) return -1;
  try {
    std::vector<StreamSlice> parts;
    cut(items, threads, [&](int64_t begin, int64_t size) {
      parts.push_back({static_cast<const char*>(src) + begin * read_bytes,
                       static_cast<char*>(dst) + begin * write_bytes, size, read_bytes, write_bytes,
                       store_of(non_temporal)});
    });
    for (StreamSlice part : parts) {
      part.items = 0;  // only asks whether stream() does these sizes
      if (!part.run()) return -1;
    }
    return time_in_step(calls, parts);
  } catch (const std::exception&) {
    return -1;
  }
}

/// Nanoseconds that `calls` reads of bench/stream.h take, each by `threads` threads that are
/// started before the clock is and take one piece each; -1 on an error.
STRIDECAST_BENCH_EXPORT int64_t stream_read_ns(int64_t calls, const void* src, int64_t bytes,
                                               int threads) {
  if (bytes <= 0 || threads < 1) return -1;
  try {
    std::vector<ReadSlice> parts;
    cut(bytes, threads, [&](int64_t begin, int64_t size) {
      parts.push_back({static_cast<const char*>(src) + begin, size});
    });
    return time_in_step(calls, parts);
  } catch (const std::exception&) {
    return -1;
  }
}

/// Nanoseconds that `calls` fills of bench/stream.h take, each by `threads` threads that are
/// started before the clock is and take one piece each; -1 on an error.
STRIDECAST_BENCH_EXPORT int64_t stream_write_ns(int64_t calls, void* dst, int64_t bytes,
                                                int non_temporal, int threads) {
  if (bytes <= 0 || threads < 1) return -1;
  try {
    std::vector<WriteSlice> parts;
    cut(bytes, threads, [&](int64_t begin, int64_t size) {
      parts.push_back({static_cast<char*>(dst) + begin, size, store_of(non_temporal)});
    });
    if (!parts[0].run()) return -1;
    return time_in_step(calls, parts);
  } catch (const std::exception&) {
    return -1;
  }
}

/// Nanoseconds that `calls` copies by memcpy take, each by `threads` threads that are started
/// before the clock is; -1 on an error.
STRIDECAST_BENCH_EXPORT int64_t memcpy_ns(int64_t calls, const void* src, void* dst, int64_t bytes,
                                          int threads) {
  if (bytes <= 0 || threads < 1) return -1;
  try {
    std::vector<Slice> parts;
    cut(bytes, threads, [&](int64_t begin, int64_t size) {
      parts.push_back({static_cast<const char*>(src) + begin, static_cast<char*>(dst) + begin,
                       static_cast<size_t>(size)});
    });
    return time_in_step(calls, parts);
  } catch (const std::exception&) {
    return -1;
  }
}

/// Nanoseconds that `calls` look-ups of the plan of eight contiguous float32 -> float64 take, the
/// plan being cached; -1 on an error.
STRIDECAST_BENCH_EXPORT int64_t plan_lookup_ns(int64_t calls) {
  try {
    const auto src = sc::Layout::contiguous(sc::Format::of(sc::DType::kFloat32), {8});
    const auto dst = sc::Layout::contiguous(sc::Format::of(sc::DType::kFloat64), {8});
    const sc::LayoutView src_view = {&src.format(), src.shape(), src.strides(), src.offset()};
    const sc::LayoutView dst_view = {&dst.format(), dst.shape(), dst.strides(), dst.offset()};
    keep(sc::cached_convert(src_view, dst_view));
    return time_ns(calls, [&] { keep(sc::cached_convert(src_view, dst_view)); });
  } catch (const std::exception&) {
    return -1;
  }
}

/// Nanoseconds that it takes to make the plan of eight contiguous float32 -> float64 `calls` times,
/// past the cache of plans; -1 on an error.
STRIDECAST_BENCH_EXPORT int64_t plan_make_ns(int64_t calls) {
  try {
    const auto src = sc::Layout::contiguous(sc::Format::of(sc::DType::kFloat32), {8});
    const auto dst = sc::Layout::contiguous(sc::Format::of(sc::DType::kFloat64), {8});
    return time_ns(calls, [&] { keep(sc::Plan::convert(src, dst)); });
  } catch (const std::exception&) {
    return -1;
  }
}

/// Nanoseconds that `calls` runs of the plan of contiguous float32 -> float64 take, which is made
/// before the clock starts; -1 on an error.
STRIDECAST_BENCH_EXPORT int64_t plan_run_ns(int64_t calls, const float* src, double* dst,
                                            int64_t items) {
  try {
    const auto from = sc::Layout::contiguous(sc::Format::of(sc::DType::kFloat32), {items});
    const auto to = sc::Layout::contiguous(sc::Format::of(sc::DType::kFloat64), {items});
    const sc::Plan plan = sc::Plan::convert(from, to);
    return time_ns(calls, [&] {
      plan.run(src, dst);
      keep(*dst);
    });
  } catch (const std::exception&) {
    return -1;
  }
}

/// Nanoseconds that it takes to parse `calls` formats like "T{<d:x:>q:t:(3)f:v:}", every one with
/// field names that were not parsed before (for the first 130,000 calls); -1 on an error.
STRIDECAST_BENCH_EXPORT int64_t parse_fresh_ns(int64_t calls) {
  static uint32_t next = 0;
  try {
    return time_ns(calls, [] {
      const std::array<char, sc::bench::kStructFormatSize> text =
          sc::bench::fresh_struct_format(next++);
      keep(sc::Format::parse(std::string_view(text.data(), text.size())));
    });
  } catch (const std::exception&) {
    return -1;
  }
}

/// Nanoseconds that it takes to parse "d" `calls` times, past the cache of texts, while another
/// format of that text is in use; -1 on an error.
STRIDECAST_BENCH_EXPORT int64_t parse_letter_ns(int64_t calls) {
  try {
    const sc::Format in_use = sc::Format::of(sc::DType::kFloat64);
    return time_ns(calls, [] { keep(sc::internal::make_body(sc::internal::parse_format("d"))); });
  } catch (const std::exception&) {
    return -1;
  }
}
