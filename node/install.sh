#!/bin/sh
# Installs the app's dependencies, in the app's folder: install MANAGER PACKAGE
# (npm, pnpm or yarn; and what npm installs it by, as pnpm@10.1.0, or nothing where the image's own is used)
# Exactly what the lock file says, or nothing; without one, the newest that package.json allows, and a notice.
set -eu
manager=$1 package=$2 cache=/var/cache/npm
if [ -f /run/secrets/ca ]; then export NODE_EXTRA_CA_CERTS=/run/secrets/ca; fi
# Corepack, which would read package.json's packageManager, is no part of Node from 25 on. The manager itself is
# nobody's to change, whatever umask the caller wants for node_modules.
if [ -n "$package" ]; then (umask 022 && npm install --global --force --cache "$cache" "$package"); fi
# Without a terminal none of them may ask.
export CI=true YARN_CACHE_FOLDER="$cache/yarn" YARN_ENABLE_GLOBAL_CACHE=false

unlocked() { echo "NOTICE: no $1: $manager install takes the newest versions that package.json allows"; }

case $manager in
pnpm)
    set -- --store-dir "$cache/pnpm"
    if [ -f pnpm-lock.yaml ]; then exec pnpm install --frozen-lockfile "$@"; fi
    unlocked pnpm-lock.yaml
    exec pnpm install --no-frozen-lockfile "$@"
    ;;
yarn)
    # Yarn has a registry of its own, which npm's is the origin of; what the app's .yarnrc.yml says stands.
    registry=$(npm config get registry)
    export NPM_CONFIG_REGISTRY="$registry"
    grep -qs npmRegistryServer .yarnrc.yml || export YARN_NPM_REGISTRY_SERVER="$registry"
    case $(yarn --version) in
    1.*) exact=--frozen-lockfile loose=--pure-lockfile ;;
    *) exact=--immutable loose=--no-immutable ;;
    esac
    if [ -f yarn.lock ]; then exec yarn install "$exact"; fi
    unlocked yarn.lock
    exec yarn install "$loose"
    ;;
*)
    if [ -f package-lock.json ] || [ -f npm-shrinkwrap.json ]; then exec npm ci --cache "$cache"; fi
    unlocked package-lock.json
    exec npm install --cache "$cache"
    ;;
esac
