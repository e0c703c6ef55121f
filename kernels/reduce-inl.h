// What the reduce kernels share: rows of columns in vectors, and runs of one column brought to
// packed form. Per-target header. Data may have any alignment; states are aligned as new aligns
// them.
#if defined(STRIDECAST_KERNELS_REDUCE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STRIDECAST_KERNELS_REDUCE_INL_H_
#undef STRIDECAST_KERNELS_REDUCE_INL_H_
#else
#define STRIDECAST_KERNELS_REDUCE_INL_H_
#endif

#include <initializer_list>
#include <limits>

#include "kernels/convert_names.h"
#include "kernels/kernel_table.h"
#include "kernels/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

// Rows that fit few vectors are folded in registers, many rows at a time. Of wider rows only four
// are read side by side, each as it lies in memory: more rows that are a power of two apart would
// evict each other from the cache.
constexpr size_t kRowGroup = 32;
constexpr size_t kNarrowRow = 256;  // bytes

template <class D>
HWY_INLINE hn::Vec<D> LoadRow(D d, const uint8_t* src) {
  return hn::BitCast(d, hn::LoadU(hn::Repartition<uint8_t, D>(), src));
}

template <typename T>
HWY_INLINE T LoadAs(const uint8_t* src) {
  T value;
  memcpy(&value, src, sizeof(T));
  return value;
}

// The first `count` items; the lanes after them are zero and their memory is not touched.
template <class D>
HWY_INLINE hn::Vec<D> LoadFirst(D d, const void* src, size_t count) {
  using T = hn::TFromD<D>;
  // Masked loads cannot fault here, and any address will do; AVX2 has them for these lanes only.
  constexpr bool kMasked = (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3) ||
                           (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2 && sizeof(T) >= 4);
  if constexpr (kMasked) {
    return hn::MaskedLoad(hn::FirstN(d, count), d, static_cast<const T*>(src));
  } else {
    HWY_ALIGN T items[HWY_MAX_LANES_D(D)] = {};
    memcpy(items, src, count * sizeof(T));
    return hn::Load(d, items);
  }
}

// The lanes of a vector that one step of a loop over columns uses: all, or the first `count`. Lanes
// that are not used read as zero. Sources and results may lie at any address, states are aligned.
struct AllLanes {
  template <class D>
  HWY_INLINE hn::Vec<D> Load(D d, const uint8_t* src) const {
    return LoadRow(d, src);
  }
  template <class D, typename T = hn::TFromD<D>>
  HWY_INLINE hn::Vec<D> Load(D d, const T* state) const {
    return hn::LoadU(d, state);
  }
  template <class D, typename T = hn::TFromD<D>>
  HWY_INLINE void Store(hn::Vec<D> v, D d, T* state) const {
    hn::StoreU(v, d, state);
  }
  template <class D>
  HWY_INLINE void StoreResult(hn::Vec<D> v, D, uint8_t* dst) const {
    const hn::Repartition<uint8_t, D> d8;
    hn::StoreU(hn::BitCast(d8, v), d8, dst);
  }
};

struct FirstLanes {
  size_t count;
  template <class D>
  HWY_INLINE hn::Vec<D> Load(D d, const uint8_t* src) const {
    return LoadFirst(d, src, count);
  }
  template <class D, typename T = hn::TFromD<D>>
  HWY_INLINE hn::Vec<D> Load(D d, const T* state) const {
    return LoadFirst(d, state, count);
  }
  template <class D, typename T = hn::TFromD<D>>
  HWY_INLINE void Store(hn::Vec<D> v, D d, T* state) const {
    hn::StoreN(v, d, state, count);
  }
  template <class D, typename T = hn::TFromD<D>>
  HWY_INLINE void StoreResult(hn::Vec<D> v, D d, uint8_t* dst) const {
    HWY_ALIGN T items[hn::MaxLanes(d)];
    hn::Store(v, d, items);
    memcpy(dst, items, count * sizeof(T));
  }
};

// Every second item: of a vector of items the bytes of two are read, so that one more item must
// follow those that count.
struct EverySecond {
  template <class D>
  HWY_INLINE hn::Vec<D> Load(D d, const uint8_t* src) const {
    const size_t vector = hn::Lanes(d) * sizeof(hn::TFromD<D>);
    return hn::ConcatEven(d, LoadRow(d, src + vector), LoadRow(d, src));
  }
};

