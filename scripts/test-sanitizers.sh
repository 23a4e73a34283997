#!/usr/bin/env bash
# Builds the addon with AddressSanitizer and UndefinedBehaviorSanitizer and runs the library's kernel and lifetime tests with it.
# Fails on a failed test, on any report of the sanitizers, and on memory of the addon that nobody freed. Arguments go to vitest.
#   npm run test:sanitizers -- --threads [ROUNDS]      sockets' and listeners' threads under ThreadSanitizer instead, without Node.js
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "${1:-}" = --threads ]; then
  bash scripts/install-missing.sh cmake:cmake make:make pkg-config:pkg-config g++:g++
  mkdir -p build/stress
  log=build/stress/build.log
  cmake -S native -B build/stress -DNFTLINK_STRESS=ON -DCMAKE_CXX_COMPILER=g++ -DCMAKE_BUILD_TYPE=Release >"$log"
  cmake --build build/stress --parallel "$(nproc)" -- --no-print-directory >"$log" || { cat "$log"; exit 1; }
  TSAN_OPTIONS="halt_on_error=1:second_deadlock_stack=1" exec unshare -n build/stress/stress "${2:-300}"
fi
bash scripts/setup.sh
bash scripts/install-missing.sh cmake:cmake setpriv:util-linux

out=build/sanitizers
reports=$out/reports
npx cmake-js build --log-level error --directory native --out "$out" --CDNFTLINK_SANITIZE=ON --CDCMAKE_CXX_COMPILER=g++
rm -rf "$reports"
mkdir -p "$reports"

# Node.js is not built with the sanitizers, so their library must be loaded before it. It keeps no memory back for long: tests
# measure it. A leak has no exit code of its own, since V8 has some: below, only those count that the addon made.
export NFTLINK_ADDON="$PWD/$out/Release/nftlink.node"
export LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libstdc++.so.6)"
export ASAN_OPTIONS="log_path=$PWD/$reports/report:detect_leaks=1:quarantine_size_mb=8:fast_unwind_on_malloc=0:malloc_context_size=12"
export LSAN_OPTIONS="exitcode=0:print_suppressions=0"
export UBSAN_OPTIONS="log_path=$PWD/$reports/report:print_stacktrace=1"
export NODE_OPTIONS="--require=$PWD/scripts/sanitizer-preload.cjs"
status=0
npx vitest run --project kernel --exclude 'proxier/**' --testTimeout 120000 "$@" || status=$?
unset LD_PRELOAD NODE_OPTIONS
node scripts/sanitizer-reports.mjs "$reports" || status=1
exit "$status"
