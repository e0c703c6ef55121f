// What the benchmark binaries share: the chosen kernel table, buffers placed so that nothing
// aliases, runs made by hand, and counters. Option parsing and main() are bench_main.cc.
#ifndef STRIDECAST_BENCH_BENCH_SUPPORT_H_
#define STRIDECAST_BENCH_BENCH_SUPPORT_H_

#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "kernels/kernel_table.h"
#include "stridecast/kernel_abi.h"
#include "stridecast/types.h"

namespace stridecast::bench {

/// Each binary defines this one; main() calls it when the target is known.
void register_benchmarks(const kernels::KernelTable& table);

/// Items of a run that stays in L1, and of one that lives in memory.
inline constexpr int64_t kSmall = 16 * 1024;
inline constexpr int64_t kLarge = 16 * 1024 * 1024;

/// A source and a destination, both touched. The source starts on a page, the destination half a
/// page behind a page's start: loads and stores whose addresses agree in the low 12 bits would
/// stall each other, which says nothing about a kernel.
class Buffers {
 public:
  Buffers(int64_t src_bytes, int64_t dst_bytes)
      : memory_(allocate(round_up(src_bytes) + round_up(dst_bytes) + 2 * kPage)),
        dst_(memory_.get() + round_up(src_bytes) + kPage / 2) {
    // 1s: a valid value of every type, no subnormal or NaN among the floats that slows a loop down.
    for (int64_t i = 0; i < src_bytes; ++i) memory_.get()[i] = static_cast<unsigned char>(i & 0x3F);
    std::memset(dst_, 0, static_cast<size_t>(dst_bytes));
  }
  void* src() const { return memory_.get(); }
  void* dst() const { return dst_; }

 private:
  static constexpr int64_t kPage = 4096;
  struct Free {
    void operator()(unsigned char* memory) const { std::free(memory); }
  };
  using Memory = std::unique_ptr<unsigned char, Free>;

  static constexpr int64_t round_up(int64_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }
  static Memory allocate(int64_t bytes) {
    void* memory = std::aligned_alloc(kPage, static_cast<size_t>(round_up(bytes)));
    if (memory == nullptr) std::abort();
    return Memory(static_cast<unsigned char*>(memory));
  }

  Memory memory_;
  unsigned char* dst_;
};

/// A one-dimensional run with these steps in bytes.
inline sc_run make_run(int64_t items, const void* src, int64_t src_size, int64_t src_step,
                       void* dst, int64_t dst_size, int64_t dst_step) {
  sc_run run = {};
  run.struct_size = sizeof(run);
  run.n[0] = 1;
  run.n[1] = items;
  run.src = src;
  run.src_step[0] = items * src_step;
  run.src_step[1] = src_step;
  run.dst = dst;
  run.dst_step[0] = items * dst_step;
  run.dst_step[1] = dst_step;
  run.src_size = src_size;
  run.dst_size = dst_size;
  return run;
}

/// Reports bytes/s (read plus written) and items/s.
inline void count(benchmark::State& state, int64_t items, int64_t bytes_per_item) {
  state.SetItemsProcessed(state.iterations() * items);
  state.SetBytesProcessed(state.iterations() * items * bytes_per_item);
}

/// "16Ki", "16Mi", "100"
inline std::string count_name(int64_t items) {
  if (items % (1024 * 1024) == 0) return std::to_string(items / (1024 * 1024)) + "Mi";
  if (items % 1024 == 0) return std::to_string(items / 1024) + "Ki";
  return std::to_string(items);
}

/// Times a kernel on kSmall packed items under this name. `entry`, `params` and
/// `items`, which are of the source where any bytes will not do, must outlive the benchmarks; a
/// table without the kernel has no line.
inline void add_kernel(const std::string& name, const sc_entry& entry, int64_t src_size,
                       int64_t dst_size, const void* params = nullptr,
                       const void* items = nullptr) {
  if (entry.run == nullptr) return;
  const auto body = [&entry, src_size, dst_size, params, items](benchmark::State& state) {
    const Buffers buffers(kSmall * src_size, kSmall * dst_size);
    if (items != nullptr) {
      std::memcpy(buffers.src(), items, static_cast<size_t>(kSmall * src_size));
    }
    sc_run run =
        make_run(kSmall, buffers.src(), src_size, src_size, buffers.dst(), dst_size, dst_size);
    run.params = params;
    for (auto _ : state) {
      benchmark::DoNotOptimize(entry.run(&run));
      benchmark::ClobberMemory();
    }
    count(state, kSmall, src_size + dst_size);
  };
  benchmark::RegisterBenchmark((name + "/" + count_name(kSmall)).c_str(), body);
}

/// Times a loop of the caller's own: loop(src, dst) over kSmall items of these types.
template <typename Src, typename Dst, typename Loop>
void add_loop(const std::string& name, Loop loop) {
  const auto body = [loop](benchmark::State& state) {
    const Buffers buffers(kSmall * int64_t{sizeof(Src)}, kSmall * int64_t{sizeof(Dst)});
    for (auto _ : state) {
      loop(static_cast<const Src*>(buffers.src()), static_cast<Dst*>(buffers.dst()));
      benchmark::ClobberMemory();
    }
    count(state, kSmall, sizeof(Src) + sizeof(Dst));
  };
  benchmark::RegisterBenchmark((name + "/" + count_name(kSmall)).c_str(), body);
}

}  // namespace stridecast::bench

#endif  // STRIDECAST_BENCH_BENCH_SUPPORT_H_
