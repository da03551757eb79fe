import { lastValueFrom } from "rxjs";
import { expect, onTestFinished } from "vitest";
import { IsochError, type IsochTransport } from "rx-isoch";
import {
  counterDevice,
  readCounter,
  unpacedClock,
  VirtualBus,
  type BusClock,
  type VirtualBusOptions,
  type VirtualDevice,
} from "rx-isoch/transports/virtual";
import { UsbipServer, type UsbipServerOptions } from "rx-isoch/transports/usbip";
import { usbipStatus, type SubmitReply } from "../../../transports/usbip/protocol/index.js";
import { strictTransport } from "../../support/strict-transport.js";
import { memoryStreams } from "./memory-stream.js";
import { StrictClient } from "./strict-client.js";

/** What is in use on a bus when everything was given back. */
export const nothing = { openDevices: 0, claimedInterfaces: 0, inFlight: 0, dmaBuffers: 0 };
/** Bytes of a packet of the counter device at high speed, in alternate settings 1 and 2. */
export const length = 3072;

/** What a test has otherwise. */
export interface SetUpOptions extends Partial<UsbipServerOptions> {
  /** Bytes that arrive at a time, at most. */
  readonly chunk?: number;
  readonly clock?: BusClock;
  /** Of the bus. */
  readonly capabilities?: VirtualBusOptions["capabilities"];
  /** What is at 1-1 instead of the counter device. */
  readonly device?: VirtualDevice;
  /** Puts something between the server and the bus. */
  readonly alter?: (bus: VirtualBus) => IsochTransport;
}

/** A server that exports a counter device; the end of the test closes it, and looks whether all was given back. */
export function setUp(options: SetUpOptions = {}) {
  const {
    chunk,
    clock = unpacedClock(),
    capabilities = {},
    device: other,
    alter = (it: VirtualBus) => it,
    ...serverOptions
  } = options;
  const bus = new VirtualBus({ clock, capabilities });
  const device = counterDevice();
  const attachment = bus.attach(other ?? device);
  const transport = strictTransport(alter(bus));
  const server = new UsbipServer({ transports: [transport], ...serverOptions });
  const failures: string[] = [];
  server.failures.subscribe((error) => failures.push(error.code));
  const connect = () => {
    const [theirs, ours] = memoryStreams(chunk);
    const closed = lastValueFrom(server.accept(theirs), { defaultValue: undefined });
    // Not every test waits for every connection.
    const ending = closed.then(
      () => "completed",
      (error: unknown) => (IsochError.is(error) ? error.code : String(error)),
    );
    const client = new StrictClient(ours);
    onTestFinished(() => {
      expect(client.failure).toBeUndefined();
    });
    return { client, ending, stream: ours };
  };
  const importing = async (busId = "1-1") => {
    const connection = connect();
    expect((await connection.client.import(busId)).status).toBe(usbipStatus.ok);
    return connection;
  };
  /** With an alternate setting of interface 0. */
  const streaming = async (alternate: number, busId?: string) => {
    const connection = await importing(busId);
    expect(await connection.client.selectAlternate(alternate)).toBe(0);
    return connection;
  };
  /** Everything was given back, whatever the test did. */
  const clean = async () => {
    await lastValueFrom(server.close(), { defaultValue: undefined });
    expect(bus.audit()).toMatchObject(nothing);
    expect(transport.violations).toStrictEqual([]);
    expect(server.clients).toBe(0);
  };
  onTestFinished(clean);
  return { bus, device, attachment, server, failures, connect, importing, streaming };
}

/** The counters of the packets of an IN transfer, which come compacted. */
export function counters({ data, packets }: SubmitReply): (number | undefined)[] {
  let at = 0;
  return Array.from(packets?.actual ?? [], (actual) => {
    const counter = readCounter(data.subarray(at, at + actual));
    at += actual;
    return counter;
  });
}
