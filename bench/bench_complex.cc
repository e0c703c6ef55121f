// Complex kernels on packed runs, beside the -O3 loops over std::complex that one would write by
// hand: std::abs, real(), a test for zero, and the way back from real numbers.

#include <complex>
#include <cstdint>
#include <string>

#include "bench/bench_support.h"

namespace stridecast::bench {
namespace {

void run_ours(benchmark::State& state, const sc_entry& entry, int64_t items, int64_t src_size,
              int64_t dst_size) {
  const Buffers buffers(items * src_size, items * dst_size);
  const sc_run run =
      make_run(items, buffers.src(), src_size, src_size, buffers.dst(), dst_size, dst_size);
  for (auto _ : state) {
    benchmark::DoNotOptimize(entry.run(&run));
    benchmark::ClobberMemory();
  }
  count(state, items, src_size + dst_size);
}

template <typename S, typename D, typename F>
void run_loop(benchmark::State& state, int64_t items, F function) {
  const Buffers buffers(items * int64_t{sizeof(S)}, items * int64_t{sizeof(D)});
  const S* src = static_cast<const S*>(buffers.src());
  D* dst = static_cast<D*>(buffers.dst());
  for (auto _ : state) {
    for (int64_t i = 0; i < items; ++i) dst[i] = function(src[i]);
    benchmark::ClobberMemory();
  }
  count(state, items, int64_t{sizeof(S) + sizeof(D)});
}

template <typename S, typename D, typename F>
void register_pair(const std::string& name, const sc_entry& entry, F function) {
  for (const int64_t items : {kSmall / 4, kLarge / 4}) {
    const std::string suffix = "/" + name + "/" + count_name(items);
    benchmark::RegisterBenchmark(("complex/ours" + suffix).c_str(),
                                 [&entry, items](benchmark::State& state) {
                                   run_ours(state, entry, items, sizeof(S), sizeof(D));
                                 });
    benchmark::RegisterBenchmark(
        ("complex/naive" + suffix).c_str(),
        [function, items](benchmark::State& state) { run_loop<S, D>(state, items, function); });
  }
}

template <typename T>
void register_type(const kernels::KernelTable& table, int index, const std::string& name) {
  using Z = std::complex<T>;
  register_pair<Z, T>("magnitude/" + name, table.magnitude[index], [](Z z) { return std::abs(z); });
  register_pair<Z, T>("real_part/" + name, table.real_part[index], [](Z z) { return z.real(); });
  register_pair<Z, bool>("truth/" + name, table.complex_truth[index],
                         [](Z z) { return z != Z(0); });
  register_pair<T, Z>("from_real/" + name, table.complex_from_real[index + 1],
                      [](T re) { return Z(re); });
}

}  // namespace

void register_benchmarks(const kernels::KernelTable& table) {
  register_type<float>(table, 0, "complex64");
  register_type<double>(table, 1, "complex128");
}

}  // namespace stridecast::bench
