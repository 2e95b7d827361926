/**
 * The waiting room: for those who want a slot and found none. One line a size class, first come first
 * served, across all threads.
 *
 * Whoever wants to wait takes the turn of its class, a semaphore of one permit; the others stand in its
 * line. The one whose turn it is counts itself in ATTENTION, looks for a slot once more, and waits for
 * the class's event. Whoever frees a slot looks at ATTENTION after that, and sets the events of all
 * classes with somebody waiting, since a slab of one class may become one of another. All these steps
 * are sequentially consistent: one sees the other, and no wake-up is lost.
 *
 * A death gives the turn to the next. Its counts are taken back by the sweeper; a thread counts itself
 * in before it notes that in its record, and out after, so that a death can make the counts too high
 * for a while, which costs time, and never too low.
 */
import { ATTENTION, LINE, THREAD_WAITING, WAITING, type ControlLayout } from '../memory/layout.js';
import { CLASS_COUNT } from '../memory/size-classes.js';
import { ManualResetEvent } from '../sync/event.js';
import { Patience, type WaitLimits } from '../sync/patience.js';
import { Semaphore } from '../sync/semaphore.js';
import type { ThreadId } from '../threads/registry.js';

const CLASS_WORDS = Math.ceil((Semaphore.words() + ManualResetEvent.WORDS) / LINE) * LINE;
/** Words that the waiting room takes in the control block. */
export const WAITING_ROOM_WORDS = CLASS_COUNT * CLASS_WORDS;

export class WaitingRoom {
  readonly #words: Int32Array;
  readonly #turns: readonly Semaphore[];
  readonly #events: readonly ManualResetEvent[];
  readonly #layout: ControlLayout;
  readonly #thread: ThreadId;

  constructor(words: Int32Array, layout: ControlLayout, thread: ThreadId) {
    this.#words = words;
    this.#layout = layout;
    this.#thread = thread;
    const ats = Array.from({ length: CLASS_COUNT }, (_, c) => layout.extraAt + c * CLASS_WORDS);
    this.#turns = ats.map((at) => new Semaphore(words, at, thread));
    this.#events = ats.map((at) => new ManualResetEvent(words, at + Semaphore.words(), thread));
  }

  /** Makes the room of zero-filled words, once. */
  static init(words: Int32Array, layout: ControlLayout): void {
    for (let c = 0; c < CLASS_COUNT; c++) {
      Semaphore.init(words, layout.extraAt + c * CLASS_WORDS, { total: 1 });
    }
  }

  /** Whether somebody waits for a slot of `sizeClass`. */
  busy(sizeClass: number): boolean {
    return Atomics.load(this.#words, WAITING + sizeClass) !== 0;
  }

  /**
   * Blocks this thread until it is its turn and `attempt` has found something.
   *
   * @throws MillraceError `ERR_TIMEOUT`, `ERR_ABORTED`, `ERR_CANNOT_BLOCK`
   */
  wait<T>(sizeClass: number, attempt: () => T | undefined, limits: WaitLimits): T {
    const patience = Patience.of('lease a slice', limits);
    const turn = this.#turns[sizeClass]!;
    const event = this.#events[sizeClass]!;
    this.#enter(sizeClass);
    try {
      turn.acquire(1, patience);
      try {
        for (;;) {
          event.reset();
          const found = attempt();
          if (found !== undefined) return found;
          event.wait(patience);
        }
      } finally {
        turn.release(1);
      }
    } finally {
      this.#leave(sizeClass);
    }
  }

  /** Resolves when it is this task's turn and `attempt` has found something. */
  async waitAsync<T>(
    sizeClass: number,
    attempt: () => T | undefined,
    limits: WaitLimits,
  ): Promise<T> {
    const patience = Patience.of('lease a slice', limits);
    const turn = this.#turns[sizeClass]!;
    const event = this.#events[sizeClass]!;
    this.#enter(sizeClass);
    try {
      await turn.acquireAsync(1, patience);
      try {
        for (;;) {
          event.reset();
          const found = attempt();
          if (found !== undefined) return found;
          await event.waitAsync(patience);
        }
      } finally {
        turn.release(1);
      }
    } finally {
      this.#leave(sizeClass);
    }
  }

  /** Tells those who wait that something was freed, but not those in the line `except`. */
  call(except = -1): void {
    if (Atomics.load(this.#words, ATTENTION) === 0) return;
    for (let c = 0; c < CLASS_COUNT; c++) {
      if (c !== except && this.busy(c)) this.#events[c]!.set();
    }
  }

  /** Takes the dead `thread` out of all lines. */
  sweep(thread: ThreadId): void {
    for (let c = 0; c < CLASS_COUNT; c++) {
      this.#turns[c]!.reclaim(thread);
      this.#events[c]!.reclaim(thread);
      const at = this.#recordAt(thread, c);
      const count = Atomics.exchange(this.#words, at, 0);
      if (count === 0) continue;
      Atomics.sub(this.#words, WAITING + c, count);
      Atomics.sub(this.#words, ATTENTION, count);
    }
    this.call();
  }

  #enter(sizeClass: number): void {
    const words = this.#words;
    Atomics.add(words, ATTENTION, 1);
    Atomics.add(words, WAITING + sizeClass, 1);
    Atomics.add(words, this.#recordAt(this.#thread, sizeClass), 1);
  }

  #leave(sizeClass: number): void {
    const words = this.#words;
    Atomics.sub(words, this.#recordAt(this.#thread, sizeClass), 1);
    Atomics.sub(words, WAITING + sizeClass, 1);
    Atomics.sub(words, ATTENTION, 1);
  }

  #recordAt(thread: ThreadId, sizeClass: number): number {
    return this.#layout.threadsAt + thread * LINE + THREAD_WAITING + sizeClass;
  }
}
