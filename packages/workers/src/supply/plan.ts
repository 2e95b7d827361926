/**
 * How one operation goes about its object: by which strategy, in how many chunks at a time, and which step
 * down it takes when memory is short.
 *
 *              input                                 chunks at a time
 *   pooled     the whole object in one slice         4 a thread, and 8 at least: of output alone
 *   chunked    a slice for each chunk                4 a thread, and 8 at least
 *   direct     a slice for each chunk                3 a thread: one at work, one waiting, one being written
 *
 * Under pressure a window is halved, or is one chunk a thread. It is asked for before every chunk, so that
 * a long operation shrinks and grows with the memory there is.
 */
import {
  selectStrategy,
  type BufferPoolStrategy,
  type DegradationCause,
  type PlainStrategy,
} from '@millrace/core';
import type { Lot } from './memory-line.js';
import type { Supply } from './supply.js';

const CHUNKS_PER_THREAD = 4;
const FEWEST_CHUNKS = 8;
const DIRECT_CHUNKS_PER_THREAD = 3;

type Lesser = Exclude<PlainStrategy, 'pooled'>;

/** What is to be planned for. */
export interface Purpose {
  /** The object's size, if somebody says so. */
  readonly bytes: number | undefined;
  /** What a slice must have that holds all of it; `undefined` when its size is not certain. */
  readonly sliceBytes: number | undefined;
  /** The most that one chunk takes of it. */
  readonly chunkBytes: number;
  /** @defaultValue 'adaptive' */
  readonly strategy: BufferPoolStrategy | undefined;
}

export class Plan {
  /** What was taken for the whole object: its slice, and the first output. */
  whole: Lot | undefined;
  /** Why it is not the strategy that was asked for, or picked: each a sentence. */
  readonly notes: string[] = [];
  /** The object's size, if somebody says so. */
  readonly bytes: number | undefined;
  readonly #supply: Supply;
  #strategy: PlainStrategy;

  constructor(supply: Supply, purpose: Purpose) {
    this.#supply = supply;
    this.bytes = purpose.bytes;
    this.#strategy = this.#choose(purpose);
    supply.began(purpose.bytes, this.#strategy);
  }

  get strategy(): PlainStrategy {
    return this.#strategy;
  }

  /** How many chunks there may be at a time, now. */
  get window(): number {
    const { threadCount, pressure } = this.#supply;
    if (pressure === 'critical') return threadCount;
    const most =
      this.#strategy === 'direct'
        ? DIRECT_CHUNKS_PER_THREAD * threadCount
        : Math.max(FEWEST_CHUNKS, CHUNKS_PER_THREAD * threadCount);
    return pressure === 'elevated' ? Math.max(threadCount, most >> 1) : most;
  }

  /** Takes a step down, as `bytes` bytes could not be had. */
  degrade(to: Lesser, bytes: number, why: string): void {
    this.#strategy = this.#down('exhausted', this.#strategy, to, bytes, why);
  }

  #choose({ bytes, sliceBytes, chunkBytes, strategy = 'adaptive' }: Purpose): PlainStrategy {
    const { settings, largest, pressure } = this.#supply;
    const fits = sliceBytes !== undefined && sliceBytes <= largest;
    if (strategy !== 'adaptive') {
      if (strategy !== 'pooled' || fits) return strategy;
      const why =
        sliceBytes === undefined
          ? 'the size of the object is not certain beforehand'
          : `a slice holds ${largest} bytes at most and the object has ${sliceBytes}`;
      this.#note('pooled', 'chunked', why);
      return 'chunked';
    }
    const suits = selectStrategy(settings, bytes);
    // What is no larger than a chunk takes the least as it is.
    if (pressure === 'critical' && suits !== 'direct' && (bytes ?? Infinity) > chunkBytes) {
      return this.#down('pressure', suits, 'direct', bytes ?? chunkBytes, 'memory is short');
    }
    return suits === 'pooled' && !fits ? 'chunked' : suits;
  }

  #down(
    cause: DegradationCause,
    from: PlainStrategy,
    to: Lesser,
    bytes: number,
    why: string,
  ): PlainStrategy {
    this.#supply.degraded(from, to, cause, bytes, this.#note(from, to, why));
    return to;
  }

  #note(from: PlainStrategy, to: PlainStrategy, why: string): string {
    const note = `Took "${to}" instead of "${from}" as ${why}`;
    this.notes.push(note);
    return note;
  }
}
