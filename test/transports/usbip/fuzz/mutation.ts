import fc from "fast-check";

/** What becomes of a message on its way. */
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
  { weight: 2, arbitrary: fc.record({ how: how("add"), at: field, by: fc.integer({ min: -3, max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ how: how("cut"), at: place }) },
  { weight: 1, arbitrary: fc.record({ how: how("grow"), bytes: fc.uint8Array({ minLength: 1, maxLength: 100 }) }) },
  { weight: 1, arbitrary: fc.record({ how: how("stop"), at: place }) },
  { weight: 3, arbitrary: fc.record({ how: fc.constantFrom("twice", "later", "lost") }) },
);

/** Sends messages, some of them changed, after one another or not. */
export class Mutator {
  readonly #send: (bytes: Uint8Array) => void;
  #held: Uint8Array | undefined;
  #isStopped = false;

  constructor(send: (bytes: Uint8Array) => void) {
    this.#send = send;
  }

  send(message: Uint8Array, mutation: Mutation | undefined): void {
    if (this.#isStopped) return;
    const held = this.#held;
    this.#held = undefined;
    for (const piece of this.#pieces(message, mutation)) if (piece.length > 0) this.#send(piece);
    if (held !== undefined) this.#send(held);
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
  const word = 4 * (mutation.at % Math.floor(bytes.length / 4));
  if (mutation.how === "word") view.setUint32(word, mutation.value);
  else if (mutation.how === "add") view.setUint32(word, view.getUint32(word) + mutation.by);
  else if (mutation.how === "byte") bytes[mutation.at % bytes.length] = mutation.value;
  return bytes;
}
