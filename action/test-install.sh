#!/usr/bin/env bash
# Runs install.sh against a release server on this machine, with the tools of this machine. CI runs it on every system that
# has a release; a test runs it with the tools of BusyBox and an old curl. It needs python3 for the server.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
server=
trap '[[ -z $server ]] || kill "$server" 2>/dev/null || true; rm -rf -- "$work"' EXIT

fail() {
  printf 'test-install: %s\n' "$1" >&2
  cat "$work/log" >&2 || true
  exit 1
}

system=${RUNNER_OS:-Linux} machine=${RUNNER_ARCH:-X64}
name=hyperframes-ci
case "$system-$machine" in
  Linux-X64) target=x86_64-unknown-linux-musl ;;
  Linux-ARM64) target=aarch64-unknown-linux-musl ;;
  macOS-X64) target=x86_64-apple-darwin ;;
  macOS-ARM64) target=aarch64-apple-darwin ;;
  Windows-X64) target=x86_64-pc-windows-msvc name=hyperframes-ci.exe ;;
  *) fail "no release for $system $machine" ;;
esac

# The release: any program under the name of ours.
mkdir -p "$work/release/v9.9.9" "$work/action" "$work/bin"
cp -- "$(command -v env)" "$work/release/$name"
chmod +x "$work/release/$name"
file=hyperframes-ci-$target.tar.gz
(cd -- "$work/release" && tar -czf "v9.9.9/$file" "$name")
if command -v sha256sum >/dev/null; then
  checksum=$(sha256sum <"$work/release/v9.9.9/$file")
else
  checksum=$(shasum -a 256 <"$work/release/v9.9.9/$file")
fi
checksum=${checksum%% *}
cp -- "$here/install.sh" "$work/action/install.sh"

# The server refuses the first request of each path below /busy.
cat >"$work/server.py" <<'PYTHON'
import http.server, os, sys
os.chdir(sys.argv[1])
seen = set()
class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/busy/"):
            path, self.path = self.path, self.path[len("/busy"):]
            if path not in seen:
                seen.add(path)
                return self.send_error(503)
        super().do_GET()
    def log_message(self, *_):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
with open(sys.argv[2] + ".new", "w") as file:
    file.write(str(server.server_port))
os.replace(sys.argv[2] + ".new", sys.argv[2])
server.serve_forever()
PYTHON
native() { if command -v cygpath >/dev/null; then cygpath -w "$1"; else printf '%s' "$1"; fi; }
python=$(command -v python3 || command -v python) || fail 'python3 was not found'
"$python" "$(native "$work/server.py")" "$(native "$work/release")" "$(native "$work/port")" &
server=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do
  [[ -s $work/port ]] && break
  sleep 1
done
[[ -s $work/port ]] || fail 'the server did not start'
url=http://127.0.0.1:$(cat "$work/port")

# install CHECKSUM URL: runs the script as action.yml does, with a Windows path on Windows.
install() {
  rm -rf -- "$work/temp"
  mkdir -p "$work/temp"
  : >"$work/output"
  printf '%s  9.9.9  %s\n' "$1" "$file" >"$work/action/checksums.txt"
  env RUNNER_OS="$system" RUNNER_ARCH="$machine" RUNNER_TEMP="$(native "$work/temp")" GITHUB_OUTPUT="$work/output" \
    GITHUB_SERVER_URL=https://github.invalid ACTION_REPOSITORY=hyperframes-ci/hyperframes-ci INPUT_DOWNLOAD_URL="$2" \
    INPUT_BINARY='' GITHUB_EVENT_NAME=push bash "$work/action/install.sh" >"$work/log" 2>&1
}

installs() {
  install "$checksum" "$1" || fail "$2: install.sh failed"
  local binary
  binary=$(grep '^binary=' "$work/output") || fail "$2: no binary"
  binary=${binary#binary=}
  [[ -x $binary && ${binary##*[/\\]} == "$name" ]] || fail "$2: $binary is not the program"
  printf 'ok: %s\n' "$2"
}

refuses() {
  install "$1" "$2" && fail "$4: install.sh succeeded"
  grep -q "$3" "$work/log" || fail "$4: no message"
  grep -q '^binary=' "$work/output" && fail "$4: there is a binary"
  printf 'ok: %s\n' "$4"
}

installs "$url" 'a release is installed'
installs "$url/busy" 'a busy server is asked again'
refuses "${checksum//[0-9]/0}" "$url" 'checksum mismatch' 'another checksum is refused'
refuses "$checksum" "$url/missing" 'cannot download the binary' 'a missing release is named'

# An old curl does not know the option.
cat >"$work/bin/curl" <<CURL
#!/usr/bin/env bash
for argument in "\$@"; do
  if [[ \$argument == --retry-all-errors ]]; then
    echo 'curl: option --retry-all-errors: is unknown' >&2
    exit 2
  fi
done
exec "$(command -v curl)" "\$@"
CURL
chmod +x "$work/bin/curl"
PATH=$work/bin:$PATH
installs "$url/busy/" 'curl below 7.71 works'

# Tools that are missing are named.
if [[ $system != Windows ]]; then
  for missing in curl tar; do
    rm -rf -- "$work/few"
    mkdir "$work/few"
    for tool in bash env cat cp rm mkdir grep dirname readlink sha256sum shasum tar gzip curl; do
      [[ $tool == "$missing" ]] || ! command -v "$tool" >/dev/null || ln -s "$(command -v "$tool")" "$work/few/$tool"
    done
    PATH=$work/few refuses "$checksum" "$url" "$missing was not found" "$missing is named if it is missing"
  done
fi
