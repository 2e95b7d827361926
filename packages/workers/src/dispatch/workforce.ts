/**
 * The workforce: the workers as the coordinator lets them in, wakes them, and buries them.
 *
 * A burial is told to the owner of every lane in use: what the dead worker was at, and what it had
 * finished, is marked in the cells first.
 */
import { LaneSignal } from './lane-signal.js';
import { heapAt, laneOf, type LaneLayout } from './layout.js';
import { TaskTable } from './task-table.js';
import { Vacancy } from './vacancy.js';
import { WakeUp } from './wake-up.js';

const NOBODY = 0;

export class Workforce {
  readonly #words: Int32Array;
  readonly #wakeUp: WakeUp;
  readonly #vacancy: Vacancy;
  readonly #layoutOf: (lane: number) => LaneLayout;

  /** @param layoutOf where the lanes lie; explorations have smaller ones */
  constructor(words: Int32Array, layoutOf: (lane: number) => LaneLayout = laneOf) {
    this.#words = words;
    this.#wakeUp = new WakeUp(words);
    this.#vacancy = new Vacancy(words);
    this.#layoutOf = layoutOf;
  }

  /** Makes ready for a worker that is about to start; an express one runs small tasks while all others are occupied. */
  admit(worker: number, express = false): void {
    this.#wakeUp.admit(worker, express);
  }

  /** Has `worker` look at its port, and at what concerns its tasks. */
  call(worker: number): void {
    this.#wakeUp.call(worker);
  }

  /** A message is about to be posted to `worker`. */
  post(worker: number): void {
    this.#wakeUp.post(worker);
  }

  /** Wakes all of `workers`, so that they read their ports. */
  wakeAll(workers: Iterable<number>): void {
    this.#wakeUp.wakeAll(workers);
  }

  /** Tells `workers` to leave. */
  close(workers: Iterable<number>): void {
    this.#wakeUp.close(workers);
  }

  /** Whether `worker` has begun to look for work. */
  hasBegun(worker: number): boolean {
    return this.#wakeUp.hasBegun(worker);
  }

  /** Asks one worker to leave once it has finished what it has begun. */
  askToLeave(worker: number): void {
    this.#wakeUp.askToLeave(worker);
  }

  /** Whether a worker that is gone had left of itself, with nothing in its hands. */
  hasLeft(worker: number): boolean {
    return this.#wakeUp.hasLeft(worker);
  }

  /** There is no express worker: who submits a small task while one is needed tells. Whether one is needed now. */
  announceExpress(): boolean {
    this.#vacancy.announceExpress();
    return this.occupied && this.#tables().some((table) => table.waitingFor(NOBODY, true));
  }

  /** There could be more workers: who submits a task from now on tells. */
  announceVacancy(): void {
    this.#vacancy.announce();
  }

  /** How many tasks no worker has taken yet, or a few more. */
  get waiting(): number {
    return this.#tables().reduce((sum, table) => sum + table.length, 0);
  }

  /** How many tasks no worker has taken yet. Looks at every cell: not for often. */
  get unclaimed(): number {
    return this.#tables().reduce((sum, table) => sum + table.unclaimed, 0);
  }

  /** A number that changes with every task that `worker` finishes. */
  finishedBy(worker: number): number {
    return this.#tables().reduce((sum, table) => sum + table.doneTail(worker), 0);
  }

  /** Whether `worker` has a task. Looks at every cell: not for often. */
  isBusy(worker: number): boolean {
    return this.#tables().some((table) => table.isHeldBy(worker));
  }

  /** Bytes of JavaScript heap that `worker` used when it last looked. */
  heapOf(worker: number): number {
    return Atomics.load(this.#words, heapAt(worker)) * 1024;
  }

  /** Whether a worker is at a chunk of a large operation. */
  get occupied(): boolean {
    return this.#wakeUp.occupied;
  }

  /** Whether `thread` has submitted tasks, perhaps. */
  hasLane(thread: number): boolean {
    return this.#wakeUp.laneInUse(thread);
  }

  /** `worker` is dead for certain: marks what it left behind, and tells those whom it concerns. */
  bury(worker: number): void {
    this.#wakeUp.forget(worker);
    for (const table of this.#tables()) {
      table.orphan(worker);
      new LaneSignal(this.#words, table.layout).tellOfOrphans();
    }
    // It may have been the one that was woken, or that looked for work while nobody was woken.
    this.#wakeUp.wakeEveryone();
  }

  /** The tables of the lanes in use. */
  #tables(): TaskTable[] {
    return this.#wakeUp.lanesInUse.map((lane) => new TaskTable(this.#words, this.#layoutOf(lane)));
  }
}
