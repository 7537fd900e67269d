#!/bin/sh
# Runs in the port holder, from the volume: sleeps while a release listens. Docker may leave a release stopped when the
# engine itself starts, if it tries that before the holder runs (https://github.com/moby/moby/issues/11777), and tries no
# more. So where nobody listens for three seconds, nginx serves here what the current release served, and drains when a
# release listens again.
set -u
current=/srv/carried/current
pid=''

# Sockets, by number, that listen on port 80 (0A: LISTEN) in this network.
listening() {
    awk '$2 ~ /:0050$/ && $4 == "0A" { print $10 }' /proc/net/tcp
}

others_listen() {
    sockets=$(listening) # first: one that nginx opens in between is none of theirs
    ours=$(ls -l "/proc/$pid/fd")
    for socket in $sockets; do
        case $ours in
        *"socket:[$socket]"*) ;;
        *) return 0 ;;
        esac
    done
    return 1
}

alone=0
while sleep 1; do
    if [ -n "$pid" ]; then
        if ! kill -0 "$pid" 2>/dev/null; then
            pid=''
        elif others_listen; then
            echo 'A release listens: it serves alone from now on.'
            kill -QUIT "$pid"
            wait "$pid"
            pid='' alone=0
        fi
    elif [ -n "$(listening)" ]; then
        alone=0
    elif [ $((alone += 1)) -ge 3 ]; then
        echo 'Nobody listens: what the current release served is served here.'
        (
            HELLO_DOCK_ENV=$(cat $current/environment)
            HELLO_DOCK_CONNECT=$(cat $current/connect)
            export HELLO_DOCK_ENV HELLO_DOCK_CONNECT
            rm -f /tmp/env.js /tmp/connect.conf
            sh $current/env.sh
            exec nginx -c $current/nginx/nginx.conf -g 'daemon off;'
        ) &
        pid=$! alone=0
    fi
done
