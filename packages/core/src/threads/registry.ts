/**
 * The thread registry: which thread ids are in use, by whom, and which await their sweep.
 *
 *   STATE   0 free │ owner << 2 | ALIVE │ owner << 2 | DEAD │ sweeper's id << 2 | SWEEPING
 *   EPOCH   how often this id was given out
 *   BEAT    counted up by the thread, as a sign of life
 *
 * Id and owner are written by one compare-and-exchange, so that an id whose taker dies at once can
 * still be traced, and whoever buries a thread names its owner: an id that has been given out again
 * is not buried by mistake. An id goes ALIVE → DEAD → SWEEPING → free, and is only freed by the
 * sweeper once all that the dead thread held is back: nobody else can be taken for it before that.
 * A sweeper that dies is swept itself, and the sweeps that it has begun, or may have been about to
 * begin, are begun anew.
 */
import { MillraceError } from '../errors.js';
import {
  LINE,
  MAX_THREADS,
  THREADS_HIGH,
  THREAD_BEAT,
  THREAD_EPOCH,
  THREAD_STATE,
  type ControlLayout,
} from '../memory/layout.js';

/** A number from 1 to 127 that names a thread in shared memory. */
export type ThreadId = number & { readonly threadId: unique symbol };

const FREE = 0;
const ALIVE = 1;
const DEAD = 2;
const SWEEPING = 3;
const STATE_MASK = 3;
/** Owners are stored beside a state of two bits. */
const MOST_OWNER = 2 ** 29 - 1;

export class ThreadRegistry {
  readonly #words: Int32Array;
  readonly #base: number;

  constructor(words: Int32Array, layout: ControlLayout) {
    this.#words = words;
    this.#base = layout.threadsAt;
  }

  /**
   * Takes a free id for the thread that its runtime calls `owner`.
   *
   * @param owner an integer from 0 to 2^29 − 1, such as Node's `threadId`
   * @throws MillraceError `ERR_INVALID_ARG`; `ERR_TOO_MANY_THREADS` when all 127 are taken
   */
  register(owner: number): ThreadId {
    if (!Number.isInteger(owner) || owner < 0 || owner > MOST_OWNER) {
      throw new MillraceError(
        'ERR_INVALID_ARG',
        `Cannot register thread ${String(owner)} as its number must be an integer from 0 to ${MOST_OWNER}`,
      );
    }
    for (let id = 1; id < MAX_THREADS; id++) {
      const at = this.#at(id);
      // Publishes owner and liveness together; the loser of a race goes on to the next id.
      if (
        Atomics.compareExchange(this.#words, at + THREAD_STATE, FREE, (owner << 2) | ALIVE) === FREE
      ) {
        Atomics.add(this.#words, at + THREAD_EPOCH, 1);
        this.#raiseHigh(id);
        return id as ThreadId;
      }
    }
    throw new MillraceError(
      'ERR_TOO_MANY_THREADS',
      `Cannot register thread ${owner} as all ${MAX_THREADS - 1} ids are taken`,
    );
  }

  /** Marks a thread as dead; false when `id` is not `owner`'s, or was buried before. */
  bury(id: ThreadId, owner: number): boolean {
    const alive = (owner << 2) | ALIVE;
    return Atomics.compareExchange(this.#words, this.#at(id), alive, (owner << 2) | DEAD) === alive;
  }

  /** Makes `sweeper` the one who sweeps a buried thread; false when another does, or it is not buried. */
  beginSweep(id: ThreadId, sweeper: ThreadId): boolean {
    const at = this.#at(id);
    const state = Atomics.load(this.#words, at);
    if ((state & STATE_MASK) !== DEAD) return false;
    return Atomics.compareExchange(this.#words, at, state, sweepBy(sweeper)) === state;
  }

  /** Takes over a sweep that the dead `former` had begun. */
  takeOverSweep(id: ThreadId, former: ThreadId, sweeper: ThreadId): boolean {
    const expected = sweepBy(former);
    return (
      Atomics.compareExchange(this.#words, this.#at(id), expected, sweepBy(sweeper)) === expected
    );
  }

  /** The ids that `sweeper` has begun to sweep and not freed. */
  sweptBy(sweeper: ThreadId): ThreadId[] {
    return this.#ids((state) => state === sweepBy(sweeper));
  }

  /** The ids that are buried and wait for a sweeper. */
  buried(): ThreadId[] {
    return this.#ids((state) => (state & STATE_MASK) === DEAD);
  }

  /** Frees the id of a thread that `sweeper` has swept. */
  recycle(id: ThreadId, sweeper: ThreadId): void {
    Atomics.compareExchange(this.#words, this.#at(id), sweepBy(sweeper), FREE);
  }

  isAlive(id: ThreadId): boolean {
    if (!Number.isInteger(id) || id < 1 || id >= MAX_THREADS) return false;
    return (Atomics.load(this.#words, this.#at(id)) & STATE_MASK) === ALIVE;
  }

  /** How often `id` has been given out: that tells those apart who have it one after the other. */
  epochOf(id: ThreadId): number {
    return Atomics.load(this.#words, this.#at(id) + THREAD_EPOCH);
  }

  /** Whether the thread that got `id` as the `epoch`-th is dead, and all that it held is back. */
  isGone(id: ThreadId, epoch: number): boolean {
    const free = Atomics.load(this.#words, this.#at(id) + THREAD_STATE) === FREE;
    return free || this.epochOf(id) !== epoch;
  }

  /** The highest id that was ever given out. */
  get high(): number {
    return Atomics.load(this.#words, THREADS_HIGH);
  }

  /** Gives a sign of life for `id`; by its own thread alone. */
  beat(id: ThreadId): void {
    const at = this.#at(id) + THREAD_BEAT;
    Atomics.store(this.#words, at, this.#words[at]! + 1);
  }

  /** How often `id` has given a sign of life. */
  beatsOf(id: ThreadId): number {
    return Atomics.load(this.#words, this.#at(id) + THREAD_BEAT);
  }

  /** The ids in use, for reports and tests; `dead` are those that await the end of their sweep. */
  stats(): { alive: ThreadId[]; dead: ThreadId[] } {
    return {
      alive: this.#ids((state) => (state & STATE_MASK) === ALIVE),
      dead: this.#ids((state) => (state & STATE_MASK) > ALIVE),
    };
  }

  #ids(fits: (state: number) => boolean): ThreadId[] {
    const ids: ThreadId[] = [];
    const { high } = this;
    for (let id = 1; id <= high; id++) {
      if (fits(Atomics.load(this.#words, this.#at(id)))) ids.push(id as ThreadId);
    }
    return ids;
  }

  /** Whoever dies before this has an id that no scan finds, and holds nothing yet. */
  #raiseHigh(id: number): void {
    for (;;) {
      const high = Atomics.load(this.#words, THREADS_HIGH);
      if (high >= id) return;
      if (Atomics.compareExchange(this.#words, THREADS_HIGH, high, id) === high) return;
    }
  }

  #at(id: number): number {
    return this.#base + id * LINE;
  }
}

function sweepBy(sweeper: ThreadId): number {
  return (sweeper << 2) | SWEEPING;
}
