// argmin and argmax of the arithmetic types, complex64 and times, in vectors: the index of the
// first item that no other is better than. argmin.cc and argmax.cc make kernels of it; arg-inl.h
// says what a state is, arg_keys-inl.h what items are compared as; complex128 is arg_complex.cc's.
// Per-target header.
//
// A packed run is looked at twice, the second time only at the one block that has the best key, and
// there until the first item with that key; a short one of wide items once, as rows of one vector.
// Of many columns, each keeps the number of the row with its best key in a lane as wide as an item,
// over so few rows that the number fits.
#if defined(STRIDECAST_KERNELS_ARG_VECTORS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STRIDECAST_KERNELS_ARG_VECTORS_INL_H_
#undef STRIDECAST_KERNELS_ARG_VECTORS_INL_H_
#else
#define STRIDECAST_KERNELS_ARG_VECTORS_INL_H_
#endif

#include "kernels/arg-inl.h"
#include "kernels/arg_keys-inl.h"
#include "kernels/convert_names.h"
#include "kernels/fold-inl.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

// ---- one packed column ----

// Where the first item that ties with `key` lies; one of the n does.
template <class Op, typename Key = typename Op::Key>
HWY_NOINLINE size_t FirstSame(const uint8_t* src, size_t n, Key key) {
  const hn::ScalableTag<Key> d;
  const size_t lanes = hn::Lanes(d);
  size_t at = 0;
  for (; at + lanes <= n; at += lanes, src += lanes * sizeof(Key)) {
    const auto same = Op::Same(d, LoadRow(d, src), key);
    if (!hn::AllFalse(d, same)) return at + hn::FindKnownFirstTrue(d, same);
  }
  return at + hn::FindKnownFirstTrue(d, Op::Same(d, LoadFirst(d, src, n - at), key));
}

// A bit a lane, the first lane lowest. Compilers see through this where as many bytes are read as
// were written.
template <class D>
HWY_INLINE uint64_t MaskBits(D d, hn::Mask<D> mask) {
  constexpr size_t kBytes = HWY_MAX_LANES_D(D) < 8 ? 1 : HWY_MAX_LANES_D(D) / 8;
  hwy::UnsignedFromSize<kBytes> bits = 0;
  uint8_t bytes[kBytes];
  hn::StoreMaskBits(d, mask, bytes);
  memcpy(&bits, bytes, kBytes);
  return HWY_IS_LITTLE_ENDIAN ? bits : ReverseBytes(bits);
}

// Where the first of at most 64 items that ties with a number lies, a bit an item. Without a branch
// that depends on where it is: CPUs would mispredict that one in every column.
template <class Op, typename Key = typename Op::Key>
HWY_INLINE uint64_t SameBits(const uint8_t* src, size_t n, Key key) {
  const hn::CappedTag<Key, 64> d;
  const size_t lanes = hn::Lanes(d);
  uint64_t bits = 0;
  size_t at = 0;
  for (; at + lanes <= n; at += lanes) {
    bits |= MaskBits(d, Op::SameNumber(d, LoadRow(d, src + at * sizeof(Key)), key)) << at;
  }
  if (at < n) {
    const auto items = LoadFirst(d, src + at * sizeof(Key), n - at);
    bits |= MaskBits(d, hn::And(Op::SameNumber(d, items, key), hn::FirstN(d, n - at))) << at;
  }
  return bits;
}

// A run of at most kShortRun items: its best key, and where that lies first.
constexpr size_t kShortRun = 128;

template <typename Key>
struct BestItem {
  Key key;
  size_t at;
};

// Of few vectors both halves are looked at again.
template <class Op, typename Key = typename Op::Key>
HWY_INLINE BestItem<Key> BestOfFewVectors(const uint8_t* src, size_t n) {
  constexpr size_t kHalf = kShortRun / 2;
  const Key best = FoldPacked<typename Op::Folding>(src, n);
  if (HWY_UNLIKELY(Op::IsNone(best))) return {best, FirstSame<Op>(src, n, best)};
  const uint64_t low = SameBits<Op>(src, HWY_MIN(n, kHalf), best);
  const uint64_t high = n > kHalf ? SameBits<Op>(src + kHalf * sizeof(Key), n - kHalf, best) : 0;
  return {best, hwy::Num0BitsBelowLS1Bit_Nonzero64(low != 0 ? low : high) + (low != 0 ? 0 : kHalf)};
}

