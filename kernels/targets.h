// The SIMD targets that kernel files are compiled for, as one macro, and the Fill functions that
// each target's namespace provides. Highway 1.2 has no HWY_VISIT_TARGETS, hence our own list.
//
// STRIDECAST_FOR_EACH_TARGET(X) expands X(namespace, HWY_target_bit) for every compiled target,
// best first. Which targets those are is decided in kernels/CMakeLists.txt (on x86 by
// STRIDECAST_TARGETS); a file that includes this header must link stridecast::kernel_targets to see
// the same decision.
#ifndef STRIDECAST_KERNELS_TARGETS_H_
#define STRIDECAST_KERNELS_TARGETS_H_

#include "hwy/detect_targets.h"
#include "kernels/kernel_table.h"

#if HWY_TARGETS & HWY_AVX3_DL
#define STRIDECAST_IF_AVX3_DL(X) X(N_AVX3_DL, HWY_AVX3_DL)
#else
#define STRIDECAST_IF_AVX3_DL(X)
#endif
#if HWY_TARGETS & HWY_AVX3
#define STRIDECAST_IF_AVX3(X) X(N_AVX3, HWY_AVX3)
#else
#define STRIDECAST_IF_AVX3(X)
#endif
#if HWY_TARGETS & HWY_AVX2
#define STRIDECAST_IF_AVX2(X) X(N_AVX2, HWY_AVX2)
#else
#define STRIDECAST_IF_AVX2(X)
#endif
#if HWY_TARGETS & HWY_SSE2
#define STRIDECAST_IF_SSE2(X) X(N_SSE2, HWY_SSE2)
#else
#define STRIDECAST_IF_SSE2(X)
#endif

// Of these the one that is the compiler's baseline.
#if HWY_TARGETS & HWY_NEON_BF16
#define STRIDECAST_IF_NEON_BF16(X) X(N_NEON_BF16, HWY_NEON_BF16)
#else
#define STRIDECAST_IF_NEON_BF16(X)
#endif
#if HWY_TARGETS & HWY_NEON
#define STRIDECAST_IF_NEON(X) X(N_NEON, HWY_NEON)
#else
#define STRIDECAST_IF_NEON(X)
#endif
#if HWY_TARGETS & HWY_NEON_WITHOUT_AES
#define STRIDECAST_IF_NEON_WITHOUT_AES(X) X(N_NEON_WITHOUT_AES, HWY_NEON_WITHOUT_AES)
#else
#define STRIDECAST_IF_NEON_WITHOUT_AES(X)
#endif

// Highway's portable emulation, for every other architecture.
#if HWY_TARGETS & HWY_EMU128
#define STRIDECAST_IF_EMU128(X) X(N_EMU128, HWY_EMU128)
#else
#define STRIDECAST_IF_EMU128(X)
#endif

#define STRIDECAST_FOR_EACH_TARGET(X) \
  STRIDECAST_IF_AVX3_DL(X)            \
  STRIDECAST_IF_AVX3(X)               \
  STRIDECAST_IF_AVX2(X)               \
  STRIDECAST_IF_SSE2(X)               \
  STRIDECAST_IF_NEON_BF16(X)          \
  STRIDECAST_IF_NEON(X)               \
  STRIDECAST_IF_NEON_WITHOUT_AES(X)   \
  STRIDECAST_IF_EMU128(X)

namespace stridecast::kernels {

// The Fill function of every kernel file, without its "Fill".
#define STRIDECAST_FOR_EACH_FILL(X) \
  X(Move)                           \
  X(MoveSwap)                       \
  X(MoveWhere)                      \
  X(MoveBits)                       \
  X(Tile)                           \
  X(TileSwap)                       \
  X(StreamRows)                     \
  X(ItemShuffle)                    \
  X(Fold)                           \
  X(Extremes)                       \
  X(Argmin)                         \
  X(Argmax)                         \
  X(ArgComplex)                     \
  X(ArgLongDouble)                  \
  X(Count)                          \
  X(Sum)                            \
  X(Norms)                          \
  X(Deviations)                     \
  X(IntegersAsFloat)                \
  X(SumCompensated)                 \
  X(SumReproducible)                \
  X(SumWide)                        \
  X(ProdWide)                       \
  X(ReduceItems)                    \
  X(ConvertBool)                    \
  X(ConvertInt)                     \
  X(ConvertFloat)                   \
  X(ConvertIntFloat)                \
  X(ConvertFloatInt)                \
  X(Limits)                         \
  X(Lookup)                         \
  X(NarrowFloat)                    \
  X(NarrowInt)                      \
  X(RoundOdd)                       \
  X(Round)                          \
  X(CheckExact)                     \
  X(Complex)                        \
  X(ConvertLongDouble)              \
  X(Text)                           \
  X(Scale)                          \
  X(Unscale)                        \
  X(Missing)                        \
  X(TimeScale)                      \
  X(Calendar)                       \
  X(TimeNumber)                     \
  X(ParseTime)                      \
  X(WriteTime)                      \
  X(Epoch)                          \
  X(TimeFields)

#define STRIDECAST_DECLARE_FILL(name) void Fill##name(KernelTable& table);
#define STRIDECAST_DECLARE_FILLS(ns, bit)           \
  namespace ns {                                    \
  STRIDECAST_FOR_EACH_FILL(STRIDECAST_DECLARE_FILL) \
  }
STRIDECAST_FOR_EACH_TARGET(STRIDECAST_DECLARE_FILLS)
#undef STRIDECAST_DECLARE_FILLS
#undef STRIDECAST_DECLARE_FILL

// Scalar kernels, compiled once: every table has the same.
void FillRoundWide(KernelTable& table);

#define STRIDECAST_OR_BIT(ns, bit) | bit
inline constexpr long long kListedTargets = 0 STRIDECAST_FOR_EACH_TARGET(STRIDECAST_OR_BIT);
#undef STRIDECAST_OR_BIT
static_assert(kListedTargets == (HWY_TARGETS), "a compiled target is missing from the list above");

}  // namespace stridecast::kernels

#endif  // STRIDECAST_KERNELS_TARGETS_H_
