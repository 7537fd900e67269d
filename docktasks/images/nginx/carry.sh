#!/bin/sh
# Keeps what several releases built in one volume: a page that was loaded from one release finds its files while another
# release serves. Runs as root, one at a time, with the volume at /srv/carried:
#     carry add RELEASE       adds what this image built, for RELEASE; code 3 if a hashed name has other bytes elsewhere
#     carry keep RELEASE...   removes the assets that none of these releases has, the latest first; this image is the
#                             one that serves now
# The volume:
#     releases/RELEASE/{site,br}/         the hashed assets of one release: /srv/hashed of its image
#     {site,br}/                          what nginx serves of them (serving/site.conf): hard links to the same files
#     releases/RELEASE/built/{site,br}/   what one release built under names without a hash
#     built/{site,br}/                    what nginx serves of them: of each name the file of the latest release
#     deltas/HASH/PATH                    what deltas.mjs makes for the latest release, by an earlier file's hash
#     current                             a link to a copy of the image's site and configuration, for the port holder
# After an interruption the next run puts everything right: a file gets its name when it is complete. No name is ever
# replaced, but for the links built and current, each at once with all that is behind it. The commands are BusyBox's.
set -eu
export LC_ALL=C
umask 022
site=/srv
built=/usr/local/share/hello-dock/built
volume=/srv/carried
scratch=$volume/.new

usage_error() {
    echo "carry: $1" >&2
    echo 'usage: carry add RELEASE | carry keep RELEASE...' >&2
    exit 2
}

# list_assets FOLDER: paths, from the folder, of the files in its trees site and br.
list_assets() {
    for tree in site br; do
        [ ! -d "$1/$tree" ] || (cd "$1" && find "$tree" -type f)
    done
}

# not_in FILE LIST: the lines of LIST that are not in FILE.
not_in() {
    awk 'in_file { names[$0]; next } !($0 in names)' in_file=1 "$1" in_file= "$2"
}

# missing_in FOLDER LIST: the paths of LIST that the folder does not have.
missing_in() {
    list_assets "$1" >"$scratch/present"
    not_in "$scratch/present" "$2"
}

# for_paths COMMAND FROM TO LIST: runs `COMMAND FROM/path... TO/folder` for the paths of LIST, up to 200 at a time.
for_paths() {
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

# refuse_other_bytes LIST: ends with code 3 if another release has a file of LIST with other bytes. An open page of that
# release would get this one's file, and a browser that has one of them keeps it for a year. Compressed copies may differ:
# they decode to the same file. A file's time is made from its content (assemble.mjs), so only files that differ in time
# or size are read.
refuse_other_bytes() {
    missing_in $volume "$1" >"$scratch/new"
    not_in "$scratch/new" "$1" | awk '
        in_all { all[$0]; next }
        /^site\// && !(/\.gz$/ && substr($0, 1, length($0) - 3) in all)
    ' in_all=1 "$scratch/all" in_all= - >"$scratch/known"
    for folder in $site/hashed $volume; do
        (cd "$folder" && tr '\n' '\0' <"$scratch/known" | xargs -0 -r stat -c '%s %Y %n') >"$scratch/stats"
        mv "$scratch/stats" "$scratch/stats${folder##*/}"
    done
    not_in "$scratch/statscarried" "$scratch/statshashed" | cut -d ' ' -f 3- | while IFS= read -r path; do
        cmp -s "$site/hashed/$path" "$volume/$path" && continue
        for other in "$volume"/releases/*; do
            [ ! -e "$other/$path" ] || echo "${path#site/} differs from release ${other##*/}" | tee -a "$scratch/refused"
        done
    done
    [ ! -e "$scratch/refused" ] || exit 3
}

