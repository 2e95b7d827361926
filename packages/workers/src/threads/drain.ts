/**
 * The drain loop: claims tasks from shared memory and runs them, spins a little when there are none,
 * then parks. As long as no op is asynchronous, it never returns to the thread's event loop.
 */
import { parentPort, type MessagePort } from 'node:worker_threads';
import type { SlotRef } from '@millrace/core/internal';
import { Claims } from '../dispatch/claims.js';
import {
  BULK,
  CONFIG,
  EXTENT,
  FLAGS,
  MILL_LANE,
  RECORD,
  laneAt,
  laneOf,
} from '../dispatch/layout.js';
import { LaneSignal } from '../dispatch/lane-signal.js';
import { deserialize } from '../dispatch/serialization.js';
import { WakeUp } from '../dispatch/wake-up.js';
import type { Announcement } from '../ops/configurations.js';
import { enterThread } from '../ops/current-thread.js';
import { guests } from '../ops/guests.js';
import { LoadedOps, type LoadedOp } from '../ops/loaded-ops.js';
import type { Warmth } from '../ops/warmth.js';
import { Execution } from './execution.js';
import { GivingWay, statOfThisThread } from './giving-way.js';
import { GAVE_WAY, TASKS_ENDED, type Stuck, type VacancyTaken, type Welcome } from './messages.js';
import { LettingGo } from './letting-go.js';
import { Lookout } from './lookout.js';
import { SpinBudget } from './spin-budget.js';
import type { Outlet, OutletBasis, OutletSource } from './task-mill.js';
import { ThreadMemory } from './thread-memory.js';
import { Tenure } from './tenure.js';

/** How long the teardown of ops may keep a thread that leaves. */
const LEAVE_WITHIN_MS = 500;

/** So many small tasks run while a long one breathes; then that goes on for a while. */
const TASKS_A_BREATH = 16;

export class Drain {
  readonly #me: number;
  readonly #words: Int32Array;
  readonly #claims: Claims;
  readonly #wakeUp: WakeUp;
  readonly #signals: (LaneSignal | undefined)[] = [];
  readonly #tenure: Tenure;
  readonly #ops: LoadedOps;
  readonly #execution: Execution;
  readonly #warmth: Warmth;
  readonly #lookout: Lookout;
  readonly #memory: ThreadMemory;
  readonly #endedAt: number;
  readonly #givingWay: GivingWay;
  #outlet: Promise<Outlet> | undefined;
  /** Tasks whose op has returned a promise that is not settled yet, and what ops have submitted themselves. */
  #pending = 0;
  /** How many of those are tasks that ops of this thread have submitted, and wait for. */
  #awaited = 0;
  /** How many are chunks of large operations. */
  #bulky = 0;
  #occupied = false;
  #calls: number;
  #breathing = false;
  readonly #lettingGo = new LettingGo(() => this.#onSettled?.());
  #onSettled: (() => void) | undefined;

