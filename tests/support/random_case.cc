#include "tests/support/random_case.h"

#include <algorithm>
#include <iostream>

#include "tests/support/engine_run.h"
#include "tests/support/target_param.h"
#include "tests/support/values.h"

namespace stridecast::testing {
namespace {

using reference::Mode;

uint64_t random_element(Random& random, DType type) {
  static const auto* pools = [] {
    auto* all = new std::vector<std::vector<reference::Bits>>;
    for (DType t : reference::kTypes) all->push_back(values_of(t, 500));
    return all;
  }();
  return static_cast<uint64_t>(random.pick((*pools)[static_cast<size_t>(type)]));
}

std::vector<reference::Leaf> arithmetic_leaves(const Format& format) {
  std::vector<reference::Leaf> leaves = reference::leaves(format);
  std::erase_if(leaves, [](const reference::Leaf& leaf) { return !is_arithmetic(leaf.type); });
  return leaves;
}

}  // namespace

bool all_seeds() {
  return std::getenv("STRIDECAST_TEST_SEED") == nullptr &&
         std::getenv("STRIDECAST_TEST_TRIALS") == nullptr;
}

Buffers& buffers() {
  static Buffers instance;
  return instance;
}

bool fits(const Layout& layout) {
  return layout.extent().highest - layout.extent().lowest < (4 << 20) - 256;
}

unsigned char* data_in(Bytes& bytes, const Layout& layout) {
  return bytes.empty() ? nullptr : bytes.data() - layout.extent().lowest;
}

Bytes random_bytes(Random& random, size_t count) {
  Bytes bytes(count);
  for (unsigned char& byte : bytes) byte = static_cast<unsigned char>(random.bits());
  return bytes;
}

void fill(Random& random, const Layout& layout, unsigned char* data, bool tame) {
  const std::vector<reference::Leaf> all = arithmetic_leaves(layout.format());
  reference::for_each_item(layout, [&](int64_t, int64_t offset) {
    for (const reference::Leaf& leaf : all) {
      uint64_t bits = random_element(random, leaf.type);
      if (tame) {
        bits = reference::convert(DType::kUint8, static_cast<uint64_t>(random.below(100)),
                                  leaf.type, Mode::kWrap)
                   .bits;
      }
      reference::store(data + offset + leaf.offset, reference::size(leaf.type), bits, leaf.order);
    }
  });
}

void plant_wild_values(Random& random, const Layout& layout, unsigned char* data) {
  const std::vector<reference::Leaf> all = arithmetic_leaves(layout.format());
  if (layout.size() == 0 || all.empty()) return;
  std::vector<int64_t> offsets;
  reference::for_each_item(layout, [&](int64_t, int64_t offset) { offsets.push_back(offset); });
  for (int64_t k = random.between(0, 3); k > 0; --k) {
    const reference::Leaf& leaf = random.pick(all);
    reference::store(data + random.pick(offsets) + leaf.offset, reference::size(leaf.type),
                     random_element(random, leaf.type), leaf.order);
  }
}

void fill_mask(Random& random, const Layout& layout, unsigned char* data) {
  const int percent = random.pick(std::vector<int>{0, 2, 50, 50, 98, 100});
  const bool runs = random.chance(40);
  bool on = random.chance(percent);
  reference::for_each_item(layout, [&](int64_t, int64_t offset) {
    if (!runs || random.chance(5)) on = random.chance(percent);
    data[offset] = on ? static_cast<unsigned char>(1 + random.below(255)) : 0;
  });
}

Layout random_mask(Random& random, const std::vector<int64_t>& shape) {
  const Format format = Format::parse(random.pick(std::vector<const char*>{"?", "b", "B"}));
  return random_source(random, format, random_broadcastable(random, shape));
}

Plan Job::plan() const {
  if (kind == kByteswap) return Plan::byteswap(src, dst);
  ConvertOptions options = {
      .overflow = overflow_of(mode), .fields = match, .index_offset = index_offset};
  if (default_overflow) options.overflow = Overflow::kDefault;
  if (nan_raises) options.nan = NanPolicy::kRaise;
  if (pairing == reference::Pairing::kNameOrZero) options.missing_fields = MissingFields::kZero;
  return where ? Plan::convert(src, dst, *where, options) : Plan::convert(src, dst, options);
}

reference::Outcome Job::expect(const void* src_data, void* dst_data, const void* mask) const {
  const reference::Mask selected = {where ? &*where : nullptr, mask};
  if (kind != kConvert) {
    reference::byteswap(src, src_data, dst, dst_data, selected);
  } else if (src.format() == dst.format()) {
    reference::copy(src, src_data, dst, dst_data, selected);
  } else {
    return reference::convert(src, src_data, dst, dst_data, mode, nan_raises, pairing, selected);
  }
  return {};
}

Job random_job(Random& random, const FormatPair& formats, const Layout& src, const Layout& dst) {
  Job job = {src, dst};
  job.match = formats.match;
  job.pairing = formats.pairing;
  job.mode = random.pick(reference::kModes);
  job.nan_raises = random.chance(15);
  job.default_overflow = job.mode == Mode::kWrap && random.chance(50);
  if (random.chance(20)) job.index_offset = random.below(1000000);
  return job;
}

std::string to_text(const Job& job) {
  std::string text = job.kind == Job::kConvert ? reference::mode_name(job.mode) : "byteswap";
  if (job.nan_raises) text += " NaN raises";
  text += "\n  src " + to_text(job.src) + "\n  dst " + to_text(job.dst);
  if (job.where) text += "\n  where " + to_text(*job.where);
  return text;
}

RunOptions Seams::options(OverlapPolicy overlap) const {
  RunOptions options;
  options.threads = threads;
  options.stream = stream;
  options.overlap = overlap;
  return options;
}

std::string to_text(const Seams& s) {
  return std::to_string(s.threads) + " threads, chunk " + std::to_string(s.chunk) + ", stream " +
         std::to_string(static_cast<int>(s.stream));
}

std::vector<Seams> random_seams(Random& random) {
  const auto stream = [&] {
    return random.pick(
        std::vector<Stream>{Stream::kAuto, Stream::kNever, Stream::kAlways, Stream::kAlways});
  };
  return {{1, 0, stream()},
          {4, 1, stream()},
          {static_cast<int>(random.between(1, 5)),
           random.chance(50) ? 0 : random.between(1, random.chance(60) ? 9 : 40), stream()}};
}

void show(const std::string& what, const Plan& plan) {
  if (std::getenv("STRIDECAST_TEST_SEED") != nullptr) {
    std::cerr << what << "\n" << plan.explain() << "\n";
  }
}

std::string first_difference(const Bytes& got, const Bytes& want) {
  const auto at = std::mismatch(got.begin(), got.end(), want.begin()).first - got.begin();
  return "first wrong byte at " + std::to_string(at) + " of " + std::to_string(got.size());
}

void expect_old_or_converted(const Layout& dst, const Bytes& old, const Bytes& want,
                             const Bytes& got, const std::string& what) {
  Bytes rest = got;
  const int64_t base = -dst.extent().lowest;
  for (const reference::Leaf& leaf : reference::leaves(dst.format())) {
    reference::for_each_item(dst, [&](int64_t index, int64_t offset) {
      const auto at = static_cast<size_t>(base + offset + leaf.offset);
      const auto size = static_cast<size_t>(leaf.size);
      const bool is_old = std::memcmp(&got[at], &old[at], size) == 0;
      const bool is_new = std::memcmp(&got[at], &want[at], size) == 0;
      EXPECT_TRUE(is_old || is_new) << what << ": item " << index << " is neither old nor new";
      std::memcpy(&rest[at], &old[at], size);
    });
  }
  EXPECT_EQ(rest, old) << what << ": bytes outside the items changed";
}

void check_everywhere(Random& random, uint64_t seed, const Job& job) {
  if (!fits(job.src) || !fits(job.dst)) return;
  const Flush side = random.pick(kBothSides);
  const auto gap = [&] {
    return random.chance(70) ? size_t{0} : static_cast<size_t>(random.below(64));
  };
  Memory from(buffers().src, job.src, side, gap()), to(buffers().dst, job.dst, side, gap());
  std::optional<Memory> mask;
  if (job.where) {
    mask.emplace(buffers().where, *job.where, side, gap());
    fill_mask(random, *job.where, mask->data());
  }
  from.set(random_bytes(random, from.size()));
  fill(random, job.src, from.data(), job.may_raise());
  if (job.may_raise()) plant_wild_values(random, job.src, from.data());
  const Bytes source = from.contents(), old = random_bytes(random, to.size());
  Bytes want = old;
  const reference::Outcome outcome =
      job.expect(from.data(), data_in(want, job.dst), mask ? mask->data() : nullptr);
  for (const kernels::KernelTable* table : all_tables()) {
    const TargetScope target(table->target);
    for (const Seams& s : random_seams(random)) {
      const SmallSeams hooks(s.chunk);
      const std::string what = std::string(table->target) + " seed " + std::to_string(seed) + " " +
                               to_text(s) + " " + to_text(job);
      note() = {.target = table->target, .what = "random plan"};
      note().seed = seed;
      const Plan plan = job.plan();
      show(what, plan);
      to.set(old);
      const RunStatus status =
          mask ? plan.try_run(from.operand(), to.operand(), mask->operand(), s.options())
               : plan.try_run(from.operand(), to.operand(), s.options());
      const Bytes got = to.contents();
      ASSERT_EQ(from.contents(), source) << what << ": source changed";
      ASSERT_EQ(to.damage(), 0) << what;
      if (outcome.error) {
        ASSERT_EQ(status.code, StatusCode::kDataError) << what;
        ASSERT_EQ(status.index, outcome.index + job.index_offset) << what;
        // One leaf of the item is named: the first that fails.
        ASSERT_NE(status.error_bits, 0u) << what;
        ASSERT_EQ(status.error_bits & ~outcome.bits, 0u) << what;
        expect_old_or_converted(job.dst, old, want, got, what);
        if (::testing::Test::HasFailure()) GTEST_FAIL() << what;
      } else {
        ASSERT_EQ(status.code, StatusCode::kOk) << what << ", index " << status.index;
        ASSERT_TRUE(got == want) << what << "\n  " << first_difference(got, want) << "\n"
                                 << plan.explain();
      }
    }
  }
}

}  // namespace stridecast::testing
