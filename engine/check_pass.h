// The check-only pass: names the first element of the source that breaks a rule. Nothing is
// written.
#ifndef STRIDECAST_ENGINE_CHECK_PASS_H_
#define STRIDECAST_ENGINE_CHECK_PASS_H_

#include "engine/plan_impl.h"
#include "engine/walk.h"

namespace stridecast::internal {

/// Walks the source in its C order; `at` holds the operands' data pointers. Ok if every element
/// that the mask selects may pass.
RunStatus check_only(const Plan::Impl& plan, Cursor at);

}  // namespace stridecast::internal

#endif  // STRIDECAST_ENGINE_CHECK_PASS_H_