  /** @param openOutlet makes what ops submit by */
  constructor(
    port: MessagePort,
    welcome: Welcome,
    openOutlet: (basis: OutletBasis) => Promise<Outlet>,
  ) {
    this.#me = welcome.thread;
    this.#words = new Int32Array(welcome.dispatch);
    this.#claims = new Claims(this.#words, this.#me);
    this.#wakeUp = new WakeUp(this.#words);
    this.#calls = this.#wakeUp.calls(this.#me);
    const { spinners } = welcome;
    const spin = new SpinBudget();
    this.#lookout = new Lookout(this.#claims, this.#wakeUp, this.#me, spinners, spin);
    const memory = new ThreadMemory(welcome.memory, welcome.thread, () => this.#ops.drainPort());
    this.#memory = memory;
    this.#endedAt = memory.counterAt(TASKS_ENDED);
    const gaveWayAt = memory.counterAt(GAVE_WAY);
    this.#givingWay = new GivingWay({
      mill: welcome.millStat,
      own: statOfThisThread(),
      onNap: () => memory.count(gaveWayAt, 1),
    });
    this.#tenure = new Tenure(this.#words, this.#me, welcome.afterTasks, welcome.tellHeap);
    enterThread({
      id: welcome.thread,
      get buffers() {
        return memory.pools;
      },
      monitor: welcome.monitor,
    });
    this.#ops = new LoadedOps(port, welcome.ops, (renewal) => {
      memory.takeRenewal(renewal);
      this.#lettingGo.begin();
    });
    this.#warmth = welcome.warmth;
    guests.onLeft = () => this.#onSettled?.();
    // Not all of the welcome, which holds the arenas as they are now: some of them will be dropped.
    const terms = { threads: welcome.threads, limits: welcome.limits };
    const outlet: OutletSource = {
      open: () => (this.#outlet ??= this.#openOutlet(openOutlet, terms)),
      hold: () => {
        this.#pending++;
        this.#awaited++;
        this.#onSettled?.();
      },
      release: () => {
        this.#pending--;
        this.#awaited--;
        this.#onSettled?.();
      },
    };
    this.#execution = new Execution(
      { words: this.#words, memory, outlet, breathe: () => this.#breathe() },
      port,
    );
  }

  /** Drains tasks until the thread is to leave, and then until it has finished what it has begun. */
  async run(): Promise<void> {
    if (this.#warmth.number > 0) await this.#ops.warm(this.#warmth);
    this.#wakeUp.begin(this.#me);
    let rested = false;
    do {
      while (!this.#leaves) {
        this.#answerCalls();
        const at = this.#lookout.next(this.#pending === 0);
        if (at < 0) {
          // piscina has yet to take in that the thread has started: until then it holds the process.
          if (!rested) await turn();
          else await this.#rest();
          rested = true;
          continue;
        }
        this.#tenure.takes();
        // Whoever takes a task and leaves others behind fetches help.
        if (this.#wakeUp.someoneSleeps && this.#claims.anyWaiting) this.#wakeUp.wakeOne();
        const op = this.#ops.get(this.#words[at + CONFIG]!);
        const settled = op ? this.#start(at, op) : await this.#loadAndStart(at);
        // With asynchronous ops under way, or guests, the event loop gets its turn between tasks.
        if (!settled || this.#pending > 0 || this.#ops.busy || guests.count > 0) await turn();
        this.#tenure.tellHeap();
      }
      this.#lookout.end();
    } while (await this.#isHeldUp());
    await this.#finishUp();
  }

  /**
   * Whether it is time to leave. While its own ops wait for tasks it goes on to take some: those might wait
   * for this very thread, or for others that are to leave as well.
   */
  get #leaves(): boolean {
    if (this.#awaited > 0) return false;
    return (this.#tenure.over && guests.count === 0) || this.#wakeUp.mustLeave(this.#me);
  }

  /** Takes nothing more until its ops have ended. True when one of them waits for tasks instead. */
  async #isHeldUp(): Promise<boolean> {
    // It may have been woken for a task that it leaves to another.
    if (this.#claims.anyWaiting) this.#wakeUp.wakeOne();
    guests.close();
    while (this.#pending > 0) {
      if (this.#awaited > 0) return true;
      this.#answerCalls();
      this.#wakeUp.awaitCalls(this.#me);
      if (this.#calls === this.#wakeUp.calls(this.#me)) await this.#nextEvent();
    }
    return false;
  }

  /** Leaves, holding nothing any more. */
  async #finishUp(): Promise<void> {
    // What is torn down may take its time, but not for ever.
    await Promise.race([this.#ops.close(), later(LEAVE_WITHIN_MS)]);
    // Those who look for memory find it at once, without a sweep.
    this.#memory.trim();
    this.#wakeUp.leave(this.#me);
  }

  /** Runs the task; false when it goes on asynchronously. */
  #start(at: number, op: LoadedOp): boolean {
    const bulk = (this.#words[at + FLAGS]! & BULK) !== 0;
    if (bulk) this.#occupy();
    const going = this.#execution.run(at, op);
    if (!going) {
      const idle = this.#pending === 0 && !this.#breathing;
      if (idle && !this.#ops.busy && guests.count === 0) this.#lookout.ahead();
      this.#finish(at, bulk);
      return true;
    }
    this.#pending++;
    // The execution never rejects: a failure of the op is its outcome.
    void going.then(() => {
      this.#pending--;
      this.#finish(at, bulk);
      this.#onSettled?.();
    });
    return false;
  }

  async #loadAndStart(at: number): Promise<boolean> {
    let op: LoadedOp;
    try {
      if (laneAt(at) !== MILL_LANE) this.#ops.announce(this.#readRecord(at));
      op = await this.#ops.load(this.#words[at + CONFIG]!);
    } catch (error) {
      this.#execution.fail(at, error);
      this.#finish(at, false);
      return true;
    }
    return this.#start(at, op);
  }

  /** What a branch has written down about the task's configuration. */
  #readRecord(at: number): Announcement {
    const ref = this.#words[at + RECORD]! as SlotRef;
    // A copy, since what is deserialized may hold views onto it.
    const record = Buffer.from(this.#memory.viewOf(ref, this.#words[at + EXTENT]!));
    return deserialize(record) as Announcement;
  }

  #openOutlet(
    open: (basis: OutletBasis) => Promise<Outlet>,
    { threads, limits }: Pick<Welcome, 'threads' | 'limits'>,
  ): Promise<Outlet> {
    return open({
      words: this.#words,
      buffers: this.#memory.pools,
      threadCount: threads,
      limits,
      onStuck: (worker) => parentPort?.postMessage({ millrace: 'stuck', worker } satisfies Stuck),
      onVacancy: () => parentPort?.postMessage({ millrace: 'vacancy' } satisfies VacancyTaken),
    });
  }

  /** Within a task that takes long. */
  #breathe(): void {
    // It may read its input first, and be blocked by that: only now is it sure to breathe.
    this.#vacate();
    const small = !this.#breathing && this.#claims.smallWaiting;
    if (small) this.#runSmallOnes();
    this.#givingWay.breathe(small);
  }

  /** Runs small tasks that wait, a few at a time and not within one another. */
  #runSmallOnes(): void {
    this.#breathing = true;
    for (let i = 0; i < TASKS_A_BREATH && !this.#tenure.over; i++) {
      const at = this.#claims.nextSmall();
      if (at < 0) break;
      this.#tenure.takes();
      const op = this.#ops.get(this.#words[at + CONFIG]!);
      if (op) this.#start(at, op);
      else this.#startLater(at);
    }
    this.#breathing = false;
  }

  /** Loads an op as soon as the event loop turns. */
  #startLater(at: number): void {
    this.#pending++;
    void this.#loadAndStart(at).then(() => {
      this.#pending--;
      this.#onSettled?.();
    });
  }

  /** Begins a chunk of a large operation: small tasks that wait are the express worker's now, if all are at one. */
  #occupy(): void {
    if (this.#bulky++ > 0) return;
    this.#occupied = true;
    if (this.#wakeUp.occupy(this.#me) && this.#claims.smallWaiting) this.#wakeUp.wakeOne();
  }

  /** From now on it looks after small tasks itself. */
  #vacate(): void {
    if (!this.#occupied) return;
    this.#occupied = false;
    this.#wakeUp.vacate(this.#me);
  }

  #finish(at: number, bulk: boolean): void {
    this.#memory.count(this.#endedAt, 1);
    this.#claims.tableAt(at).finish(at, this.#me);
    if (bulk && --this.#bulky === 0) this.#vacate();
    this.#signalOf(laneAt(at)).signal();
  }

  #signalOf(lane: number): LaneSignal {
    return (this.#signals[lane] ??= new LaneSignal(this.#words, laneOf(lane)));
  }

  /** Somebody has called since: tasks under way may have been cancelled, and the port may have news. */
  #answerCalls(): void {
    const calls = this.#wakeUp.calls(this.#me);
    if (calls === this.#calls) return;
    this.#calls = calls;
    this.#execution.tellCancelled();
    this.#ops.drainPort();
  }

  /** Parks until there is work, or the mill closes, or somebody calls, or an asynchronous op has settled. */
  async #rest(): Promise<void> {
    this.#ops.drainPort();
    // A task that waits for others than us: whoever woke us for it wanted one of them.
    if (this.#claims.anyWaiting && !this.#claims.waiting) this.#wakeUp.wakeOne();
    const dozes =
      this.#pending > 0 || this.#ops.busy || guests.count > 0 || this.#lettingGo.goingOn;
    this.#lookout.announce(dozes);
    // Once more, now that whoever publishes can see us.
    if (
      this.#claims.waiting ||
      this.#leaves ||
      this.#ops.received !== this.#wakeUp.mail(this.#me) ||
      this.#calls !== this.#wakeUp.calls(this.#me)
    ) {
      this.#wakeUp.withdraw(this.#me);
      if (this.#pending > 0 || guests.count > 0) await turn();
      return;
    }
    if (dozes) await this.#nextEvent();
    else this.#wakeUp.park(this.#me);
    this.#lookout.woken();
    this.#wakeUp.withdraw(this.#me);
  }

  /** Resolves when an asynchronous op has settled, a guest has left, or somebody wakes this thread. */
  async #nextEvent(): Promise<void> {
    const settled = new Promise<void>((resolve) => (this.#onSettled = resolve));
    await Promise.race([settled, this.#wakeUp.parkAsync(this.#me)]);
    this.#onSettled = undefined;
  }
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
