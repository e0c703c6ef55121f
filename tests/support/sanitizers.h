// Which sanitizer this is compiled with: g++ and clang say it in different words.
#ifndef STRIDECAST_TESTS_SUPPORT_SANITIZERS_H_
#define STRIDECAST_TESTS_SUPPORT_SANITIZERS_H_

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define STRIDECAST_TEST_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define STRIDECAST_TEST_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define STRIDECAST_TEST_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define STRIDECAST_TEST_TSAN 1
#endif

#endif  // STRIDECAST_TESTS_SUPPORT_SANITIZERS_H_
