#!/bin/sh
# Builds the app, in its folder, and says so when it is done: build npm run build | node assemble.mjs …
# While the result is compressed it is looked at whether the build left node_modules as it was installed; what comes too
# late for that is done before the next build.
set -eu
"$@" >&2
echo built
sh "$(dirname "$0")/install.sh" "$1" '' built >/dev/null &
