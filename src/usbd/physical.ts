import { InvalidRequestError, BusyError } from "../errors.js";
import { wholeNumber } from "../numbers.js";
import { maxBytesPerRequest } from "../request.js";
import type { DmaBuffer } from "../transport.js";
import { usablePipe, type DeviceState, type USB_PIPE } from "./handles.js";
import { attempt } from "./last-error.js";

/** Memory that the host controller reads and writes directly, as {@link allocatePhysical} gives it. */
export interface PhysicalMemory {
  /** The memory as JavaScript sees it. Must not be touched after {@link freePhysical}. */
  readonly bytes: Uint8Array;
  /** Stands for its physical address; never 0. */
  readonly address: number;
}

const allocations = new WeakMap<object, { readonly owner: DeviceState; readonly buffer: DmaBuffer }>();

/**
 * Allocates memory for {@link IssueIsochTransfer} with a physical address, where a Windows CE driver
 * calls AllocPhysMem. It serves every pipe of the same device, is the caller's to free, and must be
 * freed before the device is closed. Ours, not Windows CE's.
 *
 * @param cbSize bytes, from 1
 * @returns `null` with `ERROR_INVALID_HANDLE`; `ERROR_INVALID_PARAMETER`; `ERROR_NOT_ENOUGH_MEMORY`;
 * `ERROR_NOT_SUPPORTED` where the transport has no such memory: pass any buffer, and 0 as its address
 *
 * @example
 * ```ts
 * import * as usbd from "rx-isoch/usbd";
 *
 * export function receiveDirectly(hPipe: usbd.USB_PIPE, lengths: Uint32Array, done: () => void) {
 *   const memory = usbd.allocatePhysical(hPipe, lengths.reduce((sum, length) => sum + length, 0));
 *   if (memory === null) return null;
 *   const flags = usbd.USB_IN_TRANSFER | usbd.USB_START_ISOCH_ASAP;
 *   const { bytes, address } = memory;
 *   return usbd.IssueIsochTransfer(hPipe, done, null, flags, 0, lengths.length, lengths, bytes, address);
 * }
 * ```
 *
 * @see {@link freePhysical}
 */
export function allocatePhysical(hPipe: USB_PIPE | null, cbSize: number): PhysicalMemory | null {
  return attempt(null, () => {
    const { owner, session } = usablePipe(hPipe);
    const buffer = session.allocateDma(wholeNumber("cbSize", cbSize, 1, maxBytesPerRequest));
    const memory: PhysicalMemory = Object.freeze({ bytes: buffer.bytes, address: buffer.address });
    allocations.set(memory, { owner, buffer });
    owner.memory.set(buffer, new Set());
    return memory;
  });
}

/**
 * Gives memory from {@link allocatePhysical} back. Its pipe may be closed already. Ours, not Windows CE's.
 *
 * @returns `false` with `ERROR_BUSY` while a transfer has it in flight, one that was closed among them;
 * `ERROR_INVALID_PARAMETER` for what is no such memory, or was freed
 */
export function freePhysical(memory: PhysicalMemory | null): boolean {
  return attempt(false, () => {
    const allocation = memory === null ? undefined : allocations.get(memory);
    if (memory === null || allocation === undefined) {
      throw new InvalidRequestError(
        "invalid-option",
        "this is not memory from allocatePhysical, or it was freed already",
      );
    }
    const { owner, buffer } = allocation;
    const transfers = owner.memory.get(buffer)?.size ?? 0;
    if (transfers > 0) {
      throw new BusyError(
        "pipe-busy",
        `the memory is in flight in ${transfers} transfers: free it when they are complete`,
      );
    }
    allocations.delete(memory);
    owner.memory.delete(buffer);
    buffer.free();
    return true;
  });
}

/**
 * The memory of a device in which `buffer` lies at `physicalAddress`; none for 0.
 *
 * @throws {@link InvalidRequestError} if there is none
 */
export function physicalMemory(owner: DeviceState, buffer: Uint8Array, physicalAddress: number): DmaBuffer | undefined {
  const address = wholeNumber("uBufferPhysicalAddress", physicalAddress, 0);
  if (address === 0) return undefined;
  for (const candidate of owner.memory.keys()) {
    const offset = buffer.byteOffset - candidate.bytes.byteOffset;
    if (candidate.bytes.buffer === buffer.buffer && candidate.address + offset === address) return candidate;
  }
  throw new InvalidRequestError(
    "invalid-option",
    `0x${address.toString(16)} is not the address of lpvBuffer: pass a part of memory from allocatePhysical with its address, or 0`,
  );
}
