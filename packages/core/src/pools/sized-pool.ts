/**
 * A pool: all slots of one size class, as one thread sees it.
 *
 *   acquire ──▶ magazine ──empty──▶ free list ──empty──▶ a new slab
 *   release ──▶ magazine ──full───▶ free list
 */
import { MillraceError } from '../errors.js';
import { SLAB_BYTES, type SlotRef } from '../memory/layout.js';
import { SIZE_CLASSES } from '../memory/size-classes.js';
import type { SlabTable } from '../memory/slab-table.js';
import { FreeList } from '../slices/free-list.js';
import { Magazine } from '../slices/magazine.js';
import { CACHED, LIVE, ended, holderOf, stateOf, withState } from '../slices/slot-word.js';
import type { ThreadId } from '../threads/registry.js';

export class SizedBufferPool {
  /** Slot size in bytes. */
  readonly slotBytes: number;
  readonly #table: SlabTable;
  readonly #words: Int32Array;
  readonly #sizeClass: number;
  readonly #thread: ThreadId;
  readonly #magazine: Magazine;
  readonly #list: FreeList;

  constructor(table: SlabTable, sizeClass: number, thread: ThreadId) {
    this.slotBytes = SIZE_CLASSES[sizeClass]!;
    this.#table = table;
    this.#words = table.words;
    this.#sizeClass = sizeClass;
    this.#thread = thread;
    this.#magazine = new Magazine(table.words, table.layout, thread, sizeClass);
    this.#list = new FreeList(table.words, table.layout, sizeClass);
  }

  /** Takes a slot, or `undefined` when none is free and no slab is unused. */
  acquire(): SlotRef | undefined {
    const ref = this.#magazine.pop() ?? this.#refill();
    if (ref === undefined) return undefined;
    const at = this.#list.wordAt(ref);
    const word = this.#words[at]!;
    // Only the holder changes a CACHED word, so this exchange cannot lose unless memory was damaged.
    if (
      stateOf(word) !== CACHED ||
      Atomics.compareExchange(this.#words, at, word, withState(word, LIVE, this.#thread)) !== word
    ) {
      throw new MillraceError(
        'ERR_BAD_HANDLE',
        `Cannot lease slot ${ref} as its control word is damaged`,
      );
    }
    return ref;
  }

  /** The control word of a slot that this thread has just acquired: what its release must present. */
  leaseOf(ref: SlotRef): number {
    return this.#words[this.#list.wordAt(ref)]!;
  }

  /** Ends the lease `lease` on `ref`; false when it had ended before. */
  release(ref: SlotRef, lease: number): boolean {
    const cached = ended(lease, CACHED, this.#thread);
    const at = this.#list.wordAt(ref);
    if (Atomics.compareExchange(this.#words, at, lease, cached) !== lease) return false;
    if (this.#magazine.push(ref)) return true;
    this.#magazine.shed((older) => this.#giveBack(older));
    this.#magazine.push(ref);
    return true;
  }

  holds(ref: SlotRef, lease: number): boolean {
    return Atomics.load(this.#words, this.#list.wordAt(ref)) === lease;
  }

  /** Returns what the dead `thread` held in `slab`, which serves this class; how many leases that ended. */
  sweep(slab: number, thread: ThreadId): number {
    return this.#list.sweep(slab, thread);
  }

  /** Empties the magazine that the dead `thread` left behind. */
  forget(thread: ThreadId): void {
    new Magazine(this.#words, this.#table.layout, thread, this.#sizeClass).clear();
  }

  /** Gives this thread's spare slots back, so that others can have them. */
  flush(): void {
    while (this.#magazine.count > 0) this.#magazine.shed((ref) => this.#giveBack(ref));
  }

  stats(): { slotBytes: number; cached: number; slotsPerSlab: number } {
    return {
      slotBytes: this.slotBytes,
      cached: this.#magazine.count,
      slotsPerSlab: SLAB_BYTES / this.slotBytes,
    };
  }

  #refill(): SlotRef | undefined {
    const keep = (ref: SlotRef): void => void this.#magazine.push(ref);
    const want = this.#magazine.capacity;
    if (this.#list.take(this.#thread, want, keep) === 0) {
      const slab = this.#table.claim(this.#sizeClass);
      if (slab !== undefined) this.#list.open(slab);
      // Even without a new slab of ours: another thread may have opened one, or given something back.
      if (this.#list.take(this.#thread, want, keep) === 0) return undefined;
    }
    return this.#magazine.pop();
  }

  #giveBack(ref: SlotRef): void {
    const word = this.#words[this.#list.wordAt(ref)]!;
    if (stateOf(word) === CACHED && holderOf(word) === this.#thread) this.#list.give(ref, word);
  }
}
