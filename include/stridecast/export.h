// STRIDECAST_API: marks what the shared library exports; everything else is hidden.
#ifndef STRIDECAST_EXPORT_H_
#define STRIDECAST_EXPORT_H_

/// Marks what the shared library exports. Whoever links the static library without CMake defines
/// STRIDECAST_STATIC.
#if defined(STRIDECAST_STATIC)
#define STRIDECAST_API
#elif defined(_WIN32)
#ifdef STRIDECAST_BUILDING
#define STRIDECAST_API __declspec(dllexport)
#else
#define STRIDECAST_API __declspec(dllimport)
#endif
#else
#define STRIDECAST_API __attribute__((visibility("default")))
#endif

#endif  // STRIDECAST_EXPORT_H_
