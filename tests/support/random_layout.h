// Random shapes and layouts: axes in any order in memory, gaps of any number of bytes between items
// (so that nothing is aligned), negative strides, and for sources zero and overlapping strides.
// Everything comes from one seed, which failure messages print.
#ifndef STRIDECAST_TESTS_SUPPORT_RANDOM_LAYOUT_H_
#define STRIDECAST_TESTS_SUPPORT_RANDOM_LAYOUT_H_

#include <cstdint>
#include <initializer_list>
#include <random>
#include <string>
#include <vector>

#include "stridecast/layout.h"

namespace stridecast::testing {

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  uint64_t bits() { return engine_(); }
  /// Uniform enough in [0, n).
  int64_t below(int64_t n) { return static_cast<int64_t>(engine_() % static_cast<uint64_t>(n)); }
  int64_t between(int64_t lo, int64_t hi) { return lo + below(hi - lo + 1); }
  bool chance(int percent) { return below(100) < percent; }
  template <typename Container>
  auto pick(const Container& from) {
    return *(std::begin(from) + below(static_cast<int64_t>(std::size(from))));
  }

 private:
  std::mt19937_64 engine_;
};

/// 0 to max_dims axes of 0 to 20, at most max_items items.
std::vector<int64_t> random_shape(Random& random, int max_dims = 6, int64_t max_items = 2000);

/// A layout in which no two items share a byte, fit for a destination.
Layout random_destination(Random& random, const Format& format, const std::vector<int64_t>& shape);

/// A layout whose items may repeat and overlap, fit for a source.
Layout random_source(Random& random, const Format& format, const std::vector<int64_t>& shape);

/// Two layouts of one shape whose fastest axes differ, of up to some 20000 items: transposes, and
/// two to four interleaved channels to planes or back. Rows packed, on lines, at odd distances or a
/// power of two apart.
struct Turned {
  Layout src, dst;
};
Turned random_turned(Random& random, const Format& src, const Format& dst);

/// A shape that np.copyto broadcasts to `shape`: leading axes gone, some axes of size 1, or more of
/// those in front.
std::vector<int64_t> random_broadcastable(Random& random, const std::vector<int64_t>& shape);

/// "float32 shape (2, 3) strides (12, -4) offset 8"
std::string to_text(const Layout& layout);

}  // namespace stridecast::testing

#endif  // STRIDECAST_TESTS_SUPPORT_RANDOM_LAYOUT_H_
