// What the tests of compensated, reproducible and wide sums share: a case, states that are fed with
// bits and give bits, floats at random, and the trials that both kernels for floats undergo,
// against oracles that share nothing with them. Each kernel's own merits are its test's.
#ifndef STRIDECAST_TESTS_SUPPORT_SUM_KERNEL_CHECK_H_
#define STRIDECAST_TESTS_SUPPORT_SUM_KERNEL_CHECK_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "kernels/kernel_table.h"
#include "tests/reference/element.h"
#include "tests/support/random_layout.h"
#include "tests/support/reduce_states.h"

namespace stridecast::testing {

using Series = std::vector<uint64_t>;  // bits of parts, one after the other

inline constexpr DType kFloatTypes[] = {DType::kFloat16,        DType::kBFloat16,
                                        DType::kFloat32,        DType::kFloat64,
                                        DType::kComplexFloat32, DType::kComplexFloat64};
inline constexpr int64_t kGaps[] = {0, 0, 1, 9};  // bytes between rows or columns

/// One kernel for one source type.
struct SumCase {
  const sc_reduce_entry* entry = nullptr;
  kernels::ReduceKernel kernel = kernels::kReduceSum;
  DType part = DType::kFloat32;
  int64_t parts = 1;    // of an element
  DType result = part;  // of a part
  kernels::WideSumParams params = {};
  std::vector<double> counts = {};  // one for all columns, or as many as there are

  int64_t size() const { return parts * reference::size(part); }
  int64_t result_size() const { return parts * reference::size(result); }
  uint64_t expected(const Series& x) const;  // of floats
};

/// Whether a type has an entry without a gap, with join or without.
bool has_sum(const kernels::KernelTable& table, kernels::ReduceKernel kernel, DType type,
             bool joins);

SumCase float_case(const kernels::KernelTable& table, kernels::ReduceKernel kernel, DType type);
std::vector<SumCase> float_cases(const kernels::KernelTable& table, kernels::ReduceKernel kernel);

sc_run reduce_run(const SumCase& c, int64_t columns);
/// Runs whole over run.n[0] packed items a column.
Series whole_results(const SumCase& c, const sc_run& run, uint32_t* errors);

/// A state block for some columns.
class Sums : public StateBlock {
 public:
  Sums(const SumCase& c, int64_t columns);

  using StateBlock::step;
  void step(const Series& x);
  Series finish(uint32_t* errors) const;
  Series finish() const;

 private:
  const SumCase& c_;
};

/// How the magnitudes of elements are spread.
enum class Spread : uint8_t {
  kNear,      // within some binades, as most data
  kFar,       // over 160 binades, which take more than one try
  kAny,       // over all that the type has
  kSpecials,  // near, with zeros, infinities, NaNs, subnormals and the largest values
};
inline constexpr Spread kSpreads[] = {Spread::kNear, Spread::kFar, Spread::kAny, Spread::kSpecials};

uint64_t sign_bit(DType type);
Series elements(Random& random, const SumCase& c, int64_t count, Spread spread);

/// Every `width`th from the `at`th on.
Series column(const Series& x, int64_t width, int64_t at);

/// Whether rows of so many columns of floats have these results.
::testing::AssertionResult right(const SumCase& c, const Series& x, int64_t columns,
                                 const Series& got);

/// Against guard pages on both sides, at every distance from an aligned address.
void check_every_length(const std::vector<SumCase>& cases);
void check_pieces(const std::vector<SumCase>& cases);
/// Rows apart in memory, forwards, backwards and on one spot, against guard pages.
void check_rows(const std::vector<SumCase>& cases);
/// Columns apart in memory, of one leaf at most and of more.
void check_whole_columns(const std::vector<SumCase>& cases);
void check_special_values(const std::vector<SumCase>& cases);
void check_zeros(const std::vector<SumCase>& cases);

}  // namespace stridecast::testing

#endif  // STRIDECAST_TESTS_SUPPORT_SUM_KERNEL_CHECK_H_
