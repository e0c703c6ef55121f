// The structs of the Arrow C data interface, declared from its specification
// (https://arrow.apache.org/docs/format/CDataInterface.html), and the names of the capsules that
// carry them between Python libraries. Nothing but declarations.
#ifndef STRIDECAST_PYTHON_ARROW_ABI_H_
#define STRIDECAST_PYTHON_ARROW_ABI_H_

#include <cstdint>

// The guard that the specification asks for: whoever else declares the structs skips them.
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

extern "C" {

struct ArrowSchema {
  const char* format;
  const char* name;      // may be null
  const char* metadata;  // may be null
  int64_t flags;
  int64_t n_children;
  ArrowSchema** children;
  ArrowSchema* dictionary;
  void (*release)(ArrowSchema*);  // null: released, or moved elsewhere
  void* private_data;
};

struct ArrowArray {
  int64_t length;
  int64_t null_count;  // -1: not known
  int64_t offset;      // of the first item in every buffer and child
  int64_t n_buffers;
  int64_t n_children;
  const void** buffers;
  ArrowArray** children;
  ArrowArray* dictionary;
  void (*release)(ArrowArray*);  // null: released, or moved elsewhere
  void* private_data;
};

}  // extern "C"

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

#endif  // ARROW_C_DATA_INTERFACE

namespace stridecast::python {

inline constexpr const char* kSchemaCapsule = "arrow_schema";
inline constexpr const char* kArrayCapsule = "arrow_array";

}  // namespace stridecast::python

#endif  // STRIDECAST_PYTHON_ARROW_ABI_H_