# built_in LIST: the paths of LIST that the build wrote under a name without a hash (assemble.mjs), and their copies.
built_in() {
    awk '
        in_built { names[$0]; next }
        { name = $0; sub(/^(site|br)\//, "", name); plain = name; sub(/\.gz$/, "", plain) }
        name in names || plain in names
    ' in_built=1 $built in_built= "$1"
}

# unserved_of LIST TREE: the paths of LIST of whose files TREE has neither the plain nor a compressed form. Two forms of
# one name must come from one release.
unserved_of() {
    list_assets "$2" >"$scratch/present"
    awk '
        { name = $0; sub(/^(site|br)\//, "", name); plain = name; sub(/\.gz$/, "", plain) }
        in_tree { served[name]; next }
        !(name in served || plain in served)
    ' in_tree=1 "$scratch/present" in_tree= "$1"
}

add() {
    add_hashed "$1"
    add_built "$1"
}

# A release that is not recorded yet replaces no file of another here: `keep` puts the latest release first.
add_built() {
    release=$volume/releases/$1/built
    list_assets $site >"$scratch/all"
    built_in "$scratch/all" >"$scratch/built-paths"
    missing_in "$release" "$scratch/built-paths" >"$scratch/unrecorded"
    for_paths 'cp -p' $site "$scratch/copies" "$scratch/unrecorded"
    [ ! -s "$scratch/unrecorded" ] || sync -f "$scratch"
    for_paths ln "$scratch/copies" "$release" "$scratch/unrecorded"
    [ -e $volume/built ] || serve_built
    unserved_of "$scratch/built-paths" $volume/built >"$scratch/unserved"
    for_paths ln "$release" $volume/built "$scratch/unserved"
}

# serve_built RELEASE...: makes the tree that nginx serves from those of the releases, the latest first.
serve_built() {
    previous=$(readlink $volume/built || :)
    next=.built.a
    [ "$previous" != $next ] || next=.built.b
    rm -rf "${volume:?}/$next"
    mkdir "$volume/$next"
    for name; do
        release=$volume/releases/$name/built
        list_assets "$release" >"$scratch/recorded"
        unserved_of "$scratch/recorded" "$volume/$next" >"$scratch/unserved"
        for_paths ln "$release" "$volume/$next" "$scratch/unserved"
    done
    switch built "$previous" $next
}

# switch LINK PREVIOUS NEXT: makes the link name NEXT, which a rename does at once, and removes what it named.
switch() {
    ln -s "$3" "$scratch/$1"
    mv -fT "$scratch/$1" "$volume/$1"
    [ -z "$2" ] || rm -rf "${volume:?}/$2"
}

add_hashed() {
    release=$volume/releases/$1
    list_assets $site/hashed >"$scratch/all"
    missing_in "$release" "$scratch/all" >"$scratch/unrecorded"
    refuse_other_bytes "$scratch/unrecorded"
    mkdir -p "$release"
    # Copy what no release has, and write it to the disk before it gets its name: a power failure must not leave half a
    # file under that name.
    missing_in $volume "$scratch/unrecorded" >"$scratch/unknown"
    for_paths 'cp -p' $site/hashed "$scratch" "$scratch/unknown"
    [ ! -s "$scratch/unknown" ] || sync -f "$scratch"
    for_paths ln "$scratch" "$release" "$scratch/unknown"
    # Link what another release brought.
    missing_in "$release" "$scratch/unrecorded" >"$scratch/shared"
    for_paths ln $volume "$release" "$scratch/shared"
    # Serve it all.
    missing_in $volume "$scratch/all" >"$scratch/unserved"
    for_paths ln "$release" $volume "$scratch/unserved"
}

keep() {
    for release; do
        list_assets "$volume/releases/$release"
    done >"$scratch/kept"
    list_assets $volume >"$scratch/served"
    not_in "$scratch/kept" "$scratch/served" >"$scratch/unwanted"
    (cd $volume && tr '\n' '\0' <"$scratch/unwanted" | xargs -0 -r rm -f --)
    remove_empty_folders
    serve_built "$@"
    remove_other_releases "$@"
    update_current "$@"
}

# Deepest folders first. rmdir refuses folders that are not empty, and has no option to be quiet about it.
remove_empty_folders() {
    for tree in site br; do
        [ ! -d $volume/$tree ] || find $volume/$tree -depth -type d -exec rmdir {} + 2>/dev/null || :
    done
}

remove_other_releases() {
    for path in "$volume"/releases/*; do
        for release; do
            [ "$path" != "$volume/releases/$release" ] || continue 2
        done
        rm -rf "$path"
    done
}

# record_times RELEASE...: each release with the time when it began to serve. The first one begins now. A release that an
# older version has recorded has no time.
record_times() {
    echo "$1 $(date -u +%Y-%m-%dT%H:%M:%SZ)"
    shift
    for release; do
        grep -s "^$release " $volume/current/released || echo "$release"
    done
}

# Copies what the port holder needs to serve in this container's place. The copy is made next to the one in use, and a
# rename puts it in use: one is always complete.
update_current() {
    previous=$(readlink $volume/current || :)
    next=.current.a
    [ "$previous" != $next ] || next=.current.b
    copy=$volume/$next
    rm -rf "${copy:?}"
    mkdir "$copy"
    cp -pR /etc/nginx "$copy/nginx"
    for part in site br hashed run; do
        [ ! -e "$site/$part" ] || cp -pR "$site/$part" "$copy"
    done
    cp -p /docker-entrypoint.d/30-hello-dock-env.sh "$copy/env.sh"
    cp -p /docker-entrypoint.d/31-hello-dock-api.sh "$copy/api.sh"
    cp -p /docker-entrypoint.d/33-hello-dock-workers.sh "$copy/workers.sh"
    cp -p /usr/local/bin/hold "$copy/hold.sh"
    cp -p /usr/local/share/hello-dock/deltas.mjs "$copy"
    printf '%s' "${HELLO_DOCK_ENV:-}" >"$copy/environment"
    record_times "$@" >"$copy/released"
    printf '%s' "${HELLO_DOCK_CONNECT:-}" >"$copy/connect"
    printf '%s' "${HELLO_DOCK_API:-}" >"$copy/api"
    printf '%s' "${HELLO_DOCK_PROXIES:-}" >"$copy/proxies"
    # Names this run of a release. It is there when everything was done for the run.
    printf '%s' "${HELLO_DOCK_RUN:-}" >"$copy/run-id"
    # The port holder serves the same paths from another root: the release's own, and the assets of other releases.
    ln -s $volume "$copy/carried"
    sed -i "s|^ *root /srv;|root $volume/current;|" "$copy/nginx/serving/site.conf"
    switch current "$previous" $next
}

verb=${1:-}
case $verb in
add) [ $# = 2 ] || usage_error 'add takes one release' ;;
keep) [ $# -ge 2 ] || usage_error 'keep takes at least one release, because it removes all others' ;;
*) usage_error "there is no verb '$verb'" ;;
esac
shift
for release; do
    case $release in
    '' | .* | */*) usage_error "'$release' is no name of a release" ;;
    esac
done
# nginx does not serve hidden folders. What an interrupted run left in this one is of no use.
rm -rf $scratch
trap 'rm -rf $scratch' EXIT
mkdir -p $volume/releases $scratch
"$verb" "$@"
