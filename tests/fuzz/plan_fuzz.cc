// libFuzzer target: plans over any two formats, shapes and strides. What must hold: making a plan
// either throws the library's Error or gives one that reads only its source's extent, writes only
// the bytes of its destination's elements, and writes there what the oracle of the tests says, on
// every SIMD target. Inputs are numbers, then two texts with a newline between; make_seeds.py
// writes them from the corpus.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "dtypes/leaf_map.h"
#include "stridecast/plan.h"
#include "stridecast/runtime.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/reference/strided.h"
#include "tests/support/guarded_buffer.h"

namespace stridecast::fuzz {
namespace {

using Bytes = std::vector<unsigned char>;
using testing::Flush;
using testing::GuardedBuffer;

constexpr int kMostDims = 4;
constexpr int64_t kMostBytes = 16 << 10;     // of one operand in memory
constexpr int64_t kMostElements = 16 << 10;  // what the oracle, which is slow, is asked for

// The input's bytes as numbers, zeros once they are used up.
class Numbers {
 public:
  Numbers(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  uint8_t byte() {
    if (size_ == 0) return 0;
    --size_;
    return *data_++;
  }
  int64_t below(int64_t n) { return byte() % n; }
  std::string_view rest() const { return {reinterpret_cast<const char*>(data_), size_}; }

 private:
  const uint8_t* data_;
  size_t size_;
};

struct Job {
  Layout src, dst;
  bool swaps = false;
  reference::Mode mode = reference::Mode::kWrap;
  bool by_name = false;
  Flush side = Flush::kLeft;
  unsigned char seed = 0;  // of the source's bytes
};

// Where the items of one operand lie: axes nested in a drawn order with gaps between, each of them
// maybe backwards; a source's may also stand still or overlap.
struct Placement {
  uint8_t order = 0;
  int8_t gap[kMostDims] = {};
  uint8_t flags = 0;  // a bit an axis: backwards; bit 7: strides are the gaps alone
};

Placement read_placement(Numbers* numbers, int ndim) {
  Placement placement = {numbers->byte(), {}, numbers->byte()};
  for (int k = 0; k < ndim; ++k) placement.gap[k] = static_cast<int8_t>(numbers->byte());
  return placement;
}

// Throws Error for extents that no layout can have.
Layout place(const Format& format, const std::vector<int64_t>& shape, const Placement& placement,
             bool is_source) {
  const auto ndim = static_cast<int>(shape.size());
  std::vector<int> axes;
  for (int k = 0; k < ndim; ++k) axes.insert(axes.begin() + (placement.order >> k) % (k + 1), k);
  std::vector<int64_t> strides(shape.size());
  const bool raw = is_source && (placement.flags & 0x80) != 0;
  int64_t block = format.itemsize();
  for (const int axis : axes) {
    const auto k = static_cast<size_t>(axis);
    const int64_t gap = placement.gap[k];
    int64_t step = 0;
    bool fits = !__builtin_add_overflow(block, std::max<int64_t>(gap, 0), &step);
    fits = fits && !__builtin_mul_overflow(step, std::max<int64_t>(shape[k], 1), &block);
    strides[k] = raw ? gap : step;
    if (!fits) {
      throw Error(ErrorCode::kInvalidArgument, "the extent does not fit 63 bits");
    }
    if ((placement.flags >> axis & 1) != 0) strides[k] = -strides[k];
  }
  return Layout::strided(format, shape, strides);
}

// Throws Error where the texts or the numbers make no job.
Job read_job(const uint8_t* data, size_t size) {
  Numbers numbers(data, size);
  const uint8_t flags = numbers.byte();
  const auto ndim = static_cast<int>(numbers.below(kMostDims + 1));
  std::vector<int64_t> shape, from_shape;
  for (int k = 0; k < ndim; ++k) {
    const uint8_t byte = numbers.byte();
    // Mostly short axes, now and then one longer than vectors and blocks; some are broadcast.
    shape.push_back((byte & 0x40) != 0 ? byte & 0x3F : byte & 7);
    from_shape.push_back((byte & 0x80) != 0 ? 1 : shape.back());
  }
  const Placement from = read_placement(&numbers, ndim), to = read_placement(&numbers, ndim);
  const unsigned char seed = numbers.byte();
  const std::string_view texts = numbers.rest();
  const size_t end = std::min(texts.find('\n'), texts.size());
  const Format src = Format::parse(texts.substr(0, end));
  const Format dst = end == texts.size() ? src : Format::parse(texts.substr(end + 1));
  Job job = {place(src, from_shape, from, true), place(dst, shape, to, false)};
  job.swaps = (flags & 1) != 0;
  job.mode = reference::kModes[(flags >> 1) % 3];
  job.by_name = (flags & 8) != 0;
  job.side = (flags & 16) != 0 ? Flush::kRight : Flush::kLeft;
  job.seed = seed;
  return job;
}

int64_t bytes_of(const Layout& layout) { return layout.extent().highest - layout.extent().lowest; }

Plan plan_of(const Job& job) {
  if (job.swaps) return Plan::byteswap(job.src, job.dst);
  constexpr Overflow kModes[] = {Overflow::kWrap, Overflow::kSaturate, Overflow::kRaise};
  return Plan::convert(job.src, job.dst,
                       {.overflow = kModes[static_cast<int>(job.mode)],
                        .fields = job.by_name ? FieldMatch::kName : FieldMatch::kPosition});
}

// Whether items pass whole, padding and all: between equal formats, also where a byteswap has
// nothing to swap.
bool copies(const Job& job) {
  return job.src.format() == job.dst.format() &&
         (!job.swaps || internal::leaves(job.dst.format()).empty());
}

// What the run has to give; nothing where the oracle does not know the types.
std::optional<reference::Outcome> expect(const Job& job, const void* src, void* dst) {
  try {
    if (copies(job)) {
      reference::copy(job.src, src, job.dst, dst);
    } else if (job.swaps) {
      reference::byteswap(job.src, src, job.dst, dst);
    } else {
      return reference::convert(
          job.src, src, job.dst, dst, job.mode, false,
          job.by_name ? reference::Pairing::kName : reference::Pairing::kPosition);
    }
    return reference::Outcome();
  } catch (const std::logic_error&) {
    return std::nullopt;
  }
}

// Bytes outside all elements of dst are as they were.
void check_padding(const Layout& dst, const std::vector<reference::Leaf>& leaves, Bytes got,
                   const Bytes& old) {
  reference::for_each_item(dst, [&](int64_t, int64_t offset) {
    for (const reference::Leaf& leaf : leaves) {
      const auto at = static_cast<size_t>(offset + leaf.offset - dst.extent().lowest);
      std::copy_n(old.begin() + static_cast<ptrdiff_t>(at), leaf.size,
                  got.begin() + static_cast<ptrdiff_t>(at));
    }
  });
  CHECK(got == old);
}

void show_difference(const Job& job, const std::string& target, const Bytes& got,
                     const Bytes& want) {
  const auto at = std::mismatch(got.begin(), got.end(), want.begin()).first - got.begin();
  std::fprintf(stderr, "%s to %s, target %s: byte %td of %zu is 0x%02x, not 0x%02x\n%s\n",
               job.src.format().text().c_str(), job.dst.format().text().c_str(), target.c_str(), at,
               got.size(), got[static_cast<size_t>(at)], want[static_cast<size_t>(at)],
               plan_of(job).explain().c_str());
}

void run_everywhere(const Job& job) {
  static GuardedBuffer& from = *new GuardedBuffer(kMostBytes);
  static GuardedBuffer& to = *new GuardedBuffer(kMostBytes);
  const auto src_bytes = static_cast<size_t>(bytes_of(job.src));
  const auto dst_bytes = static_cast<size_t>(bytes_of(job.dst));
  unsigned char* src = from.place(src_bytes, job.side);
  unsigned char* dst = to.place(dst_bytes, job.side);
  for (size_t i = 0; i < src_bytes; ++i) {
    src[i] = static_cast<unsigned char>((i * 167 + i / 7) * (job.seed | 1U) >> 3);
  }
  const Bytes source(src, src + src_bytes), old(dst_bytes, 0x5A);
  const Operand in = {src - job.src.extent().lowest, job.src.extent().lowest,
                      job.src.extent().highest};
  const Operand out = {dst - job.dst.extent().lowest, job.dst.extent().lowest,
                       job.dst.extent().highest};
  Bytes want = old;
  want.reserve(dst_bytes + 1);  // an address also where there are no bytes
  const std::optional<reference::Outcome> outcome =
      expect(job, in.data, want.data() - job.dst.extent().lowest);
  const std::vector<reference::Leaf> leaves = reference::leaves(job.dst.format());
  std::optional<Bytes> first;  // of the first target
  for (const std::string& target : targets()) {
    set_target(target);
    const Plan plan = plan_of(job);
    CHECK(!plan.explain().empty());
    std::copy(old.begin(), old.end(), dst);
    const RunStatus status = plan.try_run(in, out);
    const Bytes got(dst, dst + dst_bytes);
    CHECK(std::equal(source.begin(), source.end(), src));
    CHECK(to.damage() == 0 && from.damage() == 0);
    CHECK(status.code == StatusCode::kOk || status.code == StatusCode::kDataError);
    if (!copies(job)) check_padding(job.dst, leaves, got, old);
    if (outcome) {
      CHECK((status.code == StatusCode::kDataError) == outcome->error);
      CHECK(!outcome->error || status.index == outcome->index);
      if (!outcome->error && got != want) show_difference(job, target, got, want);
      CHECK(outcome->error || got == want);
    }
    if (status.ok()) {
      if (!first) first = got;
      CHECK(got == *first);
    }
  }
}

// The elements of an item, sub-arrays spelled out; elements without bytes count too.
int64_t elements_of(const Format& format) {
  int64_t elements = 0;
  for (const internal::Leaf& leaf : internal::leaves(format)) {
    int64_t count = 1;
    for (const internal::LeafDim& dim : leaf.dims) {
      if (__builtin_mul_overflow(count, dim.count, &count)) return INT64_MAX;
    }
    if (__builtin_add_overflow(elements, count, &elements)) return INT64_MAX;
  }
  return elements;
}

void check_job(const Job& job) {
  std::optional<Plan> plan;
  try {
    plan = plan_of(job);
  } catch (const Error& error) {
    CHECK(*error.what() != '\0');
    return;
  }
  CHECK(!plan->explain().empty());
  if (bytes_of(job.src) > kMostBytes || bytes_of(job.dst) > kMostBytes) return;
  const int64_t in_item = std::max(elements_of(job.src.format()), elements_of(job.dst.format()));
  if (in_item > kMostElements || job.dst.size() > kMostElements) return;
  if (in_item * job.dst.size() > kMostElements) return;
  run_everywhere(job);
}

void check_input(const uint8_t* data, size_t size) {
  std::optional<Job> job;
  try {
    job = read_job(data, size);
  } catch (const Error&) {
    return;
  }
  check_job(*job);
}

}  // namespace
}  // namespace stridecast::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  stridecast::fuzz::check_input(data, size);
  return 0;
}
