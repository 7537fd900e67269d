#!/bin/sh
# Runs in the port holder, from the volume: serves the current release when no release container listens. When the
# engine starts, Docker may start a release before its port holder, which fails, and leave it stopped:
# https://github.com/moby/moby/issues/11777. After three seconds without a listener, nginx serves here, from the copy
# that carry.sh made. When a release listens again, it answers its open requests and stops.
set -u
current=/srv/carried/current
wait_s=3
pid=''

# The inodes of the sockets that listen on port 80 (hexadecimal 0050; state 0A is LISTEN) in this network.
listening_sockets() {
    awk '$2 ~ /:0050$/ && $4 == "0A" { print $10 }' /proc/net/tcp
}

# True when a socket listens that our nginx does not have open.
another_listens() {
    # In this order: a socket that our nginx opens between these two lines is not taken for another's.
    sockets=$(listening_sockets)
    own_files=$(ls -l "/proc/$pid/fd")
    for socket in $sockets; do
        case $own_files in
        *"socket:[$socket]"*) ;;
        *) return 0 ;;
        esac
    done
    return 1
}

serve() {
    HELLO_DOCK_ENV=$(cat $current/environment)
    HELLO_DOCK_CONNECT=$(cat $current/connect)
    HELLO_DOCK_API=$(cat $current/api)
    HELLO_DOCK_PROXIES=$(cat $current/proxies)
    export HELLO_DOCK_ENV HELLO_DOCK_CONNECT HELLO_DOCK_API HELLO_DOCK_PROXIES
    rm -f /tmp/env.js /tmp/connect.conf /tmp/proxies.conf
    sh $current/env.sh
    sh $current/api.sh
    [ ! -f $current/workers.sh ] || sh $current/workers.sh # an older release has none
    rm -rf /tmp/nginx
    cp -R $current/nginx /tmp/nginx
    # An nginx that is older than the release's does not get the directives that it does not know (assemble.mjs).
    nginx -tqc /tmp/nginx/nginx.conf 2>/dev/null ||
        find /tmp/nginx -name '*.conf' -exec sed -i '/^ *# nginx >= /,/;$/{/^ *#/!d;}' {} +
    exec nginx -c /tmp/nginx/nginx.conf -g 'daemon off;'
}

seconds_without_listener=0
while sleep 1; do
    if [ -n "$pid" ]; then
        if ! kill -0 "$pid" 2>/dev/null; then
            pid=''
        elif another_listens; then
            echo 'A release listens again: it serves from now on.'
            # Again each second, because a signal that comes before nginx has set its handlers is lost.
            while kill -QUIT "$pid" 2>/dev/null; do sleep 1; done
            pid='' seconds_without_listener=0
        fi
    elif [ -n "$(listening_sockets)" ]; then
        seconds_without_listener=0
    elif [ $((seconds_without_listener += 1)) -ge $wait_s ]; then
        echo 'No release listens: the port holder serves the current release.'
        serve &
        pid=$! seconds_without_listener=0
    fi
done
