/**
 * How long work that never has to wait goes on at a stretch. After that the event loop has a turn: what
 * else waits for this thread is late by a stretch, and no more.
 */
const STRETCH_MS = 1;

export class Stretch {
  #since: number | undefined;

  /** Whether it is time for a {@link turn}. The first call is its beginning. */
  over(): boolean {
    const now = performance.now();
    this.#since ??= now;
    return now - this.#since >= STRETCH_MS;
  }

  /** The event loop has had a turn. */
  restart(): void {
    this.#since = undefined;
  }
}

const { setImmediate: immediate } = globalThis as {
  readonly setImmediate?: (callback: () => void) => unknown;
};

/**
 * Calls back after a turn of the event loop, at once if that has nothing to do.
 *
 * Where there is `setImmediate`, a message would not do: Node reads a thousand of them in one turn. In
 * browsers a timer would not do, which takes 4 ms.
 */
export function afterTurn(callback: () => void): void {
  if (immediate) {
    immediate(callback);
    return;
  }
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    callback();
  };
  port2.postMessage(0);
}

export function turn(): Promise<void> {
  return new Promise((resolve) => afterTurn(resolve));
}
