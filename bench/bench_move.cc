// Move kernels: items of every size, packed and strided, as they are and byteswapped, under a mask,
// and interleaved channels; beside them memcpy and the loop that one would write by hand, compiled
// with -O3.
#include <cstring>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "bench/bench_support.h"
#include "bench/stream.h"

namespace stridecast::bench {
namespace {

// Steps in items; 1 is packed.
struct Steps {
  const char* name;
  int64_t src, dst;
};
constexpr Steps kSteps[] = {
    {"packed", 1, 1},        {"src_step2", 2, 1},   {"src_step3", 3, 1},  {"src_step5", 5, 1},
    {"src_step8", 8, 1},     {"src_step16", 16, 1}, {"dst_step2", 1, 2},  {"dst_step3", 1, 3},
    {"src_reversed", -1, 1}, {"src_step-2", -2, 1}, {"both_step2", 2, 2},
};
// How many items of a thousand a mask selects, at random.
constexpr int kPerMille[] = {0, 20, 500, 980, 1000};
constexpr int64_t kSizes[] = {1, 2, 4, 8, 16, 12};

int64_t magnitude(int64_t value) { return value < 0 ? -value : value; }

sc_run make_move(const Buffers& buffers, int64_t items, int64_t size, const Steps& steps) {
  const auto* src = static_cast<const unsigned char*>(buffers.src());
  if (steps.src < 0) src -= (items - 1) * steps.src * size;
  return make_run(items, src, size, steps.src * size, buffers.dst(), size, steps.dst * size);
}

void run_kernel(benchmark::State& state, const sc_entry& entry, int64_t items, int64_t size,
                const Steps& steps) {
  const Buffers buffers(items * size * magnitude(steps.src), items * size * magnitude(steps.dst));
  sc_run run = make_move(buffers, items, size, steps);
  const kernels::SwapParams swap = {size % 8 == 0 ? 8 : 4};  // read by the size-n byteswap only
  run.params = &swap;
  for (auto _ : state) {
    benchmark::DoNotOptimize(entry.run(&run));
    benchmark::ClobberMemory();
  }
  count(state, items, 2 * size);
}

template <int kSize>
struct Item {
  unsigned char bytes[kSize];
};

template <int kSize, bool kSwap>
void naive_move(const sc_run& run) {
  const auto* src = static_cast<const unsigned char*>(run.src);
  auto* dst = static_cast<unsigned char*>(run.dst);
  const int64_t items = run.n[1];  // in locals: the stores below might alias the run
  const int64_t src_step = run.src_step[1];
  const int64_t dst_step = run.dst_step[1];
  for (int64_t i = 0; i < items; ++i) {
    Item<kSize> item;
    std::memcpy(&item, src + i * src_step, kSize);
    if constexpr (kSwap) {
      for (int b = 0; b < kSize / 2; ++b) std::swap(item.bytes[b], item.bytes[kSize - 1 - b]);
    }
    std::memcpy(dst + i * dst_step, &item, kSize);
  }
}

template <int kSize, bool kSwap>
void run_naive(benchmark::State& state, int64_t items, const Steps& steps) {
  const Buffers buffers(items * kSize * magnitude(steps.src), items * kSize * magnitude(steps.dst));
  sc_run run = make_move(buffers, items, kSize, steps);
  for (auto _ : state) {
    benchmark::DoNotOptimize(run);  // the steps are not constants to a library either
    naive_move<kSize, kSwap>(run);
    benchmark::ClobberMemory();
  }
  count(state, items, 2 * kSize);
}

void run_memcpy(benchmark::State& state, int64_t items, int64_t size) {
  const Buffers buffers(items * size, items * size);
  for (auto _ : state) {
    std::memcpy(buffers.dst(), buffers.src(), static_cast<size_t>(items * size));
    benchmark::ClobberMemory();
  }
  count(state, items, 2 * size);
}

void run_stream(benchmark::State& state, int64_t items, int size, Store store) {
  const Buffers buffers(items * size, items * size);
  for (auto _ : state) {
    stream(buffers.src(), buffers.dst(), items, size, size, store);
    benchmark::ClobberMemory();
  }
  count(state, items, 2 * size);
}

std::string name_of(const char* what, const char* who, int64_t size, const char* steps,
                    int64_t items) {
  return std::string(what) + "/" + who + "/" + std::to_string(size) + "B/" + steps + "/" +
         count_name(items);
}

// A mask of bytes, and the loop under it.
std::vector<unsigned char> random_mask(int64_t items, int per_mille) {
  std::minstd_rand random(1);
  std::vector<unsigned char> mask(static_cast<size_t>(items));
  for (unsigned char& byte : mask) byte = static_cast<int>(random() % 1000) < per_mille;
  return mask;
}

void run_where(benchmark::State& state, const sc_entry& entry, int64_t items, int64_t size,
               int per_mille) {
  const Buffers buffers(items * size, items * size);
  const std::vector<unsigned char> mask = random_mask(items, per_mille);
  sc_run run = make_move(buffers, items, size, kSteps[0]);
  run.aux[0] = mask.data();
  run.aux_step[0][1] = 1;
  for (auto _ : state) {
    benchmark::DoNotOptimize(entry.run(&run));
    benchmark::ClobberMemory();
  }
  count(state, items, 2 * size);
}

template <int kSize>
void run_naive_where(benchmark::State& state, int64_t items, int per_mille) {
  const Buffers buffers(items * kSize, items * kSize);
  const std::vector<unsigned char> mask = random_mask(items, per_mille);
  const auto* src = static_cast<const unsigned char*>(buffers.src());
  auto* dst = static_cast<unsigned char*>(buffers.dst());
  for (auto _ : state) {
    for (int64_t i = 0; i < items; ++i) {
      if (mask[static_cast<size_t>(i)] != 0) std::memcpy(dst + i * kSize, src + i * kSize, kSize);
    }
    benchmark::ClobberMemory();
  }
  count(state, items, 2 * kSize);
}

// Pixels of `channels` items to planes (split) or back (join).
void run_channels(benchmark::State& state, const sc_entry& entry, int64_t pixels, int64_t size,
                  int64_t channels, bool join) {
  const int64_t bytes = pixels * channels * size;
  const Buffers buffers(bytes, bytes);
  std::vector<unsigned char> scratch(entry.scratch_bytes + 64);
  const auto misaligned = reinterpret_cast<uintptr_t>(scratch.data()) % 64;
  sc_run run = make_run(channels, buffers.src(), size, pixels * size, buffers.dst(), size, size);
  run.n[0] = pixels;  // joined: rows are pixels, and packed in the destination
  run.src_step[0] = size;
  run.dst_step[0] = channels * size;
  if (!join) {
    run.n[0] = channels;
    run.n[1] = pixels;
    run.src_step[1] = channels * size;
    run.dst_step[0] = pixels * size;
  }
  run.scratch = scratch.data() + (64 - misaligned);
  for (auto _ : state) {
    benchmark::DoNotOptimize(entry.run(&run));
    benchmark::ClobberMemory();
  }
  count(state, pixels * channels, 2 * size);
}

template <int kSize>
void register_naive_where() {
  for (const int per_mille : kPerMille) {
    const std::string steps = "selected" + std::to_string(per_mille);
    benchmark::RegisterBenchmark(
        name_of("where", "naive", kSize, steps.c_str(), kSmall).c_str(),
        [per_mille](benchmark::State& state) { run_naive_where<kSize>(state, kSmall, per_mille); });
  }
}

void register_where(const sc_entry& entry, int64_t size) {
  for (const int per_mille : kPerMille) {
    const std::string steps = "selected" + std::to_string(per_mille);
    benchmark::RegisterBenchmark(name_of("where", "ours", size, steps.c_str(), kSmall).c_str(),
                                 [&entry, size, per_mille](benchmark::State& state) {
                                   run_where(state, entry, kSmall, size, per_mille);
                                 });
  }
}

void register_channels(const sc_entry& entry, int64_t size) {
  constexpr int64_t kTile = 64 * 80, kImage = 1080 * 1920;
  for (const int64_t channels : {2, 3, 4}) {
    for (const bool join : {false, true}) {
      for (const int64_t pixels : {kTile, kImage}) {
        const std::string steps = "channels" + std::to_string(channels);
        benchmark::RegisterBenchmark(
            name_of(join ? "join" : "split", "ours", size, steps.c_str(), pixels).c_str(),
            [&entry, size, channels, join, pixels](benchmark::State& state) {
              run_channels(state, entry, pixels, size, channels, join);
            });
      }
    }
  }
}

template <int kSize>
void register_naive() {
  for (const Steps& steps : kSteps) {
    benchmark::RegisterBenchmark(
        name_of("move", "naive", kSize, steps.name, kSmall).c_str(),
        [&steps](benchmark::State& state) { run_naive<kSize, false>(state, kSmall, steps); });
    benchmark::RegisterBenchmark(
        name_of("swap", "naive", kSize, steps.name, kSmall).c_str(),
        [&steps](benchmark::State& state) { run_naive<kSize, true>(state, kSmall, steps); });
  }
}

void register_kernel(const char* what, const sc_entry& entry, int64_t size, const Steps& steps,
                     int64_t items) {
  if (entry.run == nullptr) return;
  benchmark::RegisterBenchmark(name_of(what, "ours", size, steps.name, items).c_str(),
                               [&entry, &steps, size, items](benchmark::State& state) {
                                 run_kernel(state, entry, items, size, steps);
                               });
}

}  // namespace

void register_benchmarks(const kernels::KernelTable& table) {
  for (const int64_t size : kSizes) {
    const int index = kernels::move_index(size);
    for (const Steps& steps : kSteps) {
      register_kernel("move", table.move[index], size, steps, kSmall);
      register_kernel("swap", table.move_swap[index], size, steps, kSmall);
    }
    // From memory: packed and one strided case.
    for (const Steps* steps : {&kSteps[0], &kSteps[1]}) {
      register_kernel("move", table.move[index], size, *steps, kLarge / 4);
      register_kernel("swap", table.move_swap[index], size, *steps, kLarge / 4);
    }
  }
  for (const int64_t size : {1, 2, 4, 8, 16}) {
    register_where(table.move_where[kernels::move_index(size)], size);
  }
  for (const int64_t size : {1, 4}) register_channels(table.tile[kernels::move_index(size)], size);
  register_naive_where<1>();
  register_naive_where<4>();
  register_naive_where<8>();
  register_naive<1>();
  register_naive<2>();
  register_naive<4>();
  register_naive<8>();
  register_naive<16>();
  register_naive<12>();
  for (const int64_t items : {kSmall, kLarge / 4}) {
    benchmark::RegisterBenchmark(name_of("move", "memcpy", 4, "packed", items).c_str(),
                                 [items](benchmark::State& state) { run_memcpy(state, items, 4); });
    benchmark::RegisterBenchmark(
        name_of("move", "stream", 4, "packed", items).c_str(),
        [items](benchmark::State& state) { run_stream(state, items, 4, Store::kNormal); });
    benchmark::RegisterBenchmark(
        name_of("move", "stream_nt", 4, "packed", items).c_str(),
        [items](benchmark::State& state) { run_stream(state, items, 4, Store::kNonTemporal); });
  }
}

}  // namespace stridecast::bench
