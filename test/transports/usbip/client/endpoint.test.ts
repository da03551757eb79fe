import { describe, expect, it } from "vitest";
import { statusOf, type Submission } from "rx-isoch";
import { counterProtocol } from "rx-isoch/transports/virtual";
import { errno } from "../../../../transports/usbip/protocol/index.js";
import { done, type Sent } from "../../../support/raw-port.js";
import type { Peer } from "./scripted-server.js";
import { arrival, codeOf, scriptedPort, until } from "./setup.js";

const isoAsap = 0x0002;

/** The transfers with the server, once there are so many. */
async function submitsOf(peer: Peer, count: number) {
  await until(() => peer.submits.length >= count);
  await arrival();
  expect(peer.submits).toHaveLength(count);
  return peer.submits;
}

async function unlinksOf(peer: Peer, count: number) {
  await until(() => peer.unlinks.length >= count);
  return peer.unlinks;
}

function words({ statuses }: Submission): string[] {
  return Array.from(statuses, statusOf);
}

describe("what is submitted", () => {
  it("goes out at once, without waiting for a reply, as soon as possible and in order", async () => {
    const { peer, port } = await scriptedPort();
    for (const lengths of [[10, 0, 3072], [5], [6, 7]]) port.submit({ lengths });
    const [first, ...others] = await submitsOf(peer, 3);
    expect(first).toMatchObject({ direction: "in", endpoint: 1, length: 3082, packetCount: 3, interval: 1 });
    expect(first?.packets).toMatchObject({
      offsets: Uint32Array.of(0, 10, 10),
      lengths: Uint32Array.of(10, 0, 3072),
    });
    expect([first, ...others].every((command) => ((command?.flags ?? 0) & isoAsap) !== 0)).toBe(true);
    expect(others.map(({ packets }) => [...(packets?.lengths ?? [])])).toStrictEqual([[5], [6, 7]]);
  });

  it("OUT carries its bytes", async () => {
    const { peer, port } = await scriptedPort(counterProtocol.outEndpoint);
    const sent = port.submit({ lengths: [3, 2], buffer: Uint8Array.of(1, 2, 3, 4, 5) });
    const [command] = await submitsOf(peer, 1);
    if (command === undefined) throw new Error("nothing was submitted");
    expect([...command.data]).toStrictEqual([1, 2, 3, 4, 5]);
    peer.reply(command, { startFrame: 70 });
    const { actual, firstFrame } = await sent.completion;
    expect({ actual: [...actual], firstFrame }).toStrictEqual({ actual: [3, 2], firstFrame: 70 });
  });

  it("is cut up where a server would not take it at once, and put together again", async () => {
    const { peer, port } = await scriptedPort();
    const sent = port.submit({ lengths: 4, frames: 2500 });
    const submits = await submitsOf(peer, 3);
    expect(submits.map(({ packetCount }) => packetCount)).toStrictEqual([1024, 1024, 452]);
    let startFrame = 1000;
    for (const command of submits) {
      peer.reply(command, { startFrame });
      startFrame += command.packetCount;
    }
    const { firstFrame, buffer, actual } = await sent.completion;
    expect(firstFrame).toBe(1000);
    expect([buffer[0], buffer[4 * 1024], buffer[4 * 2048 + 4]]).toStrictEqual([1, 1, 2]);
    expect(actual.every((moved) => moved === 4)).toBe(true);
  });

  it("is no more than half a second with the server at a time", async () => {
    const { peer, port } = await scriptedPort();
    const sent = port.submit({ lengths: 4, frames: 10_240 });
    const submits = await submitsOf(peer, 4);
    for (let i = 0; i < 10; i++) {
      const command = submits[i];
      if (command === undefined) throw new Error("nothing was submitted");
      peer.reply(command, { startFrame: 1024 * i });
      if (i < 9) await until(() => peer.submits.length === Math.min(10, 5 + i));
    }
    expect((await sent.completion).firstFrame).toBe(0);
  });
});

