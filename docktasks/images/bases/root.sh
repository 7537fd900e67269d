#!/bin/busybox sh
# Makes in /image the root of a stand-in base image. It is like Alpine on purpose: BusyBox's commands, no bash, no
# package manager. Runs in the unpacked Debian root, in both Dockerfiles:
#     root.sh USER ID HOME SHELL PROGRAM
# USER is the image's user next to root, with this ID, HOME and SHELL; PROGRAM is what the image is for.
set -eu
user=$1 id=$2 home=$3 shell=$4 program=$5
mkdir -p /image && cd /image

mkdir -p dev etc home media mnt opt proc root run srv sys tmp var/log var/tmp \
    usr/bin usr/sbin usr/lib usr/lib64 usr/local/bin usr/local/lib usr/share
chmod 0700 root
chmod 1777 tmp var/tmp
ln -s usr/bin usr/sbin usr/lib usr/lib64 .
ln -s ../run var/run

cp -a /usr/share/zoneinfo usr/share/
cp -a /usr/lib/os-release usr/lib/
ln -s ../usr/lib/os-release etc/os-release
cp -a /etc/services /etc/protocols etc/
echo 'hosts: files dns' >etc/nsswitch.conf

cat >etc/passwd <<PASSWD
root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin
$user:x:$id:$id:$user:$home:$shell
PASSWD
cat >etc/group <<GROUP
root:x:0:
tty:x:5:
nogroup:x:65533:
nobody:x:65534:
$user:x:$id:
GROUP

cp /bin/busybox usr/bin/
for applet in $(busybox --list); do
    [ "$applet" = busybox ] || ln -s busybox "usr/bin/$applet"
done

# The dynamic loader lists the libraries that the program needs, and their paths, on amd64 and on arm64. A native npm
# module may need other parts of glibc, which are next to libc.
libraries=$(LD_TRACE_LOADED_OBJECTS=1 "$program" | grep -o '/[^ ]*')
libc=$(echo "$libraries" | grep '/libc[.]so')
for part in anl.so.1 dl.so.2 m.so.6 pthread.so.0 resolv.so.2 rt.so.1 util.so.1; do
    libraries="$libraries ${libc%c.so*}$part"
done
for library in $libraries; do
    mkdir -p ".${library%/*}"
    cp -L "$library" ".$library"
done

# Which packages the files are from, a file each, as in Google's distroless images. The list of a package's files is not
# kept. nginx itself comes later.
mkdir -p var/lib/dpkg/status.d
for list in /var/lib/dpkg/status.d/*.list; do
    package=$(basename "$list" .list)
    while read -r path; do
        case $package:$path in
        "${program##*/}"*) ;;
        *) if [ ! -f "$path" ]; then continue; fi ;;
        esac
        cp "${list%.list}" var/lib/dpkg/status.d/
        break
    done <"$list"
done
