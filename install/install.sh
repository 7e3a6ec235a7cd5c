#!/bin/sh
# Installs hyperframes-ci: downloads the program of a release, verifies it, and moves it to a directory.
#
#   curl -fsSL https://github.com/hyperframes-ci/hyperframes-ci/releases/latest/download/install.sh | sh
#
# action/install.sh is a separate script because it trusts something else: the checksums in the action's own commit. It also
# reports to the runner and can build from source. The tests compare the names of the archives in both.
set -eu

# The release workflow sets the version in the copy that it attaches to a release.
default_version=latest
repository=hyperframes-ci/hyperframes-ci

usage() {
  cat <<'USAGE'
Install hyperframes-ci from a GitHub release

Usage: install.sh [OPTIONS]

Options:
      --version <VERSION>  Version to install, such as 0.1.0 or latest
      --to <DIR>           Directory for the program [default: ~/.local/bin] [env: HYPERFRAMES_CI_INSTALL_DIR]
  -h, --help               Print help

Environment:
  HYPERFRAMES_CI_INSTALL_DIR   Same as --to
  HYPERFRAMES_CI_DOWNLOAD_URL  Mirror of the releases; /v<VERSION>/<FILE> is appended

The SHA-256 checksum is always verified, the build provenance if gh is installed and signed in.
USAGE
}

# Prints an error and a remedy, and exits.
fail() {
  printf 'error: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf '  help: %s\n' "$2" >&2
  exit 1
}

has() {
  command -v "$1" >/dev/null 2>&1
}

# Sets `target` to the release target of this machine.
detect_target() {
  system=$(uname -s)
  machine=$(uname -m)
  from_source='build it from source: cargo install --locked hyperframes-ci'
  case $machine in
    x86_64 | amd64) machine=x86_64 ;;
    aarch64 | arm64) machine=aarch64 ;;
    *) fail "no prebuilt program for $system on $machine" "$from_source" ;;
  esac
  case $system in
    Linux) target=$machine-unknown-linux-musl ;;
    Darwin)
      # A shell that runs under Rosetta reports x86_64.
      [ "$(sysctl -n sysctl.proc_translated 2>/dev/null || true)" != 1 ] || machine=aarch64
      target=$machine-apple-darwin
      ;;
    MINGW* | MSYS* | CYGWIN*)
      fail 'this script does not support Windows' \
        "run in PowerShell: irm https://github.com/$repository/releases/latest/download/install.ps1 | iex"
      ;;
    *) fail "no prebuilt program for $system on $machine" "$from_source" ;;
  esac
}

# Names every missing tool at once.
check_tools() {
  missing=
  for tool in tar gzip mktemp; do
    has "$tool" || missing="$missing, $tool"
  done
  has curl || has wget || missing="$missing, curl or wget"
  has sha256sum || has shasum || missing="$missing, sha256sum or shasum"
  [ -z "$missing" ] || fail "required tools not found: ${missing#, }" 'install them with your package manager'
}

# download <url> <file>
download() {
  if has curl; then
    curl --fail --silent --show-error --location --proto "=$protocols" --proto-redir "=$protocols" \
      --retry 3 --connect-timeout 15 --max-time 600 --output "$2" "$1"
  else
    # The options that GNU and BusyBox have in common.
    wget -q -T 60 -O "$2" "$1"
  fi || fail "cannot download $1" "${3:-check the network connection and try again}"
}

