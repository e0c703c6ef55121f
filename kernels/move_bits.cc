// Table entries of the kernels that move bits: bits to bytes and back, and which items of 64 bits
// are no NaT, as bits. Bits lie least significant first from any bit of a byte on (Arrow's bools
// and validity bitmaps). Items are overwritten by validity with unpack_bits and move_where.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/move_bits.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "kernels/bits-inl.h"
#include "kernels/targets.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

HWY_INLINE const BitParams& ParamsOf(const sc_run& run) {
  return *static_cast<const BitParams*>(run.params);
}

// Where `first` bits behind `bytes` leads: a byte, and a bit of it.
HWY_INLINE const uint8_t* ByteOfBit(const void* bytes, int64_t first) {
  return static_cast<const uint8_t*>(bytes) + (first >> 3);
}
HWY_INLINE size_t BitInByte(int64_t first) { return static_cast<size_t>(first & 7); }

// 64 bytes of 0 or 1.
HWY_INLINE void UnpackWord(uint64_t word, uint8_t* bytes) {
  const hn::CappedTag<uint8_t, kWord> d8;
  const size_t lanes = hn::Lanes(d8);
  const auto one = hn::Set(d8, uint8_t{1});
  for (size_t i = 0; i < kWord; i += lanes) {
    uint8_t bits[8];
    StoreWord(word >> i, bits);
    hn::StoreU(hn::IfThenElseZero(hn::LoadMaskBits(d8, bits), one), d8, bytes + i);
  }
}

uint32_t UnpackBits(const sc_run* run) {
  const BitParams& params = ParamsOf(*run);
  const uint8_t* bits = ByteOfBit(run->src, params.first);
  const size_t first = BitInByte(params.first);
  auto* bytes = static_cast<uint8_t*>(run->dst);
  const uint64_t flip = params.inverted ? ~uint64_t{0} : 0;
  auto n = static_cast<size_t>(run->n[1]);
  for (; n >= kWord; n -= kWord, bits += kWord / 8, bytes += kWord) {
    UnpackWord(LoadBits(bits, first, kWord) ^ flip, bytes);
  }
  if (n == 0) return 0;
  const uint64_t word = LoadBits(bits, first, n) ^ flip;
  for (size_t i = 0; i < n; ++i) bytes[i] = static_cast<uint8_t>((word >> i) & 1);
  return 0;
}

// Replaces the n bits of *byte from bit `first` on, all of them in this byte.
HWY_INLINE void StoreSomeBits(uint64_t word, size_t first, size_t n, uint8_t* byte) {
  const uint64_t mask = LowBits(n) << first;
  *byte = static_cast<uint8_t>((*byte & ~mask) | ((word << first) & mask));
}

// Writes n bits from bit `first` on, which `items` gives: Word(i) the 64 bits of items i to i + 63,
// Part(i, n) those of fewer. The bits beside them stay.
template <class Items>
HWY_INLINE void StoreBits(const Items& items, size_t n, size_t first, uint8_t* bits) {
  size_t at = 0;
  if (first != 0) {
    at = HWY_MIN(n, 8 - first);
    StoreSomeBits(items.Part(0, at), first, at, bits++);
  }
  for (; n - at >= kWord; at += kWord, bits += kWord / 8) StoreWord(items.Word(at), bits);
  if (at == n) return;
  uint64_t rest = items.Part(at, n - at);
  for (; n - at >= 8; at += 8, rest >>= 8) *bits++ = static_cast<uint8_t>(rest);
  if (at < n) StoreSomeBits(rest, 0, n - at, bits);
}

// Bytes, of which any but 0 is true.
struct Bools {
  const uint8_t* bytes;

  HWY_INLINE uint64_t Word(size_t at) const { return PackedWord(bytes + at); }
  HWY_INLINE uint64_t Part(size_t at, size_t n) const {
    uint64_t word = 0;
    for (size_t i = 0; i < n; ++i) word |= uint64_t{bytes[at + i] != 0} << i;
    return word;
  }
};

// 64-bit times, of which INT64_MIN is NaT.
struct Times {
  const uint8_t* items;

  HWY_INLINE uint64_t Word(size_t at) const {
    const hn::CappedTag<int64_t, kWord> d64;
    const hn::Repartition<uint8_t, decltype(d64)> d8;
    const size_t lanes = hn::Lanes(d64);
    const auto nat = hn::Set(d64, INT64_MIN);
    uint64_t word = 0;
    for (size_t i = 0; i < kWord; i += lanes) {
      const auto v = hn::BitCast(d64, hn::LoadU(d8, items + (at + i) * sizeof(int64_t)));
      uint8_t bits[8] = {};
      hn::StoreMaskBits(d64, hn::Ne(v, nat), bits);
      word |= LoadWord(bits) << i;
    }
    return word;
  }
  HWY_INLINE uint64_t Part(size_t at, size_t n) const {
    uint64_t word = 0;
    for (size_t i = 0; i < n; ++i) {
      int64_t item;
      memcpy(&item, items + (at + i) * sizeof(item), sizeof(item));
      word |= uint64_t{item != INT64_MIN} << i;
    }
    return word;
  }
};

template <class Items>
uint32_t PackBits(const sc_run* run) {
  const int64_t first = ParamsOf(*run).first;
  StoreBits(Items{static_cast<const uint8_t*>(run->src)}, static_cast<size_t>(run->n[1]),
            BitInByte(first), const_cast<uint8_t*>(ByteOfBit(run->dst, first)));
  return 0;
}

uint32_t CountBits(const sc_run* run) {
  const int64_t at = ParamsOf(*run).first;
  const uint8_t* bits = ByteOfBit(run->src, at);
  const size_t first = BitInByte(at);
  auto n = static_cast<size_t>(run->n[1]);
  size_t count = 0;
  for (; n >= kWord; n -= kWord, bits += kWord / 8) {
    count += hwy::PopCount(LoadBits(bits, first, kWord));
  }
  if (n > 0) count += hwy::PopCount(LoadBits(bits, first, n));
  *static_cast<int64_t*>(run->state) += static_cast<int64_t>(count);
  return 0;
}

HWY_INLINE sc_entry BitEntry(sc_kernel kernel, const char* name) {
  sc_entry entry = {};
  entry.run = kernel;
  entry.name = name;
  entry.src_access = entry.dst_access = SC_ACCESS_PACKED;
  entry.traits = SC_TRAIT_THREAD_SAFE;
  return entry;
}

}  // namespace

void FillMoveBits(KernelTable& table) {
  table.unpack_bits = BitEntry(&UnpackBits, "unpack_bits");
  table.pack_bits = BitEntry(&PackBits<Bools>, "pack_bits");
  table.valid_bits = BitEntry(&PackBits<Times>, "valid_bits");
  table.count_bits = BitEntry(&CountBits, "count_bits");
  table.count_bits.dst_access = SC_ACCESS_NONE;
  table.count_bits.needs = SC_NEEDS_STATE;
}

}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
