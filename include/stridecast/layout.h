// Layout: a Format with a shape, signed byte strides and an offset. It holds no memory.
#ifndef STRIDECAST_LAYOUT_H_
#define STRIDECAST_LAYOUT_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "stridecast/export.h"
#include "stridecast/format.h"

namespace stridecast {
inline namespace v0 {

/// The most dimensions that an array can have, as in NumPy.
inline constexpr int kMaxDims = 64;

/// The bytes that a layout touches, relative to its data pointer: [lowest, highest).
struct Extent {
  int64_t lowest = 0;   ///< of the first byte; below 0 where strides go backwards
  int64_t highest = 0;  ///< behind the last byte
  /// The same bytes.
  bool operator==(const Extent&) const = default;
};

/// The order of a dense array's axes in memory: last axis fastest, first axis fastest, or as in
/// another array (descending absolute stride, zero strides last: NumPy's "K").
enum class Order : uint8_t { kC, kF, kKeep };

/// Where the items of an array lie: item (i0, i1, ...) starts at offset + sum(i_k * strides[k]).
/// Strides are in bytes, may be zero or negative, and need no alignment. A size of 0 in the shape
/// makes an empty layout; an empty shape is one item.
///
/// Suboffsets (PEP 3118) make an axis one of pointers: where suboffsets[k] >= 0, what lies at the
/// place that axes 0 to k lead to is the address of the data, and suboffsets[k] is added to it.
/// The extent then covers the pointers, and the exporter is trusted with what they point to.
///
///     Layout rows = Layout::contiguous(Format::parse("f"), {480, 640});
///     Layout green = Layout::strided(Format::parse("B"), {480, 640}, {640 * 3, 3}, /*offset=*/1);
///
/// All factories throw Error(kInvalidArgument) for more than 64 dimensions, a negative size, or an
/// extent that does not fit 63 bits.
class STRIDECAST_API Layout {
 public:
  /// Items side by side, in the given order of axes (kKeep is kC: there is nothing to keep).
  static Layout contiguous(const Format& format, std::vector<int64_t> shape,
                           Order order = Order::kC);
  /// Items `strides` bytes apart, one stride a dimension; item (0, ..., 0) lies `offset` bytes
  /// behind the data pointer. `suboffsets` are empty or one a dimension, -1 for those without
  /// pointers.
  static Layout strided(const Format& format, std::vector<int64_t> shape,
                        std::vector<int64_t> strides, int64_t offset = 0,
                        std::vector<int64_t> suboffsets = {});
  /// A dense layout for a result shaped like `like`.
  static Layout like(const Format& format, const Layout& like, Order order = Order::kKeep);

  /// What one item is.
  const Format& format() const noexcept { return format_; }
  /// Items along each dimension.
  std::span<const int64_t> shape() const noexcept { return shape_; }
  /// Bytes from item to item along each dimension.
  std::span<const int64_t> strides() const noexcept { return strides_; }
  /// Bytes from the data pointer to item (0, ..., 0).
  int64_t offset() const noexcept { return offset_; }
  /// Number of dimensions, 0 to kMaxDims.
  int ndim() const noexcept { return static_cast<int>(shape_.size()); }
  /// Number of items.
  int64_t size() const noexcept { return size_; }
  /// The bytes that the items touch.
  const Extent& extent() const noexcept { return extent_; }
  /// Items are dense in C order, so that the buffer is size() * itemsize bytes from offset.
  bool is_c_contiguous() const noexcept;
  /// One a dimension, or empty where no axis is one of pointers.
  std::span<const int64_t> suboffsets() const noexcept { return suboffsets_; }
  /// The layout of one field of a layout of structs, over the same memory; a sub-array's dimensions
  /// come last. Throws Error(kInvalidArgument) if there is no such field.
  Layout field(std::string_view name) const;

 private:
  Layout(const Format& format, std::vector<int64_t> shape, std::vector<int64_t> strides,
         int64_t offset, std::vector<int64_t> suboffsets);

  Format format_;
  std::vector<int64_t> shape_;
  std::vector<int64_t> strides_;
  std::vector<int64_t> suboffsets_;
  int64_t offset_ = 0;
  int64_t size_ = 0;
  Extent extent_;
};

}  // namespace v0
}  // namespace stridecast

#endif  // STRIDECAST_LAYOUT_H_