// Calls body(first column, lanes) for vectors that cover `columns`.
template <class D, class Body>
HWY_INLINE void ForColumns(D d, size_t columns, const Body& body) {
  const size_t lanes = hn::Lanes(d);
  size_t column = 0;
  for (; column + lanes <= columns; column += lanes) body(column, AllLanes());
  if (column < columns) body(column, FirstLanes{columns - column});
}

// Items at any step to packed ones.
template <size_t kSize>
HWY_INLINE void GatherItems(uint8_t* packed, const uint8_t* src, ptrdiff_t step, size_t count) {
  if constexpr (kSize <= 8) {
    if (step == 2 * static_cast<ptrdiff_t>(kSize)) {
      const hn::ScalableTag<Lane<kSize>> d;
      const hn::Repartition<uint8_t, decltype(d)> d8;
      const size_t lanes = hn::Lanes(d);
      for (; count > lanes; count -= lanes, src += 2 * lanes * kSize, packed += lanes * kSize) {
        hn::StoreU(hn::BitCast(d8, EverySecond().Load(d, src)), d8, packed);
      }
    }
  }
  for (size_t i = 0; i < count; ++i, src += step) memcpy(packed + i * kSize, src, kSize);
}

// Calls body(packed items, count) for pieces of a column of items at any step.
template <typename T, class Body>
HWY_INLINE void ForPackedPieces(const uint8_t* src, ptrdiff_t step, size_t count,
                                const Body& body) {
  if (count == 1 || step == static_cast<ptrdiff_t>(sizeof(T))) return body(src, count);
  constexpr size_t kPiece = 1024;
  alignas(64) uint8_t packed[kPiece * sizeof(T)];
  while (count > 0) {
    const size_t n = HWY_MIN(count, kPiece);
    GatherItems<sizeof(T)>(packed, src, step, n);
    src += step * static_cast<ptrdiff_t>(n);
    body(packed, n);
    count -= n;
  }
}

// Of all NaNs one, so that which of several NaNs met first (which targets may answer differently)
// does not show.
template <typename T>
HWY_INLINE T QuietNaN() {
  return std::numeric_limits<T>::quiet_NaN();
}

// The signs in an item that make no difference to whether it is 0.
enum class Signs : uint8_t { kNone, kOne, kOfBothParts };

template <Signs kSigns, class D>
HWY_INLINE hn::Vec<D> WithoutSigns(D d, hn::Vec<D> v) {
  if constexpr (kSigns == Signs::kOne) {
    return hn::Add(v, v);
  } else if constexpr (kSigns == Signs::kOfBothParts) {
    const hn::Repartition<hwy::MakeNarrow<hn::TFromD<D>>, D> part;
    return hn::BitCast(d, hn::Add(hn::BitCast(part, v), hn::BitCast(part, v)));
  } else {
    return v;
  }
}

// Enters operations that look at bits alone, Op<lanes as unsigned, their signs>: entry_of(Op()) for
// every arithmetic type and for complex64, which is `complex_name`.
template <template <typename, Signs> class Op, class EntryOf>
void SetByBits(ReduceEntries& entries, const TypeNames& names, const char* complex_name,
               const EntryOf& entry_of) {
  const auto set = [&](std::initializer_list<DType> types, sc_reduce_entry entry) {
    for (const DType type : types) {
      entry.name = names.text[static_cast<size_t>(type)];
      entries[static_cast<size_t>(type)] = entry;
    }
  };
  set({DType::kBool, DType::kInt8, DType::kUint8}, entry_of(Op<uint8_t, Signs::kNone>()));
  set({DType::kInt16, DType::kUint16}, entry_of(Op<uint16_t, Signs::kNone>()));
  set({DType::kInt32, DType::kUint32}, entry_of(Op<uint32_t, Signs::kNone>()));
  set({DType::kInt64, DType::kUint64}, entry_of(Op<uint64_t, Signs::kNone>()));
  set({DType::kFloat16, DType::kBFloat16}, entry_of(Op<uint16_t, Signs::kOne>()));
  set({DType::kFloat32}, entry_of(Op<uint32_t, Signs::kOne>()));
  set({DType::kFloat64}, entry_of(Op<uint64_t, Signs::kOne>()));
  sc_reduce_entry& complex = entries[static_cast<size_t>(DType::kComplexFloat32)];
  complex = entry_of(Op<uint64_t, Signs::kOfBothParts>());
  complex.name = complex_name;
}

}  // namespace
}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
