#!/usr/bin/env bash
# Fuzzes what the addon does with bytes from outside: packed transactions, replies and events. Installs clang if it is missing.
#   npm run fuzz -- [--runs N] [--seed N] [TARGET …]      targets: transaction, elements, replies, events, messages, blame
# N inputs for each target, 200,000 unless said. What fails is kept in build/fuzz/findings.
set -euo pipefail
cd "$(dirname "$0")/.."

runs=200000
seed=1
targets=()
while [ $# -gt 0 ]; do
  case "$1" in
    --runs) runs=$2; shift 2 ;;
    --seed) seed=$2; shift 2 ;;
    -*) echo "fuzz.sh: unknown option $1 (--runs N, --seed N)" >&2; exit 2 ;;
    *) targets+=("$1"); shift ;;
  esac
done

bash scripts/install-missing.sh clang:clang cmake:cmake make:make pkg-config:pkg-config
npm run --silent build:addon >/dev/null
mkdir -p build/fuzz
cmake -S native -B build/fuzz -DNFTLINK_FUZZ=ON -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_BUILD_TYPE=Release >build/fuzz/build.log
cmake --build build/fuzz --parallel "$(nproc)" -- --no-print-directory >build/fuzz/build.log || { cat build/fuzz/build.log; exit 1; }
rm -rf build/fuzz/seeds
node --import tsx test/fuzz/write-seeds.ts build/fuzz/seeds

if [ "${#targets[@]}" = 0 ]; then
  for source in native/fuzz/fuzz_*.cc; do
    name=$(basename "$source" .cc)
    targets+=("${name#fuzz_}")
  done
fi
mkdir -p build/fuzz/findings
export UBSAN_OPTIONS=print_stacktrace=1
for target in "${targets[@]}"; do
  corpus=(build/fuzz/seeds/"$target")
  [ -d native/fuzz/regressions/"$target" ] && corpus+=(native/fuzz/regressions/"$target")
  found=build/fuzz/corpus/"$target"
  mkdir -p "$found"
  log=build/fuzz/$target.log
  start=$(date +%s)
  if ! build/fuzz/fuzz_"$target" -runs="$runs" -seed="$seed" -max_len=4096 -timeout=10 -print_final_stats=1 \
    -artifact_prefix=build/fuzz/findings/"$target"- "$found" "${corpus[@]}" >"$log" 2>&1; then
    tail -n 60 "$log"
    echo "fuzz $target: failed; the input is in build/fuzz/findings, the whole log in $log" >&2
    exit 1
  fi
  seconds=$(($(date +%s) - start))
  coverage=$(grep -o 'cov: [0-9]*' "$log" | tail -n 1)
  echo "fuzz $target: $runs inputs in $seconds s ($((runs / (seconds > 0 ? seconds : 1))) a second), $coverage edges, no findings"
done
