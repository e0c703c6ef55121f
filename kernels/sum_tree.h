// The shape of the tree by which floats are summed, which fixes the bits of every float sum: what
// it is, says sum-inl.h. Kernels and whoever splits a sum at its subtrees agree on it here.
#ifndef STRIDECAST_KERNELS_SUM_TREE_H_
#define STRIDECAST_KERNELS_SUM_TREE_H_

namespace stridecast::kernels {

inline constexpr int kSumLeaf = 128;        // consecutive elements
inline constexpr int kSumAccumulators = 8;  // of a leaf
inline constexpr int kSumLevels = 56;       // 2^56 leaves are 2^63 elements

}  // namespace stridecast::kernels

#endif  // STRIDECAST_KERNELS_SUM_TREE_H_
