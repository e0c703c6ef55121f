// Inputs worth converting: every value of small types; for the others the corners of all types,
// exact halfway points between neighbours of the destination with one step to each side, and random
// bits.
#ifndef STRIDECAST_TESTS_SUPPORT_VALUES_H_
#define STRIDECAST_TESTS_SUPPORT_VALUES_H_

#include <cstdint>
#include <vector>

#include "stridecast/types.h"
#include "tests/reference/element.h"

namespace stridecast::testing {

using reference::Bits;

/// Elements as bits. All 2^8 or 2^16 of them for types of one and two bytes (not bool: all 256
/// bytes too, since a bool may hold any); otherwise corners and `random_count` random ones. A long
/// double's padding is 0, and none is an invalid operand of x87.
std::vector<Bits> values_of(DType type, int random_count = 2000);

/// Values of `from` that lie exactly between two neighbours of the float type `to`, and the values
/// of `from` next to those: one rounding and two roundings differ here.
std::vector<Bits> halfway_values(DType from, DType to, int count = 2000);

/// Both of the above, as suits the pair.
std::vector<Bits> values_for(DType from, DType to);

}  // namespace stridecast::testing

#endif  // STRIDECAST_TESTS_SUPPORT_VALUES_H_
