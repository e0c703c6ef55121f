// What the tests of reduce kernels share: which kernels there are, elements at random for each, and
// states that are fed with elements and give elements, which the oracle folds as well. Sums whose
// oracles are exact have sum_kernel_check.h.
#ifndef STRIDECAST_TESTS_SUPPORT_REDUCE_KERNEL_CHECK_H_
#define STRIDECAST_TESTS_SUPPORT_REDUCE_KERNEL_CHECK_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kernels/kernel_table.h"
#include "tests/reference/element.h"
#include "tests/reference/reduce.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/random_layout.h"
#include "tests/support/reduce_states.h"

namespace stridecast::testing {

using reference::Element;
using reference::Op;
using Elements = std::vector<Element>;

// ---- elements: numbers, complex ones as two parts, and times as an int64 ----

bool is_time(DType type);
DType part_of(DType type);
int64_t size_of(DType type);
void store(unsigned char* at, DType type, Element element);
Element load(const unsigned char* at, DType type);
Bytes pack(DType type, const Elements& x);
std::string to_text(DType type, Element element);

// ---- what there is ----

/// Every kernel with the types that it has: where there is an entry, and where there must be none.
struct Family {
  kernels::ReduceKernel kernel;
  Op op;
  std::vector<std::span<const DType>> types;
};
const std::vector<Family>& families();

bool is_arg(Op op);
bool is_extreme(Op op);  // arg extremes among them

struct ReduceCase {
  const sc_reduce_entry* entry;
  Op op;
  DType type, result;

  /// What depends on the order of its elements is tried more often.
  bool is_tree() const;
  bool is_integer() const;
  int64_t size() const { return size_of(type); }
};
std::vector<ReduceCase> all_reductions(const kernels::KernelTable& table);

/// Row r of an arg extreme has the index kFirstIndex + r * kIndexStep; the others do not look at
/// it.
inline constexpr int64_t kFirstIndex = 1000, kIndexStep = 3;

Element expected(const ReduceCase& c, const Elements& x, Element mean = {});
/// Whether that is what the kernel gave, NaNs being those that kernels have to give.
::testing::AssertionResult same(const ReduceCase& c, Element got, Element want);

// ---- elements at random ----

/// Numbers whose sum depends on every association: magnitudes over 60 binades, both signs. Factors
/// of products are close to 1, so that these neither overflow nor vanish. Of extremes every other
/// list holds few different elements, complex ones few different parts, so that they tie: smallest,
/// largest and zeros among them.
Elements elements(Random& random, const ReduceCase& c, int64_t count, bool specials);
/// One a column, of the accumulator type; of deviations as large as the elements.
Elements random_means(Random& random, const ReduceCase& c, int64_t columns);

Elements column_of(const Elements& x, int64_t columns, int64_t k);

// ---- runs ----

struct Mask {
  const unsigned char* first = nullptr;
  int64_t row_step = 0, column_step = 0;
};

sc_run reduce_run(const ReduceCase& c, int64_t columns);
void set_mask(sc_run& run, const Mask& mask);

/// The means of columns as kernels of deviations read them; those of others read none.
class Means {
 public:
  /// One a column, or one for all.
  Means(const ReduceCase& c, const Elements& means);
  void set(sc_run& run) const;

 private:
  Bytes packed_;
  int64_t step_;
};

/// Runs whole over columns of items at run.src_step.
Elements whole_results(const ReduceCase& c, const sc_run& run);

/// A state block for some columns; and, for deviations, the columns' means.
class States : public StateBlock {
 public:
  States(const ReduceCase& c, int64_t columns, const Elements& means = {});

  void restart(const Elements& means);
  /// The row that the next step begins with.
  void go_to(int64_t row) { run().index = kFirstIndex + row * kIndexStep; }

  using StateBlock::step;
  void step(const void* src, int64_t rows, int64_t row_step, const Mask& mask);
  void merge(const States& later) { EXPECT_EQ(StateBlock::merge(later), 0u); }
  Elements finish() const;

 private:
  ReduceCase case_;
  Means means_;
};

}  // namespace stridecast::testing

#endif  // STRIDECAST_TESTS_SUPPORT_REDUCE_KERNEL_CHECK_H_
