/**
 * Frames: whole messages of bytes over a byte ring.
 *
 *   | length (4 bytes, little-endian) | payload | padding to a multiple of 4 |
 *
 * A frame is published whole, so that the reader gets it whole or not at all, whenever the writer dies.
 * Both sides use frames and nothing else on that ring.
 */
import { MillraceError } from '../errors.js';
import type { ByteRingReader } from './byte-ring-reader.js';
import type { ByteRingWriter } from './byte-ring-writer.js';

const HEADER_BYTES = 4;
const PADDING = new Uint8Array(HEADER_BYTES);

/** Puts whole messages of bytes into a byte ring, four bytes longer each; see {@link FrameReader}. */
export class FrameWriter {
  readonly #writer: ByteRingWriter;

  constructor(writer: ByteRingWriter) {
    this.#writer = writer;
  }

  /**
   * Writes `message` and publishes it.
   *
   * @returns false when there is no room for it now
   * @throws MillraceError `ERR_SIZE` when there can never be
   */
  push(message: Uint8Array): boolean {
    if (!this.put(message)) return false;
    this.#writer.publish();
    return true;
  }

  /** Like {@link push}, but the reader sees it at the writer's next `publish`: for batches. */
  put(message: Uint8Array): boolean {
    const writer = this.#writer;
    const { length } = message;
    const bytes = frameBytes(length);
    if (!writer.hasRoom(bytes)) {
      if (bytes <= writer.capacity) return false;
      throw new MillraceError(
        'ERR_SIZE',
        `Cannot push a message of ${length} bytes as the ring's longest is ${writer.capacity - HEADER_BYTES}`,
      );
    }
    writer.putUint32(length);
    writer.put(message);
    if ((length & 3) !== 0) writer.put(PADDING, 0, -length & 3);
    return true;
  }
}

/** Takes whole messages out of a byte ring that a {@link FrameWriter} alone writes to. */
export class FrameReader {
  readonly #reader: ByteRingReader;

  constructor(reader: ByteRingReader) {
    this.#reader = reader;
  }

  /** How many bytes the next message has, or −1 when there is none. */
  get nextLength(): number {
    return this.#reader.has(HEADER_BYTES) ? this.#reader.peekUint32() : -1;
  }

  /**
   * Takes the next message into the beginning of `target` and frees its room.
   *
   * @returns how many bytes it has, or −1 when there is none
   * @throws MillraceError `ERR_SIZE` when `target` is too small; the message stays
   */
  pop(target: Uint8Array): number {
    const length = this.take(target);
    if (length >= 0) this.#reader.free();
    return length;
  }

  /** Like {@link pop}, but the writer gets the room at the reader's next `free`: for batches. */
  take(target: Uint8Array): number {
    const length = this.nextLength;
    if (length < 0) return -1;
    if (length > target.length) {
      throw new MillraceError(
        'ERR_SIZE',
        `Cannot pop a message of ${length} bytes into ${target.length} bytes`,
      );
    }
    this.#reader.skip(HEADER_BYTES);
    this.#reader.take(target, 0, length);
    this.#reader.skip(-length & 3);
    return length;
  }
}

function frameBytes(length: number): number {
  return HEADER_BYTES + length + (-length & 3);
}
