#!/bin/sh
# Builds the packages of a workspace that the app needs and whose files are not in its source, in the working directory:
#     build-siblings.sh MANAGER "[FOLDER]..."
set -eu
manager=$1
for folder in $2; do
    (cd "$folder" && "$manager" run build) || {
        echo "SIBLING NOT BUILT: $folder"
        exit 1
    }
done
