/**
 * Vacancy: how tasks that another thread submits have the mill start more threads, when there could be more.
 *
 *   mill's thread: announces the vacancy, then looks whether tasks wait
 *   submitter:     publishes a task, then looks for a vacancy, takes it, and tells the mill's thread
 *
 * One of the two sees the other. Who takes it is the only one to tell, so that a burst costs one message. If that thread
 * dies before it has told, its burial announces the vacancy again.
 */
import { VACANT } from './layout.js';

export class Vacancy {
  readonly #words: Int32Array;

  constructor(words: Int32Array) {
    this.#words = words;
  }

  /** The mill's thread: it wants to be told, once, when tasks are submitted. It must look whether some wait, after this. */
  announce(): void {
    Atomics.store(this.#words, VACANT, 1);
  }

  /** Submitter: whether it is the one to tell, having published a task. */
  take(): boolean {
    return (
      Atomics.load(this.#words, VACANT) === 1 &&
      Atomics.compareExchange(this.#words, VACANT, 1, 0) === 1
    );
  }
}
