// Table entries of the moves under a mask: the selected items move, of the others no byte of dst is
// read or written; and clear_unselected, which moves zeros to the items that the mask leaves out.
// The mask is taken 64 items at a time as one word: all of them, none, or some. "Some" are stores
// under a mask of lanes where the target has them and both sides are packed, else one item for
// every bit that is set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/move_where.cc"
#include <algorithm>

#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/bits-inl.h"
#include "kernels/lanes-inl.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

constexpr bool kStoresLanes = HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3;

// Rows of items and of their mask, destination steps positive.
struct MaskedRect {
  const uint8_t* src;
  uint8_t* dst;
  const uint8_t* mask;
  ptrdiff_t src_step[2], dst_step[2], mask_step[2];
  size_t n[2];
};

// One row where the steps of all sides allow it.
HWY_INLINE MaskedRect SimplestMaskedRect(const sc_run& run) {
  MaskedRect rect{static_cast<const uint8_t*>(run.src),
                  static_cast<uint8_t*>(run.dst),
                  static_cast<const uint8_t*>(run.aux[0]),
                  {run.src_step[0], run.src_step[1]},
                  {run.dst_step[0], run.dst_step[1]},
                  {run.aux_step[0][0], run.aux_step[0][1]},
                  {static_cast<size_t>(run.n[0]), static_cast<size_t>(run.n[1])}};
  for (int dim = 0; dim < 2; ++dim) {
    if (rect.dst_step[dim] >= 0) continue;
    const ptrdiff_t last = static_cast<ptrdiff_t>(rect.n[dim]) - 1;
    rect.src += last * rect.src_step[dim];
    rect.dst += last * rect.dst_step[dim];
    rect.mask += last * rect.mask_step[dim];
    rect.src_step[dim] = -rect.src_step[dim];
    rect.dst_step[dim] = -rect.dst_step[dim];
    rect.mask_step[dim] = -rect.mask_step[dim];
  }
  const auto count = static_cast<ptrdiff_t>(rect.n[1]);
  const auto joins = [&](const ptrdiff_t(&step)[2]) { return step[0] == count * step[1]; };
  if (count == 1) {
    rect.src_step[1] = rect.src_step[0];
    rect.dst_step[1] = rect.dst_step[0];
    rect.mask_step[1] = rect.mask_step[0];
  }
  if (count == 1 || (joins(rect.src_step) && joins(rect.dst_step) && joins(rect.mask_step))) {
    rect.n[1] *= rect.n[0];
    rect.n[0] = 1;
  }
  return rect;
}

HWY_INLINE uint64_t StridedWord(const uint8_t* mask, ptrdiff_t step, size_t n) {
  if (step == 0) return *mask != 0 ? ~uint64_t{0} >> (kWord - n) : 0;
  uint64_t word = 0;
  for (size_t i = 0; i < n; ++i, mask += step) word |= uint64_t{*mask != 0} << i;
  return word;
}

// Items of kSize bytes; 0: of any size.
template <size_t kSize>
HWY_INLINE void MoveItem(const uint8_t* src, uint8_t* dst, size_t size) {
  if constexpr (kSize > 0) {
    StoreItem<kSize>(LoadItem<kSize, 1>(src), dst);
  } else {
    memcpy(dst, src, size);
  }
}

// At most 64 items of one row, at the places that the mask selects.
template <size_t kSize>
struct Items {
  const uint8_t* src;
  ptrdiff_t src_step;
  uint8_t* dst;
  ptrdiff_t dst_step;
  size_t size;

  HWY_INLINE bool Packed() const {
    const auto item = static_cast<ptrdiff_t>(size);
    return src_step == item && dst_step == item;
  }

  HWY_INLINE void Advance() {
    src += static_cast<ptrdiff_t>(kWord) * src_step;
    dst += static_cast<ptrdiff_t>(kWord) * dst_step;
  }

