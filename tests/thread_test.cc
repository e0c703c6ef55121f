// Threads and their surroundings: any number gives the same bits, a host may bring its own, a
// forked child does not hang, and the floating-point environment neither matters nor changes.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstring>
#include <set>
#include <string>
#include <thread>
#include <vector>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "stridecast/ops.h"
#include "stridecast/plan.h"
#include "stridecast/runtime.h"
#include "tests/reference/element.h"
#include "tests/reference/reduce.h"
#include "tests/reference/strided.h"
#include "tests/support/engine_run.h"
#include "tests/support/packed_kernel_check.h"
#include "tests/support/random_layout.h"
#include "tests/support/sanitizers.h"
#include "tests/support/target_param.h"
#include "tests/support/values.h"

namespace stridecast::testing {
namespace {

using enum DType;

class ThreadTest : public EngineTest {};
STRIDECAST_INSTANTIATE_FOR_TARGETS(ThreadTest);

std::vector<double> numbers(size_t count) {
  Random random(5);
  std::vector<double> x(count);
  for (double& v : x) v = std::bit_cast<double>((random.bits() >> 12) | 0x3FE0000000000000u) - 0.75;
  return x;
}

// Large enough that threads are used without any hook.
TEST_P(ThreadTest, ConvertGivesTheSameBits) {
  const int64_t n = 700001;
  const std::vector<double> x = numbers(static_cast<size_t>(n));
  const Plan plan = Plan::convert(Layout::contiguous(Format::parse("d"), {n}),
                                  Layout::contiguous(Format::parse("E"), {n}));
  std::vector<uint16_t> one(x.size()), many(x.size());
  plan.run(x.data(), one.data());
  for (int threads : {2, 3, 4, 16}) {
    std::fill(many.begin(), many.end(), uint16_t{0});
    plan.run(x.data(), many.data(), on_threads(threads));
    ASSERT_TRUE(one == many) << threads << " threads";
  }
}

TEST_P(ThreadTest, SumsGiveTheSameBits) {
  for (const std::vector<int64_t>& shape :
       {std::vector<int64_t>{500000}, std::vector<int64_t>{700, 700},
        std::vector<int64_t>{3, 160000}, std::vector<int64_t>{160000, 3}}) {
    int64_t items = 1;
    for (int64_t n : shape) items *= n;
    const std::vector<double> x = numbers(static_cast<size_t>(items));
    for (int axis = 0; axis < static_cast<int>(shape.size()); ++axis) {
      std::vector<int64_t> kept = shape;
      kept.erase(kept.begin() + axis);
      const Layout src = Layout::contiguous(Format::parse("d"), shape);
      const Layout dst = Layout::contiguous(Format::parse("d"), kept);
      const Plan plan = Plan::reduce(src, dst, {.op = ReduceOp::kSum, .axes = {axis}});
      std::vector<double> one(static_cast<size_t>(dst.size())), many(one.size());
      plan.run(x.data(), one.data());
      for (int threads : {2, 3, 4}) {
        plan.run(x.data(), many.data(), on_threads(threads));
        ASSERT_EQ(std::memcmp(one.data(), many.data(), one.size() * 8), 0)
            << threads << " threads, axis " << axis;
      }
    }
  }
}

// Past the caches the engine lets kernels store around them.
TEST_P(ThreadTest, LargeRunsGiveTheSameBits) {
  constexpr size_t kItems = (size_t{5} << 20) + 3;
  std::vector<uint32_t> x(kItems);
  for (size_t i = 0; i < kItems; ++i) x[i] = static_cast<uint32_t>(i * 2654435761u);
  std::vector<unsigned char> out(kItems * 8 + 1);
  const auto n = static_cast<int64_t>(kItems);
  for (const char* to : {"f", ">I", "d", "q", "T{I}"}) {
    const Format format = Format::parse(to);
    const auto size = static_cast<size_t>(format.itemsize());
    const Plan plan =
        Plan::convert(Layout::contiguous(Format::parse("I"), {n}), Layout::contiguous(format, {n}));
    for (int threads : {1, 2}) {
      for (size_t shift : {0, 1}) {
        std::fill(out.begin(), out.end(), static_cast<unsigned char>(0x5C));
        plan.run(x.data(), out.data() + shift, on_threads(threads));
        const reference::Leaf leaf = reference::leaves(format)[0];
        for (size_t i = 0; i < kItems; i += i % 4096 < 100 || i + 200 > kItems ? 1 : 61) {
          const uint64_t want =
              reference::convert(kUint32, x[i], leaf.type, reference::Mode::kWrap).bits;
          ASSERT_EQ(
              reference::load(out.data() + shift + i * size, static_cast<int>(size), leaf.order),
              want)
              << table().target << " to " << to << ", item " << i << ", " << threads << " threads";
        }
        ASSERT_EQ(out[shift == 0 ? kItems * size : 0], 0x5C);
      }
    }
  }
}

// Tiles past the caches: each thread carries lines of its own, and none of them writes another's.
struct StreamedTiles {
  const char *from, *to;
  std::vector<int64_t> shape;  // of both sides; the source is packed
  int64_t gap;                 // between rows of the destination; -1: they begin on lines
};

void check_streamed_tiles(const StreamedTiles& c, const std::string& target) {
  const Format format = Format::parse(c.to);
  const int64_t size = format.itemsize(), packed = c.shape[0] * size;
  const int64_t row = c.gap < 0 ? (packed + 63) / 64 * 64 : packed + c.gap;
  const Layout src = Layout::contiguous(Format::parse(c.from), c.shape);
  const Layout dst = Layout::strided(format, c.shape, {size, row});
  const Plan plan = Plan::convert(src, dst);
  Random random(9);
  std::vector<unsigned char> in(static_cast<size_t>(src.extent().highest));
  for (unsigned char& byte : in) byte = static_cast<unsigned char>(random.bits());
  const auto bytes = static_cast<size_t>(dst.extent().highest) + 64;
  const std::vector<unsigned char> old(bytes, 0x5C);
  for (const size_t shift : {size_t{0}, static_cast<size_t>(1 + random.below(63))}) {
    RunOptions options;
    options.stream = Stream::kNever;
    std::vector<unsigned char> want = old;
    plan.run(in.data(), want.data() + shift, options);
    options.stream = Stream::kAlways;
    for (options.threads = 1; options.threads <= 4; ++options.threads) {
      std::vector<unsigned char> got = old;
      plan.run(in.data(), got.data() + shift, options);
      ASSERT_TRUE(got == want) << target << " " << c.from << " to " << c.to << ", " << c.shape[0]
                               << " x " << c.shape[1] << ", rows " << row << " apart, shift "
                               << shift << ", " << options.threads << " threads";
    }
  }
}

TEST_P(ThreadTest, StreamedTilesGiveTheSameBits) {
  const SmallSeams hooks;
  for (const auto& [from, to] : {std::pair<const char*, const char*>{"f", "f"},
                                 {"B", "B"},
                                 {"d", "d"},
                                 {"H", ">H"},
                                 {"B", "d"},
                                 {"d", "e"},
                                 {"i", "f"}}) {
    for (const int64_t gap : {-1, 0, 1}) {
      ASSERT_NO_FATAL_FAILURE(check_streamed_tiles({from, to, {183, 97}, gap}, table().target));
      // More rows than lines are carried for at once.
      ASSERT_NO_FATAL_FAILURE(check_streamed_tiles({from, to, {140, 2300}, gap}, table().target));
    }
  }
}

// The lowest index, whichever thread meets a bad element first.
TEST_P(ThreadTest, ErrorsNameTheLowestIndex) {
  const SmallSeams hooks(8);
  const int64_t n = 5000;
  const Plan plan =
      Plan::convert(Layout::contiguous(Format::parse("i"), {n}),
                    Layout::contiguous(Format::parse("B"), {n}), {.overflow = Overflow::kRaise});
  Random random(3);
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<int32_t> x(static_cast<size_t>(n), 7);
    int64_t lowest = n;
    for (int64_t k = random.between(1, 6); k > 0; --k) {
      const int64_t at = random.below(n);
      x[static_cast<size_t>(at)] = random.chance(50) ? -1 : 256;
      lowest = std::min(lowest, at);
    }
    std::vector<uint8_t> out(x.size());
    for (int threads : {1, 2, 4}) {
      const RunStatus status = plan.try_run({x.data()}, {out.data()}, on_threads(threads));
      ASSERT_EQ(status.code, StatusCode::kDataError);
      ASSERT_EQ(status.index, lowest) << threads << " threads, trial " << trial;
      ASSERT_EQ(std::string(status.value), std::to_string(x[static_cast<size_t>(lowest)]));
    }
  }
}

TEST_P(ThreadTest, AHostBringsItsOwnThreads) {
  const SmallSeams hooks;
  const std::vector<double> x = numbers(10007);
  const auto n = static_cast<int64_t>(x.size());
  const Plan plan = Plan::convert(Layout::contiguous(Format::parse("d"), {n}),
                                  Layout::contiguous(Format::parse("f"), {n}));
  std::vector<float> one(x.size()), many(x.size());
  plan.run(x.data(), one.data());
  std::multiset<int> seen;
  RunOptions options = on_threads(4);
  options.parallel_for = [&](int count, const std::function<void(int)>& task) {
    for (int i = count; i-- > 0;) {  // any order
      seen.insert(i);
      std::thread([&] { task(i); }).join();
    }
  };
  plan.run(x.data(), many.data(), options);
  EXPECT_TRUE(one == many);
  EXPECT_GT(seen.size(), 1u);
  EXPECT_EQ(std::set<int>(seen.begin(), seen.end()).size(), seen.size());
}

TEST_P(ThreadTest, AHostsPoolMayFail) {
  const SmallSeams hooks;
  const std::vector<double> x = numbers(1000);
  std::vector<float> out(x.size());
  const Plan plan = Plan::convert(Layout::contiguous(Format::parse("d"), {1000}),
                                  Layout::contiguous(Format::parse("f"), {1000}));
  RunOptions options = on_threads(4);
  options.parallel_for = [](int, const std::function<void(int)>&) { throw 7; };
  const RunStatus status = plan.try_run({const_cast<double*>(x.data())}, {out.data()}, options);
  EXPECT_EQ(status.code, StatusCode::kPoolFailed);
  EXPECT_EQ(plan.status_error(status).code(), ErrorCode::kInvalidArgument);
}

TEST_P(ThreadTest, ManyThreadsRunOnePlan) {
  const SmallSeams hooks(16);
  const std::vector<double> x = numbers(3001);
  const auto n = static_cast<int64_t>(x.size());
  const Plan plan = Plan::convert(Layout::contiguous(Format::parse("d"), {n}),
                                  Layout::contiguous(Format::parse(">e"), {n}));
  std::vector<uint16_t> one(x.size());
  plan.run(x.data(), one.data());
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        std::vector<uint16_t> out(x.size());
        plan.run(x.data(), out.data(), on_threads(1 + t % 3));
        if (out != one) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong.load(), 0);
}

