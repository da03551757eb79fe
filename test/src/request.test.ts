import { describe, expect, it } from "vitest";
import { checkCompact, checkDirection, checkRequest, checkStart } from "../../src/request.js";
import { maxBytesPerRequest, maxFramesPerRequest, type DmaBuffer, type IsochRequest } from "../../src/index.js";
import { allCapabilities, pipeEndpoint } from "../support/fake-endpoint.js";
import { failure, thrown } from "../support/plain-error.js";

const capabilities = allCapabilities();
const input = pipeEndpoint("in");
const output = pipeEndpoint("out");
const check = (request: IsochRequest, endpoint = input) => checkRequest(request, endpoint, capabilities);
const refused = (request: unknown, endpoint = input, can = capabilities) =>
  thrown(() => checkRequest(request as IsochRequest, endpoint, can));

function dmaBuffer(size: number, offset = 0): DmaBuffer {
  return { bytes: new Uint8Array(offset + size).subarray(offset), address: 0x1000, free: () => undefined };
}

describe("checkRequest, lengths", () => {
  it("takes one length for all frames, or a list of any kind", () => {
    expect(check({ lengths: 64, frames: 2 }).lengths).toStrictEqual(Uint32Array.of(64, 64));
    for (const lengths of [[1, 64], Uint16Array.of(1, 64), { length: 2, 0: 1, 1: 64 }]) {
      expect(check({ lengths }).lengths).toStrictEqual(Uint32Array.of(1, 64));
      expect(check({ lengths, frames: 2 }).lengths).toStrictEqual(Uint32Array.of(1, 64));
    }
  });

  it("reads a list once, at the issue", () => {
    const lengths = [1, 2];
    const checked = check({ lengths });
    lengths[0] = 60;
    expect([...checked.lengths]).toStrictEqual([1, 2]);
  });

  it.each([{ lengths: [] }, { lengths: 64, frames: 0 }, { lengths: new Uint8Array(0) }])(
    "refuses no frames",
    (request) => {
      expect(refused(request)).toStrictEqual(failure("InvalidRequestError", "no-frames", "at least one frame"));
    },
  );

  it.each([0, -1, 65, 1e300, 2 ** 53])("refuses a length of %d where 1 to 64 go in", (length) => {
    const expected = failure("InvalidRequestError", "length-out-of-range", "from 1 to 64", "0x81", `not ${length}`);
    expect(refused({ lengths: length, frames: 1 })).toStrictEqual(expected);
    expect(refused({ lengths: [64, length] })).toStrictEqual(expected);
  });

  it.each([-1, 65, 1e300])("refuses a length of %d where 0 to 64 go out", (length) => {
    const expected = failure("InvalidRequestError", "length-out-of-range", "from 0 to 64", "0x1", `not ${length}`);
    expect(refused({ lengths: length, frames: 1 }, output)).toStrictEqual(expected);
    expect(refused({ lengths: [64, length] }, output)).toStrictEqual(expected);
  });

  it("takes frames of no bytes, OUT: some of them, or all", () => {
    const buffer = new Uint8Array(9);
    expect(check({ lengths: [0, 9, 0, 0], buffer }, output)).toMatchObject({
      lengths: Uint32Array.of(0, 9, 0, 0),
      buffer,
    });
    expect([...check({ lengths: 0, frames: 3 }, output).lengths]).toStrictEqual([0, 0, 0]);
  });

  it("says why frames of no bytes cannot come in", () => {
    expect(refused({ lengths: [8, 0] }).message).toContain("lengths[1] must be");
    expect(refused({ lengths: [8, 0] }).message).toContain("needs room");
    expect(refused({ lengths: [8, 65] }).message).not.toContain("no room");
  });

  it.each([0, 1])("refuses a length of %d where no packet has room for any", (length) => {
    expect(refused({ lengths: length, frames: 1 }, pipeEndpoint("out", 0))).toStrictEqual(
      failure("InvalidRequestError", "length-out-of-range", "moves no bytes", "choose another alternate setting"),
    );
  });

  it("names the length that is wrong, and the alternate setting it would have to fit", () => {
    expect(refused({ lengths: [64, 64, 65] }).message).toContain("lengths[2] must be");
    expect(refused({ lengths: [64, 64, 65] }).message).toContain("alternate setting 1");
  });

  it("refuses frames that are not the number of lengths", () => {
    expect(refused({ lengths: [1, 2], frames: 3 })).toStrictEqual(
      failure("InvalidRequestError", "length-mismatch", "frames is 3", "2 lengths"),
    );
  });

  it("refuses holes", () => {
    const sparse: number[] = [64];
    sparse[2] = 64;
    expect(refused({ lengths: sparse })).toStrictEqual(
      failure("InvalidRequestError", "invalid-number", "lengths[1]", "not undefined"),
    );
  });

  it("refuses more frames and more bytes than can be, without allocating them", () => {
    expect(refused({ lengths: 1, frames: maxFramesPerRequest + 1 })).toStrictEqual(
      failure("InvalidRequestError", "invalid-number", `${maxFramesPerRequest}`),
    );
    expect(refused({ lengths: { length: 2 ** 32 } })).toStrictEqual(failure("InvalidRequestError", "invalid-number"));
    const large = pipeEndpoint("in", 49152);
    expect(refused({ lengths: 49152, frames: maxFramesPerRequest }, large)).toStrictEqual(
      failure("InvalidRequestError", "invalid-number", `${maxBytesPerRequest} bytes at most`, "issue several"),
    );
  });

  it("refuses lengths that differ where the transport moves frames of one length only", () => {
    const uniform = allCapabilities({ lengthsPerFrame: false });
    for (const lengths of [
      [63, 64],
      [64, 63, 64],
      [64, 63, 63],
    ]) {
      expect(refused({ lengths }, input, uniform)).toStrictEqual(
        failure("UnsupportedError", "unsupported", "give every frame the same length", "lengthsPerFrame"),
      );
    }
    for (const lengths of [[64, 64], [64, 64, 63], [64]]) {
      expect([...checkRequest({ lengths }, input, uniform).lengths]).toStrictEqual(lengths);
    }
    for (const lengths of [[64, 64, 0], [0, 0], [0]]) {
      expect(refused({ lengths, buffer: new Uint8Array(lengths.length * 64) }, output, uniform)).toStrictEqual(
        failure("UnsupportedError", "unsupported", "none empty"),
      );
    }
  });
});

