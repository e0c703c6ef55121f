// Which custom types [module$qualname$param] are known: a table of those that the library knows by
// itself (numpy's datetime64 and timedelta64, every type of ml_dtypes, types of Python's standard
// library and of array libraries by their size), then the types that users registered
// (type_registry.h). Nothing is imported.
#ifndef STRIDECAST_DTYPES_FORMAT_EXTENSIONS_H_
#define STRIDECAST_DTYPES_FORMAT_EXTENSIONS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "stridecast/format.h"
#include "stridecast/types.h"

namespace stridecast::internal {

enum class Resolution : uint8_t {
  kKnown,
  kUnknown,   // nobody has said what this type is
  kBadParam,  // the type is known, but it has no such parameter
};

struct CustomFacts {
  DType type = DType::kOpaque;
  int64_t size = 0;
  int64_t alignment = 1;
  int64_t swap_unit = 0;
  std::string param;          // canonical: "us" for "1us"
  std::vector<Field> fields;  // of a type that is stored as a struct, in host order
};

// Fills *facts where the answer is kKnown.
Resolution resolve_custom(const CustomType& type, CustomFacts* facts);

// Whether `type` is another spelling of a type with a code of its own ("E" for ml_dtypes'
// bfloat16).
bool has_code(const CustomType& type) noexcept;
// Whether the library knows a type of this name by itself.
bool is_builtin(std::string_view module, std::string_view qualname) noexcept;

// The type that an alternative means that is spelled as no dotted name: a trial build of NumPy
// writes "numpy$numpy.dtypes:TimeDelta64DType:9:19" (unit and multiple in hexadecimal). False if it
// means none.
bool read_foreign_spelling(std::string_view alternative, CustomType* type);

}  // namespace stridecast::internal

#endif  // STRIDECAST_DTYPES_FORMAT_EXTENSIONS_H_
