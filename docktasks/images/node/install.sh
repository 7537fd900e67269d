#!/bin/sh
# Installs the dependencies in the app's folder, or in the root of its workspace: install.sh MANAGER [PACKAGE [STEP]]
#     MANAGER         npm, pnpm, yarn or bun
#     PACKAGE         what npm installs the manager by, as pnpm@10.1.0; empty when the image has the manager
# STEP is one of these:
#     manager         installs only the manager
#     before-source   only what manifests.sh copies is there: leaves out what needs more of the app
#     with-source     installs what was left out, which for most apps is nothing
#     mounted         installs everything: the folder is the checkout, in which no lock file may be written
# The lock file decides what is installed. Without one it is the newest that package.json allows, with a notice.
set -eu
manager=$1 package=${2:-} step=${3:-} in_checkout=
if [ "$step" = mounted ]; then in_checkout=1; fi
# shellcheck source=/dev/null
. /tools/node/environment.sh
cache=/var/cache/npm
# npm asks the registry for packages only, and gives up in seconds when it gets no answer.
export NPM_CONFIG_AUDIT=false NPM_CONFIG_FUND=false \
    NPM_CONFIG_FETCH_RETRY_MINTIMEOUT=1000 NPM_CONFIG_FETCH_RETRY_MAXTIMEOUT=5000

# The package.json of the app, or each of its workspace.
manifests() {
    if grep -qs '"workspaces"' package.json || grep -Eqs '^ *packages *:' pnpm-workspace.yaml; then
        find . -name node_modules -prune -o -name package.json -type f -print
    else
        echo ./package.json
    fi
}

contents() {
    manifests | tr '\n' '\0' | xargs -0 cat
}

# Scripts that the manager runs when the packages are there, and that may read any file of the app; programs of packages
# in its folders, which are linked when they are there.
has_scripts() {
    contents | grep -Eq '"((post)?install|prepublish|(pre|post)?prepare)" *:' ||
        manifests | grep -v '^./package.json$' | tr '\n' '\0' | xargs -0 -r cat | grep -Eq '"bin" *:'
}

# Files of the app that are part of an installation: packages outside of a workspace, what runs before everything else.
needs_files() {
    contents | grep -Eq '[Pp]reinstall" *:|"injected" *: *true|"(file|link|portal):' ||
        contents | sed -n '/[dD]ependencies" *: *{/,/}/p' | grep -Eq '": *"\.\.?/' ||
        grep -Eqs '(file|link):' pnpm-workspace.yaml ||
        cat .yarnrc .yarnrc.yml 2>/dev/null | grep -E 'path:|yarn-?[Pp]ath|offline-mirror|\.cjs' |
        grep -Evq '\.yarn/(releases|plugins)/'
}

renamed_packages() {
    if grep -qs '"workspaces"' package.json; then
        manifests | grep -v '^\./package\.json$' | node /tools/node/renamed-packages.mjs
    fi
}

# The step with the source says it again: Docker may take this one from its cache.
notice() {
    echo "NOTICE: $1" | tee -a /tmp/notices
}

unlocked() {
    [ -n "$in_checkout" ] || notice "No $1: $manager install takes the newest versions that package.json allows"
}

# Links to the managers' settings: the secrets that the build gets, else the app's own where the source is mounted, else
# what settings.sh left of them. They are gone before the step ends.
links=
link_settings() {
    for name in .npmrc .yarnrc .yarnrc.yml bunfig.toml; do
        for path in "/run/secrets/${name#.}" "/source/$name" "/settings/$name"; do
            if [ -f "$path" ] && [ ! -e "$name" ]; then ln -s "$path" "$name" && links="$links $name"; fi
        done
    done
}

