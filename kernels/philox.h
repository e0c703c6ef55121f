// Random numbers that depend on a seed and a place alone: Philox4x32-10 of J. Salmon, M. Moraes,
// R. Dror and D. Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011), and which number
// each item of a run takes. docs/numeric_policy.md says what becomes of the bits; philox-inl.h has
// the vectors.
#ifndef STRIDECAST_KERNELS_PHILOX_H_
#define STRIDECAST_KERNELS_PHILOX_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "stridecast/kernel_abi.h"

namespace stridecast::kernels {

inline constexpr uint32_t kPhiloxMultipliers[2] = {0xD2511F53, 0xCD9E8D57};
inline constexpr uint32_t kPhiloxWeyl[2] = {0x9E3779B9, 0xBB67AE85};
inline constexpr size_t kPhiloxRounds = 10;

// The key of every round. A seed is a key: its low word, its high word.
struct PhiloxKeys {
  uint32_t words[kPhiloxRounds][2];
  constexpr explicit PhiloxKeys(uint64_t seed) : words{} {
    uint32_t key[2] = {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)};
    for (size_t round = 0; round < kPhiloxRounds; ++round) {
      for (size_t k = 0; k < 2; ++k) {
        words[round][k] = key[k];
        key[k] += kPhiloxWeyl[k];
      }
    }
  }
};

constexpr std::array<uint32_t, 4> philox4x32(const std::array<uint32_t, 4>& counter,
                                             const PhiloxKeys& keys) {
  std::array<uint32_t, 4> c = counter;
  for (const auto& key : keys.words) {
    const uint64_t p0 = uint64_t{kPhiloxMultipliers[0]} * c[0];
    const uint64_t p1 = uint64_t{kPhiloxMultipliers[1]} * c[2];
    c = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ key[0], static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ key[1], static_cast<uint32_t>(p0)};
  }
  return c;
}

// Which random number an item takes: that of an item of the operand, and of a leaf in it.
struct Draw {
  uint64_t item, leaf;
};

// 63 bits: the first two words, without the lowest bit.
constexpr uint64_t random_bits(const Draw& draw, const PhiloxKeys& keys) {
  const std::array<uint32_t, 4> words =
      philox4x32({static_cast<uint32_t>(draw.item), static_cast<uint32_t>(draw.item >> 32),
                  static_cast<uint32_t>(draw.leaf), static_cast<uint32_t>(draw.leaf >> 32)},
                 keys);
  return (words[0] | uint64_t{words[1]} << 32) >> 1;
}

// The draws of a run's items, one after the other, row by row.
class DrawWalk {
 public:
  DrawWalk(const sc_run& run, int64_t draws)
      : draws_(static_cast<uint64_t>(draws)),
        row_(split(run.index, draws)),
        at_(row_),
        row_step_(split(run.index_step[0], draws)),
        column_step_(split(run.index_step[1], draws)),
        columns_(run.n[1]),
        one_row_(run.n[0] == 1) {}

  // Whether all items are of one leaf, and of operand items at one step: what most runs are.
  bool is_progression() const { return one_row_ && column_step_.leaf == 0; }
  uint64_t item_step() const { return column_step_.item; }
  // Of a progression: the next draw; the walk goes on behind `count` of them.
  Draw take(size_t count) {
    const Draw draw = at_;
    at_.item += count * column_step_.item;
    return draw;
  }

  Draw next() {
    if (column_ == columns_) {
      column_ = 0;
      at_ = row_ = sum(row_, row_step_);
    }
    const Draw draw = at_;
    at_ = sum(at_, column_step_);
    ++column_;
    return draw;
  }

 private:
  // Rounding down, so that a leaf is never negative.
  static Draw split(int64_t index, int64_t draws) {
    int64_t item = index / draws, leaf = index % draws;
    if (leaf < 0) {
      leaf += draws;
      --item;
    }
    return {static_cast<uint64_t>(item), static_cast<uint64_t>(leaf)};
  }
  Draw sum(const Draw& a, const Draw& b) const {
    Draw draw = {a.item + b.item, a.leaf + b.leaf};
    if (draw.leaf >= draws_) {
      draw.leaf -= draws_;
      ++draw.item;
    }
    return draw;
  }

  uint64_t draws_;
  Draw row_, at_, row_step_, column_step_;
  int64_t columns_, column_ = 0;
  bool one_row_;
};

}  // namespace stridecast::kernels

#endif  // STRIDECAST_KERNELS_PHILOX_H_
