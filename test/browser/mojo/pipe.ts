import { readStruct, Writer, type Fields, type Value } from "./codec.js";
import type { Methods } from "./messages.js";

/** A message pipe, as `MojoJS` has it. */
export interface MojoHandle {
  readMessage(): { readonly result: number; readonly buffer: ArrayBuffer; readonly handles: MojoHandle[] };
  writeMessage(buffer: ArrayBuffer, handles: readonly MojoHandle[]): number;
  watch(signals: { readonly readable?: boolean; readonly peerClosed?: boolean }, told: () => void): unknown;
}

/** What each method does; where it is to be answered, with that. */
export type Answers<M extends Methods> = Readonly<
  Record<keyof M, (asked: Value, handles: readonly MojoHandle[]) => Promise<Value> | undefined>
>;

const isAnswer = 2;

/** Answers what comes through a pipe, method by method. */
export function answer<M extends Methods>(pipe: MojoHandle, methods: M, answers: Answers<M>): void {
  const read = (): void => {
    for (let message = pipe.readMessage(); message.result === 0; message = pipe.readMessage()) {
      const view = new DataView(message.buffer);
      const id = view.getUint32(12, true);
      const [name, method] = Object.entries(methods).find(([, each]) => each.id === id) ?? [];
      if (name === undefined || method === undefined) throw new Error(`Chromium asks for what is not there: ${id}`);
      // From version 2 on, the header says where the payload is.
      const payload = view.getUint32(4, true) >= 2 ? 32 + view.getUint32(32, true) : view.getUint32(0, true);
      const { answered } = method;
      const answering = answers[name]?.(readStruct(view, payload, method.asked), message.handles);
      if (answered === undefined || answering === undefined) continue;
      void answering.then((value) => {
        send(pipe, { id, fields: answered, value, request: view.getUint32(24, true) });
      });
    }
  };
  pipe.watch({ readable: true }, read);
}

interface Message {
  readonly id: number;
  readonly fields: Fields;
  readonly value: Value;
  /** That it answers. */
  readonly request?: number;
  /** Of the interfaces that share the pipe. */
  readonly interfaceId?: number;
}

export function send(pipe: MojoHandle, { id, fields, value, request, interfaceId = 0 }: Message): void {
  const writer = new Writer();
  writer.struct(fields, value);
  const header = request === undefined ? 24 : 32;
  const message = new Uint8Array(header + writer.bytes.length);
  const view = new DataView(message.buffer);
  const words = [header, request === undefined ? 0 : 1, interfaceId, id, request === undefined ? 0 : isAnswer];
  for (const [i, word] of words.entries()) view.setUint32(4 * i, word, true);
  if (request !== undefined) view.setUint32(24, request, true);
  message.set(writer.bytes, header);
  pipe.writeMessage(message.buffer, []);
}