// Of more vectors, each quarter of them is folded for itself, so that only the first one with the
// best key is looked at again, or what the quarters leave.
template <class Op, typename Key = typename Op::Key>
HWY_NOINLINE BestItem<Key> BestOfFew(const uint8_t* src, size_t n) {
  using Folding = typename Op::Folding;
  const hn::ScalableTag<Key> d;
  const size_t lanes = hn::Lanes(d), rows = n / lanes / 4;
  if (rows < 2) return BestOfFewVectors<Op>(src, n);
  const size_t quarter = rows * lanes, rest = n - 4 * quarter;
  const ptrdiff_t step = static_cast<ptrdiff_t>(lanes * sizeof(Key));
  const auto fold = [=](size_t i) HWY_ATTR {
    return FoldRows(Folding(), d, AllLanes(), src + i * quarter * sizeof(Key), step, rows);
  };
  const auto a0 = fold(0), a1 = fold(1), a2 = fold(2), a3 = fold(3);
  auto all = Folding::Combine(d, Folding::Combine(d, a0, a1), Folding::Combine(d, a2, a3));
  if (rest > 0) {
    const auto last = hn::Set(d, FoldPacked<Folding>(src + 4 * quarter * sizeof(Key), rest));
    all = Folding::Combine(d, all, last);
  }
  const Key best = Folding::Lanes(d, all);
  if (HWY_UNLIKELY(Op::IsNone(best))) return {best, FirstSame<Op>(src, n, best)};
  const auto key = hn::Set(d, best);
  const auto has = [=](auto keys) HWY_ATTR {
    return static_cast<unsigned>(!hn::AllFalse(d, hn::Eq(keys, key)));
  };
  const unsigned quarters = has(a0) | has(a1) << 1 | has(a2) << 2 | has(a3) << 3 | 1u << 4;
  const size_t first = quarter * hwy::Num0BitsBelowLS1Bit_Nonzero32(quarters);
  const uint64_t bits =
      SameBits<Op>(src + first * sizeof(Key), HWY_MIN(n - first, HWY_MAX(quarter, rest)), best);
  return {best, first + hwy::Num0BitsBelowLS1Bit_Nonzero64(bits)};
}

// Items that are folded before it is asked whether they are worth a second look.
constexpr size_t kBlockBytes = 4096;

// `lanes`: AllLanes, or EverySecond, of which one more item must follow.
template <class Op, class L, typename Key = typename Op::Key>
HWY_INLINE void TakeRun(L lanes, const ArgState<Key>& state, const uint8_t* src, size_t n,
                        int64_t index, int64_t index_step) {
  constexpr bool kPacked = std::is_same_v<L, AllLanes>;
  constexpr size_t kStep = (kPacked ? 1 : 2) * sizeof(Key);
  constexpr size_t kBlock = kBlockBytes / sizeof(Key);
  bool found = false;
  size_t block = 0;
  Key best = *state.key;
  for (size_t at = 0; at < n; at += kBlock) {
    const bool any = found || *state.index != kUntouched;
    if (any && Op::Decided(best)) break;
    const Key key =
        FoldPacked<typename Op::Folding>(lanes, src + at * kStep, HWY_MIN(n - at, kBlock));
    if (any && !Op::Better(key, best)) continue;
    found = true;
    best = key;
    block = at;
  }
  if (!found) return;
  const uint8_t* from = src + block * kStep;
  const size_t count = HWY_MIN(n - block, kBlock);
  alignas(64) uint8_t packed[kPacked ? 1 : kBlockBytes];
  if constexpr (!kPacked) {
    GatherItems<sizeof(Key)>(packed, from, static_cast<ptrdiff_t>(kStep), count);
    from = packed;
  }
  *state.key = best;
  *state.index =
      index + static_cast<int64_t>(block + FirstSame<Op>(from, count, best)) * index_step;
}

// ---- many columns ----

