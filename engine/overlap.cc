// Overlap of strided operands as a question about integers: do x_k with 0 <= x_k <= most_k exist so
// that first <= sum(a_k * x_k) <= last?
//
// The way to put it, and bounding the work of a depth first search that is pruned by greatest
// common divisors, are from NumPy's mem_overlap.c (Pauli Virtanen, after P. Ramachandran, "Use of
// Extended Euclidean Algorithm in Solving a System of Linear Diophantine Equations with Bounded
// Variables", 2006). Three things differ. The bytes within items widen the right-hand side to an
// interval instead of adding variables, and dimensions without gaps dissolve into that interval, so
// that contiguous parts cost nothing. The largest coefficient is tried first, whose values are
// bounded from both sides. And those of its values that leave a multiple of the remaining
// coefficients' divisor are jumped to by Euclid's algorithm on an interval, which solves two
// dimensions without any search.

#include "engine/overlap.h"

#include <algorithm>
#include <numeric>

#include "engine/walk.h"

namespace stridecast::internal {
namespace {

// Sums of a few hundred products that are each below 2^66.
__extension__ typedef __int128 Wide;
__extension__ typedef unsigned __int128 UnsignedWide;

// An operand's extent has 63 bits, and no term here is more than two of them and a stride.
constexpr Wide kMaxReach = Wide{1} << 66;
// Two variables a loop.
constexpr int kMaxTerms = 2 * static_cast<int>(kMaxLoops);
// Search steps for an order: at most some 30 us, less than a temporary copy of a megabyte costs.
constexpr int64_t kOrderWork = 1000;
constexpr uint64_t kNever = UINT64_MAX;

Wide floor_div(Wide a, uint64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }
Wide ceil_div(Wide a, uint64_t b) { return -floor_div(-a, b); }

// The least t with low <= a * t mod m <= high, or kNever; 0 < low <= high < m and a < m. Euclid's
// algorithm: where no multiple of `a` lies in [low, high], a * t - m * y lies there for the least y
// for which -m * y mod a lies in [low mod a, high mod a]. m halves at least each time.
uint64_t first_in_range(uint64_t a, uint64_t m, uint64_t low, uint64_t high) {
  if (a == 0) return kNever;
  if (a > m - a) {
    a = m - a;
    std::swap(low, high);
    low = m - low;
    high = m - high;
  }
  if (high / a * a >= low) return low / a + (low % a != 0);
  const uint64_t rest = m % a;
  const uint64_t y = first_in_range(rest == 0 ? 0 : a - rest, a, low % a, high % a);
  if (y == kNever) return kNever;
  return static_cast<uint64_t>((UnsignedWide{m} * y + low + a - 1) / a);
}

// first <= constant + sum of terms <= last. Terms are added in any order and with any sign; they
// are kept with positive coefficients in ascending order, first and last adjusted.
class Equation {
 public:
  Equation(Wide first, Wide last) : first_(first), last_(last) {}

  void add_constant(Wide constant) {
    first_ -= constant;
    last_ -= constant;
  }

  // coefficient * x, 0 <= x <= most.
  void add(Wide coefficient, uint64_t most) {
    if (coefficient == 0 || most == 0 || !representable(coefficient, most)) return;
    if (coefficient < 0) {  // most - x takes the place of x
      add_constant(coefficient * most);
      coefficient = -coefficient;
    }
    insert({static_cast<uint64_t>(coefficient), most, false});
  }

  // p * x + q * y, 0 <= x, 0 <= y, x + y <= most: a triangle. Once in an equation.
  void add_triangle(Wide p, Wide q, uint64_t most) {
    if (most == 0 || !representable(p, most) || !representable(q, most)) return;
    // Counted from the corner where the sum is least, the other two lie `near` and `far` above.
    const Wide least = std::min({Wide{0}, p, q});
    const Wide far = std::max({Wide{0}, p, q}) - least;
    const Wide near = p + q - 3 * least - far;
    if (!representable(far, most)) return;
    add_constant(least * most);
    if (near == 0 || near == far) return add(far, most);
    insert({static_cast<uint64_t>(near), most, true});
    insert({static_cast<uint64_t>(far), most, true});
  }

