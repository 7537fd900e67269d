#!/bin/sh
# Installs the app's dependencies, in the app's folder: install MANAGER PACKAGE [kept | built]
# (npm, pnpm or yarn; and what npm installs it by, as pnpm@10.1.0, or nothing where the image's own is used)
# Exactly what the lock file says, or nothing; without one, the newest that package.json allows, and a notice.
# `kept`: node_modules is there from the build before, whichever that was, and only what differs is installed.
# `built`: a build is done, and nothing is installed; whether it left node_modules alone is looked at. For BusyBox.
set -eu
manager=$1 package=$2 when=${3:-} cache=/var/cache/npm
# What the installation depended on, as noted when it was complete: none that was cut short has one.
note=node_modules/.hello-dock-installed
# The same while a build uses it.
used=$note.used

# What is in node_modules itself, whose own time changes with what Vite keeps there.
entries() { find node_modules -mindepth 1 -maxdepth 1 ! -name '.hello-dock-installed*' | sort; }

# What is below it: files, and folders, by whose time it is told what was removed. But for what npm itself keeps there,
# which must be younger than the packages' folders, or npm reads them all.
lasting() { find node_modules -mindepth 1 ! -type l ! -path node_modules/.package-lock.json "$@"; }

# Gives a build's note back where the build wrote and removed nothing, beyond what Vite, its plugins and TypeScript (by
# create-vite, in .tmp) keep there; else it is no longer what the lock file says. That takes a twentieth of a second: in
# time when the build is done, while its result is compressed (build.sh), else, where it was cut short, before the next.
returned() {
    rm -rf node_modules/.vite node_modules/.vite-temp node_modules/.cache node_modules/.tmp
    written=$(lasting -newer "$used" | head -n 1)
    if [ "$written" ] || [ "$(entries)" != "$(cat "$note.entries" 2>/dev/null)" ]; then
        rm "$used"
    else
        mv "$used" "$note"
    fi
}

if [ "$when" = built ]; then
    returned
    exit
fi

trap '[ $? = 0 ] || echo "NOT INSTALLED: $manager could not install the dependencies"' EXIT
if [ -f /tools/ca/ca.pem ]; then export NODE_EXTRA_CA_CERTS=/tools/ca/ca.pem; fi
# Corepack, which would read package.json's packageManager, is no part of Node from 25 on. The manager itself is
# nobody's to change, whatever umask the caller wants for node_modules.
if [ -n "$package" ]; then (umask 022 && npm install --global --force --cache "$cache" "$package"); fi
# Without a terminal none of them may ask.
export CI=true YARN_CACHE_FOLDER="$cache/yarn" YARN_ENABLE_GLOBAL_CACHE=false

# What the installation depends on.
identity() {
    # Node by its file: to start it for its version takes longer than all the rest here.
    echo "$manager $package $(stat -L -c '%s %Y' "$(command -v node)") $(uname -m)"
    for file in package.json *lock* npm-shrinkwrap.json .npmrc .yarnrc* pnpm-workspace.yaml patches/*; do
        if [ -f "$file" ]; then sha256sum "$file"; fi
    done
}

# All of it but package.json and its lock. Where this differs, all is installed anew: for another node or system another
# package may be the right one, or the same one may be compiled otherwise.
ground() { grep -Ev '  package(-lock)?\.json$'; }

# Everything is as old as can be then, and the note a minute younger: BusyBox tells files apart by the second.
noted() {
    entries >"$note.entries"
    lasting -exec touch -t 200001010000 {} +
    echo "$new" >"$note.new"
    touch -t 200001010001 "$note.new"
    mv "$note.new" "$used"
}

# True when the app has scripts of its own that an installation runs. What they make beside node_modules does not stay,
# so they run in each build; and they may have had a hand in what is installed, which only the same installation can
# keep.
scripted() { grep -Eq '"(pre|post)?(install|prepare|prepublish)" *:' package.json; }

# True when folders of the app are packages themselves: workspaces, or dependencies by their path. What is installed in
# those, as another version of a package, is beside node_modules and does not stay; and of what pnpm and yarn copy from
# those the lock file may not tell.
membered() {
    grep -q '"workspaces" *:' package.json || grep -Eqs '^ *packages *:' pnpm-workspace.yaml ||
        grep -Eo '"(file|link|portal):[^"]*"' package.json | grep -Eqv '\.(tgz|tar\.gz)"'
}

if [ "$when" = kept ]; then
    new=$(identity)
    if [ -f "$used" ]; then returned; fi
    if [ -f "$note" ] && ! membered; then
        was=$(cat "$note")
        same=$([ "$was" != "$new" ] || echo same)
        if [ "$same" ] && ! scripted; then
            mv "$note" "$used"
            exit
        fi
        rm "$note"
        if [ "$manager" = npm ] && [ -f package-lock.json ] && { [ "$same" ] || ! scripted; } &&
            [ "$(echo "$was" | ground)" = "$(echo "$new" | ground)" ]; then
            cp package-lock.json /tmp/lock
            # Of a lock file that it keeps to, it changes nothing; else `npm ci` below says what is wrong with it.
            if npm install --cache "$cache" --prefer-offline && cmp -s package-lock.json /tmp/lock; then
                noted
                exit
            fi
            cp /tmp/lock package-lock.json
        fi
    fi
    rm -f "$note"
    find node_modules -mindepth 1 -maxdepth 1 -exec rm -rf {} +
fi

unlocked() { echo "NOTICE: no $1: $manager install takes the newest versions that package.json allows"; }

case $manager in
pnpm)
    set -- --store-dir "$cache/pnpm"
    if [ -f pnpm-lock.yaml ]; then
        pnpm install --frozen-lockfile "$@"
    else
        unlocked pnpm-lock.yaml
        pnpm install --no-frozen-lockfile "$@"
    fi
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
    if [ -f yarn.lock ]; then
        yarn install "$exact"
    else
        unlocked yarn.lock
        yarn install "$loose"
    fi
    ;;
*)
    if [ -f package-lock.json ] || [ -f npm-shrinkwrap.json ]; then
        npm ci --cache "$cache"
    else
        unlocked package-lock.json
        npm install --cache "$cache"
    fi
    ;;
esac

if [ "$when" = kept ]; then noted; fi