// Columns whose row numbers stay on the stack, and rows whose numbers fit into a byte.
template <typename Key>
constexpr size_t kMostColumns = 16384 / sizeof(Key);
constexpr size_t kMostRows = 128;

// Rows from number `first` on, for one vector of columns. Four rows are settled among themselves
// first: the chain from one best key to the next is a comparison in four rows.
template <class Op, class D, class S, class L, typename Key = hn::TFromD<D>,
          typename Row = hwy::MakeSigned<Key>>
HWY_INLINE void TakeRowsOfVector(D d, S source, L lanes, const uint8_t* src, ptrdiff_t step,
                                 size_t rows, size_t first, Key* keys, Row* row_numbers) {
  const hn::RebindToSigned<D> dr;
  const auto load = [&](const uint8_t* from)
                        HWY_ATTR { return Op::Prepare(d, source.Load(d, from)); };
  const auto one = hn::Set(dr, Row{1}), two = hn::Set(dr, Row{2}), three = hn::Set(dr, Row{3});
  auto best = lanes.Load(d, static_cast<const Key*>(keys));
  auto best_row = lanes.Load(dr, static_cast<const Row*>(row_numbers));
  auto row = hn::Set(dr, static_cast<Row>(first));
  for (; rows >= 4; rows -= 4, src += 4 * step) {
    const auto v0 = load(src), v1 = load(src + step);
    const auto v2 = load(src + 2 * step), v3 = load(src + 3 * step);
    const auto c1 = Op::Compare(d, v1, v0), c3 = Op::Compare(d, v3, v2);
    const auto lower = Choose<Op>(c1, v1, v0), upper = Choose<Op>(c3, v3, v2);
    const auto lower_row = Choose<Op>(hn::RebindMask(dr, c1), one, hn::Zero(dr));
    const auto upper_row = Choose<Op>(hn::RebindMask(dr, c3), three, two);
    const auto c = Op::Compare(d, upper, lower);
    const auto key = Choose<Op>(c, upper, lower);
    const auto key_row = hn::Add(row, Choose<Op>(hn::RebindMask(dr, c), upper_row, lower_row));
    const auto better = Op::Compare(d, key, best);
    best = Choose<Op>(better, key, best);
    best_row = Choose<Op>(hn::RebindMask(dr, better), key_row, best_row);
    row = hn::Add(row, hn::Set(dr, Row{4}));
  }
  for (; rows > 0; --rows, src += step, row = hn::Add(row, one)) {
    const auto key = load(src);
    const auto better = Op::Compare(d, key, best);
    best = Choose<Op>(better, key, best);
    best_row = Choose<Op>(hn::RebindMask(dr, better), row, best_row);
  }
  lanes.Store(best, d, keys);
  lanes.Store(best_row, dr, row_numbers);
}

// The best of lanes, which hold the keys of rows row_numbers, as a place among the items of all
// rows; one of few lanes after the other, many at once.
template <class Op, typename Key, typename Row>
HWY_INLINE BestItem<Key> BestLane(const Key* keys, const Row* row_numbers) {
  const hn::ScalableTag<Key> d;
  const hn::RebindToSigned<decltype(d)> dr;
  const size_t lanes = hn::Lanes(d);
  if constexpr (HWY_MAX_LANES_D(decltype(d)) <= 4) {
    BestItem<Key> best = {keys[0], static_cast<size_t>(row_numbers[0]) * lanes};
    for (size_t lane = 1; lane < lanes; ++lane) {
      const size_t at = static_cast<size_t>(row_numbers[lane]) * lanes + lane;
      const bool ties = !Op::Better(best.key, keys[lane]);
      if (Op::Better(keys[lane], best.key) || (ties && at < best.at)) best = {keys[lane], at};
    }
    return best;
  } else {
    const auto of_lanes = hn::Load(d, keys);
    const Key best = Op::Folding::Lanes(d, of_lanes);
    const int log_lanes = static_cast<int>(hwy::CeilLog2(lanes));  // a product would take longer
    const auto before = hn::ShiftLeftSame(hn::Load(dr, row_numbers), log_lanes);
    const auto places = hn::Add(before, hn::Iota(dr, Row{0}));
    auto ties = hn::Eq(of_lanes, hn::Set(d, best));
    if constexpr (hwy::IsFloat<Key>()) {
      if (HWY_UNLIKELY(Op::IsNone(best))) ties = hn::IsNaN(of_lanes);
    }
    const auto tied = hn::RebindMask(dr, ties);
    const auto last = hn::Set(dr, std::numeric_limits<Row>::max());
    return {best, static_cast<size_t>(hn::ReduceMin(dr, hn::IfThenElse(tied, places, last)))};
  }
}

