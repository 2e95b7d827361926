/**
 * When the owner of a lane looks for finished tasks.
 *
 *   start ──▶ poll, once a turn of the event loop ──nothing for a while──▶ rest on waitAsync
 *                ▲      │                                                     │
 *                │      └─found─▶ continuations ──a task is sent──▶ look      │
 *                │                    ▲                              │        │
 *                │                    └────────────found─────────────┤        │
 *                ├───────────────nothing, or the turn is long enough─┘        │
 *                └───────────────────────── signal ───────────────────────────┘
 *
 * Polling answers short tasks within microseconds; resting costs nothing during long ones. Which it is
 * to be is learnt.
 *
 * A turn of the event loop takes as long as a short task does, there and back. So where results have come, and their
 * continuations send the next task, it looks for that one within the same turn: tasks that are sent one at a time
 * take half as long then. A turn is drawn out by some seven tasks, and by a few microseconds that were in vain.
 *
 * `waitAsync` does not keep the process alive, so a timer does, while something is in flight.
 */
import type { LaneSignal } from './lane-signal.js';
import { LookBudget } from './look-budget.js';

const POLL = { mostMs: 0.1, leastMs: 0, trialMs: 0.4 };
/** How long to look within a turn. */
const AT_ONCE_MS = 0.005;
/** Looks between two looks at the clock, which costs as much as several of them. */
const TRIES = 8;
/** How long after the first results of a turn a look may begin in it. */
const TURN_MS = 0.02;

/** What a look found. */
export interface Reaped {
  /** Tasks settled by it. */
  readonly reaped: number;
  readonly inFlight: number;
  /** Finished tasks whose letter is not readable yet: no signal will tell when it is. */
  readonly unread: number;
}

/** How many reapers of this thread have something in flight. */
let busy = 0;
let keepAlive: NodeJS.Timeout | undefined;

/** Never fires in practice: its reference keeps the process alive. One for all, as each would outlive its mill. */
function stayAlive(): void {
  keepAlive ??= setInterval(() => {}, 2 ** 31 - 1);
  if (busy++ === 0) keepAlive.ref();
}

function mayEnd(): void {
  if (--busy === 0) keepAlive!.unref();
}

export class Reaper {
  readonly #signal: LaneSignal;
  readonly #reap: () => Reaped;
  readonly #budget = new LookBudget(POLL);
  readonly #poll = (): void => this.#look();
  #state: 'idle' | 'polling' | 'resting' = 'idle';
  /** Nothing is in flight; what is sent before the turn ends will be looked for in it. */
  #standsBy = false;
  /** Until then a look within this turn may begin. */
  #turnEndsAt = 0;
  /** A wait on the signal stands, perhaps of an earlier rest. */
  #signalAwaited = false;
  #lastProgress = 0;

  constructor(signal: LaneSignal, reap: () => Reaped) {
    this.#signal = signal;
    this.#reap = reap;
  }

  /** Something is in flight from now on. */
  start(): void {
    if (this.#state !== 'idle') return;
    stayAlive();
    this.#lastProgress = performance.now();
    this.#pollSoon();
  }

  /** All that is sent in one go has been. */
  sent(): void {
    if (!this.#standsBy) return;
    this.#standsBy = false;
    this.#lookAtOnce();
  }

  /** Something was settled by other means than reaping, after a thread's death for instance. */
  nudge(): void {
    if (this.#state !== 'resting') return;
    this.#signal.stopAsking();
    this.#pollSoon();
  }

  #pollSoon(): void {
    this.#state = 'polling';
    setImmediate(this.#poll);
  }

  /** Once a turn. */
  #look(): void {
    this.#standsBy = false;
    const { reaped, inFlight, unread } = this.#reap();
    const now = performance.now();
    if (reaped > 0) {
      if (this.#state === 'polling') this.#budget.paid();
      this.#turnEndsAt = now + TURN_MS;
      this.#progressed(now, inFlight);
      this.#pollSoon();
    } else if (inFlight === 0) {
      this.#state = 'idle';
      mayEnd();
    } else if (unread > 0 || now - this.#lastProgress < this.#budget.ms) {
      this.#pollSoon();
    } else {
      this.#budget.inVain();
      this.#rest();
    }
  }

  #progressed(now: number, inFlight: number): void {
    this.#lastProgress = now;
    this.#standsBy = inFlight === 0 && now < this.#turnEndsAt;
  }

  /** Within a turn: the next is due as it is. */
  #lookAtOnce(): void {
    const startedAt = performance.now();
    do {
      for (let i = 0; i < TRIES; i++) {
        const { reaped, inFlight } = this.#reap();
        if (reaped > 0) this.#progressed(startedAt, inFlight);
        if (reaped > 0 || inFlight === 0) return;
      }
    } while (performance.now() - startedAt < AT_ONCE_MS);
  }

  #rest(): void {
    const seen = this.#signal.count;
    this.#signal.ask();
    // Once more, now that the workers can see that we rest.
    const { reaped, inFlight, unread } = this.#reap();
    if (reaped > 0 || inFlight === 0 || unread > 0) {
      this.#signal.stopAsking();
      if (reaped > 0) this.#lastProgress = performance.now();
      this.#pollSoon();
      return;
    }
    this.#state = 'resting';
    // The wait of a rest that a nudge cut short stands still, and serves this one.
    if (this.#signalAwaited) return;
    const signal = this.#signal.next(seen);
    if (!signal) {
      this.#pollSoon();
      return;
    }
    this.#signalAwaited = true;
    void signal.then(() => {
      this.#signalAwaited = false;
      if (this.#state !== 'resting') return;
      this.#budget.came(performance.now() - this.#lastProgress);
      this.#look();
    });
  }
}
