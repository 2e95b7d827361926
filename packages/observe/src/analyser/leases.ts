/**
 * The leases under way: who has which buffer, since when. From `retrieved` to `returned` makes a lifetime.
 *
 * A trace may have gaps, since a monitor samples and drops. A buffer that is handed out twice must have come back between;
 * one that comes back without having been handed out is of no lease that is known. How many are remembered is bounded: beyond that,
 * the oldest lease is given up.
 */
import type { BufferClass } from '@millrace/core';

/** More buffers than this are not in use at one time. */
const LARGEST = 1 << 20;

export interface Lease {
  readonly class: BufferClass;
  /** Bytes asked for. */
  readonly size: number;
  /** Bytes of the buffer. */
  readonly capacity: number;
  readonly sinceMs: number;
  /** How many leases it stands for. */
  readonly weight: number;
}

/** By the number of the buffer. */
export class Leases<Known extends Lease> {
  readonly #byId = new Map<number, Known>();
  readonly #most: number;

  constructor(most = LARGEST) {
    this.#most = most;
  }

  get count(): number {
    return this.#byId.size;
  }

  /** @returns The lease that this one ends: an earlier one of the same buffer, or the oldest, where there is no room */
  begin(id: number, lease: Known): Known | undefined {
    const ended = this.end(id);
    this.#byId.set(id, lease);
    if (ended !== undefined || this.#byId.size <= this.#most) return ended;
    const [oldest] = this.#byId.keys();
    return oldest === undefined ? undefined : this.end(oldest);
  }

  end(id: number): Known | undefined {
    const lease = this.#byId.get(id);
    this.#byId.delete(id);
    return lease;
  }
}
