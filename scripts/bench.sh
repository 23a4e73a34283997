#!/usr/bin/env bash
# Installs what is missing, builds, and measures. Needs root: it works in a network namespace of its own.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh
mkdir -p bench/out
cc -O2 -Wall -Wextra -Werror -o bench/out/floor bench/floor.c
cc -O2 -Wall -Wextra -Werror -o bench/out/reader bench/reader.c
npx --no-install tsc -p bench/proxier/tsconfig.json
# The peers that are written in Go.
command -v go >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends golang-go >/dev/null; }
(cd bench/peers/google-nftables && go build -o ../../out/google-nftables .)
exec node --import tsx --expose-gc bench/main.ts "$@"
