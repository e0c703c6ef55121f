// What a registered type is stored as, seen as fields of a format: their byte order, number and
// depth. Which type is stored as what is type_registry.h.
#ifndef STRIDECAST_DTYPES_STORAGE_FIELDS_H_
#define STRIDECAST_DTYPES_STORAGE_FIELDS_H_

#include <cstdint>
#include <vector>

#include "stridecast/format.h"
#include "stridecast/types.h"

namespace stridecast::internal {

// Whether elements of `type`, a struct of `fields` if it is one, can lie in the other byte order.
bool has_swapped_form(DType type, const std::vector<Field>& fields);

// Gives the elements of a struct in the host's order the order `order`; false if order means
// nothing to any of them.
bool set_order(std::vector<Field>* fields, ByteOrder order);

// Fields of all levels.
int64_t count_fields(const std::vector<Field>& fields);

// Structs in structs; 0 where there are no fields.
int depth_of(const std::vector<Field>& fields);

}  // namespace stridecast::internal

#endif  // STRIDECAST_DTYPES_STORAGE_FIELDS_H_