describe("what comes back", () => {
  it("stands where its packet does, short or not", async () => {
    const { peer, port } = await scriptedPort();
    const sent = port.submit({ lengths: [4, 4, 4, 4, 4], buffer: new Uint8Array(20).fill(0xee) });
    const [command] = await submitsOf(peer, 1);
    if (command === undefined) throw new Error("nothing was submitted");
    peer.reply(command, {
      startFrame: 9,
      actual: [4, 1, 0, 4, 2],
      statuses: [0, 0, errno.EXDEV, errno.EILSEQ, errno.EOVERFLOW],
    });
    const submission = await sent.completion;
    const at = (i: number, length: number) => [...submission.buffer.subarray(4 * i, 4 * i + length)];
    expect([at(0, 4), at(1, 1), at(3, 4), at(4, 2)]).toStrictEqual([[1, 1, 1, 1], [2], [4, 4, 4, 4], [5, 5]]);
    expect(words(submission)).toStrictEqual(["ok", "ok", "not-accessed", "crc", "data-overrun"]);
    expect(submission.nativeStatuses).toStrictEqual(Int32Array.of(0, 0, errno.EXDEV, errno.EILSEQ, errno.EOVERFLOW));
    expect(submission).toMatchObject({ firstFrame: 9, cancelled: false, error: undefined, rejected: undefined });
  });

  it("is told in the order of submission, whatever order it comes in", async () => {
    const { peer, port } = await scriptedPort();
    const sent = [0, 1, 2].map(() => port.submit({ lengths: [4] }));
    const submits = await submitsOf(peer, 3);
    for (const i of [2, 1]) peer.reply(submits[i] ?? raise(), { startFrame: 10 + i });
    await arrival();
    expect(sent.map(({ isComplete }) => isComplete)).toStrictEqual([false, false, false]);
    peer.reply(submits[0] ?? raise(), { startFrame: 10 });
    await Promise.all(sent.map(({ completion }) => completion));
    expect(sent.map(({ submission }) => submission.firstFrame)).toStrictEqual([10, 11, 12]);
  });

  it("counts frames on beyond 32 bits", async () => {
    const { peer, port } = await scriptedPort();
    const sent = [0, 1].map(() => port.submit({ lengths: [4, 4] }));
    const submits = await submitsOf(peer, 2);
    peer.reply(submits[0] ?? raise(), { startFrame: 2 ** 32 - 2 });
    peer.reply(submits[1] ?? raise(), { startFrame: 3 });
    await port.drained();
    expect(sent.map(({ submission }) => submission.firstFrame)).toStrictEqual([2 ** 32 - 2, 2 ** 32 + 3]);
  });

  it("where frame numbers go back they are not told, and a start cannot be named", async () => {
    const { peer, port } = await scriptedPort();
    const sent = [0, 1, 2].map(() => port.submit({ lengths: [4, 4] }));
    const submits = await submitsOf(peer, 3);
    [8190, 0, 9000].forEach((startFrame, i) => {
      peer.reply(submits[i] ?? raise(), { startFrame });
    });
    await port.drained();
    expect(sent.map(({ submission }) => submission.firstFrame)).toStrictEqual([8190, undefined, undefined]);
    expect(await codeOf(() => port.submit({ lengths: [4], start: 20_000 }))).toBe("unsupported");
    port.submit({ lengths: [4] });
    peer.reply((await submitsOf(peer, 4))[3] ?? raise());
    await port.drained();
  });

  it.each([
    ["ENODEV", "device-gone"],
    ["ESHUTDOWN", "device-gone"],
    ["ENOSPC", "bandwidth-exceeded"],
    ["ENOMEM", "no-memory"],
    ["EPIPE", "pipe-closed"],
    ["EPROTO", "transport-failed"],
  ] as const)("with %s as a whole ends the endpoint: %s", async (name, code) => {
    const { peer, port } = await scriptedPort();
    const sent = port.submit({ lengths: [4, 4, 4] });
    const [command = raise()] = await submitsOf(peer, 1);
    const { EXDEV } = errno;
    peer.reply(command, { status: errno[name], actual: [4, 0, 0], statuses: [0, EXDEV, EXDEV] });
    const submission = await sent.completion;
    expect(submission.error).toMatchObject({ code, native: errno[name] });
    expect(words(submission)).toStrictEqual(["ok", "not-complete", "not-complete"]);
    expect([...submission.buffer.subarray(0, 4)]).toStrictEqual([1, 1, 1, 1]);
  });
});

