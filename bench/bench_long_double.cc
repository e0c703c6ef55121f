// Kernels of long double, to and from the types that it meets; beside them the loops that a
// compiler makes of a conversion.
#include <cstdint>
#include <string>

#include "bench/bench_support.h"

namespace stridecast::bench {
namespace {

constexpr int64_t kSize = sizeof(long double);
constexpr auto kLong = static_cast<int>(DType::kLongDouble);

// From numbers as they are found: any bytes would be no long doubles.
template <typename T>
void add_from_long(const std::string& name, const sc_entry& entry) {
  const auto body = [&entry](benchmark::State& state) {
    const Buffers numbers(8, kSmall * kSize), results(8, kSmall * int64_t{sizeof(T)});
    auto* src = static_cast<long double*>(numbers.dst());
    for (int64_t i = 0; i < kSmall; ++i) src[i] = static_cast<long double>(i) * 0.75L - 1000;
    sc_run run = make_run(kSmall, src, kSize, kSize, results.dst(), sizeof(T), sizeof(T));
    for (auto _ : state) {
      benchmark::DoNotOptimize(entry.run(&run));
      benchmark::ClobberMemory();
    }
    count(state, kSmall, kSize + int64_t{sizeof(T)});
  };
  benchmark::RegisterBenchmark((name + "/" + count_name(kSmall)).c_str(), body);
}

template <typename T>
void add_pair(const kernels::KernelTable& table, DType type) {
  const std::string name = type_facts(type).name;
  const int other = static_cast<int>(type);
  add_from_long<T>("long_double/kernel/to_" + name, table.convert[kLong][other]);
  add_kernel("long_double/kernel/from_" + name, table.convert[other][kLong], sizeof(T), kSize);
  // Ones: bytes of a long double that were put together anyhow are slow to load.
  add_loop<T, long double>("long_double/naive/from_" + name, [](const T* src, long double* dst) {
    for (int64_t i = 0; i < kSmall; ++i) dst[i] = static_cast<long double>(src[i]);
  });
}

}  // namespace

void register_benchmarks(const kernels::KernelTable& table) {
  add_pair<double>(table, DType::kFloat64);
  add_pair<float>(table, DType::kFloat32);
  add_pair<int64_t>(table, DType::kInt64);
  add_from_long<double>("long_double/kernel/odd", table.odd[kLong]);
}

}  // namespace stridecast::bench
