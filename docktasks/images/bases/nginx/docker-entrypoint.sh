#!/bin/sh
# As in the official image: before nginx starts, /docker-entrypoint.d has its say, in version order.
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
