# Compiles through ccache where it is installed.
find_program(STRIDECAST_CCACHE ccache)
if(STRIDECAST_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${STRIDECAST_CCACHE}")
endif()
