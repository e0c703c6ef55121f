// argmin, argmax, min and max of complex128, item by item. The order is by real part, then by
// imaginary part; zeros tie whatever their sign and give +0; what has a NaN in either part is
// better than every number and gives (nan, nan). min and max keep the index as well, for which they
// have no use: nothing folded leaves the infinities that every number is better than.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/arg_complex.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/arg-inl.h"
#include "kernels/lane_types.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

struct ComplexKey {
  double re, im;
};

template <bool kMax>
struct ArgComplex {
  using Key = ComplexKey;
  static constexpr size_t kItem = sizeof(ComplexKey);

  static HWY_INLINE ComplexKey KeyOf(const uint8_t* item) {
    ComplexKey key = LoadAs<ComplexKey>(item);
    if (HWY_UNLIKELY(key.re != key.re || key.im != key.im)) {
      return {QuietNaN<double>(), QuietNaN<double>()};
    }
    return {key.re + 0.0, key.im + 0.0};  // +0 for -0
  }
  static HWY_INLINE bool Better(ComplexKey a, ComplexKey b) {
    if (HWY_UNLIKELY(a.re != a.re)) return b.re == b.re;
    return (kMax ? a.re > b.re : a.re < b.re) ||
           (a.re == b.re && (kMax ? a.im > b.im : a.im < b.im));
  }

  // Whether one of the items in `parts` may be better than the keys, or the one key, in `keys`: not
  // all real parts are worse, or an imaginary part is NaN or infinite.
  template <class D, class V>
  static HWY_INLINE bool MayBeBetter(D d, V parts, V keys) {
    const auto limit = hn::OddEven(hn::Set(d, kBest), keys);
    return !hn::AllTrue(d, kMax ? hn::Lt(parts, limit) : hn::Gt(parts, limit));
  }
  static constexpr double kBest = std::numeric_limits<double>::infinity() * (kMax ? 1 : -1);
};

using Lanes = hn::ScalableTag<double>;

// Packed items of one column.
template <class Op>
HWY_INLINE void TakePacked(const ArgState<ComplexKey>& state, const uint8_t* src, size_t n,
                           int64_t index, int64_t index_step) {
  const Lanes d;
  const size_t items = hn::Lanes(d) / 2, vector = items * Op::kItem;
  ComplexKey key = *state.key;
  int64_t key_index = *state.index;
  const ArgState<ComplexKey> best(&key_index, &key);
  const auto take = [&](size_t count) HWY_ATTR {
    for (; count > 0; --count, --n, src += Op::kItem, index += index_step) {
      TakeLater<Op>(best, Op::KeyOf(src), index);
    }
  };
  take(HWY_MIN(n, size_t{1}));
  while (n >= 2 * items) {
    const auto keys = hn::Set(d, key.re);
    if (Op::MayBeBetter(d, LoadRow(d, src), keys) ||
        Op::MayBeBetter(d, LoadRow(d, src + vector), keys)) {
      take(2 * items);
      continue;
    }
    src += 2 * vector;
    n -= 2 * items;
    index += 2 * static_cast<int64_t>(items) * index_step;
  }
  take(n);
  *state.key = key;
  *state.index = key_index;
}

// A row of columns.
template <class Op>
HWY_INLINE void TakeRow(const ArgState<ComplexKey>& state, const uint8_t* src, size_t columns,
                        int64_t index) {
  const Lanes d;
  const size_t items = hn::Lanes(d) / 2;
  size_t column = 0;
  const auto take = [&](size_t count) HWY_ATTR {
    for (const size_t end = column + count; column < end; ++column) {
      const ComplexKey key = Op::KeyOf(src + column * Op::kItem);
      TakeLater<Op>(state.From(static_cast<int64_t>(column)), key, index);
    }
  };
  while (column + items <= columns) {
    const auto keys = hn::LoadU(d, &state.key[column].re);
    if (Op::MayBeBetter(d, LoadRow(d, src + column * Op::kItem), keys)) {
      take(items);
    } else {
      column += items;
    }
  }
  take(columns - column);
}

// ---- the kernels ----

template <class Op>
uint32_t ComplexStep(const sc_run* run) {
  if (run->aux[0] != nullptr) return ArgStepByItems<Op>(run);
  const ArgState<ComplexKey> state(run->state, run->n[1]);
  const auto* src = static_cast<const uint8_t*>(run->src);
  const ptrdiff_t step = run->src_step[0];
  const auto rows = static_cast<size_t>(run->n[0]), columns = static_cast<size_t>(run->n[1]);
  if (columns == 1 && step == static_cast<ptrdiff_t>(Op::kItem)) {
    TakePacked<Op>(state, src, rows, run->index, run->index_step[0]);
    return 0;
  }
  int64_t index = run->index;
  for (size_t row = 0; row < rows; ++row, src += step, index += run->index_step[0]) {
    TakeRow<Op>(state, src, columns, index);
  }
  return 0;
}

template <class Op, class Give>
uint32_t ComplexWhole(const sc_run* run) {
  if (run->aux[0] != nullptr) return ArgWholeByItems<Op, Give>(run);
  const auto rows = static_cast<size_t>(run->n[0]);
  ForWholeColumns<Op, Give>(
      run, [=](const ArgState<ComplexKey>& state, const uint8_t* src, int64_t)
               HWY_ATTR { TakePacked<Op>(state, src, rows, run->index, run->index_step[0]); });
  return 0;
}

template <bool kMax>
struct GiveKey {
  using Out = ComplexKey;
  static HWY_INLINE ComplexKey Of(int64_t index, const ComplexKey& key) {
    constexpr double kWorst = ArgComplex<!kMax>::kBest;
    return index == kUntouched ? ComplexKey{kWorst, kWorst} : key;
  }
};

template <class Op, class Give>
constexpr sc_reduce_entry ComplexEntry(const char* name) {
  return {&ArgInit<Op>,
          &ComplexStep<Op>,
          &ArgMerge<Op>,
          &ArgFinish<Op, Give>,
          &ComplexWhole<Op, Give>,
          &ArgJoin<Op>,
          name,
          0,
          sizeof(int64_t) + sizeof(ComplexKey),
          0};
}

}  // namespace

void FillArgComplex(KernelTable& table) {
  using Least = ArgComplex<false>;
  using Largest = ArgComplex<true>;
  const auto set = [&](ReduceKernel kernel, sc_reduce_entry entry) {
    table.reduce[kernel][Index(DType::kComplexFloat64)] = entry;
  };
  set(kReduceArgmin, ComplexEntry<Least, GiveIndex>("argmin complex128"));
  set(kReduceArgmax, ComplexEntry<Largest, GiveIndex>("argmax complex128"));
  set(kReduceMin, ComplexEntry<Least, GiveKey<false>>("min complex128"));
  set(kReduceMax, ComplexEntry<Largest, GiveKey<true>>("max complex128"));
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