  HWY_INLINE void MoveAll(size_t n) const {
    for (size_t i = 0; i < n; ++i) Move(i);
  }

  HWY_INLINE void MoveBits(uint64_t word) const {
    for (; word != 0; word &= word - 1) Move(hwy::Num0BitsBelowLS1Bit_Nonzero64(word));
  }

  // The same for packed items whose bits come in runs: a run at a time.
  HWY_INLINE void MoveRuns(uint64_t word) const {
    while (word != 0) {
      const size_t begin = hwy::Num0BitsBelowLS1Bit_Nonzero64(word);
      const uint64_t rest = ~(word >> begin);
      const size_t n = rest == 0 ? kWord : hwy::Num0BitsBelowLS1Bit_Nonzero64(rest);
      memcpy(dst + begin * size, src + begin * size, n * size);
      word &= begin + n < kWord ? ~uint64_t{0} << (begin + n) : 0;
    }
  }

  // Whether MoveLanes may take the place of MoveBits: packed items, or one value to packed items.
  HWY_INLINE bool FitsLanes() const {
    return kSize >= 1 && kSize <= 8 && dst_step == static_cast<ptrdiff_t>(kSize) &&
           (src_step == 0 || src_step == dst_step);
  }

  HWY_INLINE void MoveLanes([[maybe_unused]] uint64_t word) const {
    if constexpr (kStoresLanes && kSize >= 1 && kSize <= 8) {
      const hn::ScalableTag<Lane<kSize>> d;
      const size_t lanes = hn::Lanes(d);
      const auto value = hn::Set(d, LoadItem<kSize, 1>(src));
      for (size_t i = 0; i < kWord; i += lanes) {
        const uint64_t part = word >> i;
        uint8_t bits[sizeof(part)];
        memcpy(bits, &part, sizeof(part));
        // Lanes that are not selected neither fault nor move.
        const auto selected = hn::LoadMaskBits(d, bits);
        const auto* from = reinterpret_cast<const Lane<kSize>*>(src + i * kSize);
        const auto v = src_step == 0 ? value : hn::MaskedLoad(selected, d, from);
        hn::BlendedStore(v, selected, d, reinterpret_cast<Lane<kSize>*>(dst + i * kSize));
      }
    }
  }

 private:
  HWY_INLINE void Move(size_t i) const {
    const auto k = static_cast<ptrdiff_t>(i);
    MoveItem<kSize>(src + k * src_step, dst + k * dst_step, size);
  }
};

// Whether its bits come in runs that are longer, on average, than a call of memcpy is worth.
HWY_INLINE bool LongRuns(uint64_t word) {
  constexpr size_t kRun = 8;
  return hwy::PopCount(word) >= kRun * hwy::PopCount(word & ~(word << 1));
}

// The items of a word that is not 0, of n bits.
template <size_t kSize>
HWY_INLINE void MoveWord(const Items<kSize>& items, uint64_t word, size_t n, bool by_lanes) {
  const uint64_t all = ~uint64_t{0} >> (kWord - n);
  if (word == all && items.Packed()) {
    if (items.src != items.dst) memcpy(items.dst, items.src, n * items.size);
  } else if (by_lanes && hwy::PopCount(word) > kSize / 2) {
    items.MoveLanes(word);
  } else if (word == all) {
    items.MoveAll(n);
  } else if (items.Packed() && LongRuns(word) && items.src != items.dst) {
    items.MoveRuns(word);
  } else {
    items.MoveBits(word);
  }
}

