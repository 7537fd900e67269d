#!/bin/sh
# Gives nginx a worker for each core, at most four (docs/benchmarks.md). The entrypoint runs this before nginx.
set -eu
cores=$(nproc)
echo "worker_processes $((cores < 4 ? cores : 4));" >/tmp/workers.conf
