/**
 * The task table: how a task gets from its submitter to one worker and back, in one lane.
 *
 *   owner of the lane               worker
 *   fill cell, READY
 *   ring[tail] = cell, tail+1  ──▶  cell = ring[head]
 *                                   READY → RUNNING | me        the claim: one compare-and-exchange
 *                                   head+1                      a hint; the next claimer helps if we die here
 *                                   run, write the result
 *   reap: done[worker]         ◀──  DONE; done[tail] = cell, tail+1
 *
 *   withdraw: READY → FREE          loses to a claim, or the claim to it
 *   worker dies                     RUNNING → ORPHANED, DONE → LEFT, by whoever buries it
 *
 * A claim names its worker in the same exchange, so that after a death it can be told what the thread
 * was at. Only the owner frees a cell. Which ring a cell stands in is the order of service and nothing
 * more: an entry that was withdrawn stays behind, and may name a cell that is READY again for another
 * ring; to claim it early does no harm. Positions are 32-bit counters that wrap after 2^32 tasks; a
 * thread would have to sleep through exactly that many to mistake one for another.
 */
import { LINE } from '@millrace/core/internal';
import {
  AVOID,
  DONE,
  FREE,
  LEFT,
  ORPHANED,
  READY,
  RETRY_RING,
  RINGS,
  RUNNING,
  STATE,
  nextGeneration,
  stateOf,
  withState,
  workerOf,
  type LaneLayout,
} from './layout.js';

const NOBODY = 0;

export class TaskTable {
  readonly words: Int32Array;
  readonly layout: LaneLayout;
  readonly #tailsAt: number;
  readonly #headsAt: number;
  readonly #ringsAt: number;
  readonly #ringMask: number;
  readonly #ringWords: number;
  readonly #cellsAt: number;
  readonly #doneAt: number;
  readonly #doneWords: number;
  readonly #doneMask: number;

  constructor(words: Int32Array, layout: LaneLayout) {
    this.words = words;
    this.layout = layout;
    this.#tailsAt = layout.at;
    this.#headsAt = layout.headsAt;
    this.#ringsAt = layout.ringsAt;
    this.#ringWords = 2 * layout.cells;
    this.#ringMask = this.#ringWords - 1;
    this.#cellsAt = layout.cellsAt;
    this.#doneAt = layout.doneAt;
    this.#doneWords = LINE + layout.cells;
    this.#doneMask = layout.cells - 1;
  }

  /** Where the words of a cell begin. */
  at(cell: number): number {
    return this.#cellsAt + cell * LINE;
  }

