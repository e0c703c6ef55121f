// The table entry of a kernel that writes packed items and needs nothing but its two sides.
#ifndef STRIDECAST_KERNELS_PACKED_ENTRY_H_
#define STRIDECAST_KERNELS_PACKED_ENTRY_H_

#include "stridecast/kernel_abi.h"

namespace stridecast::kernels {

constexpr sc_entry PackedEntry(sc_kernel kernel, const char* name, uint32_t src_access,
                               uint32_t traits = 0) {
  return {kernel, name, src_access, SC_ACCESS_PACKED, 0, traits | uint32_t{SC_TRAIT_THREAD_SAFE},
          0};
}

}  // namespace stridecast::kernels

#endif  // STRIDECAST_KERNELS_PACKED_ENTRY_H_
