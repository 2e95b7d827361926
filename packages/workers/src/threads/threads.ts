/**
 * The mill's threads. piscina owns them: it starts them, applies their limits, replaces them when they
 * die and ends them. No task and no message of a task goes through piscina.
 *
 *   piscina starts a thread ──▶ hello (threadId, control port) ──▶ welcome (memory, dispatch, ops)
 *   the thread's exit       ──▶ onGone, once it is dead for certain; piscina has started another
 */
import type { MessagePort, Worker } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { MillraceError, type ThreadId } from '@millrace/core';
import type { Hello, Welcome } from './messages.js';

export interface WorkerThread {
  /** Its id in shared memory. */
  readonly id: ThreadId;
  /** Node's id of the thread. */
  readonly threadId: number;
  readonly port: MessagePort;
  readonly worker: Worker;
}

export interface ThreadsOptions {
  readonly count: number;
  /** A new thread has said hello: registers it and says what it must be told. */
  readonly admit: (threadId: number) => Welcome;
  readonly onReady: (thread: WorkerThread) => void;
  /** A thread has ended; `cause` is what ended it, if it was an error. */
  readonly onGone: (thread: WorkerThread, cause: unknown) => void;
  /** No thread is left, and none will come: they fail before they are ready. */
  readonly onHopeless: (cause: unknown) => void;
}

export class Threads {
  readonly #options: ThreadsOptions;
  readonly #pool: Piscina;
  readonly #ready = new Map<number, WorkerThread>();
  readonly #hellos = new Map<number, Hello>();
  readonly #started = new Set<number>();
  #lastError: unknown;
  #closing = false;

  constructor(options: ThreadsOptions) {
    this.#options = options;
    this.#pool = new Piscina({
      filename: fileURLToPath(new URL('./worker.js', import.meta.url)),
      name: 'worker',
      minThreads: options.count,
      maxThreads: options.count,
      idleTimeout: Infinity,
      // piscina must not park the threads: they park on the mill's own words.
      atomics: 'disabled',
      recordTiming: false,
      execArgv: [],
    });
    this.#pool.on('message', (message: Partial<Hello> | null) => {
      if (message?.millrace !== 'hello') return;
      this.#hellos.set(message.threadId!, message as Hello);
      this.#welcome(message.threadId!);
    });
    this.#pool.on('workerCreate', (worker: { id: number }) => {
      this.#started.add(worker.id);
      this.#welcome(worker.id);
    });
    // An error that ends a thread: its exit follows.
    this.#pool.on('error', (error: unknown) => {
      this.#lastError = error;
      this.#checkHope();
    });
  }

  /** The threads that are at work. */
  get all(): readonly WorkerThread[] {
    return [...this.#ready.values()];
  }

  /** Ends all threads at once. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#pool.destroy();
  }

  /**
   * Welcomes a thread that has said hello and that piscina counts as ready: were it to die before
   * that, piscina would start no other.
   */
  #welcome(threadId: number): void {
    const hello = this.#hellos.get(threadId);
    const worker = this.#pool.threads.find((thread) => thread.threadId === threadId);
    if (!hello || !worker || !this.#started.has(threadId) || this.#closing) return;
    this.#hellos.delete(threadId);
    this.#started.delete(threadId);

    const welcome = this.#options.admit(threadId);
    const thread: WorkerThread = { id: welcome.thread, threadId, port: hello.port, worker };
    this.#ready.set(threadId, thread);
    let cause: unknown;
    worker.once('error', (error: unknown) => (cause = error));
    worker.once('exit', () => {
      this.#ready.delete(threadId);
      this.#options.onGone(thread, cause);
      this.#checkHope();
    });
    hello.port.postMessage(welcome);
    hello.port.unref();
    this.#options.onReady(thread);
  }

  #checkHope(): void {
    if (this.#closing) return;
    setImmediate(() => {
      if (this.#closing || this.#pool.threads.length > 0) return;
      this.#options.onHopeless(
        this.#lastError ??
          new MillraceError('ERR_WORKER_DIED', 'Cannot start worker threads: they end at once'),
      );
    });
  }
}
