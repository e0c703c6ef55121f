// What a run that is made of several runs reports: the failure that comes first, whichever part met
// it and in whatever order the parts ran.
#ifndef STRIDECAST_ENGINE_FIRST_FAILURE_H_
#define STRIDECAST_ENGINE_FIRST_FAILURE_H_

#include <atomic>
#include <cstdint>
#include <mutex>
#include <tuple>

#include "stridecast/plan.h"

namespace stridecast::internal {

/// A status without data: what stopped the run, and which operand it is about.
inline RunStatus failure(StatusCode code, int64_t index = -1) noexcept {
  RunStatus status;
  status.code = code;
  status.index = index;
  return status;
}

/// Thread-safe. What stops a run (no memory, say) comes before bad data, and of that the lowest
/// index, then the lowest tag.
class FirstFailure {
 public:
  /// Whether a part whose items begin at `index` may hold what comes first; it need not run if not.
  bool may_begin_at(int64_t index) const noexcept {
    return index <= limit_.load(std::memory_order_relaxed);
  }

  void add(const RunStatus& status, int tag = 0) {
    if (status.ok()) return;
    const std::lock_guard lock(mutex_);
    if (!status_.ok() && order(status, tag) >= order(status_, tag_)) return;
    status_ = status;
    tag_ = tag;
    const bool data = status.code == StatusCode::kDataError;
    if (!data || status.index >= 0) limit_.store(data ? status.index : -1);
  }

  // Once all parts have run.
  const RunStatus& status() const noexcept { return status_; }
  int tag() const noexcept { return tag_; }

 private:
  // Data that changed while it was read has no index (-1): the last one, if unsigned.
  static std::tuple<bool, uint64_t, int> order(const RunStatus& status, int tag) noexcept {
    return {status.code == StatusCode::kDataError, static_cast<uint64_t>(status.index), tag};
  }

  std::atomic<int64_t> limit_{INT64_MAX};
  std::mutex mutex_;
  RunStatus status_;
  int tag_ = 0;
};

}  // namespace stridecast::internal

#endif  // STRIDECAST_ENGINE_FIRST_FAILURE_H_
