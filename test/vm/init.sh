#!/bin/busybox sh
# First process of the guest: lays a writable overlay over the host's file system and moves there.
export PATH=/bin
/bin/busybox --install -s /bin

stop() {
  echo "vm: $*" >/dev/console
  poweroff -f
}

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev

while read -r file; do
  insmod "/modules/$file" || stop "cannot load $file"
done </modules/order

mkdir -p /host /tmpfs /root
mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose root /host || stop "cannot mount the host's root"
mount -t tmpfs -o mode=755 tmpfs /tmpfs
mkdir /tmpfs/upper /tmpfs/work
mount -t overlay -o lowerdir=/host,upperdir=/tmpfs/upper,workdir=/tmpfs/work overlay /root || stop "cannot mount the overlay"

for kind in proc sysfs; do mount -t $kind $kind /root/${kind%fs}; done
mount -t devtmpfs dev /root/dev
mkdir -p /root/dev/pts /root/dev/shm
mount -t devpts devpts /root/dev/pts
mount -t tmpfs tmpfs /root/dev/shm
mount -t debugfs debugfs /root/sys/kernel/debug
mount -t tmpfs -o mode=755 tmpfs /root/run
mkdir /root/run/vm
# Uncached: the host writes here too.
mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=none share /root/run/vm || stop "cannot mount the share"

exec switch_root /root /bin/sh /run/vm/session.sh </dev/hvc0 >/dev/hvc0 2>&1
