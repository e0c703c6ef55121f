// Compiled once for each of xsimd's architectures that is tested:
// -DSTRIDECAST_TEST_ARCH=xsimd::avx2 and -DSTRIDECAST_TEST_TABLE=avx2_table (see
// tests/CMakeLists.txt).
#include "tests/support/xsimd_arch.h"

#include "stridecast/xsimd.h"

namespace stridecast::testing {
namespace {

using Arch = STRIDECAST_TEST_ARCH;

template <typename T, typename Lane>
constexpr XsimdCodec<Lane> codec(const char* type) {
  using B = xsimd::batch<Lane, Arch>;
  return {
      .type = type,
      .load = [](const void* items,
                 Lane* lanes) { load_as<B>(static_cast<const T*>(items)).store_unaligned(lanes); },
      .load_part =
          [](const void* items, size_t n, Lane* lanes) {
            load_as<B>(static_cast<const T*>(items), n).store_unaligned(lanes);
          },
      .store = [](const Lane* lanes,
                  void* items) { store_as(static_cast<T*>(items), B::load_unaligned(lanes)); },
      .store_part =
          [](const Lane* lanes, void* items, size_t n) {
            store_as(static_cast<T*>(items), B::load_unaligned(lanes), n);
          }};
}

}  // namespace

extern const XsimdArch STRIDECAST_TEST_TABLE;
constexpr XsimdArch STRIDECAST_TEST_TABLE = {
    .name = Arch::name(),
    .float_lanes = xsimd::batch<float, Arch>::size,
    .double_lanes = xsimd::batch<double, Arch>::size,
    .floats = {codec<float16, float>("float16"), codec<bfloat16, float>("bfloat16"),
               codec<float8_e5m2, float>("float8_e5m2"), codec<float8_e4m3, float>("float8_e4m3"),
               codec<float8_e3m4, float>("float8_e3m4"),
               codec<float8_e4m3fn, float>("float8_e4m3fn"),
               codec<float8_e5m2fnuz, float>("float8_e5m2fnuz"),
               codec<float8_e4m3fnuz, float>("float8_e4m3fnuz"),
               codec<float8_e4m3b11fnuz, float>("float8_e4m3b11fnuz"),
               codec<float8_e8m0fnu, float>("float8_e8m0fnu")},
    .times = {codec<datetime64, double>("datetime64"), codec<timedelta64, double>("timedelta64")},
    .ticks = {codec<datetime64, int64_t>("datetime64"),
              codec<timedelta64, int64_t>("timedelta64")}};

}  // namespace stridecast::testing
