/* eslint-disable rxjs-x/no-floating-observables, @typescript-eslint/no-unused-expressions -- nothing here runs, and some of it is wrong on purpose */
import type { Observable } from "rxjs";
import { describe, expectTypeOf, it } from "vitest";
import {
  DeviceError,
  IsochError,
  isochPipe,
  openDevice,
  OverflowError,
  type FrameResult,
  type FrameStatus,
  type IsochErrorCode,
  type IsochPipe,
  type IsochResults,
  type IsochTransfer,
  type IsochTransport,
  type PipeSession,
  type TransferOutcome,
  type TransferStatus,
  type UsbDevice,
} from "../../src/index.js";

declare const transport: IsochTransport;
declare const device: UsbDevice;
declare const transfer: IsochTransfer;
declare const caught: unknown;

describe("isochPipe", () => {
  it("makes a pipe of a transport with a device and an endpoint, or of a device with an endpoint", () => {
    expectTypeOf(
      isochPipe(transport, { vendorId: 1, productId: 2, endpoint: 0x81, alternate: 7 }),
    ).toEqualTypeOf<IsochPipe>();
    expectTypeOf(isochPipe(transport, { endpoint: 0x81 })).toEqualTypeOf<IsochPipe>();
    expectTypeOf(isochPipe(device, { endpoint: 0x81, interfaceNumber: 1 })).toEqualTypeOf<IsochPipe>();
  });

  it("needs an endpoint, and takes no selector of another device", () => {
    // @ts-expect-error the endpoint is needed
    isochPipe(transport, { vendorId: 1 });
    // @ts-expect-error this is a string
    isochPipe(transport, { endpoint: "0x81" });
    // @ts-expect-error the device is chosen already
    isochPipe(device, { vendorId: 1, endpoint: 0x81 });
    // @ts-expect-error no such option
    isochPipe(transport, { endpoint: 0x81, altsetting: 7 });
    // @ts-expect-error neither transport nor device
    isochPipe({}, { endpoint: 0x81 });
  });

  it("is a stream of frames, of results, and opens sessions", () => {
    const pipe = isochPipe(transport, { endpoint: 0x81 });
    expectTypeOf(pipe).toExtend<Observable<FrameResult>>();
    expectTypeOf(pipe.results({ frames: 8, queue: 2, overflow: "error" })).toEqualTypeOf<Observable<IsochResults>>();
    expectTypeOf(pipe.open()).toEqualTypeOf<Observable<PipeSession>>();
    expectTypeOf(pipe.closing).toEqualTypeOf<Observable<never>>();
    // @ts-expect-error no such policy
    pipe.results({ overflow: "drop" });
    // @ts-expect-error a stream of booleans
    pipe.results({ pause: true });
    // @ts-expect-error streams are contiguous by themselves
    pipe.results({ compact: true });
  });
});

describe("openDevice", () => {
  it("emits a device", () => {
    expectTypeOf(openDevice(transport, { vendorId: 1, serialNumber: "7" })).toEqualTypeOf<Observable<UsbDevice>>();
    // @ts-expect-error a selector is needed
    openDevice(transport);
    // @ts-expect-error endpoints are of pipes
    openDevice(transport, { endpoint: 0x81 });
    // @ts-expect-error a device is open already
    openDevice(device, { vendorId: 1 });
  });
});

describe("a transfer", () => {
  it("is a stream of its frames, and a handle", () => {
    expectTypeOf(transfer).toExtend<Observable<FrameResult>>();
    expectTypeOf(transfer.completion).toEqualTypeOf<Observable<IsochResults>>();
    expectTypeOf(transfer.released).toEqualTypeOf<Observable<never>>();
    expectTypeOf(transfer.status()).toEqualTypeOf<TransferStatus>();
    expectTypeOf(transfer.compact()).toEqualTypeOf<IsochTransfer>();
    // @ts-expect-error this is read only
    transfer.isClosed = true;
  });
});

describe("results", () => {
  it("iterate as frames, and do not change", () => {
    const results = transfer.results();
    expectTypeOf(results).toExtend<Iterable<FrameResult>>();
    expectTypeOf(results.error).toEqualTypeOf<TransferOutcome>();
    for (const frame of results) expectTypeOf(frame).toEqualTypeOf<FrameResult>();
    // @ts-expect-error this is read only
    results.lost = 0;
    // @ts-expect-error this is read only
    results.frame(0).status = "ok";
    // @ts-expect-error no such status
    if (results.frame(0).status === "bad") return;
  });
});

describe("errors", () => {
  it("are told apart by class", () => {
    if (OverflowError.is(caught)) expectTypeOf(caught).toEqualTypeOf<OverflowError>();
    if (DeviceError.is(caught)) expectTypeOf(caught).toExtend<IsochError>();
    // @ts-expect-error unknown before it was asked
    caught.code;
  });

  it("are told apart by code, exhaustively", () => {
    if (!IsochError.is(caught)) return;
    expectTypeOf(caught).toEqualTypeOf<IsochError>();
    expectTypeOf(caught.code).toEqualTypeOf<IsochErrorCode>();
    switch (caught.code) {
      case "device-gone":
        expectTypeOf(caught.code).toEqualTypeOf<"device-gone">();
        break;
      case "underrun":
      case "overflow":
        expectTypeOf(caught.code).toEqualTypeOf<"underrun" | "overflow">();
        break;
      // @ts-expect-error no such code
      case "gone":
        break;
      default:
        expectTypeOf(caught.code).toEqualTypeOf<Exclude<IsochErrorCode, "device-gone" | "underrun" | "overflow">>();
    }
    // @ts-expect-error no such code
    new IsochError("gone", "it is gone");
  });

  it("have statuses and codes that are words, not any string", () => {
    expectTypeOf<string>().not.toExtend<IsochErrorCode>();
    expectTypeOf<string>().not.toExtend<FrameStatus>();
    expectTypeOf<"ok" | "lost" | "not-complete">().toExtend<FrameStatus>();
  });
});
