# shellcheck shell=sh
# Exports the variables and secrets that a build gets (docktasks/app/inputs.py): . environment.sh
# Downloads and git hooks that no build of a site needs are left out; build.env can ask for them, as for each variable.
: "${CYPRESS_INSTALL_BINARY=0}" "${PUPPETEER_SKIP_DOWNLOAD=true}" "${PUPPETEER_SKIP_CHROMIUM_DOWNLOAD=true}"
: "${PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1}" "${ELECTRON_SKIP_BINARY_DOWNLOAD=1}" "${CHROMEDRIVER_SKIP_DOWNLOAD=true}"
: "${HUSKY=0}" "${HUSKY_SKIP_INSTALL=1}" "${SKIP_INSTALL_SIMPLE_GIT_HOOKS=1}" "${LEFTHOOK=0}"
export CYPRESS_INSTALL_BINARY PUPPETEER_SKIP_DOWNLOAD PUPPETEER_SKIP_CHROMIUM_DOWNLOAD
export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD ELECTRON_SKIP_BINARY_DOWNLOAD CHROMEDRIVER_SKIP_DOWNLOAD
export HUSKY HUSKY_SKIP_INSTALL SKIP_INSTALL_SIMPLE_GIT_HOOKS LEFTHOOK
: "${DO_NOT_TRACK=1}" "${NX_DAEMON=false}"
export DO_NOT_TRACK NX_DAEMON
eval "${INSTALL_ENV:-}
${BUILD_ENV:-}"
hooks=/tools/node/without-hooks.cjs # which an older Dockerfile.dev does not copy
if [ -f "$hooks" ]; then export NODE_OPTIONS="${NODE_OPTIONS:-} --require=$hooks"; fi
if [ -d /var/cache/node ]; then export NODE_COMPILE_CACHE=/var/cache/node; fi
# shellcheck source=/dev/null
if [ -f /run/secrets/environment ]; then . /run/secrets/environment; fi
# Yarn since version 2 has names of its own for the proxies.
proxy=${HTTP_PROXY:-${http_proxy:-}}
if [ -n "$proxy" ]; then export YARN_HTTP_PROXY="${YARN_HTTP_PROXY:-$proxy}"; fi
proxy=${HTTPS_PROXY:-${https_proxy:-}}
if [ -n "$proxy" ]; then export YARN_HTTPS_PROXY="${YARN_HTTPS_PROXY:-$proxy}"; fi
