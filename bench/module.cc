// libstridecast_bench: what Python measures by ctypes in its own process. stream() and loops over
// C++ calls that time themselves, so that no Python call is counted. It carries its own copy of the
// library: its caches are not those of the Python package.
#include <array>
#include <chrono>
#include <cstdint>
#include <exception>
#include <string_view>

#include "bench/fresh_formats.h"
#include "bench/stream.h"
#include "stridecast/format.h"
#include "stridecast/layout.h"
#include "stridecast/ops.h"

#define STRIDECAST_BENCH_EXPORT extern "C" __attribute__((visibility("default")))

namespace sc = stridecast;

namespace {

template <typename Call>
int64_t time_ns(int64_t calls, Call call) {
  const auto start = std::chrono::steady_clock::now();
  for (int64_t i = 0; i < calls; ++i) call();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() -
                                                              start)
      .count();
}

// Keeps a result alive as far as the optimiser knows.
template <typename T>
void keep(const T& value) {
  asm volatile("" : : "r"(&value) : "memory");
}

}  // namespace

/// As bench/stream.h: 1, or 0 if it does not do these sizes.
STRIDECAST_BENCH_EXPORT int stream_run(const void* src, void* dst, int64_t items, int read_bytes,
                                       int write_bytes, int non_temporal) {
  const auto store = non_temporal != 0 ? sc::bench::Store::kNonTemporal : sc::bench::Store::kNormal;
  return sc::bench::stream(src, dst, items, read_bytes, write_bytes, store) ? 1 : 0;
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
