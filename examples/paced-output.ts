/**
 * A source that is pulled at the pace of the bus: an endless generator feeds an OUT endpoint for
 * half a second, and no more of it runs than the bus takes. The device checks what arrives.
 */
import { isochPipe, openDevice } from "rx-isoch";
import { close, issue, packetize } from "rx-isoch/operators";
import { counterDevice, counterProtocol, VirtualBus, writeCounter } from "rx-isoch/transports/virtual";
import { concatMap, finalize, of, reduce, switchMap, take, tap, timer } from "rxjs";

const { vendorId, productId, outEndpoint, getStatistics } = counterProtocol;
const frameLength = 1024;

function* packets() {
  for (let counter = 0; ; counter++) {
    const packet = new Uint8Array(frameLength);
    writeCounter(packet, counter);
    yield packet;
  }
}

const bus = new VirtualBus({ devices: [counterDevice()] });

openDevice(bus, { vendorId, productId })
  .pipe(
    switchMap((device) =>
      of(packets()).pipe(
        packetize({ frameLength, frames: 64 }),
        issue(isochPipe(device, { endpoint: outEndpoint, alternate: 2 }), { queue: 4 }),
        close(timer(500)),
        reduce((sent, results) => sent + results.length, 0),
        tap((sent) => {
          console.log(`sent ${sent} packets`);
        }),
        concatMap(() =>
          device.controlTransfer(
            { direction: "in", type: "vendor", recipient: "device", request: getStatistics, value: 0, index: 0 },
            12,
          ),
        ),
      ),
    ),
    take(1),
    finalize(() => {
      console.log("closed");
    }),
  )
  .subscribe({
    next: (statistics) => {
      const view = new DataView(statistics.buffer, statistics.byteOffset);
      console.log(`the device took ${view.getUint32(0, true)}, ${view.getUint32(4, true)} of them out of order`);
    },
    error: (error: unknown) => {
      console.error(error);
      process.exitCode = 1;
    },
  });
