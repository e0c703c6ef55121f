# Warnings of our own code; STRIDECAST_WERROR (on in CI) makes them errors.
add_compile_options(-Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wcast-qual -Wno-psabi)
if(STRIDECAST_WERROR)
  add_compile_options(-Werror)
endif()