describe("starts", () => {
  /** A port whose server has told that the bus is at frame 1000. */
  async function anchored() {
    const set = await scriptedPort();
    set.port.submit({ lengths: [4] });
    set.peer.reply((await submitsOf(set.peer, 1))[0] ?? raise(), { startFrame: 999 });
    await set.port.drained();
    set.peer.submits.length = 0;
    return set;
  }

  it("stand on the wire as they are, without URB_ISO_ASAP", async () => {
    const { peer, port } = await anchored();
    const sent = [port.submit({ lengths: [4, 4], start: 1100 }), port.submit({ lengths: [4] })];
    const [first = raise(), second = raise()] = await submitsOf(peer, 2);
    expect(first).toMatchObject({ startFrame: 1100, flags: 0x0200 });
    expect(second.flags & isoAsap).toBe(isoAsap);
    peer.reply(first, { startFrame: 1100 });
    peer.reply(second, { startFrame: 1102 });
    await port.drained();
    expect(sent.map(({ submission }) => submission.firstFrame)).toStrictEqual([1100, 1102]);
  });

  it("that are known to have passed, or to overlap, are refused at once", async () => {
    const { peer, port } = await anchored();
    expect(await codeOf(() => port.submit({ lengths: [4], start: 999 }))).toBe("start-in-past");
    port.submit({ lengths: [4, 4], start: 1100 });
    expect(await codeOf(() => port.submit({ lengths: [4], start: 1101 }))).toBe("start-overlap");
    port.submit({ lengths: [4], start: 1102 });
    for (const command of await submitsOf(peer, 2)) peer.reply(command, { startFrame: command.startFrame });
    await port.drained();
  });

  it("that a server ignores are told as it was, and no other is taken", async () => {
    const { peer, port } = await anchored();
    const sent = port.submit({ lengths: [4, 4], start: 1100 });
    peer.reply((await submitsOf(peer, 1))[0] ?? raise(), { startFrame: 1010 });
    expect(await sent.completion).toMatchObject({ firstFrame: 1010, rejected: undefined, error: undefined });
    expect(await codeOf(() => port.submit({ lengths: [4], start: 1200 }))).toBe("unsupported");
    const next = port.submit({ lengths: [4] });
    peer.reply((await submitsOf(peer, 2))[1] ?? raise(), { startFrame: 1020 });
    expect((await next.completion).firstFrame).toBe(1020);
  });

  it.each([
    ["no packet accessed", 0],
    ["no packet accessed, EXDEV as a whole", errno.EXDEV],
    ["EINVAL", errno.EINVAL],
    ["EFBIG", errno.EFBIG],
  ])("that the server cannot keep are rejected late, and the endpoint goes on: %s", async (_what, status) => {
    const { peer, port } = await anchored();
    const sent = [port.submit({ lengths: [4, 4], start: 1001 }), port.submit({ lengths: [4] })];
    const [first = raise(), second = raise()] = await submitsOf(peer, 2);
    const { EXDEV } = errno;
    peer.reply(first, { status, startFrame: 1001, actual: [0, 0], statuses: [EXDEV, EXDEV] });
    peer.reply(second, { startFrame: 1050 });
    await port.drained();
    const [refused = raise(), next = raise()] = sent.map(({ submission }) => submission);
    expect(refused.rejected).toMatchObject({ name: "InvalidRequestError", code: "start-in-past" });
    expect(refused).toMatchObject({ cancelled: false, error: undefined, firstFrame: undefined });
    expect(words(refused)).toStrictEqual(["not-complete", "not-complete"]);
    expect(next).toMatchObject({ firstFrame: 1050, rejected: undefined, error: undefined });
  });

  it("that passed in part: the packets that were late were not accessed", async () => {
    const { peer, port } = await anchored();
    const sent = port.submit({ lengths: [4, 4], start: 1001 });
    const [command = raise()] = await submitsOf(peer, 1);
    peer.reply(command, { startFrame: 1001, actual: [0, 4], statuses: [errno.EXDEV, 0] });
    const submission = await sent.completion;
    expect(words(submission)).toStrictEqual(["not-accessed", "ok"]);
    expect(submission).toMatchObject({ firstFrame: 1001, rejected: undefined });
    expect(submission.buffer[4]).toBe(2);
  });

  it("elsewhere than asked are told as they were", async () => {
    const { peer, port } = await anchored();
    const sent = port.submit({ lengths: [4], start: 1001 });
    peer.reply((await submitsOf(peer, 1))[0] ?? raise(), { startFrame: 1007 });
    expect(await sent.completion).toMatchObject({ firstFrame: 1007, rejected: undefined });
  });

  it("far ahead are held back, with all that is queued behind them", async () => {
    const { peer, port } = await anchored();
    // 5,000 microframes are 625 ms, of which the last 500 are the server's.
    const sent = [port.submit({ lengths: [4], start: 6000 }), port.submit({ lengths: [4] })];
    await arrival();
    expect(peer.submits).toStrictEqual([]);
    const [first = raise(), second = raise()] = await submitsOf(peer, 2);
    peer.reply(first, { startFrame: first.startFrame });
    peer.reply(second, { startFrame: 6001 });
    await port.drained();
    expect(sent.map(({ submission }) => submission.firstFrame)).toStrictEqual([6000, 6001]);
  });

  it("far ahead, cancelled: what was queued behind goes on", async () => {
    const { peer, port } = await anchored();
    const far = port.submit({ lengths: [4], start: 1e12 });
    port.submit({ lengths: [4] });
    port.cancel(far);
    expect(far.isComplete).toBe(false);
    peer.reply((await submitsOf(peer, 1))[0] ?? raise(), { startFrame: 1010 });
    await port.drained();
    expect(far.submission).toMatchObject({ cancelled: true, error: undefined });
  });
});

