#!/usr/bin/env bash
# Makes what the tests' Linux guests boot from, .build/guest/vmlinuz and .build/guest/initramfs, of the distribution's
# packages: the kernel, nbd-client and what it needs are only downloaded and unpacked, never installed.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin
scripts=$PWD/scripts
parts=$PWD/.build/guest
libraries=$parts/unpacked/lib/x86_64-linux-gnu:$parts/unpacked/usr/lib/x86_64-linux-gnu
# In the order in which they're loaded; a kernel that has one built in has no file for it.
modules=(virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk failover net_failover
    virtio_net nbd)

# Downloads and unpacks what isn't to be installed; what's there stays as it is.
unpack_packages() {
    local kernel debs deb
    [ ! -e "$parts/unpacked" ] || return 0
    debs=$(mktemp -d "$parts/debs.XXXXXX") || return
    kernel=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: *\(linux-image-[^ ]*\)$/\1/p' | head -n 1)
    (
        cd "$debs" && mkdir unpacked || exit
        apt-get -qq -o APT::Sandbox::User=root download "${kernel:-linux-image-cloud-amd64}" \
            nbd-client libnl-3-200 libnl-genl-3-200 || exit
        for deb in *.deb; do
            dpkg-deb -x "$deb" unpacked || exit
        done
        mv -T unpacked "$parts/unpacked"
    ) || { rm -rf "$debs"; return 1; }
    rm -rf "$debs"
}

# Copies a program to bin/ in the initramfs, and the libraries that it's linked with.
copy_program() {
    local library
    cp -L "$1" "$tree/bin/"
    for library in $(LD_LIBRARY_PATH=$libraries ldd "$1" 2>/dev/null | grep -o '/[^ ]*'); do
        case $library in
            */ld-linux*) cp -L "$library" "$tree/lib64/" ;;
            *) cp -L "$library" "$tree/lib/" ;;
        esac
    done
}

mkdir -p "$parts"
unpack_packages || { apt-get -qq update && unpack_packages; } || {
    echo "guest-parts: could not download the guests' kernel and nbd-client; apt-get says why above" >&2
    exit 1
}
tree=$(mktemp -d "$parts/tree.XXXXXX")
trap 'rm -rf "$tree"' EXIT
mkdir "$tree"/{bin,etc,lib,lib64,modules,dev,proc,sys,drive}
copy_program "$(command -v busybox)"
copy_program "$(command -v mkfs.ext4)"
copy_program "$parts/unpacked/sbin/nbd-client"
cp /etc/mke2fs.conf "$tree/etc/"
for module in "${modules[@]}"; do
    find "$parts/unpacked" -name "$module.ko" -exec cp {} "$tree/modules/" \;
    echo "$module" >>"$tree/modules/order"
done
install -m 755 "$scripts/guest-init.sh" "$tree/init"
(cd "$tree" && find . | busybox cpio -o -H newc 2>/dev/null) >"$tree.initramfs"
mv "$tree.initramfs" "$parts/initramfs"
cp "$parts"/unpacked/boot/vmlinuz-* "$parts/vmlinuz"
