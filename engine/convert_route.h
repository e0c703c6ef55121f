// Which kernels, in which order, take one arithmetic type to another under the options: the
// composition rules of docs/numeric_policy.md. Every pair has a convert kernel; limits (raise,
// saturate) are stages of their own before it, through float32 where the source has no kernels for
// limits.
#ifndef STRIDECAST_ENGINE_CONVERT_ROUTE_H_
#define STRIDECAST_ENGINE_CONVERT_ROUTE_H_

#include "kernels/kernel_table.h"
#include "stridecast/plan.h"

namespace stridecast::internal {

struct Stage {
  const sc_entry* entry = nullptr;
  DType out = DType::kBool;  // type of the items that leave the stage
  kernels::LimitParams limits;
  bool writes() const noexcept { return entry->dst_access != SC_ACCESS_NONE; }
  bool may_fail() const noexcept { return (entry->traits & SC_TRAIT_MAY_FAIL) != 0; }
};

inline constexpr int kMaxStages = 4;

struct Route {
  Stage stages[kMaxStages];
  int count = 0;  // 0: the bits of src are those of dst
  bool may_fail() const noexcept;
};

/// Both types are arithmetic; every pair has a route.
Route find_route(const kernels::KernelTable& table, DType src, DType dst, Overflow overflow,
                 NanPolicy nan);

}  // namespace stridecast::internal

#endif  // STRIDECAST_ENGINE_CONVERT_ROUTE_H_
