/**
 * A broadcast ring: one thread tells, any number of threads listen, each at its own pace.
 *
 *   cells   | being written over | oldest … | … newest |
 *           TAIL                INTENT − cells         TAIL
 *
 * What must hold: INTENT ≥ TAIL, both only grow; a cell changes only between the two. A reader never
 * sees a torn message, is told how many it missed, and never makes the writer wait.
 *
 * One writer, because several would have to claim their places, and one that dawdles or dies between
 * claim and publish would leave a hole: readers could only wait at it or guess that it will stay one.
 * Threads that all have something to tell get a ring each, as CPUs do in LTTng and perf, and their
 * listener reads them all. That costs the teller no exchange and no line that others write.
 */
import { MillraceError } from '../errors.js';
import type { SyncOptions } from '../sync/waiter.js';
import { BroadcastReader } from './broadcast-reader.js';
import {
  BELL,
  CELLS,
  FEWEST_CELLS,
  FIRST,
  INTENT,
  MESSAGE,
  MOST_CELLS,
  TAIL,
  type BroadcastRingShape,
} from './broadcast-ring-layout.js';
import { BroadcastWriter, type BroadcastWriterOptions } from './broadcast-writer.js';
import { loadPosition, storePosition } from './position.js';

/** What went through a broadcast ring, in messages since it was made or reset. */
export interface BroadcastRingStats {
  readonly written: number;
  /** Those that are being written, or were announced, count, too. */
  readonly intended: number;
  /** Those that no reader can get any more. */
  readonly overwritten: number;
}

/**
 * The latest messages of one thread, for any number of others, who may come too late and are told so.
 *
 * Source: Agrona's BroadcastTransmitter and BroadcastReceiver.
 */
export class BroadcastRing {
  readonly shape: BroadcastRingShape;
  readonly #words: Int32Array;
  readonly #at: number;

  /** How many words a ring of this shape takes. */
  static words({ cells, messageWords }: BroadcastRingShape): number {
    return CELLS + cells * (MESSAGE + messageWords);
  }

  /**
   * A ring over shared memory; zeroed words are one that nothing was written to.
   *
   * @param at where in `words` the ring's {@link BroadcastRing.words} begin; best a multiple of 32
   * @throws MillraceError `ERR_INVALID_ARG` when the shape or the place is out of range
   */
  constructor(words: Int32Array, at: number, shape: BroadcastRingShape) {
    const { cells, messageWords } = shape;
    check('cells', cells, FEWEST_CELLS, MOST_CELLS);
    check('messageWords', messageWords, 1, 2 ** 16);
    check('at', at, 0, words.length - BroadcastRing.words(shape));
    if ((cells & (cells - 1)) !== 0) {
      throw new MillraceError(
        'ERR_INVALID_ARG',
        `Cannot make a broadcast ring of ${cells} cells as that is no power of two`,
      );
    }
    this.#words = words;
    this.#at = at;
    this.shape = { cells, messageWords };
  }

  /**
   * The writing side: for one thread at a time. It goes on where the last writer published.
   *
   * @throws MillraceError `ERR_INVALID_ARG`
   */
  writer(options: BroadcastWriterOptions = {}): BroadcastWriter {
    return new BroadcastWriter(this.#words, this.#at, this.shape, options);
  }

  /**
   * A reading side for this thread.
   *
   * @param from `newest` begins with what is written from now on, `oldest` with the oldest message
   *   that the ring still holds. @defaultValue 'newest'
   */
  reader(from: 'newest' | 'oldest' = 'newest', options: SyncOptions = {}): BroadcastReader {
    return new BroadcastReader(this.#words, this.#at, this.shape, from, options);
  }

  /**
   * Empties the ring, which nobody may use meanwhile.
   *
   * @param position what its positions begin with, up to 2^52. @defaultValue 0
   */
  reset(position = 0): void {
    for (const at of [FIRST, INTENT, TAIL]) storePosition(this.#words, this.#at + at, position);
    Atomics.store(this.#words, this.#at + BELL, 0);
  }

  /** Where the ring stands; a look from outside that stops nobody. */
  stats(): BroadcastRingStats {
    const first = loadPosition(this.#words, this.#at + FIRST);
    const tail = loadPosition(this.#words, this.#at + TAIL);
    const intended = loadPosition(this.#words, this.#at + INTENT);
    return {
      written: tail - first,
      intended: intended - first,
      overwritten: Math.max(0, intended - this.shape.cells - first),
    };
  }
}

function check(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new MillraceError(
    'ERR_INVALID_ARG',
    `Cannot make a broadcast ring with ${name} of ${String(value)} as it must be an integer from ${least} to ${most}`,
  );
}
