// The version, here and nowhere else: CMakeLists.txt and pyproject.toml read these three lines.
#ifndef STRIDECAST_VERSION_H_
#define STRIDECAST_VERSION_H_

/// Of these headers; version() says it of the library that is linked.
#define STRIDECAST_VERSION_MAJOR 0
/// The same.
#define STRIDECAST_VERSION_MINOR 1
/// The same.
#define STRIDECAST_VERSION_PATCH 0

#endif  // STRIDECAST_VERSION_H_
