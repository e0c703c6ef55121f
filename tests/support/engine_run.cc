#include "tests/support/engine_run.h"

#include <gtest/gtest.h>

#include "engine/run.h"
#include "stridecast/runtime.h"
#include "tests/support/packed_kernel_check.h"

namespace stridecast::testing {

SmallSeams::SmallSeams(int64_t chunk_items) {
  internal::set_test_chunk_items(chunk_items);
  internal::set_test_min_thread_bytes(1);
}
SmallSeams::~SmallSeams() {
  internal::set_test_chunk_items(0);
  internal::set_test_min_thread_bytes(0);
}

TargetScope::TargetScope(const std::string& target) { set_target(target); }
TargetScope::~TargetScope() { set_target(""); }

Overflow overflow_of(reference::Mode mode) {
  switch (mode) {
    case reference::Mode::kWrap:
      return Overflow::kWrap;
    case reference::Mode::kSaturate:
      return Overflow::kSaturate;
    case reference::Mode::kRaise:
      return Overflow::kRaise;
  }
  return Overflow::kDefault;
}

Result convert(DType from, const std::vector<Bits>& in, DType to, const ConvertOptions& options,
               int threads) {
  const auto n = static_cast<int64_t>(in.size());
  const Plan plan = Plan::convert(Layout::contiguous(Format::of(from), {n}),
                                  Layout::contiguous(Format::of(to), {n}), options);
  std::vector<unsigned char> src = pack(from, in);
  const auto size = static_cast<size_t>(reference::size(to));
  std::vector<unsigned char> dst(in.size() * size);
  Result result;
  result.status = plan.try_run({src.data()}, {dst.data()}, on_threads(threads));
  result.bits.resize(in.size());
  for (size_t i = 0; i < in.size(); ++i) {
    result.bits[i] = reference::load(dst.data() + i * size, static_cast<int>(size));
  }
  return result;
}

Bits convert_one(DType from, Bits bits, DType to, const ConvertOptions& options) {
  const Result result = convert(from, {bits}, to, options);
  EXPECT_TRUE(result.status.ok()) << reference::to_text(from, bits) << " -> "
                                  << reference::name(to);
  return result.bits[0];
}

}  // namespace stridecast::testing
