/**
 * The owner's end of a port: what comlink's `expose` speaks to. Slices among the arguments of a call are
 * lent to it, those in its result are handed over.
 */
import type { MessagePort } from 'node:worker_threads';
import type { Slice } from '@millrace/core';
import { Loan } from '../ops/loan.js';
import { handingNote } from '../ops/lending.js';
import { pack, unpack } from '../ops/parcel.js';
import { seeOff, welcome, type Joining, type Line, type Message } from './line.js';
import { thrownOf } from './thrown.js';

type Listener = (event: { data: Message }) => void;

export class OwnerEnd implements Joining {
  readonly #port: MessagePort;
  #line: Line | undefined;
  readonly #listeners = new Set<Listener>();
  /** Calls that have not ended, with what was lent for them. */
  readonly #calls = new Map<string, Loan | undefined>();
  #released = false;
  #closed = false;
  #leave: (() => void) | undefined;
  /** Called when the caller has let go and all calls have ended: the port is closed after it. */
  onReleased: () => void | Promise<void> = () => {};

  constructor(port: MessagePort) {
    this.#port = port;
    port.on('message', (message: Message) => this.#take(message));
    port.once('close', () => {
      this.#closed = true;
      this.#leave?.();
    });
  }

  /** Until it is said to which line it belongs it is like any port. */
  join(line: Line): void {
    this.#line = line;
    this.#leave = line.enter();
    this.#port.unref();
  }

  addEventListener(_type: 'message', listener: Listener): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_type: 'message', listener: Listener): void {
    this.#listeners.delete(listener);
  }

  /** Sends what a call has come to. */
  postMessage(message: Message, transfer: readonly MessagePort[] = []): void {
    const loan = this.#calls.get(message.id);
    this.#calls.delete(message.id);
    const own = new Set<Slice>();
    try {
      this.#send(message, transfer, loan, own);
    } catch (error) {
      for (const slice of own) slice[Symbol.dispose]();
      // What cannot be sent is told instead.
      const { id } = message;
      this.#port.postMessage({ id, type: 'HANDLER', name: 'throw', value: thrownOf(error) });
    }
    loan?.end();
    if (this.#released && this.#calls.size === 0) void this.#end();
  }

  /** There is nothing to call. */
  close(): void {
    this.#port.close();
  }

  #send(
    message: Message,
    transfer: readonly MessagePort[],
    loan: Loan | undefined,
    own: Set<Slice>,
  ): void {
    const line = this.#line;
    if (!line) {
      this.#port.postMessage(message, transfer);
      return;
    }
    const { buffers } = line;
    const { value, notes } = pack(message, (slice) => handingNote(slice, buffers, loan, own));
    if (this.#closed) {
      for (const slice of own) slice.release();
      return;
    }
    const handles = [...own].map((slice) => slice.handOver());
    try {
      this.#port.postMessage({ ...(value as Message), notes }, transfer);
    } catch (error) {
      // Not gone after all: they are of no use to anyone.
      for (const handle of handles) buffers.adopt(handle).release();
      throw error;
    }
    seeOff(message, line);
  }

  #take(message: Message): void {
    const line = this.#line;
    const { id, type, notes = [] } = message;
    if (!line) return this.#hear(message);
    const loan = new Loan(line.buffers);
    this.#calls.set(id, loan);
    if (type === 'RELEASE') {
      this.#released = true;
      this.postMessage({ id, type: 'RAW' });
    } else if (type === 'ENDPOINT') {
      const error = new TypeError('A remote object of a mill has no further endpoints');
      this.postMessage({ id, type: 'HANDLER', name: 'throw', value: thrownOf(error) });
    } else {
      const call = unpack(message, notes, (note) => loan.lend(note)) as Message;
      welcome(call, line);
      this.#hear(call);
    }
  }

  #hear(data: Message): void {
    for (const listener of this.#listeners) listener({ data });
  }

  async #end(): Promise<void> {
    await this.onReleased();
    this.#port.close();
  }
}
