/**
 * The reading side of a byte ring.
 *
 *            HEAD ─────────────▶ position ────────────▶ TAIL
 *             │  taken, the       │    for the reader    │
 *             │  room not freed   │                      │
 *
 * Loading TAIL makes the bytes before it safe to read. Exchanging HEAD tells the writer that it may
 * write over the bytes before it, and must follow the last read of them. TAIL is read anew only when
 * what is remembered of it leaves too little to read.
 *
 * No call waits, loops or fails because of what the writer does: the reader is wait-free. A reader
 * that dies has lost what it took; the next reader goes on from HEAD, and gets again what was taken
 * without being freed.
 */
import { MillraceError } from '../errors.js';
import {
  ABORTED,
  CANCELLED,
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

/** The side of a {@link ByteRing} that takes bytes out: one thread at a time. */
export class ByteRingReader {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #bytes: Uint8Array;
  readonly #mask: number;
  readonly #copier: ByteCopier;
  readonly #readerBell: EventCount;
  readonly #writerBell: EventCount;
  #position: number;
  #freed: number;
  /** TAIL as it was last seen; the writer may have gone on since. */
  #tail: number;

  /** For {@link ByteRing.reader}. */
  constructor(words: Int32Array, at: number, bytes: Uint8Array, options: SyncOptions = {}) {
    this.#words = words;
    this.#at = at;
    this.#bytes = bytes;
    this.#mask = bytes.length - 1;
    this.#copier = new ByteCopier(bytes);
    this.#readerBell = new EventCount(words, at + READER_BELL, options, at + TAIL);
    this.#writerBell = new EventCount(words, at + WRITER_BELL, options, at + HEAD);
    this.#position = this.#freed = Atomics.load(words, at + HEAD) >>> 1;
    this.#tail = Atomics.load(words, at + TAIL) >>> 1;
    // The last reader may have freed room, and died before it woke the writer.
    this.#writerBell.ringAnyway();
  }

  /** Bytes ever taken, modulo 2^31; the byte taken next has this position. */
  get position(): number {
    return this.#position;
  }

  /** Bytes that the ring can hold. */
  get capacity(): number {
    return this.#bytes.length;
  }

  /** How many bytes can be taken now, as the writer's latest word has it. */
  get available(): number {
    return this.#availableFor(this.#bytes.length);
  }

  /** Whether `bytes` bytes can be taken now. */
  has(bytes: number): boolean {
    return this.#availableFor(bytes) >= bytes;
  }

  /** Whether the writer has ended and everything was taken. */
  get ended(): boolean {
    // In this order: a writer that has ended publishes no more, so the TAIL that is read then is final.
    return Atomics.load(this.#words, this.#at + WRITER_STATE) !== OPEN && this.available === 0;
  }

  /** Whether the writer gave up, or died, before it had written everything. */
  get aborted(): boolean {
    return Atomics.load(this.#words, this.#at + WRITER_STATE) === ABORTED;
  }

  /**
   * Copies as many bytes as there are into `target`, and frees their room.
   *
   * @param from where to begin in `target`. @defaultValue 0
   * @param to where to end. @defaultValue `target.length`
   * @returns how many bytes that were
   * @throws MillraceError `ERR_INVALID_ARG` when these are not within `target`
   */
  read(target: Uint8Array, from = 0, to = target.length): number {
    const count = this.take(target, from, to);
    this.free();
    return count;
  }

  /** Like {@link read}, but the writer gets the room only at {@link free}: for batches. */
  take(target: Uint8Array, from = 0, to = target.length): number {
    if (!(from >= 0 && from <= to && to <= target.length)) throw notWithin(from, to, target.length);
    const wanted = to - from;
    const count = Math.min(wanted, this.#availableFor(wanted));
    if (count <= 0) return 0;
    this.#copier.outOf(this.#position & this.#mask, target, from, count);
    this.#position = (this.#position + count) & POSITIONS;
    return count;
  }

  /** The next four bytes, little-endian, which the caller has seen to be there; they stay. */
  peekUint32(): number {
    const bytes = this.#bytes;
    const mask = this.#mask;
    const position = this.#position;
    return (
      (bytes[position & mask]! |
        (bytes[(position + 1) & mask]! << 8) |
        (bytes[(position + 2) & mask]! << 16) |
        (bytes[(position + 3) & mask]! << 24)) >>>
      0
    );
  }

  /** Takes `bytes` bytes without a look at them, which the caller has seen to be there. */
  skip(bytes: number): void {
    this.#position = (this.#position + bytes) & POSITIONS;
  }

  /** Gives the writer the room of all that was taken, and wakes it if it sleeps. */
  free(): void {
    if (this.#position === this.#freed) return;
    this.#freed = this.#position;
    // Publishes to the writer that the bytes before this position have been read; it has left its mark if it sleeps.
    const last = Atomics.exchange(this.#words, this.#at + HEAD, this.#position << 1);
    if ((last & MARK) !== 0) this.#writerBell.ring();
  }

  /**
   * The bytes that lie in one piece from here on, to be used in place and then told to
   * {@link consume}: a file or a socket can be written straight from the ring. Empty when there are none.
   */
  data(): Uint8Array {
    const index = this.#position & this.#mask;
    return this.#bytes.subarray(
      index,
      index + Math.min(this.available, this.#bytes.length - index),
    );
  }

  /**
   * Frees the first `count` bytes of {@link data}.
   *
   * @throws MillraceError `ERR_SIZE` when there are not so many
   */
  consume(count: number): void {
    if (!Number.isInteger(count) || count < 0 || !this.has(count)) {
      throw new MillraceError(
        'ERR_SIZE',
        `Cannot consume ${String(count)} bytes as the ring holds ${this.available}`,
      );
    }
    this.#position = (this.#position + count) & POSITIONS;
    this.free();
  }

  /** Tells the writer that nobody reads any more. */
  cancel(): void {
    const words = this.#words;
    if (Atomics.compareExchange(words, this.#at + READER_STATE, OPEN, CANCELLED) === OPEN) {
      this.#writerBell.ring();
    }
  }

  /**
   * Waits until `bytes` bytes can be taken, or the writer has ended.
   *
   * @param bytes at most the capacity. @defaultValue 1
   * @returns false when the time was up first
   */
  wait(bytes = 1, options?: WaitOptions): Promise<boolean> {
    return this.#readerBell.wait(() => this.#ready(bytes), options);
  }

  /** Like {@link wait}, for threads that may block. */
  waitSync(bytes = 1, options?: WaitSyncOptions): boolean {
    return this.#readerBell.waitSync(() => this.#ready(bytes), options);
  }

  #ready(bytes: number): boolean {
    return this.has(bytes) || Atomics.load(this.#words, this.#at + WRITER_STATE) !== OPEN;
  }

  #availableFor(wanted: number): number {
    const available = (this.#tail - this.#position) & POSITIONS;
    if (available >= wanted) return available;
    // The writer has published TAIL when the bytes before it were written.
    this.#tail = Atomics.load(this.#words, this.#at + TAIL) >>> 1;
    return (this.#tail - this.#position) & POSITIONS;
  }
}
