#!/bin/sh
# Copies the app's source into the working directory, as COPY would, but without packages and files that can hold a
# secret, because a layer can be exported: copy-source.sh SOURCE [linked]
# The files of Yarn's Plug'n'Play stay out, too: `yarn run` makes node load them, and they know nothing of node_modules.
#     linked   the files that can hold a secret become links, for a build that has SOURCE mounted
set -eu
source=$1 linked=${2:-}

for path in "$source"/* "$source"/.[!.]*; do
    case $path in
    */node_modules | */.pnp.* | "$source/*" | "$source/.[!.]*") ;;
    *) cp -a "$path" . ;;
    esac
done
find . -name node_modules -prune -o \( \
    -name '.env' -o -name '.env.*' -o -name '.envrc' -o -name '.npmrc' -o -name '.yarnrc' -o -name '.yarnrc.yml' \
    -o -name 'bunfig.toml' -o -name '.netrc' -o -name '_netrc' -o -name '.git-credentials' -o -name '.pgpass' \
    -o -name '.htpasswd' -o -name '.pypirc' -o -name '.sentryclirc' -o -name '.dockercfg' -o -name '.dockerconfigjson' \
    -o -name 'credentials' -o -name 'credentials.json' -o -name 'id_rsa' -o -name 'id_ed25519' -o -name '*.key' \
    -o -name '*.pem' -o -name '*.p12' -o -name '*.pfx' -o -name '*.jks' -o -name '*.keystore' \
    \) -type f -print | while read -r path; do
    rm "$path"
    if [ -n "$linked" ]; then ln -s "$source/${path#./}" "$path"; fi
done
