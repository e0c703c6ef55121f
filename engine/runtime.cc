// Process-wide choices: SIMD target, default thread count, fork detection, build facts.

#include "stridecast/runtime.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string>

#include "dtypes/format_impl.h"
#include "engine/runtime.h"
#include "stridecast/error.h"
#include "stridecast/version.h"

namespace stridecast {
namespace internal {
namespace {

std::atomic<const kernels::KernelTable*> g_table{nullptr};
std::atomic<int> g_threads{0};
std::atomic<bool> g_forked{false};

// A plan that dies under the cache's mutex takes those of the formats: the cache comes first.
void before_fork() {
  lock_plan_cache();
  lock_lookup_tables();
  lock_format_tables();
}

void after_fork() {
  unlock_format_tables();
  unlock_lookup_tables();
  unlock_plan_cache();
}

void after_fork_in_child() {
  after_fork();
  g_forked.store(true, std::memory_order_relaxed);
}

[[maybe_unused]] const int g_atfork = pthread_atfork(before_fork, after_fork, after_fork_in_child);

const kernels::KernelTable* table_named(std::string_view name) {
  if (const kernels::KernelTable* table = kernels::find_table(name)) return table;
  std::string choices;
  for (const kernels::KernelTable* table : kernels::tables()) {
    if (!choices.empty()) choices += ", ";
    choices += table->target;
  }
  throw Error(ErrorCode::kInvalidArgument, "no SIMD target '" + std::string(name) +
                                               "' on this machine; choose one of " + choices);
}

// STRIDECAST_TARGET if it names a target, else the best. A wrong name is an error, not a silent
// fallback: whoever sets it wants to know.
const kernels::KernelTable* default_table() {
  const char* name = std::getenv("STRIDECAST_TARGET");
  if (name != nullptr && *name != '\0') return table_named(name);
  return kernels::tables().front();
}

int environment_threads() {
  static const int threads = [] {
    const char* text = std::getenv("STRIDECAST_NUM_THREADS");
    int count = 0;
    if (text != nullptr) std::from_chars(text, text + std::strlen(text), count);
    return std::max(count, 0);
  }();
  return threads;
}

}  // namespace

const kernels::KernelTable* active_table() {
  const kernels::KernelTable* table = g_table.load(std::memory_order_acquire);
  if (table == nullptr) {
    const kernels::KernelTable* chosen = default_table();
    // Another thread may have called set_target meanwhile: its choice stands.
    if (g_table.compare_exchange_strong(table, chosen, std::memory_order_acq_rel)) table = chosen;
  }
  return table;
}

bool in_forked_child() noexcept { return g_forked.load(std::memory_order_relaxed); }

}  // namespace internal

inline namespace v0 {

#define STRIDECAST_TEXT_(x) #x
#define STRIDECAST_TEXT(x) STRIDECAST_TEXT_(x)

const char* version() noexcept {
  return STRIDECAST_TEXT(STRIDECAST_VERSION_MAJOR) "." STRIDECAST_TEXT(
      STRIDECAST_VERSION_MINOR) "." STRIDECAST_TEXT(STRIDECAST_VERSION_PATCH);
}

std::vector<std::string> targets() {
  std::vector<std::string> names;
  for (const kernels::KernelTable* table : kernels::tables()) names.emplace_back(table->target);
  return names;
}

const char* active_target() { return internal::active_table()->target; }

void set_target(std::string_view name) {
  internal::g_table.store(name.empty() ? internal::default_table() : internal::table_named(name),
                          std::memory_order_release);
}

int default_threads() {
  if (internal::in_forked_child()) return 1;
  if (const int chosen = internal::g_threads.load(std::memory_order_relaxed); chosen > 0)
    return chosen;
  if (const int asked = internal::environment_threads(); asked > 0) return asked;
  return internal::openmp_max_threads();
}

void set_default_threads(int threads) {
  if (threads < 0) {
    throw Error(ErrorCode::kInvalidArgument,
                "the number of threads is at least 1, or 0 for the default; got " +
                    std::to_string(threads));
  }
  internal::g_threads.store(threads, std::memory_order_relaxed);
}

std::vector<std::string> build_info() {
  return {
    std::string("Highway ") + kernels::highway_version(),
        "OpenMP " + std::to_string(internal::openmp_version()),
#if defined(__clang__)
        "clang " __clang_version__,
#else
        "g++ " __VERSION__,
#endif
  };
}

}  // namespace v0
}  // namespace stridecast
