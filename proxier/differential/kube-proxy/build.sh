#!/bin/bash
# Builds kube-proxy as go.mod pins it, once, into a cache outside the tree, and prints the program's path. Takes minutes the
# first time. NFTLINK_CACHE: the cache's folder (default ~/.cache/nftlink).
set -euo pipefail
cd "$(dirname "$0")"
version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
folder=${NFTLINK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nftlink}
# The name holds what was built from what: a changed go.sum or compiler builds anew.
inputs=$(cat go.mod go.sum <(go env GOVERSION GOARCH) | sha256sum | cut -c1-12)
program=$folder/kube-proxy-$version-$inputs
if [ ! -x "$program" ]; then
  mkdir -p "$folder"
  # One build at a time; whoever waited finds it built.
  exec 9>"$folder/kube-proxy.lock"
  flock 9
  if [ ! -x "$program" ]; then
    echo "building kube-proxy $version into $folder" >&2
    unfinished=$(mktemp "$program.XXXXXX")
    trap 'rm -f "$unfinished"' EXIT
    CGO_ENABLED=0 nice -n 15 go build -mod=readonly -trimpath -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$version" -o "$unfinished" k8s.io/kubernetes/cmd/kube-proxy >&2
    chmod 755 "$unfinished"
    mv "$unfinished" "$program"
  fi
fi
echo "$program"
