// The names of kernels by type, "convert float32 bfloat16" and "min int8", as constants: entries
// point at them.
#ifndef STRIDECAST_KERNELS_CONVERT_NAMES_H_
#define STRIDECAST_KERNELS_CONVERT_NAMES_H_

#include <cstddef>
#include <string_view>

#include "stridecast/types.h"

namespace stridecast::kernels {

// In the order of DType.
inline constexpr std::string_view kArithmeticNames[kNumArithmetic] = {
    "bool",  "int8",   "uint8",   "int16",    "uint16",  "int32",  "uint32",
    "int64", "uint64", "float16", "bfloat16", "float32", "float64"};

// Every pair of types behind one verb.
struct PairNames {
  char text[kNumArithmetic][kNumArithmetic][32] = {};
  constexpr explicit PairNames(std::string_view verb) {
    for (size_t s = 0; s < kNumArithmetic; ++s) {
      for (size_t d = 0; d < kNumArithmetic; ++d) {
        size_t at = 0;
        for (std::string_view word : {verb, kArithmeticNames[s], kArithmeticNames[d]}) {
          if (at != 0) text[s][d][at++] = ' ';
          for (char c : word) text[s][d][at++] = c;
        }
      }
    }
  }
};

// Every type behind one verb.
struct TypeNames {
  char text[kNumArithmetic][24] = {};
  constexpr explicit TypeNames(std::string_view verb) {
    for (size_t t = 0; t < kNumArithmetic; ++t) {
      size_t at = 0;
      for (char c : verb) text[t][at++] = c;
      text[t][at++] = ' ';
      for (char c : kArithmeticNames[t]) text[t][at++] = c;
    }
  }
};

inline constexpr PairNames kConvertNames("convert");
inline constexpr PairNames kStridedNames("strided");
inline constexpr PairNames kSecondNames("every second");
inline constexpr PairNames kSwappedNames("swapped");
inline constexpr PairNames kComplexNames("complex");
inline constexpr PairNames kSaturateNames("saturate");
inline constexpr TypeNames kCheckNames("check");
inline constexpr TypeNames kClampNames("clamp");
inline constexpr TypeNames kSumNames("sum"), kMinNames("min"), kMaxNames("max"),
    kArgminNames("argmin"), kArgmaxNames("argmax"), kAnyNames("any"), kAllNames("all"),
    kCountNames("count");

}  // namespace stridecast::kernels

#endif  // STRIDECAST_KERNELS_CONVERT_NAMES_H_
