import { describe, expectTypeOf, it } from "vitest";
import {
  AbortTransfer,
  GetFrameNumber,
  GetIsochResults,
  GetTransferStatus,
  IssueIsochTransfer,
  OpenPipe,
  type USB_HANDLE,
  type USB_PIPE,
  type USB_TRANSFER,
} from "../../../src/usbd/index.js";

declare const hDevice: USB_HANDLE;
declare const hPipe: USB_PIPE;
declare const hTransfer: USB_TRANSFER;
declare const words: Uint32Array;
declare const bytes: Uint8Array;

describe("handles", () => {
  it("are of their own kind", () => {
    expectTypeOf(OpenPipe).returns.toEqualTypeOf<USB_PIPE | null>();
    expectTypeOf(IssueIsochTransfer).returns.toEqualTypeOf<USB_TRANSFER | null>();
    // @ts-expect-error a pipe is no transfer
    AbortTransfer(hPipe, 0);
    // @ts-expect-error a device is no pipe
    IssueIsochTransfer(hDevice, null, null, 0, 0, 1, [8], bytes, 0);
    // @ts-expect-error a pipe is no device
    OpenPipe(hPipe, { endpoint: 0x81 });
    // @ts-expect-error a transfer has no frames on the bus
    GetFrameNumber(hTransfer, words);
    // @ts-expect-error anything else is no handle
    AbortTransfer({}, 0);
  });

  it("may be NULL, as what failed returns it", () => {
    expectTypeOf(AbortTransfer).parameter(0).toEqualTypeOf<USB_TRANSFER | null>();
    GetFrameNumber(null, words);
  });
});

describe("arguments", () => {
  it("the callback takes what lpvNotifyParameter is", () => {
    IssueIsochTransfer(
      hPipe,
      (context) => expectTypeOf(context).toEqualTypeOf<string>(),
      "context",
      0,
      0,
      1,
      [8],
      bytes,
      0,
    );
    // @ts-expect-error the callback asks for a number
    IssueIsochTransfer(hPipe, (context: number) => context, "context", 0, 0, 1, [8], bytes, 0);
  });

  it("out-parameters are Uint32Arrays, NULL only where the seed allows it", () => {
    GetIsochResults(hTransfer, 1, null, null);
    // @ts-expect-error NULL has no room
    GetTransferStatus(hTransfer, null, words);
    // @ts-expect-error NULL has no room
    GetTransferStatus(hTransfer, words, null);
    // @ts-expect-error not an array of numbers
    GetTransferStatus(hTransfer, [0], words);
    // @ts-expect-error not of bytes
    GetIsochResults(hTransfer, 1, bytes, null);
  });
});
