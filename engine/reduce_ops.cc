// The operations of reductions by type; see reduce_ops.h.

#include "engine/reduce_ops.h"

#include <bit>
#include <cstring>
#include <limits>
#include <string>

#include "dtypes/cast_rules.h"
#include "engine/convert_route.h"

namespace stridecast::internal {
namespace {

using kernels::KernelTable;
using kernels::ReduceKernel;

// How operations treat types alike.
enum class Family : uint8_t {
  kOrder,    // which item comes first: of the items' own type
  kTruth,    // which items are not 0
  kSum,      // sums and products
  kMean,     // sums by their number
  kMeasure,  // how large items are: real, of integers float64
};

// By ReduceOp.
struct OpFacts {
  const char* name;
  Family family;
  ReduceKernel kernel;
};
constexpr OpFacts kOps[kNumReduceOps] = {{"sum", Family::kSum, kernels::kReduceSum},
                                         {"prod", Family::kSum, kernels::kReduceProd},
                                         {"min", Family::kOrder, kernels::kReduceMin},
                                         {"max", Family::kOrder, kernels::kReduceMax},
                                         {"minmax", Family::kOrder, kernels::kReduceMin},
                                         {"argmin", Family::kOrder, kernels::kReduceArgmin},
                                         {"argmax", Family::kOrder, kernels::kReduceArgmax},
                                         {"any", Family::kTruth, kernels::kReduceAny},
                                         {"all", Family::kTruth, kernels::kReduceAll},
                                         {"count_nonzero", Family::kTruth, kernels::kReduceCount},
                                         {"mean", Family::kMean, kernels::kReduceSum},
                                         {"var", Family::kMeasure, kernels::kReduceSum},
                                         {"std", Family::kMeasure, kernels::kReduceSum},
                                         {"norm1", Family::kMeasure, kernels::kReduceSumAbs},
                                         {"norm2", Family::kMeasure, kernels::kReduceSumSquares},
                                         {"norminf", Family::kMeasure, kernels::kReduceMaxAbs}};

const OpFacts& facts_of(ReduceOp op) { return kOps[static_cast<int>(op)]; }

Kind kind_of(DType type) { return type_facts(type).kind; }
bool is_time(DType type) { return kind_of(type) == Kind::kTime; }
bool is_float(DType type) { return kind_of(type) == Kind::kFloat; }
bool is_integer(DType type) {
  const Kind kind = kind_of(type);
  return kind == Kind::kBool || kind == Kind::kSigned || kind == Kind::kUnsigned;
}

// The arithmetic type that holds all values of a narrow one; complex numbers that have kernels.
DType with_kernels(DType type) {
  if (is_complex(type)) {
    const bool half = type == DType::kComplexFloat16 || type == DType::kComplexBFloat16;
    return half ? DType::kComplexFloat32 : type;
  }
  if (!is_narrow(type)) return type;
  if (is_float(type)) return DType::kFloat32;
  return kind_of(type) == Kind::kSigned ? DType::kInt8 : DType::kUint8;
}

// In which type sums of `type` accumulate.
DType accumulator_of(DType type) {
  if (is_integer(type)) {
    return kind_of(type) == Kind::kUnsigned ? DType::kUint64 : DType::kInt64;
  }
  const DType item = with_kernels(type);
  return item == DType::kFloat16 || item == DType::kBFloat16 ? DType::kFloat32 : item;
}

DType real_of(DType type) { return is_complex(type) ? component_type(type) : type; }

// Of reals that float32 does not hold.
DType complex_of(DType real) {
  if (real == DType::kLongDouble) return DType::kComplexLongDouble;
  return real == DType::kFloat64 ? DType::kComplexFloat64 : DType::kComplexFloat32;
}

// --- which types go together ---------------------------------------------------------------------

[[noreturn]] void refuse(ErrorCode code, const std::string& message) { throw Error(code, message); }

bool is_defined(ReduceOp op, DType type) {
  switch (facts_of(op).family) {
    case Family::kOrder:
    case Family::kTruth:
    case Family::kMean:
      return is_number(type) || is_time(type);
    case Family::kSum:
      return is_number(type) || (op == ReduceOp::kSum && type == DType::kTimedelta64);
    case Family::kMeasure:
      return is_number(type);
  }
  return false;
}

// Floats that hold what a calculation in `type` gives.
bool holds_float(DType to, DType type) {
  if (is_complex(to) != is_complex(type)) return false;
  const DType wide = is_complex(type) ? DType::kComplexFloat64 : DType::kFloat64;
  const DType widest = is_complex(type) ? DType::kComplexLongDouble : DType::kLongDouble;
  return to == type || to == wide || to == widest || to == accumulator_of(type);
}

bool is_accepted(ReduceOp op, const Field& from, const Field& to) {
  const DType result = reduce_result(op, from.type);
  if (is_time(result)) return to.type == result && to.custom == from.custom;
  if (to.type == result) return true;
  switch (facts_of(op).family) {
    case Family::kOrder:
      if (is_index(op) || is_time(from.type) || is_complex(from.type)) return false;
      return is_float(from.type) ? to.type == accumulator_of(from.type)
                                 : to.type == DType::kInt64 && from.type != DType::kUint64;
    case Family::kTruth:
      return false;
    case Family::kSum:
    case Family::kMean:
    case Family::kMeasure: {
      const bool integers = is_integer(from.type);
      if (integers && is_integer(to.type)) {
        // The accumulator's 64 bits are those of uint64, but not its sign.
        return is_integer(result) && to.type == DType::kInt64 && from.type != DType::kUint64;
      }
      if (integers) return to.type == DType::kFloat32 || to.type == DType::kFloat64;
      return holds_float(to.type, result);
    }
  }
  return false;
}

const Field& checked(const Format& src, const Format& dst, ReduceOp op) {
  const Field* const from = src.scalar();
  const Field* const to = dst.scalar();
  if (from == nullptr || !is_defined(op, from->type)) {
    refuse(ErrorCode::kNoConversion,
           std::string(reduce_name(op)) + " is not defined for format '" + src.text() + "'");
  }
  if (to == nullptr || !is_accepted(op, *from, *to)) {
    const DType result = reduce_result(op, from->type);
    refuse(ErrorCode::kNoConversion,
           std::string(reduce_name(op)) + " of '" + src.text() + "' gives " +
               (is_time(result) ? "the same type" : type_facts(result).name) + ", not '" +
               dst.text() + "'; convert before or after");
  }
  return *from;
}

void check_options(const ReduceOptions& options) {
  const ReduceOp op = options.op;
  const auto means_nothing = [&](bool given, const char* what) {
    if (given) {
      refuse(ErrorCode::kInvalidArgument,
             std::string(what) + " means nothing to " + reduce_name(op));
    }
  };
  const bool adds = op == ReduceOp::kSum || op == ReduceOp::kMean;
  means_nothing(options.algorithm != SumAlgorithm::kPairwise && !adds, "an algorithm of sums");
  const bool grows = op == ReduceOp::kSum || op == ReduceOp::kProd;
  means_nothing(options.overflow != Overflow::kDefault && !grows, "overflow");
  means_nothing(options.ddof != 0 && op != ReduceOp::kVar && op != ReduceOp::kStd, "ddof");
  means_nothing(options.initial.size != 0 && !takes_initial(op), "initial");
  if (options.overflow == Overflow::kSaturate || options.overflow == Overflow::kNat) {
    refuse(ErrorCode::kInvalidArgument,
           "sums and products wrap or raise; they do not saturate or become NaT");
  }
  if (options.ddof != options.ddof) refuse(ErrorCode::kInvalidArgument, "ddof is NaN");
}

// --- kernels -------------------------------------------------------------------------------------

DType result_of(ReduceKernel kernel, DType item) {
  switch (kernel) {
    case kernels::kReduceAny:
    case kernels::kReduceAll:
      return DType::kBool;
    case kernels::kReduceArgmin:
    case kernels::kReduceArgmax:
    case kernels::kReduceCount:
      return DType::kInt64;
    case kernels::kReduceMin:
    case kernels::kReduceMax:
    case kernels::kReduceMaxAbs:
      return item;
    case kernels::kReduceSumAsFloat:
      return DType::kFloat64;
    case kernels::kReduceSumSquares:
    case kernels::kReduceSumDeviations:
      return is_integer(item) ? DType::kFloat64 : accumulator_of(real_of(item));
    default:
      return is_time(item) ? item : accumulator_of(item);
  }
}

// What folds the results of a kernel.
ReduceKernel again(ReduceKernel kernel) {
  switch (kernel) {
    case kernels::kReduceCount:
    case kernels::kReduceSumAbs:
    case kernels::kReduceSumSquares:
    case kernels::kReduceSumDeviations:
    case kernels::kReduceSumAsFloat:
      return kernels::kReduceSum;
    case kernels::kReduceMaxAbs:
      return kernels::kReduceMax;
    default:
      return kernel;
  }
}

void put_number(const KernelTable& table, double value, DType type, unsigned char* item) {
  alignas(16) unsigned char buffers[2][16] = {};
  std::memcpy(buffers[0], &value, sizeof value);
  const Route route = find_route(table, DType::kFloat64, type, ConvertRules{});
  std::memcpy(item, run_packed(route, sizeof value, 1, buffers[0], buffers[1]),
              static_cast<size_t>(type_facts(type).size));
}

// The smallest or the largest integer of a type.
void put_limit(DType type, bool largest, unsigned char* item) {
  const auto size = static_cast<size_t>(type_facts(type).size);
  if (type == DType::kBool) {
    item[0] = largest;
    return;
  }
  const bool is_signed = kind_of(type) == Kind::kSigned || is_time(type);
  const uint64_t top = uint64_t{1} << (8 * size - 1);
  uint64_t bits = is_signed ? (largest ? top - 1 : top) : (largest ? 2 * (top - 1) + 1 : 0);
  if (is_time(type) && !largest) ++bits;  // not NaT
  for (size_t i = 0; i < size; ++i) {
    const size_t at = std::endian::native == std::endian::little ? i : size - 1 - i;
    item[at] = static_cast<unsigned char>(bits >> (8 * i));
  }
}

// The item that a fold does not notice.
void put_neutral(const KernelTable& table, ReduceKernel kernel, DType item, unsigned char* out) {
  const bool least = kernel == kernels::kReduceMax;
  const bool most = kernel == kernels::kReduceMin;
  const bool one = kernel == kernels::kReduceProd || kernel == kernels::kReduceProdWide ||
                   kernel == kernels::kReduceAll;
  if ((least || most) && (is_integer(item) || is_time(item))) return put_limit(item, most, out);
  if (is_time(item)) return;  // zero
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const bool floats = is_float(item) || is_complex(item);
  const double value = most ? kInfinity : least ? -kInfinity : one ? 1.0 : floats ? -0.0 : 0.0;
  const DType part = real_of(item);
  put_number(table, value, part, out);
  if (!is_complex(item)) return;
  put_number(table, one ? 0.0 : value, part, out + type_facts(part).size);
}

Fold make_fold(const KernelTable& table, ReduceKernel kernel, DType item) {
  Fold fold;
  fold.kernel = &table.reduce[kernel][static_cast<int>(item)];
  fold.result = result_of(kernel, item);
  fold.result_size = type_facts(fold.result).size;
  const sc_reduce_entry& entry = table.reduce[again(kernel)][static_cast<int>(fold.result)];
  if (entry.init != nullptr) fold.again = &entry;
  put_neutral(table, kernel, item, fold.neutral);
  return fold;
}

// --- foldings ------------------------------------------------------------------------------------

// Of the family's kernels the one for sums of this kind.
ReduceKernel sum_kernel(const ReduceOptions& options, DType item) {
  if (options.op == ReduceOp::kProd) {
    const bool checked = is_integer(item) && options.overflow == Overflow::kRaise;
    return checked ? kernels::kReduceProdWide : kernels::kReduceProd;
  }
  const bool wide = is_time(item) || item == DType::kInt64 || item == DType::kUint64;
  if (wide &&
      (options.op == ReduceOp::kMean || is_time(item) || options.overflow == Overflow::kRaise)) {
    return kernels::kReduceSumWide;
  }
  if (is_integer(item)) return kernels::kReduceSum;
  switch (options.algorithm) {
    case SumAlgorithm::kCompensated:
      return kernels::kReduceSumCompensated;
    case SumAlgorithm::kReproducible:
      return kernels::kReduceSumReproducible;
    default:
      return kernels::kReduceSum;
  }
}

// The items of a calculation that gives `to`.
DType calculated_in(DType from, DType to) {
  const DType item = with_kernels(from);
  const bool wide = real_of(to) == DType::kFloat64 || real_of(to) == DType::kLongDouble;
  return wide ? to : item;
}

// Integers that sums take as they are: of up to 32 bits they cannot overflow, below 2^31 of them.
DType summed_as(ReduceOp op, DType from, DType to) {
  if (is_time(from)) return from;
  if (!is_integer(from)) return calculated_in(from, to);
  if (op == ReduceOp::kMean) return with_kernels(from);
  if (!is_integer(to)) return DType::kFloat64;
  return op == ReduceOp::kProd ? accumulator_of(from) : with_kernels(from);
}

// Of 2^31 items and more even a sum of 32-bit integers may need more than 64 bits.
bool may_overflow(DType item) { return is_integer(item) && type_facts(item).size >= 4; }

Order order_of(ReduceKernel kernel, DType item) {
  switch (kernel) {
    case kernels::kReduceArgmin:
    case kernels::kReduceArgmax:
    case kernels::kReduceSumCompensated:
      return Order::kSequence;
    case kernels::kReduceSum:
    case kernels::kReduceProd:
      return is_integer(item) ? Order::kVoid : Order::kTree;
    case kernels::kReduceSumAbs:
    case kernels::kReduceSumSquares:
    case kernels::kReduceSumDeviations:
    case kernels::kReduceSumAsFloat:
      return Order::kTree;
    default:
      return Order::kVoid;
  }
}

void add_mean(const KernelTable& table, ReduceKernel kernel, DType item, Folding* folding) {
  const DType sum = result_of(kernel, item);
  if (kernel == kernels::kReduceSumWide) {
    folding->ending.wide_mean = true;
    folding->ending.wide_params.result =
        is_time(item) ? kernels::WideSumParams::kMean : kernels::WideSumParams::kMeanOfFloat;
    folding->result = is_time(item) ? item : DType::kFloat64;
    return;
  }
  folding->ending.quotient = &table.quotient[static_cast<int>(sum)];
  folding->ending.counts = true;
  folding->result = is_integer(sum) ? DType::kFloat64 : sum;
}

}  // namespace

bool is_index(ReduceOp op) noexcept { return op == ReduceOp::kArgmin || op == ReduceOp::kArgmax; }

bool has_identity(ReduceOp op) noexcept { return facts_of(op).family != Family::kOrder; }

bool takes_initial(ReduceOp op) noexcept {
  return op == ReduceOp::kSum || op == ReduceOp::kProd || op == ReduceOp::kMin ||
         op == ReduceOp::kMax;
}

Folding find_folding(const KernelTable& table, const Format& src, const Format& dst,
                     const ReduceOptions& options, bool selects, bool packed) {
  const ReduceOp op = options.op;
  const DType from = checked(src, dst, op).type, to = dst.scalar()->type;
  check_options(options);
  const OpFacts& facts = facts_of(op);
  ReduceKernel kernel = facts.kernel;
  Folding folding;
  switch (facts.family) {
    case Family::kOrder:
      folding.item = with_kernels(from);
      break;
    case Family::kTruth:
      folding.item = is_time(from) ? DType::kInt64 : with_kernels(from);
      if (from == DType::kComplexFloat64 || real_of(from) == DType::kLongDouble) {
        folding.item = DType::kBool;
      }
      // A complex number is 0 where both parts are.
      folding.parts = op == ReduceOp::kAny && packed && !selects && from == DType::kComplexFloat64;
      if (folding.parts) folding.item = component_type(from);
      break;
    case Family::kSum:
    case Family::kMean:
      folding.item = summed_as(op, from, to);
      // Where it matters, what is checked are the 64 bits of the result.
      if (options.overflow == Overflow::kRaise && is_integer(folding.item) && is_integer(to) &&
          (may_overflow(folding.item) || options.initial.size != 0)) {
        folding.item = to;
      }
      kernel = sum_kernel(options, folding.item);
      break;
    case Family::kMeasure:
      folding.item = is_integer(from) ? DType::kFloat64
                                      : calculated_in(from, is_complex(from) ? complex_of(to) : to);
      folding.magnitudes = is_complex(from) && (op == ReduceOp::kNorm1 || op == ReduceOp::kNormInf);
      if (folding.magnitudes) folding.item = component_type(folding.item);
      break;
  }
  const bool varies = op == ReduceOp::kVar || op == ReduceOp::kStd;
  if (varies && !selects && is_integer(from) && type_facts(from).size >= 4) {
    folding.item = from;
    kernel = kernels::kReduceSumAsFloat;
  }
  // Items that do not count become the mean, which is of the accumulator's type.
  if (varies && selects) folding.item = accumulator_of(folding.item);
  folding.order = order_of(kernel, folding.item);
  folding.folds.push_back(make_fold(table, kernel, folding.item));
  folding.result = folding.folds[0].result;
  Ending& ending = folding.ending;
  if (op == ReduceOp::kMinMax) {
    folding.folds.push_back(make_fold(table, kernels::kReduceMax, folding.item));
  }
  ending.may_overflow = (kernel == kernels::kReduceSumWide && op == ReduceOp::kSum) ||
                        kernel == kernels::kReduceProdWide;
  if (op == ReduceOp::kMean || varies) add_mean(table, kernel, folding.item, &folding);
  if (varies) {
    folding.deviations.push_back(make_fold(table, kernels::kReduceSumDeviations, folding.item));
    folding.result = folding.deviations[0].result;
    ending.mean = ending.quotient;
    ending.quotient = &table.quotient[static_cast<int>(folding.result)];
    ending.quotient_params.root = op == ReduceOp::kStd;
    ending.ddof = options.ddof;
  }
  if (op == ReduceOp::kNorm2) {
    ending.quotient = &table.quotient[static_cast<int>(folding.result)];
    ending.quotient_params.root = true;
  }
  if (folding.folds[0].kernel->init == nullptr) {
    refuse(ErrorCode::kNoConversion,
           std::string("there are only pairwise sums of format '") + src.text() + "'");
  }
  return folding;
}

}  // namespace stridecast::internal

namespace stridecast {
inline namespace v0 {

const char* reduce_name(ReduceOp op) noexcept { return internal::facts_of(op).name; }

DType reduce_result(ReduceOp op, DType type) noexcept {
  using namespace internal;
  if (is_index(op)) return DType::kInt64;
  switch (facts_of(op).family) {
    case Family::kOrder:
      return type;
    case Family::kTruth:
      return op == ReduceOp::kCountNonzero ? DType::kInt64 : DType::kBool;
    case Family::kSum:
      return is_integer(type) ? accumulator_of(type) : type;
    case Family::kMean:
      return is_integer(type) ? DType::kFloat64 : type;
    case Family::kMeasure:
      return is_integer(type) ? DType::kFloat64 : real_of(type);
  }
  return type;
}

}  // namespace v0
}  // namespace stridecast
