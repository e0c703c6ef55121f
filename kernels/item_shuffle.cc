// Table entry of the shuffle: destination bytes of a few items at a time, each taken from any byte
// of up to four windows, so that many fields of a struct pass at once, swapped or not: a masked
// load and a byte permutation a window, one masked store. Which byte goes where is the engine's
// plan (ShuffleParams). SC_RUN_FETCH fetches the source's items that follow the run's, as many as
// it has, and the destination's lines somewhat ahead.
//
// AVX2 has no loads and stores with a mask of bytes: there a group writes 16 bytes whatever it
// names of them (KernelTable::shuffles_whole), and the last ones of a row go byte by byte. SSE2
// does not permute bytes; its entry stays empty.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/item_shuffle.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
//
#include "kernels/lanes-inl.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3

constexpr ptrdiff_t kFetchAhead = 4096;  // bytes; measured from 1 to 16 KiB

template <size_t kBytes>
using Window = hn::CappedTag<uint8_t, kBytes>;

template <class D>
HWY_INLINE hn::Mask<D> BytesOfFirst(D d8, const uint8_t* item, size_t items) {
  return hn::Lt(hn::LoadU(d8, item), hn::Set(d8, static_cast<uint8_t>(items)));
}

// One window: where it is, and which of its bytes go where.
template <class D>
struct From {
  const uint8_t* at;
  ptrdiff_t step;     // to the next group
  hn::Mask<D> read;   // of the window's bytes
  hn::Mask<D> taken;  // of the destination's bytes
  hn::Vec<D> index;
};

template <class D>
HWY_INLINE From<D> MakeFrom(D d8, const sc_run& run, const ShuffleParams& params, int k,
                            int64_t row) {
  const int aux = k == 0 ? 0 : k - 1;
  const int64_t* step = k == 0 ? run.src_step : run.aux_step[aux];
  From<D> from;
  from.at = static_cast<const uint8_t*>(k == 0 ? run.src : run.aux[aux]) + row * step[0];
  from.step = step[1] * params.group;
  const auto byte = hn::LoadU(d8, params.sources[k].byte);
  from.taken = hn::Ne(byte, hn::Set(d8, kNoByte));
  from.index = hn::IfThenElseZero(from.taken, byte);
  return from;
}

template <class D>
HWY_INLINE hn::Vec<D> Take(D d8, From<D>& from, hn::Vec<D> bytes) {
  const auto window = hn::MaskedLoad(from.read, d8, from.at);
  from.at += from.step;
  const auto moved = hn::TableLookupLanes(window, hn::IndicesFromVec(d8, from.index));
  return hn::IfThenElse(from.taken, moved, bytes);
}

// One row. Windows by name, not in an array: they stay in registers.
template <size_t kBytes, int kSources>
HWY_NOINLINE void ShuffleRow(const sc_run& run, const ShuffleParams& params, int64_t row) {
  const Window<kBytes> d8;
  auto from0 = MakeFrom(d8, run, params, 0, row);
  auto from1 = MakeFrom(d8, run, params, kSources > 1 ? 1 : 0, row);
  auto from2 = MakeFrom(d8, run, params, kSources > 2 ? 2 : 0, row);
  auto from3 = MakeFrom(d8, run, params, kSources > 3 ? 3 : 0, row);
  uint8_t* dst = static_cast<uint8_t*>(run.dst) + row * run.dst_step[0];
  const ptrdiff_t dst_step = run.dst_step[1] * params.group;
  // The source of the run that follows this one, and the lines that are written soon: the
  // hardware's prefetchers stop where a page ends, and see each side for a part of the time only.
  const bool fetch = (run.flags & SC_RUN_FETCH) != 0;
  const ptrdiff_t next_src = run.src_step[1] * run.n[1];
  const size_t n = static_cast<size_t>(run.n[1]), group = static_cast<size_t>(params.group);
  // Groups, and the rest of one.
  for (size_t items : {group, n % group}) {
    if (items == 0) break;
    from0.read = BytesOfFirst(d8, params.sources[0].item, items);
    if constexpr (kSources > 1) from1.read = BytesOfFirst(d8, params.sources[1].item, items);
    if constexpr (kSources > 2) from2.read = BytesOfFirst(d8, params.sources[2].item, items);
    if constexpr (kSources > 3) from3.read = BytesOfFirst(d8, params.sources[3].item, items);
    const auto written = BytesOfFirst(d8, params.item, items);
    for (size_t left = items == group ? n / group : 1; left > 0; --left) {
      auto bytes = Take(d8, from0, hn::Zero(d8));
      if constexpr (kSources > 1) bytes = Take(d8, from1, bytes);
      if constexpr (kSources > 2) bytes = Take(d8, from2, bytes);
      if constexpr (kSources > 3) bytes = Take(d8, from3, bytes);
      hn::BlendedStore(bytes, written, d8, dst);
      if (fetch) {
        __builtin_prefetch(from0.at + next_src, 0);
        __builtin_prefetch(dst + kFetchAhead, 1);
      }
      dst += dst_step;
    }
  }
}

template <size_t kBytes, int kSources>
HWY_INLINE void ShuffleRows(const sc_run& run, const ShuffleParams& params) {
  for (int64_t row = 0; row < run.n[0]; ++row) ShuffleRow<kBytes, kSources>(run, params, row);
}

template <int kSources>
HWY_INLINE void ShuffleWindows(const sc_run& run, const ShuffleParams& params) {
  if (params.window <= 16) return ShuffleRows<16, kSources>(run, params);
  if (params.window <= 32) return ShuffleRows<32, kSources>(run, params);
  ShuffleRows<64, kSources>(run, params);
}

