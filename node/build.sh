#!/bin/sh
# Builds the app, in its folder: build npm run build. While the result is compressed (nginx/assemble.mjs), it is looked at
# whether the build left node_modules as it was installed; what comes too late for that is done before the next build.
set -eu
"$@"
sh "$(dirname "$0")/install.sh" "$1" '' built &
