/** The backlog: tasks for which there is no cell yet, first in, first out. */
import type { Task } from './task.js';

export class Backlog {
  #tasks: Task[] = [];
  #head = 0;

  get length(): number {
    return this.#tasks.length - this.#head;
  }

  push(task: Task): void {
    this.#tasks.push(task);
  }

  /** Offers the tasks in turn to `take`, until it refuses one. */
  drain(take: (task: Task) => boolean): void {
    while (this.length > 0 && take(this.#tasks[this.#head]!)) this.#head++;
    if (this.length === 0 && this.#head > 0) {
      this.#tasks = [];
      this.#head = 0;
    }
  }
}
