// Which kernels, in which order, take one arithmetic type to another under the options: the
// composition rules of docs/numeric_policy.md. Every pair has a convert kernel; limits (raise,
// saturate) are stages of their own before it, through float32 where the source has no kernels for
// limits.
#ifndef STRIDECAST_ENGINE_CONVERT_ROUTE_H_
#define STRIDECAST_ENGINE_CONVERT_ROUTE_H_

#include "dtypes/type_registry.h"
#include "kernels/kernel_table.h"
#include "stridecast/plan.h"

namespace stridecast::internal {

struct Stage {
  const sc_entry* entry = nullptr;
  DType out = DType::kBool;  // type of the items that leave the stage
  int64_t out_size = 0;      // bytes of one of them
  kernels::LimitParams limits;
  const void* user_params = nullptr;  // of a registered type's kernel
  const void* params() const noexcept { return user_params != nullptr ? user_params : &limits; }
  bool writes() const noexcept { return entry->dst_access != SC_ACCESS_NONE; }
  bool may_fail() const noexcept { return (entry->traits & SC_TRAIT_MAY_FAIL) != 0; }
};

inline constexpr int kMaxStages = 5;

struct Route {
  Stage stages[kMaxStages];
  int count = 0;  // 0: the bits of src are those of dst
  bool may_fail() const noexcept;
  bool needs_gil() const noexcept;
};

/// One end of a route: an arithmetic type, or a registered one with its conversions.
struct RouteEnd {
  DType type = DType::kOpaque;
  int64_t size = 0;
  const RegisteredType* registered = nullptr;  // null: arithmetic
};

/// Both types are arithmetic; every pair has a route.
Route find_route(const kernels::KernelTable& table, DType src, DType dst, Overflow overflow,
                 NanPolicy nan);
/// The same with registered types, through the numbers that their conversions know: one that both
/// know, or the other end itself, else the first. False if a conversion is missing.
bool find_registered_route(const kernels::KernelTable& table, const RouteEnd& src,
                           const RouteEnd& dst, Overflow overflow, NanPolicy nan, Route* route);

}  // namespace stridecast::internal

#endif  // STRIDECAST_ENGINE_CONVERT_ROUTE_H_
