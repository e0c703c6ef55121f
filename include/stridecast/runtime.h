// Process-wide choices: which SIMD target's kernels new plans use, how many threads Python may use,
// and what this library is.
#ifndef STRIDECAST_RUNTIME_H_
#define STRIDECAST_RUNTIME_H_

#include <string>
#include <string_view>
#include <vector>

#include "stridecast/export.h"

namespace stridecast {
inline namespace v0 {

/// "0.1.0"
STRIDECAST_API const char* version() noexcept;
/// Names of the compiled targets that this CPU supports, best first: {"AVX3_DL", "AVX3", "AVX2",
/// "SSE2"}.
STRIDECAST_API std::vector<std::string> targets();
/// The target of new plans: set_target's, else STRIDECAST_TARGET of the environment, else the best.
STRIDECAST_API const char* active_target();
/// Chooses a target by name; an empty name returns to the default. Throws Error(kInvalidArgument)
/// naming the choices.
STRIDECAST_API void set_target(std::string_view name);

/// How many threads a run may use when the caller names no number: set_default_threads', else
/// STRIDECAST_NUM_THREADS, else OpenMP's current maximum. Always 1 in a forked child.
STRIDECAST_API int default_threads();
/// 0 returns to the environment's choice.
STRIDECAST_API void set_default_threads(int threads);

/// One line a library: Highway's version, OpenMP's, the compiler.
STRIDECAST_API std::vector<std::string> build_info();

}  // namespace v0
}  // namespace stridecast

#endif  // STRIDECAST_RUNTIME_H_
