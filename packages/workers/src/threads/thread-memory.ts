/**
 * The mill's memory as a thread sees it: views and counters from the start, pools to lease from when it first leases.
 * A thread whose ops never lease does without pools, which are more code than all else that it starts with.
 */
import type { ArenaRenewal, BufferPools, MemoryHandle, ThreadId } from '@millrace/core';
import { SlabTable, StripedCounters, addTo, type SlotRef } from '@millrace/core/internal';
import { seldom } from './later.js';

export class ThreadMemory {
  readonly thread: ThreadId;
  readonly #table: SlabTable;
  readonly #counters: StripedCounters;
  #pools: BufferPools | undefined;

  /**
   * @param onUnknownArena takes in renewals that were sent, synchronously
   * @throws MillraceError `ERR_BAD_HANDLE`
   */
  constructor(handle: MemoryHandle, thread: ThreadId, onUnknownArena: () => void) {
    this.thread = thread;
    this.#table = SlabTable.attach(handle);
    this.#table.arenas.onUnknown = onUnknownArena;
    this.#counters = new StripedCounters(this.#table.words, this.#table.layout);
  }

  /** For whoever leases. */
  get pools(): BufferPools {
    return (this.#pools ??= seldom().BufferPools.over(this.#table, this.thread));
  }

  /** The first `length` bytes of a slot that another thread leased and told of. */
  viewOf(ref: SlotRef, length: number): Uint8Array<SharedArrayBuffer> {
    return this.#table.viewOf(ref, length);
  }

  /** Where this thread's counter of that number lies, for {@link count}. */
  counterAt(counter: number): number {
    return this.#counters.at(this.thread, counter);
  }

  count(at: number, amount: number): void {
    addTo(this.#table.words, at, amount);
  }

  /** Takes in that an arena was dropped and renewed. */
  takeRenewal(renewal: ArenaRenewal): void {
    this.#table.takeRenewal(renewal);
  }

  /** Gives back what lies ready to be leased here. */
  trim(): void {
    this.#pools?.trim();
  }
}
