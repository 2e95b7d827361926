/**
 * A weighted semaphore: first come, first served, and no permit is lost with a thread.
 *
 * Weights are integers, 1 or bytes for instance, counted in units; see {@link SemaphoreLimits}. Where
 * its words lie and what must hold is told in `permit-ledger.ts`; this file is how threads and their
 * tasks come to it, wait, and give up.
 *
 * First come, first served means that a heavy request at the head of the line holds up light ones
 * behind it, even where those would fit. That is what keeps it from starving.
 */
import type { ThreadId } from '../threads/registry.js';
import { checkInteger, checkPlacement, checkThread, syncError } from './errors.js';
import { Hold } from './hold.js';
import { Patience, type WaitLimits } from './patience.js';
import { PermitLedger, UNIT } from './permit-ledger.js';
import { semaphoreWords } from './permit-words.js';
import { TaskQueue } from './queue.js';
import type { Stay } from './wait-line.js';
import { Waiter, type SyncOptions } from './waiter.js';

const MOST_UNITS = 2 ** 31 - 1;

/** What {@link Semaphore.init} sets. */
export interface SemaphoreLimits {
  /** What can be held at a time, all threads together: up to 2^31 − 1 units, and 2^53 − 1. */
  readonly total: number;
  /**
   * Weights are rounded up to multiples of this, and the total down: 4096, say, for weights in bytes.
   *
   * @defaultValue 1
   */
  readonly unit?: number;
}

/** Who holds how much of a semaphore, and who waits. Weights are in the unit of its callers. */
export interface SemaphoreStats {
  readonly total: number;
  /** Less than 0 when the total was made smaller than what is held. */
  readonly free: number;
  /**
   * Who holds how much. Threads that hold nothing are left out. A grant may show a moment later than its
   * holder learns of it, while the thread that granted it is between its two steps.
   */
  readonly held: { readonly thread: ThreadId; readonly weight: number }[];
  /** Who stands in line for how much, first come first. */
  readonly waiting: { readonly thread: ThreadId; readonly weight: number }[];
  /** Tasks of this thread that have no place in the common line yet. */
  readonly queuedHere: number;
}

/** A cap: permits by weight, first come, first served. What a dead thread held comes back. */
export class Semaphore {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #thread: ThreadId;
  readonly #waiter: Waiter;
  readonly #ledger: PermitLedger;
  readonly #unit: number;
  /** This thread's tasks for which there was no place in the line, with the units that they want. */
  readonly #queue = new TaskQueue<number, Stay>();
  #heldUnits = 0;

  /** @throws MillraceError `ERR_INVALID_ARG` when it does not fit at `at`, or `thread` is no thread id */
  constructor(words: Int32Array, at: number, thread: ThreadId, options: SyncOptions = {}) {
    checkPlacement('semaphore', words, at, semaphoreWords(thread), thread);
    this.#words = words;
    this.#at = at;
    this.#thread = thread;
    this.#waiter = options.waiter ?? new Waiter();
    this.#ledger = new PermitLedger(words, at, thread, this.#waiter.spins ? undefined : 0);
    // Zero-filled memory is a semaphore with nothing to give.
    this.#unit = Math.max(1, Atomics.load(words, at + UNIT));
  }

  /** Words that it takes for threads with ids up to `maxThread`; it should start on a line. */
  static words(maxThread?: number): number {
    return semaphoreWords(maxThread);
  }

  /**
   * Makes a semaphore of zero-filled words; once, before any thread uses it.
   *
   * @throws MillraceError `ERR_INVALID_ARG` for a total or a unit that is out of range
   */
  static init(words: Int32Array, at: number, { total, unit = 1 }: SemaphoreLimits): void {
    checkInteger('make a semaphore with this unit', unit, 1, MOST_UNITS);
    checkInteger('make a semaphore with this total', total, 0, mostOf(unit));
    PermitLedger.init(words, at, Math.floor(total / unit), unit);
  }

