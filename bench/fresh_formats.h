// Struct formats that no cache has seen: the text of the parsing row with other field names.
#ifndef STRIDECAST_BENCH_FRESH_FORMATS_H_
#define STRIDECAST_BENCH_FRESH_FORMATS_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace stridecast::bench {

inline constexpr int kStructFormatSize = 20;

/// "T{<d:x:>q:t:(3)f:v:}" with three other names, chosen by `number`: distinct below 52 * 51 * 50.
inline std::array<char, kStructFormatSize> fresh_struct_format(uint32_t number) {
  constexpr char kLetters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  constexpr char kText[] = "T{<d:x:>q:t:(3)f:v:}";
  std::array<char, kStructFormatSize> text;
  for (size_t i = 0; i < text.size(); ++i) text[i] = kText[i];
  // Letters as a permutation: names within a struct must differ.
  const uint32_t first = number % 52;
  uint32_t second = number / 52 % 51;
  uint32_t third = number / (52 * 51) % 50;
  if (second >= first) ++second;
  const uint32_t low = first < second ? first : second;
  const uint32_t high = first < second ? second : first;
  if (third >= low) ++third;
  if (third >= high) ++third;
  text[5] = kLetters[first];
  text[10] = kLetters[second];
  text[17] = kLetters[third];
  return text;
}

}  // namespace stridecast::bench

#endif  // STRIDECAST_BENCH_FRESH_FORMATS_H_
