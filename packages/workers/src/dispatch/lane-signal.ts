/**
 * The lane's signal: how workers tell a lane's owner that something is done, if it rests.
 *
 * The owner asks for a signal and then looks once more; a worker finishes a task and then looks whether
 * a signal is wanted. One of the two sees the other. See `wake-up.ts`.
 */
import { ORPHANS, REST, SIGNAL, type LaneLayout } from './layout.js';

export class LaneSignal {
  readonly #words: Int32Array;
  readonly #restAt: number;
  readonly #signalAt: number;
  readonly #orphansAt: number;

  constructor(words: Int32Array, lane: LaneLayout) {
    this.#words = words;
    this.#restAt = lane.at + REST;
    this.#signalAt = lane.at + SIGNAL;
    this.#orphansAt = lane.at + ORPHANS;
  }

  /** Worker: tells the owner that something is done, if it rests. */
  signal(): void {
    const words = this.#words;
    if (
      Atomics.load(words, this.#restAt) === 1 &&
      Atomics.compareExchange(words, this.#restAt, 1, 0) === 1
    ) {
      Atomics.add(words, this.#signalAt, 1);
      Atomics.notify(words, this.#signalAt);
    }
  }

  /** Owner: asks for a signal; it must look for finished tasks once more before it rests. */
  ask(): void {
    Atomics.store(this.#words, this.#restAt, 1);
  }

  /** Owner: needs no signal any more. */
  stopAsking(): void {
    Atomics.store(this.#words, this.#restAt, 0);
  }

  /** Owner: resolves at the next signal after `seen`; `undefined` when it has come already. */
  next(seen: number): Promise<unknown> | undefined {
    const wait = Atomics.waitAsync(this.#words, this.#signalAt, seen);
    return wait.async ? wait.value : undefined;
  }

  get count(): number {
    return Atomics.load(this.#words, this.#signalAt);
  }

  /**
   * Whoever buries a worker: it may have left tasks of this lane behind, which are marked. It may also have
   * died before it gave the signal that it had taken upon itself: so this one is given in any case.
   */
  tellOfOrphans(): void {
    const words = this.#words;
    Atomics.add(words, this.#orphansAt, 1);
    Atomics.add(words, this.#signalAt, 1);
    Atomics.notify(words, this.#signalAt);
  }

  /** Owner: changes whenever there may be orphans. */
  get orphans(): number {
    return Atomics.load(this.#words, this.#orphansAt);
  }
}
