/**
 * The crew: a mill's worker threads, as those upstairs speak to them.
 *
 *   start ──▶ hello ──▶ welcome: let in, has a port ──▶ ready ──▶ gone ──▶ buried ──▶ forgotten
 *
 * What all are to know is posted to the port of each, which a worker reads when it goes to rest, or is woken to.
 */
import { availableParallelism } from 'node:os';
import type { MessagePort } from 'node:worker_threads';
import type { MillraceError } from '@millrace/core';
import type { Workforce } from '../dispatch/workforce.js';
import type { Announcement, Withdrawal } from '../ops/configurations.js';
import type { OpAddress, Warmth } from '../ops/warmth.js';
import { Health } from './health.js';
import { householdOf } from './household.js';
import type { Renewal, Welcome, WorkerMessage } from './messages.js';
import type { ThreadSettings } from './settings.js';
import type { Tenants } from './tenants.js';
import type { WorkerThread } from './thread.js';
import { Threads } from './threads.js';
import { Upkeep } from './upkeep.js';
import { WarmUps } from './warm-ups.js';

/** How many announcements may wait on the port of a worker that rests. */
const ANNOUNCEMENTS_AT_REST = 512;

/** How long the other threads of a new mill leave the processors to the first, if no task waits for them. */
const FOLLOW_AFTER_MS = 50;

export interface CrewHooks {
  /** A thread has started, which Node calls `owner`: registers it, and says what it must be told. */
  readonly welcome: (owner: number, express: boolean) => Welcome;
  /** A thread that had been welcomed is dead for certain; `cause` is what ended it. */
  readonly onGone: (thread: WorkerThread, cause: unknown) => void;
  /** Too many have died in a row: none will be started any more. */
  readonly onUnhealthy: (complaint: MillraceError) => void;
  /** A number that grows while the mill does what it is for. */
  readonly signsOfLife: () => number;
}

export interface CrewStats {
  /** Threads that ended though nothing had asked them to leave. */
  deaths: number;
  /** Threads that left, and were replaced. */
  recycled: number;
  /** What ended the thread that died last. */
  lastCause: unknown;
}

export class Crew {
  /** Set by whoever has things live in threads. */
  tenants: Tenants | undefined;
  readonly #workforce: Workforce;
  readonly #threads: Threads;
  readonly #health: Health;
  readonly #upkeep: Upkeep;
  readonly #warmUps = new WarmUps();
  /** By worker: messages go there, and letters come from there. */
  readonly #ports = new Map<number, MessagePort>();
  #announced = 0;
  /** How many threads there are to be from the start; 0 once they were there. */
  #least = 0;
  #onChange: (() => void)[] = [];

  /** Starts no thread yet. */
  constructor(settings: ThreadSettings, workforce: Workforce, hooks: CrewHooks) {
    this.#workforce = workforce;
    this.#health = new Health(settings.maxDeathsInARow, hooks.signsOfLife);
    this.#threads = new Threads(settings, this.#health, {
      admit: (owner, express) => {
        const welcome = hooks.welcome(owner, express);
        workforce.admit(welcome.thread, express);
        return welcome;
      },
      onReady: ({ id, port }) => {
        this.#ports.set(id, port);
        this.#tellOfChange();
        if (this.#threads.ready.length >= this.#least) this.#least = 0;
        else setTimeout(() => this.complete(), FOLLOW_AFTER_MS).unref();
      },
      onGone: (thread, cause) => {
        const left = workforce.hasLeft(thread.id);
        hooks.onGone(thread, cause);
        return left;
      },
      onStuck: (worker) => this.end(worker),
      onVacancy: () => this.answer(),
      onUnhealthy: () => hooks.onUnhealthy(this.#health.complaint()),
    });
    this.#upkeep = new Upkeep(
      settings,
      householdOf(this.#threads, workforce, () => this.tenants),
    );
  }

  /**
   * Starts so many threads, as far as there may be so many. As many start at once as find a processor beside this
   * thread: more would delay one another, and the first result with them. The others follow a moment after the first
   * hello, or as soon as tasks wait for them.
   */
  start(count: number): void {
    this.#threads.start(Math.min(count, Math.max(1, availableParallelism() - 1)));
    this.#least = count;
    this.lookForTasks();
  }

  /** Whether some that are to be there from the start have yet to say hello. */
  get incomplete(): boolean {
    return this.#least > 0;
  }

  /** Starts those at once that were to follow. */
  complete(): void {
    if (this.incomplete) this.#threads.start(this.#least - this.#threads.all.length);
  }

