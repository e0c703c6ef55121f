#include "tests/support/random_layout.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <span>

namespace stridecast::testing {
namespace {

std::string list(std::span<const int64_t> values) {
  std::string text = "(";
  for (size_t i = 0; i < values.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(values[i]);
  }
  return text + ")";
}

// Strides for axes in this order, outer to inner, with gaps between rows as Turned says.
Layout with_gaps(Random& random, const Format& format, const std::vector<int64_t>& shape,
                 const std::vector<size_t>& order) {
  std::vector<int64_t> strides(shape.size());
  int64_t reach = format.itemsize(), offset = 0;
  for (size_t k = order.size(); k-- > 0;) {
    const size_t axis = order[k];
    const bool innermost = k + 1 == order.size();
    int64_t stride = reach;
    const int64_t kind = random.below(innermost ? 40 : 10);
    if (kind == 0) {
      stride += random.between(1, 9);
    } else if (!innermost && kind <= 3) {
      stride = (reach + 63) / 64 * 64;
    } else if (!innermost && kind <= 5) {
      stride = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(reach)));
      if (stride * shape[axis] > 1 << 20) stride = reach;
    } else if (!innermost && kind == 6) {
      stride += format.itemsize() * random.between(1, 9);
    }
    reach += stride * (shape[axis] - 1);
    if (random.chance(15)) {
      offset += stride * (shape[axis] - 1);
      stride = -stride;
    }
    strides[axis] = stride;
  }
  return Layout::strided(format, shape, strides, offset);
}

}  // namespace

std::vector<int64_t> random_shape(Random& random, int max_dims, int64_t max_items) {
  const auto ndim = static_cast<size_t>(random.between(0, max_dims));
  std::vector<int64_t> shape(ndim);
  int64_t items = 1;
  for (int64_t& n : shape) {
    const int64_t room = std::min<int64_t>(20, max_items / items);
    n = random.chance(2)    ? 0
        : random.chance(15) ? 1
                            : random.between(1, std::max<int64_t>(room, 1));
    items *= std::max<int64_t>(n, 1);
  }
  std::shuffle(shape.begin(), shape.end(), std::mt19937_64(random.bits()));
  return shape;
}

Layout random_destination(Random& random, const Format& format, const std::vector<int64_t>& shape) {
  std::vector<size_t> order(shape.size());
  std::iota(order.begin(), order.end(), size_t{0});
  if (random.chance(60)) std::shuffle(order.begin(), order.end(), std::mt19937_64(random.bits()));
  const bool dense = random.chance(40);
  std::vector<int64_t> strides(shape.size());
  int64_t reach =
      format.itemsize();  // bytes from the lowest item's start to the highest item's end
  int64_t offset = random.chance(50) ? 0 : random.between(-40, 40);
  for (size_t k = order.size(); k-- > 0;) {
    const size_t axis = order[k];
    int64_t stride = reach;
    if (!dense && random.chance(50)) {
      // Whole elements apart as in a slice, or any number of bytes as in a packed struct.
      stride += random.chance(50) ? format.itemsize() * random.between(1, 3) : random.between(1, 9);
    }
    const int64_t n = std::max<int64_t>(shape[axis], 1);
    reach += stride * (n - 1);
    if (random.chance(25)) {
      offset += stride * (n - 1);
      stride = -stride;
    }
    strides[axis] = stride;
  }
  return Layout::strided(format, shape, strides, offset);
}

Layout random_source(Random& random, const Format& format, const std::vector<int64_t>& shape) {
  const Layout base = random_destination(random, format, shape);
  std::vector<int64_t> strides(base.strides().begin(), base.strides().end());
  for (int64_t& stride : strides) {
    if (random.chance(8)) stride = 0;
    // A sliding window: items that share bytes.
    if (random.chance(5)) stride = random.between(-format.itemsize(), format.itemsize());
  }
  return Layout::strided(format, shape, strides, base.offset());
}

Turned random_turned(Random& random, const Format& src, const Format& dst) {
  const bool channels = random.chance(20);
  const int64_t few = channels ? random.between(2, 4) : random.between(1, 70);
  int64_t many = random.between(1, random.chance(60) ? 300 : 70);
  if (!channels && random.chance(50)) many = std::min<int64_t>(many + 40, 20000 / few);
  std::vector<int64_t> shape = {many, few};
  std::vector<size_t> from = {0, 1}, to = {1, 0};
  if (random.chance(40)) {  // one more axis, outside of both, inside, or between
    shape.push_back(random.between(1, std::max<int64_t>(20000 / (many * few), 1) > 4 ? 5 : 2));
    from.insert(from.begin() + random.below(random.chance(70) ? 1 : 3), 2);
    to.insert(to.begin() + random.below(random.chance(70) ? 1 : 3), 2);
  }
  if (random.chance(50)) std::swap(from, to);
  return {with_gaps(random, src, shape, from), with_gaps(random, dst, shape, to)};
}

std::vector<int64_t> random_broadcastable(Random& random, const std::vector<int64_t>& shape) {
  std::vector<int64_t> smaller = shape;
  if (random.chance(60)) return smaller;
  const auto dropped = static_cast<std::ptrdiff_t>(
      random.chance(40) ? random.below(static_cast<int64_t>(shape.size()) + 1) : 0);
  smaller.erase(smaller.begin(), smaller.begin() + dropped);
  for (int64_t& n : smaller) {
    if (random.chance(30)) n = 1;
  }
  if (random.chance(10)) smaller.insert(smaller.begin(), shape.size() - smaller.size() + 1, 1);
  return smaller;
}

std::string to_text(const Layout& layout) {
  return "'" + layout.format().text() + "' shape " + list(layout.shape()) + " strides " +
         list(layout.strides()) + " offset " + std::to_string(layout.offset());
}

}  // namespace stridecast::testing
