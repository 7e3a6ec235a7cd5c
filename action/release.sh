#!/usr/bin/env bash
# The last steps of a release, when all packages are published:
#
#   release.sh commit  Write the checksums of the archives to action/checksums.txt, commit, and push the tag of the version.
#   release.sh move    Move the tag of the major version to it, when the release is public.
#
# The commit is on no branch: main keeps an empty list, and a checkout of it builds from source.
set -euo pipefail

cd "$(dirname -- "${BASH_SOURCE[0]}")/.."

fail() {
  printf '::error title=release::%s\n' "$1"
  exit 1
}

[[ $VERSION =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || fail "invalid version: $VERSION"
tag=v$VERSION
major=v${VERSION%%.*}
remote=$GITHUB_SERVER_URL/$GITHUB_REPOSITORY.git

# Arguments of programs are visible to every process on the machine, the environment is not.
authorization=$(printf 'x-access-token:%s' "$GH_TOKEN" | base64 | tr -d '\n')
export GIT_CONFIG_COUNT=1
export GIT_CONFIG_KEY_0="http.$GITHUB_SERVER_URL/.extraheader"
export GIT_CONFIG_VALUE_0="AUTHORIZATION: basic $authorization"

commit() {
  # Lines of `<sha256>  <version>  <file>`.
  while read -r sha256 file; do
    if [[ $file == hyperframes-ci-*.tar.gz ]]; then
      printf '%s  %s  %s\n' "$sha256" "$VERSION" "$file"
    fi
  done <dist/SHA256SUMS >checksums.new
  [[ -s checksums.new ]] || fail 'dist/SHA256SUMS lists no archives'

  if git fetch --quiet --force --depth 1 "$remote" "refs/tags/$tag:refs/tags/$tag" 2>/dev/null; then
    git show "$tag:action/checksums.txt" | grep -v '^#' | cmp --silent - checksums.new ||
      fail "$tag exists with different files; release a new version"
    rm checksums.new
    echo "already tagged: $tag"
    return
  fi

  cat checksums.new >>action/checksums.txt
  rm checksums.new
  git config user.name 'github-actions[bot]'
  git config user.email '41898282+github-actions[bot]@users.noreply.github.com'
  git add action/checksums.txt CHANGELOG.md
  git commit --quiet --message "release: $tag"
  git tag "$tag"
  git push --quiet "$remote" "refs/tags/$tag"
}

move() {
  git fetch --quiet --force --depth 1 "$remote" "refs/tags/$tag:refs/tags/$tag"
  git tag --force "$major" "$tag^{commit}" >/dev/null
  git push --quiet --force "$remote" "refs/tags/$major"
}

case ${1:-} in
  commit | move) "$1" ;;
  *) fail 'usage: release.sh commit|move' ;;
esac
