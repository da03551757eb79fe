import fc from "fast-check";
import type {
  SubmitCommand,
  SubmitReply,
  UsbipDevice,
  UsbipListedDevice,
  UsbipMessage,
  UsbipPackets,
} from "../../../transports/usbip/protocol/index.js";

const record = <T extends object>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
const u8 = fc.integer({ min: 0, max: 0xff });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const i32 = fc.integer({ min: -0x80000000, max: 0x7fffffff });
const printable = (maxLength: number) =>
  fc
    .array(fc.integer({ min: 0x21, max: 0x7e }), { minLength: 1, maxLength })
    .map((codes) => String.fromCharCode(...codes));
const direction = fc.constantFrom("in" as const, "out" as const);
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

const device: fc.Arbitrary<UsbipDevice> = record({
  path: printable(255),
  busId: printable(31),
  busNumber: u32,
  deviceNumber: u32,
  speed: fc.constantFrom(undefined, "low", "full", "high", "super", "super-plus"),
  vendorId: u16,
  productId: u16,
  deviceVersion: u16,
  deviceClass: u8,
  deviceSubclass: u8,
  deviceProtocol: u8,
  configurationValue: u8,
  configurationCount: u8,
  interfaceCount: u8,
});
const usbInterface = record({ interfaceClass: u8, interfaceSubclass: u8, interfaceProtocol: u8 });
const listed: fc.Arbitrary<UsbipListedDevice> = fc
  .tuple(device, fc.array(usbInterface, { maxLength: 5 }))
  .map(([one, interfaces]) => ({ ...one, interfaceCount: interfaces.length, interfaces }));

const packetLengths = fc.array(fc.integer({ min: 0, max: 64 }), { minLength: 1, maxLength: 20 });

function packetsOf(lengths: readonly number[], actual: readonly number[], statuses: readonly number[]): UsbipPackets {
  let end = 0;
  return {
    offsets: Uint32Array.from(lengths, (length) => (end += length) - length),
    lengths: Uint32Array.from(lengths),
    actual: Uint32Array.from(actual),
    statuses: Int32Array.from(statuses),
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

export const submitCommand: fc.Arbitrary<SubmitCommand> = record({
  direction,
  lengths: fc.option(packetLengths, { nil: undefined }),
  size: fc.integer({ min: 0, max: 200 }),
  none: fc.constantFrom(0, 0xffffffff),
  seqnum: u32,
  deviceId: u32,
  endpoint: fc.integer({ min: 0, max: 15 }),
  flags: u32,
  startFrame: u32,
  interval: u32,
  setup: bytes(8),
}).chain(({ lengths, size, none, ...fields }) => {
  const length = lengths === undefined ? size : sum(lengths);
  const zeros = lengths?.map(() => 0) ?? [];
  const packets = lengths === undefined ? undefined : packetsOf(lengths, zeros, zeros);
  return bytes(fields.direction === "out" ? length : 0).map((data) => ({
    type: "submit" as const,
    ...fields,
    length,
    packets,
    packetCount: lengths?.length ?? none,
    data,
  }));
});

/** A submit, and a reply that goes with it. */
export const submitAndReply: fc.Arbitrary<readonly [SubmitCommand, SubmitReply]> = submitCommand.chain((command) => {
  const lengths = command.packets === undefined ? undefined : [...command.packets.lengths];
  const moved =
    lengths === undefined
      ? fc.integer({ min: 0, max: command.length }).map((actual) => [actual])
      : fc.tuple(...lengths.map((length) => fc.integer({ min: 0, max: length }))).map((actual) => [...actual]);
  return record({ moved, status: i32, startFrame: u32, errorCount: u32, packetStatus: i32 }).chain(
    ({ moved: actual, packetStatus, ...fields }) => {
      const actualLength = sum(actual);
      const packets =
        lengths === undefined
          ? undefined
          : packetsOf(
              lengths,
              actual,
              lengths.map(() => packetStatus),
            );
      return bytes(command.direction === "in" ? actualLength : 0).map(
        (data) =>
          [
            command,
            {
              type: "submit-reply" as const,
              seqnum: command.seqnum,
              ...fields,
              actualLength,
              packets,
              packetCount: command.packetCount,
              data,
            },
          ] as const,
      );
    },
  );
});

export const operationRequests: fc.Arbitrary<UsbipMessage & { type: "device-list-request" | "import-request" }> =
  fc.oneof(
    fc.constant({ type: "device-list-request" as const }),
    printable(31).map((busId) => ({ type: "import-request" as const, busId })),
  );
export const deviceLists = fc.oneof(
  fc.array(listed, { maxLength: 4 }).map((devices) => ({ type: "device-list-reply" as const, status: 0, devices })),
  fc.integer({ min: 1, max: 5 }).map((status) => ({ type: "device-list-reply" as const, status, devices: [] })),
);
export const importReplies = fc.oneof(
  device.map((one) => ({ type: "import-reply" as const, status: 0, device: one })),
  fc.integer({ min: 1, max: 5 }).map((status) => ({ type: "import-reply" as const, status, device: undefined })),
);
export const unlinkCommands = record({
  type: fc.constant("unlink" as const),
  seqnum: u32,
  deviceId: u32,
  target: u32,
});
export const unlinkReplies = record({ type: fc.constant("unlink-reply" as const), seqnum: u32, status: i32 });
