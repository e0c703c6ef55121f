# -DSTRIDECAST_SANITIZE=address,undefined instruments everything, tests included.
if(STRIDECAST_SANITIZE)
  add_compile_options(-fsanitize=${STRIDECAST_SANITIZE} -fno-omit-frame-pointer -g)
  add_link_options(-fsanitize=${STRIDECAST_SANITIZE})
  if(STRIDECAST_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
endif()
