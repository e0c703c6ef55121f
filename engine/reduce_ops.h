// What the operations of reductions are: their names, their types, and the kernels that they are
// made of. Knows no shapes.
#ifndef STRIDECAST_ENGINE_REDUCE_OPS_H_
#define STRIDECAST_ENGINE_REDUCE_OPS_H_

#include <vector>

#include "engine/reduce_program.h"

namespace stridecast::internal {

/// How an operation folds items of one type.
struct Folding {
  DType item = DType::kOpaque;    // that the kernels take; the source is converted to it
  bool magnitudes = false;        // ... complex numbers to their absolute values
  bool parts = false;             // ... or taken as their two parts, which fold as well
  DType result = DType::kOpaque;  // that the ending gives, before it is stored
  Order order = Order::kVoid;
  std::vector<Fold> folds;
  std::vector<Fold> deviations;
  Ending ending;
};

/// Throws Error(kNoConversion) where the operation is not defined for the formats or the types do
/// not go together, Error(kInvalidArgument) for options that mean nothing to it.
/// `selects`: some items may not count. `packed`: complex numbers lie one after the other along
/// some axis.
Folding find_folding(const kernels::KernelTable& table, const Format& src, const Format& dst,
                     const ReduceOptions& options, bool selects, bool packed);

/// Whether nothing can be folded: sums and counts are 0 then, any is false.
bool has_identity(ReduceOp op) noexcept;
/// Whether the operation takes one more item to begin with.
bool takes_initial(ReduceOp op) noexcept;
bool is_index(ReduceOp op) noexcept;

}  // namespace stridecast::internal

#endif  // STRIDECAST_ENGINE_REDUCE_OPS_H_
