#!/bin/sh
# drain SECONDS COMMAND...   runs nginx by a command. On a signal to stop, /healthz answers 503 for so many seconds, while
# all else is served as before; only then nginx gets the signal. So the load balancer in front has stopped asking here
# before nginx stops listening. Swarm has no preStop: docs/fleet.md.
set -u
seconds=$1
shift
"$@" &
nginx=$!

drain() {
    : >/tmp/draining
    sleep "$seconds"
    kill "-$1" "$nginx"
}
trap 'drain QUIT' QUIT
trap 'drain TERM' TERM

# A signal ends `wait`, and nginx has ended only when it is gone.
while :; do
    wait "$nginx"
    code=$?
    kill -0 "$nginx" 2>/dev/null || exit $code
done
