#!/bin/sh
# Installs the engine into the directory $1, and proves with the project $2 that it renders.
set -eu

cache=$1 project=$2
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
export HYPERFRAMES_CI_CACHE="$cache" HYPERFRAMES_CI_LEDGER="$work/ledger.jsonl" HOME="$work" npm_config_cache="$work/npm"
if [ -x /usr/bin/chromium-headless-shell ]; then
  export HYPERFRAMES_BROWSER_PATH=/usr/bin/chromium-headless-shell
fi

mkdir -p "$cache"
hyperframes-ci render "$project" --renderer local --quality draft --output "$work/video.mp4"
test -s "$work/video.mp4"
# Locks of the installation. Other users read the rest.
rm -f "$cache"/*.lock
chmod -R a+rX "$cache"
