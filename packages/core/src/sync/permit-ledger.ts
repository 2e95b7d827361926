/**
 * The permit ledger: who holds how many units of a semaphore, and who gets some next.
 *
 *   line 0    GUARD │ FREE │ QUEUED: what the holder of the guard knows
 *   line 1    TOTAL │ UNIT: written at the start, and by a resize
 *   then      the wait line; of each thread's four words: RELEASED │ GRANTED
 *
 * The truth is in records with one writer each. GRANTED counts the units that a thread ever got, and
 * is written under the guard alone; RELEASED counts those that it gave back, and is written by the
 * thread alone. A thread holds the difference. FREE and QUEUED are derived: what the guard's holder
 * reckoned last, and reckoned anew from the records when it was called, or took over from the dead.
 *
 *   take      with the guard: nobody queued, and it fits?  GRANTED += n, FREE −= n
 *             else: a place in the line; call the guard
 *   release   RELEASED += n; with the guard also FREE += n; else call the guard
 *   serve     reckon from the records; answer the line from its head, until somebody does not fit
 *
 * An answer takes three steps: the place's PROMISE says what GRANTED will be; the exchange of the
 * place's word commits; then GRANTED becomes what was promised, and the place idle. So an answered
 * place is only ever seen in the middle of this, and whoever takes the guard over completes it.
 *
 * README.md in this folder shows why no unit is lost and none is granted twice.
 */
import { LINE } from '../memory/layout.js';
import type { ThreadId } from '../threads/registry.js';
import { Guard } from './guard.js';
import { WAIT_LINE } from './permit-words.js';
import { WaitLine, type Place, type Stay } from './wait-line.js';

/** Read and written with the guard alone, whose exchanges put it in order. */
const FREE = 1;
const QUEUED = 2;
const TOTAL = LINE;
export const UNIT = LINE + 1;

/** Of a thread's four words in the wait line. */
const RELEASED = 0;
const GRANTED = 1;

export class PermitLedger {
  readonly line: WaitLine;
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #guard: Guard;
  /** Where this thread's RELEASED and GRANTED lie. */
  readonly #mine: number;

  /** @param tries how often to look for a guard that is taken; undefined for the usual number */
  constructor(words: Int32Array, at: number, thread: ThreadId, tries: number | undefined) {
    this.#words = words;
    this.#at = at;
    this.#guard = new Guard(words, at, thread, tries);
    this.line = new WaitLine(words, at + WAIT_LINE, thread);
    this.#mine = this.line.at(thread);
  }

  static init(words: Int32Array, at: number, units: number, unit: number): void {
    Atomics.store(words, at + UNIT, unit);
    Atomics.store(words, at + FREE, units);
    Atomics.store(words, at + TOTAL, units);
  }

