#!/usr/bin/env bash
# Finds the binary that the action runs, and sets the step output `binary` to its path. The step output `use` is the number of
# this use of the action in the job: each use has files of its own.
#
# In this order: the input `binary`; the release binary for this runner, verified against action/checksums.txt, which is
# part of the action and so of the commit that a workflow pins; or, without a release, a binary built with cargo.
#
# Nothing of the checked-out repository runs here: a pull request may have changed all of it.
set -euo pipefail

fail() {
  printf '::error title=hyperframes-ci::%s\n' "$1"
  exit 1
}

use() {
  printf 'binary=%s\n' "$1" >>"$GITHUB_OUTPUT"
  exit 0
}

need() {
  command -v "$1" >/dev/null || fail "$1 was not found; install it on the runner, or set the input binary"
}

number=1
until (set -o noclobber && : >"$RUNNER_TEMP/hyperframes-ci-use-$number") 2>/dev/null || ((number >= 100)); do
  number=$((number + 1))
done
printf 'use=%s\n' "$number" >>"$GITHUB_OUTPUT"

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)

# Whether the code of the run is proven to be of this repository, or the run has nothing to protect. The rules are those of
# src/ci/trust.rs, as far as the event proves something; a test compares them.
is_proven() {
  local name
  case ${GITHUB_EVENT_NAME:-} in
    push | create | merge_group | release) return 0 ;;
    pull_request) ;;
    *) return 1 ;;
  esac
  # A branch of this repository.
  [[ -n ${HEAD_REPOSITORY:-} && $HEAD_REPOSITORY == "${BASE_REPOSITORY:-}" ]] && return 0
  # A fork, in a run without credentials; GitHub gives none to forks of public repositories.
  [[ ${IS_PRIVATE:-} == false && ${HAS_API_KEY:-} == false ]] || return 1
  for name in HEYGEN_API_KEY HYPERFRAMES_API_KEY AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN \
    AWS_WEB_IDENTITY_TOKEN_FILE AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_CONTAINER_CREDENTIALS_RELATIVE_URI \
    ACTIONS_ID_TOKEN_REQUEST_TOKEN; do
    [[ -z ${!name:-} ]] || return 1
  done
}

# Whether a file is in the checkout, by its name or with links resolved.
is_in_checkout() {
  local file folder workspace
  workspace=$(cd -- "${GITHUB_WORKSPACE:-}" 2>/dev/null && pwd -P) || return 1
  for file in "$1" "$(readlink -f -- "$1" 2>/dev/null || true)"; do
    [[ -n $file ]] || continue
    folder=$(dirname -- "$file")
    for folder in "$(cd -- "$folder" && pwd -L)" "$(cd -- "$folder" && pwd -P)"; do
      case $folder/ in "$workspace"/* | "$GITHUB_WORKSPACE"/*) return 0 ;; esac
    done
  done
  return 1
}

if [[ -n ${INPUT_BINARY:-} ]]; then
  if [[ -d $INPUT_BINARY ]]; then
    folder=$INPUT_BINARY
    for name in hyperframes-ci hyperframes-ci.exe; do
      [[ -f $folder/$name ]] && INPUT_BINARY=$folder/$name
    done
    [[ ! -d $INPUT_BINARY ]] || fail "input binary is a directory without hyperframes-ci: $INPUT_BINARY"
  fi
  [[ -f $INPUT_BINARY && -x $INPUT_BINARY ]] || fail "input binary is not an executable file: $INPUT_BINARY"
  if is_in_checkout "$INPUT_BINARY" && ! is_proven; then
    fail "input binary is a file of the checkout, whose code is not proven to be of this repository: $INPUT_BINARY; use a binary outside of the checkout"
  fi
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
  need curl
  need tar
  read -r expected version file <<<"$line"
  folder=$RUNNER_TEMP/hyperframes-ci-$version
  mkdir -p "$folder"
  archive=$folder/$file
  url=${INPUT_DOWNLOAD_URL:-$GITHUB_SERVER_URL/$ACTION_REPOSITORY/releases/download}/v$version/$file
  retries=(--retry 5 --retry-delay 1)
  # curl 7.71 and newer; older ones retry after timeouts and 5xx only.
  curl --retry-all-errors --version >/dev/null 2>&1 && retries+=(--retry-all-errors)
  # The archive is public, so no credential is sent.
  curl --fail --silent --show-error --location --proto '=https,http' --proto-redir '=https' \
    "${retries[@]}" --connect-timeout 15 --max-time 300 --output "$archive" -- "$url" ||
    fail "cannot download the binary from $url; check the network of the runner, or set the input download-url or binary"
  # Read from standard input: on Windows, sha256sum escapes names with a backslash, and GNU tar takes `D:` for a host.
  if command -v sha256sum >/dev/null; then
    found=$(sha256sum <"$archive")
  else
    need shasum
    found=$(shasum -a 256 <"$archive")
  fi
  found=${found%% *}
  if [[ $found != "$expected" ]]; then
    rm -f -- "$archive"
    fail "checksum mismatch: the binary from $url has SHA-256 $found, but the action expects $expected"
  fi
  (cd -- "$folder" && tar -xzf - <"$archive")
  program=$folder/hyperframes-ci
  [[ $RUNNER_OS == Windows ]] && program=$program.exe
  [[ -x $program ]] || fail "the archive $file does not contain the program"
  use "$program"
fi

missing="no release binary for ${RUNNER_OS:-unknown OS} ${RUNNER_ARCH:-unknown architecture}"
is_proven ||
  fail "$missing, and nothing is built for ${GITHUB_EVENT_NAME:-this event}, since the code is not proven to be of this repository; pin the action to a release, or set the input binary"

# cargo reads .cargo/config.toml and rust-toolchain.toml of the current directory and above, and variables can replace
# the compiler. So it runs in the action's own tree, with nothing but these variables, and without programs of the workspace.
path=
IFS=: read -ra entries <<<"$PATH"
for entry in "${entries[@]}"; do
  case $entry/ in
    "${GITHUB_WORKSPACE:-/nonexistent}"/* | [!/]*) ;;
    *) path=$path:$entry ;;
  esac
done
path=${path#:}
PATH=$path command -v cargo >/dev/null ||
  fail "$missing, and cargo was not found to build one; pin the action to a release, or set the input binary"
environment=("PATH=$path" "CARGO_TARGET_DIR=$RUNNER_TEMP/hyperframes-ci-build")
for name in HOME USERPROFILE CARGO_HOME RUSTUP_HOME TMPDIR TEMP TMP LANG SSL_CERT_FILE SSL_CERT_DIR \
  http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY all_proxy \
  SYSTEMROOT SystemRoot SYSTEMDRIVE PROGRAMDATA ProgramData ProgramFiles PROGRAMFILES APPDATA LOCALAPPDATA \
  NUMBER_OF_PROCESSORS PROCESSOR_ARCHITECTURE COMSPEC PATHEXT; do
  [[ -n ${!name:-} ]] && environment+=("$name=${!name}")
done
printf '::group::cargo build\n'
(cd -- "$here/.." && env -i "${environment[@]}" cargo build --release --locked --bin hyperframes-ci) ||
  fail 'cargo build failed; see the log above'
printf '::endgroup::\n'
built=$RUNNER_TEMP/hyperframes-ci-build/release/hyperframes-ci
[[ ${RUNNER_OS:-} == Windows ]] && built=$built.exe
use "$built"
