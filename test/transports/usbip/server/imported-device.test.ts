import { concat, lastValueFrom, throwError } from "rxjs";
import { describe, expect, it } from "vitest";
import { BandwidthError, TransportError, type TransportDevice } from "rx-isoch";
import { errno } from "../../../../transports/usbip/protocol/index.js";
import { alteredTransport } from "../../../support/altered-transport.js";
import { interruptingDevice } from "../interrupting-device.js";
import { length, setUp } from "../set-up.js";
import { asSubmitReply } from "../strict-client.js";

describe("a transfer from an interrupt endpoint", () => {
  const setUpInterrupts = async (limits: { readonly bytesInFlight?: number } = {}) => {
    const served = setUp({ device: interruptingDevice(), ...limits });
    const connection = await served.streaming(1);
    const submit = (number: number) => {
      const command = connection.client.command({ direction: "in", endpoint: number, length: 8 });
      return { seqnum: command.seqnum, reply: connection.client.submit(command) };
    };
    /** Whether those are pending still, when everything before has been answered. */
    const arePending = async (...replies: readonly Promise<unknown>[]) => {
      await connection.client.control([0x80, 8, 0, 0, 0, 0, 1, 0]);
      const answered: unknown[] = [];
      for (const reply of replies) reply.then((it) => answered.push(it)).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 5));
      return answered.length === 0;
    };
    return { ...served, ...connection, submit, arePending };
  };

  it("stays pending until it is taken back", async () => {
    const { client, submit, arePending } = await setUpInterrupts();
    const transfers = [submit(2), submit(2), submit(3)];
    expect(await arePending(...transfers.map(({ reply }) => reply))).toBe(true);
    for (const { seqnum, reply } of transfers) {
      expect(await client.unlink(seqnum)).toMatchObject({ type: "unlink-reply", status: errno.ECONNRESET });
      await reply;
    }
  });

  it("ends when another alternate setting of its interface is selected", async () => {
    const { client, submit, arePending } = await setUpInterrupts();
    const [own, other] = [submit(2).reply, submit(3).reply];
    expect(await client.selectAlternate(0)).toBe(0);
    expect(await own).toMatchObject({ type: "submit-reply", status: errno.ECONNRESET, actualLength: 0 });
    expect(await arePending(other)).toBe(true);
    expect(await submit(2).reply).toMatchObject({ status: errno.EPIPE });
  });

  it("ends when the configuration is selected", async () => {
    const { client, submit } = await setUpInterrupts();
    const replies = [submit(2).reply, submit(3).reply];
    expect((await client.control([0, 9, 1, 0, 0, 0, 0, 0])).status).toBe(0);
    for (const reply of replies) expect(await reply).toMatchObject({ status: errno.ECONNRESET });
  });

  it("ends when the device is unplugged", async () => {
    const { submit, arePending, attachment, ending } = await setUpInterrupts();
    const { reply } = submit(3);
    expect(await arePending(reply)).toBe(true);
    attachment.detach();
    expect(await reply).toMatchObject({ status: errno.ECONNRESET });
    expect(await ending).toBe("completed");
  });

  it("does not keep the client from being read, however little it may have under way", async () => {
    const { client, submit } = await setUpInterrupts({ bytesInFlight: 1 });
    const transfers = Array.from({ length: 100 }, () => submit(2));
    for (const { seqnum } of transfers) {
      expect(await client.unlink(seqnum)).toMatchObject({ status: errno.ECONNRESET });
    }
    expect(await client.isochronous("in", 8, 8).reply).toMatchObject({ status: 0 });
  });

  it("is one of 1024, or the client is cut off", async () => {
    const { submit, arePending, ending } = await setUpInterrupts();
    const replies = Array.from({ length: 1024 }, () => submit(2).reply);
    expect(await arePending(...replies)).toBe(true);
    submit(2);
    expect(await ending).toBe("protocol-error");
  });

  it("is the only one of those that are not carried: all others are answered with a STALL", async () => {
    const { client, submit } = await setUpInterrupts();
    const data = new Uint8Array(8);
    const out = (number: number) => client.submit({ direction: "out", endpoint: number, length: 8, data });
    const replies = [submit(4).reply, submit(5).reply, out(3), out(2)];
    for (const reply of replies) expect(await reply).toMatchObject({ status: errno.EPIPE, actualLength: 0 });
  });
});

describe("a SET_INTERFACE that is refused", () => {
  it("leaves the device as it was, where the transport gives up its endpoints first", async () => {
    const { streaming } = setUp({
      alter: (bus) =>
        alteredTransport(bus, (device) => ({
          selectAlternate: (number, alternate) =>
            alternate === 2
              ? concat(
                  device.selectAlternate(number, 0),
                  throwError(() => new BandwidthError("bandwidth-exceeded", "no room")),
                )
              : device.selectAlternate(number, alternate),
        })),
    });
    const { client } = await streaming(1);
    expect(await client.selectAlternate(2)).toBe(errno.ENOSPC);
    expect(asSubmitReply(await client.isochronous("in", 8, length).reply)).toMatchObject({ status: 0, errorCount: 0 });
  });

  /** A device of which the endpoint of some alternate setting does not open. */
  const unopenable = (log: number[], broken: number) => (device: TransportDevice) => {
    let selected = 0;
    const changes: Partial<TransportDevice> = {
      selectAlternate: (number, alternate) => {
        log.push(alternate);
        selected = alternate;
        return device.selectAlternate(number, alternate);
      },
      openEndpoint: (address) => {
        if (selected === broken) throw new TransportError("transport-failed", "out of order");
        return device.openEndpoint(address);
      },
    };
    return changes;
  };

  it("because the endpoints do not open goes back to what was selected", async () => {
    const log: number[] = [];
    const { streaming } = setUp({ alter: (bus) => alteredTransport(bus, unopenable(log, 3)) });
    const { client } = await streaming(1);
    expect(await client.selectAlternate(3)).toBe(errno.EPROTO);
    expect(log).toStrictEqual([1, 3, 1]);
    expect(asSubmitReply(await client.isochronous("in", 8, length).reply)).toMatchObject({ status: 0, errorCount: 0 });
  });

  it("though it is selected is undone at the end", async () => {
    const log: number[] = [];
    const { importing, server } = setUp({ alter: (bus) => alteredTransport(bus, unopenable(log, 1)) });
    const { client } = await importing();
    expect(await client.selectAlternate(1)).toBe(errno.EPROTO);
    await lastValueFrom(server.close(), { defaultValue: undefined });
    expect(log).toStrictEqual([1, 0]);
  });
});

describe("a device whose second configuration is selected", () => {
  it("is imported with that one, and keeps it", async () => {
    const { connect } = setUp({
      alter: (bus) => alteredTransport(bus, ({ configuration }) => ({ configuration: { ...configuration, value: 2 } })),
    });
    const { client } = connect();
    expect((await client.import()).device).toMatchObject({ configurationValue: 2, interfaceCount: 1 });
    const set = async (value: number) => (await client.control([0, 9, value, 0, 0, 0, 0, 0])).status;
    expect([await set(2), await set(1)]).toStrictEqual([0, errno.EPIPE]);
  });
});
