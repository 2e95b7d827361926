/**
 * The guard: canaries and poison, for slices that are watched.
 *
 *   │ … canary │ bytes │ canary … │        on lease; checked on release
 *   │          │ poison│          │        on release; checked when the slot is lent again
 *
 * Which lease is watched is noted in the slot's record, so that any thread can end it, and which lease
 * follows it, so that nobody looks for poison where another lease was in between. `sampled` leaves poison
 * at the beginning and the end of the bytes alone, since to fill a large slot takes longer than 128 leases.
 *
 * Source: the safety levels are Netty's ResourceLeakDetector's; canaries and poison, electric fence's
 * and the Linux slab allocator's.
 */
import {
  LINE,
  SLOT_POISONED,
  SLOT_POISONED_IN,
  SLOT_WATCHED,
  SLOT_WATCHED_BYTES,
  SLOT_WATCHED_SINCE,
  TICK,
  slabOf,
  type SlotRef,
} from '../memory/layout.js';
import type { SlabTable } from '../memory/slab-table.js';
import { EDGE_BYTES, Place } from './place.js';
import { LIVE, ended, generationOf } from './slot-word.js';

/** An edge of these lies before and after the bytes. */
const CANARY = 0xc5;
const POISON = 0xdb;

export class Guard {
  readonly #table: SlabTable;
  readonly #words: Int32Array;
  readonly #place: Place;
  readonly #allWatched: boolean;

  constructor(table: SlabTable, level: 'sampled' | 'full') {
    this.#table = table;
    this.#words = table.words;
    this.#place = new Place(table);
    this.#allWatched = level === 'full';
  }

  /** Whether the slot that has just been leased as `lease` was written to while it was in nobody's hands. */
  spoiled(ref: SlotRef, lease: number): boolean {
    const record = this.#recordOf(ref);
    const poisoned = this.#words[record + SLOT_POISONED]!;
    this.#words[record + SLOT_POISONED] = 0;
    // Poison that another lease may have been written over, or other memory come in the place of, is gone.
    if (
      poisoned === 0 ||
      !(this.#allWatched || poisoned === markOf(lease)) ||
      this.#words[record + SLOT_POISONED_IN] !== this.#table.slabWord(slabOf(ref))
    ) {
      return false;
    }
    const bytes = this.#words[record + SLOT_WATCHED_BYTES]!;
    const place = this.#place.at(ref, bytes);
    if (this.#allWatched || bytes < EDGE_BYTES) return !place.isAll(0, bytes, POISON);
    return !place.isEdge(0, POISON) || !place.isEdge(bytes - EDGE_BYTES, POISON);
  }

  /** Begins to watch a lease. */
  begin(ref: SlotRef, lease: number, bytes: number): void {
    const record = this.#recordOf(ref);
    this.#words[record + SLOT_WATCHED_SINCE] = Atomics.load(this.#words, TICK);
    this.#words[record + SLOT_WATCHED] = lease;
    this.#enclose(ref, bytes);
  }

  /** A watched lease has another word now. What was written over its canaries is still to be told. */
  follow(ref: SlotRef, lease: number): void {
    this.#words[this.#recordOf(ref) + SLOT_WATCHED] = lease;
  }

  /** A watched lease ends at `bytes` bytes from now on. */
  resize(ref: SlotRef, bytes: number): void {
    const former = this.#words[this.#recordOf(ref) + SLOT_WATCHED_BYTES]!;
    const whole = isWhole(this.#place.at(ref, former), former);
    this.#enclose(ref, bytes);
    // To be told when the lease ends: the canary that shows it may lie within the slice now.
    if (!whole) this.#place.at(ref, bytes).setEdge(-EDGE_BYTES, 0);
  }

  /** Bytes of the lease `lease` on `ref` if it is watched, else −1. */
  watched(ref: SlotRef, lease: number): number {
    const record = this.#recordOf(ref);
    if (this.#words[record + SLOT_WATCHED] !== lease) return -1;
    return this.#words[record + SLOT_WATCHED_BYTES]!;
  }

  /** Ends the watch of the lease on `ref`; false when a canary was written over, and nothing has changed. */
  end(ref: SlotRef): boolean {
    const record = this.#recordOf(ref);
    const lease = this.#words[record + SLOT_WATCHED]!;
    const bytes = this.#words[record + SLOT_WATCHED_BYTES]!;
    const place = this.#place.at(ref, bytes);
    if (!isWhole(place, bytes)) return false;
    if (this.#allWatched || bytes < EDGE_BYTES) place.fill(0, bytes, POISON);
    else {
      place.setEdge(0, POISON);
      place.setEdge(bytes - EDGE_BYTES, POISON);
    }
    this.#words[record + SLOT_WATCHED] = 0;
    this.#words[record + SLOT_POISONED_IN] = place.slabWord;
    this.#words[record + SLOT_POISONED] = markOf(ended(lease, LIVE, 0));
    return true;
  }

  /** Ticks since the watched lease on `ref` began. */
  ageOf(ref: SlotRef): number {
    const since = this.#words[this.#recordOf(ref) + SLOT_WATCHED_SINCE]!;
    return (Atomics.load(this.#words, TICK) - since) >>> 0;
  }

  #enclose(ref: SlotRef, bytes: number): void {
    this.#words[this.#recordOf(ref) + SLOT_WATCHED_BYTES] = bytes;
    const place = this.#place.at(ref, bytes);
    place.setEdge(-EDGE_BYTES, CANARY);
    place.setEdge(bytes, CANARY);
  }

  #recordOf(ref: SlotRef): number {
    return this.#table.layout.slotsAt + ref * LINE;
  }
}

/** Whether both canaries of a lease of `bytes` bytes are as they were. */
function isWhole(place: Place, bytes: number): boolean {
  return place.isEdge(-EDGE_BYTES, CANARY) && place.isEdge(bytes, CANARY);
}

/** What names the lease of `word` in its slot; never 0. */
function markOf(word: number): number {
  return generationOf(word) + 1;
}
