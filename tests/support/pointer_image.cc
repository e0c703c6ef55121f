#include "tests/support/pointer_image.h"

#include <cstring>

#include "tests/reference/strided.h"

namespace stridecast::testing {

PointerImage::PointerImage(Random& random, const Format& format, const std::vector<int64_t>& shape,
                           const std::vector<bool>& pointers, bool is_source) {
  std::vector<int64_t> strides, suboffsets;
  auto begin = shape.begin();
  const auto add_level = [&](std::vector<int64_t>::const_iterator end, bool last) {
    const std::vector<int64_t> sizes(begin, end);
    begin = end;
    const Format cell = last ? format : Format::of(DType::kUint64);
    levels_.push_back(last && is_source ? random_source(random, cell, sizes)
                                        : random_destination(random, cell, sizes));
    const auto steps = levels_.back().strides();
    strides.insert(strides.end(), steps.begin(), steps.end());
    suboffsets.resize(strides.size(), -1);
    if (last) return;
    suboffsets_.push_back(random.chance(50) ? 0 : random.between(1, 30));
    suboffsets.back() = suboffsets_.back();
  };
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (pointers[axis]) add_level(shape.begin() + static_cast<std::ptrdiff_t>(axis) + 1, false);
  }
  add_level(shape.end(), true);
  layout_ = std::make_unique<Layout>(
      Layout::strided(format, shape, strides, levels_[0].offset(), suboffsets));
  if (layout_->size() == 0) return;  // no pointer may be followed
  data_ = build(0, random) - levels_[0].offset();
}

// A block for one level; the address of its item (0, 0, ...).
unsigned char* PointerImage::block_for(const Layout& level) {
  const Extent extent = level.extent();
  blocks_.push_back(std::make_unique<std::vector<unsigned char>>(
      static_cast<size_t>(extent.highest - extent.lowest)));
  return blocks_.back()->data() - extent.lowest + level.offset();
}

unsigned char* PointerImage::build(size_t at, Random& random) {
  const Layout& level = levels_[at];
  unsigned char* first = block_for(level);
  for (unsigned char& byte : *blocks_.back()) byte = static_cast<unsigned char>(random.bits());
  if (at + 1 == levels_.size()) return first;
  reference::for_each_item(level, [&](int64_t, int64_t offset) {
    const uintptr_t pointer = reinterpret_cast<uintptr_t>(build(at + 1, random)) -
                              static_cast<uintptr_t>(suboffsets_[at]);
    std::memcpy(first + offset - level.offset(), &pointer, sizeof(pointer));
  });
  return first;
}

Operand PointerImage::operand() const {
  return {data_, layout_->extent().lowest, layout_->extent().highest};
}

unsigned char* PointerImage::item(std::span<const int64_t> position) const {
  unsigned char* at = data_ + layout_->offset();
  for (size_t axis = 0; axis < position.size(); ++axis) {
    at += layout_->strides()[axis] * position[axis];
    if (layout_->suboffsets().empty() || layout_->suboffsets()[axis] < 0) continue;
    uintptr_t pointer;
    std::memcpy(&pointer, at, sizeof(pointer));
    at = reinterpret_cast<unsigned char*>(pointer +
                                          static_cast<uintptr_t>(layout_->suboffsets()[axis]));
  }
  return at;
}

template <typename Visit>
void PointerImage::for_each(Visit visit) const {
  std::vector<int64_t> position(layout_->shape().size());
  for (int64_t index = 0; index < layout_->size(); ++index) {
    visit(static_cast<size_t>(index), item(position));
    for (size_t axis = position.size(); axis-- > 0;) {
      if (++position[axis] < layout_->shape()[axis]) break;
      position[axis] = 0;
    }
  }
}

std::vector<unsigned char> PointerImage::items() const {
  const auto size = static_cast<size_t>(layout_->format().itemsize());
  std::vector<unsigned char> items(static_cast<size_t>(layout_->size()) * size);
  for_each([&](size_t index, const unsigned char* item) {
    if (size > 0) std::memcpy(items.data() + index * size, item, size);
  });
  return items;
}

void PointerImage::set_items(const std::vector<unsigned char>& items) {
  const auto size = static_cast<size_t>(layout_->format().itemsize());
  for_each([&](size_t index, unsigned char* item) {
    if (size > 0) std::memcpy(item, items.data() + index * size, size);
  });
}

std::vector<std::vector<unsigned char>> PointerImage::bytes() const {
  std::vector<std::vector<unsigned char>> all;
  for (const auto& block : blocks_) all.push_back(*block);
  return all;
}

std::vector<bool> random_pointers(Random& random, size_t ndim) {
  std::vector<bool> pointers(ndim);
  for (size_t axis = 0; axis < ndim; ++axis) pointers[axis] = random.chance(35);
  return pointers;
}

std::string to_text(const PointerImage& image) {
  std::string text = to_text(image.layout()) + " suboffsets (";
  for (int64_t suboffset : image.layout().suboffsets()) text += std::to_string(suboffset) + ", ";
  return text + ")";
}

}  // namespace stridecast::testing
