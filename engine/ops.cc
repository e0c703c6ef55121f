// One call for one job (ops.h): convert, byteswap, and dense arrays that own their memory. All of
// them are plans from the cache; structs taken apart and put together are fields.cc.

#include "stridecast/ops.h"

#include <cstdlib>
#include <cstring>
#include <string>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace stridecast {
namespace internal {
namespace {

constexpr size_t kAlignment = 64;
// From here on memory is made of huge pages, if the system likes: page faults of 4 KiB cost more
// than filling what the page holds.
constexpr size_t kHugeFrom = size_t{4} << 20;
constexpr size_t kHugePage = size_t{2} << 20;

LayoutView view_of(const Layout& layout) {
  return {&layout.format(), layout.shape(), layout.strides(), layout.offset(), layout.suboffsets()};
}

std::unique_ptr<std::byte, Array::Free> allocate(size_t bytes) {
  const size_t alignment = bytes >= kHugeFrom ? kHugePage : kAlignment;
  void* memory = nullptr;
  // aligned_alloc wants a multiple of the alignment.
  if (posix_memalign(&memory, alignment, bytes > 0 ? bytes : 1) != 0) {
    throw Error(ErrorCode::kOutOfMemory,
                "no memory for an array of " + std::to_string(bytes) + " bytes");
  }
#if defined(MADV_HUGEPAGE)
  if (bytes >= kHugeFrom) madvise(memory, bytes, MADV_HUGEPAGE);
#endif
  return std::unique_ptr<std::byte, Array::Free>(static_cast<std::byte*>(memory));
}

size_t bytes_of(const Layout& layout) {
  if (!layout.suboffsets().empty() || layout.extent().lowest < 0) {
    throw Error(ErrorCode::kInvalidArgument,
                "memory can be made for layouts without suboffsets that begin at their data "
                "pointer, as those of Layout::contiguous and Layout::like");
  }
  return static_cast<size_t>(layout.extent().highest);
}

}  // namespace
}  // namespace internal

inline namespace v0 {

void convert(const Layout& src, const void* src_data, const Layout& dst, void* dst_data,
             const ConvertOptions& options, const RunOptions& run) {
  cached_convert(internal::view_of(src), internal::view_of(dst), options)
      .run(src_data, dst_data, run);
}

void byteswap(const Layout& src, const void* src_data, const Layout& dst, void* dst_data,
              const RunOptions& run) {
  cached_byteswap(internal::view_of(src), internal::view_of(dst)).run(src_data, dst_data, run);
}

void Array::Free::operator()(std::byte* memory) const noexcept { std::free(memory); }

Array make_array(Layout layout) {
  const size_t bytes = internal::bytes_of(layout);
  Array array{std::move(layout), internal::allocate(bytes)};
  // A conversion writes the fields of a struct and leaves its padding as it is.
  if (array.layout.format().scalar() == nullptr) std::memset(array.data.get(), 0, bytes);
  return array;
}

Array copy(const Layout& src, const void* src_data, Order order, const RunOptions& run) {
  Layout layout = Layout::like(src.format(), src, order);
  const size_t bytes = internal::bytes_of(layout);
  // Copies of items are whole, padding included, so that there is nothing to zero.
  Array array{std::move(layout), internal::allocate(bytes)};
  convert(src, src_data, array.layout, array.data.get(), {}, run);
  return array;
}

}  // namespace v0
}  // namespace stridecast
