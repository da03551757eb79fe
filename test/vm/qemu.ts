import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { join, relative } from "node:path";
import { pipeline } from "node:stream";
import { deviceArguments } from "./devices.js";
import { linkPrefix, linkScript, type Link } from "./link.js";
import type { Kernel } from "./requirements.js";

export interface Session {
  readonly kernel: Kernel;
  readonly initramfs: string;
  /** The directory that the guest writes to, emptied first; the guest sees it as `/run/vm`. */
  readonly share: string;
  /** The script that is the guest's first after switching roots. */
  readonly script: string;
  /** The last command of the guest's life, for a shell. Its exit status is the session's. */
  readonly job: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly interactive: boolean;
  readonly timeout: number;
  /** The fast network, where there is one. */
  readonly link: Link | undefined;
}

export interface Outcome {
  /** Exit status of the job; `undefined` if it did not come to its end. */
  readonly status: number | undefined;
  /** Why there is no status. */
  readonly failure: string;
  /** Seconds. */
  readonly total: number;
  readonly job: number;
}

const guestShare = "/run/vm";
const bootTimeout = 180_000;

/** Boots the guest, runs the job in it, and waits until QEMU is gone. */
export async function runGuest(session: Session): Promise<Outcome> {
  const { share, interactive } = session;
  rmSync(share, { recursive: true, force: true });
  mkdirSync(share, { recursive: true });
  const monitor = await bridgeTo(relative(process.cwd(), join(share, "monitor")));
  writeScripts(session, (monitor.address() as AddressInfo).port);

  const start = performance.now();
  const child = spawn("qemu-system-x86_64", qemuArguments(session), {
    cwd: share,
    // Never our own output: QEMU makes it non-blocking for everyone who has it.
    stdio: interactive ? "inherit" : ["ignore", "pipe", "inherit"],
  });
  child.stdout?.pipe(process.stdout);
  const killed: string[] = [];
  const kill = (why: string): void => {
    killed.push(why);
    child.kill("SIGKILL");
  };
  const cleanUp = (): void => void child.kill("SIGKILL");
  const exit = (): void => process.exit(143);
  process.on("exit", cleanUp).on("SIGTERM", exit).on("SIGINT", exit).on("SIGHUP", exit);
  const booting = setTimeout(() => {
    if (!existsSync(join(share, "started"))) kill(`the guest did not boot within ${bootTimeout / 1000} s`);
  }, bootTimeout);
  const hanging = setTimeout(() => {
    kill(`the guest was not done after ${session.timeout} s`);
  }, session.timeout * 1000);
  const ended = await new Promise<string>((resolve) => {
    child.once("error", ({ message }) => resolve(message)).once("close", (code) => resolve(String(code)));
  });
  clearTimeout(booting);
  clearTimeout(hanging);
  process.off("exit", cleanUp).off("SIGTERM", exit).off("SIGINT", exit).off("SIGHUP", exit);
  monitor.close();

  const total = (performance.now() - start) / 1000;
  const read = (name: string): string | undefined =>
    existsSync(join(share, name)) ? readFileSync(join(share, name), "utf8").trim() : undefined;
  const log = read("kernel.log") ?? "";
  const panic = /^.*Kernel panic.*$/m.exec(log)?.[0];
  const status = read("status");
  const failure =
    (panic && `the guest's kernel failed: ${panic}`) ??
    killed[0] ??
    (ended === "0" ? undefined : `QEMU ended with ${ended}`) ??
    (status === undefined ? "the guest went down before its job ended" : undefined);
  const tail = log.split("\n").slice(-40).join("\n");
  return {
    status: failure === undefined ? Number(status) : undefined,
    failure: failure === undefined ? "" : `${failure}\n--- the end of the kernel's log\n${tail}\n---`,
    total,
    job: Number(read("finished")) - Number(read("started")),
  };
}

function writeScripts({ kernel, share, script, job, env, interactive, link }: Session, monitorPort: number): void {
  const settings: Readonly<Record<string, string | undefined>> = {
    VM_RELEASE: kernel.release,
    VM_MODULES: kernel.modules,
    VM_INTERACTIVE: interactive ? "yes" : "no",
    VM_SHARE: guestShare,
    VM_MONITOR_PORT: String(monitorPort),
    VM_LINK_ADDRESS: link && `${link.guest}/${linkPrefix}`,
    ...env,
  };
  const lines = Object.entries(settings).flatMap(([name, value]) =>
    value === undefined ? [] : [`export ${name}=${quote(value)}\n`],
  );
  writeFileSync(join(share, "settings.sh"), lines.join(""));
  if (link !== undefined) writeFileSync(join(share, "link.sh"), linkScript(link), { mode: 0o755 });
  writeFileSync(join(share, "session.sh"), readFileSync(script));
  writeFileSync(join(share, "job.sh"), `(\n${job}\n)\necho $? >${guestShare}/status\n`);
}

/** A word of a shell command. */
export const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function qemuArguments({ kernel, initramfs, share, interactive, link }: Session): string[] {
  // An oops counts as a panic, and after a panic QEMU exits at once. Nobody attacks this kernel, and a busy
  // host makes its watchdog bark.
  const commandLine =
    "console=ttyS0 quiet loglevel=5 mitigations=off nokaslr audit=0 apparmor=0 nowatchdog oops=panic panic=-1";
  // Told of fast string instructions, kernel and libc copy byte by byte, which emulation does one at a time.
  const processor = "max,-erms,-fsrm";
  const console = interactive ? "stdio,id=console,signal=off,mux=on" : "stdio,id=console";
  return [
    ...["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"],
    ...["-machine", "pc", "-accel", "tcg,thread=multi", "-cpu", processor, "-smp", "2", "-m", "3G"],
    ...["-kernel", kernel.image, "-initrd", initramfs, "-append", commandLine],
    ...["-chardev", `file,id=log,path=${share}/kernel.log`, "-serial", "chardev:log"],
    ...["-chardev", console, "-device", "virtio-serial-pci", "-device", "virtconsole,chardev=console"],
    ...["-fsdev", "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap"],
    ...["-device", "virtio-9p-pci,fsdev=root,mount_tag=root"],
    ...["-fsdev", `local,id=share,path=${share},security_model=none`],
    ...["-device", "virtio-9p-pci,fsdev=share,mount_tag=share"],
    ...["-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile="],
    ...(link === undefined ? [] : linkArguments(link, share)),
    ...["-qmp", "unix:monitor,server=on,wait=off"],
    ...deviceArguments(share),
  ];
}

function linkArguments({ name }: Link, share: string): string[] {
  const tap = `tap,id=link,ifname=${name},script=${share}/link.sh,downscript=no`;
  return ["-netdev", tap, "-device", "virtio-net-pci,netdev=link,romfile="];
}

/** QEMU's monitor for the guest: a TCP port on this side of its network that leads to the socket. */
async function bridgeTo(path: string): Promise<Server> {
  const server = createServer((client) => {
    const monitor = connect(path);
    // Either end hangs up when it likes.
    pipeline(client, monitor, client, () => undefined);
  });
  server.unref();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}
