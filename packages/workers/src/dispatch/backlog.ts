/**
 * The backlog: tasks for which there is no cell yet, by ring; in each ring first in, first out. Rings take
 * turns as they do among the workers, or low tasks would wait here as long as higher ones come.
 */
import { ringsAt } from './claims.js';
import { RINGS } from './layout.js';
import { SETTLED, type Task } from './task.js';

/** So many places of tasks that have left are put up with. */
const MOST_LEFT = 1024;

class Queue {
  #tasks: (Task | undefined)[] = [];
  #head = 0;

  /** The first that has not settled meanwhile. */
  get first(): Task | undefined {
    while (this.#tasks[this.#head]?.cell === SETTLED) this.shift();
    return this.#tasks[this.#head];
  }

  push(task: Task): void {
    this.#tasks.push(task);
  }

  shift(): void {
    // Who has left must not be held on to.
    this.#tasks[this.#head++] = undefined;
    if (this.#head < MOST_LEFT && this.#head < this.#tasks.length) return;
    this.#tasks.splice(0, this.#head);
    this.#head = 0;
  }
}

export class Backlog {
  readonly #queues = Array.from({ length: RINGS }, () => new Queue());
  #length = 0;
  #turn = 0;

  get length(): number {
    return this.#length;
  }

  /** Whether tasks of `ring` wait. */
  has(ring: number): boolean {
    return this.#queues[ring]!.first !== undefined;
  }

  push(task: Task, ring: number): void {
    this.#queues[ring]!.push(task);
    this.#length++;
  }

  /** One of its tasks has settled; it is passed over from now on. */
  forget(task: Task): void {
    task.cell = SETTLED;
    this.#length--;
  }

  /** Offers the tasks in turn to `take`, until it refuses one of each ring. */
  drain(take: (task: Task, ring: number) => boolean): void {
    if (this.#length === 0) return;
    const refused = new Set<number>();
    while (this.#length > 0) {
      const ring = ringsAt(this.#turn).find((each) => !refused.has(each) && this.has(each));
      if (ring === undefined) return;
      const queue = this.#queues[ring]!;
      if (!take(queue.first!, ring)) {
        refused.add(ring);
        continue;
      }
      queue.shift();
      this.#length--;
      this.#turn++;
    }
  }
}
