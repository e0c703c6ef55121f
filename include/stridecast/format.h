// Format: what one item of a buffer is. A buffer format text (PEP 3118, extended by bfloat16's
// letter and [module$qualname$param]) becomes a tree of fields with offsets. A Format holds no
// memory and knows no shape of an array; that is layout.h.
#ifndef STRIDECAST_FORMAT_H_
#define STRIDECAST_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stridecast/error.h"
#include "stridecast/export.h"
#include "stridecast/types.h"

namespace stridecast {
inline namespace v0 {

/// A [module$qualname$param] as written (param unescaped). Inert text: nothing is imported.
struct CustomType {
  std::string module;    ///< dotted: "numpy"
  std::string qualname;  ///< dotted: "datetime64"
  std::string param;     ///< "ns"; empty if there is none
  /// Equal in all three texts.
  bool operator==(const CustomType&) const = default;
};

/// One member of an item: an element, an array of elements, or a struct of further fields.
struct Field {
  std::string name;       ///< UTF-8; meaningful when has_name
  bool has_name = false;  ///< false: the text gives it none
  int64_t offset = 0;     ///< bytes from the start of the enclosing struct
  std::string code;  ///< of the canonical text, without mark and shape: "i", "5s", "Zf", "T", "[]"
  DType type = DType::kOpaque;         ///< kStruct where `fields` counts
  ByteOrder order = ByteOrder::kNone;  ///< kNone where it means nothing, as of bytes and structs
  std::vector<int64_t> shape;          ///< of a sub-array, C order; empty for one element
  int64_t itemsize = 0;                ///< bytes of ONE element of the sub-array
  int64_t alignment = 1;               ///< what the layout itself keeps; never required of memory
  int64_t swap_unit = 1;  ///< bytes reversed together by a byteswap; 0: unknown type, cannot swap
  std::vector<Field> fields;         ///< of a struct, in the order of the text
  std::optional<CustomType> custom;  ///< set for [module$qualname$param]
  std::vector<CustomType> aliases;   ///< its other spellings in the text, where none is known
};

/// A parsed format: an immutable value, cheap to copy (formats of equal canonical text and itemsize
/// share one body, so comparison and hashing are one pointer operation).
///
///     Format f = Format::parse("T{<d:x:E:w:}");
///     f.itemsize();                    // 10
///     f.text();                        // "^T{d:x:E:w:}", the canonical form
///     f.fields()[0].fields[1].offset;  // 8
class STRIDECAST_API Format {
 public:
  /// Parses `text` (UTF-8 bytes). `itemsize` is what the exporter claims, in bytes: it adds tail
  /// padding or gives an unknown type its size, and must otherwise agree with the text. With
  /// `exact_size` (ctypes exporters, which write all padding) it must agree to the byte.
  /// Throws Error: kFormat with kind and position, or kUnknownType for a custom type whose size
  /// nobody knows.
  static Format parse(std::string_view text, std::optional<int64_t> itemsize = std::nullopt,
                      bool exact_size = false);
  /// One arithmetic element: Format::of(DType::kBFloat16) is parse("E").
  static Format of(DType type, ByteOrder order = kHostOrder);

  /// The canonical text: equal formats print equal texts and parse(text(), itemsize()) is this
  /// format.
  const std::string& text() const noexcept;
  /// Bytes of one item, padding included.
  int64_t itemsize() const noexcept;
  /// Bytes, a power of two: what the text asks for. Nothing here ever requires it of memory.
  int64_t alignment() const noexcept;
  /// The items of the text, one for a plain "i" or "T{...}".
  const std::vector<Field>& fields() const noexcept;
  /// The one element if the format is a single scalar without sub-array shape, else nullptr.
  const Field* scalar() const noexcept;
  /// A tree of the items with offsets, one line each, for people.
  std::string describe() const;

  /// Equal canonical text and itemsize.
  bool operator==(const Format& other) const noexcept { return impl_ == other.impl_; }
  /// Equal for equal formats, in this process.
  size_t hash() const noexcept { return reinterpret_cast<size_t>(impl_.get()) >> 4; }
  /// Identity of the shared body: equal formats have equal ids while one of them lives.
  const void* id() const noexcept { return impl_.get(); }

  /// @cond of the library itself: users call parse() and of()
  struct Impl;
  explicit Format(std::shared_ptr<const Impl> impl) noexcept : impl_(std::move(impl)) {}
  /// @endcond

 private:
  std::shared_ptr<const Impl> impl_;
};

}  // namespace v0
}  // namespace stridecast

#endif  // STRIDECAST_FORMAT_H_