describe("unlinks", () => {
  async function cancelling(frames = 3): Promise<{ peer: Peer; sent: Sent; port: { drained(): Promise<void> } }> {
    const { peer, port } = await scriptedPort();
    const sent = port.submit({ lengths: 4, frames });
    await submitsOf(peer, 1);
    port.cancel(sent);
    port.cancel(sent);
    await unlinksOf(peer, 1);
    return { peer, sent, port };
  }

  it("that succeed leave nothing", async () => {
    const { peer, sent } = await cancelling();
    expect(peer.unlinks.map(({ target }) => target)).toStrictEqual(peer.submits.map(({ seqnum }) => seqnum));
    peer.unlinked(peer.unlinks[0] ?? raise());
    const submission = await sent.completion;
    expect(submission).toMatchObject({ cancelled: true, error: undefined, rejected: undefined });
    expect(words(submission)).toStrictEqual(["not-complete", "not-complete", "not-complete"]);
  });

  it("that cross a reply change nothing: all had moved", async () => {
    const { peer, sent } = await cancelling();
    peer.reply(peer.submits[0] ?? raise(), { startFrame: 5 });
    peer.unlinked(peer.unlinks[0] ?? raise(), 0);
    expect(await sent.completion).toMatchObject({ cancelled: false, firstFrame: 5 });
    await arrival();
    expect(peer.isClosed).toBe(false);
  });

  it("that cut a transfer short keep what had moved", async () => {
    const { peer, sent } = await cancelling();
    const { EXDEV, ECONNRESET } = errno;
    peer.reply(peer.submits[0] ?? raise(), {
      status: ECONNRESET,
      startFrame: 5,
      actual: [4, 0, 0],
      statuses: [0, EXDEV, EXDEV],
    });
    peer.unlinked(peer.unlinks[0] ?? raise(), 0);
    const submission = await sent.completion;
    expect(submission).toMatchObject({ cancelled: true, firstFrame: 5 });
    expect(words(submission)).toStrictEqual(["ok", "not-complete", "not-complete"]);
  });

  it("answered before the reply, which then comes, or does not: Linux does both", async () => {
    const { peer, sent, port } = await cancelling();
    peer.unlinked(peer.unlinks[0] ?? raise(), 0);
    expect(await sent.completion).toMatchObject({ cancelled: true });
    peer.reply(peer.submits[0] ?? raise(), { startFrame: 5 });
    await arrival();
    expect(peer.isClosed).toBe(false);
    expect(sent.submission.buffer.every((byte) => byte === 0)).toBe(true);
    await port.drained();
  });

  it("take every piece back, the last first, and forget those that were not sent", async () => {
    const { peer, port } = await scriptedPort();
    const sent = port.submit({ lengths: 4, frames: 10_240 });
    const submits = await submitsOf(peer, 4);
    port.cancel(sent);
    const unlinks = await unlinksOf(peer, 4);
    expect(unlinks.map(({ target }) => target)).toStrictEqual(submits.map(({ seqnum }) => seqnum).toReversed());
    peer.reply(submits[0] ?? raise(), { startFrame: 0 });
    for (const unlink of unlinks.slice(0, 3)) peer.unlinked(unlink);
    peer.unlinked(unlinks[3] ?? raise(), 0);
    const submission = await sent.completion;
    expect(submission).toMatchObject({ cancelled: true, firstFrame: 0 });
    expect(words(submission).lastIndexOf("ok")).toBe(1023);
    expect(peer.submits).toHaveLength(4);
  });

  it("that are not answered in time close the connection", async () => {
    const { peer, port } = await scriptedPort(counterProtocol.inEndpoint, { timeout: 50 });
    const sent = port.submit({ lengths: 4, frames: 3 });
    await submitsOf(peer, 1);
    port.cancel(sent);
    const { error } = await sent.completion;
    expect(error).toMatchObject({ code: "transport-failed" });
    await until(() => peer.isClosed);
  });
});

describe("selecting another alternate setting", () => {
  it("takes back what is in flight first, and the endpoint takes nothing any more", async () => {
    const { peer, port, server } = await scriptedPort();
    const sent = port.submit({ lengths: [4] });
    await submitsOf(peer, 1);
    const selections: number[] = [];
    server.onCommand = (_peer, command) => {
      if (command.type === "submit" && command.setup[1] === 11) selections.push(command.setup[2] ?? NaN);
      return false;
    };
    const selected = done(port.device.selectAlternate(0, 2));
    const [unlink = raise()] = await unlinksOf(peer, 1);
    expect(selections).toStrictEqual([]);
    peer.unlinked(unlink);
    await selected;
    expect(selections).toStrictEqual([2]);
    expect(sent.submission.cancelled).toBe(true);
    expect(await codeOf(() => port.submit({ lengths: [4] }))).toBe("pipe-closed");
    expect(await codeOf(() => port.device.openEndpoint(counterProtocol.inEndpoint))).toBe("not-in-alternate");
  });
});

function raise(): never {
  throw new Error("it was not submitted");
}
