# Warnings of our own code; STRIDECAST_WERROR (on in CI) makes them errors.
add_compile_options(-Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wcast-qual -Wno-psabi)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports std::string's own operator+ as overlapping when sanitizers are on (GCC PR105329).
  add_compile_options(-Wno-restrict)
endif()
if(STRIDECAST_WERROR)
  add_compile_options(-Werror)
endif()
