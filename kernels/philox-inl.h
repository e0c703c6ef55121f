// Random numbers for vectors of items (philox.h says which). Per-target header: include after
// foreach_target.h.

#if defined(STRIDECAST_KERNELS_PHILOX_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STRIDECAST_KERNELS_PHILOX_INL_H_
#undef STRIDECAST_KERNELS_PHILOX_INL_H_
#else
#define STRIDECAST_KERNELS_PHILOX_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"
#include "kernels/philox.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// random_bits() of every lane's draw. The words of the counter are the lower halves of 64-bit
// lanes: products read nothing else, so their upper halves may hold anything.
template <class DU64, class V = hn::Vec<DU64>>
HWY_INLINE V RandomBits(DU64 du64, V item, V leaf, const PhiloxKeys& keys) {
  const hn::Repartition<uint32_t, DU64> du32;
  const auto m0 = hn::BitCast(du32, hn::Set(du64, kPhiloxMultipliers[0]));
  const auto m1 = hn::BitCast(du32, hn::Set(du64, kPhiloxMultipliers[1]));
  auto c0 = item, c1 = hn::ShiftRight<32>(item);
  auto c2 = leaf, c3 = hn::ShiftRight<32>(leaf);
  for (const auto& key : keys.words) {
    const auto p0 = hn::MulEven(m0, hn::BitCast(du32, c0));
    const auto p1 = hn::MulEven(m1, hn::BitCast(du32, c2));
    c0 = hn::Xor3(hn::ShiftRight<32>(p1), c1, hn::Set(du64, key[0]));
    c2 = hn::Xor3(hn::ShiftRight<32>(p0), c3, hn::Set(du64, key[1]));
    c1 = p1;
    c3 = p0;
  }
  const auto low = hn::And(c0, hn::Set(du64, uint64_t{0xFFFFFFFF}));
  return hn::ShiftRight<1>(hn::Or(hn::ShiftLeft<32>(c1), low));
}

// The draws of the next few items of a run, as vectors read them.
struct DrawBlock {
  static constexpr size_t kItems = 64;
  HWY_ALIGN uint64_t item[kItems] = {};
  HWY_ALIGN uint64_t leaf[kItems] = {};

  HWY_INLINE void Fill(DrawWalk& walk, size_t count) {
    if (walk.is_progression()) {
      const hn::ScalableTag<uint64_t> du;
      const Draw first = walk.take(count);
      const size_t lanes = hn::Lanes(du);
      for (size_t i = 0; i < lanes; ++i) item[i] = first.item + i * walk.item_step();
      auto items = hn::Load(du, item);
      const auto step = hn::Set(du, lanes * walk.item_step());
      for (size_t i = 0; i < count; i += lanes) {
        hn::Store(items, du, item + i);
        hn::Store(hn::Set(du, first.leaf), du, leaf + i);
        items = hn::Add(items, step);
      }
      return;
    }
    for (size_t i = 0; i < count; ++i) {
      const Draw draw = walk.next();
      item[i] = draw.item;
      leaf[i] = draw.leaf;
    }
  }
};

}  // namespace
}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
