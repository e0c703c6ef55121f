#!/usr/bin/env bash
# Builds the site of guides and reference: headers by Doxygen to XML, everything by Sphinx to HTML. A
# warning of either is an error. Installs what is missing: Doxygen, and docs/requirements.txt into .venv,
# where the Python package has to be already (make docs sees to both).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/install-deps.sh
source scripts/install-deps.sh --functions-only

readonly site=build/docs
readonly docs_stamp="$venv/.stridecast-docs"
say() { printf 'docs: %s\n' "$*"; }

install_doxygen() {
  command -v doxygen >/dev/null && return
  command -v apt-get >/dev/null || fail "doxygen is missing: install it, 1.9.4 or newer"
  say "reading apt's package lists"
  quietly as_root apt-get update -qq
  apt_install doxygen
}

install_sphinx() {
  local wanted
  wanted=$(sha256sum docs/requirements.txt)
  [ "$(cat "$docs_stamp" 2>/dev/null)" = "$wanted" ] && return
  say "installing Sphinx into $venv"
  quietly "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    -r docs/requirements.txt
  printf '%s\n' "$wanted" >"$docs_stamp"
}

install_doxygen
install_sphinx
mkdir -p "$site"
doxygen docs/Doxyfile || fail "Doxygen found the mistakes above"
"$venv/bin/python" -m sphinx --quiet --nitpicky --fail-on-warning --keep-going \
  -d "$site/doctrees" docs "$site/html" || fail "Sphinx found the mistakes above"
