// The outermost values of one real type that convert to another without loss of range, as the
// parameters of check and clamp kernels; the facts of formats as the parameters of those that write
// narrow floats and that round.
#ifndef STRIDECAST_ENGINE_CONVERT_LIMITS_H_
#define STRIDECAST_ENGINE_CONVERT_LIMITS_H_

#include "kernels/kernel_table.h"
#include "stridecast/types.h"

namespace stridecast::internal {

/// Values of an integer or float type that a conversion with default rounding does not carry beyond
/// the destination's range: what `check` lets pass. A float source is float32, float64 or long
/// double.
kernels::LimitParams limits_of(DType src, DType dst) noexcept;
/// The range of dst within the source's type: what `clamp` brings values into. Both are integers,
/// or dst is a float.
kernels::LimitParams clamp_limits(DType src, DType dst) noexcept;
/// Everything but NaN.
kernels::LimitParams all_but_nan() noexcept;

/// Of a signed narrow float.
kernels::NarrowFloatParams narrow_float_params(DType dst, bool saturate) noexcept;
/// The format of any float of at most 4 bytes; how it is rounded is left to the caller.
kernels::RoundParams float_format(DType dst) noexcept;
/// Which values of a float64 (or an integer) a real type has equals of.
kernels::ExactParams exact_params(DType dst) noexcept;

}  // namespace stridecast::internal

#endif  // STRIDECAST_ENGINE_CONVERT_LIMITS_H_
