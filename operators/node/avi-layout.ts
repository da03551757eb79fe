import { FileError, InvalidRequestError } from "../../src/index.js";
import { wholeNumber } from "../../src/numbers.js";
import type { PictureFormat, TimedPicture } from "../../src/picture.js";
import type { FileLayout, FinishedFile } from "./file-layout.js";
import { fields, padding, riffLimit } from "./riff.js";

/** What was written into an AVI file. */
export interface AviSummary {
  readonly frames: number;
  /** As it was named, else as it was measured. */
  readonly framesPerSecond: number;
}

/** The name of each format in these files, and its bits per pixel. */
const codecs: Readonly<Record<string, readonly [fourCc: string, bits: number]>> = {
  mjpeg: ["MJPG", 24],
  yuy2: ["YUY2", 16],
  nv12: ["NV12", 12],
};

/** Up to and with the `movi` of the list of pictures. */
export const aviHeaderLength = 224;
const hasIndex = 0x10;
const isKeyFrame = 0x10;
const chunkHeader = 8;
const indexEntry = 16;
const chunkName = fields("00dc");

/**
 * The layout of an AVI file with one stream of pictures, each complete in itself, and an index.
 * @internal
 */
export class AviLayout implements FileLayout<TimedPicture, AviSummary> {
  #rate: number | undefined;
  readonly #limit: number;
  /** The length of each picture. */
  readonly #lengths: number[] = [];
  #format: PictureFormat | undefined;
  #first = 0;
  #last = 0;
  #largest = 0;
  /** Bytes of the chunks so far. */
  #length = 0;

  /**
   * @param rate frames per second; measured if undefined
   * @param limit bytes of a file, at most
   */
  constructor(rate: number | undefined, limit = riffLimit) {
    if (rate !== undefined && !(rate >= 0.001 && rate <= 1_000_000)) {
      throw new InvalidRequestError("invalid-number", `framesPerSecond must be from 0.001 to 1000000, not ${rate}`);
    }
    this.#rate = rate;
    this.#limit = limit;
  }