// kUnselected: what moves are the items whose mask is 0.
template <size_t kSize, bool kUnselected>
HWY_NOINLINE void MoveRow(Items<kSize> items, const uint8_t* mask, ptrdiff_t mask_step, size_t n) {
  const bool by_lanes = kStoresLanes && items.FitsLanes();
  for (size_t at = 0; at < n; at += kWord) {
    const size_t count = HWY_MIN(n - at, kWord);
    const uint64_t all = ~uint64_t{0} >> (kWord - count);
    uint64_t word =
        mask_step == 1 && count == kWord ? PackedWord(mask) : StridedWord(mask, mask_step, count);
    if (kUnselected) word = ~word & all;
    if (word != 0) MoveWord(items, word, count, by_lanes);
    items.Advance();
    mask += static_cast<ptrdiff_t>(kWord) * mask_step;
  }
}

template <size_t kSize, bool kUnselected>
HWY_INLINE void MoveRows(const MaskedRect& rect, size_t size) {
  Items<kSize> items{rect.src, rect.src_step[1], rect.dst, rect.dst_step[1], size};
  const uint8_t* mask = rect.mask;
  for (size_t row = 0; row < rect.n[0]; ++row) {
    MoveRow<kSize, kUnselected>(items, mask, rect.mask_step[1], rect.n[1]);
    items.src += rect.src_step[0];
    items.dst += rect.dst_step[0];
    mask += rect.mask_step[0];
  }
}

template <size_t kSize>
uint32_t MoveSelected(const sc_run* run) {
  const size_t size = kSize > 0 ? kSize : static_cast<size_t>(run->src_size);
  MoveRows<kSize, false>(SimplestMaskedRect(*run), size);
  return 0;
}

// Items longer than this are cleared piece by piece.
constexpr size_t kClearBytes = 1024;

template <size_t kSize>
uint32_t ClearUnselected(const sc_run* run) {
  static constexpr uint8_t kZero[kSize > 0 ? kSize : kClearBytes] = {};
  const size_t size = kSize > 0 ? kSize : static_cast<size_t>(run->dst_size);
  sc_run piece = *run;
  piece.src = run->params != nullptr ? run->params : kZero;
  piece.src_step[0] = piece.src_step[1] = 0;
  for (size_t at = 0; at < size; at += kClearBytes) {
    piece.dst = static_cast<uint8_t*>(run->dst) + at;
    MoveRows<kSize, true>(SimplestMaskedRect(piece), std::min(size - at, kClearBytes));
  }
  return 0;
}

HWY_INLINE sc_entry MaskedEntry(sc_kernel kernel, const char* name, uint32_t src_access) {
  sc_entry entry = {};
  entry.run = kernel;
  entry.name = name;
  entry.src_access = src_access;
  entry.dst_access = SC_ACCESS_STRIDED;
  entry.needs = SC_NEEDS_MASK;
  entry.traits = SC_TRAIT_IN_PLACE | SC_TRAIT_THREAD_SAFE;
  return entry;
}

template <size_t kSize>
HWY_INLINE sc_entry WhereEntry(const char* name) {
  return MaskedEntry(&MoveSelected<kSize>, name, SC_ACCESS_STRIDED);
}

template <size_t kSize>
HWY_INLINE sc_entry ClearEntry(const char* name) {
  return MaskedEntry(&ClearUnselected<kSize>, name, SC_ACCESS_NONE);
}

}  // namespace

void FillMoveWhere(KernelTable& table) {
  table.move_where[0] = WhereEntry<1>("where1");
  table.move_where[1] = WhereEntry<2>("where2");
  table.move_where[2] = WhereEntry<4>("where4");
  table.move_where[3] = WhereEntry<8>("where8");
  table.move_where[4] = WhereEntry<16>("where16");
  table.move_where[kMoveN] = WhereEntry<0>("where_n");
  table.clear_unselected[0] = ClearEntry<1>("clear1");
  table.clear_unselected[1] = ClearEntry<2>("clear2");
  table.clear_unselected[2] = ClearEntry<4>("clear4");
  table.clear_unselected[3] = ClearEntry<8>("clear8");
  table.clear_unselected[4] = ClearEntry<16>("clear16");
  table.clear_unselected[kMoveN] = ClearEntry<0>("clear_n");
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
