# Sourced: fetches packages of Debian 13, of either architecture, without touching what is installed here. $out is a folder of ours.

# apt with lists and caches of its own.
apt_here() {
  apt-get -qq -o Dir::Etc::sourcelist="$out/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::State::status=/dev/null \
    -o Dir::State::lists="$out/lists" -o Dir::Cache="$out/cache" -o APT::Architectures=amd64,arm64 -o APT::Sandbox::User=root "$@"
}

# unpack_debian FOLDER PACKAGE:ARCHITECTURE …      their checksums go to FOLDER/packages.sha256
unpack_debian() {
  local folder=$1 debs
  shift
  mkdir -p "$out/lists/partial" "$out/cache/archives/partial" "$folder"
  if [ ! -e "$out/sources.list" ]; then
    printf '%s [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main\n' \
      deb deb-src >"$out/sources.list"
    apt_here update
  fi
  debs=$(mktemp -d)
  (cd "$debs" && apt_here download "$@")
  for deb in "$debs"/*.deb; do dpkg-deb -x "$deb" "$folder"; done
  (cd "$debs" && sha256sum ./*.deb | sed 's|\./||') >"$folder/packages.sha256"
  rm -r "$debs"
}

# debian_sources PACKAGE=VERSION …      a line for each file of their sources: checksum and address, from Debian's signed index
debian_sources() {
  apt_here source --print-uris "$@" | sed -nE "s/^'([^']*)' .* SHA256:([0-9a-f]+)$/\2  \1/p"
}
