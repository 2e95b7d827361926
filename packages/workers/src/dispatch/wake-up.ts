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
import { IdSet, reach } from './id-set.js';
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
  readonly #sleepers: IdSet;
  readonly #dozers: IdSet;
  readonly #spinners: IdSet;
  readonly #occupied: IdSet;
  readonly #workers: IdSet;
  readonly #lanes: IdSet;

  constructor(words: Int32Array) {
    this.#words = words;
    this.#sleepers = new IdSet(words, SLEEPERS);
    this.#dozers = new IdSet(words, DOZERS);
    this.#spinners = new IdSet(words, SPINNERS);
    this.#occupied = new IdSet(words, OCCUPIED);
    this.#workers = new IdSet(words, WORKERS);
    this.#lanes = new IdSet(words, LANES);
  }

  /** Coordinator: lets `worker` in, before it starts. */
  admit(worker: number, express = false): void {
    reach(this.#words, worker);
    // Whoever had this id before has left its mark.
    Atomics.store(this.#words, stageAt(worker), ADMITTED);
    Atomics.store(this.#words, heapAt(worker), 0);
    Atomics.store(this.#words, mailAt(worker), 0);
    if (express) Atomics.store(this.#words, EXPRESS, worker);
    this.#workers.add(worker);
  }

  /** Whoever opens a lane: workers look there from now on. */
  openLane(lane: number): void {
    reach(this.#words, lane);
    this.#lanes.add(lane);
  }

  closeLane(lane: number): void {
    this.#lanes.delete(lane);
  }

  laneInUse(lane: number): boolean {
    return this.#lanes.has(lane);
  }

  get lanesInUse(): number[] {
    return this.#lanes.ids();
  }

  /**
   * Submitter: wakes one worker for what it has just published, unless one looks for work: that may have taken it
   * by now, and not look any more.
   */
  wakeFor(table: { readonly waiting: boolean }): void {
    if (!this.someoneLooks && table.waiting) this.wakeOne();
  }

  /**
   * Anyone: wakes one parked worker, or all that doze, unless one is looking for work already. It is the one that parked
   * last after work, if that sleeps: what it worked with is in its processor's cache still.
   */
  wakeOne(): void {
    const words = this.#words;
    const express = Atomics.load(words, EXPRESS);
    if (this.someoneLooks) return;
    const latest = Atomics.load(words, LATEST);
    if (latest !== express && this.#sleepers.take(latest)) {
      this.#wake(latest);
      return;
    }
    for (const worker of this.#sleepers.ids()) {
      if (worker === express || !this.#sleepers.take(worker)) continue;
      this.#wake(worker);
      return;
    }
    for (const worker of this.#dozers.ids()) {
      if (worker !== express && this.#dozers.take(worker)) this.#wake(worker);
    }
    if (express !== 0 && this.#sleeps(express) && allOccupied(words)) this.#wake(express);
  }

  /** Whether anyone looks for work. */
  get someoneLooks(): boolean {
    return !this.#spinners.isEmpty;
  }

  /** Whether anyone sleeps who could be woken. Who announces itself after this looks for work itself. */
  get someoneSleeps(): boolean {
    return !this.#sleepers.isEmpty || !this.#dozers.isEmpty;
  }

  /** Worker: says that it looks for work. */
  startSpinning(worker: number): void {
    this.#spinners.add(worker);
  }

  stopSpinning(worker: number): void {
    this.#spinners.delete(worker);
  }

  /** How many look for work now. */
  get spinning(): number {
    return this.#spinners.size;
  }

  /** Worker: begins a chunk of a large operation. Whether all are at one now, and an express worker stands by. */
  occupy(worker: number): boolean {
    this.#occupied.add(worker);
    return Atomics.load(this.#words, EXPRESS) !== 0 && allOccupied(this.#words);
  }

  /** Whether any worker is at a chunk of a large operation. */
  get occupied(): boolean {
    return !this.#occupied.isEmpty;
  }

  /** Worker: has ended a chunk. */
  vacate(worker: number): void {
    this.#occupied.delete(worker);
  }

  /** Worker: announces that it is about to park, having `worked` or not; it must look for work once more before it does. */
  announce(worker: number, worked: boolean): void {
    Atomics.store(this.#words, parkAt(worker), 0);
    if (worked) Atomics.store(this.#words, LATEST, worker);
    this.#sleepers.add(worker);
  }

  /** Worker: like {@link announce}, but it leaves the thread to its event loop, where something goes on. */
  announceDoze(worker: number): void {
    Atomics.store(this.#words, parkAt(worker), 0);
    this.#dozers.add(worker);
  }

  /** Worker: is about to park and wants calls alone; it must look at their number once more before it does. */
  awaitCalls(worker: number): void {
    Atomics.store(this.#words, parkAt(worker), 0);
  }

  /** Worker: takes the announcement back, having found work. */
  withdraw(worker: number): void {
    // Whoever wakes one takes it out.
    if (this.#sleepers.has(worker)) this.#sleepers.delete(worker);
    if (this.#dozers.has(worker)) this.#dozers.delete(worker);
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
    this.#sleepers.delete(worker);
    this.#dozers.delete(worker);
    this.#spinners.delete(worker);
    this.#occupied.delete(worker);
    this.#workers.delete(worker);
    Atomics.compareExchange(this.#words, EXPRESS, worker, 0);
  }

  /** Coordinator: wakes workers whether there is work or not. */
  wakeAll(workers: Iterable<number>): void {
    for (const worker of workers) this.#wake(worker);
  }

  /** Whoever has buried a worker: the dead may have been about to wake one that nobody else sees asleep. */
  wakeEveryone(): void {
    this.wakeAll(this.#workers.ids());
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

  #sleeps(worker: number): boolean {
    return this.#sleepers.has(worker) || this.#dozers.has(worker);
  }

  #wake(worker: number): void {
    const at = parkAt(worker);
    Atomics.store(this.#words, at, 1);
    // All waiters, not one: waits that parkAsync has left behind stand in front of the one that counts.
    Atomics.notify(this.#words, at);
  }
}
