// Vectors of packed items from rows of items that are not packed: how each source step is loaded.
// The loops over rows are in move-inl.h. Per-target header.
//
// An Items type has kStep, the distance between items of the row in items; kPays<kSize>, whether
// the target has the instructions for it; and two loads. Load takes the items from the one at `src`
// on; it may read past the last of them, but not past the one that follows. LoadLast reads nothing
// past the last of them, but may read back to the one before `src`. Bytes between items are read.
#if defined(STRIDECAST_KERNELS_ROW_ITEMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STRIDECAST_KERNELS_ROW_ITEMS_INL_H_
#undef STRIDECAST_KERNELS_ROW_ITEMS_INL_H_
#else
#define STRIDECAST_KERNELS_ROW_ITEMS_INL_H_
#endif

#include <utility>

#include "kernels/lanes-inl.h"
#include "kernels/rect-inl.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

struct PackedItems {
  static constexpr ptrdiff_t kStep = 1;
  template <size_t kSize>
  static constexpr bool kPays = true;
  template <size_t kSize, class D>
  static HWY_INLINE hn::Vec<D> Load(D d8, const uint8_t* src) {
    return hn::LoadU(d8, src);
  }
  template <size_t kSize, class D>
  static HWY_INLINE hn::Vec<D> LoadLast(D d8, const uint8_t* src) {
    return hn::LoadU(d8, src);
  }
};

// Every second, with the items before them for LoadLast.
struct EverySecond {
  static constexpr ptrdiff_t kStep = 2;
  template <size_t kSize>
  static constexpr bool kPays = true;
  template <size_t kSize, class D>
  static HWY_INLINE hn::Vec<D> Load(D d8, const uint8_t* src) {
    const hn::Repartition<Lane<kSize>, D> d;
    const auto lo = hn::BitCast(d, hn::LoadU(d8, src));
    const auto hi = hn::BitCast(d, hn::LoadU(d8, src + hn::Lanes(d8)));
    return hn::BitCast(d8, hn::ConcatEven(d, hi, lo));
  }
  template <size_t kSize, class D>
  static HWY_INLINE hn::Vec<D> LoadLast(D d8, const uint8_t* src) {
    const hn::Repartition<Lane<kSize>, D> d;
    const auto lo = hn::BitCast(d, hn::LoadU(d8, src - kSize));
    const auto hi = hn::BitCast(d, hn::LoadU(d8, src - kSize + hn::Lanes(d8)));
    return hn::BitCast(d8, hn::ConcatOdd(d, hi, lo));
  }
};

// Odd steps: the vectors that the items lie in, merged under masks of lanes.
template <size_t kOdd>
struct EveryOdd {
  static constexpr ptrdiff_t kStep = kOdd;
  // Highway's interleaved loads are for three; SSE2 has no byte shuffle for narrow lanes.
  template <size_t kSize>
  static constexpr bool kPays = kPermutesLanes<kSize> ||
                                (kOdd == 3 && (HWY_TARGET != HWY_SSE2 || kSize >= 4));

  template <size_t kSize, class D>
  static HWY_INLINE hn::Vec<D> Load(D d8, const uint8_t* src) {
    return Channel<kSize, 0>(d8, src);
  }
  template <size_t kSize, class D>
  static HWY_INLINE hn::Vec<D> LoadLast(D d8, const uint8_t* src) {
    return Channel<kSize, kOdd - 1>(d8, src - (kOdd - 1) * kSize);
  }

 private:
  template <size_t kSize, size_t kChannel, class D>
  static HWY_INLINE hn::Vec<D> Channel(D d8, const uint8_t* src) {
    const hn::Repartition<Lane<kSize>, D> d;
    if constexpr (kPermutesLanes<kSize>) {
      const auto merged = Merge<kSize, kChannel>(d8, src, std::make_index_sequence<kOdd - 1>());
      const auto* indices = kChannelTables<decltype(d), kOdd>.split[kChannel];
      return hn::BitCast(d8, hn::TableLookupLanes(merged, hn::SetTableIndices(d, indices)));
    } else {
      hn::Vec<decltype(d)> v0, v1, v2;
      hn::LoadInterleaved3(d, reinterpret_cast<const Lane<kSize>*>(src), v0, v1, v2);
      return hn::BitCast(d8, kChannel == 0 ? v0 : v2);
    }
  }

  template <size_t kSize, size_t kChannel, class D, size_t... kBefore>
  static HWY_INLINE auto Merge(D d8, const uint8_t* src, std::index_sequence<kBefore...>) {
    const hn::Repartition<Lane<kSize>, D> d;
    auto merged = hn::BitCast(d, hn::LoadU(d8, src));
    ((merged = hn::IfThenElse(LanesOfChannel<kOdd>(d, kBefore + 1, kChannel),
                              hn::BitCast(d, hn::LoadU(d8, src + (kBefore + 1) * hn::Lanes(d8))),
                              merged)),
     ...);
    return merged;
  }
};

