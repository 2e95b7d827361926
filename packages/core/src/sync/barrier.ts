/**
 * A cyclic barrier: a set number of threads wait for each other, again and again.
 *
 *   line 0    STATE: 31–20 generation │ 19–0 withdrawals
 *             PARTIES │ LEADER: the round whose leader was found │ SPAN │ words 4–7: who waits
 *   then      a word for each thread: 13–2 generation │ 1–0 ABSENT, PRESENT, ARRIVED, LOST
 *
 * The truth is in the threads' own words: who arrives writes its word, then looks at all of them. The
 * last to arrive sees that all are there, and moves the generation on by one compare-and-exchange.
 * Who gives up takes its word back and then counts a withdrawal, in the same word as the generation:
 * so a look that saw it there comes to nothing, or the count tells it that the barrier was passed.
 *
 * A party that dies is lost: the barrier goes on without it, and tells. A thread takes a lost party's
 * place by using the barrier under the same id; one under another id joins beside the others.
 */
import { LINE, MAX_THREADS } from '../memory/layout.js';
import type { ThreadId } from '../threads/registry.js';
import { Crowd } from './crowd.js';
import { checkInteger, checkPlacement, checkThread, syncError } from './errors.js';
import { Patience, type Ending, type WaitLimits } from './patience.js';
import { Span } from './span.js';
import { Waiter, type SyncOptions } from './waiter.js';

const STATE = 0;
const PARTIES = 1;
const LEADER = 2;
const SPAN = 3;
const CROWD = 4;
const THREADS = LINE;

const WITHDRAWAL_BITS = 20;
const WITHDRAWALS = 2 ** WITHDRAWAL_BITS - 1;
const GENERATIONS = 0xfff;

const ABSENT = 0;
const PRESENT = 1;
const ARRIVED = 2;
const LOST = 3;
const PLACE_MASK = 3;

const ACTION = 'pass the barrier';

/** What a thread learns when it has passed. */
export interface BarrierPass {
  /** Which round it was, from 0 on, modulo 4096. */
  readonly generation: number;
  /** True for one of those who pass together. */
  readonly leader: boolean;
  /** Parties that have died or left so far, and whose place nobody has taken. */
  readonly lost: number;
}

/** Who is at a barrier, and who is gone. */
export interface BarrierStats {
  readonly parties: number;
  readonly generation: number;
  /** Who has arrived in this generation. */
  readonly arrived: ThreadId[];
  readonly lost: ThreadId[];
  readonly waiting: ThreadId[];
}

/** A set number of threads wait for each other, again and again; those who die are not waited for. */
export class Barrier {
  /** Words that it takes; it should start on a line. */
  static readonly WORDS = THREADS + MAX_THREADS;

  readonly #words: Int32Array;
  readonly #at: number;
  readonly #thread: ThreadId;
  readonly #mine: number;
  readonly #span: Span;
  readonly #crowd: Crowd;
  #inside = false;

  /** @throws MillraceError `ERR_INVALID_ARG` when it does not fit at `at`, or `thread` is no thread id */
  constructor(words: Int32Array, at: number, thread: ThreadId, options: SyncOptions = {}) {
    checkPlacement('barrier', words, at, Barrier.WORDS, thread);
    this.#words = words;
    this.#at = at;
    this.#thread = thread;
    this.#mine = at + THREADS + thread;
    this.#span = new Span(words, at + SPAN, thread);
    this.#crowd = new Crowd(words, at, at + CROWD, thread, options.waiter ?? new Waiter());
  }

  /**
   * Makes a barrier for `parties` threads of zero-filled words; once, before any thread uses it.
   *
   * @throws MillraceError `ERR_INVALID_ARG` for a number that is not from 1 to 127
   */
  static init(words: Int32Array, at: number, parties: number): void {
    checkInteger('make a barrier for this many parties', parties, 1, MAX_THREADS - 1);
    Atomics.store(words, at + PARTIES, parties);
  }

