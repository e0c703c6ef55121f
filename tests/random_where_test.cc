// Random plans under masks against the oracle: what is not selected keeps its bytes and is never
// reported. Masks of any layout that broadcasts, for any plan; see random_plan_test.cc.

#include <gtest/gtest.h>

#include "tests/support/engine_run.h"
#include "tests/support/random_case.h"

namespace stridecast::testing {
namespace {

TEST(RandomWhereTest, Convert) {
  for_each_seed(1000, [](uint64_t seed) {
    Random random(seed);
    const FormatPair formats =
        random.chance(15) ? random_format_pair_with_gaps(random) : random_format_pair(random);
    const std::vector<int64_t> shape = random_shape(random, 6, random.chance(10) ? 3000 : 400);
    const Layout dst = random_destination(random, formats.dst, shape);
    const Layout src = random_source(random, formats.src, random_broadcastable(random, shape));
    Job job = random_job(random, formats, src, dst);
    job.where = random_mask(random, shape);
    check_everywhere(random, seed, job);
  });
}

TEST(RandomWhereTest, Move) {
  for_each_seed(400, [](uint64_t seed) {
    Random random(seed);
    const Format format = random_movable(random);
    const std::vector<int64_t> shape = random_shape(random, 6, random.chance(10) ? 3000 : 400);
    Job job = {random_source(random, format, random_broadcastable(random, shape)),
               random_destination(random, format, shape)};
    job.where = random_mask(random, shape);
    check_everywhere(random, seed, job);
  });
}

// Values that do not fit are everywhere: the mask alone decides whether one is met, and which.
TEST(RandomWhereTest, WildValues) {
  for_each_seed(300, [](uint64_t seed) {
    Random random(seed);
    const FormatPair formats = random_format_pair(random);
    const std::vector<int64_t> shape = random_shape(random, 4, 100);
    const Layout dst = random_destination(random, formats.dst, shape);
    const Layout src = random_source(random, formats.src, random_broadcastable(random, shape));
    if (src.format() == dst.format() || dst.size() == 0) return;
    Job job = random_job(random, formats, src, dst);
    job.mode = reference::Mode::kRaise;
    job.default_overflow = false;
    job.where = Layout::contiguous(Format::parse("?"), shape);
    Memory from(buffers().src, src, Flush::kRight), to(buffers().dst, dst, Flush::kRight);
    from.set(random_bytes(random, from.size()));
    fill(random, src, from.data(), /*tame=*/false);
    const Bytes old = random_bytes(random, to.size());
    Bytes fitting(static_cast<size_t>(dst.size()));
    for (size_t i = 0; i < fitting.size(); ++i) {
      Bytes one(fitting.size()), scrap = old;
      one[i] = 1;
      fitting[i] = job.expect(from.data(), data_in(scrap, dst), one.data()).error ? 0 : 1;
    }
    Bytes want = old;
    job.expect(from.data(), data_in(want, dst), fitting.data());
    for (const Seams& s : random_seams(random)) {
      const SmallSeams hooks(s.chunk);
      const Plan plan = job.plan();
      const std::string what = "seed " + std::to_string(seed) + " " + to_text(s) + to_text(job);
      show(what, plan);
      to.set(old);
      const auto run = [&](Bytes& mask) {
        return plan.try_run(from.operand(), to.operand(), {mask.data()}, s.options());
      };
      ASSERT_EQ(run(fitting).code, StatusCode::kOk) << what;
      ASSERT_TRUE(to.contents() == want) << what;
      Bytes more = fitting, scrap = want;
      for (int k = 0; k < 3; ++k) more[static_cast<size_t>(random.below(dst.size()))] = 1;
      const reference::Outcome outcome = job.expect(from.data(), data_in(scrap, dst), more.data());
      const RunStatus status = run(more);
      ASSERT_EQ(status.ok(), !outcome.error) << what;
      if (outcome.error) {
        ASSERT_EQ(status.index, outcome.index + job.index_offset) << what;
      }
    }
  });
}

TEST(RandomWhereTest, Transposes) {
  for_each_seed(200, [](uint64_t seed) {
    Random random(seed);
    FormatPair formats = random_format_pair(random);
    while (formats.src.scalar() == nullptr) formats = random_format_pair(random);
    if (random.chance(40)) formats.src = formats.dst = random_movable(random);
    const Turned turned = random_turned(random, formats.src, formats.dst);
    Job job = random_job(random, formats, turned.src, turned.dst);
    const std::span<const int64_t> shape = turned.dst.shape();
    job.where = random_mask(random, {shape.begin(), shape.end()});
    check_everywhere(random, seed, job);
  });
}

}  // namespace
}  // namespace stridecast::testing
