import type { Subscription } from "rxjs";
import type { UsbDevice } from "../device.js";
import { TransferStateError, type IsochErrorCode } from "../errors.js";
import type { PipeSession } from "../session.js";
import type { IsochTransfer } from "../transfer.js";
import type { DmaBuffer } from "../transport.js";

declare const kind: unique symbol;

/** Stands for an open device; see {@link usbHandleOf}. Opaque: it has no properties. */
export interface USB_HANDLE {
  readonly [kind]: "device";
}

/** Stands for an open pipe, from {@link OpenPipe} to {@link ClosePipe}. Opaque: it has no properties. */
export interface USB_PIPE {
  readonly [kind]: "pipe";
}

/**
 * Stands for an issued transfer, from {@link IssueIsochTransfer} to {@link CloseTransfer}, complete or
 * not. Opaque: it has no properties.
 */
export interface USB_TRANSFER {
  readonly [kind]: "transfer";
}

/** What is behind a {@link USB_HANDLE}. */
export interface DeviceState {
  readonly device: UsbDevice;
  readonly pipes: Set<PipeState>;
  /** Memory from `allocatePhysical` that was not freed, with the transfers that have it in flight. */
  readonly memory: Map<DmaBuffer, Set<IsochTransfer>>;
}

/** What is behind a {@link USB_PIPE}. */
export interface PipeState {
  readonly owner: DeviceState;
  readonly session: PipeSession;
  readonly transfers: Set<TransferState>;
}

/** What is behind a {@link USB_TRANSFER}. */
export interface TransferState {
  readonly pipe: PipeState;
  readonly handle: USB_TRANSFER;
  readonly transfer: IsochTransfer;
  /** Brings the completion to the callback. */
  readonly notification: Subscription | undefined;
}

/** The handles of one kind that are open. */
class HandleTable<Handle extends object, State> {
  readonly #states = new WeakMap<object, State>();
  readonly #what: string;
  readonly #code: IsochErrorCode;

  constructor(what: string, code: IsochErrorCode) {
    this.#what = what;
    this.#code = code;
  }

  create(): Handle {
    return Object.freeze(Object.create(null)) as Handle;
  }

  open(handle: Handle, state: State): Handle {
    this.#states.set(handle, state);
    return handle;
  }

  has(handle: object | null): boolean {
    return handle !== null && this.#states.has(handle);
  }

  /** @throws {@link TransferStateError} for what is no open handle of this kind */
  get(handle: Handle | null): State {
    const state = handle === null ? undefined : this.#states.get(handle);
    if (state !== undefined) return state;
    throw new TransferStateError(
      this.#code,
      `this is not the handle of an open ${this.#what}: it was closed, or never was one`,
    );
  }

  /** Ends a handle; its state is the caller's to end. */
  take(handle: Handle | null): State {
    const state = this.get(handle);
    if (handle !== null) this.close(handle);
    return state;
  }

  close(handle: Handle): void {
    this.#states.delete(handle);
  }
}

export const deviceHandles = new HandleTable<USB_HANDLE, DeviceState>("device", "pipe-closed");
export const pipeHandles = new HandleTable<USB_PIPE, PipeState>("pipe", "pipe-closed");
export const transferHandles = new HandleTable<USB_TRANSFER, TransferState>("transfer", "transfer-closed");

/**
 * What is behind the handle of a pipe that can be used.
 *
 * @throws {@link TransferStateError} for a bad handle, and where the device was closed under the pipe
 */
export function usablePipe(hPipe: USB_PIPE | null): PipeState {
  const pipe = pipeHandles.get(hPipe);
  if (!pipe.session.isClosing) return pipe;
  throw new TransferStateError("pipe-closed", "the device was closed under the pipe: open the device again");
}
