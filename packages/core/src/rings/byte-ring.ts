/**
 * A byte ring: a pipe of bytes from one thread to one other, without locks and without framing.
 *
 *   bytes   | … free … | published, not yet read | put, not yet published | … free … |
 *                      HEAD                      TAIL
 *
 * What must hold: one thread writes and one reads at any time (each may be followed by another once
 * it has gone). HEAD ≤ TAIL ≤ HEAD + capacity. The words are drawn in `byte-ring-layout.ts`; who
 * publishes what to whom stands in `byte-ring-writer.ts` and `byte-ring-reader.ts`.
 */
import { MillraceError } from '../errors.js';
import { Arena } from '../memory/arena.js';
import {
  ABORTED,
  BYTE_RING_WORDS,
  CANCELLED,
  FEWEST_BYTES,
  HEAD,
  MOST_BYTES,
  MOST_POSITION,
  OPEN,
  READER_BELL,
  READER_STATE,
  TAIL,
  WRITER_BELL,
  WRITER_STATE,
} from './byte-ring-layout.js';
import { ByteRingReader } from './byte-ring-reader.js';
import { ByteRingWriter } from './byte-ring-writer.js';
import { EventCount } from '../sync/event-count.js';
import type { SyncOptions } from '../sync/waiter.js';

/** Arenas come in pages of this size. */
const ARENA_PAGE_BYTES = 65_536;

/**
 * A pipe of bytes from one thread to one other: wait-free, without framing, up to its capacity.
 *
 * ```ts
 * const ring = ByteRing.create(65_536);
 * worker.postMessage({ words: ring.words, bytes: ring.bytes });
 * ring.writer().write(bytes); // here
 * new ByteRing(words, 0, bytes).reader().read(target); // there
 * ```
 *
 * Source: L. Lamport, TOPLAS 1983; P. Lee et al., IPDPS 2010 (MCRingBuffer).
 */
export class ByteRing {
  readonly words: Int32Array;
  readonly at: number;
  readonly bytes: Uint8Array;

  /** How many words a byte ring takes, beside its bytes. */
  static words(): number {
    return BYTE_RING_WORDS;
  }

  /**
   * A ring over shared memory; zeroed words are an empty one. Post `words`, `at` and `bytes` to
   * another thread, and make a ring of them there.
   *
   * @param at where in `words` the ring's {@link ByteRing.words} begin: a multiple of 32 keeps the two
   *   sides' lines apart
   * @param bytes as many as the ring can hold: a power of two from 8 to 2^30. Best at the start of a
   *   cache line: messages of 64 bytes that lie across two lines each take twice as long
   * @throws MillraceError `ERR_INVALID_ARG` when the words or the bytes do not do
   */
  constructor(words: Int32Array, at: number, bytes: Uint8Array) {
    checkCapacity(bytes.length);
    if (!Number.isInteger(at) || at < 0 || at + BYTE_RING_WORDS > words.length) {
      throw new MillraceError(
        'ERR_INVALID_ARG',
        `Cannot make a byte ring at word ${String(at)} as it takes ${BYTE_RING_WORDS} of ${words.length} words`,
      );
    }
    this.words = words;
    this.at = at;
    this.bytes = bytes;
  }

  /**
   * A ring in shared memory of its own. It lies in whole cache lines, which a plain `SharedArrayBuffer`
   * does not; where there is no such memory, it lies in a plain one.
   *
   * @param capacityBytes a power of two from 8 to 2^30
   * @throws MillraceError `ERR_INVALID_ARG` when it is not; `ERR_ARENA_UNAVAILABLE` when there is not
   *   so much memory
   */
  static create(capacityBytes: number): ByteRing {
    checkCapacity(capacityBytes);
    const wordBytes = BYTE_RING_WORDS * Int32Array.BYTES_PER_ELEMENT;
    const arena = Arena.create(
      Math.ceil((wordBytes + capacityBytes) / ARENA_PAGE_BYTES) * ARENA_PAGE_BYTES,
    );
    arena.ensure(wordBytes + capacityBytes);
    const { buffer } = arena.view(0, wordBytes);
    return new ByteRing(
      new Int32Array(buffer, 0, BYTE_RING_WORDS),
      0,
      new Uint8Array(buffer, wordBytes, capacityBytes),
    );
  }

  /** Bytes that it can hold. */
  get capacity(): number {
    return this.bytes.length;
  }

  /** The writing side: for one thread at a time. It goes on where the last writer published. */
  writer(options: SyncOptions = {}): ByteRingWriter {
    return new ByteRingWriter(this.words, this.at, this.bytes, options);
  }

  /** The reading side: for one thread at a time. It goes on where the last reader freed. */
  reader(options: SyncOptions = {}): ByteRingReader {
    return new ByteRingReader(this.words, this.at, this.bytes, options);
  }

  /** Ends the ring for the side that is left, on behalf of a thread that died; any thread may call it. */
  bury(side: 'reader' | 'writer'): void {
    const { words, at } = this;
    const [state, gone, bell] =
      side === 'writer'
        ? [WRITER_STATE, ABORTED, READER_BELL]
        : [READER_STATE, CANCELLED, WRITER_BELL];
    Atomics.compareExchange(words, at + state, OPEN, gone);
    // Anyway: the dead thread may have ended the ring, or published, and died before it woke anybody.
    new EventCount(words, at + bell).ringAnyway();
  }

  /**
   * Empties and reopens the ring, which nobody may use meanwhile.
   *
   * @param position what its positions begin with, modulo 2^31. @defaultValue 0
   */
  reset(position = 0): void {
    const { words, at } = this;
    for (const word of [READER_BELL, WRITER_BELL, WRITER_STATE, READER_STATE]) {
      Atomics.store(words, at + word, 0);
    }
    Atomics.store(words, at + HEAD, position << 1);
    Atomics.store(words, at + TAIL, position << 1);
  }

  /** Where the ring stands; a look from outside that stops nobody. */
  stats(): ByteRingStats {
    const { words, at, capacity } = this;
    const head = Atomics.load(words, at + HEAD) >>> 1;
    const tail = Atomics.load(words, at + TAIL) >>> 1;
    return {
      capacity,
      // TAIL was read later and can be further ahead of that HEAD than the ring is large.
      used: Math.min((tail - head) & MOST_POSITION, capacity),
      head,
      tail,
      state: this.#state(),
    };
  }

  #state(): ByteRingState {
    if (Atomics.load(this.words, this.at + READER_STATE) === CANCELLED) return 'cancelled';
    const state = Atomics.load(this.words, this.at + WRITER_STATE);
    if (state === OPEN) return 'open';
    return state === ABORTED ? 'aborted' : 'ended';
  }
}

/** How full a byte ring is. */
export interface ByteRingStats {
  /** Bytes that it can hold. */
  readonly capacity: number;
  /** Bytes that are published and not yet freed. */
  readonly used: number;
  /** Bytes ever freed, modulo 2^31. */
  readonly head: number;
  /** Bytes ever published, modulo 2^31. */
  readonly tail: number;
  readonly state: ByteRingState;
}

/** `cancelled` when the reader has gone, `ended` or `aborted` when the writer has. */
export type ByteRingState = 'open' | 'ended' | 'aborted' | 'cancelled';

function checkCapacity(bytes: number): void {
  // Only integers are left as they are by bitwise operations.
  if (bytes >= FEWEST_BYTES && bytes <= MOST_BYTES && (bytes & -bytes) === bytes) return;
  throw new MillraceError(
    'ERR_INVALID_ARG',
    `Cannot make a byte ring of ${String(bytes)} bytes as it must be a power of two from 8 to 2^30`,
  );
}
