/**
 * When the owner of a lane looks for finished tasks.
 *
 *   start ──▶ poll, once a turn of the event loop ──nothing for a while──▶ rest on waitAsync
 *               ▲                                                              │
 *               └───────────────────────── signal ────────────────────────────┘
 *
 * Polling answers short tasks within microseconds; resting costs nothing during long ones. Which it is
 * to be is learnt: polling goes on only as long as tasks lately came back within that time.
 *
 * `waitAsync` does not keep the process alive, so a timer does, while something is in flight.
 */
import type { LaneSignal } from './lane-signal.js';

/** Poll for this long after the last sign of progress. */
const PATIENCE_MS = 0.1;
/** Weight of the newest figure in the average of how long the first result of a burst takes. */
const NEWEST = 0.2;

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
  readonly #poll = (): void => this.#look();
  #state: 'idle' | 'polling' | 'resting' = 'idle';
  /** A wait on the signal stands, perhaps of an earlier rest. */
  #signalAwaited = false;
  #lastProgress = 0;
  #measuring = false;
  #startedAt = 0;
  #typicalMs = 0;

  constructor(signal: LaneSignal, reap: () => Reaped) {
    this.#signal = signal;
    this.#reap = reap;
  }

  /** Something is in flight from now on. */
  start(): void {
    if (this.#state !== 'idle') return;
    stayAlive();
    this.#lastProgress = this.#startedAt = performance.now();
    this.#measuring = true;
    this.#pollSoon();
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

  #look(): void {
    const { reaped, inFlight, unread } = this.#reap();
    const now = performance.now();
    if (reaped > 0) this.#progressed(now);
    if (inFlight === 0) {
      this.#state = 'idle';
      mayEnd();
    } else if (
      unread > 0 ||
      (this.#typicalMs < PATIENCE_MS && now - this.#lastProgress < PATIENCE_MS)
    ) {
      this.#pollSoon();
    } else {
      this.#rest();
    }
  }

  #progressed(now: number): void {
    if (this.#measuring) {
      this.#typicalMs += NEWEST * (now - this.#startedAt - this.#typicalMs);
      this.#measuring = false;
    }
    this.#lastProgress = now;
  }

  #rest(): void {
    const seen = this.#signal.count;
    this.#signal.ask();
    // Once more, now that the workers can see that we rest.
    const { reaped, inFlight, unread } = this.#reap();
    if (reaped > 0 || inFlight === 0 || unread > 0) {
      this.#signal.stopAsking();
      if (reaped > 0) this.#progressed(performance.now());
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
      if (this.#state === 'resting') this.#look();
    });
  }
}
