// The oracle for arrays: copies, byteswaps and converts item by item in C order, through the fields
// of both formats, with no thought for speed. It reads formats and layouts as plain data (offsets,
// strides) and shares no code with the engine. Elements are element.h.
#ifndef STRIDECAST_TESTS_REFERENCE_STRIDED_H_
#define STRIDECAST_TESTS_REFERENCE_STRIDED_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "stridecast/layout.h"
#include "tests/reference/element.h"

namespace stridecast::reference {

/// One element of an item: sub-arrays and structs are spelled out.
struct Leaf {
  std::string path;    // "a.b" of named fields, without positions in sub-arrays
  bool named = true;   // every field on the way has a name
  int64_t offset = 0;  // from the start of the item
  DType type = DType::kOpaque;
  ByteOrder order = ByteOrder::kNone;
  int64_t size = 0;       // bytes
  int64_t swap_unit = 1;  // bytes reversed together
};
std::vector<Leaf> leaves(const Format& format);

/// Calls visit(index, byte offset) for every item in C order; the offset counts from the layout's
/// data pointer.
template <typename Visit>
void for_each_item(const Layout& layout, Visit visit) {
  std::vector<int64_t> position(layout.shape().size(), 0);
  for (int64_t index = 0; index < layout.size(); ++index) {
    int64_t offset = layout.offset();
    for (size_t axis = 0; axis < position.size(); ++axis) {
      offset += position[axis] * layout.strides()[axis];
    }
    visit(index, offset);
    for (size_t axis = position.size(); axis-- > 0;) {
      if (++position[axis] < layout.shape()[axis]) break;
      position[axis] = 0;
    }
  }
}

/// The same data seen with the shape of `dst`, as NumPy broadcasts: new and stretched axes stand
/// still.
Layout broadcast(const Layout& src, std::span<const int64_t> shape);

/// What a run has to report.
struct Outcome {
  bool error = false;
  int64_t index = -1;  // in C order of the source, the lowest that fails
  uint32_t bits = 0;   // SC_ERR_OVERFLOW, SC_ERR_NAN of all leaves that fail there
};

enum class Pairing : uint8_t {
  kName,
  kPosition,
  kNameOrZero,  // by name; leaves of dst that src lacks become zero, those that dst lacks are
                // unread
};

/// Which items of dst are written: those whose byte of the mask, broadcast to dst's shape, is not
/// 0. Of the others nothing is read, written or reported. Without a layout, all.
struct Mask {
  const Layout* layout = nullptr;
  const void* data = nullptr;
};

/// Converts every leaf; bytes of dst between leaves keep their value. Leaves that do not pair are a
/// mistake of the test (std::logic_error).
Outcome convert(const Layout& src, const void* src_data, const Layout& dst, void* dst_data,
                Mode mode = Mode::kWrap, bool nan_raises = false,
                Pairing pairing = Pairing::kPosition, const Mask& where = {});

/// Equal formats: every byte of every item, padding included.
void copy(const Layout& src, const void* src_data, const Layout& dst, void* dst_data,
          const Mask& where = {});

/// Leaves at equal offsets: the bytes of every element reversed; bytes of dst between leaves keep
/// their value.
void byteswap(const Layout& src, const void* src_data, const Layout& dst, void* dst_data,
              const Mask& where = {});

}  // namespace stridecast::reference

#endif  // STRIDECAST_TESTS_REFERENCE_STRIDED_H_