  /**
   * Makes this thread a known party before it arrives for the first time: then its death is noticed.
   */
  join(): void {
    this.#span.countIn();
    const word = Atomics.load(this.#words, this.#mine) & PLACE_MASK;
    if (word === ABSENT || word === LOST) Atomics.store(this.#words, this.#mine, PRESENT);
  }

  /**
   * Arrives, and blocks this thread until all parties have arrived.
   *
   * @throws MillraceError `ERR_TIMEOUT`, `ERR_ABORTED`: then it has not arrived, and may come again;
   *   `ERR_DEADLOCK` when a task of this thread waits here; `ERR_CANNOT_BLOCK`
   */
  wait(limits?: WaitLimits): BarrierPass {
    const patience = Patience.of(ACTION, limits);
    const generation = this.#arrive();
    if (this.#complete(generation)) return this.#pass(generation);
    let ending: Ending | undefined;
    try {
      ending = this.#crowd.wait((state) => generationOf(state) !== generation, patience);
    } catch (error) {
      this.#inside = false;
      if (this.#withdraw(generation)) throw error;
    }
    return this.#end(generation, ending, patience);
  }

  /**
   * Like {@link wait}, without blocking this thread. A thread is one party, so one task waits at a time.
   *
   * @throws MillraceError `ERR_TIMEOUT`, `ERR_ABORTED`; `ERR_DEADLOCK` when another task waits here
   */
  async waitAsync(limits?: WaitLimits): Promise<BarrierPass> {
    const patience = Patience.of(ACTION, limits);
    const generation = this.#arrive();
    if (this.#complete(generation)) return this.#pass(generation);
    const ending = await this.#crowd.waitAsync(
      (state) => generationOf(state) !== generation,
      patience,
    );
    return this.#end(generation, ending, patience);
  }

  /** Stops being a party: the others go on without this thread. */
  leave(): void {
    this.#lose(this.#thread);
  }

  /**
   * Lets the others go on without the dead `thread`. May be called more than once, and by several.
   *
   * @throws MillraceError `ERR_INVALID_ARG` when `thread` is no thread id
   */
  reclaim(thread: ThreadId): void {
    checkThread('give back what a dead thread held', thread);
    this.#lose(thread);
    this.#crowd.reclaim(thread);
  }

  stats(): BarrierStats {
    const generation = generationOf(this.#state);
    const arrived: ThreadId[] = [];
    const lost: ThreadId[] = [];
    for (let thread = 1; thread <= this.#span.highest; thread++) {
      const word = this.#wordOf(thread);
      if (word === arrivedIn(generation)) arrived.push(thread as ThreadId);
      if ((word & PLACE_MASK) === LOST) lost.push(thread as ThreadId);
    }
    const parties = Atomics.load(this.#words, this.#at + PARTIES);
    return { parties, generation, arrived, lost, waiting: this.#crowd.waiting };
  }

  #arrive(): number {
    if (this.#inside) {
      throw syncError(
        'ERR_DEADLOCK',
        `Cannot ${ACTION} as thread ${this.#thread} waits there already, and is one party only`,
      );
    }
    this.#inside = true;
    this.#span.countIn();
    const generation = generationOf(this.#state);
    // Publishes what this thread has done in this round to all who pass.
    Atomics.store(this.#words, this.#mine, arrivedIn(generation));
    return generation;
  }

  /** Moves on from `generation` if all have arrived; true when this call did. */
  #complete(generation: number): boolean {
    const words = this.#words;
    for (;;) {
      const state = this.#state;
      if (generationOf(state) !== generation) return false;
      const { arrived, present, lost } = this.#count(generation);
      const parties = Atomics.load(words, this.#at + PARTIES);
      if (arrived === 0 || arrived < Math.max(present, parties - lost)) return false;
      const next = ((generation + 1) & GENERATIONS) << WITHDRAWAL_BITS;
      // Fails when somebody has withdrawn since the look began.
      if (Atomics.compareExchange(words, this.#at + STATE, state, next) !== state) continue;
      this.#crowd.call();
      return true;
    }
  }

  #count(generation: number): { arrived: number; present: number; lost: number } {
    let arrived = 0;
    let present = 0;
    let lost = 0;
    const span = this.#span.highest;
    for (let thread = 1; thread <= span; thread++) {
      const word = this.#wordOf(thread);
      if (word === ABSENT) continue;
      if ((word & PLACE_MASK) === LOST) {
        lost++;
        continue;
      }
      present++;
      if (word === arrivedIn(generation)) arrived++;
    }
    return { arrived, present, lost };
  }

  #end(generation: number, ending: Ending | undefined, patience: Patience): BarrierPass {
    if (ending === undefined || !this.#withdraw(generation)) return this.#pass(generation);
    this.#inside = false;
    throw patience.error(ending);
  }

  /** Takes an arrival back; false when it was counted already, and the barrier passed. */
  #withdraw(generation: number): boolean {
    const words = this.#words;
    if (generationOf(this.#state) !== generation) return false;
    Atomics.store(words, this.#mine, PRESENT);
    for (;;) {
      const state = this.#state;
      if (generationOf(state) !== generation) return false;
      const counted = (state & ~WITHDRAWALS) | ((state + 1) & WITHDRAWALS);
      if (Atomics.compareExchange(words, this.#at + STATE, state, counted) === state) return true;
    }
  }

  #pass(generation: number): BarrierPass {
    this.#inside = false;
    // The first to say so is the leader: the round may have been completed by a sweeper, who passes nothing.
    const round = generation + 1;
    const leader = Atomics.exchange(this.#words, this.#at + LEADER, round) !== round;
    return { generation, leader, lost: this.#count(generation).lost };
  }

  #lose(thread: ThreadId): void {
    const at = this.#at + THREADS + thread;
    const word = Atomics.load(this.#words, at);
    if (word !== ABSENT && (word & PLACE_MASK) !== LOST) {
      Atomics.compareExchange(this.#words, at, word, LOST);
    }
    this.#complete(generationOf(this.#state));
  }

  get #state(): number {
    return Atomics.load(this.#words, this.#at + STATE);
  }

  #wordOf(thread: number): number {
    return Atomics.load(this.#words, this.#at + THREADS + thread);
  }
}

function generationOf(state: number): number {
  return state >>> WITHDRAWAL_BITS;
}

function arrivedIn(generation: number): number {
  return (generation << 2) | ARRIVED;
}
