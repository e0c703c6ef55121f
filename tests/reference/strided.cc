#include "tests/reference/strided.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "stridecast/kernel_abi.h"

namespace stridecast::reference {
namespace {

void append_leaves(const std::vector<Field>& fields, const Leaf& parent, std::vector<Leaf>& out) {
  for (const Field& field : fields) {
    Leaf leaf;
    leaf.path = parent.path;
    leaf.named = parent.named && field.has_name;
    if (field.has_name) leaf.path += (leaf.path.empty() ? "" : ".") + field.name;
    leaf.type = field.type;
    leaf.order = field.order;
    leaf.size = field.itemsize;
    leaf.swap_unit = field.swap_unit;
    int64_t repeats = 1;
    for (int64_t n : field.shape) repeats *= n;
    for (int64_t i = 0; i < repeats; ++i) {
      leaf.offset = parent.offset + field.offset + i * field.itemsize;
      if (field.type == DType::kStruct) {
        append_leaves(field.fields, leaf, out);
      } else {
        out.push_back(leaf);
      }
    }
  }
}

constexpr size_t kNoLeaf = SIZE_MAX;

// For each leaf of dst the leaf of src that feeds it. Equal paths (of one sub-array) pair in order.
std::vector<size_t> pair_leaves(const std::vector<Leaf>& src, const std::vector<Leaf>& dst,
                                Pairing pairing) {
  const bool may_lack = pairing == Pairing::kNameOrZero;
  if (!may_lack && src.size() != dst.size()) throw std::logic_error("leaf counts differ");
  std::vector<size_t> source(dst.size(), kNoLeaf);
  std::vector<bool> taken(src.size(), false);
  for (size_t d = 0; d < dst.size(); ++d) {
    size_t s = d;
    if (pairing != Pairing::kPosition) {
      for (s = 0; s < src.size() && (taken[s] || src[s].path != dst[d].path); ++s) {
      }
      if (s == src.size() && may_lack) continue;
      if (s == src.size()) throw std::logic_error("no source leaf named " + dst[d].path);
    }
    taken[s] = true;
    source[d] = s;
  }
  return source;
}

// Offsets of all items in C order.
std::vector<int64_t> item_offsets(const Layout& layout) {
  std::vector<int64_t> offsets;
  offsets.reserve(static_cast<size_t>(layout.size()));
  for_each_item(layout, [&](int64_t, int64_t offset) { offsets.push_back(offset); });
  return offsets;
}

// For every item of dst, the C-order index of the source item that it reads.
std::vector<int64_t> source_indices(const Layout& src, std::span<const int64_t> shape) {
  std::vector<int64_t> strides(src.shape().size());
  int64_t stride = 1;
  for (size_t axis = strides.size(); axis-- > 0;) {
    strides[axis] = stride;
    stride *= src.shape()[axis];
  }
  const Layout numbers =
      Layout::strided(Format::of(DType::kInt8), {src.shape().begin(), src.shape().end()}, strides);
  return item_offsets(broadcast(numbers, shape));
}

// For every item of dst whether it is written; empty: all are.
std::vector<bool> selection(const Mask& where, std::span<const int64_t> shape) {
  std::vector<bool> selected;
  if (where.layout == nullptr) return selected;
  for (const int64_t offset : item_offsets(broadcast(*where.layout, shape))) {
    selected.push_back(static_cast<const unsigned char*>(where.data)[offset] != 0);
  }
  return selected;
}

}  // namespace

std::vector<Leaf> leaves(const Format& format) {
  std::vector<Leaf> out;
  append_leaves(format.fields(), Leaf{}, out);
  return out;
}

Layout broadcast(const Layout& src, std::span<const int64_t> shape) {
  std::vector<int64_t> strides(shape.size(), 0);
  // Axes are matched from the last one. Those of src that are left over have size 1.
  const size_t common = std::min(shape.size(), src.shape().size());
  for (size_t k = 1; k <= common; ++k) {
    const size_t to = shape.size() - k, from = src.shape().size() - k;
    if (src.shape()[from] == shape[to]) strides[to] = src.strides()[from];
  }
  return Layout::strided(src.format(), {shape.begin(), shape.end()}, strides, src.offset());
}

Outcome convert(const Layout& src, const void* src_data, const Layout& dst, void* dst_data,
                Mode mode, bool nan_raises, Pairing pairing, const Mask& where) {
  const std::vector<Leaf> src_leaves = leaves(src.format());
  const std::vector<Leaf> dst_leaves = leaves(dst.format());
  const std::vector<size_t> source = pair_leaves(src_leaves, dst_leaves, pairing);
  const std::vector<int64_t> offsets = item_offsets(broadcast(src, dst.shape()));
  const std::vector<int64_t> indices = source_indices(src, dst.shape());
  const std::vector<bool> selected = selection(where, dst.shape());
  Outcome outcome;
  for_each_item(dst, [&](int64_t index, int64_t dst_offset) {
    const auto at = static_cast<size_t>(index);
    if (!selected.empty() && !selected[at]) return;
    for (size_t d = 0; d < dst_leaves.size(); ++d) {
      const Leaf& to = dst_leaves[d];
      char* write = static_cast<char*>(dst_data) + dst_offset + to.offset;
      if (source[d] == kNoLeaf) {
        std::memset(write, 0, static_cast<size_t>(to.size));
        continue;
      }
      const Leaf& from = src_leaves[source[d]];
      const char* read = static_cast<const char*>(src_data) + offsets[at] + from.offset;
      const Bits bits = load(read, size(from.type), from.order);
      const Converted result = convert(from.type, bits, to.type, mode, nan_raises);
      store(write, size(to.type), result.bits, to.order);
      if (!result.error()) continue;
      const uint32_t errors = (result.overflow ? uint32_t{SC_ERR_OVERFLOW} : 0u) |
                              (result.nan ? uint32_t{SC_ERR_NAN} : 0u);
      if (!outcome.error || indices[at] < outcome.index) {
        outcome = {true, indices[at], errors};
      } else if (indices[at] == outcome.index) {
        outcome.bits |= errors;
      }
    }
  });
  return outcome;
}

void copy(const Layout& src, const void* src_data, const Layout& dst, void* dst_data,
          const Mask& where) {
  const std::vector<int64_t> offsets = item_offsets(broadcast(src, dst.shape()));
  const std::vector<bool> selected = selection(where, dst.shape());
  for_each_item(dst, [&](int64_t index, int64_t dst_offset) {
    if (!selected.empty() && !selected[static_cast<size_t>(index)]) return;
    std::memcpy(static_cast<char*>(dst_data) + dst_offset,
                static_cast<const char*>(src_data) + offsets[static_cast<size_t>(index)],
                static_cast<size_t>(dst.format().itemsize()));
  });
}

void byteswap(const Layout& src, const void* src_data, const Layout& dst, void* dst_data,
              const Mask& where) {
  const std::vector<Leaf> all = leaves(dst.format());
  const std::vector<int64_t> offsets = item_offsets(broadcast(src, dst.shape()));
  const std::vector<bool> selected = selection(where, dst.shape());
  for_each_item(dst, [&](int64_t index, int64_t dst_offset) {
    if (!selected.empty() && !selected[static_cast<size_t>(index)]) return;
    for (const Leaf& leaf : all) {
      char* element = static_cast<char*>(dst_data) + dst_offset + leaf.offset;
      std::memcpy(
          element,
          static_cast<const char*>(src_data) + offsets[static_cast<size_t>(index)] + leaf.offset,
          static_cast<size_t>(leaf.size));
      for (int64_t at = 0; at < leaf.size; at += leaf.swap_unit) {
        std::reverse(element + at, element + at + leaf.swap_unit);
      }
    }
  });
}

}  // namespace stridecast::reference
