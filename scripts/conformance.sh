#!/usr/bin/env bash
# Builds what is missing, and runs the scenarios of a file with real packets through the real proxier. Needs root: it makes network namespaces.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh
exec node --import tsx proxier/conformance/main.ts "$@"
