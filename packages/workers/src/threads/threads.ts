/**
 * The mill's threads. Each has a seat, and a name after it; when one ends, another may take its seat.
 *
 *   start ──▶ a thread in an empty seat ──hello──▶ admit, welcome ──▶ onReady
 *                     ▲                                                  │
 *                     └──── unless it left for want of work ◀── onGone ◀─┘
 */
import type { Health } from './health.js';
import type { Welcome } from './messages.js';
import type { ThreadSettings } from './settings.js';
import { Thread, type WorkerThread } from './thread.js';

/** How long threads that leave may take, before they are ended: what they run at their exit is the user's. */
const PATIENCE_MS = 1000;

export interface ThreadsHooks {
  /** A thread has started: registers it and says what it must be told. */
  readonly admit: (threadId: number, express: boolean) => Welcome;
  readonly onReady: (thread: WorkerThread) => void;
  /**
   * A thread has ended that was ready once; `cause` is what ended it.
   *
   * @returns whether it had left of itself, with nothing in its hands
   */
  readonly onGone: (thread: WorkerThread, cause: unknown) => boolean;
  /** A task that a thread has submitted does not end: the worker that is at it must be ended. */
  readonly onStuck: (worker: number) => void;
  /** A thread has submitted a task, and there could be more threads. */
  readonly onVacancy: () => void;
  /** Too many have died in a row: none will be started any more. */
  readonly onUnhealthy: () => void;
}

export class Threads {
  readonly #settings: ThreadSettings;
  readonly #hooks: ThreadsHooks;
  readonly #health: Health;
  readonly #seats: (Thread | undefined)[];
  /** The last seat is that of the express thread, which runs small tasks while all others are at large ones. */
  readonly #expressSeat: number;
  /** How many of the other seats are taken. */
  #taken = 0;
  #deaths = 0;
  #recycled = 0;
  #ending = false;

  constructor(settings: ThreadSettings, health: Health, hooks: ThreadsHooks) {
    this.#settings = settings;
    this.#health = health;
    this.#hooks = hooks;
    this.#expressSeat = settings.threads;
    this.#seats = Array.from({ length: settings.threads + 1 });
  }

  /** Every thread that has been started and has not ended, without the express one. */
  get all(): readonly Thread[] {
    return this.#everyone.filter((thread) => thread !== this.#seats[this.#expressSeat]);
  }

  /** The threads at work, without the express one. */
  get ready(): readonly WorkerThread[] {
    return this.all.flatMap((thread) => thread.ready ?? []);
  }

  /** All threads at work. */
  get everyoneReady(): readonly WorkerThread[] {
    return this.#everyone.flatMap((thread) => thread.ready ?? []);
  }

  /** How many more threads could be started. */
  get vacant(): number {
    return this.#ending ? 0 : this.#expressSeat - this.#taken;
  }

  get #everyone(): readonly Thread[] {
    return this.#seats.filter((thread) => thread !== undefined);
  }

  /** Threads that ended though nothing had asked them to leave, and those that left and were replaced. */
  stats(): { deaths: number; recycled: number } {
    return { deaths: this.#deaths, recycled: this.#recycled };
  }

  /** Starts so many threads in empty seats, as far as there are any. */
  start(count: number): void {
    for (let seat = 0; seat < this.#expressSeat; seat++) {
      if (count <= 0) return;
      if (this.#seats[seat]) continue;
      count--;
      this.#startIn(seat);
    }
  }

  /** Whether there is an express thread, or one starts. */
  get hasExpress(): boolean {
    return this.#seats[this.#expressSeat] !== undefined;
  }

  /** Starts the express thread, if there is none. */
  startExpress(): void {
    if (!this.hasExpress) this.#startIn(this.#expressSeat);
  }

  /** Resolves when all have imported what the warmth of this number names. @throws MillraceError `ERR_OP_LOAD` */
  async warmed(number: number): Promise<void> {
    await Promise.all(this.#everyone.map((thread) => thread.warmed(number)));
  }

  /** Ends one thread at once, whatever it is at; it is replaced, and not held to be ill. */
  async end(id: number): Promise<void> {
    const thread = this.#everyone.find(({ ready }) => ready?.id === id);
    if (!thread) return;
    thread.dismissed = true;
    await thread.end();
  }

  /** Ends all threads at once. */
  async endAll(): Promise<void> {
    this.#ending = true;
    await Promise.all(this.#everyone.map((thread) => thread.end()));
  }

  /** Resolves when all have ended that were told to leave; ends those that take long, or have not begun. */
  async leftAll(): Promise<void> {
    this.#ending = true;
    const all = this.#everyone;
    const impatience = setTimeout(() => void this.endAll(), PATIENCE_MS);
    await Promise.all(all.map((thread) => (thread.ready ? thread.ended() : thread.end())));
    clearTimeout(impatience);
  }

  #startIn(seat: number): void {
    // Whoever heard of an end may have filled the seat already, for tasks that wait.
    if (this.#ending || this.#seats[seat]) return;
    try {
      const express = seat === this.#expressSeat;
      const name = `${this.#settings.name}-${express ? 'x' : seat + 1}`;
      // It has to be quick, and takes next to no time.
      const settings = express ? { ...this.#settings, nice: 0 } : this.#settings;
      this.#seats[seat] = new Thread(name, settings, {
        onHello: (thread) => this.#welcome(thread, express),
        onStuck: (worker) => this.#hooks.onStuck(worker),
        onVacancy: () => this.#hooks.onVacancy(),
        onGone: (thread, cause) => this.#gone(seat, thread, cause),
      });
      if (!express) this.#taken++;
    } catch (cause) {
      // No thread can be started with these options, or no thread at all for now. Told later, as of one that dies.
      queueMicrotask(() => this.#replace(seat, cause));
    }
  }

  #welcome(thread: Thread, express: boolean): void {
    if (this.#ending) return;
    this.#hooks.onReady(thread.welcome(this.#hooks.admit(thread.threadId, express)));
  }

  #gone(seat: number, thread: Thread, cause: unknown): void {
    this.#seats[seat] = undefined;
    if (seat !== this.#expressSeat) this.#taken--;
    const left = thread.ready !== undefined && this.#hooks.onGone(thread.ready, cause);
    if (this.#ending) return;
    if (!left) this.#deaths++;
    if (thread.superfluous) return;
    if (left) this.#recycled++;
    if (left || thread.dismissed) this.#startIn(seat);
    else this.#replace(seat, cause);
  }

  /** Another in place of one that has died, or could not be started. */
  #replace(seat: number, cause: unknown): void {
    if (this.#ending) return;
    if (this.#health.survives(cause)) {
      // Not within whatever told of it: a start that fails at once would call itself.
      setImmediate(() => {
        if (!this.#seats[seat]) this.#startIn(seat);
      });
    } else {
      this.#ending = true;
      this.#hooks.onUnhealthy();
    }
  }
}
