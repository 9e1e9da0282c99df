#!/bin/busybox sh
# The first process of a test's Linux guest: makes ext4 on its drive, writes files, reads them back from the drive, and
# powers off. The kernel's command line says which drive: VARVE_NBD=HOST:PORT:EXPORT for the kernel's own NBD client,
# nothing for the virtual disk. The test reads what this says on the console; should anything fail, the guest ends
# without "guest: done".
set -eu
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
exec </dev/console >/dev/console 2>&1
trap 'echo "guest: failed"; poweroff -f' EXIT

say() {
    echo "guest: $*"
}

# Waits for a file that the kernel makes.
await() {
    local tries=0
    until [ -e "$1" ]; do
        tries=$((tries + 1))
        [ $tries -lt 300 ] || { say "no $1"; return 1; }
        usleep 100000
    done
}

connect() {
    await /sys/class/net/eth0
    ip link set lo up
    ip link set eth0 up
    ip addr add 10.0.2.15/24 dev eth0
    local host=${VARVE_NBD%%:*} rest=${VARVE_NBD#*:}
    # Two connections: a flush on one must cover what was written by the other.
    nbd-client -N "${rest#*:}" -C 2 "$host" "${rest%%:*}" /dev/nbd0
}

while read -r module; do
    [ ! -e "/modules/$module.ko" ] || insmod "/modules/$module.ko"
done </modules/order
if [ -n "${VARVE_NBD:-}" ]; then
    drive=/dev/nbd0
    connect
else
    drive=/dev/vda
    await $drive
fi

mkfs.ext4 -q -F $drive
mount -t ext4 -o discard $drive /drive
seq 1 300000 >/drive/early
sync
say writing
mkdir /drive/folder
seq 1 200000 >/drive/numbers
for round in 1 2 3 4 5 6 7 8; do
    seq "$round" 3 60000 >"/drive/folder/$round"
    seq "$round" 90000 >/drive/gone
    sync
    rm /drive/gone
done
# What a backup had already is trimmed.
rm /drive/early
# Into the middle of a file, durably.
echo overwritten | dd of=/drive/numbers bs=1 seek=500000 conv=notrunc,fsync 2>/dev/null
sync
say written
echo 3 >/proc/sys/vm/drop_caches
(cd /drive && sha256sum numbers folder/*) | while read -r sum file; do
    say "sum $sum $file"
done
umount /drive
[ -z "${VARVE_NBD:-}" ] || nbd-client -d /dev/nbd0
say done
trap - EXIT
poweroff -f
