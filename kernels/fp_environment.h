// The floating-point environment that kernels run in: the default one, whatever the caller has set.
#ifndef STRIDECAST_KERNELS_FP_ENVIRONMENT_H_
#define STRIDECAST_KERNELS_FP_ENVIRONMENT_H_

#include <cstdint>

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#else
#include <cfenv>
#endif

namespace stridecast::kernels {

// Round to nearest-even, subnormals kept, exceptions masked, while it lives; then everything as it
// was, status flags included. On x86 only MXCSR matters (no kernel uses x87), which costs about 9
// ns: its end writes without looking, because reading the register takes longer than writing it.
class DefaultFloatEnvironment {
 public:
  DefaultFloatEnvironment(const DefaultFloatEnvironment&) = delete;
  DefaultFloatEnvironment& operator=(const DefaultFloatEnvironment&) = delete;

#if defined(__x86_64__) || defined(_M_X64)
  DefaultFloatEnvironment() noexcept : saved_(_mm_getcsr()) {
    if ((saved_ & ~kStatusFlags) != kDefault) _mm_setcsr(kDefault);
  }
  ~DefaultFloatEnvironment() { _mm_setcsr(saved_); }

 private:
  static constexpr uint32_t kStatusFlags = 0x3F, kDefault = 0x1F80;
  uint32_t saved_;
#else
  DefaultFloatEnvironment() noexcept {
    std::fegetenv(&saved_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~DefaultFloatEnvironment() { std::fesetenv(&saved_); }

 private:
  std::fenv_t saved_;
#endif
};

}  // namespace stridecast::kernels

#endif  // STRIDECAST_KERNELS_FP_ENVIRONMENT_H_