  get total(): number {
    return Atomics.load(this.#words, this.#at + TOTAL);
  }

  resize(units: number): void {
    Atomics.store(this.#words, this.#at + TOTAL, units);
    this.look();
  }

  /** Takes `units` if they are free and nobody was there before; false also when the guard is taken. */
  tryTake(units: number): boolean {
    if (!this.#guard.take()) return false;
    const taken = this.#takeFree(units);
    this.#leaveGuard();
    return taken;
  }

  /** Takes `units` at once, or a place in the line; undefined when this thread has no place left. */
  takeOrEnter(units: number, blocking: boolean): 'taken' | Stay | undefined {
    const guarded = this.#guard.take();
    if (guarded && this.#takeFree(units)) {
      this.#leaveGuard();
      return 'taken';
    }
    const stay = this.line.enter(units, blocking);
    if (guarded) {
      // It did not fit, or others come first: so nobody needs to look again because of it.
      if (stay !== undefined) Atomics.store(this.#words, this.#at + QUEUED, 1);
      this.#leaveGuard();
    } else if (stay !== undefined) {
      this.look();
    }
    return stay;
  }

  /** Gives back `units` of this thread's; never waits. */
  release(units: number): void {
    const words = this.#words;
    const released = (Atomics.load(words, this.#mine + RELEASED) + units) | 0;
    const guarded = this.#guard.take();
    // Gives the units back, in one step; a look at the records that begins from here on finds them.
    Atomics.store(words, this.#mine + RELEASED, released);
    if (!guarded) {
      this.look();
      return;
    }
    words[this.#at + FREE]! += units;
    if (Atomics.load(words, this.#at + QUEUED) === 0) this.#leaveGuard();
    else this.#serve();
  }

  /** Leaves the line; false when the stay was answered first. */
  leave(stay: Stay): boolean {
    const left = this.line.leave(stay);
    // Those behind may fit.
    if (left) this.look();
    return left;
  }

  /** Sees to it that somebody looks at the records, now that they have changed. */
  look(): void {
    if (this.#guard.call()) this.#serve();
  }

  /** Gives back what the dead `thread` held, and takes it out of the line; never waits. */
  reclaim(thread: ThreadId): void {
    // A thread that was never counted in has no records, and perhaps no room for any.
    if (thread <= this.line.span) {
      this.line.evict(thread);
      this.#settle(thread);
    }
    if (this.#guard.takeOver(thread)) {
      this.#complete();
      this.#serve();
    } else {
      this.look();
    }
    // The dead may have answered somebody and not called.
    this.line.callAll();
  }

  unitsHeldBy(thread: number): number {
    const at = this.line.at(thread);
    const granted = Atomics.load(this.#words, at + GRANTED);
    return (granted - Atomics.load(this.#words, at + RELEASED)) | 0;
  }

  get guardHolder(): ThreadId | undefined {
    return this.#guard.holder;
  }

  /** With the guard: takes `units` unless they are not free, or others were there before. */
  #takeFree(units: number): boolean {
    const words = this.#words;
    const free = words[this.#at + FREE]!;
    if (units > free || Atomics.load(words, this.#at + QUEUED) !== 0) return false;
    const granted = (Atomics.load(words, this.#mine + GRANTED) + units) | 0;
    // Takes the units, in one step. Who takes over the guard from here on reckons FREE anew.
    Atomics.store(words, this.#mine + GRANTED, granted);
    words[this.#at + FREE] = free - units;
    return true;
  }

  #leaveGuard(): void {
    if (!this.#guard.leave()) this.#serve();
  }

  /** With the guard, which it gives back: looks at all records, and answers whoever is due. */
  #serve(): void {
    const words = this.#words;
    const due: Place[] = [];
    do {
      this.#guard.hear();
      let free = this.total;
      const span = this.line.span;
      for (let thread = 1; thread <= span; thread++) free -= this.unitsHeldBy(thread);
      let queued = 0;
      for (const stay of this.line.inOrder()) {
        const units = this.line.amountOf(stay.place);
        if (units > free) {
          queued = 1;
          break;
        }
        if (!this.#grant(stay, units)) continue;
        free -= units;
        due.push(stay.place);
      }
      words[this.#at + FREE] = free;
      Atomics.store(words, this.#at + QUEUED, queued);
    } while (!this.#guard.leave());
    // Without the guard: to wake a thread takes longer than all of the above.
    for (const place of due) this.line.call(place);
  }

  /** With the guard: grants `units` to a stay, unless it has ended. */
  #grant(stay: Stay, units: number): boolean {
    const grantedAt = this.line.at(this.line.ownerOf(stay.place)) + GRANTED;
    // Says what the exchange will mean, for those who find it done and us dead.
    this.line.promise(stay.place, (Atomics.load(this.#words, grantedAt) + units) | 0);
    if (!this.line.answer(stay)) return false;
    this.#fulfil(stay.place);
    return true;
  }

  /** With the guard: enters an answer into the records; to do it twice does no harm. */
  #fulfil(place: Place): void {
    const grantedAt = this.line.at(this.line.ownerOf(place)) + GRANTED;
    Atomics.store(this.#words, grantedAt, this.line.promiseOf(place));
    this.line.clear(place);
  }

  /** With the guard of a dead thread: completes the answer that it was about to give, if any. */
  #complete(): void {
    const span = this.line.span;
    for (let thread = 1; thread <= span; thread++) {
      const place = this.line.answered(thread);
      if (place !== undefined) this.#fulfil(place);
    }
  }

  /** Makes the dead `thread` hold nothing; without the guard, which another may have. */
  #settle(thread: ThreadId): void {
    const at = this.line.at(thread);
    // It waits nowhere any more: an answer under way is its last one, and the promise stands until it is
    // fulfilled. If none is under way, GRANTED, read after that was seen, is final.
    const place = this.line.answered(thread);
    const granted =
      place === undefined ? Atomics.load(this.#words, at + GRANTED) : this.line.promiseOf(place);
    Atomics.store(this.#words, at + RELEASED, granted);
  }
}
