#!/usr/bin/env bash
# Builds the C program of the packet laboratory. With nothing changed it does nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p lab/out
if [ ! -e lab/out/injector ] || [ lab/packets/injector.c -nt lab/out/injector ]; then
  cc -O2 -Wall -Wextra -Werror -o "lab/out/injector.$$" lab/packets/injector.c
  mv "lab/out/injector.$$" lab/out/injector
fi