  /** Owner: offers a filled cell to whichever worker comes first, having made room in `ring`. */
  publish(cell: number, ring: number): void {
    const { words } = this;
    const at = this.at(cell) + STATE;
    const tailAt = this.#tailsAt + ring;
    const tail = words[tailAt]!;
    // The cell's fields were stored before: this publishes them to whoever sees READY.
    Atomics.store(words, at, nextGeneration(words[at]!, READY));
    words[this.#entryAt(ring, tail)] = cell;
    // Publishes the ring's entry.
    Atomics.store(words, tailAt, (tail + 1) | 0);
  }

  /** Worker: claims the oldest task in `ring` that is ready; where its cell is, −1 when there is none. */
  claim(ring: number, worker: number): number {
    const { words } = this;
    const headAt = this.#headsAt + ring * LINE;
    for (;;) {
      const head = Atomics.load(words, headAt);
      if (head === Atomics.load(words, this.#tailsAt + ring)) return -1;
      const at = this.at(Atomics.load(words, this.#entryAt(ring, head)));
      const word = Atomics.load(words, at + STATE);
      if (ring === RETRY_RING && this.#avoids(head, worker)) return -1;
      const mine =
        stateOf(word) === READY &&
        Atomics.compareExchange(words, at + STATE, word, withState(word, RUNNING, worker)) === word;
      Atomics.compareExchange(words, headAt, head, (head + 1) | 0);
      if (mine) return at;
    }
  }

  /** Whether something waits in one of the first `rings` that is not one for which `worker` is avoided, at a glance. */
  waitingFor(worker: number, rings: number): boolean {
    const { words } = this;
    for (let ring = 0; ring < rings; ring++) {
      const head = Atomics.load(words, this.#headsAt + ring * LINE);
      if (head === Atomics.load(words, this.#tailsAt + ring)) continue;
      if (ring !== RETRY_RING || !this.#avoids(head, worker)) return true;
    }
    return false;
  }

  /** Whether anything waits, at a glance. */
  get waiting(): boolean {
    return this.waitingFor(NOBODY, RINGS);
  }

  /** How many entries wait to be passed, those of tasks that were withdrawn included. */
  get length(): number {
    const { words } = this;
    let length = 0;
    for (let ring = 0; ring < RINGS; ring++) {
      const head = Atomics.load(words, this.#headsAt + ring * LINE);
      length += (Atomics.load(words, this.#tailsAt + ring) - head) | 0;
    }
    return length;
  }

  /** Worker: reports the cell at `at` that it had claimed; its result was stored before. */
  finish(at: number, worker: number): void {
    const { words } = this;
    Atomics.store(words, at + STATE, withState(words[at + STATE]!, DONE, worker));
    const tailAt = this.#doneTailAt(worker);
    const tail = words[tailAt]!;
    words[tailAt + LINE + (tail & this.#doneMask)] = (at - this.#cellsAt) / LINE;
    // Publishes the entry, and with it the result.
    Atomics.store(words, tailAt, (tail + 1) | 0);
  }

  /** Owner: where `worker` has come to in its list of finished cells. */
  doneTail(worker: number): number {
    return Atomics.load(this.words, this.#doneTailAt(worker));
  }

  /** Owner: the finished cell at `position` of `worker`'s list. */
  doneCell(worker: number, position: number): number {
    return this.words[this.#doneTailAt(worker) + LINE + (position & this.#doneMask)]!;
  }

  /** Owner: gives the cell up, so that it can be filled anew. */
  free(cell: number): void {
    const at = this.at(cell) + STATE;
    Atomics.store(this.words, at, withState(this.words[at]!, FREE, 0));
  }

  /** Owner: takes a task back that no worker has begun; false when one has. */
  withdraw(cell: number): boolean {
    const at = this.at(cell) + STATE;
    const word = Atomics.load(this.words, at);
    return (
      stateOf(word) === READY &&
      Atomics.compareExchange(this.words, at, word, withState(word, FREE, 0)) === word
    );
  }

  /** The state of a cell, and the worker that has claimed it or 0. */
  look(cell: number): { state: number; worker: number } {
    const word = Atomics.load(this.words, this.at(cell) + STATE);
    return { state: stateOf(word), worker: workerOf(word) };
  }

  /** Whether `worker` is at some task. */
  isHeldBy(worker: number): boolean {
    for (let cell = 0; cell < this.layout.cells; cell++) {
      const { state, worker: holder } = this.look(cell);
      if (state === RUNNING && holder === worker) return true;
    }
    return false;
  }

  /**
   * Whoever buries `worker`, dead for certain: marks what it was at, and what it had finished, perhaps
   * without having come to say so. Its owner may be settling the latter just now, and free the cell.
   */
  orphan(worker: number): void {
    for (let cell = 0; cell < this.layout.cells; cell++) {
      const at = this.at(cell) + STATE;
      const word = Atomics.load(this.words, at);
      if (workerOf(word) !== worker) continue;
      const state = stateOf(word);
      const mark = state === RUNNING ? ORPHANED : state === DONE ? LEFT : undefined;
      if (mark === undefined) continue;
      Atomics.compareExchange(this.words, at, word, withState(word, mark, worker));
    }
  }

  /**
   * Owner: whether `ring` has room for one more entry. Entries that were withdrawn, or claimed and not
   * passed, early or by a thread that died, are passed here when they would fill it.
   */
  makeRoom(ring: number): boolean {
    const { words } = this;
    const headAt = this.#headsAt + ring * LINE;
    for (;;) {
      const head = Atomics.load(words, headAt);
      if (((words[this.#tailsAt + ring]! - head) | 0) < this.#ringWords) return true;
      const at = this.at(words[this.#entryAt(ring, head)]!) + STATE;
      if (stateOf(Atomics.load(words, at)) === READY) return false;
      Atomics.compareExchange(words, headAt, head, (head + 1) | 0);
    }
  }

  /** Whether the task at `head` of the ring of those that are tried again is not for `worker`. */
  #avoids(head: number, worker: number): boolean {
    const at = this.at(Atomics.load(this.words, this.#entryAt(RETRY_RING, head)));
    return (
      stateOf(Atomics.load(this.words, at + STATE)) === READY && this.words[at + AVOID] === worker
    );
  }

  /** Whoever buries the lane's owner: passes all entries, none of which is READY. */
  forgetRings(): void {
    for (let ring = 0; ring < RINGS; ring++) {
      Atomics.store(this.words, this.#headsAt + ring * LINE, this.words[this.#tailsAt + ring]!);
    }
  }

  #entryAt(ring: number, position: number): number {
    return this.#ringsAt + ring * this.#ringWords + (position & this.#ringMask);
  }

  #doneTailAt(worker: number): number {
    return this.#doneAt + worker * this.#doneWords;
  }
}
