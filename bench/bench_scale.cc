// Kernels of scaling: decode in one pass and by stages, with and without values that are missing,
// and back; beside them the loops that one would write by hand.
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include "bench/bench_support.h"

namespace stridecast::bench {
namespace {

using kernels::ScaleParams;

constexpr float kScale = 0.01f, kOffset = 20;

// One scale and one offset for all items, in float32.
void add_scaling(const std::string& name, const sc_entry& entry, int64_t src_size, int64_t dst_size,
                 const ScaleParams* params) {
  if (entry.run == nullptr) return;
  const auto body = [&entry, src_size, dst_size, params](benchmark::State& state) {
    const Buffers buffers(kSmall * src_size, kSmall * dst_size);
    const Buffers flags(8, kSmall);
    sc_run run =
        make_run(kSmall, buffers.src(), src_size, src_size, buffers.dst(), dst_size, dst_size);
    run.params = params;
    run.aux[0] = &kScale;
    run.aux[1] = &kOffset;
    run.scratch = flags.dst();
    for (auto _ : state) {
      benchmark::DoNotOptimize(entry.run(&run));
      benchmark::ClobberMemory();
    }
    count(state, kSmall, src_size + dst_size);
  };
  benchmark::RegisterBenchmark((name + "/" + count_name(kSmall)).c_str(), body);
}

}  // namespace

void register_benchmarks(const kernels::KernelTable& table) {
  static const ScaleParams plain = {.lo = -32768, .hi = 32767};
  static const ScaleParams one_missing = {.num_missing = 1,
                                          .missing = {{0x0101}},
                                          .missing_values = {0x0101},
                                          .lo = -32768,
                                          .hi = 32767};
  static const ScaleParams swapped = {
      .num_missing = 1, .missing = {{0x0101}}, .missing_values = {0x0101}, .swaps = true};
  constexpr auto kInt16 = static_cast<int>(DType::kInt16);
  constexpr auto kUint8 = static_cast<int>(DType::kUint8);
  add_scaling("scale/kernel/decode_uint8", table.decode[kUint8][0], 1, 4, &plain);
  add_scaling("scale/kernel/decode_int16", table.decode[kInt16][0], 2, 4, &plain);
  add_scaling("scale/kernel/decode_int16_missing", table.decode[kInt16][0], 2, 4, &one_missing);
  add_scaling("scale/kernel/decode_int16_swapped", table.decode[kInt16][0], 2, 4, &swapped);
  add_scaling("scale/kernel/scale_float32", table.scale[0], 4, 4, &plain);
  add_scaling("scale/kernel/unscale_float32", table.unscale[0], 4, 4, &plain);
  add_scaling("scale/kernel/encode_int16_saturate", table.encode[0][kInt16][0], 4, 2, &plain);
  add_loop<int16_t, float>("scale/naive/decode_int16", [](const int16_t* src, float* dst) {
    for (int64_t i = 0; i < kSmall; ++i) dst[i] = static_cast<float>(src[i]) * kScale + kOffset;
  });
  add_loop<int16_t, float>("scale/naive/decode_int16_missing", [](const int16_t* src, float* dst) {
    for (int64_t i = 0; i < kSmall; ++i) {
      dst[i] = src[i] == 0x0101 ? std::numeric_limits<float>::quiet_NaN()
                                : static_cast<float>(src[i]) * kScale + kOffset;
    }
  });
  add_loop<float, int16_t>("scale/naive/encode_int16", [](const float* src, int16_t* dst) {
    for (int64_t i = 0; i < kSmall; ++i) {
      const float whole = std::nearbyint((src[i] - kOffset) / kScale);
      dst[i] = static_cast<int16_t>(std::fmin(std::fmax(whole, -32768.0f), 32767.0f));
    }
  });
}

}  // namespace stridecast::bench
