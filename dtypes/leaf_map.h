// Leaf map: a format flattened into its leaves, the elements that conversions work on. Sub-arrays
// are kept as counted dimensions, never expanded. How leaves of two formats are paired is the
// engine's.
#ifndef STRIDECAST_DTYPES_LEAF_MAP_H_
#define STRIDECAST_DTYPES_LEAF_MAP_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "stridecast/format.h"
#include "stridecast/types.h"

namespace stridecast::internal {

// One dimension of a sub-array around or at a leaf.
struct LeafDim {
  int64_t count = 0;   // may be 0
  int64_t stride = 0;  // bytes from one element of this dimension to the next
  bool operator==(const LeafDim&) const = default;
};

// One leaf: an element at a fixed place in the item, repeated over `dims`. Element (k0, k1, ...)
// starts at offset + sum(k_i * dims[i].stride).
struct Leaf {
  std::string path;  // "pos.x"; an unnamed item shows its index: "[1]"; "" for a lone item
  std::string key;   // the path without ambiguity: names hold no ':', so ":a:b" is b in a
  bool all_named =
      false;           // every item on the path has a name (a lone struct around all needs none)
  int64_t offset = 0;  // bytes from the start of the item
  std::vector<LeafDim> dims;  // of all enclosing sub-arrays and its own, outer to inner
  DType type = DType::kOpaque;
  ByteOrder order = ByteOrder::kNone;
  int64_t itemsize = 0;   // bytes of one element
  int64_t swap_unit = 1;  // bytes reversed together by a byteswap; 0: unknown type, cannot swap
  std::optional<CustomType> custom;  // set for a [module$qualname$param] without a code of its own
};

// The leaves of `format` in the order of the text. Padding is no leaf; named padding is. Throws
// Error(kInvalidArgument) for a format whose paths and dimensions would take more than 64 MiB:
// names and shapes of enclosing structs are repeated in every leaf, so that a short text can ask
// for that.
std::vector<Leaf> leaves(const Format& format);

}  // namespace stridecast::internal

#endif  // STRIDECAST_DTYPES_LEAF_MAP_H_
