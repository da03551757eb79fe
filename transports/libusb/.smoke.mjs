// .cache/smoke.ts
import { execFileSync } from "node:child_process";
import { firstValueFrom, lastValueFrom, take, toArray, filter } from "rxjs";

// src/device.ts
import {
  AsyncSubject as AsyncSubject4,
  catchError as catchError3,
  concat as concat3,
  defer as defer3,
  Observable as Observable2,
  of,
  tap,
  throwError as throwError3,
} from "rxjs";

// src/errors.ts
var IsochError = class extends Error {
  name = "IsochError";
  /** What happened; see {@link IsochErrorCode}. */
  code;
  /** The code of the layer below (a libusb error, a negative errno), kept as it came. */
  native;
  constructor(code, message, options = {}) {
    super(message, options.cause === void 0 ? void 0 : { cause: options.cause });
    this.code = code;
    this.native = options.native;
  }
  /** Whether `value` is an error of this class. */
  static is(value) {
    return value instanceof this;
  }
};
var InvalidRequestError = class extends IsochError {
  name = "InvalidRequestError";
};
var EndpointError = class extends IsochError {
  name = "EndpointError";
};
var BusyError = class extends IsochError {
  name = "BusyError";
};
var AccessError = class extends IsochError {
  name = "AccessError";
};
var BandwidthError = class extends IsochError {
  name = "BandwidthError";
};
var ResourceError = class extends IsochError {
  name = "ResourceError";
};
var DeviceError = class extends IsochError {
  name = "DeviceError";
};
var TransferStateError = class extends IsochError {
  name = "TransferStateError";
};
var OverflowError = class extends IsochError {
  name = "OverflowError";
};
var UnsupportedError = class extends IsochError {
  name = "UnsupportedError";
};
var DescriptorError = class extends IsochError {
  name = "DescriptorError";
};
var TransportError = class extends IsochError {
  name = "TransportError";
};
function inWords(value) {
  try {
    return String(value);
  } catch {
    return `an ${typeof value}`;
  }
}
function asIsochError(error) {
  return IsochError.is(error)
    ? error
    : new TransportError("transport-failed", `the transport failed: ${inWords(error)}`, { cause: error });
}

// src/numbers.ts
function wholeNumber(what, value, min, max = Number.MAX_SAFE_INTEGER) {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw new InvalidRequestError(
    "invalid-number",
    `${what} must be a whole number from ${min} to ${max}, not ${inWords(value)}`,
  );
}
function oneOf(what, value, words) {
  const found = words.find((word2) => word2 === value);
  if (found !== void 0) return found;
  throw new InvalidRequestError("invalid-option", `${what} must be one of ${words.join(", ")}, not ${inWords(value)}`);
}

// src/control.ts
function checkControl(setup, data) {
  oneOf("type", setup.type, ["standard", "class", "vendor"]);
  oneOf("recipient", setup.recipient, ["device", "interface", "endpoint", "other"]);
  wholeNumber("request", setup.request, 0, 255);
  wholeNumber("value", setup.value, 0, 65535);
  wholeNumber("index", setup.index, 0, 65535);
  if (oneOf("direction", setup.direction, ["in", "out"]) === "in") {
    wholeNumber("data, the number of bytes asked for,", data, 0, 65535);
  } else if (!(data instanceof Uint8Array)) {
    throw new InvalidRequestError("invalid-option", "data must be a Uint8Array with the bytes to send");
  } else {
    wholeNumber("the length of data", data.length, 0, 65535);
  }
}

// src/endpoint.ts
var speeds = ["low", "full", "high", "super", "super-plus"];
var busIntervalBytes = 312500;
function serviceInterval(endpoint, speed) {
  const base = isochronousSpeed(speed) === "full" ? 1e3 : 125;
  const { interval } = endpoint;
  if (!Number.isInteger(interval) || interval < 1 || interval > 16) {
    badEndpoint(`bInterval of an isochronous endpoint is 1 to 16, not ${interval}`);
  }
  return base * 2 ** (interval - 1);
}
function maxBytesPerInterval(endpoint, speed) {
  const { maxPacketSize, companion } = endpoint;
  const bus2 = isochronousSpeed(speed);
  const packet = maxPacketSize & 2047;
  const limit = bus2 === "full" ? 1023 : 1024;
  if (packet > limit) badEndpoint(`the maximum packet size at ${bus2} speed is ${limit} bytes, not ${packet}`);
  if (bus2 === "full") return packet;
  if (bus2 === "high") {
    const additional = (maxPacketSize >> 11) & 3;
    if (additional === 3)
      badEndpoint("bits 12..11 of wMaxPacketSize say 3 additional transactions, and 2 are the most");
    return packet * (1 + additional);
  }
  if (companion === void 0) return packet;
  const { burst, mult, bytesPerInterval } = companion;
  if (burst < 1 || burst > 16) badEndpoint(`a burst has 1 to 16 packets, not ${burst}`);
  if (mult < 1 || mult > 3) badEndpoint(`a service interval has 1 to 3 bursts, not ${mult}`);
  if (bytesPerInterval > busIntervalBytes) {
    badEndpoint(`no bus moves ${bytesPerInterval} bytes in a service interval; ${busIntervalBytes} are the most`);
  }
  return bus2 === "super" ? Math.min(bytesPerInterval, packet * burst * mult) : bytesPerInterval;
}
function isochEndpoints(configuration) {
  return allEndpoints(configuration).filter(isIsochronous);
}
function findIsochEndpoint(configuration, selector, speed) {
  const address = wholeNumber("endpoint", selector.endpoint, 0, 255);
  const interfaceNumber = optionalByte("interfaceNumber", selector.interfaceNumber);
  const setting = optionalByte("alternate", selector.alternate);
  oneOf("speed", speed, speeds);
  const name = hexAddress(address) + (interfaceNumber === void 0 ? "" : ` in interface ${interfaceNumber}`);
  const places = allEndpoints(configuration).filter(
    (place) =>
      place.endpoint.address === address && (interfaceNumber === void 0 || place.interfaceNumber === interfaceNumber),
  );
  if (places.length === 0) {
    const others = describe(isochEndpoints(configuration));
    throw new EndpointError(
      "no-such-endpoint",
      `the device has no endpoint ${name}; ` +
        (others === "" ? "it has no isochronous endpoints" : `its isochronous endpoints are ${others}`),
    );
  }
  const selected = places.filter(({ alternate }) => setting === void 0 || alternate.alternateSetting === setting);
  if (selected.length === 0) {
    throw new EndpointError(
      "not-in-alternate",
      `alternate setting ${String(setting)} does not have endpoint ${name}; these have it: ${describe(places)}`,
    );
  }
  const isochronous = selected.filter(isIsochronous);
  const [first] = isochronous;
  if (first === void 0) {
    const kinds = [...new Set(selected.map(({ endpoint }) => endpoint.transferType))].join(" and ");
    throw new EndpointError(
      "not-isochronous",
      `endpoint ${name} is a ${kinds} endpoint, and only isochronous ones can be streamed from here`,
    );
  }
  return setting === void 0 ? largest(isochronous, first, speed) : first;
}
function largest(places, first, speed) {
  let best = first;
  let most = -1;
  for (const place of places) {
    const bytes = sizeIn(place, speed) ?? -1;
    if (bytes > most) {
      best = place;
      most = bytes;
    }
  }
  if (most < 0) maxBytesPerInterval(first.endpoint, speed);
  return best;
}
function sizeIn(place, speed) {
  try {
    return maxBytesPerInterval(place.endpoint, speed);
  } catch (error) {
    if (DescriptorError.is(error)) return void 0;
    throw error;
  }
}
function allEndpoints(configuration) {
  return configuration.interfaces.flatMap(({ number, alternates }) =>
    alternates.flatMap((alternate) =>
      alternate.endpoints.map((endpoint) => ({ interfaceNumber: number, alternate, endpoint })),
    ),
  );
}
function isIsochronous({ endpoint }) {
  return endpoint.transferType === "isochronous";
}
function describe(places) {
  const settings = /* @__PURE__ */ new Map();
  for (const { endpoint, interfaceNumber, alternate } of places) {
    const place = `${hexAddress(endpoint.address)} (interface ${interfaceNumber}`;
    const alternates = settings.get(place) ?? [];
    settings.set(place, alternates);
    alternates.push(alternate.alternateSetting);
  }
  return Array.from(settings, ([place, alternates]) => `${place}, alternate settings ${alternates.join(", ")})`).join(
    ", ",
  );
}
function hexAddress(address) {
  return `0x${address.toString(16).padStart(2, "0")}`;
}
function optionalByte(what, value) {
  return value === void 0 ? void 0 : wholeNumber(what, value, 0, 255);
}
function isochronousSpeed(speed) {
  const known = oneOf("speed", speed, speeds);
  if (known === "low") badEndpoint("low speed has no isochronous endpoints");
  return known;
}
function badEndpoint(message) {
  throw new DescriptorError("bad-descriptor", `${message}: the device's descriptor is wrong`);
}

// src/interface-leases.ts
import {
  AsyncSubject,
  catchError as catchError2,
  concat as concat2,
  defer as defer2,
  EMPTY as EMPTY2,
  throwError as throwError2,
} from "rxjs";

// src/teardown.ts
import { catchError, concat, defer, EMPTY, throwError } from "rxjs";
function runAll(...steps) {
  return defer(() => {
    const failures = [];
    const tolerant = steps.map((step) =>
      step.pipe(
        catchError((error) => {
          if (!IsochError.is(error) || error.code !== "device-gone") failures.push(error);
          return EMPTY;
        }),
      ),
    );
    return concat(
      ...tolerant,
      defer(() => (failures.length === 0 ? EMPTY : throwError(() => failures[0]))),
    );
  });
}
function settled(source) {
  return source.pipe(catchError(() => EMPTY));
}

// src/interface-leases.ts
var InterfaceLeases = class {
  #device;
  #leases = /* @__PURE__ */ new Map();
  constructor(device) {
    this.#device = device;
  }
  /** Completes when the lease is there; it is then given back with {@link InterfaceLeases.release}. */
  acquire(interfaceNumber, alternate) {
    return defer2(() => {
      const lease = this.#leases.get(interfaceNumber);
      if (lease === void 0) return this.#claim(interfaceNumber, alternate);
      if (lease.releasing !== void 0) {
        return concat2(settled(lease.releasing), this.acquire(interfaceNumber, alternate));
      }
      if (lease.alternate !== alternate) {
        throw new BusyError(
          "interface-busy",
          `interface ${interfaceNumber} is in use in alternate setting ${lease.alternate}: close the pipes there before you select ${alternate}`,
        );
      }
      lease.users++;
      return lease.ready;
    });
  }
  /** Gives a lease back. Starts at once, without a subscription. */
  release(interfaceNumber) {
    const lease = this.#leases.get(interfaceNumber);
    if (lease === void 0 || --lease.users > 0) return EMPTY2;
    lease.releasing = new AsyncSubject();
    runAll(
      lease.alternate === 0 ? EMPTY2 : this.#device.selectAlternate(interfaceNumber, 0),
      this.#device.releaseInterface(interfaceNumber),
    ).subscribe({
      error: (error) => {
        this.#leases.delete(interfaceNumber);
        lease.releasing?.error(error);
      },
      complete: () => {
        this.#leases.delete(interfaceNumber);
        lease.releasing?.complete();
      },
    });
    return lease.releasing;
  }
  #claim(interfaceNumber, alternate) {
    const lease = { alternate, users: 1, ready: new AsyncSubject(), releasing: void 0 };
    this.#leases.set(interfaceNumber, lease);
    const device = this.#device;
    concat2(
      device.claimInterface(interfaceNumber),
      device.selectAlternate(interfaceNumber, alternate).pipe(
        catchError2((error) =>
          concat2(
            settled(device.releaseInterface(interfaceNumber)),
            throwError2(() => error),
          ),
        ),
      ),
    ).subscribe({
      error: (error) => {
        this.#leases.delete(interfaceNumber);
        lease.ready.error(error);
      },
      complete: () => {
        lease.ready.complete();
      },
    });
    return lease.ready;
  }
};

// src/session.ts
import { AsyncSubject as AsyncSubject3 } from "rxjs";

// src/request.ts
var maxFramesPerRequest = 2 ** 20;
var maxBytesPerRequest = 2 ** 30;
function checkRequest(request, endpoint, capabilities) {
  const given = request;
  if (typeof given !== "object" || given === null) {
    throw new InvalidRequestError("invalid-option", `a request is an object with lengths, not ${inWords(given)}`);
  }
  try {
    return check(request, endpoint, capabilities);
  } catch (error) {
    if (IsochError.is(error)) throw error;
    throw new InvalidRequestError("invalid-option", `the request cannot be read: ${inWords(error)}`, { cause: error });
  }
}
function check(request, endpoint, capabilities) {
  const { dma } = request;
  const lengths = checkLengths(request, endpoint);
  const start = checkStart(request.start, capabilities);
  let total = 0;
  for (const length of lengths) total += length;
  if (total > maxBytesPerRequest) {
    throw new InvalidRequestError(
      "invalid-number",
      `a request can have ${maxBytesPerRequest} bytes at most, not ${total}: issue several`,
    );
  }
  if (!capabilities.lengthsPerFrame && lengths.some((length) => length !== lengths[0])) {
    throw new UnsupportedError(
      "unsupported",
      "this transport moves frames of one length only: give every frame the same length",
    );
  }
  const memory = dma?.bytes;
  if (dma !== void 0 && !(memory instanceof Uint8Array)) {
    throw new InvalidRequestError("invalid-option", "dma must be a buffer that allocateDma() returned");
  }
  if (dma !== void 0 && !capabilities.dma) {
    throw new UnsupportedError("unsupported", "this transport has no DMA buffers: leave out dma");
  }
  const compact = request.compact ?? false;
  checkCompact(compact, endpoint, dma);
  return { lengths, buffer: checkBuffer(request.buffer, dma, endpoint, total), start, compact, dma };
}
function checkCompact(compact, endpoint, dma) {
  if (!compact) return;
  if (endpoint.direction === "out") {
    throw new InvalidRequestError("compact-out", "only IN data can be compacted: leave compact out on an OUT endpoint");
  }
  if (dma !== void 0) {
    throw new InvalidRequestError(
      "compact-with-dma",
      "data in a DMA buffer is not compacted: leave out compact or dma",
    );
  }
}
function checkDirection(endpoint, direction, purpose) {
  if (endpoint.direction === direction) return;
  throw new EndpointError(
    "wrong-direction",
    `${purpose} needs an ${direction.toUpperCase()} endpoint, and 0x${endpoint.address.toString(16)} is ${endpoint.direction.toUpperCase()}`,
  );
}
function checkStart(start, capabilities) {
  if (start === void 0 || start === "asap") return "asap";
  wholeNumber("start", start, 0);
  if (!capabilities.startFrame) {
    throw new UnsupportedError("unsupported", "this transport cannot start on a given frame: use start: 'asap'");
  }
  return start;
}
function checkFrameLength(what, length, endpoint) {
  if (typeof length === "number" && Number.isInteger(length) && length >= 1 && length <= endpoint.maxFrameLength) {
    return length;
  }
  if (endpoint.maxFrameLength === 0) {
    throw new InvalidRequestError(
      "length-out-of-range",
      `endpoint 0x${endpoint.address.toString(16)} moves no bytes in alternate setting ${endpoint.alternate}: choose another alternate setting`,
    );
  }
  throw new InvalidRequestError(
    Number.isInteger(length) ? "length-out-of-range" : "invalid-number",
    `${what} must be a whole number from 1 to ${endpoint.maxFrameLength}, the maximum of endpoint 0x${endpoint.address.toString(16)} in alternate setting ${endpoint.alternate}, not ${inWords(length)}`,
  );
}
function checkLengths({ lengths, frames }, endpoint) {
  if (typeof lengths === "number") {
    return new Uint32Array(checkCount(frames)).fill(checkFrameLength("lengths", lengths, endpoint));
  }
  const list = lengths;
  if (typeof list !== "object" || list === null || !("length" in list)) {
    throw new InvalidRequestError(
      "invalid-number",
      `lengths must be one number of bytes for all frames, or a list of them, not ${inWords(list)}`,
    );
  }
  const checked = new Uint32Array(checkCount(lengths.length));
  if (frames !== void 0 && wholeNumber("frames", frames, 0) !== checked.length) {
    throw new InvalidRequestError("length-mismatch", `frames is ${frames}, but there are ${checked.length} lengths`);
  }
  for (let i = 0; i < checked.length; i++) checked[i] = checkFrameLength(`lengths[${i}]`, lengths[i], endpoint);
  return checked;
}
function checkCount(count) {
  if (count === 0) throw new InvalidRequestError("no-frames", "a request needs at least one frame");
  return wholeNumber("the number of frames", count, 1, maxFramesPerRequest);
}
function checkBuffer(buffer, dma, endpoint, total) {
  if (buffer === void 0) {
    if (dma !== void 0 && dma.bytes.length >= total) return dma.bytes.subarray(0, total);
    if (dma !== void 0) {
      throw new InvalidRequestError(
        "length-mismatch",
        `the frames need ${total} bytes, the DMA buffer has ${dma.bytes.length}`,
      );
    }
    if (endpoint.direction === "in") return allocate(total);
    throw new InvalidRequestError("length-mismatch", `an OUT request needs a buffer with the ${total} bytes to send`);
  }
  if (!(buffer instanceof Uint8Array)) {
    throw new InvalidRequestError("invalid-option", "buffer must be a Uint8Array (a Buffer is one)");
  }
  if (buffer.length !== total) {
    throw new InvalidRequestError(
      "length-mismatch",
      `the lengths add up to ${total} bytes, the buffer has ${buffer.length}`,
    );
  }
  if (dma !== void 0 && !contains(dma.bytes, buffer)) {
    throw new InvalidRequestError("invalid-option", "buffer must be a view into the bytes of the DMA buffer");
  }
  return buffer;
}
function contains(whole, part) {
  return (
    whole.buffer === part.buffer &&
    part.byteOffset >= whole.byteOffset &&
    part.byteOffset + part.byteLength <= whole.byteOffset + whole.byteLength
  );
}
function allocate(bytes) {
  try {
    return new Uint8Array(bytes);
  } catch (cause) {
    throw new ResourceError("no-memory", `no memory for a buffer of ${bytes} bytes: issue smaller requests`, { cause });
  }
}

// src/status.ts
var frameStatuses = [
  "ok",
  "crc",
  "bit-stuffing",
  "data-toggle-mismatch",
  "stall",
  "device-not-responding",
  "pid-check-failure",
  "unexpected-pid",
  "data-overrun",
  "data-underrun",
  "buffer-overrun",
  "buffer-underrun",
  "not-accessed",
  "failed",
  "cancelled",
  "not-complete",
  "lost",
];
var statusCodes = Object.freeze(Object.fromEntries(frameStatuses.map((status2, code) => [status2, code])));
function statusOf(code) {
  return frameStatuses[code] ?? "failed";
}
var notComplete = statusCodes["not-complete"];
function servedFrames({ statuses: statuses2 }) {
  let served = statuses2.length;
  while (served > 0 && statuses2[served - 1] === notComplete) served--;
  return served;
}

