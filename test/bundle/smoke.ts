import { last, lastValueFrom, map, scan, take } from "rxjs";
import { isochPipe, type IsochTransport } from "rx-isoch";
import { payload } from "rx-isoch/operators";
import { counterDevice, VirtualBus } from "rx-isoch/transports/virtual";
import { toWebUsb, webusb } from "rx-isoch/transports/webusb";

/** Streams from a virtual device in real time; resolves to the bytes of a hundred frames. */
export function run(): Promise<number> {
  return hundredFrames(new VirtualBus({ devices: [counterDevice()] }));
}

/** The same, through the shape of WebUSB. */
export function runWebUsb(): Promise<number> {
  return hundredFrames(webusb({ usb: toWebUsb(new VirtualBus({ devices: [counterDevice()] })) }));
}

function hundredFrames(transport: IsochTransport): Promise<number> {
  return lastValueFrom(
    isochPipe(transport, { vendorId: 0x1209, endpoint: 0x81 }).pipe(
      take(100),
      payload(),
      map((bytes) => bytes.length),
      scan((sum, length) => sum + length, 0),
      last(),
    ),
  );
}