#elif HWY_TARGET == HWY_AVX2

constexpr ptrdiff_t kFetchAhead = 4096;  // bytes; as with masks
constexpr int64_t kWindow = 16;

constexpr hn::FixedTag<uint8_t, kWindow> kBytes;
using Bytes = hn::Vec<decltype(kBytes)>;

// One window: where it is, and which of its bytes go where. Bytes from nowhere are 0: the index
// kNoByte has its highest bit set.
struct From {
  const uint8_t* at;
  ptrdiff_t step;  // to the next group
  Bytes index;
};

HWY_INLINE From MakeFrom(const sc_run& run, const ShuffleParams& params, int k, int64_t row) {
  const int aux = k == 0 ? 0 : k - 1;
  const int64_t* step = k == 0 ? run.src_step : run.aux_step[aux];
  return {static_cast<const uint8_t*>(k == 0 ? run.src : run.aux[aux]) + row * step[0],
          step[1] * params.group, hn::LoadU(kBytes, params.sources[k].byte)};
}

HWY_INLINE Bytes Take(From& from) {
  const auto window = hn::LoadU(kBytes, from.at);
  from.at += from.step;
  return hn::TableLookupBytesOr0(window, from.index);
}

// `items` of a group, one byte after the other; all are read before the first is written.
HWY_INLINE void ShuffleFew(const ShuffleParams& params, From* from, int64_t items, uint8_t* dst) {
  uint8_t bytes[kWindow] = {};
  for (int k = 0; k < params.num_sources; ++k) {
    for (int64_t i = 0; i < kWindow; ++i) {
      const uint8_t byte = params.sources[k].byte[i];
      if (byte != kNoByte && params.item[i] < items) bytes[i] = from[k].at[byte];
    }
    from[k].at += from[k].step;
  }
  for (int64_t i = 0; i < kWindow; ++i) {
    if (params.item[i] < items) dst[i] = bytes[i];
  }
}

// The windows of the last groups may reach beyond the row: those go byte by byte. All windows begin
// at a byte of their group's, so that one which begins a window's length ahead has them inside.
template <int kSources>
HWY_NOINLINE void ShuffleRow(const sc_run& run, const ShuffleParams& params, int64_t row) {
  const auto make = [&](int k)
                        HWY_ATTR { return MakeFrom(run, params, k < kSources ? k : 0, row); };
  From from0 = make(0), from1 = make(1), from2 = make(2), from3 = make(3);
  uint8_t* dst = static_cast<uint8_t*>(run.dst) + row * run.dst_step[0];
  const ptrdiff_t dst_step = run.dst_step[1] * params.group;
  const int64_t groups = run.n[1] / params.group, rest = run.n[1] % params.group;
  int64_t shortest = dst_step;
  for (const From* from : {&from0, &from1, &from2, &from3}) {
    shortest = HWY_MIN(shortest, int64_t{from->step});
  }
  const int64_t few = HWY_MIN((kWindow + shortest - 1) / shortest, groups);
  const bool fetch = (run.flags & SC_RUN_FETCH) != 0;
  const ptrdiff_t next_src = run.src_step[1] * run.n[1];
  for (int64_t left = groups - few; left > 0; --left) {
    auto bytes = Take(from0);
    if constexpr (kSources > 1) bytes = hn::Or(bytes, Take(from1));
    if constexpr (kSources > 2) bytes = hn::Or(bytes, Take(from2));
    if constexpr (kSources > 3) bytes = hn::Or(bytes, Take(from3));
    hn::StoreU(bytes, kBytes, dst);
    if (fetch) {
      __builtin_prefetch(from0.at + next_src, 0);
      __builtin_prefetch(dst + kFetchAhead, 1);
    }
    dst += dst_step;
  }
  From last[kShuffleSources] = {from0, from1, from2, from3};
  for (int64_t left = few; left > 0; --left, dst += dst_step) {
    ShuffleFew(params, last, params.group, dst);
  }
  if (rest > 0) ShuffleFew(params, last, rest, dst);
}

template <int kSources>
HWY_INLINE void ShuffleWindows(const sc_run& run, const ShuffleParams& params) {
  for (int64_t row = 0; row < run.n[0]; ++row) ShuffleRow<kSources>(run, params, row);
}

#endif

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
uint32_t Shuffle(const sc_run* run) {
  const ShuffleParams& params = *static_cast<const ShuffleParams*>(run->params);
  switch (params.num_sources) {
    case 1:
      ShuffleWindows<1>(*run, params);
      break;
    case 2:
      ShuffleWindows<2>(*run, params);
      break;
    case 3:
      ShuffleWindows<3>(*run, params);
      break;
    default:
      ShuffleWindows<4>(*run, params);
      break;
  }
  return 0;
}

#endif

}  // namespace

void FillItemShuffle(KernelTable& table) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
  sc_entry& entry = table.shuffle;
  entry.run = &Shuffle;
  entry.name = "shuffle";
  entry.src_access = entry.dst_access = SC_ACCESS_STRIDED;
  entry.needs = SC_NEEDS_AUX;
  entry.traits = SC_TRAIT_IN_PLACE | SC_TRAIT_THREAD_SAFE;
  table.shuffles_whole = HWY_TARGET == HWY_AVX2;
  table.shuffle_window = HWY_TARGET <= HWY_AVX3_DL ? kShuffleBytes : 16;
#else
  static_cast<void>(table);
#endif
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
