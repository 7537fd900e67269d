#!/bin/busybox sh
# Gathers in /image the root of a stand-in base image, Alpine-like on purpose: a busybox userland, no bash, no package
# manager, and of Debian only what is named here. Runs inside the unpacked Debian root, in both Dockerfiles:
#     root.sh USER ID HOME SHELL PROGRAM
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

# The dynamic loader itself tells which libraries the program takes, and where it is: the same on amd64 and arm64. A native
# npm module may ask for glibc's other parts, too, which lie beside libc.
libraries=$(LD_TRACE_LOADED_OBJECTS=1 "$program" | grep -o '/[^ ]*')
libc=$(echo "$libraries" | grep '/libc[.]so')
for part in anl.so.1 dl.so.2 m.so.6 pthread.so.0 resolv.so.2 rt.so.1 util.so.1; do
    libraries="$libraries ${libc%c.so*}$part"
done
for library in $libraries; do
    mkdir -p ".${library%/*}"
    cp -L "$library" ".$library"
done
