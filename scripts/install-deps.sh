#!/usr/bin/env bash
# Installs what building, testing and the demo need, where it is missing: Debian or Ubuntu packages,
# and a Python environment in .venv. Without anything missing it does nothing and asks no network.
#
# PYTHON=...           the Python to use; else the first of python3.13, 3.12, 3.11, python3 that runs
# STRIDECAST_ROOT=DIR  reads and writes DIR/etc/apt in place of /etc/apt (tests/install_deps_test.py)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly etc="${STRIDECAST_ROOT:-}/etc"
readonly requirements=scripts/requirements.txt
readonly venv=.venv
readonly stamp="$venv/.stridecast-deps"

say() { printf 'install-deps: %s\n' "$*"; }
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

as_root() {
  if [ "$(id -u)" -eq 0 ] || [ -n "${STRIDECAST_ROOT:-}" ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo -- "$@"
  else
    fail "needs root (or sudo) for: $*"
  fi
}

# What the system lacks, as Debian package names, one a line. Asks for the thing itself where that is
# possible, so that what came from elsewhere counts too.
missing_packages() {
  local pair
  for pair in cmake:cmake ninja:ninja-build make:make git:git ccache:ccache pkg-config:pkg-config; do
    command -v "${pair%%:*}" >/dev/null || printf '%s\n' "${pair##*:}"
  done
  gxx_is_new_enough || printf 'g++\n'
  has_library gtest 1.10 || printf 'libgtest-dev\n'
  has_library benchmark 1.5 || printf 'libbenchmark-dev\n'
}

gxx_is_new_enough() {
  command -v g++ >/dev/null && [ "$(g++ -dumpversion | cut -d. -f1)" -ge 12 ]
}

has_library() { # name, version
  command -v pkg-config >/dev/null && pkg-config --atleast-version="$2" "$1"
}

has_simd_libraries() { has_library libhwy 1.2 && has_library xsimd 13; }

release() { # of os-release: ID, VERSION_CODENAME
  (
    # shellcheck disable=SC1091
    . "$etc/os-release" && printf '%s' "${!1:-}"
  )
}

# The mirror that this machine uses for bookworm, and the key it trusts for it: "URI" or "URI KEYRING".
# Reads both of apt's formats; sources that are disabled, or for security updates only, do not count.
bookworm_mirror() {
  local file
  for file in "$etc"/apt/sources.list.d/*.sources; do
    [ -f "$file" ] || continue
    awk '
      function flush() {
        if (uri != "" && bookworm && main && enabled) { print uri (key != "" ? " " key : ""); exit }
      }
      function reset() { uri = key = ""; bookworm = main = 0; enabled = 1 }
      BEGIN { reset() }
      /^[ \t]*#/ { next }
      /^[ \t]*$/ { flush(); reset(); next }
      { name = tolower($1) }
      name == "uris:" { uri = $2 }
      name == "signed-by:" && $2 ~ /^\// { key = $2 }
      name == "enabled:" && tolower($2) == "no" { enabled = 0 }
      name == "suites:" { for (i = 2; i <= NF; i++) if ($i == "bookworm") bookworm = 1 }
      name == "components:" { for (i = 2; i <= NF; i++) if ($i == "main") main = 1 }
      END { flush() }' "$file" | head -n 1
  done | head -n 1
  for file in "$etc"/apt/sources.list "$etc"/apt/sources.list.d/*.list; do
    [ -f "$file" ] || continue
    awk '
      $1 == "deb" {
        key = ""; i = 2
        if ($i ~ /^\[/) {
          for (;; i++) {
            option = $i; gsub(/[][]/, "", option)
            if (option ~ /^signed-by=\//) key = substr(option, 11)
            if ($i ~ /\]$/ || i > NF) break
          }
          i++
        }
        if ($(i + 1) == "bookworm" && $0 ~ /[ \t]main([ \t]|$)/) {
          print $i (key != "" ? " " key : ""); exit
        }
      }' "$file"
  done | head -n 1
}

# Debian 12 has Highway 1.0. Debian 13 has what we need, built so that it works there: added as a
# second source, pinned so low that nothing else is ever taken or upgraded from it.
add_trixie_source() {
  local sources="$etc/apt/sources.list.d/stridecast-trixie.sources"
  local preferences="$etc/apt/preferences.d/stridecast-trixie"
  local uri key
  if [ ! -f "$sources" ]; then
    read -r uri key <<<"$(bookworm_mirror | head -n 1)" || true
    [ -n "${uri:-}" ] || fail "found no apt source for bookworm under $etc/apt to take the mirror from"
    {
      printf 'Types: deb\nURIs: %s\nSuites: trixie\nComponents: main\n' "$uri"
      [ -z "${key:-}" ] || printf 'Signed-By: %s\n' "$key"
    } | as_root tee "$sources" >/dev/null
  fi
  if [ ! -f "$preferences" ]; then
    printf 'Package: *\nPin: release n=trixie\nPin-Priority: 100\n' |
      as_root tee "$preferences" >/dev/null
  fi
}

# The SIMD libraries as arguments for apt-get install; nothing where the system has no new enough
# ones: CMake then fetches a pinned release of Highway.
simd_packages() {
  if [ "$(release ID)" = debian ] && [ "$(release VERSION_CODENAME)" = bookworm ]; then
    printf '%s\n' libhwy-dev/trixie libhwy1t64/trixie libxsimd-dev/trixie
    return
  fi
  local candidate
  candidate=$(apt-cache policy libhwy-dev | awk '$1 == "Candidate:" { print $2 }')
  if dpkg --compare-versions "${candidate:-0}" ge 1.2; then
    printf '%s\n' libhwy-dev libxsimd-dev
  fi
}

apt_install() {
  command -v apt-get >/dev/null ||
    fail "missing: $* (this script knows apt only; install the like of these)"
  say "installing $*"
  quietly as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "$@"
}

install_system_packages() {
  local -a packages
  mapfile -t packages < <(missing_packages)
  local need_simd=false
  has_simd_libraries || need_simd=true
  # Where there are no packages of them, having asked once is enough.
  if $need_simd && [ -f "$venv/.stridecast-no-simd-packages" ]; then need_simd=false; fi
  [ ${#packages[@]} -gt 0 ] || $need_simd || return 0

  if command -v apt-get >/dev/null; then
    if $need_simd && [ "$(release VERSION_CODENAME)" = bookworm ]; then add_trixie_source; fi
    say "reading apt's package lists"
    quietly as_root apt-get update -qq
    if $need_simd; then
      local -a simd
      mapfile -t simd < <(simd_packages)
      if [ ${#simd[@]} -eq 0 ]; then
        say "no package of Highway >= 1.2 here: CMake will fetch it"
        no_simd_packages=true
      fi
      packages+=(${simd[@]+"${simd[@]}"})
    fi
  elif [ ${#packages[@]} -eq 0 ]; then
    return 0  # CMake fetches Highway
  fi
  [ ${#packages[@]} -eq 0 ] || apt_install "${packages[@]}"
  gxx_is_new_enough || fail "g++ is $(g++ -dumpversion), 12 or newer is needed: set up a newer one"
}

# A Python counts if it runs (a version manager's shim may exist and fail) and is new enough.
runs() {
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
  local candidate
  if [ -n "${PYTHON:-}" ]; then
    runs "$PYTHON" || fail "PYTHON=$PYTHON does not run, or is older than 3.11"
    printf '%s' "$PYTHON"
    return
  fi
  for candidate in python3.13 python3.12 python3.11 python3; do
    if runs "$candidate"; then
      printf '%s' "$candidate"
      return
    fi
  done
}

# What an environment and an extension module need beyond the interpreter.
can_build() {
  "$1" -c '
import ensurepip, os, sys, sysconfig, venv
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' \
    >/dev/null 2>&1
}

set_up_python() {
  local python version wanted
  python=$(find_python)
  if [ -z "$python" ]; then
    apt_install python3 python3-venv python3-dev
    python=$(find_python)
    [ -n "$python" ] || fail "found no Python >= 3.11: install one, or name it with PYTHON=..."
  fi
  # The base interpreter: .venv must not be made from an environment that happens to be active.
  version=$("$python" -c 'import sys; print("%d.%d.%d %s" % (*sys.version_info[:3], sys.base_prefix))')
  wanted="$version $(sha256sum "$requirements" | cut -d' ' -f1)"
  if [ -x "$venv/bin/python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
    return
  fi
  if ! can_build "$python"; then
    case $(command -v "$python") in
      /usr/bin/* | /bin/*)
        local name
        name=$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
        apt_install "$name-venv" "$name-dev"
        ;;
    esac
    can_build "$python" || fail "$python lacks ensurepip or its headers (Python.h)"
  fi
  say "Python ${version%% *} ($python): installing $(grep -cv '^#' "$requirements") packages into $venv"
  case $(cat "$stamp" 2>/dev/null) in
    "$version "*) ;; # only the requirements changed
    *) quietly "$python" -m venv --clear "$venv" ;;
  esac
  rm -f "$stamp"
  quietly "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$requirements"
  printf '%s\n' "$wanted" >"$stamp"
}

no_simd_packages=false
[ "${1:-}" = --functions-only ] && return 0
install_system_packages
set_up_python
if $no_simd_packages; then touch "$venv/.stridecast-no-simd-packages"; fi
