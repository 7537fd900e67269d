#!/bin/sh
# Gives nginx a worker for each core, two to four (docs/benchmarks.md). The entrypoint runs this before nginx.
set -eu
cores=$(nproc)
echo "worker_processes $((cores < 2 ? 2 : cores < 4 ? cores : 4));" >/tmp/workers.conf
