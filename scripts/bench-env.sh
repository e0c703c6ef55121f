#!/usr/bin/env bash
# Makes .venv-bench: a Python environment for make bench and its relatives, with the
# libraries that the package is measured against. With nothing new it does nothing and asks no network.
# The package itself is installed by the Makefile.
#
# PYTHON=...   the Python to use, as for install-deps.sh, whose functions are used here
#
# The peers beside NumPy are optional: where pip cannot install one, its rows are left out. pip's own
# settings apply, such as PIP_EXTRA_INDEX_URL for a PyTorch without CUDA, a tenth of the size.
set -euo pipefail
# shellcheck source=scripts/install-deps.sh disable=SC1091
. "$(dirname "${BASH_SOURCE[0]}")/install-deps.sh" --functions-only

readonly bench_venv=.venv-bench
readonly bench_stamp="$bench_venv/.stridecast-deps"
readonly build_requirements=scripts/requirements.txt
readonly bench_requirements=bench/requirements.txt

say() { printf 'bench-env: %s\n' "$*"; }

bench_pip() {
  "$bench_venv/bin/python" -m pip --quiet --disable-pip-version-check install "$@"
}

# The lines of the requirements before the word "optional", or behind it.
needed() { sed '/^# optional/,$d; /^#/d' "$bench_requirements"; }
optional() { sed '1,/^# optional/d; /^#/d' "$bench_requirements"; }

wanted=$(cat "$build_requirements" "$bench_requirements" | sha256sum | cut -d' ' -f1)
readonly wanted
if runs "$bench_venv/bin/python" && [ "$(cat "$bench_stamp" 2>/dev/null)" = "$wanted" ]; then
  exit 0
fi
if ! runs "$bench_venv/bin/python"; then
  python=$(find_python)
  [ -n "$python" ] || fail "found no Python >= 3.11: scripts/install-deps.sh installs one"
  quietly "$python" -m venv --clear "$bench_venv"
fi
say "installing what the package is measured against into $bench_venv (PyTorch is large)"
mapfile -t packages < <(needed)
quietly bench_pip -r "$build_requirements" "${packages[@]}"
mapfile -t packages < <(optional)
for package in "${packages[@]}"; do
  if ! output=$(bench_pip "$package" 2>&1); then
    say "no $package here, its rows will be left out: $(tail -n 1 <<<"$output")"
  fi
done
printf '%s\n' "$wanted" >"$bench_stamp"
