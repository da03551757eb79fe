import { Observable } from "rxjs";
import type { DeviceSelector, IsochTransport, TransportDevice } from "../../../src/index.js";
import { subscribeInner } from "../../../src/subscribe-inner.js";
import { joined } from "../../../src/joined.js";
import { describeDevice } from "./describe.js";
import { recordedDevice } from "./recorded-device.js";
import { Recorder } from "./recorder.js";

/** A transport that is recorded while somebody is subscribed to its {@link RecordedTransport.capture}. */
export interface RecordedTransport extends IsochTransport {
  /**
   * The capture, from the subscription on: pcapng, in chunks of one packet each, the first with the
   * header and the descriptors of the devices that are open. It does not end by itself; what came until it is
   * unsubscribed is a whole file. Each subscriber has a capture of its own.
   *
   * Chunks are emitted where the transfers are submitted and completed, and not kept: who cannot write
   * them at once keeps them, or lets go of them. That is about the rate of the pipes, and 16 bytes for each frame, twice.
   */
  readonly capture: Observable<Uint8Array>;
}

/**
 * The same transport, and a record of everything that goes over its pipes: a capture that Wireshark and
 * tshark open, and that {@link replay} plays back. Nothing changes for the program: pipes and operators work as before,
 * and where nobody is subscribed to the capture, nothing is encoded.
 *
 * The capture has the link type of usbmon, LINKTYPE_USB_LINUX_MMAPPED (220). Each transfer is a
 * submission and a completion, with length and status for each frame; OUT data stands in the submission, IN data,
 * contiguous, in the completion. Control requests are there too, also those that a transport makes itself to select
 * an alternate setting; and first of all the device's descriptors, asked for once more when it is opened.
 *
 * | what | where it stands |
 * |---|---|
 * | frames that were lost | as a transfer of packets with -EXDEV, which no data came for: one for each, 128 at most, and `error_count` has them all. "RX" and 0xffff in the packets tell it from a transfer that there was; between two transfers it is a jump in `start_frame`, too |
 * | a status that has no errno of its own, such as `pid-check-failure` | in the four bytes of the packet's descriptor that Linux leaves empty: "RX" and `statusCodes` |
 * | the speed of the device, for which usbmon has no field | in the comment of the packet with its device descriptor |
 * | the frame, where the transport hides the bus clock | in `start_frame`, as it is estimated for the results |
 * | frame numbers from 2^32 microframes on (149 hours) | modulo 2^32, as `start_frame` has 32 bits |
 * | what a ring had to drop | of a stream that the transport runs itself (libusb), it is lost here, too: what is taken is what is recorded. Where the ring is that of the core, it stands before that, and they are frames of the bus like any other |
 * | what was native of a status | not there: the errno that Linux has for it is |
 *
 * @example
 * ```ts
 * import { isochPipe } from "rx-isoch";
 * import { recorded } from "rx-isoch/transports/replay";
 * import { counterDevice, VirtualBus } from "rx-isoch/transports/virtual";
 *
 * const transport = recorded(new VirtualBus({ devices: [counterDevice()] }));
 * const file: Uint8Array[] = [];
 * const recording = transport.capture.subscribe((chunk) => file.push(chunk));
 * isochPipe(transport, { endpoint: 0x81 }).results().subscribe((results) => console.log(results.firstFrame));
 * setTimeout(() => recording.unsubscribe(), 1000);
 * ```
 *
 * @see Documentation/usb/usbmon.rst of Linux; "Link-layer header types" of tcpdump.org; draft-ietf-opsawg-pcapng
 */
export function recorded(transport: IsochTransport): RecordedTransport {
  const recorder = new Recorder();
  return {
    name: transport.name,
    capabilities: transport.capabilities,
    capture: recorder.capture,
    devices: () => transport.devices(),
    open: (selector) => openRecorded(transport, recorder, selector),
  };
}

function openRecorded(
  transport: IsochTransport,
  recorder: Recorder,
  selector: DeviceSelector,
): Observable<TransportDevice> {
  return new Observable((subscriber) => {
    let opened: TransportDevice | undefined;
    subscriber.add(() => {
      void opened?.close().subscribe({ error: () => undefined });
    });
    subscribeInner(transport.open(selector), subscriber, {
      next: (device) => {
        opened = device;
        const address = recorder.addressOf(device.info.id);
        const packets: Uint8Array[] = [];
        subscribeInner(describeDevice(device, recorder, address, packets), subscriber, {
          next: () => undefined,
          complete: () => {
            opened = undefined;
            const forget = recorder.describe(joined(packets));
            subscriber.next(recordedDevice(device, recorder, address, forget));
            subscriber.complete();
          },
        });
      },
      complete: () => undefined,
    });
  });
}
