/**
 * The thread registry: which thread ids are in use, by whom, and which await their sweep.
 *
 *   record (one line)  word 0  STATE: 0 free │ owner << 2 | ALIVE │ owner << 2 | DEAD
 *                      word 1  EPOCH: how often this id was given out
 *
 * Id and owner are written by one compare-and-exchange, so that an id whose taker dies at once can
 * still be traced. An id goes ALIVE → DEAD → free, and is only freed by the sweeper once all that
 * the dead thread held is back: nobody else can be taken for it before that.
 */
import { MillraceError } from '../errors.js';
import { LINE, MAX_THREADS, type ControlLayout } from '../memory/layout.js';

/** A number from 1 to 127 that names a thread in shared memory. */
export type ThreadId = number & { readonly threadId: unique symbol };

const STATE = 0;
const EPOCH = 1;
const FREE = 0;
const ALIVE = 1;
const DEAD = 2;
const STATE_MASK = 3;

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
   * @throws MillraceError `ERR_TOO_MANY_THREADS` when all 127 are taken
   */
  register(owner: number): ThreadId {
    for (let id = 1; id < MAX_THREADS; id++) {
      const at = this.#at(id);
      // Publishes owner and liveness together; the loser of a race goes on to the next id.
      if (Atomics.compareExchange(this.#words, at + STATE, FREE, (owner << 2) | ALIVE) === FREE) {
        Atomics.add(this.#words, at + EPOCH, 1);
        return id as ThreadId;
      }
    }
    throw new MillraceError(
      'ERR_TOO_MANY_THREADS',
      `Cannot register thread ${owner} as all ${MAX_THREADS - 1} ids are taken`,
    );
  }

  /** Marks a thread as dead: true for the one caller who may sweep it. */
  bury(id: ThreadId): boolean {
    const at = this.#at(id);
    const state = Atomics.load(this.#words, at);
    if ((state & STATE_MASK) !== ALIVE) return false;
    return Atomics.compareExchange(this.#words, at, state, state ^ ALIVE ^ DEAD) === state;
  }

  /** Frees the id of a thread that was buried and swept. */
  recycle(id: ThreadId): void {
    const at = this.#at(id);
    const state = Atomics.load(this.#words, at);
    if ((state & STATE_MASK) === DEAD) Atomics.compareExchange(this.#words, at, state, FREE);
  }

  isAlive(id: ThreadId): boolean {
    if (!Number.isInteger(id) || id < 1 || id >= MAX_THREADS) return false;
    return (Atomics.load(this.#words, this.#at(id)) & STATE_MASK) === ALIVE;
  }

  /** The ids in use, for reports and tests. */
  stats(): { alive: number[]; dead: number[] } {
    const alive: number[] = [];
    const dead: number[] = [];
    for (let id = 1; id < MAX_THREADS; id++) {
      const state = Atomics.load(this.#words, this.#at(id)) & STATE_MASK;
      if (state === ALIVE) alive.push(id);
      if (state === DEAD) dead.push(id);
    }
    return { alive, dead };
  }

  #at(id: number): number {
    return this.#base + id * LINE;
  }
}