  /** There may be fewer threads now than there could be: starts more if tasks wait, or as soon as some are submitted. */
  lookForTasks(): void {
    this.#lookForSmallTasks();
    this.#upkeep.lookForTasks();
  }

  /** A task has been submitted, of a large operation or not: starts more threads if it should not wait for one. */
  serve(bulk: boolean): void {
    if (!bulk && this.#workforce.occupied) this.#threads.startExpress();
    this.growSoon();
  }

  /** Another thread has submitted a task, and says that it may want one more worker. */
  answer(): void {
    if (!this.#workforce.occupied) this.#lookForSmallTasks();
    this.serve(false);
  }

  /** Tasks may wait: starts more threads soon, if there may be more. */
  growSoon(): void {
    if (this.#threads.vacant > 0) this.#upkeep.growSoon();
  }

  /** The threads at work, without the express one. */
  get workers(): readonly WorkerThread[] {
    return this.#threads.ready;
  }

  /** The threads at work, the express one among them. */
  get everyone(): readonly WorkerThread[] {
    return this.#threads.everyoneReady;
  }

  /** The threads that take what comes, which those that are leaving do not. */
  get hosts(): readonly WorkerThread[] {
    return this.#threads.all.flatMap((thread) =>
      thread.state === 'ready' && thread.ready ? thread.ready : [],
    );
  }

  /** Resolves when a thread has become ready, or all are to go. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#onChange.push(resolve));
  }

  /** What threads that start later are to import. */
  get warmth(): Warmth {
    return this.#warmUps.warmth;
  }

  /** Has every thread import the modules of ops, those that start later too. @throws MillraceError `ERR_OP_LOAD` */
  warmUp(ops: readonly OpAddress[]): Promise<void> {
    this.complete();
    return this.#warmUps.add(
      ops,
      (warmth) => {
        this.#tell(warmth);
        for (const worker of this.#ports.keys()) this.#workforce.call(worker);
      },
      (number) => this.#threads.warmed(number),
    );
  }

  /** Tells all how an op is configured, or that it is not any more. */
  announce(message: Announcement | Withdrawal): void {
    this.#tell(message);
    // Workers read their ports when they go to rest; one that rests for long would let them pile up.
    const urgent = message.type === 'drop' && message.urgent;
    if (++this.#announced % ANNOUNCEMENTS_AT_REST === 0 || urgent) this.#wakeAll();
  }

  /** Tells all that an arena was dropped. One that is parked would keep its memory for as long as it is. */
  renew(message: Renewal): void {
    this.#tell(message);
    this.#wakeAll();
  }

  /** Posts a message to a thread, and has it read at once, or after the task that it is at. */
  post({ id, port }: WorkerThread, message: WorkerMessage, transfer: MessagePort[]): void {
    this.#workforce.post(id);
    port.postMessage(message, transfer);
    this.#workforce.call(id);
  }

  /** Where letters of a worker come from, if there is a port to it. */
  portOf(worker: number): MessagePort | undefined {
    return this.#ports.get(worker);
  }

  stats(): CrewStats {
    return { ...this.#threads.stats(), lastCause: this.#health.lastCause };
  }

  /** Ends one thread at once, whatever it is at; it is replaced. */
  end(worker: number): void {
    void this.#threads.end(worker);
  }

  /** A thread is dead for certain: marks what it left behind. Letters of it can still be read, see {@link forget}. */
  bury({ id }: WorkerThread, cause: unknown): void {
    this.tenants?.bury(id, cause, this.#workforce.hasLeft(id));
    this.#workforce.bury(id);
  }

  /** Nothing of a thread that was buried is wanted any more. */
  forget({ id }: WorkerThread): void {
    this.#ports.delete(id);
  }

  /** Has all leave once they have finished what they have begun. */
  async leave(): Promise<void> {
    this.#upkeep.stop();
    this.#tellOfChange();
    this.#workforce.close(this.#ports.keys());
    await this.#threads.leftAll();
  }

  /** Ends all at once. Resolves when they are dead for certain. */
  async endAll(): Promise<void> {
    this.#upkeep.stop();
    this.#tellOfChange();
    await this.#threads.endAll();
  }

  #lookForSmallTasks(): void {
    if (this.#threads.hasExpress) return;
    if (this.#workforce.announceExpress()) this.#threads.startExpress();
  }

  #tell(message: WorkerMessage): void {
    for (const { id, port } of this.#threads.everyoneReady) {
      this.#workforce.post(id);
      port.postMessage(message);
    }
  }

  #wakeAll(): void {
    this.#workforce.wakeAll(this.#ports.keys());
  }

  #tellOfChange(): void {
    for (const tell of this.#onChange.splice(0)) tell();
  }
}