// Waits for `child` at most `seconds`; returns its exit status, or -1 if it had to be killed.
int wait_for(pid_t child, int seconds) {
  for (int tick = 0; tick < seconds * 100; ++tick) {
    int status = 0;
    if (waitpid(child, &status, WNOHANG) == child) {
      return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  return -1;
}

// libgomp's pool does not survive fork(): a parallel region in the child would wait for ever.
TEST(ForkTest, AChildOfAThreadedParentDoesNotHang) {
#if defined(STRIDECAST_TEST_TSAN)
  GTEST_SKIP() << "threads after fork are not supported under TSan";
#endif
  const SmallSeams hooks;
  const std::vector<double> x = numbers(200000);
  const auto n = static_cast<int64_t>(x.size());
  const Layout src = Layout::contiguous(Format::parse("d"), {n});
  const Plan convert = Plan::convert(src, Layout::contiguous(Format::parse("f"), {n}));
  const Plan sum = Plan::reduce(src, Layout::contiguous(Format::parse("d"), {}),
                                {.op = ReduceOp::kSum, .axes = {0}});
  std::vector<float> before(x.size()), after(x.size());
  double sum_before = 0;
  convert.run(x.data(), before.data(), on_threads(2));
  sum.run(x.data(), &sum_before, on_threads(2));
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    double sum_after = 0;
    convert.run(x.data(), after.data(), on_threads(2));
    sum.run(x.data(), &sum_after, on_threads(2));
    const bool same = before == after && sum_before == sum_after && default_threads() == 1;
    _exit(same ? 0 : 1);
  }
  EXPECT_EQ(wait_for(child, 20), 0) << "-1: the child hung; 1: it got other bits";
  // The parent goes on as before.
  convert.run(x.data(), after.data(), on_threads(2));
  EXPECT_TRUE(before == after);
}

// Another thread may hold the mutex of a table at the moment of the fork; the child has no such
// thread.
TEST(ForkTest, TablesAreUsableInAChildForkedWhileOthersUseThem) {
#if defined(STRIDECAST_TEST_TSAN)
  GTEST_SKIP() << "threads after fork are not supported under TSan";
#endif
  const auto work = [](int64_t n) {
    const Layout src = Layout::contiguous(Format::parse("T{f:n" + std::to_string(n) + ":}"), {n});
    const Layout dst = Layout::contiguous(Format::parse("T{d:n" + std::to_string(n) + ":}"), {n});
    std::vector<float> in(static_cast<size_t>(n));
    std::vector<double> out(static_cast<size_t>(n));
    convert(src, in.data(), dst, out.data());
  };
  std::atomic<bool> stop{false};
  std::vector<std::thread> others;
  for (int t = 0; t < 2; ++t) {
    others.emplace_back([&] {
      for (int64_t n = 1; !stop; n = n % 700 + 1) work(n);
    });
  }
  for (int trial = 0; trial < 20; ++trial) {
    const pid_t child = fork();
    if (child == 0) {
      work(3 + trial);
      _exit(0);
    }
    EXPECT_EQ(wait_for(child, 20), 0) << "-1: the child hung";
  }
  stop = true;
  for (std::thread& other : others) other.join();
}

TEST(DefaultThreadsTest, SetAndReset) {
  const int before = default_threads();
  EXPECT_GE(before, 1);
  set_default_threads(3);
  EXPECT_EQ(default_threads(), 3);
  EXPECT_THROW(set_default_threads(-1), Error);
  EXPECT_EQ(default_threads(), 3);
  set_default_threads(0);
  EXPECT_EQ(default_threads(), before);
}

#if defined(__SSE2__)

// Another library may have set these for the thread: flush to zero, denormals are zero, a rounding.
constexpr unsigned kFlushToZero = 0x8000, kDenormalsAreZero = 0x0040;
constexpr unsigned kRoundings[] = {0x0000, 0x2000, 0x4000, 0x6000};
constexpr unsigned kMaskAll = 0x1F80;

class MxcsrScope {
 public:
  explicit MxcsrScope(unsigned value) : before_(_mm_getcsr()) { _mm_setcsr(value); }
  ~MxcsrScope() { _mm_setcsr(before_); }
  MxcsrScope(const MxcsrScope&) = delete;
  MxcsrScope& operator=(const MxcsrScope&) = delete;

 private:
  unsigned before_;
};

std::vector<unsigned> environments() {
  std::vector<unsigned> all;
  for (unsigned rounding : kRoundings) {
    for (unsigned flags : {0u, kFlushToZero, kDenormalsAreZero, kFlushToZero | kDenormalsAreZero}) {
      all.push_back(kMaskAll | rounding | flags);
    }
  }
  all.push_back(0);                // every exception would trap
  all.push_back(kMaskAll | 0x3F);  // every status flag is set
  return all;
}

TEST_P(ThreadTest, MxcsrChangesNothingAndIsRestored) {
  const SmallSeams hooks;
  for (DType from : reference::kTypes) {
    for (DType to : reference::kTypes) {
      if (!reference::is_float(from) && !reference::is_float(to)) continue;
      std::vector<Bits> in;
      for (uint64_t bits : values_for(from, to)) {
        if (in.size() < 4000 || bits % 16 == 0) in.push_back(bits);
      }
      const std::vector<Bits> want = convert(from, in, to).bits;
      const auto n = static_cast<int64_t>(in.size());
      const std::vector<unsigned char> src = pack(from, in), dst_want = pack(to, want);
      const Plan plan = Plan::convert(Layout::contiguous(Format::of(from), {n}),
                                      Layout::contiguous(Format::of(to), {n}));
      std::vector<unsigned char> dst(dst_want.size());
      for (unsigned mxcsr : environments()) {
        for (int threads : {1, 2}) {
          std::fill(dst.begin(), dst.end(), static_cast<unsigned char>(0));
          unsigned after = 0;
          RunStatus status;
          const RunOptions options = on_threads(threads);
          {
            const MxcsrScope scope(mxcsr);
            status = plan.try_run({const_cast<unsigned char*>(src.data())}, {dst.data()}, options);
            after = _mm_getcsr();
          }
          ASSERT_TRUE(status.ok());
          ASSERT_EQ(after, mxcsr) << "MXCSR was not restored";
          ASSERT_TRUE(dst == dst_want) << table().target << " " << reference::name(from) << " -> "
                                       << reference::name(to) << " under MXCSR " << mxcsr;
        }
      }
    }
  }
}

// A host's threads may be anyone's: each task brings the default environment and leaves theirs.
TEST_P(ThreadTest, MxcsrOfAHostsThreadsChangesNothing) {
  const SmallSeams hooks;
  std::vector<Bits> in = values_for(kFloat32, kFloat64);
  const std::vector<Bits> want = convert(kFloat32, in, kFloat64).bits;
  const auto n = static_cast<int64_t>(in.size());
  const std::vector<unsigned char> src = pack(kFloat32, in), dst_want = pack(kFloat64, want);
  const Plan plan = Plan::convert(Layout::contiguous(Format::of(kFloat32), {n}),
                                  Layout::contiguous(Format::of(kFloat64), {n}));
  std::vector<unsigned char> dst(dst_want.size());
  for (unsigned mxcsr : environments()) {
    std::atomic<int> changed{0};
    RunOptions options = on_threads(3);
    options.parallel_for = [&](int count, const std::function<void(int)>& task) {
      for (int i = 0; i < count; ++i) {
        std::thread([&] {
          unsigned after = 0;
          {
            const MxcsrScope scope(mxcsr);
            task(i);
            after = _mm_getcsr();
          }
          if (after != mxcsr) ++changed;
        }).join();
      }
    };
    ASSERT_TRUE(plan.try_run({const_cast<unsigned char*>(src.data())}, {dst.data()}, options).ok());
    EXPECT_EQ(changed.load(), 0) << "MXCSR was not restored";
    ASSERT_TRUE(dst == dst_want) << "MXCSR " << mxcsr;
  }
}

TEST_P(ThreadTest, MxcsrDoesNotTouchSums) {
  const SmallSeams hooks;
  const std::vector<double> x = numbers(3000);
  const Plan plan =
      Plan::reduce(Layout::contiguous(Format::parse("d"), {3000}),
                   Layout::contiguous(Format::parse("d"), {}), {.op = ReduceOp::kSum, .axes = {0}});
  std::vector<uint64_t> bits;
  for (double v : x) bits.push_back(std::bit_cast<uint64_t>(v));
  const uint64_t want = reference::fold(reference::Op::kSum, kFloat64, bits);
  for (unsigned mxcsr : environments()) {
    for (int threads : {1, 2}) {
      double got = 0;
      unsigned after = 0;
      const RunOptions options = on_threads(threads);
      {
        const MxcsrScope scope(mxcsr);
        plan.try_run({const_cast<double*>(x.data())}, {&got}, options);
        after = _mm_getcsr();
      }
      EXPECT_EQ(after, mxcsr);
      EXPECT_EQ(std::bit_cast<uint64_t>(got), want) << "MXCSR " << mxcsr;
    }
  }
}

// Limits are worked out while planning: a plan made under another rounding is the same plan.
TEST_P(ThreadTest, MxcsrDoesNotTouchPlanning) {
  for (unsigned mxcsr : environments()) {
    if ((mxcsr & kMaskAll) != kMaskAll) continue;
    for (DType to : {kInt8, kInt32, kUint64, kFloat16, kFloat32, kBFloat16}) {
      for (Overflow overflow : {Overflow::kSaturate, Overflow::kRaise}) {
        const auto explain = [&] {
          return Plan::convert(Layout::contiguous(Format::of(kFloat64), {10}),
                               Layout::contiguous(Format::of(to), {10}), {.overflow = overflow})
              .explain();
        };
        const std::string want = explain();
        std::string got;
        {
          const MxcsrScope scope(mxcsr);
          got = explain();
        }
        EXPECT_EQ(got, want) << "MXCSR " << mxcsr;
      }
    }
  }
}

#endif  // __SSE2__

}  // namespace
}  // namespace stridecast::testing
