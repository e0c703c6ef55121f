// Which kernels, in which order, take one number type to another under the options: the composition
// rules of docs/numeric_policy.md. Pairs of arithmetic types have kernels of their own; the others
// pass the pivots of number_route.cc. Limits (raise, saturate) and roundings other than the default
// are stages of their own.
#ifndef STRIDECAST_ENGINE_CONVERT_ROUTE_H_
#define STRIDECAST_ENGINE_CONVERT_ROUTE_H_

#include <memory>
#include <variant>

#include "dtypes/type_registry.h"
#include "kernels/kernel_table.h"
#include "kernels/time_fields.h"
#include "kernels/time_params.h"
#include "stridecast/plan.h"

namespace stridecast::internal {

/// What a stage's kernel reads as sc_run.params; a pointer is to something that outlives plans.
using StageParams =
    std::variant<const void*, kernels::LimitParams, kernels::NarrowFloatParams,
                 kernels::NarrowIntParams, kernels::RoundParams, kernels::ExactParams,
                 kernels::TextParams, kernels::TimeScaleParams, kernels::TimeTextParams,
                 std::shared_ptr<const kernels::TimeFieldsParams>>;

struct Stage {
  const sc_entry* entry = nullptr;
  DType out = DType::kBool;  // type of the numbers that leave the stage
  int64_t out_size = 0;      // bytes of one of them
  StageParams data = static_cast<const void*>(nullptr);
  int32_t lanes = 1;  // numbers an item: 2 where the kernel sees a complex one as its two parts
  int32_t rows =
      1;  // results an item, each in a row of its own: the last stage of a plan of fields

  const void* params() const noexcept {
    if (const auto* pointer = std::get_if<const void*>(&data)) return *pointer;
    using Shared = std::shared_ptr<const kernels::TimeFieldsParams>;
    if (const auto* shared = std::get_if<Shared>(&data)) return shared->get();
    return std::visit([](const auto& held) -> const void* { return &held; }, data);
  }
  bool writes() const noexcept { return entry->dst_access != SC_ACCESS_NONE; }
  bool may_fail() const noexcept { return (entry->traits & SC_TRAIT_MAY_FAIL) != 0; }
  bool scales() const noexcept { return (entry->needs & SC_NEEDS_AUX) != 0; }
};

inline constexpr int kMaxStages = 12;

struct Route {
  Stage stages[kMaxStages];
  int count = 0;  // 0: the bits of src are those of dst
  bool may_fail() const noexcept;
  bool needs_gil() const noexcept;
};

/// Runs a route of numbers over `items` packed ones in `first`, back and forth between two buffers
/// that hold the widest of its stages; gives the one with the result. For a handful of items, while
/// a plan is made.
unsigned char* run_packed(const Route& route, int64_t src_size, int64_t items, unsigned char* first,
                          unsigned char* second) noexcept;

/// The options that decide about a route, defaults resolved as far as they are the same for all
/// pairs.
struct ConvertRules {
  Overflow overflow = Overflow::kWrap;  // never kDefault
  NanPolicy nan = NanPolicy::kDefault;
  Rounding rounding = Rounding::kDefault;
  uint64_t seed = 0;
  int64_t draws = 1;  // random numbers an item
  bool same_value = false;
  ComplexToReal complex_to_real = ComplexToReal::kRealPart;
  Overflow time_overflow = Overflow::kDefault;  // as it was given
  TextErrors text_errors = TextErrors::kRaise;
  bool utc_suffix = false;
};
ConvertRules rules_of(const ConvertOptions& options) noexcept;

/// One end of a route: a number, or a registered type with its conversions.
struct RouteEnd {
  DType type = DType::kOpaque;
  int64_t size = 0;
  const RegisteredType* registered = nullptr;  // null: a number
};

/// Both types are numbers, and every pair has a route; but the caller itself takes the real part of
/// a complex number, unless equal values are asked for, or the destination is bool.
Route find_route(const kernels::KernelTable& table, DType src, DType dst,
                 const ConvertRules& rules);
/// Texts of bytes or UCS-4 of fixed length; no stage where the bits are the same.
bool is_text(DType type) noexcept;
/// Characters in `size` bytes.
int64_t text_length(DType type, int64_t size) noexcept;
Route find_text_route(const kernels::KernelTable& table, const RouteEnd& src, const RouteEnd& dst,
                      const ConvertRules& rules);
/// The same with registered types, through the numbers that their conversions know: one that both
/// know, or the other end itself, else the first. False if a conversion is missing.
bool find_registered_route(const kernels::KernelTable& table, const RouteEnd& src,
                           const RouteEnd& dst, const ConvertRules& rules, Route* route);

}  // namespace stridecast::internal

#endif  // STRIDECAST_ENGINE_CONVERT_ROUTE_H_
