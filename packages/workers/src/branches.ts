/**
 * The mill's side of branches: threads that were given a handle, to submit tasks of their own.
 *
 *   invite ──▶ handle ──attachMill──▶ attached ──port closed: left, or dead──▶ its lane is buried, its id freed
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type {
  ArenaRenewal,
  BufferPools,
  MemoryHandle,
  MillraceError,
  ThreadId,
} from '@millrace/core';
import type { CommonLimits } from './dispatch/limits.js';

/**
 * What another thread needs to use a mill: for one thread, once. Send it with its port among what is
 * transferred: `worker.postMessage(handle, [handle.port])`.
 */
export interface MillHandle {
  readonly port: MessagePort;
  readonly memory: MemoryHandle;
  readonly dispatch: SharedArrayBuffer;
  readonly thread: ThreadId;
  readonly threadCount: number;
  readonly limits: CommonLimits;
}

/** What the mill's own thread tells those whom it has given a handle. */
export type BranchNews =
  | { readonly type: 'renewal'; readonly renewal: ArenaRenewal }
  | { readonly type: 'closing' }
  | { readonly type: 'closed'; readonly code: MillraceError['code']; readonly message: string };

/** What those tell the mill's own thread. */
export type BranchReply =
  | { readonly type: 'attached' }
  | { readonly type: 'stuck'; readonly worker: number }
  | { readonly type: 'vacancy' };

export interface BranchesOptions {
  readonly dispatch: SharedArrayBuffer;
  readonly buffers: BufferPools;
  readonly threadCount: number;
  readonly limits: CommonLimits;
  readonly onStuck: (worker: number) => void;
  /** One of them has submitted a task, and there could be more threads. */
  readonly onVacancy: () => void;
  /** The thread with this id, registered for `owner`, is gone. */
  readonly onGone: (thread: ThreadId, owner: number) => void;
}

interface Guest {
  readonly port: MessagePort;
  attached: boolean;
}

/** Node's ids of threads are small: these are told apart from them. */
const FIRST_OWNER = 2 ** 28;

export class Branches {
  readonly #options: BranchesOptions;
  readonly #guests = new Set<Guest>();
  #nextOwner = FIRST_OWNER;
  #onGone: (() => void)[] = [];

  constructor(options: BranchesOptions) {
    this.#options = options;
  }

  /** @throws MillraceError `ERR_TOO_MANY_THREADS` */
  invite(): MillHandle {
    const { dispatch, buffers, threadCount, limits, onStuck, onVacancy, onGone } = this.#options;
    const owner = this.#nextOwner++;
    const thread = buffers.registry.register(owner);
    const { port1, port2 } = new MessageChannel();
    const guest: Guest = { port: port1, attached: false };
    this.#guests.add(guest);
    port1.on('message', (reply: BranchReply) => {
      if (reply.type === 'attached') guest.attached = true;
      else if (reply.type === 'stuck') onStuck(reply.worker);
      else onVacancy();
    });
    port1.on('close', () => {
      this.#guests.delete(guest);
      onGone(thread, owner);
      for (const tell of this.#onGone.splice(0)) tell();
    });
    port1.unref();
    return { port: port2, memory: buffers.handle, dispatch, thread, threadCount, limits };
  }

  tell(news: BranchNews): void {
    for (const { port } of this.#guests) port.postMessage(news);
  }

  /** Has all of them end what they have in flight and let go; those that never attached are let go. */
  async drain(): Promise<void> {
    this.tell({ type: 'closing' });
    for (const { port, attached } of this.#guests) if (!attached) port.close();
    for (const { port } of this.#guests) port.ref();
    while (this.#guests.size > 0) {
      await new Promise<void>((resolve) => this.#onGone.push(resolve));
    }
  }

  /** Tells all of them that nobody will take their tasks any more. */
  dismiss({ code, message }: MillraceError): void {
    this.tell({ type: 'closed', code, message });
    for (const { port } of this.#guests) port.close();
  }
}
