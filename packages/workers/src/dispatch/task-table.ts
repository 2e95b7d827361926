/**
 * The task table: how a task gets from the coordinator to one worker and back.
 *
 *   coordinator                     worker
 *   fill cell, READY
 *   ring[tail] = cell, tail+1  ──▶  cell = ring[head]
 *                                   READY → RUNNING | me        the claim: one compare-and-exchange
 *                                   head+1                      a hint; the next claimer helps if we die here
 *                                   run, write the result
 *   reap: done[worker]         ◀──  DONE; done[tail] = cell, tail+1
 *
 * A claim names its worker in the same exchange, so that after a death the coordinator finds what
 * the thread was at: its cells that are RUNNING run again or fail, those that are DONE are reaped.
 * Only the coordinator frees a cell. Positions are 32-bit counters that wrap after 2^32 tasks; a
 * thread would have to sleep through exactly that many to mistake one for another.
 */
import {
  CELLS,
  DONE,
  FREE,
  READY,
  RING_CAPACITY,
  RING_HEAD,
  RING_TAIL,
  RUNNING,
  STATE,
  cellAt,
  doneAt,
  doneTailAt,
  nextGeneration,
  ringAt,
  stateOf,
  withState,
  workerOf,
} from './layout.js';

export class TaskTable {
  readonly #words: Int32Array;

  constructor(words: Int32Array) {
    this.#words = words;
  }

  /** Coordinator: offers a filled cell to whichever worker comes first, having made room. */
  publish(cell: number): void {
    const words = this.#words;
    const at = cellAt(cell) + STATE;
    const tail = words[RING_TAIL]!;
    // The cell's fields were stored before: this publishes them to whoever sees READY.
    Atomics.store(words, at, nextGeneration(words[at]!, READY));
    words[ringAt(tail)] = cell;
    // Publishes the ring's entry.
    Atomics.store(words, RING_TAIL, (tail + 1) | 0);
  }

  /** Worker: claims the oldest task that is ready; -1 when there is none. */
  claim(worker: number): number {
    const words = this.#words;
    for (;;) {
      const head = Atomics.load(words, RING_HEAD);
      if (head === Atomics.load(words, RING_TAIL)) return -1;
      const cell = Atomics.load(words, ringAt(head));
      const at = cellAt(cell) + STATE;
      const word = Atomics.load(words, at);
      // An entry read late may name a cell that is READY again: claiming it early does no harm.
      const mine =
        stateOf(word) === READY &&
        Atomics.compareExchange(words, at, word, withState(word, RUNNING, worker)) === word;
      Atomics.compareExchange(words, RING_HEAD, head, (head + 1) | 0);
      if (mine) return cell;
    }
  }

  /** Whether something waits to be claimed, as far as can be told at a glance. */
  get waiting(): boolean {
    return Atomics.load(this.#words, RING_HEAD) !== Atomics.load(this.#words, RING_TAIL);
  }

  /** Worker: reports the cell that it had claimed; its result was stored before. */
  finish(cell: number, worker: number): void {
    const words = this.#words;
    const at = cellAt(cell) + STATE;
    Atomics.store(words, at, withState(words[at]!, DONE, worker));
    const tailAt = doneTailAt(worker);
    const tail = words[tailAt]!;
    words[doneAt(worker, tail)] = cell;
    // Publishes the entry, and with it the result.
    Atomics.store(words, tailAt, (tail + 1) | 0);
  }

  /** Coordinator: where `worker` has come to in its list of finished cells. */
  doneTail(worker: number): number {
    return Atomics.load(this.#words, doneTailAt(worker));
  }

  /** Coordinator: the finished cell at `position` of `worker`'s list. */
  doneCell(worker: number, position: number): number {
    return this.#words[doneAt(worker, position)]!;
  }

  /** Coordinator: gives the cell up, so that it can be filled anew. */
  free(cell: number): void {
    const at = cellAt(cell) + STATE;
    Atomics.store(this.#words, at, withState(this.#words[at]!, FREE, 0));
  }

  /** Coordinator: the cells that `worker`, dead for certain, had claimed: finished or not. */
  heldBy(worker: number): { cell: number; done: boolean }[] {
    const held: { cell: number; done: boolean }[] = [];
    for (let cell = 0; cell < CELLS; cell++) {
      const word = Atomics.load(this.#words, cellAt(cell) + STATE);
      const state = stateOf(word);
      if ((state === RUNNING || state === DONE) && workerOf(word) === worker) {
        held.push({ cell, done: state === DONE });
      }
    }
    return held;
  }

  /**
   * Coordinator: whether the ring has room for one more entry. Entries that were claimed but not passed,
   * early or by a thread that died, are passed here when they would fill it.
   */
  makeRoom(): boolean {
    const words = this.#words;
    for (;;) {
      const head = Atomics.load(words, RING_HEAD);
      if (((words[RING_TAIL]! - head) | 0) < RING_CAPACITY) return true;
      const cell = words[ringAt(head)]!;
      if (stateOf(Atomics.load(words, cellAt(cell) + STATE)) === READY) return false;
      Atomics.compareExchange(words, RING_HEAD, head, (head + 1) | 0);
    }
  }
}
