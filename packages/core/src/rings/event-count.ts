/**
 * An event count: lets threads sleep until a condition on shared words holds, at the cost of one
 * load of a quiet word to those who make it hold.
 *
 *   31                     1   0
 *   |  times it was rung   | asleep |
 *
 * Sleeper: announce (set `asleep`), look at the condition once more, sleep while the word is as it
 * was. Waker: publish, then look at the word, and ring if `asleep` is set. All four steps are
 * sequentially consistent, so that either the sleeper sees what was published, or the waker sees the
 * sleeper. Ringing clears the bit and wakes everybody; whose condition still does not hold announces
 * itself again.
 *
 * A sleeper that dies leaves the bit set: that costs the next waker one notify, and nothing else. A
 * waker that dies may have cleared the bit and woken nobody: so whoever sweeps up after a thread, or
 * takes its place, rings with {@link EventCount.ringAnyway}.
 *
 * One word serves any number of sleepers and wakers. Zero means nobody sleeps.
 *
 * Source: D. Vyukov's eventcount, as in Eigen and folly (`EventCount.h`).
 */

const ASLEEP = 1;
const ONE_RING = 2;
/** The longest delay that timers know. */
const LONGEST_MS = 2 ** 31 - 1;

/** How to wait. */
export interface WaitOptions {
  /** Gives up after so many milliseconds. @defaultValue Infinity */
  readonly timeoutMs?: number;
  /** Gives up when it is aborted: the promise rejects with its reason. */
  readonly signal?: AbortSignal;
  /**
   * Keeps the process alive meanwhile: the engine's own wait does not. Has no meaning in browsers.
   *
   * @defaultValue true
   */
  readonly keepAlive?: boolean;
}

/** How to wait in a thread that may block. */
export interface WaitSyncOptions {
  /** Gives up after so many milliseconds. @defaultValue Infinity */
  readonly timeoutMs?: number;
  /** How often to look before going to sleep; waking a thread can take 50 µs. @defaultValue 200 */
  readonly spins?: number;
}

export class EventCount {
  readonly #words: Int32Array;
  readonly #at: number;

  constructor(words: Int32Array, at: number) {
    this.#words = words;
    this.#at = at;
  }

  /** Wakes all who sleep; to be called after what they wait for was published by an atomic store. */
  ring(): void {
    const word = Atomics.load(this.#words, this.#at);
    if ((word & ASLEEP) === 0) return;
    // Lost only to another ring: whoever announced itself after that one looks after our publication.
    const rung = (word + ONE_RING) & ~ASLEEP;
    if (Atomics.compareExchange(this.#words, this.#at, word, rung) === word) {
      Atomics.notify(this.#words, this.#at);
    }
  }

  /** Wakes all who sleep, whether they can be seen or not: on behalf of a waker that died. */
  ringAnyway(): void {
    Atomics.add(this.#words, this.#at, ONE_RING);
    Atomics.notify(this.#words, this.#at);
  }

  /**
   * Blocks this thread until `ready` returns true; not for threads that must not block.
   *
   * @returns false when the time was up first
   */
  waitSync(
    ready: () => boolean,
    { timeoutMs = Infinity, spins = 200 }: WaitSyncOptions = {},
  ): boolean {
    for (let i = 0; i < spins; i++) if (ready()) return true;
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const seen = this.#announce();
      if (ready()) return true;
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) return false;
      Atomics.wait(this.#words, this.#at, seen, leftMs);
    }
  }

  /**
   * Resolves to true once `ready` returns true, or to false when the time was up first.
   *
   * @throws the reason of `signal`, when that was aborted first
   */
  async wait(
    ready: () => boolean,
    { timeoutMs = Infinity, signal, keepAlive = true }: WaitOptions = {},
  ): Promise<boolean> {
    signal?.throwIfAborted();
    if (ready()) return true;
    const deadline = performance.now() + timeoutMs;
    const alive = keepAlive ? setInterval(() => {}, LONGEST_MS) : undefined;
    let abort = (): void => {};
    const aborted = new Promise<void>((resolve) => (abort = resolve));
    signal?.addEventListener('abort', abort);
    try {
      for (;;) {
        const seen = this.#announce();
        if (ready()) return true;
        const leftMs = deadline - performance.now();
        if (leftMs <= 0) return false;
        const sleep = Atomics.waitAsync(this.#words, this.#at, seen, leftMs);
        // A sleep that is abandoned ends with the next ring: everybody is woken by it.
        if (sleep.async) await (signal ? Promise.race([sleep.value, aborted]) : sleep.value);
        signal?.throwIfAborted();
      }
    } finally {
      clearInterval(alive);
      signal?.removeEventListener('abort', abort);
    }
  }

  /** @returns the word that a sleep must find unchanged */
  #announce(): number {
    return Atomics.or(this.#words, this.#at, ASLEEP) | ASLEEP;
  }
}
