// Kernels of texts of fixed length: cut, padded, and between bytes and UCS-4; beside them the loops
// over characters that one would write by hand.
#include <algorithm>
#include <cstdint>
#include <cstring>

#include "bench/bench_support.h"

namespace stridecast::bench {
namespace {

// Texts of so many characters on both sides.
template <size_t n>
struct Bytes {
  char text[n];
};
template <size_t n>
struct Ucs4 {
  uint32_t text[n];
};

}  // namespace

void register_benchmarks(const kernels::KernelTable& table) {
  static const kernels::TextParams params;
  add_kernel("resize_bytes/kernel/16to12", table.resize_bytes, 16, 12, &params);
  add_kernel("resize_bytes/kernel/12to16", table.resize_bytes, 12, 16, &params);
  add_kernel("resize_ucs4/kernel/16to12", table.resize_ucs4, 64, 48, &params);
  add_kernel("bytes_to_ucs4/kernel/16to16", table.bytes_to_ucs4, 16, 64, &params);
  add_kernel("bytes_to_ucs4/kernel/12to16", table.bytes_to_ucs4, 12, 64, &params);
  add_loop<Bytes<16>, Bytes<12>>("resize_bytes/naive/16to12", [](const auto* src, auto* dst) {
    for (int64_t i = 0; i < kSmall; ++i) std::memcpy(dst[i].text, src[i].text, 12);
  });
  add_loop<Bytes<16>, Ucs4<16>>("bytes_to_ucs4/naive/16to16", [](const auto* src, auto* dst) {
    for (int64_t i = 0; i < kSmall; ++i) {
      std::copy_n(reinterpret_cast<const unsigned char*>(src[i].text), 16, dst[i].text);
    }
  });
}

}  // namespace stridecast::bench
