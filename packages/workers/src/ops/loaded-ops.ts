/**
 * The worker's side of configured ops: announcements come in over the control port; an op's module is
 * imported, and its `setup` called, when a task of it first comes.
 *
 *   announced ──first task──▶ imported, set up ──dropped, or the thread leaves──▶ torn down
 */
import { parentPort, receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import { MillraceError, type ArenaRenewal } from '@millrace/core';
import type { Announcement, Withdrawal } from './configurations.js';
import { guests, type GuestRequest } from './guests.js';
import { Op } from './define-op.js';
import type { AnyDefinition, OpKind } from './definition.js';
import { importByName, type Exports } from './module.js';
import type { OpAddress, Warm, Warmth } from './warmth.js';

/** What the coordinator posts to a worker. */
type Incoming =
  | Announcement
  | Withdrawal
  | GuestRequest
  | Warmth
  | { readonly type: 'renewal'; readonly renewal: ArenaRenewal };

export interface LoadedOp {
  readonly name: string;
  readonly kind: OpKind;
  readonly run: AnyDefinition<unknown>['run'];
  readonly params: unknown;
  /** What its `setup` returned. */
  readonly state: unknown;
  readonly teardown: AnyDefinition<unknown>['teardown'];
}

/** Of configurations that nobody withdraws, so many are remembered. */
const MOST_WRITTEN = 256;

export class LoadedOps {
  readonly #port: MessagePort;
  readonly #onRenewal: (renewal: ArenaRenewal) => void;
  readonly #announced = new Map<number, Announcement>();
  readonly #loading = new Map<number, Promise<LoadedOp>>();
  readonly #loaded = new Map<number, LoadedOp>();
  /** Teardowns that have not ended yet. */
  readonly #ending = new Set<Promise<void>>();
  #received = 0;
  #warming = 0;
  #warmed: Promise<void> = Promise.resolve();
  /** Those that nobody will withdraw, oldest first. */
  readonly #written = new Set<number>();

  /** @param onRenewal takes in what comes over the same port and is about memory */
  constructor(
    port: MessagePort,
    announced: readonly Announcement[],
    onRenewal: (renewal: ArenaRenewal) => void,
  ) {
    this.#port = port;
    this.#onRenewal = onRenewal;
    for (const announcement of announced) this.#announced.set(announcement.id, announcement);
  }

  /** How many messages have come. */
  get received(): number {
    return this.#received;
  }

  /** Whether a teardown or an import is under way, which needs the thread's event loop. */
  get busy(): boolean {
    return this.#ending.size > 0 || this.#warming > 0;
  }

  /** Imports modules before a task needs them, those asked for earlier first, and tells when it is done. */
  warm(warmth: Warmth): Promise<void> {
    this.#warming++;
    return (this.#warmed = this.#warmed.then(async () => {
      const trouble = await importAll(warmth.ops);
      this.#warming--;
      const { number } = warmth;
      parentPort?.postMessage({ millrace: 'warm', number, trouble } satisfies Warm);
    }));
  }

  /** The op, if it has been loaded already. */
  get(id: number): LoadedOp | undefined {
    return this.#loaded.get(id);
  }

  /**
   * Imports the op's module and calls its `setup`: once, however many tasks wait for it. What fails is
   * tried again for the next task.
   *
   * @throws MillraceError `ERR_OP_LOAD`, `ERR_OP_SETUP`
   */
  load(id: number): Promise<LoadedOp> {
    let loading = this.#loading.get(id);
    if (!loading) {
      loading = this.#load(this.#announcement(id)).finally(() => this.#loading.delete(id));
      this.#loading.set(id, loading);
    }
    return loading;
  }

  /** The thread leaves: everything is torn down. */
  async close(): Promise<void> {
    for (const id of this.#loaded.keys()) this.#drop(id);
    await Promise.all(this.#ending);
  }

  async #load({ id, url, name, params }: Announcement): Promise<LoadedOp> {
    const op = await importOp(url, name);
    const { run, setup, teardown } = op.definition;
    let state: unknown;
    try {
      state = await setup?.(params);
    } catch (cause) {
      throw new MillraceError(
        'ERR_OP_SETUP',
        `Cannot set up op "${name}" of ${url} on a worker thread: ${reasonOf(cause)}`,
        { cause },
      );
    }
    const loaded: LoadedOp = { name, kind: op.kind, run, params, state, teardown };
    this.#loaded.set(id, loaded);
    return loaded;
  }

  /**
   * The coordinator posts an announcement before it publishes a task of it, but a message may become
   * readable a moment later than the words that were stored after it.
   */
  #announcement(id: number): Announcement {
    for (;;) {
      const known = this.#announced.get(id);
      if (known) return known;
      this.drainPort();
    }
  }

  /** Takes in what another thread than the coordinator's has written down; the latest are kept. */
  announce(announcement: Announcement): void {
    this.#announced.set(announcement.id, announcement);
    this.#written.add(announcement.id);
    for (const id of this.#written) {
      if (this.#written.size <= MOST_WRITTEN) break;
      this.#written.delete(id);
      this.#forget(id);
    }
  }

  #forget(id: number): void {
    this.#announced.delete(id);
    this.#drop(id);
  }

  /** Takes in what the coordinator has announced. */
  drainPort(): void {
    for (;;) {
      const received = receiveMessageOnPort(this.#port);
      if (!received) return;
      this.#received++;
      const message = received.message as Incoming;
      if (message.type === 'config') this.#announced.set(message.id, message);
      else if (message.type === 'renewal') this.#onRenewal(message.renewal);
      else if (message.type === 'warmth') void this.warm(message);
      else if (message.type === 'guest') void guests.admit(message);
      else this.#forget(message.id);
    }
  }

  /** No task of it is left, and none will come. */
  #drop(id: number): void {
    const loaded = this.#loaded.get(id);
    this.#loaded.delete(id);
    if (!loaded?.teardown) return;
    const ending: Promise<void> = tearDown(loaded).finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }
}

/** Returns why one could not be imported, if so. */
async function importAll(ops: readonly OpAddress[]): Promise<string | undefined> {
  try {
    for (const { url, name } of ops) await importOp(url, name);
    return undefined;
  } catch (error) {
    return reasonOf((error as Error).message);
  }
}

async function importOp(url: string, name: string): Promise<Op<unknown, unknown>> {
  let exports: Exports;
  try {
    exports = await importByName(url);
  } catch (cause) {
    throw new MillraceError(
      'ERR_OP_LOAD',
      `Cannot load op "${name}" as importing ${url} failed: ${reasonOf(cause)}`,
      { cause },
    );
  }
  const op = exports[name];
  if (op instanceof Op) return op as Op<unknown, unknown>;
  throw new MillraceError(
    'ERR_OP_LOAD',
    `Cannot load op "${name}" as ${url} ${
      op === undefined ? 'has no export of that name' : 'exports something else under that name'
    }`,
  );
}

/** Nobody waits for the outcome of a teardown, so an error can only be warned of. */
async function tearDown({ name, teardown, state, params }: LoadedOp): Promise<void> {
  try {
    await teardown!(state, params);
  } catch (error) {
    process.emitWarning(`Tearing down op "${name}" failed: ${reasonOf(error)}`, 'MillraceWarning');
    // Warnings are told in the event loop's next turn: the thread must not park before.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function reasonOf(error: unknown): string {
  try {
    return String(error);
  } catch {
    // An object without a prototype, for instance, has no string.
    return `something of type ${typeof error} was thrown`;
  }
}
