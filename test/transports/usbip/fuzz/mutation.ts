import fc from "fast-check";
import type { ByteStream } from "rx-isoch/transports/usbip";

/** What becomes of a message on its way. `byte` and `word` differ from what was there. */
export type Mutation =
  | { readonly how: "byte"; readonly at: number; readonly value: number }
  | { readonly how: "word"; readonly at: number; readonly value: number }
  | { readonly how: "add"; readonly at: number; readonly by: number }
  | { readonly how: "cut"; readonly at: number }
  | { readonly how: "grow"; readonly bytes: Uint8Array }
  | { readonly how: "stop"; readonly at: number }
  | { readonly how: "twice" | "later" | "lost" };

const numbers = [0, 1, 2, 3, 4, 5, 63, 64, 65, 1024, 1025, 1_000_000, 0x10001, 0x10002];
const extremes = [0x01110003, 0x01118003, 0x01118005, 0x7fffffff, 0x80000000, 0xffffff98, 0xfffffffe, 0xffffffff];
/** Where fields are: mostly in what a message begins with. */
const field = fc.oneof({ weight: 4, arbitrary: fc.nat(11) }, { weight: 1, arbitrary: fc.nat(400) });
const place = fc.oneof({ weight: 3, arbitrary: fc.nat(47) }, { weight: 1, arbitrary: fc.nat(2000) });
const how = <H extends Mutation["how"]>(value: H) => fc.constant(value);

export const mutations: fc.Arbitrary<Mutation> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ how: how("word"), at: field, value: fc.constantFrom(...numbers, ...extremes) }),
  },
  { weight: 2, arbitrary: fc.record({ how: how("byte"), at: place, value: fc.nat(255) }) },
  { weight: 2, arbitrary: fc.record({ how: how("add"), at: field, by: fc.constantFrom(-3, -2, -1, 1, 2, 3) }) },
  { weight: 1, arbitrary: fc.record({ how: how("cut"), at: place }) },
  { weight: 1, arbitrary: fc.record({ how: how("grow"), bytes: fc.uint8Array({ minLength: 1, maxLength: 100 }) }) },
  { weight: 1, arbitrary: fc.record({ how: how("stop"), at: place }) },
  { weight: 3, arbitrary: fc.record({ how: fc.constantFrom("twice", "later", "lost") }) },
);

/** Sends messages, some of them changed, after one another or not. */
export class Mutator {
  readonly #send: (bytes: Uint8Array) => void;
  readonly #meant: Uint8Array[] = [];
  readonly #sent: Uint8Array[] = [];
  #length = 0;
  /** Where what was sent ends within a message. */
  readonly #cuts = new Set<number>();
  #isMutated = false;
  #held: Uint8Array | undefined;
  #isStopped = false;

  constructor(send: (bytes: Uint8Array) => void) {
    this.#send = send;
  }

  send(message: Uint8Array, mutation: Mutation | undefined): void {
    if (this.#isStopped) return;
    if (mutation !== undefined) this.#isMutated = true;
    this.#meant.push(message.slice());
    const held = this.#held;
    this.#held = undefined;
    const pieces = this.#pieces(message, mutation);
    for (const piece of pieces) this.#pass(piece);
    if (pieces[0] !== undefined && pieces[0].length < message.length) this.#cuts.add(this.#length);
    if (held !== undefined) this.#pass(held);
  }

  /**
   * Whether so many bytes are something else than was meant: another byte somewhere, or an end within a message that
   * was to have more.
   */
  isChanged(heard: number): boolean {
    if (!this.#isMutated || heard === 0) return false;
    const sent = Buffer.concat(this.#sent).subarray(0, heard);
    const meant = Buffer.concat(this.#meant).subarray(0, heard);
    return !sent.equals(meant) || this.#cuts.has(heard);
  }

  #pass(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#sent.push(bytes.slice());
    this.#length += bytes.length;
    this.#send(bytes);
  }

  #pieces(message: Uint8Array, mutation: Mutation | undefined): readonly Uint8Array[] {
    switch (mutation?.how) {
      case undefined:
        return [message];
      case "byte":
      case "word":
      case "add":
        return [changed(message, mutation)];
      case "cut":
        return [message.subarray(0, mutation.at % message.length)];
      case "grow":
        return [message, mutation.bytes];
      case "stop":
        this.#isStopped = true;
        return [message.subarray(0, mutation.at % message.length)];
      case "twice":
        return [message, message.slice()];
      case "later":
        this.#held = message;
        return [];
      case "lost":
        return [];
    }
  }
}

function changed(message: Uint8Array, mutation: Mutation & { readonly at: number }): Uint8Array {
  const bytes = message.slice();
  const view = new DataView(bytes.buffer);
  const at = mutation.at % bytes.length;
  const word = 4 * (mutation.at % Math.floor(bytes.length / 4));
  if (mutation.how === "word") view.setUint32(word, other(mutation.value, view.getUint32(word)));
  else if (mutation.how === "add") view.setUint32(word, view.getUint32(word) + mutation.by);
  else if (mutation.how === "byte") bytes[at] = other(mutation.value, bytes[at] ?? 0);
  return bytes;
}

/** A number that is not what was there. */
function other(value: number, before: number): number {
  return value === before ? value ^ 1 : value;
}

/** A stream that counts the bytes its owner hears, until he ends or breaks it off. */
export function counted(stream: ByteStream): { readonly stream: ByteStream; readonly heard: () => number } {
  let heard = 0;
  let isOver = false;
  const counting: ByteStream = {
    peer: stream.peer,
    open: (handler) => {
      stream.open({
        received: (bytes) => {
          if (!isOver) heard += bytes.length;
          handler.received(bytes);
        },
        ended: () => {
          handler.ended();
        },
        closed: (error) => {
          handler.closed(error);
        },
      });
    },
    write: (bytes, sent) => {
      stream.write(bytes, sent);
    },
    pause: () => {
      stream.pause();
    },
    resume: () => {
      stream.resume();
    },
    end: () => {
      isOver = true;
      stream.end();
    },
    destroy: () => {
      isOver = true;
      stream.destroy();
    },
  };
  return { stream: counting, heard: () => heard };
}
