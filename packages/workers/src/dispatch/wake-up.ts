/**
 * Wake-up: which worker sleeps, which looks for work, and who wakes whom.
 *
 * The sleeper announces itself and then looks once more; the other side publishes and then looks for
 * sleepers. Since all four steps are sequentially consistent, one of the two sees the other, and no
 * wake-up is lost. `lane-signal.ts` does the same the other way.
 *
 * At most one worker is woken for a publication, and none while another spins: it finds the task, and
 * wakes the next one if more is waiting (as Go's scheduler does with its spinning threads). So a batch
 * costs its sender one notify, and a busy mill none. The express worker is woken only when all others
 * are at chunks.
 */
import { allOccupied } from './claims.js';
import {
  ADMITTED,
  AT_WORK,
  CLOSING,
  EXPRESS,
  HAS_LEFT,
  LANES,
  LATEST,
  OCCUPIED,
  SLEEPERS,
  SPAN,
  SPINNERS,
  TO_LEAVE,
  WORKERS,
  callsAt,
  heapAt,
  mailAt,
  parkAt,
  stageAt,
} from './layout.js';

export class WakeUp {
  readonly #words: Int32Array;

  constructor(words: Int32Array) {
    this.#words = words;
  }

  /** Coordinator: makes room in the bitmaps for `worker`, before it starts. */
  admit(worker: number, express = false): void {
    this.#reach(worker);
    // Whoever had this id before has left its mark.
    Atomics.store(this.#words, stageAt(worker), ADMITTED);
    Atomics.store(this.#words, heapAt(worker), 0);
    Atomics.store(this.#words, mailAt(worker), 0);
    if (express) Atomics.store(this.#words, EXPRESS, worker);
    this.#set(WORKERS, worker);
  }

  /** Whoever opens a lane: workers look there from now on. */
  openLane(lane: number): void {
    this.#reach(lane);
    this.#set(LANES, lane);
  }

  closeLane(lane: number): void {
    this.#clear(LANES, lane);
  }

  laneInUse(lane: number): boolean {
    return this.#has(LANES, lane);
  }

  get lanesInUse(): number[] {
    return this.#ids(LANES);
  }

  /**
   * Submitter: wakes one worker for what it has just published, unless one looks for work: that may have taken it
   * by now, and not look any more.
   */
  wakeFor(table: { readonly waiting: boolean }): void {
    if (!this.someoneLooks && table.waiting) this.wakeOne();
  }

  /**
   * Anyone: wakes one parked worker, unless one is looking for work already. It is the one that parked last after work,
   * if that sleeps: what it worked with is in its processor's cache still.
   */
  wakeOne(): void {
    const words = this.#words;
    const span = Atomics.load(words, SPAN);
    const express = Atomics.load(words, EXPRESS);
    if (this.someoneLooks) return;
    const latest = Atomics.load(words, LATEST);
    if (latest !== express && this.#takesOut(latest)) {
      this.#wake(latest);
      return;
    }
    for (let w = 0; w < span; w++) {
      const others = express !== 0 && express >>> 5 === w ? ~(1 << (express & 31)) : ~0;
      for (;;) {
        const sleepers = Atomics.load(words, SLEEPERS + w) & others;
        if (sleepers === 0) break;
        const bit = sleepers & -sleepers;
        const worker = w * 32 + 31 - Math.clz32(bit);
        if (this.#takesOut(worker)) {
          this.#wake(worker);
          return;
        }
      }
    }
    if (express !== 0 && this.#has(SLEEPERS, express) && allOccupied(words)) this.#wake(express);
  }

  /** Whether anyone looks for work. */
  get someoneLooks(): boolean {
    const span = Atomics.load(this.#words, SPAN);
    for (let w = 0; w < span; w++) if (Atomics.load(this.#words, SPINNERS + w) !== 0) return true;
    return false;
  }

  /** Whether anyone sleeps who could be woken. Who announces itself after this looks for work itself. */
  get someoneSleeps(): boolean {
    const span = Atomics.load(this.#words, SPAN);
    for (let w = 0; w < span; w++) if (Atomics.load(this.#words, SLEEPERS + w) !== 0) return true;
    return false;
  }

  /** Worker: says that it looks for work. */
  startSpinning(worker: number): void {
    this.#set(SPINNERS, worker);
  }

  stopSpinning(worker: number): void {
    this.#clear(SPINNERS, worker);
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

  /** Worker: begins a chunk of a large operation. Whether all are at one now, and an express worker stands by. */
  occupy(worker: number): boolean {
    this.#set(OCCUPIED, worker);
    return Atomics.load(this.#words, EXPRESS) !== 0 && allOccupied(this.#words);
  }

  /** Whether any worker is at a chunk of a large operation. */
  get occupied(): boolean {
    const span = Atomics.load(this.#words, SPAN);
    for (let w = 0; w < span; w++) if (Atomics.load(this.#words, OCCUPIED + w) !== 0) return true;
    return false;
  }

  /** Worker: has ended a chunk. */
  vacate(worker: number): void {
    this.#clear(OCCUPIED, worker);
  }

  /** Worker: announces that it is about to park, having `worked` or not; it must look for work once more before it does. */
  announce(worker: number, worked: boolean): void {
    Atomics.store(this.#words, parkAt(worker), 0);
    if (worked) Atomics.store(this.#words, LATEST, worker);
    this.#set(SLEEPERS, worker);
  }

  /** Worker: is about to park and wants calls alone; it must look at their number once more before it does. */
  awaitCalls(worker: number): void {
    Atomics.store(this.#words, parkAt(worker), 0);
  }

  /** Worker: takes the announcement back, having found work. */
  withdraw(worker: number): void {
    this.#clear(SLEEPERS, worker);
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

  /** Anyone: has `worker` look at what concerns tasks under way, and at its port. */
  call(worker: number): void {
    Atomics.add(this.#words, callsAt(worker), 1);
    this.#wake(worker);
  }

  /** Worker: how often it has been called. */
  calls(worker: number): number {
    return Atomics.load(this.#words, callsAt(worker));
  }

  /** Coordinator: is about to post a message to `worker`, which may become readable later than words do. */
  post(worker: number): void {
    Atomics.add(this.#words, mailAt(worker), 1);
  }

  /** Worker: how many messages have been posted to it. */
  mail(worker: number): number {
    return Atomics.load(this.#words, mailAt(worker));
  }

  /** Forgets a dead worker's announcements. */
  forget(worker: number): void {
    for (const bitmap of [SLEEPERS, SPINNERS, OCCUPIED, WORKERS]) this.#clear(bitmap, worker);
    Atomics.compareExchange(this.#words, EXPRESS, worker, 0);
  }

  /** Coordinator: wakes workers whether there is work or not. */
  wakeAll(workers: Iterable<number>): void {
    for (const worker of workers) this.#wake(worker);
  }

  /** Whoever has buried a worker: the dead may have been about to wake one that nobody else sees asleep. */
  wakeEveryone(): void {
    this.wakeAll(this.#ids(WORKERS));
  }

  /** Coordinator: tells all workers to leave. */
  close(workers: Iterable<number>): void {
    Atomics.store(this.#words, CLOSING, 1);
    this.wakeAll(workers);
  }

  get closing(): boolean {
    return Atomics.load(this.#words, CLOSING) !== 0;
  }

  /** Worker: begins to look for work, unless it has been asked to leave already. */
  begin(worker: number): void {
    Atomics.compareExchange(this.#words, stageAt(worker), ADMITTED, AT_WORK);
  }

  /** Coordinator: whether a worker has begun to look for work. */
  hasBegun(worker: number): boolean {
    return Atomics.load(this.#words, stageAt(worker)) !== ADMITTED;
  }

  /** Coordinator: asks one worker to leave once it has finished what it has begun. */
  askToLeave(worker: number): void {
    Atomics.store(this.#words, stageAt(worker), TO_LEAVE);
    this.#wake(worker);
  }

  /** Worker: whether it should leave. */
  mustLeave(worker: number): boolean {
    return Atomics.load(this.#words, stageAt(worker)) >= TO_LEAVE || this.closing;
  }

  /** Worker: says that it holds nothing any more and will take nothing. */
  leave(worker: number): void {
    Atomics.store(this.#words, stageAt(worker), HAS_LEFT);
  }

  /** Coordinator: whether a worker that is gone had left of itself. */
  hasLeft(worker: number): boolean {
    return Atomics.load(this.#words, stageAt(worker)) === HAS_LEFT;
  }

  /** Whether `worker` sleeps, and is this caller's to wake. */
  #takesOut(worker: number): boolean {
    if (!this.#has(SLEEPERS, worker)) return false;
    const bit = 1 << (worker & 31);
    return (Atomics.and(this.#words, SLEEPERS + (worker >>> 5), ~bit) & bit) !== 0;
  }

  #wake(worker: number): void {
    const at = parkAt(worker);
    Atomics.store(this.#words, at, 1);
    // All waiters, not one: waits that parkAsync has left behind stand in front of the one that counts.
    Atomics.notify(this.#words, at);
  }

  /** Makes the bitmaps reach as far as `id`. */
  #reach(id: number): void {
    const words = this.#words;
    const span = (id >>> 5) + 1;
    for (;;) {
      const reached = Atomics.load(words, SPAN);
      if (reached >= span || Atomics.compareExchange(words, SPAN, reached, span) === reached)
        return;
    }
  }

  /** All that are in a bitmap. */
  #ids(bitmap: number): number[] {
    const ids: number[] = [];
    const span = Atomics.load(this.#words, SPAN);
    for (let w = 0; w < span; w++) {
      let bits = Atomics.load(this.#words, bitmap + w);
      for (; bits !== 0; bits &= bits - 1) ids.push(w * 32 + 31 - Math.clz32(bits & -bits));
    }
    return ids;
  }

  #set(bitmap: number, id: number): void {
    Atomics.or(this.#words, bitmap + (id >>> 5), 1 << (id & 31));
  }

  #clear(bitmap: number, id: number): void {
    Atomics.and(this.#words, bitmap + (id >>> 5), ~(1 << (id & 31)));
  }

  #has(bitmap: number, id: number): boolean {
    return ((Atomics.load(this.#words, bitmap + (id >>> 5)) >>> (id & 31)) & 1) !== 0;
  }
}
