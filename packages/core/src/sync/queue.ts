/**
 * A queue of the tasks of one thread: they come to a shared structure one at a time, in their order.
 *
 * Of a hundred tasks that want a mutex, only the first contends for it with other threads: a hundred
 * that are woken each time to see ninety-nine lose would be a thundering herd within one thread.
 */
import type { Ending, Patience } from './patience.js';
import { Pending } from './pending.js';

export class TaskQueue<Wish, Turn> {
  readonly #waiting = new Map<Pending<Turn>, Wish>();

  get length(): number {
    return this.#waiting.size;
  }

  /** What the first task wishes for; undefined when there is none. */
  get first(): Wish | undefined {
    for (const wish of this.#waiting.values()) return wish;
    return undefined;
  }

  /** Waits until {@link call} has come to this task. */
  async join(wish: Wish, patience: Patience): Promise<Turn | Ending> {
    if (patience.aborted) return 'aborted';
    const task = new Pending<Turn>(patience, (given) => this.#waiting.delete(given));
    this.#waiting.set(task, wish);
    return task.outcome;
  }

  /** Hands `turn` to the first task; false when there is none. */
  call(turn: Turn): boolean {
    for (const task of this.#waiting.keys()) {
      this.#waiting.delete(task);
      task.settle(turn);
      return true;
    }
    return false;
  }
}
