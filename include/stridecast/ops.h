// One call for one job, on a cache of plans: the functions that a library links when it keeps no
// Plan of its own. The cache is thread-safe, least recently used goes first.
#ifndef STRIDECAST_OPS_H_
#define STRIDECAST_OPS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "stridecast/export.h"
#include "stridecast/plan.h"

namespace stridecast {
inline namespace v0 {

/// One operand's description as plain views, so that a look-up makes no copy: the arguments of a
/// Layout.
struct LayoutView {
  const Format* format;                      ///< of one item; outlives the call
  std::span<const int64_t> shape;            ///< items along each dimension
  std::span<const int64_t> strides;          ///< bytes from item to item, one a dimension
  int64_t offset = 0;                        ///< bytes from the data pointer to the first item
  std::span<const int64_t> suboffsets = {};  ///< none, or one a dimension
};

/// The plan for these layouts and options, from the cache or made now. Same errors as
/// Plan::convert.
///
///     const int64_t shape[] = {1000}, from[] = {6}, to[] = {2};
///     Plan plan = sc::cached_convert({&source_format, shape, from}, {&result_format, shape, to});
STRIDECAST_API Plan cached_convert(const LayoutView& src, const LayoutView& dst,
                                   const ConvertOptions& options = {});
/// The same for Plan::convert with a mask.
STRIDECAST_API Plan cached_convert(const LayoutView& src, const LayoutView& dst,
                                   const LayoutView& where, const ConvertOptions& options = {});
/// The same for Plan::decode.
STRIDECAST_API Plan cached_decode(const LayoutView& src, const LayoutView& dst,
                                  const Scaling& scaling, const ConvertOptions& options = {});
/// The same for Plan::encode.
STRIDECAST_API Plan cached_encode(const LayoutView& src, const LayoutView& dst,
                                  const Scaling& scaling, const ConvertOptions& options = {});
/// The same for Plan::decode_time.
STRIDECAST_API Plan cached_decode_time(const LayoutView& src, const LayoutView& dst,
                                       const TimeUnits& units,
                                       const std::vector<ElementBytes>& missing = {},
                                       const ConvertOptions& options = {});
/// The same for Plan::encode_time.
STRIDECAST_API Plan cached_encode_time(const LayoutView& src, const LayoutView& dst,
                                       const TimeUnits& units,
                                       const std::vector<ElementBytes>& missing = {},
                                       const ConvertOptions& options = {});
/// The same for Plan::byteswap.
STRIDECAST_API Plan cached_byteswap(const LayoutView& src, const LayoutView& dst);
/// The same for Plan::reduce.
STRIDECAST_API Plan cached_reduce(const LayoutView& src, const LayoutView& dst,
                                  const ReduceOptions& options);
/// The same for Plan::reduce with a mask.
STRIDECAST_API Plan cached_reduce(const LayoutView& src, const LayoutView& dst,
                                  const LayoutView& where, const ReduceOptions& options);

/// Converts, copies (equal formats) or broadcasts src into dst. Throws as Plan::convert and
/// Plan::run do.
///
///     sc::convert(sc::Layout::contiguous(sc::Format::of(sc::DType::kFloat32), {n}), weights,
///                 sc::Layout::contiguous(sc::Format::of(sc::DType::kBFloat16), {n}), out);
STRIDECAST_API void convert(const Layout& src, const void* src_data, const Layout& dst,
                            void* dst_data, const ConvertOptions& options = {},
                            const RunOptions& run = {});

/// Reverses the bytes of every element of src on their way to dst, which may be src itself. Throws
/// as Plan::byteswap and Plan::run do.
///
///     auto numbers = sc::Layout::contiguous(sc::Format::parse("I"), {n});
///     sc::byteswap(numbers, data, numbers, data);  // in place
STRIDECAST_API void byteswap(const Layout& src, const void* src_data, const Layout& dst,
                             void* dst_data, const RunOptions& run = {});

/// A dense array of its own. `data` is aligned to 64 bytes and fits layout.offset() == 0.
struct STRIDECAST_API Array {
  /// Gives the memory back.
  struct Free {
    /// Called by `data` when it goes.
    void operator()(std::byte* memory) const noexcept;
  };
  Layout layout;                          ///< where the items lie, from `data` on
  std::unique_ptr<std::byte, Free> data;  ///< the memory; never null
};

/// Memory for a dense array: uninitialised, but zeros for structs, whose padding nobody writes.
/// Throws Error(kOutOfMemory).
STRIDECAST_API Array make_array(Layout layout);

/// A copy of src, dense in the given order: NumPy's ascontiguousarray (always a copy: see
/// Layout::is_c_contiguous) and asfortranarray. Throws as Plan::run does, and Error(kOutOfMemory).
///
///     sc::Array packed = sc::copy(view_layout, view_data);
STRIDECAST_API Array copy(const Layout& src, const void* src_data, Order order = Order::kC,
                          const RunOptions& run = {});

/// One field of an array of structs beside the array it is taken from or put into; shapes and
/// formats convert as in convert().
struct FieldArray {
  std::string_view name;           ///< of the struct's field
  const Layout* layout = nullptr;  ///< of the array
  void* data = nullptr;            ///< the array's data pointer; split writes it, join reads it
};

/// Takes fields of an array of structs apart into arrays, in one pass over the structs' memory. A
/// field's array has the structs' shape, a sub-array's dimensions last. Throws as Layout::field,
/// Plan::convert and Plan::run do; a data error names the field, and its position() is the
/// struct's. Refused before anything is written: suboffsets, and arrays that share memory with
/// those fields or each other.
///
///     auto points = sc::Layout::contiguous(sc::Format::parse("T{f:x:H:id:}"), {n});
///     auto x = sc::Layout::contiguous(sc::Format::parse("d"), {n});  // converts on the way
///     const sc::FieldArray fields[] = {{"x", &x, x_data}};
///     sc::split(points, point_data, fields);
STRIDECAST_API void split(const Layout& src, const void* src_data,
                          std::span<const FieldArray> fields, const ConvertOptions& options = {},
                          const RunOptions& run = {});
/// Puts arrays together as the fields of an array of structs, in one pass: the way back, with the
/// same errors. Bytes of dst that no field names keep their value.
STRIDECAST_API void join(std::span<const FieldArray> fields, const Layout& dst, void* dst_data,
                         const ConvertOptions& options = {}, const RunOptions& run = {});

/// The state of the cache of plans.
struct PlanCacheStats {
  size_t size;      ///< plans in it
  size_t capacity;  ///< plans that it keeps at most
  size_t hits;      ///< look-ups that found their plan, so far
  size_t misses;    ///< look-ups that made it
};
/// The state of the cache now.
STRIDECAST_API PlanCacheStats plan_cache_stats();
/// Forgets all cached plans; those in use live on.
STRIDECAST_API void clear_plan_cache();

}  // namespace v0
}  // namespace stridecast

#endif  // STRIDECAST_OPS_H_
