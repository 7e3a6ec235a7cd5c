#!/usr/bin/env bash
# Writes the checksums of the release's binaries into action/checksums.txt, commits that, and tags the commit: the version
# and the moving major. The commit is on no branch: main keeps an empty list, and a checkout of it builds from source.
set -euo pipefail

cd "$(dirname -- "${BASH_SOURCE[0]}")/.."
[[ $VERSION =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || { echo "VERSION is no version" >&2; exit 2; }

(cd dist && sha256sum -- hyperframes-ci-*.tar.gz >SHA256SUMS)
while read -r sha256 file; do
  printf '%s  %s  %s\n' "$sha256" "$VERSION" "$file"
done <dist/SHA256SUMS >>action/checksums.txt

git config user.name 'github-actions[bot]'
git config user.email '41898282+github-actions[bot]@users.noreply.github.com'
git add action/checksums.txt
git commit --quiet --message "release: v$VERSION"
git tag "v$VERSION"
git tag --force "v${VERSION%%.*}"
remote="https://x-access-token:$GH_TOKEN@${GITHUB_SERVER_URL#https://}/$GITHUB_REPOSITORY.git"
git push --quiet "$remote" "refs/tags/v$VERSION"
git push --quiet --force "$remote" "refs/tags/v${VERSION%%.*}"
