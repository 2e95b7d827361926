/**
 * The lease count: how many leases have begun and ended, right even if the thread that counts dies.
 *
 * A slot changes by an exchange and is counted after it, and a thread can die in between. So it first
 * leaves a witness in its record: which slot it is about to change, and the lowest bit of the count.
 * That bit changes with the count. After a death, a witness whose bit still equals the count's tells
 * that the last change was not counted, and the slot's word tells whether it was made.
 *
 * Each thread counts in its own record. Leases and returns of one slice may be counted by different
 * threads: only the sums have a meaning.
 */
import {
  LINE,
  MAX_THREADS,
  THREAD_LEASED,
  THREAD_LEASING,
  THREAD_RETURNED,
  THREAD_RETURNED_LEASE,
  THREAD_RETURNING,
  THREAD_SWEPT,
  type ControlLayout,
  type SlotRef,
} from '../memory/layout.js';
import { addTo, readFrom } from '../metrics/counters.js';
import type { ThreadId } from '../threads/registry.js';
import { LIVE, isHeld, sameLease } from './slot-word.js';

export class LeaseCount {
  readonly #words: Int32Array;
  readonly #layout: ControlLayout;
  /** Where this thread's record lies, for hot paths. */
  readonly recordAt: number;

  constructor(words: Int32Array, layout: ControlLayout, thread: ThreadId) {
    this.#words = words;
    this.#layout = layout;
    this.recordAt = layout.threadsAt + thread * LINE;
  }

  /** To be called before the exchange that begins a lease of `ref`. */
  leasing(ref: SlotRef): void {
    const words = this.#words;
    const at = this.recordAt;
    words[at + THREAD_LEASING] = witnessOf(ref, words[at + THREAD_LEASED]!);
  }

  /** To be called after it. */
  leased(): void {
    addTo(this.#words, this.recordAt + THREAD_LEASED, 1);
  }

  /** To be called instead, when the exchange was lost. */
  notLeased(): void {
    this.#words[this.recordAt + THREAD_LEASING] = 0;
  }

  /** To be called before the exchange that ends the lease `lease` of `ref`. */
  returning(ref: SlotRef, lease: number): void {
    const words = this.#words;
    const at = this.recordAt;
    words[at + THREAD_RETURNED_LEASE] = lease;
    words[at + THREAD_RETURNING] = witnessOf(ref, words[at + THREAD_RETURNED]!);
  }

  /** To be called after it. */
  returned(): void {
    addTo(this.#words, this.recordAt + THREAD_RETURNED, 1);
  }

  /** To be called instead, when the exchange was lost: another had ended the lease. */
  notReturned(): void {
    this.#words[this.recordAt + THREAD_RETURNING] = 0;
  }

  /** To be called after {@link returned} when a sweep ended the lease. */
  swept(): void {
    addTo(this.#words, this.recordAt + THREAD_SWEPT, 1);
  }

  /** Leases that have begun, and ended, and how many of those were ended by a sweep; over all threads. */
  sums(): { leased: number; ended: number; swept: number } {
    // What has ended is read before what has begun: while others lease, the difference is never negative.
    const ended = this.#sum(THREAD_RETURNED);
    const swept = this.#sum(THREAD_SWEPT);
    return { leased: this.#sum(THREAD_LEASED), ended, swept: Math.min(swept, ended) };
  }

  /** Counts what the dead `thread` did and did not live to count; before its slots are swept. */
  settle(thread: ThreadId): void {
    const words = this.#words;
    const record = this.#layout.threadsAt + thread * LINE;
    const leasing = Atomics.load(words, record + THREAD_LEASING);
    const leasedAt = record + THREAD_LEASED;
    if (this.#uncounted(leasing, leasedAt) && isHeld(this.#wordOf(leasing), LIVE, thread)) {
      addTo(words, leasedAt, 1);
    }
    const returning = Atomics.load(words, record + THREAD_RETURNING);
    const returnedAt = record + THREAD_RETURNED;
    if (
      this.#uncounted(returning, returnedAt) &&
      !sameLease(this.#wordOf(returning), words[record + THREAD_RETURNED_LEASE]!)
    ) {
      addTo(words, returnedAt, 1);
    }
    // From here on the slots change by the sweep, and whoever begins it anew must not count that.
    Atomics.store(words, record + THREAD_LEASING, 0);
    Atomics.store(words, record + THREAD_RETURNING, 0);
  }

  #sum(counter: number): number {
    let total = 0;
    for (let thread = 1; thread < MAX_THREADS; thread++) {
      total += readFrom(this.#words, this.#layout.threadsAt + thread * LINE + counter);
    }
    return total;
  }

  #uncounted(witness: number, countAt: number): boolean {
    return witness !== 0 && (witness & 1) === (Atomics.load(this.#words, countAt) & 1);
  }

  #wordOf(witness: number): number {
    const ref = (witness >>> 1) - 1;
    return Atomics.load(this.#words, this.#layout.slotsAt + ref * LINE);
  }
}

/** What tells that `ref` is about to change, and which low word its count had. */
export function witnessOf(ref: SlotRef, low: number): number {
  return ((ref + 1) << 1) | (low & 1);
}
