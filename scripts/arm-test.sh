#!/usr/bin/env bash
# The C++ tests on 64-bit Arm: compiled by a cross compiler, run by an emulator, in build/arm. A quarter of an
# hour on two cores. Needs g++-aarch64-linux-gnu, qemu-user-static and googletest (Debian's names).
#
# scripts/arm-test.sh [CMAKE_OPTION...]    without GitHub: -DSTRIDECAST_HIGHWAY_URL=FILE of Highway's release,
#                                          -DSTRIDECAST_XSIMD_INCLUDE_DIR=FOLDER that holds xsimd and nothing else
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly out=$PWD/build/arm googletest=/usr/src/googletest
readonly toolchain=$PWD/cmake/aarch64-linux-gnu.cmake
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

fail() {
  printf 'arm-test: %s\n' "$*" >&2
  exit 1
}

for tool in aarch64-linux-gnu-g++ qemu-aarch64-static; do
  command -v "$tool" >/dev/null || fail "no $tool: install g++-aarch64-linux-gnu and qemu-user-static"
done
[ -d "$googletest" ] || fail "no $googletest: install googletest"

configure() { # source, folder, options...
  mkdir -p "$out"
  cmake -S "$1" -B "$out/$2" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_TOOLCHAIN_FILE="$toolchain" "${@:3}" \
    >"$out/$2.log" 2>&1 || { cat "$out/$2.log" && fail "cannot configure $1"; }
}

configure "$googletest" googletest -DBUILD_GMOCK=OFF -DCMAKE_INSTALL_PREFIX="$out/prefix"
ninja -C "$out/googletest" --quiet install >"$out/googletest.log"
configure . tree -DGTest_DIR="$out/prefix/lib/cmake/GTest" -DSTRIDECAST_STATIC_DEPS=ON -DSTRIDECAST_WERROR=ON "$@"
ninja -C "$out/tree" --quiet dtypes_tests kernels_tests engine_tests xsimd_tests
# What the other tests of ctest build, they build for the host.
ctest --test-dir "$out/tree" --output-on-failure -j 2 -R '^(dtypes|kernels|engine|xsimd)_tests$'
