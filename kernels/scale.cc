// Decoding: x * scale + offset, each operation rounded, never fused. In place for the float types,
// and in one pass with the conversion and the search for missing values for the small integers of
// files and sensors. Offsets of half the range of an integer, too, which turn its sign bit. Which
// stages make up a decoding is the engine's business, and what the steps of the parameters are,
// too.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/scale.cc"
#include <limits>
#include <type_traits>

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/convert-inl.h"
#include "kernels/lane_types.h"
#include "kernels/scale-inl.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

template <class D, class V = hn::Vec<D>>
HWY_INLINE V Scaled(D, V x, V scale, V offset) {
  return hn::Add(hn::Mul(x, scale), offset);
}

// Of infinity * 0 the sign depends on the CPU.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V ScaledFloat(D d, V x, V scale, V offset) {
  const auto y = Scaled(d, x, scale, offset);
  return hn::IfThenElse(hn::AndNot(hn::IsNaN(x), hn::IsNaN(y)), QuietNan(d), y);
}

// What both ways of going through a run share: ConvertItems with one scale and offset, ScaleEach
// with one of each an item.
template <typename T>
struct OneFactor {
  const T* one_scale = nullptr;
  const T* one_offset = nullptr;
};

template <typename T>
struct Scale : OneFactor<T> {
  using Src = T;
  using Dst = T;
  using Wide = T;
  explicit Scale(const sc_run&) {}

  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V x) const {
    return Apply(dd, x, hn::Set(dd, *this->one_scale), hn::Set(dd, *this->one_offset));
  }
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Apply(DD dd, V x, V scale, V offset) const {
    return ScaledFloat(dd, x, scale, offset);
  }
};

// Integers of up to 32 bits, and the float itself. kMany: any number of missing values, else none
// or one. kSwaps: the bytes of source items are in the other order.
template <typename S, typename T, bool kMany, bool kSwaps>
struct Decode : OneFactor<T> {
  using Src = S;
  using Dst = T;
  using Wide = T;
  const ScaleParams& params;
  T missing = std::numeric_limits<T>::quiet_NaN();

  explicit Decode(const sc_run& run) : params(*static_cast<const ScaleParams*>(run.params)) {
    if (params.num_missing > 0) missing = static_cast<T>(params.missing_values[0]);
  }

  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    return Apply(dd, v, hn::Set(dd, *this->one_scale), hn::Set(dd, *this->one_offset));
  }
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Apply(DD dd, V v, hn::Vec<DD> scale, hn::Vec<DD> offset) const {
    if constexpr (kSwaps) v = Swapped(v);
    const auto x = Number(dd, v);
    auto y =
        std::is_same_v<S, T> ? ScaledFloat(dd, x, scale, offset) : Scaled(dd, x, scale, offset);
    if constexpr (!kMany) return hn::IfThenElse(hn::Eq(x, hn::Set(dd, missing)), QuietNan(dd), y);
    for (int32_t k = 0; k < params.num_missing; ++k) {
      y = hn::IfThenElse(IsMissing(dd, v, x, k), QuietNan(dd), y);
    }
    return y;
  }

 private:
  template <class V>
  HWY_INLINE static V Swapped(V v) {
    const hn::DFromV<V> d;
    const hn::RebindToUnsigned<decltype(d)> du;
    return hn::BitCast(d, hn::ReverseLaneBytes(hn::BitCast(du, v)));
  }
  // Integers that are equal give equal floats, and where the float holds them all, the other way
  // round.
  template <class DD, class V>
  HWY_INLINE hn::Mask<DD> IsMissing(DD dd, V v, hn::Vec<DD> x, int32_t k) const {
    if constexpr (sizeof(S) == sizeof(T)) {
      const hn::RebindToUnsigned<hn::DFromV<V>> du;
      using U = hn::TFromD<decltype(du)>;
      return hn::RebindMask(
          dd, hn::Eq(hn::BitCast(du, v), hn::Set(du, static_cast<U>(params.missing[k][0]))));
    } else {
      return hn::Eq(x, hn::Set(dd, static_cast<T>(params.missing_values[k])));
    }
  }
  template <class DD, class V>
  HWY_INLINE static hn::Vec<DD> Number(DD dd, V v) {
    if constexpr (std::is_same_v<S, T>) {
      return v;
    } else if constexpr (sizeof(S) == sizeof(T)) {
      return hn::ConvertTo(dd, v);
    } else if constexpr (sizeof(S) == 4) {
      return hn::PromoteTo(dd, v);
    } else if constexpr (sizeof(T) == 4) {
      return hn::ConvertTo(dd, hn::PromoteTo(hn::Rebind<int32_t, DD>(), v));
    } else {
      return hn::PromoteTo(dd, hn::PromoteTo(hn::Rebind<int32_t, DD>(), v));
    }
  }
};