// src/results.ts
var IsochResults = class _IsochResults {
  /** The frame of index 0; see {@link FrameResult.frame}. */
  firstFrame;
  /** Frames in this transfer. 0 in the one case of a loss that no later transfer is there to report. */
  length;
  /**
   * Frames directly before `firstFrame` of which nothing was delivered: nothing was queued for
   * them, or they were dropped under the overflow policy. Exact where the bus clock can be read,
   * an estimate where the transport hides it.
   */
  lost;
  /** Bytes asked for, per frame. */
  requested;
  /** Bytes that moved, per frame. */
  actual;
  /** {@link statusCodes}, per frame. */
  statuses;
  /** The codes of the layer below, per frame, where it has any. */
  nativeStatuses;
  /** The bytes of all frames; where each begins, `compacted` tells. */
  data;
  /**
   * Whether `data` is contiguous (each frame at the sum of `actual` before it) or strided (of
   * `requested`). Where no frame came short but the last, it is contiguous by itself.
   */
  compacted;
  /** Bytes that moved, of all frames together. */
  bytesTransferred;
  /**
   * Frames that had their turn on the bus. The rest, at the end of a transfer that was cut short,
   * read `not-complete`.
   */
  served;
  /** How the transfer as a whole went. */
  error;
  /** When it completed: microseconds, monotonic, taken where the transport saw it. */
  timestamp;
  #offsets;
  constructor(init) {
    const { actual, statuses: statuses2 } = init;
    let bytes = 0;
    let flaws = 0;
    let holes = 0;
    let shortfall = 0;
    for (let i = 0; i < actual.length; i++) {
      const moved = actual[i] ?? 0;
      if (moved > 0) holes |= shortfall;
      shortfall |= (init.requested[i] ?? 0) - moved;
      bytes += moved;
      flaws |= statuses2[i] ?? 0;
    }
    this.firstFrame = init.firstFrame;
    this.length = actual.length;
    this.lost = init.lost ?? 0;
    this.requested = init.requested;
    this.actual = actual;
    this.statuses = statuses2;
    this.nativeStatuses = init.nativeStatuses;
    this.compacted = init.compacted || holes === 0;
    this.data = this.compacted ? init.data.subarray(0, bytes) : init.data;
    this.bytesTransferred = bytes;
    this.served = servedFrames(init);
    this.error = init.error ?? (flaws === 0 ? "ok" : "isoch");
    this.timestamp = init.timestamp;
  }
  /**
   * The frame at `index`, from 0.
   *
   * @throws {@link InvalidRequestError} `invalid-number` for an index that is not in the transfer.
   */
  frame(index) {
    wholeNumber("index", index, 0, this.length - 1);
    return this.#frameAt(index, this.#frameOffsets()[index] ?? 0);
  }
  /** Every frame in order, those that read `not-complete` included. */
  *[Symbol.iterator]() {
    const strides = this.compacted ? this.actual : this.requested;
    for (let i = 0, offset = 0; i < this.length; i++) {
      yield this.#frameAt(i, offset);
      offset += strides[i] ?? 0;
    }
  }
  /**
   * The same with the data contiguous: itself if it is already, else with one copy of the bytes
   * that moved.
   */
  compact() {
    return this.compacted ? this : this.copied();
  }
  /**
   * The same, contiguous, in a buffer of its own of exactly the bytes that moved.
   * @internal
   */
  copied() {
    const strides = this.compacted ? this.actual : this.requested;
    const data = compactCopy(this.data, strides, this.actual, this.bytesTransferred);
    return new _IsochResults({ ...this.#init(), data, compacted: true });
  }
  /**
   * The same with another number of lost frames before it.
   * @internal
   */
  withLost(lost2) {
    return new _IsochResults({ ...this.#init(), lost: lost2 });
  }
  /**
   * Sends the frames that had their turn on the bus, and stops as soon as the subscriber has
   * enough. A loss with no frame on one side of it is shown by its frame there, as `lost`.
   *
   * @param isFirst nothing was sent before
   * @internal
   */
  emitTo(subscriber, isFirst) {
    if (this.lost > 0 && isFirst) subscriber.next(lostFrame(this.firstFrame - this.lost));
    if (this.lost > 0 && this.length === 0 && !(isFirst && this.lost === 1))
      subscriber.next(lostFrame(this.firstFrame - 1));
    const strides = this.compacted ? this.actual : this.requested;
    for (let i = 0, offset = 0; i < this.served && !subscriber.closed; i++) {
      subscriber.next(this.#frameAt(i, offset));
      offset += strides[i] ?? 0;
    }
  }
  #frameAt(index, offset) {
    const actual = this.actual[index] ?? 0;
    return {
      frame: this.firstFrame + index,
      status: statusOf(this.statuses[index] ?? 0),
      requested: this.requested[index] ?? 0,
      actual,
      data: this.data.subarray(offset, offset + actual),
    };
  }
  #init() {
    const {
      firstFrame,
      lost: lost2,
      requested,
      actual,
      statuses: statuses2,
      nativeStatuses,
      data,
      compacted: compacted2,
      timestamp,
      error,
    } = this;
    return {
      firstFrame,
      lost: lost2,
      requested,
      actual,
      statuses: statuses2,
      nativeStatuses,
      data,
      compacted: compacted2,
      timestamp,
      error,
    };
  }
  #frameOffsets() {
    if (this.#offsets === void 0) {
      const strides = this.compacted ? this.actual : this.requested;
      const offsets = new Uint32Array(this.length);
      for (let i = 1; i < this.length; i++) offsets[i] = (offsets[i - 1] ?? 0) + (strides[i - 1] ?? 0);
      this.#offsets = offsets;
    }
    return this.#offsets;
  }
};
function lostFrame(frame) {
  return { frame, status: "lost", requested: 0, actual: 0, data: new Uint8Array(0) };
}
function compactCopy(data, strides, actual, total) {
  const packed = new Uint8Array(total);
  let from2 = 0;
  let to = 0;
  let end = 0;
  let next = 0;
  for (let i = 0; i < actual.length; i++) {
    const moved = actual[i] ?? 0;
    if (next !== end && moved > 0) {
      if (end > from2) packed.set(data.subarray(from2, end), to);
      to += end - from2;
      from2 = end = next;
    }
    if (moved > 0) end = next + moved;
    next += strides[i] ?? 0;
  }
  if (end > from2) packed.set(data.subarray(from2, end), to);
  return packed;
}
function compactInPlace(buffer, requested, actual) {
  let from2 = 0;
  let to = 0;
  for (let i = 0; i < actual.length; i++) {
    const moved = actual[i] ?? 0;
    if (from2 !== to && moved > 0) buffer.copyWithin(to, from2, from2 + moved);
    to += moved;
    from2 += requested[i] ?? 0;
  }
}

// src/ring.ts
var Ring = class {
  #capacity;
  #items = [];
  #head = 0;
  #length = 0;
  constructor(capacity) {
    this.#capacity = capacity;
  }
  get length() {
    return this.#length;
  }
  get isFull() {
    return this.#length === this.#capacity;
  }
  /** Adds at the end. Not while the ring is full. */
  push(item) {
    this.#items[(this.#head + this.#length) % this.#capacity] = item;
    this.#length++;
  }
  /** Takes the oldest. */
  shift() {
    if (this.#length === 0) return void 0;
    const item = this.#items[this.#head];
    this.#items[this.#head] = void 0;
    this.#head = (this.#head + 1) % this.#capacity;
    this.#length--;
    return item;
  }
};

// src/stream-options.ts
function ringOverflow(ring) {
  return new OverflowError(
    "overflow",
    `the consumer did not take ${ring} results in time: take them faster, or choose a larger ring or an overflow policy that drops`,
  );
}
var overflowPolicies = ["error", "drop-oldest", "drop-newest"];
function planStream(options, endpoint, capabilities) {
  checkDirection(endpoint, "in", "receiving a stream");
  const { frameLength = endpoint.maxFrameLength, frames = framesIn(8e3, endpoint, 128), queue = 8 } = options;
  checkFrameLength("frameLength", frameLength, endpoint);
  wholeNumber("frames", frames, 1, maxFramesPerRequest);
  wholeNumber("queue", queue, 1, 1024);
  const { ring = Math.ceil(framesIn(2e6, endpoint) / frames), overflow = "drop-oldest" } = options;
  wholeNumber("ring", ring, 1, 2 ** 20);
  if (frames * frameLength * queue > maxBytesPerRequest) {
    throw new InvalidRequestError(
      "invalid-number",
      `${queue} transfers of ${frames} frames of ${frameLength} bytes are more than ${maxBytesPerRequest} bytes in flight: choose fewer`,
    );
  }
  return {
    frameLength,
    frames,
    queue,
    ring,
    overflow: oneOf("overflow", overflow, overflowPolicies),
    start: checkStart(options.start, capabilities),
  };
}
function framesIn(microseconds, endpoint, most = Infinity) {
  return Math.min(most, Math.max(1, Math.round(microseconds / endpoint.frameDuration)));
}

// src/submission.ts
var PendingSubmission = class {
  lengths;
  buffer;
  start;
  dma;
  completed;
  actual;
  statuses;
  nativeStatuses = void 0;
  firstFrame = void 0;
  timestamp = 0;
  cancelled = false;
  error = void 0;
  constructor(init) {
    this.lengths = init.lengths;
    this.buffer = init.buffer;
    this.start = init.start;
    this.dma = init.dma;
    this.completed = init.completed;
    this.actual = new Uint32Array(init.lengths.length);
    this.statuses = new Uint8Array(init.lengths.length);
  }
};
function submitTo(endpoint, submission) {
  try {
    endpoint.submit(submission);
  } catch (error) {
    throw asIsochError(error);
  }
}
function resultsOf(submission, placement, data, compacted2) {
  return new IsochResults({
    firstFrame: placement.firstFrame,
    lost: placement.lost,
    requested: submission.lengths,
    actual: submission.actual,
    statuses: submission.statuses,
    nativeStatuses: submission.nativeStatuses,
    data,
    compacted: compacted2,
    timestamp: submission.timestamp,
    error: outcomeOf(submission),
  });
}
function outcomeOf({ cancelled, error }) {
  if (cancelled) return "cancelled";
  if (error === void 0) return void 0;
  return error.code === "device-gone" ? "device-not-responding" : "failed";
}

// src/pump.ts
var Pump = class {
  #endpoint;
  #plan;
  #timeline;
  #sink;
  #lengths;
  #inFlight = /* @__PURE__ */ new Set();
  #spare = [];
  #ring;
  #state = "running";
  #stopped = false;
  #drained = false;
  #error;
  /** Frames dropped at the head of the ring: before the next result that is taken. */
  #lostAtHead = 0;
  /** Frames dropped at the tail of the ring: before the next result that is put there. */
  #lostAtTail = 0;
  /** The frame after the last that was on the bus. */
  #nextFrame = 0;
  #timestamp = 0;
  /**
   * Starts at once.
   *
   * @throws what {@link TransportEndpoint.submit} throws for the first submission
   */
  constructor(endpoint, plan, timeline, sink) {
    this.#endpoint = endpoint;
    this.#plan = plan;
    this.#timeline = timeline;
    this.#sink = sink;
    this.#ring = new Ring(plan.ring);
    this.#lengths = new Uint32Array(plan.frames).fill(plan.frameLength);
    this.#submit(plan.start);
    for (let i = 1; i < plan.queue && this.#state === "running"; i++) this.#renew();
  }
  get ended() {
    return this.#state === "ended" && this.#ring.length === 0 && this.#lostAtTail === 0
      ? { error: this.#error }
      : void 0;
  }
  take() {
    const results2 = this.#ring.shift();
    if (results2 === void 0) return this.#state === "ended" ? this.#takeLoss() : void 0;
    if (this.#lostAtHead === 0) return results2;
    const lost2 = results2.lost + this.#lostAtHead;
    this.#lostAtHead = 0;
    return results2.withLost(lost2);
  }
  stop() {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#end(void 0);
    for (const submission of this.#inFlight) this.#endpoint.cancel(submission);
    this.#settle();
  }
  #completed = (submission) => {
    this.#inFlight.delete(submission);
    const placement = this.#timeline.completed(submission);
    if (!this.#stopped) {
      const results2 = this.#receive(submission, placement);
      if (submission.error !== void 0) this.#end(submission.error);
      this.#put(results2);
      if (this.#state === "running") this.#renew();
    }
    this.#settle();
    if (!this.#stopped) this.#sink.ready();
  };
  /**
   * Contiguous results: in the buffer of the submission where they fill it well, else in one of
   * their own, and the submission's is used again.
   */
  #receive(submission, placement) {
    const { buffer } = submission;
    const results2 = resultsOf(submission, placement, buffer, false);
    if (results2.compacted && 2 * results2.bytesTransferred >= buffer.length) return results2;
    this.#spare.push(buffer);
    return results2.copied();
  }
  #put(results2) {
    if (results2.served === 0) return;
    this.#nextFrame = results2.firstFrame + results2.served;
    this.#timestamp = results2.timestamp;
    if (this.#ring.isFull) {
      if (this.#plan.overflow !== "drop-oldest") {
        this.#lostAtTail += results2.lost + results2.served;
        if (this.#plan.overflow === "error" && this.#state === "running") this.#overflow();
        return;
      }
      const oldest = this.#ring.shift();
      if (oldest !== void 0) this.#lostAtHead += oldest.lost + oldest.served;
    }
    this.#ring.push(this.#lostAtTail === 0 ? results2 : results2.withLost(results2.lost + this.#lostAtTail));
    this.#lostAtTail = 0;
  }
  #overflow() {
    this.#end(ringOverflow(this.#plan.ring));
    for (const submission of this.#inFlight) this.#endpoint.cancel(submission);
  }
  #renew() {
    try {
      this.#submit("asap");
    } catch (error) {
      this.#end(asIsochError(error));
    }
  }
  #submit(start) {
    const buffer = this.#spare.pop() ?? allocate(this.#plan.frames * this.#plan.frameLength);
    const submission = new PendingSubmission({ lengths: this.#lengths, buffer, start, completed: this.#completed });
    submitTo(this.#endpoint, submission);
    this.#timeline.submitted(this.#plan.frames);
    this.#inFlight.add(submission);
  }
  #end(error) {
    if (this.#state !== "running") return;
    this.#state = "ending";
    this.#error = error;
  }
  /** Takes the steps that wait for the last completion. */
  #settle() {
    if (this.#state === "ending" && this.#inFlight.size === 0) this.#state = "ended";
    if (this.#state === "ended" && this.#stopped && !this.#drained) {
      this.#drained = true;
      this.#sink.drained();
    }
  }
  /** The loss at the very end, as a result without frames. */
  #takeLoss() {
    if (this.#lostAtTail === 0) return void 0;
    const lost2 = this.#lostAtTail;
    this.#lostAtTail = 0;
    return new IsochResults({
      firstFrame: this.#nextFrame,
      lost: lost2,
      requested: new Uint32Array(0),
      actual: new Uint32Array(0),
      statuses: new Uint8Array(0),
      data: new Uint8Array(0),
      compacted: true,
      timestamp: this.#timestamp,
    });
  }
};

// src/timeline.ts
function createTimeline(endpoint, frameDuration) {
  return new PipeTimeline(() => endpoint.now(), frameDuration);
}
var PipeTimeline = class {
  #exact = new BusTimeline();
  #estimated;
  constructor(now, frameDuration) {
    this.#estimated = new EstimatedTimeline(now, frameDuration);
  }
  submitted(frames) {
    this.#estimated.submitted(frames);
  }
  completed(submission) {
    const estimate = this.#estimated.completed(submission);
    return submission.firstFrame === void 0 ? estimate : this.#exact.completed(submission.firstFrame, submission);
  }
  skipped(submission) {
    const estimate = this.#estimated.skipped(submission);
    return submission.firstFrame === void 0 ? estimate : this.#exact.skipped(submission.firstFrame, submission);
  }
};
var BusTimeline = class {
  #next;
  completed(firstFrame, submission) {
    const served = servedFrames(submission);
    if (served === 0) return { firstFrame, lost: 0 };
    const lost2 = Math.max(0, firstFrame - (this.#next ?? firstFrame));
    this.#next = firstFrame + served;
    return { firstFrame, lost: lost2 };
  }
  skipped(firstFrame, submission) {
    if (servedFrames(submission) > 0) this.#next ??= firstFrame;
    return { firstFrame, lost: 0 };
  }
};
var latenessWindow = 32;
var EstimatedTimeline = class {
  #now;
  #frameDuration;
  #queued = [];
  #queueEnd;
  #next = 0;
  /** Frames that were missed, and are to be reported with the next that were on the bus. */
  #missed = 0;
  #leastLateness = Infinity;
  #judged = 0;
  constructor(now, frameDuration) {
    this.#now = now;
    this.#frameDuration = frameDuration;
  }
  submitted(frames) {
    const now = this.#now();
    const queueEnd = this.#queueEnd ?? now;
    const lost2 = Math.max(0, Math.floor((now - queueEnd) / this.#frameDuration));
    const end = Math.max(now, queueEnd) + frames * this.#frameDuration;
    this.#queued.push({ lost: lost2, end });
    this.#queueEnd = end;
  }
  completed(submission) {
    this.#missed += this.#dequeue(submission);
    const served = servedFrames(submission);
    if (served === 0) return { firstFrame: this.#next + this.#missed, lost: 0 };
    const lost2 = this.#missed;
    const firstFrame = this.#next + lost2;
    this.#missed = 0;
    this.#next = firstFrame + served;
    return { firstFrame, lost: lost2 };
  }
  skipped(submission) {
    this.#missed += this.#dequeue(submission) + servedFrames(submission);
    return { firstFrame: this.#next, lost: 0 };
  }
  /** Takes the oldest submission off the estimated queue; the frames that were missed before it. */
  #dequeue(submission) {
    const { timestamp, lengths, cancelled, error } = submission;
    const { lost: lost2, end } = this.#queued.shift() ?? { lost: 0, end: timestamp };
    if (!cancelled && error === void 0) this.#judge(timestamp - end);
    else this.#shift((servedFrames(submission) - lengths.length) * this.#frameDuration);
    return lost2;
  }
  #judge(lateness) {
    this.#leastLateness = Math.min(this.#leastLateness, lateness);
    this.#judged++;
    if (this.#leastLateness < 0 || this.#judged === latenessWindow) {
      this.#shift(this.#leastLateness);
      this.#leastLateness = Infinity;
      this.#judged = 0;
    }
  }
  #shift(by) {
    if (this.#queueEnd !== void 0) this.#queueEnd += by;
    for (const queued of this.#queued) queued.end += by;
  }
};

// src/transfer.ts
import { AsyncSubject as AsyncSubject2, Observable } from "rxjs";
var IsochTransfer = class extends Observable {
  /** The endpoint it moves data of. */
  endpoint;
  /** Number of frames. */
  frames;
  /** Who issued it. */
  issuer;
  #context;
  #submission;
  #completion = new AsyncSubject2();
  #released = new AsyncSubject2();
  #compact;
  #results;
  #isClosed = false;
  /**
   * Submits at once.
   * @internal
   */
  constructor(request, context) {
    super((subscriber) =>
      this.#completion.subscribe({
        next: (results2) => {
          for (const frame of results2) {
            if (subscriber.closed) return;
            subscriber.next(frame);
          }
        },
        error: (error) => {
          subscriber.error(error);
        },
        complete: () => {
          subscriber.complete();
        },
      }),
    );
    this.endpoint = context.endpoint;
    this.frames = request.lengths.length;
    this.issuer = context.issuer;
    this.#context = context;
    this.#compact = request.compact;
    this.#submission = new PendingSubmission({
      lengths: request.lengths,
      buffer: request.buffer,
      start: request.start,
      dma: request.dma,
      completed: () => {
        this.#complete();
      },
    });
    submitTo(context.port, this.#submission);
    context.timeline.submitted(this.frames);
  }
  /**
   * Emits the results when the transfer completes, or at once if it has, and completes. Closed
   * before that, it completes without a value.
   */
  get completion() {
    return this.#completion.asObservable();
  }
  /**
   * Completes when the transport has let go of the buffer: with the completion, and also for a
   * transfer that was closed while in flight.
   */
  get released() {
    return this.#released.asObservable();
  }
  /** Whether the transfer has run through, or was cancelled: IsTransferComplete. False once closed. */
  get isComplete() {
    return this.#results !== void 0;
  }
  /** Whether {@link IsochTransfer.close} was called. */
  get isClosed() {
    return this.#isClosed;
  }
  /**
   * Bytes and outcome so far: GetTransferStatus. While pending: no bytes, `ok`.
   *
   * @throws {@link TransferStateError} `transfer-closed`
   */
  status() {
    this.#checkOpen("status");
    return {
      bytesTransferred: this.#results?.bytesTransferred ?? 0,
      error: this.#results?.error ?? "ok",
    };
  }
  /**
   * What happened in each frame: GetIsochResults. Repeatable until the transfer is closed; results
   * that were taken before stay valid after.
   *
   * @throws {@link TransferStateError} `transfer-pending`, `transfer-closed`
   */
  results() {
    this.#checkOpen("results");
    if (this.#results === void 0) {
      throw new TransferStateError(
        "transfer-pending",
        "the transfer is not complete: wait for its completion, or ask isComplete first",
      );
    }
    return this.#results;
  }
  /**
   * Asks for contiguous data: USB_COMPRESS_ISOCH. Before the completion, the data moves within its
   * own buffer; after it, into a new one. Repeatable.
   *
   * @returns itself
   * @throws {@link InvalidRequestError} `compact-out`, `compact-with-dma`
   */
  compact() {
    checkCompact(true, this.endpoint, this.#submission.dma);
    this.#compact = true;
    this.#results = this.#results?.compact();
    return this;
  }
  /**
   * Cancels the transfer: AbortTransfer. Returns at once; the completion follows, with the frames
   * that had finished. Does nothing to a transfer that is complete or closed. Where the transport
   * cannot cancel ({@link TransportCapabilities.cancel}), the transfer runs to its end.
   */
  abort() {
    if (!this.isComplete && !this.#isClosed) this.#context.port.cancel(this.#submission);
  }
  /**
   * Blocks the program until the transfer is complete; its completion was delivered when this
   * returns.
   *
   * @throws {@link UnsupportedError} where the transport cannot block; {@link TransferStateError}
   */
  wait() {
    this.#checkOpen("wait");
    if (this.isComplete) return;
    if (this.#context.port.wait === void 0) {
      throw new UnsupportedError(
        "unsupported",
        "this transport cannot block the program: issue asynchronously, and wait for the completion",
      );
    }
    this.#context.port.wait(this.#submission);
  }
  /**
   * Ends the handle: CloseTransfer. A transfer in flight is aborted first, and its buffer is the
   * caller's again when {@link IsochTransfer.released} completes. Nothing is emitted after this
   * returns.
   *
   * @throws {@link TransferStateError} `transfer-closed` if it was closed already
   */
  close() {
    this.#checkOpen("close");
    this.abort();
    this.#isClosed = true;
    this.#results = void 0;
    this.#completion.complete();
  }
  #complete() {
    const submission = this.#submission;
    const { timeline, isFiller } = this.#context;
    if (this.#isClosed) timeline.skipped(submission);
    else {
      const placement = isFiller ? timeline.skipped(submission) : timeline.completed(submission);
      if (this.#compact) compactInPlace(submission.buffer, submission.lengths, submission.actual);
      const results2 = resultsOf(submission, placement, submission.buffer, this.#compact);
      this.#results = results2;
      this.#completion.next(results2);
      this.#completion.complete();
    }
    this.#context.released(submission.error);
    this.#released.complete();
  }
  #checkOpen(purpose) {
    if (this.#isClosed) {
      throw new TransferStateError("transfer-closed", `${purpose}: the transfer was closed, and its results are gone`);
    }
  }
};

// src/session.ts
var nobody = {
  stop: () => {},
};
var PipeSession = class {
  endpoint;
  /** What the transport can do. */
  capabilities;
  #port;
  #release;
  #timeline;
  #transfers = /* @__PURE__ */ new Set();
  #closed = new AsyncSubject3();
  #source;
  #inFlight = 0;
  #isClosing = false;
  #failure;
  /** @internal */
  constructor(context) {
    this.endpoint = context.endpoint;
    this.capabilities = context.capabilities;
    this.#port = context.port;
    this.#release = context.release;
    this.#timeline = createTimeline(context.port, context.endpoint.frameDuration);
  }
  /** Why nothing more can be issued: the device is gone, or the transport failed. */
  get failure() {
    return this.#failure;
  }
  /** Whether {@link PipeSession.close} was called. */
  get isClosing() {
    return this.#isClosing;
  }
  /** Completes when the session is closed; errors with what went wrong in closing. */
  get closed() {
    return this.#closed.asObservable();
  }
  /**
   * Submits a request: IssueIsochTransfer. Returns at once, never with a complete transfer.
   *
   * @param issuer who is told to stop by the operator `close`; nobody, where it is left out
   * @throws {@link InvalidRequestError}, {@link EndpointError}, {@link UnsupportedError} for a bad
   * request; {@link DeviceError} `device-gone`; {@link ResourceError}; {@link TransferStateError} `pipe-closed`
   */
  issue(request, issuer = nobody) {
    this.#checkOpen();
    return this.#submit(checkRequest(request, this.endpoint, this.capabilities), issuer, false);
  }
  /**
   * Keeps the bus busy with frames that nobody asked for, empty ones among them. On the timeline
   * they count as missed.
   * @internal
   */
  fill(lengths, buffer) {
    this.#checkOpen();
    return this.#submit({ lengths, buffer, start: "asap", compact: false, dma: void 0 }, nobody, true);
  }
  /**
   * Starts a stream. The session has one at a time, and takes no requests beside it.
   * @internal
   */
  stream(plan, sink) {
    this.#checkOpen();
    const own = {
      ready: () => {
        sink.ready();
      },
      drained: () => {
        sink.drained();
        this.#settled();
      },
    };
    this.#source = this.#port.stream?.(plan, own) ?? new Pump(this.#port, plan, this.#timeline, own);
    this.#inFlight++;
    return this.#source;
  }
  /** Microseconds, monotonic: the clock of {@link IsochResults.timestamp}. */
  now() {
    return this.#port.now();
  }
  /**
   * The frame that is on the bus now, in service intervals.
   *
   * @throws {@link UnsupportedError} where the transport hides the bus clock
   */
  frameNumber() {
    return this.#port.frameNumber?.() ?? this.#unsupported("hides the bus clock: count frames from the first result");
  }
  /**
   * Allocates a buffer that the host controller reads and writes directly. The caller frees it.
   *
   * @param size bytes, from 1 to {@link maxBytesPerRequest}
   * @throws {@link InvalidRequestError}; {@link UnsupportedError}; {@link ResourceError}
   */
  allocateDma(size) {
    wholeNumber("size", size, 1, maxBytesPerRequest);
    return this.#port.allocateDma?.(size) ?? this.#unsupported("has no DMA buffers: leave out dma");
  }
  /** Cancels every transfer that is in flight. Returns at once. */
  abort() {
    for (const transfer of this.#transfers) transfer.abort();
  }
  /**
   * Closes the pipe: what is in flight is cancelled and drained, then the interface is released,
   * then the device closed. Starts at once, without a subscription, and only once.
   *
   * @returns {@link PipeSession.closed}
   */
  close() {
    if (!this.#isClosing) {
      this.#isClosing = true;
      this.#inFlight++;
      this.#source?.stop();
      this.abort();
      this.#settled();
    }
    return this.closed;
  }
  #submit(request, issuer, isFiller) {
    const transfer = new IsochTransfer(request, {
      endpoint: this.endpoint,
      port: this.#port,
      timeline: this.#timeline,
      isFiller,
      issuer,
      released: (fatal) => {
        this.#transfers.delete(transfer);
        this.#failure ??= fatal;
        this.#settled();
      },
    });
    this.#transfers.add(transfer);
    this.#inFlight++;
    return transfer;
  }
  #settled() {
    this.#inFlight--;
    if (this.#isClosing && this.#inFlight === 0) this.#release.subscribe(this.#closed);
  }
  #checkOpen() {
    if (this.#isClosing) throw new TransferStateError("pipe-closed", "the pipe is closed: open it again");
    if (this.#failure !== void 0) throw this.#failure;
  }
  #unsupported(what) {
    throw new UnsupportedError("unsupported", `this transport ${what}`);
  }
};

// src/subscribe-inner.ts
import { Subscriber } from "rxjs";
function subscribeInner(source, outer, observer) {
  const guarded = (act) => {
    try {
      act();
    } catch (error) {
      outer.error(error);
    }
  };
  const inner = new Subscriber({
    next: (value) => {
      guarded(() => {
        observer.next(value);
      });
    },
    error: (error) => {
      guarded(() => {
        if (observer.error === void 0) outer.error(error);
        else observer.error(error);
      });
    },
    complete: () => {
      guarded(() => {
        if (observer.complete === void 0) outer.complete();
        else observer.complete();
      });
    },
  });
  outer.add(inner);
  source.subscribe(inner);
  return inner;
}

// src/device.ts
var OpenedEndpoint = class {
  session;
  /** Its user lost interest before the session was there. */
  abandoned = false;
  #left = new AsyncSubject4();
  get isLeaving() {
    return this.session?.isClosing ?? this.abandoned;
  }
  /** Completes when the endpoint is free again; errors if something went wrong in giving it back. */
  get left() {
    return this.#left.asObservable();
  }
  leave() {
    this.#left.complete();
  }
  fail(error) {
    this.#left.error(error);
  }
};
var UsbDevice = class {
  /** What was known of the device before it was opened. */
  info;
  /** The configuration that is selected. */
  configuration;
  /** What the transport can do. */
  capabilities;
  #device;
  #leases;
  /** By address: endpoints that are open, or being opened or closed. */
  #opened = /* @__PURE__ */ new Map();
  #closed = new AsyncSubject4();
  #isClosing = false;
  /** The ends of what was open at the close. */
  #leaving = [];
  /** The transport's device was told to close. */
  #isReleased = false;
  /** @internal */
  constructor(device, capabilities) {
    this.info = device.info;
    this.configuration = device.configuration;
    this.capabilities = capabilities;
    this.#device = device;
    this.#leases = new InterfaceLeases(device);
  }
  /** Completes when the device is closed; errors with what went wrong in closing. */
  get closed() {
    return this.#closed.asObservable();
  }
  /**
   * A control transfer on endpoint zero, at each subscription. IN: `data` is the number of bytes
   * asked for, and what came is emitted. OUT: `data` is the bytes to send, and an empty array is
   * emitted when they were. (USB 2.0, 9.3)
   *
   * Errors: {@link InvalidRequestError} for what does not fit in a setup packet; {@link DeviceError}
   * `control-stalled`, `device-gone`; {@link TransferStateError} `pipe-closed` once the device is closed.
   */
  controlTransfer(setup, data) {
    return this.#step(() => {
      checkControl(setup, data);
      return this.#device.controlTransfer(setup, data);
    });
  }
  /** Ends the halt of an endpoint, at each subscription. (USB 2.0, 9.4.1) */
  clearHalt(endpoint) {
    return this.#step(() => this.#device.clearHalt(wholeNumber("endpoint", endpoint, 0, 255)));
  }
  /** Resets the port of the device, at each subscription. Transfers in flight are cancelled. */
  reset() {
    return this.#step(() => this.#device.reset());
  }
  /**
   * Claims the interface of an endpoint, selects its alternate setting, and emits the open pipe,
   * which is the subscriber's to close. Unsubscribed before that, it leaves nothing behind.
   *
   * Errors: {@link EndpointError}; {@link BusyError}; {@link BandwidthError}; {@link DeviceError}.
   */
  openPipe(selector) {
    return defer3(() => {
      const endpoint = this.#find(selector);
      const other = this.#opened.get(endpoint.address);
      if (other === void 0) return this.#open(endpoint);
      if (other.isLeaving) return concat3(settled(other.left), this.openPipe(selector));
      throw new BusyError(
        "pipe-busy",
        `endpoint 0x${endpoint.address.toString(16)} is open already: share() its stream, or close it first`,
      );
    });
  }
  /**
   * Closes the device, after every pipe on it. Starts at once, without a subscription, and only
   * once.
   *
   * @returns {@link UsbDevice.closed}
   */
  close() {
    if (!this.#isClosing) {
      this.#isClosing = true;
      this.#leaving = Array.from(this.#opened.values(), ({ left }) => left);
      for (const { session } of this.#opened.values()) void session?.close();
      this.#settle();
    }
    return this.closed;
  }
  #step(begin) {
    return defer3(() => {
      if (this.#isReleased) throw deviceClosed();
      return begin();
    });
  }
  #find(selector) {
    if (this.#isClosing) throw deviceClosed();
    const { speed } = this.info;
    const { endpoint, interfaceNumber, alternate } = findIsochEndpoint(this.configuration, selector, speed);
    return {
      address: endpoint.address,
      direction: endpoint.direction,
      speed,
      interfaceNumber,
      alternate: alternate.alternateSetting,
      maxFrameLength: maxBytesPerInterval(endpoint, speed),
      frameDuration: serviceInterval(endpoint, speed),
      descriptor: endpoint,
    };
  }
  #open(endpoint) {
    return new Observable2((subscriber) => {
      const opened = new OpenedEndpoint();
      this.#opened.set(endpoint.address, opened);
      subscriber.add(() => {
        opened.abandoned = opened.session === void 0;
      });
      const free = () => {
        this.#opened.delete(endpoint.address);
        this.#settle();
      };
      const release = defer3(() => this.#leases.release(endpoint.interfaceNumber)).pipe(
        tap({
          error: (error) => {
            free();
            opened.fail(error);
          },
          complete: () => {
            free();
            opened.leave();
          },
        }),
      );
      const acquire = this.#leases.acquire(endpoint.interfaceNumber, endpoint.alternate).pipe(
        tap({
          error: () => {
            free();
            opened.leave();
          },
        }),
      );
      const create = defer3(() => {
        if (opened.abandoned || this.#isClosing) {
          throw new TransferStateError("pipe-closed", "the device was closed while the pipe was being opened");
        }
        const port2 = this.#device.openEndpoint(endpoint.address);
        opened.session = new PipeSession({ endpoint, port: port2, capabilities: this.capabilities, release });
        return of(opened.session);
      }).pipe(
        catchError3((error) =>
          concat3(
            settled(release),
            throwError3(() => error),
          ),
        ),
      );
      concat3(acquire, create).subscribe({
        next: (session) => {
          subscriber.next(session);
        },
        error: (error) => {
          subscriber.error(error);
        },
        complete: () => {
          subscriber.complete();
        },
      });
    });
  }
  #settle() {
    if (!this.#isClosing || this.#isReleased || this.#opened.size > 0) return;
    this.#isReleased = true;
    runAll(...this.#leaving, this.#device.close()).subscribe(this.#closed);
  }
};
function deviceClosed() {
  return new TransferStateError("pipe-closed", "the device is closed: open it again");
}

// src/descriptors/reader.ts
var descriptorTypes = {
  device: 1,
  configuration: 2,
  interface: 4,
  endpoint: 5,
  interfaceAssociation: 11,
  endpointCompanion: 48,
  isochronousCompanion: 49,
};
var readAgain = "read the descriptor again, whole";
function badDescriptor(message) {
  throw new DescriptorError("bad-descriptor", message);
}
function descriptorAt(bytes, offset, end) {
  const left = end - offset;
  if (left < 2) badDescriptor(`a descriptor at byte ${offset} is cut off after ${left} of its bytes: ${readAgain}`);
  const header = new DataView(bytes.buffer, bytes.byteOffset + offset, 2);
  const length = header.getUint8(0);
  const type = header.getUint8(1);
  if (length < 2) {
    badDescriptor(
      `the descriptor at byte ${offset} says it is ${length} bytes long, and 2 are the least: what follows it cannot be found`,
    );
  }
  if (length > left) {
    badDescriptor(
      `the descriptor of type 0x${type.toString(16)} at byte ${offset} is ${length} bytes long, and ${left} are left: ${readAgain}`,
    );
  }
  return {
    type,
    bytes: bytes.subarray(offset, offset + length),
    fields: new DataView(bytes.buffer, bytes.byteOffset + offset, length),
    offset,
  };
}
function requireLength(descriptor2, name, least) {
  const length = descriptor2.bytes.length;
  if (length >= least) return;
  badDescriptor(
    `the ${name} descriptor at byte ${descriptor2.offset} is ${length} bytes long, and ${least} are the least`,
  );
}
function descriptorsIn(bytes, start, end) {
  const found = [];
  for (let offset = start; offset < end;) {
    if (bytes[offset] === 0 && bytes.subarray(offset, end).every((byte) => byte === 0)) break;
    const descriptor2 = descriptorAt(bytes, offset, end);
    found.push(descriptor2);
    offset += descriptor2.bytes.length;
  }
  return found;
}
function splitAt(descriptors, type) {
  const before = [];
  const blocks = [];
  let body = before;
  for (const descriptor2 of descriptors) {
    if (descriptor2.type === type) {
      body = [];
      blocks.push({ head: descriptor2, body });
    } else {
      body.push(descriptor2);
    }
  }
  return { before, blocks };
}
function raw({ type, bytes }) {
  return { type, bytes };
}

// src/descriptors/endpoint.ts
var transferTypes = ["control", "isochronous", "bulk", "interrupt"];
var synchronizationTypes = ["none", "asynchronous", "adaptive", "synchronous"];
var usageTypes = ["data", "feedback", "implicit-feedback", "reserved"];
function parseEndpoint({ head, body }) {
  requireLength(head, "endpoint", 7);
  const { bytes, fields } = head;
  const address = fields.getUint8(2);
  if ((address & 15) === 0 || (address & 112) !== 0) return void 0;
  const attributes = fields.getUint8(3);
  const isAudio = bytes.length >= 9;
  const transferType = pick(transferTypes, attributes);
  const first = body.find(({ type }) => type === descriptorTypes.endpointCompanion);
  if (first !== void 0) requireLength(first, "SuperSpeed endpoint companion", 6);
  const second =
    first !== void 0 && transferType === "isochronous" && announcesAnother(first)
      ? body.find(({ type }) => type === descriptorTypes.isochronousCompanion)
      : void 0;
  return {
    address,
    direction: (address & 128) === 0 ? "out" : "in",
    transferType,
    synchronizationType: pick(synchronizationTypes, attributes >> 2),
    usageType: pick(usageTypes, attributes >> 4),
    maxPacketSize: fields.getUint16(4, true),
    interval: fields.getUint8(6),
    refresh: isAudio ? fields.getUint8(7) : void 0,
    synchAddress: isAudio ? fields.getUint8(8) : void 0,
    companion: first === void 0 ? void 0 : parseCompanion(transferType, first, second),
    extra: body.filter((descriptor2) => descriptor2 !== first && descriptor2 !== second).map(raw),
  };
}
function parseCompanion(transferType, first, second) {
  const { fields } = first;
  if (second !== void 0) requireLength(second, "SuperSpeedPlus isochronous endpoint companion", 8);
  return {
    burst: fields.getUint8(2) + 1,
    mult: transferType === "isochronous" && !announcesAnother(first) ? (fields.getUint8(3) & 3) + 1 : 1,
    bytesPerInterval: second?.fields.getUint32(4, true) ?? fields.getUint16(4, true),
  };
}
function announcesAnother(companion) {
  return (companion.fields.getUint8(3) & 128) !== 0;
}
function pick(words, bits) {
  return words[bits & 3];
}

// src/descriptors/configuration.ts
function parseConfigurationDescriptor(bytes) {
  const header = descriptorAt(bytes, 0, bytes.length);
  if (header.type !== descriptorTypes.configuration) {
    badDescriptor(`a configuration descriptor has type 0x2, and the one at byte 0 has 0x${header.type.toString(16)}`);
  }
  requireLength(header, "configuration", 9);
  const { fields } = header;
  const totalLength = fields.getUint16(2, true);
  if (totalLength > bytes.length) {
    badDescriptor(
      `the configuration at byte 0 is ${totalLength} bytes long, and ${bytes.length} were given: read the descriptor again with a wLength of ${totalLength}`,
    );
  }
  if (totalLength < header.bytes.length) {
    badDescriptor(
      `the configuration at byte 0 says it is ${totalLength} bytes long in all, and its header alone is ${header.bytes.length}`,
    );
  }
  const all = descriptorsIn(bytes, header.bytes.length, totalLength);
  const associations = all.filter(isAssociation).map(parseAssociation);
  const { before, blocks } = splitAt(
    all.filter((descriptor2) => !isAssociation(descriptor2)),
    descriptorTypes.interface,
  );
  const attributes = fields.getUint8(7);
  return {
    value: fields.getUint8(5),
    descriptionIndex: fields.getUint8(6),
    selfPowered: (attributes & 64) !== 0,
    remoteWakeup: (attributes & 32) !== 0,
    maxPower: fields.getUint8(8),
    interfaces: gather(blocks.map(parseAlternate)),
    associations,
    extra: before.map(raw),
  };
}
function isAssociation({ type }) {
  return type === descriptorTypes.interfaceAssociation;
}
function parseAssociation(descriptor2) {
  requireLength(descriptor2, "interface association", 8);
  const { fields } = descriptor2;
  return {
    firstInterface: fields.getUint8(2),
    interfaceCount: fields.getUint8(3),
    functionClass: fields.getUint8(4),
    functionSubclass: fields.getUint8(5),
    functionProtocol: fields.getUint8(6),
    descriptionIndex: fields.getUint8(7),
  };
}
function parseAlternate({ head, body }) {
  requireLength(head, "interface", 9);
  const { fields } = head;
  const { before, blocks } = splitAt(body, descriptorTypes.endpoint);
  const endpoints = [];
  const extra = before.map(raw);
  for (const block of blocks) {
    const endpoint = parseEndpoint(block);
    if (endpoint === void 0) extra.push(raw(block.head), ...block.body.map(raw));
    else endpoints.push(endpoint);
  }
  return {
    interfaceNumber: fields.getUint8(2),
    alternateSetting: fields.getUint8(3),
    interfaceClass: fields.getUint8(5),
    interfaceSubclass: fields.getUint8(6),
    interfaceProtocol: fields.getUint8(7),
    descriptionIndex: fields.getUint8(8),
    endpoints,
    extra,
  };
}
function gather(alternates) {
  const interfaces = /* @__PURE__ */ new Map();
  for (const alternate of alternates) {
    const { interfaceNumber, alternateSetting } = alternate;
    const settings = interfaces.get(interfaceNumber) ?? /* @__PURE__ */ new Map();
    interfaces.set(interfaceNumber, settings);
    if (!settings.has(alternateSetting)) settings.set(alternateSetting, alternate);
  }
  return Array.from(interfaces, ([number, settings]) => ({ number, alternates: [...settings.values()] }));
}

// src/descriptors/device.ts
function parseDeviceDescriptor(bytes) {
  const descriptor2 = descriptorAt(bytes, 0, bytes.length);
  if (descriptor2.type !== descriptorTypes.device) {
    badDescriptor(`a device descriptor has type 0x1, and the one at byte 0 has 0x${descriptor2.type.toString(16)}`);
  }
  requireLength(descriptor2, "device", 18);
  const { fields } = descriptor2;
  const usbVersion = fields.getUint16(2, true);
  const packetSize = fields.getUint8(7);
  return {
    usbVersion,
    deviceClass: fields.getUint8(4),
    deviceSubclass: fields.getUint8(5),
    deviceProtocol: fields.getUint8(6),
    maxPacketSize0: usbVersion >= 768 && packetSize === 9 ? 512 : packetSize,
    vendorId: fields.getUint16(8, true),
    productId: fields.getUint16(10, true),
    deviceVersion: fields.getUint16(12, true),
    manufacturerIndex: fields.getUint8(14),
    productIndex: fields.getUint8(15),
    serialNumberIndex: fields.getUint8(16),
    configurationCount: fields.getUint8(17),
  };
}

// src/pipe.ts
import {
  AsyncSubject as AsyncSubject5,
  concat as concat4,
  concatMap,
  defer as defer4,
  EMPTY as EMPTY3,
  map,
  Observable as Observable3,
  of as of2,
  Subject,
  takeUntil,
  tap as tap2,
} from "rxjs";
var IsochPipe = class extends Observable3 {
  /** What it was made with. */
  selector;
  #origin;
  #acquire;
  #ownsDevice;
  #inUse = false;
  #closing = EMPTY3;
  /** @internal */
  constructor(origin, selector) {
    super((subscriber) => {
      let isFirst = true;
      subscribeInner(this.results(), subscriber, {
        next: (results2) => {
          results2.emitTo(subscriber, isFirst);
          isFirst = false;
        },
      });
    });
    this.selector = selector;
    this.#ownsDevice = !(origin instanceof UsbDevice);
    this.#origin = origin;
    this.#acquire =
      origin instanceof UsbDevice
        ? of2(origin)
        : defer4(() => origin.open(selector)).pipe(map((device) => new UsbDevice(device, origin.capabilities)));
  }
  /**
   * Completes, for each subscriber, when the session that was closing at the subscription, if one
   * was, is closed; errors with what went wrong in closing.
   */
  get closing() {
    return defer4(() => this.#closing);
  }
  /**
   * The same stream a transfer at a time: the fast path, without an object per frame. IN only.
   *
   * Frames are delivered in order, each once; {@link IsochResults.lost} counts those that were not.
   * The data is contiguous, and the receiver's. It is copied once where packets came short, and not
   * at all where they were full.
   *
   * Errors: what opening can fail with ({@link DeviceError}, {@link AccessError},
   * {@link BusyError}, {@link BandwidthError}, {@link EndpointError}); {@link InvalidRequestError}
   * for an option that cannot mean anything; later {@link DeviceError} `device-gone`, after the
   * results that had arrived, {@link OverflowError}, and {@link TransferStateError} `pipe-closed` if
   * the device it is on was closed.
   *
   * @example
   * ```ts
   * import { isochPipe, type IsochTransport } from "rx-isoch";
   *
   * export function bytesPerTransfer(transport: IsochTransport) {
   *   return isochPipe(transport, { vendorId: 0x1209, productId: 0x0001, endpoint: 0x81 })
   *     .results({ frames: 64, queue: 8 })
   *     .subscribe((results) => {
   *       console.log(results.firstFrame, results.lost, results.data.length);
   *     });
   * }
   * ```
   */
  results(options = {}) {
    return new Observable3((subscriber) => {
      let source;
      let paused = false;
      let taking = false;
      const over = new Subject();
      const fail = (error) => {
        over.next();
        subscriber.error(error);
      };
      const take2 = () => {
        if (taking || source === void 0) return;
        taking = true;
        while (!paused && !subscriber.closed) {
          const results2 = source.take();
          if (results2 !== void 0) {
            subscriber.next(results2);
            continue;
          }
          if (source.ended !== void 0) fail(source.ended.error ?? closedMeanwhile());
          break;
        }
        taking = false;
      };
      if (options.pause !== void 0) {
        subscribeInner(options.pause, subscriber, {
          next: (value) => {
            paused = value;
            take2();
          },
          complete: () => {},
        });
      }
      if (subscriber.closed) return;
      subscribeInner(this.open().pipe(takeUntil(over)), subscriber, {
        next: (session) => {
          try {
            const plan = planStream(options, session.endpoint, session.capabilities);
            source = session.stream(plan, { ready: take2, drained: take2 });
          } catch (error) {
            fail(error);
          }
          take2();
        },
        complete: () => {},
      });
    });
  }
  /**
   * Opens the pipe for as long as the subscription lasts, and emits the session on which requests
   * can be issued by hand. The unsubscribe cancels what is in flight, lets it drain, releases the
   * interface and closes the device.
   */
  open() {
    return new Observable3((subscriber) => {
      if (this.#inUse) {
        throw new BusyError(
          "pipe-busy",
          "the pipe has a subscriber already: share() the stream, or make a pipe of another endpoint",
        );
      }
      this.#inUse = true;
      let close = () => EMPTY3;
      let isReleased = false;
      const release = () => {
        if (isReleased) return;
        isReleased = true;
        this.#inUse = false;
        const closing = new AsyncSubject5();
        concat4(settled(closings.get(this.#origin) ?? EMPTY3), close()).subscribe(closing);
        this.#closing = closing.asObservable();
        closings.set(this.#origin, this.#closing);
      };
      const opening = concat4(settled(closings.get(this.#origin) ?? EMPTY3), this.#acquire).pipe(
        concatMap((device) => {
          if (this.#ownsDevice) close = () => device.close();
          return device.openPipe(this.selector);
        }),
        tap2((session) => {
          if (!this.#ownsDevice) close = () => session.close();
        }),
      );
      subscriber.add(release);
      subscribeInner(opening, subscriber, {
        next: (session) => {
          subscriber.next(session);
        },
        error: (error) => {
          release();
          subscriber.error(asIsochError(error));
        },
        complete: () => {},
      });
    });
  }
};
var closings = /* @__PURE__ */ new WeakMap();
function closedMeanwhile() {
  return new TransferStateError("pipe-closed", "the device was closed while the pipe was streaming: open it again");
}
function isochPipe(source, selector) {
  return new IsochPipe(source, selector);
}

// transports/libusb/transport.ts
import { Observable as Observable6 } from "rxjs";

// src/device-selector.ts
function matchesSelector(info, { vendorId, productId, serialNumber, id }) {
  return (
    (vendorId === void 0 || vendorId === info.descriptor.vendorId) &&
    (productId === void 0 || productId === info.descriptor.productId) &&
    (serialNumber === void 0 || serialNumber === info.serialNumber) &&
    (id === void 0 || id === info.id)
  );
}

// transports/libusb/addon.ts
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
var loaded;
function loadAddon() {
  try {
    return (loaded ??= load());
  } catch (cause) {
    throw new UnsupportedError(
      "no-addon",
      `the libusb addon is not there for ${process.platform}-${process.arch}: install a C++ compiler, make and Python, then run "npm rebuild rx-isoch --foreground-scripts"; every other transport works without it`,
      { cause },
    );
  }
}
function load() {
  const require2 = createRequire(import.meta.url);
  const nodeGypBuild = require2("node-gyp-build");
  return nodeGypBuild(nativeDirectory());
}
function nativeDirectory() {
  const beside = join(import.meta.dirname, "native");
  if (existsSync(beside)) return beside;
  const root = dirname(dirname(dirname(import.meta.dirname)));
  return join(root, "transports/libusb/native");
}

// transports/libusb/device-info.ts
var speeds2 = ["high", "low", "full", "high", "super", "super-plus", "super-plus"];
function toDeviceInfo(native) {
  return {
    id: deviceId(native),
    speed: speeds2[native.speed] ?? "high",
    descriptor: parseDeviceDescriptor(native.descriptor),
    configurations: native.configurations.flatMap(parseTolerantly),
    manufacturer: native.manufacturer,
    product: native.product,
    serialNumber: native.serialNumber,
  };
}
function deviceId({ bus: bus2, address, ports }) {
  return `${bus2}-${ports.length === 0 ? "0" : ports.join(".")}:${address}`;
}
function parseTolerantly(bytes) {
  try {
    return [parseConfigurationDescriptor(bytes)];
  } catch (error) {
    if (IsochError.is(error)) return [];
    throw error;
  }
}

// transports/libusb/errors.ts
import { constants } from "node:os";
var libusbErrors = {
  io: -1,
  access: -3,
  noDevice: -4,
  notFound: -5,
  busy: -6,
  timeout: -7,
  pipe: -9,
  interrupted: -10,
  noMemory: -11,
  notSupported: -12,
  other: -99,
};
function isNativeOutcome(error) {
  return typeof error === "object" && error !== null && "libusb" in error && typeof error.libusb === "number";
}
function explain(error, attempt2) {
  return isNativeOutcome(error) ? toIsochError(error, attempt2) : error;
}
function toIsochError(outcome, attempt2) {
  const { errno: errno2 } = outcome;
  const options = { native: outcome.libusb, cause: outcome instanceof Error ? outcome : void 0 };
  const { id } = attempt2.device;
  const failed = `could not ${attempt2.to} ${id}`;
  if (errno2 === constants.errno.ENOSPC) {
    return new BandwidthError(
      "bandwidth-exceeded",
      `${failed}: the bus has no bandwidth left for it; pick an alternate setting with smaller packets, stop other streams, or use a port of another controller`,
      options,
    );
  }
  if (errno2 === constants.errno.ENOMEM || outcome.libusb === libusbErrors.noMemory) {
    return new ResourceError(
      "no-memory",
      `${failed}: no memory for transfers; keep fewer bytes in flight (frames, queue), or raise the limit of all programs together: echo 256 > /sys/module/usbcore/parameters/usbfs_memory_mb (usbcore.usbfs_memory_mb=256 on the kernel's command line)`,
      options,
    );
  }
  switch (outcome.libusb) {
    case libusbErrors.access:
      return new AccessError("access-denied", `${failed}: access denied; ${permission(attempt2)}`, options);
    case libusbErrors.noDevice:
      return deviceGone(id, options.native);
    case libusbErrors.notFound:
      return new EndpointError("no-such-endpoint", `${failed}: the device has none`, options);
    case libusbErrors.busy:
      return new BusyError("interface-busy", `${failed}: it is held ${held(attempt2)}`, options);
    case libusbErrors.pipe:
      return new DeviceError("control-stalled", `${failed}: the device refused the request`, options);
    case libusbErrors.interrupted:
      return endpointShut(options);
    case libusbErrors.notSupported:
      return new UnsupportedError(
        "unsupported",
        `${failed}: the system's driver for it cannot do this; on Windows, give it the WinUSB driver (Zadig does)`,
        options,
      );
    case libusbErrors.timeout:
      return new TransportError("transport-failed", `${failed}: the device did not answer in time`, options);
    default:
      return new TransportError(
        "transport-failed",
        `${failed}: libusb error ${outcome.libusb}${errno2 === 0 ? "" : `, errno ${errno2}`}`,
        options,
      );
  }
}
function deviceGone(id, native = libusbErrors.noDevice) {
  return new DeviceError("device-gone", `${id} was unplugged: wait for it to attach again`, { native });
}
function endpointShut(options) {
  return new TransferStateError("pipe-closed", "the device was reset or closed: open the endpoint again", options);
}
function permission({ device: { descriptor: descriptor2 } }) {
  if (process.platform !== "linux") return "run the program as a user who may use the device";
  const hex = (value) => value.toString(16).padStart(4, "0");
  const rule = `SUBSYSTEM=="usb", ATTR{idVendor}=="${hex(descriptor2.vendorId)}", ATTR{idProduct}=="${hex(descriptor2.productId)}", MODE="0660", TAG+="uaccess"`;
  return `write this line into /etc/udev/rules.d/70-rx-isoch.rules, run "udevadm control --reload", and plug the device in again: ${rule}`;
}
function held({ holder }) {
  const name = holder?.();
  if (name === void 0) return "by another program or driver: end that first";
  return `by ${name}: end that first`;
}

// transports/libusb/hotplug.ts
import { existsSync as existsSync2 } from "node:fs";
import { createRequire as createRequire2 } from "node:module";
import { Observable as Observable4 } from "rxjs";
function deviceChanges(context, source) {
  return (source ?? (hasUdev() ? "usb" : "addon")) === "usb"
    ? (changesFromUsb(source === "usb") ?? context.changes)
    : context.changes;
}
function hasUdev() {
  return process.platform !== "linux" || existsSync2("/run/udev/control");
}
function changesFromUsb(isDemanded) {
  const loaded2 = loadUsb(isDemanded);
  if (loaded2 === void 0) return void 0;
  const { usb } = loaded2;
  return new Observable4((subscriber) => {
    const listen = (arrived) => (device) => {
      subscriber.next({ arrived, bus: device.busNumber, address: device.deviceAddress });
    };
    const attached = listen(true);
    const detached = listen(false);
    usb.on("attach", attached);
    usb.on("detach", detached);
    return () => {
      usb.off("attach", attached);
      usb.off("detach", detached);
    };
  });
}
function loadUsb(isDemanded) {
  try {
    return createRequire2(import.meta.url)("usb");
  } catch (error) {
    if (isDemanded) throw error;
    return void 0;
  }
}

// transports/libusb/opened-device.ts
import { AsyncSubject as AsyncSubject6, defer as defer5, from, ignoreElements } from "rxjs";

// transports/libusb/statuses.ts
var meanings = [
  "ok",
  "failed",
  "failed",
  "cancelled",
  "stall",
  "device-not-responding",
  "data-overrun",
  "not-complete",
];
var notServed = meanings.indexOf("not-complete");
var transferError = 1;
var codes = Uint8Array.from(meanings, (meaning) => statusCodes[meaning]);
function translateStatuses(statuses2) {
  if (statuses2.every((status2) => status2 === 0)) return void 0;
  const native = Int32Array.from(statuses2, (status2) => (status2 === notServed ? transferError : status2));
  for (let i = 0; i < statuses2.length; i++) statuses2[i] = codes[statuses2[i] ?? 0] ?? statusCodes.failed;
  return native;
}

// transports/libusb/stream.ts
var LibusbStream = class {
  #native;
  #context;
  /** Of every result. */
  #requested;
  #isStopped = false;
  constructor(native, context) {
    this.#native = native;
    this.#context = context;
    this.#requested = new Uint32Array(context.plan.frames).fill(context.plan.frameLength);
    context.activities.add(this);
  }
  get ended() {
    const ended = this.#native.ended;
    if (ended === void 0) return void 0;
    const { plan, toError } = this.#context;
    if (ended.overflown) return { error: ringOverflow(plan.ring) };
    return { error: ended.libusb === 0 ? void 0 : toError(ended) };
  }
  take() {
    const taken = this.#native.take();
    if (taken === void 0) return void 0;
    const { actual, statuses: statuses2 = new Uint8Array(actual.length), firstFrame, lost: lost2, timestamp } = taken;
    return new IsochResults({
      firstFrame,
      lost: lost2,
      requested: this.#requested.subarray(0, actual.length),
      actual,
      statuses: statuses2,
      nativeStatuses: taken.statuses && translateStatuses(statuses2),
      data: new Uint8Array(taken.data),
      compacted: true,
      timestamp,
      error: outcomeOf2(taken),
    });
  }
  stop() {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#native.stop();
    this.look();
  }
  look() {
    const { activities, sink } = this.#context;
    if (!this.#isStopped) sink.ready();
    else if (this.#native.drained && activities.delete(this)) sink.drained();
  }
};
function outcomeOf2({ cancelled, gone }) {
  if (cancelled) return "cancelled";
  return gone ? "device-not-responding" : void 0;
}

// transports/libusb/endpoint.ts
var window = { bytes: 8 * 1024 * 1024, microseconds: 25e4 };
var LibusbEndpoint = class {
  #context;
  #addon = loadAddon();
  /** In the order of submission. */
  #pending = [];
  #queue;
  constructor(context) {
    this.#context = context;
  }
  now() {
    return this.#addon.now();
  }
  submit(submission) {
    const id = this.#try("submit to", () => this.#requests().submit(submission.lengths, submission.buffer));
    this.#pending.push({ id, submission });
    this.#context.activities.add(this);
  }
  cancel(submission) {
    const found = this.#pending.find((each) => each.submission === submission);
    if (found !== void 0) this.#queue?.cancel(found.id);
  }
  wait(submission) {
    while (this.#pending.some((each) => each.submission === submission)) {
      this.#queue?.wait();
      this.#deliver();
    }
  }
  allocateDma(size) {
    const { buffer, address } = this.#try("allocate memory for", () => this.#context.native.allocateDma(size));
    const bytes = new Uint8Array(buffer);
    return {
      bytes,
      address,
      free: () => {
        if (bytes.byteLength > 0) this.#context.native.freeDma(buffer);
      },
    };
  }
  stream(plan, sink) {
    const { native, address, frameDuration, activities } = this.#context;
    const stream = this.#try("stream from", () =>
      native.openStream(address, plan.frameLength, plan.frames, plan.queue, plan.ring, plan.overflow, frameDuration),
    );
    return new LibusbStream(stream, {
      plan,
      sink,
      activities,
      toError: (outcome) => toIsochError(outcome, this.#attempt("stream from")),
    });
  }
  /** Tells of what has completed. */
  look() {
    this.#deliver();
    if (this.#pending.length === 0) this.#context.activities.delete(this);
  }
  #deliver() {
    for (let head = this.#pending[0]; head !== void 0; head = this.#pending[0]) {
      const { submission } = head;
      const outcome = this.#queue?.reap(submission.actual, submission.statuses);
      if (outcome === void 0) return;
      this.#pending.shift();
      this.#fill(submission, outcome);
      submission.completed(submission);
    }
  }
  #fill(submission, outcome) {
    submission.nativeStatuses = translateStatuses(submission.statuses);
    submission.timestamp = outcome.timestamp;
    submission.cancelled = outcome.cancelled;
    if (outcome.libusb !== 0) submission.error = toIsochError(outcome, this.#attempt("submit to"));
  }
  #requests() {
    const { native, address, frameDuration } = this.#context;
    const frames = Math.ceil(window.microseconds / frameDuration);
    return (this.#queue ??= native.openQueue(address, window.bytes, frames));
  }
  #try(purpose, work) {
    try {
      return work();
    } catch (error) {
      throw explain(error, this.#attempt(purpose));
    }
  }
  #attempt(purpose) {
    const { address, device } = this.#context;
    return { to: `${purpose} endpoint 0x${address.toString(16)} of`, device };
  }
};

// transports/libusb/interface-holder.ts
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename, join as join2 } from "node:path";
function interfaceHolder(location, configuration, interfaceNumber) {
  if (process.platform !== "linux") return void 0;
  const device = `${location.bus}-${location.ports.join(".")}`;
  const link = `/sys/bus/usb/devices/${device}:${configuration}.${interfaceNumber}/driver`;
  const driver = attempt(() => basename(readlinkSync(link)));
  if (driver === void 0) return void 0;
  if (driver !== "usbfs") return `the kernel driver ${driver}`;
  const programs = programsWithOpen(location);
  return programs.length === 0 ? "another program" : programs.join(" or ");
}
function programsWithOpen({ bus: bus2, address }) {
  const pad = (value) => String(value).padStart(3, "0");
  const node = `/dev/bus/usb/${pad(bus2)}/${pad(address)}`;
  const processes = attempt(() => readdirSync("/proc").filter((name) => /^\d+$/.test(name))) ?? [];
  return processes
    .filter((pid) => {
      const files = attempt(() => readdirSync(join2("/proc", pid, "fd"))) ?? [];
      return files.some((file) => attempt(() => readlinkSync(join2("/proc", pid, "fd", file))) === node);
    })
    .map((pid) => {
      const name = attempt(() => readFileSync(join2("/proc", pid, "comm"), "utf8").trim()) ?? "?";
      return pid === String(process.pid) ? `this program (process ${pid})` : `process ${pid} (${name})`;
    });
}
function attempt(read) {
  try {
    return read();
  } catch {
    return void 0;
  }
}

// transports/libusb/opened-device.ts
var requestTypes = { standard: 0, class: 32, vendor: 64 };
var recipients = { device: 0, interface: 1, endpoint: 2, other: 3 };
var deviceToHost = 128;
var OpenedDevice = class _OpenedDevice {
  info;
  configuration;
  gone;
  #native;
  #location;
  #options;
  #gone = new AsyncSubject6();
  /** What moves data, or did since the last look. */
  #activities = /* @__PURE__ */ new Set();
  /** The last step on the device: one at a time. */
  #last = Promise.resolve();
  #closing;
  /** Rejects with what the addon threw, or with one of ours; then nothing is open. */
  static async open(context, location, info, options) {
    try {
      const opened = {};
      const native = await context.open(location.bus, location.address, () => opened.device?.look());
      try {
        const value = await native.configuration();
        const configuration = info.configurations.find((each) => each.value === value);
        if (configuration === void 0) throw notConfigured(info, value);
        return (opened.device = new _OpenedDevice(native, location, info, configuration, options));
      } catch (error) {
        await native.close();
        throw error;
      }
    } catch (error) {
      options.closed();
      throw error;
    }
  }
  constructor(native, location, info, configuration, options) {
    this.info = info;
    this.configuration = configuration;
    this.gone = this.#gone.asObservable();
    this.#native = native;
    this.#location = location;
    this.#options = options;
  }
  /** Something has happened to the device, or on it. */
  look() {
    for (const activity of this.#activities) activity.look();
    if (!this.#native.gone || this.#activities.size > 0) return;
    this.#gone.next(deviceGone(this.info.id));
    this.#gone.complete();
  }
  controlTransfer(setup, data) {
    return defer5(() => {
      checkControl(setup, data);
      const { request, value, index } = setup;
      const type = requestTypes[setup.type] | recipients[setup.recipient];
      return this.#step(
        `have answered the ${setup.type} request ${request}, value ${value}, index ${index}, at`,
        async () => {
          if (typeof data === "number") {
            return this.#native.controlIn(type | deviceToHost, request, value, index, data);
          }
          await this.#native.controlOut(type, request, value, index, data);
          return new Uint8Array(0);
        },
      );
    });
  }
  claimInterface(interfaceNumber) {
    return this.#do(
      `claim interface ${interfaceNumber} of`,
      () => this.#native.claim(interfaceNumber, this.#options.detachKernelDriver),
      () => interfaceHolder(this.#location, this.configuration.value, interfaceNumber),
    );
  }
  releaseInterface(interfaceNumber) {
    return this.#do(`release interface ${interfaceNumber} of`, () => this.#native.release(interfaceNumber));
  }
  selectAlternate(interfaceNumber, alternateSetting) {
    return this.#do(`select alternate setting ${alternateSetting} of interface ${interfaceNumber} of`, () =>
      this.#native.selectAlternate(interfaceNumber, alternateSetting),
    );
  }
  clearHalt(endpointAddress) {
    return this.#do(`clear the halt of endpoint 0x${endpointAddress.toString(16)} of`, () =>
      this.#native.clearHalt(endpointAddress),
    );
  }
  reset() {
    return this.#do("reset the port of", async () => {
      await this.#native.reset();
      this.look();
    });
  }
  openEndpoint(endpointAddress) {
    this.#checkOpen();
    const descriptor2 = this.configuration.interfaces
      .flatMap(({ alternates }) => alternates)
      .flatMap(({ endpoints }) => endpoints)
      .find(({ address }) => address === endpointAddress);
    return new LibusbEndpoint({
      native: this.#native,
      device: this.info,
      address: endpointAddress,
      frameDuration: descriptor2 === void 0 ? 1e3 : serviceInterval(descriptor2, this.info.speed),
      activities: this.#activities,
      look: () => {
        this.look();
      },
    });
  }
  close() {
    return defer5(() => {
      this.#closing ??= this.#last.then(async () => {
        try {
          await this.#native.close();
        } finally {
          this.#gone.complete();
          this.#options.closed();
        }
      });
      return from(this.#closing).pipe(ignoreElements());
    });
  }
  #do(purpose, work, holder) {
    return this.#step(purpose, work, holder).pipe(ignoreElements());
  }
  /** A step that is not cut short by an unsubscribe: what has begun on the device is finished. */
  #step(purpose, work, holder) {
    return defer5(() => {
      this.#checkOpen();
      const step = this.#last.then(work).catch((error) => {
        const attempt2 = { to: purpose, device: this.info };
        throw explain(error, holder === void 0 ? attempt2 : { ...attempt2, holder });
      });
      this.#last = step.catch(() => void 0);
      return step;
    });
  }
  #checkOpen() {
    if (this.#closing === void 0) return;
    throw new TransferStateError("pipe-closed", `this handle on ${this.info.id} is closed: open the device again`);
  }
};
function notConfigured(info, value) {
  return new DeviceError(
    "control-stalled",
    value === 0
      ? `${info.id} is not configured: plug it in again, or have its configuration selected by the system`
      : `${info.id} is in configuration ${value}, of which the system has no valid descriptor`,
  );
}

// transports/libusb/shared-context.ts
import { Observable as Observable5, share } from "rxjs";
var SharedContext = class {
  /** Devices that come and go while there is a subscriber. */
  changes = new Observable5((subscriber) => {
    const context = this.acquire();
    context.watch(() => {
      for (const change of context.changes()) subscriber.next(change);
    });
    return () => {
      context.watch();
      this.release();
    };
  }).pipe(share());
  #context;
  #users = 0;
  /**
   * To be given back with {@link SharedContext.release}.
   *
   * @throws `UnsupportedError` `no-addon`; what libusb could not be initialised for
   */
  acquire() {
    this.#context ??= new (loadAddon().Context)();
    this.#users++;
    return this.#context;
  }
  release() {
    if (--this.#users > 0) return;
    this.#context?.close();
    this.#context = void 0;
  }
  /** Does something that needs the context only meanwhile. */
  with(work) {
    const context = this.acquire();
    try {
      return work(context);
    } finally {
      this.release();
    }
  }
};

// transports/libusb/transport.ts
function libusb(options = {}) {
  return new LibusbTransport(options);
}
function libusbCounters() {
  return loadAddon().counters();
}
var LibusbTransport = class {
  name = "libusb";
  capabilities = {
    startFrame: false,
    frameNumber: false,
    lengthsPerFrame: true,
    cancel: "transfer",
    blocking: true,
    // libusb has it on Linux only.
    dma: process.platform === "linux",
  };
  #context = new SharedContext();
  #options;
  constructor(options) {
    this.#options = options;
  }
  devices() {
    return new Observable6((subscriber) => {
      const context = this.#context.acquire();
      subscriber.add(() => {
        this.#context.release();
      });
      const known = new KnownDevices(subscriber, () => context.devices());
      subscribeInner(deviceChanges(this.#context, this.#options.hotplug), subscriber, {
        next: (change) => {
          known.change(change);
        },
      });
      known.look();
    });
  }
  open(selector) {
    return new Observable6((subscriber) => {
      const { found, context } = this.#find(selector);
      if (found === void 0) {
        this.#context.release();
        throw new DeviceError(
          "no-such-device",
          "no USB device matches the selector: plug it in, or look at what devices() lists",
        );
      }
      OpenedDevice.open(context, found.native, found.info, {
        detachKernelDriver: this.#options.detachKernelDriver ?? true,
        closed: () => {
          this.#context.release();
        },
      }).then(
        (device) => {
          if (subscriber.closed) {
            device.close().subscribe({ error: () => void 0 });
            return;
          }
          subscriber.next(device);
          subscriber.complete();
        },
        (error) => {
          subscriber.error(explain(error, { to: "open", device: found.info }));
        },
      );
    });
  }
  #find(selector) {
    const context = this.#context.acquire();
    try {
      for (const native of context.devices()) {
        const info = toDeviceInfo(native);
        if (matchesSelector(info, selector)) return { context, found: { native, info } };
      }
      return { context, found: void 0 };
    } catch (error) {
      this.#context.release();
      throw error;
    }
  }
};
var KnownDevices = class {
  #subscriber;
  #list;
  #known = /* @__PURE__ */ new Map();
  constructor(subscriber, list) {
    this.#subscriber = subscriber;
    this.#list = list;
  }
  look() {
    for (const native of this.#list()) this.#attached(native);
  }
  change(change) {
    const key = keyOf(change);
    if (change.arrived) {
      const native = this.#list().find((each) => keyOf(each) === key);
      if (native !== void 0) this.#attached(native);
      return;
    }
    const device = this.#known.get(key);
    if (device === void 0) return;
    this.#known.delete(key);
    this.#subscriber.next({ type: "detach", device });
  }
  #attached(native) {
    const key = keyOf(native);
    if (this.#subscriber.closed || this.#known.has(key)) return;
    const device = toDeviceInfo(native);
    this.#known.set(key, device);
    this.#subscriber.next({ type: "attach", device });
  }
};
function keyOf({ bus: bus2, address }) {
  return `${bus2}:${address}`;
}

// transports/virtual/bandwidth.ts
var limits = {
  /** 90 % of a frame (USB 2.0, 5.6.4). */
  full: 900,
  /** 80 % of a microframe (USB 2.0, 5.6.4). */
  high: 100,
  /** 90 % of a bus interval (USB 3.2, 8.12.2). */
  super: 112.5,
  "super-plus": 112.5,
};
var byteTimes = { super: 2, "super-plus": (0.8 * 132) / 128 };
var superSpeedOverhead = 20;
function busTime(endpoint, speed) {
  const bytes = maxBytesPerInterval(endpoint, speed);
  const interval = serviceInterval(endpoint, speed);
  const domain = domainOf(speed);
  const unit = domain === "full" ? 1e3 : 125;
  return (transactionTime(bytes, endpoint, domain) * unit) / Math.max(interval, unit) / 1e3;
}
function transactionTime(bytes, endpoint, domain) {
  if (domain === "super" || domain === "super-plus") {
    return byteTimes[domain] * (bytes + superSpeedOverhead * Math.ceil(bytes / 1024));
  }
  if (domain === "full") {
    return (endpoint.direction === "in" ? 7268 : 6265) + 83.54 * Math.floor(3.167 + stuffed(bytes));
  }
  const transactions = 1 + ((endpoint.maxPacketSize >> 11) & 3);
  const each = 38 * 8 * 2.083 + 2.083 * Math.floor(3.167 + stuffed(bytes / transactions));
  return transactions * each;
}
function stuffed(bytes) {
  return (7 * 8 * bytes) / 6;
}
function domainOf(speed) {
  return speed === "low" ? "full" : speed;
}
var Bandwidth = class {
  #reservations = /* @__PURE__ */ new Map();
  /**
   * Reserves what an alternate setting takes, in place of what its interface held.
   *
   * @param holder names the device and the interface
   * @throws {@link BandwidthError}; the interface then holds what it held before
   */
  reserve(holder, { alternateSetting, endpoints }, speed) {
    const domain = domainOf(speed);
    let wanted = 0;
    for (const endpoint of endpoints) {
      if (endpoint.transferType === "isochronous") wanted += busTime(endpoint, speed);
    }
    const held2 = this.#held(domain, holder);
    if (wanted > 0 && wanted + held2 > limits[domain]) {
      throw new BandwidthError(
        "bandwidth-exceeded",
        `alternate setting ${alternateSetting} takes ${wanted.toFixed(1)} \xB5s of each ${domain === "full" ? "frame" : "microframe"}, and ${(limits[domain] - held2).toFixed(1)} \xB5s of ${limits[domain]} are free: choose a smaller alternate setting, or close another pipe`,
      );
    }
    this.#reservations.set(holder, { domain, time: wanted });
  }
  release(holder) {
    this.#reservations.delete(holder);
  }
  #held(domain, except) {
    let time = 0;
    for (const [holder, reservation] of this.#reservations) {
      if (holder !== except && reservation.domain === domain) time += reservation.time;
    }
    return time;
  }
};

// transports/virtual/bus.ts
import { defer as defer7, Observable as Observable7, of as of4, Subject as Subject2 } from "rxjs";

// transports/virtual/faults.ts
var packetStatuses = frameStatuses.filter((status2) => !["cancelled", "not-complete", "lost"].includes(status2));
function checkFault(fault, endpoints) {
  switch (fault.type) {
    case "packet":
      checkEndpoint(fault.endpoint, endpoints);
      wholeNumber("frame", fault.frame, 0);
      wholeNumber("frames", fault.frames ?? 1, 1);
      wholeNumber("actual", fault.actual ?? 0, 0);
      oneOf("status", fault.status ?? "ok", packetStatuses);
      break;
    case "halt":
      checkEndpoint(fault.endpoint, endpoints);
      wholeNumber("frame", fault.frame, 0);
      break;
    case "unplug":
      wholeNumber("frame", fault.frame, 0);
      break;
    case "host-stall":
      wholeNumber("frame", fault.frame, 0);
      wholeNumber("frames", fault.frames, 1);
      break;
    case "jitter":
      wholeNumber("microseconds", fault.microseconds, 0);
      wholeNumber("seed", fault.seed ?? 1, 0, 2 ** 32 - 1);
      break;
    default:
      oneOf("type", fault.type, faultTypes);
  }
}
var faultTypes = ["packet", "halt", "unplug", "host-stall", "jitter"];
function checkEndpoint(address, endpoints) {
  if (endpoints.has(address)) return;
  const present = Array.from(endpoints, (each) => `0x${each.toString(16)}`).join(", ");
  throw new InvalidRequestError(
    "invalid-option",
    `endpoint ${String(address)} is no isochronous endpoint of the device; it has ${present === "" ? "none" : present}`,
  );
}
var withoutData = /* @__PURE__ */ new Set([
  "stall",
  "device-not-responding",
  "pid-check-failure",
  "unexpected-pid",
  "not-accessed",
]);
var halted = { status: "stall", most: 0 };
var EndpointFaults = class {
  #packets = [];
  #halts = [];
  get isEmpty() {
    return this.#packets.length === 0 && this.#halts.length === 0;
  }
  add(fault) {
    const { status: status2 = "ok", frame, frames = 1, actual = Infinity } = fault;
    const most = withoutData.has(status2) ? 0 : actual;
    this.#packets.push({ from: frame, to: frame + frames, plan: { status: status2, most } });
  }
  halt(frame) {
    this.#halts.push(frame);
  }
  isHalted(frame) {
    return this.#halts.some((from2) => from2 <= frame);
  }
  /** Ends the halts that have begun. */
  clearHalt(frame) {
    this.#halts = this.#halts.filter((from2) => from2 > frame);
  }
  /** Ends the halts from before this frame: that of an endpoint whose alternate setting is selected anew. */
  forgetHalts(frame) {
    this.clearHalt(frame - 1);
  }
  /** The plan for this frame; of several, the one that was added last. */
  at(frame) {
    if (this.isHalted(frame)) return halted;
    return this.#packets.findLast(({ from: from2, to }) => frame >= from2 && frame < to)?.plan;
  }
};
function seededRandom(seed) {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

// transports/virtual/completions.ts
var Completions = class {
  #engine;
  #counts;
  #pending = /* @__PURE__ */ new Set();
  #heldUntil = 0;
  /** Completions that are held back: later ones queue up behind them. */
  #held = 0;
  #lateness = () => 0;
  constructor(engine, counts) {
    this.#engine = engine;
    this.#counts = counts;
  }
  isPending(submission) {
    return this.#pending.has(submission);
  }
  /** Takes note of a submission; each can be on its way once. */
  expect(submission) {
    if (this.#pending.has(submission)) throw new Error("a submission was submitted twice");
    this.#pending.add(submission);
    this.#counts.submitted++;
  }
  /** Completions from now on wait until then. */
  hold(until) {
    this.#heldUntil = Math.max(this.#heldUntil, until);
  }
  delay({ microseconds, seed = 1 }) {
    const random = seededRandom(seed);
    this.#lateness = () => Math.floor(random() * (microseconds + 1));
  }
  deliver(submission) {
    const now = this.#engine.time;
    const at = Math.max(now + this.#lateness(), this.#heldUntil);
    this.#heldUntil = at;
    if (at === now && this.#held === 0) {
      this.#complete(submission);
      return;
    }
    this.#held++;
    this.#engine.schedule(at, () => {
      this.#held--;
      this.#complete(submission);
    });
  }
  #complete(submission) {
    if (!this.#pending.delete(submission)) throw new Error("a submission was completed twice");
    this.#counts.completed++;
    submission.timestamp = this.#engine.time;
    submission.completed(submission);
  }
};

// transports/virtual/model-failure.ts
function modelFailure(purpose, cause) {
  if (IsochError.is(cause)) return cause;
  return new TransportError(
    "transport-failed",
    `the model of a virtual device failed to ${purpose}: ${String(cause)}; correct the model`,
    { cause },
  );
}
function askModel(purpose, ask) {
  try {
    return ask();
  } catch (cause) {
    throw modelFailure(purpose, cause);
  }
}

// transports/virtual/endpoint.ts
var VirtualEndpoint = class {
  wait;
  frameNumber;
  allocateDma;
  #context;
  /** What nobody was told of yet, in the order of submission. */
  #queue = [];
  #gone;
  /** The model is at work on a buffer, which is not the program's before it returns. */
  #isServing = false;
  constructor(context) {
    const { capabilities, engine, completions } = context;
    this.#context = context;
    if (capabilities.blocking) {
      this.wait = (submission) => {
        engine.runUntil(() => !completions.isPending(submission));
      };
    }
    if (capabilities.frameNumber) this.frameNumber = () => this.frameAt(engine.time);
    if (capabilities.dma) this.allocateDma = context.allocateDma;
  }
  get nextFrameEnd() {
    const next = this.#next();
    return next === void 0 ? Infinity : (next.start + next.served + 1) * this.#context.frameDuration;
  }
  get nextCompletion() {
    const next = this.#next();
    return next === void 0 ? Infinity : endOf(next) * this.#context.frameDuration;
  }
  now() {
    return this.#context.engine.time;
  }
  /** The frame that is on the bus at that time. */
  frameAt(time) {
    return Math.floor(time / this.#context.frameDuration);
  }
  submit(submission) {
    if (this.#gone !== void 0) throw this.#gone;
    const { engine, completions } = this.#context;
    const start = this.#place(submission.start);
    completions.expect(submission);
    this.#queue.push({ submission, start, served: 0, offset: 0, isCancelling: false, isSettled: false });
    engine.touch(this);
  }
  cancel(submission) {
    const { capabilities, engine } = this.#context;
    if (capabilities.cancel === "none") return;
    for (const scheduled of this.#queue) {
      const isMeant = capabilities.cancel === "pipe" || scheduled.submission === submission;
      if (!isMeant || scheduled.isCancelling || scheduled.isSettled) continue;
      scheduled.isCancelling = true;
      engine.schedule(engine.time, () => {
        this.#cutShort(scheduled, void 0);
        this.deliver();
      });
    }
  }
  /**
   * Nothing that is in flight will move any more, and nothing more is taken.
   *
   * @param refusal what later submissions meet with
   * @param error what those in flight complete with; left out, they complete as cancelled
   */
  shut(refusal, error) {
    if (this.#gone !== void 0) return;
    this.#gone = refusal;
    for (const scheduled of this.#queue) this.#cutShort(scheduled, error);
    this.#context.engine.remove(this);
    if (!this.#isServing) this.deliver();
  }
  runFrames(until) {
    const { frameDuration } = this.#context;
    const next = this.#next();
    if (next === void 0) return 0;
    const last2 = Math.min(endOf(next), Math.floor(until / frameDuration));
    this.#isServing = true;
    try {
      this.#serve(next, last2 - next.start);
    } catch (cause) {
      const error = modelFailure(`move the packet of frame ${next.start + next.served}`, cause);
      this.shut(error, error);
    } finally {
      this.#isServing = false;
    }
    return (next.start + next.served) * frameDuration;
  }
  deliver() {
    for (let head = this.#queue[0]; head?.isSettled === true; head = this.#queue[0]) {
      this.#queue.shift();
      if (this.#context.tellFirstFrame) head.submission.firstFrame = head.start;
      this.#context.completions.deliver(head.submission);
    }
  }
  /** The submission whose frames are next. */
  #next() {
    const head = this.#queue[0];
    return head?.isSettled === true ? this.#queue.find(isUnsettled) : head;
  }
  #place(start) {
    const { engine, frameDuration, asapDelay } = this.#context;
    const tail = this.#queue.findLast((each) => isUnsettled(each) && !each.isCancelling);
    const free = tail === void 0 ? 0 : endOf(tail);
    const soonest = Math.ceil(engine.time / frameDuration);
    if (start === "asap") return tail === void 0 ? soonest + asapDelay : Math.max(free, soonest);
    if (start < soonest) {
      throw new InvalidRequestError(
        "start-in-past",
        `frame ${start} has passed, the bus is at ${soonest}: start later, or as soon as possible`,
      );
    }
    if (start < free) {
      throw new InvalidRequestError(
        "start-overlap",
        `frame ${start} comes before the end of what is queued, ${free}: start there, or as soon as possible`,
      );
    }
    return start;
  }
  /** Runs the frames of a submission until so many were served. */
  #serve(scheduled, end) {
    const { model, faults } = this.#context;
    const { submission } = scheduled;
    const { lengths, buffer, actual, statuses: statuses2 } = submission;
    for (let i = scheduled.served; i < end; i++) {
      const frame = scheduled.start + i;
      const length = lengths[i] ?? 0;
      const fault = faults.isEmpty ? void 0 : faults.at(frame);
      const most = fault === void 0 ? length : Math.min(length, fault.most);
      let moved = most;
      let status2 = fault?.status ?? "ok";
      if (model.direction === "in") {
        const sent = model.produce(frame, buffer, scheduled.offset, length);
        if (!Number.isSafeInteger(sent) || sent < 0) {
          throw new TransportError("transport-failed", `the model of a virtual device made a packet of ${sent} bytes`);
        }
        moved = Math.min(sent, most);
        if (sent > length && status2 === "ok") status2 = "data-overrun";
      } else if (status2 === "ok") model.consume(frame, buffer, scheduled.offset, moved);
      if (scheduled.isSettled) return;
      if (status2 !== "ok") statuses2[i] = statusCodes[status2];
      actual[i] = moved;
      scheduled.offset += length;
      scheduled.served++;
    }
    scheduled.isSettled = scheduled.served === lengths.length;
  }
  #cutShort(scheduled, error) {
    if (scheduled.isSettled) return;
    scheduled.isSettled = true;
    const { submission } = scheduled;
    submission.cancelled = error === void 0;
    submission.error = error;
    submission.statuses.fill(statusCodes["not-complete"], scheduled.served);
  }
};
function endOf({ start, submission }) {
  return start + submission.lengths.length;
}
function isUnsettled({ isSettled }) {
  return !isSettled;
}

// transports/virtual/attached-device.ts
var AttachedDevice = class {
  info;
  configuration;
  model;
  #completions;
  #bus;
  /** The alternate setting of each interface. */
  #selected = /* @__PURE__ */ new Map();
  #claims = /* @__PURE__ */ new Map();
  /** By address: the isochronous endpoints of the selected alternate settings. */
  #endpoints = /* @__PURE__ */ new Map();
  /** By address. */
  #faults = /* @__PURE__ */ new Map();
  #gone;
  /** @throws {@link DescriptorError} */
  constructor(id, model, bus2) {
    const descriptor2 = parseDeviceDescriptor(model.deviceDescriptor);
    this.model = model;
    this.configuration = parseConfigurationDescriptor(model.configurationDescriptor);
    this.#completions = new Completions(bus2.engine, bus2.counts);
    this.#bus = bus2;
    const text = (index) => (index === 0 ? void 0 : model.strings?.[index - 1]);
    this.info = {
      id,
      speed: model.speed,
      descriptor: descriptor2,
      configurations: [this.configuration],
      manufacturer: text(descriptor2.manufacturerIndex),
      product: text(descriptor2.productIndex),
      serialNumber: text(descriptor2.serialNumberIndex),
    };
    for (const each of this.configuration.interfaces) {
      const first = settingOf(each, 0) ?? each.alternates[0];
      if (first !== void 0) this.#selected.set(each.number, first);
    }
  }
  get claimedInterfaces() {
    return this.#claims.size;
  }
  /** @throws {@link DeviceError} `device-gone` */
  checkPresent() {
    this.#bus.engine.catchUp();
    if (this.#gone !== void 0) throw this.#gone;
  }
  claim(interfaceNumber, claimer) {
    this.checkPresent();
    this.#interface(interfaceNumber);
    this.#checkClaim(interfaceNumber, claimer);
    this.#claims.set(interfaceNumber, claimer);
  }
  /** The interface goes back to alternate setting 0, as the system sees to where a program forgot it. */
  release(interfaceNumber, claimer) {
    this.checkPresent();
    if (this.#claims.get(interfaceNumber) !== claimer) return;
    try {
      if (this.selectedAlternate(interfaceNumber) !== 0) this.selectAlternate(interfaceNumber, 0, claimer);
    } finally {
      this.#claims.delete(interfaceNumber);
    }
  }
  releaseAll(claimer) {
    for (const [interfaceNumber, holder] of [...this.#claims]) {
      if (holder === claimer) this.release(interfaceNumber, claimer);
    }
  }
  /** The alternate setting of an interface; `undefined` if the device has no such interface. */
  selectedAlternate(interfaceNumber) {
    return this.#selected.get(interfaceNumber)?.alternateSetting;
  }
  /**
   * What is in flight on the endpoints of the interface completes first, as cancelled.
   *
   * @param claimer the handle that asks for it
   */
  selectAlternate(interfaceNumber, alternateSetting, claimer) {
    this.checkPresent();
    const alternate = settingOf(this.#interface(interfaceNumber), alternateSetting);
    if (alternate === void 0) {
      throw new EndpointError(
        "no-such-endpoint",
        `interface ${interfaceNumber} of ${this.info.id} has no alternate setting ${alternateSetting}`,
      );
    }
    this.#checkClaim(interfaceNumber, claimer);
    this.#select(alternate);
  }
  /** @param claimer the handle that asks for it */
  endpoint(address, claimer) {
    this.checkPresent();
    const endpoint = this.#endpoints.get(address);
    if (endpoint === void 0) {
      throw new EndpointError(
        "not-in-alternate",
        `endpoint 0x${address.toString(16)} of ${this.info.id} is not an isochronous endpoint of a selected alternate setting: select one that has it`,
      );
    }
    const place = this.#selectedEndpoints().find((each) => each.endpoint.address === address);
    if (place !== void 0) this.#checkClaim(place.interfaceNumber, claimer);
    return endpoint;
  }
  /** Whether a selected alternate setting has this endpoint, or it is endpoint zero. */
  hasEndpoint(address) {
    return address === 0 || this.#selectedEndpoints().some(({ endpoint }) => endpoint.address === address);
  }
  isHalted(address) {
    return this.#faultsOf(address).isHalted(this.#frameOf(address));
  }
  halt(address) {
    this.#faultsOf(address).halt(this.#frameOf(address));
  }
  clearHalt(address) {
    this.#faultsOf(address).clearHalt(this.#frameOf(address));
  }
  /** @throws {@link InvalidRequestError}; then no fault is planned */
  inject(faults) {
    const endpoints = new Set(isochEndpoints(this.configuration).map(({ endpoint }) => endpoint.address));
    for (const fault of faults) checkFault(fault, endpoints);
    this.#bus.engine.catchUp();
    for (const fault of faults) this.#plan(fault);
  }
  /** A class or vendor request; `undefined` is a STALL. */
  control(setup, data) {
    return askModel(`answer the ${setup.type} request ${setup.request}`, () => {
      const answer = this.model.control?.(setup, data);
      if (answer === void 0 || answer instanceof Uint8Array) return answer;
      throw new TypeError(`${typeof answer} is no Uint8Array`);
    });
  }
  /** Every interface goes to its first alternate setting, nothing is halted any more. */
  reset() {
    this.checkPresent();
    for (const alternate of this.configuration.interfaces.map((each) => settingOf(each, 0))) {
      if (alternate !== void 0) this.#select(alternate);
    }
    for (const address of this.#faults.keys()) this.clearHalt(address);
  }
  /** The device is unplugged. */
  leave() {
    this.#bus.engine.catchUp();
    if (this.#gone !== void 0) return;
    const gone = new DeviceError("device-gone", `${this.info.id} was unplugged: wait for it to attach again`);
    this.#gone = gone;
    this.#claims.clear();
    for (const { number } of this.configuration.interfaces) this.#bus.bandwidth.release(this.#holder(number));
    for (const endpoint of this.#endpoints.values()) endpoint.shut(gone, gone);
    this.#bus.left(this);
  }
  #plan(fault) {
    const { engine } = this.#bus;
    switch (fault.type) {
      case "packet":
        this.#faultsOf(fault.endpoint).add(fault);
        break;
      case "halt":
        this.#faultsOf(fault.endpoint).halt(fault.frame);
        break;
      case "unplug":
        engine.schedule(fault.frame * this.#tick, () => {
          this.leave();
        });
        break;
      case "host-stall":
        engine.schedule(fault.frame * this.#tick, () => {
          this.#completions.hold((fault.frame + fault.frames) * this.#tick);
        });
        break;
      case "jitter":
        this.#completions.delay(fault);
        break;
    }
  }
  /** Microseconds of a frame (full speed) or a microframe. */
  get #tick() {
    return this.model.speed === "low" || this.model.speed === "full" ? 1e3 : 125;
  }
  #faultsOf(address) {
    const known = this.#faults.get(address);
    if (known !== void 0) return known;
    const faults = new EndpointFaults();
    this.#faults.set(address, faults);
    return faults;
  }
  /** The frame that is on the bus now, in service intervals of the endpoint where it is isochronous. */
  #frameOf(address) {
    const { time } = this.#bus.engine;
    return this.#endpoints.get(address)?.frameAt(time) ?? Math.floor(time / this.#tick);
  }
  #interface(interfaceNumber) {
    const found = this.configuration.interfaces.find(({ number }) => number === interfaceNumber);
    if (found !== void 0) return found;
    throw new EndpointError("no-such-endpoint", `${this.info.id} has no interface ${interfaceNumber}`);
  }
  #selectedEndpoints() {
    return [...this.#selected.values()].flatMap(({ interfaceNumber, endpoints }) =>
      endpoints.map((endpoint) => ({ interfaceNumber, endpoint })),
    );
  }
  #checkClaim(interfaceNumber, claimer) {
    const holder = this.#claims.get(interfaceNumber);
    if (holder === void 0 || holder === claimer) return;
    throw new BusyError(
      "interface-busy",
      `interface ${interfaceNumber} of ${this.info.id} is claimed by another handle of this program: close it there first`,
    );
  }
  #select(alternate) {
    const { bandwidth, engine } = this.#bus;
    const { interfaceNumber, alternateSetting } = alternate;
    const endpoints = this.#createEndpoints(alternate);
    bandwidth.reserve(this.#holder(interfaceNumber), alternate, this.model.speed);
    this.#retireEndpoints(interfaceNumber);
    this.#selected.set(interfaceNumber, alternate);
    try {
      askModel(`select alternate setting ${alternateSetting}`, () =>
        this.model.alternateSelected?.(interfaceNumber, alternateSetting, engine.time),
      );
    } catch (error) {
      this.#reserveNothing(interfaceNumber);
      throw error;
    }
    for (const [address, endpoint] of endpoints) {
      this.#endpoints.set(address, endpoint);
      this.#faults.get(address)?.forgetHalts(endpoint.frameAt(engine.time));
    }
  }
  #createEndpoints(alternate) {
    const created = /* @__PURE__ */ new Map();
    for (const descriptor2 of alternate.endpoints) {
      if (descriptor2.transferType === "isochronous")
        created.set(descriptor2.address, this.#createEndpoint(descriptor2));
    }
    return created;
  }
  #createEndpoint(descriptor2) {
    const { address, direction } = descriptor2;
    const model = askModel(`show endpoint 0x${address.toString(16)}`, () => this.model.endpoint(address));
    if (model?.direction !== direction) {
      throw new TransportError(
        "transport-failed",
        `the model of ${this.info.id} has no ${direction.toUpperCase()} endpoint 0x${address.toString(16)}, which its descriptors announce; correct the model`,
      );
    }
    return new VirtualEndpoint({
      engine: this.#bus.engine,
      completions: this.#completions,
      capabilities: this.#bus.capabilities,
      tellFirstFrame: this.#bus.tellFirstFrame,
      model,
      faults: this.#faultsOf(address),
      frameDuration: serviceInterval(descriptor2, this.model.speed),
      asapDelay: this.#bus.asapDelay,
      allocateDma: this.#bus.allocateDma,
    });
  }
  /** The refused alternate setting is given up: the interface is as after a reset. */
  #reserveNothing(interfaceNumber) {
    const first = settingOf(this.#interface(interfaceNumber), 0);
    if (first !== void 0) this.#selected.set(interfaceNumber, first);
    this.#bus.bandwidth.release(this.#holder(interfaceNumber));
  }
  #retireEndpoints(interfaceNumber) {
    for (const { address } of this.#selected.get(interfaceNumber)?.endpoints ?? []) {
      const endpoint = this.#endpoints.get(address);
      this.#endpoints.delete(address);
      endpoint?.shut(
        new TransferStateError("pipe-closed", "another alternate setting was selected: open the endpoint again"),
      );
    }
  }
  #holder(interfaceNumber) {
    return `${this.info.id}/${interfaceNumber}`;
  }
};
function settingOf({ alternates }, setting) {
  return alternates.find(({ alternateSetting }) => alternateSetting === setting);
}

// transports/virtual/clock.ts
import { asyncScheduler, Subscription } from "rxjs";
function realTimeClock() {
  const origin = performance.now();
  const clock = timedBy(asyncScheduler, () => (performance.now() - origin) * 1e3, 1e3, Math.ceil);
  return {
    ...clock,
    waitUntil: (at) => {
      for (let left = at - clock.now(); left > 0; left = at - clock.now()) sleep(left / 1e3);
    },
  };
}
var sleeper = typeof SharedArrayBuffer === "undefined" ? void 0 : new Int32Array(new SharedArrayBuffer(4));
function sleep(milliseconds) {
  try {
    if (sleeper !== void 0) Atomics.wait(sleeper, 0, 0, milliseconds);
  } catch {}
}
var longestTimer = 2 ** 31 - 1;
function timedBy(scheduler, read, pace, round = (milliseconds) => milliseconds) {
  let reached = 0;
  const now = () => (reached = Math.max(reached, read()));
  return {
    now,
    schedule: (at, work) => {
      const delay = () => Math.min(Math.max(0, round((at - now()) / pace)), longestTimer);
      return scheduler.schedule(function () {
        if (at - now() >= 1) {
          this.schedule(void 0, delay());
          return;
        }
        reached = Math.max(reached, at);
        work();
      }, delay());
    },
  };
}

// transports/virtual/engine.ts
var maxLag = 1e6;
var BusEngine = class {
  #clock;
  #runners = /* @__PURE__ */ new Set();
  /** In the order of time; of one time, in the order of their scheduling. */
  #events = [];
  #time = 0;
  #isAdvancing = false;
  #wake;
  #wakeAt = Infinity;
  constructor(clock) {
    this.#clock = clock;
  }
  get canBlock() {
    return this.#clock.waitUntil !== void 0;
  }
  /** The time on the bus, in microseconds since it began. */
  get time() {
    if (!this.#isAdvancing) this.#time = Math.max(this.#time, this.#clock.now());
    return this.#time;
  }
  /** Adds a runner, or takes note that its frames have changed. */
  touch(runner) {
    this.#runners.add(runner);
    if (!this.#isAdvancing) this.#scheduleWake();
  }
  remove(runner) {
    this.#runners.delete(runner);
  }
  /** Calls `run` when the time has come, after the frames that end by then; never before it returns. */
  schedule(at, run) {
    const index = this.#events.findLastIndex((event) => event.at <= at);
    this.#events.splice(index + 1, 0, { at, run });
    if (!this.#isAdvancing) this.#scheduleWake();
  }
  /**
   * Runs the frames that have ended by now, and tells of what they complete: whatever changes the
   * bus at once does this first, so that it reaches no frame that is over.
   */
  catchUp() {
    if (!this.#isAdvancing) this.#advanceAndSleep(this.#clock.now());
  }
  /** Blocks the program, and runs the bus, until `done`. */
  runUntil(done) {
    while (!done()) {
      const next = this.#nextDue();
      if (this.#clock.waitUntil === void 0 || next === Infinity) {
        throw new UnsupportedError("unsupported", "the clock of this bus cannot be waited for: give it one that can");
      }
      this.#clock.waitUntil(next);
      this.#advanceAndSleep(next);
    }
  }
  #nextDue() {
    let next = this.#events[0]?.at ?? Infinity;
    for (const runner of this.#runners) next = Math.min(next, runner.nextCompletion);
    return next;
  }
  #scheduleWake() {
    const next = this.#nextDue();
    if (next === this.#wakeAt) return;
    this.#wake?.unsubscribe();
    this.#wake = void 0;
    this.#wakeAt = next;
    if (next === Infinity) return;
    this.#wake = this.#clock.schedule(next, () => {
      this.#wakeAt = Infinity;
      this.#advanceAndSleep(this.#clock.now());
    });
  }
  #advanceAndSleep(until) {
    try {
      this.#advance(until);
    } finally {
      if (!this.#isAdvancing) this.#scheduleWake();
    }
  }
  #advance(until) {
    const wasAdvancing = this.#isAdvancing;
    this.#isAdvancing = true;
    try {
      for (;;) {
        const event = this.#events[0]?.at ?? Infinity;
        let first;
        let firstEnd = Infinity;
        let secondEnd = Infinity;
        for (const runner of this.#runners) {
          const end = runner.nextFrameEnd;
          if (end < firstEnd) {
            secondEnd = firstEnd;
            firstEnd = end;
            first = runner;
          } else if (end < secondEnd) secondEnd = end;
        }
        if (Math.min(event, firstEnd) > until) break;
        if (first !== void 0 && firstEnd <= event) {
          this.#reach(first.runFrames(Math.min(until, event, Math.max(firstEnd, secondEnd))));
          first.deliver();
        } else {
          this.#reach(event);
          this.#events.shift()?.run();
        }
      }
    } finally {
      this.#isAdvancing = wasAdvancing;
    }
    this.#reach(until);
  }
  #reach(time) {
    this.#time = Math.max(this.#time, time, this.#clock.now() - maxLag);
  }
};

// transports/virtual/opened-device.ts
import { defer as defer6, EMPTY as EMPTY4, of as of3 } from "rxjs";

// transports/virtual/standard-requests.ts
var standard = {
  getStatus: 0,
  clearFeature: 1,
  setFeature: 3,
  getDescriptor: 6,
  getConfiguration: 8,
  setConfiguration: 9,
  getInterface: 10,
  setInterface: 11,
};
var endpointHalt = 0;
var maxStringLength = 126;
var nothing = new Uint8Array(0);
function answerStandardRequest(device, setup, sender) {
  return setup.direction === "in" ? answerIn(device, setup) : answerOut(device, setup, sender);
}
function answerIn(device, { recipient, request, value, index }) {
  switch (request) {
    case standard.getDescriptor:
      return recipient === "device" ? descriptor(device, value >> 8, value & 255) : void 0;
    case standard.getConfiguration:
      return recipient === "device" ? Uint8Array.of(device.configuration.value) : void 0;
    case standard.getInterface: {
      const setting = recipient === "interface" ? device.selectedAlternate(index) : void 0;
      return setting === void 0 ? void 0 : Uint8Array.of(setting);
    }
    case standard.getStatus:
      return status(device, recipient, index);
    default:
      return void 0;
  }
}
function answerOut(device, { recipient, request, value, index }, sender) {
  switch (request) {
    case standard.setConfiguration:
      if (recipient !== "device" || value !== device.configuration.value) return void 0;
      device.reset();
      return nothing;
    case standard.setInterface:
      if (recipient !== "interface") return void 0;
      try {
        device.selectAlternate(index, value, sender);
      } catch (error) {
        if (EndpointError.is(error)) return void 0;
        throw error;
      }
      return nothing;
    case standard.clearFeature:
      if (recipient !== "endpoint" || value !== endpointHalt || !device.hasEndpoint(index)) return void 0;
      device.clearHalt(index);
      return nothing;
    case standard.setFeature:
      if (recipient !== "endpoint" || value !== endpointHalt || !device.hasEndpoint(index)) return void 0;
      device.halt(index);
      return nothing;
    default:
      return void 0;
  }
}
function status(device, recipient, index) {
  switch (recipient) {
    case "device":
      return Uint8Array.of(device.configuration.selfPowered ? 1 : 0, 0);
    case "interface":
      return device.selectedAlternate(index) === void 0 ? void 0 : Uint8Array.of(0, 0);
    case "endpoint":
      return device.hasEndpoint(index) ? Uint8Array.of(device.isHalted(index) ? 1 : 0, 0) : void 0;
    case "other":
      return void 0;
  }
}
function descriptor({ model }, type, index) {
  if (type === 1) return index === 0 ? model.deviceDescriptor : void 0;
  if (type === 2) return index === 0 ? model.configurationDescriptor : void 0;
  if (type !== 3) return void 0;
  if (index === 0) return Uint8Array.of(4, 3, 9, 4);
  const text = model.strings?.[index - 1]?.slice(0, maxStringLength);
  if (text === void 0) return void 0;
  const bytes = new Uint8Array(2 + 2 * text.length);
  bytes.set([bytes.length, 3]);
  for (let i = 0; i < text.length; i++) {
    bytes[2 + 2 * i] = text.charCodeAt(i) & 255;
    bytes[3 + 2 * i] = text.charCodeAt(i) >> 8;
  }
  return bytes;
}

// transports/virtual/opened-device.ts
var OpenedDevice2 = class {
  info;
  configuration;
  #device;
  #closed;
  #isClosed = false;
  /** @param closed called once, when the handle is closed */
  constructor(device, closed) {
    this.info = device.info;
    this.configuration = device.configuration;
    this.#device = device;
    this.#closed = closed;
  }
  controlTransfer(setup, data) {
    return defer6(() => {
      const device = this.#open();
      checkControl(setup, data);
      device.checkPresent();
      const answer =
        setup.type === "standard" ? answerStandardRequest(device, setup, this) : device.control(setup, data);
      if (answer === void 0) {
        throw new DeviceError(
          "control-stalled",
          `${this.info.id} refused the ${setup.type} request ${setup.request} (value ${setup.value}, index ${setup.index}): check them against the device's documentation`,
        );
      }
      return of3(typeof data === "number" ? answer.slice(0, data) : new Uint8Array(0));
    });
  }
  claimInterface(interfaceNumber) {
    return this.#step((device) => {
      device.claim(interfaceNumber, this);
    });
  }
  releaseInterface(interfaceNumber) {
    return this.#step((device) => {
      device.release(interfaceNumber, this);
    });
  }
  selectAlternate(interfaceNumber, alternateSetting) {
    return this.#step((device) => {
      device.selectAlternate(interfaceNumber, alternateSetting, this);
    });
  }
  clearHalt(endpointAddress) {
    return this.#step((device) => {
      device.checkPresent();
      if (device.hasEndpoint(endpointAddress)) device.clearHalt(endpointAddress);
      else device.endpoint(endpointAddress, this);
    });
  }
  reset() {
    return this.#step((device) => {
      device.reset();
    });
  }
  openEndpoint(endpointAddress) {
    return this.#open().endpoint(endpointAddress, this);
  }
  close() {
    return defer6(() => {
      if (this.#isClosed) return EMPTY4;
      this.#isClosed = true;
      this.#closed();
      this.#device.releaseAll(this);
      return EMPTY4;
    });
  }
  #step(act) {
    return defer6(() => {
      act(this.#open());
      return EMPTY4;
    });
  }
  #open() {
    if (!this.#isClosed) return this.#device;
    throw new TransferStateError("pipe-closed", `this handle on ${this.info.id} is closed: open the device again`);
  }
};

// transports/virtual/bus.ts
var VirtualBus = class {
  name = "virtual";
  capabilities;
  #engine;
  #context;
  #devices = /* @__PURE__ */ new Map();
  #events = new Subject2();
  #attached = 0;
  #openDevices = 0;
  #dmaBuffers = 0;
  #nextDmaAddress = 4096;
  /** @throws `InvalidRequestError`; `DescriptorError` for a device that has a bad one */
  constructor(options = {}) {
    const { devices = [], clock = realTimeClock(), asapDelay = 2, without = {} } = options;
    wholeNumber("asapDelay", asapDelay, 0, maxFramesPerRequest);
    this.#engine = new BusEngine(clock);
    this.capabilities = {
      startFrame: without.startFrame ?? true,
      frameNumber: without.frameNumber ?? true,
      lengthsPerFrame: without.lengthsPerFrame ?? true,
      cancel: oneOf("without.cancel", without.cancel ?? "transfer", ["transfer", "pipe", "none"]),
      blocking: (without.blocking ?? true) && this.#engine.canBlock,
      dma: without.dma ?? true,
    };
    this.#context = {
      engine: this.#engine,
      bandwidth: new Bandwidth(),
      counts: { submitted: 0, completed: 0 },
      capabilities: this.capabilities,
      tellFirstFrame: options.tellFirstFrame ?? this.capabilities.frameNumber,
      asapDelay,
      allocateDma: (size) => this.#allocateDma(size),
      left: (device) => {
        this.#remove(device);
      },
    };
    for (const device of devices) this.attach(device);
  }
  /** The time on the bus, in microseconds since it began. */
  get time() {
    return this.#engine.time;
  }
  /**
   * Plugs a device in.
   *
   * @throws `DescriptorError`
   */
  attach(device) {
    const attached = new AttachedDevice(`virtual-${++this.#attached}`, device, this.#context);
    this.#devices.set(attached.info.id, attached);
    this.#events.next({ type: "attach", device: attached.info });
    return {
      info: attached.info,
      inject: (...faults) => {
        attached.inject(faults);
      },
      detach: () => {
        attached.leave();
      },
    };
  }
  devices() {
    return new Observable7((subscriber) => {
      const present = [...this.#devices.values()];
      let meanwhile = [];
      subscriber.add(
        this.#events.subscribe({
          next: (event) => {
            if (meanwhile === void 0) subscriber.next(event);
            else meanwhile.push(event);
          },
          error: (error) => {
            subscriber.error(error);
          },
        }),
      );
      for (const { info } of present) subscriber.next({ type: "attach", device: info });
      for (let event = meanwhile.shift(); event !== void 0; event = meanwhile.shift()) subscriber.next(event);
      meanwhile = void 0;
    });
  }
  open(selector) {
    return defer7(() => {
      const found = [...this.#devices.values()].find(({ info }) => matchesSelector(info, selector));
      if (found === void 0) {
        throw new DeviceError("no-such-device", "no device on the virtual bus matches the selector: attach one first");
      }
      this.#openDevices++;
      return of4(
        new OpenedDevice2(found, () => {
          this.#openDevices--;
        }),
      );
    });
  }
  /** What is in use now. */
  audit() {
    const { submitted, completed } = this.#context.counts;
    let claimedInterfaces = 0;
    for (const device of this.#devices.values()) claimedInterfaces += device.claimedInterfaces;
    return {
      openDevices: this.#openDevices,
      claimedInterfaces,
      inFlight: submitted - completed,
      dmaBuffers: this.#dmaBuffers,
      submitted,
      completed,
    };
  }
  #remove(device) {
    this.#devices.delete(device.info.id);
    this.#events.next({ type: "detach", device: device.info });
  }
  #allocateDma(size) {
    const bytes = allocate(wholeNumber("the size of a DMA buffer", size, 1, maxBytesPerRequest));
    const address = this.#nextDmaAddress;
    this.#nextDmaAddress += size;
    this.#dmaBuffers++;
    let isFree = false;
    return {
      bytes,
      address,
      free: () => {
        if (isFree) return;
        isFree = true;
        this.#dmaBuffers--;
      },
    };
  }
};

