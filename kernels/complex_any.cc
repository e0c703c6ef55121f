// Complex kernels of every target of CPUs other than x86-64, compiled once with what the compiler
// may use everywhere: NEON on 64-bit Arm, else xsimd's emulation of vectors.
#include "kernels/targets.h"
#if defined(__aarch64__)
#define STRIDECAST_XSIMD_ARCH xsimd::neon64
#else
// xsimd leaves its batches out where it knows no vectors of the CPU, emulated ones too, unless told
// otherwise.
#define XSIMD_WITH_EMULATED 1
#define XSIMD_DEFAULT_ARCH xsimd::emulated<128>
#include <xsimd/config/xsimd_config.hpp>
#undef XSIMD_NO_SUPPORTED_ARCHITECTURE
#define STRIDECAST_XSIMD_ARCH xsimd::emulated<128>
#endif
#include "kernels/complex-inl.h"

#define STRIDECAST_FILL_COMPLEX(ns, bit)                              \
  namespace stridecast::kernels::ns {                                 \
  void FillComplex(KernelTable& table) { FillComplexEntries(table); } \
  }
STRIDECAST_FOR_EACH_TARGET(STRIDECAST_FILL_COMPLEX)
#undef STRIDECAST_FILL_COMPLEX