// A short run as rows of one vector: each lane finds its best item, and the best of those is the
// one. Keys as wide as this have few lanes, and one look costs less than two. `load`: AllLanes, or
// EverySecond, of which one more item must follow.
template <class Op, class L, typename Key = typename Op::Key>
HWY_NOINLINE BestItem<Key> BestByLanes(L load, const uint8_t* src, size_t n) {
  using Row = hwy::MakeSigned<Key>;
  constexpr size_t kStep = (std::is_same_v<L, AllLanes> ? 1 : 2) * sizeof(Key);
  const hn::ScalableTag<Key> d;
  const size_t lanes = hn::Lanes(d), rows = n / lanes;
  constexpr size_t kMaxLanes = HWY_MAX_LANES_D(decltype(d));
  HWY_ALIGN Key keys[kMaxLanes];
  HWY_ALIGN Row numbers[kMaxLanes] = {};
  const ptrdiff_t step = static_cast<ptrdiff_t>(lanes * kStep);
  hn::Store(Op::Prepare(d, load.Load(d, src)), d, keys);
  TakeRowsOfVector<Op>(d, load, AllLanes(), src + step, step, rows - 1, 1, keys, numbers);
  BestItem<Key> best =
      BestLane<Op>(static_cast<const Key*>(keys), static_cast<const Row*>(numbers));
  for (size_t at = rows * lanes; at < n; ++at) {
    const Key key = Op::KeyOf(src + at * kStep);
    if (Op::Better(key, best.key)) best = {key, at};
  }
  return best;
}

template <typename Key>
HWY_INLINE bool IsBestByLanes(size_t n) {
  return sizeof(Key) >= 4 && n <= kShortRun && n >= 4 * hn::Lanes(hn::ScalableTag<Key>());
}

template <class Op, typename Key = typename Op::Key>
HWY_INLINE void TakePacked(const ArgState<Key>& state, const uint8_t* src, size_t n, int64_t index,
                           int64_t index_step) {
  if (n > kShortRun) return TakeRun<Op>(AllLanes(), state, src, n, index, index_step);
  if (*state.index != kUntouched && Op::Decided(*state.key)) return;
  const BestItem<Key> best =
      IsBestByLanes<Key>(n) ? BestByLanes<Op>(AllLanes(), src, n) : BestOfFew<Op>(src, n);
  TakeLater<Op>(state, best.key, index + static_cast<int64_t>(best.at) * index_step);
}

template <class Op, typename Key = typename Op::Key>
HWY_INLINE void TakeEverySecond(const ArgState<Key>& state, const uint8_t* src, size_t n,
                                int64_t index, int64_t index_step) {
  if (n == 0) return;
  const size_t last = n - 1;
  if (IsBestByLanes<Key>(last)) {
    const BestItem<Key> best = BestByLanes<Op>(EverySecond(), src, last);
    TakeLater<Op>(state, best.key, index + static_cast<int64_t>(best.at) * index_step);
  } else {
    TakeRun<Op>(EverySecond(), state, src, last, index, index_step);
  }
  TakeLater<Op>(state, Op::KeyOf(src + last * 2 * sizeof(Key)),
                index + static_cast<int64_t>(last) * index_step);
}

