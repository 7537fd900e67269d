#!/bin/sh
# Electron in the dev container, which has no screen. A dev server that starts it, such as that of vite-plugin-electron,
# ends when it ends. https://www.electronjs.org/docs/latest/tutorial/installation
echo 'Electron opens no window in this container. Its pages are served, and lack what its preload script gives them.'
exec sleep infinity
