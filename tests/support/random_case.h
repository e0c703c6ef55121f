// Random plans against the oracle: seeds, operands between guard pages, and one conversion, copy or
// byteswap with everything that a test varies about it. What is drawn is the test's business.
#ifndef STRIDECAST_TESTS_SUPPORT_RANDOM_CASE_H_
#define STRIDECAST_TESTS_SUPPORT_RANDOM_CASE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "stridecast/plan.h"
#include "tests/reference/strided.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/random_format.h"
#include "tests/support/random_layout.h"

namespace stridecast::testing {

using Bytes = std::vector<unsigned char>;

/// Runs trial(seed) for the seeds that the environment asks for: STRIDECAST_TEST_SEED=<n> that one
/// alone, STRIDECAST_TEST_TRIALS=<n> that many.
template <typename Trial>
void for_each_seed(uint64_t count, Trial trial) {
  if (const char* seed = std::getenv("STRIDECAST_TEST_SEED")) {
    trial(std::strtoull(seed, nullptr, 10));
    return;
  }
  if (const char* trials = std::getenv("STRIDECAST_TEST_TRIALS")) {
    count = std::strtoull(trials, nullptr, 10);
  }
  for (uint64_t seed = 0; seed < count && !::testing::Test::HasFatalFailure(); ++seed) trial(seed);
}
/// Counts over all seeds mean something.
bool all_seeds();

/// An array's memory, exactly as large as its layout says, `gap` bytes from a guard page.
class Memory {
 public:
  Memory(GuardedBuffer& buffer, const Layout& layout, Flush side, size_t gap = 0)
      : buffer_(buffer), extent_(layout.extent()), bytes_(buffer.place(size(), side, gap)) {}

  /// The layout's data pointer.
  unsigned char* data() const { return bytes_ - extent_.lowest; }
  size_t size() const { return static_cast<size_t>(extent_.highest - extent_.lowest); }
  Bytes contents() const { return Bytes(bytes_, bytes_ + size()); }
  void set(const Bytes& contents) {
    if (!contents.empty()) std::memcpy(bytes_, contents.data(), contents.size());
  }
  Operand operand() const { return {data(), extent_.lowest, extent_.highest}; }
  ptrdiff_t damage() const { return buffer_.damage(); }

 private:
  GuardedBuffer& buffer_;
  Extent extent_;
  unsigned char* bytes_;
};

/// One of each for all tests: mapping memory is slow.
struct Buffers {
  GuardedBuffer src{4 << 20}, dst{4 << 20}, where{1 << 20};
};
Buffers& buffers();
/// Whether a layout fits one of them.
bool fits(const Layout& layout);

/// The data pointer of a layout whose lowest byte is the first of `bytes`.
unsigned char* data_in(Bytes& bytes, const Layout& layout);

Bytes random_bytes(Random& random, size_t count);
/// Fills every arithmetic leaf with values worth converting; `tame` ones fit every type.
void fill(Random& random, const Layout& layout, unsigned char* data, bool tame);
/// Under raise a few values that may not fit.
void plant_wild_values(Random& random, const Layout& layout, unsigned char* data);
/// A mask: everything, nothing, few, many, half, or in runs.
void fill_mask(Random& random, const Layout& layout, unsigned char* data);
/// The layout of a mask that broadcasts to `shape`.
Layout random_mask(Random& random, const std::vector<int64_t>& shape);

/// One job for a plan.
struct Job {
  enum Kind : uint8_t {
    kConvert,   // Plan::convert
    kByteswap,  // Plan::byteswap
    kReorder,   // Plan::convert between formats that differ in byte order alone
  };
  Layout src, dst;
  Kind kind = kConvert;
  reference::Mode mode = reference::Mode::kWrap;
  bool nan_raises = false;
  bool default_overflow = false;  // wrap, unsaid
  FieldMatch match = FieldMatch::kAuto;
  reference::Pairing pairing = reference::Pairing::kPosition;
  int64_t index_offset = 0;
  std::optional<Layout> where = {};

  bool may_raise() const { return mode == reference::Mode::kRaise || nan_raises; }
  Plan plan() const;
  /// Writes what the plan has to write.
  reference::Outcome expect(const void* src_data, void* dst_data, const void* mask = nullptr) const;
};
/// A job for these operands, with formats, mode and the rest drawn at random.
Job random_job(Random& random, const FormatPair& formats, const Layout& src, const Layout& dst);
std::string to_text(const Job& job);

/// How a run is cut.
struct Seams {
  int threads = 1;
  int64_t chunk = 0;
  Stream stream = Stream::kAuto;
  RunOptions options(OverlapPolicy overlap = OverlapPolicy::kRefuse) const;
};
std::string to_text(const Seams& seams);
/// As it comes, in the smallest pieces by threads, and one at random.
std::vector<Seams> random_seams(Random& random);

/// Where one seed is asked for, its plans are shown before they run: a crash leaves no other trace.
void show(const std::string& what, const Plan& plan);
std::string first_difference(const Bytes& got, const Bytes& want);
/// Every element of dst is either what it was or what it has to become.
void expect_old_or_converted(const Layout& dst, const Bytes& old, const Bytes& want,
                             const Bytes& got, const std::string& what);

/// Runs the job on every target, cut in several ways, on operands of their own between guard pages,
/// filled at random, and compares with the oracle.
void check_everywhere(Random& random, uint64_t seed, const Job& job);

}  // namespace stridecast::testing

#endif  // STRIDECAST_TESTS_SUPPORT_RANDOM_CASE_H_
