/**
 * Loans: the buffers in use, in the order in which they were handed out. A chain through the buffers themselves,
 * so that to enter and to leave costs a few stores.
 */
import type { StoredBuffer } from './managed-buffer.js';

export class Loans {
  #oldest: StoredBuffer | undefined = undefined;
  #newest: StoredBuffer | undefined = undefined;

  enter(stored: StoredBuffer): void {
    const newest = this.#newest;
    stored.before = newest;
    if (newest === undefined) this.#oldest = stored;
    else newest.after = stored;
    this.#newest = stored;
  }

  leave(stored: StoredBuffer): void {
    const { before, after } = stored;
    if (before === undefined) this.#oldest = after;
    else before.after = after;
    if (after === undefined) this.#newest = before;
    else after.before = before;
    stored.before = undefined;
    stored.after = undefined;
  }

  /** Those that have been in use since `ms` or longer ago, oldest first. */
  *since(ms: number): Generator<StoredBuffer> {
    for (let stored = this.#oldest; stored && stored.lastUsed <= ms; stored = stored.after) {
      yield stored;
    }
  }
}
