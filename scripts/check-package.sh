#!/usr/bin/env bash
# Packs the package, installs it in an empty folder where there are no build tools, and makes a commit with it in a network
# namespace; then lets attw and publint judge it. Of the prebuilt addons it makes that of this machine first.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

libc=$(node -p 'process.report.getReport().header.glibcVersionRuntime === undefined ? "musl" : "glibc"')
arch=$(node -p process.arch)
bash scripts/prebuild.sh "$arch-$libc"
npm run --silent build:library

work=$(mktemp -d)
namespace=nftlink-package-$$
trap 'ip netns del "$namespace" 2>/dev/null || true; rm -rf "$work"' EXIT

# --ignore-scripts: the tarball is what is here now.
tarball=$work/$(npm pack --silent --ignore-scripts --pack-destination "$work")
echo "package: $(stat -c %s "$tarball") bytes, $(tar -tzf "$tarball" | wc -l) files"
for needed in NOTICE LICENSE LICENSES/LGPL-2.1.txt README.md dist/index.js dist/index.d.ts \
  dist/conntrack/index.js dist/testing/index.js prebuilds/linux-"$arch-$libc"/nftlink.node prebuilds/SOURCES.txt \
  native/addon.cc binding.gyp scripts/prebuild.sh; do
  tar -tzf "$tarball" "package/$needed" >/dev/null
done

# Programs that installing and running needs, and nothing that could build.
mkdir -p "$work/bin" "$work/app"
for program in node npm sh env ip nft; do ln -s "$(command -v "$program")" "$work/bin/$program"; done
for tool in g++ cc make python3 pkg-config cmake; do
  [ ! -e "$work/bin/$tool" ] || { echo "check-package.sh: $tool is in the PATH" >&2; exit 1; }
done

cat >"$work/app/package.json" <<'JSON'
{ "name": "app", "version": "1.0.0", "type": "module" }
JSON
cat >"$work/app/app.mjs" <<'JS'
import { Nftables, set, table, ipv4Addr } from 'nftlink';
import { Conntrack } from 'nftlink/conntrack';
import { FakeKernel } from 'nftlink/testing';

const t = table('inet', 'packed');
const s = set(t, 'addresses', { key: ipv4Addr });
for (const nft of [new Nftables(new FakeKernel()), Nftables.open()]) {
  await nft.transaction().add(t).add(s).addElements(s, ['10.0.0.1']).commit();
  await nft.close();
}
const conntrack = Conntrack.open();
await conntrack.list();
await conntrack.close();
JS
cd "$work/app"
PATH=$work/bin npm install --no-audit --no-fund --loglevel=error --foreground-scripts "$tarball"
[ ! -e node_modules/nftlink/build ] || { echo "check-package.sh: the addon was built" >&2; exit 1; }
ip netns add "$namespace"
PATH=$work/bin ip netns exec "$namespace" node app.mjs
listed=$(ip netns exec "$namespace" nft list table inet packed)
case "$listed" in
  *10.0.0.1*) echo "package: installed without build tools, and it commits" ;;
  *) echo "check-package.sh: the commit is missing: $listed" >&2; exit 1 ;;
esac

# What NOTICE says is linked in is what SOURCES.txt says, with the sources of each.
for library in libnftnl libmnl; do
  version=$(sed -nE "s/^.*$library-dev ([^)]*)\).*$/\1/p" node_modules/nftlink/NOTICE)
  grep -q "  $library-dev_${version}_amd64.deb$" node_modules/nftlink/prebuilds/SOURCES.txt
  grep -q "/${library}_${version}.dsc$" node_modules/nftlink/prebuilds/SOURCES.txt
  grep -q "/${library}_${version%-*}.orig.tar" node_modules/nftlink/prebuilds/SOURCES.txt
done

cd "$root"
npx publint --strict "$tarball"
# The library is ES modules only.
npx attw --profile esm-only "$tarball"
