#!/bin/sh
# Configures the app when its container starts. The base image's entrypoint runs this before nginx.
#     HELLO_DOCK_ENV       a JSON object; becomes /env.js, which sets globalThis.env. A page loads it before the app:
#                          <script src="/env.js"></script>. It replaces a file env.js of the site (serving/site.conf).
#     HELLO_DOCK_ENV_FILE  a file that has the object, such as a config or a secret of Docker Swarm. The origins in it are
#                          those of HELLO_DOCK_CONNECT, if that is empty.
#     HELLO_DOCK_CONNECT   origins, separated by spaces, that the app's scripts may call (serving/security.conf)
#     HELLO_DOCK_PROXIES   addresses and networks, separated by spaces, of trusted proxies in front (serving/proxies.conf)
set -eu
# The origins with which texts of the object begin, as app/runtime_config.py finds them for run-prod. xargs joins the lines.
origins() {
    grep -Eo '"(https?|wss?)://[^"/?#]*' "$1" |
        sed -En 's|^"([a-z]+://)([^@]*@)*([A-Za-z0-9.-]+(:[0-9]+)?)$|\1\3|p' | sort -u | xargs
}
if [ -n "${HELLO_DOCK_ENV_FILE:-}" ]; then
    HELLO_DOCK_ENV=$(cat "$HELLO_DOCK_ENV_FILE")
    HELLO_DOCK_CONNECT=${HELLO_DOCK_CONNECT:-$(origins "$HELLO_DOCK_ENV_FILE")}
fi
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
case ${HELLO_DOCK_PROXIES:-} in
'') ;;
*[!A-Fa-f0-9:/.\ ]*)
    echo "HELLO_DOCK_PROXIES is no list of addresses: $HELLO_DOCK_PROXIES" >&2
    exit 1
    ;;
*)
    # shellcheck disable=SC2016,SC2086 # the variables are nginx's; several addresses
    {
        printf 'set_real_ip_from %s;\n' $HELLO_DOCK_PROXIES
        printf 'real_ip_header X-Forwarded-For;\nreal_ip_recursive on;\n'
        echo 'geo $realip_remote_addr $is_proxy { default "";'
        printf '    %s 1;\n' $HELLO_DOCK_PROXIES
        echo '}'
    } >/tmp/proxies.conf
    ;;
esac
