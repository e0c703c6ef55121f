// One call for one job, on a cache of plans: the functions that a library links when it keeps no
// Plan of its own. The cache is thread-safe, least recently used goes first.
#ifndef STRIDECAST_OPS_H_
#define STRIDECAST_OPS_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "stridecast/export.h"
#include "stridecast/plan.h"

namespace stridecast {
inline namespace v0 {

/// One operand's description as plain views, so that a look-up makes no copy: the arguments of a
/// Layout.
struct LayoutView {
  const Format* format;
  std::span<const int64_t> shape;
  std::span<const int64_t> strides;  // bytes
  int64_t offset = 0;
};

/// The plan for these layouts and options, from the cache or made now. Same errors as
/// Plan::convert.
STRIDECAST_API Plan cached_convert(const LayoutView& src, const LayoutView& dst,
                                   const ConvertOptions& options = {});
STRIDECAST_API Plan cached_byteswap(const LayoutView& src, const LayoutView& dst);
STRIDECAST_API Plan cached_reduce(const LayoutView& src, const LayoutView& dst,
                                  const ReduceOptions& options);

/// Converts, copies (equal formats) or broadcasts src into dst.
///
///     sc::convert(sc::Layout::contiguous(sc::Format::of(sc::DType::kFloat32), {n}), weights,
///                 sc::Layout::contiguous(sc::Format::of(sc::DType::kBFloat16), {n}), out);
STRIDECAST_API void convert(const Layout& src, const void* src_data, const Layout& dst,
                            void* dst_data, const ConvertOptions& options = {},
                            const RunOptions& run = {});

struct PlanCacheStats {
  size_t size, capacity, hits, misses;
};
STRIDECAST_API PlanCacheStats plan_cache_stats();
STRIDECAST_API void clear_plan_cache();

}  // namespace v0
}  // namespace stridecast

#endif  // STRIDECAST_OPS_H_
