// A route put together stage by stage, where several routes of numbers and kernels with parameters
// of their own follow each other: scaling.cc and epoch_route.cc.
#ifndef STRIDECAST_ENGINE_STAGE_CHAIN_H_
#define STRIDECAST_ENGINE_STAGE_CHAIN_H_

#include <utility>

#include "engine/convert_route.h"

namespace stridecast::internal {

class StageChain {
 public:
  explicit StageChain(const kernels::KernelTable& table) : table_(table) {}

  const kernels::KernelTable& table() const { return table_; }
  const Route& route() const { return route_; }

  /// By the rules of convert().
  void convert(DType src, DType dst, const ConvertRules& rules = {}) {
    const Route middle = find_route(table_, src, dst, rules);
    for (int k = 0; k < middle.count; ++k) route_.stages[route_.count++] = middle.stages[k];
  }
  void add(const sc_entry& entry, DType out, StageParams params) {
    route_.stages[route_.count++] = Stage{&entry, out, type_facts(out).size, std::move(params)};
  }
  /// Parameters that the plan keeps.
  template <class Params>
  void add(const sc_entry& entry, DType out, const Params* params) {
    add(entry, out, StageParams(static_cast<const void*>(params)));
  }

 private:
  const kernels::KernelTable& table_;
  Route route_;
};

}  // namespace stridecast::internal

#endif  // STRIDECAST_ENGINE_STAGE_CHAIN_H_
