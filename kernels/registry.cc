// Fills one KernelTable per compiled target that this CPU supports. Plans choose a table once and
// keep plain function pointers, so Highway's own dispatch (HWY_EXPORT, HWY_DYNAMIC_POINTER) has no
// part here; neither has hwy::DisableTargets, which would act on the whole process.
#include <array>
#include <cstddef>

#include "hwy/base.h"
#include "hwy/targets.h"
#include "kernels/kernel_table.h"
#include "kernels/long_double.h"
#include "kernels/targets.h"

namespace stridecast::kernels {
namespace {

struct Target {
  int64_t bit;
  void (*fill)(KernelTable&);
};

#define STRIDECAST_CALL_FILL(name) Fill##name(table);
#define STRIDECAST_TARGET_ENTRY(ns, bit)                  \
  Target{bit, [](KernelTable& table) {                    \
           using namespace ns;                            \
           STRIDECAST_FOR_EACH_FILL(STRIDECAST_CALL_FILL) \
         }},
constexpr Target kTargets[] = {STRIDECAST_FOR_EACH_TARGET(STRIDECAST_TARGET_ENTRY)};
#undef STRIDECAST_TARGET_ENTRY
#undef STRIDECAST_CALL_FILL
constexpr size_t kNumTargets = std::size(kTargets);

struct Registry {
  std::array<KernelTable, kNumTargets> storage;
  std::array<const KernelTable*, kNumTargets> supported;
  size_t count = 0;

  Registry() {
    // The host process may have narrowed what Highway reports; the baseline that the compiler was
    // free to use everywhere stays usable in any case, so there is always one table.
    const int64_t usable = hwy::SupportedTargets() | HWY_STATIC_TARGET;
    for (const Target& target : kTargets) {
      if ((usable & target.bit) == 0) continue;
      KernelTable& table = storage[count];
      table.target = hwy::TargetName(target.bit);
      table.target_bit = target.bit;
      FillLongDouble(table);
      FillSumLongDouble(table);
      FillRoundWide(table);
      target.fill(table);
      supported[count++] = &table;
    }
  }
};

const Registry& registry() {
  static const Registry instance;
  return instance;
}

}  // namespace

bool streams_pages_in_turn() noexcept {
#if HWY_ARCH_X86
  static const bool in_turn = [] {
    __builtin_cpu_init();
    return __builtin_cpu_is("intel") != 0;
  }();
  return in_turn;
#else
  return false;
#endif
}

std::span<const KernelTable* const> tables() {
  const Registry& all = registry();
  return {all.supported.data(), all.count};
}

const KernelTable* find_table(std::string_view target) noexcept {
  for (const KernelTable* table : tables()) {
    if (target == table->target) return table;
  }
  return nullptr;
}

#define STRIDECAST_TEXT_(x) #x
#define STRIDECAST_TEXT(x) STRIDECAST_TEXT_(x)
const char* highway_version() noexcept {
  return STRIDECAST_TEXT(HWY_MAJOR) "." STRIDECAST_TEXT(HWY_MINOR) "." STRIDECAST_TEXT(HWY_PATCH);
}
#undef STRIDECAST_TEXT
#undef STRIDECAST_TEXT_

std::span<const char* const> compiled_targets() {
  static const std::array<const char*, kNumTargets> names = [] {
    std::array<const char*, kNumTargets> list{};
    for (size_t i = 0; i < kNumTargets; ++i) list[i] = hwy::TargetName(kTargets[i].bit);
    return list;
  }();
  return names;
}

}  // namespace stridecast::kernels
