#!/usr/bin/env bash
# Runs the image $1 as people would: not as root, with a checkout of another user, and without a network.
set -euo pipefail

image=$1
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

fail() {
  printf 'test: %s\n' "$1" >&2
  exit 1
}

run() {
  docker run --rm --network none --volume "$work:/work" "$@"
}

[[ $(run "$image" id -u) != 0 ]] || fail 'the image runs as root'
cp -R -- "$here/../examples/launch-card" "$work/launch-card"
run "$image" hyperframes-ci doctor
# As the user of the image cannot write to this directory, as the user who owns it.
run --user "$(id -u):$(id -g)" "$image" \
  hyperframes-ci render launch-card --renderer local --quality draft --output video.mp4
[[ $(head -c 8 -- "$work/video.mp4" | tail -c 4) == ftyp ]] || fail 'there is no video'
# As --renderer docker does: without rights, and with a root that cannot be written.
mkdir -m 777 -- "$work/output" "$work/tmp"
docker run --rm --init --network=none --user=65534:65534 --read-only --cap-drop=ALL --security-opt=no-new-privileges \
  --pids-limit=512 --shm-size=1g --mount="type=bind,source=$work/launch-card,target=/project,readonly" \
  --mount="type=bind,source=$work/output,target=/output" --mount="type=bind,source=$work/tmp,target=/tmp" --workdir=/tmp \
  --env=HOME=/tmp --env=HYPERFRAMES_CI_LEDGER=/tmp/ledger.jsonl --entrypoint=hyperframes-ci "$image" \
  render /project --renderer=local --network=none --quality=draft --output=/output/video.mp4
[[ $(head -c 8 -- "$work/output/video.mp4" | tail -c 4) == ftyp ]] || fail 'there is no video of a container without rights'
docker image ls "$image"
docker history "$image"
