// Times as ISO 8601 text: kernels from and to bytes and UCS-4; beside them what one would write
// with the C library.
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "bench/bench_support.h"
#include "kernels/time_params.h"

namespace stridecast::bench {
namespace {

using internal::TimeBase;
using kernels::TimeTextParams;

constexpr int64_t kSecondsOfCentury = int64_t{36524} * 86400;

// Times of the last century, as int64 numbers and as text of bytes and UCS-4.
struct TimeTexts {
  TimeTextParams params;
  int64_t width;
  std::vector<int64_t> times;
  std::vector<unsigned char> bytes;
  std::vector<uint32_t> ucs4;

  TimeTexts(const kernels::KernelTable& table, TimeBase base, int64_t per_second,
            int64_t text_width)
      : width(text_width), times(kSmall), bytes(static_cast<size_t>(kSmall * width)) {
    params.unit = {base, 1};
    uint64_t state = 1;
    for (int64_t& time : times) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      const auto second = static_cast<int64_t>((state >> 20) % uint64_t{kSecondsOfCentury});
      const int64_t tick = static_cast<int64_t>(state >> 40) % per_second;
      time = base == TimeBase::kDay ? second / 86400 : second * per_second + tick;
    }
    sc_run run = make_run(kSmall, times.data(), 8, 8, bytes.data(), width, width);
    run.params = &params;
    table.write_time[0].run(&run);
    ucs4.assign(bytes.begin(), bytes.end());
  }
};

void add_time_kernels(const kernels::KernelTable& table, const std::string& name, TimeBase base,
                      int64_t per_second, int64_t width) {
  const auto texts = std::make_shared<TimeTexts>(table, base, per_second, width);
  const auto add = [&](const char* kind, const sc_entry& entry, bool parse, int64_t size,
                       const void* text) {
    const auto body = [texts, &entry, parse, size, text](benchmark::State& state) {
      const Buffers buffers(8, kSmall * (parse ? 8 : size));
      const void* const src = parse ? text : texts->times.data();
      const int64_t src_size = parse ? size : 8, dst_size = parse ? 8 : size;
      sc_run run = make_run(kSmall, src, src_size, src_size, buffers.dst(), dst_size, dst_size);
      run.params = &texts->params;
      for (auto _ : state) {
        benchmark::DoNotOptimize(entry.run(&run));
        benchmark::ClobberMemory();
      }
      count(state, kSmall, size + 8);
    };
    const std::string full = std::string(kind) + "/kernel/" + name + "/" + count_name(kSmall);
    benchmark::RegisterBenchmark(full.c_str(), body);
  };
  add("parse_bytes", table.parse_time[0], true, width, texts->bytes.data());
  add("parse_ucs4", table.parse_time[1], true, 4 * width, texts->ucs4.data());
  add("write_bytes", table.write_time[0], false, width, nullptr);
  add("write_ucs4", table.write_time[1], false, 4 * width, nullptr);
}

// With sscanf and timegm, gmtime_r and strftime; of one form, without a check.
void add_c_library(const kernels::KernelTable& table) {
  const auto texts = std::make_shared<TimeTexts>(table, TimeBase::kSecond, 1, 20);
  benchmark::RegisterBenchmark("parse_bytes/naive/s20", [texts](benchmark::State& state) {
    std::vector<int64_t> times(kSmall);
    for (auto _ : state) {
      for (int64_t i = 0; i < kSmall; ++i) {
        std::tm tm = {};
        const auto* text = reinterpret_cast<const char*>(texts->bytes.data()) + i * 20;
        const int fields = std::sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon,
                                       &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec);
        tm.tm_year -= 1900;
        tm.tm_mon -= 1;
        times[static_cast<size_t>(i)] = fields == 6 ? timegm(&tm) : INT64_MIN;
      }
      benchmark::ClobberMemory();
    }
    count(state, kSmall, 28);
  });
  benchmark::RegisterBenchmark("write_bytes/naive/s20", [texts](benchmark::State& state) {
    std::vector<char> out(kSmall * 20);
    for (auto _ : state) {
      for (int64_t i = 0; i < kSmall; ++i) {
        const std::time_t time = texts->times[static_cast<size_t>(i)];
        std::tm tm;
        gmtime_r(&time, &tm);
        std::strftime(out.data() + i * 20, 20, "%Y-%m-%dT%H:%M:%S", &tm);
      }
      benchmark::ClobberMemory();
    }
    count(state, kSmall, 28);
  });
}

}  // namespace

void register_benchmarks(const kernels::KernelTable& table) {
  add_time_kernels(table, "D10", TimeBase::kDay, 1, 10);
  add_time_kernels(table, "s19", TimeBase::kSecond, 1, 19);
  add_time_kernels(table, "s24", TimeBase::kSecond, 1, 24);
  add_time_kernels(table, "ms23", TimeBase::kMillisecond, 1000, 23);
  add_time_kernels(table, "us26", TimeBase::kMicrosecond, 1'000'000, 26);
  add_time_kernels(table, "ns29", TimeBase::kNanosecond, 1'000'000'000, 29);
  add_time_kernels(table, "m16", TimeBase::kMinute, 1, 16);  // no vectors
  add_c_library(table);
}

}  // namespace stridecast::bench
