#!/bin/sh
# As in the official image: a command is run as it is; an option, or the name of a script, is meant for node.
set -e
case "$1" in
-*) ;;
*)
    if command -v "$1" >/dev/null && { [ ! -f "$1" ] || [ -x "$1" ]; }; then
        exec "$@"
    fi
    ;;
esac
exec node "$@"