  // Uses up `work`, one a step.
  Answer solve(int64_t& work) {
    if (too_large_) return Answer::kTooHard;
    if (out_of_reach()) return Answer::kNo;
    simplify();
    if (out_of_reach()) return Answer::kNo;
    if (count_ == 0) return Answer::kYes;
    Search search(*this, work);
    return search.run();
  }

 private:
  struct Term {
    uint64_t a, most;
    bool coupled;  // with the other such term: together they take at most `most`
  };

  // Terms are the smallest coefficients first; `rest` of a term are those before it.
  class Search {
   public:
    Search(const Equation& equation, int64_t& work) : terms_(equation.terms_), work_(work) {
      count_ = equation.count_;
      first_ = equation.first_;
      last_ = equation.last_;
      Wide reach = 0;
      uint64_t divisor = 0;
      for (int k = 0; k < count_; ++k) {
        reach_[k] = reach;
        divisor_[k] = divisor;
        const Term& term = terms_[k];
        divisor = std::gcd(divisor, term.a);
        if (term.coupled && near_ < 0) {
          near_ = k;  // what it adds depends on what the far one leaves
        } else {
          if (term.coupled) far_ = k;
          reach += Wide{term.a} * term.most;
        }
      }
    }

    Answer run() { return find(count_, first_, last_, near_ < 0 ? 0 : terms_[near_].most); }

   private:
    // Whether the first `count` terms reach [first, last], which is known to contain a multiple of
    // their divisor and to meet [0, their reach]. So one term does: either that multiple is within
    // its reach, or the interval contains 0 or the reach itself, which are multiples too.
    // left: what the far term leaves to the near one.
    Answer find(int count, Wide first, Wide last, uint64_t left) {
      if (count == 1) return Answer::kYes;
      const int k = count - 1;
      const Term& term = terms_[k];
      const Wide most = std::min<Wide>(k == near_ ? left : term.most, last / term.a);
      Wide reach = reach_[k];
      uint64_t step = term.a;
      if (near_ >= 0 && near_ < k && k <= far_) {
        reach += Wide{terms_[near_].a} * left;
        if (k == far_) step -= terms_[near_].a;  // each turn takes one from the near term
      }
      const Wide least = first > reach ? ceil_div(first - reach, step) : 0;
      // From the middle, where the rest has the most ways to make up the difference.
      const Wide middle = least + (most - least) / 2;
      const Answer upper = try_values(k, middle, most, first, last, left);
      if (upper != Answer::kNo) return upper;
      return try_values(k, least, middle - 1, first, last, left);
    }

    Answer try_values(int k, Wide from, Wide to, Wide first, Wide last, uint64_t left) {
      const uint64_t a = terms_[k].a;
      for (Wide x = from; x <= to; ++x) {
        x = next_candidate(k, x, first, last);
        if (x > to) break;
        if (k > 1 && --work_ < 0) return Answer::kTooHard;
        const uint64_t now_left = k == far_ ? left - static_cast<uint64_t>(x) : left;
        const Answer answer = find(k, first - a * x, last - a * x, now_left);
        if (answer != Answer::kNo) return answer;
      }
      return Answer::kNo;
    }

    // The least value from x on that leaves an interval with a multiple of the rest's divisor;
    // beyond every bound if there is none. a * x <= last.
    Wide next_candidate(int k, Wide x, Wide first, Wide last) const {
      const uint64_t divisor = divisor_[k];
      if (last - first >= divisor - 1) return x;
      const auto width = static_cast<uint64_t>(last - first);
      const auto above = static_cast<uint64_t>((last - terms_[k].a * x) % divisor);
      if (above <= width) return x;
      const uint64_t turns = first_in_range(terms_[k].a % divisor, divisor, above - width, above);
      return turns == kNever ? kMaxReach * 2 : x + turns;
    }

