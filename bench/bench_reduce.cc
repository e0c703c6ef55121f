// Reductions as plans run them, along the packed axis and across it; beside some of them the
// -O3 loops that one would write by hand (float sums are not vectorised: their order is fixed).

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "bench/bench_support.h"
#include "stridecast/layout.h"
#include "stridecast/plan.h"

namespace stridecast::bench {
namespace {

struct Shape {
  const char* name;
  std::vector<int64_t> sizes;
  std::vector<int> axes;
};

const std::vector<Shape>& shapes() {
  static const std::vector<Shape> all = {
      {"1d/16Ki", {kSmall}, {0}},
      {"1d/16Mi", {kLarge}, {0}},
      {"rows/1Ki_x_1Ki", {1024, 1024}, {1}},
      {"columns/1Ki_x_1Ki", {1024, 1024}, {0}},
  };
  return all;
}

void run_plan(benchmark::State& state, DType type, ReduceOp op, const Shape& shape) {
  int64_t items = 1;
  for (const int64_t size : shape.sizes) items *= size;
  std::vector<int64_t> kept = shape.sizes;
  for (const int axis : shape.axes) kept[static_cast<size_t>(axis)] = 1;
  const Layout src = Layout::contiguous(Format::of(type), shape.sizes);
  const DType result = reduce_result(op, type);
  const Layout dst = Layout::contiguous(Format::of(result), kept);
  const Plan plan = Plan::reduce(src, dst, {.op = op, .axes = shape.axes});
  const int64_t size = type_facts(type).size;
  const Buffers buffers(items * size, dst.size() * type_facts(result).size);
  for (auto _ : state) {
    plan.run(buffers.src(), buffers.dst());
    benchmark::ClobberMemory();
  }
  count(state, items, size);
}

template <typename T>
T naive_sum(const T* data, int64_t items) {
  T sum = 0;
  for (int64_t i = 0; i < items; ++i) sum += data[i];
  return sum;
}

template <typename T>
T naive_min(const T* data, int64_t items) {
  T lowest = data[0];
  for (int64_t i = 1; i < items; ++i) lowest = std::min(lowest, data[i]);
  return lowest;
}

template <typename T>
void register_naive(DType type) {
  using Loop = T (*)(const T*, int64_t);
  const std::pair<const char*, Loop> loops[] = {{"sum", naive_sum<T>}, {"min", naive_min<T>}};
  for (const auto& [name, loop] : loops) {
    for (const int64_t items : {kSmall, kLarge}) {
      benchmark::RegisterBenchmark(
          (std::string(name) + "/naive/" + type_facts(type).name + "/1d/" + count_name(items))
              .c_str(),
          [loop = loop, items](benchmark::State& state) {
            const Buffers buffers(items * static_cast<int64_t>(sizeof(T)), sizeof(T));
            for (auto _ : state) {
              benchmark::DoNotOptimize(loop(static_cast<const T*>(buffers.src()), items));
            }
            count(state, items, sizeof(T));
          });
    }
  }
}

}  // namespace

void register_benchmarks(const kernels::KernelTable&) {
  for (int k = 0; k < kNumReduceOps; ++k) {
    const auto op = static_cast<ReduceOp>(k);
    for (const DType type : {DType::kInt8, DType::kInt32, DType::kInt64, DType::kFloat16,
                             DType::kBFloat16, DType::kFloat32, DType::kFloat64}) {
      for (const Shape& shape : shapes()) {
        benchmark::RegisterBenchmark(
            (std::string(reduce_name(op)) + "/ours/" + type_facts(type).name + "/" + shape.name)
                .c_str(),
            [op, type, &shape](benchmark::State& state) { run_plan(state, type, op, shape); });
      }
    }
  }
  register_naive<float>(DType::kFloat32);
  register_naive<double>(DType::kFloat64);
  register_naive<int64_t>(DType::kInt64);
}

}  // namespace stridecast::bench
