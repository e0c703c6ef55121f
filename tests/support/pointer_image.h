// Arrays with suboffsets: tables of pointers and the blocks behind them, each block exactly as
// large as its part of the layout says, so that a sanitizer sees what runs past one.
#ifndef STRIDECAST_TESTS_SUPPORT_POINTER_IMAGE_H_
#define STRIDECAST_TESTS_SUPPORT_POINTER_IMAGE_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "stridecast/plan.h"
#include "tests/support/random_layout.h"

namespace stridecast::testing {

class PointerImage {
 public:
  /// An array of random bytes with random steps: `pointers[axis]` says which axes are pointers.
  /// Items of a source may share bytes.
  PointerImage(Random& random, const Format& format, const std::vector<int64_t>& shape,
               const std::vector<bool>& pointers, bool is_source);

  const Layout& layout() const { return *layout_; }
  Operand operand() const;
  /// Item (i0, i1, ...), by the rule of PEP 3118.
  unsigned char* item(std::span<const int64_t> position) const;

  /// All items, dense in C order.
  std::vector<unsigned char> items() const;
  void set_items(const std::vector<unsigned char>& items);
  /// All blocks, tables and gaps included.
  std::vector<std::vector<unsigned char>> bytes() const;

 private:
  unsigned char* block_for(const Layout& level);
  unsigned char* build(size_t level, Random& random);
  template <typename Visit>
  void for_each(Visit visit) const;

  std::vector<Layout> levels_;
  std::vector<int64_t> suboffsets_;  // behind each level but the last
  std::unique_ptr<Layout> layout_;
  unsigned char* data_ = nullptr;
  std::vector<std::unique_ptr<std::vector<unsigned char>>> blocks_;
};

/// Which axes are pointers, by chance: none to all.
std::vector<bool> random_pointers(Random& random, size_t ndim);

/// "float32 shape (2, 3) strides (12, -4) offset 8 suboffsets (0, -1)"
std::string to_text(const PointerImage& image);

}  // namespace stridecast::testing

#endif  // STRIDECAST_TESTS_SUPPORT_POINTER_IMAGE_H_
