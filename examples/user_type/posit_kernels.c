/* posit16 (16 bits, es = 1) to double and back, as kernels of stridecast's ABI.
 *
 * A posit is a sign, then a run of equal bits (the regime: its length says which power of 4), one
 * exponent bit, and what is left as fraction. Negative ones are two's complements; 0x8000 is NaR,
 * "not a real". After the Posit Standard's draft of 2017, which had es = 1 for 16 bits. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "stridecast/kernel_abi.h"

static double to_double(uint16_t bits) {
  if (bits == 0) return 0.0;
  if (bits == 0x8000) return NAN;
  const int negative = bits >> 15;
  const unsigned body = (negative ? 0x10000u - bits : bits) & 0x7FFF;
  const unsigned first = body >> 14;
  int at = 13; /* the bit after the regime's first */
  while (at >= 0 && ((body >> at) & 1) == first) --at;
  const int regime = first ? 13 - at : at - 14;
  --at; /* past the bit that ends the regime */
  const int exponent = at >= 0 ? (int)((body >> at) & 1) : 0;
  const int fraction_bits = at > 0 ? at : 0;
  const unsigned fraction = body & ((1u << fraction_bits) - 1);
  const double value = ldexp(1.0 + ldexp((double)fraction, -fraction_bits), 2 * regime + exponent);
  return negative ? -value : value;
}

/* Nearest, ties to even bits; what is too large or too small becomes the largest or smallest. */
static uint16_t from_double(double value) {
  if (value == 0.0) return 0;
  if (!isfinite(value)) return 0x8000;
  int scale;
  const double fraction = 2.0 * frexp(fabs(value), &scale) - 1.0; /* in [0, 1) */
  --scale;
  uint64_t bits;
  if (scale >= 28) {
    bits = 0x7FFF;
  } else if (scale < -28) {
    bits = 1;
  } else {
    const int regime = scale >= 0 ? scale / 2 : -((1 - scale) / 2);
    const int regime_bits = regime >= 0 ? regime + 2 : 1 - regime;
    const uint64_t run = regime >= 0 ? ((uint64_t)2 << (regime + 1)) - 2 : 1;
    /* Regime, exponent, 40 bits of fraction, and whether there are more. */
    const double shifted = ldexp(fraction, 40);
    const uint64_t kept = (uint64_t)shifted;
    const uint64_t exponent = (uint64_t)(scale - 2 * regime);
    const uint64_t all = ((run << 1 | exponent) << 40 | kept) << 1 | (shifted > (double)kept);
    const int surplus = regime_bits + 42 - 15;
    const uint64_t half = (uint64_t)1 << (surplus - 1), rest = all & (2 * half - 1);
    bits = all >> surplus;
    bits += rest > half || (rest == half && (bits & 1));
  }
  return (uint16_t)(value < 0 ? 0x10000u - bits : bits);
}

/* A kernel: n[1] packed items at src to as many at dst, at any address. */
uint32_t posit16_to_double(const sc_run* run) {
  const char* src = run->src;
  char* dst = run->dst;
  for (int64_t i = 0; i < run->n[1]; ++i) {
    uint16_t bits;
    memcpy(&bits, src + 2 * i, 2);
    const double value = to_double(bits);
    memcpy(dst + 8 * i, &value, 8);
  }
  return 0;
}

uint32_t double_to_posit16(const sc_run* run) {
  const char* src = run->src;
  char* dst = run->dst;
  for (int64_t i = 0; i < run->n[1]; ++i) {
    double value;
    memcpy(&value, src + 8 * i, 8);
    const uint16_t bits = from_double(value);
    memcpy(dst + 2 * i, &bits, 2);
  }
  return 0;
}
