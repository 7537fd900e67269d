#!/bin/sh
# Lets nginx pass the requests below a prefix on to an API (serving/api.conf). The base image's entrypoint runs this
# before nginx. The addresses come with the container and not with the image: they differ from machine to machine.
#     HELLO_DOCK_API     a prefix and an address each, separated by spaces: /api=http://api:8000 /ws=https://ws.example
#     HELLO_DOCK_DRAIN   after how many seconds a release that ends closes connections that are still open: a WebSocket
#                        never ends by itself
set -euf
folder=/tmp/api
authorities=/etc/ssl/certs/ca-certificates.crt
rm -rf $folder
[ -n "${HELLO_DOCK_API:-}" ] || exit 0
case $HELLO_DOCK_API${HELLO_DOCK_DRAIN:-} in
*[!][A-Za-z0-9:/.\ =_~-]*)
    echo "HELLO_DOCK_API is no list such as /api=http://api:8000: $HELLO_DOCK_API" >&2
    exit 1
    ;;
esac
mkdir $folder

# nginx asks DNS only, so a name of /etc/hosts, such as host.docker.internal, becomes its address here.
address_in_hosts() {
    awk -v name="$1" '$1 ~ /^[0-9.]+$/ { for (i = 2; i <= NF; i++) if ($i == name) { print $1; exit } }' /etc/hosts
}

# location PREFIX ADDRESS: what serves the prefix and all below it.
locations() {
    authority=${2#*://} host='' name=\$http_host refusal=''
    case $authority in
    \[*) ;;
    *) host=${authority%%:*} ;;
    esac
    address=$(address_in_hosts "$host")
    if [ "${2%%://*}" = https ]; then
        name=$authority
        [ -r $authorities ] || refusal='return 502;'
    fi
    for match in "= $1" "^~ $1/"; do
        echo "location $match {
    set \$api_address ${2%%://*}://${address:-$host}${authority#"$host"};
    set \$api_origin $2;
    set \$api_host $name;
    set \$api_name \"$host\";
    $refusal
    if (\$api_stream) {
        return 418;
    }
    include serving/api-location.conf;
}"
    done
}

# Docker's DNS server in a network of its own, the machine's in the default network, the cluster's in Kubernetes. A
# container that starts again has another address, so an answer counts for a second. Default: as long as the server
# says, with Docker ten minutes. https://nginx.org/en/docs/http/ngx_http_core_module.html#resolver
servers=$(awk '$1 == "nameserver" && $2 !~ /%/ { print $2 ~ /:/ ? "[" $2 "]" : $2 }' /etc/resolv.conf)
[ -z "$servers" ] || echo "resolver $(echo "$servers" | tr '\n' ' ')valid=1s;" >$folder/http.conf
# The certificate of an API is checked. Without authorities no request is passed on to it. Default: off.
case $HELLO_DOCK_API in
*=https:*)
    if [ -r $authorities ]; then
        echo "proxy_ssl_verify on; proxy_ssl_verify_depth 5; proxy_ssl_trusted_certificate $authorities;" >>$folder/http.conf
    else
        echo "An API on https is not reached: the image has no $authorities, by which nginx checks its certificate." >&2
    fi
    ;;
esac
echo 'include serving/api-stream.conf;' >$folder/locations.conf
prefixes=''
for entry in $HELLO_DOCK_API; do
    prefix=${entry%%=*} prefixes="$prefixes ${entry%%=*}"
    printf '"~^%s(?:/|$)" %s;\n' "$(echo "$prefix" | sed 's/\./\\\\./g')" "$prefix" >>$folder/prefixes.conf
    locations "$prefix" "${entry#*=}" >>$folder/locations.conf
done
# shellcheck disable=SC2016 # the variable is nginx's
printf 'map "" $health_api { default "The API answers below:%s\\n"; }\n' "$prefixes" >$folder/health.conf
[ -z "${HELLO_DOCK_DRAIN:-}" ] || echo "worker_shutdown_timeout ${HELLO_DOCK_DRAIN}s;" >$folder/main.conf
