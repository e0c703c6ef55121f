// Products of 64-bit integers that report what does not fit: order is void, because a product that
// has outgrown 64 bits comes back only by a zero. A state is one WideProduct a column, with no
// header. One item at a time: each product waits for the last one, and who asks for this rarely
// multiplies much.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/prod_wide.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/lane_types.h"
#include "kernels/reduce-inl.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

struct WideProduct {
  uint64_t size;  // the absolute value, modulo 2^64
  bool negative;  // an odd number of factors was
  bool large;     // the absolute value of what is not 0 needs more than 64 bits
  bool zero;      // a factor was

  void Join(const WideProduct& by) {
    large |= by.large | __builtin_mul_overflow(size, by.size, &size);
    negative ^= by.negative;
    zero |= by.zero;
  }
};

template <typename T>
HWY_INLINE WideProduct FactorAt(const uint8_t* item) {
  const T value = LoadAs<T>(item);
  const auto bits = static_cast<uint64_t>(value);
  return {value < 0 ? 0 - bits : bits, value < 0, false, value == 0};
}

// Writes the product modulo 2^64.
template <typename T>
HWY_INLINE uint32_t StoreProduct(const WideProduct& product, uint8_t* dst) {
  const uint64_t bits = product.negative ? 0 - product.size : product.size;
  memcpy(dst, &bits, sizeof bits);
  const uint64_t most = static_cast<uint64_t>(hwy::HighestValue<T>()) + product.negative;
  const bool fits = product.zero || (!product.large && product.size <= most);
  return fits ? 0 : SC_ERR_OVERFLOW;
}

inline uint32_t Init(const sc_run* run) {
  auto* const state = static_cast<WideProduct*>(run->state);
  for (int64_t i = 0; i < run->n[1]; ++i) state[i] = {1, false, false, false};
  return 0;
}

template <typename T>
uint32_t Step(const sc_run* run) {
  auto* const state = static_cast<WideProduct*>(run->state);
  const auto* row = static_cast<const uint8_t*>(run->src);
  for (int64_t i = 0; i < run->n[0]; ++i, row += run->src_step[0]) {
    const uint8_t* item = row;
    for (int64_t k = 0; k < run->n[1]; ++k, item += sizeof(T)) state[k].Join(FactorAt<T>(item));
  }
  return 0;
}

inline uint32_t Merge(const sc_run* run) {
  auto* const state = static_cast<WideProduct*>(run->state);
  const auto* const next = static_cast<const WideProduct*>(run->src);
  for (int64_t i = 0; i < run->n[1]; ++i) state[i].Join(next[i]);
  return 0;
}

template <typename T>
uint32_t Finish(const sc_run* run) {
  const auto* const state = static_cast<const WideProduct*>(run->state);
  auto* dst = static_cast<uint8_t*>(run->dst);
  uint32_t errors = 0;
  for (int64_t i = 0; i < run->n[1]; ++i, dst += sizeof(T)) {
    errors |= StoreProduct<T>(state[i], dst);
  }
  return errors;
}

inline uint32_t Join(const sc_run* run) {
  auto* const state = static_cast<WideProduct*>(run->state);
  const auto* next = static_cast<const WideProduct*>(run->src);
  for (int64_t i = 0; i < run->n[1]; ++i) {
    for (int64_t k = 0; k < run->n[0]; ++k) state[i].Join(*next++);
  }
  return 0;
}

template <typename T>
constexpr sc_reduce_entry kEntry(const char* name) {
  return {&Init, &Step<T>, &Merge, &Finish<T>, nullptr, &Join, name, 0, sizeof(WideProduct), 0};
}

}  // namespace

void FillProdWide(KernelTable& table) {
  ReduceEntries& products = table.reduce[kReduceProdWide];
  products[Index(DType::kInt64)] = kEntry<int64_t>("wide product int64");
  products[Index(DType::kUint64)] = kEntry<uint64_t>("wide product uint64");
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
