// Memory that a thread keeps from run to run, so that a run allocates only if it needs more than
// any run before it.
#ifndef STRIDECAST_ENGINE_WORKSPACE_H_
#define STRIDECAST_ENGINE_WORKSPACE_H_

#include <cstdint>

namespace stridecast::internal {

inline constexpr int64_t kCacheLine = 64;

constexpr int64_t round_up_to_line(int64_t bytes) {
  return (bytes + kCacheLine - 1) / kCacheLine * kCacheLine;
}

/// Who asks: a reduction may run leaves while its own memory is in use.
enum class Room : int { kBlocks, kColumns, kReduce, kNumRooms };

/// At least `bytes` bytes on a line of their own, of this thread's; what they held is lost. Throws
/// std::bad_alloc.
char* workspace(Room room, int64_t bytes);

}  // namespace stridecast::internal

#endif  // STRIDECAST_ENGINE_WORKSPACE_H_
