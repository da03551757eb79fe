/** The most that a RIFF file counts: 32 bits. */
export const riffLimit = 2 ** 32 - 1;

/**
 * Little-endian fields one after the other: text as it is, numbers with their bits.
 * @internal
 */
export function fields(...values: readonly (string | readonly [bits: 16 | 32, value: number])[]): Uint8Array {
  const length = values.reduce((sum, value) => sum + (typeof value === "string" ? value.length : value[0] / 8), 0);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  let offset = 0;
  for (const value of values) {
    if (typeof value === "string") {
      for (let i = 0; i < value.length; i++) bytes[offset++] = value.charCodeAt(i);
    } else {
      const [bits, number] = value;
      if (bits === 16) view.setUint16(offset, number, true);
      else view.setUint32(offset, number, true);
      offset += bits / 8;
    }
  }
  return bytes;
}

/**
 * What follows data of this length, so that the next chunk begins at an even offset.
 * @internal
 */
export function padding(length: number): Uint8Array {
  return new Uint8Array(length % 2);
}
