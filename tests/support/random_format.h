// Random pairs of formats that convert into each other: scalars in both byte orders, sub-arrays,
// and structs with unaligned fields, padding, nested structs and another order of fields.
#ifndef STRIDECAST_TESTS_SUPPORT_RANDOM_FORMAT_H_
#define STRIDECAST_TESTS_SUPPORT_RANDOM_FORMAT_H_

#include "stridecast/format.h"
#include "stridecast/plan.h"
#include "tests/reference/strided.h"
#include "tests/support/random_layout.h"

namespace stridecast::testing {

struct FormatPair {
  Format src, dst;
  FieldMatch match;            // what to ask of the plan
  reference::Pairing pairing;  // what that comes to
};

FormatPair random_format_pair(Random& random);

/// Structs that pair by name, each of which lacks some fields of the other.
FormatPair random_format_pair_with_gaps(Random& random);

/// One format with elements of any arithmetic type.
Format random_format(Random& random);

/// One format that only moves: numbers, complex ones, texts and structs of any size from 1 to some
/// dozens of bytes.
Format random_movable(Random& random);

}  // namespace stridecast::testing

#endif  // STRIDECAST_TESTS_SUPPORT_RANDOM_FORMAT_H_
