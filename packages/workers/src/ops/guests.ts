/**
 * Guests: what lives in a worker thread beside tasks, and needs its event loop to turn. Who asks for one
 * says which module sees to it; the thread loads that when it is first asked, and not at its start.
 */
import type { MessagePort } from 'node:worker_threads';
import { importByName } from './module.js';

/** Main → worker, over the control port. */
export interface GuestRequest {
  readonly type: 'guest';
  /** The module that sees to it: it exports a {@link Host} as `host`. */
  readonly url: string;
  /** The guest's own line to whoever asked. */
  readonly port: MessagePort;
  readonly what: unknown;
}

/** Lets a guest live in the thread, and resolves once it has come. What it throws ends the thread. */
export type Host = (what: unknown, port: MessagePort) => void | Promise<void>;

class Guests {
  #count = 0;
  #closed = false;
  #onLeft: () => void = () => {};

  /** How many there are: while there are some, the event loop must turn. */
  get count(): number {
    return this.#count;
  }

  /** Called whenever one has left. */
  set onLeft(onLeft: () => void) {
    this.#onLeft = onLeft;
  }

  /** One comes. @returns to be called once, when it leaves */
  enter(): () => void {
    this.#count++;
    return () => {
      this.#count--;
      this.#onLeft();
    };
  }

  /** Has a guest hosted, unless the thread is about to leave: then its end tells whoever asked. */
  async admit({ url, port, what }: GuestRequest): Promise<void> {
    if (this.#closed) return;
    const leave = this.enter();
    const { host } = (await importByName(url)) as { readonly host: Host };
    await host(what, port);
    leave();
  }

  /** Takes no more. */
  close(): void {
    this.#closed = true;
  }
}

/** Those of the calling thread. */
export const guests = new Guests();
