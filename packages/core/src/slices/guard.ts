/**
 * The guard: canaries and poison, for slices that are watched.
 *
 *   │ … canary │ bytes │ canary … │        on lease; checked on release
 *   │          │ poison│          │        on release; checked when the slot is lent again
 *
 * Whether a lease is watched is noted in the slot's record, so that any thread can end it:
 * GUARDED holds the bytes + 1 while it lasts, and −(bytes + 1) while its poison lies in the slot.
 *
 * Source: the safety levels are Netty's ResourceLeakDetector's; canaries and poison, electric fence's
 * and the Linux slab allocator's.
 */
import {
  LINE,
  SLOT_BORN,
  SLOT_GUARDED,
  SLOT_POISONED_IN,
  TICK,
  slabOf,
  type SlotRef,
} from '../memory/layout.js';
import type { SlabTable } from '../memory/slab-table.js';

const CANARY_BYTES = 32;
const CANARY = 0xc5;
const POISON = 0xdb;
/** Of `sampled`: one lease in so many is watched. */
const SAMPLE = 128;

export class Guard {
  readonly #table: SlabTable;
  readonly #words: Int32Array;
  readonly #every: number;
  #until = 1;

  constructor(table: SlabTable, level: 'sampled' | 'full') {
    this.#table = table;
    this.#words = table.words;
    this.#every = level === 'full' ? 1 : SAMPLE;
  }

  /** Whether the slot was written to since its last watched lease ended. Looks once. */
  spoiled(ref: SlotRef): boolean {
    const record = this.#recordOf(ref);
    const poisoned = this.#words[record + SLOT_GUARDED]!;
    if (poisoned === 0) return false;
    this.#words[record + SLOT_GUARDED] = 0;
    // Poison of before the slab served another class, or got other memory, is gone.
    const lies = this.#words[record + SLOT_POISONED_IN] === this.#table.slabWord(slabOf(ref));
    return poisoned < 0 && lies && !isAll(this.#table.around(ref, 0, -poisoned - 1), POISON);
  }

  /** Begins to watch a lease if it is this one's turn. */
  begin(ref: SlotRef, bytes: number): boolean {
    if (--this.#until > 0) return false;
    this.#until = this.#every;
    const record = this.#recordOf(ref);
    this.#words[record + SLOT_GUARDED] = bytes + 1;
    this.#words[record + SLOT_BORN] = Atomics.load(this.#words, TICK);
    for (const canary of this.#canaries(ref, bytes)) canary.fill(CANARY);
    return true;
  }

  /** Bytes of the lease on `ref` if it is watched, else −1. */
  watched(ref: SlotRef): number {
    return this.#words[this.#recordOf(ref) + SLOT_GUARDED]! - 1;
  }

  /** Whether both canaries are whole. */
  whole(ref: SlotRef, bytes: number): boolean {
    return this.#canaries(ref, bytes).every((canary) => isAll(canary, CANARY));
  }

  /** Ends the watch of a lease of `bytes` bytes. */
  end(ref: SlotRef, bytes: number): void {
    this.#table.around(ref, 0, bytes).fill(POISON);
    const record = this.#recordOf(ref);
    this.#words[record + SLOT_POISONED_IN] = this.#table.slabWord(slabOf(ref));
    this.#words[record + SLOT_GUARDED] = -(bytes + 1);
  }

  /** Ticks since the watched lease on `ref` began. */
  ageOf(ref: SlotRef): number {
    return (Atomics.load(this.#words, TICK) - this.#words[this.#recordOf(ref) + SLOT_BORN]!) >>> 0;
  }

  /** The canary of a lease moves with its end. */
  resize(ref: SlotRef, bytes: number): void {
    this.#words[this.#recordOf(ref) + SLOT_GUARDED] = bytes + 1;
    for (const canary of this.#canaries(ref, bytes)) canary.fill(CANARY);
  }

  #canaries(ref: SlotRef, bytes: number): Uint8Array[] {
    return [
      this.#table.around(ref, -CANARY_BYTES, 0),
      this.#table.around(ref, bytes, bytes + CANARY_BYTES),
    ];
  }

  #recordOf(ref: SlotRef): number {
    return this.#table.layout.slotsAt + ref * LINE;
  }
}

function isAll(bytes: Uint8Array, value: number): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== value) return false;
  return true;
}
