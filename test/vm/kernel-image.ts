import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** Offsets in the header of a kernel (Documentation/arch/x86/boot.rst). */
const header = { setupSectors: 0x1f1, payloadOffset: 0x248, payloadLength: 0x24c } as const;
const sector = 512;
/** The first bytes of an xz stream, which is how Debian compresses its kernels. */
const xzMagic = "fd377a585a00";

/**
 * The kernel out of an image that unpacks itself, beside it; QEMU enters it by its PVH note. In
 * emulation the image would take some ten seconds for that. An image that is packed otherwise stays
 * as it is.
 */
export function unpackedImage(image: string): string {
  const unpacked = join(dirname(image), basename(image).replace("vmlinuz", "vmlinux"));
  if (existsSync(unpacked)) return unpacked;
  const bytes = readFileSync(image);
  const start = ((bytes[header.setupSectors] ?? 0) + 1) * sector + bytes.readUInt32LE(header.payloadOffset);
  const payload = bytes.subarray(start, start + bytes.readUInt32LE(header.payloadLength));
  if (payload.subarray(0, xzMagic.length / 2).toString("hex") !== xzMagic) return image;
  // Behind the stream stands the length of what is in it.
  const kernel = execFileSync("xz", ["--decompress", "--single-stream", "--stdout"], {
    input: payload,
    maxBuffer: 2 ** 29,
    stdio: ["pipe", "pipe", "inherit"],
  });
  writeFileSync(`${unpacked}.part`, kernel);
  // Last, so that what was interrupted is not taken for a whole kernel.
  renameSync(`${unpacked}.part`, unpacked);
  return unpacked;
}
