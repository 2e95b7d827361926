/**
 * The writing side of a byte ring.
 *
 *            HEAD ──────────────▶ TAIL ────────▶ position ──────▶ HEAD + capacity
 *             │  for the reader    │  put, not     │    room         │
 *             │                    │  published    │                 │
 *
 * Exchanging TAIL publishes the bytes before it to the reader. Loading HEAD tells which bytes the reader
 * is done with, and only that makes it safe to write over them. HEAD is read anew only when what is
 * remembered of it leaves too little room, so that the two threads seldom touch each other's line.
 *
 * Small writes fetch the room ahead, several lines at a time: a byte is stored in each of them, so that they come from the
 * reader's processor all at once. The exchange that publishes waits for all stores before it, and else would wait for one
 * such line each time.
 *
 * No call waits, loops or fails because of what the reader does: the writer is wait-free. A writer
 * that dies leaves what it has published; bytes that were put and not published are lost. The next
 * writer goes on from TAIL.
 *
 * Source: L. Lamport, "Specifying concurrent program modules", TOPLAS 1983; the remembered index from
 * P. Lee, T. Bu, G. Chandranmenon, "A lock-free, cache-efficient multi-core synchronization mechanism
 * for line-rate network traffic monitoring", IPDPS 2010 (MCRingBuffer).
 */
import { MillraceError } from '../errors.js';
import {
  ABORTED,
  CANCELLED,
  ENDED,
  HEAD,
  MOST_POSITION,
  OPEN,
  READER_BELL,
  READER_STATE,
  TAIL,
  WRITER_BELL,
  WRITER_STATE,
} from './byte-ring-layout.js';
import { ByteCopier, notWithin } from './byte-copier.js';
import { EventCount } from '../sync/event-count.js';
import type { WaitOptions, WaitSyncOptions } from '../sync/patience.js';
import type { SyncOptions } from '../sync/waiter.js';

/** For the hot path: a constant of this module is compiled in, one of another is loaded each time. */
const POSITIONS = MOST_POSITION;
const MARK = 1;
/** So much room is fetched at a time, a power of two: eight lines. */
const AHEAD_BYTES = 512;

/** The side of a {@link ByteRing} that puts bytes in: one thread at a time. */
export class ByteRingWriter {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #bytes: Uint8Array;
  readonly #mask: number;
  readonly #copier: ByteCopier;
  readonly #readerBell: EventCount;
  readonly #writerBell: EventCount;
  #position: number;
  #published: number;
  /** HEAD as it was last seen; the reader may have gone on since. */
  #head: number;

  /** For {@link ByteRing.writer}. */
  constructor(words: Int32Array, at: number, bytes: Uint8Array, options: SyncOptions = {}) {
    this.#words = words;
    this.#at = at;
    this.#bytes = bytes;
    this.#mask = bytes.length - 1;
    this.#copier = new ByteCopier(bytes);
    this.#readerBell = new EventCount(words, at + READER_BELL, options, at + TAIL);
    this.#writerBell = new EventCount(words, at + WRITER_BELL, options, at + HEAD);
    this.#position = this.#published = Atomics.load(words, at + TAIL) >>> 1;
    this.#head = Atomics.load(words, at + HEAD) >>> 1;
    // The last writer may have published, and died before it woke the reader.
    this.#readerBell.ringAnyway();
  }

  /** Bytes ever put, modulo 2^31; the byte put next gets this position. */
  get position(): number {
    return this.#position;
  }

