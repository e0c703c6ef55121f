// Which item of a column is the best, and where: what the kernels of arg extremes share whatever
// their items are compared as, and all of it item by item, which is how masks are looked at.
// Vectors are arg_vectors-inl.h's and arg_complex.cc's. Per-target header.
//
// A state is a row of indices, then a row of keys. The index is that of the first item with the
// column's best key, or kUntouched as long as nothing was folded, when the key says nothing.
#if defined(STRIDECAST_KERNELS_ARG_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STRIDECAST_KERNELS_ARG_INL_H_
#undef STRIDECAST_KERNELS_ARG_INL_H_
#else
#define STRIDECAST_KERNELS_ARG_INL_H_
#endif

#include "kernels/reduce-inl.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

// An operation says
//   using Key;                             // what items are compared as
//   static constexpr size_t kItem;         // bytes of an item
//   static Key KeyOf(const uint8_t* item);
//   static bool Better(Key a, Key b);      // strictly
constexpr int64_t kUntouched = -1;

template <typename Key>
struct ArgState {
  int64_t* index;
  Key* key;

  // Of n columns. Indices come first: they have the larger alignment.
  ArgState(void* state, int64_t n)
      : index(static_cast<int64_t*>(state)), key(reinterpret_cast<Key*>(index + n)) {}
  ArgState(int64_t* the_index, Key* the_key) : index(the_index), key(the_key) {}

  HWY_INLINE ArgState From(int64_t column) const { return {index + column, key + column}; }
};

// Where indices come in ascending order.
template <class Op, typename Key = typename Op::Key>
HWY_INLINE void TakeLater(const ArgState<Key>& column, Key key, int64_t index) {
  if (HWY_UNLIKELY(*column.index == kUntouched || Op::Better(key, *column.key))) {
    *column.key = key;
    *column.index = index;
  }
}

// Where they come in any order.
template <class Op, typename Key = typename Op::Key>
HWY_INLINE void TakeAny(const ArgState<Key>& column, Key key, int64_t index) {
  if (index == kUntouched) return;
  const bool earlier_tie = index < *column.index && !Op::Better(*column.key, key);
  if (earlier_tie) {
    *column.key = key;
    *column.index = index;
  } else {
    TakeLater<Op>(column, key, index);
  }
}

// The items of a run that its mask, if there is one, lets take part. Rows are items of a column.
template <class Op, typename Key = typename Op::Key>
HWY_NOINLINE void TakeItems(const sc_run* run, const ArgState<Key>& state, const uint8_t* src,
                            int64_t first_column, int64_t columns) {
  const auto* mask = static_cast<const uint8_t*>(run->aux[0]);
  if (mask != nullptr) mask += first_column * run->aux_step[0][1];
  int64_t index = run->index;
  for (int64_t row = 0; row < run->n[0]; ++row, index += run->index_step[0]) {
    for (int64_t i = 0; i < columns; ++i) {
      if (mask != nullptr && mask[i * run->aux_step[0][1]] == 0) continue;
      const uint8_t* const item = src + static_cast<size_t>(i) * Op::kItem;
      TakeLater<Op>(state.From(i), Op::KeyOf(item), index);
    }
    src += run->src_step[0];
    if (mask != nullptr) mask += run->aux_step[0][0];
  }
}

// ---- the kernels ----

template <class Op, typename Key = typename Op::Key>
uint32_t ArgInit(const sc_run* run) {
  static_assert(kUntouched == -1);
  memset(run->state, 0xFF, static_cast<size_t>(run->n[1]) * (sizeof(int64_t) + sizeof(Key)));
  return 0;
}

template <class Op, typename Key = typename Op::Key>
uint32_t ArgStepByItems(const sc_run* run) {
  TakeItems<Op>(run, ArgState<Key>(run->state, run->n[1]), static_cast<const uint8_t*>(run->src), 0,
                run->n[1]);
  return 0;
}

template <class Op, typename Key = typename Op::Key>
uint32_t ArgMerge(const sc_run* run) {
  const ArgState<Key> state(run->state, run->n[1]);
  const ArgState<Key> next(const_cast<void*>(run->src), run->n[1]);
  for (int64_t i = 0; i < run->n[1]; ++i) TakeAny<Op>(state.From(i), next.key[i], next.index[i]);
  return 0;
}

template <class Op, typename Key = typename Op::Key>
uint32_t ArgJoin(const sc_run* run) {
  const ArgState<Key> state(run->state, run->n[1]);
  const ArgState<Key> groups(const_cast<void*>(run->src), run->n[0] * run->n[1]);
  for (int64_t i = 0; i < run->n[1]; ++i) {
    const ArgState<Key> group = groups.From(i * run->n[0]);
    int64_t index = state.index[i];
    Key key = state.key[i];
    for (int64_t k = 0; k < run->n[0]; ++k) {
      if (group.index[k] == kUntouched) continue;
      TakeAny<Op>(ArgState<Key>(&index, &key), group.key[k],
                  group.index[k] + k * run->index_step[0]);
    }
    state.index[i] = index;
    state.key[i] = key;
  }
  return 0;
}

// What a column gives.
struct GiveIndex {
  using Out = int64_t;
  template <typename Key>
  static HWY_INLINE int64_t Of(int64_t index, const Key&) {
    return index;
  }
};

template <class Op, class Give, typename Key = typename Op::Key>
uint32_t ArgFinish(const sc_run* run) {
  const ArgState<Key> state(run->state, run->n[1]);
  auto* dst = static_cast<uint8_t*>(run->dst);
  for (int64_t i = 0; i < run->n[1]; ++i, dst += sizeof(typename Give::Out)) {
    const typename Give::Out result = Give::Of(state.index[i], state.key[i]);
    memcpy(dst, &result, sizeof result);
  }
  return 0;
}

// take(state of one column, its packed items, the column's number) for every column.
template <class Op, class Give, class Take, typename Key = typename Op::Key>
HWY_INLINE void ForWholeColumns(const sc_run* run, const Take& take) {
  const auto* src = static_cast<const uint8_t*>(run->src);
  auto* dst = static_cast<uint8_t*>(run->dst);
  for (int64_t i = 0; i < run->n[1]; ++i, dst += sizeof(typename Give::Out)) {
    int64_t index = kUntouched;
    Key key{};
    take(ArgState<Key>(&index, &key), src, i);
    const typename Give::Out result = Give::Of(index, key);
    memcpy(dst, &result, sizeof result);
    src += run->src_step[1];
  }
}

template <class Op, class Give, typename Key = typename Op::Key>
uint32_t ArgWholeByItems(const sc_run* run) {
  ForWholeColumns<Op, Give>(run, [=](const ArgState<Key>& state, const uint8_t* src, int64_t column)
                                     HWY_ATTR { TakeItems<Op>(run, state, src, column, 1); });
  return 0;
}

}  // namespace
}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
