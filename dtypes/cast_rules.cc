// Ranges of the real types and what follows from them for pairs, see cast_rules.h.

#include "dtypes/cast_rules.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

#include "dtypes/narrow_types.h"

namespace stridecast::internal {
namespace {

RangeFacts integer(int bits, bool is_signed) {
  RangeFacts facts{};
  facts.digits = bits - (is_signed ? 1 : 0);
  facts.int_max = facts.digits == 64 ? UINT64_MAX : (uint64_t{1} << facts.digits) - 1;
  facts.int_min = is_signed ? -static_cast<int64_t>(facts.int_max) - 1 : 0;
  return facts;
}

// A binary float as IEEE 754 has it: `digits` significand bits, finite values below 2^max_exponent.
RangeFacts binary_float(int digits, int max_exponent) {
  RangeFacts facts{};
  facts.is_float = facts.has_infinity = facts.has_nan = true;
  facts.digits = digits;
  facts.max_exponent = max_exponent;
  facts.min_exponent = 3 - max_exponent - digits;
  facts.float_max = std::ldexp(2 - std::ldexp(1.0, 1 - digits), max_exponent - 1);
  // The last bit of the largest value is set: half a step beyond it is a tie that goes up.
  facts.overflow_at = facts.float_max + std::ldexp(1.0, max_exponent - digits - 1);
  return facts;
}

RangeFacts of_narrow_float(DType type) {
  const NarrowFloat& f = narrow_float(type);
  RangeFacts facts{};
  facts.is_float = true;
  facts.has_infinity = f.has_infinity;
  facts.has_nan = f.has_nan;
  facts.positive = !f.is_signed;
  facts.digits = f.fraction_bits + 1;
  facts.float_max = static_cast<double>(narrow_value(type, f.max_finite));
  const int exponent = std::ilogb(facts.float_max);
  facts.max_exponent = exponent + 1;
  facts.min_exponent = f.is_signed ? 1 - f.bias - f.fraction_bits : -f.bias;
  facts.overflow_at = facts.float_max + std::ldexp(1.0, exponent - f.fraction_bits - 1);
  // One digit has no even neighbour: ties go to the larger magnitude.
  facts.overflow_stays = f.is_signed && f.max_finite % 2 == 0;
  return facts;
}

RangeFacts of_type(DType type) {
  using Long = std::numeric_limits<long double>;
  const TypeFacts& facts = type_facts(type);
  switch (type) {
    case DType::kBool:
      return integer(1, false);
    case DType::kFloat16:
      return binary_float(11, 16);
    case DType::kBFloat16:
      return binary_float(8, 128);
    case DType::kFloat32:
      return binary_float(24, 128);
    case DType::kFloat64:
      return binary_float(53, 1024);
    case DType::kLongDouble:
      return binary_float(Long::digits, Long::max_exponent);
    default:
      break;
  }
  if (facts.kind == Kind::kFloat) return of_narrow_float(type);
  return integer(is_narrow(type) ? narrow_int_bits(type) : 8 * facts.size,
                 facts.kind == Kind::kSigned);
}

using RangeTable = std::array<RangeFacts, kNumReal>;
using PairTable = std::array<std::array<bool, kNumReal>, kNumReal>;

bool int_fits_float(const RangeFacts& src, const RangeFacts& dst) {
  if (dst.positive) return false;  // there is a zero
  const double largest =
      std::max(static_cast<double>(src.int_max), -static_cast<double>(src.int_min));
  return largest < dst.overflow_at || (largest == dst.overflow_at && dst.overflow_stays);
}

bool float_fits_int(const RangeFacts& src, const RangeFacts& dst) {
  if (src.has_infinity || src.has_nan) return false;
  return src.float_max < static_cast<double>(dst.int_max) + 1 &&
         -src.float_max > static_cast<double>(dst.int_min) - 1;
}

bool float_fits_float(const RangeFacts& src, const RangeFacts& dst) {
  if (dst.positive || (src.has_infinity && !dst.has_infinity) || (src.has_nan && !dst.has_nan)) {
    return false;
  }
  if (src.max_exponent > 1024) return dst.max_exponent >= src.max_exponent;
  return src.float_max < dst.overflow_at ||
         (src.float_max == dst.overflow_at && dst.overflow_stays);
}

bool pair_fits(DType from, DType to) {
  const RangeFacts &src = range_facts(from), &dst = range_facts(to);
  if (from == to || to == DType::kBool) return true;
  if (src.is_float) return dst.is_float ? float_fits_float(src, dst) : float_fits_int(src, dst);
  if (dst.is_float) return int_fits_float(src, dst);
  return src.int_min >= dst.int_min && src.int_max <= dst.int_max;
}

bool pair_fits_exactly(DType from, DType to) {
  const RangeFacts &src = range_facts(from), &dst = range_facts(to);
  if (from == to) return true;
  if (to == DType::kBool || !pair_fits(from, to)) return false;
  if (!dst.is_float) return !src.is_float;
  // The smallest steps of the destination reach as low, its significand is as long.
  return src.digits <= dst.digits && (!src.is_float || src.min_exponent >= dst.min_exponent);
}

template <bool (*rule)(DType, DType)>
const PairTable& tabulated() {
  static const PairTable table = [] {
    PairTable made{};
    for (int from = 0; from < kNumReal; ++from) {
      for (int to = 0; to < kNumReal; ++to) {
        made[static_cast<size_t>(from)][static_cast<size_t>(to)] =
            rule(static_cast<DType>(from), static_cast<DType>(to));
      }
    }
    return made;
  }();
  return table;
}

// The part that counts of a number, and the kinds in NumPy's order.
DType real_type(DType type) { return is_complex(type) ? component_type(type) : type; }

int kind_rank(DType type) {
  switch (type_facts(type).kind) {
    case Kind::kBool:
      return 0;
    case Kind::kUnsigned:
      return 1;
    case Kind::kSigned:
      return 2;
    case Kind::kFloat:
      return 3;
    default:
      return 4;
  }
}

}  // namespace

const RangeFacts& range_facts(DType type) noexcept {
  static const RangeTable table = [] {
    RangeTable made{};
    for (int k = 0; k < kNumReal; ++k)
      made[static_cast<size_t>(k)] = of_type(static_cast<DType>(k));
    return made;
  }();
  return table[static_cast<size_t>(type)];
}

bool fits(DType src, DType dst) noexcept {
  return tabulated<pair_fits>()[static_cast<size_t>(src)][static_cast<size_t>(dst)];
}

bool fits_exactly(DType src, DType dst) noexcept {
  return tabulated<pair_fits_exactly>()[static_cast<size_t>(src)][static_cast<size_t>(dst)];
}

bool casts_safely(DType src, DType dst) noexcept {
  if (is_complex(src) && !is_complex(dst)) return false;
  const DType from = real_type(src), to = real_type(dst);
  // NumPy counts float64 as wide enough for all integers.
  const bool wide = to == DType::kFloat64 && !range_facts(from).is_float;
  return wide || fits_exactly(from, to);
}

bool casts_within_kind(DType src, DType dst) noexcept {
  return casts_safely(src, dst) || kind_rank(src) <= kind_rank(dst);
}

DType component_type(DType type) noexcept {
  switch (type) {
    case DType::kComplexFloat16:
      return DType::kFloat16;
    case DType::kComplexBFloat16:
      return DType::kBFloat16;
    case DType::kComplexFloat32:
      return DType::kFloat32;
    case DType::kComplexFloat64:
      return DType::kFloat64;
    default:
      return DType::kLongDouble;
  }
}

}  // namespace stridecast::internal
