# -DSTRIDECAST_SANITIZE=address,undefined instruments everything, tests included.
if(STRIDECAST_SANITIZE)
  # Lines are all that reports need; more debug information doubles what is compiled.
  add_compile_options(-fsanitize=${STRIDECAST_SANITIZE} -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=${STRIDECAST_SANITIZE})
  if(STRIDECAST_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
  if(STRIDECAST_SANITIZE MATCHES "address" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Checks as calls: inlined into kernels they make g++ take minutes a file, three times as long.
    add_compile_options("SHELL:--param asan-instrumentation-with-call-threshold=0")
  endif()
endif()
