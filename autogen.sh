#!/bin/sh
# Make ./configure from configure.ac (Debian: autoconf automake libtool pkg-config).
set -e
cd "$(dirname "$0")"
mkdir -p build-aux m4
exec autoreconf --force --install "$@"