describe("checkRequest, buffer", () => {
  it("allocates one for IN", () => {
    expect(check({ lengths: [10, 20] }).buffer).toStrictEqual(new Uint8Array(30));
  });

  it("takes the caller's own, a Node Buffer among them", () => {
    const buffer = Buffer.from([1, 2, 3]);
    expect(check({ lengths: [1, 2], buffer }, output).buffer).toBe(buffer);
  });

  it("refuses OUT without one", () => {
    expect(refused({ lengths: [10, 20] }, output)).toStrictEqual(
      failure("InvalidRequestError", "length-mismatch", "OUT", "30 bytes"),
    );
  });

  it("needs none for OUT where there are no bytes, and takes an empty one", () => {
    expect(check({ lengths: [0, 0] }, output).buffer).toStrictEqual(new Uint8Array(0));
    const buffer = new Uint8Array(0);
    expect(check({ lengths: [0, 0], buffer }, output).buffer).toBe(buffer);
    const dma = dmaBuffer(8);
    expect(check({ lengths: 0, frames: 2, dma }, output)).toMatchObject({ dma, buffer: { byteLength: 0 } });
    expect(refused({ lengths: 0, frames: 2, buffer: new Uint8Array(1) }, output)).toStrictEqual(
      failure("InvalidRequestError", "length-mismatch", "0 bytes", "has 1"),
    );
  });

  it.each([0, 29, 31])("refuses one of %d bytes for lengths that add up to 30", (size) => {
    for (const endpoint of [input, output]) {
      expect(refused({ lengths: [10, 20], buffer: new Uint8Array(size) }, endpoint)).toStrictEqual(
        failure("InvalidRequestError", "length-mismatch", "30 bytes", `has ${size}`),
      );
    }
  });

  it.each([null, "bytes", [1, 2], new ArrayBuffer(30), new DataView(new ArrayBuffer(30)), new Uint16Array(30), {}, 30])(
    "refuses what is no Uint8Array: %s",
    (buffer) => {
      expect(refused({ lengths: [10, 20], buffer })).toStrictEqual(
        failure("InvalidRequestError", "invalid-option", "buffer must be a Uint8Array"),
      );
    },
  );

  it("takes the beginning of a DMA buffer, or the part of it that is given", () => {
    const dma = dmaBuffer(40, 8);
    expect(check({ lengths: [10, 20], dma })).toMatchObject({ dma, buffer: { byteOffset: 8, byteLength: 30 } });
    const buffer = dma.bytes.subarray(10);
    expect(check({ lengths: [10, 20], dma, buffer }).buffer).toBe(buffer);
  });

  it("refuses a DMA buffer that is too small, and a buffer outside it", () => {
    const dma = dmaBuffer(29, 8);
    expect(refused({ lengths: [10, 20], dma })).toStrictEqual(
      failure("InvalidRequestError", "length-mismatch", "30 bytes", "has 29"),
    );
    for (const buffer of [
      new Uint8Array(10),
      new Uint8Array(dma.bytes.buffer, 7, 10),
      new Uint8Array(dma.bytes.buffer, 0, 10),
    ]) {
      expect(refused({ lengths: [10], dma, buffer })).toStrictEqual(
        failure("InvalidRequestError", "invalid-option", "view into the bytes of the DMA buffer"),
      );
    }
  });

  it("refuses what is no DMA buffer, and any where the transport has none", () => {
    for (const dma of [null, {}, 0x1000, { bytes: [1, 2, 3] }]) {
      expect(refused({ lengths: [1], dma })).toStrictEqual(
        failure("InvalidRequestError", "invalid-option", "allocateDma"),
      );
    }
    expect(refused({ lengths: [1], dma: dmaBuffer(1) }, input, allCapabilities({ dma: false }))).toStrictEqual(
      failure("UnsupportedError", "unsupported", "leave out dma"),
    );
  });
});

