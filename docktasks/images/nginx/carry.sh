#!/bin/sh
# Carries this release's hashed assets over to the releases before and after it, so that a page loaded from one finds
# its files while another serves. Run as root with the volume at /srv/carried, one at a time:
#     carry add RELEASE       what this image has is served for RELEASE from now on
#     carry keep RELEASE...   what none of these releases has is not; and this image is what serves now
# The volume:
#     current                 a link to what the port holder needs to serve in this release's place (hold.sh)
#     releases/RELEASE/{site,br}/           what a release has: /srv/hashed of its image
#     {site,br}/                            what nginx serves (serving/site.conf): the same files, as hard links
# A file is linked only when it is complete, so nobody reads half of one, and a link that is there is never replaced.
# For BusyBox. Whatever moment it is interrupted at, it ends right when it is run again.
set -eu
export LC_ALL=C
umask 022
site=/srv
carried=/srv/carried
new=$carried/.new

misused() {
    echo "carry: $1" >&2
    echo 'usage: carry add RELEASE | carry keep RELEASE...' >&2
    exit 2
}

# files FOLDER: the paths of its files, from there, below the trees that it has.
files() {
    for tree in site br; do
        [ ! -d "$1/$tree" ] || (cd "$1" && find "$tree" -type f)
    done
}

# without FOLDER LIST: the paths of the list that the folder does not have.
without() {
    files "$1" >"$new/has"
    awk 'has { names[$0]; next } !($0 in names)' has=1 "$new/has" has= "$2"
}

# each COMMAND FROM TO LIST: runs `COMMAND FROM/path... TO/folder` for the paths of the list, many at a time.
each() {
    command=$1 from=$2 to=$3 list=$4 folder=
    set --
    while IFS= read -r path; do
        if [ "${path%/*}" != "$folder" ] || [ $# = 200 ]; then
            [ $# = 0 ] || $command "$@" "$to/$folder"
            folder=${path%/*}
            mkdir -p "$to/$folder"
            set --
        fi
        set -- "$@" "$from/$path"
    done <"$list"
    [ $# = 0 ] || $command "$@" "$to/$folder"
}

add() {
    release=$carried/releases/$1
    mkdir -p "$release"
    files $site/hashed >"$new/all"
    # What neither this release nor another brought before is copied...
    without "$release" "$new/all" >"$new/unrecorded"
    without $carried "$new/unrecorded" >"$new/missing"
    each 'cp -p' $site/hashed "$new" "$new/missing"
    # ...and is on the disk before it has its name: a file cut short by a power failure would never be replaced.
    [ ! -s "$new/missing" ] || sync -f "$new"
    each ln "$new" "$release" "$new/missing"
    without "$release" "$new/unrecorded" >"$new/shared"
    each ln $carried "$release" "$new/shared"
    without $carried "$new/all" >"$new/unserved"
    each ln "$release" $carried "$new/unserved"
}

keep() {
    for release; do
        files "$carried/releases/$release"
    done >"$new/kept"
    files $carried >"$new/served"
    awk 'kept { names[$0]; next } !($0 in names)' kept=1 "$new/kept" kept= "$new/served" >"$new/gone"
    (cd $carried && tr '\n' '\0' <"$new/gone" | xargs -0 -r rm -f --)
    for tree in site br; do
        # Deepest first; rmdir leaves alone what is not empty, and has no option to say nothing of it.
        [ ! -d $carried/$tree ] || find $carried/$tree -depth -type d -exec rmdir {} + 2>/dev/null || :
    done
    for path in "$carried"/releases/*; do
        for release; do
            [ "$path" != "$carried/releases/$release" ] || continue 2
        done
        rm -rf "$path"
    done
}

# This image as it is served: the site, how nginx serves it, and what the container is configured with. Made beside the
# one that is in use, and taken into use by a rename: there always is a whole one.
current() {
    before=$(readlink $carried/current || :)
    next=.current.a
    [ "$before" != $next ] || next=.current.b
    rm -rf "${carried:?}/$next"
    mkdir $carried/$next
    cp -pR /etc/nginx $carried/$next/nginx
    for part in site br hashed run; do
        [ ! -e "$site/$part" ] || cp -pR "$site/$part" $carried/$next
    done
    cp -p /docker-entrypoint.d/30-hello-dock-env.sh $carried/$next/env.sh
    cp -p /usr/local/bin/hold $carried/$next/hold.sh
    printf '%s' "${HELLO_DOCK_ENV:-}" >$carried/$next/environment
    printf '%s' "${HELLO_DOCK_CONNECT:-}" >$carried/$next/connect
    # Which run of a release this is: when it stands here, all was done for it.
    printf '%s' "${HELLO_DOCK_RUN:-}" >$carried/$next/run-id
    # The same paths, from another root.
    sed -i "s|^ *root /srv;|root $carried/current;|" $carried/$next/nginx/serving/site.conf
    ln -s $next "$new/current"
    mv -fT "$new/current" $carried/current
    [ -z "$before" ] || rm -rf "${carried:?}/$before"
}

verb=${1:-}
case $verb in
add) [ $# = 2 ] || misused 'add takes one release' ;;
keep) [ $# -ge 2 ] || misused 'keep takes at least one release: without one it would remove them all' ;;
*) misused "no such verb: '$verb'" ;;
esac
shift
for release; do
    case $release in
    '' | .* | */*) misused "no name of a release: '$release'" ;;
    esac
done
# What an interrupted run has left is of no use; what this one makes is hidden from nginx, and gone with it.
rm -rf $new
trap 'rm -rf $new' EXIT
mkdir -p $carried/releases $new
"$verb" "$@"
[ "$verb" = add ] || current
