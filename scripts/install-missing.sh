#!/usr/bin/env bash
# Installs Debian packages of which a program or file is missing: install-missing.sh PROGRAM:PACKAGE … (a path counts as a file).
set -euo pipefail
needed=()
for pair in "$@"; do
  thing=${pair%%:*}
  case "$thing" in
    /*) [ -e "$thing" ] || needed+=("${pair#*:}") ;;
    *) command -v "$thing" >/dev/null || needed+=("${pair#*:}") ;;
  esac
done
[ "${#needed[@]}" = 0 ] && exit 0
if [ "$(id -u)" != 0 ]; then
  echo "Missing: ${needed[*]}. Install them, or run this as root." >&2
  exit 1
fi
printf '\033[1mInstalling %s\033[0m\n' "${needed[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${needed[@]}" >/dev/null
