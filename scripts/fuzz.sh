#!/usr/bin/env bash
# Builds the libFuzzer targets of tests/fuzz (preset "fuzz") and runs them side by side, each for so many
# seconds. Inputs that reach something new are kept in build/fuzz/corpus and are the start of the next
# run; one that fails is left in build/fuzz and named.
#
# scripts/fuzz.sh SECONDS [--if-possible]    --if-possible: without clang's libFuzzer, says so and passes
set -euo pipefail
cd "$(dirname "$0")/.."
readonly seconds=$1
readonly folder=build/fuzz

# clang may lack its runtime libraries, or OpenMP's.
can_fuzz() {
  command -v clang++ >/dev/null || return 1
  local object status=0
  object=$(mktemp)
  printf '%s\n' '#include <omp.h>' '#include <stddef.h>' '#include <stdint.h>' \
    'extern "C" int LLVMFuzzerTestOneInput(const uint8_t*, size_t) { return omp_get_num_threads() < 0; }' |
    clang++ -x c++ -fopenmp -fsanitize=fuzzer,address,undefined - -o "$object" >/dev/null 2>&1 ||
    status=1
  rm -f "$object"
  return "$status"
}

if ! can_fuzz; then
  printf 'fuzz: no clang with libFuzzer and OpenMP here (Debian: clang libclang-rt-14-dev libomp-dev)\n' >&2
  if [ "${2:-}" = --if-possible ]; then exit 0; fi
  exit 1
fi
scripts/build.sh fuzz format_fuzz plan_fuzz
python3 tests/fuzz/make_seeds.py "$folder/seeds"

export ASAN_OPTIONS=detect_stack_use_after_return=1:detect_leaks=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export OMP_NUM_THREADS=1
declare -A pids
for name in format plan; do
  mkdir -p "$folder/corpus/$name"
  nice -n 10 "$folder/tests/fuzz/${name}_fuzz" -max_total_time="$seconds" -timeout=10 -max_len=1024 \
    -rss_limit_mb=3000 -print_final_stats=1 -artifact_prefix="$folder/$name-" \
    "$folder/corpus/$name" "$folder/seeds/$name" >"$folder/$name.log" 2>&1 &
  pids[$name]=$!
done
failed=0
for name in format plan; do
  if wait "${pids[$name]}"; then
    printf 'fuzz: %s: %s inputs in %s s, no failure\n' "$name" \
      "$(awk '/number_of_executed_units/ { print $2 }' "$folder/$name.log")" "$seconds"
  else
    failed=1
    printf 'fuzz: %s failed:\n' "$name" >&2
    tail -n 60 "$folder/$name.log" >&2
  fi
done
exit "$failed"