template <class Op, typename T = typename Op::Dst>
HWY_NOINLINE void ScaleEach(const Op& op, const typename Op::Src* src, T* dst, const T* scale,
                            const T* offset, size_t count) {
  const SrcTag<Op> ds;
  const DstTag<Op> dd;
  const size_t lanes = hn::Lanes(dd);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto y =
        op.Apply(dd, hn::LoadU(ds, src + i), hn::LoadU(dd, scale + i), hn::LoadU(dd, offset + i));
    hn::StoreU(y, dd, dst + i);
  }
  if (i == count) return;
  const size_t rest = RestOf(dd, i, count);
  const auto y = op.Apply(dd, LoadFew(ds, src + i, rest, typename Op::Src{}),
                          LoadFew(dd, scale + i, rest, T{1}), LoadFew(dd, offset + i, rest, T{1}));
  StoreFew(y, dd, dst + i, rest);
}

template <class Op>
uint32_t ScaleRun(const sc_run* run) {
  using T = typename Op::Dst;
  Op op(*run);
  ForFactors<T>(*run, [&](const Factors<T>& factors, int64_t first, int64_t items) {
    const auto* src = static_cast<const typename Op::Src*>(run->src) + first;
    T* dst = static_cast<T*>(run->dst) + first;
    const auto count = static_cast<size_t>(items);
    if (factors.each) return ScaleEach(op, src, dst, factors.scale, factors.offset, count);
    op.one_scale = factors.scale;
    op.one_offset = factors.offset;
    if constexpr (kCanStream<Op>) {
      if (HWY_UNLIKELY(run->flags & SC_RUN_STREAM)) {
        return StreamItems(op, src, dst, count, (run->flags & SC_RUN_FETCH) != 0);
      }
    }
    ConvertItems(op, src, dst, count);
  });
  return 0;
}

template <typename S, typename T, bool kSwaps>
uint32_t DecodeWith(const sc_run* run) {
  constexpr bool kByBits = sizeof(S) == sizeof(T);
  const bool many = static_cast<const ScaleParams*>(run->params)->num_missing > 1;
  return kByBits || many ? ScaleRun<Decode<S, T, true, kSwaps>>(run)
                         : ScaleRun<Decode<S, T, kByBits, kSwaps>>(run);
}

template <typename S, typename T>
uint32_t DecodeRun(const sc_run* run) {
  const bool swaps = static_cast<const ScaleParams*>(run->params)->swaps;
  return swaps ? DecodeWith<S, T, (sizeof(S) > 1)>(run) : DecodeWith<S, T, false>(run);
}

template <typename S>
void SetDecode(KernelTable& table) {
  constexpr uint32_t kInPlace = sizeof(S) == sizeof(float) ? uint32_t{SC_TRAIT_IN_PLACE} : 0;
  sc_entry(&entries)[2] = table.decode[Index(kDTypeOf<S>)];
  entries[0] = ScaleEntry(DecodeRun<S, float>, "decode to float32", SC_NEEDS_AUX, kInPlace);
  entries[1] = ScaleEntry(DecodeRun<S, double>, "decode to float64", SC_NEEDS_AUX, 0);
}

// Integers whose bits are turned, after their bytes are put in order where kSwaps.
template <typename U, bool kSwaps>
struct Flip {
  using Src = U;
  using Dst = U;
  using Wide = U;
  explicit Flip(const sc_run& run)
      : bits(static_cast<U>(static_cast<const ScaleParams*>(run.params)->flipped)) {}
  template <class DD, class V>
  HWY_INLINE hn::Vec<DD> Convert(DD dd, V v) const {
    if constexpr (kSwaps) v = hn::ReverseLaneBytes(v);
    return hn::Xor(v, hn::Set(dd, bits));
  }

 private:
  U bits;
};

template <typename U>
uint32_t FlipRun(const sc_run* run) {
  const bool swaps = static_cast<const ScaleParams*>(run->params)->swaps;
  return swaps ? ConvertRun<Flip<U, (sizeof(U) > 1)>>(run) : ConvertRun<Flip<U, false>>(run);
}

template <typename U>
void SetFlip(KernelTable& table) {
  table.flip[move_index(sizeof(U))] =
      PackedEntry(FlipRun<U>, "flip bits", SC_ACCESS_PACKED, SC_TRAIT_IN_PLACE);
}

}  // namespace

void FillScale(KernelTable& table) {
  constexpr uint32_t kAux = SC_NEEDS_AUX, kInPlace = SC_TRAIT_IN_PLACE;
  table.scale[0] = ScaleEntry(ScaleRun<Scale<float>>, "scale", kAux, kInPlace);
  table.scale[1] = ScaleEntry(ScaleRun<Scale<double>>, "scale", kAux, kInPlace);
  SetDecode<int8_t>(table);
  SetDecode<uint8_t>(table);
  SetDecode<int16_t>(table);
  SetDecode<uint16_t>(table);
  SetDecode<int32_t>(table);
  SetFlip<uint8_t>(table);
  SetFlip<uint16_t>(table);
  SetFlip<uint32_t>(table);
  SetFlip<uint64_t>(table);
  table.decode[Index(DType::kFloat32)][0] =
      ScaleEntry(DecodeRun<float, float>, "decode float32", kAux, kInPlace);
  table.decode[Index(DType::kFloat64)][1] =
      ScaleEntry(DecodeRun<double, double>, "decode float64", kAux, kInPlace);
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
