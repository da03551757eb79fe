import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { unpackedImage } from "./kernel-image.js";

/** What the lab cannot run without on this machine; the message names all of it and how to get it. */
export class MissingError extends Error {
  override readonly name = "MissingError";
}

/** A kernel with its modules, unpacked and not installed. */
export interface Kernel {
  readonly release: string;
  readonly image: string;
  /** Its `/lib/modules/<release>`. */
  readonly modules: string;
}

/** The programs that the host and the guest (which sees the host's file system) need, by Debian package. */
const programs = {
  "qemu-system-x86": "qemu-system-x86_64",
  "busybox-static": "busybox",
  kmod: "depmod",
  cpio: "cpio",
  usbip: "usbip",
  "xz-utils": "xz",
  "v4l-utils": "v4l2-ctl",
  "alsa-utils": "arecord",
  tcpdump: "tcpdump",
  // What builds the addon, and the programs in C that tests compare with.
  "g++": "g++",
  make: "make",
  python3: "python3",
} as const;

const metaPackage = "linux-image-amd64";
// Where Debian puts depmod and usbip, which the PATH of an ordinary user leaves out.
const searchPath = `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`;

/** Finds what the lab needs, and installs what is missing where that is possible. */
export function prepare(cache: string): Kernel {
  process.env["PATH"] = searchPath;
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new MissingError(`the lab runs on Linux on x86-64, and this is ${process.platform} on ${process.arch}`);
  }
  const apt = new Apt();
  installPrograms(apt);
  return findKernel(cache) ?? unpackKernel(cache, apt);
}

export function findProgram(program: string): string | undefined {
  return searchPath
    .split(":")
    .map((directory) => join(directory, program))
    .find((path) => existsSync(path));
}

function installPrograms(apt: Apt): void {
  const absent = (): string[] =>
    Object.entries(programs).flatMap(([name, program]) => (findProgram(program) === undefined ? [name] : []));
  const wanted = absent();
  if (wanted.length === 0) return;
  const command = `apt-get install --no-install-recommends ${wanted.join(" ")}`;
  if (process.getuid?.() !== 0) throw new MissingError(`not installed: ${wanted.join(", ")}. As root: ${command}`);
  console.log(`vm: installing ${wanted.join(", ")}`);
  apt.run("install", "--yes", "--quiet", "--no-install-recommends", ...wanted);
  const still = absent();
  if (still.length > 0) throw new MissingError(`not installed even so: ${still.join(", ")}`);
}

function findKernel(cache: string): Kernel | undefined {
  const unpacked = join(cache, "kernel");
  const modules = join(unpacked, "lib/modules");
  if (!existsSync(modules)) return undefined;
  const [release] = readdirSync(modules);
  return release === undefined
    ? undefined
    : { release, image: unpackedImage(join(unpacked, `boot/vmlinuz-${release}`)), modules: join(modules, release) };
}

function unpackKernel(cache: string, apt: Apt): Kernel {
  const work = join(cache, "download");
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  apt.update();
  const depends = execFileSync("apt-cache", ["depends", metaPackage], { encoding: "utf8" });
  const [, versioned] = /Depends: (linux-image-\S+)/.exec(depends) ?? [];
  if (versioned === undefined) throw new MissingError(`no package ${metaPackage} in what apt knows`);
  console.log(`vm: downloading ${versioned}`);
  apt.download(versioned, work);
  const [archive] = readdirSync(work);
  if (archive === undefined) throw new MissingError(`apt-get download ${versioned} left no file`);
  const unpacked = join(work, "kernel");
  execFileSync("dpkg-deb", ["--extract", join(work, archive), unpacked]);
  const [release] = readdirSync(join(unpacked, "lib/modules"));
  execFileSync("depmod", ["--basedir", unpacked, release ?? ""]);
  // Last, so that what was interrupted is not taken for a whole kernel.
  renameSync(unpacked, join(cache, "kernel"));
  rmSync(work, { recursive: true });
  const kernel = findKernel(cache);
  if (kernel === undefined) throw new MissingError(`${versioned} holds no kernel`);
  return kernel;
}

class Apt {
  #updated = false;

  update(): void {
    if (this.#updated) return;
    this.#updated = true;
    // Without root, or without a network, what apt knows already may do.
    if (process.getuid?.() === 0) this.#spawn(["update", "--quiet", "--quiet"], ".");
  }

  run(...args: string[]): void {
    this.update();
    if (!this.#spawn(args, ".")) throw new MissingError(`failed: apt-get ${args.join(" ")}`);
  }

  download(name: string, directory: string): void {
    this.update();
    if (!this.#spawn(["download", "--quiet", name], directory)) {
      throw new MissingError(`the package ${name}: apt-get download failed`);
    }
  }

  /** Whether it succeeded. */
  #spawn(args: readonly string[], cwd: string): boolean {
    if (findProgram("apt-get") === undefined) {
      const wanted = [...Object.keys(programs), metaPackage].join(", ");
      throw new MissingError(`apt-get, to get what is missing of these Debian packages: ${wanted}`);
    }
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    return spawnSync("apt-get", args, { cwd, env, stdio: ["ignore", "ignore", "inherit"] }).status === 0;
  }
}
