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
 * was at. Only the owner frees a cell. An entry that was withdrawn stays behind, and may name a cell that
 * is READY again: for another ring, which the cell's flags tell, so that nobody takes it here; or further
 * down this one, where to claim it early does no harm. Positions are 32-bit counters that wrap after 2^32
 * tasks; a thread would have to sleep through exactly that many to mistake one for another.
 */
import { LINE } from '@millrace/core/internal';
import {
  AVOID,
  BULK,
  DONE,
  FIRST_BULK_RING,
  FLAGS,
  FREE,
  LEFT,
  ORPHANED,
  READY,
  RETRY_RING,
  RINGS,
  RUNNING,
  STATE,
  USED,
  nextGeneration,
  ringIn,
  stateOf,
  withRing,
  withState,
  workerOf,
  type LaneLayout,
} from './layout.js';

const NOBODY = 0;
const ALL_RINGS = (1 << RINGS) - 1;
const SMALL_RINGS = (1 << FIRST_BULK_RING) - 1;

export class TaskTable {
  readonly words: Int32Array;
  readonly layout: LaneLayout;
  readonly #tailsAt: number;
  readonly #usedAt: number;
  readonly #headsAt: number;
  readonly #ringsAt: number;
  readonly #ringMask: number;
  readonly #ringWords: number;
  readonly #cellsAt: number;
  readonly #doneAt: number;
  readonly #doneWords: number;
  readonly #doneMask: number;
  /** Owner: the rings that USED names for certain. */
  #used = 0;
  /** Owner: where each ring's head was when it last looked, which is to wait for a worker's line. A head only moves on. */
  readonly #headsSeen: (number | undefined)[] = [];

  constructor(words: Int32Array, layout: LaneLayout) {
    this.words = words;
    this.layout = layout;
    this.#tailsAt = layout.at;
    this.#usedAt = layout.at + USED;
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
    if (((this.#used >>> ring) & 1) === 0) this.#use(ring);
    words[at + FLAGS] = withRing(words[at + FLAGS]!, ring);
    // The cell's fields were stored before: this publishes them to whoever sees READY.
    Atomics.store(words, at, nextGeneration(Atomics.load(words, at), READY));
    words[this.#entryAt(ring, tail)] = cell;
    // Publishes the ring's entry.
    Atomics.store(words, tailAt, (tail + 1) | 0);
  }

  /** A bit for each ring that is worth a look: it is set before whoever publishes looks for sleepers. */
  get used(): number {
    return Atomics.load(this.words, this.#usedAt);
  }

  /**
   * Worker: claims the oldest task in `ring` that is ready and that it may take; where its cell is, −1 when
   * there is none.
   *
   * @param smallOnly leaves chunks of large operations to others
   */
  claim(ring: number, worker: number, smallOnly = false): number {
    const { words } = this;
    const headAt = this.#headsAt + ring * LINE;
    let position = Atomics.load(words, headAt);
    while (position !== Atomics.load(words, this.#tailsAt + ring)) {
      const at = this.at(Atomics.load(words, this.#entryAt(ring, position)));
      const word = Atomics.load(words, at + STATE);
      const isHere = stateOf(word) === READY && ringIn(words[at + FLAGS]!) === ring;
      if (isHere && ring === RETRY_RING && !this.#isFor(at, worker, smallOnly)) {
        // It stays at the head, or behind it, for others.
        position = (position + 1) | 0;
        continue;
      }
      // What was read of the cell before is right if this succeeds.
      const mine =
        isHere &&
        Atomics.compareExchange(words, at + STATE, word, withState(word, RUNNING, worker)) === word;
      Atomics.compareExchange(words, headAt, position, (position + 1) | 0);
      if (mine) return at;
      position = (position + 1) | 0;
    }
    return -1;
  }

  /** Whether something waits that `worker` may take, at a glance. */
  waitingFor(worker: number, smallOnly = false): boolean {
    const { words } = this;
    let rings = this.used & (smallOnly ? SMALL_RINGS : ALL_RINGS);
    for (; rings !== 0; rings &= rings - 1) {
      const ring = 31 - Math.clz32(rings & -rings);
      let head = Atomics.load(words, this.#headsAt + ring * LINE);
      const tail = Atomics.load(words, this.#tailsAt + ring);
      if (ring !== RETRY_RING && head !== tail) return true;
      for (; head !== tail; head = (head + 1) | 0) {
        const at = this.at(Atomics.load(words, this.#entryAt(ring, head)));
        if (this.#isReadyIn(ring, at) && this.#isFor(at, worker, smallOnly)) return true;
      }
    }
    return false;
  }

  /** Whether anything waits, at a glance. */
  get waiting(): boolean {
    return this.waitingFor(NOBODY);
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

  /** Owner: whether `worker` has finished the task in the cell. */
  isDoneBy(cell: number, worker: number): boolean {
    const word = Atomics.load(this.words, this.at(cell) + STATE);
    const state = stateOf(word);
    return (state === DONE || state === LEFT) && workerOf(word) === worker;
  }

  /** Owner: gives the cell up, so that it can be filled anew. */
  free(cell: number): void {
    const at = this.at(cell) + STATE;
    // Its worker may be buried just now.
    Atomics.store(this.words, at, withState(Atomics.load(this.words, at), FREE, 0));
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

  /** How many tasks no worker has claimed. Looks at every cell: not for often. */
  get unclaimed(): number {
    let unclaimed = 0;
    for (let cell = 0; cell < this.layout.cells; cell++) {
      if (this.look(cell).state === READY) unclaimed++;
    }
    return unclaimed;
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
    const seen = this.#headsSeen[ring];
    if (seen !== undefined && ((words[this.#tailsAt + ring]! - seen) | 0) < this.#ringWords) {
      return true;
    }
    const headAt = this.#headsAt + ring * LINE;
    for (;;) {
      const head = Atomics.load(words, headAt);
      this.#headsSeen[ring] = head;
      if (((words[this.#tailsAt + ring]! - head) | 0) < this.#ringWords) return true;
      if (this.#isReadyIn(ring, this.at(words[this.#entryAt(ring, head)]!))) return false;
      Atomics.compareExchange(words, headAt, head, (head + 1) | 0);
    }
  }

  #isReadyIn(ring: number, at: number): boolean {
    const { words } = this;
    return (
      stateOf(Atomics.load(words, at + STATE)) === READY && ringIn(words[at + FLAGS]!) === ring
    );
  }

  /** Whoever buries the lane's owner: passes all entries, none of which is READY. */
  forgetRings(): void {
    for (let ring = 0; ring < RINGS; ring++) {
      Atomics.store(this.words, this.#headsAt + ring * LINE, this.words[this.#tailsAt + ring]!);
    }
  }

  /** Whether `worker` may take the task in the cell at `at`, of the ring of those that are tried again. */
  #isFor(at: number, worker: number, smallOnly: boolean): boolean {
    if (smallOnly && (this.words[at + FLAGS]! & BULK) !== 0) return false;
    const avoided = Atomics.load(this.words, at + AVOID);
    return avoided === NOBODY || avoided !== worker;
  }

  #use(ring: number): void {
    this.#used |= 1 << ring;
    Atomics.or(this.words, this.#usedAt, 1 << ring);
  }

  #entryAt(ring: number, position: number): number {
    return this.#ringsAt + ring * this.#ringWords + (position & this.#ringMask);
  }

  #doneTailAt(worker: number): number {
    return this.#doneAt + worker * this.#doneWords;
  }
}
