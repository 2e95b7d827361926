/** The main thread's side of remote objects: in which thread each lives, and what becomes of it. */
import { MessageChannel } from 'node:worker_threads';
import { releaseProxy, wrap, type Endpoint, type Remote as ComlinkRemote } from 'comlink';
import { MillraceError, type ThreadId } from '@millrace/core';
import type { Coordinator } from '../coordinator.js';
import type { Tenants } from '../threads/tenants.js';
import { workerDied } from '../dispatch/failures.js';
import { addressOf } from '../ops/module.js';
import type { WorkerThread } from '../threads/thread.js';
import { CallerEnd } from './caller-end.js';
import { installHandlers } from './handlers.js';
import type { Wanted } from './host.js';
import { Line } from './line.js';

/**
 * An object that lives in a worker thread, as comlink shows it: each method returns a promise, each
 * property is one. To dispose of it lets it go in its thread.
 */
export type Remote<T> = ComlinkRemote<Called<T>> & AsyncDisposable & Disposable;

/** What is called there; to dispose of it is a matter of the handle's own. */
type Called<T> = T extends (...args: never[]) => unknown
  ? T
  : Omit<T, typeof Symbol.dispose | typeof Symbol.asyncDispose>;

export interface RemoteOptions {
  /** What the class is constructed with, or the function called: cloned, but for slices, which are lent. @defaultValue [] */
  readonly args?: readonly unknown[];
  /** The thread it is to live in, by its id in `mill.stats().threads`. @defaultValue the one with the fewest */
  readonly thread?: number;
}

/** One remote object, from its making on. */
interface Tenant {
  readonly thread: ThreadId;
  readonly name: string;
  readonly line: Line;
  readonly end: CallerEnd;
  opened: boolean;
}

const HOST = new URL('./host.js', import.meta.url).href;
/** What an opening fails with when its thread has left without having looked at it. */
const LEFT = new MillraceError('ERR_WORKER_DIED', 'The thread has left');

export class Remotes implements Tenants {
  readonly #coordinator: Coordinator;
  readonly #tenants = new Set<Tenant>();
  #opened = 0;
  #closing: MillraceError | undefined;

  constructor(coordinator: Coordinator) {
    this.#coordinator = coordinator;
    coordinator.crew.tenants = this;
  }

  /** How many objects have been made. */
  get opened(): number {
    return this.#opened;
  }

  /** Remote objects by thread. */
  count(thread: ThreadId): number {
    let count = 0;
    for (const tenant of this.#tenants) if (tenant.thread === thread) count++;
    return count;
  }

  async open(
    given: string | URL,
    name: string,
    { args = [], thread }: RemoteOptions,
  ): Promise<Remote<object>> {
    installHandlers();
    const url = addressOf(given);
    if (typeof name !== 'string' || name === '' || !Array.isArray(args)) {
      throw new MillraceError(
        'ERR_INVALID_ARG',
        `Cannot make a remote object by "${String(name)}" of ${url} as it needs an export's name, and an array as "args" if any`,
      );
    }
    for (;;) {
      await this.#coordinator.hosted();
      if (this.#closing) throw this.#closing;
      const tenant = this.#moveIn(this.#choose(thread), { url, name });
      try {
        await tenant.end.open(args);
        tenant.opened = true;
        this.#opened++;
        return handleOf(tenant.end);
      } catch (error) {
        tenant.end.close();
        if (error !== LEFT) throw error;
      }
    }
  }

  /** Lets all go, once the calls under way are answered; or leaves them to the end of their threads. */
  async moveOut(drain: boolean): Promise<void> {
    this.#closing ??= new MillraceError(
      'ERR_MILL_CLOSED',
      'Cannot call a remote object as the mill is closed',
    );
    if (drain) await Promise.all([...this.#tenants].map(({ end }) => end.release()));
  }

  livesIn(thread: ThreadId): boolean {
    return this.count(thread) > 0;
  }

  bury(thread: ThreadId, cause: unknown, left: boolean): void {
    for (const { thread: home, line, name, opened } of this.#tenants) {
      if (home !== thread) continue;
      const error = this.#closing ?? workerDied(`Remote object "${name}" is gone`, cause);
      line.die(left && !opened && !this.#closing ? LEFT : error);
    }
  }

  #moveIn(home: WorkerThread, wanted: Wanted): Tenant {
    const { port1, port2 } = new MessageChannel();
    const leave = (): void => void this.#tenants.delete(tenant);
    const line = new Line(this.#coordinator.buffers, () => () => {}, leave);
    const end = new CallerEnd(port1, line);
    const tenant: Tenant = { thread: home.id, name: wanted.name, line, end, opened: false };
    this.#tenants.add(tenant);
    this.#coordinator.crew.post(home, { type: 'guest', url: HOST, port: port2, what: wanted }, [
      port2,
    ]);
    return tenant;
  }

  #choose(thread: number | undefined): WorkerThread {
    const { hosts } = this.#coordinator.crew;
    if (thread === undefined) {
      return hosts.reduce((best, one) => (this.count(one.id) < this.count(best.id) ? one : best));
    }
    const chosen = hosts.find(({ id }) => id === thread);
    if (chosen) return chosen;
    throw new MillraceError(
      'ERR_INVALID_ARG',
      `Cannot make a remote object in thread ${String(thread)} as there are only threads ${hosts.map(({ id }) => id).join(', ')}`,
    );
  }
}

/** What the user holds. */
function handleOf(end: CallerEnd): Remote<object> {
  const release = (): Promise<void> => end.release();
  const own = new Map<string | symbol, unknown>([
    // It is no promise, though all its other properties are.
    ['then', undefined],
    [Symbol.asyncDispose, release],
    [Symbol.dispose, () => void release()],
    [releaseProxy, () => void release()],
  ]);
  return new Proxy(wrap(end as Endpoint) as object, {
    get: (remote, name) => (own.has(name) ? own.get(name) : Reflect.get(remote, name)),
  }) as Remote<object>;
}