  /** Whether the reader wants no more. */
  get cancelled(): boolean {
    return Atomics.load(this.#words, this.#at + READER_STATE) === CANCELLED;
  }

  /** How many bytes can be put now, as the reader's latest word has it. */
  get room(): number {
    return this.#roomFor(this.#bytes.length);
  }

  /** Bytes that the ring can hold. */
  get capacity(): number {
    return this.#bytes.length;
  }

  /** Whether `bytes` bytes can be put now. */
  hasRoom(bytes: number): boolean {
    return this.#roomFor(bytes) >= bytes;
  }

  /**
   * Copies as many bytes of `source` as there is room for, and publishes them.
   *
   * @param from where to begin in `source`. @defaultValue 0
   * @param to where to end. @defaultValue `source.length`
   * @returns how many bytes that were
   * @throws MillraceError `ERR_INVALID_ARG` when these are not within `source`
   */
  write(source: Uint8Array, from = 0, to = source.length): number {
    const count = this.put(source, from, to);
    this.publish();
    return count;
  }

  /** Like {@link write}, but the reader sees nothing of it before {@link publish}: for batches. */
  put(source: Uint8Array, from = 0, to = source.length): number {
    if (!(from >= 0 && from <= to && to <= source.length)) throw notWithin(from, to, source.length);
    const wanted = to - from;
    const count = Math.min(wanted, this.#roomFor(wanted));
    if (count <= 0) return 0;
    this.#copier.into(this.#position & this.#mask, source, from, count);
    const position = (this.#position + count) & POSITIONS;
    // What is larger has most of its own lines fetched at once.
    if (count < AHEAD_BYTES && ((position ^ this.#position) & -AHEAD_BYTES) !== 0) {
      this.#fetchAhead(position);
    }
    this.#position = position;
    return count;
  }

  /** Puts four bytes, little-endian, for which the caller has seen that there is room. */
  putUint32(value: number): void {
    const bytes = this.#bytes;
    const mask = this.#mask;
    const position = this.#position;
    bytes[position & mask] = value;
    bytes[(position + 1) & mask] = value >>> 8;
    bytes[(position + 2) & mask] = value >>> 16;
    bytes[(position + 3) & mask] = value >>> 24;
    this.#position = (position + 4) & POSITIONS;
  }

  /** Shows the reader all that was put, and wakes it if it sleeps. */
  publish(): void {
    if (this.#position === this.#published) return;
    this.#published = this.#position;
    // Publishes the bytes before this position to the reader, which has left its mark if it sleeps.
    const last = Atomics.exchange(this.#words, this.#at + TAIL, this.#position << 1);
    if ((last & MARK) !== 0) this.#readerBell.ring();
  }

  /**
   * The room that lies in one piece from here on, to be filled in place and then told to
   * {@link commit}: a file or a socket can read straight into the ring. Empty when the ring is full.
   */
  space(): Uint8Array {
    const index = this.#position & this.#mask;
    return this.#bytes.subarray(index, index + Math.min(this.room, this.#bytes.length - index));
  }

  /**
   * Publishes the first `count` bytes of {@link space}.
   *
   * @throws MillraceError `ERR_SIZE` when there is not so much room
   */
  commit(count: number): void {
    if (!Number.isInteger(count) || count < 0 || !this.hasRoom(count)) {
      throw new MillraceError(
        'ERR_SIZE',
        `Cannot commit ${String(count)} bytes as the ring has room for ${this.room}`,
      );
    }
    this.#position = (this.#position + count) & POSITIONS;
    this.publish();
  }

  /** Publishes what was put, and tells the reader that nothing follows. */
  end(): void {
    this.publish();
    // Publishes that TAIL is final: the reader that sees this loads TAIL once more.
    this.#leave(ENDED);
  }

  /** Tells the reader that what follows will never come. */
  abort(): void {
    this.#leave(ABORTED);
  }

  /**
   * Waits until `bytes` bytes can be put or the reader has cancelled.
   *
   * @param bytes at most the capacity. @defaultValue 1
   * @returns false when the time was up first
   */
  wait(bytes = 1, options?: WaitOptions): Promise<boolean> {
    return this.#writerBell.wait(() => this.#ready(bytes), options);
  }

  /** Like {@link wait}, for threads that may block. */
  waitSync(bytes = 1, options?: WaitSyncOptions): boolean {
    return this.#writerBell.waitSync(() => this.#ready(bytes), options);
  }

  #ready(bytes: number): boolean {
    return this.hasRoom(bytes) || this.cancelled;
  }

  #roomFor(wanted: number): number {
    const capacity = this.#bytes.length;
    const room = capacity - ((this.#position - this.#head) & POSITIONS);
    if (room >= wanted) return room;
    // The reader has published HEAD when it was done with the bytes before it.
    this.#head = Atomics.load(this.#words, this.#at + HEAD) >>> 1;
    return capacity - ((this.#position - this.#head) & POSITIONS);
  }

  /** Fetches the block behind the one in which `position` lies, if all of it is room. */
  #fetchAhead(position: number): void {
    const from = (position + AHEAD_BYTES - 1) & -AHEAD_BYTES;
    const used = (from - this.#head) & POSITIONS;
    if (used + AHEAD_BYTES <= this.#bytes.length) {
      this.#copier.touch(from & this.#mask, AHEAD_BYTES);
    }
  }

  #leave(state: typeof ENDED | typeof ABORTED): void {
    const words = this.#words;
    if (Atomics.compareExchange(words, this.#at + WRITER_STATE, OPEN, state) === OPEN) {
      this.#readerBell.ring();
    }
  }
}
