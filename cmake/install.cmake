# Installs headers, both libraries, the CMake package and the pkg-config file.
include(CMakePackageConfigHelpers)
install(DIRECTORY include/stridecast DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS stridecast_shared stridecast_static stridecast_xsimd EXPORT stridecast-targets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/stridecast)
install(EXPORT stridecast-targets NAMESPACE stridecast:: DESTINATION ${package_dir})
configure_package_config_file(cmake/stridecast-config.cmake.in
  ${PROJECT_BINARY_DIR}/stridecast-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/stridecast-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/stridecast-config.cmake
  ${PROJECT_BINARY_DIR}/stridecast-config-version.cmake ${PROJECT_SOURCE_DIR}/cmake/find_xsimd.cmake
  DESTINATION ${package_dir})
# Relative, so that cmake --install --prefix may put it anywhere.
file(RELATIVE_PATH pkgconfig_to_prefix "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
set(pkgconfig_hwy "-lhwy ")
if(STRIDECAST_HIGHWAY_FETCHED)
  set(pkgconfig_hwy "")
endif()
configure_file(cmake/stridecast.pc.in ${PROJECT_BINARY_DIR}/stridecast.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/stridecast.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
