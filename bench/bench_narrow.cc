// Kernels of numbers of at most 8 bits: bytes through tables, floats to 8 bits, narrow integers,
// carriers; beside them the -O3 loops that one would write by hand.
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "bench/bench_support.h"
#include "engine/convert_limits.h"

namespace stridecast::bench {
namespace {

using kernels::LookupParams;
using kernels::NarrowFloatParams;
using kernels::NarrowIntParams;

// The upper halves of a narrow float's values as float32.
LookupParams values_of(DType type) {
  LookupParams table;
  for (int byte = 0; byte < 256; ++byte) {
    const auto bits = std::bit_cast<uint32_t>(narrow_value(type, static_cast<uint8_t>(byte)));
    table.low[byte] = static_cast<uint8_t>(bits >> 16);
    table.high[byte] = static_cast<uint8_t>(bits >> 24);
  }
  return table;
}

// Through one table of float32.
void run_naive_lookup(benchmark::State& state) {
  const Buffers buffers(kSmall, kSmall * 4);
  std::vector<float> table(256);
  for (int byte = 0; byte < 256; ++byte) {
    table[static_cast<size_t>(byte)] =
        narrow_value(DType::kFloat8E4M3FN, static_cast<uint8_t>(byte));
  }
  const auto* src = static_cast<const uint8_t*>(buffers.src());
  auto* dst = static_cast<float*>(buffers.dst());
  for (auto _ : state) {
    for (int64_t i = 0; i < kSmall; ++i) dst[i] = table[src[i]];
    benchmark::ClobberMemory();
  }
  count(state, kSmall, 5);
}

// float8_e4m3fn as libraries write it for one value: by cases, subnormals through an addition.
uint8_t naive_e4m3fn(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = bits >> 24 & 0x80, magnitude = bits & 0x7FFFFFFF;
  uint32_t code;
  if (magnitude >= uint32_t{1087} << 20) {
    code = 0x7F;
  } else if (magnitude < uint32_t{121} << 23) {
    const uint32_t unit = uint32_t{141} << 23;
    code = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + std::bit_cast<float>(unit)) -
           unit;
  } else {
    code = (magnitude - (uint32_t{120} << 23) + 0x7FFFF + (magnitude >> 20 & 1)) >> 20;
  }
  return static_cast<uint8_t>(code | sign);
}

void run_naive_narrow(benchmark::State& state) {
  const Buffers buffers(kSmall * 4, kSmall);
  const auto* src = static_cast<const float*>(buffers.src());
  auto* dst = static_cast<uint8_t*>(buffers.dst());
  for (auto _ : state) {
    for (int64_t i = 0; i < kSmall; ++i) dst[i] = naive_e4m3fn(src[i]);
    benchmark::ClobberMemory();
  }
  count(state, kSmall, 5);
}

}  // namespace

void register_benchmarks(const kernels::KernelTable& table) {
  static const LookupParams mirrored = values_of(DType::kFloat8E4M3FN);
  static const LookupParams any = values_of(DType::kFloat8E8M0FNU);
  for (int k = 0; k < 3; ++k) {
    const std::string bytes = std::to_string(1 << k);
    add_kernel("lookup/kernel/" + bytes, table.lookup[k], 1, int64_t{1} << k, &mirrored);
    add_kernel("lookup/kernel_without_sign/" + bytes, table.lookup[k], 1, int64_t{1} << k, &any);
  }
  static const DType kFloats[] = {DType::kFloat8E4M3FN, DType::kFloat8E4M3FNUZ, DType::kFloat8E5M2,
                                  DType::kFloat4E2M1FN};
  static NarrowFloatParams params[std::size(kFloats)];
  const char* const sources[] = {"float32", "float16", "bfloat16"};
  for (size_t k = 0; k < std::size(kFloats); ++k) {
    params[k] = internal::narrow_float_params(kFloats[k], /*saturate=*/false);
    for (int s = 0; s < 3; ++s) {
      add_kernel(
          std::string("narrow_float/kernel/") + sources[s] + "/" + type_facts(kFloats[k]).name,
          table.narrow_float[s], s == 0 ? 4 : 2, 1, &params[k]);
    }
  }
  for (DType src : {DType::kFloat32, DType::kInt16, DType::kInt32, DType::kInt64}) {
    add_kernel(std::string("narrow_float/kernel/") + type_facts(src).name + "/float8_e8m0fnu",
               table.convert[static_cast<int>(src)][static_cast<int>(DType::kFloat8E8M0FNU)],
               type_facts(src).size, 1, nullptr);
  }
  static const NarrowIntParams four_bits = {.bits = 4};
  add_kernel("narrow_int/kernel/extend", table.extend_bits, 1, 1, &four_bits);
  for (int k = 0; k < kernels::kBitsSizes; ++k) {
    const int64_t size = int64_t{1} << k;
    add_kernel("narrow_int/kernel/keep/" + std::to_string(size), table.keep_bits[k], size, 1,
               &four_bits);
  }
  add_kernel("odd/kernel/int64", table.odd[static_cast<int>(DType::kInt64)], 8, 8, nullptr);
  add_kernel("odd/kernel/uint64", table.odd[static_cast<int>(DType::kUint64)], 8, 8, nullptr);
  add_kernel("odd/kernel/float64", table.odd[static_cast<int>(DType::kFloat64)], 8, 4, nullptr);
  const std::string end = "/" + count_name(kSmall);
  benchmark::RegisterBenchmark(("lookup/naive/4" + end).c_str(), run_naive_lookup);
  benchmark::RegisterBenchmark(("narrow_float/naive/float32/float8_e4m3fn" + end).c_str(),
                               run_naive_narrow);
}

}  // namespace stridecast::bench
