// stridecast/xsimd.h as one architecture compiles it, behind plain functions: xsimd_arch.cc is
// compiled once an architecture, with its flags, and xsimd_test.cc goes through the tables of those
// that this CPU has.
#ifndef STRIDECAST_TESTS_SUPPORT_XSIMD_ARCH_H_
#define STRIDECAST_TESTS_SUPPORT_XSIMD_ARCH_H_

#include <cstddef>
#include <cstdint>

namespace stridecast::testing {

/// load_as and store_as between items of one type in memory and lanes of type Lane. One batch a
/// call; `part` stands for the overloads that take a number of items.
template <typename Lane>
struct XsimdCodec {
  const char* type;  // "float8_e4m3fn"
  void (*load)(const void* items, Lane* lanes);
  void (*load_part)(const void* items, size_t n, Lane* lanes);  // all lanes are written
  void (*store)(const Lane* lanes, void* items);
  void (*store_part)(const Lane* lanes, void* items, size_t n);
};

inline constexpr size_t kXsimdFloats = 10, kXsimdTimes = 2;
inline constexpr size_t kMaxLanes = 16;

struct XsimdArch {
  const char* name;  // "avx2"
  size_t float_lanes, double_lanes;
  XsimdCodec<float> floats[kXsimdFloats];
  XsimdCodec<double> times[kXsimdTimes];
  XsimdCodec<int64_t> ticks[kXsimdTimes];
};

}  // namespace stridecast::testing

#endif  // STRIDECAST_TESTS_SUPPORT_XSIMD_ARCH_H_
