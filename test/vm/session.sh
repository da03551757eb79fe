# In the guest, over the host's file system: what is the same for tests and for the shell.
# The host wrote settings.sh and job.sh, which says what to run.
cd /run/vm || exit
. ./settings.sh

# The kernel's modules are not those of the host.
mkdir -p "/lib/modules/$VM_RELEASE"
mount --bind "$VM_MODULES" "/lib/modules/$VM_RELEASE"

busybox ip link set lo up
busybox ip link set eth0 up
busybox ip address add 10.0.2.15/24 dev eth0
busybox ip route add default via 10.0.2.2
if [ -n "${VM_LINK_ADDRESS:-}" ]; then
  busybox ip link set eth1 up
  busybox ip address add "$VM_LINK_ADDRESS" dev eth1
fi

modprobe --all usbmon xhci_pci ehci_pci uhci_hcd

cut -d' ' -f1 /proc/uptime >started
if [ "$VM_INTERACTIVE" = yes ]; then
  setsid -c -w sh ./job.sh
else
  stty -opost
  # Through a pipe, so that it is no terminal.
  sh ./job.sh </dev/null 2>&1 | cat
fi
cut -d' ' -f1 /proc/uptime >finished
sync
busybox poweroff -f
