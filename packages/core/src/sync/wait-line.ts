/**
 * The wait line: threads and their tasks stand in line in shared memory, and are answered one by one.
 *
 *   header   (one line)  TICKETS: the number of the next ticket │ SPAN: the highest thread id so far
 *   thread t (one line)  four words for the structure above │ seven places of four words
 *   place                31          2  1   0
 *                        | sequence | state |   TICKET   AMOUNT   PROMISE
 *
 *            enter           answer             clear
 *   IDLE ───────────▶ WAITING ─────▶ ANSWERED ─────────▶ IDLE, with the same sequence
 *                        └──── leave ────────────────────▶ IDLE
 *
 * What must hold:
 * - A place belongs to its thread for good, so that nobody has to claim one, and a sweeper knows whose
 *   it is. Only the owner enters and leaves; only the structure above answers. Leaving and answering
 *   race for one compare-and-exchange: who has left is not answered, who is answered has not left.
 * - The sequence grows with each entry, so that a slow answer cannot meet a later stay.
 * - TICKET and AMOUNT are written before WAITING is, and not again until the place is IDLE: who reads
 *   them and then wins the exchange has read those of this stay.
 *
 * First come, first served is by ticket. A thread fills six places with tasks, and keeps the seventh
 * for itself, for when it blocks: it can do that once at a time.
 */
import { LINE } from '../memory/layout.js';
import type { ThreadId } from '../threads/registry.js';
import { Doorbell } from './doorbell.js';
import type { Ending, Patience } from './patience.js';
import { Span } from './span.js';
import type { Waiter } from './waiter.js';

const TICKETS = 0;
const SPAN = 1;

/** Where a thread's places begin in its line. */
const FIRST_PLACE = 4;
const PLACES = 7;
const PLACE_WORDS = 4;
const TICKET = 1;
const AMOUNT = 2;
const PROMISE = 3;

const IDLE = 0;
const WAITING = 1;
const ANSWERED = 2;
const STATE_MASK = 3;
const ONE_ENTRY = 4;

/** Tasks of one thread that can stand in line at a time. */
export const TASK_PLACES = PLACES - 1;

/** Where a place's state lies: a word index. */
export type Place = number & { readonly place: unique symbol };

/** One stay at a place: it lasts while the place's word is `word`. */
export interface Stay {
  readonly place: Place;
  readonly word: number;
}

export class WaitLine {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #thread: ThreadId;
  readonly #span: Span;
  readonly #bells = new Map<Place, Doorbell>();

  constructor(words: Int32Array, at: number, thread: ThreadId) {
    this.#words = words;
    this.#at = at;
    this.#thread = thread;
    this.#span = new Span(words, at + SPAN, thread);
  }

  /** The four words of `thread` that belong to the structure above. */
  at(thread: number): number {
    return this.#at + thread * LINE;
  }

  /** The highest thread id that was ever counted in. */
  get span(): number {
    return this.#span.highest;
  }

  /** Counts this thread in: before it does anything that others must find by scanning. */
  countIn(): void {
    this.#span.countIn();
  }

