import { last, lastValueFrom, map, scan, take } from "rxjs";
import { isochPipe } from "rx-isoch";
import { payload } from "rx-isoch/operators";
import { counterDevice, VirtualBus } from "rx-isoch/transports/virtual";

/** Streams from a virtual device in real time; resolves to the bytes of a hundred frames. */
export function run(): Promise<number> {
  const bus = new VirtualBus({ devices: [counterDevice()] });
  return lastValueFrom(
    isochPipe(bus, { vendorId: 0x1209, endpoint: 0x81 }).pipe(
      take(100),
      payload(),
      map((bytes) => bytes.length),
      scan((sum, length) => sum + length, 0),
      last(),
    ),
  );
}
