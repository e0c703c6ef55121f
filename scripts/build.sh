#!/usr/bin/env bash
# Configures and builds one CMake preset under build/, quietly: output is shown if something fails,
# and a line where something was built.
#
# scripts/build.sh PRESET [TARGET...]
set -euo pipefail
cd "$(dirname "$0")/.."
readonly preset=$1
shift
readonly folder="build/$preset"
mkdir -p "$folder"

if ! cmake --preset "$preset" >"$folder/configure.log" 2>&1; then
  cat "$folder/configure.log" >&2
  exit 1
fi
# "-n" counts what is to be done: nothing is no news.
if ninja -C "$folder" -n "$@" | grep -q 'no work to do'; then exit 0; fi
started=$SECONDS
printf 'build: preset %s\n' "$preset"
if ! cmake --build "$folder" -j "$(nproc)" --target "${@:-all}" >"$folder/build.log" 2>&1; then
  grep -vE '^\[[0-9]+/[0-9]+\] (Building|Linking)' "$folder/build.log" >&2 || true
  exit 1
fi
printf 'build: preset %s took %d s\n' "$preset" $((SECONDS - started))
