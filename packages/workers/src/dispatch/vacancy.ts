/**
 * Vacancy: how tasks that another thread submits have the mill start more threads, which its own thread alone can do.
 *
 *   mill's thread: says that it wants to be told, then looks whether tasks wait
 *   submitter:     publishes a task, then looks whether the mill wants to be told, takes that back, and tells
 *
 * One of the two sees the other. Who takes it back is the only one to tell, so that a burst costs one message. If that
 * thread dies before it has told, its burial says so again.
 *
 * A mill wants to be told of any task while there could be more threads; and of a small one while some worker is at a
 * large operation and no express worker stands by.
 */
import { IdSet } from './id-set.js';
import { EXPRESS, EXPRESS_DUE, OCCUPIED, VACANT } from './layout.js';

export class Vacancy {
  readonly #words: Int32Array;
  readonly #occupied: IdSet;

  constructor(words: Int32Array) {
    this.#words = words;
    this.#occupied = new IdSet(words, OCCUPIED);
  }

  /** The mill's thread: there could be more workers. It must look whether tasks wait, after this. */
  announce(): void {
    Atomics.store(this.#words, VACANT, 1);
  }

  /** The mill's thread: there is no express worker, and none starts. It must look whether small tasks wait, after this. */
  announceExpress(): void {
    Atomics.store(this.#words, EXPRESS_DUE, 0);
  }

  /** Submitter: whether it is the one to tell, having published a task. */
  take(bulk: boolean): boolean {
    return (
      this.#change(VACANT, 1, 0) || (!bulk && this.#wantsExpress && this.#change(EXPRESS_DUE, 0, 1))
    );
  }

  get #wantsExpress(): boolean {
    return !this.#occupied.isEmpty && Atomics.load(this.#words, EXPRESS) === 0;
  }

  #change(at: number, from: number, to: number): boolean {
    const words = this.#words;
    return (
      Atomics.load(words, at) === from && Atomics.compareExchange(words, at, from, to) === from
    );
  }
}
