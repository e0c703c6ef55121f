// DLPack 1.1 as C declarations, written from its specification (https://dmlc.github.io/dlpack):
// what producers and consumers of tensors agree on, field by field. What we make of it is
// dlpack_in.cc and dlpack_out.cc.
#ifndef STRIDECAST_PYTHON_DLPACK_ABI_H_
#define STRIDECAST_PYTHON_DLPACK_ABI_H_

#include <cstddef>
#include <cstdint>

namespace stridecast::python::dlpack {

inline constexpr uint32_t kMajor = 1;
inline constexpr uint32_t kMinor = 1;  // float8, float6 and float4, and the flag of padded types

struct Version {
  uint32_t major, minor;
};

enum DeviceType : int32_t {
  kCpu = 1,
  kCudaHost = 3,  // pinned: ordinary memory to the CPU
};

struct Device {
  int32_t type;
  int32_t id;
};

enum TypeCode : uint8_t {
  kInt = 0,
  kUInt = 1,
  kFloat = 2,
  kOpaqueHandle = 3,
  kBfloat = 4,
  kComplex = 5,
  kBool = 6,
  kFloat8E3m4 = 7,
  kFloat8E4m3 = 8,
  kFloat8E4m3b11fnuz = 9,
  kFloat8E4m3fn = 10,
  kFloat8E4m3fnuz = 11,
  kFloat8E5m2 = 12,
  kFloat8E5m2fnuz = 13,
  kFloat8E8m0fnu = 14,
  kFloat6E2m3fn = 15,
  kFloat6E3m2fn = 16,
  kFloat4E2m1fn = 17,
};

/// One element: `lanes` values of `bits` bits each.
struct DataType {
  uint8_t code;
  uint8_t bits;
  uint16_t lanes;
};

/// Strides count elements; null means C order. The first element is at data + byte_offset.
struct Tensor {
  void* data;
  Device device;
  int32_t ndim;
  DataType dtype;
  int64_t* shape;
  int64_t* strides;
  uint64_t byte_offset;
};

/// The protocol before 1.0, which knows no version and no flags.
struct Managed {
  Tensor tensor;
  void* context;
  void (*deleter)(Managed* self);  // may be null
};

enum Flags : uint64_t {
  kReadOnly = 1,
  kIsCopied = 2,
  kSubbytePadded = 4,  // values of less than 8 bits take a byte each; without it they are packed
};

/// Every major version begins with these members up to `flags`, so that the deleter can be called.
struct ManagedVersioned {
  Version version;
  void* context;
  void (*deleter)(ManagedVersioned* self);  // may be null
  uint64_t flags;
  Tensor tensor;
};

static_assert(sizeof(DataType) == 4 && sizeof(Device) == 8);
static_assert(sizeof(void*) != 8 ||
              (sizeof(Tensor) == 48 && sizeof(Managed) == 64 && sizeof(ManagedVersioned) == 80));
static_assert(sizeof(void*) != 8 || (offsetof(ManagedVersioned, deleter) == 16 &&
                                     offsetof(ManagedVersioned, tensor) == 32));

/// The names of the capsules that pass tensors, before and after somebody has taken them.
inline constexpr const char* kCapsule = "dltensor";
inline constexpr const char* kUsedCapsule = "used_dltensor";
inline constexpr const char* kVersionedCapsule = "dltensor_versioned";
inline constexpr const char* kUsedVersionedCapsule = "used_dltensor_versioned";

}  // namespace stridecast::python::dlpack

#endif  // STRIDECAST_PYTHON_DLPACK_ABI_H_
