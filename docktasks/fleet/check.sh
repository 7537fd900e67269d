#!/bin/sh
# Runs once on each node, in the node's network, and prints what a release needs to know of it (requirements.py).
printf 'node=%s kernel=%s script=%s migrate=%s first_port=%s listening=%s\n' "$NODE" "$(uname -r)" \
    "$(ls "$SCRIPT" 2>/dev/null)" \
    "$(cat /proc/sys/net/ipv4/tcp_migrate_req 2>/dev/null)" \
    "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start 2>/dev/null)" \
    "$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk '$4 == "0A" { sub(/.*:/, "", $2); print $2 }' | sort -u | tr '\n' ,)"
