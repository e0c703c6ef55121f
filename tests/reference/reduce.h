// The oracle for reductions, written the slow and plain way over one list of elements at a time:
// the summation tree of docs/numeric_policy.md, and what is best among elements. Which elements lie
// along which axis is strided.h's business.
#ifndef STRIDECAST_TESTS_REFERENCE_REDUCE_H_
#define STRIDECAST_TESTS_REFERENCE_REDUCE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "stridecast/layout.h"
#include "tests/reference/element.h"

namespace stridecast::reference {

enum class Op : uint8_t {
  kSum,
  kMin,
  kMax,
  kAny,
  kAll,
  kCountNonzero,
  kProd,
  kArgmin,
  kArgmax,
  kSumAbs,
  kMaxAbs,
  kSumSquares,
  kSumDeviations,
  kSumAsFloat,
};

/// An element as bits: of complex numbers two parts, of real ones and times (an int64) one.
struct Element {
  uint64_t re = 0, im = 0;
  bool operator==(const Element&) const = default;
};

/// The type in which a sum of `type` accumulates: integers in int64, narrow floats in float32,
/// complex numbers in themselves.
DType accumulator(DType type);

/// The type of what `fold` gives.
DType folded_type(Op op, DType type);

/// Folds elements of a real type, a complex one, or a time.
///
/// Sums of floats, in the accumulator type: leaves of 128 in 8 interleaved accumulators from -0.0,
/// joined as a binary counter; the sum of nothing is +0.0. Products of floats: the same from 1.0.
/// Sums and products of integers are int64 that wrap. The other sums are of absolute values, of
/// squares, and of squares of what is left after `mean`, which is of the accumulator type: each
/// rounded, then as sums. Sums of integers as floats, and of the squares of their deviations, are
/// of elements that are rounded to float64 first. Of complex numbers the parts are folded each for
/// itself, and sums of squares are those of both parts, added; products are (ac - bd) + (ad + bc)i,
/// each product and each sum rounded.
///
/// Minima and maxima of real numbers are the element, a NaN if there is one, and know -0.0 as less
/// than +0.0; of complex numbers by real part, then by imaginary part, zeros being equal and +0.0,
/// and NaN in both parts where there is one; of times NaT if there is one. Arg extremes are the
/// place of the first that no other beats; zeros are equal, NaNs and NaTs beat all others.
///
/// Any, all and the count ask which elements are not 0.
Element fold(Op op, DType type, std::span<const Element> elements, Element mean = {});
uint64_t fold(Op op, DType type, std::span<const uint64_t> elements);  // of real types

/// Folds `axes` of src, of a real type, and rounds once to `result_type`: sums and products of
/// floats one axis at a time, the last axis first, in the accumulator type. Indices are in C order
/// of the folded axes, and so are the results of the kept ones.
std::vector<uint64_t> reduce(Op op, const Layout& src, const void* src_data, std::vector<int> axes,
                             DType result_type);

}  // namespace stridecast::reference

#endif  // STRIDECAST_TESTS_REFERENCE_REDUCE_H_
