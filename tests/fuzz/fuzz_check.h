// CHECK: what must hold in every build; a failure shows the condition and ends the process, which
// is how libFuzzer learns of it.
#ifndef STRIDECAST_TESTS_FUZZ_FUZZ_CHECK_H_
#define STRIDECAST_TESTS_FUZZ_FUZZ_CHECK_H_

#include <cstdio>
#include <cstdlib>

#define CHECK(condition)                                                                  \
  do {                                                                                    \
    if (!(condition)) {                                                                   \
      std::fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                       \
    }                                                                                     \
  } while (false)

#endif  // STRIDECAST_TESTS_FUZZ_FUZZ_CHECK_H_
