#!/bin/sh
# Like the official image's: runs the scripts of /docker-entrypoint.d, in version order, before nginx starts.
set -e
say() { [ -n "${NGINX_ENTRYPOINT_QUIET_LOGS:-}" ] || echo "$0: $*"; }

case "$1" in
nginx | nginx-debug)
    find /docker-entrypoint.d/ -follow -type f | sort -V | while read -r script; do
        case "$script" in
        *.envsh | *.sh) [ -x "$script" ] || { say "$script is not executable: skipped"; continue; } ;;
        *) say "$script is no script: skipped"; continue ;;
        esac
        say "starting $script"
        # shellcheck disable=SC1090 # what it sources is known only when it runs
        case "$script" in
        *.envsh) . "$script" ;;
        *) "$script" ;;
        esac
    done
    ;;
esac
exec "$@"