    const Term* terms_;
    int count_;
    int near_ = -1, far_ = -1;
    Wide first_, last_;
    int64_t& work_;
    Wide reach_[kMaxTerms];        // of the terms before, without the near one
    uint64_t divisor_[kMaxTerms];  // of the terms before
  };

  // Remembers where not.
  bool representable(Wide coefficient, uint64_t most) {
    const Wide size = coefficient < 0 ? -coefficient : coefficient;
    const bool fits =
        size <= Wide{UINT64_MAX} && UnsignedWide(size) * most <= UnsignedWide(kMaxReach);
    too_large_ = too_large_ || !fits;
    return fits;
  }

  void insert(const Term& term) {
    int at = count_;
    while (at > 0 && terms_[at - 1].a > term.a) --at;
    if (at > 0 && terms_[at - 1].a == term.a && !terms_[at - 1].coupled && !term.coupled) {
      too_large_ |= __builtin_add_overflow(terms_[at - 1].most, term.most, &terms_[at - 1].most);
      return;
    }
    if (count_ == kMaxTerms) {
      too_large_ = true;
      return;
    }
    std::copy_backward(terms_ + at, terms_ + count_, terms_ + count_ + 1);
    terms_[at] = term;
    ++count_;
  }

  bool out_of_reach() const {
    Wide reach = 0;
    bool near = true;
    for (int k = 0; k < count_; ++k) {
      // Of the couple, all turns of the far one.
      if (terms_[k].coupled && near) {
        near = false;
        continue;
      }
      reach += Wide{terms_[k].a} * terms_[k].most;
    }
    return first_ > last_ || last_ < 0 || first_ > reach;
  }

  // Divides by the common divisor, and takes out the terms whose turns leave no gap in the
  // interval: [first - a * x, last - a * x] for all x is one interval if a <= last - first + 1.
  void simplify() {
    for (bool again = true; again && count_ > 0;) {
      uint64_t divisor = 0;
      for (int k = 0; k < count_ && divisor != 1; ++k) divisor = std::gcd(divisor, terms_[k].a);
      if (divisor > 1) {
        first_ = ceil_div(first_, divisor);
        last_ = floor_div(last_, divisor);
        if (first_ > last_) return;
        for (int k = 0; k < count_; ++k) terms_[k].a /= divisor;
      }
      const int before = count_;
      count_ = 0;
      for (int k = 0; k < before; ++k) {
        const Term& term = terms_[k];
        if (!term.coupled && term.a <= last_ - first_ + 1) {
          first_ -= Wide{term.a} * term.most;
        } else {
          terms_[count_++] = term;
        }
      }
      again = count_ < before;
    }
  }