// Numbers of rows, or -1 for what stays, to indices.
template <typename Row>
HWY_INLINE void SetIndices(const Row* row_numbers, size_t columns, int64_t first, int64_t step,
                           int64_t* index) {
  const hn::ScalableTag<int64_t> d;
  const hn::Rebind<Row, decltype(d)> dr;
  ForColumns(d, columns, [=](size_t column, auto lanes) HWY_ATTR {
    hn::Vec<decltype(d)> row;
    if constexpr (sizeof(Row) == sizeof(int64_t)) {
      row = lanes.Load(d, row_numbers + column);
    } else {
      row = hn::PromoteTo(d, lanes.Load(dr, row_numbers + column));
    }
    const auto now = hn::MulAdd(row, hn::Set(d, step), hn::Set(d, first));
    const auto before = lanes.Load(d, static_cast<const int64_t*>(index + column));
    lanes.Store(hn::IfThenElse(hn::Lt(row, hn::Zero(d)), before, now), d, index + column);
  });
}

// At most kMostRows rows of at most kMostColumns columns, none of which is untouched. Of wide rows
// eight at a time are read side by side, to keep memory busy.
template <class Op, typename Key = typename Op::Key>
HWY_NOINLINE void TakeRows(const ArgState<Key>& state, const uint8_t* src, ptrdiff_t step,
                           size_t rows, size_t columns, int64_t index, int64_t index_step) {
  using Row = hwy::MakeSigned<Key>;
  HWY_ALIGN Row row_numbers[kMostColumns<Key>];
  memset(row_numbers, 0xFF, columns * sizeof(Row));
  const hn::ScalableTag<Key> d;
  const size_t group = columns * sizeof(Key) <= kNarrowRow ? kMostRows : 8;
  for (size_t first = 0; first < rows; first += group) {
    const size_t take = HWY_MIN(rows - first, group);
    ForColumns(d, columns, [&](size_t column, auto lanes) HWY_ATTR {
      TakeRowsOfVector<Op>(d, lanes, lanes, src + column * sizeof(Key), step, take, first,
                           state.key + column, row_numbers + column);
    });
    src += static_cast<ptrdiff_t>(take) * step;
  }
  SetIndices(static_cast<const Row*>(row_numbers), columns, index, index_step, state.index);
}

// Gives the untouched columns the items of a row.
template <class Op, typename Key = typename Op::Key>
HWY_NOINLINE void TakeFirstRow(const ArgState<Key>& state, const uint8_t* src, size_t columns,
                               int64_t index) {
  const hn::ScalableTag<int64_t> di;
  size_t untouched = 0;
  ForColumns(di, columns, [&](size_t column, auto lanes) HWY_ATTR {
    const auto old = lanes.Load(di, static_cast<const int64_t*>(state.index + column));
    untouched += hn::CountTrue(di, hn::Eq(old, hn::Set(di, kUntouched)));
  });
  if (untouched == columns) {
    const hn::ScalableTag<Key> d;
    ForColumns(d, columns, [&](size_t column, auto lanes) HWY_ATTR {
      const auto raw = lanes.Load(d, src + column * sizeof(Key));
      lanes.Store(Op::Prepare(d, raw), d, state.key + column);
    });
    ForColumns(di, columns, [&](size_t column, auto lanes) HWY_ATTR {
      lanes.Store(hn::Set(di, index), di, state.index + column);
    });
  } else if (untouched != 0) {  // some were masked out before
    for (size_t i = 0; i < columns; ++i) {
      if (state.index[i] != kUntouched) continue;
      TakeLater<Op>(state.From(static_cast<int64_t>(i)), Op::KeyOf(src + i * sizeof(Key)), index);
    }
  }
}

// ---- the kernels ----

template <class Op, typename Key = typename Op::Key>
uint32_t ArgStep(const sc_run* run) {
  if (run->aux[0] != nullptr) return ArgStepByItems<Op>(run);
  const ArgState<Key> state(run->state, run->n[1]);
  const auto* src = static_cast<const uint8_t*>(run->src);
  const ptrdiff_t step = run->src_step[0];
  auto rows = static_cast<size_t>(run->n[0]);
  const auto columns = static_cast<size_t>(run->n[1]);
  int64_t index = run->index;
  const int64_t index_step = run->index_step[0];
  if (columns == 1 && step == 2 * static_cast<ptrdiff_t>(sizeof(Key))) {
    TakeEverySecond<Op>(state, src, rows, index, index_step);
    return 0;
  }
  if (columns == 1) {
    ForPackedPieces<Key>(src, step, rows, [&](const uint8_t* packed, size_t n) HWY_ATTR {
      TakePacked<Op>(state, packed, n, index, index_step);
      index += static_cast<int64_t>(n) * index_step;
    });
    return 0;
  }
  TakeFirstRow<Op>(state, src, columns, index);
  while (rows > 0) {
    const size_t take = HWY_MIN(rows, kMostRows);
    constexpr size_t kMost = kMostColumns<Key>;
    for (size_t column = 0; column < columns; column += kMost) {
      TakeRows<Op>(state.From(static_cast<int64_t>(column)), src + column * sizeof(Key), step, take,
                   HWY_MIN(columns - column, kMost), index, index_step);
    }
    src += static_cast<ptrdiff_t>(take) * step;
    index += static_cast<int64_t>(take) * index_step;
    rows -= take;
  }
  return 0;
}

