# Sourced: fetches packages of Debian 13, of either architecture, without touching what is installed here. $out is a folder of ours.

# apt with lists and caches of its own.
apt_here() {
  apt-get -qq -o Dir::Etc::sourcelist="$out/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::State::status=/dev/null \
    -o Dir::State::lists="$out/lists" -o Dir::Cache="$out/cache" -o APT::Architectures=amd64,arm64 -o APT::Sandbox::User=root "$@"
}

# unpack_debian FOLDER PACKAGE:ARCHITECTURE …
unpack_debian() {
  local folder=$1 debs
  shift
  mkdir -p "$out/lists/partial" "$out/cache/archives/partial" "$folder"
  if [ ! -e "$out/sources.list" ]; then
    echo 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main' \
      >"$out/sources.list"
    apt_here update
  fi
  debs=$(mktemp -d)
  (cd "$debs" && apt_here download "$@")
  for deb in "$debs"/*.deb; do dpkg-deb -x "$deb" "$folder"; done
  rm -r "$debs"
}
