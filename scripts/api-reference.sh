#!/usr/bin/env bash
# Generates docs/api from the comments in src/, and fails where an exported name has none. typedoc and the TypeScript that it needs
# live in tools/api-reference, apart from the workspace.
set -euo pipefail
cd "$(dirname "$0")/.."

tool=tools/api-reference
if ! cmp -s "$tool/package-lock.json" "$tool/node_modules/.installed" 2>/dev/null; then
  npm ci --prefix "$tool" --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
  cp "$tool/package-lock.json" "$tool/node_modules/.installed"
fi
npm run --silent build:library
rm -rf docs/api
"$tool/node_modules/.bin/typedoc" --options "$tool/typedoc.json" --logLevel Warn
echo "docs/api: $(find docs/api -name '*.html' | wc -l) pages"
