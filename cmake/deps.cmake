# Outside libraries. stridecast::simd carries Highway (>= 1.2), stridecast::xsimd_headers the headers of
# xsimd (>= 13), without the definitions of its CMake package, which would need xtl. What is not installed
# is fetched: pinned releases, whose hash is checked wherever they come from.
if(POLICY CMP0135)
  cmake_policy(SET CMP0135 NEW)  # what is fetched is as old as its download
endif()
set(STRIDECAST_HIGHWAY_URL https://github.com/google/highway/archive/refs/tags/1.2.0.tar.gz
  CACHE STRING "Where the pinned release of Highway is fetched from")
set(STRIDECAST_XSIMD_URL https://github.com/xtensor-stack/xsimd/archive/refs/tags/13.2.0.tar.gz
  CACHE STRING "Where the pinned release of xsimd is fetched from")
mark_as_advanced(STRIDECAST_HIGHWAY_URL STRIDECAST_XSIMD_URL)
find_package(OpenMP REQUIRED COMPONENTS CXX)

include(${CMAKE_CURRENT_LIST_DIR}/highway.cmake)

include(${CMAKE_CURRENT_LIST_DIR}/find_xsimd.cmake)
stridecast_find_xsimd(STRIDECAST_XSIMD_INCLUDE_DIR)
if(NOT STRIDECAST_XSIMD_INCLUDE_DIR)
  message(STATUS "xsimd >= 13 not installed: fetching the pinned release")
  include(FetchContent)
  FetchContent_Declare(xsimd
    URL ${STRIDECAST_XSIMD_URL}
    URL_HASH SHA256=edd8cd3d548c185adc70321c53c36df41abe64c1fe2c67bc6d93c3ecda82447a
    SOURCE_SUBDIR include)  # headers are all that is wanted: no CMakeLists.txt is there
  FetchContent_MakeAvailable(xsimd)
  set(STRIDECAST_XSIMD_INCLUDE_DIR ${xsimd_SOURCE_DIR}/include)
endif()
add_library(stridecast_xsimd_headers INTERFACE)
add_library(stridecast::xsimd_headers ALIAS stridecast_xsimd_headers)
target_include_directories(stridecast_xsimd_headers SYSTEM INTERFACE ${STRIDECAST_XSIMD_INCLUDE_DIR})
