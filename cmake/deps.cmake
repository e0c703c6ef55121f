# Outside libraries. stridecast::simd carries Highway (>= 1.2), stridecast::xsimd_headers the headers of
# xsimd (>= 13), without the definitions of its CMake package, which would need xtl.
find_package(OpenMP REQUIRED COMPONENTS CXX)

find_package(hwy 1.2 CONFIG QUIET)
if(NOT hwy_FOUND)
  # Debian's package has a pkg-config file and no version file in older releases.
  find_package(PkgConfig QUIET)
  if(PkgConfig_FOUND)
    pkg_check_modules(HWY QUIET IMPORTED_TARGET libhwy>=1.2)
  endif()
endif()

add_library(stridecast_simd INTERFACE)
add_library(stridecast::simd ALIAS stridecast_simd)
if(TARGET hwy::hwy)
  target_link_libraries(stridecast_simd INTERFACE hwy::hwy)
elseif(TARGET PkgConfig::HWY)
  target_link_libraries(stridecast_simd INTERFACE PkgConfig::HWY)
else()
  message(STATUS "Highway >= 1.2 not installed: fetching the pinned release")
  include(FetchContent)
  set(HWY_ENABLE_TESTS OFF CACHE INTERNAL "")
  set(HWY_ENABLE_EXAMPLES OFF CACHE INTERNAL "")
  set(HWY_ENABLE_CONTRIB OFF CACHE INTERNAL "")
  set(HWY_ENABLE_INSTALL OFF CACHE INTERNAL "")
  FetchContent_Declare(highway
    URL https://github.com/google/highway/archive/refs/tags/1.2.0.tar.gz
    URL_HASH SHA256=7e0be78b8318e8bdbf6fa545d2ecb4c90f947df03f7aadc42c1967f019e63343)
  FetchContent_MakeAvailable(highway)
  target_link_libraries(stridecast_simd INTERFACE hwy)
endif()

include(${CMAKE_CURRENT_LIST_DIR}/find_xsimd.cmake)
stridecast_find_xsimd(STRIDECAST_XSIMD_INCLUDE_DIR)
if(NOT STRIDECAST_XSIMD_INCLUDE_DIR)
  message(STATUS "xsimd >= 13 not installed: fetching the pinned release")
  include(FetchContent)
  FetchContent_Declare(xsimd
    URL https://github.com/xtensor-stack/xsimd/archive/refs/tags/13.2.0.tar.gz
    URL_HASH SHA256=edd8cd3d548c185adc70321c53c36df41abe64c1fe2c67bc6d93c3ecda82447a
    SOURCE_SUBDIR include)  # headers are all that is wanted: no CMakeLists.txt is there
  FetchContent_MakeAvailable(xsimd)
  set(STRIDECAST_XSIMD_INCLUDE_DIR ${xsimd_SOURCE_DIR}/include)
endif()
add_library(stridecast_xsimd_headers INTERFACE)
add_library(stridecast::xsimd_headers ALIAS stridecast_xsimd_headers)
target_include_directories(stridecast_xsimd_headers SYSTEM INTERFACE ${STRIDECAST_XSIMD_INCLUDE_DIR})