sha256() {
  if has sha256sum; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

# Sets `expected` to the checksum of <file> in <sums>.
find_checksum() {
  expected=
  while read -r sum name; do
    [ "$name" != "$2" ] || expected=$sum
  done <"$1"
  case $expected in
    *[!0-9a-f]*) expected= ;;
  esac
  [ ${#expected} -eq 64 ] || fail "SHA256SUMS of version $version does not list $2" 'choose another release with --version'
}

verify_provenance() {
  if ! has gh || ! gh auth status >/dev/null 2>&1 || ! gh attestation verify --help >/dev/null 2>&1; then
    printf 'Skipped build provenance: gh is not installed or not signed in\n'
    return
  fi
  gh attestation verify "$1" --repo "$repository" >"$work/provenance" 2>&1 || {
    cat "$work/provenance" >&2
    fail "cannot verify the build provenance of $2" 'do not use this file; report it to the maintainers'
  }
  printf 'Verified build provenance\n'
}

clean_up() {
  rm -rf "$work"
  [ -z "$staged" ] || rm -f "$staged"
}

main() {
  version=$default_version
  to=${HYPERFRAMES_CI_INSTALL_DIR:-}
  while [ $# -gt 0 ]; do
    case $1 in
      --version=* | --to=*)
        option=${1%%=*}
        value=${1#*=}
        ;;
      --version | --to)
        [ $# -gt 1 ] || fail "option $1 needs a value" 'see --help'
        option=$1
        value=$2
        shift
        ;;
      -h | --help)
        usage
        return
        ;;
      *) fail "unexpected argument: $1" 'see --help' ;;
    esac
    [ -n "$value" ] || fail "option $option needs a value" 'see --help'
    if [ "$option" = --version ]; then version=${value#v}; else to=$value; fi
    shift
  done
  case $version in
    *[!0-9A-Za-z.+-]*) fail "invalid version: $version" 'pass a version such as 0.1.0, or latest' ;;
  esac
  if [ -z "$to" ]; then
    [ -n "${HOME:-}" ] || fail 'HOME is not set' 'pass a directory with --to'
    to=$HOME/.local/bin
  fi
  case $to in
    /*) ;;
    *) to=$PWD/$to ;;
  esac

  detect_target
  check_tools
  if [ -e "$to" ] && { [ ! -d "$to" ] || [ ! -w "$to" ]; }; then
    fail "cannot write to $to" 'pass another directory with --to'
  fi
  [ ! -d "$to/hyperframes-ci" ] || fail "$to/hyperframes-ci is a directory" 'pass another directory with --to'

  base=https://github.com/$repository/releases
  if [ -n "${HYPERFRAMES_CI_DOWNLOAD_URL:-}" ]; then
    [ "$version" != latest ] || fail 'HYPERFRAMES_CI_DOWNLOAD_URL needs a version' 'pass --version'
    base=${HYPERFRAMES_CI_DOWNLOAD_URL%/}/v$version
  elif [ "$version" = latest ]; then
    base=$base/latest/download
  else
    base=$base/download/v$version
  fi
  protocols=https
  case $base in
    https://*) ;;
    http://127.0.0.1[:/]* | http://localhost[:/]*) protocols=http,https ;;
    *) fail "HYPERFRAMES_CI_DOWNLOAD_URL must be an https URL: $base" ;;
  esac

  staged=
  work=$(mktemp -d)
  trap clean_up EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM

  file=hyperframes-ci-$target.tar.gz
  printf 'Downloading hyperframes-ci %s for %s\n' "$version" "$target"
  download "$base/SHA256SUMS" "$work/SHA256SUMS" "check that release $version exists: https://github.com/$repository/releases"
  find_checksum "$work/SHA256SUMS" "$file"
  download "$base/$file" "$work/$file"
  found=$(sha256 "$work/$file")
  [ "$found" = "$expected" ] || fail "checksum mismatch for $base/$file
  expected $expected
  found    $found" 'the download is incomplete or was modified; try again'
  printf 'Verified SHA-256\n'
  verify_provenance "$work/$file" "$file"
  tar -xzf "$work/$file" -C "$work" hyperframes-ci || fail "cannot unpack $file"

  # The program is complete and runs before it gets its name: an interrupted installation changes nothing.
  mkdir -p "$to" || fail "cannot create $to" 'pass another directory with --to'
  staged=$to/.hyperframes-ci.$$
  { cp "$work/hyperframes-ci" "$staged" && chmod 755 "$staged"; } ||
    fail "cannot write to $to" 'pass another directory with --to'
  installed=$("$staged" --version) || fail "the program for $target does not run on this machine" "$from_source"
  [ "$version" = latest ] || [ "$installed" = "hyperframes-ci $version" ] ||
    fail "release $version contains $installed" 'report this to the maintainers'
  mv -f "$staged" "$to/hyperframes-ci" || fail "cannot write to $to" 'pass another directory with --to'
  staged=
  printf 'Installed %s to %s\n' "$installed" "$to/hyperframes-ci"

  [ -z "${GITHUB_PATH:-}" ] || printf '%s\n' "$to" >>"$GITHUB_PATH"
  first=$(command -v hyperframes-ci || true)
  if [ -z "$first" ]; then
    printf '\n%s is not on PATH. To add it, run:\n  export PATH="%s:%s"\n' "$to" "$to" "\$PATH"
  elif [ "$first" != "$to/hyperframes-ci" ]; then
    printf '\nnote: %s comes first on PATH\n' "$first"
  fi
}

# The last line, so that a partial download of this script does nothing.
main "$@"
