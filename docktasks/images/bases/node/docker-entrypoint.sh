#!/bin/sh
# Like the official image's: runs a command as it is, and gives an option, or a script's name, to node.
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