  /** Takes a place at the end of the line; undefined when this thread has none free for the purpose. */
  enter(amount: number, blocking: boolean): Stay | undefined {
    const words = this.#words;
    const first = blocking ? PLACES - 1 : 0;
    for (let n = first; n < (blocking ? PLACES : TASK_PLACES); n++) {
      const place = this.#place(this.#thread, n);
      const word = Atomics.load(words, place);
      if ((word & STATE_MASK) !== IDLE) continue;
      Atomics.store(words, place + AMOUNT, amount);
      Atomics.store(words, place + TICKET, Atomics.add(words, this.#at + TICKETS, 1));
      const entered = ((word + ONE_ENTRY) & ~STATE_MASK) | WAITING;
      // Publishes ticket and amount to whoever finds the place WAITING.
      Atomics.store(words, place, entered);
      return { place, word: entered };
    }
    return undefined;
  }

  /** The place that this thread keeps for when it blocks, as it is now. */
  blockingPlace(): Stay & { readonly idle: boolean } {
    const place = this.#place(this.#thread, PLACES - 1);
    const word = Atomics.load(this.#words, place);
    return { place, word, idle: (word & STATE_MASK) === IDLE };
  }

  /** Leaves the line; false when the stay was answered first. */
  leave({ place, word }: Stay): boolean {
    const left = Atomics.compareExchange(this.#words, place, word, word ^ WAITING) === word;
    // A doorbell may still hang on the place: it is taken off, so that none is left behind.
    if (left) Atomics.notify(this.#words, place);
    return left;
  }

  /**
   * Who waits, first come first. Whoever comes during the look is left out: the look may have passed
   * the place of one who came before them. They ask to be looked for once more themselves.
   */
  inOrder(): Stay[] {
    const words = this.#words;
    const found: { place: Place; word: number; ticket: number }[] = [];
    // Before all else: who stood in line before the holder of an earlier ticket took it, is found below.
    const next = Atomics.load(words, this.#at + TICKETS);
    const span = this.span;
    for (let thread = 1; thread <= span; thread++) {
      for (let n = 0; n < PLACES; n++) {
        const place = this.#place(thread, n);
        const word = Atomics.load(words, place);
        if ((word & STATE_MASK) !== WAITING) continue;
        const ticket = Atomics.load(words, place + TICKET);
        // Tickets wrap around: it is the difference that tells which is the earlier one.
        if (((ticket - next) | 0) < 0) found.push({ place, word, ticket });
      }
    }
    return found.sort((a, b) => (a.ticket - b.ticket) | 0);
  }

  /** Answers a stay; false when it ended meanwhile. The sleeper is to be called with {@link call}. */
  answer({ place, word }: Stay): boolean {
    return Atomics.compareExchange(this.#words, place, word, word ^ WAITING ^ ANSWERED) === word;
  }

  /** Makes an answered place idle again; nothing happens when it is idle or taken anew. */
  clear(place: Place): void {
    const word = Atomics.load(this.#words, place);
    if ((word & STATE_MASK) !== ANSWERED) return;
    Atomics.compareExchange(this.#words, place, word, word ^ ANSWERED);
  }

  /** The answered place of `thread`, if one is. */
  answered(thread: number): Place | undefined {
    for (let n = 0; n < PLACES; n++) {
      const place = this.#place(thread, n);
      if ((Atomics.load(this.#words, place) & STATE_MASK) === ANSWERED) return place;
    }
    return undefined;
  }

  amountOf(place: Place): number {
    return Atomics.load(this.#words, place + AMOUNT);
  }

  /** A word of the place for the structure above: what it is about to do when it answers. */
  promiseOf(place: Place): number {
    return Atomics.load(this.#words, place + PROMISE);
  }

  promise(place: Place, value: number): void {
    Atomics.store(this.#words, place + PROMISE, value);
  }

  /** The thread whose place this is. */
  ownerOf(place: Place): ThreadId {
    return Math.floor((place - this.#at) / LINE) as ThreadId;
  }

  /** Wakes whoever sleeps at `place`, to look whether its stay has ended. */
  call(place: Place): void {
    Atomics.notify(this.#words, place);
  }

  /** Wakes all: after the death of a thread that may have answered somebody and not called. */
  callAll(): void {
    const span = this.span;
    for (let thread = 1; thread <= span; thread++) {
      for (let n = 0; n < PLACES; n++) this.call(this.#place(thread, n));
    }
  }

  /** Ends all stays of the dead `thread`. */
  evict(thread: ThreadId): void {
    for (let n = 0; n < PLACES; n++) {
      const place = this.#place(thread, n);
      const word = Atomics.load(this.#words, place);
      if ((word & STATE_MASK) !== WAITING) continue;
      Atomics.compareExchange(this.#words, place, word, word ^ WAITING);
    }
  }

  /** Blocks this thread until the stay is over. */
  wait({ place, word }: Stay, patience: Patience, waiter: Waiter): Ending | undefined {
    const words = this.#words;
    if (waiter.spin(() => Atomics.load(words, place) !== word)) return undefined;
    while (Atomics.load(words, place) === word) {
      if (!waiter.park(words, place, word, patience)) return 'timed out';
    }
    return undefined;
  }

  /** Waits, without blocking this thread, until the stay is over. */
  async waitAsync({ place, word }: Stay, patience: Patience): Promise<Ending | undefined> {
    let bell = this.#bells.get(place);
    if (bell === undefined) this.#bells.set(place, (bell = new Doorbell(this.#words, place)));
    while (Atomics.load(this.#words, place) === word) {
      const rung = await bell.wait(word, patience);
      if (rung !== 'rung') return rung;
    }
    return undefined;
  }

  #place(thread: number, n: number): Place {
    return (this.at(thread) + FIRST_PLACE + n * PLACE_WORDS) as Place;
  }
}
