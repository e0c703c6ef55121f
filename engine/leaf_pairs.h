// Which leaf of the source's format goes to which leaf of the destination's, and the program of
// each pair.
#ifndef STRIDECAST_ENGINE_LEAF_PAIRS_H_
#define STRIDECAST_ENGINE_LEAF_PAIRS_H_

#include <vector>

#include "engine/plan_impl.h"

namespace stridecast::internal {

/// Conversions of all leaves; one move of the whole item, padding included, if the formats are
/// equal. Throws Error(kNoConversion) naming the field and both types.
std::vector<LeafProgram> convert_leaves(const kernels::KernelTable& table, const Format& src,
                                        const Format& dst, const ConvertOptions& options);
/// The byteswaps of all leaves, each by its unit.
std::vector<LeafProgram> byteswap_leaves(const kernels::KernelTable& table, const Format& format);

}  // namespace stridecast::internal

#endif  // STRIDECAST_ENGINE_LEAF_PAIRS_H_
