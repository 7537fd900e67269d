#!/bin/sh
# Configures the app when it is run, not built: HELLO_DOCK_ENV, a JSON object, becomes /env.js, which a page loads before
# the app (<script src="/env.js"></script>) and finds as globalThis.env. serving/site.conf prefers it to the site's own.
# HELLO_DOCK_CONNECT, origins with spaces between, are those that its scripts may call (serving/security.conf).
# The base image's entrypoint runs this before nginx starts: https://hub.docker.com/_/nginx
set -eu
if [ -n "${HELLO_DOCK_ENV:-}" ]; then
    printf 'globalThis.env = Object.freeze(%s);\n' "$HELLO_DOCK_ENV" >/tmp/env.js
fi
# shellcheck disable=SC2016 # $connect is nginx's
case ${HELLO_DOCK_CONNECT:-} in
'') ;;
*[!A-Za-z0-9:/.\ -]*)
    echo "HELLO_DOCK_CONNECT is no list of origins: $HELLO_DOCK_CONNECT" >&2
    exit 1
    ;;
*) printf 'map "" $connect { default " %s"; }\n' "$HELLO_DOCK_CONNECT" >/tmp/connect.conf ;;
esac
