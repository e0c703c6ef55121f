// The oracle for reductions: the summation tree of docs/numeric_policy.md, written the slow and
// plain way over one list of numbers at a time. Which numbers lie along which axis is strided.h's
// business.
#ifndef STRIDECAST_TESTS_REFERENCE_REDUCE_H_
#define STRIDECAST_TESTS_REFERENCE_REDUCE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "stridecast/layout.h"
#include "tests/reference/element.h"

namespace stridecast::reference {

enum class Op : uint8_t { kSum, kMin, kMax, kAny, kAll, kCountNonzero };

/// The type in which a sum of `type` accumulates: integers in int64, narrow floats in float32.
DType accumulator(DType type);

/// Folds elements of a real type, given as bits. A sum of floats, in the accumulator type: leaves
/// of 128 in 8 interleaved accumulators from -0.0, joined as a binary counter; the sum of nothing
/// is +0.0. Sums of integers are int64 that wrap. Minima and maxima are the element, a NaN if there
/// is one, and know -0.0 as less than +0.0. Any, all and the count ask which elements are not 0.
uint64_t fold(Op op, DType type, std::span<const uint64_t> elements);

/// Folds `axes` of src and rounds once to `result_type`: sums of floats one axis at a time, the
/// last axis first, in the accumulator type. The results are in C order of the kept axes.
std::vector<uint64_t> reduce(Op op, const Layout& src, const void* src_data, std::vector<int> axes,
                             DType result_type);

}  // namespace stridecast::reference

#endif  // STRIDECAST_TESTS_REFERENCE_REDUCE_H_
