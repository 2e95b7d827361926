/**
 * How many cells may be in use at a time.
 *
 * All of them, as a rule: the more tasks lie ready, the longer the workers have enough to do while the owner is at
 * something else. But an owner that does nothing but send and take is back at once, and a few cells are enough: those
 * stay in everyone's cache, where thousands would not. The other tasks wait in the backlog.
 *
 *   look, take ──▶ continuations, which send ──▶ elsewhere ──▶ look, take …
 */
import { soon } from './soon.js';

/** So many cells go round then: 64 KiB. */
const FEW = 512;
/** With few, the owner may be elsewhere for this part of its time. */
const MOST_ELSEWHERE = 0.2;
/** It is elsewhere for longer when it has been so many times in a row: a processor may be taken from it now and then. */
const IN_A_ROW = 4;

export class Circulation {
  readonly #all: number;
  #most: number;
  /** Since when it is looked where the owner is: enough tasks are in flight for that to matter. */
  #sinceMs = 0;
  #results = 0;
  #elsewhereMs = 0;
  /** How many times in a row the owner has been elsewhere for long. */
  #inARow = 0;
  /** When the owner turned to something else; 0 while it has not. */
  #leftMs = 0;
  readonly #leave = (): void => void (this.#leftMs = performance.now());

  /** @param all how many cells there are */
  constructor(all: number) {
    this.#all = this.#most = all;
  }

  get most(): number {
    return this.#most;
  }

  /** The owner looks for results, while so many tasks are in flight. */
  looks(inFlight: number): void {
    if (inFlight < FEW) {
      this.#sinceMs = 0;
      return;
    }
    const now = performance.now();
    if (this.#sinceMs === 0) this.#begin(now);
    else if (this.#leftMs > 0) this.#elsewhereMs += now - this.#leftMs;
    this.#leftMs = 0;
  }

  /** The owner has taken so many results, and goes on to their continuations. */
  took(results: number): void {
    if (this.#sinceMs === 0) return;
    soon(this.#leave);
    this.#results += results;
    if (this.#results < this.#most) return;
    const now = performance.now();
    const part = this.#elsewhereMs / (now - this.#sinceMs);
    this.#begin(now);
    // What is much of the time that few cells take to go round is little of what all of them do.
    const isMuch = part > (MOST_ELSEWHERE * FEW) / this.#most;
    this.#inARow = isMuch ? this.#inARow + 1 : 0;
    if (!isMuch) this.#most = FEW;
    else if (this.#inARow >= IN_A_ROW) this.#most = this.#all;
  }

  #begin(now: number): void {
    this.#sinceMs = now;
    this.#results = this.#elsewhereMs = 0;
  }
}
