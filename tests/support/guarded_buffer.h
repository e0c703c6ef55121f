// Memory between two pages that cannot be touched. A buffer placed flush against either page turns
// an over-read or over-write of one byte into a crash; what lies on its open side is filled with a
// canary and compared. The mapping is made once and placements in it are cheap (no system call), so
// tests try every length and misalignment instead of a sample.
#ifndef STRIDECAST_TESTS_SUPPORT_GUARDED_BUFFER_H_
#define STRIDECAST_TESTS_SUPPORT_GUARDED_BUFFER_H_

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

namespace stridecast::testing {

enum class Flush : uint8_t { kLeft, kRight };
inline constexpr Flush kBothSides[] = {Flush::kLeft, Flush::kRight};

class GuardedBuffer {
 public:
  /// Room for `capacity` bytes, rounded up to whole pages.
  explicit GuardedBuffer(size_t capacity) {
    page_ = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    capacity_ = (std::max<size_t>(capacity, 1) + page_ - 1) / page_ * page_;
    void* map = mmap(nullptr, capacity_ + 2 * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) throw std::bad_alloc();
    map_ = static_cast<unsigned char*>(map);
    if (mprotect(map_ + page_, capacity_, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
    begin_ = map_ + page_;
  }
  ~GuardedBuffer() { munmap(map_, capacity_ + 2 * page_); }
  GuardedBuffer(const GuardedBuffer&) = delete;
  GuardedBuffer& operator=(const GuardedBuffer&) = delete;

  /// `size` bytes, `gap` bytes away from the guard page. Contents are what was there before; the
  /// bytes around them (up to kMargin on each side) become canaries.
  unsigned char* place(size_t size, Flush flush, size_t gap = 0) {
    if (size + gap > capacity_) throw std::bad_alloc();
    data_ = flush == Flush::kLeft ? begin_ + gap : begin_ + capacity_ - gap - size;
    size_ = size;
    std::memset(data_ - margin_before(), kCanary, margin_before());
    std::memset(data_ + size_, kCanary, margin_after());
    return data_;
  }

  /// The first canary that was overwritten, as an offset from the placed data (negative: before
  /// it), or 0 when all are whole. Offset 0 itself is data.
  ptrdiff_t damage() const {
    for (size_t i = 1; i <= margin_before(); ++i) {
      if (data_[-static_cast<ptrdiff_t>(i)] != kCanary) return -static_cast<ptrdiff_t>(i);
    }
    for (size_t i = 0; i < margin_after(); ++i) {
      if (data_[size_ + i] != kCanary)
        return static_cast<ptrdiff_t>(std::max<size_t>(size_ + i, 1));
    }
    return 0;
  }

  unsigned char* data() const { return data_; }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }

 private:
  static constexpr unsigned char kCanary = 0xA7;
  static constexpr size_t kMargin = 160;

  size_t margin_before() const {
    return std::min<size_t>(kMargin, static_cast<size_t>(data_ - begin_));
  }
  size_t margin_after() const {
    return std::min<size_t>(kMargin, static_cast<size_t>(begin_ + capacity_ - (data_ + size_)));
  }

  size_t page_ = 0, capacity_ = 0, size_ = 0;
  unsigned char* map_ = nullptr;
  unsigned char* begin_ = nullptr;
  unsigned char* data_ = nullptr;
};

}  // namespace stridecast::testing

#endif  // STRIDECAST_TESTS_SUPPORT_GUARDED_BUFFER_H_
