/** The controllers and devices that QEMU puts into the guest, in one place for the host and the tests. */

export interface Controller {
  /** QEMU's id of it. */
  readonly id: string;
  /** What QEMU calls the model. */
  readonly model: string;
  /** The kernel driver that has to have taken it. */
  readonly driver: string;
}

export interface Device {
  /** QEMU's id of it, its serial number, and the name of its capture. */
  readonly id: string;
  readonly model: string;
  readonly controller: Controller;
  /** Options of the model, as QEMU writes them. */
  readonly options: readonly string[];
}

const xhci: Controller = { id: "xhci", model: "qemu-xhci", driver: "xhci_hcd" };
const uhci: Controller = { id: "uhci", model: "piix3-usb-uhci", driver: "uhci_hcd" };
const ehci: Controller = { id: "ehci", model: "usb-ehci", driver: "ehci-pci" };

// Without sound: the capture shows what arrived at the device, byte for byte, and a WAV file would not.
const audioOptions = ["audiodev=silence"];

export const controllers: readonly Controller[] = [xhci, uhci, ehci];

export const devices = {
  audioOnXhci: { id: "audio-xhci", model: "usb-audio", controller: xhci, options: audioOptions },
  audioOnUhci: { id: "audio-uhci", model: "usb-audio", controller: uhci, options: audioOptions },
} as const satisfies Readonly<Record<string, Device>>;

/** The file of the device's capture in the directory that host and guest share. */
export const captureFile = ({ id }: Pick<Device, "id">): string => `${id}.pcap`;

/** QEMU's arguments for all of them; captures are written to `directory`. */
export function deviceArguments(directory: string): string[] {
  return [
    "-audiodev",
    "none,id=silence",
    ...controllers.flatMap(({ id, model }) => ["-device", `${model},id=${id}`]),
    ...Object.values(devices).flatMap((device) => [
      "-device",
      [
        `${device.model},id=${device.id},serial=${device.id},bus=${device.controller.id}.0`,
        ...device.options,
        `pcap=${directory}/${captureFile(device)}`,
      ].join(","),
    ]),
  ];
}