describe("checkRequest, start", () => {
  it("is asap unless a frame is given", () => {
    expect(check({ lengths: [1] }).start).toBe("asap");
    expect(check({ lengths: [1], start: "asap" }).start).toBe("asap");
    expect(check({ lengths: [1], start: 0 }).start).toBe(0);
    expect(check({ lengths: [1], start: Number.MAX_SAFE_INTEGER }).start).toBe(Number.MAX_SAFE_INTEGER);
  });

  it("refuses a frame where the transport cannot start on one, whatever the frame", () => {
    const asap = allCapabilities({ startFrame: false });
    expect(thrown(() => checkStart(5, asap))).toStrictEqual(
      failure("UnsupportedError", "unsupported", "start: 'asap'"),
    );
    expect(checkStart("asap", asap)).toBe("asap");
    expect(checkStart(undefined, asap)).toBe("asap");
  });
});

describe("checkRequest, compact", () => {
  it("goes with IN", () => {
    expect(check({ lengths: [1], compact: true }).compact).toBe(true);
    expect(check({ lengths: [1] }).compact).toBe(false);
  });

  it("refuses OUT, and a DMA buffer", () => {
    expect(refused({ lengths: [1], compact: true, buffer: new Uint8Array(1) }, output)).toStrictEqual(
      failure("InvalidRequestError", "compact-out", "leave compact out"),
    );
    expect(refused({ lengths: [1], compact: true, dma: dmaBuffer(1) })).toStrictEqual(
      failure("InvalidRequestError", "compact-with-dma", "leave out compact or dma"),
    );
    expect(() => {
      checkCompact(false, output, dmaBuffer(1));
    }).not.toThrow();
  });
});

describe("checkRequest, garbage", () => {
  it.each([undefined, null, 0, "request", true, Symbol("request")])("refuses what is no object: %s", (request) => {
    expect(refused(request)).toStrictEqual(
      failure("InvalidRequestError", "invalid-option", "a request is an object with lengths"),
    );
  });

  it.each([{}, [], { lengths: null }, { lengths: "64" }, { lengths: () => 64 }, { lengths: true }])(
    "refuses what has no lengths: %o",
    (request) => {
      expect(refused(request)).toStrictEqual(failure("InvalidRequestError", "invalid-number", "lengths must be"));
    },
  );

  it("refuses what throws when it is read, and keeps what it threw", () => {
    const cause = new Error("not readable");
    const hostile = (name: string) =>
      Object.defineProperty({ lengths: [1, 1] }, name, {
        get: () => {
          throw cause;
        },
      });
    const indexed = Object.defineProperty([1, 1], 1, Object.getOwnPropertyDescriptor(hostile("x"), "x") ?? {});
    const requests = [
      ...["lengths", "frames", "start", "buffer", "compact", "dma"].map(hostile),
      { lengths: indexed },
      { lengths: hostile("length") },
      { lengths: [1], dma: hostile("bytes") },
    ];
    for (const request of requests) {
      let error: unknown;
      try {
        checkRequest(request as unknown as IsochRequest, input, capabilities);
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toMatchObject({ name: "InvalidRequestError", code: "invalid-option", cause });
      expect((error as Error).message).toContain("the request cannot be read: Error: not readable");
    }
  });
});

describe("checkDirection", () => {
  it("says what was asked, which direction that needs, and which the endpoint has", () => {
    expect(thrown(() => checkDirection(output, "in", "receiving"))).toStrictEqual(
      failure("EndpointError", "wrong-direction", "receiving needs an IN endpoint, and 0x1 is OUT"),
    );
    expect(thrown(() => checkDirection(input, "out", "sending"))).toStrictEqual(
      failure("EndpointError", "wrong-direction", "sending needs an OUT endpoint, and 0x81 is IN"),
    );
    expect(() => {
      checkDirection(input, "in", "receiving");
    }).not.toThrow();
  });
});
