#!/bin/sh
# Lets nginx listen elsewhere, in the network of a cluster's node (docs/fleet.md). The base image's entrypoint runs this
# before nginx, which the container then starts with `nginx -c /tmp/nginx/nginx.conf -g 'daemon off;'`.
#     HELLO_DOCK_LISTEN    the port, in place of 80
#     HELLO_DOCK_TASK      what no other container of the node has; for Docker Swarm {{.Task.ID}}
# On the port the container that is replaced may answer, too. So nginx also listens on a loopback address that only this
# container has, made from HELLO_DOCK_TASK. The health check asks there. /tmp/own-address has it.
set -eu
[ -n "${HELLO_DOCK_LISTEN:-}" ] || exit 0
case $HELLO_DOCK_LISTEN in
*[!0-9]*)
    echo "HELLO_DOCK_LISTEN is no port: $HELLO_DOCK_LISTEN" >&2
    exit 1
    ;;
esac
hash=$(printf '%s' "${HELLO_DOCK_TASK:-$(hostname)}" | md5sum)
first=$(printf '%.2s' "$hash") rest=${hash#??}
second=$(printf '%.2s' "$rest") third=$(printf '%.2s' "${rest#??}")
# Not 127.0.0.x, which others use, and no address that ends in 0 or 255.
address=127.$((0x$first % 254 + 1)).$((0x$second)).$((0x$third % 254 + 1)):$HELLO_DOCK_LISTEN
rm -rf /tmp/nginx
cp -R /etc/nginx /tmp/nginx
sed -i "s/^ *listen 80 reuseport;/    listen $HELLO_DOCK_LISTEN reuseport;\n    listen $address reuseport;/" \
    /tmp/nginx/serving/site.conf
printf '%s' "$address" >/tmp/own-address
