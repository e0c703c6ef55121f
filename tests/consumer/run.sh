#!/usr/bin/env bash
# Installs a build folder of stridecast to a temporary prefix and builds, outside the tree, what uses it:
# by CMake shared and static, and with xsimd where it is installed, by pkg-config shared and static. Every
# program converts and checks itself.
#
# tests/consumer/run.sh BUILD_FOLDER
set -euo pipefail
source_folder=$(cd "$(dirname "$0")" && pwd)
build_folder=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cached() { sed -n "s/^$1:[A-Z]*=//p" "$build_folder/CMakeCache.txt"; }
cxx=$(cached CMAKE_CXX_COMPILER)
sanitize=$(cached STRIDECAST_SANITIZE)
flags=${sanitize:+-fsanitize=$sanitize}

cmake --install "$build_folder" --prefix "$work/prefix" >/dev/null
# The installed package must not need the folder it was built in, nor the tree.
if grep -rlF -e "$build_folder" -e "$(dirname "$(dirname "$source_folder")")/" \
  "$work"/prefix/lib*/cmake "$work"/prefix/lib*/pkgconfig \
  "$work"/prefix/lib*/*/cmake "$work"/prefix/lib*/*/pkgconfig 2>/dev/null; then
  echo "the files above name folders of the build" >&2
  exit 1
fi

echo "find_package, shared and static"
cmake -S "$source_folder" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" \
  -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_CXX_FLAGS="$flags" >"$work/log" 2>&1 ||
  { cat "$work/log"; exit 1; }
cmake --build "$work/build" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
"$work/build/consumer_shared"
"$work/build/consumer_static"
[ ! -x "$work/build/consumer_xsimd" ] || "$work/build/consumer_xsimd"

echo "pkg-config, shared and static"
pkgconfig_folder=$(dirname "$(find "$work/prefix" -name stridecast.pc)")
export PKG_CONFIG_PATH="$pkgconfig_folder${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
version=$(sed -n 's/^#define STRIDECAST_VERSION_[A-Z]* //p' "$work/prefix/include/stridecast/version.h" |
  paste -sd .)
[ "$(pkg-config --modversion stridecast)" = "$version" ] ||
  { echo "pkg-config says another version than $version"; exit 1; }
library_folder=$(pkg-config --variable=libdir stridecast)
# shellcheck disable=SC2046,SC2086  # flags are words
"$cxx" -std=c++20 $flags $(pkg-config --cflags stridecast) "$source_folder/main.cc" \
  -o "$work/by_pkg_config" $(pkg-config --libs stridecast)
LD_LIBRARY_PATH="$library_folder" "$work/by_pkg_config"
# Without the shared library there, the same words link the static one.
rm "$library_folder"/libstridecast.so*
# shellcheck disable=SC2046,SC2086
"$cxx" -std=c++20 $flags $(pkg-config --cflags stridecast) "$source_folder/main.cc" \
  -o "$work/by_pkg_config_static" $(pkg-config --static --libs stridecast)
"$work/by_pkg_config_static"
