// Memory that a thread keeps from run to run, so that a run allocates only if it needs more than
// any run before it.
#ifndef STRIDECAST_ENGINE_WORKSPACE_H_
#define STRIDECAST_ENGINE_WORKSPACE_H_

#include <cstdint>
#include <utility>

namespace stridecast::internal {

inline constexpr int64_t kCacheLine = 64;

constexpr int64_t round_up_to_line(int64_t bytes) {
  return (bytes + kCacheLine - 1) / kCacheLine * kCacheLine;
}

/// Who asks: a reduction or a struct may run leaves while its own memory is in use.
enum class Room : int { kBlocks, kColumns, kApart, kReduce, kDeviations, kReducePart, kNumRooms };

/// At least `bytes` bytes on a line of their own, of this thread's as long as the object lives;
/// what they held is lost. Memory of its own where the room is taken: a kernel of a user's may run
/// plans. Throws std::bad_alloc.
class Workspace {
 public:
  Workspace() = default;
  Workspace(Room room, int64_t bytes);
  Workspace(Workspace&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), room_(other.room_) {}
  Workspace& operator=(Workspace&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(room_, other.room_);
    return *this;
  }
  ~Workspace();

  char* data() const noexcept { return data_; }

 private:
  char* data_ = nullptr;
  int room_ = -1;  // -1: memory of its own
};

}  // namespace stridecast::internal

#endif  // STRIDECAST_ENGINE_WORKSPACE_H_
