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
 *
 * Whoever is parked comes when it is woken. Who dozes on its event loop may not: an op that it has begun
 * goes on there, and may block it just now. So the parked are woken first, and where there are none, all
 * who doze.
 */
import { allOccupied } from './claims.js';
import {
  ADMITTED,
  AT_WORK,
  CLOSING,
  DOZERS,
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
    const express = Atomics.load(words, EXPRESS);
    if (this.someoneLooks) return;
    const latest = Atomics.load(words, LATEST);
    if (latest !== express && this.#takesOut(SLEEPERS, latest)) {
      this.#wake(latest);
      return;
    }
    if (this.#wakeFrom(SLEEPERS, express, 1) > 0) return;
    this.#wakeFrom(DOZERS, express, Infinity);
    if (express !== 0 && this.#sleeps(express) && allOccupied(words)) this.#wake(express);
  }

  /** Whether anyone looks for work. */
  get someoneLooks(): boolean {
    return this.#any(SPINNERS);
  }

  /** Whether anyone sleeps who could be woken. Who announces itself after this looks for work itself. */
  get someoneSleeps(): boolean {
    return this.#any(SLEEPERS) || this.#any(DOZERS);
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
    return this.#any(OCCUPIED);
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

  /** Worker: like {@link announce}, but it leaves the thread to its event loop, where something goes on. */
  announceDoze(worker: number): void {
    Atomics.store(this.#words, parkAt(worker), 0);
    this.#set(DOZERS, worker);
  }

  /** Worker: is about to park and wants calls alone; it must look at their number once more before it does. */
  awaitCalls(worker: number): void {
    Atomics.store(this.#words, parkAt(worker), 0);
  }

  /** Worker: takes the announcement back, having found work. */
  withdraw(worker: number): void {
    for (const bitmap of [SLEEPERS, DOZERS])
      if (this.#has(bitmap, worker)) this.#clear(bitmap, worker);
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
    for (const bitmap of [SLEEPERS, DOZERS, SPINNERS, OCCUPIED, WORKERS]) {
      this.#clear(bitmap, worker);
    }
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

  /** Wakes workers in a bitmap, all but the express one and at most so many; how many it were. */
  #wakeFrom(bitmap: number, express: number, most: number): number {
    const span = Atomics.load(this.#words, SPAN);
    let woken = 0;
    for (let w = 0; w < span && woken < most; w++) {
      const others = express !== 0 && express >>> 5 === w ? ~(1 << (express & 31)) : ~0;
      let bits = Atomics.load(this.#words, bitmap + w) & others;
      for (; bits !== 0 && woken < most; bits &= bits - 1) {
        const worker = w * 32 + 31 - Math.clz32(bits & -bits);
        if (!this.#takesOut(bitmap, worker)) continue;
        this.#wake(worker);
        woken++;
      }
    }
    return woken;
  }

  /** Whether `worker` sleeps, and is this caller's to wake. */
  #takesOut(bitmap: number, worker: number): boolean {
    if (!this.#has(bitmap, worker)) return false;
    const bit = 1 << (worker & 31);
    return (Atomics.and(this.#words, bitmap + (worker >>> 5), ~bit) & bit) !== 0;
  }

  #sleeps(worker: number): boolean {
    return this.#has(SLEEPERS, worker) || this.#has(DOZERS, worker);
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

  /** Whether anyone is in a bitmap. */
  #any(bitmap: number): boolean {
    const span = Atomics.load(this.#words, SPAN);
    for (let w = 0; w < span; w++) if (Atomics.load(this.#words, bitmap + w) !== 0) return true;
    return false;
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
