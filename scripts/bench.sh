#!/usr/bin/env bash
# Installs what is missing, builds, and measures. Needs root: it works in a network namespace of its own.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh
mkdir -p bench/out
cc -O2 -Wall -Wextra -Werror -o bench/out/floor bench/floor.c
exec node --import tsx --expose-gc bench/main.ts "$@"
