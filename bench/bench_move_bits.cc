// Kernels of bits: to bytes and back, validity of times, counts, from the first bit of a byte and
// from another one; beside them the loop over bits that one would write by hand, compiled with -O3.
#include <string>

#include "bench/bench_support.h"

namespace stridecast::bench {
namespace {

using kernels::BitParams;

void naive_unpack(const sc_run& run, int64_t first) {
  const auto* bits = static_cast<const unsigned char*>(run.src);
  auto* bytes = static_cast<unsigned char*>(run.dst);
  const int64_t n = run.n[1];
  for (int64_t i = 0; i < n; ++i) {
    const int64_t at = first + i;
    bytes[i] = static_cast<unsigned char>(bits[at >> 3] >> (at & 7) & 1);
  }
}

// One byte at a time, the bits beside the first and the last one kept.
template <class Item>
void naive_pack(const sc_run& run, int64_t first, Item missing) {
  const auto* items = static_cast<const Item*>(run.src);
  auto* bits = static_cast<unsigned char*>(run.dst);
  const int64_t n = run.n[1];
  for (int64_t i = 0; i < n; ++i) {
    const int64_t at = first + i;
    const unsigned mask = 1u << (at & 7);
    const unsigned old = bits[at >> 3];
    bits[at >> 3] = static_cast<unsigned char>(items[i] != missing ? old | mask : old & ~mask);
  }
}

void naive_pack_bools(const sc_run& run, int64_t first) {
  naive_pack<unsigned char>(run, first, 0);
}

void naive_pack_times(const sc_run& run, int64_t first) {
  naive_pack<int64_t>(run, first, INT64_MIN);
}

struct Case {
  const char* name;
  sc_entry kernels::KernelTable::*entry;
  void (*naive)(const sc_run& run, int64_t first);  // none: there is no peer worth a line
  int64_t src_bits, dst_bits;                       // of an item
};
constexpr Case kCases[] = {
    {"unpack_bits", &kernels::KernelTable::unpack_bits, naive_unpack, 1, 8},
    {"pack_bits", &kernels::KernelTable::pack_bits, naive_pack_bools, 8, 1},
    {"valid_bits", &kernels::KernelTable::valid_bits, naive_pack_times, 64, 1},
    {"count_bits", &kernels::KernelTable::count_bits, nullptr, 1, 0},
};

// A kernel, or the loop beside it where `entry` is null.
void run_case(benchmark::State& state, const Case& c, const sc_entry* entry, int64_t first) {
  const Buffers buffers(kSmall * c.src_bits / 8 + 8, kSmall * c.dst_bits / 8 + 8);
  const BitParams params{first};
  sc_run run = make_run(kSmall, buffers.src(), 1, 1, buffers.dst(), 1, 1);
  int64_t total = 0;
  run.params = &params;
  run.state = &total;
  for (auto _ : state) {
    if (entry != nullptr) {
      benchmark::DoNotOptimize(entry->run(&run));
    } else {
      c.naive(run, first);
    }
    benchmark::ClobberMemory();
  }
  benchmark::DoNotOptimize(total);
  state.SetItemsProcessed(state.iterations() * kSmall);
  state.SetBytesProcessed(state.iterations() * kSmall * (c.src_bits + c.dst_bits) / 8);
}

void register_case(const Case& c, const char* who, const sc_entry* entry, int64_t first) {
  const std::string name = std::string(c.name) + "/" + who + "/from_bit" + std::to_string(first) +
                           "/" + count_name(kSmall);
  benchmark::RegisterBenchmark(name.c_str(), [&c, entry, first](benchmark::State& state) {
    run_case(state, c, entry, first);
  });
}

}  // namespace

void register_benchmarks(const kernels::KernelTable& table) {
  for (const Case& c : kCases) {
    for (int64_t first : {0, 3}) {
      register_case(c, "ours", &(table.*c.entry), first);
      if (c.naive != nullptr) register_case(c, "naive", nullptr, first);
    }
  }
}

}  // namespace stridecast::bench
