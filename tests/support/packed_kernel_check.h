// The trials that every packed kernel (convert, saturate, clamp) undergoes: all values at once,
// then every length and misalignment between guard pages, then in place where the entry says that
// it may; and for kernels whose source is not packed steps of every kind.
#ifndef STRIDECAST_TESTS_SUPPORT_PACKED_KERNEL_CHECK_H_
#define STRIDECAST_TESTS_SUPPORT_PACKED_KERNEL_CHECK_H_

#include <cstdint>
#include <vector>

#include "stridecast/kernel_abi.h"
#include "stridecast/types.h"
#include "tests/reference/element.h"
#include "tests/support/guarded_buffer.h"

namespace stridecast::testing {

using reference::Bits;

/// A kernel with inputs and the outputs that they must give, as bits of elements.
struct PackedCase {
  const sc_entry* entry = nullptr;
  DType from = DType::kBool, to = DType::kBool;
  const void* params = nullptr;
  std::vector<Bits> in, out;
};

/// Elements as they lie in memory on this host.
std::vector<unsigned char> pack(DType type, const std::vector<Bits>& elements);
std::vector<unsigned char> pack(DType type, const std::vector<uint64_t>& elements);

/// Call these within ASSERT_NO_FATAL_FAILURE; note() says what ran when one fails.
void check_all_values(const PackedCase& c);
void check_lengths_and_misalignments(const PackedCase& c, GuardedBuffer& src, GuardedBuffer& dst);
void check_in_place(const PackedCase& c, GuardedBuffer& buffer);
/// For entries with SC_ACCESS_STRIDED sources. The buffers hold 110 KiB, 9 KiB.
void check_steps(const PackedCase& c, GuardedBuffer& src, GuardedBuffer& dst);

}  // namespace stridecast::testing

#endif  // STRIDECAST_TESTS_SUPPORT_PACKED_KERNEL_CHECK_H_
