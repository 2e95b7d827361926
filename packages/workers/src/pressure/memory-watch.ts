/**
 * Runs a memory manager for as long as memory is in use.
 *
 *   in use     sample and relieve, every `sampleEveryMs`
 *   not        wait for `bufferLifetimeMs`, then give all back that is idle, and stop
 *
 * An idle mill has nothing to give and no timer. Only while memory is short it looks again from time to time, so that
 * it is known when that is over.
 */
import type { MemoryManager } from '@millrace/core';

/** The longest that a timer of Node's can run. */
const LONGEST_MS = 2 ** 31 - 1;
/** How often an idle mill looks while memory is short. */
const LOOK_AGAIN_MS = 5000;

export class MemoryWatch {
  readonly #memory: MemoryManager;
  readonly #inUse: () => boolean;
  #timer: NodeJS.Timeout | undefined;
  #used = false;
  /** Memory was not in use at the last look. */
  #resting = true;
  #stopped = false;

  /** @param inUse whether memory is in use just now */
  constructor(memory: MemoryManager, inUse: () => boolean) {
    this.#memory = memory;
    this.#inUse = inUse;
    memory.whenUsed(this.#asked);
  }

  /** Takes beforehand what is to be at hand, step by step. */
  readonly prepare = (): void => {
    if (this.#stopped || !this.#memory.prepare()) return;
    this.used();
    setTimeout(this.prepare, 0).unref();
  };

  /** Memory is used, or was just now. */
  used(): void {
    this.#used = true;
    if (this.#resting) this.#begin();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  readonly #asked = (): void => this.used();

  #begin(): void {
    if (this.#stopped) return;
    this.#resting = false;
    // A level that was left standing is looked at first.
    const { pressure } = this.#memory;
    this.#later(pressure === 'normal' ? this.#memory.settings.sampleEveryMs : 0);
  }

  readonly #look = (): void => {
    this.#memory.whenUsed(this.#asked);
    if (this.#used || this.#inUse()) {
      this.#used = false;
      this.#memory.sample();
      this.#relieve();
    } else if (this.#resting) this.#rest();
    else {
      this.#resting = true;
      const { bufferLifetimeMs } = this.#memory.settings;
      if (this.#memory.sample() === 'normal' && bufferLifetimeMs < Infinity) {
        this.#later(bufferLifetimeMs);
      } else this.#rest();
    }
  };

  readonly #relieve = (): void => {
    const { more } = this.#memory.relieve();
    if (more) this.#later(0, this.#relieve);
    else this.#later(this.#memory.settings.sampleEveryMs);
  };

  readonly #rest = (): void => {
    const { more } = this.#memory.rest();
    if (more) this.#later(0, this.#rest);
    else if (this.#memory.sample() !== 'normal') this.#later(LOOK_AGAIN_MS);
  };

  #later(ms: number, then = this.#look): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(then, Math.min(ms, LONGEST_MS)).unref();
  }
}