template <class Op, typename Key = typename Op::Key>
uint32_t ArgWhole(const sc_run* run) {
  if (run->aux[0] != nullptr) return ArgWholeByItems<Op, GiveIndex>(run);
  const auto rows = static_cast<size_t>(run->n[0]);
  if (run->src_step[0] == static_cast<int64_t>(sizeof(Key))) {
    ForWholeColumns<Op, GiveIndex>(
        run, [=](const ArgState<Key>& state, const uint8_t* src, int64_t)
                 HWY_ATTR { TakePacked<Op>(state, src, rows, run->index, run->index_step[0]); });
  } else {
    ForWholeColumns<Op, GiveIndex>(
        run, [=](const ArgState<Key>& state, const uint8_t* src, int64_t) HWY_ATTR {
          TakeEverySecond<Op>(state, src, rows, run->index, run->index_step[0]);
        });
  }
  return 0;
}

// ---- entries ----

template <class Op>
void SetArg(ReduceEntries& entries, DType type, const char* name) {
  using Key = typename Op::Key;
  entries[Index(type)] = {&ArgInit<Op>,
                          &ArgStep<Op>,
                          &ArgMerge<Op>,
                          &ArgFinish<Op, GiveIndex>,
                          &ArgWhole<Op>,
                          &ArgJoin<Op>,
                          name,
                          0,
                          sizeof(int64_t) + HWY_MAX(sizeof(Key), sizeof(int64_t)),
                          1};
}

template <bool kMax>
void SetArgs(ReduceEntries& entries, const TypeNames& names) {
  const auto set = [&]<class Op>(DType type, Op) {
    SetArg<Op>(entries, type, names.text[Index(type)]);
  };
  set(DType::kBool, ArgInteger<ExtremeBool, kMax>());
  set(DType::kInt8, ArgInteger<Integer<int8_t>::Fold, kMax>());
  set(DType::kUint8, ArgInteger<Integer<uint8_t>::Fold, kMax>());
  set(DType::kInt16, ArgInteger<Integer<int16_t>::Fold, kMax>());
  set(DType::kUint16, ArgInteger<Integer<uint16_t>::Fold, kMax>());
  set(DType::kInt32, ArgInteger<Integer<int32_t>::Fold, kMax>());
  set(DType::kUint32, ArgInteger<Integer<uint32_t>::Fold, kMax>());
  set(DType::kInt64, ArgInteger<Integer<int64_t>::Fold, kMax>());
  set(DType::kUint64, ArgInteger<Integer<uint64_t>::Fold, kMax>());
  set(DType::kFloat16, ArgInteger<Half<0x7c00>::Fold, kMax>());
  set(DType::kBFloat16, ArgInteger<Half<0x7f80>::Fold, kMax>());
  set(DType::kFloat32, ArgFloat<float, kMax>());
  set(DType::kFloat64, ArgFloat<double, kMax>());
  using Complex = ArgComplex64<kMax>;
  using Time = ArgInteger<ExtremeTime, kMax>;
  SetArg<Complex>(entries, DType::kComplexFloat32, kMax ? "argmax complex64" : "argmin complex64");
  SetArg<Time>(entries, DType::kDatetime64, kMax ? "argmax of times" : "argmin of times");
  SetArg<Time>(entries, DType::kTimedelta64, kMax ? "argmax of times" : "argmin of times");
}

}  // namespace
}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
