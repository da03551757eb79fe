import { describe, expect, it } from "vitest";
import { planStream } from "../../src/stream-options.js";
import type { PipeEndpoint, StreamOptions } from "../../src/index.js";
import { allCapabilities, pipeEndpoint } from "../support/fake-endpoint.js";
import { failure, thrown } from "../support/plain-error.js";

const capabilities = allCapabilities();
const plan = (options: StreamOptions = {}, endpoint: PipeEndpoint = pipeEndpoint()) =>
  planStream(options, endpoint, capabilities);

function endpointOf(frameDuration: number, maxFrameLength = 64): PipeEndpoint {
  return { ...pipeEndpoint("in", maxFrameLength), frameDuration };
}

describe("planStream, defaults", () => {
  it.each([
    [1000, 8, 250],
    [125, 64, 250],
    [62.5, 128, 250],
    [8000, 1, 250],
    [2_000_000, 1, 1],
    [4_096_000, 1, 1],
  ])("for frames of %d µs: %d frames a transfer, a ring of %d", (frameDuration, frames, ring) => {
    expect(plan({}, endpointOf(frameDuration))).toStrictEqual({
      frameLength: 64,
      frames,
      queue: 8,
      ring,
      batch: 1,
      overflow: "drop-oldest",
      start: "asap",
    });
  });

  it.each([
    ["high speed at its most", 3 * 1024, 64, 250],
    ["a transfer of 1 MiB", 8192, 64, 250],
    ["a byte more", 16_385, 63, 254],
    ["SuperSpeed at its most", 16 * 3 * 1024, 21, 260],
    ["more in a frame than in a transfer", 2 ** 20 + 1, 1, 255],
  ])("keep a transfer within 1 MiB and the ring within 256 MiB: %s", (_, maxFrameLength, frames, ring) => {
    const planned = plan({}, endpointOf(125, maxFrameLength));
    expect(planned).toMatchObject({ frameLength: maxFrameLength, frames, queue: 8, ring });
    expect(ring * frames * maxFrameLength).toBeLessThanOrEqual(2 ** 28);
  });

  it("go by the frame length that is chosen", () => {
    expect(plan({ frameLength: 1024 }, endpointOf(125, 49_152))).toMatchObject({ frames: 64, ring: 250 });
  });

  it("leave larger transfers and rings to those who ask for them", () => {
    const options = { frames: 64, ring: 1000 };
    expect(plan(options, endpointOf(125, 49_152))).toMatchObject(options);
  });

  it("keep the ring at 2 s when the frames of a transfer are chosen", () => {
    expect(plan({ frames: 100 }).ring).toBe(20);
    expect(plan({ frames: 3 }).ring).toBe(667);
    expect(plan({ frames: 4000 }).ring).toBe(1);
  });

  it("hold for options that are there and undefined", () => {
    const options: StreamOptions = {
      frameLength: undefined,
      frames: undefined,
      queue: undefined,
      ring: undefined,
      batch: undefined,
      overflow: undefined,
      start: undefined,
      pause: undefined,
    };
    expect(plan(options)).toStrictEqual(plan());
  });
});

describe("planStream", () => {
  it("takes what is given", () => {
    const options = { frameLength: 10, frames: 2, queue: 3, ring: 4, batch: 2, overflow: "error", start: 5 } as const;
    expect(plan(options)).toStrictEqual(options);
  });

  it("refuses an OUT endpoint", () => {
    expect(thrown(() => plan({}, pipeEndpoint("out")))).toStrictEqual(
      failure("EndpointError", "wrong-direction", "receiving a stream needs an IN endpoint", "0x1 is OUT"),
    );
  });

  it.each([0, 65, -1])("refuses frames of %d bytes where 1 to 64 go in", (frameLength) => {
    expect(thrown(() => plan({ frameLength }))).toStrictEqual(
      failure("InvalidRequestError", "length-out-of-range", "frameLength must be", "from 1 to 64"),
    );
  });

  it.each([
    ["frames", 0],
    ["frames", 2 ** 20 + 1],
    ["queue", 0],
    ["queue", 1025],
    ["ring", 0],
    ["batch", 0],
    ["ring", 2 ** 20 + 1],
  ])("refuses %s: %d", (name, value) => {
    expect(thrown(() => plan({ [name]: value }))).toStrictEqual(
      failure("InvalidRequestError", "invalid-number", `${name} must be a whole number from 1 to`, `not ${value}`),
    );
  });

  it("refuses a batch that the ring has no room for", () => {
    expect(plan({ ring: 4, batch: 4 })).toMatchObject({ ring: 4, batch: 4 });
    expect(thrown(() => plan({ ring: 4, batch: 5 }))).toStrictEqual(
      failure("InvalidRequestError", "invalid-number", "batch must be a whole number from 1 to 4", "not 5"),
    );
  });

  it("refuses more bytes in flight than can be", () => {
    expect(thrown(() => plan({ frames: 2 ** 20, queue: 1024 }))).toStrictEqual(
      failure("InvalidRequestError", "invalid-number", "1024 transfers of 1048576 frames of 64 bytes", "choose fewer"),
    );
    expect(plan({ frames: 2 ** 14, queue: 1024 })).toMatchObject({ frames: 2 ** 14, queue: 1024 });
  });

  it.each(["drop", "", null, 0])("refuses the overflow policy %s", (overflow) => {
    expect(thrown(() => plan({ overflow } as unknown as StreamOptions))).toStrictEqual(
      failure("InvalidRequestError", "invalid-option", "overflow must be one of error, drop-oldest, drop-newest"),
    );
  });

  it("refuses a start frame where the transport cannot start on one", () => {
    expect(
      thrown(() => planStream({ start: 1 }, pipeEndpoint(), allCapabilities({ startFrame: false }))),
    ).toStrictEqual(failure("UnsupportedError", "unsupported", "start: 'asap'"));
  });

  it("says which alternate setting has no room for anything", () => {
    expect(thrown(() => plan({}, pipeEndpoint("in", 0)))).toStrictEqual(
      failure("InvalidRequestError", "length-out-of-range", "alternate setting 1", "choose another alternate setting"),
    );
  });
});
