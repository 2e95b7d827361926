/**
 * One thread, from its start to its end. piscina starts it with its limits, and ends it: a pool of one
 * thread for each life, so that every thread can be started, limited and ended apart from the others.
 * No task and no message of a task goes through piscina.
 *
 *   starting ──hello──▶ ready ──asked to leave──▶ leaving
 *      └──────────────────┴───────── exit ───────────┴──▶ gone
 *
 * piscina would start another thread at once when one ends: whether there is to be one is the mill's to
 * say, so the pool goes with its thread.
 */
import { getPriority } from 'node:os';
import type { MessagePort, Worker } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { MillraceError, type ThreadId } from '@millrace/core';
import { JOINED_CORE } from '@millrace/core/mill';
import type { Warm } from '../ops/warmth.js';
import type { Birth, Hello, Stuck, VacancyTaken, Welcome } from './messages.js';
import type { ThreadSettings } from './settings.js';

const CORE = fileURLToPath(JOINED_CORE);
const ENTRY = fileURLToPath(new URL('../entry.cjs', import.meta.url));

/** A thread at work. */
export interface WorkerThread {
  /** Its id in shared memory. */
  readonly id: ThreadId;
  /** Node's id of the thread. */
  readonly threadId: number;
  readonly name: string;
  /** The niceness that its tasks run at. */
  readonly nice: number;
  readonly port: MessagePort;
  readonly worker: Worker;
}

export interface ThreadEvents {
  /** It has started, and waits for its welcome. */
  readonly onHello: (thread: Thread) => void;
  /** A task that it has submitted does not end: the worker that is at it must be ended. */
  readonly onStuck: (worker: number) => void;
  /** It has submitted a task, and there could be more threads. */
  readonly onVacancy: () => void;
  /** It has ended; `cause` is what ended it. */
  readonly onGone: (thread: Thread, cause: unknown) => void;
}

export class Thread {
  readonly name: string;
  readonly threadId: number;
  readonly worker: Worker;
  readonly bornMs = performance.now();
  /** Somebody here has decided that it is to end: its end is no sign of illness. */
  dismissed = false;
  /** It is not to be replaced when it has ended. */
  superfluous = false;
  #state: 'starting' | 'ready' | 'leaving' | 'gone' = 'starting';
  #hello: Hello | undefined;
  #ready: WorkerThread | undefined;
  readonly #gone: Promise<void>;
  /** Who waits until it has imported what it was told to. */
  #cold: { number: number; resolve: () => void; reject: (error: MillraceError) => void }[] = [];
  #warmth = 0;

  /** @throws what Node throws when it cannot start a thread so */
  constructor(name: string, settings: ThreadSettings, events: ThreadEvents) {
    const { nice, env, resourceLimits, execArgv } = settings;
    const pool = new Piscina({
      filename: ENTRY,
      name: 'worker',
      minThreads: 1,
      maxThreads: 1,
      idleTimeout: Infinity,
      // piscina must not park the thread: it parks on the mill's own words.
      atomics: 'disabled',
      recordTiming: false,
      // For "#mill": a thread does without the modules that only a mill's owner needs.
      execArgv: [...execArgv, '--conditions=millrace-thread'],
      workerData: { name, nice, millraceCore: CORE } satisfies Birth,
      ...(env !== undefined && { env }),
      ...(resourceLimits && { resourceLimits }),
    });
    pool.on('workerDestroy', () => void pool.destroy());
    // The thread's own error event tells of it.
    pool.on('error', () => {});

    this.name = name;
    this.worker = pool.threads[0]!;
    this.threadId = this.worker.threadId;
    this.worker.on('message', (message: Hello | Stuck | VacancyTaken | Warm | null) => {
      if (message?.millrace === 'warm') this.#warm(message);
      if (message?.millrace === 'stuck') events.onStuck(message.worker);
      if (message?.millrace === 'vacancy') events.onVacancy();
      if (message?.millrace !== 'hello') return;
      this.#hello = message;
      events.onHello(this);
    });
    let cause: unknown;
    this.worker.once('error', (error: unknown) => (cause = error));
    this.#gone = new Promise((resolve) => {
      this.worker.once('exit', (code) => {
        this.#state = 'gone';
        for (const { resolve: settle } of this.#cold.splice(0)) settle();
        events.onGone(
          this,
          cause ??
            new MillraceError('ERR_WORKER_DIED', `Thread "${name}" exited with code ${code}`),
        );
        resolve();
      });
    });
  }

  get state(): 'starting' | 'ready' | 'leaving' | 'gone' {
    return this.#state;
  }

  /** The thread as others know it, once it has been welcomed. */
  get ready(): WorkerThread | undefined {
    return this.#ready;
  }

  /** Tells a thread that has said hello all it needs to begin. */
  welcome(welcome: Welcome): WorkerThread {
    const { port, nice = getPriority() } = this.#hello!;
    const { name, threadId, worker } = this;
    port.postMessage(welcome);
    port.unref();
    this.#state = 'ready';
    return (this.#ready = { id: welcome.thread, threadId, name, nice, port, worker });
  }

  /** Resolves when it has imported what the warmth of this number names, or is gone. @throws MillraceError `ERR_OP_LOAD` */
  warmed(number: number): Promise<void> {
    if (this.#state === 'gone' || this.#warmth >= number) return Promise.resolve();
    return new Promise((resolve, reject) => this.#cold.push({ number, resolve, reject }));
  }

  #warm({ number, trouble }: Warm): void {
    this.#warmth = number;
    const done = this.#cold.filter((waiting) => waiting.number <= number);
    this.#cold = this.#cold.filter((waiting) => waiting.number > number);
    for (const waiting of done) {
      if (trouble === undefined || waiting.number < number) waiting.resolve();
      else waiting.reject(new MillraceError('ERR_OP_LOAD', trouble));
    }
  }

  /** Notes that it has been asked to leave. */
  leaves(superfluous: boolean): void {
    this.dismissed = true;
    this.superfluous = superfluous;
    this.#state = 'leaving';
  }

  /** Ends it, whatever it is at. Resolves when it is dead for certain. */
  async end(): Promise<void> {
    void this.worker.terminate();
    await this.#gone;
  }

  /** Resolves when it has ended of itself; the process stays until then. */
  async ended(): Promise<void> {
    if (this.#state !== 'gone') this.worker.ref();
    await this.#gone;
  }
}
