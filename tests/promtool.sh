#!/usr/bin/env bash
# Prometheus' own judge of metrics, out of Debian's package, without the server that comes with it.
# usage: promtool.sh DIRECTORY
set -euo pipefail

directory=$1
rm -rf "$directory"
mkdir -p "$directory"
if found=$(command -v promtool); then
    ln -s "$found" "$directory/promtool"
    exit
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
cd "$work"
# A machine that is new knows of no packages yet.
apt-get -q download prometheus 2>/dev/null || { apt-get -q update && apt-get -q download prometheus; }
dpkg --extract prometheus_*.deb .
mv usr/bin/promtool "$directory/promtool"
