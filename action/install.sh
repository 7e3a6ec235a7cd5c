#!/usr/bin/env bash
# Finds the binary that the action runs, and puts its path into the step's output `binary`.
#
# A path that the workflow gave; or the release's binary for this runner, verified against action/checksums.txt, which is
# a part of the action's own tree and so of the commit that a workflow pins; or, without a release, one that cargo builds.
set -euo pipefail

fail() {
  printf '::error title=hyperframes-ci::%s\n' "$1"
  exit 1
}

use() {
  printf 'binary=%s\n' "$1" >>"$GITHUB_OUTPUT"
  exit 0
}

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)

if [[ -n ${INPUT_BINARY:-} ]]; then
  [[ -x $INPUT_BINARY ]] || fail 'the input binary names no program'
  use "$INPUT_BINARY"
fi

case "${RUNNER_OS:-}-${RUNNER_ARCH:-}" in
  Linux-X64) target=x86_64-unknown-linux-musl ;;
  Linux-ARM64) target=aarch64-unknown-linux-musl ;;
  macOS-X64) target=x86_64-apple-darwin ;;
  macOS-ARM64) target=aarch64-apple-darwin ;;
  Windows-X64) target=x86_64-pc-windows-msvc ;;
  *) target=none ;;
esac

# Lines of `<sha256>  <version>  <file>`; the release workflow writes them before it makes the tag.
line=$(grep -E "^[0-9a-f]{64}  [0-9A-Za-z.-]+  hyperframes-ci-$target\\.tar\\.gz\$" "$here/checksums.txt" || true)

if [[ -n $line && -n ${ACTION_REPOSITORY:-} ]]; then
  read -r expected version file <<<"$line"
  folder=$RUNNER_TEMP/hyperframes-ci-$version
  mkdir -p "$folder"
  archive=$folder/$file
  url=${INPUT_DOWNLOAD_URL:-$GITHUB_SERVER_URL/$ACTION_REPOSITORY/releases/download}/v$version/$file
  # The archive is public: no credential goes along.
  curl --fail --silent --show-error --location --proto '=https,http' --proto-redir '=https' \
    --retry 5 --retry-all-errors --retry-delay 1 --connect-timeout 15 --max-time 300 \
    --output "$archive" -- "$url" || fail "the binary cannot be downloaded from $url"
  if command -v sha256sum >/dev/null; then
    found=$(sha256sum -- "$archive" | cut -d ' ' -f 1)
  else
    found=$(shasum -a 256 -- "$archive" | cut -d ' ' -f 1)
  fi
  if [[ $found != "$expected" ]]; then
    rm -f -- "$archive"
    fail "the binary from $url has the SHA-256 $found, and the action expects $expected"
  fi
  tar -xzf "$archive" -C "$folder"
  program=$folder/hyperframes-ci
  [[ $RUNNER_OS == Windows ]] && program=$program.exe
  [[ -x $program ]] || fail "the archive $file holds no program"
  use "$program"
fi

command -v cargo >/dev/null || fail "there is no release for $target, and no cargo to build one; see the input binary"
printf '::group::cargo build\n'
cargo build --release --locked --bin hyperframes-ci --manifest-path "$here/../Cargo.toml" ||
  fail 'the action could not be built'
printf '::endgroup::\n'
built=${CARGO_TARGET_DIR:-$here/../target}/release/hyperframes-ci
[[ ${RUNNER_OS:-} == Windows ]] && built=$built.exe
use "$built"