  /** @throws {@link InvalidRequestError}, {@link FileError} `file-full` */
  add(picture: TimedPicture): Uint8Array[] {
    const { data, timestamp } = picture;
    const isFirst = this.#format === undefined;
    const format = this.#format ?? checked(picture);
    checkFits(picture, format);
    const frames = this.#lengths.length + 1;
    const chunks = this.#length + chunkLength(data.length);
    if (aviHeaderLength + chunks + chunkHeader + frames * indexEntry > this.#limit) {
      throw new FileError(
        "file-full",
        `an AVI file ends at 4 GiB, and this one is finished with ${frames - 1} pictures: go on with another`,
      );
    }
    this.#format = format;
    if (isFirst) this.#first = timestamp;
    this.#last = timestamp;
    this.#largest = Math.max(this.#largest, data.length);
    this.#lengths.push(data.length);
    this.#length = chunks;
    const chunk = [fields("00dc", [32, data.length]), data, padding(data.length)];
    return isFirst ? [this.#header(format, false), ...chunk] : chunk;
  }

  /** Pictures that were added and not forgotten. */
  get pictures(): number {
    return this.#lengths.length;
  }

  cut(length: number): number {
    // That of all that came: of when the last one that remains came, nothing is known any more.
    this.#rate = this.#framesPerSecond();
    if (length < aviHeaderLength) this.#format = undefined;
    const room = length - aviHeaderLength;
    let whole = 0;
    this.#length = 0;
    for (const each of this.#lengths) {
      if (this.#length + chunkLength(each) > room) break;
      this.#length += chunkLength(each);
      whole++;
    }
    this.#lengths.length = whole;
    return this.#format === undefined ? 0 : aviHeaderLength + this.#length;
  }

  finish(): FinishedFile<AviSummary> {
    const summary = { frames: this.#lengths.length, framesPerSecond: this.#framesPerSecond() };
    // Without pictures nobody knows of what size.
    if (this.#format === undefined) {
      const nothing = new Uint8Array(0);
      return { tail: [], head: nothing, headWithoutTail: nothing, summary };
    }
    return {
      tail: this.#index(),
      head: this.#header(this.#format, true),
      headWithoutTail: this.#header(this.#format, false),
      summary,
    };
  }

  #framesPerSecond(): number {
    if (this.#rate !== undefined) return this.#rate;
    const duration = this.#last - this.#first;
    const measured = duration > 0 ? (1_000_000 * (this.#lengths.length - 1)) / duration : 30;
    return Math.min(Math.max(measured, 0.001), 1_000_000);
  }

  #index(): Uint8Array[] {
    const bytes = new Uint8Array(this.#lengths.length * indexEntry);
    const entries = new DataView(bytes.buffer);
    // From the `movi` on.
    let offset = 4;
    for (const [i, length] of this.#lengths.entries()) {
      bytes.set(chunkName, i * indexEntry);
      entries.setUint32(i * indexEntry + 4, isKeyFrame, true);
      entries.setUint32(i * indexEntry + 8, offset, true);
      entries.setUint32(i * indexEntry + 12, length, true);
      offset += chunkLength(length);
    }
    return [fields("idx1", [32, bytes.length]), bytes];
  }

  #header({ format, width, height }: PictureFormat, isIndexed: boolean): Uint8Array {
    const rate = this.#framesPerSecond();
    const scale = Number.isInteger(rate) ? 1 : 1000;
    const frames = this.#lengths.length;
    const [fourCc, bits] = codecs[format] ?? ["", 0];
    const size = format === "mjpeg" ? this.#largest : (width * height * bits) / 8;
    const index = isIndexed ? chunkHeader + frames * indexEntry : 0;
    const riff = aviHeaderLength - 8 + this.#length + index;
    const bytesPerSecond = Math.min(Math.round(this.#largest * rate), riffLimit);
    const words = (...numbers: number[]) => numbers.map((number) => [32, number] as const);
    return fields(
      ...(["RIFF", [32, riff], "AVI ", "LIST", [32, 192], "hdrl"] as const),
      // The main header: its reserved words at the end.
      ...(["avih", [32, 56]] as const),
      ...words(
        Math.min(Math.round(1_000_000 / rate), riffLimit),
        bytesPerSecond,
        0,
        isIndexed ? hasIndex : 0,
        frames,
        0,
        1,
      ),
      ...words(this.#largest, width, height, 0, 0, 0, 0),
      // The stream: its rate is a fraction; a sample size of 0 says that each picture has its own.
      ...(["LIST", [32, 116], "strl", "strh", [32, 56], "vids", fourCc] as const),
      ...words(0, 0, 0, scale, Math.round(rate * scale), 0, frames, this.#largest, 0xffff_ffff, 0),
      ...([
        [16, 0],
        [16, 0],
        [16, width],
        [16, height],
      ] as const),
      // Its pictures: a BITMAPINFOHEADER.
      ...(["strf", [32, 40], [32, 40], [32, width], [32, height], [16, 1], [16, bits], fourCc] as const),
      ...words(size, 0, 0, 0, 0),
      ...(["LIST", [32, 4 + this.#length], "movi"] as const),
    );
  }
}

/** Bytes of the chunk of a picture that has so many. */
function chunkLength(length: number): number {
  return chunkHeader + length + (length % 2);
}

function checked({ format, width, height }: PictureFormat): PictureFormat {
  if (!(format in codecs)) {
    throw new InvalidRequestError("invalid-option", `pictures are mjpeg, yuy2 or nv12, not ${format}`);
  }
  return { format, width: wholeNumber("width", width, 1, 32767), height: wholeNumber("height", height, 1, 32767) };
}

function checkFits(picture: PictureFormat, { format, width, height }: PictureFormat): void {
  if (picture.format === format && picture.width === width && picture.height === height) return;
  throw new InvalidRequestError(
    "invalid-option",
    `the file has pictures of ${format}, ${width} × ${height}, and what came is ${picture.format}, ${picture.width} × ${picture.height}: begin another`,
  );
}
