// What the kernels of scaling share: scale and offset along a run, whose values may change with its
// rows or its columns; flags of missing items, a byte each; and tails. Per-target header: include
// after foreach_target.h.

#if defined(STRIDECAST_KERNELS_SCALE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STRIDECAST_KERNELS_SCALE_INL_H_
#undef STRIDECAST_KERNELS_SCALE_INL_H_
#else
#define STRIDECAST_KERNELS_SCALE_INL_H_
#endif

#include <cstring>
#include <limits>

#include "hwy/highway.h"
#include "kernels/convert-inl.h"
#include "kernels/kernel_table.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

// --- scale and offset along a run ----------------------------------------------------------------

// Of some items in a row: one value for all of them, or one each.
template <typename T>
struct Factors {
  const T* scale;
  const T* offset;
  bool each;
};

// Parameters that do not lie side by side as the items do are gathered, so many at a time.
constexpr int64_t kGathered = 256;
constexpr int64_t kShortRow = 64;

template <typename T>
struct FactorsBuffer {
  T scale[kGathered], offset[kGathered];

  Factors<T> Gather(const sc_run& run, int64_t row, int64_t column, int64_t count, int64_t step) {
    const int64_t at = row * run.aux_step[0][0] + column * step;
    const char* s = static_cast<const char*>(run.aux[0]) + at;
    const char* o = static_cast<const char*>(run.aux[1]) + at;
    for (int64_t i = 0; i < count; ++i) {
      memcpy(&scale[i], s + i * step, sizeof(T));
      memcpy(&offset[i], o + i * step, sizeof(T));
    }
    return {scale, offset, true};
  }
  // The first `count` of them, again and again.
  void Repeat(int64_t count, int64_t repeats) {
    for (int64_t i = count; i < count * repeats; ++i) {
      scale[i] = scale[i - count];
      offset[i] = offset[i - count];
    }
  }
};

// Calls body(factors, first, count) for pieces of the run's packed items.
template <typename T, class Body>
HWY_NOINLINE void ForFactorsThatChange(const sc_run& run, const Body& body) {
  int64_t rows = run.n[0], columns = run.n[1], step = run.aux_step[0][1];
  if (columns == 1) {  // a column is a row whose items step by rows
    columns = rows;
    rows = 1;
    step = run.aux_step[0][0];
  }
  const auto factors_of = [&](int64_t row, bool each) {
    const int64_t at = row * run.aux_step[0][0];
    return Factors<T>{reinterpret_cast<const T*>(static_cast<const char*>(run.aux[0]) + at),
                      reinterpret_cast<const T*>(static_cast<const char*>(run.aux[1]) + at), each};
  };
  const bool side_by_side = step == int64_t{sizeof(T)} && (rows == 1 || columns >= kShortRow);
  if (step == 0 || side_by_side) {
    for (int64_t r = 0; r < rows; ++r) body(factors_of(r, step != 0), r * columns, columns);
    return;
  }
  FactorsBuffer<T> buffer;
  if (run.aux_step[0][0] == 0 && columns <= kGathered) {  // every row like the first
    const int64_t repeats = HWY_MIN(kGathered / columns, rows);
    const Factors<T> factors = buffer.Gather(run, 0, 0, columns, step);
    buffer.Repeat(columns, repeats);
    for (int64_t r = 0; r < rows; r += repeats) {
      body(factors, r * columns, HWY_MIN(repeats, rows - r) * columns);
    }
    return;
  }
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; c += kGathered) {
      const int64_t count = HWY_MIN(kGathered, columns - c);
      body(buffer.Gather(run, r, c, count, step), r * columns + c, count);
    }
  }
}

template <typename T, class Body>
HWY_INLINE void ForFactors(const sc_run& run, const Body& body) {
  if (HWY_LIKELY(run.aux_step[0][0] == 0 && run.aux_step[0][1] == 0)) {
    body(Factors<T>{static_cast<const T*>(run.aux[0]), static_cast<const T*>(run.aux[1]), false}, 0,
         run.n[0] * run.n[1]);
  } else {
    ForFactorsThatChange<T>(run, body);
  }
}

// How many of `count` items from `first` on are left for less than a vector; says so to compilers,
// which else warn of what StoreFew would do with more.
template <class D>
HWY_INLINE size_t RestOf(D d, size_t first, size_t count) {
  const size_t rest = count - first;
  if (rest >= hn::MaxLanes(d)) __builtin_unreachable();
  return rest;
}

template <bool kEach, class D, typename T>
HWY_INLINE hn::Vec<D> FactorsAt(D d, const T* values, size_t i) {
  if constexpr (kEach) {
    return hn::LoadU(d, values + i);
  } else {
    return hn::Set(d, *values);
  }
}

template <bool kEach, class D, typename T>
HWY_INLINE hn::Vec<D> FewFactorsAt(D d, const T* values, size_t i, size_t count, T pad = T{1}) {
  if constexpr (kEach) {
    return LoadFew(d, values + i, count, pad);
  } else {
    return hn::Set(d, *values);
  }
}

// --- NaN, flags, entries
// -------------------------------------------------------------------------------

template <class D>
HWY_INLINE hn::Vec<D> QuietNan(D d) {
  return hn::Set(d, std::numeric_limits<hn::TFromD<D>>::quiet_NaN());
}

template <class D>
using FlagTag = hn::Rebind<uint8_t, D>;

// A mask as bytes, 0 or all ones.
template <class D, class M>
HWY_INLINE hn::Vec<FlagTag<D>> FlagsOf(D d, M mask) {
  const hn::RebindToUnsigned<D> du;
  const auto bits = hn::BitCast(du, hn::VecFromMask(d, mask));
  if constexpr (sizeof(hn::TFromD<D>) == 1) {
    return bits;
  } else {
    return hn::TruncateTo(FlagTag<D>(), bits);
  }
}

template <class D, class V>
HWY_INLINE hn::Mask<D> MaskOf(D d, V flags) {
  const hn::RebindToSigned<D> di;
  const hn::Rebind<int8_t, D> di8;
  const auto bytes = hn::BitCast(di8, flags);
  if constexpr (sizeof(hn::TFromD<D>) == 1) {
    return hn::RebindMask(d, hn::Ne(bytes, hn::Zero(di8)));
  } else if constexpr (sizeof(hn::TFromD<D>) == 8) {
    const auto wide = hn::PromoteTo(hn::Rebind<int32_t, D>(), bytes);
    return hn::RebindMask(d, hn::Ne(hn::PromoteTo(di, wide), hn::Zero(di)));
  } else {
    return hn::RebindMask(d, hn::Ne(hn::PromoteTo(di, bytes), hn::Zero(di)));
  }
}

constexpr sc_entry ScaleEntry(sc_kernel kernel, const char* name, uint32_t needs, uint32_t traits) {
  return {kernel,
          name,
          SC_ACCESS_PACKED,
          SC_ACCESS_PACKED,
          needs,
          traits | uint32_t{SC_TRAIT_THREAD_SAFE},
          0};
}

}  // namespace

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
