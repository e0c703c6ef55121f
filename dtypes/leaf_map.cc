// Flattens formats, see leaf_map.h. Recursion is as deep as a format, at most 64.

#include "dtypes/leaf_map.h"

#include <utility>

namespace stridecast::internal {
namespace {

// What the enclosing fields contribute to a leaf.
struct Enclosing {
  std::string path, key;
  bool all_named = true;
  int64_t offset = 0;
  std::vector<LeafDim> dims;
};

class Flattener {
 public:
  std::vector<Leaf> flatten(const std::vector<Field>& fields) {
    if (fields.size() == 1 && !fields[0].has_name) {
      // The item itself needs no name, neither an element nor the struct around all members.
      Enclosing item;
      item.all_named = fields[0].type == DType::kStruct;
      append_field(fields[0], std::move(item));
    } else {
      append_members(fields, Enclosing{});
    }
    return std::move(leaves_);
  }

 private:
  static constexpr size_t kMaxBytes = size_t{64} << 20;

  void append_members(const std::vector<Field>& fields, const Enclosing& outer) {
    for (size_t i = 0; i < fields.size(); ++i) {
      const Field& field = fields[i];
      bytes_ += 2 * outer.path.size() + outer.dims.size() * sizeof(LeafDim);
      if (bytes_ > kMaxBytes) {
        throw Error(ErrorCode::kInvalidArgument,
                    "the format's field paths and sub-array dimensions take more than 64 MiB; use "
                    "shorter names or fewer fields");
      }
      Enclosing here = outer;
      if (!here.path.empty()) here.path += '.';
      here.path += field.has_name ? field.name : "[" + std::to_string(i) + "]";
      here.key += field.has_name ? ":" + field.name : "::" + std::to_string(i);
      here.all_named = outer.all_named && field.has_name;
      append_field(field, std::move(here));
    }
  }

  void append_field(const Field& field, Enclosing here) {
    here.offset += field.offset;
    const size_t first = here.dims.size();
    for (const int64_t count : field.shape) here.dims.push_back({count, 0});
    int64_t stride = field.itemsize;
    for (size_t i = here.dims.size(); i > first; --i) {
      here.dims[i - 1].stride = stride;
      stride *= here.dims[i - 1].count;  // in range: the parser has checked the product
    }
    if (field.type == DType::kStruct) {
      append_members(field.fields, here);
      return;
    }
    Leaf& leaf = leaves_.emplace_back();
    leaf.path = std::move(here.path);
    leaf.key = std::move(here.key);
    leaf.all_named = here.all_named;
    leaf.offset = here.offset;
    leaf.dims = std::move(here.dims);
    leaf.type = field.type;
    leaf.order = field.order;
    leaf.itemsize = field.itemsize;
    leaf.swap_unit = field.swap_unit;
    leaf.custom = field.custom;
  }

  std::vector<Leaf> leaves_;
  size_t bytes_ = 0;  // of paths and dimensions so far
};

}  // namespace

std::vector<Leaf> leaves(const Format& format) { return Flattener().flatten(format.fields()); }

}  // namespace stridecast::internal
