#!/usr/bin/env bash
# Compares this machine's ratios with bench/baseline.json. What became slower is timed once more, in
# processes of its own: only what is slower again counts. Exits 1 where something is.
#
# scripts/bench-check.sh LIBRARY      libstridecast_bench, as for stridecast bench
set -euo pipefail
cd "$(dirname "$0")/.."
readonly library=$1
readonly baseline=bench/baseline.json
readonly folder=build/bench-check

bench() { .venv-bench/bin/stridecast bench --library "$library" "$@"; }
compare() { .venv-bench/bin/python bench/compare.py --strict "$baseline" "$@"; }

if [ ! -f "$baseline" ]; then
  echo "no $baseline: bench/README.md says how it is made" >&2
  exit 1
fi
bench --profile check --output "$folder"
status=0
compare "$folder/results.json" --slower "$folder/slower.txt" || status=$?
if [ "$status" -ne 1 ]; then exit "$status"; fi

mapfile -t cases <"$folder/slower.txt"
printf '\nonce more, %d cases\n' "${#cases[@]}"
bench "${cases[@]/#/--cases=}" --seconds 0.3 --output "$folder/again"
compare "$folder/results.json" "$folder/again/results.json"
