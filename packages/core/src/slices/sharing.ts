/**
 * Sharing: one slice read by several threads, and free when the last lets go.
 *
 * Each thread that holds the slice has a seat: one bit of the slot's record. The seats are the truth;
 * the slot's word only says that they count.
 *
 *   share   the owner takes its seat, then LIVE → SHARED
 *   join    a seat, then the word must be SHARED; if it is CLOSING, the joiner makes it SHARED again
 *   leave   the seat goes; if none is left: SHARED → CLOSING │ me, a second look at the seats, and
 *           CLOSING → RETURNING │ me → FREE, or back to SHARED and all over again
 *
 * A joiner takes its seat before it looks at the word, and a closer closes the word before it looks at
 * the seats: one sees the other. A joiner does not wait for a closer, which may be asleep: it reopens
 * the slice, and the closer's next exchange fails. A joiner that comes too late leaves like any other,
 * since its seat may have kept another from closing. RETURNING is the closer's alone: should it die, what
 * its record says of the slot has not been overtaken by others.
 *
 * After a death the sweeper empties the dead thread's seats and closes what nobody holds.
 */
import {
  LINE,
  SEAT_WORDS,
  SLOT_SEATS,
  THREAD_INTENT,
  slabOf,
  type ControlLayout,
  type SlotRef,
} from '../memory/layout.js';
import type { ThreadId } from '../threads/registry.js';
import type { LeaseCount } from './lease-count.js';
import { CLOSING, RETURNING, SHARED, isHeld, sameLease, stateOf, withState } from './slot-word.js';

export class Sharing {
  readonly #words: Int32Array;
  readonly #layout: ControlLayout;
  readonly #thread: ThreadId;
  readonly #count: LeaseCount;
  readonly #end: (ref: SlotRef, word: number) => boolean;

  /** @param end ends the lease whose word is `word`; false when the word has changed */
  constructor(
    words: Int32Array,
    layout: ControlLayout,
    thread: ThreadId,
    count: LeaseCount,
    end: (ref: SlotRef, word: number) => boolean,
  ) {
    this.#words = words;
    this.#layout = layout;
    this.#thread = thread;
    this.#count = count;
    this.#end = end;
  }

  /**
   * Shares the slot that this thread has leased as `lease`, and keeps a seat.
   *
   * @returns the word that {@link join} asks for; `undefined` when the lease has ended
   */
  share(ref: SlotRef, lease: number): number | undefined {
    const shared = withState(lease, SHARED, 0);
    this.#sit(ref);
    if (Atomics.compareExchange(this.#words, this.#wordAt(ref), lease, shared) === lease) {
      return shared;
    }
    this.leave(ref);
    return undefined;
  }

  /** Takes a seat; false when the last has left already. The thread must have none. */
  join(ref: SlotRef, shared: number): boolean {
    if (stateOf(shared) !== SHARED) return false;
    const at = this.#wordAt(ref);
    const intentAt = this.#layout.threadsAt + this.#thread * LINE + THREAD_INTENT;
    // Should this thread die before it knows what it sat down on, the sweeper looks here.
    Atomics.store(this.#words, intentAt, slabOf(ref) + 1);
    this.#sit(ref);
    let joined = false;
    for (;;) {
      const word = Atomics.load(this.#words, at);
      if (word === shared) joined = true;
      else if (stateOf(word) === CLOSING && sameLease(word, shared)) {
        joined = Atomics.compareExchange(this.#words, at, word, shared) === word;
        if (!joined) continue;
      }
      break;
    }
    if (!joined) this.leave(ref);
    Atomics.store(this.#words, intentAt, 0);
    return joined;
  }

  /** Gives up this thread's seat, and frees the slot if it was the last. */
  leave(ref: SlotRef): void {
    this.#vacate(ref, this.#thread);
    this.#closeIfEmpty(ref);
  }

  /** Lets go for the dead `thread`; true if that freed the slot. */
  sweep(ref: SlotRef, thread: ThreadId): boolean {
    const at = this.#wordAt(ref);
    const word = Atomics.load(this.#words, at);
    if (isHeld(word, CLOSING, thread)) {
      Atomics.compareExchange(this.#words, at, word, withState(word, SHARED, 0));
    } else if (stateOf(word) !== SHARED && !this.#sits(ref, thread)) {
      return false;
    }
    this.#vacate(ref, thread);
    return this.#closeIfEmpty(ref);
  }

  /** Empties the seat of the dead `thread`, which it may have taken before its slot was shared. */
  forget(ref: SlotRef, thread: ThreadId): void {
    if (this.#sits(ref, thread)) this.#vacate(ref, thread);
  }

  /** The threads that have a seat. */
  holders(ref: SlotRef): ThreadId[] {
    const ids: ThreadId[] = [];
    for (let id = 1; id < SEAT_WORDS * 32; id++) {
      if (this.#sits(ref, id as ThreadId)) ids.push(id as ThreadId);
    }
    return ids;
  }

  #closeIfEmpty(ref: SlotRef): boolean {
    const words = this.#words;
    const at = this.#wordAt(ref);
    for (;;) {
      const word = Atomics.load(words, at);
      if (stateOf(word) !== SHARED || !this.#empty(ref)) return false;
      const closing = withState(word, CLOSING, this.#thread);
      if (Atomics.compareExchange(words, at, word, closing) !== word) continue;
      if (!this.#empty(ref)) {
        Atomics.compareExchange(words, at, closing, word);
        continue;
      }
      const returning = withState(word, RETURNING, this.#thread);
      if (Atomics.compareExchange(words, at, closing, returning) !== closing) continue;
      this.#count.returning(ref, returning);
      if (this.#end(ref, returning)) this.#count.returned();
      else this.#count.notReturned();
      return true;
    }
  }

  #empty(ref: SlotRef): boolean {
    const at = this.#wordAt(ref) + SLOT_SEATS;
    for (let i = 0; i < SEAT_WORDS; i++) if (Atomics.load(this.#words, at + i) !== 0) return false;
    return true;
  }

  #sit(ref: SlotRef): void {
    Atomics.or(this.#words, this.#seatAt(ref, this.#thread), 1 << (this.#thread & 31));
  }

  #vacate(ref: SlotRef, thread: ThreadId): void {
    Atomics.and(this.#words, this.#seatAt(ref, thread), ~(1 << (thread & 31)));
  }

  #sits(ref: SlotRef, thread: ThreadId): boolean {
    return (Atomics.load(this.#words, this.#seatAt(ref, thread)) & (1 << (thread & 31))) !== 0;
  }

  #seatAt(ref: SlotRef, thread: ThreadId): number {
    return this.#wordAt(ref) + SLOT_SEATS + (thread >>> 5);
  }

  #wordAt(ref: SlotRef): number {
    return this.#layout.slotsAt + ref * LINE;
  }
}
