#!/bin/sh
# Copies what an installation reads of the source, so that nothing else decides whether its layer is in the cache: the
# package.json of each package of a workspace, lock files, patches, and yarn itself: manifests.sh SOURCE TARGET
set -eu
source=$1 target=$2

copy() {
    mkdir -p "$target/${1%/*}"
    cp -R "$source/$1" "$target/${1%/*}/"
}

cd "$source"
find . \( -name node_modules -o -name .git \) -prune -o \( -name package.json -o -name '*.patch' \) -type f -print |
    while read -r path; do copy "$path"; done
for path in package-lock.json npm-shrinkwrap.json pnpm-lock.yaml pnpm-workspace.yaml .pnpmfile.cjs .pnpmfile.mjs \
    yarn.lock bun.lock bun.lockb .yarn/releases .yarn/plugins; do
    if [ -e "$path" ]; then copy "./$path"; fi
done
