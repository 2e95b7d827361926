/**
 * The worker's side of configured ops: announcements come in over the control port, modules are
 * imported when their op is first needed.
 */
import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import { MillraceError, type ArenaRenewal } from '@millrace/core';
import type { Announcement, Withdrawal } from './configurations.js';
import { Op } from './define-op.js';
import type { AnyDefinition, OpKind } from './definition.js';

/** What the coordinator posts to a worker. */
type Incoming =
  Announcement | Withdrawal | { readonly type: 'renewal'; readonly renewal: ArenaRenewal };

export interface LoadedOp {
  readonly name: string;
  readonly kind: OpKind;
  readonly run: AnyDefinition<unknown>['run'];
  readonly params: unknown;
}

export class LoadedOps {
  readonly #port: MessagePort;
  readonly #onRenewal: (renewal: ArenaRenewal) => void;
  readonly #announced = new Map<number, Announcement>();
  readonly #loaded = new Map<number, LoadedOp>();

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

  /** The op, if its module has been imported already. */
  get(id: number): LoadedOp | undefined {
    return this.#loaded.get(id);
  }

  /**
   * Imports the op's module.
   *
   * @throws MillraceError `ERR_OP_LOAD`
   */
  async load(id: number): Promise<LoadedOp> {
    const { url, name, params } = this.#announcement(id);
    let op: unknown;
    try {
      op = ((await import(url)) as Record<string, unknown>)[name];
    } catch (cause) {
      throw new MillraceError(
        'ERR_OP_LOAD',
        `Cannot load op "${name}" as importing ${url} failed: ${String(cause)}`,
        { cause },
      );
    }
    if (!(op instanceof Op)) {
      throw new MillraceError(
        'ERR_OP_LOAD',
        `Cannot load op "${name}" as ${url} does not export an op of that name`,
      );
    }
    const loaded = { name, kind: op.kind, run: op.definition.run, params };
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

  /** Takes in what the coordinator has announced. */
  drainPort(): void {
    for (;;) {
      const received = receiveMessageOnPort(this.#port);
      if (!received) return;
      const message = received.message as Incoming;
      if (message.type === 'config') this.#announced.set(message.id, message);
      else if (message.type === 'renewal') this.#onRenewal(message.renewal);
      else {
        this.#announced.delete(message.id);
        this.#loaded.delete(message.id);
      }
    }
  }
}
