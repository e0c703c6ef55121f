// Move kernels: items of every size, packed and strided, as they are and byteswapped; beside them
// memcpy and the loop that one would write by hand, compiled with -O3.
#include <cstring>
#include <string>
#include <utility>

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
    {"packed", 1, 1},    {"src_step2", 2, 1},  {"src_step3", 3, 1},     {"src_step8", 8, 1},
    {"dst_step2", 1, 2}, {"both_step2", 2, 2}, {"src_reversed", -1, 1},
};
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
