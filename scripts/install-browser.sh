#!/usr/bin/env bash
# Installs what the tests of the benchmark's page need besides the rest: Chromium, and Playwright in .venv.
# Where that cannot be had it says so and passes: those tests are skipped then, and say why.
set -euo pipefail
# shellcheck source=scripts/install-deps.sh disable=SC1091
. "$(dirname "${BASH_SOURCE[0]}")/install-deps.sh" --functions-only

# shellcheck disable=SC2154
readonly python="$venv/bin/python"

has_browser() { command -v chromium chromium-browser google-chrome >/dev/null; }
has_playwright() { "$python" -c 'import playwright' >/dev/null 2>&1; }

if ! has_browser && command -v apt-get >/dev/null; then
  (quietly as_root apt-get update -qq && apt_install chromium) || say "no chromium here: the page is not tested in a browser"
fi
if has_browser && ! has_playwright; then
  say "installing playwright into $venv"
  "$python" -m pip install --quiet --disable-pip-version-check 'playwright>=1.49' ||
    say "no playwright here: the page is not tested in a browser"
fi
