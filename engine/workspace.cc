// The kept memory of every thread; see workspace.h.

#include "engine/workspace.h"

#include <memory>
#include <new>

namespace stridecast::internal {
namespace {

constexpr std::align_val_t kAlignment{kCacheLine};

struct FreeAligned {
  void operator()(char* memory) const { ::operator delete(memory, kAlignment); }
};

struct Kept {
  std::unique_ptr<char, FreeAligned> memory;
  int64_t capacity = 0;
};

}  // namespace

char* workspace(Room room, int64_t bytes) {
  thread_local Kept rooms[static_cast<int>(Room::kNumRooms)];
  Kept& kept = rooms[static_cast<int>(room)];
  if (kept.capacity < bytes) {
    kept.memory.reset();
    kept.capacity = 0;
    kept.memory.reset(static_cast<char*>(::operator new(static_cast<size_t>(bytes), kAlignment)));
    kept.capacity = bytes;
  }
  return kept.memory.get();
}

}  // namespace stridecast::internal
