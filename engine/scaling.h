// Scaling as plans have it: the parameters in the type that is computed in, and the stages of
// decoding and encoding around the routes of convert_route.h. Kernels find scale and offset through
// ScaleProgram; which index of an axis an item has, the loops say (kParam of loop_nest.h).
#ifndef STRIDECAST_ENGINE_SCALING_H_
#define STRIDECAST_ENGINE_SCALING_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/kernel_table.h"
#include "stridecast/plan.h"

namespace stridecast::internal {

enum class ScaleWay : uint8_t { kDecode, kEncode };

struct ScaleProgram {
  Scaling scaling;  // as it was given
  ScaleWay way = ScaleWay::kDecode;
  DType compute = DType::kFloat64;
  int axis = -1;                 // of dst; -1: one scale and offset for all items
  int64_t size = 0;              // bytes of one value below
  std::vector<float> narrow[2];  // scale and offset in float32, or
  std::vector<double> wide[2];   // in float64; equally many
  kernels::ScaleParams params;   // of the stages that compute or look at stored items
  kernels::ScaleParams times;    // of a source of times to encode: NaT
  kernels::RoundParams rounding;

  const void* values(int which) const noexcept {
    return compute == DType::kFloat32 ? static_cast<const void*>(narrow[which].data())
                                      : static_cast<const void*>(wide[which].data());
  }
  /// For the items of a chunk or a row: where its parameters begin, and their steps in bytes.
  void aim(sc_run& run, int64_t param, int64_t row_step, int64_t column_step) const noexcept {
    for (int k = 0; k < 2; ++k) {
      run.aux[k] = static_cast<const char*>(values(k)) + param * size;
      run.aux_step[k][0] = row_step * size;
      run.aux_step[k][1] = column_step * size;
    }
  }
};

/// Adds an element that stands for missing ones, of which there is room for.
void add_missing(kernels::ScaleParams& params, DType type, const ElementBytes& element);

struct LeafProgram;

/// The program that decodes or encodes items of src as items of dst. Throws Error(kInvalidArgument)
/// for parameters that make no sense, kNoConversion for formats that are not one number or time.
LeafProgram make_scaled(const kernels::KernelTable& table, ScaleWay way, const Layout& src,
                        const Layout& dst, const Scaling& scaling, const ConvertOptions& options);

}  // namespace stridecast::internal

#endif  // STRIDECAST_ENGINE_SCALING_H_
