#!/usr/bin/env bash
# Checks format and style without changing anything: clang-format, ruff, shellcheck, the rooms' includes,
# and with --tidy also clang-tidy (minutes). A tool that is not installed is named and passed over.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
status=0

have() {
  command -v "$1" >/dev/null || {
    printf 'lint: %s is not installed, its checks are left out\n' "$1"
    return 1
  }
}
check() { # name, command...
  local name=$1
  shift
  if "$@"; then printf 'lint: %s ok\n' "$name"; else status=1; fi
}

mapfile -t cxx < <(git ls-files --cached --others --exclude-standard '*.cc' '*.h')
mapfile -t shell < <(git ls-files --cached --others --exclude-standard '*.sh' '.ci/run')
have clang-format && check clang-format clang-format --dry-run --Werror "${cxx[@]}"
have shellcheck && check shellcheck shellcheck "${shell[@]}"
check ruff .venv/bin/ruff check --quiet .
check 'ruff format' .venv/bin/ruff format --quiet --check .
check rooms .venv/bin/python tests/rooms_test.py
if [ "${1:-}" = --tidy ] && have clang-tidy; then
  # Kernel files compile themselves once per SIMD target, which clang-tidy does not follow.
  mapfile -t tidy < <(printf '%s\n' "${cxx[@]}" | grep -E '^(dtypes|engine)/.*\.cc$')
  check clang-tidy clang-tidy --quiet -p build/dev "${tidy[@]}"
fi
exit "$status"
