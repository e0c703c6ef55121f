// Programs of structs: the fields of a few items at a time through byte permutations, instead of
// field after field. Fields that only move or swap pass together; those that are converted are
// taken out to packed columns, converted there, and put back together with the others. Only where
// the target has the shuffle kernel, and the estimate says that it pays.
#ifndef STRIDECAST_ENGINE_STRUCT_PROGRAM_H_
#define STRIDECAST_ENGINE_STRUCT_PROGRAM_H_

#include <memory>
#include <string>
#include <vector>

#include "engine/plan_impl.h"

namespace stridecast::internal {

/// What a pass reads or writes: the plan's operand, or one side of a column.
struct Stream {
  int column = -1;     // -1: the operand
  int64_t step = 0;    // bytes from item to item
  int64_t offset = 0;  // of the window, from the first item
};

/// One run of the shuffle kernel over all items of a block.
struct ShufflePass {
  kernels::ShuffleParams params;
  Stream from[kernels::kShuffleSources];
  Stream to;
};

/// Packed elements of one converted field: `elements` of every item.
struct Column {
  LeafProgram leaf;  // from packed to packed, in the machine's byte order
  int64_t elements = 1;
  int64_t in = 0, out = 0;  // where its two sides lie in the scratch
};

struct StructProgram {
  int64_t src_step = 0, dst_step = 0;  // between the items of the innermost loop
  std::vector<ShufflePass> split;      // source to columns
  std::vector<Column> columns;
  std::vector<ShufflePass> join;  // source and columns to destination
  std::vector<size_t> others;     // leaves that go by themselves, by number
  int64_t items = 0;              // of a block
  int64_t scratch_bytes = 0;
  bool in_place_ok = false;  // no pass reads from the source what one before it wrote there
};

/// Null where leaf after leaf is as good, or the only way.
std::shared_ptr<const StructProgram> make_struct_program(const Plan::Impl& plan);

/// For explain(): a line, or nothing.
std::string to_string(const StructProgram& program);

}  // namespace stridecast::internal

#endif  // STRIDECAST_ENGINE_STRUCT_PROGRAM_H_
