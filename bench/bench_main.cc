// main() of every benchmark binary: Google Benchmark's options and --target=NAME, which picks the
// SIMD target whose kernels are measured (default: the best one this CPU supports).
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "bench/bench_support.h"
#include "stridecast/runtime.h"

namespace {

// Takes --target=NAME out of argv, which Google Benchmark would refuse.
std::string take_target(int* argc, char** argv) {
  constexpr std::string_view kOption = "--target=";
  std::string target;
  int kept = 1;
  for (int i = 1; i < *argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.substr(0, kOption.size()) == kOption) {
      target = argument.substr(kOption.size());
    } else {
      argv[kept++] = argv[i];
    }
  }
  *argc = kept;
  return target;
}

}  // namespace

int main(int argc, char** argv) {
  namespace kernels = stridecast::kernels;
  const std::string target = take_target(&argc, argv);
  const kernels::KernelTable* table =
      target.empty() ? kernels::tables().front() : kernels::find_table(target);
  if (table == nullptr) {
    std::fprintf(stderr, "--target=%s: this CPU and build have", target.c_str());
    for (const kernels::KernelTable* known : kernels::tables()) {
      std::fprintf(stderr, " %s", known->target);
    }
    std::fprintf(stderr, "\n");
    return 2;
  }
  stridecast::set_target(table->target);
  benchmark::AddCustomContext("stridecast", stridecast::version());
  benchmark::AddCustomContext("target", table->target);

  // There are hundreds of benchmarks: a short time each unless the caller asks for more (the last
  // of two equal options counts).
  char min_time[] = "--benchmark_min_time=0.05";
  std::vector<char*> arguments(argv, argv + argc);
  arguments.insert(arguments.begin() + 1, min_time);
  argc = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  argv = arguments.data();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  stridecast::bench::register_benchmarks(*table);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
