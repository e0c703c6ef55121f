# stridecast_find_xsimd(VARIABLE) sets VARIABLE in the cache to the folder of xsimd's headers, 13 or
# newer, or to NOTFOUND. Installed beside the CMake package, which needs it, too.
function(stridecast_find_xsimd variable)
  find_path(${variable} xsimd/config/xsimd_config.hpp HINTS ${xsimd_ROOT} ENV xsimd_ROOT
    PATH_SUFFIXES include DOC "Folder of the headers of xsimd, 13 or newer")
  if(${variable})
    file(STRINGS "${${variable}}/xsimd/config/xsimd_config.hpp" version REGEX "VERSION_MAJOR +[0-9]+")
    string(REGEX REPLACE ".* ([0-9]+).*" "\\1" version "${version}")
    if(version VERSION_GREATER_EQUAL 13)
      return()
    endif()
  endif()
  set(${variable} NOTFOUND CACHE PATH "Folder of the headers of xsimd, 13 or newer" FORCE)
endfunction()
