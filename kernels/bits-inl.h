// Bits in memory, least significant first, and bytes that stand for them: 64 at a time as one word.
// Per-target header, shared by the kernels under a mask of bytes and those that move bits.
#if defined(STRIDECAST_KERNELS_BITS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STRIDECAST_KERNELS_BITS_INL_H_
#undef STRIDECAST_KERNELS_BITS_INL_H_
#else
#define STRIDECAST_KERNELS_BITS_INL_H_
#endif

#include "kernels/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace stridecast::kernels::HWY_NAMESPACE {
namespace {

constexpr size_t kWord = 64;

// The lowest n bits, n from 1 to 64.
HWY_INLINE uint64_t LowBits(size_t n) { return ~uint64_t{0} >> (kWord - n); }

// Words in memory have their first bit in their first byte, whatever the host's order.
HWY_INLINE uint64_t LittleEndian(uint64_t word) {
  return HWY_IS_LITTLE_ENDIAN ? word : ReverseBytes(word);
}

HWY_INLINE uint64_t LoadWord(const uint8_t* bytes) {
  uint64_t word;
  memcpy(&word, bytes, sizeof(word));
  return LittleEndian(word);
}

HWY_INLINE void StoreWord(uint64_t word, uint8_t* bytes) {
  word = LittleEndian(word);
  memcpy(bytes, &word, sizeof(word));
}

// The n bits (1 to 64) from bit `first` (0 to 7) of `bytes` on. Reads no byte without one of them.
HWY_INLINE uint64_t LoadBits(const uint8_t* bytes, size_t first, size_t n) {
  const size_t count = (first + n + 7) / 8;
  uint64_t word = 0;
  if (count >= sizeof(word)) {
    word = LoadWord(bytes) >> first;
    if (count > sizeof(word)) word |= uint64_t{bytes[8]} << (kWord - first);
  } else {
    for (size_t i = 0; i < count; ++i) word |= uint64_t{bytes[i]} << (8 * i);
    word >>= first;
  }
  return word & LowBits(n);
}

// Bit i is set if mask byte i is not 0; 64 bytes.
HWY_INLINE uint64_t PackedWord(const uint8_t* mask) {
  const hn::CappedTag<uint8_t, kWord> d8;
  const size_t lanes = hn::Lanes(d8);
  uint64_t word = 0;
  for (size_t i = 0; i < kWord; i += lanes) {
    uint8_t bits[8] = {};
    hn::StoreMaskBits(d8, hn::Ne(hn::LoadU(d8, mask + i), hn::Zero(d8)), bits);
    word |= LoadWord(bits) << i;
  }
  return word;
}

}  // namespace
}  // namespace stridecast::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
