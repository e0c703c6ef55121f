// Complex kernels of target AVX3, compiled with its instructions (CMakeLists.txt).
#define STRIDECAST_XSIMD_ARCH xsimd::avx512bw
#include "kernels/complex-inl.h"

namespace stridecast::kernels::N_AVX3 {
void FillComplex(KernelTable& table) { FillComplexEntries(table); }
}  // namespace stridecast::kernels::N_AVX3
