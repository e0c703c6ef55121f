// Running plans in tests: elements in, elements out, with the seams that the engine can be asked to
// have (threads, chunks of one item), which a guard puts back.
#ifndef STRIDECAST_TESTS_SUPPORT_ENGINE_RUN_H_
#define STRIDECAST_TESTS_SUPPORT_ENGINE_RUN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "stridecast/plan.h"
#include "tests/reference/element.h"

namespace stridecast::testing {

using reference::Bits;

/// While it lives: chunks of `chunk_items` (0: the default) and threads from the first byte on.
class SmallSeams {
 public:
  explicit SmallSeams(int64_t chunk_items = 0);
  ~SmallSeams();
  SmallSeams(const SmallSeams&) = delete;
  SmallSeams& operator=(const SmallSeams&) = delete;
};

/// While it lives, new plans use the kernels of this target.
class TargetScope {
 public:
  explicit TargetScope(const std::string& target);
  ~TargetScope();
  TargetScope(const TargetScope&) = delete;
  TargetScope& operator=(const TargetScope&) = delete;
};

Overflow overflow_of(reference::Mode mode);

inline RunOptions on_threads(int threads) {
  RunOptions options;
  options.threads = threads;
  return options;
}

struct Result {
  RunStatus status;
  std::vector<Bits> bits;
};
/// Converts packed elements.
Result convert(DType from, const std::vector<Bits>& in, DType to,
               const ConvertOptions& options = {}, int threads = 1);

/// One element, which must not fail.
Bits convert_one(DType from, Bits bits, DType to, const ConvertOptions& options = {});

}  // namespace stridecast::testing

#endif  // STRIDECAST_TESTS_SUPPORT_ENGINE_RUN_H_
