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

char* allocate(int64_t bytes) {
  return static_cast<char*>(::operator new(static_cast<size_t>(bytes), kAlignment));
}

struct Kept {
  std::unique_ptr<char, FreeAligned> memory;
  int64_t capacity = 0;
  bool taken = false;
};

thread_local Kept rooms[static_cast<int>(Room::kNumRooms)];

}  // namespace

Workspace::Workspace(Room room, int64_t bytes) {
  Kept& kept = rooms[static_cast<int>(room)];
  if (kept.taken) {
    data_ = allocate(bytes);
    return;
  }
  if (kept.capacity < bytes) {
    kept.memory.reset();
    kept.capacity = 0;
    kept.memory.reset(allocate(bytes));
    kept.capacity = bytes;
  }
  kept.taken = true;
  data_ = kept.memory.get();
  room_ = static_cast<int>(room);
}

Workspace::~Workspace() {
  if (data_ == nullptr) return;
  if (room_ < 0) {
    FreeAligned()(data_);
  } else {
    rooms[room_].taken = false;
  }
}

}  // namespace stridecast::internal
