// Programs of leaves: which kernels take one element of the source's format to one of the
// destination's, and how they walk the innermost loops. Which leaves meet is leaf_pairs.h.
#ifndef STRIDECAST_ENGINE_LEAF_PROGRAM_H_
#define STRIDECAST_ENGINE_LEAF_PROGRAM_H_

#include "engine/plan_impl.h"
#include "engine/time_route.h"

namespace stridecast::internal {

/// One side of a pair of elements.
struct Element {
  std::string path;
  DType type;
  ByteOrder order;
  int64_t size, swap_unit;
  const RegisteredType* registered = nullptr;  // a custom type that is to be converted
  TimeFacts time = {};
};

/// Scratch of one thread: two buffers that stages alternate between.
inline constexpr int64_t kRowScratch = 4096;   // a buffer's, for kRows chunks
inline constexpr int64_t kMinChunk = 128;      // items, where there are so many
inline constexpr int64_t kScratchItems = 512;  // of these
inline constexpr int64_t kBlockBytes = 16384;  // a buffer's, for blocks

/// The program for one pair of elements, for any steps; throws Error(kNoConversion) naming both.
LeafProgram make_program(const kernels::KernelTable& table, const Element& src, const Element& dst,
                         const ConvertRules& rules);
/// The program for one pair of elements whose stages are known.
LeafProgram make_routed(const kernels::KernelTable& table, const Element& src, const Element& dst,
                        const Route& route);
/// The program for items of `size` bytes that move as they are.
LeafProgram make_move(const kernels::KernelTable& table, int64_t size);
/// The staged program for elements that lie packed on both sides, in the machine's byte order.
LeafProgram make_packed(const kernels::KernelTable& table, const LeafProgram& staged);
/// Whether a stage rounds stochastically.
bool rounds_randomly(const Route& route) noexcept;
/// Chooses how the innermost loops of a sorted nest are walked, which may order its loops anew.
void choose_shape(const kernels::KernelTable& table, LeafProgram& program, LoopNest& nest);
/// Leaves out the moves that a walk over `nest` does not need, or fuses them with the stage.
void trim_moves(const kernels::KernelTable& table, LeafProgram& program, const LoopNest& nest);

}  // namespace stridecast::internal

#endif  // STRIDECAST_ENGINE_LEAF_PROGRAM_H_
