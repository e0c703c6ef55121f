// The scalar kernels of long double, which are the same in every target's table, and those of them
// that vector kernels call for the items that they leave.
#ifndef STRIDECAST_KERNELS_LONG_DOUBLE_H_
#define STRIDECAST_KERNELS_LONG_DOUBLE_H_

#include <cfloat>
#include <cstring>

#include "stridecast/kernel_abi.h"

// Whether long double is x87's 80 bits in items of 16 bytes.
#if LDBL_MANT_DIG == 64 && defined(__x86_64__) && defined(__SIZEOF_INT128__)
#define STRIDECAST_X87_LONG_DOUBLE 1
#else
#define STRIDECAST_X87_LONG_DOUBLE 0
#endif

namespace stridecast::kernels {

struct KernelTable;

// A long double as items and states hold it: where 8 bytes are aligned, and its padding is zeros.
struct alignas(8) LongDoubleItem {
  unsigned char bytes[sizeof(long double)];

  static LongDoubleItem Of(long double value) {
    LongDoubleItem item = {};
    std::memcpy(item.bytes, &value, STRIDECAST_X87_LONG_DOUBLE ? 10 : sizeof value);
    return item;
  }
  long double value() const {
    long double value;
    std::memcpy(&value, bytes, sizeof value);
    return value;
  }
};

// Enters all of them. Kernels of a target may take the place of some.
void FillLongDouble(KernelTable& table);
void FillSumLongDouble(KernelTable& table);

// Packed runs.
uint32_t long_double_to_float64(const sc_run* run);
uint32_t long_double_to_float64_odd(const sc_run* run);
uint32_t long_double_to_float32(const sc_run* run);
uint32_t long_double_to_int64(const sc_run* run);
uint32_t float64_to_long_double(const sc_run* run);
uint32_t float32_to_long_double(const sc_run* run);
uint32_t int64_to_long_double(const sc_run* run);
uint32_t uint64_to_long_double(const sc_run* run);

}  // namespace stridecast::kernels

#endif  // STRIDECAST_KERNELS_LONG_DOUBLE_H_
