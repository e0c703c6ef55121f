// Convert kernels: every pair that the table has a kernel for, its checks and clamps, and every
// pair as a plan runs it; beside them the -O3 loop that one would write by hand, memcpy, and the
// stream that moves the same bytes.
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "bench/bench_support.h"
#include "bench/stream.h"
#include "stridecast/layout.h"
#include "stridecast/plan.h"

namespace stridecast::bench {
namespace {

constexpr DType dtype_at(int index) { return static_cast<DType>(index); }
int64_t size_of(DType type) { return type_facts(type).size; }

std::string pair_name(const char* what, DType src, DType dst, int64_t items) {
  return std::string(what) + "/" + type_facts(src).name + "/" + type_facts(dst).name + "/" +
         count_name(items);
}

void run_kernel(benchmark::State& state, const sc_entry& entry, DType src, DType dst,
                int64_t items) {
  const Buffers buffers(items * size_of(src), items * size_of(dst));
  const sc_run run = make_run(items, buffers.src(), size_of(src), size_of(src), buffers.dst(),
                              size_of(dst), size_of(dst));
  for (auto _ : state) {
    benchmark::DoNotOptimize(entry.run(&run));
    benchmark::ClobberMemory();
  }
  count(state, items, size_of(src) + size_of(dst));
}

// A check reads and a clamp reads and writes one type.
void run_limited(benchmark::State& state, const sc_entry& entry, DType type, int64_t items,
                 bool writes) {
  const Buffers buffers(items * size_of(type), items * size_of(type));
  sc_run run = make_run(items, buffers.src(), size_of(type), size_of(type), buffers.dst(),
                        size_of(type), size_of(type));
  const kernels::LimitParams limits = {.lo_int = 0, .hi_int = 100, .lo = -128.0, .hi = 127.0};
  run.params = &limits;
  for (auto _ : state) {
    benchmark::DoNotOptimize(entry.run(&run));
    benchmark::ClobberMemory();
  }
  count(state, items, size_of(type) * (writes ? 2 : 1));
}

void run_plan(benchmark::State& state, DType src, DType dst, int64_t items, Overflow overflow) {
  const Buffers buffers(items * size_of(src), items * size_of(dst));
  const Plan plan =
      Plan::convert(Layout::contiguous(Format::of(src), {items}),
                    Layout::contiguous(Format::of(dst), {items}), {.overflow = overflow});
  void* data = const_cast<void*>(buffers.src());  // Operand is one struct for both sides
  for (auto _ : state) {
    // try_run: under raise some of the buffer's values do not fit, which then costs the search too.
    benchmark::DoNotOptimize(plan.try_run({data}, {buffers.dst()}));
    benchmark::ClobberMemory();
  }
  count(state, items, size_of(src) + size_of(dst));
}

void run_stream(benchmark::State& state, DType src, DType dst, int64_t items, Store store) {
  const Buffers buffers(items * size_of(src), items * size_of(dst));
  for (auto _ : state) {
    stream(buffers.src(), buffers.dst(), items, static_cast<int>(size_of(src)),
           static_cast<int>(size_of(dst)), store);
    benchmark::ClobberMemory();
  }
  count(state, items, size_of(src) + size_of(dst));
}

// bfloat16 as people write it: the upper half of a float32, rounded to nearest-even.
struct NaiveBFloat16 {
  uint16_t bits;
  NaiveBFloat16() = default;
  explicit NaiveBFloat16(float value) {
    const auto wide = std::bit_cast<uint32_t>(value);
    const bool nan = (wide & 0x7FFFFFFF) > 0x7F800000;
    bits = nan ? static_cast<uint16_t>((wide >> 16) | 0x40)
               : static_cast<uint16_t>((wide + 0x7FFF + ((wide >> 16) & 1)) >> 16);
  }
  explicit operator float() const { return std::bit_cast<float>(uint32_t{bits} << 16); }
};

template <typename Src, typename Dst>
void run_naive(benchmark::State& state, int64_t items) {
  const Buffers buffers(items * static_cast<int64_t>(sizeof(Src)),
                        items * static_cast<int64_t>(sizeof(Dst)));
  const auto* src = static_cast<const Src*>(buffers.src());
  auto* dst = static_cast<Dst*>(buffers.dst());
  for (auto _ : state) {
    for (int64_t i = 0; i < items; ++i) dst[i] = static_cast<Dst>(src[i]);
    benchmark::ClobberMemory();
  }
  count(state, items, sizeof(Src) + sizeof(Dst));
}

template <typename Src, typename Dst>
void register_naive(DType src, DType dst) {
  for (const int64_t items : {kSmall, kLarge}) {
    benchmark::RegisterBenchmark(
        pair_name("convert/naive", src, dst, items).c_str(),
        [items](benchmark::State& state) { run_naive<Src, Dst>(state, items); });
  }
}

void register_pair(const kernels::KernelTable& table, DType src, DType dst) {
  const auto s = static_cast<int>(src);
  const auto d = static_cast<int>(dst);
  const std::pair<const char*, const sc_entry*> entries[] = {
      {"convert/kernel", &table.convert[s][d]}, {"saturate/kernel", &table.saturate[s][d]}};
  for (const auto& [what, entry] : entries) {
    if (entry->run == nullptr) continue;
    benchmark::RegisterBenchmark(pair_name(what, src, dst, kSmall).c_str(),
                                 [entry = entry, src, dst](benchmark::State& state) {
                                   run_kernel(state, *entry, src, dst, kSmall);
                                 });
  }
  const std::pair<const char*, Overflow> modes[] = {{"convert/plan_wrap", Overflow::kWrap},
                                                    {"convert/plan_saturate", Overflow::kSaturate}};
  for (const auto& [what, overflow] : modes) {
    benchmark::RegisterBenchmark(pair_name(what, src, dst, kSmall).c_str(),
                                 [overflow = overflow, src, dst](benchmark::State& state) {
                                   run_plan(state, src, dst, kSmall, overflow);
                                 });
  }
}

// From memory, beside the streams.
void register_large(DType src, DType dst) {
  benchmark::RegisterBenchmark(
      pair_name("convert/plan_wrap", src, dst, kLarge).c_str(),
      [src, dst](benchmark::State& state) { run_plan(state, src, dst, kLarge, Overflow::kWrap); });
  const std::pair<const char*, Store> streams[] = {{"convert/stream", Store::kNormal},
                                                   {"convert/stream_nt", Store::kNonTemporal}};
  for (const auto& [what, store] : streams) {
    benchmark::RegisterBenchmark(pair_name(what, src, dst, kLarge).c_str(),
                                 [store = store, src, dst](benchmark::State& state) {
                                   run_stream(state, src, dst, kLarge, store);
                                 });
  }
}

}  // namespace

void register_benchmarks(const kernels::KernelTable& table) {
  for (int s = 0; s < kNumArithmetic; ++s) {
    for (int d = 0; d < kNumArithmetic; ++d) register_pair(table, dtype_at(s), dtype_at(d));
  }
  for (int t = 0; t < kNumArithmetic; ++t) {
    const DType type = dtype_at(t);
    const std::pair<const char*, const sc_entry*> entries[] = {{"check", &table.check[t]},
                                                               {"clamp", &table.clamp[t]}};
    for (const auto& [what, entry] : entries) {
      if (entry->run == nullptr) continue;
      const bool writes = entry == &table.clamp[t];
      benchmark::RegisterBenchmark(
          (std::string(what) + "/kernel/" + type_facts(type).name + "/" + count_name(kSmall))
              .c_str(),
          [entry = entry, type, writes](benchmark::State& state) {
            run_limited(state, *entry, type, kSmall, writes);
          });
    }
  }
  for (const DType dst : {DType::kBFloat16, DType::kFloat16, DType::kFloat64}) {
    register_large(DType::kFloat32, dst);
  }
  register_naive<float, double>(DType::kFloat32, DType::kFloat64);
  register_naive<double, float>(DType::kFloat64, DType::kFloat32);
  register_naive<float, NaiveBFloat16>(DType::kFloat32, DType::kBFloat16);
  register_naive<NaiveBFloat16, float>(DType::kBFloat16, DType::kFloat32);
  register_naive<float, int32_t>(DType::kFloat32, DType::kInt32);
  register_naive<uint8_t, float>(DType::kUint8, DType::kFloat32);
  register_naive<int16_t, int8_t>(DType::kInt16, DType::kInt8);
  register_naive<int32_t, int64_t>(DType::kInt32, DType::kInt64);
  register_naive<int64_t, double>(DType::kInt64, DType::kFloat64);
}

}  // namespace stridecast::bench
