#!/bin/sh
# The editor in the container, which has none. Vite calls it for a link on its error page, with a file, a line and a
# column. `invoke dev` shows the line with the path in the checkout, and most terminals make a link of it.
# https://github.com/yyx990803/launch-editor
printf 'Wanted in the editor: %s:%s:%s\n' "$1" "${2:-1}" "${3:-1}"
