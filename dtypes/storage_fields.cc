// Walks over the fields of storages, see storage_fields.h. Recursion is as deep as a format, at
// most 64.

#include "dtypes/storage_fields.h"

#include <algorithm>

namespace stridecast::internal {

bool has_swapped_form(DType type, const std::vector<Field>& fields) {
  return type != DType::kLongDouble && type != DType::kComplexLongDouble &&
         std::all_of(fields.begin(), fields.end(),
                     [](const Field& field) { return has_swapped_form(field.type, field.fields); });
}

bool set_order(std::vector<Field>* fields, ByteOrder order) {
  bool any = false;
  for (Field& field : *fields) {
    if (field.type == DType::kStruct) {
      const bool inner = set_order(&field.fields, order);
      if (inner && field.custom) field.order = order;
      any = inner || any;
    } else if (field.order != ByteOrder::kNone) {
      field.order = order;
      any = true;
    }
  }
  return any;
}

int64_t count_fields(const std::vector<Field>& fields) {
  int64_t count = static_cast<int64_t>(fields.size());
  for (const Field& field : fields) count += count_fields(field.fields);
  return count;
}

int depth_of(const std::vector<Field>& fields) {
  if (fields.empty()) return 0;
  int depth = 0;
  for (const Field& field : fields) depth = std::max(depth, depth_of(field.fields));
  return depth + 1;
}

}  // namespace stridecast::internal
