#!/usr/bin/env bash
# Installs what is missing on Debian 12 with Node 20 and npm, and builds everything. Run again, it only builds what changed.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\033[1m%s\033[0m\n' "$*"; }

if [ "$(id -u)" != 0 ]; then
  echo "This needs root: it installs packages and makes network namespaces. Try: sudo $0" >&2
  exit 1
fi

# Program or file → Debian package that has it.
needed=()
need_program() { command -v "$1" >/dev/null || needed+=("$2"); }
need_program g++ g++
need_program make make
need_program python3 python3
need_program pkg-config pkg-config
need_program ip iproute2
need_program nft nftables
need_program conntrack conntrack
need_program sysctl procps
# nft prints protocols by the names of /etc/protocols.
[ -e /etc/protocols ] || needed+=(netbase)
if command -v pkg-config >/dev/null; then
  pkg-config --exists libmnl || needed+=(libmnl-dev)
  pkg-config --exists libnftnl || needed+=(libnftnl-dev)
else
  needed+=(libmnl-dev libnftnl-dev)
fi
if [ "${#needed[@]}" -gt 0 ]; then
  say "Installing ${needed[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${needed[@]}" >/dev/null
fi

stamp=node_modules/.setup-stamp
if ! cmp -s package-lock.json "$stamp" 2>/dev/null; then
  say "Installing npm packages"
  # Not "npm ci": it refuses a lock file made where the registry lacks other platforms' optional packages (of biome, oxc).
  npm install --no-save --no-audit --no-fund
  cp package-lock.json "$stamp"
fi
say "Building"
npm run --silent build:addon
npm run --silent build:lab
npm run --silent build
