// The oracles for sums by other algorithms than the tree of reduce.h: the exact sum, rounded once,
// and Neumaier's compensated sum, both of one list of numbers and written the slow and plain way.
#ifndef STRIDECAST_TESTS_REFERENCE_SUMS_H_
#define STRIDECAST_TESTS_REFERENCE_SUMS_H_

#include <cstdint>
#include <span>

#include "tests/reference/element.h"

namespace stridecast::reference {

/// The exact sum of elements of a float type, given as bits, rounded to accumulator(type). NaN, or
/// infinities of both signs, give the canonical NaN. Zero is +0.0, but the sum of negative zeros
/// alone -0.0.
uint64_t exact_sum(DType type, std::span<const uint64_t> elements);

/// Neumaier's sum in accumulator(type), by the tree that fold() has for sums: beside every partial
/// sum stands what its additions rounded off, added in the end. Where that is no number, it is the
/// plain sum. NaN is the canonical one.
uint64_t compensated_sum(DType type, std::span<const uint64_t> elements);

}  // namespace stridecast::reference

#endif  // STRIDECAST_TESTS_REFERENCE_SUMS_H_