// Every second of those that Items takes.
template <class Items>
struct Twice {
  static constexpr ptrdiff_t kStep = 2 * Items::kStep;
  template <size_t kSize>
  static constexpr bool kPays = Items::template kPays<kSize> &&
                                (HWY_TARGET != HWY_SSE2 || kSize != 2);  // long sequences
  template <size_t kSize, class D>
  static HWY_INLINE hn::Vec<D> Load(D d8, const uint8_t* src) {
    const hn::Repartition<Lane<kSize>, D> d;
    const auto lo = hn::BitCast(d, Items::template Load<kSize>(d8, src));
    const auto hi = hn::BitCast(
        d,
        Items::template Load<kSize>(d8, src + static_cast<size_t>(Items::kStep) * hn::Lanes(d8)));
    return hn::BitCast(d8, hn::ConcatEven(d, hi, lo));
  }
  template <size_t kSize, class D>
  static HWY_INLINE hn::Vec<D> LoadLast(D d8, const uint8_t* src) {
    const hn::Repartition<Lane<kSize>, D> d;
    src -= static_cast<size_t>(Items::kStep) * kSize;
    const auto lo = hn::BitCast(d, Items::template LoadLast<kSize>(d8, src));
    const auto hi =
        hn::BitCast(d, Items::template LoadLast<kSize>(
                           d8, src + static_cast<size_t>(Items::kStep) * hn::Lanes(d8)));
    return hn::BitCast(d8, hn::ConcatOdd(d, hi, lo));
  }
};

// The same items from the last to the first. `src` is the first of them, at the highest address.
template <class Items>
struct Backwards {
  static constexpr ptrdiff_t kStep = -Items::kStep;
  template <size_t kSize>
  static constexpr bool kPays = Items::template kPays<kSize>;
  template <size_t kSize, class D>
  static HWY_INLINE hn::Vec<D> Load(D d8, const uint8_t* src) {
    return Reversed<kSize>(d8, Items::template LoadLast<kSize>(d8, Lowest<kSize>(d8, src)));
  }
  template <size_t kSize, class D>
  static HWY_INLINE hn::Vec<D> LoadLast(D d8, const uint8_t* src) {
    return Reversed<kSize>(d8, Items::template Load<kSize>(d8, Lowest<kSize>(d8, src)));
  }

 private:
  template <size_t kSize, class D>
  static HWY_INLINE const uint8_t* Lowest(D d8, const uint8_t* src) {
    return src - (hn::Lanes(d8) - kSize) * static_cast<size_t>(Items::kStep);
  }
  template <size_t kSize, class D>
  static HWY_INLINE hn::Vec<D> Reversed(D d8, hn::Vec<D> v) {
    const hn::Repartition<Lane<kSize>, D> d;
    return hn::BitCast(d8, hn::Reverse(d, hn::BitCast(d, v)));
  }
};

// Any step. One chain of inserts from memory: half a cycle an item on Zen 4, where a load and a
// store an item take 0.8 and a gather instruction takes more.
template <size_t kSize>
HWY_INLINE hn::Vec<SmallBytes> Gather16(const uint8_t* src, ptrdiff_t step) {
  const SmallBytes d8;
  const auto at = [&](int i) { return LoadItem<kSize, 1>(src + i * step); };
  if constexpr (kSize == 16) {
    return hn::LoadU(d8, src);
  } else if constexpr (kSize == 8) {
    // As floats, which need no general register on the way; nothing is calculated with them.
    const hn::Repartition<double, SmallBytes> d;
    const auto v = hn::Dup128VecFromValues(d, hwy::BitCastScalar<double>(at(0)),
                                           hwy::BitCastScalar<double>(at(1)));
    return hn::BitCast(d8, v);
  } else if constexpr (kSize == 4) {
    const hn::Repartition<uint32_t, SmallBytes> d;
    return hn::BitCast(d8, hn::Dup128VecFromValues(d, at(0), at(1), at(2), at(3)));
  } else {
    const hn::Repartition<Lane<kSize>, SmallBytes> d;
    return hn::BitCast(
        d8, [&]<int... kLane>(std::integer_sequence<int, kLane...>) HWY_ATTR {
          auto v = hn::Zero(d);
          ((v = hn::InsertLane(v, kLane, at(kLane))), ...);
          return v;
        }(std::make_integer_sequence<int, 16 / kSize>()));
  }
}

}  // namespace
}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
