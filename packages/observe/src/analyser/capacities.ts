/**
 * How many bytes buffers have: those of their class, unless an `allocated` said otherwise, as it does of a buffer that was made for one
 * use. Others are remembered until they are destroyed, and up to a bound, in case that is never told.
 */
import type { BufferSizes } from '@millrace/core';
import type { TraceEvent } from '../trace/trace-event.js';

const MOST = 1 << 16;

export class Capacities {
  readonly #sizes: BufferSizes;
  readonly #odd = new Map<number, number>();

  constructor(sizes: BufferSizes) {
    this.#sizes = sizes;
  }

  made({ id, class: of, size }: TraceEvent): void {
    this.destroyed(id);
    if (size === this.#sizes[of]) return;
    const [oldest] = this.#odd.keys();
    if (this.#odd.size >= MOST && oldest !== undefined) this.#odd.delete(oldest);
    this.#odd.set(id, size);
  }

  destroyed(id: number): void {
    this.#odd.delete(id);
  }

  /** Of the buffer that was retrieved. */
  of({ id, class: of, size }: TraceEvent): number {
    return Math.max(size, this.#odd.get(id) ?? this.#sizes[of]);
  }
}
