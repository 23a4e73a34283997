#!/usr/bin/env bash
# Random changes, and after each the kernel compared with a fresh build of the same cluster.
set -euo pipefail
cd "$(dirname "$0")/.."
npm run --silent build
bash scripts/build-lab.sh
exec node --import tsx proxier/random-walk/main.ts "$@"
