// Complex kernels of target AVX2, compiled with its instructions (CMakeLists.txt).
#define STRIDECAST_XSIMD_ARCH xsimd::fma3<xsimd::avx2>
#include "kernels/complex-inl.h"

namespace stridecast::kernels::N_AVX2 {
void FillComplex(KernelTable& table) { FillComplexEntries(table); }
}  // namespace stridecast::kernels::N_AVX2
