#!/bin/sh
# Copies the package manager's settings without their secrets, which may be in no layer: settings.sh SOURCE TARGET
# Where a secret is left out of .npmrc, a file TARGET/npmrc.incomplete says so, and an installation needs the original.
set -eu
source=$1 target=$2
# Whatever belongs to one registry, and addresses with a password. A value that is only a ${VARIABLE} is no secret.
secret='^[[:space:]]*"?//|_auth|auth(token|ident)|passw|secret|token|^[[:space:]]*(cert|email|key|otp|username)[[:space:]]*='
secret="$secret|://[^/[:space:]]*@"
variable='^([^=]*=|[[:space:]]*[A-Za-z]+:)[[:space:]]*"?\$\{[A-Za-z0-9_]+\}"?[[:space:]]*$'

mkdir -p "$target"
for name in .npmrc .yarnrc .yarnrc.yml bunfig.toml; do
    if [ ! -f "$source/$name" ]; then continue; fi
    if grep -Ev "$variable" "$source/$name" | grep -Eiq "$secret"; then
        touch "$target/${name#.}.incomplete"
        grep -Eiv "$secret" "$source/$name" >"$target/$name" || true # a file of secrets only leaves an empty one
    else
        cp "$source/$name" "$target/"
    fi
done
