// Units of times as stages: which kernels take values of one unit to another, and their parameters.
#ifndef STRIDECAST_ENGINE_TIME_SCALE_H_
#define STRIDECAST_ENGINE_TIME_SCALE_H_

#include "dtypes/time_unit.h"
#include "engine/route_builder.h"
#include "kernels/time_params.h"

namespace stridecast::internal {

/// What the options say of times outside the destination.
kernels::TimeRule time_rule(const ConvertRules& rules) noexcept;

/// Adds the stages that take int64 times from one unit to another, neither of them generic.
/// `spans`: years and months have their average length.
void route_units(RouteBuilder& b, const TimeUnit& src, const TimeUnit& dst, bool spans);

}  // namespace stridecast::internal

#endif  // STRIDECAST_ENGINE_TIME_SCALE_H_
