/** The backlog: tasks for which there is no cell yet, by ring; in each ring first in, first out. */
import { RINGS } from './layout.js';
import { SETTLED, type Task } from './task.js';

/** So many places of tasks that have left are put up with. */
const MOST_LEFT = 1024;

class Queue {
  #tasks: (Task | undefined)[] = [];
  #head = 0;

  get first(): Task | undefined {
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

  /** Offers the tasks in turn to `take`, ring by ring, until it refuses one of each. */
  drain(take: (task: Task, ring: number) => boolean): void {
    if (this.#length === 0) return;
    for (const [ring, queue] of this.#queues.entries()) {
      for (let task = queue.first; task; task = queue.first) {
        if (task.cell !== SETTLED) {
          if (!take(task, ring)) break;
          this.#length--;
        }
        queue.shift();
      }
    }
  }
}
