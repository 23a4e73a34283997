#!/usr/bin/env bash
# Installs what is missing, builds, and shows nft-proxier at work. Needs root: it makes network namespaces, and deletes them.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh
exec node --import tsx demo/main.ts "$@"
