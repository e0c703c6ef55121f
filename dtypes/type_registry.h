// The types that users registered (register_type in stridecast/types.h), and those that the host
// can look up. Entries are never changed or removed, so that plans may point into them.
#ifndef STRIDECAST_DTYPES_TYPE_REGISTRY_H_
#define STRIDECAST_DTYPES_TYPE_REGISTRY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "dtypes/format_extensions.h"
#include "stridecast/format.h"
#include "stridecast/types.h"

namespace stridecast::internal {

// The kernels of one conversion as a plan calls them.
struct RegisteredConversion {
  DType other = DType::kFloat64;
  sc_entry decode = {}, encode = {};  // without run: there is none
  const void* params = nullptr;
};

struct RegisteredType {
  TypeRegistration facts;
  std::vector<RegisteredConversion> conversions;
  std::string decode_name, encode_name;  // of the entries
};

// Items larger than this have no conversions: a chunk of them must fit scratch.
inline constexpr int64_t kMaxConvertedBytes = 1024;

// The type by name, or null.
const RegisteredType* find_registered(const CustomType& type) noexcept;

// As resolve_custom(), for what was registered or the host's resolver knows.
Resolution resolve_registered(const CustomType& type, CustomFacts* facts);

// Grows with every registration and resolver: what was parsed before may mean more now.
uint64_t registry_generation() noexcept;

// Around fork(): the table's mutex must not be held by a thread that the child does not have.
void lock_type_registry();
void unlock_type_registry();

}  // namespace stridecast::internal

#endif  // STRIDECAST_DTYPES_TYPE_REGISTRY_H_
