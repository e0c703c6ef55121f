// Checks of ArrowArrays; see arrow_check.h.
#include "python/arrow_check.h"

#include <cstdint>
#include <string>

namespace stridecast::python {
namespace {

[[noreturn]] void wrong(const ArrowNode& node, const std::string& what) {
  const std::string where = node.path.empty() ? "" : " of field '" + node.path + "'";
  throw Error(ErrorCode::kBuffer, "the Arrow array" + where + " " + what);
}

void require_count(const ArrowNode& node, const char* what, int64_t got, int64_t expected) {
  if (got == expected) return;
  wrong(node,
        "has " + std::to_string(got) + " " + what + ", its type has " + std::to_string(expected));
}

// The end of the items in buffers and children: offset + length.
int64_t check_lengths(const ArrowNode& node, const ArrowArray& array) {
  int64_t end = 0;
  if (array.length < 0 || array.offset < 0 ||
      __builtin_add_overflow(array.length, array.offset, &end)) {
    wrong(node, "claims " + std::to_string(array.length) + " items from item " +
                    std::to_string(array.offset) + " on");
  }
  if (array.null_count < -1 || array.null_count > array.length) {
    wrong(node, "claims " + std::to_string(array.null_count) + " nulls in " +
                    std::to_string(array.length) + " items");
  }
  return end;
}

void check_buffers(const ArrowNode& node, const ArrowArray& array, int64_t end) {
  const bool values = node.kind == ArrowNode::Kind::kValues;
  require_count(node, "buffers", array.n_buffers, values ? 2 : 1);
  if (array.buffers == nullptr) wrong(node, "has no table of buffers");
  if (array.null_count > 0 && array.buffers[0] == nullptr) {
    wrong(node, "claims " + std::to_string(array.null_count) + " nulls and says not which");
  }
  if (!values) return;
  int64_t bytes = 0;
  if (node.storage == ArrowStorage::kBits) {
    bytes = end / 8 + (end % 8 != 0 ? 1 : 0);
  } else if (__builtin_mul_overflow(end, node.itemsize, &bytes)) {
    wrong(node, "claims more bytes than can be addressed");
  }
  const auto address = reinterpret_cast<uintptr_t>(array.buffers[1]);
  if (address == 0 && array.length > 0) {
    wrong(node, "has no data for its " + std::to_string(array.length) + " items");
  }
  if (static_cast<uintptr_t>(bytes) > UINTPTR_MAX - address) {
    wrong(node, "claims more bytes than can be addressed");
  }
}

}  // namespace

void check_array(const ArrowNode& node, const ArrowArray& array) {
  if (array.release == nullptr) wrong(node, "was released before it was read");
  const int64_t end = check_lengths(node, array);
  if (array.dictionary != nullptr) wrong(node, "has a dictionary, its schema has none");
  check_buffers(node, array, end);
  require_count(node, "children", array.n_children, static_cast<int64_t>(node.children.size()));
  if (node.children.empty()) return;
  // So many items of every child are read.
  int64_t needed = end;
  if (node.kind == ArrowNode::Kind::kList && __builtin_mul_overflow(end, node.dims[0], &needed)) {
    wrong(node, "claims more items than 63 bits count");
  }
  for (size_t i = 0; i < node.children.size(); ++i) {
    if (array.children == nullptr || array.children[i] == nullptr) {
      wrong(node, "has no child " + std::to_string(i));
    }
    const ArrowArray& child = *array.children[i];
    check_array(node.children[i], child);
    if (child.length < needed) {
      wrong(node.children[i], "has " + std::to_string(child.length) +
                                  " items, its parent's reach to " + std::to_string(needed));
    }
  }
}

}  // namespace stridecast::python
