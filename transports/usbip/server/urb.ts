import { errno, type SubmitCommand, type SubmitReply, type UsbipPackets } from "../protocol/index.js";

/** How a transfer ended. */
export interface UrbOutcome {
  /** 0 or a negative errno. */
  readonly status: number;
  readonly actualLength: number;
  readonly data?: Uint8Array | undefined;
  /** For an isochronous transfer. */
  readonly startFrame?: number | undefined;
  readonly errorCount?: number | undefined;
  readonly packets?: UsbipPackets | undefined;
  /** Nothing had moved when it was cancelled, so that there is nothing to tell but that. */
  readonly isVoid?: boolean | undefined;
}

/** A transfer that a client submitted, on its way through the device. */
export interface Urb {
  readonly command: SubmitCommand;
  /** Bytes it is counted at, until its reply is sent. */
  readonly cost: number;
  /** Called once. */
  readonly finish: (outcome: UrbOutcome) => void;
}

const empty = new Uint8Array(0);

/** A transfer of which nothing moved. */
export function failedOutcome({ packets }: SubmitCommand, status: number): UrbOutcome {
  if (packets === undefined) return { status, actualLength: 0 };
  const { offsets, lengths } = packets;
  return {
    status,
    actualLength: 0,
    errorCount: lengths.length,
    packets: {
      offsets,
      lengths,
      actual: new Uint32Array(lengths.length),
      statuses: new Int32Array(lengths.length).fill(errno.EXDEV),
    },
  };
}

/** A transfer that was taken back before anything of it moved. */
export function takenBackOutcome(command: SubmitCommand): UrbOutcome {
  return { ...failedOutcome(command, errno.ECONNRESET), isVoid: true };
}

/** What a client is told of a transfer. */
export function replyTo(command: SubmitCommand, outcome: UrbOutcome): SubmitReply {
  return {
    type: "submit-reply",
    seqnum: command.seqnum,
    status: outcome.status,
    actualLength: outcome.actualLength,
    startFrame: outcome.startFrame ?? command.startFrame,
    errorCount: outcome.errorCount ?? 0,
    // A client reads none behind a control transfer, whatever number of them it has named.
    packets: command.endpoint === 0 ? undefined : outcome.packets,
    packetCount: command.packetCount,
    data: outcome.data ?? empty,
  };
}
