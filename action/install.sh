#!/usr/bin/env bash
# Finds the binary that the action runs, and sets the step output `binary` to its path.
#
# In this order: the input `binary`; the release binary for this runner, verified against action/checksums.txt, which is
# part of the action and so of the commit that a workflow pins; or, without a release, a binary built with cargo.
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
  [[ -x $INPUT_BINARY ]] || fail "input binary is not an executable file: $INPUT_BINARY"
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

# Lines of `<sha256>  <version>  <file>`, which the release workflow writes before it creates the tag.
line=$(grep -E "^[0-9a-f]{64}  [0-9A-Za-z.-]+  hyperframes-ci-$target\\.tar\\.gz\$" "$here/checksums.txt" || true)

if [[ -n $line && -n ${ACTION_REPOSITORY:-} ]]; then
  read -r expected version file <<<"$line"
  folder=$RUNNER_TEMP/hyperframes-ci-$version
  mkdir -p "$folder"
  archive=$folder/$file
  url=${INPUT_DOWNLOAD_URL:-$GITHUB_SERVER_URL/$ACTION_REPOSITORY/releases/download}/v$version/$file
  # The archive is public, so no credential is sent.
  curl --fail --silent --show-error --location --proto '=https,http' --proto-redir '=https' \
    --retry 5 --retry-all-errors --retry-delay 1 --connect-timeout 15 --max-time 300 \
    --output "$archive" -- "$url" || fail "cannot download the binary from $url; check the network of the runner, or set the input download-url or binary"
  if command -v sha256sum >/dev/null; then
    found=$(sha256sum -- "$archive" | cut -d ' ' -f 1)
  else
    found=$(shasum -a 256 -- "$archive" | cut -d ' ' -f 1)
  fi
  if [[ $found != "$expected" ]]; then
    rm -f -- "$archive"
    fail "checksum mismatch: the binary from $url has SHA-256 $found, but the action expects $expected"
  fi
  tar -xzf "$archive" -C "$folder"
  program=$folder/hyperframes-ci
  [[ $RUNNER_OS == Windows ]] && program=$program.exe
  [[ -x $program ]] || fail "the archive $file does not contain the program"
  use "$program"
fi

command -v cargo >/dev/null ||
  fail "no release binary for ${RUNNER_OS:-unknown OS} ${RUNNER_ARCH:-unknown architecture}, and cargo was not found to build one; pin the action to a release, or set the input binary"
printf '::group::cargo build\n'
cargo build --release --locked --bin hyperframes-ci --manifest-path "$here/../Cargo.toml" ||
  fail 'cargo build failed; see the log above'
printf '::endgroup::\n'
built=${CARGO_TARGET_DIR:-$here/../target}/release/hyperframes-ci
[[ ${RUNNER_OS:-} == Windows ]] && built=$built.exe
use "$built"