// transports/virtual/descriptors.ts
function encodeDevice(fields) {
  const { deviceClass = 0, deviceSubclass = 0, deviceProtocol = 0, deviceVersion = 0 } = fields;
  const { manufacturerIndex = 0, productIndex = 0, serialNumberIndex = 0 } = fields;
  return Uint8Array.of(
    18,
    1,
    ...word(fields.usbVersion),
    deviceClass,
    deviceSubclass,
    deviceProtocol,
    fields.maxPacketSize0,
    ...word(fields.vendorId),
    ...word(fields.productId),
    ...word(deviceVersion),
    manufacturerIndex,
    productIndex,
    serialNumberIndex,
    1,
  );
}
function encodeConfiguration(interfaceCount, ...parts) {
  const total = parts.reduce((sum2, part) => sum2 + part.length, 9);
  return concatenate(Uint8Array.of(9, 2, ...word(total), interfaceCount, 1, 0, 128, 50), ...parts);
}
function encodeVendorInterface(number, alternate, endpointCount) {
  return Uint8Array.of(9, 4, number, alternate, endpointCount, 255, 0, 0, 0);
}
function encodeIsochEndpoint(address, maxPacketSize, interval = 1) {
  return Uint8Array.of(7, 5, address, 5, ...word(maxPacketSize), interval);
}
function encodeCompanion(burst, mult, bytesPerInterval) {
  return Uint8Array.of(6, 48, burst - 1, mult - 1, ...word(bytesPerInterval));
}
function concatenate(...parts) {
  const whole = new Uint8Array(parts.reduce((sum2, part) => sum2 + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
function word(value) {
  return [value & 255, (value >> 8) & 255];
}

// transports/virtual/devices/counter.ts
var counterProtocol = {
  vendorId: 4617,
  productId: 1,
  /** Sends a counter at the beginning of each packet. */
  inEndpoint: 129,
  /** Checks a counter at the beginning of each packet. */
  outEndpoint: 1,
  /** Bytes of the counter: 64 bits, little endian. */
  counterSize: 8,
  /** Vendor request, device, IN, 12 bytes: `packets`, `mismatches`, `short`, 32 bits each, little endian. */
  getStatistics: 1,
  /** Vendor request, device, OUT: sets the statistics to zero, and takes any counter as the next. */
  reset: 2,
};
var geometry = {
  full: { usbVersion: 272, maxPacketSize0: 64, maxPacketSize: 1023, companion: void 0, bytes: 1023, shared: 400 },
  high: {
    usbVersion: 512,
    maxPacketSize0: 64,
    maxPacketSize: 1024 | (2 << 11),
    companion: void 0,
    bytes: 3072,
    shared: 1024,
  },
  super: {
    usbVersion: 768,
    maxPacketSize0: 9,
    maxPacketSize: 1024,
    companion: { burst: 16, mult: 3 },
    bytes: 49152,
    shared: 1024,
  },
};
var CounterDevice = class {
  speed;
  deviceDescriptor;
  configurationDescriptor;
  strings;
  #in;
  #out = new CounterCheck();
  constructor({ speed = "high", clockPpm = 0, serialNumber = "0001" }) {
    if (!Number.isFinite(clockPpm) || Math.abs(clockPpm) > 1e5) {
      throw new InvalidRequestError("invalid-number", `clockPpm must be from -100000 to 100000, not ${clockPpm}`);
    }
    const { usbVersion, maxPacketSize0, maxPacketSize, companion, bytes, shared } =
      geometry[oneOf("speed", speed, ["full", "high", "super"])];
    this.speed = speed;
    this.strings = ["rx-isoch", "counter", serialNumber];
    this.deviceDescriptor = encodeDevice({
      usbVersion,
      maxPacketSize0,
      vendorId: counterProtocol.vendorId,
      productId: counterProtocol.productId,
      manufacturerIndex: 1,
      productIndex: 2,
      serialNumberIndex: 3,
    });
    const large = (address) =>
      concatenate(
        encodeIsochEndpoint(address, maxPacketSize),
        ...(companion === void 0 ? [] : [encodeCompanion(companion.burst, companion.mult, bytes)]),
      );
    const small = (address) =>
      concatenate(
        encodeIsochEndpoint(address, shared),
        ...(companion === void 0 ? [] : [encodeCompanion(1, 1, shared)]),
      );
    this.configurationDescriptor = encodeConfiguration(
      1,
      encodeVendorInterface(0, 0, 0),
      encodeVendorInterface(0, 1, 1),
      large(counterProtocol.inEndpoint),
      encodeVendorInterface(0, 2, 1),
      large(counterProtocol.outEndpoint),
      encodeVendorInterface(0, 3, 2),
      small(counterProtocol.inEndpoint),
      small(counterProtocol.outEndpoint),
    );
    this.#in = new CounterSource(speed === "full" ? 1e3 : 125, clockPpm, { 1: bytes, 3: shared });
  }
  /** What came in on the OUT endpoint since an alternate setting that has it was selected, or since the reset. */
  get statistics() {
    return this.#out.statistics;
  }
  endpoint(address) {
    if (address === counterProtocol.inEndpoint) return this.#in;
    return address === counterProtocol.outEndpoint ? this.#out : void 0;
  }
  alternateSelected(_interfaceNumber, alternate, time) {
    this.#in.start(alternate, time);
    if (alternate === 2 || alternate === 3) this.#out.reset();
  }
  control({ type, recipient, direction, request }) {
    if (type !== "vendor" || recipient !== "device") return void 0;
    if (request === counterProtocol.getStatistics && direction === "in") {
      const { packets, mismatches, short } = this.#out.statistics;
      return new Uint8Array(Uint32Array.of(packets, mismatches, short).buffer);
    }
    if (request === counterProtocol.reset && direction === "out") {
      this.#out.reset();
      return new Uint8Array(0);
    }
    return void 0;
  }
};
function counterDevice(options = {}) {
  return new CounterDevice(options);
}
function readCounter(packet, offset = 0) {
  wholeNumber("offset", offset, 0);
  if (packet.length - offset < counterProtocol.counterSize) return void 0;
  let value = 0;
  for (let i = counterProtocol.counterSize - 1; i >= 0; i--) value = value * 256 + (packet[offset + i] ?? 0);
  return value;
}
function writeCounter(packet, value, offset = 0) {
  let rest = wholeNumber("the counter", value, 0);
  if (wholeNumber("offset", offset, 0) + counterProtocol.counterSize > packet.length) {
    throw new InvalidRequestError(
      "length-mismatch",
      `a counter takes ${counterProtocol.counterSize} bytes, and the packet has ${packet.length - offset}`,
    );
  }
  for (let i = 0; i < counterProtocol.counterSize; i++) {
    packet[offset + i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}
var CounterSource = class {
  direction = "in";
  #frameDuration;
  #ppm;
  #lengths;
  #first = 0;
  #length = 0;
  constructor(frameDuration, clockPpm, lengths) {
    this.#frameDuration = frameDuration;
    this.#ppm = clockPpm;
    this.#lengths = lengths;
  }
  start(alternate, time) {
    this.#first = Math.floor(time / this.#frameDuration);
    this.#length = this.#lengths[alternate] ?? 0;
  }
  produce(frame, buffer, offset, capacity) {
    const since = frame - this.#first;
    const counter = since + Math.max(0, Math.floor((since * this.#ppm) / 1e6));
    const length = this.#length + this.#shortfall(since + 1) - this.#shortfall(since);
    const written = Math.min(length, capacity);
    if (written >= counterProtocol.counterSize) {
      writeCounter(buffer, counter, offset);
      buffer.fill(counter & 255, offset + counterProtocol.counterSize, offset + written);
    } else buffer.fill(0, offset, offset + written);
    return length;
  }
  /** Bytes that a slow clock has not made after so many frames: zero or negative. */
  #shortfall(frames) {
    return Math.min(0, Math.ceil((frames * this.#ppm * this.#length) / 1e6));
  }
};
var CounterCheck = class {
  direction = "out";
  #expected;
  #packets = 0;
  #mismatches = 0;
  #short = 0;
  get statistics() {
    return { packets: this.#packets, mismatches: this.#mismatches, short: this.#short };
  }
  reset() {
    this.#expected = void 0;
    this.#packets = this.#mismatches = this.#short = 0;
  }
  consume(_frame, buffer, offset, length) {
    const counter = readCounter(buffer.subarray(offset, offset + length));
    if (counter === void 0) {
      this.#short++;
      return;
    }
    this.#packets++;
    if (this.#expected !== void 0 && counter !== this.#expected) this.#mismatches++;
    this.#expected = counter + 1;
  }
};

// transports/usbip/server.ts
import {
  AsyncSubject as AsyncSubject9,
  concat as concat7,
  defer as defer10,
  EMPTY as EMPTY7,
  Subject as Subject3,
} from "rxjs";

// transports/usbip/connection.ts
import {
  AsyncSubject as AsyncSubject8,
  concat as concat6,
  mergeMap,
  Subscription as Subscription2,
  throwError as throwError5,
  timer,
} from "rxjs";

// transports/usbip/imported-device.ts
import { concat as concat5, defer as defer9, EMPTY as EMPTY6, tap as tap3 } from "rxjs";

// transports/usbip/control-pipe.ts
import { defer as defer8, throwError as throwError4 } from "rxjs";

// transports/usbip/drained.ts
import { AsyncSubject as AsyncSubject7, EMPTY as EMPTY5 } from "rxjs";
var InFlight = class {
  #items = /* @__PURE__ */ new Set();
  #drained;
  get size() {
    return this.#items.size;
  }
  [Symbol.iterator]() {
    return this.#items[Symbol.iterator]();
  }
  add(item) {
    this.#items.add(item);
  }
  delete(item) {
    if (!this.#items.delete(item) || this.#items.size > 0) return;
    const drained = this.#drained;
    this.#drained = void 0;
    drained?.complete();
  }
  /** Completes when there are none; at once where that is so. */
  get drained() {
    if (this.#items.size === 0) return EMPTY5;
    this.#drained ??= new AsyncSubject7();
    return this.#drained;
  }
};

// transports/usbip/protocol/byte-queue.ts
var smallest = 4096;
var kept = 1 << 20;
var ByteQueue = class {
  #bytes = new Uint8Array(smallest);
  #start = 0;
  #end = 0;
  /** Bytes that wait. */
  get length() {
    return this.#end - this.#start;
  }
  /** Bytes of memory in use for them. */
  get capacity() {
    return this.#bytes.length;
  }
  /** Copies a chunk in. */
  push(chunk) {
    if (this.#end + chunk.length > this.#bytes.length) this.#makeRoom(chunk.length);
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }
  /** Takes out the next `count` bytes, which are the caller's; `undefined` until that many are there. */
  take(count) {
    if (count > this.length) return void 0;
    const taken = this.#bytes.slice(this.#start, this.#start + count);
    this.#start += count;
    if (this.#start === this.#end) {
      this.#start = this.#end = 0;
      if (this.#bytes.length > kept) this.#bytes = new Uint8Array(smallest);
    }
    return taken;
  }
  #makeRoom(count) {
    const needed = this.length + count;
    let { length } = this.#bytes;
    while (length < needed) length *= 2;
    const bytes = length > this.#bytes.length ? new Uint8Array(length) : this.#bytes;
    bytes.set(this.#bytes.subarray(this.#start, this.#end));
    this.#bytes = bytes;
    this.#end -= this.#start;
    this.#start = 0;
  }
};

// transports/usbip/protocol/wire.ts
var protocolVersion = 273;
var operation = {
  requestImport: 32771,
  replyImport: 3,
  requestDeviceList: 32773,
  replyDeviceList: 5,
};
var urbCommand = {
  submit: 1,
  unlink: 2,
  submitReply: 3,
  unlinkReply: 4,
};
var operationHeaderSize = 8;
var urbHeaderSize = 48;
var packetDescriptorSize = 16;
var deviceSize = 312;
var pathSize = 256;
var busIdSize = 32;
var noPackets = 4294967295;
function protocolError(message) {
  return new TransportError("protocol-error", `the USB/IP peer ${message}: close the connection`);
}
function viewOf(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

// transports/usbip/protocol/decode.ts
var MessageDecoder = class {
  #queue;
  #begin;
  #parser;
  #wanted = 0;
  #failure;
  /** @param begin makes the parser of a message */
  constructor(queue, begin) {
    this.#queue = queue;
    this.#begin = begin;
  }
  /**
   * The next message, or `undefined` until the rest of it is in the queue.
   *
   * @throws {@link TransportError} `protocol-error`; after that, every call throws the same
   */
  read() {
    if (this.#failure !== void 0) throw this.#failure;
    try {
      if (this.#parser === void 0) {
        if (this.#queue.length === 0) return void 0;
        this.#parser = this.#begin();
        const first = this.#parser.next(new Uint8Array(0));
        if (first.done === true) return this.#end(first.value);
        this.#wanted = first.value;
      }
      for (;;) {
        const bytes = this.#queue.take(this.#wanted);
        if (bytes === void 0) return void 0;
        const step = this.#parser.next(bytes);
        if (step.done === true) return this.#end(step.value);
        this.#wanted = step.value;
      }
    } catch (error) {
      this.#failure = asIsochError(error);
      throw this.#failure;
    }
  }
  /**
   * The peer has ended.
   *
   * @throws {@link TransportError} `protocol-error` if it did so in the middle of a message
   */
  finish() {
    if (this.#failure === void 0 && (this.#parser !== void 0 || this.#queue.length > 0)) {
      throw protocolError("ended in the middle of a message");
    }
  }
  #end(message) {
    this.#parser = void 0;
    return message;
  }
};

// transports/usbip/protocol/devices.ts
var speedNumbers = { low: 1, full: 2, high: 3, super: 5, "super-plus": 6 };
var speeds3 = new Map(Object.entries(speedNumbers).map(([speed, number]) => [number, speed]));
function writeDevice(bytes, offset, device) {
  writeText(bytes, offset, device.path, pathSize);
  writeText(bytes, offset + pathSize, device.busId, busIdSize);
  const view = viewOf(bytes);
  const at = offset + pathSize + busIdSize;
  view.setUint32(at, device.busNumber);
  view.setUint32(at + 4, device.deviceNumber);
  view.setUint32(at + 8, device.speed === void 0 ? 0 : speedNumbers[device.speed]);
  view.setUint16(at + 12, device.vendorId);
  view.setUint16(at + 14, device.productId);
  view.setUint16(at + 16, device.deviceVersion);
  bytes.set(
    [
      device.deviceClass,
      device.deviceSubclass,
      device.deviceProtocol,
      device.configurationValue,
      device.configurationCount,
      device.interfaceCount,
    ],
    at + 18,
  );
}
function writeText(bytes, offset, text, size) {
  const encoded = new TextEncoder().encode(text);
  bytes.fill(0, offset, offset + size);
  bytes.set(encoded.subarray(0, size - 1), offset);
}
function readBusId(bytes) {
  const text = readText(bytes, "bus id");
  if (!/^[\x21-\x7e]+$/.test(text)) throw protocolError("sent a bus id that is none");
  return text;
}
function readText(bytes, what) {
  const end = bytes.indexOf(0);
  if (end < 0) throw protocolError(`sent a ${what} without an end`);
  return new TextDecoder().decode(bytes.subarray(0, end));
}

// transports/usbip/protocol/messages.ts
var usbipStatus = {
  ok: 0,
  notAvailable: 1,
  busy: 2,
  deviceError: 3,
  noSuchDevice: 4,
  error: 5,
};
var urbFlags = {
  /** URB_ISO_ASAP. */
  isoAsap: 2,
  /** URB_DIR_IN. */
  directionIn: 512,
};

// transports/usbip/protocol/encode.ts
function encodeMessage(message) {
  switch (message.type) {
    case "device-list-request":
      return operationOf(operation.requestDeviceList, 0, 0);
    case "device-list-reply":
      return deviceList(message);
    case "import-request": {
      const bytes = operationOf(operation.requestImport, 0, busIdSize);
      writeText(bytes, operationHeaderSize, message.busId, busIdSize);
      return bytes;
    }
    case "import-reply":
      return importReply(message);
    case "submit":
      return submit(message);
    case "submit-reply":
      return submitReply(message);
    case "unlink": {
      const bytes = new Uint8Array(urbHeaderSize);
      writeUrbHeader(bytes, urbCommand.unlink, message.seqnum, message.deviceId);
      viewOf(bytes).setUint32(20, message.target);
      return bytes;
    }
    case "unlink-reply": {
      const bytes = new Uint8Array(urbHeaderSize);
      writeUrbHeader(bytes, urbCommand.unlinkReply, message.seqnum);
      viewOf(bytes).setInt32(20, message.status);
      return bytes;
    }
  }
}
function operationOf(code, status2, size) {
  const bytes = new Uint8Array(operationHeaderSize + size);
  const view = viewOf(bytes);
  view.setUint16(0, protocolVersion);
  view.setUint16(2, code);
  view.setUint32(4, status2);
  return bytes;
}
function deviceList({ status: status2, devices }) {
  if (status2 !== usbipStatus.ok) return operationOf(operation.replyDeviceList, status2, 0);
  const size = devices.reduce((sum2, { interfaces }) => sum2 + deviceSize + 4 * interfaces.length, 4);
  const bytes = operationOf(operation.replyDeviceList, status2, size);
  viewOf(bytes).setUint32(operationHeaderSize, devices.length);
  let offset = operationHeaderSize + 4;
  for (const device of devices) {
    writeDevice(bytes, offset, { ...device, interfaceCount: device.interfaces.length });
    offset += deviceSize;
    for (const { interfaceClass, interfaceSubclass, interfaceProtocol } of device.interfaces) {
      bytes.set([interfaceClass, interfaceSubclass, interfaceProtocol, 0], offset);
      offset += 4;
    }
  }
  return bytes;
}
function importReply({ status: status2, device }) {
  const bytes = operationOf(operation.replyImport, status2, device === void 0 ? 0 : deviceSize);
  if (device !== void 0) writeDevice(bytes, operationHeaderSize, device);
  return bytes;
}
function submit(message) {
  const { packets, data } = message;
  const bytes = new Uint8Array(urbHeaderSize + data.length + packetBytes(packets));
  writeUrbHeader(bytes, urbCommand.submit, message.seqnum, message.deviceId);
  const view = viewOf(bytes);
  view.setUint32(12, message.direction === "in" ? 1 : 0);
  view.setUint32(16, message.endpoint);
  view.setUint32(20, message.flags);
  view.setUint32(24, message.length);
  view.setUint32(28, message.startFrame);
  view.setUint32(32, packets?.lengths.length ?? message.packetCount);
  view.setUint32(36, message.interval);
  bytes.set(message.setup, 40);
  bytes.set(data, urbHeaderSize);
  writePackets(view, urbHeaderSize + data.length, packets);
  return bytes;
}
function submitReply(message) {
  const { packets, data } = message;
  const bytes = new Uint8Array(urbHeaderSize + data.length + packetBytes(packets));
  writeUrbHeader(bytes, urbCommand.submitReply, message.seqnum);
  const view = viewOf(bytes);
  view.setInt32(20, message.status);
  view.setUint32(24, message.actualLength);
  view.setUint32(28, message.startFrame);
  view.setUint32(32, packets?.lengths.length ?? message.packetCount);
  view.setUint32(36, message.errorCount);
  bytes.set(data, urbHeaderSize);
  writePackets(view, urbHeaderSize + data.length, packets);
  return bytes;
}
function writeUrbHeader(bytes, command, seqnum, deviceId2 = 0) {
  const view = viewOf(bytes);
  view.setUint32(0, command);
  view.setUint32(4, seqnum);
  view.setUint32(8, deviceId2);
}
function packetBytes(packets) {
  return packets === void 0 ? 0 : packets.lengths.length * packetDescriptorSize;
}
function writePackets(view, offset, packets) {
  if (packets === void 0) return;
  const { offsets, lengths, actual, statuses: statuses2 } = packets;
  let at = offset;
  for (let i = 0; i < lengths.length; i++) {
    view.setUint32(at, offsets[i] ?? 0);
    view.setUint32(at + 4, lengths[i] ?? 0);
    view.setUint32(at + 8, actual[i] ?? 0);
    view.setInt32(at + 12, statuses2[i] ?? 0);
    at += packetDescriptorSize;
  }
}

// transports/usbip/protocol/errno.ts
var errno = {
  ENOENT: -2,
  EIO: -5,
  ENOMEM: -12,
  EXDEV: -18,
  ENODEV: -19,
  EINVAL: -22,
  ENOSPC: -28,
  EPIPE: -32,
  ETIME: -62,
  ENOSR: -63,
  ECOMM: -70,
  EPROTO: -71,
  EOVERFLOW: -75,
  EILSEQ: -84,
  EMSGSIZE: -90,
  ECONNRESET: -104,
  ESHUTDOWN: -108,
  ETIMEDOUT: -110,
  EREMOTEIO: -121,
};
var errnos = {
  ok: 0,
  crc: errno.EILSEQ,
  "bit-stuffing": errno.EPROTO,
  "data-toggle-mismatch": errno.EPROTO,
  stall: errno.EPIPE,
  "device-not-responding": errno.ETIME,
  "pid-check-failure": errno.EPROTO,
  "unexpected-pid": errno.EPROTO,
  "data-overrun": errno.EOVERFLOW,
  "data-underrun": errno.EREMOTEIO,
  "buffer-overrun": errno.ECOMM,
  "buffer-underrun": errno.ENOSR,
  "not-accessed": errno.EXDEV,
  failed: errno.EIO,
  cancelled: errno.ECONNRESET,
  "not-complete": errno.EXDEV,
  lost: errno.EXDEV,
};
var statuses = /* @__PURE__ */ new Map([
  [0, "ok"],
  [errno.EILSEQ, "crc"],
  [errno.EPROTO, "bit-stuffing"],
  [errno.EPIPE, "stall"],
  [errno.ETIME, "device-not-responding"],
  [errno.ETIMEDOUT, "device-not-responding"],
  [errno.ENODEV, "device-not-responding"],
  [errno.ESHUTDOWN, "device-not-responding"],
  [errno.EOVERFLOW, "data-overrun"],
  [errno.EREMOTEIO, "data-underrun"],
  [errno.ECOMM, "buffer-overrun"],
  [errno.ENOSR, "buffer-underrun"],
  [errno.EXDEV, "not-accessed"],
  [errno.ENOENT, "cancelled"],
  [errno.ECONNRESET, "cancelled"],
]);
function errnoOfStatus(status2) {
  return errnos[status2];
}

// transports/usbip/protocol/operations.ts
function* operationRequest() {
  const { code } = yield* operationHeader();
  if (code === operation.requestDeviceList) return { type: "device-list-request" };
  if (code !== operation.requestImport) throw protocolError(`asked for the unknown operation 0x${code.toString(16)}`);
  return { type: "import-request", busId: readBusId(yield busIdSize) };
}
function* operationHeader() {
  const header = viewOf(yield operationHeaderSize);
  const version = header.getUint16(0);
  if (version !== protocolVersion) {
    throw protocolError(`speaks version 0x${version.toString(16)}, not 0x${protocolVersion.toString(16)}`);
  }
  return { code: header.getUint16(2), status: header.getUint32(4) };
}

// transports/usbip/protocol/urbs.ts
var empty = new Uint8Array(0);
function* urbCommandMessage(limits2 = {}) {
  const { packets: maxPackets = 1024, transferLength: maxLength = 1 << 24 } = limits2;
  const bytes = yield urbHeaderSize;
  const header = viewOf(bytes);
  const command = header.getUint32(0);
  const seqnum = header.getUint32(4);
  const deviceId2 = header.getUint32(8);
  if (command === urbCommand.unlink)
    return { type: "unlink", seqnum, deviceId: deviceId2, target: header.getUint32(20) };
  if (command !== urbCommand.submit) throw protocolError(`sent the unknown command ${command}`);
  const direction = directionOf(header.getUint32(12));
  const endpoint = header.getUint32(16);
  if (endpoint > 15) throw protocolError(`submitted to endpoint ${endpoint}, and 15 is the last`);
  const length = header.getUint32(24);
  if (length > maxLength) throw protocolError(`submitted ${length} bytes at once, and ${maxLength} are the most`);
  const packetCount = header.getUint32(32);
  const count = packetCount === noPackets ? 0 : packetCount;
  if (count > maxPackets) throw protocolError(`submitted ${count} packets at once, and ${maxPackets} are the most`);
  const data = direction === "out" && length > 0 ? yield length : empty;
  const packets = count === 0 ? void 0 : readPackets(yield count * packetDescriptorSize);
  if (packets !== void 0) checkCommandPackets(packets, length);
  return {
    type: "submit",
    seqnum,
    deviceId: deviceId2,
    direction,
    endpoint,
    flags: header.getUint32(20),
    length,
    startFrame: header.getUint32(28),
    interval: header.getUint32(36),
    setup: bytes.subarray(40, 48),
    packets,
    packetCount,
    data,
  };
}
function directionOf(value) {
  if (value > 1) throw protocolError(`submitted in the unknown direction ${value}`);
  return value === 1 ? "in" : "out";
}
function readPackets(bytes) {
  const count = bytes.length / packetDescriptorSize;
  const packets = {
    offsets: new Uint32Array(count),
    lengths: new Uint32Array(count),
    actual: new Uint32Array(count),
    statuses: new Int32Array(count),
  };
  const view = viewOf(bytes);
  for (let i = 0; i < count; i++) {
    const at = i * packetDescriptorSize;
    packets.offsets[i] = view.getUint32(at);
    packets.lengths[i] = view.getUint32(at + 4);
    packets.actual[i] = view.getUint32(at + 8);
    packets.statuses[i] = view.getInt32(at + 12);
  }
  return packets;
}
function checkCommandPackets({ offsets, lengths }, length) {
  let sum2 = 0;
  for (let i = 0; i < lengths.length; i++) {
    const packet = lengths[i] ?? 0;
    if ((offsets[i] ?? 0) + packet > length) throw protocolError(`put packet ${i} outside of its buffer`);
    sum2 += packet;
  }
  if (sum2 > length) throw protocolError(`put packets of ${sum2} bytes into a buffer of ${length}`);
}

// transports/usbip/urb.ts
var empty2 = new Uint8Array(0);
function failedOutcome({ packets }, status2) {
  if (packets === void 0) return { status: status2, actualLength: 0 };
  const { offsets, lengths } = packets;
  return {
    status: status2,
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
function replyTo(command, outcome) {
  return {
    type: "submit-reply",
    seqnum: command.seqnum,
    status: outcome.status,
    actualLength: outcome.actualLength,
    startFrame: outcome.startFrame ?? command.startFrame,
    errorCount: outcome.errorCount ?? 0,
    packets: outcome.packets,
    packetCount: command.packetCount,
    data: outcome.data ?? empty2,
  };
}

// transports/usbip/control-pipe.ts
var setConfiguration = 9;
var setInterface = 267;
var clearEndpointFeature = 513;
var endpointHalt2 = 0;
var types = ["standard", "class", "vendor"];
var recipients2 = ["device", "interface", "endpoint", "other"];
var nothing2 = new Uint8Array(0);
var ControlPipe = class {
  #device;
  #state;
  #queue = [];
  #running = new InFlight();
  #isPumping = false;
  constructor(device, state) {
    this.#device = device;
    this.#state = state;
  }
  submit(urb) {
    this.#queue.push(urb);
    this.#pump();
  }
  /** Takes a request back if the device has not got it yet; one that it has runs to its end. */
  cancel(urb) {
    const index = this.#queue.indexOf(urb);
    if (index < 0) return;
    this.#queue.splice(index, 1);
    urb.finish({ ...failedOutcome(urb.command, errno.ECONNRESET), isVoid: true });
  }
  /** Takes back what can be taken back. */
  cancelAll() {
    for (const urb of [...this.#queue]) this.cancel(urb);
  }
  /** Completes when the device works on nothing. */
  get drained() {
    return this.#running.drained;
  }
  #pump() {
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (this.#running.size === 0) {
      const urb = this.#queue.shift();
      if (urb === void 0) break;
      this.#run(urb);
    }
    this.#isPumping = false;
  }
  #run(urb) {
    this.#running.add(urb);
    const { command } = urb;
    let answer = nothing2;
    const end = (outcome) => {
      urb.finish(outcome);
      this.#running.delete(urb);
      this.#pump();
    };
    defer8(() => this.#perform(command)).subscribe({
      next: (bytes) => {
        answer = bytes;
      },
      error: (error) => {
        end(failedOutcome(command, errnoOfError(error)));
      },
      complete: () => {
        if (command.direction === "out") end({ status: 0, actualLength: command.length });
        else {
          const data = answer.subarray(0, command.length);
          end({ status: 0, actualLength: data.length, data });
        }
      },
    });
  }
  #perform({ setup, direction, length, data }) {
    const [requestType = 0, request = 0, valueLow = 0, valueHigh = 0, indexLow = 0, indexHigh = 0] = setup;
    const value = valueLow | (valueHigh << 8);
    const index = indexLow | (indexHigh << 8);
    const size = (setup[6] ?? 0) | ((setup[7] ?? 0) << 8);
    switch ((requestType << 8) | request) {
      case setConfiguration:
        if (value !== 0 && value !== this.#device.configuration.value) return stall();
        return this.#state.selectConfiguration();
      case setInterface:
        return this.#state.selectAlternate(index, value);
      case clearEndpointFeature:
        if (value === endpointHalt2) return this.#device.clearHalt(index & 143);
        break;
      default:
    }
    const type = types[(requestType >> 5) & 3];
    const recipient = recipients2[requestType & 31];
    if (type === void 0 || recipient === void 0) return stall();
    const isIn = (requestType & 128) !== 0;
    if (size > 0 && isIn !== (direction === "in")) return stall();
    if (direction === "out" && size !== length) return stall();
    const control = { direction: isIn ? "in" : "out", type, recipient, request, value, index };
    return this.#device.controlTransfer(control, isIn ? Math.min(size, length) : data);
  }
};
function stall() {
  return throwError4(() => new DeviceError("control-stalled", "the client's request contradicts itself: correct it"));
}
function errnoOfError(error) {
  if (BandwidthError.is(error)) return errno.ENOSPC;
  if (!IsochError.is(error)) return errno.EPROTO;
  if (error.code === "device-gone") return errno.ESHUTDOWN;
  if (error.code === "no-memory") return errno.ENOMEM;
  if (error.code === "transport-failed") return errno.EPROTO;
  return errno.EPIPE;
}

// transports/usbip/isochronous-pipe.ts
var farthestStart = 1 << 16;
var IsochronousPipe = class {
  #context;
  #maxFrameLength;
  /** Frames (full speed) or microframes, which the wire counts, in a service interval. */
  #unit;
  #submissions = /* @__PURE__ */ new Map();
  #inFlight = new InFlight();
  /** Counts service intervals where the bus clock is hidden. */
  #next = 0;
  constructor(context) {
    const { descriptor: descriptor2, speed } = context;
    this.#context = context;
    this.#maxFrameLength = maxBytesPerInterval(descriptor2, speed);
    this.#unit = serviceInterval(descriptor2, speed) / (speed === "full" ? 1e3 : 125);
  }
  /** Completes when nothing is in flight. */
  get drained() {
    return this.#inFlight.drained;
  }
  submit(urb) {
    const { command } = urb;
    const { packets } = command;
    if (packets === void 0) {
      urb.finish({ status: 0, actualLength: 0, startFrame: command.startFrame });
      return;
    }
    if (packets.lengths.some((length) => length > this.#maxFrameLength)) {
      urb.finish(failedOutcome(command, errno.EMSGSIZE));
      return;
    }
    const buffer = bufferFor(command, packets);
    const completed = (submission) => {
      this.#submissions.delete(urb);
      this.#complete(urb, packets, submission);
      this.#inFlight.delete(submission);
    };
    const attempt2 = (start) => {
      const submission = new PendingSubmission({ lengths: packets.lengths, buffer, start, completed });
      this.#context.port.submit(submission);
      this.#submissions.set(urb, submission);
      this.#inFlight.add(submission);
    };
    try {
      this.#place(this.#startOf(command), attempt2);
    } catch (error) {
      urb.finish(failedOutcome(command, errnoOfError(error)));
    }
  }
  cancel(urb) {
    const submission = this.#submissions.get(urb);
    if (submission !== void 0) this.#context.port.cancel(submission);
  }
  cancelAll() {
    for (const submission of [...this.#inFlight]) this.#context.port.cancel(submission);
  }
  #place(start, attempt2) {
    try {
      attempt2(start);
    } catch (error) {
      const isMisplaced = InvalidRequestError.is(error) && error.code.startsWith("start-");
      if (start === "asap" || !isMisplaced) throw error;
      attempt2("asap");
    }
  }
  #startOf({ flags, startFrame }) {
    const { capabilities, port: port2 } = this.#context;
    const now = port2.frameNumber?.();
    if ((flags & urbFlags.isoAsap) !== 0 || !capabilities.startFrame || now === void 0) return "asap";
    const onWire = now * this.#unit;
    const ahead = (startFrame - onWire) | 0;
    if (ahead <= 0 || ahead > farthestStart) return "asap";
    return Math.ceil((onWire + ahead) / this.#unit);
  }
  #complete({ command, finish }, packets, submission) {
    const { actual, statuses: statuses2, lengths, buffer, cancelled, error } = submission;
    const { length: count } = lengths;
    const codes2 = new Int32Array(count);
    let errorCount = 0;
    let served = 0;
    for (let i = 0; i < count; i++) {
      const status3 = statuses2[i] ?? 0;
      if (status3 !== statusCodes["not-complete"]) served++;
      if (status3 === 0) continue;
      codes2[i] = errnoOfStatus(statusOf(status3));
      errorCount++;
    }
    const firstFrame = submission.firstFrame ?? this.#next;
    this.#next = firstFrame + served;
    const data = command.direction === "in" ? compacted(buffer, lengths, actual) : void 0;
    const status2 = error === void 0 ? (cancelled ? errno.ECONNRESET : 0) : errnoOfError(error);
    finish({
      status: status2,
      actualLength: data?.length ?? sum(actual),
      data,
      startFrame: (firstFrame * this.#unit) % 2 ** 32,
      errorCount,
      packets: { offsets: packets.offsets, lengths, actual, statuses: codes2 },
      isVoid: cancelled && served === 0,
    });
  }
};
function bufferFor({ direction, data }, { offsets, lengths }) {
  const total = sum(lengths);
  if (direction === "in") return new Uint8Array(total);
  let end = 0;
  const isContiguous = lengths.every((length, i) => {
    const follows = length === 0 || offsets[i] === end;
    end += length;
    return follows;
  });
  if (isContiguous) return data.subarray(0, total);
  const buffer = new Uint8Array(total);
  let at = 0;
  for (let i = 0; i < lengths.length; i++) {
    const length = lengths[i] ?? 0;
    const offset = offsets[i] ?? 0;
    buffer.set(data.subarray(offset, offset + length), at);
    at += length;
  }
  return buffer;
}
function compacted(buffer, lengths, actual) {
  let from2 = 0;
  let to = 0;
  for (let i = 0; i < lengths.length; i++) {
    const moved = actual[i] ?? 0;
    if (from2 !== to && moved > 0) buffer.copyWithin(to, from2, from2 + moved);
    from2 += lengths[i] ?? 0;
    to += moved;
  }
  return buffer.subarray(0, to);
}
function sum(numbers) {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}

// transports/usbip/imported-device.ts
var noPipes = /* @__PURE__ */ new Map();
var ImportedDevice = class {
  #device;
  #capabilities;
  #control;
  #selected = /* @__PURE__ */ new Map();
  constructor(device, capabilities) {
    this.#device = device;
    this.#capabilities = capabilities;
    this.#control = new ControlPipe(device, this);
  }
  /** Claims every interface. What it could claim, {@link ImportedDevice.close} gives back. */
  claim() {
    return concat5(
      ...this.#device.configuration.interfaces.map(({ number }) =>
        this.#device.claimInterface(number).pipe(
          tap3({
            complete: () => {
              this.#selected.set(number, { alternateSetting: void 0, pipes: noPipes });
            },
          }),
        ),
      ),
    );
  }
  submit(urb) {
    const { command } = urb;
    if (command.endpoint === 0) {
      this.#control.submit(urb);
      return;
    }
    const pipe2 = this.#pipe(addressOf(urb));
    if (pipe2 === void 0) urb.finish(failedOutcome(command, errno.EPIPE));
    else pipe2.submit(urb);
  }
  cancel(urb) {
    if (urb.command.endpoint === 0) this.#control.cancel(urb);
    else this.#pipe(addressOf(urb))?.cancel(urb);
  }
  selectConfiguration() {
    const { interfaces } = this.#device.configuration;
    return concat5(
      ...interfaces.map(({ number, alternates }) => {
        const isNeeded = alternates.length > 1 || alternates.some(({ endpoints }) => endpoints.some(isIsochronous2));
        return isNeeded ? this.selectAlternate(number, 0) : EMPTY6;
      }),
    );
  }
  selectAlternate(interfaceNumber, alternateSetting) {
    return defer9(() => {
      const before = this.#selected.get(interfaceNumber);
      if (before === void 0) {
        throw new EndpointError("no-such-endpoint", `${this.#device.info.id} has no interface ${interfaceNumber}`);
      }
      return concat5(
        this.#drain(interfaceNumber, before),
        this.#device.selectAlternate(interfaceNumber, alternateSetting),
        defer9(() => {
          const pipes = this.#open(interfaceNumber, alternateSetting);
          this.#selected.set(interfaceNumber, { alternateSetting, pipes });
          return EMPTY6;
        }),
      ).pipe(
        tap3({
          // Refused, the device stays as it was.
          error: () => this.#selected.set(interfaceNumber, before),
        }),
      );
    });
  }
  /** Cancels everything, waits until it has drained, gives the interfaces back and closes the device. */
  close() {
    return defer9(() => {
      this.#control.cancelAll();
      for (const { pipes } of this.#selected.values()) for (const pipe2 of pipes.values()) pipe2.cancelAll();
      return runAll(
        // A request that runs may select an alternate setting, so it comes first.
        defer9(() => this.#control.drained),
        defer9(() => runAll(...[...this.#selected].map(([number, selected]) => this.#release(number, selected)))),
        this.#device.close(),
      );
    });
  }
  #release(interfaceNumber, selected) {
    const { alternateSetting = 0 } = selected;
    return runAll(
      this.#drain(interfaceNumber, selected),
      alternateSetting === 0 ? EMPTY6 : this.#device.selectAlternate(interfaceNumber, 0),
      this.#device.releaseInterface(interfaceNumber),
    );
  }
  /** Takes nothing there any more, cancels what is in flight, and completes when nothing is. */
  #drain(interfaceNumber, { alternateSetting, pipes }) {
    return defer9(() => {
      this.#selected.set(interfaceNumber, { alternateSetting, pipes: noPipes });
      for (const pipe2 of pipes.values()) pipe2.cancelAll();
      return concat5(...[...pipes.values()].map(({ drained }) => drained));
    });
  }
  #open(interfaceNumber, alternateSetting) {
    const { configuration, info } = this.#device;
    const pipes = /* @__PURE__ */ new Map();
    const alternate = configuration.interfaces
      .find(({ number }) => number === interfaceNumber)
      ?.alternates.find((each) => each.alternateSetting === alternateSetting);
    for (const descriptor2 of alternate?.endpoints.filter(isIsochronous2) ?? []) {
      const port2 = this.#device.openEndpoint(descriptor2.address);
      const context = { descriptor: descriptor2, speed: info.speed, port: port2, capabilities: this.#capabilities };
      pipes.set(descriptor2.address, new IsochronousPipe(context));
    }
    return pipes;
  }
  #pipe(address) {
    for (const { pipes } of this.#selected.values()) {
      const pipe2 = pipes.get(address);
      if (pipe2 !== void 0) return pipe2;
    }
    return void 0;
  }
};
function isIsochronous2({ transferType }) {
  return transferType === "isochronous";
}
function addressOf({ command }) {
  return command.endpoint | (command.direction === "in" ? 128 : 0);
}

// transports/usbip/pending-urbs.ts
var PendingUrbs = class {
  #device;
  #send;
  #pending = /* @__PURE__ */ new Map();
  /** @param send sends a reply; `cost` is what was counted for it already */
  constructor(device, send) {
    this.#device = device;
    this.#send = send;
  }
  /** @throws {@link TransportError} `protocol-error` for a number that is pending already */
  submit(command, cost) {
    const { seqnum } = command;
    if (this.#pending.has(seqnum)) throw protocolError(`submitted number ${seqnum} twice`);
    const finish = (outcome) => {
      this.#finish(seqnum, outcome);
    };
    const urb = { command, finish };
    this.#pending.set(seqnum, { urb, cost, unlink: void 0 });
    this.#device.submit(urb);
  }
  unlink({ seqnum, target }, cost) {
    const pending = this.#pending.get(target);
    if (pending === void 0 || pending.unlink !== void 0) {
      this.#send({ type: "unlink-reply", seqnum, status: 0 }, cost);
      return;
    }
    pending.unlink = seqnum;
    this.#device.cancel(pending.urb);
  }
  /**
   * A transfer that was taken back, but of which packets had moved, is answered as one that ended
   * before the unlink came: that is the only reply with room for what had moved, and the client has
   * to be ready for it at any time.
   */
  #finish(seqnum, outcome) {
    const pending = this.#pending.get(seqnum);
    if (pending === void 0) return;
    this.#pending.delete(seqnum);
    const { urb, cost, unlink } = pending;
    const isTakenBack = unlink !== void 0 && outcome.isVoid === true;
    if (isTakenBack) {
      this.#send({ type: "unlink-reply", seqnum: unlink, status: errno.ECONNRESET }, cost);
      return;
    }
    this.#send(replyTo(urb.command, outcome), cost);
    if (unlink !== void 0) this.#send({ type: "unlink-reply", seqnum: unlink, status: 0 }, 0);
  }
};

// transports/usbip/connection.ts
var messageCost = 512;
var packetCost = 64;
var Connection = class {
  #stream;
  #devices;
  #limits;
  #queue = new ByteQueue();
  #requests;
  #commands;
  #patience;
  #opening = new Subscription2();
  #claimed = new AsyncSubject8();
  #left = new AsyncSubject8();
  #closed = new AsyncSubject8();
  #state = "asking";
  #device;
  #imported;
  #urbs;
  #bytesInFlight = 0;
  #isReading = true;
  #isProcessing = false;
  #isStreamClosed = false;
  #hasLeft = false;
  #failure;
  constructor(stream, devices, limits2) {
    this.#stream = stream;
    this.#devices = devices;
    this.#limits = limits2;
    this.#requests = new MessageDecoder(this.#queue, operationRequest);
    this.#commands = new MessageDecoder(this.#queue, () => urbCommandMessage(limits2));
    const late = throwError5(() => protocolError("asked for nothing in time"));
    this.#patience = timer(limits2.patience)
      .pipe(mergeMap(() => late))
      .subscribe({
        error: (error) => {
          this.#fail(asIsochError(error));
        },
      });
    stream.open({
      received: (bytes) => {
        if (this.#state === "leaving") return;
        this.#queue.push(bytes);
        this.#process();
      },
      ended: () => {
        this.#peerEnded();
      },
      closed: (error) => {
        this.#isStreamClosed = true;
        this.#leave(error === void 0 ? void 0 : asIsochError(error));
        this.#settle();
      },
    });
  }
  /** Completes when the stream is closed and the device given back; errors with what ended it, if something did. */
  get closed() {
    return this.#closed;
  }
  get isLeaving() {
    return this.#state === "leaving";
  }
  get left() {
    return this.#left;
  }
  /** Sends what is left to be said, and closes. */
  close() {
    this.#leave(void 0);
  }
  unplugged() {
    this.#leave(void 0);
  }
  #process() {
    if (this.#isProcessing) return;
    this.#isProcessing = true;
    try {
      while (this.#isReading && this.#step());
    } catch (error) {
      this.#fail(asIsochError(error));
    } finally {
      this.#isProcessing = false;
    }
  }
  /** Takes a message; tells whether there was one. */
  #step() {
    if (this.#state === "asking") {
      const request = this.#requests.read();
      if (request === void 0) return false;
      this.#patience.unsubscribe();
      if (request.type === "import-request") this.#import(request.busId);
      else this.#list();
      return true;
    }
    if (this.#state !== "imported") return false;
    const command = this.#commands.read();
    if (command === void 0) return false;
    this.#take(command);
    if (this.#bytesInFlight > this.#limits.bytesInFlight) this.#setReading(false);
    return true;
  }
  #take(command) {
    const { deviceId: deviceId2, seqnum } = command;
    if (deviceId2 !== this.#device?.deviceId) throw protocolError(`addressed the device ${deviceId2}, not its own`);
    if (command.type === "unlink") {
      this.#bytesInFlight += messageCost;
      this.#urbs?.unlink({ type: "unlink", seqnum, deviceId: deviceId2, target: command.target }, messageCost);
      return;
    }
    const cost = messageCost + command.length + packetCost * (command.packets?.lengths.length ?? 0);
    this.#bytesInFlight += cost;
    this.#urbs?.submit(command, cost);
  }
  #list() {
    const devices = this.#devices.list().map(({ entry }) => entry);
    this.#send({ type: "device-list-reply", status: usbipStatus.ok, devices }, 0);
    this.#leave(void 0);
  }
  #import(busId) {
    const device = this.#devices.find(busId);
    if (device === void 0) {
      this.#refuse(new DeviceError("no-such-device", `no device ${busId} is exported: ask for the list`));
      return;
    }
    this.#state = "importing";
    this.#setReading(false);
    this.#await(device);
  }
  /** Whoever leaves the device is waited for: a client that lost its connection comes back at once. */
  #await(device) {
    if (this.#state !== "importing") return;
    if (this.#devices.find(device.busId) !== device) {
      this.#refuse(new DeviceError("no-such-device", `${device.busId} was unplugged: wait for it to attach again`));
    } else if (device.owner === void 0) this.#open(device);
    else if (device.owner.isLeaving) {
      device.owner.left.subscribe({
        error: (error) => {
          this.#refuse(asIsochError(error));
        },
        complete: () => {
          this.#await(device);
        },
      });
    } else {
      this.#refuse(new BusyError("interface-busy", `${device.busId} is imported by another client: detach it there`));
    }
  }
  #open(device) {
    const { transport, info } = device;
    device.owner = this;
    this.#device = device;
    const opened = transport.open({ id: info.id }).pipe(mergeMap((it) => this.#claim(it, transport.capabilities)));
    this.#opening.add(
      opened.subscribe({
        error: (error) => {
          this.#refuse(asIsochError(error));
        },
        complete: () => {
          this.#begin(device);
        },
      }),
    );
  }
  /** Not tied to the subscriber: what has begun on the device is finished, and then undone. */
  #claim(opened, capabilities) {
    const imported = new ImportedDevice(opened, capabilities);
    this.#imported = imported;
    this.#urbs = new PendingUrbs(imported, (message, cost) => {
      this.#send(message, cost);
    });
    imported.claim().subscribe(this.#claimed);
    return this.#claimed;
  }
  #begin({ entry }) {
    if (this.#state !== "importing") return;
    this.#send({ type: "import-reply", status: usbipStatus.ok, device: entry }, 0);
    this.#state = "imported";
    this.#setReading(true);
  }
  #refuse(error) {
    const status2 =
      error.code === "no-such-device" || error.code === "device-gone"
        ? usbipStatus.noSuchDevice
        : BusyError.is(error)
          ? usbipStatus.busy
          : usbipStatus.deviceError;
    if (this.#state !== "leaving") this.#send({ type: "import-reply", status: status2, device: void 0 }, 0);
    this.#leave(error);
  }
  /** @param cost what was counted for the message already */
  #send(message, cost) {
    const uncount = () => {
      this.#bytesInFlight -= cost;
      if (this.#isReading || this.#state !== "imported") return;
      if (2 * this.#bytesInFlight <= this.#limits.bytesInFlight) this.#setReading(true);
    };
    if (this.#isStreamClosed) uncount();
    else this.#stream.write(encodeMessage(message), uncount);
  }
  #setReading(isReading) {
    this.#isReading = isReading;
    if (isReading) {
      this.#stream.resume();
      this.#process();
    } else this.#stream.pause();
  }
  #peerEnded() {
    if (this.#state === "leaving") return;
    try {
      if (this.#isReading) (this.#state === "asking" ? this.#requests : this.#commands).finish();
      this.#leave(void 0);
    } catch (error) {
      this.#fail(asIsochError(error));
    }
  }
  /** The peer is not worth another word. */
  #fail(error) {
    this.#leave(error);
    if (!this.#isStreamClosed) this.#stream.destroy();
  }
  #leave(failure) {
    if (this.#state === "leaving") return;
    this.#state = "leaving";
    this.#failure = failure;
    this.#patience.unsubscribe();
    this.#opening.unsubscribe();
    const imported = this.#imported;
    if (imported === void 0) {
      this.#givenBack();
      return;
    }
    concat6(settled(this.#claimed), imported.close()).subscribe({
      error: (error) => {
        this.#failure ??= asIsochError(error);
        this.#givenBack();
      },
      complete: () => {
        this.#givenBack();
      },
    });
  }
  #givenBack() {
    if (this.#device?.owner === this) this.#device.owner = void 0;
    this.#hasLeft = true;
    if (!this.#isStreamClosed) this.#stream.end();
    this.#left.complete();
    this.#settle();
  }
  #settle() {
    if (!this.#hasLeft || !this.#isStreamClosed) return;
    if (this.#failure === void 0) this.#closed.complete();
    else this.#closed.error(this.#failure);
  }
};

// transports/usbip/exported-devices.ts
var ExportedDevice = class {
  transport;
  info;
  busId;
  entry;
  /** Set while a client has it, until the last of it is given back. */
  owner;
  constructor(transport, info, busNumber, port2, deviceNumber) {
    const { descriptor: descriptor2, configurations, speed } = info;
    const interfaces = (configurations[0]?.interfaces ?? []).map(({ alternates }) => ({
      interfaceClass: alternates[0]?.interfaceClass ?? 0,
      interfaceSubclass: alternates[0]?.interfaceSubclass ?? 0,
      interfaceProtocol: alternates[0]?.interfaceProtocol ?? 0,
    }));
    this.transport = transport;
    this.info = info;
    this.busId = `${busNumber}-${port2}`;
    this.entry = {
      path: `/sys/devices/rx-isoch/${transport.name}/usb${busNumber}/${this.busId}`,
      busId: this.busId,
      busNumber,
      deviceNumber,
      speed,
      vendorId: descriptor2.vendorId,
      productId: descriptor2.productId,
      deviceVersion: descriptor2.deviceVersion,
      deviceClass: descriptor2.deviceClass,
      deviceSubclass: descriptor2.deviceSubclass,
      deviceProtocol: descriptor2.deviceProtocol,
      configurationValue: configurations[0]?.value ?? 0,
      configurationCount: descriptor2.configurationCount,
      interfaceCount: interfaces.length,
      interfaces,
    };
  }
  /** What the wire knows it by: bus number × 65536 + device number. */
  get deviceId() {
    return this.entry.busNumber * 65536 + this.entry.deviceNumber;
  }
};
var ExportedDevices = class {
  #byBusId = /* @__PURE__ */ new Map();
  #subscriptions;
  #deviceNumber = 0;
  constructor(transports, isExported, failed) {
    this.#subscriptions = transports.map((transport, index) =>
      transport.devices().subscribe({
        next: ({ type, device }) => {
          if (type === "detach") this.#detach(transport, device.id);
          else if (isExported(device)) this.#attach(transport, device, index + 1);
        },
        error: (error) => {
          for (const { info } of this.#of(transport)) this.#detach(transport, info.id);
          failed(asIsochError(error));
        },
      }),
    );
  }
  list() {
    return [...this.#byBusId.values()];
  }
  find(busId) {
    return this.#byBusId.get(busId);
  }
  /** Follows the transports no longer. */
  close() {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    this.#byBusId.clear();
  }
  #of(transport) {
    return this.list().filter((device) => device.transport === transport);
  }
  #attach(transport, info, busNumber) {
    if (this.#of(transport).some((device2) => device2.info.id === info.id)) return;
    let port2 = 1;
    while (this.#byBusId.has(`${busNumber}-${port2}`)) port2++;
    this.#deviceNumber = (this.#deviceNumber % 65535) + 1;
    const device = new ExportedDevice(transport, info, busNumber, port2, this.#deviceNumber);
    this.#byBusId.set(device.busId, device);
  }
  #detach(transport, id) {
    const device = this.#of(transport).find(({ info }) => info.id === id);
    if (device === void 0) return;
    this.#byBusId.delete(device.busId);
    device.owner?.unplugged();
  }
};

// transports/usbip/server.ts
var UsbipServer = class {
  #limits;
  #devices;
  #connections = new InFlight();
  #failures = new Subject3();
  #closed = new AsyncSubject9();
  #isClosing = false;
  /** @throws `InvalidRequestError` with the code `invalid-number`, for a limit that is none */
  constructor(options) {
    const { transports, isExported = () => true, bytesInFlight = 1 << 26, patience = 1e4 } = options;
    this.#limits = {
      packets: wholeNumber("packets", options.packets ?? 1024, 1, 1 << 16),
      transferLength: wholeNumber("transferLength", options.transferLength ?? 1 << 24, 1, 2 ** 31 - 1),
      bytesInFlight: wholeNumber("bytesInFlight", bytesInFlight, 1),
      patience: wholeNumber("patience", patience, 1, 2 ** 31 - 1),
    };
    this.#devices = new ExportedDevices(transports, isExported, (error) => {
      this.#failures.next(error);
    });
  }
  /** What is exported now. */
  get exports() {
    return this.#devices
      .list()
      .map(({ busId, info, owner }) => ({ busId, device: info, isImported: owner !== void 0 }));
  }
  /** Clients that are served now. */
  get clients() {
    return this.#connections.size;
  }
  /**
   * Why clients were cut off or refused, and why a transport exports nothing any more, as it
   * happens. None of it disturbs the other clients.
   */
  get failures() {
    return this.#failures.asObservable();
  }
  /**
   * Serves a client.
   *
   * @returns hot: completes when the stream is closed and everything is given back, and errors then
   * with what ended it, if that was not the client's wish
   */
  accept(stream) {
    const connection = new Connection(stream, this.#devices, this.#limits);
    this.#connections.add(connection);
    connection.closed.subscribe({
      error: (error) => {
        this.#failures.next(asIsochError(error));
        this.#connections.delete(connection);
      },
      complete: () => {
        this.#connections.delete(connection);
      },
    });
    if (this.#isClosing) connection.close();
    return connection.closed;
  }
  /**
   * Closes every connection and follows the transports no longer. Starts at once, without a
   * subscription.
   *
   * @returns completes when every device is given back
   */
  close() {
    if (!this.#isClosing) {
      this.#isClosing = true;
      for (const connection of [...this.#connections]) connection.close();
      const end = defer10(() => {
        this.#devices.close();
        this.#failures.complete();
        return EMPTY7;
      });
      concat7(this.#connections.drained, end).subscribe(this.#closed);
    }
    return this.#closed.asObservable();
  }
};

// transports/usbip/tcp.ts
import { createServer, isIP } from "node:net";
import { Observable as Observable8 } from "rxjs";
var linger = 2e3;
function listenTcp(server2, options = {}) {
  return new Observable8((subscriber) => {
    const { host = "127.0.0.1", allowRemote = false } = options;
    const port2 = wholeNumber("port", options.port ?? 3240, 0, 65535);
    const connections = wholeNumber("connections", options.connections ?? 64, 1);
    if (!allowRemote && !isLoopback(host)) {
      throw new InvalidRequestError(
        "invalid-option",
        `${host} can be reached from other machines, and USB/IP protects nothing: listen on 127.0.0.1, or say allowRemote`,
      );
    }
    const listener = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true }, (socket) => {
      void server2.accept(tcpStream(socket));
    });
    listener.maxConnections = connections;
    listener.on("error", (error) => {
      subscriber.error(listenError(error, host, port2));
    });
    listener.listen(port2, host, () => {
      const address = listener.address();
      subscriber.next({ host: address.address, port: address.port });
    });
    return () => {
      listener.close();
    };
  });
}
function tcpStream(socket) {
  return {
    open: (handler) => {
      let broken;
      socket.on("data", (bytes) => {
        handler.received(bytes);
      });
      socket.on("end", () => {
        handler.ended();
      });
      socket.on("error", (error) => {
        broken = error;
      });
      socket.on("close", () => {
        handler.closed(broken);
      });
    },
    write: (bytes, sent) => {
      socket.write(bytes, () => {
        sent();
      });
    },
    pause: () => {
      socket.pause();
    },
    resume: () => {
      socket.resume();
    },
    end: () => {
      socket.resume();
      socket.end();
      const patience = setTimeout(() => {
        socket.destroy();
      }, linger);
      socket.once("finish", () => {
        socket.destroySoon();
      });
      socket.once("close", () => {
        clearTimeout(patience);
      });
    },
    destroy: () => {
      socket.destroy();
    },
  };
}
function isLoopback(host) {
  if (host === "localhost" || host === "::1") return true;
  return isIP(host) === 4 && host.startsWith("127.");
}
function listenError(error, host, port2) {
  const details = { native: error.code, cause: error };
  if (error.code === "EACCES") {
    return new AccessError("access-denied", `port ${port2} is not for everybody: choose one above 1023`, details);
  }
  const advice = error.code === "EADDRINUSE" ? "choose another port, or end what listens there" : "choose another host";
  return new TransportError(
    "transport-failed",
    `cannot listen on ${host}:${port2} (${error.message}): ${advice}`,
    details,
  );
}

// .cache/smoke.ts
import { setTimeout as sleep2 } from "node:timers/promises";
var t = libusb();
t.devices()
  .subscribe(({ type, device }) =>
    console.log(type, device.id, device.speed, device.product, device.serialNumber, device.configurations.length),
  )
  .unsubscribe();
console.log(libusbCounters());
execFileSync("modprobe", ["vhci-hcd"]);
var bus = new VirtualBus({ devices: [counterDevice({ speed: "full" })] });
var server = new UsbipServer({ transports: [bus] });
var port = await new Promise((r) => {
  listenTcp(server, { port: 0 }).subscribe({ next: ({ port: port2 }) => r(port2) });
});
var sub = t.devices().subscribe(({ type, device }) => console.log("hotplug", type, device.id, device.product));
var { execFile } = await import("node:child_process");
await new Promise((r) =>
  execFile("usbip", ["--tcp-port", String(port), "attach", "-r", "127.0.0.1", "-b", "1-1"], (e, o, s) => {
    console.log(String(e), o, s);
    r(0);
  }),
);
await firstValueFrom(t.devices().pipe(filter(({ device }) => device.descriptor.vendorId === 4617)));
await sleep2(1e3);
var pipe = isochPipe(t, { vendorId: 4617, endpoint: 129 });
var t0 = performance.now();
var results = await lastValueFrom(pipe.results({ frames: 32 }).pipe(take(40), toArray()));
console.log("ms", performance.now() - t0);
var last;
var bad = 0;
var lost = 0;
for (const r of results) {
  lost += r.lost;
  for (const f of r) {
    const c = readCounter(f.data);
    if (last !== void 0 && c !== last + 1) bad++;
    last = c;
  }
}
console.log({
  bad,
  lost,
  n: results.length,
  bytes: results.reduce((s, r) => s + r.bytesTransferred, 0),
  err: results.map((r) => r.error).filter((e) => e !== "ok"),
});
await new Promise((r) =>
  pipe.closing.subscribe({
    complete: () => r(0),
    error: (e) => {
      console.log("closing", e);
      r(0);
    },
  }),
);
console.log(libusbCounters());
sub.unsubscribe();
console.log(libusbCounters());
process.exit(0);
