// What a call costs before its first element: parsing a format, making a layout and a plan, looking
// a plan up, and running plans over few elements.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/bench_support.h"
#include "bench/fresh_formats.h"
#include "stridecast/layout.h"
#include "stridecast/ops.h"
#include "stridecast/plan.h"

namespace stridecast::bench {
namespace {

void register_parse(const char* name, std::string_view text) {
  benchmark::RegisterBenchmark((std::string("parse/") + name).c_str(),
                               [text](benchmark::State& state) {
                                 for (auto _ : state) {
                                   benchmark::DoNotOptimize(Format::parse(text));
                                 }
                                 state.SetItemsProcessed(state.iterations());
                               });
}

// Every text is new, so that no cache of formats helps.
void parse_fresh(benchmark::State& state) {
  uint32_t next = 0;
  for (auto _ : state) {
    std::array<char, kStructFormatSize> text = fresh_struct_format(next++);
    benchmark::DoNotOptimize(Format::parse({text.data(), text.size()}));
  }
  state.SetItemsProcessed(state.iterations());
}

struct Job {
  const char* name;
  const char* src;
  const char* dst;
  std::vector<int64_t> shape;
  std::vector<int64_t> src_strides;  // empty: contiguous
};

const std::vector<Job>& jobs() {
  static const std::vector<Job> all = {
      {"f_to_d/8", "f", "d", {8}, {}},
      {"f_to_E/64x64_transposed", "f", "E", {64, 64}, {4, 256}},
      {"swapped_h_to_E/4d", ">h", "E", {4, 5, 6, 7}, {}},
      {"struct_to_struct/8", "T{<d:x:>q:t:}", "T{E:x:q:t:}", {8}, {}},
  };
  return all;
}

Layout src_layout(const Job& job) {
  const Format format = Format::parse(job.src);
  return job.src_strides.empty() ? Layout::contiguous(format, job.shape)
                                 : Layout::strided(format, job.shape, job.src_strides);
}

Layout dst_layout(const Job& job) { return Layout::contiguous(Format::parse(job.dst), job.shape); }

void make_layout(benchmark::State& state, const Job& job) {
  const Format format = Format::parse(job.src);
  for (auto _ : state) benchmark::DoNotOptimize(Layout::contiguous(format, job.shape));
}

void make_plan(benchmark::State& state, const Job& job) {
  const Layout src = src_layout(job);
  const Layout dst = dst_layout(job);
  for (auto _ : state) benchmark::DoNotOptimize(Plan::convert(src, dst));
}

void look_plan_up(benchmark::State& state, const Job& job) {
  const Layout src = src_layout(job);
  const Layout dst = dst_layout(job);
  const LayoutView src_view = {&src.format(), src.shape(), src.strides(), src.offset()};
  const LayoutView dst_view = {&dst.format(), dst.shape(), dst.strides(), dst.offset()};
  for (auto _ : state) benchmark::DoNotOptimize(cached_convert(src_view, dst_view));
}

void run_small(benchmark::State& state, int64_t items) {
  const Layout src = Layout::contiguous(Format::of(DType::kFloat32), {items});
  const Layout dst = Layout::contiguous(Format::of(DType::kFloat64), {items});
  const Plan plan = Plan::convert(src, dst);
  const Buffers buffers(items * 4, items * 8);
  for (auto _ : state) {
    plan.run(buffers.src(), buffers.dst());
    benchmark::ClobberMemory();
  }
  count(state, items, 12);
}

void run_naive(benchmark::State& state, int64_t items) {
  const Buffers buffers(items * 4, items * 8);
  const auto* src = static_cast<const float*>(buffers.src());
  auto* dst = static_cast<double*>(buffers.dst());
  for (auto _ : state) {
    benchmark::DoNotOptimize(items);
    for (int64_t i = 0; i < items; ++i) dst[i] = src[i];
    benchmark::ClobberMemory();
  }
  count(state, items, 12);
}

}  // namespace

void register_benchmarks(const kernels::KernelTable&) {
  register_parse("letter", "f");
  register_parse("struct", "T{<d:x:>q:t:(3)f:v:}");
  register_parse("custom", "T{<d:x:>[numpy$datetime64$us]:t:}");
  register_parse("nested", "T{T{(2,3)E:a:I:b:}:p:8x(4)T{B:r:B:g:B:b:}:q:}");
  benchmark::RegisterBenchmark("parse/struct_fresh", parse_fresh);
  using Step = void (*)(benchmark::State&, const Job&);
  const std::pair<const char*, Step> steps[] = {
      {"layout/", make_layout}, {"plan/", make_plan}, {"cached_plan/", look_plan_up}};
  for (const auto& [what, step] : steps) {
    for (const Job& job : jobs()) {
      benchmark::RegisterBenchmark(
          (std::string(what) + job.name).c_str(),
          [step = step, &job](benchmark::State& state) { step(state, job); });
    }
  }
  for (const int64_t items : {1, 8, 64, 512, 4096}) {
    const std::string size = std::to_string(items);
    benchmark::RegisterBenchmark(("run/ours/f_to_d/" + size).c_str(),
                                 [items](benchmark::State& state) { run_small(state, items); });
    benchmark::RegisterBenchmark(("run/naive/f_to_d/" + size).c_str(),
                                 [items](benchmark::State& state) { run_naive(state, items); });
  }
}

}  // namespace stridecast::bench
