#!/usr/bin/env bash
# Installs what is missing, builds, checks, makes the API reference and runs every test. Needs root: the kernel tests make network namespaces.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh
npm run --silent check
npm run --silent docs:api
exec npx vitest run --reporter=default --reporter=./test/proof-reporter.ts --reporter=./test/closing-line-reporter.ts "$@"
