import { encodeDevice } from "../../descriptors.js";
import type { AudioControls } from "./audio-controls.js";
import type { AudioStreaming } from "./layout.js";
import type { Release } from "./release.js";
import { Uac1Controls } from "./uac1/controls.js";
import { encodeUac1 } from "./uac1/descriptors.js";
import { Uac2Controls } from "./uac2/controls.js";
import { encodeUac2 } from "./uac2/descriptors.js";

/** What a device says of itself, and how it is controlled. */
export interface AudioFunction {
  readonly deviceDescriptor: Uint8Array;
  readonly configurationDescriptor: Uint8Array;
  readonly strings: readonly string[];
  readonly controls: AudioControls;
}

/** What an {@link AudioFunction} is made of. */
export interface AudioFunctionSetup {
  readonly release: Release;
  readonly streaming: AudioStreaming;
  readonly ids: { readonly vendorId: number; readonly productId: number };
  readonly serialNumber: string;
  /** Is called when the host has set the rate, or the clock. */
  readonly rateSet: () => void;
}

/** Makes a device of one of the releases. */
export function audioFunction({ release, streaming, ids, serialNumber, rateSet }: AudioFunctionSetup): AudioFunction {
  const { endpoint, sampleRates, kind } = streaming;
  const identity = { ...ids, maxPacketSize0: 64, manufacturerIndex: 1, productIndex: 2, serialNumberIndex: 3 };
  const strings = ["rx-isoch", kind, serialNumber];
  if (release.version === 1) {
    return {
      deviceDescriptor: encodeDevice({ usbVersion: 0x0110, ...identity }),
      configurationDescriptor: encodeUac1(streaming),
      strings,
      controls: new Uac1Controls(endpoint, sampleRates, rateSet),
    };
  }
  // Its function is told by an interface association.
  const classes = { deviceClass: 0xef, deviceSubclass: 0x02, deviceProtocol: 0x01 };
  const clockStrings = { internal: strings.length + 1, external: strings.length + 2 };
  return {
    deviceDescriptor: encodeDevice({ usbVersion: 0x0200, ...identity, ...classes }),
    configurationDescriptor: encodeUac2(streaming, release.hasExternalClock, clockStrings),
    strings: [...strings, "internal", "word clock"],
    controls: new Uac2Controls(sampleRates, release, rateSet),
  };
}
