import { defer, map, of } from "rxjs";
import { findIsochEndpoint, isochPipe, maxBytesPerInterval, serviceInterval, type UsbDevice } from "../../index.js";
import { abort, close, issue, packetize, type PacketizeOptions } from "../../../operators/index.js";
import { countsOf } from "../stream-account.js";
import type { StreamTarget } from "../target.js";
import { whileOpen } from "../while-open.js";
import type { PlayContext, PlayFormat } from "./format.js";

/** The bytes as they are. */
export const raw: PlayFormat = {
  name: "raw",
  description: "bytes, cut into packets",
  extensions: ["raw", "bin", "pcm"],
  needsFile: false,
  virtual: "counter",
  play: ({ bytes }, target, context) =>
    whileOpen(target, context.abort, (device) =>
      defer(() => of(bytes)).pipe(
        packetize(packets(device, target, context)),
        issue(isochPipe(device, target.endpoint), { queue: context.queue, underrun: context.underrun }),
        abort(context.abort),
        close(context.stop),
        map(countsOf),
      ),
    ),
};

/** In a transfer, 8 ms worth. */
function packets(
  { configuration, info }: UsbDevice,
  target: StreamTarget,
  { pace, transfer }: PlayContext,
): PacketizeOptions {
  const { endpoint } = findIsochEndpoint(configuration, target.endpoint, info.speed);
  const frameDuration = serviceInterval(endpoint, info.speed);
  const frames = transfer ?? Math.max(1, Math.round(8000 / frameDuration));
  if ("sampleRate" in pace) return { ...pace, frameDuration, frames };
  return { frameLength: pace.frameLength ?? maxBytesPerInterval(endpoint, info.speed), frames };
}
