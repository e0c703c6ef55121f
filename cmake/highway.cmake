# stridecast::simd: Highway, installed or fetched. With STRIDECAST_STATIC_DEPS an installed shared library
# does not count: what is built shall run where no Highway is. STRIDECAST_HIGHWAY_FETCHED says how it was.

# The installed Highway as a target: of its CMake package, else of its pkg-config file (Debian's package
# has no version file in older releases). Empty if there is none.
function(stridecast_installed_highway variable)
  set(${variable} "" PARENT_SCOPE)
  find_package(hwy 1.2 CONFIG QUIET)
  if(TARGET hwy::hwy)
    set(${variable} hwy::hwy PARENT_SCOPE)
    return()
  endif()
  find_package(PkgConfig QUIET)
  if(PkgConfig_FOUND)
    pkg_check_modules(HWY QUIET IMPORTED_TARGET libhwy>=1.2)
    if(TARGET PkgConfig::HWY)
      set(${variable} PkgConfig::HWY PARENT_SCOPE)
    endif()
  endif()
endfunction()

# The file of the library that a target stands for.
function(stridecast_library_of target variable)
  foreach(property IMPORTED_LOCATION IMPORTED_LOCATION_RELEASE IMPORTED_LOCATION_NONE
      IMPORTED_LOCATION_RELWITHDEBINFO INTERFACE_LINK_LIBRARIES)
    get_target_property(file ${target} ${property})
    if(file)
      list(GET file 0 file)
      set(${variable} "${file}" PARENT_SCOPE)
      return()
    endif()
  endforeach()
  set(${variable} "" PARENT_SCOPE)
endfunction()

# Replaces a shared library in the variable by the archive beside it; by nothing if there is none.
function(stridecast_static_highway variable)
  set(target ${${variable}})
  stridecast_library_of(${target} file)
  get_filename_component(suffix "${file}" LAST_EXT)
  if(suffix STREQUAL CMAKE_STATIC_LIBRARY_SUFFIX)
    return()
  endif()
  get_filename_component(folder "${file}" DIRECTORY)
  set(archive "${folder}/${CMAKE_STATIC_LIBRARY_PREFIX}hwy${CMAKE_STATIC_LIBRARY_SUFFIX}")
  if(NOT EXISTS "${archive}")
    set(${variable} "" PARENT_SCOPE)
    return()
  endif()
  add_library(stridecast_hwy_archive STATIC IMPORTED)
  set_target_properties(stridecast_hwy_archive PROPERTIES
    IMPORTED_LOCATION "${archive}"
    INTERFACE_INCLUDE_DIRECTORIES "$<TARGET_PROPERTY:${target},INTERFACE_INCLUDE_DIRECTORIES>")
  set(${variable} stridecast_hwy_archive PARENT_SCOPE)
endfunction()

stridecast_installed_highway(STRIDECAST_HIGHWAY)
if(STRIDECAST_STATIC_DEPS AND STRIDECAST_HIGHWAY)
  stridecast_static_highway(STRIDECAST_HIGHWAY)
  if(NOT STRIDECAST_HIGHWAY)
    message(STATUS "Highway is installed as a shared library only; "
      "-DSTRIDECAST_STATIC_DEPS=OFF would use it")
  endif()
endif()

set(STRIDECAST_HIGHWAY_FETCHED OFF)
if(NOT STRIDECAST_HIGHWAY)
  message(STATUS "Highway: fetching the pinned release from ${STRIDECAST_HIGHWAY_URL}")
  include(FetchContent)
  foreach(option TESTS EXAMPLES CONTRIB INSTALL)
    set(HWY_ENABLE_${option} OFF CACHE INTERNAL "")
  endforeach()
  set(CMAKE_POLICY_DEFAULT_CMP0077 NEW)  # a variable set here counts, not its own default
  set(BUILD_SHARED_LIBS OFF)
  FetchContent_Declare(highway URL ${STRIDECAST_HIGHWAY_URL}
    URL_HASH SHA256=7e0be78b8318e8bdbf6fa545d2ecb4c90f947df03f7aadc42c1967f019e63343)
  FetchContent_MakeAvailable(highway)
  target_compile_options(hwy PRIVATE -w)  # its warnings are not ours
  get_target_property(headers hwy INTERFACE_INCLUDE_DIRECTORIES)
  set_target_properties(hwy PROPERTIES INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${headers}")
  set(STRIDECAST_HIGHWAY hwy)
  set(STRIDECAST_HIGHWAY_FETCHED ON)
endif()

add_library(stridecast_simd INTERFACE)
add_library(stridecast::simd ALIAS stridecast_simd)
target_link_libraries(stridecast_simd INTERFACE ${STRIDECAST_HIGHWAY})