# True when settings.sh left out a secret and the build gets none.
lacks_secret() {
    for name in .npmrc .yarnrc .yarnrc.yml bunfig.toml; do
        id=${name#.}
        if [ -f "/settings/$id.incomplete" ] && [ ! -f "/run/secrets/$id" ]; then
            notice "$name has a secret. To keep the packages in a layer: --secret id=$id,src=FOLDER/$name"
            return 0
        fi
    done
    return 1
}

if [ "$step" = with-source ]; then
    if [ -f /tmp/notices ]; then cat /tmp/notices; fi
    if [ ! -f /tmp/lacks-secret ] && ! has_scripts && ! needs_files; then exit; fi
    package=
fi
# A checkout may have the files of Yarn's Plug'n'Play, which Yarn removes, because here it installs into node_modules,
# and a yarn.lock next to npm's lock file, which also `npm ci` writes again.
kept=
if [ -n "$in_checkout" ]; then
    kept=$(mktemp -d)
    for file in .pnp.* yarn.lock; do if [ -f "$file" ]; then cp -p "$file" "$kept"; fi; done
fi
end() {
    code=$?
    if [ -n "$kept" ]; then
        for file in "$kept"/.pnp.* "$kept"/yarn.lock; do
            if [ -f "$file" ] && ! cp -p "$file" .; then code=1; fi
        done
    fi
    # shellcheck disable=SC2086 # several names
    rm -f $links
    [ $code = 0 ] || echo "NOT INSTALLED: $manager could not install the dependencies"
    exit $code
}
exec 2>&1 # else that line may come before the manager's errors
trap end EXIT
if [ -f /tools/node/ca.pem ]; then export NODE_EXTRA_CA_CERTS=/tools/node/ca.pem; fi
# Node has no Corepack since version 25. Nobody but root may change the manager, whatever the caller's umask is.
if [ -n "$package" ]; then (umask 022 && npm install --global --force --cache "$cache" "$package"); fi
if [ "$step" = manager ]; then exit; fi
if [ "$step" != with-source ] && lacks_secret; then
    mkdir -p node_modules
    touch /tmp/lacks-secret
    exit
fi
link_settings
if [ "$step" = before-source ]; then
    mkdir -p node_modules
    if needs_files; then exit; fi
    if has_scripts; then
        manifests | node /tools/node/without-scripts.mjs
    fi
fi

# No manager may ask questions. Yarn keeps its downloads where npm does.
export CI=true YARN_CACHE_FOLDER="$cache/yarn" YARN_ENABLE_GLOBAL_CACHE=false
case $manager in
npm)
    if [ -n "$(ls -A node_modules 2>/dev/null)" ]; then
        # The packages are there, and only the app's scripts are to run; `npm ci` would begin with an empty folder.
        npm install --no-save --prefer-offline --cache "$cache"
    elif [ -f package-lock.json ] || [ -f npm-shrinkwrap.json ]; then
        renamed=$(renamed_packages)
        if [ -z "$renamed" ]; then
            # For each package without an address in the lock file npm asks the registry which versions there are. Its
            # earlier answers will do, unless a version is newer than they are. A second attempt says again what it says.
            if cat package-lock.json npm-shrinkwrap.json 2>/dev/null | grep -q '"resolved": "http' ||
                ! npm ci --prefer-offline --cache "$cache" >/tmp/npm-ci 2>&1; then
                npm ci --cache "$cache"
            else
                cat /tmp/npm-ci
            fi
        else
            notice "The lock file has other names for the workspace's $renamed. Write it again: npm install"
            npm install --no-save --cache "$cache"
        fi
    else
        unlocked package-lock.json
        npm install ${in_checkout:+--no-package-lock} --cache "$cache"
    fi
    ;;
pnpm)
    frozen=--frozen-lockfile
    if [ ! -f pnpm-lock.yaml ]; then unlocked pnpm-lock.yaml && frozen=${in_checkout:+--no-lockfile}; fi
    # Else scripts that run as root have the app's folder as TMPDIR: https://github.com/pnpm/pnpm/issues/9718
    # pnpm 11 takes a package.json that is older than node_modules for installed, and would not run the app's scripts.
    pnpm install "${frozen:---no-frozen-lockfile}" --store-dir "$cache/pnpm" --config.unsafe-perm=true \
        --config.optimistic-repeat-install=false
    ;;
yarn)
    # Yarn asks a registry of its own, unless the app's .yarnrc.yml names one: give it npm's, which may be a mirror.
    registry=$(npm config get registry --force --silent)
    export NPM_CONFIG_REGISTRY="$registry"
    grep -qs npmRegistryServer .yarnrc.yml || export YARN_NPM_REGISTRY_SERVER="$registry"
    case $(yarn --version) in
    1.*)
        exact=--frozen-lockfile loose=--pure-lockfile
        # Yarn 1 breaks the downloads of another installation that runs at the same time, so one of them waits:
        # https://github.com/yarnpkg/yarn/issues/683
        set -- --mutex "file:$cache/yarn-mutex"
        rm -f node_modules/.yarn-integrity # by which yarn 1 takes an installation for complete
        ;;
    *)
        exact=--immutable loose=--no-immutable
        set --
        ;;
    esac
    if [ ! -f yarn.lock ]; then unlocked yarn.lock && exact=$loose; fi
    yarn install "$exact" "$@"
    ;;
bun)
    frozen=--frozen-lockfile
    if [ ! -f bun.lock ] && [ ! -f bun.lockb ]; then unlocked bun.lock && frozen=--no-save; fi
    BUN_INSTALL_CACHE_DIR="$cache/bun" bun install "$frozen"
    ;;
esac
# The managers forgive what is optional. A step that fails is in no layer, and the next build installs again.
node /tools/node/missing-packages.mjs "$manager" "$cache"
