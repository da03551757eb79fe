import { catchError, EMPTY, ignoreElements, tap, throwError, type Observable } from "rxjs";
import {
  FeedbackDecoder,
  hasSampleRate,
  MirrorSizer,
  PacketSizer,
  type AudioAlternate,
  type AudioFeedback,
} from "../../src/class/uac/index.js";
import {
  DeviceError,
  isochPipe,
  serviceInterval,
  statusCodes,
  type EndpointDescriptor,
  type IsochPipe,
  type IsochResults,
  type UsbDevice,
} from "../../src/index.js";
import { measure, type ChosenAudio } from "./audio-choice.js";
import { AudioPipe } from "./audio-pipe.js";

/** What says how many samples go in each packet, and what it goes by. */
export interface Pace {
  readonly type: AudioFeedback["type"];
  /** The samples of the next packet. */
  next(): number;
  /** Samples a second, now. */
  sampleRate(): number;
  /** So many packets were not sent in their time. */
  skipped(packets: number): void;
  /** Listens to the device for as long as it is subscribed to. */
  readonly listen: Observable<never>;
}

/** The pace of an OUT endpoint: that of its feedback where it has any, else the nominal one. */
export function paceOf(device: UsbDevice, chosen: ChosenAudio): Pace {
  const { feedback } = chosen.alternate;
  const sizes = { ...chosen.format, maxSamples: chosen.maxSamples };
  if (feedback.type === "implicit") {
    const captured = captureOf(device, chosen, feedback);
    if (captured !== undefined) return implicitPace(device, captured, sizes);
  }
  const sizer = new PacketSizer(sizes);
  const isExplicit = feedback.type === "explicit";
  return {
    type: isExplicit ? "explicit" : "none",
    next: () => sizer.next(),
    sampleRate: () => sizer.sampleRate,
    skipped: () => undefined,
    listen: isExplicit ? listenExplicit(device, chosen, feedback.endpoint, sizer) : EMPTY,
  };
}

/** Milliseconds of a transfer that listens: the device is heard that often. */
const listeningTime = 8;

function listenExplicit(
  device: UsbDevice,
  { alternate, format }: ChosenAudio,
  endpoint: EndpointDescriptor,
  sizer: PacketSizer,
): Observable<never> {
  const { speed } = device.info;
  if (speed === "low") return EMPTY;
  const decoder = new FeedbackDecoder({ sampleRate: format.sampleRate, speed });
  // Feedback is per frame or microframe, whatever the interval of the packets is.
  const perPacket = format.frameDuration / (speed === "full" ? 1000 : 125);
  const pipe = isochPipe(device, {
    endpoint: endpoint.address,
    interfaceNumber: alternate.interfaceNumber,
    alternate: alternate.alternate,
  });
  return listenTo(device, pipe, endpoint, (results) => {
    const { data, actual, statuses, served } = results.compact();
    for (let i = 0, at = 0; i < served; i++) {
      const length = actual[i] ?? 0;
      at += length;
      // Most are empty: a device tells something now and then.
      if (length === 0 || statuses[i] !== statusCodes.ok) continue;
      const samples = decoder.decode(data.subarray(at - length, at));
      if (samples !== undefined) sizer.setRate(samples * perPacket);
    }
  });
}

/** The capture alternate setting whose samples are feedback: one with the same samples, else any that holds the rate. */
function captureOf(
  { info }: UsbDevice,
  { audio, alternate, format }: ChosenAudio,
  { interfaceNumber, endpoint }: Extract<AudioFeedback, { type: "implicit" }>,
): ChosenAudio | undefined {
  const likeness = (each: AudioAlternate) =>
    Number(each.format.channels === format.channels) + Number(each.format.subslotSize === format.subslotSize);
  return audio.alternates
    .filter((each) => each.interfaceNumber === interfaceNumber && each.endpoint.address === endpoint)
    .filter(({ sampleRates }) => sampleRates === undefined || hasSampleRate(sampleRates, format.sampleRate))
    .filter((each) => interfaceNumber !== alternate.interfaceNumber || each.alternate === alternate.alternate)
    .sort((one, other) => likeness(other) - likeness(one))
    .flatMap((each) => measure(audio, each, format.sampleRate, info.speed) ?? [])[0];
}

function implicitPace(
  device: UsbDevice,
  captured: ChosenAudio,
  sizes: ConstructorParameters<typeof MirrorSizer>[0],
): Pace {
  const sizer = new MirrorSizer({ ...sizes, capturedFrameDuration: captured.format.frameDuration });
  const { frameSize, alternate } = captured;
  return {
    type: "implicit",
    next: () => sizer.next(),
    sampleRate: () => sizer.sampleRate,
    skipped: (packets) => {
      sizer.skipped(packets);
    },
    listen: listenTo(device, new AudioPipe(device, captured), alternate.endpoint, (results) => {
      if (results.lost > 0) sizer.captured(results.lost, undefined);
      for (let i = 0; i < results.served; i++) {
        const isOk = results.statuses[i] === statusCodes.ok;
        sizer.captured(1, isOk ? Math.floor((results.actual[i] ?? 0) / frameSize) : undefined);
      }
    }),
  };
}

function listenTo(
  { info }: UsbDevice,
  pipe: IsochPipe,
  endpoint: EndpointDescriptor,
  heard: (results: IsochResults) => void,
): Observable<never> {
  const frames = Math.max(1, Math.floor((listeningTime * 1000) / serviceInterval(endpoint, info.speed)));
  return pipe.results({ frames, queue: 4 }).pipe(
    tap(heard),
    ignoreElements(),
    // Of a device that is gone, the playback tells, after what it has sent.
    catchError((error: unknown) =>
      DeviceError.is(error) && error.code === "device-gone" ? EMPTY : throwError(() => error),
    ),
  );
}
