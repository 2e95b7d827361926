/**
 * The waiting room: for those who want a slot and found none. One line a size class, first come first
 * served, across all threads.
 *
 * Whoever wants to wait takes the turn of its class, a semaphore of one permit; the others stand in its
 * line. The one whose turn it is counts itself in ATTENTION, looks for a slot once more, and waits for
 * the class's event. Whoever frees a slot looks at ATTENTION after that, and sets the events of all
 * classes with somebody waiting, since a slab of one class may become one of another. One sees the other,
 * and no wake-up is lost: all these steps are sequentially consistent, but for a release's look at ATTENTION,
 * which is plain. So whoever waits looks at slots in use by exchanges: see `lookAt`.
 *
 * ATTENTION and the word of each class have a bit for every 32nd thread. A thread notes in its record
 * how many of its tasks wait, and sets its bits after that. Who clears a bit looks at the records of all
 * whom it stands for after that: if one of them waits it sets the bit again, and calls, since somebody
 * may have freed a slot meanwhile. A sweeper does the same for the dead, whose turn goes to the next.
 */
import {
  ATTENTION,
  LINE,
  MAX_THREADS,
  THREAD_LISTENING,
  THREAD_WAITING,
  WAITING,
  type ControlLayout,
} from '../memory/layout.js';
import { CLASS_COUNT } from '../memory/size-classes.js';
import { ManualResetEvent } from '../sync/event.js';
import { Patience, type WaitLimits } from '../sync/patience.js';
import { Semaphore } from '../sync/semaphore.js';
import type { SyncOptions } from '../sync/waiter.js';
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
  readonly #listeners: (() => void)[] = [];

  constructor(
    words: Int32Array,
    layout: ControlLayout,
    thread: ThreadId,
    options: SyncOptions = {},
  ) {
    this.#words = words;
    this.#layout = layout;
    this.#thread = thread;
    const ats = Array.from({ length: CLASS_COUNT }, (_, c) => layout.extraAt + c * CLASS_WORDS);
    this.#turns = ats.map((at) => new Semaphore(words, at, thread, options));
    this.#events = ats.map(
      (at) => new ManualResetEvent(words, at + Semaphore.words(), thread, options),
    );
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

  /** Resolves when this thread has released something, for whoever tried in vain. */
  listen(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#listeners.push(resolve) > 1) return;
      Atomics.store(this.#words, this.#listeningAt(this.#thread), 1);
      Atomics.or(this.#words, ATTENTION, bitOf(this.#thread));
    });
  }

  /** Tells those who wait that something was freed. */
  call(): void {
    if (Atomics.load(this.#words, ATTENTION) === 0) return;
    if (this.#listeners.length > 0) this.#callListeners();
    for (let c = 0; c < CLASS_COUNT; c++) if (this.busy(c)) this.#events[c]!.set();
  }

  /** Takes the dead `thread` out of all lines. */
  sweep(thread: ThreadId): void {
    for (let c = 0; c < CLASS_COUNT; c++) {
      this.#turns[c]!.reclaim(thread);
      this.#events[c]!.reclaim(thread);
      Atomics.store(this.#words, this.#recordAt(thread, c), 0);
      this.#settle(WAITING + c, thread, c);
    }
    Atomics.store(this.#words, this.#listeningAt(thread), 0);
    this.#settle(ATTENTION, thread);
    this.call();
  }

  #callListeners(): void {
    for (const resolve of this.#listeners.splice(0)) resolve();
    Atomics.store(this.#words, this.#listeningAt(this.#thread), 0);
    this.#settle(ATTENTION, this.#thread);
  }

  #enter(sizeClass: number): void {
    const words = this.#words;
    Atomics.add(words, this.#recordAt(this.#thread, sizeClass), 1);
    Atomics.or(words, WAITING + sizeClass, bitOf(this.#thread));
    Atomics.or(words, ATTENTION, bitOf(this.#thread));
  }

  #leave(sizeClass: number): void {
    if (Atomics.sub(this.#words, this.#recordAt(this.#thread, sizeClass), 1) > 1) return;
    this.#settle(WAITING + sizeClass, this.#thread, sizeClass);
    this.#settle(ATTENTION, this.#thread);
  }

  /** Sets the bit of `thread` at `at` if one of those it stands for waits, for `only` that class if given; else clears it. */
  #settle(at: number, thread: ThreadId, only?: number): void {
    const words = this.#words;
    const bit = bitOf(thread);
    for (;;) {
      if (this.#waits(thread, only)) {
        if ((Atomics.load(words, at) & bit) !== 0) return;
        Atomics.or(words, at, bit);
        this.call();
      } else {
        Atomics.and(words, at, ~bit);
        if (!this.#waits(thread, only)) return;
      }
    }
  }

  /** Whether one of those who share the bit of `thread` waits. */
  #waits(thread: ThreadId, only?: number): boolean {
    for (let id = thread % 32; id < MAX_THREADS; id += 32) {
      const listens = Atomics.load(this.#words, this.#listeningAt(id as ThreadId)) !== 0;
      if (only === undefined && listens) return true;
      for (let c = 0; c < CLASS_COUNT; c++) {
        if (only !== undefined && c !== only) continue;
        if (Atomics.load(this.#words, this.#recordAt(id as ThreadId, c)) > 0) return true;
      }
    }
    return false;
  }

  #listeningAt(thread: ThreadId): number {
    return this.#layout.threadsAt + thread * LINE + THREAD_LISTENING;
  }

  #recordAt(thread: ThreadId, sizeClass: number): number {
    return this.#layout.threadsAt + thread * LINE + THREAD_WAITING + sizeClass;
  }
}

function bitOf(thread: ThreadId): number {
  return 1 << (thread & 31);
}