  /**
   * Takes `weight` if it is free and nobody stands in line for it. It may also fail, rarely, when
   * another thread stopped in the middle of a decision: it was descheduled, or has died unswept.
   *
   * @throws MillraceError `ERR_INVALID_ARG` for a weight that is no positive integer, or above the total
   */
  tryAcquire(weight = 1): boolean {
    const units = this.#unitsOf(weight);
    this.#ledger.line.countIn();
    if (this.#queue.length > 0 || !this.#ledger.tryTake(units)) return false;
    this.#heldUnits += units;
    return true;
  }

  /**
   * Takes `weight`; blocks this thread until its turn has come and that much is free. Tasks of a
   * thread that blocks cannot give back what they hold meanwhile.
   *
   * @throws MillraceError `ERR_TIMEOUT`, `ERR_ABORTED`; `ERR_INVALID_ARG` as {@link tryAcquire};
   *   `ERR_CANNOT_BLOCK` when it would have to wait on a thread that may not block
   */
  acquire(weight = 1, limits?: WaitLimits): void {
    const units = this.#unitsOf(weight);
    const patience = limits === undefined ? undefined : this.#patience(weight, limits);
    this.#ledger.line.countIn();
    if (this.#waiter.mayBlock(this.#words, this.#at)) {
      this.#acquireBlocking(weight, units, patience);
    } else if (!this.#ledger.tryTake(units)) {
      this.#waiter.requireBlocking(this.#words, this.#at);
    }
    this.#heldUnits += units;
  }

  /**
   * Takes `weight` once its turn has come and that much is free.
   *
   * Six tasks of a thread stand in the common line at a time. More wait in the thread's own queue, in
   * their order, and take a place in line as earlier ones are served: so no thread fills the line.
   *
   * @throws MillraceError `ERR_TIMEOUT`, `ERR_ABORTED`; `ERR_INVALID_ARG` as {@link tryAcquire}
   */
  async acquireAsync(weight = 1, limits?: WaitLimits): Promise<void> {
    const units = this.#unitsOf(weight);
    const patience = this.#patience(weight, limits);
    const ledger = this.#ledger;
    ledger.line.countIn();
    let stay = this.#queue.length > 0 ? undefined : ledger.takeOrEnter(units, false);
    if (stay === 'taken') {
      this.#heldUnits += units;
      return;
    }
    if (stay === undefined) {
      const turn = await this.#queue.join(units, patience);
      if (typeof turn === 'string') throw patience.error(turn);
      stay = turn;
    }
    const ending = await ledger.line.waitAsync(stay, patience);
    const granted = ending === undefined || !ledger.leave(stay);
    if (granted) this.#heldUnits += units;
    this.#admitTasks();
    // A permit that came at the last moment is taken, but not by a task that is no longer interested.
    if (ending === undefined || (granted && ending === 'timed out')) return;
    if (granted) this.#release(units);
    throw patience.error(ending);
  }

  /**
   * Gives `weight` back. It never waits.
   *
   * @throws MillraceError `ERR_NOT_HELD` when this thread did not acquire as much through this object;
   *   `ERR_INVALID_ARG` for a weight that is no positive integer
   */
  release(weight = 1): void {
    checkInteger('release this weight', weight, 1, Number.MAX_SAFE_INTEGER);
    const units = Math.ceil(weight / this.#unit);
    if (units > this.#heldUnits) {
      throw syncError(
        'ERR_NOT_HELD',
        `Cannot release ${weight} as thread ${this.#thread} holds ${this.#heldUnits * this.#unit}`,
      );
    }
    this.#release(units);
  }

  /** Like {@link acquire}, for `using`. */
  hold(weight = 1, limits?: WaitLimits): Hold {
    this.acquire(weight, limits);
    return new Hold('clean', () => this.release(weight));
  }

  /** Like {@link acquireAsync}, for `using`. */
  async holdAsync(weight = 1, limits?: WaitLimits): Promise<Hold> {
    await this.acquireAsync(weight, limits);
    return new Hold('clean', () => this.release(weight));
  }

  /**
   * Changes the total. When more is held than the new total, nobody gets anything until enough came
   * back. A request in line that is heavier than the new total waits for the next resize.
   *
   * @throws MillraceError `ERR_INVALID_ARG` for a total that is out of range
   */
  resize(total: number): void {
    checkInteger('resize the semaphore to this total', total, 0, mostOf(this.#unit));
    this.#ledger.resize(Math.floor(total / this.#unit));
  }

  /**
   * Gives back what the dead `thread` held, and takes it out of the line. It never waits. The thread
   * must be dead for certain, and its id must not be given out again before this returns. May be
   * called more than once, and by several.
   *
   * @throws MillraceError `ERR_INVALID_ARG` when `thread` is no thread id
   */
  reclaim(thread: ThreadId): void {
    checkThread('give back what a dead thread held', thread);
    this.#ledger.reclaim(thread);
  }

  stats(): SemaphoreStats {
    const { line, total } = this.#ledger;
    const unit = this.#unit;
    const held: { thread: ThreadId; weight: number }[] = [];
    let free = total;
    for (let thread = 1; thread <= line.span; thread++) {
      const units = this.#ledger.unitsHeldBy(thread);
      free -= units;
      if (units !== 0) held.push({ thread: thread as ThreadId, weight: units * unit });
    }
    const waiting = line.inOrder().map(({ place }) => ({
      thread: line.ownerOf(place),
      weight: line.amountOf(place) * unit,
    }));
    return {
      total: total * unit,
      free: free * unit,
      held,
      waiting,
      queuedHere: this.#queue.length,
    };
  }

  #acquireBlocking(weight: number, units: number, limits: Patience | undefined): void {
    const { line } = this.#ledger;
    let stay = this.#ledger.takeOrEnter(units, true);
    if (stay === 'taken') return;
    const patience = this.#patience(weight, limits);
    while (stay === undefined) {
      // Somebody has stopped in the middle of answering this thread's previous stay.
      const previous = line.blockingPlace();
      const ending = previous.idle ? undefined : line.wait(previous, patience, this.#waiter);
      if (ending !== undefined) throw patience.error(ending);
      stay = this.#ledger.takeOrEnter(units, true);
    }
    if (stay === 'taken') return;
    const ending = line.wait(stay, patience, this.#waiter);
    if (ending !== undefined && this.#ledger.leave(stay)) throw patience.error(ending);
  }

  #release(units: number): void {
    this.#heldUnits -= units;
    this.#ledger.release(units);
  }

  /** Hands places that came free to the tasks of this thread that had found none. */
  #admitTasks(): void {
    for (let units = this.#queue.first; units !== undefined; units = this.#queue.first) {
      const stay = this.#ledger.line.enter(units, false);
      if (stay === undefined) return;
      this.#queue.call(stay);
      this.#ledger.look();
    }
  }

  #unitsOf(weight: number): number {
    checkInteger('acquire this weight', weight, 1, this.#ledger.total * this.#unit);
    return Math.ceil(weight / this.#unit);
  }

  #patience(weight: number, limits: WaitLimits | undefined): Patience {
    return Patience.of(`acquire ${weight} of the semaphore`, limits);
  }
}

function mostOf(unit: number): number {
  return Math.min(MOST_UNITS * unit, Number.MAX_SAFE_INTEGER);
}
