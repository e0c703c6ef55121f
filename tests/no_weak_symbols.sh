#!/usr/bin/env bash
# Objects that are compiled for more than the baseline CPU may define no weak symbol: a linker could
# take it for the whole program, which would then crash on older CPUs. Type information, which sanitizers
# add, is data alike in all of them.
#
# tests/no_weak_symbols.sh OBJECT...
set -euo pipefail
[ $# -gt 0 ] || { echo "no objects to look at" >&2; exit 1; }
status=0
for object in "$@"; do
  weak=$(nm -C --defined-only "$object" | grep -E '^[0-9a-f]* [WVuw] ' |
    grep -v ' V typeinfo ' || true)
  [ -z "$weak" ] || { printf '%s:\n%s\n' "$object" "$weak"; status=1; }
done
exit "$status"
