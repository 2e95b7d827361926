/**
 * Giving way: a thread that computes for long lets the mill's own thread have the processor, when that waits for it.
 *
 * Linux lets whoever computes go on until a tick of its clock, 4 ms as a rule, and whoever was just woken wait, however
 * little that wants. So with as many threads at work as there are processors, a timer or a result on the mill's thread
 * is that late. A thread looks now and then where it breathes, and when it has just ended small tasks there, whether
 * the mill's thread stands in line for the very processor that it has itself. If so it sleeps for a moment: whoever
 * waits is let in at once, and goes before it.
 *
 *   /proc/<process>/task/<thread>/stat     number (name) state … processor …
 *
 * Where there is no such file nobody gives way.
 */
import { openSync, readSync, readlinkSync } from 'node:fs';

/** A look costs 3 µs. */
const BETWEEN_LOOKS_MS = 0.5;
/** Any time will do; with the system's slack it takes 0.06 ms if nobody waits after all. */
const NAP_MS = 0.01;

const CLOSING_PARENTHESIS = 0x29;
const RUNNABLE = 'R'.charCodeAt(0);
/** Where the processor stands, counted from the state. */
const PROCESSOR = 36;
const STAT_BYTES = 1024;

/** Where the system tells of the thread that calls this; `undefined` where it does not. */
export function statOfThisThread(): string | undefined {
  try {
    return `/proc/${readlinkSync('/proc/thread-self')}/stat`;
  } catch {
    return undefined;
  }
}

export interface GivingWayOptions {
  /** Where the system tells of the mill's thread. */
  readonly mill: string | undefined;
  /** Where it tells of this one. */
  readonly own: string | undefined;
  readonly onNap: () => void;
}

export class GivingWay {
  readonly #mill: Stat;
  readonly #own: Stat;
  readonly #onNap: () => void;
  readonly #pillow = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  #nextLookMs = 0;

  constructor({ mill, own, onNap }: GivingWayOptions) {
    this.#mill = new Stat(mill);
    this.#own = new Stat(own);
    this.#onNap = onNap;
  }

  /** To be called often: gives way if the mill's thread waits. It looks at once if that was `woken` just now. */
  breathe(woken: boolean): void {
    const now = performance.now();
    if (now < this.#nextLookMs && !woken) return;
    this.#nextLookMs = now + BETWEEN_LOOKS_MS;
    if (!this.#millWaits) return;
    this.#onNap();
    Atomics.wait(this.#pillow, 0, 0, NAP_MS);
    this.#nextLookMs = performance.now() + BETWEEN_LOOKS_MS;
  }

  /** Any other processor than ours it has already, or whoever has that one lets it in. */
  get #millWaits(): boolean {
    const wanted = this.#mill.processorIfRunnable();
    return wanted !== undefined && wanted === this.#own.processorIfRunnable();
  }
}

/** What the system tells of one thread. */
class Stat {
  readonly #bytes = Buffer.allocUnsafeSlow(STAT_BYTES);
  #path: string | undefined;
  #file: number | undefined;

  constructor(path: string | undefined) {
    this.#path = path;
  }

  /** Which processor it runs on or stands in line for; `undefined` while it sleeps, or when nothing is told of it. */
  processorIfRunnable(): string | undefined {
    const size = this.#read();
    // A thread's name may hold anything, parentheses too.
    const at = this.#bytes.subarray(0, size).lastIndexOf(CLOSING_PARENTHESIS) + 2;
    if (size === 0 || this.#bytes[at] !== RUNNABLE) return undefined;
    return this.#bytes.toString('latin1', at, size).split(' ')[PROCESSOR];
  }

  #read(): number {
    if (this.#path === undefined) return 0;
    try {
      this.#file ??= openSync(this.#path, 'r');
      return readSync(this.#file, this.#bytes, 0, STAT_BYTES, 0);
    } catch {
      // It is gone, or must not be looked at.
      this.#path = undefined;
      return 0;
    }
  }
}
