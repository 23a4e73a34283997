#!/usr/bin/env bash
# Loads the addon in other versions of Node.js and makes a commit with each, with what is in build/Release or with NFTLINK_ADDON.
#   scripts/node-matrix.sh [VERSION …]      20, 22, 24 and 26 unless said
set -euo pipefail
cd "$(dirname "$0")/.."
versions=("$@")
[ "${#versions[@]}" -gt 0 ] || versions=(20 22 24 26)
npm run --silent build:addon >/dev/null
npm run --silent build:library

namespace=nftlink-node-$$
ip netns add "$namespace"
trap 'ip netns del "$namespace"' EXIT
for version in "${versions[@]}"; do
  # npm's package "node" has each version's program in it.
  folder=build/node/$version
  if [ ! -x "$folder/node_modules/node/bin/node" ]; then
    mkdir -p "$folder"
    echo '{ "private": true }' >"$folder/package.json"
    npm install --silent --no-save --no-audit --no-fund --prefix "$folder" "node@$version"
  fi
  ip netns exec "$namespace" "$folder/node_modules/node/bin/node" scripts/one-commit.mjs
done
