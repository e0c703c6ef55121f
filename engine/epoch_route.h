// Counts of time since an epoch as plans have them: the parameters of the kernels, and the stages
// of decoding and encoding around the routes of convert_route.h.
#ifndef STRIDECAST_ENGINE_EPOCH_ROUTE_H_
#define STRIDECAST_ENGINE_EPOCH_ROUTE_H_

#include <vector>

#include "kernels/epoch_params.h"
#include "stridecast/plan.h"

namespace stridecast::internal {

struct EpochProgram {
  // As it was given.
  TimeUnits units;
  std::vector<ElementBytes> missing;
  bool decodes;
  // Of the stages.
  kernels::EpochParams epoch = {};
  kernels::ScaleParams find = {};  // missing items, where the kernel does not know them
  kernels::ScaleParams place = {};
};

struct LeafProgram;

/// The program that takes counts in src to times in dst, or (`decodes` false) times to counts.
/// Throws Error(kInvalidArgument) for options that make no sense, kNoConversion for formats that
/// are not one real number on one side and one datetime64 on the other.
LeafProgram make_epoch(const kernels::KernelTable& table, bool decodes, const Layout& src,
                       const Layout& dst, const TimeUnits& units,
                       const std::vector<ElementBytes>& missing, const ConvertOptions& options);

}  // namespace stridecast::internal

#endif  // STRIDECAST_ENGINE_EPOCH_ROUTE_H_
