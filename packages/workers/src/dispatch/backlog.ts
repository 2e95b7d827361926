/**
 * The backlog: tasks for which there is no cell yet, by ring; in each ring first in, first out. Rings take
 * turns as they do among the workers, or low tasks would wait here as long as higher ones come.
 */
import { ringsAt } from './claims.js';
import { RINGS } from './layout.js';
import { ELSEWHERE, type Task } from './task.js';

const LEAST_PLACES = 64;

/** A circle of places, which doubles when it is full, and begins anew when all have left. */
class Queue {
  #places: (Task | undefined)[] = [];
  #head = 0;
  #tail = 0;

  /** The first that has not settled meanwhile. */
  get first(): Task | undefined {
    while (this.#head !== this.#tail) {
      const task = this.#places[this.#head & (this.#places.length - 1)];
      if (task!.cell !== ELSEWHERE) return task;
      this.shift();
    }
    return undefined;
  }

  push(task: Task): void {
    if (this.#tail - this.#head === this.#places.length) this.#grow();
    this.#places[this.#tail++ & (this.#places.length - 1)] = task;
  }

  shift(): void {
    // Who has left must not be held on to.
    this.#places[this.#head++ & (this.#places.length - 1)] = undefined;
    if (this.#head !== this.#tail) return;
    this.#head = this.#tail = 0;
    if (this.#places.length > LEAST_PLACES) this.#places = [];
  }

  #grow(): void {
    const { length } = this.#places;
    const places: (Task | undefined)[] = [];
    for (let i = 0; i < length; i++) places.push(this.#places[(this.#head + i) & (length - 1)]);
    // Not by Array.from, which takes several times as long: up to a twentieth of what a task costs, with 10,000 in flight.
    while (places.length < Math.max(LEAST_PLACES, 2 * length)) places.push(undefined);
    this.#places = places;
    this.#head = 0;
    this.#tail = length;
  }
}

export class Backlog {
  readonly #queues = Array.from({ length: RINGS }, () => new Queue());
  /** A bit for each ring in which tasks may wait. */
  #used = 0;
  #length = 0;
  #turn = 0;

  get length(): number {
    return this.#length;
  }

  /** Whether tasks of `ring` wait. */
  has(ring: number): boolean {
    return ((this.#used >>> ring) & 1) !== 0 && this.#queues[ring]!.first !== undefined;
  }

  push(task: Task, ring: number): void {
    this.#queues[ring]!.push(task);
    this.#used |= 1 << ring;
    this.#length++;
  }

  /** One of its tasks has settled; it is passed over from now on. */
  forget(task: Task): void {
    task.cell = ELSEWHERE;
    this.#length--;
  }

  /** Offers the tasks in turn to `take`, until it refuses one of each ring. */
  drain(take: (task: Task, ring: number) => boolean): void {
    let open = this.#used;
    while (open !== 0) {
      const ring = this.#nextOf(open);
      const queue = this.#queues[ring]!;
      const task = queue.first;
      if (task === undefined) this.#used &= ~(1 << ring);
      if (task === undefined || !take(task, ring)) {
        open &= ~(1 << ring);
        continue;
      }
      queue.shift();
      this.#length--;
      this.#turn++;
    }
  }

  /** Whose turn it is of the rings in `open`, a bit each. */
  #nextOf(open: number): number {
    // As a rule there is one: among tens of thousands of tasks it pays not to ask the others each time.
    if ((open & (open - 1)) === 0) return 31 - Math.clz32(open);
    return ringsAt(this.#turn).find((ring) => ((open >>> ring) & 1) !== 0)!;
  }
}
