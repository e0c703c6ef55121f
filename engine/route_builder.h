// A route in the making: the stages so far and the type of what leaves them, for convert_route.cc
// (which rules a pair follows) and narrow_route.cc (types of at most 8 bits).
#ifndef STRIDECAST_ENGINE_ROUTE_BUILDER_H_
#define STRIDECAST_ENGINE_ROUTE_BUILDER_H_

#include "dtypes/cast_rules.h"
#include "engine/convert_limits.h"
#include "engine/convert_route.h"

namespace stridecast::internal {

constexpr int table_index(DType type) noexcept { return static_cast<int>(type); }

class RouteBuilder {
 public:
  RouteBuilder(const kernels::KernelTable& table, DType src, const ConvertRules& rules,
               int32_t lanes = 1)
      : table_(table), rules_(rules), origin_(src), type_(src), lanes_(lanes) {}

  const kernels::KernelTable& table() const { return table_; }
  const ConvertRules& rules() const { return rules_; }
  DType type() const { return type_; }
  const Route& route() const { return route_; }
  /// The type that the route begins with.
  DType origin() const { return origin_; }
  void set_lanes(int32_t lanes) { lanes_ = lanes; }
  /// Of the routes that tables are made from.
  void use_no_tables() { uses_tables_ = false; }
  bool uses_tables() const { return uses_tables_; }

  bool is_float() const { return range_facts(type_).is_float; }
  bool is(DType type) const { return type_ == type; }

  void add(const sc_entry& entry, DType out, StageParams data = static_cast<const void*>(nullptr)) {
    route_.stages[route_.count++] =
        Stage{&entry, out, type_facts(out).size, std::move(data), lanes_};
    type_ = out;
  }
  /// A stage whose items are of no fixed size.
  void add(const Stage& stage) {
    route_.stages[route_.count++] = stage;
    type_ = stage.out;
  }
  /// Takes the last stage back; what follows must take its place.
  void drop_last() { --route_.count; }
  /// Whether one kernel converts to dst.
  bool has_kernel(DType dst) const noexcept {
    return table_.convert[table_index(type_)][table_index(dst)].run != nullptr;
  }
  /// Nothing where the bits are the same.
  void convert(DType dst) {
    const sc_entry& entry = table_.convert[table_index(type_)][table_index(dst)];
    if (entry.run != nullptr) {
      add(entry, dst);
    } else {
      type_ = dst;
    }
  }
  void saturate(DType dst) { add(table_.saturate[table_index(type_)][table_index(dst)], dst); }
  void check(const kernels::LimitParams& limits) {
    add(table_.check[table_index(type_)], type_, limits);
  }
  void clamp(const kernels::LimitParams& limits) {
    add(table_.clamp[table_index(type_)], type_, limits);
  }
  /// A carrier for a second rounding.
  void odd(DType carrier) { add(table_.odd[table_index(type_)], carrier); }

 private:
  const kernels::KernelTable& table_;
  const ConvertRules& rules_;
  DType origin_, type_;
  int32_t lanes_;
  bool uses_tables_ = true;
  Route route_;
};

/// From one real type to another by the rules.
void route_real(RouteBuilder& b, DType dst);
/// The same for values that need neither limits nor roundings other than the default; what a narrow
/// float cannot hold becomes the largest it has if `saturate`.
void route_plain(RouteBuilder& b, DType dst, bool saturate);

/// Makes the parts of a complex number of real ones that have its parts' type.
void add_zero_part(RouteBuilder& b, DType dst);

/// Between integers of one byte that wrap: their bits are kept, extended or cut. False if that is
/// not enough.
bool route_by_bits(RouteBuilder& b, DType dst);
/// Whether a table of what every byte becomes does it: from types of one byte, to 1 or 2 bytes or
/// float32, where nothing is reported and no kernel converts. From integers only to narrow floats
/// where arithmetic is the faster way.
bool has_lookup(const RouteBuilder& b, DType dst) noexcept;
/// Adds that stage; made from the kernels of the pivots, once a process for every pair and rules.
void route_lookup(RouteBuilder& b, DType dst, const ConvertRules& rules);
/// A narrow type as the arithmetic one that its kernels are made for: float32, int8, uint8.
void widen_narrow(RouteBuilder& b);
/// From an arithmetic type or long double.
void route_to_narrow(RouteBuilder& b, DType dst, bool saturate);

}  // namespace stridecast::internal

#endif  // STRIDECAST_ENGINE_ROUTE_BUILDER_H_
