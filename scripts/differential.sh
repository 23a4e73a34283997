#!/usr/bin/env bash
# nft-proxier against the real kube-proxy, which is built first where it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
npm run --silent build
bash scripts/build-lab.sh
proxier/differential/kube-proxy/build.sh >/dev/null
exec node --import tsx proxier/differential/main.ts "$@"