  Wide first_, last_;
  int count_ = 0;
  bool too_large_ = false;
  Term terms_[kMaxTerms];
};

bool empty(const Items& a) {
  return a.itemsize <= 0 || std::ranges::find(a.shape, 0) != a.shape.end();
}

// From the start of the item at the lowest address to the end of the one at the highest.
struct Bounds {
  Wide lowest, highest;
};

Bounds bounds(const Items& a) {
  Bounds bounds{a.base, Wide{a.base} + a.itemsize};
  for (size_t k = 0; k < a.shape.size(); ++k) {
    const Wide reach = Wide{a.shape[k] - 1} * a.strides[k];
    (reach < 0 ? bounds.lowest : bounds.highest) += reach;
  }
  return bounds;
}

// Whether, with `nest` walked in one order, an item is written before another is read that shares
// a byte with it. Of the two, the loops before `which` are in the same turn, and in loop `which`
// the written one is ahead of the read one on the way.
// `distance`: how far the walk's first items are apart.
Answer written_first(const LoopNest& nest, size_t which, bool forward, Wide distance,
                     int64_t src_size, int64_t dst_size, int64_t& work) {
  Equation equation(1 - Wide{dst_size}, Wide{src_size} - 1);
  equation.add_constant(distance);
  for (size_t k = 0; k < nest.loops.size(); ++k) {
    const Loop& loop = nest.loops[k];
    if (loop.n <= 1) continue;
    const Wide src = loop.step[kSrc], dst = loop.step[kDst];
    const auto last = static_cast<uint64_t>(loop.n - 1);
    if (k < which) {
      equation.add(dst - src, last);
    } else if (k > which) {
      equation.add(dst, last);
      equation.add(-src, last);
    } else {
      // The lower of the two is in turn x, the other in turn x + 1 + y.
      const Wide upper = forward ? -src : dst;
      equation.add_triangle(dst - src, upper, last - 1);
      equation.add_constant(upper);
    }
  }
  return equation.solve(work);
}

}  // namespace

Answer share_memory(const Items& a, const Items& b, int64_t max_work) noexcept {
  if (empty(a) || empty(b)) return Answer::kNo;
  const Bounds in_a = bounds(a), in_b = bounds(b);
  if (in_a.highest <= in_b.lowest || in_b.highest <= in_a.lowest) return Answer::kNo;
  // Items share a byte if b's starts less than a's size above a's, or a's less than b's above b's.
  Equation equation(1 - Wide{b.itemsize}, Wide{a.itemsize} - 1);
  equation.add_constant(Wide{b.base} - a.base);
  const auto add = [&](const Items& items, int sign) {
    for (size_t k = 0; k < items.shape.size(); ++k) {
      equation.add(sign * Wide{items.strides[k]}, static_cast<uint64_t>(items.shape[k] - 1));
    }
  };
  add(a, -1);
  add(b, 1);
  return equation.solve(max_work);
}

Answer overlaps_itself(const Items& a, int64_t max_work) noexcept {
  if (empty(a)) return Answer::kNo;
  struct Axis {
    Wide stride;
    uint64_t last;
  };
  Axis axes[kMaxDims];
  size_t count = 0;
  for (size_t k = 0; k < a.shape.size(); ++k) {
    if (a.shape[k] == 1) continue;
    if (count == kMaxDims) return Answer::kTooHard;
    const Wide stride = a.strides[k];
    axes[count++] = {stride < 0 ? -stride : stride, static_cast<uint64_t>(a.shape[k] - 1)};
  }
  std::sort(axes, axes + count, [](const Axis& x, const Axis& y) { return x.stride < y.stride; });
  Answer answer = Answer::kNo;
  Wide covered = a.itemsize;
  for (size_t k = 0; k < count; ++k) {
    // Two items that differ along axis k, and else along axes of smaller strides only. Steps over
    // all of those keep them apart.
    if (axes[k].stride < covered) {
      Equation equation(1 - Wide{a.itemsize}, Wide{a.itemsize} - 1);
      equation.add_constant(axes[k].stride);
      equation.add(axes[k].stride, axes[k].last - 1);
      for (size_t m = 0; m < k; ++m) {
        equation.add(axes[m].stride, axes[m].last);
        equation.add(-axes[m].stride, axes[m].last);
      }
      const Answer here = equation.solve(max_work);
      if (here == Answer::kYes) return here;
      if (here == Answer::kTooHard) answer = here;
    }
    covered += axes[k].stride * axes[k].last;
  }
  return answer;
}

SafeOrder safe_order(const LoopNest& nest, intptr_t src_base, int64_t src_size, intptr_t dst_base,
                     int64_t dst_size) noexcept {
  const bool no_items = std::ranges::any_of(nest.loops, [](const Loop& l) { return l.n <= 0; });
  if (no_items || src_size <= 0 || dst_size <= 0) return SafeOrder::kForward;
  const auto safe = [&](bool forward) {
    int64_t work = kOrderWork;
    for (size_t k = 0; k < nest.loops.size(); ++k) {
      if (nest.loops[k].n <= 1) continue;
      const Answer answer =
          written_first(nest, k, forward, Wide{dst_base} - src_base, src_size, dst_size, work);
      if (answer != Answer::kNo) return false;
    }
    return true;
  };
  if (safe(true)) return SafeOrder::kForward;
  return safe(false) ? SafeOrder::kBackward : SafeOrder::kNone;
}

}  // namespace stridecast::internal
