// What functions of libstridecast_bench time themselves with: nanoseconds of many calls, and
// results that the optimiser has to make.
#ifndef STRIDECAST_BENCH_SELF_TIMED_H_
#define STRIDECAST_BENCH_SELF_TIMED_H_

#include <chrono>
#include <cstdint>

#define STRIDECAST_BENCH_EXPORT extern "C" __attribute__((visibility("default")))

namespace stridecast::bench {

template <typename Call>
int64_t time_ns(int64_t calls, Call call) {
  const auto start = std::chrono::steady_clock::now();
  for (int64_t i = 0; i < calls; ++i) call();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() -
                                                              start)
      .count();
}

/// Keeps a result alive as far as the optimiser knows.
template <typename T>
void keep(const T& value) {
  asm volatile("" : : "r"(&value) : "memory");
}

}  // namespace stridecast::bench

#endif  // STRIDECAST_BENCH_SELF_TIMED_H_
