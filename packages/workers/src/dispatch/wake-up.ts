/**
 * Wake-up: who sleeps, who looks for work, and who tells whom.
 *
 * Both directions use the same handshake. The sleeper announces itself and then looks once more; the
 * other side publishes and then looks for sleepers. Since all four steps are sequentially consistent,
 * one of the two sees the other, and no wake-up is lost.
 *
 * At most one worker is woken for a publication, and none while another spins: it finds the task, and
 * wakes the next one if more is waiting (as Go's scheduler does with its spinning threads). So a batch
 * costs its sender one notify, and a busy mill none.
 */
import { CLOSING, REST, SIGNAL, SLEEPERS, SPAN, SPINNERS, parkAt } from './layout.js';

export class WakeUp {
  readonly #words: Int32Array;

  constructor(words: Int32Array) {
    this.#words = words;
  }

  /** Coordinator: makes room in the bitmaps for `worker`, before it starts. */
  admit(worker: number): void {
    const span = (worker >>> 5) + 1;
    if (span > Atomics.load(this.#words, SPAN)) Atomics.store(this.#words, SPAN, span);
  }

  /** Anyone: wakes one parked worker, unless one is looking for work already. */
  wakeOne(): void {
    const words = this.#words;
    const span = Atomics.load(words, SPAN);
    for (let w = 0; w < span; w++) {
      if (Atomics.load(words, SPINNERS + w) !== 0) return;
    }
    for (let w = 0; w < span; w++) {
      for (;;) {
        const sleepers = Atomics.load(words, SLEEPERS + w);
        if (sleepers === 0) break;
        const bit = sleepers & -sleepers;
        // Whoever clears the bit is the one to wake that worker.
        if ((Atomics.and(words, SLEEPERS + w, ~bit) & bit) !== 0) {
          this.#wake(w * 32 + 31 - Math.clz32(bit));
          return;
        }
      }
    }
  }

  /** Worker: says that it looks for work. */
  startSpinning(worker: number): void {
    Atomics.or(this.#words, SPINNERS + (worker >>> 5), 1 << (worker & 31));
  }

  stopSpinning(worker: number): void {
    Atomics.and(this.#words, SPINNERS + (worker >>> 5), ~(1 << (worker & 31)));
  }

  /** How many look for work now. */
  get spinning(): number {
    const span = Atomics.load(this.#words, SPAN);
    let count = 0;
    for (let w = 0; w < span; w++) {
      let bits = Atomics.load(this.#words, SPINNERS + w);
      for (; bits !== 0; bits &= bits - 1) count++;
    }
    return count;
  }

  /** Worker: announces that it is about to park; it must look for work once more before it does. */
  announce(worker: number): void {
    Atomics.store(this.#words, parkAt(worker), 0);
    Atomics.or(this.#words, SLEEPERS + (worker >>> 5), 1 << (worker & 31));
  }

  /** Worker: takes the announcement back, having found work. */
  withdraw(worker: number): void {
    Atomics.and(this.#words, SLEEPERS + (worker >>> 5), ~(1 << (worker & 31)));
  }

  /** Worker: sleeps until somebody wakes it. */
  park(worker: number): void {
    Atomics.wait(this.#words, parkAt(worker), 0);
  }

  /** Worker: like {@link park}, but leaves the thread to its event loop meanwhile. */
  async parkAsync(worker: number): Promise<void> {
    const wait = Atomics.waitAsync(this.#words, parkAt(worker), 0);
    if (wait.async) await wait.value;
  }

  /** Forgets a dead worker's announcements. */
  forget(worker: number): void {
    this.withdraw(worker);
    this.stopSpinning(worker);
  }

  /** Coordinator: wakes workers whether there is work or not. */
  wakeAll(workers: Iterable<number>): void {
    for (const worker of workers) this.#wake(worker);
  }

  /** Coordinator: tells all workers to leave. */
  close(workers: Iterable<number>): void {
    Atomics.store(this.#words, CLOSING, 1);
    this.wakeAll(workers);
  }

  get closing(): boolean {
    return Atomics.load(this.#words, CLOSING) !== 0;
  }

  /** Worker: tells the coordinator that something is done, if it rests. */
  signal(): void {
    const words = this.#words;
    if (Atomics.load(words, REST) === 1 && Atomics.compareExchange(words, REST, 1, 0) === 1) {
      Atomics.add(words, SIGNAL, 1);
      Atomics.notify(words, SIGNAL);
    }
  }

  /** Coordinator: asks for a signal; it must look for finished tasks once more before it rests. */
  askForSignal(): void {
    Atomics.store(this.#words, REST, 1);
  }

  /** Coordinator: needs no signal any more. */
  stopAsking(): void {
    Atomics.store(this.#words, REST, 0);
  }

  /** Coordinator: resolves at the next signal after `seen`; `undefined` when it has come already. */
  nextSignal(seen: number): Promise<unknown> | undefined {
    const wait = Atomics.waitAsync(this.#words, SIGNAL, seen);
    return wait.async ? wait.value : undefined;
  }

  get signals(): number {
    return Atomics.load(this.#words, SIGNAL);
  }

  #wake(worker: number): void {
    const at = parkAt(worker);
    Atomics.store(this.#words, at, 1);
    // All waiters, not one: waits that parkAsync has left behind stand in front of the one that counts.
    Atomics.notify(this.#words, at);
  }
}
