#!/usr/bin/env bash
# Makes prebuilds/linux-{x64,arm64}-{glibc,musl}/nftlink.node on one machine, of either architecture. Installs what is missing.
#   npm run prebuilds -- [TARGET …]      for example x64-glibc; all four unless said
# The compiler is zig from PyPI, which has every libc with it; libmnl and libnftnl are Debian 13's static ones.
set -euo pipefail
cd "$(dirname "$0")/.."

ZIG=0.17.1
# The oldest glibc: CentOS 7's. Node.js 20 itself needs 2.28.
GLIBC=2.17

targets=("$@")
[ "${#targets[@]}" -gt 0 ] || targets=(x64-glibc x64-musl arm64-glibc arm64-musl)
out=$PWD/build/prebuild
mkdir -p "$out"
[ -d node_modules/cmake-js ] || npm install --no-save --no-audit --no-fund --ignore-scripts
bash scripts/install-missing.sh python3:python3 cmake:cmake make:make pkg-config:pkg-config objcopy:binutils
python3 -m pip --version >/dev/null 2>&1 || bash scripts/install-missing.sh pip3:python3-pip

zig=$out/zig-$ZIG/ziglang/zig
[ -x "$zig" ] || python3 -m pip install --quiet --root-user-action=ignore --no-deps --target "$out/zig-$ZIG" "ziglang==$ZIG"
export ZIG_GLOBAL_CACHE_DIR=$out/zig-cache

. scripts/debian-13.sh

fetch_libraries() {
  for architecture in amd64 arm64; do
    unpack_debian "$out/$architecture" "libmnl-dev:$architecture" "libnftnl-dev:$architecture"
  done
  # The one place of amd64's libnftnl.a that is not position-independent (native/prebuild/libc_gaps.cc).
  objcopy --redefine-sym stderr=nftlink_stderr "$out"/amd64/usr/lib/x86_64-linux-gnu/libnftnl.a
  touch "$out/fetched"
}

# pkg-config's files, with static libraries where CMakeLists.txt asks for libraries.
write_pkg_config() { # architecture, triplet, folder
  mkdir -p "$3"
  for library in libmnl libnftnl; do
    sed -e "s|^prefix=.*|prefix=$out/$1/usr|" -e "s|^Libs:.*|Libs: $out/$1/usr/lib/$2/$library.a|" \
      "$out/$1/usr/lib/$2/pkgconfig/$library.pc" >"$3/$library.pc"
  done
}

build() {
  local target=$1 architecture triplet libc=${1#*-} processor
  case "$target" in
    x64-*) architecture=amd64 processor=x86_64 ;;
    arm64-*) architecture=arm64 processor=aarch64 ;;
    *) echo "prebuild.sh: unknown target $target" >&2; exit 2 ;;
  esac
  triplet=$processor-linux-gnu
  local zig_target
  case "$libc" in
    glibc) zig_target=$processor-linux-gnu.$GLIBC ;;
    musl) zig_target=$processor-linux-musl ;;
    *) echo "prebuild.sh: unknown target $target" >&2; exit 2 ;;
  esac
  local folder=$out/$target
  mkdir -p "$folder"
  printf '#!/bin/sh\nexec "%s" c++ -target %s "$@"\n' "$zig" "$zig_target" >"$folder/c++"
  chmod +x "$folder/c++"
  write_pkg_config "$architecture" "$triplet" "$folder/pkgconfig"
  PKG_CONFIG_LIBDIR=$folder/pkgconfig npx cmake-js build --log-level error --prefer-make --directory native --out "$folder/build" \
    --CDNFTLINK_PREBUILT=ON --CDCMAKE_CXX_COMPILER="$folder/c++" \
    --CDCMAKE_SYSTEM_NAME=Linux --CDCMAKE_SYSTEM_PROCESSOR="$processor" --parallel "$(nproc)" >"$folder/build.log" 2>&1 ||
    { cat "$folder/build.log"; exit 1; }
  mkdir -p "prebuilds/linux-$target"
  cp "$folder/build/Release/nftlink.node" "prebuilds/linux-$target/"
}

# No newer glibc than promised, nothing to load but libc, and the one symbol that Node.js looks for.
inspect() {
  local file=prebuilds/linux-$1/nftlink.node newest needed
  newest=$(readelf -VW "$file" | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -n 1 || true)
  needed=$(readelf -dW "$file" | sed -n 's/.*Shared library: \[\(.*\)\]/\1/p' | tr '\n' ' ')
  if [ -n "$newest" ] && [ "$(printf '%s\nGLIBC_%s\n' "$newest" "$GLIBC" | sort -V | tail -n 1)" != "GLIBC_$GLIBC" ]; then
    echo "$file needs $newest, newer than GLIBC_$GLIBC" >&2
    exit 1
  fi
  case "$needed" in *nftnl* | *mnl* | *stdc++*) echo "$file needs $needed" >&2; exit 1 ;; esac
  readelf --dyn-syms -W "$file" | grep -q ' napi_register_module_v1$'
  echo "$file: $(stat -c %s "$file") bytes, needs ${newest:-no glibc}, $needed"
}

# What is linked in, and where its sources are: goes into the package. The versions must be those that NOTICE names.
write_sources() {
  local library version packages=() sources
  for library in libnftnl libmnl; do
    version=$(sed -nE "s/^.*  $library-dev_([^_]*)_amd64\.deb$/\1/p" "$out/amd64/packages.sha256")
    grep -q "$library-dev_${version}_arm64" "$out/arm64/packages.sha256"
    grep -q "$library-dev $version)" NOTICE || { echo "prebuild.sh: NOTICE does not name $library-dev $version" >&2; exit 1; }
    packages+=("$library=$version")
  done
  sources=$(debian_sources "${packages[@]}")
  [ "$(wc -l <<<"$sources")" -ge 6 ] || { echo "prebuild.sh: no sources of ${packages[*]} in Debian's index" >&2; exit 1; }
  {
    echo "The addons in this folder were made by scripts/prebuild.sh, with zig $ZIG, from native/ and from these packages of Debian 13:"
    cat "$out"/a*/packages.sha256
    echo
    echo "Their sources (SHA-256, address). What Debian no longer has there is at https://snapshot.debian.org/package/NAME/VERSION/"
    echo "$sources"
  } >prebuilds/SOURCES.txt
}

[ -e "$out/fetched" ] && [ -e "$out/arm64/packages.sha256" ] && grep -q '^deb-src' "$out/sources.list" || {
  rm -rf "$out"/{amd64,arm64,fetched,lists,sources.list}
  fetch_libraries
}
mkdir -p prebuilds
write_sources
for target in "${targets[@]}"; do
  build "$target"
  inspect "$target"
done
