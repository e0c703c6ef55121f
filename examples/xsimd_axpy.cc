// y = a * x + y over arrays of bfloat16, computed in float by a loop of its own: stridecast/xsimd.h
// reads and writes the bfloat16s as xsimd batches, so no array of floats is ever made. The results
// have the same bits whatever the CPU, if the compiler does not fuse a * x + y where it can: g++
// does, unless told -ffp-contract=off.
//
//     find_package(stridecast REQUIRED COMPONENTS xsimd)
//     target_link_libraries(xsimd_axpy PRIVATE stridecast::xsimd)
//
// or by hand, with the instructions of the machine at hand:
//
//     c++ -std=c++20 -O2 -march=native -ffp-contract=off -I<prefix>/include xsimd_axpy.cc
#include <stridecast/xsimd.h>

#include <bit>
#include <cstdint>
#include <cstdio>
#include <vector>

namespace sc = stridecast;
using Batch = xsimd::batch<float>;

// Each result is rounded once, to nearest, when it is stored.
void axpy(float a, const sc::bfloat16* x, sc::bfloat16* y, size_t n) {
  const Batch factor(a);
  size_t i = 0;
  for (; i + Batch::size <= n; i += Batch::size) {
    const auto sum = factor * sc::load_as<Batch>(x + i) + sc::load_as<Batch>(y + i);
    sc::store_as(y + i, sum);
  }
  // What is left, if anything: nothing behind the arrays is read or written.
  const auto sum = factor * sc::load_as<Batch>(x + i, n - i) + sc::load_as<Batch>(y + i, n - i);
  sc::store_as(y + i, sum, n - i);
}

// One value at a time, to check and to print.
sc::bfloat16 from_float(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  return {static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}
float to_float(sc::bfloat16 value) {
  return std::bit_cast<float>(static_cast<uint32_t>(value.bits) << 16);
}

int main() {
  constexpr size_t kCount = 1003;  // no multiple of a batch
  std::vector<sc::bfloat16> x, y, expected;
  for (size_t i = 0; i < kCount; ++i) {
    const float xi = static_cast<float>(i % 256), yi = 1 + static_cast<float>(i % 7) / 8;
    x.push_back(from_float(xi));
    y.push_back(from_float(yi));
    expected.push_back(from_float(0.75F * xi + yi));
  }
  axpy(0.75F, x.data(), y.data(), kCount);
  for (size_t i = 0; i < kCount; ++i) {
    if (y[i].bits == expected[i].bits) continue;
    std::printf("item %zu: %g instead of %g\n", i, static_cast<double>(to_float(y[i])),
                static_cast<double>(to_float(expected[i])));
    return 1;
  }
  std::printf("0.75 * x + y of %zu bfloat16s in batches of %zu floats (%s): y[255] = %g\n", kCount,
              Batch::size, Batch::arch_type::name(), static_cast<double>(to_float(y[255])));
  return 0;
}
