// Complex kernels of target SSE2, compiled with its instructions (CMakeLists.txt).
#define STRIDECAST_XSIMD_ARCH xsimd::sse2
#include "kernels/complex-inl.h"

namespace stridecast::kernels::N_SSE2 {
void FillComplex(KernelTable& table) { FillComplexEntries(table); }
}  // namespace stridecast::kernels::N_SSE2
