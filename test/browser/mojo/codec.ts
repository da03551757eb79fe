// As much of Mojo's wire format as the messages of WebUSB need: what Chromium's renderer says to its browser process.

/** The type of a field, in the order of the mojom file. */
export type FieldType =
  | "bool"
  | "u8"
  | "u16"
  | "u32"
  | "handle"
  | "string"
  | "string16"
  | "bytes"
  | "u32s"
  | "enum-union"
  | { readonly struct: Fields }
  | { readonly array: Fields };
export type Fields = Readonly<Record<string, FieldType>>;
export type Value = Readonly<Record<string, unknown>>;

interface Place {
  readonly offset: number;
  readonly bit: number;
}

const sizeOf = (type: FieldType): number => {
  if (type === "bool" || type === "u8") return 1;
  if (type === "u16") return 2;
  if (type === "u32" || type === "handle") return 4;
  return type === "enum-union" ? 16 : 8;
};
const padded = (size: number): number => Math.ceil(size / 8) * 8;

/** Each field goes into the first hole that it fits into; booleans share a byte. */
function layOut(fields: Fields): { readonly places: readonly Place[]; readonly size: number } {
  const used: boolean[] = [];
  const places: Place[] = [];
  let bits: { offset: number; next: number } | undefined;
  for (const type of Object.values(fields)) {
    if (type === "bool" && bits !== undefined && bits.next < 8) {
      places.push({ offset: bits.offset, bit: bits.next++ });
      continue;
    }
    const size = sizeOf(type);
    let offset = 0;
    while (Array.from({ length: size }, (_, i) => used[offset + i]).includes(true)) offset += Math.min(size, 8);
    for (let i = 0; i < size; i++) used[offset + i] = true;
    places.push({ offset, bit: 0 });
    if (type === "bool") bits = { offset, next: 1 };
  }
  return { places, size: padded(used.length) };
}

/** What a message consists of, behind its header. */
export class Writer {
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  struct(fields: Fields, value: Value): number {
    const { places, size } = layOut(fields);
    const at = this.#allocate(8 + size);
    this.#u32(at, 8 + size);
    // Depth first, in the order of the file: Chromium takes no other.
    Object.entries(fields).forEach(([name, type], i) => {
      const { offset, bit } = places[i] ?? { offset: 0, bit: 0 };
      this.#field(at + 8 + offset, bit, type, value[name]);
    });
    return at;
  }

  #field(at: number, bit: number, type: FieldType, value: unknown): void {
    if (type === "bool") this.#view.setUint8(at, this.#view.getUint8(at) | ((value === true ? 1 : 0) << bit));
    else if (type === "u8") this.#view.setUint8(at, Number(value));
    else if (type === "u16") this.#view.setUint16(at, Number(value), true);
    else if (type === "u32" || type === "handle") this.#u32(at, Number(value));
    else if (type === "enum-union") {
      const [tag, member] = value as [number, number];
      for (const [i, word] of [16, tag, member].entries()) this.#u32(at + 4 * i, word);
    } else if (value !== null && value !== undefined) this.#u32(at, this.#object(type, value) - at);
  }

  #object(type: FieldType, value: unknown): number {
    if (typeof type === "object") {
      if ("struct" in type) return this.struct(type.struct, value as Value);
      const elements = value as readonly Value[];
      const at = this.#array(8, elements.length);
      elements.forEach((element, i) => {
        const to = at + 8 + 8 * i;
        this.#u32(to, this.struct(type.array, element) - to);
      });
      return at;
    }
    if (type === "string16") {
      const at = this.#allocate(16);
      this.#u32(at, 16);
      const codes = Array.from(value as string, (_, i) => (value as string).charCodeAt(i));
      const to = this.#array(2, codes.length);
      this.#u32(at + 8, to - at - 8);
      codes.forEach((code, i) => {
        this.#view.setUint16(to + 8 + 2 * i, code, true);
      });
      return at;
    }
    const bytes = type === "string" ? new TextEncoder().encode(value as string) : (value as Uint8Array);
    const at = this.#array(1, bytes.length);
    this.#bytes.set(bytes, at + 8);
    return at;
  }

  #array(elementSize: number, count: number): number {
    const at = this.#allocate(8 + padded(elementSize * count));
    this.#u32(at, 8 + elementSize * count);
    this.#u32(at + 4, count);
    return at;
  }

  #allocate(size: number): number {
    const at = this.#length;
    this.#length += padded(size);
    while (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#bytes.length);
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }

  #u32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }
}

/** Reads a struct of a message that comes from Chromium itself, which is well-formed. */
export function readStruct(view: DataView, at: number, fields: Fields): Record<string, unknown> {
  const { places } = layOut(fields);
  return Object.fromEntries(
    Object.entries(fields).map(([name, type], i) => {
      const from = at + 8 + (places[i]?.offset ?? 0);
      return [name, readField(view, from, type)];
    }),
  );
}

function readField(view: DataView, at: number, type: FieldType): unknown {
  if (type === "u8") return view.getUint8(at);
  if (type === "u16") return view.getUint16(at, true);
  if (type === "u32" || type === "handle") return view.getUint32(at, true);
  const to = at + view.getUint32(at, true);
  if (typeof type === "object" && "struct" in type) return readStruct(view, to, type.struct);
  const count = view.getUint32(to + 4, true);
  if (type === "u32s") return Array.from({ length: count }, (_, i) => view.getUint32(to + 8 + 4 * i, true));
  const bytes = new Uint8Array(view.buffer, view.byteOffset + to + 8, count);
  if (type === "bytes") return bytes.slice();
  if (type === "string") return new TextDecoder().decode(bytes);
  throw new Error("nothing that Chromium asks for has such a field");
}
