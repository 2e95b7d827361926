/**
 * The clock: what threads see of time during an exploration.
 *
 * A thread that looked at the real one would see something else whenever it is run again. Here each thread
 * has a clock of its own, which moves by a microsecond with each look, so that no loop waits for it in
 * vain, and by the timeout when a wait times out.
 */
import type { Runner } from './runner.js';

const MS_PER_LOOK = 0.001;

interface Clock {
  now: () => number;
}

const { now: realNow } = Date;
let undo: (() => void)[] = [];

/** The real time, in milliseconds since 1970. */
export function realTime(): number {
  return realNow();
}

/** Puts the clock in the place of `Date.now` and `performance.now`. */
export function installClock(runner: Runner): void {
  undo = [];
  const { performance } = globalThis as { performance?: Clock };
  for (const clock of [Date as Clock, performance]) {
    if (!clock) continue;
    const own = Object.getOwnPropertyDescriptor(clock, 'now');
    const real = clock.now.bind(clock);
    const start = real();
    const now = (): number => {
      if (!runner.inProcess) return real();
      runner.clockMs += MS_PER_LOOK;
      const ms = start + runner.clockMs;
      return clock === Date ? Math.floor(ms) : ms;
    };
    Object.defineProperty(clock, 'now', { configurable: true, writable: true, value: now });
    undo.push(() => {
      // It is the prototype's in some engines.
      if (own) Object.defineProperty(clock, 'now', own);
      else Reflect.deleteProperty(clock, 'now');
    });
  }
}

/** Puts the real ones back. */
export function uninstallClock(): void {
  for (const restore of undo) restore();
  undo = [];
}
