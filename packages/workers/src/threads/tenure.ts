/** A worker's tenure: how many tasks it may still take, and how large it tells that its heap is. */
import { heapAt } from '../dispatch/layout.js';

/** Heap statistics cost microseconds: a worker looks at them no more often than this. */
const LOOK_EVERY_MS = 20;

export class Tenure {
  readonly #words: Int32Array;
  readonly #heapAt: number;
  readonly #tellHeap: boolean;
  #tasksLeft: number;
  #lookedMs = -Infinity;

  constructor(words: Int32Array, worker: number, afterTasks: number, tellHeap: boolean) {
    this.#words = words;
    this.#heapAt = heapAt(worker);
    this.#tasksLeft = afterTasks;
    this.#tellHeap = tellHeap;
  }

  /** Whether it has run as many tasks as it may. */
  get over(): boolean {
    return this.#tasksLeft <= 0;
  }

  /** Counts a task that it has taken. */
  takes(): void {
    this.#tasksLeft--;
  }

  /** Between tasks: says how large the heap is, if that is asked and it has not done so lately. */
  tellHeap(): void {
    if (!this.#tellHeap) return;
    const now = performance.now();
    if (now - this.#lookedMs < LOOK_EVERY_MS) return;
    this.#lookedMs = now;
    // In KiB, so that it fits a word. The coordinator reads it now and then.
    const { used_heap_size: used } = process.getBuiltinModule('node:v8').getHeapStatistics();
    Atomics.store(this.#words, this.#heapAt, used / 1024);
  }
}
