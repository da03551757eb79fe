import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** Compiles the C program of the bench against the libusb that the addon has in it. */
export function buildStream(root: string, target: string): void {
  const libusb = join(root, "node_modules/usb/libusb/libusb");
  const common = ["core", "descriptor", "hotplug", "io", "strerror", "sync"];
  const linux = ["events_posix", "threads_posix", "linux_usbfs", "linux_netlink"].map((name) => `os/${name}`);
  const defines = [
    "PLATFORM_POSIX=1",
    "DEFAULT_VISIBILITY=",
    "ENABLE_LOGGING=1",
    "HAVE_CLOCK_GETTIME=1",
    "HAVE_NFDS_T=1",
    "HAVE_SYS_TIME_H=1",
    "HAVE_LINUX_NETLINK_H",
    "OS_LINUX=1",
    "POLL_NFDS_TYPE=nfds_t",
    "PRINTF_FORMAT(a,b)=",
    "USBI_TIMERFD_AVAILABLE=1",
    "_GNU_SOURCE=1",
  ];
  execFileSync(
    "gcc",
    [
      ...["-O2", "-w", "-pthread", "-o", target, join(root, "test/vm/bench/stream.c")],
      ...[...common, ...linux].map((name) => join(libusb, `${name}.c`)),
      ...[join(root, "node_modules/usb/libusb_config"), libusb, join(libusb, "os")].map((path) => `-I${path}`),
      ...defines.map((define) => `-D${define}`),
    ],
    { stdio: "inherit" },
  );
}
