import { defer, finalize, map } from "rxjs";
import { recorded } from "../../../transports/replay/index.js";
import { countsOf } from "../stream-account.js";
import type { CaptureFormat } from "./format.js";
import { capturedResults } from "./results.js";
import { withTail } from "./with-tail.js";

/** All that goes over the bus, with every status and loss: what Wireshark opens, and `replay` plays. */
export const pcapng: CaptureFormat = {
  name: "pcapng",
  description: "all that goes over the bus, for Wireshark and for replay",
  extensions: ["pcapng"],
  needsFile: false,
  badFrames: ["skip", "keep"],
  virtual: "counter",
  capture: (target, context) =>
    defer(() => {
      const transport = recorded(target.transport);
      let chunks: Uint8Array[] = [];
      const taken = () => {
        const pieces = chunks;
        chunks = [];
        return pieces;
      };
      const recording = transport.capture.subscribe((chunk) => chunks.push(chunk));
      const steps = capturedResults({ ...target, transport }, context).pipe(
        map((results) => ({ pieces: taken(), counts: countsOf(results) })),
      );
      return withTail(steps, taken).pipe(
        finalize(() => {
          recording.unsubscribe();
        }),
      );
    }),
};
